"""A SMAP series as one array: every day from the first to the last, whether or not it was seen."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from ...base.progress import SILENT, Progress
from ...series.series import Series
from ..matrix.build import check_soil_moisture


@dataclass(frozen=True, eq=False)
class DailyCube:
    """Soil moisture of each day and cell.

    Parameters
    ----------
    first : date
    values : float32, shape (days, rows, columns)
        m3 m-3, NaN where nothing was observed.
    """

    first: dt.date
    values: np.ndarray

    @property
    def dates(self) -> list[dt.date]:
        """All days, ascending."""
        return [self.first + dt.timedelta(days=number) for number in range(len(self.values))]

    @property
    def ordinals(self) -> np.ndarray:
        """The days as `datetime.date.toordinal`, int64, shape (days,)."""
        return self.first.toordinal() + np.arange(len(self.values), dtype=np.int64)

    def number(self, date: dt.date) -> int:
        """The place of a day in `values`."""
        return (date - self.first).days


def read_cube(
    series: Series, start: dt.date | None = None, end: dt.date | None = None, progress: Progress = SILENT
) -> DailyCube:
    """All of a series, and the days from `start` to `end` where it does not reach them.

    Raises
    ------
    InputError
        If a file cannot be read, or holds what is no m3 m-3.
    """
    first = min(series.dates[0], start or series.dates[0])
    last = max(series.dates[-1], end or series.dates[-1])
    values = np.full(((last - first).days + 1, *series.grid.shape), np.nan, np.float32)
    cube = DailyCube(first, values)
    counter = progress.counter(len(series.dates), "SMAP dates read")
    for date in series.dates:
        day = series.read(date)
        check_soil_moisture(series, date, day)
        values[cube.number(date)] = day
        counter.advance()
    return cube
