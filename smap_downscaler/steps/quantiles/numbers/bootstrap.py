"""Intervals of quantile correlations that know of autocorrelation: the moving-block bootstrap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....base.progress import SILENT, Progress
from ....stats.autocorrelation import block_length, block_starts, lag_one
from .correlation import quantile_correlation

#: Share of the resamples that must have a coefficient, so that they tell of its spread.
_LEAST_SHARE = 0.9


def drawn_together(days: np.ndarray, x: np.ndarray, y: np.ndarray) -> int:
    """How many consecutive pairs are drawn together, 1...n / 3.

    As long as the more autocorrelated of both series asks for; see `core.autocorrelation`.

    Parameters
    ----------
    days : int64, shape (n,)
        Ordinals of the pairs, ascending.
    x, y : float64, shape (n,)
    """
    longest = max(1, x.size // 3)
    return min(block_length(x.size, max(lag_one(days, x), lag_one(days, y))), longest)


def moving_block_sample(n: int, length: int, generator: np.random.Generator) -> np.ndarray:
    """Indices of a resample of n: blocks of `length` from any place, one after the other, cut at n."""
    starts = block_starts(n, length, 1, generator)[0]
    return np.asarray((starts[:, None] + np.arange(length)).ravel()[:n])


def resampled(
    x: np.ndarray,
    y: np.ndarray,
    quantiles: Sequence[float],
    length: int,
    key: Sequence[int],
    numbers: range,
    progress: Progress = SILENT,
) -> np.ndarray:
    """Quantile correlations of the resamples `numbers`: float64, shape (len(numbers), quantiles).

    Parameters
    ----------
    x, y : float64, shape (n,)
        Pairs in order of time.
    quantiles : sequence of float
    length : int
        See `drawn_together`.
    key : sequence of int
        With the number of a resample its seed: each is the same whoever draws it, and when.
    numbers : range
    progress : Progress
        Asked whether to stop.
    """
    rows = np.stack(
        [moving_block_sample(x.size, length, np.random.default_rng([*key, number])) for number in numbers]
    )
    return quantile_correlation(x[rows], y[rows], quantiles, progress).rho


def interval(rho: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the percentile interval (Efron 1981) of each column, `confidence` in per cent.

    NaN where more than a tenth of the resamples have no coefficient.
    """
    tail = (100 - confidence) / 2
    known = np.isfinite(rho).mean(axis=0) >= _LEAST_SHARE
    ends = np.full((2, rho.shape[1]), np.nan)
    if known.any():
        ends[:, known] = np.nanpercentile(rho[:, known], [tail, 100 - tail], axis=0)
    return ends[0], ends[1]
