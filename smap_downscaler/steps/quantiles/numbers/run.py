"""Quantile correlations of many stations, seasons and scales: a cell each, and a quantile."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Iterator, Mapping, Set
from contextlib import closing
from dataclasses import dataclass
from typing import Union

import numpy as np

from ....base.progress import SILENT, Progress
from ....base.seasons_of_year import ALL
from ....base.threads import ordered_map
from .coarse_grain import BlockMeans, PairedSeries, coarse_grain
from .correlation import (
    QuantileCorrelation,
    drawn_together,
    interval,
    is_over_one,
    is_same_line,
    is_unreliable,
    quantile_correlation,
    resampled,
    unusable,
)
from .settings import QuantileSettings

COMPUTED = "computed"
#: Points of all regressions that are worked on at once: some tenths of a second.
_POINTS_PER_TASK = 100_000


@dataclass(frozen=True)
class Cell:
    """One coefficient, and what it rests on.

    Attributes
    ----------
    station, season : str
    scale : int
        Days.
    tau : float
    least_days : int
        Days with both values that a block had to have.
    n, days : int
        Blocks, and days with both values in them.
    first, last : datetime.date or None
        First day of the first block, last day of the last one.
    rho, b_yx, b_xy : float
        NaN where not computed; see `correlation.quantile_correlation`.
    lower, upper : float
        Interval of rho; NaN without a bootstrap.
    drawn_together : int or None
        Consecutive blocks that a resample draws together.
    unreliable, over_one, same_line, signs_differ, not_unique : bool
    status : str
        `computed`, or why not.
    """

    station: str
    season: str
    scale: int
    tau: float
    least_days: int
    n: int
    days: int
    first: dt.date | None
    last: dt.date | None
    rho: float
    b_yx: float
    b_xy: float
    lower: float
    upper: float
    drawn_together: int | None
    unreliable: bool
    over_one: bool
    same_line: bool
    signs_differ: bool
    not_unique: bool
    status: str

    @property
    def computed(self) -> bool:
        """Whether there is a coefficient."""
        return self.status == COMPUTED

    @property
    def flags(self) -> str:
        """What to know of it, separated by commas."""
        names = ("unreliable", "over_one", "same_line", "signs_differ", "not_unique")
        return ", ".join(name.replace("_", " ") for name in names if getattr(self, name))


@dataclass(frozen=True, eq=False)
class _Group:
    """All cells of a station, season and scale."""

    station: str
    season: str
    scale: int
    means: BlockMeans
    reason: str
    length: int
    key: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class _Task:
    """The coefficients themselves (no numbers), or those of some resamples; `last` of its group."""

    group: _Group
    numbers: range
    last: bool


_Found = Union[QuantileCorrelation, np.ndarray, None]


def correlate(
    stations: Mapping[str, PairedSeries],
    seasons: Mapping[str, Set[int] | None],
    settings: QuantileSettings,
    threads: int = 1,
    progress: Progress = SILENT,
) -> list[Cell]:
    """A cell for each station, season, scale and quantile, in this order.

    The result is the same, bit for bit, for any number of threads; a station's does not depend on the others.

    Parameters
    ----------
    stations : mapping of str to PairedSeries
    seasons : mapping of str to set of int or None
        Months of each season; None: the whole year.
    settings : QuantileSettings
    threads : int
    progress : Progress
    """
    # Imported once here: threads that import the same package at once may trip over each other.
    import scipy.optimize
    import scipy.sparse  # noqa: F401

    per_group = 2 * len(settings.quantiles) * (1 + settings.bootstrap)
    groups = len(stations) * len(seasons) * len(settings.scales)
    counter = progress.counter(groups * per_group, "regressions")
    cells: list[Cell] = []
    resamples: list[np.ndarray] = []
    estimate: QuantileCorrelation | None = None

    def work(task: _Task, listener: Progress) -> tuple[_Task, _Found]:
        return task, _work(task, settings, listener)

    with closing(ordered_map(work, _tasks(stations, seasons, settings), threads, progress)) as done:
        for task, found in done:
            if isinstance(found, np.ndarray):
                resamples.append(found)
            else:
                estimate = found
            counter.advance(
                per_group if task.group.reason else 2 * len(settings.quantiles) * max(1, len(task.numbers))
            )
            if task.last:
                cells += _cells(task.group, settings, estimate, resamples)
                resamples = []
    return cells


def _tasks(
    stations: Mapping[str, PairedSeries], seasons: Mapping[str, Set[int] | None], settings: QuantileSettings
) -> Iterator[_Task]:
    for station, series in stations.items():
        for season, months in seasons.items():
            for scale in settings.scales:
                means = coarse_grain(series, scale, settings.least_days(scale), months)
                reason = unusable(means.x, means.y)
                length = 1 if reason else drawn_together(means.first, means.x, means.y)
                # Of any season that of the whole year: equal blocks have equal intervals.
                names = (zlib.crc32(station.encode()), zlib.crc32(ALL.encode()))
                group = _Group(station, season, scale, means, reason, length, (settings.seed, *names, scale))
                count = 0 if reason else settings.bootstrap
                yield _Task(group, range(0), count == 0)
                step = max(1, _POINTS_PER_TASK // (2 * len(settings.quantiles) * max(1, means.x.size)))
                for start in range(0, count, step):
                    numbers = range(start, min(start + step, count))
                    yield _Task(group, numbers, numbers.stop == count)


def _work(task: _Task, settings: QuantileSettings, progress: Progress) -> _Found:
    group, means = task.group, task.group.means
    if group.reason:
        return None
    if not task.numbers:
        return quantile_correlation(means.x[None], means.y[None], settings.quantiles, progress)
    return resampled(means.x, means.y, settings.quantiles, group.length, group.key, task.numbers, progress)


def _cells(
    group: _Group,
    settings: QuantileSettings,
    estimate: QuantileCorrelation | None,
    resamples: list[np.ndarray],
) -> Iterator[Cell]:
    count, n = len(settings.quantiles), group.means.x.size
    rho = b_yx = b_xy = lower = upper = np.full(count, np.nan)
    unique = np.ones(count, bool)
    if estimate is not None:
        rho, b_yx, b_xy, unique = estimate.rho[0], estimate.b_yx[0], estimate.b_xy[0], estimate.unique[0]
    if resamples:
        lower, upper = interval(np.concatenate(resamples), settings.confidence)
    over, same, unreliable = is_over_one(rho), is_same_line(rho), is_unreliable(n, settings.quantiles)
    for index, tau in enumerate(settings.quantiles):
        reason = group.reason
        if not reason and np.isnan(rho[index]):
            reason = "the linear programme has no solution"
        yield Cell(
            group.station,
            group.season,
            group.scale,
            tau,
            settings.least_days(group.scale),
            n,
            group.means.days,
            dt.date.fromordinal(int(group.means.first[0])) if n else None,
            dt.date.fromordinal(int(group.means.first[-1]) + group.scale - 1) if n else None,
            float(rho[index]),
            float(b_yx[index]),
            float(b_xy[index]),
            float(lower[index]),
            float(upper[index]),
            group.length if resamples else None,
            bool(unreliable[index]),
            bool(over[index]),
            bool(same[index]),
            bool(b_yx[index] * b_xy[index] < 0),
            not bool(unique[index]),
            reason or COMPUTED,
        )
