"""Cross-validation of forests, from a regression matrix to results; goes on after a stop."""

from __future__ import annotations

import contextlib
from collections import Counter as Tally
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from ...base.errors import InputError
from ...base.progress import SILENT, Counter, Progress
from ...base.threads import ordered_map
from ...base.words import counted
from ...methods.base import Method
from ...methods.forest.engines import FASTEST
from ...methods.keys import BY_DATE, POOLED, key_label
from ...runs.journal import remove_work_files
from ..matrix.numbers.rows import check_least
from ..matrix.read import MatrixTable
from ..matrix.row_selection import WHOLE_TABLE, Scope
from .cell_coordinates import cell_places
from .journal import WorkFile, folds_file_of, rows_told, settings_key
from .numbers.crossvalidate import assemble, plan_piece, run_fold
from .numbers.design import designed
from .numbers.pieces import FoldOutcome, Piece, PieceJob
from .numbers.plan import Plan, make_plan
from .numbers.results import KEPT_UNITS, FoldPicture, ValidationRun
from .numbers.schemes import UNIT_NOUNS
from .numbers.settings import ValidationSettings
from .numbers.summary import uneven_folds
from .read_rows import UnitReader, UnitRows


def crossvalidate_table(
    table: MatrixTable,
    settings: ValidationSettings,
    work_file: str | Path | None = None,
    scope: Scope = WHOLE_TABLE,
    threads: int = 1,
    progress: Progress = SILENT,
) -> ValidationRun:
    """Cross-validate the forests of a table: by date, by cell or pooled.

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
        If no unit can be used, folds cannot be made, or a file cannot be read or written.
    """
    check_least("MINIMUM_CELLS" if settings.mode == BY_DATE else "MINIMUM_DATES", scope.minimum)
    run = ValidationRun(settings, table.covariates)
    settings.method.check(settings.candidates, len(run.covariate_names), table.label)
    places = _places(table, settings, progress)
    reader = UnitReader(table, settings, scope, places, settings_key(table.covariates, settings))
    counts = reader.counts(progress)
    least = reader.least(counts, progress)
    # By date and by cell a piece is soon done; of pooled rows there are a few, of hours each.
    with contextlib.closing(WorkFile(work_file, rows_told(counts), settings.mode == POOLED)) as work:
        pieces = _pieces(settings, counts.values(), least)
        reader, run.engine = _with_engine(reader, least, work, threads, progress)
        run.settings = reader.settings
        counter = progress.counter(sum(pieces.values()) * settings.folds, "folds")
        run.resumed = min(work.count(reader.about, settings.repeats), sum(pieces.values()))
        begun = work.count_folds(reader.about)
        for number, nouns in ((run.resumed, ("piece", "pieces")), (begun, ("fold", "folds"))):
            if number:
                done = counted(number, f"{nouns[0]} of work was", f"{nouns[1]} of work were")
                progress.log(f"{done} finished before the last stop.")
        run.plan = _plan(reader, least, pieces, run.resumed + begun / settings.folds, threads, progress)
        jobs = _jobs(reader, least, run, work, counter, progress)
        folds = ordered_map(_run_fold, jobs, threads, progress)
        with contextlib.closing(jobs), contextlib.closing(folds):
            outcomes: list[FoldOutcome] = []
            for task, outcome in folds:
                job, key, keep = task.job, task.key, task.keep
                if task.known is None:
                    work.add_fold(key, job.piece, task.fold, outcome)
                outcomes.append(outcome)
                counter.advance(1)
                if len(outcomes) == job.folds.number:
                    result = assemble(job, outcomes, keep)
                    work.add(key, result)
                    run.results.append(result)
                    counter.advance(settings.folds - job.folds.number)
                    outcomes = []
    run.results.sort(key=lambda result: result.piece)
    _check_results(table, run)
    for text in uneven_folds(run.results, settings.block_km):
        progress.warn(text)
    return run


def forget_work(work_file: str | Path | None) -> None:
    """Remove the finished pieces and folds that `crossvalidate_table` kept."""
    if work_file is not None:
        remove_work_files(work_file, folds_file_of(work_file))


def _places(
    table: MatrixTable, settings: ValidationSettings, progress: Progress
) -> dict[tuple[int, int], tuple[float, float]]:
    """Where the cells lie: needed for blocks, welcome for the map of pooled folds."""
    if settings.needs_places:
        return cell_places(table, progress)
    if settings.mode == POOLED and table.has_places:
        with contextlib.suppress(InputError):
            return cell_places(table, progress)
    return {}


def _pieces(settings: ValidationSettings, counts: Iterable[int], least: int) -> dict[int, int]:
    """How many pieces of work have how many rows."""
    a_unit = len(settings.schemes) * settings.repeats
    return {n: units * a_unit for n, units in Tally(counts).items() if n >= least}


def _plan(
    reader: UnitReader, least: int, pieces: Mapping[int, int], done: float, threads: int, progress: Progress
) -> Plan | None:
    """Time a few trees and say how long all will take; None where no unit can be used."""
    job = _first_job(reader, least, progress)
    if job is None:
        return None
    _warn_of_equals(job, progress)
    plan = make_plan(job, pieces, done, threads, progress)
    progress.log(plan.text())
    return plan


def _warn_of_equals(job: PieceJob, progress: Progress) -> None:
    """By cell, what never changes in a cell is left out: a grid that counts on it holds equals."""
    equals = job.settings.method.equals(job.settings.candidates, job.columns.size)
    if equals:
        progress.warn(f"{equals}, as in {key_label(job.piece.unit)}; leave out all of them but one.")


def _first_job(reader: UnitReader, least: int, progress: Progress) -> PieceJob | None:
    """The first piece that can be worked on, to time forests of it."""
    settings = reader.settings
    # What this look finds out is told when the units are read in earnest.
    look = ValidationRun(settings, reader.table.covariates)
    with contextlib.closing(reader.units(least, look, progress, quiet=True)) as units:
        for unit in units:
            with contextlib.suppress(InputError):
                return plan_piece(unit.rows, Piece(unit.unit, settings.schemes[0], 1), settings)
    return None


def _with_engine(
    reader: UnitReader, least: int, work: WorkFile, threads: int, progress: Progress
) -> tuple[UnitReader, str]:
    """The reader with an engine in its settings that fits models, and a sentence on it.

    Finished pieces keep theirs, so that no result is of two engines.
    """
    method = reader.settings.method
    if reader.settings.engine != FASTEST:
        return reader, _engine_text(method, reader.settings.engine)
    for engine in reversed(method.engines):
        own = _under(reader, engine)
        if method.engine_version(engine) is not None and work.knows(own.about):
            grow = f"{method.noun.capitalize()}s grow with {_engine_text(method, engine)}"
            text = f"{grow}, as the finished pieces of work did."
            break
    else:
        job = _first_job(reader, least, progress)
        engine, text = (method.engines[0], "") if job is None else _faster(job, threads, progress)
        own = _under(reader, engine)
    progress.log(text)
    return own, f"{_engine_text(method, engine)} ({text.rstrip('.')})"


def _faster(job: PieceJob, threads: int, progress: Progress) -> tuple[str, str]:
    """The engine that is faster on the first fold of a piece."""
    cells, block = designed(job.rows, job.columns, job.folds.train(0), job.folds.test(0), job.settings)
    settings = job.settings.candidates[0].of(len(cells.y))
    return job.settings.method.faster_engine(cells, block, settings, threads, progress)


def _engine_text(method: Method, engine: str) -> str:
    return f"{engine} {method.engine_version(engine)}" if engine else method.name


def _under(reader: UnitReader, engine: str) -> UnitReader:
    settings = replace(reader.settings, engine=engine)
    return reader.under(settings, settings_key(reader.table.covariates, settings))


@dataclass(frozen=True, eq=False)
class _Task:
    """A fold of a piece; `key` is of its rows and settings, `known` what was found of it."""

    job: PieceJob
    key: str
    keep: bool
    fold: int
    known: FoldOutcome | None


def _jobs(
    reader: UnitReader, least: int, run: ValidationRun, work: WorkFile, counter: Counter, progress: Progress
) -> Generator[_Task, None, None]:
    """The folds of all pieces that are not yet done; done ones go straight to the results."""
    settings = reader.settings
    settings.method.get_ready()
    with contextlib.closing(reader.units(least, run, progress)) as units:
        for unit in units:
            if unit.number == 1:
                run.pictures = _pictures(reader.table, unit, settings)
            for scheme, repeat in product(settings.schemes, range(1, settings.repeats + 1)):
                piece = Piece(unit.unit, scheme, repeat)
                keep = unit.number <= KEPT_UNITS and repeat == 1
                done = work.find(unit.key, piece, keep)
                if done is not None:
                    run.results.append(done)
                    counter.advance(settings.folds)
                    continue
                try:
                    job = plan_piece(unit.rows, piece, settings)
                except InputError as error:
                    run.failed[piece] = str(error)
                    progress.log(f"{key_label(piece.unit)}, {scheme} folds, repeat {repeat}: {error}")
                    counter.advance(settings.folds)
                    continue
                for fold in range(job.folds.number):
                    yield _Task(job, unit.key, keep, fold, work.find_fold(unit.key, piece, fold))


def _pictures(table: MatrixTable, unit: UnitRows, settings: ValidationSettings) -> list[FoldPicture]:
    """The folds of a unit's first repeat, where they can be made.

    Pooled rows that cannot be cut into one of the schemes are refused here, before the others take their
    hours.
    """
    pictures, failed = [], {}
    for scheme in settings.schemes:
        piece = Piece(unit.unit, scheme, 1)
        try:
            pictures.append(FoldPicture.of(plan_piece(unit.rows, piece, settings)))
        except InputError as error:
            failed[piece] = str(error)
    # What all fail by is no matter of the scheme, and told by the one who grows no forest.
    if settings.mode == POOLED and failed and pictures:
        raise _cannot_be_cut(table, settings, *next(iter(failed.items())))
    return pictures


def _cannot_be_cut(table: MatrixTable, settings: ValidationSettings, piece: Piece, reason: str) -> InputError:
    where = f"{key_label(piece.unit)}: {reason.rstrip('.')}"
    return InputError(f"{table.label}: {_cannot(settings)} be cut into {piece.scheme} ({where}).")


def _cannot(settings: ValidationSettings) -> str:
    return "its rows cannot" if settings.mode == POOLED else f"no {UNIT_NOUNS[settings.mode]} can"


def _run_fold(task: _Task, listener: Progress) -> tuple[_Task, FoldOutcome]:
    known = task.known
    return task, run_fold(task.job, task.fold, listener) if known is None else known


def _check_results(table: MatrixTable, run: ValidationRun) -> None:
    """Refuse to end with an empty result, or with one scheme that no unit could have."""
    if not run.results:
        reasons = [f"{key_label(unit)}: {reason}" for unit, reason in run.skipped.items()]
        reasons += [f"{key_label(piece.unit)}: {reason}" for piece, reason in run.failed.items()]
        said = f" ({reasons[0].rstrip('.')})" if reasons else ""
        raise InputError(
            f"{table.label}: {_cannot(run.settings)} be validated{said}; check its soil moisture and "
            "covariates."
        )
    for scheme in run.settings.schemes:
        if not any(result.piece.scheme == scheme for result in run.results):
            # Rows that are too few have failed all schemes: what is left are the groups.
            piece, reason = next(item for item in run.failed.items() if item[0].scheme == scheme)
            raise _cannot_be_cut(table, run.settings, piece, reason)
