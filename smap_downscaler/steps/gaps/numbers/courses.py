"""The series of single cells that a report shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .scores import FOREST, HiddenDays

#: Places of the shown cells among all, by R2.
_SHOWN = (0.9, 0.5, 0.1)


@dataclass(frozen=True, eq=False)
class CellCourse:
    """The filled series of a cell.

    Parameters
    ----------
    cell : tuple of int
        Row and column.
    dates : tuple of date
    values : float32, shape (n,)
        Soil moisture, m3 m-3; NaN where there is none.
    filled : bool, shape (n,)
        Which of them were filled.
    """

    cell: tuple[int, int]
    dates: tuple[dt.date, ...]
    values: np.ndarray
    filled: np.ndarray

    def shows(self, days: np.ndarray) -> np.ndarray:
        """Which of some days, ordinals of shape (m,), lie from its first to its last: bool, shape (m,)."""
        first, last = self.dates[0].toordinal(), self.dates[-1].toordinal()
        return np.asarray((days >= first) & (days <= last))


def typical_cells(results: Sequence[HiddenDays]) -> list[tuple[int, int]]:
    """A good, a middling and a poor cell: at 90, 50 and 10 % of all by the R2 of their hidden days."""
    told = [(result.score(FOREST, "r2"), result.cell) for result in results]
    order = sorted((r2, cell) for r2, cell in told if np.isfinite(r2))
    picked = [order[round(share * (len(order) - 1))][1] for share in _SHOWN if order]
    return list(dict.fromkeys(picked))
