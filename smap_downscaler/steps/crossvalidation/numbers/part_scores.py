"""Scores of the parts of a piece: seasons of a cell; seasons, dates and cells of the pooled rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np

from ....base.seasons_of_year import ALL, DRY, WET
from ....methods.base import Cells
from ....methods.keys import BY_DATE, POOLED, CellKey, Key
from .pieces import PartScores, Piece, all_scores
from .settings import ValidationSettings

#: A score of fewer rows tells nothing.
_LEAST_ROWS = 4


def parts_of(
    piece: Piece, rows: Cells, predicted: np.ndarray, settings: ValidationSettings
) -> tuple[PartScores, ...]:
    """The scores of the parts of a piece's predicted rows; parts of fewer than 4 rows are passed over.

    Parameters
    ----------
    piece : Piece
    rows : Rows
        Those that were predicted, n.
    predicted : float64, shape (n,)
    settings : ValidationSettings
    """
    if settings.mode == BY_DATE:
        return ()
    parts: list[tuple[Key, str, np.ndarray]] = list(_seasons(piece.unit, rows, settings))
    if settings.mode == POOLED:
        parts += [(date, ALL, index) for date, index in _by_date(rows)]
        parts += [(cell, ALL, index) for cell, index in _by_cell(rows)]
    return tuple(
        PartScores(unit, season, int(index.size), all_scores(rows.y[index], predicted[index]))
        for unit, season, index in parts
        if index.size >= _LEAST_ROWS
    )


def _seasons(unit: Key, rows: Cells, settings: ValidationSettings) -> Iterator[tuple[Key, str, np.ndarray]]:
    dates, inverse = np.unique(rows.days, return_inverse=True)
    months = np.array([dt.date.fromordinal(int(day)).month for day in dates], np.int64)[inverse]
    for season, wanted in ((WET, settings.wet), (DRY, settings.dry)):
        yield unit, season, np.nonzero(np.isin(months, wanted))[0]


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
