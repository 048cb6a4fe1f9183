"""Cross-validation of forests by date, from a regression matrix to tables; goes on after a stop."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections import Counter as Tally
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

import numpy as np

from ..core.errors import InputError
from ..core.matrix import DayRows, least_cells
from ..core.progress import SILENT, Counter, Progress
from ..core.threads import ordered_map
from ..core.validation.crossvalidate import (
    FoldOutcome,
    Piece,
    PieceJob,
    assemble,
    plan_piece,
    run_fold,
)
from ..core.validation.grid import check_mtry
from ..core.validation.plan import Plan, make_plan
from ..core.validation.results import KEPT_DATES, FirstDay, ValidationRun
from ..core.validation.settings import ValidationSettings
from .cell_places import cell_places
from .matrix_table import MatrixTable
from .validation_work import WorkFile, day_key, settings_key

Place = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Scope:
    """Which rows of a table are used: dates, and the least cells of a date (None: `least_cells`)."""

    start: dt.date | None = None
    end: dt.date | None = None
    minimum_cells: int | None = None

    def holds(self, date: dt.date) -> bool:
        """Whether a date is inside."""
        return (self.start is None or date >= self.start) and (self.end is None or date <= self.end)


@dataclass(eq=False)
class _Day:
    """A date that can be worked on."""

    rows: DayRows
    place: Place | None
    key: str
    number: int


@dataclass(eq=False)
class _Reader:
    """Reads the usable days of a table and notes what became of the others."""

    table: MatrixTable
    settings: ValidationSettings
    scope: Scope
    least: int
    places: Mapping[tuple[int, int], tuple[float, float]]
    run: ValidationRun
    about: str
    quiet: bool = False
    used: int = field(default=0)

    def days(self, progress: Progress) -> Generator[_Day, None, None]:
        with contextlib.closing(self.table.days(self.scope.start, self.scope.end, progress)) as days:
            for day in days:
                kept = day.keep(day.complete)
                dropped = len(day.y) - len(kept.y)
                self.run.dropped[day.date] = dropped
                reason = _unusable(kept.y, dropped, self.least)
                if reason:
                    self.run.skipped[day.date] = reason
                    self._say(progress, f"{day.date}: left out, {reason}")
                    continue
                if dropped:
                    self._say(progress, f"{day.date}: {dropped} cells without all covariates left out")
                place = self._place(kept)
                key = day_key(self.about, kept, place)
                self.used += 1
                yield _Day(kept, place, key, self.used)

    def _say(self, progress: Progress, text: str) -> None:
        if not self.quiet:
            progress.log(text)

    def _place(self, day: DayRows) -> Place | None:
        if not self.places:
            return None
        cells = [self.places[cell] for cell in zip(day.rows.tolist(), day.cols.tolist())]
        x, y = np.array(cells, np.float64).T
        return x, y


def crossvalidate_table(
    table: MatrixTable,
    settings: ValidationSettings,
    work_file: str | Path | None = None,
    scope: Scope = Scope(),
    threads: int = 1,
    progress: Progress = SILENT,
) -> ValidationRun:
    """Cross-validate the forests of a table date by date.

    The result depends on the rows and the settings only, not on the threads or on whether the work
    was stopped and begun again.

    Parameters
    ----------
    table : MatrixTable
    settings : ValidationSettings
    work_file : path, optional
        Keeps finished pieces, so that a run that was stopped goes on from there; the caller removes
        it when the results are safe (see `forget_work`).
    scope : Scope
    threads : int

    Raises
    ------
    InputError
        If no date can be used, blocks cannot be made, or a file cannot be read or written.
    """
    check_mtry(settings.candidates, len(table.covariates), table.label)
    counts = {date: n for date, n in table.count_by_date().items() if scope.holds(date)}
    least = _least(table, settings, scope, counts)
    places = cell_places(table, progress) if settings.block_km else {}
    run = ValidationRun(settings, table.covariates)
    reader = _Reader(table, settings, scope, least, places, run, settings_key(table.covariates, settings))
    with contextlib.closing(WorkFile(work_file)) as work:
        pieces = _pieces(settings, counts, least)
        counter = progress.counter(sum(pieces.values()) * settings.folds, "folds")
        run.resumed = min(work.count(reader.about), sum(pieces.values()))
        if run.resumed:
            progress.log(f"{run.resumed:,} pieces of work were finished before the last stop.")
        run.plan = _plan(reader, pieces, run.resumed, threads, progress)
        jobs = _jobs(reader, work, counter, progress)
        folds = ordered_map(_run_fold, jobs, threads, progress)
        with contextlib.closing(jobs), contextlib.closing(folds):
            outcomes: list[FoldOutcome] = []
            for (job, key, keep, _fold), outcome in folds:
                outcomes.append(outcome)
                counter.advance(1)
                if len(outcomes) == job.folds:
                    result = assemble(job, outcomes, keep)
                    work.add(key, result)
                    run.results.append(result)
                    counter.advance(settings.folds - job.folds)
                    outcomes = []
    run.results.sort(key=lambda result: result.piece)
    _check_results(table, run)
    return run


def forget_work(work_file: str | Path | None) -> None:
    """Remove the finished pieces that `crossvalidate_table` kept."""
    if work_file is not None:
        with contextlib.suppress(OSError):
            Path(work_file).unlink()


def _least(
    table: MatrixTable, settings: ValidationSettings, scope: Scope, counts: Mapping[dt.date, int]
) -> int:
    if scope.minimum_cells is not None and scope.minimum_cells < 2:
        raise InputError(f"MINIMUM_CELLS is {scope.minimum_cells}; give 2 or more.")
    least = least_cells(table.count_cells(), scope.minimum_cells)
    most = max(counts.values(), default=0)
    period = f"from {scope.start or 'the begin'} to {scope.end or 'the end'}"
    if most < least:
        raise InputError(
            f"{table.label}: no date {period} has the {least} cells that a forest needs (the best has "
            f"{most}); enlarge the study area, or lower MINIMUM_CELLS."
        )
    if most < settings.folds:
        raise InputError(
            f"{table.label}: no date {period} has {settings.folds} cells, one for each fold (the best has "
            f"{most}); give FOLDS a smaller number."
        )
    return least


def _unusable(y: np.ndarray, dropped: int, least: int) -> str:
    if len(y) < least:
        without = f" ({dropped} more lack a covariate)" if dropped else ""
        return f"{len(y)} cells{without}, fewer than the {least} needed"
    return f"all {len(y)} cells have the value {y[0]:g}" if y.min() == y.max() else ""


def _pieces(settings: ValidationSettings, counts: Mapping[dt.date, int], least: int) -> dict[int, int]:
    """How many pieces of work have how many rows."""
    a_date = len(settings.schemes) * settings.repeats
    return {n: dates * a_date for n, dates in Tally(counts.values()).items() if n >= least}


def _plan(
    reader: _Reader, pieces: Mapping[int, int], done: int, threads: int, progress: Progress
) -> Plan | None:
    """Time a few trees and say how long all will take; None where no date can be used."""
    settings = reader.settings
    # What this look finds out is told when the dates are read in earnest.
    look = replace(reader, run=ValidationRun(settings, reader.table.covariates), quiet=True)
    with contextlib.closing(look.days(progress)) as days:
        for day in days:
            piece = Piece(day.rows.date, settings.schemes[0], 1)
            try:
                job = plan_piece(day.rows.x, day.rows.y, day.place, piece, settings)
            except InputError:
                continue
            plan = make_plan(job, pieces, done, threads, progress)
            progress.log(plan.text())
            return plan
    return None


_Task = tuple[PieceJob, str, bool, int]


def _jobs(
    reader: _Reader, work: WorkFile, counter: Counter, progress: Progress
) -> Generator[_Task, None, None]:
    """The folds of all pieces that are not yet done; done ones go straight to the results."""
    # Imported once here: threads that import the same package at once may trip over each other.
    import sklearn.ensemble  # noqa: F401

    run, settings = reader.run, reader.settings
    with contextlib.closing(reader.days(progress)) as days:
        for day in days:
            if run.first_day is None and day.place is not None:
                run.first_day = FirstDay(day.rows.date, *day.place)
            for scheme, repeat in product(settings.schemes, range(1, settings.repeats + 1)):
                piece = Piece(day.rows.date, scheme, repeat)
                keep = day.number <= KEPT_DATES and repeat == 1
                done = work.find(day.key, piece, keep)
                if done is not None:
                    run.results.append(done)
                    counter.advance(settings.folds)
                    continue
                try:
                    job = plan_piece(day.rows.x, day.rows.y, day.place, piece, settings)
                except InputError as error:
                    run.failed[piece] = str(error)
                    progress.log(f"{piece.date}, {scheme} folds, repeat {repeat}: {error}")
                    counter.advance(settings.folds)
                    continue
                for fold in range(job.folds):
                    yield job, day.key, keep, fold


def _run_fold(task: _Task, listener: Progress) -> tuple[_Task, FoldOutcome]:
    job, _, _, fold = task
    return task, run_fold(job, fold, listener)


def _check_results(table: MatrixTable, run: ValidationRun) -> None:
    """Refuse to end with an empty result, or with one scheme that no date could have."""
    if not run.results:
        reasons = [f"{date}: {reason}" for date, reason in run.skipped.items()]
        reasons += [f"{piece.date}: {reason}" for piece, reason in run.failed.items()]
        raise InputError(f"{table.label}: no date can be validated ({reasons[0].rstrip('.')}).")
    for scheme in run.settings.schemes:
        if not any(result.piece.scheme == scheme for result in run.results):
            # Rows that are too few have failed all schemes: what is left are blocks.
            piece, reason = next(item for item in run.failed.items() if item[0].scheme == scheme)
            raise InputError(
                f"{table.label}: no date can be cut into blocks ({piece.date}: {reason.rstrip('.')})."
            )


def work_file_of(output: str | Path) -> Path:
    """Where the finished pieces of a run are kept until its `output` is written."""
    output = Path(output)
    return output.with_name(f".{output.name}.work")
