"""How values are spread: what summaries of scores and of importance tell."""

from __future__ import annotations

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
        """That of the finite ones of `values`, shape (n,)."""
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
    """SD with n - 1; NaN of one value."""
    return float(np.std(values, ddof=1)) if values.size > 1 else float("nan")
