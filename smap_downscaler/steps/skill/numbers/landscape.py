"""Made-up covariates with the spectra of terrain, soils and rain."""

from __future__ import annotations

import numpy as np

from ....base.progress import SILENT, Progress
from .truths import field, standardised

#: Covariate -> slope of its power spectrum: how smooth it is.
_SLOPES = {
    "elevation": 3.0,
    "twi": 1.5,
    "clay": 2.2,
    "sand": 2.4,
    "soc": 2.2,
    "ksat": 2.0,
    "rain": 3.6,
    "season": 3.8,
}
NAMES = tuple(_SLOPES)
RAIN = "rain"
_LAKES, _DATES = 1, 2


def covariates(shape: tuple[int, int], seed: int, progress: Progress = SILENT) -> np.ndarray:
    """z-scores of `NAMES`, some of which go together: float32, shape (covariates, rows, columns)."""
    rng, made = np.random.default_rng((seed, 0)), {}
    for name, slope in _SLOPES.items():
        progress.check()
        made[name] = field(rng, shape, slope)
    made["sand"] = 0.8 * made["sand"] - 0.5 * made["clay"]
    made["ksat"] = 0.8 * made["ksat"] + 0.4 * made["sand"]
    made["season"] = 0.6 * made["season"] + 0.6 * made["rain"]
    return np.stack([standardised(values) for values in made.values()])


def lakes(shape: tuple[int, int], seed: int, share: float = 0.03) -> np.ndarray:
    """Connected water on a share of the pixels: bool, of `shape`."""
    depth = field(np.random.default_rng((seed, _LAKES)), shape, 3.0)
    return np.asarray(depth > np.quantile(depth, 1 - share))


def rain_of_date(pattern: np.ndarray, seed: int, date: int) -> np.ndarray:
    """Rain of one date: half of its variance is that of a lasting pattern (z-scores); float32, its shape."""
    own = field(np.random.default_rng((seed, _DATES, date)), pattern.shape, 3.6)
    return standardised(pattern + own)
