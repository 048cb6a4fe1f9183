"""Repeated K-fold cross-validation of forests, nested where there is a grid (Krstajic et al. 2014).

The work is cut into pieces (a date, cell or all rows; a scheme of folds; a repeat) and those into folds.
Each fold depends on its data, the settings and its own numbers only: any thread or machine may do any of
them, in any order.  How long all takes is found by timing a few trees of the first fold.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ....base.errors import InputError
from ....base.progress import SILENT, Progress
from ....base.words import counted
from ....methods.base import Block, Cells
from ....methods.features import add_features, drop_constant
from ....methods.keys import BY_CELL, key_number
from ....stats import scores
from .folds import (
    BLOCKS,
    IN_SPACE,
    IN_TIME,
    RANDOM,
    SCHEME_NUMBERS,
    Folds,
    block_numbers,
    fold_generator,
    make_folds,
    more_to_train_on,
)
from .pieces import Choice, FoldOutcome, Piece, PieceResult, all_scores, parts_of
from .settings import ValidationSettings

_LEAST_ROWS = 4
#: How long trees are timed for an estimate.
_SECONDS_OF_TRIAL = 1.0


@dataclass(frozen=True, eq=False)
class PieceJob:
    """A piece that is ready to be worked on: all that `run_fold` needs, as plain arrays and numbers.

    Parameters
    ----------
    piece : Piece
    rows : Cells
    folds : Folds
    groups : int64, shape (n,)
        What the scheme holds out together in space (blocks or cells), else each row by itself.
    columns : int64, shape (p,)
        Numbers of the covariates, of the table and derived, that are used.
    settings : ValidationSettings
    """

    piece: Piece
    rows: Cells
    folds: Folds
    groups: np.ndarray
    columns: np.ndarray
    settings: ValidationSettings


def plan_piece(rows: Cells, piece: Piece, settings: ValidationSettings) -> PieceJob:
    """The folds of a piece.

    Raises
    ------
    InputError
        Too few rows, blocks, cells or periods, a constant response, values that are not finite.
    """
    _check_rows(rows, settings)
    generator = fold_generator(settings.seed, key_number(piece.key), piece.repeat)
    groups = _groups(rows, piece.scheme, settings, generator)
    folds = make_folds(
        piece.scheme, groups, rows.days, settings.folds, settings.period, settings.gap, generator
    )
    job = PieceJob(piece, rows, folds, groups, used_columns(rows, settings), settings)
    for fold in range(folds.number if settings.tuned else 0):
        _check_training_part(job, fold)
    return job


def _check_rows(rows: Cells, settings: ValidationSettings) -> None:
    x, y, noun = rows.x, rows.y, settings.words.rows
    if x.ndim != 2 or not x.shape[1] or y.shape != x.shape[:1]:
        raise InputError(f"Covariates {x.shape} and response {y.shape} do not belong together.")
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
        raise InputError("The rows hold values that are missing or infinite; drop those rows.")
    needed = max(settings.folds, _LEAST_ROWS)
    if y.size < needed:
        advice = "give FOLDS a smaller number" if y.size >= _LEAST_ROWS else f"take more {noun}"
        raise InputError(
            f"{y.size} {noun} are too few for {settings.folds} folds, which need {needed}; {advice}."
        )
    if np.min(y) == np.max(y):
        raise InputError(
            f"All {y.size} {noun} have the value {y[0]:g}, so there is nothing to learn; check the soil "
            "moisture."
        )


def _groups(
    rows: Cells, scheme: str, settings: ValidationSettings, generator: np.random.Generator
) -> np.ndarray:
    if scheme not in IN_SPACE and not settings.whole_cells:
        return np.arange(rows.y.size)
    if settings.block_km and scheme in IN_SPACE:
        if rows.coordinates is None:
            raise InputError("Spatial blocks need the x and y of the cells; give BLOCKS 0 without them.")
        x, y = rows.coordinates.T
        return block_numbers(x, y, settings.block_km * 1000, generator)
    return np.asarray(np.unique(rows.cells, axis=0, return_inverse=True)[1], np.int64).reshape(-1)


def used_columns(rows: Cells, settings: ValidationSettings) -> np.ndarray:
    """Numbers of the covariates, of the table and derived, that are used: int64, shape (p,).

    By cell those that vary, else all.

    Raises
    ------
    InputError
        If none varies.
    """
    if settings.mode != BY_CELL:
        return np.arange(rows.x.shape[1] + len(settings.features.names))
    x = add_features(rows.x, rows.days, settings.features, rows.days, rows.y)
    kept = drop_constant(x, [""] * x.shape[1])[2]
    if not kept.size:
        raise InputError(
            "No covariate changes with time; add dated covariates to the table, or tick DAY_OF_YEAR."
        )
    return kept


def _check_training_part(job: PieceJob, fold: int) -> None:
    """Raise `InputError` unless inner folds can be made of the training part."""
    scheme = job.piece.scheme
    if scheme in IN_SPACE and np.unique(job.groups[job.folds.train(fold)]).size < 2:
        noun, side = ("block", "") if scheme == BLOCKS else ("location", " or 0")
        # Of as many blocks as folds there is no smaller share.
        more = "FOLDS a larger number, " if np.unique(job.groups).size > job.folds.number else ""
        raise InputError(
            f"A training part has one {noun} only, and tuning needs two; give BLOCKS a smaller side{side}, "
            f"{more}or leave the grids empty."
        )
    try:
        _inner_job(job, fold)
    except InputError as error:
        # What it advises is for folds of all rows.
        problem = str(error).partition(";")[0]
        shorter = " or PERIOD a smaller one" if scheme in IN_TIME else ""
        raise InputError(
            f"A training part cannot be cut again for the choice from the grids ({problem}); leave the grids "
            f"empty, or give FOLDS a larger number{shorter}."
        ) from None


def _inner_job(job: PieceJob, fold: int) -> PieceJob:
    """The training part of an outer fold, in folds of the same kind."""
    settings, piece, train = job.settings, job.piece, job.folds.train(fold)
    generator = fold_generator(settings.seed, key_number(piece.key), piece.repeat, fold + 1)
    rows, groups, wanted = job.rows.take(train), job.groups[train], settings.inner_folds
    if piece.scheme == RANDOM:
        wanted = min(wanted, rows.y.size)
    folds = make_folds(piece.scheme, groups, rows.days, wanted, settings.period, settings.gap, generator)
    return replace(job, rows=rows, folds=folds, groups=groups)


def model_key(piece: Piece, fold: int, inner: int = 0) -> int:
    """Tells the randomness of a model from that of all others; `inner` is 0 for the outer fold's own.

    The candidates of a grid share it, so that they differ by their settings alone.
    """
    numbers = [key_number(piece.key), SCHEME_NUMBERS[piece.scheme], piece.repeat, fold, inner]
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def designed(job: PieceJob, fold: int) -> tuple[Cells, Block]:
    """The rows that the model of a fold sees, and those that it predicts.

    Neighbours in time, of both, are looked for only among the rows that the model sees.
    """
    rows, columns, features = job.rows, job.columns, job.settings.features
    seen, test = job.folds.train(fold), job.folds.test(fold)
    x_seen, x_test = (
        add_features(rows.x[mask], rows.days[mask], features, rows.days, rows.y, ~seen)
        for mask in (seen, test)
    )
    names = (*rows.names, *features.names)
    if columns.size < x_seen.shape[1]:
        x_seen, x_test = (np.ascontiguousarray(x[:, columns]) for x in (x_seen, x_test))
        names = tuple(names[column] for column in columns.tolist()) if rows.names else ()
    place = None if rows.coordinates is None else rows.coordinates[test]
    return replace(rows.take(seen), x=x_seen, names=names), Block(x_test, rows.days[test], place)


def run_fold(job: PieceJob, fold: int, progress: Progress = SILENT) -> FoldOutcome:
    """Predict the rows of a fold by a model of all that it may see.

    The model's settings are chosen among the rows that it sees.
    """
    seen, block = designed(job, fold)
    n, p = seen.x.shape
    chosen, inner_rmse = 0, float("nan")
    if job.settings.tuned:
        errors = _inner_errors(job, fold, progress)
        chosen = int(np.argmin(errors))
        inner_rmse = float(errors[chosen])
    choice = Choice(fold + 1, n, len(block.x), p, chosen, inner_rmse)
    method, engine = job.settings.method, job.settings.engine
    settings, key = job.settings.candidates[chosen].of(n), model_key(job.piece, fold)
    # On the first repeat alone, for its cost.
    if not (job.settings.importance and job.piece.repeat == 1):
        try:
            told = method.held_out_told(seen, block, settings, key, progress, engine)
        except InputError as error:
            if not method.sees_cells:
                raise
            # What it advises is for all cells.
            problem = str(error).partition(";")[0].rstrip(".")
            folds, wanted, gap = job.folds.number, job.settings.folds, job.settings.gap
            raise InputError(
                f"{problem}, where a fold is held out; "
                f"{more_to_train_on(job.piece.scheme, folds, wanted, gap)}."
            ) from None
        ends = None if told.lower is None or told.upper is None else np.stack([told.lower, told.upper])
        return FoldOutcome(told.mean, choice, ends=ends)
    orders = permuted_orders(len(block.x), p, settings.as_dict().get("seed") or 0, key)
    predicted, permuted = method.permuted(seen, block, settings, key, orders, progress, engine)
    observed = job.rows.y[job.folds.test(fold)]
    return FoldOutcome(predicted, choice, np.sum((permuted - observed) ** 2, axis=1))


def permuted_orders(n: int, p: int, seed: int, key: int) -> np.ndarray:
    """An order of `n` rows for each of `p` covariates: int64, shape (p, n).

    Drawn from the seed, the model's key and the covariate's number, after Breiman (2001), Machine Learning
    45, 5-32, with held-out rows in place of out-of-bag ones.
    """
    return np.stack([np.random.default_rng([seed, key, number]).permutation(n) for number in range(p)])


def _inner_errors(job: PieceJob, fold: int, progress: Progress) -> np.ndarray:
    """RMSE of each candidate, pooled over the inner folds of the training part of an outer fold."""
    settings, inner_job = job.settings, _inner_job(job, fold)
    y, folds = inner_job.rows.y, inner_job.folds
    predicted = np.full((len(settings.candidates), y.size), np.nan)
    for inner in range(folds.number):
        cells, block = designed(inner_job, inner)
        own = [candidate.of(len(cells.y)) for candidate in settings.candidates]
        key = model_key(job.piece, fold, inner + 1)
        predicted[:, folds.test(inner)] = settings.method.held_out(
            cells, block, own, key, progress, settings.engine
        )
    return np.array([scores.rmse(y[folds.tested], row[folds.tested]) for row in predicted])


def assemble(job: PieceJob, outcomes: Sequence[FoldOutcome], keep_rows: bool = True) -> PieceResult:
    """The scores of a piece from the outcomes of its folds, one for each, in their order.

    Those of all its predicted rows at once, not means of the folds'.
    """
    predicted = np.full(job.rows.y.size, np.nan)
    for fold, outcome in enumerate(outcomes):
        predicted[job.folds.test(fold)] = outcome.predicted
    tested, ends = job.folds.tested, None
    if all(outcome.ends is not None for outcome in outcomes):
        ends = np.full((2, job.rows.y.size), np.nan)
        for fold, outcome in enumerate(outcomes):
            ends[:, job.folds.test(fold)] = outcome.ends
        ends = ends[:, tested]
    rows, predicted = job.rows.take(tested), predicted[tested]
    found = all_scores(rows.y, predicted, ends)
    importance: list[float] = []
    errors = [outcome.permuted_sse for outcome in outcomes if outcome.permuted_sse is not None]
    if errors:
        rises = np.full(job.rows.x.shape[1] + len(job.settings.features.names), np.nan)
        rises[job.columns] = np.sqrt(np.sum(errors, axis=0) / rows.y.size) - found["rmse"]
        importance = rises.tolist()
    return PieceResult(
        job.piece,
        rows.y.size,
        found,
        tuple(outcome.choice for outcome in outcomes),
        parts_of(job.piece, rows, predicted, job.settings, ends),
        tuple(importance),
        *((rows.y, predicted, job.folds.fold_of_row[tested]) if keep_rows else ()),
    )


class Plan(NamedTuple):
    """What is left to do, and an estimate of the seconds that it takes.

    A piece is a date or cell, a scheme and repeat; parts are the trees of forests, `nouns` what models and
    parts are called.
    """

    pieces: int
    models: int
    parts: int
    seconds: float
    threads: int
    nouns: tuple[str, str] = ("forest", "tree")

    def text(self) -> str:
        """One sentence for the log."""
        work = counted(self.pieces, "piece of work", "pieces of work")
        models, threads = counted(self.models, self.nouns[0]), counted(self.threads, "thread")
        parts = f" of {counted(self.parts, self.nouns[1])}" if self.nouns[1] else ""
        return f"{work} with {models}{parts}: {duration_text(self.seconds)} with {threads}."


def models_a_piece(settings: ValidationSettings, rows: int) -> tuple[int, float]:
    """Models that a piece fits, and their parts (of the mean candidate where there is a choice)."""
    method, own = settings.method, [candidate.of(rows) for candidate in settings.candidates]
    models, parts = settings.folds, settings.folds * float(np.mean([method.work([one])[1] for one in own]))
    if settings.tuned:
        more, more_parts = method.work(own)
        models += settings.folds * settings.inner_folds * more
        parts += settings.folds * settings.inner_folds * more_parts
    return models, parts


def make_plan(
    job: PieceJob, rows_of_pieces: Mapping[int, int], done: float, threads: int, progress: Progress = SILENT
) -> Plan:
    """Time about a second of the first fold of one of the pieces and reckon from it.

    `rows_of_pieces` says how many pieces (values) have how many rows (keys), and `done` how many of them are
    done already; of one, a share of its folds may be.
    """
    settings = job.settings
    models, parts = models_a_piece(settings, job.rows.y.size)
    pieces = sum(rows_of_pieces.values())
    left = pieces - done
    # The time of a model grows a little faster than its rows.
    share = sum(count * _work(rows) for rows, count in rows_of_pieces.items()) / _work(job.rows.y.size)
    busy = min(threads, os.cpu_count() or 1)
    a_part = _seconds_a_part(job, progress) if left > 0 else 0.0
    seconds = a_part * parts * share * left / pieces / busy
    nouns = settings.method.noun, settings.method.parts
    return Plan(math.ceil(left), round(models * left), round(parts * left), seconds, threads, nouns)


def duration_text(seconds: float) -> str:
    """`about 5 minutes`, in words."""
    if seconds < 60:
        return "less than a minute"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"about {counted(minutes, 'minute')}"
    hours = seconds / 3600
    return f"about {hours:.1f} hours" if hours < 48 else f"about {hours / 24:.1f} days"


def _work(rows: int) -> float:
    return rows * float(np.log2(max(rows, 2)))


def _seconds_a_part(job: PieceJob, progress: Progress) -> float:
    """Mean over up to three candidates, spread over the grid."""
    cells, block = designed(job, 0)
    method, engine, candidates = job.settings.method, job.settings.engine, job.settings.candidates
    tried = sorted({0, len(candidates) // 2, len(candidates) - 1})
    found = []
    for index in tried:
        settings = candidates[index].of(len(cells.y))
        sample, step = method.sample(settings, engine)
        whole, parts = method.work([settings])[1], 0
        if method.parts:
            # The first call loads libraries; a model of one piece would take as long as what is timed.
            method.held_out(cells, block, [method.sample(settings, "")[0]], 0, progress, engine)
        begun = time.perf_counter()
        while time.perf_counter() - begun < _SECONDS_OF_TRIAL / len(tried) and parts < whole:
            method.held_out(cells, block, [sample], model_key(job.piece, 0, parts), progress, engine)
            parts += step
        found.append((time.perf_counter() - begun) / max(parts, 1))
    return float(np.mean(found))
