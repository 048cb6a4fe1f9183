"""What does not change with the date: what SMAP's cells see of the terms through one footprint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from ...base.progress import check_cancelled
from .dated import Dated
from .lags import FieldTables, field_tables, matrix_of, noise_table
from .moments import Moments
from .subcells import Sights, SubCells

_T = TypeVar("_T")

#: Shapes of the field to choose from.
HURSTS = (0.0, 0.15, 0.3, 0.5)


@dataclass(frozen=True, eq=False)
class Ground:
    """Terms, static and dated, through a footprint.

    Parameters
    ----------
    moments : Moments
    dated : Dated or None
    footprint_km : float
    """

    moments: Moments
    dated: Dated | None
    footprint_km: float
    _made: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def subcells(self) -> SubCells:
        """Cells and sub-cells."""
        return self.moments.subcells

    @property
    def sights(self) -> Sights:
        """What cells see of images."""
        return self._once("sights", lambda: Sights(self.subcells, self.moments.share, self.footprint_km))

    @property
    def static(self) -> np.ndarray:
        """The static terms as cells see them: float64, shape (rows, columns, columns of the design)."""
        return self._once("static", lambda: self.sights.of(self.moments.design))

    def dated_terms(self, number: int, centred: bool) -> np.ndarray:
        """The dated terms of a date as cells see them: float64, shape (rows, columns, their columns)."""
        if self.dated is None:
            return np.zeros((*self.subcells.shape, 0))
        check_cancelled()
        return self.sights.of(self.dated.design(number, self.moments.z, centred))

    def mean_of_dated(self) -> np.ndarray:
        """The dates' mean of the dated terms, as cells see it; products left out."""
        if self.dated is None:
            return np.zeros((*self.subcells.shape, 0))
        return self.sights.of(self.dated.reference[:, :, : self.dated.terms.width()])

    def tables(self, hurst: float) -> FieldTables:
        """Covariances of the field."""
        return self._once(f"tables {hurst}", lambda: field_tables(self.subcells, hurst, self.footprint_km))

    def shapes(self, cells: np.ndarray, hurst: float, noise: np.ndarray | None = None) -> list[np.ndarray]:
        """Of the field, the white noise, and what comes with a footprint: float64, shape (n, n) each.

        Parameters
        ----------
        cells : int, shape (n, 2)
        hurst : float
        noise : float64, shape (n, n), optional
            In place of the noise that is known beforehand.
        """
        field, white = matrix_of(self.tables(hurst).cells, cells), np.eye(len(cells))
        found = [field, white] if noise is None or self.footprint_km > 0 else [field]
        if noise is not None:
            found.append(noise)
        elif self.footprint_km > 0:
            table = self._once("noise", lambda: noise_table(self.subcells, self.footprint_km))
            found.append(matrix_of(table, cells))
        return found

    @property
    def noise_part(self) -> int:
        """Which of the shapes is the noise that is known beforehand."""
        return 2 if self.footprint_km > 0 else 1

    def _once(self, key: str, make: Callable[[], _T]) -> _T:
        if key not in self._made:
            self._made[key] = make()
        found: _T = self._made[key]
        return found
