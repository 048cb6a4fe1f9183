"""Mean, SD and C.V. of the pixels of many polygons in many layers, and how they are spread."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ....stats.distribution import Distribution

#: The statistics of a polygon, in the order of tables and figures.
STATISTICS = ("mean", "sd", "cv")


@dataclass(frozen=True)
class Statistics:
    """Statistics of polygons, shape (layers, polygons) each; NaN where there is none.

    Attributes
    ----------
    n : int64
        Pixels with a value.
    mean, sd, cv : float64
        Mean, standard deviation, and SD / mean (where the mean is positive).
    """

    n: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    cv: np.ndarray


class Moments:
    """Sums of weights and squares about the mean; 40 bytes per polygon and layer.

    In a block in two passes (mean, then squared deviations from it), blocks put
    together as Chan et al. (1983) do: no cancellation, whatever the mean.
    """

    def __init__(self, layers: int, polygons: int):
        self._n = np.zeros((layers, polygons), np.int64)
        self._weight, self._weight2, self._mean, self._m2 = (np.zeros((layers, polygons)) for _ in range(4))

    def add(
        self,
        layer: int,
        polygons: np.ndarray,
        group: np.ndarray,
        values: np.ndarray,
        weights: np.ndarray | None = None,
    ) -> None:
        """Add the pixels of a block.

        Parameters
        ----------
        layer : int
        polygons : int array, shape (k,)
            Different polygons that the block meets.
        group : int array, shape (pairs,)
            Place in `polygons` of each pair of a pixel and a polygon.
        values : array, shape (pairs,)
            NaN where missing.
        weights : float64 array, shape (pairs,), optional
            Without it every pixel counts 1.
        """
        values = values.astype(np.float64)
        valid = np.isfinite(values)
        if not valid.all():
            group, values = group[valid], values[valid]
            weights = None if weights is None else weights[valid]
        size = len(polygons)
        n = np.bincount(group, minlength=size)
        weight: np.ndarray = n.astype(np.float64)
        weight2 = weight
        if weights is not None:
            weight, weight2 = np.bincount(group, weights, size), np.bincount(group, weights**2, size)
        some = np.where(weight > 0, weight, 1.0)
        mean = np.bincount(group, values if weights is None else weights * values, size) / some
        squares = (values - mean[group]) ** 2
        m2 = np.bincount(group, squares if weights is None else weights * squares, size)
        self._merge((layer, polygons), n, weight, weight2, mean, m2)

    def _merge(
        self,
        place: tuple[int, np.ndarray],
        n: np.ndarray,
        weight: np.ndarray,
        weight2: np.ndarray,
        mean: np.ndarray,
        m2: np.ndarray,
    ) -> None:
        before, delta = self._weight[place], mean - self._mean[place]
        total = before + weight
        share = weight / np.where(total > 0, total, 1.0)
        self._n[place] += n
        self._weight[place] = total
        self._weight2[place] += weight2
        self._mean[place] += delta * share
        self._m2[place] += m2 + delta**2 * before * share

    def statistics(self, ddof: int) -> Statistics:
        """What the sums say.

        Parameters
        ----------
        ddof : int
            0: the variance is the (weighted) mean of the squared deviations. 1: divided by n - 1 in
            place of n, with area weights by W - sum(w^2) / W (the unbiased form for reliability
            weights: GNU Scientific Library, `gsl_stats_wvariance`), which is n - 1 for weights of 1.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = np.where(self._n > 0, self._mean, np.nan)
            divisor = self._weight - ddof * self._weight2 / self._weight
            # A lone pixel has no SD with ddof 1, whatever rounding makes of its divisor.
            sd = np.sqrt(np.where(self._n > ddof, self._m2 / divisor, np.nan))
            cv = np.where(mean > 0, sd / mean, np.nan)
        return Statistics(self._n, mean, sd, cv)


@dataclass(frozen=True)
class Spread:
    """A statistic of a variable (on a date) over the polygons that have it, see `Distribution`."""

    variable: str
    date: dt.date | None
    statistic: str
    polygons: int
    mean: float
    sd: float
    minimum: float
    q1: float
    median: float
    q3: float
    maximum: float


def spreads(layers: Sequence[tuple[str, dt.date | None]], statistics: Statistics) -> list[Spread]:
    """The spread of each statistic in each layer (variable, date), in their order."""
    return [
        _spread(variable, date, name, getattr(statistics, name)[index])
        for index, (variable, date) in enumerate(layers)
        for name in STATISTICS
    ]


def _spread(variable: str, date: dt.date | None, name: str, values: np.ndarray) -> Spread:
    found = Distribution.of(values)
    numbers = (found.mean, found.sd, found.minimum, found.q1, found.median, found.q3, found.maximum)
    return Spread(variable, date, name, found.n, *numbers)


@dataclass(frozen=True)
class OverDates:
    """Statistics of each polygon averaged over the dates that have them, shape (polygons,) each."""

    dates: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    cv: np.ndarray


def over_dates(statistics: Statistics) -> OverDates:
    """The mean over layers of each statistic, and in how many a polygon has a mean."""
    return OverDates(
        np.isfinite(statistics.mean).sum(axis=0),
        *(_mean_of_known(getattr(statistics, name)) for name in STATISTICS),
    )


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    counts = known.sum(axis=0)
    sums = np.where(known, values, 0.0).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def driest_and_wettest(dates: Sequence[dt.date], statistics: Statistics) -> tuple[dt.date, ...]:
    """The dates of the least and the greatest mean over the polygons; one or none where there are no two.

    Only dates on which at least half as many polygons have a mean as on the best one are taken.
    """
    counts = np.isfinite(statistics.mean).sum(axis=1)
    enough = (counts > 0) & (2 * counts >= counts.max(initial=0))
    if not enough.any():
        return ()
    sums = np.where(np.isfinite(statistics.mean), statistics.mean, 0.0).sum(axis=1)
    means = np.where(enough, sums / np.maximum(counts, 1), np.nan)
    driest, wettest = int(np.nanargmin(means)), int(np.nanargmax(means))
    return (dates[driest],) if driest == wettest else (dates[driest], dates[wettest])
