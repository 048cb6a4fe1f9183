"""The one page of the whole chain: what was made, how good it is, and what to doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...base.dates import period_text
from ...base.words import Text, counted, text
from ...report.atlas import PART_OF_PAGE, AtlasPanel, atlas_png
from ...report.number_text import UNIT, fixed
from ...report.page import Page
from ..maps.closure_report import add_evidence
from .numbers.outcome import ChainOutcome, SchemeScores, Shown

#: Outputs of 'Validate maps against the field' of the map and of SMAP, and what they are called.
_FIELD = (("RMSE", f"RMSE, {UNIT}"), ("UBRMSE", f"ubRMSE, {UNIT}"), ("R", "Pearson r"))
#: Warnings of a step that stand on the page; the others are in the log.
_MOST_WARNINGS = 6


def chain_page(made: ChainOutcome, manifest: Mapping[str, Mapping[str, object]], footer: str = "") -> Page:
    """The report; `manifest` says what the results came from, in sections of names and values."""
    page = Page(
        f"Soil moisture maps, {period_text(made.dates)}",
        text("{} of SMAP by the {}", counted(len(made.dates), "map"), made.method),
    )
    page.facts(made.facts)
    if made.shown is not None:
        _picture(page, made.shown)
    _scores(page, made)
    _field(page, made.at_stations)
    add_evidence(page, made.evidence, made.measured)
    _warnings(page, made.warnings)
    if made.reports:
        page.heading("Reports of single steps").links(made.reports)
    return page.manifest(manifest).footer(footer)


def _picture(page: Page, shown: Shown) -> None:
    panels = [
        AtlasPanel("soil moisture, SMAP", UNIT, shown.smap),
        AtlasPanel("soil moisture, map", UNIT, shown.mapped),
    ]
    page.heading(f"The map of {shown.date}").picture(
        atlas_png(panels, shown.bounds, shown.frame, height=PART_OF_PAGE),
        f"SMAP and the map of {shown.date}, side by side",
        "The date on which SMAP saw the most cells: its cells, and the map made of them.",
    )


def _scores(page: Page, made: ChainOutcome) -> None:
    if not made.scores:
        return
    page.heading("Cross-validation on SMAP's cells, beside interpolation")
    rows = [_row(one) for one in made.scores]
    heads = (
        "folds",
        f"RMSE, {UNIT}: model",
        "RMSE: interpolation",
        "R²: model",
        "R²: interpolation",
    )
    page.table(heads, rows, "Medians over the dates." if made.by_day else "Of all cells and dates.")
    page.paragraph(
        "Cells are held out and predicted from the others: by the model, and by linear interpolation between "
        "the cells that are left, the same for any method (of folds drawn in the same way). A model that is "
        "no better than interpolation has learned nothing of the covariates that helps at SMAP's cells. A "
        "low error there is not skill at the pixels of the maps."
    )
    better = sum(
        one.interpolation is not None and one.model.rmse < one.interpolation.rmse for one in made.scores
    )
    known = sum(one.interpolation is not None for one in made.scores)
    if known:
        page.paragraph(
            text(
                "The model is better under {} of {}.",
                better,
                counted(known, "kind of folds", "kinds of folds"),
            )
        )


def _row(one: SchemeScores) -> tuple[str, ...]:
    other = one.interpolation
    return (
        one.scheme,
        fixed(one.model.rmse, ".4f"),
        fixed(other.rmse, ".4f") if other else Text(),
        fixed(one.model.r2, ".3f"),
        fixed(other.r2, ".3f") if other else Text(),
    )


def _field(page: Page, found: Mapping[str, float]) -> None:
    if not found:
        return
    page.heading("At the field stations")
    rows = [
        (
            label,
            fixed(found.get(name, float("nan")), ".4f"),
            fixed(found.get(f"SMAP_{name}", float("nan")), ".4f"),
        )
        for name, label in _FIELD
    ]
    page.table(("score", "maps", "SMAP cells"), rows)
    page.paragraph(
        text(
            "{} of maps and readings at {}.",
            counted(int(found.get("COUNT", 0)), "pair"),
            counted(int(found.get("STATIONS_USED", 0)), "station"),
        )
    )


def _warnings(page: Page, warnings: Sequence[tuple[str, str]]) -> None:
    by_step: dict[str, list[str]] = {}
    for title, words in warnings:
        own = by_step.setdefault(title, [])
        if words not in own:
            own.append(words)
    if not by_step:
        return
    page.heading("Warnings")
    for title, own in by_step.items():
        shown = [text("{}: {}", title, words) for words in own[:_MOST_WARNINGS]]
        if len(own) > _MOST_WARNINGS:
            shown.append(text("{}: {} in the log", title, counted(len(own) - _MOST_WARNINGS, "more warning")))
        page.warnings(shown)
