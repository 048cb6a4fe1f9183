"""How the statistics of polygons are spread over the polygons, and over the dates of one polygon."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ....stats.distribution import Distribution
from .moments import Statistics

#: The statistics of a polygon, in the order of tables and figures.
STATISTICS = ("mean", "sd", "cv")


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
