"""What covariates explain at a pixel: linear, spline and product terms, and their means over sub-cells.

A covariate is z-scored by its pixels' mean and SD and clipped at 3.5.  *Linear* is z.  *Spline* are the four
leading principal components of five hinges max(z - t, 0), t at the pixels' quantiles .1 .3 .5 .7 .9, of
which the part that is linear in z was taken away, over the SD of the first one.  *Products* z_i z_j are
z-scored.  All of them are linear in the moments of a sub-cell (means of z, hinges and products), which are
gathered once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...base.progress import check_cancelled

#: Kinds of terms.
LINEAR, SPLINE, PRODUCTS = "linear", "spline", "products"
KINDS = (LINEAR, SPLINE, PRODUCTS)
CLIP = 3.5
#: Where the hinges of a spline begin, and how many of their components are kept.
QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)
COMPONENTS = 4
#: Hinges whose rest has less variance than this (0/1 shares) tell no more than the line.
_LEAST_VARIANCE = 1e-4
_LEAST_PRODUCT = 1e-3


@dataclass(frozen=True, eq=False)
class Scales:
    """How covariates are made standard: from the pixels of the fine stack.

    Attributes
    ----------
    mean, sd : float64, shape (p,)
    knots : float64, shape (p, 5)
        Of z.
    """

    mean: np.ndarray
    sd: np.ndarray
    knots: np.ndarray

    def z(self, x: np.ndarray) -> np.ndarray:
        """Standard covariates: float64, of the shape of `x`, (n, p)."""
        found = x - self.mean
        found /= self.sd
        return np.clip(found, -CLIP, CLIP, out=found)


@dataclass(frozen=True)
class Columns:
    """Which covariates are used, and which of them are codes of classes.

    Attributes
    ----------
    sources : tuple of int
        The covariate of each column.
    codes : tuple of float or None
        The class whose indicator a column is, for codes.
    names : tuple of str
        What columns are called.
    """

    sources: tuple[int, ...]
    codes: tuple[float | None, ...]
    names: tuple[str, ...]

    def of(self, x: np.ndarray) -> np.ndarray:
        """The columns, float64, shape (n, columns), of covariates, float, shape (n, p)."""
        if not self.sources:
            return np.zeros((len(x), 0))
        found = np.take(np.asarray(x), self.sources, axis=1).astype(np.float64)
        for column, code in enumerate(self.codes):
            if code is not None:
                found[:, column] = found[:, column] == code
        return found


#: Classes of a covariate that get an indicator, at most, and the least share of the pixels of each.
MOST_CLASSES, LEAST_CLASS = 20, 0.005


def columns_of(
    sample: np.ndarray, names: Sequence[str], categorical: Sequence[str]
) -> tuple[Columns, dict[str, str]]:
    """The columns of covariates, and why some are left out: name -> reason.

    Parameters
    ----------
    sample : float, shape (n, p)
        Covariates of pixels, no NaN.
    names : sequence of str
    categorical : sequence of str
        Those of `names` that are codes of classes.
    """
    found: list[tuple[int, float | None, str]] = []
    left_out: dict[str, str] = {}
    for number, name in enumerate(names):
        values = sample[:, number].astype(np.float64)
        if np.ptp(values) <= 1e-9 * max(float(np.abs(values).max()), 1e-12):
            left_out[name] = "constant"
        elif name in categorical:
            codes, counts = np.unique(values, return_counts=True)
            common = codes[np.argsort(-counts, kind="stable")][:MOST_CLASSES]
            kept = [code for code in common.tolist() if (values == code).mean() >= LEAST_CLASS]
            found += [(number, code, f"{name} = {code:g}") for code in sorted(kept)]
        else:
            found.append((number, None, name))
    sources, codes_of, labels = tuple(zip(*found)) if found else ((), (), ())
    return Columns(tuple(sources), tuple(codes_of), tuple(labels)), left_out


def scales_of(sample: np.ndarray) -> Scales:
    """Means, SDs and knots of a sample of pixels, float64, shape (n, p), no NaN."""
    mean, sd = sample.mean(axis=0), sample.std(axis=0)
    z = np.clip((sample - mean) / sd, -CLIP, CLIP)
    return Scales(mean, sd, np.quantile(z, QUANTILES, axis=0).T)


@dataclass(frozen=True, eq=False)
class Terms:
    """Columns of the design, as linear combinations of the moments of a covariate or of a pair.

    Attributes
    ----------
    scales : Scales
    kinds : tuple of str
    splines : tuple of float64 arrays, shape (7, k)
        For each covariate: the combinations of (1, z, hinges) that are its spline columns.
    pairs : int64, shape (q, 2)
        The covariates of each product.
    pair_mean, pair_sd : float64, shape (q,)
    """

    scales: Scales
    kinds: tuple[str, ...]
    splines: tuple[np.ndarray, ...]
    pairs: np.ndarray
    pair_mean: np.ndarray
    pair_sd: np.ndarray

    @property
    def groups(self) -> np.ndarray:
        """The covariate of each column, or p for products: int64, shape (columns,)."""
        p = len(self.scales.mean)
        linear = np.arange(p) if LINEAR in self.kinds else np.zeros(0, np.int64)
        spline = np.repeat(np.arange(p), [one.shape[1] for one in self.splines])
        return np.concatenate([linear, spline, np.full(len(self.pairs), p)]).astype(np.int64)

    @cached_property
    def mixing(self) -> np.ndarray:
        """The columns of the design by what `basis` gives: float64, shape (size of the basis, columns)."""
        p, q = len(self.scales.mean), len(self.pairs)
        hinges = self.scales.knots.shape[1]
        found, at = np.zeros((1 + p + hinges * p + q, self.width())), 0
        if LINEAR in self.kinds:
            found[1 : p + 1, :p] = np.eye(p)
            at = p
        for number, combination in enumerate(self.splines):
            begin = 1 + p + hinges * number
            rows = [0, 1 + number, *range(begin, begin + hinges)]
            found[rows, at : at + combination.shape[1]] = combination
            at += combination.shape[1]
        if q:
            found[0, at:] = -self.pair_mean / self.pair_sd
            found[-q:, at:] = np.diag(1.0 / self.pair_sd)
        return found

    def basis(self, z: np.ndarray, dtype: type = np.float64, products: bool = True) -> np.ndarray:
        """1, the standard covariates, their hinges and products: shape (size of the basis, n).

        Parameters
        ----------
        z : float64, shape (n, p)
            Standard covariates.
        dtype : type
        products : bool
            Whether these, which come last, are wanted.
        """
        p, pairs = len(self.scales.mean), self.pairs if products else self.pairs[:0]
        knots: np.ndarray = self.scales.knots.astype(dtype)
        hinges = knots.shape[1]
        columns: np.ndarray = np.ascontiguousarray(z.T, dtype)
        found: np.ndarray = np.empty((1 + p + hinges * p + len(pairs), len(z)), dtype)
        found[0] = 1.0
        found[1 : p + 1] = columns
        above = found[p + 1 : p + 1 + hinges * p].reshape(p, hinges, len(z))
        np.subtract(columns[:, None, :], knots[:, :, None], out=above)
        np.maximum(above, 0.0, out=above)
        # Runs of pairs with one and the same first, whose seconds follow each other, need no copies.
        begins = np.flatnonzero(np.any(np.diff(pairs, axis=0, prepend=-2) != (0, 1), axis=1)).tolist()
        for begin, end in zip(begins, [*begins[1:], len(pairs)]):
            first, second = pairs[begin].tolist()
            out = found[p + 1 + hinges * p :][begin:end]
            np.multiply(columns[first], columns[second : second + end - begin], out=out)
        return found

    def of_pixels(self, x: np.ndarray) -> np.ndarray:
        """The design of pixels, whose covariates are float, shape (n, p): float64, shape (n, columns)."""
        return np.asarray((self.mixing.T @ self.basis(self.scales.z(x))).T)

    def width(self) -> int:
        """How many columns the design has."""
        return len(self.groups)

    def curve(self, number: int, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The columns of one covariate alone, and their numbers in the design.

        Parameters
        ----------
        number : int
            Of the covariate.
        x : float, shape (n,)

        Returns
        -------
        design : float64, shape (n, k)
        columns : int64, shape (k,)
        """
        z = np.clip((x - self.scales.mean[number]) / self.scales.sd[number], -CLIP, CLIP)
        parts = [z[:, None]] if LINEAR in self.kinds else []
        hinges = np.maximum(z[:, None] - self.scales.knots[number], 0.0)
        parts.append(np.column_stack([np.ones(len(z)), z, hinges]) @ self.splines[number])
        columns = np.flatnonzero(self.groups == number)
        return np.concatenate(parts, axis=1), columns

    def surface(self, coefficients: np.ndarray) -> Surface:
        """What coefficients, float64, shape (columns,), come to at a pixel."""
        p = len(self.scales.mean)
        knots = np.column_stack([np.full(p, -CLIP), self.scales.knots, np.full(p, CLIP)])
        heights, at = np.zeros_like(knots), 0
        if LINEAR in self.kinds:
            heights += knots * coefficients[:p, None]
            at = p
        for number, combination in enumerate(self.splines):
            own = combination @ coefficients[at : at + combination.shape[1]]
            at += combination.shape[1]
            ends = knots[number][:, None]
            parts = np.column_stack(
                [np.ones(len(ends)), ends, np.maximum(ends - self.scales.knots[number], 0)]
            )
            heights[number] += parts @ own
        matrix, constant = np.zeros((p, p)), 0.0
        if len(self.pairs):
            own = coefficients[at:] / self.pair_sd
            matrix[self.pairs[:, 0], self.pairs[:, 1]] = own
            constant = -float(own @ self.pair_mean)
        return Surface(self.scales, knots, heights, matrix, constant)


@dataclass(frozen=True, eq=False)
class Surface:
    """A piecewise linear curve a covariate, plus z' B z.

    Attributes
    ----------
    knots, heights : float64, shape (p, 7)
    matrix : float64, shape (p, p), upper triangle
    """

    scales: Scales
    knots: np.ndarray
    heights: np.ndarray
    matrix: np.ndarray
    constant: float

    def plus(self, other: Surface, factor: float) -> Surface:
        """This one and `factor` times another one of the same terms."""
        return Surface(
            self.scales,
            self.knots,
            self.heights + factor * other.heights,
            self.matrix + factor * other.matrix,
            self.constant + factor * other.constant,
        )

    def at(self, x: np.ndarray) -> np.ndarray:
        """Values at pixels, whose covariates are float, shape (n, p): float64, shape (n,)."""
        return self.of_z(self.scales.z(np.asarray(x, np.float64)))

    def of_z(self, z: np.ndarray) -> np.ndarray:
        """The same for standard covariates."""
        total = np.full(len(z), self.constant)
        for number in range(z.shape[1]):
            if self.heights[number].any():
                total += np.interp(z[:, number], self.knots[number], self.heights[number])
        if self.matrix.any():
            total += np.einsum("ij,ij->i", z @ self.matrix, z)
        return total


def terms_of(sample: np.ndarray, kinds: Sequence[str] = KINDS) -> Terms:
    """The terms of covariates, with what makes them standard worked out over a sample of pixels.

    Parameters
    ----------
    sample : float, shape (n, p)
        Covariates of pixels, none constant, no NaN.
    kinds : sequence of str
        Of `KINDS`.
    """
    sample = np.asarray(sample, np.float64)
    if not sample.shape[1] or not kinds:
        kinds, sample = (), sample[:, :0]
    scales = scales_of(sample)
    z = scales.z(sample)
    p = z.shape[1]
    splines = tuple(
        _spline(z[:, number], scales.knots[number]) if SPLINE in kinds else np.zeros((7, 0))
        for number in range(p)
    )
    first, second = np.triu_indices(p, 1) if PRODUCTS in kinds else (np.zeros(0, int), np.zeros(0, int))
    pairs = np.column_stack([first, second]).astype(np.int64)
    # Mean and SD of the products, without writing them out.
    mean = (z.T @ z / max(len(z), 1))[first, second]
    squares = (np.square(z).T @ np.square(z) / max(len(z), 1))[first, second]
    sd = np.sqrt(np.maximum(squares - mean**2, 0.0))
    # Indicators of two classes never meet.
    some = sd > _LEAST_PRODUCT
    return Terms(scales, tuple(kinds), splines, pairs[some], mean[some], sd[some])


def _spline(z: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Combinations of (1, z, hinges), float64, shape (7, k), k at most `COMPONENTS`."""
    check_cancelled()
    basis = np.stack([np.ones(len(z)), z, *(np.maximum(z - knot, 0.0) for knot in knots)])
    moments = basis @ basis.T / max(len(z), 1)
    slope = np.linalg.solve(moments[:2, :2], moments[:2, 2:])
    # Of what the line leaves of the hinges.
    covariance = moments[2:, 2:] - moments[2:, :2] @ slope
    if covariance.diagonal().max() < _LEAST_VARIANCE:
        return np.zeros((7, 0))
    values, vectors = np.linalg.eigh(covariance)
    order = np.argsort(values)[::-1][:COMPONENTS]
    kept = vectors[:, order[values[order] > 1e-9 * values[order[0]]]]
    # The largest weight of each is positive: the sign of an eigenvector is the library's whim.
    kept = kept * np.sign(kept[np.abs(kept).argmax(axis=0), np.arange(kept.shape[1])])
    kept = kept / np.sqrt(values[order[0]])
    return np.vstack([-slope @ kept, kept])
