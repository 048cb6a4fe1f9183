"""95 % intervals that know that a day resembles the day before: a moving-block bootstrap.

Blocks of neighbouring days are drawn with replacement (Kunsch 1989, Annals of Statistics 17,
1217-1241), so that a sample keeps the autocorrelation within them.  The block's length follows
from the lag-1 autocorrelation a, l = (sqrt(6) a / (1 - a^2))^(2/3) n^(1/3) (Mudelsee 2014, Climate
Time Series Analysis, eq. 3.28; after Carlstein 1986).  Percentiles are widened for the few blocks
there are (expanded percentile interval, Hesterberg 2015, The American Statistician 69, 371-386).
Sizes of errors come out too small in samples as they do in the data, so that their interval is
mirrored on the logarithmic scale (basic interval, Davison & Hinkley 1997, 5.2).  In trials with
autocorrelated series of 30 to 1,000 days the intervals held the truth in 84 to 98 %, those of the
bias in the fewest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np

from ..progress import SILENT, Progress

LEVEL = 0.95
#: Fewer days, or fewer blocks, say nothing of their own spread.
LEAST_DAYS, LEAST_BLOCKS = 10, 5
#: Neighbours farther apart than this many times the usual step tell nothing of autocorrelation.
_LARGEST_GAP = 3.0
_MOST = 0.99
#: Samples worked on at once: some megabytes.
_CELLS_AT_ONCE = 1 << 20
#: Samples that do not define a metric (all days equal, say); with more than this share there is no interval.
_MOST_UNDEFINED = 0.05


@dataclass(frozen=True)
class Interval:
    """Ends of a 95 % interval; NaN where it is not defined."""

    lower: float = float("nan")
    upper: float = float("nan")


def lag_one(days: np.ndarray, values: np.ndarray) -> float:
    """Autocorrelation of neighbouring days, corrected for its bias, 0 to 0.99.

    (a (n - 1) + 1) / (n - 4) after Kendall (1954), Biometrika 41, 403-404.  Neighbours over a gap
    (3 times the median step) are left out.  0 where it is not defined, or negative.

    Parameters
    ----------
    days : shape (n,)
        Ascending.
    values : float64, shape (n,)
    """
    n = len(values)
    if n <= 4 or np.ptp(values) == 0:
        return 0.0
    steps = np.diff(days)
    near = steps <= _LARGEST_GAP * np.median(steps)
    centred = values - np.mean(values)
    found = np.mean((centred[1:] * centred[:-1])[near]) / np.mean(centred**2)
    return float(np.clip((found * (n - 1) + 1) / (n - 4), 0.0, _MOST)) if found > 0 else 0.0


def effective_size(n: int, autocorrelation: float) -> float:
    """Independent values that tell a mean as well as `n`: n (1 - a) / (1 + a), at least 1.

    Source: Bretherton et al. (1999), Journal of Climate 12, 1990-2009, eq. 30.
    """
    return max(n * (1 - autocorrelation) / (1 + autocorrelation), min(n, 1.0))


def block_length(n: int, autocorrelation: float) -> int:
    """Days of a block, 1 to n."""
    length = (np.sqrt(6) * autocorrelation / (1 - autocorrelation**2)) ** (2 / 3) * n ** (1 / 3)
    return int(np.clip(round(float(length)), 1, n))


def intervals_defined(n: int, length: int) -> bool:
    """Whether `n` days in blocks of `length` say enough of their spread."""
    return n >= LEAST_DAYS and n / length >= LEAST_BLOCKS


def draw_blocks(n: int, length: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """How often each block is in each sample: float64, shape (draws, n - length + 1).

    A sample is ceil(n / length) blocks; a block is known by its first day.
    """
    begins, blocks = n - length + 1, -(-n // length)
    starts = rng.integers(0, begins, size=(draws, blocks))
    flat = (starts + np.arange(draws)[:, None] * begins).ravel()
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
        What is summed, a row a day, in order of time.
    length : int
        Days of a block.
    draws : int
        Samples.
    rng : Generator
    sizes : collection of str
        Statistics that are sizes of errors, over 0.
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
        name: _mirrored(interval, float(whole[name][0])) if name in sizes else interval
        for name, interval in intervals.items()
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


def _mirrored(interval: Interval, estimate: float) -> Interval:
    """The interval about the estimate on the logarithmic scale, its ends exchanged."""
    if not (interval.lower > 0 and estimate > 0):
        return interval
    return Interval(estimate**2 / interval.upper, estimate**2 / interval.lower)
