"""Soil moisture that is true because it was made so: from fine covariates, and a field that none explains.

| kind | what the covariates make of it (z-scores; s = sigmoid(rain + .5 season + w), w the date's wetness) |
|---|---|
| linear | .5 rain + .3 season + .4 index + .3 clay - .3 elevation + .25 carbon - .2 Ksat |
| mild | 2 s + .25 clay + .7 sigmoid(2 w + rain) index + .25 carbon - .4 Ksat sigmoid(clay) |
| flip | 2 s + .25 clay + .5 tanh(rain + w) index + .2 carbon |
| regime | 2 s + .25 clay + .5 sign(w) index |
| strong | 1.5 s + .8 (index in its highest 30 %, clay > 0) + .5 sign(sin(2 elevation)) - .6 (Ksat > .5) |
| mirrored | as mild, and the covariates that methods are given are those of the mirror image |

"index" is a topographic wetness index.  Forms and coefficients are made up: they say how a pattern may hang
on covariates, not how it does.  Western et al. (1999), Water Resources Research 35, 797-810, found terrain to
organise wet states and not dry ones, which mild and flip imitate.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np

from ....base.errors import InputError
from ....base.progress import SILENT, Progress
from ...demo.numbers.fields import synthesise

LINEAR, MILD, FLIP, REGIME, STRONG, MIRRORED = "linear", "mild", "flip", "regime", "strong", "mirrored"
TRUTHS = (MILD, LINEAR, FLIP, REGIME, STRONG, MIRRORED)
#: Mean and SD of a date's truth, what a SD of the dates' wetness adds, and the limits, m3 m-3.
MEAN, SPREAD, OF_WETNESS, LEAST, MOST = 0.25, 0.07, 0.02, 0.02, 0.55
#: Role -> which names of covariates play it.
_ROLES: dict[str, str] = {
    "index": r"twi|wetness|tpi",
    "rain": r"rain|p_ant|p_\d|precip|pr$|p$",
    "season": r"season|p_[a-z]{3}|p_|prec|bio",
    "clay": r"clay|argil",
    "carbon": r"soc|carbon|ocd|ocs|orc",
    "ksat": r"ksat|k_sat|hydraulic",
    "elevation": r"elev|dem|dtm|dsm|alt|srtm|height",
}
ROLES = tuple(_ROLES)


def roles_of(names: Sequence[str]) -> dict[str, str]:
    """Which covariate plays each role of a truth: by name where one is called so, else the next that is left.

    Raises
    ------
    InputError
        Without covariates.
    """
    if not names:
        raise InputError("COVARIATES has no covariate that changes from pixel to pixel; add layers that do.")
    found: dict[str, str] = {}
    for role, pattern in _ROLES.items():
        fit = [name for name in names if re.search(pattern, name, re.IGNORECASE)]
        free = [name for name in fit if name not in found.values()]
        if free:
            found[role] = free[0]
    spare = [name for name in names if name not in found.values()] or list(names)
    lacking = [role for role in ROLES if role not in found]
    found |= {role: spare[number % len(spare)] for number, role in enumerate(lacking)}
    return {role: found[role] for role in ROLES}


def sigmoid(values: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x))."""
    return np.asarray(1.0 / (1.0 + np.exp(-values)))


def _linear(d: Mapping[str, np.ndarray], _wet: float) -> np.ndarray:
    return np.asarray(
        0.5 * d["rain"] + 0.3 * d["season"] + 0.4 * d["index"] + 0.3 * d["clay"]
        - 0.3 * d["elevation"] + 0.25 * d["carbon"] - 0.2 * d["ksat"]
    )  # fmt: skip


def _state(d: Mapping[str, np.ndarray], wet: float) -> np.ndarray:
    return sigmoid(d["rain"] + 0.5 * d["season"] + wet)


def _mild(d: Mapping[str, np.ndarray], wet: float) -> np.ndarray:
    by_wetness = 0.7 * sigmoid(2 * wet + d["rain"]) * d["index"]
    soil = 0.25 * d["clay"] + 0.25 * d["carbon"] - 0.4 * d["ksat"] * sigmoid(d["clay"])
    return np.asarray(2 * _state(d, wet) + soil + by_wetness)


def _flip(d: Mapping[str, np.ndarray], wet: float) -> np.ndarray:
    turning = 0.5 * np.tanh(d["rain"] + wet) * d["index"]
    return np.asarray(2 * _state(d, wet) + 0.25 * d["clay"] + turning + 0.2 * d["carbon"])


def _regime(d: Mapping[str, np.ndarray], wet: float) -> np.ndarray:
    return np.asarray(2 * _state(d, wet) + 0.25 * d["clay"] + 0.5 * np.sign(wet) * d["index"])


def _strong(d: Mapping[str, np.ndarray], wet: float) -> np.ndarray:
    hollows = (d["index"] > np.nanquantile(d["index"], 0.7)) & (d["clay"] > 0)
    bands = np.sign(np.sin(2 * d["elevation"]))
    return np.asarray(1.5 * _state(d, wet) + 0.8 * hollows + 0.5 * bands - 0.6 * (d["ksat"] > 0.5))


_KINDS: dict[str, Callable[[Mapping[str, np.ndarray], float], np.ndarray]] = {
    LINEAR: _linear,
    MILD: _mild,
    FLIP: _flip,
    REGIME: _regime,
    STRONG: _strong,
    MIRRORED: _mild,
}


@dataclass(frozen=True, eq=False)
class Truth:
    """A truth of some dates.

    Parameters
    ----------
    kind : str
        One of `TRUTHS`.
    share : float
        Part of the variance within cells that the covariates make, over 0 and at most 1.
    covariates : callable
        Gives the covariate of a role on a date (its number): float32, shape (rows, columns), NaN where
        masked.
    cell_of : int array, shape (rows, columns)
        Number of the cell that holds each pixel; -1 where none does.
    dates, seed : int
    """

    kind: str
    share: float
    covariates: Callable[[str, int], np.ndarray]
    cell_of: np.ndarray
    dates: int
    seed: int

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise InputError(f"SHARES holds {self.share:g}; give shares over 0 and at most 1.")

    @cached_property
    def wetness(self) -> np.ndarray:
        """How wet each date is, in SDs; shape (dates,)."""
        return self.generator(-1).standard_normal(self.dates)

    def on(self, date: int, progress: Progress = SILENT) -> np.ndarray:
        """Soil moisture of a date, m3 m-3: float32, shape (rows, columns), NaN where masked."""
        wet, roles = float(self.wetness[date]), {}
        for role in ROLES:
            progress.check()
            roles[role] = standardised(self.covariates(role, date))
        told = standardised(_KINDS[self.kind](roles, wet))
        del roles
        progress.check()
        other = standardised(
            np.where(
                np.isfinite(told),
                0.8 * self._lasting + 0.6 * self._field(self.generator(date), 2.5),
                np.nan,
            )
        )
        progress.check()
        weight = spread_within(told, self.cell_of) / spread_within(other, self.cell_of)
        whole = standardised(told + weight * np.sqrt((1 - self.share) / self.share) * other)
        return np.clip(MEAN + OF_WETNESS * wet + SPREAD * whole, LEAST, MOST).astype(np.float32)

    @cached_property
    def _lasting(self) -> np.ndarray:
        """What is the same on all dates of what no covariate explains."""
        rng = self.generator(-2)
        return standardised(self._field(rng, 2.0) + self._field(rng, 3.0))

    def _field(self, rng: np.random.Generator, slope: float) -> np.ndarray:
        return field(rng, self.cell_of.shape, slope)

    def generator(self, stream: int) -> np.random.Generator:
        """Randomness of its own for each stream, a whole number over -10."""
        kind = crc32(f"{self.kind} {self.share:.3f}".encode())
        return np.random.default_rng((self.seed, kind, stream + 10))


def field(rng: np.random.Generator, shape: tuple[int, ...], slope: float) -> np.ndarray:
    """A Gaussian field whose power falls with the wave number as k^-slope: float32, mean 0, variance 1."""
    return synthesise(rng, shape, 1.0, lambda k: k ** (-slope / 2))


def standardised(values: np.ndarray) -> np.ndarray:
    """z-scores over what is there: float32, NaN where missing, 0 where all are the same."""
    mean, spread = np.nanmean(values, dtype=np.float64), np.nanstd(values, dtype=np.float64)
    return np.asarray((values - mean) / (spread or 1.0), np.float32)


def spread_within(values: np.ndarray, cell_of: np.ndarray) -> float:
    """SD about the means of the cells; pixels that are NaN or in no cell count for nothing."""
    inside = np.isfinite(values) & (cell_of >= 0)
    cells, own = cell_of[inside], values[inside].astype(np.float64)
    count = np.bincount(cells)
    means = np.bincount(cells, own) / np.maximum(count, 1)
    return float(np.sqrt(np.mean((own - means[cells]) ** 2)))
