"""All that a cross-validation found, for the tables and the report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from .crossvalidate import Piece, PieceResult
from .plan import Plan
from .settings import ValidationSettings

#: Dates whose observed and predicted values are kept (the paper's Fig. B1).
KEPT_DATES = 10


@dataclass(frozen=True, eq=False)
class FirstDay:
    """Where the cells of the first date lie: x and y in metres, shape (n,)."""

    date: dt.date
    x: np.ndarray
    y: np.ndarray


@dataclass(eq=False)
class ValidationRun:
    """What became of each date and piece.

    Attributes
    ----------
    settings : ValidationSettings
    covariates : tuple of str
    results : list of PieceResult
        Ascending by piece; the first `KEPT_DATES` dates keep the rows of their first repeat.
    dropped : dict
        Rows left out for a missing covariate, by date.
    skipped : dict
        Why a date was left out.
    failed : dict
        Why a piece could not be worked on.
    first_day : FirstDay or None
        Of the first date in use, where there are coordinates.
    plan : Plan or None
    resumed : int
        Pieces that an earlier run, which was stopped, left.
    """

    settings: ValidationSettings
    covariates: tuple[str, ...]
    results: list[PieceResult] = field(default_factory=list)
    dropped: dict[dt.date, int] = field(default_factory=dict)
    skipped: dict[dt.date, str] = field(default_factory=dict)
    failed: dict[Piece, str] = field(default_factory=dict)
    first_day: FirstDay | None = None
    plan: Plan | None = None
    resumed: int = 0

    @property
    def dates(self) -> tuple[dt.date, ...]:
        """Dates with a result."""
        return tuple(sorted({result.piece.date for result in self.results}))

    def kept(self, scheme: str) -> Iterator[PieceResult]:
        """Results that hold their rows, by date."""
        return (
            result
            for result in self.results
            if result.piece.scheme == scheme and result.predicted is not None
        )
