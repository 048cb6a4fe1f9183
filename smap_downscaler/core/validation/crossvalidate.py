"""Repeated K-fold cross-validation of forests, nested where there is a grid (Krstajic et al. 2014).

The work is cut into pieces (a date, a scheme of folds, a repeat) and those into folds.  Each fold
depends on its data, the settings and its own numbers only: any thread or machine may do any of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .. import scores
from ..errors import InputError
from ..forest.settings import ForestSettings
from ..forest.train import new_sklearn_forest
from ..progress import SILENT, Progress
from .folds import BLOCKS, RANDOM, block_folds, block_numbers, fold_generator, random_folds
from .grid import tree_groups
from .settings import ValidationSettings

SCORES = ("rmse", "mae", "bias", "r2", "pearson_r2")
_SCHEME_NUMBERS = {RANDOM: 0, BLOCKS: 1}
#: Draws a chunk of trees may cost: about 0.15 s of work between two looks at the cancel button.
_DRAWS_A_CHUNK = 30_000
_LEAST_ROWS = 4


@dataclass(frozen=True, order=True)
class Piece:
    """The unit of work; `repeat` counts from 1."""

    date: dt.date
    scheme: str
    repeat: int


@dataclass(frozen=True)
class Choice:
    """What an outer fold was predicted with.

    Parameters
    ----------
    fold : int
        Number of the fold, from 1.
    n_train, n_test : int
        Rows of the training part and of the fold.
    candidate : int
        Index of the chosen candidate.
    inner_rmse : float
        Its error in the inner folds; NaN where there was no choice.
    """

    fold: int
    n_train: int
    n_test: int
    candidate: int
    inner_rmse: float


@dataclass(frozen=True, eq=False)
class PieceJob:
    """A piece that is ready to be worked on.

    Parameters
    ----------
    piece : Piece
    x, y : float32, shape (n, p); float64, shape (n,)
    fold_of_row : int64, shape (n,)
    blocks : int64, shape (n,), or None
        Block of each row where folds are made of blocks.
    settings : ValidationSettings
    """

    piece: Piece
    x: np.ndarray
    y: np.ndarray
    fold_of_row: np.ndarray
    blocks: np.ndarray | None
    settings: ValidationSettings

    @property
    def folds(self) -> int:
        """Number of folds."""
        return int(self.fold_of_row.max()) + 1


@dataclass(frozen=True, eq=False)
class FoldOutcome:
    """Out-of-fold predictions of the fold's rows, in their order, and what they were made with."""

    predicted: np.ndarray
    choice: Choice


@dataclass(frozen=True, eq=False)
class PieceResult:
    """Scores of a piece, pooled over its folds.

    Parameters
    ----------
    piece : Piece
    n : int
        Rows.
    scores : dict
        The numbers of `SCORES`; NaN where undefined.
    choices : tuple of Choice
        One a fold.
    observed, predicted, fold_of_row : arrays, shape (n,), or None
        The rows themselves, where they were kept.
    """

    piece: Piece
    n: int
    scores: dict[str, float]
    choices: tuple[Choice, ...]
    observed: np.ndarray | None = None
    predicted: np.ndarray | None = None
    fold_of_row: np.ndarray | None = None


def cross_validate(
    x: np.ndarray,
    y: np.ndarray,
    place: tuple[np.ndarray, np.ndarray] | None,
    piece: Piece,
    settings: ValidationSettings,
    progress: Progress = SILENT,
) -> PieceResult:
    """Cross-validate one piece.

    Parameters
    ----------
    x : float32, shape (n, p)
        Covariates; no NaN.
    y : float64, shape (n,)
        Response; no NaN.
    place : pair of float64, shape (n,)
        x and y of the rows, metres; needed for blocks only.
    piece : Piece
    settings : ValidationSettings

    Raises
    ------
    InputError
        Too few rows or blocks, a constant response, values that are not finite.
    """
    job = plan_piece(x, y, place, piece, settings)
    return assemble(job, [run_fold(job, fold, progress) for fold in range(job.folds)])


def plan_piece(
    x: np.ndarray,
    y: np.ndarray,
    place: tuple[np.ndarray, np.ndarray] | None,
    piece: Piece,
    settings: ValidationSettings,
) -> PieceJob:
    """The folds of a piece; arguments and errors as for `cross_validate`."""
    x = np.ascontiguousarray(x, dtype=np.float32)
    y = np.ascontiguousarray(y, dtype=np.float64)
    if x.ndim != 2 or not x.shape[1] or y.shape != x.shape[:1]:
        raise InputError(f"Covariates {x.shape} and response {y.shape} do not belong together.")
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
        raise InputError("The rows hold values that are missing or infinite; drop those rows.")
    needed = max(settings.folds, _LEAST_ROWS)
    if y.size < needed:
        raise InputError(f"{y.size} cells are too few for {settings.folds} folds; {needed} are needed.")
    if np.min(y) == np.max(y):
        raise InputError(f"All {y.size} cells have the value {y[0]:g}; there is nothing to learn.")
    generator = fold_generator(settings.seed, piece.date.toordinal(), piece.repeat)
    if piece.scheme == RANDOM:
        return PieceJob(piece, x, y, random_folds(y.size, settings.folds, generator), None, settings)
    if place is None:
        raise InputError("Spatial blocks need the x and y of the cells; give BLOCKS 0 without them.")
    blocks = block_numbers(*place, settings.block_km * 1000, generator)
    fold_of_row = block_folds(blocks, settings.folds, generator)
    if settings.tuned:
        _check_training_blocks(blocks, fold_of_row)
    return PieceJob(piece, x, y, fold_of_row, blocks, settings)


def _check_training_blocks(blocks: np.ndarray, fold_of_row: np.ndarray) -> None:
    for fold in range(int(fold_of_row.max()) + 1):
        if np.unique(blocks[fold_of_row != fold]).size < 2:
            raise InputError(
                "A training part has one block only, and tuning needs two; give BLOCKS a smaller side, FOLDS "
                "a larger number, or leave the grids empty."
            )


def run_fold(job: PieceJob, fold: int, progress: Progress = SILENT) -> FoldOutcome:
    """Predict the rows of a fold by a forest of all others, its hyper-parameters chosen among those."""
    test = job.fold_of_row == fold
    x, y = job.x[~test], job.y[~test]
    chosen, inner_rmse = 0, float("nan")
    if job.settings.tuned:
        blocks = None if job.blocks is None else job.blocks[~test]
        errors = _inner_errors(x, y, blocks, job, fold, progress)
        chosen = int(np.argmin(errors))
        inner_rmse = float(errors[chosen])
    settings = job.settings.candidates[chosen].of(y.size)
    key = forest_key(job.piece, fold)
    predicted = grow_and_predict(x, y, job.x[test], settings, key, (settings.n_estimators,), progress)[0]
    return FoldOutcome(predicted, Choice(fold + 1, y.size, int(test.sum()), chosen, inner_rmse))


def assemble(job: PieceJob, outcomes: Sequence[FoldOutcome], keep_rows: bool = True) -> PieceResult:
    """The scores of a piece from its folds, in their order."""
    predicted = np.full(job.y.size, np.nan)
    for fold, outcome in enumerate(outcomes):
        predicted[job.fold_of_row == fold] = outcome.predicted
    found = {name: float(getattr(scores, name)(job.y, predicted)) for name in SCORES}
    choices = tuple(outcome.choice for outcome in outcomes)
    rows = (job.y, predicted, job.fold_of_row) if keep_rows else (None, None, None)
    return PieceResult(job.piece, job.y.size, found, choices, *rows)


def forest_key(piece: Piece, fold: int, inner: int = 0) -> int:
    """Tells the randomness of a forest from that of all others; `inner` is 0 for the outer fold's own.

    The candidates of a grid share it, so that they differ by their settings alone.
    """
    numbers = [piece.date.toordinal(), _SCHEME_NUMBERS[piece.scheme], piece.repeat, fold, inner]
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def grow_and_predict(
    x: np.ndarray,
    y: np.ndarray,
    x_new: np.ndarray,
    settings: ForestSettings,
    key: int,
    counts: Sequence[int],
    progress: Progress = SILENT,
) -> np.ndarray:
    """Predictions of the first `counts` trees of a forest: float64, shape (len(counts), n_new).

    A forest of few trees is the beginning of one of many, so that one serves all `counts`.
    """
    wanted = {count: index for index, count in enumerate(counts)}
    most = max(counts)
    forest = new_sklearn_forest(settings, x.shape[0], x.shape[1], key)
    chunk = max(1, _DRAWS_A_CHUNK // settings.draws(x.shape[0]))
    total, done = np.zeros(x_new.shape[0]), 0
    result = np.empty((len(counts), x_new.shape[0]))
    while done < most:
        progress.check()
        forest.set_params(n_estimators=min(done + chunk, most)).fit(x, y)
        for estimator in forest.estimators_[done:]:
            total += estimator.tree_.predict(x_new)[:, 0]
            done += 1
            if done in wanted:
                result[wanted[done]] = total / done
    return result


def _inner_errors(
    x: np.ndarray, y: np.ndarray, blocks: np.ndarray | None, job: PieceJob, fold: int, progress: Progress
) -> np.ndarray:
    """RMSE of each candidate, pooled over the inner folds of the training part of an outer fold."""
    settings = job.settings
    generator = fold_generator(settings.seed, job.piece.date.toordinal(), job.piece.repeat, fold + 1)
    if blocks is None:
        fold_of_row = random_folds(y.size, min(settings.inner_folds, y.size), generator)
    else:
        fold_of_row = block_folds(blocks, settings.inner_folds, generator)
    predicted = np.empty((len(settings.candidates), y.size))
    for inner in range(int(fold_of_row.max()) + 1):
        test = fold_of_row == inner
        key = forest_key(job.piece, fold, inner + 1)
        for group in tree_groups(settings.candidates):
            counts = [settings.candidates[index].settings.n_estimators for index in group]
            own = settings.candidates[group[0]].of(int((~test).sum()))
            found = grow_and_predict(x[~test], y[~test], x[test], own, key, counts, progress)
            predicted[np.ix_(np.array(group), np.nonzero(test)[0])] = found
    return np.array([scores.rmse(y, row) for row in predicted])
