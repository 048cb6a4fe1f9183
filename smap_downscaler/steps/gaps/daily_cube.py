"""A SMAP series as one array of all days from the first to the last, and the same with its gaps filled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...base.progress import SILENT, Progress
from ...methods.keys import CellKey
from ...series.series import Series
from ..matrix.build import check_soil_moisture
from .day_files import FILLED, OBSERVED, read_filled
from .inputs import rows_and_columns
from .numbers.cell import FilledCell
from .numbers.outcome import DayCounts
from .numbers.verdict import filled_by_distance


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
    series: Series,
    start: dt.date | None = None,
    end: dt.date | None = None,
    progress: Progress = SILENT,
    touched: np.ndarray | None = None,
) -> DailyCube:
    """All of a series, and the days from `start` to `end` where it does not reach them.

    Cells that are not `touched` (bool, shape (rows, columns)), if that is given, have no value.

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
        values[cube.number(date)] = day if touched is None else np.where(touched, day, np.float32(np.nan))
        counter.advance()
    return cube


class GapValues:
    """Takes what came of cells, gives days.

    Parameters
    ----------
    cube : DailyCube
    cells : sequence of CellKey
        Those with a forest.
    """

    def __init__(self, cube: DailyCube, cells: Sequence[CellKey]):
        self._cube = cube
        self._rows, self._cols = rows_and_columns(cells)
        self._number = {cell: number for number, cell in enumerate(cells)}
        self._values = np.full((len(cube.values), len(cells)), np.nan, np.float32)
        #: Which values of days that were asked for, or kept, are filled ones.
        self._filled = np.zeros(self._values.shape, bool)
        self._study = np.isfinite(cube.values).any(axis=0)
        self._forest = np.zeros(self._study.shape, bool)
        self._forest[self._rows, self._cols] = True

    def take(self, found: FilledCell) -> None:
        """Keep what came of a cell."""
        self._values[:, self._number[found.key]] = found.values

    def day(self, date: dt.date) -> tuple[np.ndarray, DayCounts]:
        """Soil moisture and origin of a day, float32, shape (2, rows, columns), and its counts."""
        number = self._cube.number(date)
        observed = self._cube.values[number]
        predicted = np.full(observed.shape, np.nan, np.float32)
        predicted[self._rows, self._cols] = self._values[number]
        seen = np.isfinite(observed)
        filled = np.isfinite(predicted) & ~seen
        self._filled[number] = filled[self._rows, self._cols]
        empty = ~(seen | filled)
        values = np.where(seen, observed, predicted)
        origin = np.select([seen, filled], [OBSERVED, FILLED], np.nan)
        counts = DayCounts(
            int(seen.sum()),
            int(filled.sum()),
            int((empty & self._study & ~self._forest).sum()),
            int((empty & self._forest).sum()),
        )
        return np.stack([values, origin]).astype(np.float32), counts

    def keep_day(self, date: dt.date, path: Path) -> None:
        """Look up what is filled in the file of a day from an earlier run."""
        self._filled[self._cube.number(date)] = read_filled(path)[self._rows, self._cols]

    def filled_by_distance(self, progress: Progress = SILENT) -> dict[str, int]:
        """Filled values of the days that were made or kept, by distance to an observation of their cell."""
        seen = np.isfinite(self._cube.values)[:, self._rows, self._cols]
        return filled_by_distance(self._cube.ordinals, seen, self._filled, progress)
