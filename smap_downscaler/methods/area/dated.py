"""Terms of dated covariates, such as antecedent rain, over sub-cells.

The curve of a dated covariate, f(r_d), and its products with the static ones.  Where dates share
coefficients, the mean over the training dates is taken off: it belongs to the mean pattern.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...base.progress import SILENT, Progress
from ...geo.grid import Grid
from ..base import FineReader
from .subcells import SubCells
from .terms import LINEAR, PRODUCTS, SPLINE, Terms, terms_of

#: Values that scales are worked out from.
_SAMPLE = 50_000


@dataclass(frozen=True, eq=False)
class Dated:
    """Dated covariates of the training dates, and their terms.

    Attributes
    ----------
    names : tuple of str
    terms : Terms
        Linear and spline, of the dated covariates.
    with_products : bool
        Whether each is multiplied with each static covariate.
    values : float32, shape (dates, fine rows, fine columns, q)
        NaN where missing.
    reference : float64, shape (fine rows, fine columns, width of `terms` + q)
        Mean over the dates of the terms, and of the standard covariates.
    """

    names: tuple[str, ...]
    terms: Terms
    with_products: bool
    values: np.ndarray
    reference: np.ndarray

    def seen(self, number: int) -> np.ndarray:
        """Where all of them have a value on a date: bool, shape (fine rows, fine columns)."""
        found: np.ndarray = np.isfinite(self.values[number]).all(axis=2)
        return found

    def design(self, number: int, z: np.ndarray, centred: bool) -> np.ndarray:
        """The dated terms of a date: float64, shape (fine rows, fine columns, columns), 0 where missing.

        Parameters
        ----------
        number : int
            Of the date.
        z : float64, shape (fine rows, fine columns, p)
            Means of the standard static covariates.
        centred : bool
            Whether the reference is taken off.
        """
        x = self.values[number]
        shape = x.shape[:2]
        found = self.of(
            x.reshape(-1, x.shape[2]),
            z.reshape(-1, z.shape[2]),
            self.reference.reshape(-1, self.reference.shape[2]) if centred else None,
        )
        return np.where(np.isfinite(found), found, 0.0).reshape(*shape, -1)

    def of(self, x: np.ndarray, z: np.ndarray, reference: np.ndarray | None) -> np.ndarray:
        """The dated terms of places: float64, shape (n, columns).

        Parameters
        ----------
        x : float, shape (n, q)
            The dated covariates.
        z : float64, shape (n, p)
            The standard static ones.
        reference : float64, shape (n, width + q), or None
        """
        curves, own = self.terms.of_pixels(x), self.terms.scales.z(np.asarray(x, np.float64))
        if reference is not None:
            width = self.terms.width()
            curves, own = curves - reference[:, :width], own - reference[:, width:]
        if not self.with_products:
            return curves
        return np.concatenate([curves, (own[:, :, None] * z[:, None, :]).reshape(len(z), -1)], axis=1)

    def width(self, covariates: int) -> int:
        """How many columns there are beside so many static covariates."""
        return self.terms.width() + (len(self.names) * covariates if self.with_products else 0)

    def groups(self, first: int, covariates: int, products: bool = True) -> np.ndarray:
        """The group of each column, from `first` on: one a covariate for its curve, one for its products."""
        curves = self.terms.groups + first
        if not (self.with_products and products):
            return curves
        own = np.repeat(np.arange(len(self.names)), covariates) + first + len(self.names)
        return np.concatenate([curves, own])


def dated_of(
    fine: FineReader,
    names: Sequence[str],
    days: np.ndarray,
    grid: Grid,
    subcells: SubCells,
    kinds: Sequence[str],
    progress: Progress = SILENT,
) -> Dated | None:
    """Read dated covariates on the sub-cells of all dates, without those that have one value; None where
    none is left.

    Parameters
    ----------
    fine : FineReader
    names : sequence of str
    days : int64, shape (dates,)
        Ordinals of the dates.
    grid : Grid
        SMAP's.
    subcells : SubCells
    kinds : sequence of str
        Of `terms.KINDS`.
    """
    if not names or not kinds:
        return None
    parts = subcells.part_grid(grid)
    values = np.empty((len(days), *subcells.fine_shape, len(names)), np.float32)
    for number, day in enumerate(days):
        for column, name in enumerate(names):
            progress.check()
            values[number, :, :, column] = fine.dated_on(name, int(day), parts, progress)
    sample = _sample(values.reshape(len(days), -1, len(names)))
    # One that is the same everywhere and always (no rain) tells nothing, and takes no other with it.
    varying = np.ptp(sample, axis=0) > 0 if len(sample) else np.zeros(len(names), bool)
    if not varying.any():
        return None
    names, sample = [name for name, own in zip(names, varying) if own], sample[:, varying]
    if not varying.all():
        values = np.ascontiguousarray(values[..., varying])
    terms = terms_of(sample, [kind for kind in (LINEAR, SPLINE) if kind in kinds] or [LINEAR])
    total, count = np.zeros((*subcells.fine_shape, terms.width() + len(names))), np.zeros(subcells.fine_shape)
    for one in values:
        progress.check()
        x = one.reshape(-1, len(names))
        both = np.concatenate([terms.of_pixels(x), terms.scales.z(x.astype(np.float64))], axis=1)
        seen = np.isfinite(both).all(axis=1)
        total += np.where(seen[:, None], both, 0.0).reshape(total.shape)
        count += seen.reshape(count.shape)
    reference = total / np.maximum(count, 1)[:, :, None]
    return Dated(tuple(names), terms, PRODUCTS in kinds and LINEAR in kinds, values, reference)


def _sample(values: np.ndarray) -> np.ndarray:
    """Evenly of the sub-cells where all have a value: (dates, sub-cells, q) -> float64, shape (n, q)."""
    # Date by date: their numbers would take as much memory as the values.
    known = [np.isfinite(one).all(axis=1) for one in values]
    step, before, found = max(1, sum(int(one.sum()) for one in known) // _SAMPLE), 0, []
    for one, own in zip(values, known):
        places = np.flatnonzero(own)
        found.append(one[places[-before % step :: step]])
        before += len(places)
    return np.concatenate(found).astype(np.float64)
