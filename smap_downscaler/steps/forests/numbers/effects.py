"""Which way soil moisture goes with a covariate: accumulated local effects, first order.

Source: Apley & Zhu (2020), Journal of the Royal Statistical Society B 82, 1059-1086, eqs. 15 and 16.  Where
covariates are correlated, a partial dependence asks models for rows that are nowhere (a summit in the coastal
desert), and takes their answers into its mean; a local effect asks for rows a little beside those that are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ....base.progress import SILENT, Progress
from ....methods.base import Block, Cells, Model

#: Intervals of a covariate, of about as many rows each.
INTERVALS = 20
#: Models that are asked at most, and rows of each.
MOST_MODELS, MOST_ROWS = 50, 500
#: Rows of the one model of all rows.
MOST_POOLED_ROWS = 2000
#: Of the way up and down, the share that may go against the rest in a curve that counts as one direction.
_AGAINST = 0.1
#: Rows that a model is asked for at once, about.
_ROWS_AT_ONCE = 16_384


@dataclass(frozen=True, eq=False)
class Steps:
    """What a model says of a covariate, interval by interval.

    Attributes
    ----------
    change : float64, shape (k,)
        Mean rise of soil moisture over each interval, m3 m-3; NaN outside of the range of its rows.
    rows : int64, shape (k,)
        Rows in each interval.
    """

    change: np.ndarray
    rows: np.ndarray


@dataclass(frozen=True, eq=False)
class Effect:
    """The accumulated effect of a covariate, over models.

    Attributes
    ----------
    covariate, unit : str
    values : float64, shape (k + 1,)
        Of the covariate, ascending: both ends and what parts its rows evenly.
    shares : float64, shape (k + 1,)
        Share of the rows up to each value.
    median, q25, q75 : float64, shape (k + 1,)
        Over the models, m3 m-3: 0 is the mean over the rows.  Quartiles are NaN of one model.
    models : int64, shape (k + 1,)
        Of how many.
    rising, falling : int
        Models that rise, and fall, from one end of their rows to the other.
    """

    covariate: str
    unit: str
    values: np.ndarray
    shares: np.ndarray
    median: np.ndarray
    q25: np.ndarray
    q75: np.ndarray
    models: np.ndarray
    rising: int
    falling: int

    @property
    def net(self) -> float:
        """Rise of the median from the lowest to the highest value, m3 m-3."""
        return float(self.median[-1] - self.median[0])

    @property
    def reach(self) -> float:
        """Highest less lowest of the median, m3 m-3."""
        return float(np.ptp(self.median))

    @property
    def is_one_way(self) -> bool:
        """Whether nine tenths of the way go up, or down."""
        steps = np.diff(self.median)
        against = min(steps[steps > 0].sum(), -steps[steps < 0].sum())
        return bool(against <= _AGAINST * np.abs(steps).sum())


def breaks_of(values: np.ndarray, intervals: int = INTERVALS) -> tuple[np.ndarray, np.ndarray]:
    """Values that part rows into intervals of about as many, and the share of the rows up to each.

    Parameters
    ----------
    values : float32, shape (n,)
        n >= 1; of a covariate, in any order.
    intervals : int

    Returns
    -------
    breaks : float32, shape (k + 1,)
        k <= `intervals`, fewer where many rows have one value; k is 0 where all have.
    shares : float64, shape (k + 1,)
    """
    ordered = np.sort(values)
    places = np.round(np.linspace(0, ordered.size - 1, intervals + 1)).astype(np.int64)
    breaks = np.unique(ordered[places])
    return breaks, np.searchsorted(ordered, breaks, side="right") / ordered.size


def local_effects(
    model: Model, cells: Cells, breaks: Sequence[np.ndarray], progress: Progress = SILENT
) -> list[Steps]:
    """The local effects of all covariates of a model.

    Parameters
    ----------
    model : Model
    cells : Cells
        Rows to ask it for, with its covariates.
    breaks : sequence of float32 arrays, shapes (k + 1,)
        Of each covariate; those of fewer than two values are passed over: no steps.
    """
    found = []
    at_once = max(1, _ROWS_AT_ONCE // (2 * len(cells.x)))
    for first in range(0, len(breaks), at_once):
        columns = range(first, min(first + at_once, len(breaks)))
        asked = [_rows_asked(cells.x[:, column], breaks[column]) for column in columns]
        changes = _changes(model, cells, columns, asked, breaks, progress)
        for column, (_, interval), change in zip(columns, asked, changes):
            number = max(breaks[column].size - 1, 0)
            count = np.bincount(interval, minlength=number)
            with np.errstate(invalid="ignore"):
                mean = np.bincount(interval, change, number) / count
            found.append(Steps(mean, np.bincount(interval[: len(cells.x)], minlength=number)))
    return found


def _rows_asked(values: np.ndarray, breaks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of rows and the interval that each is asked for: int64, shape (m,) each.

    First all rows, then for each interval between them that has none those that are nearest on both sides.
    """
    if breaks.size < 2:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    interval = np.clip(np.searchsorted(breaks, values, side="left") - 1, 0, breaks.size - 2)
    between = np.arange(interval.min(), interval.max() + 1)
    empty = np.setdiff1d(between, interval)
    order = np.argsort(values, kind="stable")
    above = np.searchsorted(values[order], breaks[empty + 1], side="right")
    rows = [np.arange(values.size), order[above - 1], order[above]]
    return np.concatenate(rows), np.concatenate([interval, empty, empty])


def _changes(
    model: Model,
    cells: Cells,
    columns: Sequence[int],
    asked: Sequence[tuple[np.ndarray, np.ndarray]],
    breaks: Sequence[np.ndarray],
    progress: Progress,
) -> list[np.ndarray]:
    """The rise over its interval of each row that is asked for, by covariate: float64, shapes (m,)."""
    rows = np.concatenate([own for own, _ in asked])
    both = np.concatenate([rows, rows])
    x, start = cells.x[both], 0
    for column, (own, interval) in zip(columns, asked):
        for side in (0, 1):
            part = slice(side * rows.size + start, side * rows.size + start + own.size)
            x[part, column] = breaks[column][interval + side]
        start += own.size
    places = None if cells.coordinates is None else cells.coordinates[both]
    mean = model.predict(Block(x, cells.days[both], places), progress).mean if both.size else np.zeros(0)
    ends = np.cumsum([own.size for own, _ in asked])[:-1]
    return np.split(mean[rows.size :] - mean[: rows.size], ends)


def accumulate(
    covariate: str, unit: str, breaks: np.ndarray, shares: np.ndarray, steps: Iterable[Steps]
) -> Effect:
    """The steps of several models over the same breaks, added up, and how the curves are spread.

    The mean curve is 0 in the mean over all rows, and each model's curve is where it has the mean of the mean
    curve over the model's own rows: models that know other parts of the range fit together.

    Parameters
    ----------
    covariate, unit : str
    breaks, shares : shape (k + 1,)
        k >= 1; see `breaks_of`.
    steps : iterable of Steps
        Of one model or more; each interval is known by one at least.
    """
    each = list(steps)
    changes, rows = np.stack([one.change for one in each]), np.stack([one.rows for one in each])
    mean = np.concatenate([[0.0], np.cumsum(np.nanmean(changes, axis=0))])
    mean -= _mean_over(rows.sum(axis=0), mean)
    known = np.isfinite(changes)
    curves = np.zeros((len(each), mean.size))
    np.cumsum(np.where(known, changes, 0.0), axis=1, out=curves[:, 1:])
    for curve, own in zip(curves, rows):
        curve += _mean_over(own, mean) - _mean_over(own, curve)
    outside = np.ones(curves.shape, bool)
    outside[:, :-1] &= ~known
    outside[:, 1:] &= ~known
    net = np.nansum(changes, axis=1)
    curves[outside] = np.nan
    q25, median, q75 = np.nanpercentile(curves, (25, 50, 75), axis=0)
    if len(each) == 1:
        q25, q75 = np.full((2, median.size), np.nan)
    return Effect(
        covariate,
        unit,
        breaks.astype(np.float64),
        shares,
        median,
        q25,
        q75,
        np.sum(~outside, axis=0),
        int(np.sum(net > 0)),
        int(np.sum(net < 0)),
    )


def _mean_over(rows: np.ndarray, curve: np.ndarray) -> float:
    """Mean over rows of a curve, shape (k + 1,), that is linear in each of k intervals of `rows` rows."""
    return float(np.average((curve[:-1] + curve[1:]) / 2, weights=rows))
