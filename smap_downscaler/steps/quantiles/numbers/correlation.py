"""The quantile correlation coefficient (Choi & Shin 2022; Xu et al. 2020) and its intervals.

The intervals know of autocorrelation: they are those of a moving-block bootstrap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ....base.progress import SILENT, Progress
from ....base.words import counted, text
from ....stats.autocorrelation import block_length, block_starts, lag_one
from .regression import fit_lines, is_constant

#: An absolute value over 1 by no more than rounding is no finding.
_ROUNDING = 1e-9
#: A cell with fewer observations than this beyond its quantile says little.
_LEAST_BEYOND = 5
#: Fewer pairs than this are not worth two lines.
LEAST_PAIRS = 5
#: Share of the resamples that must have a coefficient, so that they show its spread.
_LEAST_SHARE = 0.9


@dataclass(frozen=True, eq=False)
class QuantileCorrelation:
    """Of each sample and quantile.

    Parameters
    ----------
    rho : float64, shape (m, quantiles)
        NaN where a series is constant.
    b_yx, b_xy : float64, shape (m, quantiles)
        Slopes of the lines of y on x and of x on y.
    unique : bool, shape (m, quantiles)
        Whether both lines have the only best slope.
    """

    rho: np.ndarray
    b_yx: np.ndarray
    b_xy: np.ndarray
    unique: np.ndarray


def quantile_correlation(
    x: np.ndarray, y: np.ndarray, quantiles: Sequence[float], progress: Progress = SILENT
) -> QuantileCorrelation:
    """rho = sign(b_yx) sqrt(b_yx b_xy), and 0 where the slopes differ in sign.

    Parameters
    ----------
    x, y : float64, shape (m, n)
        Samples; finite.
    quantiles : sequence of float
        Between 0 and 1.
    progress : Progress
        Asked whether to stop.

    Notes
    -----
    Source: Choi & Shin (2022), "Quantile correlation coefficient: a new tail dependence measure",
    Statistical Papers 63, 1075-1104; by time scales Xu et al. (2020).  For tau = .5 and normal data
    it is near Pearson's r.  Unlike that it is not bounded: an absolute value over 1 is possible, and is kept.
    """
    m, count = x.shape[0], len(quantiles)
    tau = np.tile(np.asarray(quantiles, np.float64), 2 * m)
    left, right = np.repeat(x, count, axis=0), np.repeat(y, count, axis=0)
    lines = fit_lines(np.concatenate([left, right]), np.concatenate([right, left]), tau, progress)
    b_yx, b_xy = lines.slope.reshape(2, m, count)
    return QuantileCorrelation(combine(b_yx, b_xy), b_yx, b_xy, lines.unique.reshape(2, m, count).all(axis=0))


def combine(b_yx: np.ndarray, b_xy: np.ndarray) -> np.ndarray:
    """sign(b_yx) sqrt(b_yx b_xy), 0 where the signs differ, NaN where a slope is; of any, equal shapes."""
    # Adding 0 makes a 0 of -0.
    return np.asarray(np.sign(b_yx) * np.sqrt(np.maximum(b_yx * b_xy, 0.0)) + 0.0)


def is_over_one(rho: np.ndarray) -> np.ndarray:
    """Where a coefficient, of any shape, leaves -1...1 by more than rounding: bool, the same shape."""
    return np.asarray(np.abs(rho) > 1 + _ROUNDING)


def is_same_line(rho: np.ndarray) -> np.ndarray:
    """Where both lines are one (or parallel): the coefficient is 1 or -1, of few pairs often by chance."""
    return np.asarray(np.abs(np.abs(rho) - 1) <= _ROUNDING)


def is_unreliable(n: int, quantiles: Sequence[float]) -> np.ndarray:
    """Where n min(tau, 1 - tau) < 5, too few observations beyond the line: bool, shape (quantiles,)."""
    tau = np.asarray(quantiles)
    # 50 times .1 is 5, not a rounding error less.
    return np.asarray(n * np.minimum(tau, 1 - tau) < _LEAST_BEYOND - _ROUNDING)


def unusable(x: np.ndarray, y: np.ndarray) -> str:
    """Why no coefficient can be computed from pairs, shape (n,) each, or an empty text."""
    if x.size < LEAST_PAIRS:
        return text("{}, fewer than the {} needed", counted(x.size, "block"), LEAST_PAIRS)
    for name, values in (("X", x), ("Y", y)):
        if is_constant(values):
            return text("{} is constant ({:g} in all {} blocks)", name, values[0], values.size)
    return ""


def drawn_together(days: np.ndarray, x: np.ndarray, y: np.ndarray) -> int:
    """How many consecutive pairs are drawn together, 1...n / 3.

    As long as the more autocorrelated of both series asks for; see `stats.autocorrelation`.

    Parameters
    ----------
    days : int64, shape (n,)
        Ordinals of the pairs, ascending.
    x, y : float64, shape (n,)
    """
    longest = max(1, x.size // 3)
    return min(block_length(x.size, max(lag_one(days, x), lag_one(days, y))), longest)


def moving_block_sample(n: int, length: int, generator: np.random.Generator) -> np.ndarray:
    """A resample of n, indices of shape (n,): blocks of `length` from any place, joined and cut at n."""
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

    `rho` has the shape (resamples, quantiles), the ends (quantiles,); NaN where more than a tenth of the
    resamples have no coefficient.
    """
    tail = (100 - confidence) / 2
    known = np.isfinite(rho).mean(axis=0) >= _LEAST_SHARE
    ends = np.full((2, rho.shape[1]), np.nan)
    if known.any():
        ends[:, known] = np.nanpercentile(rho[:, known], [tail, 100 - tail], axis=0)
    return ends[0], ends[1]
