"""95 % intervals that know that a day resembles the day before: a moving-block bootstrap.

Blocks of neighbouring days are drawn with replacement; how long they are says
`autocorrelation.block_length`.
Percentiles are widened for the few blocks there are (expanded percentile interval, Hesterberg 2015,
The American Statistician 69, 371-386).
Sizes of errors come out too small in samples as they do in the data, so that their interval is
mirrored on the logarithmic scale (basic interval, Davison & Hinkley 1997, 5.2).  In trials with
autocorrelated series of 30 to 1,000 days the intervals held the truth in 84 to 98 %, those of the
bias in the fewest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np

from ..base.progress import SILENT, Progress
from .autocorrelation import block_starts

LEVEL = 0.95
#: Fewer days, or fewer blocks, say nothing of their own spread.
LEAST_DAYS, LEAST_BLOCKS = 10, 5
#: Samples worked on at once: some megabytes.
_CELLS_AT_ONCE = 1 << 20
#: Samples that do not define a metric (all days equal, say); with more than this share there is no interval.
_MOST_UNDEFINED = 0.05


@dataclass(frozen=True)
class Interval:
    """Ends of a 95 % interval; NaN where it is not defined."""

    lower: float = float("nan")
    upper: float = float("nan")


class Results:
    """Numbers by name, and the intervals of those that have one."""

    values: Mapping[str, float]
    intervals: Mapping[str, Interval]

    def value(self, name: str) -> float:
        """A number, NaN where it is not defined."""
        return self.values.get(name, float("nan"))

    def interval(self, name: str) -> Interval:
        """Its interval, NaN where it is not defined."""
        return self.intervals.get(name, Interval())


def effective_size(n: int, autocorrelation: float) -> float:
    """Independent values that give a mean as well as `n` do: n (1 - a) / (1 + a), at least 1.

    Source: Bretherton et al. (1999), Journal of Climate 12, 1990-2009, eq. 30.
    """
    return max(n * (1 - autocorrelation) / (1 + autocorrelation), min(n, 1.0))


def intervals_defined(n: int, length: int) -> bool:
    """Whether `n` days in blocks of `length` say enough of their spread."""
    return n >= LEAST_DAYS and n / length >= LEAST_BLOCKS


def draw_blocks(n: int, length: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """How often each block is in each sample: float64, shape (draws, n - length + 1).

    A block is known by its first day; see `autocorrelation.block_starts`.
    """
    begins = n - length + 1
    flat = (block_starts(n, length, draws, rng) + np.arange(draws)[:, None] * begins).ravel()
    return np.bincount(flat, minlength=draws * begins).reshape(draws, begins).astype(np.float64)


def block_sums(rows: np.ndarray, length: int) -> np.ndarray:
    """Sums of `rows`, shape (n, m), over each block of `length` rows: shape (n - length + 1, m)."""
    running = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])
    return np.asarray(running[length:] - running[:-length])


def bootstrap(
    statistics: Callable[[np.ndarray], Mapping[str, np.ndarray]],
    rows: np.ndarray,
    length: int,
    draws: int,
    rng: np.random.Generator,
    sizes: Collection[str] = (),
    progress: Progress = SILENT,
) -> dict[str, Interval]:
    """Intervals of statistics that are functions of sums over days.

    Parameters
    ----------
    statistics : callable
        Sums, shape (draws, m), to statistics by name, each of shape (draws,).
    rows : float64, shape (n, m)
        What is summed: one row per day, in order of time.
    length : int
        Days of a block.
    draws : int
        Samples.
    rng : Generator
    sizes : collection of str
        Statistics that are sizes of errors, over 0.

    Returns
    -------
    dict of name to Interval; without ends where the data themselves, or many samples, do not define it.
    """
    n = len(rows)
    at_once = max(_CELLS_AT_ONCE // n, 1)
    sums = block_sums(rows, length)
    found: dict[str, list[np.ndarray]] = {}
    for first in range(0, draws, at_once):
        progress.check()
        drawn = draw_blocks(n, length, min(at_once, draws - first), rng)
        for name, values in statistics(drawn @ sums).items():
            found.setdefault(name, []).append(values)
    tail = _expanded_tail(n / length)
    intervals = {name: _interval(np.concatenate(parts), tail) for name, parts in found.items()}
    whole = statistics(rows.sum(axis=0)[None])
    return {
        name: _about(interval, float(whole[name][0]), name in sizes) for name, interval in intervals.items()
    }


def _expanded_tail(blocks: float) -> float:
    """Share of the samples beyond either end of the interval."""
    from scipy.special import ndtr, stdtrit

    return float(ndtr(np.sqrt(blocks / (blocks - 1)) * stdtrit(blocks - 1, (1 - LEVEL) / 2)))


def _interval(values: np.ndarray, tail: float) -> Interval:
    good = values[np.isfinite(values)]
    if len(good) < (1 - _MOST_UNDEFINED) * len(values):
        return Interval()
    lower, upper = np.quantile(good, [tail, 1 - tail])
    return Interval(float(lower), float(upper))


def _about(interval: Interval, estimate: float, is_size: bool) -> Interval:
    """The interval of an estimate: none without an estimate, mirrored for sizes of errors."""
    if not np.isfinite(estimate):
        return Interval()
    return _mirrored(interval, estimate) if is_size else interval


def _mirrored(interval: Interval, estimate: float) -> Interval:
    """The interval about the estimate on the logarithmic scale, its ends exchanged."""
    if not (interval.lower > 0 and estimate > 0):
        return interval
    return Interval(estimate**2 / interval.upper, estimate**2 / interval.lower)
