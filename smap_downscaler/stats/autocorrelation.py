"""How alike neighbours in a series are, and the blocks that a bootstrap therefore draws together.

Blocks of neighbours drawn with replacement keep the autocorrelation within them (Kunsch 1989, Annals of
Statistics 17, 1217-1241).
"""

from __future__ import annotations

import numpy as np

#: Neighbours farther apart than this many times the usual step say nothing of autocorrelation.
_LARGEST_GAP = 3.0
_MOST = 0.99


def lag_one(days: np.ndarray, values: np.ndarray) -> float:
    """Autocorrelation of neighbouring days, corrected for its bias, 0 to 0.99.

    (a (n - 1) + 1) / (n - 4) after Kendall (1954), Biometrika 41, 403-404.  Neighbours over a gap
    (3 times the median step) are left out.  0 where it is not defined, or negative.

    Parameters
    ----------
    days : shape (n,)
        Ordinals, ascending.
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


def block_length(n: int, autocorrelation: float) -> int:
    """Neighbours that are drawn together, 1 to n, of a series of `n` with this lag-1 autocorrelation.

    (sqrt(6) a / (1 - a^2))^(2/3) n^(1/3), to the nearest whole number.

    Source: Mudelsee (2014), Climate Time Series Analysis, eq. 3.28; after Carlstein (1986), Annals of
    Statistics 14, 1171-1179.
    """
    length = (np.sqrt(6) * autocorrelation / (1 - autocorrelation**2)) ** (2 / 3) * n ** (1 / 3)
    return int(np.clip(round(float(length)), 1, n))


def block_starts(n: int, length: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Where the blocks of each sample of a series of `n` begin: int64, shape (draws, ceil(n / length))."""
    return rng.integers(0, n - length + 1, size=(draws, -(-n // length)))
