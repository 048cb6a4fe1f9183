"""A daily coarse series from forests by cell (paper 2.3.1 and Conclusions), and how far to trust it."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.words import counted
from ...geo.grid import Grid
from ...methods.keys import CellKey
from ...runs.fingerprint import is_made, warn_of_other_runs
from ...series.dated import log_substitutes
from ..maps.downscale import map_file
from .cells import CellsWork
from .daily_cube import DailyCube, GapValues, read_cube
from .day_files import counts_of, write_day
from .inputs import GapInputs, rows_and_columns
from .journal import KeptCells
from .numbers.cell import FilledCell
from .numbers.hidden import LEAST_DAYS, HidingOutcome, HidingSettings
from .numbers.outcome import GapReport
from .numbers.scores import score_gaps
from .outcome import log_remarks, no_error_text


@dataclass(frozen=True)
class FillSettings:
    """How gaps are filled and the filling is tried.

    Parameters
    ----------
    hiding : HidingSettings, optional
        What is hidden to estimate the error; without it nothing is.
    most_cells : int
        Cells in which the error is estimated, drawn by the seed of `hiding`; 0: all.
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


def fill_gaps(
    inputs: GapInputs,
    folder: str | Path,
    settings: FillSettings,
    threads: int = 1,
    memory_mb: int = 512,
    progress: Progress = SILENT,
    work_file: str | Path | None = None,
) -> GapReport:
    """Write one GeoTIFF per day from the first to the last day, on the cells of the SMAP series.

    Observed cells keep their value to the last bit; only cells without one are filled.  Days that are
    there already, made from the same inputs, are kept.  The result does not depend on `threads` or
    `memory_mb`, nor on whether the work was stopped and begun again.

    Parameters
    ----------
    inputs : GapInputs
    folder : path
    settings : FillSettings
    threads : int
    memory_mb : int
        About how much memory the covariates of the cells under way may take, beside two arrays of all
        days and cells (4 bytes each) and their marks (3 bytes).
    work_file : path, optional
        Keeps finished cells, so that a run that was stopped goes on from there; the caller removes it
        when the outputs are safe.

    Raises
    ------
    InputError
        If there is no gap, files do not fit together, or one cannot be read or written.
    """
    dates, cells = inputs.dates, inputs.cells
    cube = read_cube(inputs.smap, inputs.start, inputs.end, progress.part(0.0, 0.1), inputs.touched)
    _check_gaps(inputs, cube, dates, cells)
    log_substitutes(inputs.dynamic, dates, progress)
    run = inputs.fingerprint()
    report = GapReport(forests=len(cells), period=settings.period)
    warn_of_other_runs(folder, [map_file(folder, date) for date in dates], lambda date: run, progress)
    wanted = _dates_to_fill(folder, dates, run, inputs.smap.grid, report, progress)
    chosen = frozenset(_cells_to_hide(inputs, cube, cells, settings))
    work = CellsWork(inputs, cube, frozenset(wanted), settings.hiding, chosen)
    values = GapValues(cube, cells)
    outcomes: dict[CellKey, HidingOutcome] = {}
    with contextlib.closing(KeptCells(work_file, run, cube.ordinals, settings.hiding)) as kept:
        busy = frozenset(cells) if wanted else chosen
        doing = _work_on(work, busy, kept, threads, memory_mb, report, progress.part(0.1, 0.9))
        with contextlib.closing(doing):
            for found in doing:
                values.take(found)
                if found.hiding is not None:
                    outcomes[found.key] = found.hiding
    _write_days(folder, inputs, wanted, values, run, report, progress.part(0.9, 1.0))
    if settings.hiding is not None:
        _judge(inputs, cube, values, outcomes, report, progress)
    return report


def _work_on(
    work: CellsWork,
    busy: frozenset[CellKey],
    kept: KeptCells,
    threads: int,
    memory_mb: int,
    report: GapReport,
    progress: Progress,
) -> Generator[FilledCell, None, None]:
    """The work on cells: what was finished before a stop, then the rest, which is kept."""
    done = set()
    for found in kept.finished(busy, work.hide, work.wanted_days, progress):
        done.add(found.key)
        yield found
    report.resumed = len(done)
    if done:
        progress.log(f"{counted(len(done), 'cell was', 'cells were')} finished before the last stop.")
    rest = replace(work, hide=work.hide - done)
    with contextlib.closing(rest.all_cells(sorted(busy - done), threads, memory_mb, progress)) as doing:
        for found in doing:
            kept.add(found, rest.filled)
            yield found


def _write_days(
    folder: str | Path,
    inputs: GapInputs,
    wanted: Sequence[dt.date],
    values: GapValues,
    run: str,
    report: GapReport,
    progress: Progress,
) -> None:
    counter = progress.counter(len(wanted), "days written")
    for date in wanted:
        day, counts = values.day(date)
        report.files[date] = write_day(folder, date, inputs.smap.grid, day, counts, run, inputs.area)
        report.counts[date] = counts
        counter.advance()
    report.files = dict(sorted(report.files.items()))
    empty = [date for date in report.files if not report.counts[date].observed + report.counts[date].filled]
    if empty:
        progress.warn(
            f"{len(empty):,} of {len(report.files):,} days hold no value, the first {empty[0]}: no cell was "
            "observed, and a dated covariate is missing"
        )


def _judge(
    inputs: GapInputs,
    cube: DailyCube,
    values: GapValues,
    outcomes: Mapping[CellKey, HidingOutcome],
    report: GapReport,
    progress: Progress,
) -> None:
    """What the hidden days say of the filling, and what they do not."""
    scored = [cell for cell in sorted(outcomes) if outcomes[cell].hidden is not None]
    if not scored:
        report.no_error = no_error_text(inputs.smap.source, outcomes)
        return
    for date in report.kept:
        progress.check()
        values.keep_day(date, report.files[date])
    report.filled_at = values.filled_by_distance(progress)
    report.hidden = [hidden for cell in scored if (hidden := outcomes[cell].hidden) is not None]
    report.scores = score_gaps(report.hidden)
    rows, cols = rows_and_columns(scored)
    report.observed = int(np.isfinite(cube.values[:, rows, cols]).sum())
    report.remarks = log_remarks(inputs.forests, outcomes, progress)


def _check_gaps(
    inputs: GapInputs, cube: DailyCube, dates: Sequence[dt.date], cells: Sequence[CellKey]
) -> None:
    if not np.isfinite(cube.values).any():
        raise InputError(
            f"{inputs.smap.source}: no cell has a value on any day, and without an observation nothing is "
            "filled; choose another SMAP series."
        )
    rows, cols = rows_and_columns(cells)
    asked = slice(cube.number(dates[0]), cube.number(dates[-1]) + 1)
    if np.isfinite(cube.values[asked, rows, cols]).all():
        raise InputError(
            f"{inputs.smap.source}: all cells with a forest have a value on each day from {dates[0]} to "
            f"{dates[-1]}, so there is no gap to fill; use the series as it is."
        )


def _dates_to_fill(
    folder: str | Path,
    dates: Sequence[dt.date],
    run: str,
    grid: Grid,
    report: GapReport,
    progress: Progress,
) -> list[dt.date]:
    wanted = []
    for date in dates:
        progress.check()
        path = map_file(folder, date)
        if is_made(path, run, grid, progress):
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
    """The cells in which the error is estimated: those with enough days, or a sample of them."""
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
            "day can be hidden to estimate the error; leave out SCORES and REPORT, or give a longer series."
        )
    return set(enough)
