"""Pairs of covariates that a model trained on coarse cells cannot distinguish, though they differ below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Pairs whose |r| is above the first on coarse cells and below the second on the fine grid are named.
COARSE_R, FINE_R = 0.99, 0.97
_LEAST_CELLS = 10


@dataclass(frozen=True)
class AlikePair:
    """Two covariates and their correlation on the coarse and on the fine grid."""

    first: str
    second: str
    coarse_r: float
    fine_r: float


def alike_pairs(names: Sequence[str], coarse: np.ndarray, fine: np.ndarray) -> list[AlikePair]:
    """Pairs that average to almost the same number on coarse cells but differ on the fine grid.

    Such pairs (several wetness indices, say) cannot be distinguished in training,
    and a forest follows the one or the other at random.

    Parameters
    ----------
    names : sequence of str, length p
    coarse, fine : ndarray, shape (p, n)
        Values on coarse cells, and on a sample of fine pixels; NaN where missing.

    Returns
    -------
    list of AlikePair
        Those with |Pearson's r| > .99 coarse and < .97 fine, in the order of names.
    """
    pairs = []
    for i, first in enumerate(names):
        for j in range(i + 1, len(names)):
            r_coarse = _pearson(coarse[i], coarse[j])
            if not abs(r_coarse) > COARSE_R:
                continue
            r_fine = _pearson(fine[i], fine[j])
            if abs(r_fine) < FINE_R:
                pairs.append(AlikePair(first, names[j], r_coarse, r_fine))
    return pairs


def _pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's r of the pairs without NaN; NaN for fewer than ten, or where one is constant."""
    valid = np.isfinite(x) & np.isfinite(y)
    if valid.sum() < _LEAST_CELLS:
        return float("nan")
    x, y = x[valid].astype(np.float64), y[valid].astype(np.float64)
    x, y = x - x.mean(), y - y.mean()
    scale = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum() / scale) if scale > 0 else float("nan")
