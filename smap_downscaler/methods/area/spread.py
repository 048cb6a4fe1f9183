"""Variance of what is true about a map, below the cells (AREAMODEL, intervals).

var(x) = U + t(sub) + g' S g, g = phi(x) - M(sub), with
t = k0 - c Q c' + 1 / s1 - 2 c K^-1 1 / s1 and M = (c Q + 1' K^-1 / s1) Phi, c the covariance of a sub-cell
with the cells; t and M are bilinear between sub-cells, U is what of the field no coarse data see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ...base.progress import check_cancelled
from .ground import Ground
from .lags import parts_to_cells
from .likelihood import inverse_of, solve
from .subcells import SubCells

#: Sub-cells whose covariances with all cells are held at once.
_PARTS_AT_ONCE = 2048
#: Directions of the coefficients' covariance that are followed from pixel to pixel, at most; what the others
#: carry is taken at its mean.
MOST_DIRECTIONS = 24


def directions_of(s: np.ndarray, scatter: np.ndarray) -> tuple[np.ndarray, float]:
    """V with S = V V' but for directions that carry little, and the mean variance that those carry.

    Parameters
    ----------
    s : float64, shape (columns, columns)
        Covariance of the coefficients.
    scatter : float64, shape (columns, columns)
        How the terms vary among pixels.

    Returns
    -------
    directions : float64, shape (columns, r)
    rest : float
        Mean over pixels of what is left out.
    """
    values, vectors = np.linalg.eigh(s)
    rooted = vectors * np.sqrt(np.maximum(values, 0.0))
    carried = np.einsum("ij,ik,kj->j", rooted, scatter, rooted, optimize=True)
    order = np.argsort(-carried)
    kept = order[:MOST_DIRECTIONS]
    return np.ascontiguousarray(rooted[:, kept]), float(carried[order[MOST_DIRECTIONS:]].sum())


class Spread:
    """What cells of a window tell of sub-cells when some of them, or all, are seen.

    With W = [[K, 1], [1', 0]] for all cells and E = C Q + 1' K^-1 / s1, which hold K, C, Q of all, those that
    are not seen (r) are taken away in closed form: t grows by the squares of E_r L^-1', L L' = Q_rr, and
    M Phi = E Phi of the seen ones - E_r Q_rr^-1 Q_rs Phi.

    Parameters
    ----------
    ground : Ground
    cells : int, shape (n, 2)
        All, in the window of the sub-cells.
    noise : float64, shape (n, n), or None
        In place of the noise's shapes.
    hurst : float
    variances : float64, shape (shapes,)
    box : tuple of slice
        Rows and columns of the sub-cells that are asked for.
    """

    def __init__(
        self,
        ground: Ground,
        cells: np.ndarray,
        noise: np.ndarray | None,
        hurst: float,
        variances: np.ndarray,
        box: tuple[slice, slice],
    ):
        self._solved = solve(ground.shapes(cells, hurst, noise), variances)
        self._cells, self._field = cells, float(variances[0])
        # Single precision is enough beside the noise, and twice as fast.
        tables = ground.tables(hurst)
        self._tables = replace(tables, to_parts=tables.to_parts.astype(np.float32))
        self._ones = (self._solved.ones / self._solved.total).astype(np.float32)
        self._subcells, self._box = ground.subcells, box
        self._parts, self._of_part = _asked(cells, ground.subcells, box)

    @cached_property
    def _q(self) -> np.ndarray:
        return self._solved.q()

    @cached_property
    def _single(self) -> np.ndarray:
        return self._q.astype(np.float32)

    @property
    def pieces(self) -> range:
        """Where the pieces of sub-cells begin that are worked on at once."""
        return range(0, len(self._parts), _PARTS_AT_ONCE)

    def piece(self, begin: int) -> Piece:
        """E and t of some of the sub-cells, were all cells seen."""
        c = self._covariances(begin)
        e = c @ self._single
        t = self._field * self._tables.part - np.einsum("ij,ij->i", e, c)
        t += 1 / self._solved.total - 2 * (c @ self._ones)
        e += self._ones
        return Piece(e, np.maximum(t, 0.0))

    def _covariances(self, begin: int) -> np.ndarray:
        """C of some of the sub-cells: float32, shape (m, n)."""
        check_cancelled()
        parts = self._parts[begin : begin + _PARTS_AT_ONCE]
        found = parts_to_cells(self._tables, self._subcells, self._cells, parts)
        found *= np.float32(self._field)
        return found

    def of_all(self, followed: np.ndarray) -> np.ndarray:
        """As `of` when all cells are seen: with K^-1 = R R' half the work, since E is not needed."""
        from scipy.linalg import blas

        total = self._solved.total
        root = np.asfortranarray(np.linalg.cholesky(self._solved.inverse), np.float32)
        given = (self._solved.project(followed)).astype(np.float32)
        more = (self._solved.ones @ followed / total).astype(np.float32)
        both = np.empty((len(self._parts), 1 + given.shape[1]), np.float32)
        for begin in self.pieces:
            c, some = self._covariances(begin), slice(begin, begin + _PARTS_AT_ONCE)
            both[some, 1:] = c @ given + more
            left = np.square(1.0 - total * (c @ self._ones)) / total
            known = blas.strmm(1.0, root, c.T, trans_a=1, lower=1, overwrite_b=1)
            t = self._field * self._tables.part - np.einsum("ij,ij->j", known, known) + left
            both[some, 0] = np.maximum(t, 0.0)
        return self._image(both)

    def _image(self, both: np.ndarray) -> np.ndarray:
        found = np.zeros((*self._subcells.fine_shape, both.shape[1]), np.float32)
        found[self._box] = both[self._of_part]
        return found

    def of(self, seen: np.ndarray, followed: np.ndarray, piece_of: Callable[[int], Piece]) -> np.ndarray:
        """t and M Phi V of the sub-cells: float32, shape (fine rows, fine columns, 1 + r), 0 beyond the box.

        t is the variance of mean and field were the coefficients known; S = V V'.

        Parameters
        ----------
        seen : bool, shape (n,)
        followed : float64, shape (seen cells, r)
            Phi V of the cells that are seen.
        piece_of : callable
            `piece`, or what keeps what it gives.
        """
        given, rooted = np.zeros((len(seen), followed.shape[1])), np.zeros((0, 0), np.float32)
        given[seen] = followed
        if not seen.all():
            gone = ~seen
            inverse, _ = inverse_of(self._q[np.ix_(gone, gone)])
            given[gone] = -inverse @ (self._q[np.ix_(gone, seen)] @ followed)
            rooted = np.linalg.cholesky(inverse).astype(np.float32)
        both, given = np.empty((len(self._parts), 1 + given.shape[1]), np.float32), given.astype(np.float32)
        for begin in self.pieces:
            check_cancelled()
            one, some = piece_of(begin), slice(begin, begin + _PARTS_AT_ONCE)
            both[some, 0], both[some, 1:] = one.t, one.e @ given
            if len(rooted):
                both[some, 0] += np.square(one.e[:, gone] @ rooted).sum(axis=1)
        return self._image(both)


@dataclass(frozen=True, eq=False)
class Piece:
    """E, float32, shape (m, n), and t, float64, shape (m,), of some sub-cells; see `Spread`."""

    e: np.ndarray
    t: np.ndarray

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return self.e.nbytes + self.t.nbytes


def _asked(cells: np.ndarray, subcells: SubCells, box: tuple[slice, slice]) -> tuple[np.ndarray, np.ndarray]:
    """Sub-cells whose variance is worked out, int, shape (m, 2), and which of them is each of the box.

    Beyond all cells the middle of each cell stands for it all.
    """
    first, last = cells.min(axis=0), cells.max(axis=0)
    rows, cols = (part[box] for part in np.indices(subcells.fine_shape))
    of_row, of_col = rows // subcells.parts, cols // subcells.parts
    beyond = (of_row < first[0]) | (of_row > last[0]) | (of_col < first[1]) | (of_col > last[1])
    half = subcells.parts // 2
    rows = np.where(beyond, of_row * subcells.parts + half, rows)
    cols = np.where(beyond, of_col * subcells.parts + half, cols)
    parts, of_part = np.unique(np.column_stack([rows.ravel(), cols.ravel()]), axis=0, return_inverse=True)
    return parts, of_part.reshape(beyond.shape)
