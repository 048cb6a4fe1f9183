"""Which days of a cell are held out together: whole runs of days (leave-period-out, Roberts et al. 2017).

Soil moisture remembers some days: single days that are held out are known from the days beside them.
"""

from __future__ import annotations

import numpy as np

from ....base.errors import InputError


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
    start = int(generator.integers(period))
    _, numbers = np.unique((days + start) // period, return_inverse=True)
    return np.asarray(numbers, np.int64).reshape(-1)


def period_folds(days: np.ndarray, period: int, folds: int, generator: np.random.Generator) -> np.ndarray:
    """The fold 0...k - 1 of each day, whole runs of days together: int64, shape (n,).

    Of each `folds` runs that follow one another every fold has one, in random order, and no two that
    follow one another have the same, so that what is held out is never longer than a run (and the days
    without data beside it).  With fewer runs than folds there are as many folds as runs.

    Parameters
    ----------
    days, period, generator
        As for `period_runs`.
    folds : int
        2 or more.

    Raises
    ------
    InputError
        For fewer than two folds, and as `period_runs`.
    """
    if folds < 2:
        raise InputError(f"FOLDS is {folds}; give 2 or more.")
    return alternate_folds(period_runs(days, period, generator), folds, generator)


def alternate_folds(runs: np.ndarray, folds: int, generator: np.random.Generator) -> np.ndarray:
    """The fold of each row from its run, as `period_folds` deals them: int64, shape (n,).

    Parameters
    ----------
    runs : int array, shape (n,)
        From 0 without gaps, in the order of time.
    folds : int
        2 or more; there are fewer where there are fewer runs.
    """
    count = int(runs.max()) + 1
    return _fold_of_run(count, min(folds, count), generator)[runs]


def _fold_of_run(count: int, folds: int, generator: np.random.Generator) -> np.ndarray:
    rounds: list[np.ndarray] = []
    for _ in range(-(-count // folds)):
        order = generator.permutation(folds)
        if rounds and order[0] == rounds[-1][-1]:
            order = np.roll(order, 1)
        rounds.append(order)
    return np.concatenate(rounds)[:count].astype(np.int64)
