"""What lessens the worth of the error of filled gaps, and the tables: counts of each day, and the error."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...base.progress import Progress
from ...base.words import Text, counted, joined, text
from ...methods.file.reader import ModelFile
from ...methods.keys import CellKey
from ...tables.geopackage import DATE, INTEGER, REAL, TEXT, create_table
from .numbers.hidden import CONSTANT, TOO_FEW, TOO_FEW_LEFT, TOO_SHORT, HidingOutcome
from .numbers.outcome import DayCounts
from .numbers.scores import GapScore

#: By how much the days of the file's forests and those here may differ without a word, as a share.
_ALIKE = 0.1
_ADVICE = {
    TOO_FEW: "give a longer series, or covariates of more of its days",
    TOO_SHORT: "give PERIOD a smaller number",
    TOO_FEW_LEFT: "give FOLDS a larger number, so that fewer days are hidden at once",
    CONSTANT: "look at the SMAP series",
}
_KINDS = {"scope": TEXT, "distance": TEXT, "method": TEXT}
_KINDS |= dict.fromkeys(("row", "col", "n", "cells"), INTEGER)


def no_error_text(source: str, outcomes: Mapping[CellKey, HidingOutcome]) -> str:
    """Why the error cannot be estimated in any cell, and what to do."""
    reasons = _reasons(outcomes)
    advice = list(dict.fromkeys(_ADVICE[why] for why in reasons))
    return (
        f"{source}: no cell gives an estimate of the error ({_listed(reasons)}); {', or '.join(advice)}, "
        "or leave out SCORES and REPORT: the days are written, and the next run keeps them."
    )


def log_remarks(
    forests: ModelFile, outcomes: Mapping[CellKey, HidingOutcome], progress: Progress
) -> list[str]:
    """Log and return what lessens the worth of the error: cells without an estimate, forests of other days.

    Parameters
    ----------
    forests : ModelFile
    outcomes : mapping
        Of the cells that the error was to be estimated in.
    progress : Progress
    """
    scored = {cell: outcome for cell, outcome in outcomes.items() if outcome.hidden is not None}
    remarks: list[str] = []
    if len(scored) < len(outcomes):
        remarks.append(
            text(
                "{without:,} of {chosen} chosen to estimate the error give no estimate: {reasons}",
                without=len(outcomes) - len(scored),
                chosen=counted(len(outcomes), "cell"),
                reasons=_listed(_reasons(outcomes)),
            )
        )
    if any(forests.settings_of(cell) != forests.settings for cell in forests.keys):
        remarks.append(
            "the hyper-parameters of each forest were chosen on all days of its cell, those that are hidden "
            "here too, so that the errors are a little too good"
        )
    for remark in remarks:
        progress.log(remark)
    scores = [forests.scores(cell) for cell in scored]
    trained = sum(score.n for score in scores if score is not None)
    complete = sum(outcome.complete for outcome in scored.values())
    if None not in scores and abs(trained - complete) > _ALIKE * complete:
        remarks.append(
            text(
                "over {cells} the forests of the file were trained on {trained:,} days, {compared} than the "
                "{complete:,} observed days with all covariates here: the errors are those of forests grown "
                "on the days of this series, not of those that fill",
                cells=counted(len(scored), "cell"),
                trained=trained,
                compared="more" if trained > complete else "fewer",
                complete=complete,
            )
        )
        progress.warn(remarks[-1])
    return remarks


def _reasons(outcomes: Mapping[CellKey, HidingOutcome]) -> Tally[str]:
    """In how many cells there is which reason for no estimate of the error."""
    # A journal keeps the words of a reason, not the numbers in it.
    known = {why: why for why in _ADVICE}
    return Tally(known.get(outcome.why, outcome.why) for outcome in outcomes.values() if outcome.why)


def _listed(reasons: Tally[str]) -> Text:
    return joined(
        ", ", (text("in {} {}", counted(number, "cell"), why) for why, number in reasons.most_common())
    )


def write_counts(path: str | Path, counts: Mapping[dt.date, DayCounts]) -> None:
    """Write one row per day.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    names = [field.name for field in dataclasses.fields(DayCounts)]
    with create_table(path, "days", {"date": DATE, **dict.fromkeys(names, INTEGER)}) as table:
        table.write((date.isoformat(), *dataclasses.astuple(day)) for date, day in sorted(counts.items()))


def write_gap_scores(path: str | Path, rows: Sequence[GapScore], period: int) -> None:
    """Write one row per scope, distance and method; `period` is the days of the hidden runs.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {"period": INTEGER}
    fields |= {field.name: _KINDS.get(field.name, REAL) for field in dataclasses.fields(GapScore)}
    with create_table(path, "gap_scores", fields) as table:
        table.write((period, *dataclasses.astuple(row)) for row in rows)
