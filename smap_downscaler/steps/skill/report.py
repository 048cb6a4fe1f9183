"""The report of an experiment: what to use here, what it finds, and what is lost."""

from __future__ import annotations

from collections.abc import Mapping

from ...base.words import Text, counted, joined, text
from ...report.number_text import UNIT, fixed
from ...report.page import Page
from .figures import pattern_figure, ratio_figure
from .numbers.scores import KNOWN_TRUTH
from .numbers.truths import MIRRORED
from .numbers.verdict import Outcome, Standing, lost, rule, standings, verdict


def skill_page(outcome: Outcome, manifest: Mapping[str, Mapping[str, object]], footer: str = "") -> Page:
    """The report.

    Parameters
    ----------
    outcome : Outcome
    manifest : mapping
        What the results came from: sections of names and values.
    footer : str
        The last line.
    """
    known = outcome.test == KNOWN_TRUTH
    page = Page("Is the fine pattern real?", _what(outcome))
    page.warnings(outcome.warnings)
    for words in verdict(outcome):
        page.paragraph(words)
    page.paragraph(_meaning(known))
    for dates in outcome.dates:
        cases = outcome.telling(dates)
        page.heading("Errors beside interpolation" + _with(outcome, dates)).picture(
            ratio_figure(cases),
            "Root mean square error of each method over that of bilinear interpolation",
            "Left of the line a method is better than bilinear interpolation, right of it worse. Dots: "
            + ("cases (truth, share, seed)" if known else "windows")
            + "; diamonds: their mean. What lies beyond the axis is drawn at its end.",
        )
        page.table(_HEADS, [_row(one) for one in standings(cases)])
    page.heading("What is lost").paragraph(lost(outcome))
    _mirrored(page, outcome)
    told = rule(outcome.maps)
    if told:
        page.paragraph(told)
    if known:
        for dates in outcome.dates:
            cases = outcome.telling(dates)
            page.heading("How much of the pattern is found" + _with(outcome, dates)).picture(
                pattern_figure(cases),
                "Share of the variance within cells that the maps of each method explain",
                "Dotted: all that covariates make. A map may lie above it, since neighbouring cells tell "
                "something of what no covariate explains.",
            )
        page.paragraph(_roles(outcome))
    page.paragraph(_METHODS).paragraph(_SCORES)
    return page.manifest(manifest).footer(footer)


_HEADS = (
    "method",
    "cases",
    "RMSE / bilinear",
    "worst",
    "worse cases",
    f"RMSE, {UNIT}",
    "r within cells",
    "SPAEF",
    "variance ratio",
    f"closure, {UNIT}",
    "in interval",
)
_SCORES = (
    "RMSE / bilinear: mean over the cases; worst: the greatest. r within cells: correlation of map and truth "
    "without the means of SMAP's cells; SPAEF (Demirel et al. 2018) has its best value where correlation, "
    "spread and histogram fit, and a variance ratio below one means that the map is smoother than the truth. "
    "Closure: RMS of the map's means over whole cells less what SMAP saw, noise included. In interval: share "
    "of true pixels inside of the interval that is to hold nine of ten."
)
_METHODS = (
    "Kriging alone: the area-to-point model without covariates. Linear: a regression on the means of cells. "
    "Paper: its random forests. With residual: what these leave of the cells is brought to the pixels too. "
    "Area-to-point: the plugin's own model. The ceiling is a forest that was shown the fine truth; no "
    "analyst has one."
)


def _what(outcome: Outcome) -> Text:
    maps, cases = outcome.maps, {one.case for one in outcome.maps}
    if outcome.test != KNOWN_TRUTH:
        return text(
            "One scale up, from {:.0f} to {:.0f} km: {}, {}",
            *outcome.scales,
            counted(len(cases), "window"),
            counted(len(maps), "map"),
        )
    truths = ", ".join(dict.fromkeys(one.case.truth for one in maps))
    return text("Known truth ({}): {}, {}", truths, counted(len(cases), "case"), counted(len(maps), "map"))


def _with(outcome: Outcome, dates: int) -> Text:
    return text(", {}", counted(dates, "date")) if len(outcome.dates) > 1 else Text()


def _meaning(known: bool) -> str:
    if known:
        return (
            "The truth was made on these covariates, so the test says which method finds a pattern where "
            "there is one, and what it costs where there is little. It does not say how much of the real "
            "soil moisture the covariates make: only the test one scale up and stations in the field can "
            "tell."
        )
    return (
        "The truth here is SMAP's own: what was averaged away, and mapped back. It says what covariates tell "
        "of patterns at that scale. That the same holds within SMAP's cells is likely, not proven."
    )


def _mirrored(page: Page, outcome: Outcome) -> None:
    """What covariates do that explain nothing, where that was tried."""
    found = standings(one for one in outcome.cases if one.case.truth == MIRRORED)
    if found:
        rows = [
            (Text(one.method), text("{:,}", one.cases), fixed(one.ratio, ".3f"), fixed(one.worst, ".3f"))
            for one in found
        ]
        page.table(
            _HEADS[:4],
            rows,
            "Mirrored: methods were given the mirror image of the covariates, which explains nothing. Those "
            "well above the line of interpolation show patterns that are not there",
        )


def _row(one: Standing) -> tuple[Text, ...]:
    scores = one.scores
    return (
        Text(one.method),
        text("{:,}", one.cases),
        fixed(one.ratio, ".3f"),
        fixed(one.worst, ".3f"),
        text("{:,}", one.worse),
        fixed(scores["rmse"], ".4f"),
        fixed(scores["r_within"], ".2f"),
        fixed(scores["spaef"], ".2f"),
        fixed(scores["variance_ratio"], ".2f"),
        fixed(scores["closure"], ".4f"),
        fixed(100 * scores["coverage"], ".0f") + " %" if scores["coverage"] >= 0 else Text(),
    )


def _roles(outcome: Outcome) -> Text:
    """By their names, with the part that each plays where that is not its name."""
    told = (name if name == role else f"{name} (as {role})" for role, name in outcome.roles.items())
    return Text("The truths hang on these covariates: ") + joined(", ", told) + "."
