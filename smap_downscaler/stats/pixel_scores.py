"""Scores of a map against a reference, pixel by pixel, from sums that grow block by block.

| score | definition | source |
|---|---|---|
| rmse, bias | of predicted - observed | `stats.scores` |
| r | Pearson's correlation | Pearson (1895), Proc. Royal Society 58, 240-242 |
| r_within | the same of what is left without the means of each cell, pooled over all cells | |
| variance_ratio | var(predicted) / var(observed) | |
| spaef | 1 - sqrt((r - 1)^2 + (a - 1)^2 + (g - 1)^2) | Demirel et al. (2018), HESS 22, 1299-1315 |

In SPAEF a is the ratio of the coefficients of variation, predicted over observed, and g the shared part of
the two histograms of z-scores, 100 bins from the lowest to the highest z-score of both.  Variances have ddof
0.  A score that the pixels do not define is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

#: Bins of the histograms of SPAEF.
BINS = 100
#: Variance below this share of the mean square counts as none: it is rounding.
_TINY = 1e-10


@dataclass(frozen=True)
class PixelScores:
    """See the table of the module; `n` is the number of pixels."""

    n: int
    rmse: float
    bias: float
    r: float
    r_within: float
    variance_ratio: float
    spaef: float


@dataclass(frozen=True)
class Pixels:
    """Pixels of a block, none of them NaN.

    Attributes
    ----------
    observed : float array, shape (n,)
    predicted : float array, shape (m, n)
        Of m methods.
    cells : int array, shape (n,), or None
        Number of the coarse cell that holds each pixel.
    """

    observed: np.ndarray
    predicted: np.ndarray
    cells: np.ndarray | None = None


def score_pixels(blocks: Callable[[], Iterable[Pixels]], methods: int, cells: int = 0) -> list[PixelScores]:
    """Scores of each method, all over the same pixels.

    Parameters
    ----------
    blocks : callable
        Gives all blocks; called twice, since z-scores need means and SDs of all pixels.
    methods : int
    cells : int
        How many coarse cells there are; 0: none, and no r_within.

    Returns
    -------
    list of PixelScores
        In the order of the methods; without pixels all is NaN.
    """
    sums = [_Sums(cells) for _ in range(methods)]
    for block in blocks():
        for own, predicted in zip(sums, block.predicted):
            own.add(block.observed, predicted, block.cells)
    histograms = [_Histograms(own) for own in sums]
    for block in blocks():
        for histogram, predicted in zip(histograms, block.predicted):
            histogram.add(block.observed, predicted)
    return [own.scores(histogram.shared()) for own, histogram in zip(sums, histograms)]


def spaef(r: float, cv_ratio: float, overlap: float) -> float:
    """The spatial efficiency of its three parts, 1 at best; see the table of the module."""
    return 1.0 - math.sqrt((r - 1) ** 2 + (cv_ratio - 1) ** 2 + (overlap - 1) ** 2)


class _Sums:
    """Sums of 1, x, y, x^2, y^2, xy by cell (x observed, y predicted, both less their first value)."""

    def __init__(self, cells: int):
        self._by_cell = np.zeros((6, max(cells, 1)))
        self._has_cells = cells > 0
        self._error = self._square = 0.0
        self.origins: tuple[float, float] | None = None
        self.lowest, self.highest = [math.inf] * 2, [-math.inf] * 2

    def add(self, observed: np.ndarray, predicted: np.ndarray, cells: np.ndarray | None) -> None:
        if not observed.size:
            return
        x, y = observed.astype(np.float64), predicted.astype(np.float64)
        # Constants about their first value are 0, and nothing is left of them in the squares.
        self.origins = self.origins or (float(x[0]), float(y[0]))
        error = y - x
        self._error += float(error.sum())
        self._square += float(error @ error)
        for number, values in enumerate((x, y)):
            self.lowest[number] = min(self.lowest[number], float(values.min()))
            self.highest[number] = max(self.highest[number], float(values.max()))
        x -= self.origins[0]
        y -= self.origins[1]
        size = self._by_cell.shape[1]
        where = cells if self._has_cells and cells is not None else np.zeros(x.size, np.intp)
        for row, weights in enumerate((None, x, y, x * x, y * y, x * y)):
            self._by_cell[row] += np.bincount(where, weights, size)

    def spreads(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Mean and SD of x and of y; SDs are 0 for constants."""
        n, x, y, _, _, _ = self._by_cell.sum(axis=1)
        var_x, var_y, _ = self._moments(self._by_cell.sum(axis=1, keepdims=True))
        origin_x, origin_y = self.origins or (math.nan, math.nan)
        return (origin_x + x / n, math.sqrt(var_x / n)), (origin_y + y / n, math.sqrt(var_y / n))

    def _moments(self, sums: np.ndarray) -> tuple[float, float, float]:
        """Sums of squares and products about the means of each column, over all columns."""
        n, x, y, xx, yy, xy = sums[:, sums[0] > 0]
        var_x, var_y = float((xx - x * x / n).sum()), float((yy - y * y / n).sum())
        var_x = var_x if var_x > _TINY * xx.sum() else 0.0
        var_y = var_y if var_y > _TINY * yy.sum() else 0.0
        return var_x, var_y, float((xy - x * y / n).sum())

    def scores(self, overlap: float) -> PixelScores:
        n = int(self._by_cell[0].sum())
        if not n:
            return PixelScores(0, *[math.nan] * 6)
        var_x, var_y, cov = self._moments(self._by_cell.sum(axis=1, keepdims=True))
        r = _correlation(var_x, var_y, cov)
        (mean_x, sd_x), (mean_y, sd_y) = self.spreads()
        # The ratio of SD / mean of both.
        below = mean_y * sd_x
        return PixelScores(
            n,
            rmse=math.sqrt(self._square / n),
            bias=self._error / n,
            r=r,
            r_within=_correlation(*self._moments(self._by_cell)) if self._has_cells else math.nan,
            variance_ratio=var_y / var_x if var_x > 0 else math.nan,
            spaef=spaef(r, sd_y * mean_x / below if below else math.nan, overlap),
        )


def _correlation(var_x: float, var_y: float, cov: float) -> float:
    if not (var_x > 0 and var_y > 0):
        return math.nan
    return max(-1.0, min(1.0, cov / (math.sqrt(var_x) * math.sqrt(var_y))))


class _Histograms:
    """How many pixels have which z-score, observed and predicted, in the same bins."""

    def __init__(self, sums: _Sums):
        self._counts = np.zeros((2, BINS), np.int64)
        self._known = sums.origins is not None
        if not self._known:
            return
        self._spreads = sums.spreads()
        self._known = all(sd > 0 for _, sd in self._spreads)
        if self._known:
            ends = zip(sums.lowest, sums.highest, self._spreads)
            scores = [((low - mean) / sd, (high - mean) / sd) for low, high, (mean, sd) in ends]
            self._low, self._high = min(low for low, _ in scores), max(high for _, high in scores)

    def add(self, observed: np.ndarray, predicted: np.ndarray) -> None:
        if not self._known:
            return
        for counts, values, (mean, sd) in zip(self._counts, (observed, predicted), self._spreads):
            z = (values.astype(np.float64) - mean) / sd
            bins = ((z - self._low) * (BINS / (self._high - self._low))).astype(np.intp)
            # The highest value belongs to the last bin.
            counts += np.bincount(np.clip(bins, 0, BINS - 1), minlength=BINS)

    def shared(self) -> float:
        """The share of the pixels that both histograms have in the same bins; NaN where one is constant."""
        return float(self._counts.min(axis=0).sum() / self._counts[0].sum()) if self._known else math.nan
