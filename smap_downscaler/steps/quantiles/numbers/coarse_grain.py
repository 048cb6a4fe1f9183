"""Two series of days brought to longer time scales: means over blocks of days (Xu et al. 2020)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Set
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class PairedSeries:
    """Days on which both series have a value.

    Parameters
    ----------
    days : int64, shape (n,)
        Proleptic ordinals of the dates, ascending, none twice.
    x, y : float64, shape (n,)
        Values; finite.
    """

    days: np.ndarray
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True, eq=False)
class BlockMeans:
    """Means of both series over the same blocks of days, in order of time.

    Parameters
    ----------
    x, y : float64, shape (n,)
    first : int64, shape (n,)
        Ordinal of the first calendar day of each block.
    days : int
        Days with both values in these blocks.
    """

    x: np.ndarray
    y: np.ndarray
    first: np.ndarray
    days: int


def coarse_grain(
    series: PairedSeries, scale: int, least_days: int, months: Set[int] | None = None
) -> BlockMeans:
    """Means over blocks of `scale` calendar days that follow on each other.

    The first day with both values is day 1 of the first block; days after the last whole block are
    dropped, and so are blocks with fewer than `least_days` days with both values.  Of a season, each
    stretch of its days (a wet season, say) is cut by itself in the same way: no block reaches over a gap.

    Parameters
    ----------
    series : PairedSeries
    scale : int
        Days, 1 or more.
    least_days : int
        1 or more.
    months : set of int, optional
        The months of a season; None: the whole year.
    """
    days, stretch = series.days, np.zeros(series.days.size, np.int64)
    inside = np.ones(days.size, bool)
    if months is not None and days.size:
        calendar = _in_season(int(days[0]), int(days[-1]), months)
        # Counts the days on which the season ended: the same for all days of a stretch.
        ends = np.cumsum(np.diff(calendar.astype(np.int8), prepend=0) < 0)
        inside, stretch = calendar[days - days[0]], ends[days - days[0]]
    days, stretch = days[inside], stretch[inside]
    if not days.size:
        return BlockMeans(np.empty(0), np.empty(0), np.empty(0, np.int64), 0)
    _, begin, number = np.unique(stretch, return_index=True, return_inverse=True)
    last = np.append(begin[1:], days.size) - 1
    first_day, whole = days[begin], (days[last] - days[begin] + 1) // scale
    block = (days - first_day[number]) // scale
    kept = block < whole[number]
    starts, place, counts = np.unique(
        (first_day[number] + block * scale)[kept], return_inverse=True, return_counts=True
    )
    full = counts >= least_days
    x, y = (
        np.bincount(place, values[inside][kept], starts.size)[full] / counts[full]
        for values in (series.x, series.y)
    )
    return BlockMeans(x, y, starts[full], int(counts[full].sum()))


def _in_season(first: int, last: int, months: Set[int]) -> np.ndarray:
    """Whether each calendar day from `first` to `last` (ordinals) lies in `months`."""
    start = np.datetime64(dt.date.fromordinal(first), "D")
    calendar = start + np.arange(last - first + 1)
    return np.isin(calendar.astype("datetime64[M]").astype(np.int64) % 12 + 1, sorted(months))
