"""Cross-validation, from a regression matrix or other rows to results; goes on after a stop."""

from __future__ import annotations

import contextlib
from collections import Counter as Tally
from collections.abc import Generator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

from ...base.cluster import spread
from ...base.errors import InputError
from ...base.progress import SILENT, Counter, Progress
from ...base.words import counted
from ...methods.base import Cells, Method
from ...methods.forest.engines import FASTEST
from ...methods.keys import POOLED, Key, key_label
from ..matrix.numbers.rows import check_minimum
from ..matrix.read import WHOLE_TABLE, MatrixTable, RowSelection
from .journal import WorkFile, counts_key, rows_key, settings_key
from .numbers.crossvalidate import PieceJob, assemble, designed, make_plan, plan_piece, run_fold
from .numbers.pieces import FoldOutcome, Piece
from .numbers.results import KEPT_KEYS, FoldPicture, ValidationRun, fold_picture, uneven_folds
from .numbers.settings import ValidationSettings
from .read_rows import RowReader, RowSource


def crossvalidate_table(
    table: MatrixTable,
    settings: ValidationSettings,
    work_file: str | Path | None = None,
    selection: RowSelection = WHOLE_TABLE,
    threads: int = 1,
    progress: Progress = SILENT,
) -> ValidationRun:
    """Cross-validate the forests of a table: by date, by cell or pooled.

    The result depends on the rows and the settings only, not on the threads or on whether the work was
    stopped and begun again.  The work file keeps finished pieces, so that a run that was stopped goes on
    from there; the caller removes it when the results are safe (see `journal.forget_work`).

    Raises
    ------
    InputError
        If no rows can be used, folds cannot be made, or a file cannot be read or written.
    """
    check_minimum(settings.words.minimum, selection.minimum_rows)
    names = ValidationRun(settings, table.covariates).covariate_names
    settings.method.check(settings.candidates, len(names), table.label)
    reader = RowReader(table, settings, selection, progress)
    return crossvalidate_rows(reader, settings, work_file, threads, progress)


def crossvalidate_rows(
    reader: RowSource,
    settings: ValidationSettings,
    work_file: str | Path | None = None,
    threads: int = 1,
    progress: Progress = SILENT,
) -> ValidationRun:
    """The same of rows from elsewhere."""
    run = ValidationRun(settings, reader.covariates)
    # By date and by cell a piece is soon done; of pooled rows there are a few, of hours each.
    with contextlib.closing(WorkFile(work_file, counts_key(reader.counts), settings.mode == POOLED)) as work:
        job = _first_job(settings, reader, progress)
        run.settings, run.engine = _with_engine(settings, reader, job, work, threads, progress)
        about = _about(reader, run.settings)
        of_each = len(settings.schemes) * settings.repeats
        enough = Tally(n for n in reader.counts.values() if n >= reader.least)
        pieces = {n: keys * of_each for n, keys in enough.items()}
        total = sum(pieces.values())
        counter = progress.counter(total * settings.folds, "folds")
        run.resumed = min(work.count(about, settings.repeats), total)
        begun = work.count_folds(about)
        for number, nouns in ((run.resumed, ("piece", "pieces")), (begun, ("fold", "folds"))):
            if number:
                done = counted(number, f"{nouns[0]} of work was", f"{nouns[1]} of work were")
                progress.log(f"{done} finished before the last stop.")
        if job is not None:
            # By cell, what never changes in a cell is left out: a grid that counts on it holds equals.
            equals = settings.method.equals(settings.candidates, job.columns.size)
            if equals:
                progress.warn(f"{equals}, as in {key_label(job.piece.key)}; leave out all of them but one.")
            finished = run.resumed + begun / settings.folds
            # Whether a training part is too small for a method shows when its turn comes.
            with contextlib.suppress(InputError):
                run.plan = make_plan(replace(job, settings=run.settings), pieces, finished, threads, progress)
                progress.log(run.plan.text())
        tasks = _tasks(run, reader, work, about, counter, progress)
        folds = spread(_run_fold, tasks, threads, progress)
        with contextlib.closing(tasks), contextlib.closing(folds):
            outcomes: list[FoldOutcome] = []
            for (job, task), outcome in folds:
                if isinstance(outcome, str):
                    run.failed.setdefault(job.piece, outcome)
                elif job.piece not in run.failed:
                    if task.known is None:
                        work.add_fold(task.source, job.piece, task.fold, outcome)
                    outcomes.append(outcome)
                if task.fold < job.folds.number - 1:
                    counter.advance(1)
                    continue
                # Kept before it is counted: whoever stops the run at this count finds the piece done.
                if job.piece in run.failed:
                    _say_failed(job.piece, run.failed[job.piece], progress)
                else:
                    result = assemble(job, outcomes, task.keep)
                    work.add(task.source, result)
                    run.results.append(result)
                outcomes = []
                counter.advance(1 + settings.folds - job.folds.number)
    run.results.sort(key=lambda result: result.piece)
    _check_results(reader, run)
    for text in uneven_folds(run.results, settings):
        progress.warn(text)
    return run


def _about(reader: RowSource, settings: ValidationSettings) -> str:
    """A hash of all but the rows that results depend on."""
    return settings_key((*reader.covariates, reader.about) if reader.about else reader.covariates, settings)


def _say_failed(piece: Piece, reason: str, progress: Progress) -> None:
    progress.log(f"{key_label(piece.key)}, {piece.scheme} folds, repeat {piece.repeat}: {reason}")


def _with_engine(
    settings: ValidationSettings,
    reader: RowSource,
    job: PieceJob | None,
    work: WorkFile,
    threads: int,
    progress: Progress,
) -> tuple[ValidationSettings, str]:
    """The settings with an engine that fits models, and a sentence on it.

    Finished pieces keep theirs, so that no result is of two engines.
    """
    method = settings.method
    if settings.engine != FASTEST:
        return settings, _engine_text(method, settings.engine)
    for engine in reversed(method.engines):
        about = _about(reader, replace(settings, engine=engine))
        if method.engine_version(engine) is not None and work.knows(about):
            grow = f"{method.noun.capitalize()}s grow with {_engine_text(method, engine)}"
            text = f"{grow}, as the finished pieces of work did."
            break
    else:
        engine, text = method.engines[0], ""
        if job is not None:
            cells, block = designed(job, 0)
            first = settings.candidates[0].of(len(cells.y))
            engine, text = method.faster_engine(cells, block, first, threads, progress)
    progress.log(text)
    return replace(settings, engine=engine), f"{_engine_text(method, engine)} ({text.rstrip('.')})"


def _engine_text(method: Method, engine: str) -> str:
    return f"{engine} {method.engine_version(engine)}" if engine else method.name


def _first_job(settings: ValidationSettings, reader: RowSource, progress: Progress) -> PieceJob | None:
    """The first piece that can be worked on, to time forests of it; None where no rows can be used."""
    # What this look finds out is said when the rows are read in earnest.
    look = ValidationRun(settings, reader.covariates)
    with contextlib.closing(reader.usable(look, progress, quiet=True)) as parts:
        for key, rows in parts:
            with contextlib.suppress(InputError):
                return plan_piece(rows, Piece(key, settings.schemes[0], 1), settings)
    return None


class _Task(NamedTuple):
    """A fold of a piece; `source` is of its rows and settings, `known` what was found of it."""

    source: str
    keep: bool
    fold: int
    known: FoldOutcome | None


def _run_fold(job: PieceJob, task: _Task, listener: Progress) -> FoldOutcome | str:
    """What was found of a fold, or why its training part makes no model."""
    try:
        return task.known or run_fold(job, task.fold, listener)
    except InputError as error:
        return str(error)


def _tasks(
    run: ValidationRun, reader: RowSource, work: WorkFile, about: str, counter: Counter, progress: Progress
) -> Generator[tuple[PieceJob, _Task], None, None]:
    """The folds of all pieces that are not yet done; done ones go straight to the results."""
    settings = run.settings
    settings.method.get_ready()
    with contextlib.closing(reader.usable(run, progress)) as parts:
        for number, (key, rows) in enumerate(parts):
            source = rows_key(about, rows)
            if not number:
                run.pictures = _pictures(reader.label, key, rows, settings)
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
                    _say_failed(piece, str(error), progress)
                    counter.advance(settings.folds)
                    continue
                for fold in range(job.folds.number):
                    yield job, _Task(source, keep, fold, work.find_fold(source, piece, fold))


def _pictures(label: str, key: Key, rows: Cells, settings: ValidationSettings) -> list[FoldPicture]:
    """The folds of the first repeat, where they can be made.

    Pooled rows that cannot be cut into one of the schemes are refused here, before the others take their
    hours.
    """
    pictures, failed = [], {}
    for scheme in settings.schemes:
        piece = Piece(key, scheme, 1)
        try:
            pictures.append(fold_picture(plan_piece(rows, piece, settings)))
        except InputError as error:
            failed[piece] = str(error)
    # What all fail by is no matter of the scheme, and is said when no piece has a result.
    if settings.mode == POOLED and failed and pictures:
        raise _cannot_be_cut(label, settings, *next(iter(failed.items())))
    return pictures


def _cannot_be_cut(label: str, settings: ValidationSettings, piece: Piece, reason: str) -> InputError:
    where = f"{key_label(piece.key)}: {reason.rstrip('.')}"
    return InputError(f"{label}: {settings.words.none_can} be cut into {piece.scheme} ({where}).")


def _check_results(reader: RowSource, run: ValidationRun) -> None:
    """Refuse to end with an empty result, or with one scheme that no rows could be cut into."""
    if not run.results:
        reasons = [*run.skipped.items(), *((piece.key, reason) for piece, reason in run.failed.items())]
        first = f" ({key_label(reasons[0][0])}: {reasons[0][1].rstrip('.')})" if reasons else ""
        raise InputError(
            f"{reader.label}: {run.settings.words.none_can} be validated{first}; check its soil moisture and "
            "covariates."
        )
    for scheme in run.settings.schemes:
        if not any(result.piece.scheme == scheme for result in run.results):
            # Rows that are too few have failed all schemes: what is left are the groups.
            piece, reason = next(item for item in run.failed.items() if item[0].scheme == scheme)
            raise _cannot_be_cut(reader.label, run.settings, piece, reason)
