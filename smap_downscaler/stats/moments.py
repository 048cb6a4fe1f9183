"""Count, mean, standard deviation and range of values that come block by block."""

from __future__ import annotations

import math

import numpy as np


class Moments:
    """Moments of the finite values of all blocks, in one pass.

    Source: Chan, Golub & LeVeque (1983), The American Statistician 37, 242-247.

    Attributes
    ----------
    n, cells : int
        Finite values, and all.
    mean, m2 : float
        Mean, and sum of the squared differences from it.
    low, high : float
        Least and greatest value; infinite without a value.
    """

    def __init__(self) -> None:
        self.n, self.cells, self.mean, self.m2 = 0, 0, 0.0, 0.0
        self.low, self.high = math.inf, -math.inf

    def add(self, values: np.ndarray) -> None:
        """Add a block of any shape, NaN where missing."""
        self.cells += values.size
        valid: np.ndarray = values[np.isfinite(values)].astype(np.float64)
        if not valid.size:
            return
        mean = float(valid.mean())
        m2 = float(((valid - mean) ** 2).sum())
        n = self.n + valid.size
        delta = mean - self.mean
        self.m2 += m2 + delta * delta * self.n * valid.size / n
        self.mean += delta * valid.size / n
        self.n = n
        self.low, self.high = min(self.low, float(valid.min())), max(self.high, float(valid.max()))

    @property
    def sd(self) -> float:
        """Standard deviation with ddof 0; NaN without a value."""
        return math.sqrt(self.m2 / self.n) if self.n else math.nan
