"""Leave-period-out: runs of days of a cell are hidden, and predicted by a forest that did not see them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....base.errors import check_least
from ....base.progress import SILENT, Progress
from ....base.words import text
from ....methods.base import Block, Cells, Method
from ...crossvalidation.numbers.folds import check_period, fold_generator, period_folds
from .baselines import climatology, distance, linear
from .scores import CLIMATOLOGY, FOREST, LINEAR, HiddenDays

#: Fewest days that a forest is grown on.
LEAST_DAYS = 20

#: Why no day of a cell can be scored, in words: what is true of the cell.
TOO_FEW = text("fewer than {} observed days have all covariates", LEAST_DAYS)
TOO_SHORT = "all observed days lie within less than two hidden runs"
TOO_FEW_LEFT: str = text(
    "with runs hidden fewer than {} observed days with all covariates are left", LEAST_DAYS
)
CONSTANT = "soil moisture never changes outside of the hidden runs"

#: Gives the covariates of a cell's observed days, float32, shape (n, p), NaN where missing, as they are
#: when the days of a bool mask, shape (n,), were not observed.
Covariates = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class HidingSettings:
    """What is hidden.

    Parameters
    ----------
    period : int
        Days of a hidden run, 1 or more.
    folds : int
        In how many goes all days are hidden once, 2 or more.
    seed : int
        Seed of the folds; the forests' own is in their settings.

    A value out of its range raises `InputError` with the name of the QGIS parameter.
    """

    period: int
    folds: int = 5
    seed: int = 1

    def __post_init__(self) -> None:
        check_period(self.period)
        check_least("FOLDS", self.folds, 2)
        check_least("SEED", self.seed, 0)


@dataclass(frozen=True, eq=False)
class HidingOutcome:
    """What came of hiding the days of a cell.

    Parameters
    ----------
    hidden : HiddenDays or None
        The days that all methods predict; None where there is none.
    complete : int
        Observed days with all covariates.
    why : str
        Where there is none: `TOO_FEW`, `TOO_SHORT`, `TOO_FEW_LEFT` or `CONSTANT`.
    """

    hidden: HiddenDays | None
    complete: int
    why: str = ""


def hide_and_fill(
    cell: tuple[int, int],
    days: np.ndarray,
    observed: np.ndarray,
    covariates: Covariates,
    learning: tuple[Method, Any, int],
    hiding: HidingSettings,
    progress: Progress = SILENT,
) -> HidingOutcome:
    """Each day of a cell predicted while the run of days around it is hidden.

    Parameters
    ----------
    cell : tuple of int
        Row and column.
    days : int64, shape (n,)
        Ordinals of the days with an observation, ascending.
    observed : float64, shape (n,)
        Soil moisture, m3 m-3.
    covariates : callable
        See `Covariates`.
    learning : Method, settings and int
        How models are fitted, and the key of those of the cell.
    hiding : HidingSettings

    Returns
    -------
    HidingOutcome
    """
    method, settings, key = learning
    generator = fold_generator(hiding.seed, *cell)
    complete = np.isfinite(covariates(np.zeros(len(days), bool))).all(axis=1)
    count = int(np.count_nonzero(complete))
    if count < LEAST_DAYS:
        return HidingOutcome(None, count, TOO_FEW)
    if days[-1] - days[0] < 2 * hiding.period:
        return HidingOutcome(None, count, TOO_SHORT)
    fold_of_day = period_folds(days, hiding.period, hiding.folds, generator)
    predicted = {way: np.full(len(days), np.nan) for way in (FOREST, LINEAR, CLIMATOLOGY)}
    gap, why = np.zeros(len(days), np.int64), TOO_FEW_LEFT
    for fold in range(int(fold_of_day.max()) + 1):
        hidden = fold_of_day == fold
        x = covariates(hidden)
        whole = np.isfinite(x).all(axis=1)
        train, test = whole & ~hidden, whole & hidden
        if np.count_nonzero(train) < LEAST_DAYS or not test.any():
            continue
        if np.ptp(observed[train]) == 0:
            why = CONSTANT
            continue
        numbers = np.tile(np.array([cell], np.int64), (int(train.sum()), 1))
        rows = Cells(x[train], observed[train], numbers, days[train])
        block = Block(x[test], days[test])
        predicted[FOREST][test] = method.held_out(rows, block, [settings], key, progress)[0]
        predicted[LINEAR][test] = linear(days[~hidden], observed[~hidden], days[test])
        predicted[CLIMATOLOGY][test] = climatology(days[~hidden], observed[~hidden], days[test])
        gap[test] = distance(days[~hidden], days[test])
    scored = np.isfinite(predicted[FOREST])
    if not scored.any():
        return HidingOutcome(None, count, why)
    kept = {name: values[scored] for name, values in predicted.items()}
    return HidingOutcome(HiddenDays(cell, days[scored], observed[scored], gap[scored], kept), count)
