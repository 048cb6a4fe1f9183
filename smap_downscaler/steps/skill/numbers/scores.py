"""What came of each map of an experiment, and of all maps of a case."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

#: The tests.
KNOWN_TRUTH, ONE_SCALE_UP = "known truth", "one scale up"
TESTS = (KNOWN_TRUTH, ONE_SCALE_UP)


@dataclass(frozen=True, order=True)
class Case:
    """What is the same for all methods.

    Attributes
    ----------
    test, truth : str
    share : float
        Of the variance within cells, that covariates make; NaN where nobody knows.
    footprint_km : float
    dates : int
    seed : int
    """

    test: str
    truth: str
    share: float
    footprint_km: float
    dates: int
    seed: int

    def __str__(self) -> str:
        parts = [self.truth]
        if self.test == KNOWN_TRUTH:
            parts += [f"share {self.share:g}", f"footprint {self.footprint_km:g} km"]
            parts += [f"{self.dates} date{'s' if self.dates > 1 else ''}", f"seed {self.seed}"]
        return ", ".join(parts)


@dataclass(frozen=True)
class MapScore:
    """A map of a method, and how it compares.

    Attributes
    ----------
    case : Case
    method : str
    date : int
        Number of the date among those of the case.
    pixels, cells : int
        How many were scored, and how many cells SMAP saw.
    rmse, bias : float
        Against the truth, m3 m-3.
    r, r_within, spaef, variance_ratio : float
        See `stats.pixel_scores`.
    closure : float
        RMS of the map's mean on whole cells less what SMAP saw, m3 m-3.
    coverage : float
        Share of pixels in the interval that is to hold 90 % of them; NaN where there is none.
    snr : float
        Posterior signal-to-noise of the pattern; NaN where the method has none.
    detail : float
        Which share of its pattern within cells the map shows by evidence, NaN where the method does not
        judge.
    rmse_smooth : float
        The RMSE of the same map without any of it.
    seconds : float
        For this map, its share of the training included.
    """

    case: Case
    method: str
    date: int
    pixels: int
    cells: int
    rmse: float
    bias: float
    r: float
    r_within: float
    spaef: float
    variance_ratio: float
    closure: float
    coverage: float
    snr: float
    detail: float
    rmse_smooth: float
    seconds: float

    @property
    def rule_right(self) -> float:
        """1 where the map is better for what it shows of its pattern; NaN where nothing was judged."""
        if math.isnan(self.detail) or math.isnan(self.rmse_smooth):
            return math.nan
        return float(self.rmse < self.rmse_smooth)


#: Scores of `MapScore` that are averaged.
_AVERAGED = (
    "bias",
    "r",
    "r_within",
    "spaef",
    "variance_ratio",
    "closure",
    "coverage",
    "snr",
    "detail",
    "rule_right",
    "seconds",
)


@dataclass(frozen=True)
class CaseScore:
    """All maps of a case by a method: `scores` are means over the maps, "rmse" the root of a mean square.

    "ratio" is the RMSE over that of bilinear interpolation.
    """

    case: Case
    method: str
    maps: int
    pixels: int
    cells: float
    scores: dict[str, float]


#: The scores of a case.
SCORES = ("rmse", "ratio", *_AVERAGED)


def cases_of(maps: Iterable[MapScore], reference: str) -> list[CaseScore]:
    """The scores by case and method, in the order in which they came.

    Parameters
    ----------
    maps : iterable of MapScore
    reference : str
        The method whose RMSE is 1 in "ratio".
    """
    groups: dict[tuple[Case, str], list[MapScore]] = {}
    for one in maps:
        groups.setdefault((one.case, one.method), []).append(one)
    below = {case: _rmse(group) for (case, method), group in groups.items() if method == reference}
    found = []
    for (case, method), group in groups.items():
        rmse = _rmse(group)
        scores = {"rmse": rmse, "ratio": rmse / below[case] if case in below else math.nan}
        scores |= {name: mean([getattr(one, name) for one in group]) for name in _AVERAGED}
        pixels, cells = sum(one.pixels for one in group), mean([one.cells for one in group])
        found.append(CaseScore(case, method, len(group), pixels, cells, scores))
    return found


def _rmse(maps: Sequence[MapScore]) -> float:
    return math.sqrt(sum(one.rmse**2 * one.pixels for one in maps) / sum(one.pixels for one in maps))


def mean(values: Sequence[float]) -> float:
    """The mean of those that are defined, NaN for none."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def as_record(score: MapScore) -> dict[str, Any]:
    """A score for JSON."""
    own = {field.name: getattr(score, field.name) for field in fields(score)}
    return {**own, "case": {field.name: getattr(score.case, field.name) for field in fields(score.case)}}


def from_record(record: dict[str, Any]) -> MapScore:
    """The way back from `as_record`."""
    return MapScore(**{**record, "case": Case(**record["case"])})
