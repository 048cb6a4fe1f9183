"""Which rows are held out together, and which a fold's forest must not see.

By date: random folds and spatial blocks.  By cell: random folds and runs of days (leave-period-out), since
soil moisture remembers some days: single days that are held out are known from the days beside them.  Both
after Roberts et al. (2017), Ecography 40, 913-929.  Pooled: random folds, whole locations, and locations and
dates at once (leave-location-and-time-out: Meyer et al. 2018, Environmental Modelling & Software 101, 1-9).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ....base.errors import InputError, check_least
from ....base.words import counted
from ....methods.keys import BY_CELL, BY_DATE, POOLED

RANDOM, BLOCKS, PERIODS = "random", "blocks", "periods"
LOCATIONS, LOCATIONS_AND_DATES = "locations", "locations and dates"
#: Scheme -> its number in the randomness of forests.
SCHEME_NUMBERS = {RANDOM: 0, BLOCKS: 1, PERIODS: 2, LOCATIONS: 3, LOCATIONS_AND_DATES: 4}
#: Schemes that hold rows out by where they are, and by when.
IN_SPACE = frozenset({BLOCKS, LOCATIONS, LOCATIONS_AND_DATES})
IN_TIME = frozenset({PERIODS, LOCATIONS_AND_DATES})
DATES, CELLS, ROWS = "dates", "cells", "all rows"
_LEAST_TRAINING = 2
#: Coordinates that all lie within these are taken for degrees.
_DEGREES_X, _DEGREES_Y = 360.0, 90.0


class ModeWords(NamedTuple):
    """How a mode is spoken of.

    `key` is what has a model of its own, `rows` are the rows of a model, `over` is what scores are summed up
    over (first the mode's own), `none_can` begins a sentence on what cannot be done, `minimum` is the
    parameter of the least rows, and `advice` what to do beside lowering it.
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
    fold_of_row : int64, shape (n,)
        The fold in which a row is predicted, from 0; -1 for a row that none predicts.
    unseen : bool, shape (folds, n)
        Rows that a fold's forest does not see: those that it predicts, and all that are too near to them.
    """

    fold_of_row: np.ndarray
    unseen: np.ndarray

    @property
    def number(self) -> int:
        """How many."""
        return len(self.unseen)

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
    groups: np.ndarray,
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
    groups : int64, shape (n,)
        Block or cell of each row, which are held out as a whole; each row its own where rows are.
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
        if np.unique(groups).size < groups.size:
            return _whole(dealt_folds(groups, folds, generator))
        return _whole(random_folds(days.size, folds, generator))
    if scheme == PERIODS:
        fold_of_row = period_folds(days, period, folds, generator)
        held_out = (days[fold_of_row == fold] for fold in range(int(fold_of_row.max()) + 1))
        unseen = [within(days, own, gap) for own in held_out]
        return _with_gap(scheme, folds, fold_of_row, unseen, gap)
    if scheme == BLOCKS:
        return _whole(block_folds(groups, folds, generator))
    if np.min(groups) == np.max(groups):
        raise InputError(
            f"All {days.size} rows are of one location; give more cells, or BLOCKS a smaller side or 0."
        )
    if scheme == LOCATIONS:
        return _whole(dealt_folds(groups, folds, generator))
    # Fold i predicts the rows of location fold i on the dates of date fold i, from rows of neither.
    runs = period_runs(days, period, generator)
    number = min(folds, np.unique(groups).size, np.unique(runs).size)
    where, when = dealt_folds(groups, number, generator), alternate_folds(runs, number, generator)
    fold_of_row = np.where(where == when, where, -1)
    # A fold whose locations have no row on its dates predicts nothing.
    kept = np.unique(fold_of_row[fold_of_row >= 0])
    if not kept.size:
        raise InputError(
            "No held-out location has a row on a held-out date; give FOLDS a smaller number, or PERIOD "
            "another."
        )
    unseen = [(where == fold) | within(days, days[when == fold], gap) for fold in kept]
    renumbered = np.where(fold_of_row < 0, -1, np.searchsorted(kept, fold_of_row))
    return _with_gap(scheme, folds, renumbered, unseen, gap)


def more_to_train_on(scheme: str, made: int, folds: int, gap: int) -> str:
    """What leaves the forests of folds more rows, as the end of a sentence.

    More folds are smaller, and lie farther apart in time; where there are fewer than asked for, it is
    blocks or runs of days that are too few.

    Parameters
    ----------
    scheme : str
    made, folds : int
        How many there are, and how many were asked for.
    gap : int
        Days.
    """
    smaller = ["BLOCKS"] if scheme in IN_SPACE else []
    if scheme in IN_TIME:
        # Beside a run of half the length lies the same gap: it takes more of what is left.
        smaller += (["GAP"] if gap else []) + (["PERIOD"] if made < folds or not gap else [])
    if made < folds:
        return f"give {' or '.join(smaller)} a smaller number, or use a larger table"
    return "give FOLDS a larger number" + (f", or {' or '.join(smaller)} a smaller one" if smaller else "")


def _whole(fold_of_row: np.ndarray) -> Folds:
    """Each row in one fold, and all others seen by its forest."""
    return Folds(fold_of_row, fold_of_row == np.arange(int(fold_of_row.max()) + 1)[:, None])


def _with_gap(
    scheme: str, wanted: int, fold_of_row: np.ndarray, unseen: Sequence[np.ndarray], gap: int
) -> Folds:
    folds = Folds(fold_of_row, np.stack(unseen))
    left = int(np.min(np.sum(~folds.unseen, axis=1)))
    if left < _LEAST_TRAINING:
        raise InputError(
            f"A fold leaves {counted(left, 'row')} to train on (GAP is {gap} days); "
            f"{more_to_train_on(scheme, folds.number, wanted, gap)}."
        )
    return folds


def fold_generator(seed: int, *numbers: int) -> np.random.Generator:
    """The randomness of folds; the numbers (date or cell, repeat, outer fold) keep them apart."""
    return np.random.default_rng(np.random.SeedSequence([seed, *numbers]))


def random_folds(rows: int, folds: int, generator: np.random.Generator) -> np.ndarray:
    """The fold 0...folds - 1 of each row: int64, shape (rows,); sizes differ by one at most.

    Raises
    ------
    InputError
        For fewer than two folds, or fewer rows than folds.
    """
    check_least("FOLDS", folds, 2)
    if rows < folds:
        raise InputError(f"{rows} rows are too few for {folds} folds; give FOLDS a smaller number.")
    fold_of_row = np.empty(rows, np.int64)
    fold_of_row[generator.permutation(rows)] = np.arange(rows) % folds
    return fold_of_row


def check_coordinates(x: np.ndarray, y: np.ndarray, label: str) -> None:
    """Refuse coordinates that cannot be metres; `label` names their table.

    Parameters
    ----------
    x, y : float64, shape (n,)
        Of the cells' centres, metres.

    Raises
    ------
    InputError
        If one is missing, or all could be degrees.
    """
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
        raise InputError(
            f"{label}: a cell has no x or y, which spatial blocks need; fill them in, or give BLOCKS 0."
        )
    if x.size > 1 and np.max(np.abs(x)) <= _DEGREES_X and np.max(np.abs(y)) <= _DEGREES_Y:
        raise InputError(
            f"{label}: x and y look like degrees, and spatial blocks need metres; give the cells metric "
            "coordinates, or give BLOCKS 0."
        )


def cell_spacing(x: np.ndarray, y: np.ndarray) -> float:
    """Median distance of a cell's centre from the nearest other one, metres; 0 of fewer than two cells.

    Parameters
    ----------
    x, y : float64, shape (n,)
        Of the cells' centres, each once, metres.
    """
    from scipy.spatial import cKDTree

    if len(x) < 2:
        return 0.0
    places = np.column_stack([x, y])
    return float(np.median(cKDTree(places).query(places, k=2)[0][:, 1]))


def block_numbers(x: np.ndarray, y: np.ndarray, side: float, generator: np.random.Generator) -> np.ndarray:
    """The square block that each row lies in: int64, shape (n,), numbers from 0 without gaps.

    Parameters
    ----------
    x, y : float64, shape (n,)
        Coordinates, metres.
    side : float
        Side of a block, metres.
    generator : numpy.random.Generator
        Draws where the raster of blocks begins.

    Raises
    ------
    InputError
        If the side is not positive.
    """
    if not side > 0 or not np.isfinite(side):
        raise InputError(f"BLOCKS is {side / 1000:g} km; give a side of more than 0.")
    places = np.stack([y, x], axis=1)
    begin = generator.uniform(0.0, side, 2)[::-1]
    blocks = np.floor((places - begin) / side).astype(np.int64)
    return np.asarray(np.unique(blocks, axis=0, return_inverse=True)[1], np.int64).reshape(-1)


def block_folds(blocks: np.ndarray, folds: int, generator: np.random.Generator) -> np.ndarray:
    """As `dealt_folds`, the largest block first (blocks of one size in random order).

    Raises
    ------
    InputError
        For fewer than two folds or two blocks.
    """
    if np.min(blocks) == np.max(blocks):
        raise InputError(
            f"All {blocks.size} cells lie in one block; give BLOCKS a smaller side, or 0 for random folds "
            "only."
        )
    return dealt_folds(blocks, folds, generator, largest_first=True)


def dealt_folds(
    groups: np.ndarray, folds: int, generator: np.random.Generator, largest_first: bool = False
) -> np.ndarray:
    """The fold of each row, whole groups together: int64, shape (n,).

    In random order each group goes to the fold that has the fewest rows so far, so that folds differ
    from repeat to repeat even where all groups differ in size.  With fewer groups than folds there are as
    many folds as groups.

    Parameters
    ----------
    groups : int array, shape (n,)
        Block or cell of each row.

    Raises
    ------
    InputError
        For fewer than two folds.
    """
    check_least("FOLDS", folds, 2)
    names, members = np.unique(groups, return_inverse=True)
    sizes, order = np.bincount(members), generator.permutation(names.size)
    if largest_first:
        order = order[np.argsort(-sizes[order], kind="stable")]
    filled = np.zeros(min(folds, names.size), np.int64)
    fold_of_group = np.empty(names.size, np.int64)
    for group in order:
        fold = fold_of_group[group] = int(np.argmin(filled))
        filled[fold] += sizes[group]
    return fold_of_group[members]


def check_period(period: int) -> None:
    """Raise `InputError` for a length of runs that is no number of days."""
    if period < 1:
        raise InputError(f"PERIOD is {period}; give the number of days of a run, 1 or more.")


def period_runs(days: np.ndarray, period: int, generator: np.random.Generator) -> np.ndarray:
    """The run of `period` days on the calendar that each day lies in: int64, shape (n,).

    Numbers from 0 without gaps, in the order of time; runs in which there is no day have none.

    Parameters
    ----------
    days : int array, shape (n,)
        n >= 1; ordinals of the dates (`datetime.date.toordinal`), in any order, also several times.
    period : int
        Days of a run, 1 or more.
    generator : numpy.random.Generator
        Draws where the first run begins.

    Raises
    ------
    InputError
        For a period of less than a day, or days that span no more than one run.
    """
    check_period(period)
    days = np.asarray(days, np.int64)
    span = int(np.ptp(days)) + 1
    if span == 1:
        raise InputError("All rows are of one day, and no period can be held out; take more dates.")
    if span <= period:
        raise InputError(
            f"PERIOD is {period} days, and the dates span {span} only; give PERIOD a smaller number."
        )
    runs = (days + int(generator.integers(period))) // period
    return np.asarray(np.unique(runs, return_inverse=True)[1], np.int64).reshape(-1)


def period_folds(days: np.ndarray, period: int, folds: int, generator: np.random.Generator) -> np.ndarray:
    """The fold of each day, whole runs of days together, see `period_runs` and `alternate_folds`."""
    return alternate_folds(period_runs(days, period, generator), folds, generator)


def alternate_folds(runs: np.ndarray, folds: int, generator: np.random.Generator) -> np.ndarray:
    """The fold 0...k - 1 of each row from its run: int64, shape (n,).

    Of each `folds` runs that follow one another every fold has one, in random order, and no two that
    follow one another have the same, so that what is held out is never longer than a run (and the days
    without data beside it).  With fewer runs than folds there are as many folds as runs.

    Parameters
    ----------
    runs : int array, shape (n,)
        From 0 without gaps, in the order of time.

    Raises
    ------
    InputError
        For fewer than two folds.
    """
    check_least("FOLDS", folds, 2)
    count = int(runs.max()) + 1
    order: list[int] = []
    while len(order) < count:
        following = generator.permutation(min(folds, count))
        # The last run of a round and the first of the next must differ.
        order += np.roll(following, 1).tolist() if order[-1:] == [following[0]] else following.tolist()
    return np.array(order, np.int64)[runs]


def within(days: np.ndarray, held_out: np.ndarray, gap: int) -> np.ndarray:
    """Whether each day is a held-out one or at most `gap` days from one: bool, shape (n,).

    Parameters
    ----------
    days : int array, shape (n,)
    held_out : int array, shape (m,)
        m >= 1; both are ordinals of dates, in any order, also several times.
    gap : int
        Days, 0 or more.
    """
    known = np.unique(held_out)
    after = known[np.minimum(np.searchsorted(known, days), known.size - 1)]
    before = known[np.maximum(np.searchsorted(known, days, side="right") - 1, 0)]
    return np.asarray(np.minimum(np.abs(after - days), np.abs(days - before)) <= gap)
