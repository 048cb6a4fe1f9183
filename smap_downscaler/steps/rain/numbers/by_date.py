"""The rain of many cells day by day (the paper's Fig. 2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ....stats.distribution import Distribution

#: Cells whose values are kept to be drawn: of more no single one can be told.
MOST_SHOWN = 500


@dataclass(frozen=True, eq=False)
class RainSeries:
    """A covariate of rain by date.

    Attributes
    ----------
    name, unit : str
    dates : tuple of datetime.date, length t
        Ascending.
    spreads : tuple of Distribution, length t
        Over all cells.
    cells : int
        Those with a value on some date.
    values : float32, shape (t, s)
        Those of up to `MOST_SHOWN` of these cells, evenly thinned; NaN where there is none.
    """

    name: str
    unit: str
    dates: tuple[dt.date, ...]
    spreads: tuple[Distribution, ...]
    cells: int
    values: np.ndarray

    @property
    def median(self) -> np.ndarray:
        """Median of the cells of each date, float64, shape (t,), NaN where none has a value."""
        return np.array([spread.median for spread in self.spreads])


def rain_series(name: str, unit: str, days: Iterable[tuple[dt.date, np.ndarray]]) -> RainSeries:
    """The series of days that come one by one, each with all cells in one order; only a sample is kept.

    Parameters
    ----------
    name, unit : str
    days : iterable of (date, float32 array of shape (n,))
        Ascending; NaN where a cell has no value.
    """
    dates: list[dt.date] = []
    spreads: list[Distribution] = []
    kept: list[np.ndarray] = []
    shown, seen = np.empty(0, int), np.empty(0, bool)
    for date, values in days:
        if not dates:
            shown = np.linspace(0, values.size - 1, min(values.size, MOST_SHOWN)).round().astype(int)
            seen = np.zeros(values.size, bool)
        seen |= np.isfinite(values)
        dates.append(date)
        spreads.append(Distribution.of(values))
        kept.append(values[shown].astype(np.float32))
    values = np.array(kept, np.float32).reshape(len(dates), shown.size)[:, seen[shown]]
    return RainSeries(name, unit, tuple(dates), tuple(spreads), int(seen.sum()), values)


def lone(values: np.ndarray) -> np.ndarray:
    """Where a value has none on the dates before and after it, so that no line shows it: bool.

    Parameters
    ----------
    values : float array, shape (t,) or (t, cells)
        NaN where missing.
    """
    valid = np.isfinite(values)
    before, after = np.zeros_like(valid), np.zeros_like(valid)
    before[1:], after[:-1] = valid[:-1], valid[1:]
    return valid & ~before & ~after
