"""What came of filling gaps: the days, and the error that hidden days tell."""

from __future__ import annotations

import datetime as dt
from collections import Counter as Tally
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...base.progress import Progress
from ...base.words import counted
from ...methods.file.reader import ModelFile
from ...methods.keys import CellKey
from .day_files import DayCounts
from .numbers.hidden import CONSTANT, TOO_FEW, TOO_FEW_LEFT, TOO_SHORT, HidingOutcome
from .numbers.scores import HiddenDays

#: By how much the days of the file's forests and those here may differ without a word, as a share.
_ALIKE = 0.1
_ADVICE = {
    TOO_FEW: "give a longer series, or covariates of more of its days",
    TOO_SHORT: "give PERIOD a smaller number",
    TOO_FEW_LEFT: "give FOLDS a larger number, so that fewer days are hidden at once",
    CONSTANT: "look at the SMAP series",
}


@dataclass
class GapReport:
    """What became of each day, and the days hidden to tell the error.

    Attributes
    ----------
    files, counts : dict
        By day.
    kept : list of date
        Days from an earlier run.
    forests, resumed : int
        Cells with a forest, and those of them that were finished before the last stop.
    hidden : list of HiddenDays
    observed : int
        Observed days of the cells of `hidden`, hidden or not.
    filled_at : dict of str to int
        Filled values of all days by distance to an observation, see `numbers.filled`; empty where
        nothing was hidden.
    remarks : list of str
        What lessens the worth of the error.
    untold : str
        Why there is no error though there should be one; a sentence.
    """

    files: dict[dt.date, Path] = field(default_factory=dict)
    counts: dict[dt.date, DayCounts] = field(default_factory=dict)
    kept: list[dt.date] = field(default_factory=list)
    forests: int = 0
    resumed: int = 0
    hidden: list[HiddenDays] = field(default_factory=list)
    observed: int = 0
    filled_at: dict[str, int] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    untold: str = ""

    def total(self, name: str) -> int:
        """Cells of all days that were observed, filled...: a field of `DayCounts`."""
        return sum(int(getattr(counts, name)) for counts in self.counts.values())


def untold_text(source: str, outcomes: Mapping[CellKey, HidingOutcome]) -> str:
    """Why no cell tells the error, and what to do."""
    reasons = _reasons(outcomes)
    advice = list(dict.fromkeys(_ADVICE[why] for why in reasons))
    return (
        f"{source}: no cell tells the error ({_listed(reasons)}); {', or '.join(advice)}, or leave out "
        "SCORES and REPORT: the days are written, and the next run keeps them."
    )


def tell_remarks(
    forests: ModelFile, outcomes: Mapping[CellKey, HidingOutcome], progress: Progress
) -> list[str]:
    """Log and return what lessens the worth of the error: cells that tell none, forests of other days.

    Parameters
    ----------
    forests : ModelFile
    outcomes : mapping
        Of the cells that the error was to be told from.
    progress : Progress
    """
    told = {cell: outcome for cell, outcome in outcomes.items() if outcome.hidden is not None}
    remarks = []
    if len(told) < len(outcomes):
        remarks.append(
            f"{len(outcomes) - len(told):,} of {counted(len(outcomes), 'cell')} chosen to tell the error "
            f"tell none: {_listed(_reasons(outcomes))}"
        )
    if any(forests.settings_of(cell) != forests.settings for cell in forests.keys):
        remarks.append(
            "the hyper-parameters of each forest were chosen on all days of its cell, those that are hidden "
            "here too, so that the errors are a little too good"
        )
    for remark in remarks:
        progress.log(remark)
    scores = [forests.scores(cell) for cell in told]
    trained = sum(score.n for score in scores if score is not None)
    complete = sum(outcome.complete for outcome in told.values())
    if None not in scores and abs(trained - complete) > _ALIKE * complete:
        remarks.append(
            f"over {counted(len(told), 'cell')} the forests of the file were trained on {trained:,} days, "
            f"{'more' if trained > complete else 'fewer'} than the {complete:,} observed days with all "
            "covariates here: the errors are those of forests grown on the days of this series, not of those "
            "that fill"
        )
        progress.warn(remarks[-1])
    return remarks


def _reasons(outcomes: Mapping[CellKey, HidingOutcome]) -> Tally[str]:
    """In how many cells there is which reason not to tell an error."""
    return Tally(outcome.why for outcome in outcomes.values() if outcome.why)


def _listed(reasons: Tally[str]) -> str:
    return ", ".join(f"in {counted(number, 'cell')} {why}" for why, number in reasons.most_common())
