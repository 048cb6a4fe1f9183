"""What the forests tell of all gaps, and the days as they are written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...base.progress import SILENT, Progress
from ...methods.keys import CellKey
from .daily_cube import DailyCube
from .day_files import FILLED, OBSERVED, DayCounts, read_filled
from .inputs import places
from .numbers.cell import FilledCell
from .numbers.verdict import filled_by_distance


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
        self._rows, self._cols = places(cells)
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
        told = np.full(observed.shape, np.nan, np.float32)
        told[self._rows, self._cols] = self._values[number]
        seen = np.isfinite(observed)
        filled = np.isfinite(told) & ~seen
        self._filled[number] = filled[self._rows, self._cols]
        empty = ~(seen | filled)
        values = np.where(seen, observed, told)
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
