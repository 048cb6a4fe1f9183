"""What a cross-validation is cut into: pieces of work, their folds' outcomes and scores."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ....base.seasons_of_year import ALL, DRY, WET
from ....methods.base import Cells
from ....methods.keys import BY_DATE, POOLED, CellKey, Key
from ....stats import scores
from .schemes import Folds
from .settings import ValidationSettings

#: A score of fewer rows means nothing.
_LEAST_ROWS = 4

SCORES = ("rmse", "mae", "bias", "r2", "pearson_r2")
#: Of the least-squares line of observed on predicted (Fig. B1).
LINE = ("slope", "intercept")


@dataclass(frozen=True, order=True)
class Piece:
    """The piece of work: a key (date, cell or all rows), a scheme of folds, a repeat (from 1)."""

    key: Key
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
    covariates : int
        How many its forest had.
    candidate : int
        Index of the chosen candidate.
    inner_rmse : float
        Its error in the inner folds; NaN where there was no choice.
    """

    fold: int
    n_train: int
    n_test: int
    covariates: int
    candidate: int
    inner_rmse: float


@dataclass(frozen=True, eq=False)
class PieceJob:
    """A piece that is ready to be worked on: all that `run_fold` needs, as plain arrays and numbers.

    Parameters
    ----------
    piece : Piece
    rows : Cells
    folds : Folds
    groups : int64, shape (n,), or None
        What the scheme holds out together in space (blocks or cells).
    columns : int64, shape (p,)
        Numbers of the covariates, of the table and derived, that are used.
    settings : ValidationSettings
    """

    piece: Piece
    rows: Cells
    folds: Folds
    groups: np.ndarray | None
    columns: np.ndarray
    settings: ValidationSettings

    @property
    def measures_importance(self) -> bool:
        """Whether covariates are permuted: on the first repeat alone, for its cost."""
        return self.settings.importance and self.piece.repeat == 1


@dataclass(frozen=True, eq=False)
class FoldOutcome:
    """Predictions of a fold.

    Parameters
    ----------
    predicted : float64, shape (n_test,)
        Of the fold's rows, in their order.
    choice : Choice
        What they were made with.
    permuted_sse : float64, shape (p,), or None
        Sum of squared errors with each covariate permuted among the fold's rows.
    """

    predicted: np.ndarray
    choice: Choice
    permuted_sse: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class PartScores:
    """Scores of some rows of a piece: a season, or a date or cell of the pooled rows."""

    key: Key
    season: str
    n: int
    scores: dict[str, float]


@dataclass(frozen=True, eq=False)
class PieceResult:
    """Scores of a piece, pooled over its folds.

    Parameters
    ----------
    piece : Piece
    n : int
        Rows that were predicted.
    scores : dict
        The numbers of `SCORES` and `LINE`; NaN where undefined.
    choices : tuple of Choice
        One a fold.
    parts : tuple of PartScores
        Of a cell: its seasons.  Of the pooled rows: seasons, dates and cells.
    importance : tuple of float
        How much the RMSE rises where a covariate's values are permuted, by covariate of the table and
        then by those made from the rows; NaN for one that was not used.  Empty if not measured.
    observed, predicted, fold_of_row : arrays, shape (n,), or None
        The rows themselves, where they were kept.
    """

    piece: Piece
    n: int
    scores: dict[str, float]
    choices: tuple[Choice, ...]
    parts: tuple[PartScores, ...] = ()
    importance: tuple[float, ...] = ()
    observed: np.ndarray | None = None
    predicted: np.ndarray | None = None
    fold_of_row: np.ndarray | None = None


def all_scores(observed: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """The numbers of `SCORES` and `LINE` by name, as `stats.scores` defines them; NaN where undefined.

    Parameters
    ----------
    observed, predicted : float64, shape (n,)
        m3 m-3, as are RMSE, MAE, bias and intercept.
    """
    found = {name: float(getattr(scores, name)(observed, predicted)) for name in SCORES}
    return {**found, **dict(zip(LINE, scores.fitted_line(observed, predicted)))}


def most_chosen(choices: Sequence[Choice]) -> tuple[int, int]:
    """The candidate that most folds chose (the earlier in the grid of equals), and how many did."""
    votes: dict[int, int] = {}
    for choice in choices:
        votes[choice.candidate] = votes.get(choice.candidate, 0) + 1
    chosen = min(votes, key=lambda candidate: (-votes[candidate], candidate))
    return chosen, votes[chosen]


def parts_of(
    piece: Piece, rows: Cells, predicted: np.ndarray, settings: ValidationSettings
) -> tuple[PartScores, ...]:
    """The scores of the parts of a piece's predicted rows; parts of fewer than 4 rows are passed over.

    Parameters
    ----------
    piece : Piece
    rows : Cells
        Those that were predicted, n.
    predicted : float64, shape (n,)
        m3 m-3.
    settings : ValidationSettings
    """
    if settings.mode == BY_DATE:
        return ()
    parts: list[tuple[Key, str, np.ndarray]] = list(_seasons(piece.key, rows, settings))
    if settings.mode == POOLED:
        parts += [(date, ALL, index) for date, index in _by_date(rows)]
        parts += [(cell, ALL, index) for cell, index in _by_cell(rows)]
    return tuple(
        PartScores(key, season, int(index.size), all_scores(rows.y[index], predicted[index]))
        for key, season, index in parts
        if index.size >= _LEAST_ROWS
    )


def _seasons(key: Key, rows: Cells, settings: ValidationSettings) -> Iterator[tuple[Key, str, np.ndarray]]:
    dates, inverse = np.unique(rows.days, return_inverse=True)
    months = np.array([dt.date.fromordinal(int(day)).month for day in dates], np.int64)[inverse]
    for season, wanted in ((WET, settings.wet), (DRY, settings.dry)):
        yield key, season, np.nonzero(np.isin(months, wanted))[0]


def _by_date(rows: Cells) -> Iterator[tuple[dt.date, np.ndarray]]:
    for members in _members(rows.days):
        yield dt.date.fromordinal(int(rows.days[members[0]])), members


def _by_cell(rows: Cells) -> Iterator[tuple[CellKey, np.ndarray]]:
    numbers = np.unique(rows.cells, axis=0, return_inverse=True)[1].reshape(-1)
    for members in _members(numbers):
        row, col = rows.cells[members[0]].tolist()
        yield CellKey(row, col), members


def _members(groups: np.ndarray) -> list[np.ndarray]:
    """Indices of the rows of each group, ascending by group."""
    order = np.argsort(groups, kind="stable")
    return np.split(order, np.nonzero(np.diff(groups[order]))[0] + 1)
