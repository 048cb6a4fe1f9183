"""Repeated K-fold cross-validation of forests, nested where there is a grid (Krstajic et al. 2014).

The work is cut into pieces (a date, cell or all rows; a scheme of folds; a repeat) and those into folds.
Each fold depends on its data, the settings and its own numbers only: any thread or machine may do any of
them, in any order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....base.errors import InputError
from ....base.progress import SILENT, Progress
from ....methods.base import Cells
from ....methods.keys import key_number
from ....stats import scores
from .design import designed, model_key, permuted_orders, used_columns
from .folds import block_numbers, fold_generator
from .pieces import Choice, FoldOutcome, Piece, PieceJob, PieceResult, all_scores, parts_of
from .schemes import BLOCKS, IN_SPACE, LOCATIONS, LOCATIONS_AND_DATES, RANDOM, Folds, make_folds
from .settings import ValidationSettings

_LEAST_ROWS = 4


def cross_validate(
    rows: Cells, piece: Piece, settings: ValidationSettings, progress: Progress = SILENT
) -> PieceResult:
    """Cross-validate one piece.

    Raises
    ------
    InputError
        Too few rows, blocks, cells or periods, a constant response, values that are not finite.
    """
    job = plan_piece(rows, piece, settings)
    return assemble(job, [run_fold(job, fold, progress) for fold in range(job.folds.number)])


def plan_piece(rows: Cells, piece: Piece, settings: ValidationSettings) -> PieceJob:
    """The folds of a piece; arguments and errors as for `cross_validate`."""
    _check_rows(rows, settings)
    generator = fold_generator(settings.seed, key_number(piece.key), piece.repeat)
    groups = _groups(rows, piece.scheme, settings, generator)
    folds = make_folds(
        piece.scheme, groups, rows.days, settings.folds, settings.period, settings.gap, generator
    )
    job = PieceJob(piece, rows, folds, groups, used_columns(rows, settings), settings)
    if settings.tuned:
        for fold in range(folds.number):
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
        advice = "give FOLDS a smaller number" if settings.folds > _LEAST_ROWS else f"take more {noun}"
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
) -> np.ndarray | None:
    """The block or cell of each row, where the scheme holds out whole ones."""
    if scheme not in IN_SPACE:
        return None
    if settings.block_km:
        if rows.coordinates is None:
            raise InputError("Spatial blocks need the x and y of the cells; give BLOCKS 0 without them.")
        x, y = rows.coordinates.T
        return block_numbers(x, y, settings.block_km * 1000, generator)
    return np.asarray(np.unique(rows.cells, axis=0, return_inverse=True)[1], np.int64).reshape(-1)


_NEEDED_FOR_TUNING = {
    BLOCKS: ("block", "BLOCKS a smaller side"),
    LOCATIONS: ("location", "BLOCKS a smaller side or 0"),
    LOCATIONS_AND_DATES: ("location", "BLOCKS a smaller side or 0"),
}


def _check_training_part(job: PieceJob, fold: int) -> None:
    """Raise `InputError` unless inner folds can be made of the training part."""
    train = job.folds.train(fold)
    if job.groups is not None and np.unique(job.groups[train]).size < 2:
        noun, advice = _NEEDED_FOR_TUNING[job.piece.scheme]
        raise InputError(
            f"A training part has one {noun} only, and tuning needs two; give {advice}, FOLDS "
            "a larger number, or leave the grids empty."
        )
    try:
        _inner_folds(job, fold, train)
    except InputError as error:
        raise InputError(
            f"A training part cannot be cut again for the choice from the grids ({str(error).rstrip('.')}); "
            "leave the grids empty, or change FOLDS."
        ) from None


def _inner_folds(job: PieceJob, fold: int, train: np.ndarray) -> Folds:
    """Folds of the training part of an outer fold, of the same kind."""
    settings, piece = job.settings, job.piece
    generator = fold_generator(settings.seed, key_number(piece.key), piece.repeat, fold + 1)
    groups = None if job.groups is None else job.groups[train]
    wanted = settings.inner_folds
    if piece.scheme == RANDOM:
        wanted = min(wanted, int(train.sum()))
    return make_folds(
        piece.scheme, groups, job.rows.days[train], wanted, settings.period, settings.gap, generator
    )


def run_fold(job: PieceJob, fold: int, progress: Progress = SILENT) -> FoldOutcome:
    """Predict the rows of a fold by a model of all that it may see.

    The model's settings are chosen among the rows that it sees.
    """
    train, test = job.folds.train(fold), job.folds.test(fold)
    seen, block = designed(job.rows, job.columns, train, test, job.settings)
    n, p = seen.x.shape
    chosen, inner_rmse = 0, float("nan")
    if job.settings.tuned:
        errors = _inner_errors(job, fold, train, progress)
        chosen = int(np.argmin(errors))
        inner_rmse = float(errors[chosen])
    choice = Choice(fold + 1, n, int(test.sum()), p, chosen, inner_rmse)
    method, engine = job.settings.method, job.settings.engine
    settings, key = job.settings.candidates[chosen].of(n), model_key(job.piece, fold)
    if not job.measures_importance:
        return FoldOutcome(method.held_out(seen, block, [settings], key, progress, engine)[0], choice)
    seed = settings.as_dict().get("seed") or 0
    orders = permuted_orders(len(block.x), p, seed, key)
    predicted, permuted = method.permuted(seen, block, settings, key, orders, progress, engine)
    return FoldOutcome(predicted, choice, np.sum((permuted - job.rows.y[test]) ** 2, axis=1))


def _inner_errors(job: PieceJob, fold: int, train: np.ndarray, progress: Progress) -> np.ndarray:
    """RMSE of each candidate, pooled over the inner folds of the training part of an outer fold."""
    settings, rows = job.settings, job.rows.take(train)
    folds = _inner_folds(job, fold, train)
    predicted = np.full((len(settings.candidates), rows.y.size), np.nan)
    for inner in range(folds.number):
        seen, test = folds.train(inner), folds.test(inner)
        cells, block = designed(rows, job.columns, seen, test, settings)
        own = [candidate.of(len(cells.y)) for candidate in settings.candidates]
        key = model_key(job.piece, fold, inner + 1)
        predicted[:, test] = settings.method.held_out(cells, block, own, key, progress, settings.engine)
    tested = folds.tested
    return np.array([scores.rmse(rows.y[tested], row[tested]) for row in predicted])


def assemble(job: PieceJob, outcomes: Sequence[FoldOutcome], keep_rows: bool = True) -> PieceResult:
    """The scores of a piece from the outcomes of its folds, one for each, in their order.

    Those of all its predicted rows at once, not means of the folds'.
    """
    predicted = np.full(job.rows.y.size, np.nan)
    for fold, outcome in enumerate(outcomes):
        predicted[job.folds.test(fold)] = outcome.predicted
    tested = job.folds.tested
    rows, predicted = job.rows.take(tested), predicted[tested]
    found = all_scores(rows.y, predicted)
    kept = (rows.y, predicted, job.folds.fold_of_row[tested]) if keep_rows else (None, None, None)
    return PieceResult(
        job.piece,
        rows.y.size,
        found,
        tuple(outcome.choice for outcome in outcomes),
        parts_of(job.piece, rows, predicted, job.settings),
        _importance(job, outcomes, rows.y.size, found["rmse"]),
        *kept,
    )


def _importance(job: PieceJob, outcomes: Sequence[FoldOutcome], n: int, rmse: float) -> tuple[float, ...]:
    """How much the RMSE of all folds rises where a covariate is permuted, by covariate."""
    errors = [outcome.permuted_sse for outcome in outcomes if outcome.permuted_sse is not None]
    if not errors:
        return ()
    rises = np.full(job.rows.x.shape[1] + len(job.settings.features.names), np.nan)
    rises[job.columns] = np.sqrt(np.sum(errors, axis=0) / n) - rmse
    return tuple(rises.tolist())
