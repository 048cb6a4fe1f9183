"""Cross-validation of forests, from a regression matrix to results; goes on after a stop."""

from __future__ import annotations

import contextlib
from collections import Counter as Tally
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from ...base.errors import InputError
from ...base.progress import SILENT, Counter, Progress
from ...base.threads import ordered_map
from ...base.words import counted
from ...methods.base import Cells, Method
from ...methods.forest.engines import FASTEST
from ...methods.keys import POOLED, Key, key_label
from ..matrix.numbers.rows import check_minimum
from ..matrix.read import WHOLE_TABLE, MatrixTable, RowSelection
from .journal import WorkFile, counts_key, rows_key
from .numbers.crossvalidate import assemble, plan_piece, run_fold
from .numbers.design import designed
from .numbers.pieces import FoldOutcome, Piece, PieceJob
from .numbers.plan import Plan, make_plan
from .numbers.results import KEPT_KEYS, FoldPicture, ValidationRun
from .numbers.settings import ValidationSettings
from .numbers.summary import uneven_folds
from .read_rows import RowReader


def crossvalidate_table(
    table: MatrixTable,
    settings: ValidationSettings,
    work_file: str | Path | None = None,
    selection: RowSelection = WHOLE_TABLE,
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
        it when the results are safe (see `journal.forget_work`).
    selection : RowSelection
        Which rows.
    threads : int

    Raises
    ------
    InputError
        If no rows can be used, folds cannot be made, or a file cannot be read or written.
    """
    check_minimum(settings.words.minimum, selection.minimum_rows)
    run = ValidationRun(settings, table.covariates)
    settings.method.check(settings.candidates, len(run.covariate_names), table.label)
    reader = RowReader(table, settings, selection, progress)
    counts = reader.counts(progress)
    least = reader.least(counts, progress)
    # By date and by cell a piece is soon done; of pooled rows there are a few, of hours each.
    with contextlib.closing(WorkFile(work_file, counts_key(counts), settings.mode == POOLED)) as work:
        of_each = len(settings.schemes) * settings.repeats
        pieces = {n: keys * of_each for n, keys in Tally(counts.values()).items() if n >= least}
        total = sum(pieces.values())
        reader, run.engine = _with_engine(reader, least, work, threads, progress)
        run.settings = reader.settings
        counter = progress.counter(total * settings.folds, "folds")
        run.resumed = min(work.count(reader.about, settings.repeats), total)
        begun = work.count_folds(reader.about)
        for number, nouns in ((run.resumed, ("piece", "pieces")), (begun, ("fold", "folds"))):
            if number:
                done = counted(number, f"{nouns[0]} of work was", f"{nouns[1]} of work were")
                progress.log(f"{done} finished before the last stop.")
        run.plan = _plan(reader, least, pieces, run.resumed + begun / settings.folds, threads, progress)
        tasks = _tasks(reader, least, run, work, counter, progress)
        folds = ordered_map(_run_fold, tasks, threads, progress)
        with contextlib.closing(tasks), contextlib.closing(folds):
            outcomes: list[FoldOutcome] = []
            for task, outcome in folds:
                job = task.job
                if task.known is None:
                    work.add_fold(task.source, job.piece, task.fold, outcome)
                outcomes.append(outcome)
                counter.advance(1)
                if len(outcomes) == job.folds.number:
                    result = assemble(job, outcomes, task.keep)
                    work.add(task.source, result)
                    run.results.append(result)
                    counter.advance(settings.folds - job.folds.number)
                    outcomes = []
    run.results.sort(key=lambda result: result.piece)
    _check_results(table, run)
    for text in uneven_folds(run.results, settings.block_km):
        progress.warn(text)
    return run


def _plan(
    reader: RowReader, least: int, pieces: Mapping[int, int], done: float, threads: int, progress: Progress
) -> Plan | None:
    """Time a few trees and say how long all will take; None where no rows can be used."""
    job = _first_job(reader, least, progress)
    if job is None:
        return None
    # By cell, what never changes in a cell is left out: a grid that counts on it holds equals.
    equals = job.settings.method.equals(job.settings.candidates, job.columns.size)
    if equals:
        progress.warn(f"{equals}, as in {key_label(job.piece.key)}; leave out all of them but one.")
    plan = make_plan(job, pieces, done, threads, progress)
    progress.log(plan.text())
    return plan


def _first_job(reader: RowReader, least: int, progress: Progress) -> PieceJob | None:
    """The first piece that can be worked on, to time forests of it."""
    settings = reader.settings
    # What this look finds out is said when the rows are read in earnest.
    look = ValidationRun(settings, reader.table.covariates)
    with contextlib.closing(reader.usable(least, look, progress, quiet=True)) as parts:
        for key, rows in parts:
            with contextlib.suppress(InputError):
                return plan_piece(rows, Piece(key, settings.schemes[0], 1), settings)
    return None


def _with_engine(
    reader: RowReader, least: int, work: WorkFile, threads: int, progress: Progress
) -> tuple[RowReader, str]:
    """The reader with an engine in its settings that fits models, and a sentence on it.

    Finished pieces keep theirs, so that no result is of two engines.
    """
    method = reader.settings.method
    if reader.settings.engine != FASTEST:
        return reader, _engine_text(method, reader.settings.engine)
    for engine in reversed(method.engines):
        own = reader.with_engine(engine)
        if method.engine_version(engine) is not None and work.knows(own.about):
            grow = f"{method.noun.capitalize()}s grow with {_engine_text(method, engine)}"
            text = f"{grow}, as the finished pieces of work did."
            break
    else:
        job = _first_job(reader, least, progress)
        engine, text = (method.engines[0], "") if job is None else _faster(job, threads, progress)
        own = reader.with_engine(engine)
    progress.log(text)
    return own, f"{_engine_text(method, engine)} ({text.rstrip('.')})"


def _faster(job: PieceJob, threads: int, progress: Progress) -> tuple[str, str]:
    """The engine that is faster on the first fold of a piece."""
    cells, block = designed(job.rows, job.columns, job.folds.train(0), job.folds.test(0), job.settings)
    settings = job.settings.candidates[0].of(len(cells.y))
    return job.settings.method.faster_engine(cells, block, settings, threads, progress)


def _engine_text(method: Method, engine: str) -> str:
    return f"{engine} {method.engine_version(engine)}" if engine else method.name


@dataclass(frozen=True, eq=False)
class _Task:
    """A fold of a piece; `source` is of its rows and settings, `known` what was found of it."""

    job: PieceJob
    source: str
    keep: bool
    fold: int
    known: FoldOutcome | None


def _tasks(
    reader: RowReader, least: int, run: ValidationRun, work: WorkFile, counter: Counter, progress: Progress
) -> Generator[_Task, None, None]:
    """The folds of all pieces that are not yet done; done ones go straight to the results."""
    settings = reader.settings
    settings.method.get_ready()
    with contextlib.closing(reader.usable(least, run, progress)) as parts:
        for number, (key, rows) in enumerate(parts):
            source = rows_key(reader.about, rows)
            if not number:
                run.pictures = _pictures(reader.table, key, rows, settings)
            for scheme, repeat in product(settings.schemes, range(1, settings.repeats + 1)):
                piece = Piece(key, scheme, repeat)
                keep = number < KEPT_KEYS and repeat == 1
                done = work.find(source, piece, keep)
                if done is not None:
                    run.results.append(done)
                    counter.advance(settings.folds)
                    continue
                try:
                    job = plan_piece(rows, piece, settings)
                except InputError as error:
                    run.failed[piece] = str(error)
                    progress.log(f"{key_label(key)}, {scheme} folds, repeat {repeat}: {error}")
                    counter.advance(settings.folds)
                    continue
                for fold in range(job.folds.number):
                    yield _Task(job, source, keep, fold, work.find_fold(source, piece, fold))


def _pictures(table: MatrixTable, key: Key, rows: Cells, settings: ValidationSettings) -> list[FoldPicture]:
    """The folds of the first repeat, where they can be made.

    Pooled rows that cannot be cut into one of the schemes are refused here, before the others take their
    hours.
    """
    pictures, failed = [], {}
    for scheme in settings.schemes:
        piece = Piece(key, scheme, 1)
        try:
            pictures.append(FoldPicture.of(plan_piece(rows, piece, settings)))
        except InputError as error:
            failed[piece] = str(error)
    # What all fail by is no matter of the scheme, and is said when no piece has a result.
    if settings.mode == POOLED and failed and pictures:
        raise _cannot_be_cut(table, settings, *next(iter(failed.items())))
    return pictures


def _cannot_be_cut(table: MatrixTable, settings: ValidationSettings, piece: Piece, reason: str) -> InputError:
    where = f"{key_label(piece.key)}: {reason.rstrip('.')}"
    return InputError(f"{table.label}: {settings.words.none_can} be cut into {piece.scheme} ({where}).")


def _run_fold(task: _Task, listener: Progress) -> tuple[_Task, FoldOutcome]:
    known = task.known
    return task, run_fold(task.job, task.fold, listener) if known is None else known


def _check_results(table: MatrixTable, run: ValidationRun) -> None:
    """Refuse to end with an empty result, or with one scheme that no rows could be cut into."""
    if not run.results:
        reasons = [f"{key_label(key)}: {reason}" for key, reason in run.skipped.items()]
        reasons += [f"{key_label(piece.key)}: {reason}" for piece, reason in run.failed.items()]
        first = f" ({reasons[0].rstrip('.')})" if reasons else ""
        raise InputError(
            f"{table.label}: {run.settings.words.none_can} be validated{first}; check its soil moisture and "
            "covariates."
        )
    for scheme in run.settings.schemes:
        if not any(result.piece.scheme == scheme for result in run.results):
            # Rows that are too few have failed all schemes: what is left are the groups.
            piece, reason = next(item for item in run.failed.items() if item[0].scheme == scheme)
            raise _cannot_be_cut(table, run.settings, piece, reason)
