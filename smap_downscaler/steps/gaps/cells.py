"""The cells' part of filling gaps: covariates read for groups of cells, then cell by cell in threads."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...base.cluster import spread
from ...base.progress import Progress
from ...methods.file.reader import ModelFile
from ...methods.keys import CellKey
from ...series.dated_on_grid import OnCells
from .daily_cube import DailyCube
from .inputs import GapInputs, rows_and_columns
from .numbers.cell import CellSeries, CellTask, FilledCell, work_on_cell
from .numbers.hidden import HidingSettings


@dataclass(frozen=True, eq=False)
class CellsWork:
    """What is to be done on cells.

    Parameters
    ----------
    inputs : GapInputs
    cube : DailyCube
    wanted : frozenset of date
        Days to fill.
    hiding : HidingSettings or None
    hide : frozenset of CellKey
        The cells whose days are hidden.
    """

    inputs: GapInputs
    cube: DailyCube
    wanted: frozenset[dt.date]
    hiding: HidingSettings | None
    hide: frozenset[CellKey]

    @cached_property
    def wanted_days(self) -> np.ndarray:
        """The days to fill, bool, shape (days,)."""
        return np.array([date in self.wanted for date in self.cube.dates])

    @property
    def read(self) -> np.ndarray:
        """The days whose covariates are read, bool, shape (days,): all of them where days are hidden."""
        return self.wanted_days | bool(self.hide)

    @property
    def filled(self) -> np.ndarray:
        """The days on which gaps are filled, bool, shape (days,): at least those of `wanted`."""
        return self.read & bool(self.wanted)

    def all_cells(
        self, cells: Sequence[CellKey], threads: int, memory_mb: int, progress: Progress
    ) -> Generator[FilledCell, None, None]:
        """The work on each of `cells`, in their order."""
        if not cells:
            return
        inputs = self.inputs
        inputs.forests.method.get_ready()
        # Half of it, or less, for how pixels lie in the cells; the rest for the covariates of the cells.
        mb_per_covariate = memory_mb / 2 / max(len(inputs.dynamic), 1)
        readers = [OnCells(dated, inputs.smap.grid, mb_per_covariate, progress) for dated in inputs.dynamic]
        bytes_per_cell = 4 * len(self.cube.values) * (len(inputs.dynamic) + 1)
        free = memory_mb * 2**20 - sum(reader.kept_bytes for reader in readers)
        size = max(free // bytes_per_cell, 1)
        forests = str(inputs.forests.path)
        groups = [cells[start : start + size] for start in range(0, len(cells), size)]
        for number, group in enumerate(groups):
            part = progress.part(number / len(groups), (number + 1) / len(groups))
            covariates = self._covariates(readers, group, part.part(0.0, 0.3))
            counter = part.part(0.3, 1.0).counter(len(group), "cells")
            tasks = self._tasks(group, covariates)
            with contextlib.closing(spread(_on_cell, tasks, threads, progress, [forests])) as results:
                for _task, found in results:
                    yield found
                    counter.advance()

    def _covariates(
        self, readers: Sequence[OnCells], group: Sequence[CellKey], progress: Progress
    ) -> np.ndarray:
        """Dated covariates: float32, shape (cells, days, covariates), NaN on days that nobody asks for."""
        rows, cols = rows_and_columns(group)
        out = np.full((len(group), len(self.cube.values), len(readers)), np.nan, np.float32)
        if not readers:
            return out
        needed = np.flatnonzero(self.read)
        dates = self.cube.dates
        counter = progress.counter(len(needed), "days of covariates read")
        for number in needed:
            for covariate, reader in enumerate(readers):
                out[:, number, covariate] = reader.read(dates[number], progress)[rows, cols]
            counter.advance()
        return out

    def _tasks(
        self, group: Sequence[CellKey], covariates: np.ndarray
    ) -> Iterator[tuple[ModelFile, tuple[CellSeries, bool, HidingSettings | None]]]:
        names = tuple(dated.name for dated in self.inputs.dynamic)
        for cell, dynamic in zip(group, covariates):
            observed = self.cube.values[:, cell.row, cell.col].astype(np.float64)
            series = CellSeries(cell, self.cube.ordinals, observed, names, dynamic)
            hiding = self.hiding if cell in self.hide else None
            yield self.inputs.forests, (series, bool(self.wanted), hiding)


def _on_cell(
    forests: ModelFile, own: tuple[CellSeries, bool, HidingSettings | None], progress: Progress
) -> FilledCell:
    return work_on_cell(CellTask(forests, *own), progress)
