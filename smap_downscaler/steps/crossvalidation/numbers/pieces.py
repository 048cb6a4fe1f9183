"""What a cross-validation is cut into: pieces of work, what their folds were predicted with, their scores."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ....base.seasons_of_year import ALL, DRY, WET
from ....methods.base import Cells
from ....methods.keys import BY_DATE, POOLED, CellKey, Key
from ....methods.skill import SCORES
from ....stats import scores
from .settings import ValidationSettings

#: A score of fewer rows means nothing.
_LEAST_ROWS = 4

#: Share of the rows that lie within their interval, where the method has intervals.
COVERAGE = "coverage"
#: Of the least-squares line of observed on predicted (Fig. B1).
LINE = ("slope", "intercept")


class Piece(NamedTuple):
    """The piece of work: a key (date, cell or all rows), a scheme of folds, a repeat (from 1)."""

    key: Key
    scheme: str
    repeat: int


class Choice(NamedTuple):
    """What an outer fold was predicted with.

    The number of the fold, from 1; the rows of its training part and its own; how many covariates its forest
    had; the index of the chosen candidate, and its error in the inner folds (NaN where there was no choice).
    """

    fold: int
    n_train: int
    n_test: int
    covariates: int
    candidate: int
    inner_rmse: float


class FoldOutcome(NamedTuple):
    """Predictions of a fold.

    Attributes
    ----------
    predicted : float64, shape (n_test,)
        Of the fold's rows, in their order.
    choice : Choice
        What they were made with.
    permuted_sse : float64, shape (p,), or None
        Sum of squared errors with each covariate permuted among the fold's rows.
    ends : float64, shape (2, n_test), or None
        Of the intervals, where the method has them.
    """

    predicted: np.ndarray
    choice: Choice
    permuted_sse: np.ndarray | None = None
    ends: np.ndarray | None = None


class PartScores(NamedTuple):
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
        The numbers of `SCORES` and `LINE`, and `COVERAGE` where there are intervals; NaN where undefined.
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

    @property
    def whole_and_parts(self) -> tuple[PartScores, ...]:
        """The scores of all rows, then those of the parts."""
        return (PartScores(self.piece.key, ALL, self.n, self.scores), *self.parts)


def all_scores(
    observed: np.ndarray, predicted: np.ndarray, ends: np.ndarray | None = None
) -> dict[str, float]:
    """The numbers of `SCORES` and `LINE` by name, as `stats.scores` defines them; NaN where undefined.

    Parameters
    ----------
    observed, predicted : float64, shape (n,)
        m3 m-3, as are RMSE, MAE, bias and intercept.
    ends : float64, shape (2, n), optional
        Of intervals; with them there is `COVERAGE`.
    """
    found = {name: float(getattr(scores, name)(observed, predicted)) for name in SCORES}
    if ends is not None:
        found[COVERAGE] = float(np.mean((observed >= ends[0]) & (observed <= ends[1])))
    return {**found, **dict(zip(LINE, scores.fitted_line(observed, predicted)))}


def most_chosen(choices: Sequence[Choice]) -> tuple[int, int]:
    """The candidate that most folds chose (the earlier in the grid of equals), and how many did."""
    votes = Counter(choice.candidate for choice in choices)
    return min(votes.items(), key=lambda item: (-item[1], item[0]))


def parts_of(
    piece: Piece,
    rows: Cells,
    predicted: np.ndarray,
    settings: ValidationSettings,
    ends: np.ndarray | None = None,
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
    ends : float64, shape (2, n), optional
        Of intervals.
    """
    if settings.mode == BY_DATE:
        return ()
    days, day_of_row = np.unique(rows.days, return_inverse=True)
    dates = [dt.date.fromordinal(day) for day in days.tolist()]
    months = np.array([date.month for date in dates], np.int64)[day_of_row]
    parts: list[tuple[Key, str, np.ndarray]] = [
        (piece.key, season, np.nonzero(np.isin(months, own))[0])
        for season, own in ((WET, settings.wet), (DRY, settings.dry))
    ]
    if settings.mode == POOLED:
        cells, cell_of_row = np.unique(rows.cells, axis=0, return_inverse=True)
        parts += [(date, ALL, index) for date, index in zip(dates, _members(day_of_row))]
        parts += [
            (CellKey(*cell), ALL, index)
            for cell, index in zip(cells.tolist(), _members(cell_of_row.reshape(-1)))
        ]
    return tuple(
        PartScores(
            key,
            season,
            int(index.size),
            all_scores(rows.y[index], predicted[index], None if ends is None else ends[:, index]),
        )
        for key, season, index in parts
        if index.size >= _LEAST_ROWS
    )


def _members(groups: np.ndarray) -> list[np.ndarray]:
    """Indices of the rows of each group, ascending by group."""
    order = np.argsort(groups, kind="stable")
    return np.split(order, np.nonzero(np.diff(groups[order]))[0] + 1)
