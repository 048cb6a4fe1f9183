"""All that a cross-validation found, for the tables and the report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ....methods.keys import BY_CELL, BY_DATE, Key
from .pieces import Piece, PieceJob, PieceResult
from .plan import Plan
from .schemes import IN_SPACE, IN_TIME
from .settings import ValidationSettings

#: Dates or cells whose observed and predicted values are kept (the paper's Fig. B1).
KEPT_KEYS = 10


@dataclass(frozen=True, eq=False)
class FoldPicture:
    """Where and when the folds of a piece lie.

    Parameters
    ----------
    piece : Piece
    place : float64, shape (cells, 2), or None
        x and y of the cells in metres, where folds differ in space.
    fold_of_cell : int64, shape (cells,)
        -1 for a cell that no fold predicts.
    days, fold_of_day : int64, shape (dates,)
        The same in time; empty where folds do not differ in time.
    """

    piece: Piece
    place: np.ndarray | None
    fold_of_cell: np.ndarray
    days: np.ndarray
    fold_of_day: np.ndarray

    @classmethod
    def of(cls, job: PieceJob) -> FoldPicture:
        """The folds of a planned piece."""
        rows, folds, scheme, mode = job.rows, job.folds, job.piece.scheme, job.settings.mode
        place, of_cell = None, np.empty(0, np.int64)
        if rows.coordinates is not None and (mode == BY_DATE or scheme in IN_SPACE):
            place, inverse = np.unique(rows.coordinates, axis=0, return_inverse=True)
            of_cell = _greatest(folds.fold_of_row, inverse.reshape(-1))
        days, of_day = np.empty(0, np.int64), np.empty(0, np.int64)
        if mode == BY_CELL or scheme in IN_TIME:
            days, inverse = np.unique(rows.days, return_inverse=True)
            of_day = _greatest(folds.fold_of_row, inverse)
        return cls(job.piece, place, of_cell, days, of_day)


def _greatest(folds: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The fold of each group: all of its rows that are predicted lie in one."""
    found = np.full(int(group.max()) + 1, -1, np.int64)
    np.maximum.at(found, group, folds)
    return found


@dataclass(eq=False)
class ValidationRun:
    """What became of each piece, and of the dates or cells that have none.

    Attributes
    ----------
    settings : ValidationSettings
    covariates : tuple of str
    results : list of PieceResult
        Ascending by piece; the first `KEPT_KEYS` dates or cells keep the rows of their first repeat.
    dropped : dict
        Rows left out for a missing covariate, by date or cell, or of all.
    skipped : dict
        Why a date or cell was left out.
    failed : dict
        Why a piece could not be worked on.
    pictures : list of FoldPicture
        The folds of the first date's or cell's first repeat.
    plan : Plan or None
    engine : str
        What grew the forests, with its version, and why that.
    resumed : int
        Pieces that an earlier run, which was stopped, left.
    warnings : list of str
        What may be wrong with the folds.
    """

    settings: ValidationSettings
    covariates: tuple[str, ...]
    results: list[PieceResult] = field(default_factory=list)
    dropped: dict[Key, int] = field(default_factory=dict)
    skipped: dict[Key, str] = field(default_factory=dict)
    failed: dict[Piece, str] = field(default_factory=dict)
    pictures: list[FoldPicture] = field(default_factory=list)
    plan: Plan | None = None
    engine: str = ""
    resumed: int = 0
    warnings: list[str] = field(default_factory=list)

    @property
    def covariate_names(self) -> tuple[str, ...]:
        """Covariates of the table, and those that are made from the rows."""
        return (*self.covariates, *self.settings.features.names)

    @property
    def keys(self) -> tuple[Key, ...]:
        """Dates or cells with a result."""
        return tuple(sorted({result.piece.key for result in self.results}))

    def left_out(self) -> list[tuple[Key, str, int, str]]:
        """Key, scheme, repeat and reason of what has no result; a key that was skipped has no scheme."""
        skipped = [(key, "", 0, reason) for key, reason in sorted(self.skipped.items())]
        return skipped + [
            (piece.key, piece.scheme, piece.repeat, reason) for piece, reason in sorted(self.failed.items())
        ]

    def kept(self, scheme: str) -> Iterator[PieceResult]:
        """Results that hold their rows, by date or cell."""
        return (
            result
            for result in self.results
            if result.piece.scheme == scheme and result.predicted is not None
        )


@dataclass(frozen=True, eq=False)
class RainSeries:
    """A dated covariate of rain.

    Parameters
    ----------
    name, unit : str
    dates : tuple of datetime.date, length t
        Ascending.
    values : float32, shape (t, cells)
        NaN where a cell has no row.
    """

    name: str
    unit: str
    dates: tuple[dt.date, ...]
    values: np.ndarray
