"""Which rows are held out together, and which a fold's forest must not see.

By date: random folds and spatial blocks (Roberts et al. 2017).  By cell: random folds and runs of days
(leave-period-out).  Pooled: random folds, whole locations, and locations and dates at once
(leave-location-and-time-out: Meyer et al. 2018, Environmental Modelling & Software 101, 1-9).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....base.errors import InputError
from ....base.words import counted
from ....methods.keys import BY_CELL, BY_DATE, POOLED
from .folds import block_folds, dealt_folds, random_folds, within
from .periods import alternate_folds, period_runs

RANDOM, BLOCKS, PERIODS = "random", "blocks", "periods"
LOCATIONS, LOCATIONS_AND_DATES = "locations", "locations and dates"
#: Scheme -> its number in the randomness of forests.
SCHEME_NUMBERS = {RANDOM: 0, BLOCKS: 1, PERIODS: 2, LOCATIONS: 3, LOCATIONS_AND_DATES: 4}
#: Schemes that hold rows out by where they are, and by when.
IN_SPACE = frozenset({BLOCKS, LOCATIONS, LOCATIONS_AND_DATES})
IN_TIME = frozenset({PERIODS, LOCATIONS_AND_DATES})
DATES, CELLS, ROWS = "dates", "cells", "all rows"
_LEAST_TRAINING = 2


@dataclass(frozen=True)
class ModeWords:
    """How a mode is spoken of.

    Parameters
    ----------
    key : str
        What has a model of its own, one of them.
    rows : str
        What the rows of a model are.
    over : tuple of str
        What scores are summed up over, first the mode's own.
    none_can : str
        Begins a sentence on what cannot be done.
    minimum, advice : str
        The parameter of the least rows, and what to do beside lowering it.
    """

    key: str
    rows: str
    over: tuple[str, ...]
    none_can: str
    minimum: str
    advice: str = "validate more dates"


MODE_WORDS = {
    BY_DATE: ModeWords("date", CELLS, (DATES,), "no date can", "MINIMUM_CELLS", "enlarge the study area"),
    BY_CELL: ModeWords("cell", DATES, (CELLS,), "no cell can", "MINIMUM_DATES"),
    POOLED: ModeWords("rows", "rows", (ROWS, DATES, CELLS), "its rows cannot", "MINIMUM_DATES"),
}


def scheme_text(scheme: str, block_km: float) -> str:
    """What a scheme is called in figures, tables and the log."""
    blocks = f"blocks of {block_km:g} km"
    where = blocks if block_km else "cells"
    return {
        RANDOM: "random folds",
        BLOCKS: blocks,
        PERIODS: "periods held out",
        LOCATIONS: f"{where} held out",
        LOCATIONS_AND_DATES: f"{where} and dates held out",
    }[scheme]


@dataclass(frozen=True, eq=False)
class Folds:
    """Folds of n rows.

    Parameters
    ----------
    number : int
        How many.
    fold_of_row : int64, shape (n,)
        The fold in which a row is predicted, from 0; -1 for a row that none predicts.
    unseen : bool, shape (number, n)
        Rows that a fold's forest does not see: those that it predicts, and all that are too near to them.
    """

    number: int
    fold_of_row: np.ndarray
    unseen: np.ndarray

    @classmethod
    def whole(cls, fold_of_row: np.ndarray) -> Folds:
        """Each row in one fold, and all others seen by its forest."""
        number = int(fold_of_row.max()) + 1
        return cls(number, fold_of_row, fold_of_row == np.arange(number)[:, None])

    def test(self, fold: int) -> np.ndarray:
        """Rows that a fold predicts: bool, shape (n,)."""
        return np.asarray(self.fold_of_row == fold)

    def train(self, fold: int) -> np.ndarray:
        """Rows that its forest is grown on: bool, shape (n,)."""
        return np.asarray(~self.unseen[fold])

    @property
    def tested(self) -> np.ndarray:
        """Rows that are predicted at all: bool, shape (n,)."""
        return np.asarray(self.fold_of_row >= 0)


def make_folds(
    scheme: str,
    groups: np.ndarray | None,
    days: np.ndarray,
    folds: int,
    period: int,
    gap: int,
    generator: np.random.Generator,
) -> Folds:
    """The folds of a scheme.

    Parameters
    ----------
    scheme : str
    groups : int64, shape (n,), or None
        Block or cell of each row, for the schemes in space.
    days : int64, shape (n,)
        Day of each row.
    folds : int
        Wanted; there are fewer where there are fewer blocks, cells or periods.
    period, gap : int
        Days that are held out together, and days beside them that the forest does not see either.

    Raises
    ------
    InputError
        Fewer rows than folds, one group or period only, or no rows left to train on.
    """
    if scheme == RANDOM:
        return Folds.whole(random_folds(days.size, folds, generator))
    if scheme == PERIODS:
        runs = period_runs(days, period, generator)
        fold_of_row = alternate_folds(runs, folds, generator)
        return _with_gap(fold_of_row, days, gap)
    if groups is None:
        raise InputError("Spatial blocks need the x and y of the cells; give BLOCKS 0 without them.")
    if scheme == BLOCKS:
        return Folds.whole(block_folds(groups, folds, generator))
    if np.min(groups) == np.max(groups):
        raise InputError(
            f"All {days.size} rows are of one location; give more cells, or BLOCKS a smaller side or 0."
        )
    if scheme == LOCATIONS:
        return Folds.whole(dealt_folds(groups, folds, generator))
    return _locations_and_dates(groups, days, folds, period, gap, generator)


def _with_gap(fold_of_row: np.ndarray, days: np.ndarray, gap: int) -> Folds:
    number = int(fold_of_row.max()) + 1
    unseen = np.stack([within(days, days[fold_of_row == fold], gap) for fold in range(number)])
    return _checked(Folds(number, fold_of_row, unseen), gap)


def _locations_and_dates(
    groups: np.ndarray, days: np.ndarray, folds: int, period: int, gap: int, generator: np.random.Generator
) -> Folds:
    """Fold i predicts the rows of location fold i on the dates of date fold i, from rows of neither."""
    runs = period_runs(days, period, generator)
    number = min(folds, np.unique(groups).size, np.unique(runs).size)
    where, when = dealt_folds(groups, number, generator), alternate_folds(runs, number, generator)
    fold_of_row = np.where(where == when, where, -1)
    # A fold whose locations have no row on its dates predicts nothing.
    kept = [fold for fold in range(number) if np.any(fold_of_row == fold)]
    if not kept:
        raise InputError(
            "No held-out location has a row on a held-out date; give FOLDS or PERIOD another number."
        )
    unseen = [(where == fold) | within(days, days[when == fold], gap) for fold in kept]
    renumbered = np.full(days.size, -1, np.int64)
    for position, fold in enumerate(kept):
        renumbered[fold_of_row == fold] = position
    return _checked(Folds(len(kept), renumbered, np.stack(unseen)), gap)


def _checked(folds: Folds, gap: int) -> Folds:
    left = int(np.min(np.sum(~folds.unseen, axis=1)))
    if left < _LEAST_TRAINING:
        raise InputError(
            f"A fold leaves {counted(left, 'row')} to train on (GAP is {gap} days); give GAP "
            "or PERIOD a smaller number, or FOLDS a larger one."
        )
    return folds
