"""What came of a comparison: scores by date and method, their means, and where maps are better."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

#: What is scored: the maps, and what SMAP's cells alone give.
MAPS, BILINEAR, NEAREST = "maps", "bilinear", "nearest"
#: Scores in the order of the table; the last two need SMAP.
SCORES = (
    "rmse", "bias", "r", "r_within", "variance_ratio", "spaef", "closure_rmse", "closure_bias",
)  # fmt: skip


@dataclass(frozen=True)
class Scored:
    """Scores of one method on a date, or their means over dates.

    Attributes
    ----------
    pixels : int
        Pixels that all have, of a mean the sum over its dates.
    cells : int
        SMAP cells of the closure; likewise.
    values : mapping
        By the names of `SCORES`; NaN where not defined.
    """

    pixels: int
    cells: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class Comparison:
    """Scores by date and method.

    Attributes
    ----------
    dates : mapping
        Of each date that has scores: `Scored` by method, of maps alone where SMAP has no raster.
    """

    dates: Mapping[dt.date, Mapping[str, Scored]]

    @property
    def methods(self) -> tuple[str, ...]:
        """What was scored on any date."""
        scored = {method for found in self.dates.values() for method in found}
        return tuple(method for method in (MAPS, BILINEAR, NEAREST) if method in scored)

    @property
    def shared(self) -> tuple[dt.date, ...]:
        """The dates on which all methods were scored: means are over these."""
        return tuple(date for date, found in self.dates.items() if len(found) == len(self.methods))

    def means(self) -> dict[str, Scored]:
        """The mean of each score of each method over the shared dates that define it."""
        return {method: _mean([self.dates[date][method] for date in self.shared]) for method in self.methods}

    def series(self, method: str, score: str) -> list[float]:
        """A score of a method by date; NaN where it was not scored."""
        rows = (found.get(method) for found in self.dates.values())
        return [np.nan if row is None else row.values[score] for row in rows]

    def better(self, method: str) -> int:
        """On how many of the shared dates the maps' RMSE is below that of another method."""
        pairs = (self.dates[date] for date in self.shared)
        return sum(pair[MAPS].values["rmse"] < pair[method].values["rmse"] for pair in pairs)


def _mean(rows: list[Scored]) -> Scored:
    def mean(score: str) -> float:
        known = [row.values[score] for row in rows if np.isfinite(row.values[score])]
        return float(np.mean(known)) if known else np.nan

    values = {score: mean(score) for score in SCORES}
    return Scored(sum(row.pixels for row in rows), sum(row.cells for row in rows), values)
