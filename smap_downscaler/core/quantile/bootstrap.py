"""Intervals of quantile correlations that know of autocorrelation: the moving-block bootstrap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..progress import SILENT, Progress
from .correlation import quantile_correlation

#: Share of the resamples that must have a coefficient, so that they tell of its spread.
_LEAST_SHARE = 0.9
_MOST_AUTOCORRELATION = 0.99


def block_length(x: np.ndarray, y: np.ndarray) -> int:
    """How many consecutive pairs are drawn together, 1...n / 3.

    (6^(1/2) r / (1 - r^2))^(2/3) n^(1/3), rounded up, with r the greater of the absolute lag-1
    autocorrelations of x and y: the best length for the mean of an autoregressive series
    (Politis & White 2004, Econometric Reviews 23, 53-70; Mudelsee 2014, Climate Time Series Analysis).
    """
    r = min(max(abs(_lag1(x)), abs(_lag1(y))), _MOST_AUTOCORRELATION)
    length = (np.sqrt(6) * r / (1 - r * r)) ** (2 / 3) * x.size ** (1 / 3)
    return int(np.clip(np.ceil(length), 1, max(1, x.size // 3)))


def _lag1(values: np.ndarray) -> float:
    centred = values - values.mean()
    return float(np.sum(centred[1:] * centred[:-1]) / np.sum(centred * centred))


def moving_block_sample(n: int, length: int, generator: np.random.Generator) -> np.ndarray:
    """Indices of a resample of n: blocks of `length` from any place, one after the other, cut at n.

    Source: Kunsch (1989), Annals of Statistics 17, 1217-1241.
    """
    starts = generator.integers(0, n - length + 1, -(-n // length))
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
        See `block_length`.
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
