"""A daily coarse series from forests by cell (paper 2.3.1 and Conclusions), and how far to trust it."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..core.errors import InputError
from ..core.forest.keys import CellKey
from ..core.gaps.cell import CellSeries, CellTask, FilledCell, work_on_cell
from ..core.gaps.hidden import LEAST_DAYS, HidingSettings
from ..core.gaps.scores import HiddenDays
from ..core.progress import SILENT, Progress
from ..core.threads import ordered_map
from ..core.words import counted
from .dated import tell_substitutes
from .dated_cells import DatedCells
from .gap_cube import DailyCube, read_cube
from .gap_days import FILLED, OBSERVED, DayCounts, counts_of, write_day
from .gap_inputs import GapInputs, places
from .mapping import map_file
from .resuming import run_of


@dataclass(frozen=True)
class FillSettings:
    """How gaps are filled and the filling is tried.

    Parameters
    ----------
    hiding : HidingSettings, optional
        What is hidden to tell the error; without it nothing is.
    most_cells : int
        Cells that the error is told from, drawn by the seed of `hiding`; 0: all.
    """

    hiding: HidingSettings | None = None
    most_cells: int = 0

    @property
    def period(self) -> int:
        """Days of a hidden run; 0 where nothing is hidden."""
        return self.hiding.period if self.hiding else 0

    def __post_init__(self) -> None:
        if self.most_cells < 0:
            raise InputError(
                f"VALIDATION_CELLS is {self.most_cells}; give a number of cells, or 0 for all of them."
            )


@dataclass
class GapReport:
    """What became of each day, those kept from an earlier run, and the days hidden to tell the error."""

    files: dict[dt.date, Path] = field(default_factory=dict)
    counts: dict[dt.date, DayCounts] = field(default_factory=dict)
    kept: list[dt.date] = field(default_factory=list)
    hidden: list[HiddenDays] = field(default_factory=list)
    forests: int = 0

    def total(self, name: str) -> int:
        """Cells of all days that were observed, filled...: a field of `DayCounts`."""
        return sum(int(getattr(counts, name)) for counts in self.counts.values())


def fill_gaps(
    inputs: GapInputs,
    folder: str | Path,
    settings: FillSettings,
    threads: int = 1,
    memory_mb: int = 512,
    progress: Progress = SILENT,
) -> GapReport:
    """Write a GeoTIFF a day from the first to the last day, on the cells of the SMAP series.

    Observed cells keep their value to the last bit; only cells without one are filled.  Days that are
    there already, made from the same inputs, are kept.  The result does not depend on `threads` or
    `memory_mb`.

    Parameters
    ----------
    inputs : GapInputs
    folder : path
    settings : FillSettings
    threads : int
    memory_mb : int
        About how much memory the covariates of the cells under way may take, beside two arrays of all
        days and cells (4 bytes each).

    Raises
    ------
    InputError
        If there is no gap, files do not fit together, or one cannot be read or written.
    """
    dates, cells = inputs.dates, inputs.cells
    cube = read_cube(inputs.smap, inputs.start, inputs.end, progress.part(0.0, 0.1))
    _check_gaps(inputs, cube, dates, cells)
    tell_substitutes(inputs.dynamic, dates, inputs.window, progress)
    run = inputs.fingerprint()
    report = GapReport(forests=len(cells))
    wanted = _dates_to_fill(folder, dates, run, report, progress)
    chosen = _cells_to_hide(inputs, cube, cells, settings)
    filled = _Filled(cube, cells)
    busy = cells if wanted else [cell for cell in cells if cell in chosen]
    work = _Work(inputs, cube, settings, frozenset(chosen), frozenset(wanted))
    for found in work.all_cells(busy, threads, memory_mb, progress.part(0.1, 0.9)):
        filled.take(found)
        if found.hidden is not None:
            report.hidden.append(found.hidden)
    if settings.hiding is not None and not report.hidden:
        raise InputError(
            f"{inputs.smap.source}: with runs of {settings.period} days hidden too few days are left to grow "
            "forests on in any cell; give PERIOD a smaller number, or leave out SCORES and REPORT."
        )
    writing = progress.part(0.9, 1.0)
    counter = writing.counter(len(wanted), "days written")
    for date in wanted:
        values, counts = filled.day(date)
        report.files[date] = write_day(folder, date, inputs.smap.grid, values, counts, run)
        report.counts[date] = counts
        counter.advance()
    report.files = dict(sorted(report.files.items()))
    empty = [date for date in report.files if not report.counts[date].observed + report.counts[date].filled]
    if empty:
        progress.warn(
            f"{len(empty):,} of {len(report.files):,} days hold no value, the first {empty[0]}: no cell was "
            "observed, and a dated covariate lacks"
        )
    return report


def _check_gaps(
    inputs: GapInputs, cube: DailyCube, dates: Sequence[dt.date], cells: Sequence[CellKey]
) -> None:
    rows, cols = places(cells)
    asked = slice(cube.number(dates[0]), cube.number(dates[-1]) + 1)
    if np.isfinite(cube.values[asked, rows, cols]).all():
        raise InputError(
            f"{inputs.smap.source}: all cells with a forest have a value on each day from {dates[0]} to "
            f"{dates[-1]}, so there is no gap to fill; use the series as it is."
        )


def _dates_to_fill(
    folder: str | Path, dates: Sequence[dt.date], run: str, report: GapReport, progress: Progress
) -> list[dt.date]:
    wanted = []
    for date in dates:
        progress.check()
        path = map_file(folder, date)
        if run_of(path) == run:
            report.files[date], report.counts[date] = path, counts_of(path)
            report.kept.append(date)
        else:
            wanted.append(date)
    if report.kept:
        kept = counted(len(report.kept), "day is", "days are")
        progress.log(f"{kept} there already, made from the same inputs; kept")
    return wanted


def _cells_to_hide(
    inputs: GapInputs, cube: DailyCube, cells: Sequence[CellKey], settings: FillSettings
) -> set[CellKey]:
    """The cells that the error is told from: those with enough days, or a sample of them."""
    if settings.hiding is None:
        return set()
    enough = [cell for cell in cells if np.isfinite(cube.values[:, cell.row, cell.col]).sum() > LEAST_DAYS]
    if settings.most_cells and len(enough) > settings.most_cells:
        generator = np.random.default_rng(settings.hiding.seed)
        drawn = generator.choice(len(enough), settings.most_cells, replace=False)
        enough = [enough[number] for number in sorted(drawn)]
    if not enough:
        raise InputError(
            f"{inputs.smap.source}: no cell with a forest has more than {LEAST_DAYS} observed days, so no "
            "day can be hidden to tell the error; leave out SCORES and REPORT, or give a longer series."
        )
    return set(enough)


@dataclass(frozen=True)
class _Work:
    """The cells' part of a run: covariates read for groups of cells, then cell by cell in threads."""

    inputs: GapInputs
    cube: DailyCube
    settings: FillSettings
    hide: frozenset[CellKey]
    wanted: frozenset[dt.date]

    def all_cells(
        self, cells: Sequence[CellKey], threads: int, memory_mb: int, progress: Progress
    ) -> Iterator[FilledCell]:
        """The work on each of `cells`, in their order."""
        if not cells:
            return
        # Imported once here: threads that import the same package at once may trip over each other.
        import sklearn.ensemble  # noqa: F401

        inputs = self.inputs
        dated = DatedCells.over(
            inputs.smap.grid, inputs.dynamic, inputs.window, inputs.minimum_share, progress
        )
        a_cell = 4 * len(self.cube.values) * (len(inputs.dynamic) + 1)
        size = max(memory_mb * 2**20 // a_cell, 1)
        groups = [cells[start : start + size] for start in range(0, len(cells), size)]
        for number, group in enumerate(groups):
            part = progress.part(number / len(groups), (number + 1) / len(groups))
            covariates = self._covariates(dated, group, part.part(0.0, 0.3))
            counter = part.part(0.3, 1.0).counter(len(group), "cells")
            tasks = self._tasks(group, covariates)
            with contextlib.closing(ordered_map(work_on_cell, tasks, threads, progress)) as results:
                for found in results:
                    yield found
                    counter.advance()

    def _covariates(self, dated: DatedCells, group: Sequence[CellKey], progress: Progress) -> np.ndarray:
        """Dated covariates: float32, shape (cells, days, covariates), NaN on days that nobody asks for."""
        rows, cols = places(group)
        out = np.full((len(group), len(self.cube.values), len(dated.series)), np.nan, np.float32)
        if not dated.series:
            return out
        needed = [date for date in self.cube.dates if self.hide or date in self.wanted]
        counter = progress.counter(len(needed), "days of covariates read")
        for date in needed:
            out[:, self.cube.number(date)] = dated.read(date)[:, rows, cols].T
            counter.advance()
        return out

    def _tasks(self, group: Sequence[CellKey], covariates: np.ndarray) -> Iterator[CellTask]:
        names = tuple(series.name for series in self.inputs.dynamic)
        for cell, dynamic in zip(group, covariates):
            observed = self.cube.values[:, cell.row, cell.col].astype(np.float64)
            series = CellSeries(cell, self.cube.ordinals, observed, names, dynamic)
            hiding = self.settings.hiding if cell in self.hide else None
            yield CellTask(self.inputs.forests, series, bool(self.wanted), hiding)


class _Filled:
    """What the forests tell of all gaps, and the days as they are written.

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
