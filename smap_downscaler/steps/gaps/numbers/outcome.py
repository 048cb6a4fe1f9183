"""What came of filling gaps."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

from .scores import GapScore, HiddenDays

#: The counts of all days together, in words.
COUNT_TEXTS = {
    "observed": "observed values of cells",
    "filled": "filled values",
    "no_forest": "left empty for want of a forest",
    "no_covariates": "left empty for want of a covariate",
}


@dataclass(frozen=True)
class DayCounts:
    """Cells of a day: observed, filled, and left empty for want of a forest or of a covariate."""

    observed: int = 0
    filled: int = 0
    no_forest: int = 0
    no_covariates: int = 0


@dataclass
class GapReport:
    """What became of each day, and the days hidden to estimate the error.

    Attributes
    ----------
    files, counts : dict
        By day.
    kept : list of date
        Days from an earlier run.
    forests, resumed : int
        Cells with a forest, and those of them that were finished before the last stop.
    period : int
        Days of a hidden run; 0 where nothing is hidden.
    hidden : list of HiddenDays
    scores : list of GapScore
        What `score_gaps` makes of `hidden`.
    observed : int
        Observed days of the cells of `hidden`, hidden or not.
    filled_at : dict of str to int
        Filled values of all days by distance to an observation, see `filled_by_distance`; empty where
        nothing was hidden.
    remarks : list of str
        What lessens the worth of the error.
    no_error : str
        Why there is no error though there should be one; a sentence.
    """

    files: dict[dt.date, Path] = field(default_factory=dict)
    counts: dict[dt.date, DayCounts] = field(default_factory=dict)
    kept: list[dt.date] = field(default_factory=list)
    forests: int = 0
    resumed: int = 0
    period: int = 0
    hidden: list[HiddenDays] = field(default_factory=list)
    scores: list[GapScore] = field(default_factory=list)
    observed: int = 0
    filled_at: dict[str, int] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    no_error: str = ""

    def total(self, name: str) -> int:
        """Cells of all days that were observed, filled...: a field of `DayCounts`."""
        return sum(int(getattr(counts, name)) for counts in self.counts.values())
