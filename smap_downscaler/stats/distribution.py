"""How values are spread: of arrays that are there at once, and of blocks that come one by one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Distribution:
    """Of `n` finite values; SD with n - 1, quartiles with linear interpolation; NaN where undefined."""

    n: int
    mean: float
    median: float
    sd: float
    iqr: float
    q1: float
    q3: float
    minimum: float
    maximum: float

    @classmethod
    def of(cls, values: np.ndarray) -> Distribution:
        """That of the finite ones of `values`, shape (n,), in their unit."""
        valid = np.asarray(values, np.float64)
        valid = valid[np.isfinite(valid)]
        if not valid.size:
            return cls(0, *[float("nan")] * 8)
        q1, median, q3 = np.percentile(valid, (25, 50, 75)).tolist()
        return cls(
            int(valid.size),
            float(np.mean(valid)),
            median,
            sample_sd(valid),
            q3 - q1,
            q1,
            q3,
            float(np.min(valid)),
            float(np.max(valid)),
        )


def sample_sd(values: np.ndarray) -> float:
    """Standard deviation of `values`, shape (n,), with ddof 1, in their unit; NaN for fewer than two."""
    return float(np.std(values, ddof=1)) if values.size > 1 else float("nan")


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
