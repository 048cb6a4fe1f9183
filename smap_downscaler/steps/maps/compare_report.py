"""The report of maps held against a reference: one HTML file that needs no network and prints on A4."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence

import numpy as np

from ...base.words import Text, counted, text
from ...preflight.layer_check import Preflight
from ...preflight.report import add_preflight
from ...report.figure import (
    COLOURS,
    MARKERS,
    SOIL_MOISTURE_UNIT,
    date_axis,
    legend_above,
    light_grid,
    new_figure,
    png,
)
from ...report.number_text import SCORE_LABELS, UNIT, fixed, score_text
from ...report.page import Page
from .numbers.comparison import BILINEAR, MAPS, NEAREST, SCORES, Comparison, Scored

_HEADERS = {
    "rmse": SCORE_LABELS["rmse"],
    "bias": SCORE_LABELS["bias"],
    "r": "r",
    "r_within": "r within cells",
    "variance_ratio": "variance ratio",
    "spaef": "SPAEF",
    "closure_rmse": f"closure RMSE, {UNIT}",
    "closure_bias": f"closure bias, {UNIT}",
}
_NAMES = {MAPS: "maps", BILINEAR: "SMAP, bilinear", NEAREST: "SMAP itself"}
_STYLES = {MAPS: "-", BILINEAR: "--", NEAREST: ":"}
#: Dates of which a page has a row each, and up to which each has a marker.
_MOST_DATES, _MARKED = 200, 60


def comparison_page(
    found: Comparison,
    facts: Sequence[tuple[str, str]],
    warnings: Sequence[str],
    before: Preflight,
    manifest: Mapping[str, Mapping[str, object]],
    footer: str = "",
) -> Page:
    """The report.

    Parameters
    ----------
    found : Comparison
    facts : sequence of pairs of str
        What was compared, and how.
    warnings : sequence of str
    before : Preflight
    manifest : mapping
        What the results came from: sections of names and values.
    footer : str
    """
    means = found.means()
    page = Page(
        "Maps against a reference",
        text("{}; each score over the same pixels for all", counted(len(found.dates), "date")),
    )
    page.facts(facts).warnings([words for words in warnings if words not in before.warnings])
    page.heading("What came of it")
    for sentence in sentences(found):
        page.paragraph(sentence)
    page.table(
        ("", *_HEADERS.values()),
        [(_NAMES[method], *_cells(scored)) for method, scored in means.items()],
        text("Means over {}.", counted(len(found.shared), "date")),
    )
    page.heading("By date").picture(
        _figure(found),
        "RMSE and correlation of each method by date",
        "Above: RMSE against the reference, smaller is better. Below: correlation with it"
        + (", of what is left without the mean of each SMAP cell." if _has_within(found) else "."),
    )
    shown = list(found.dates.items())[:_MOST_DATES]
    page.table(
        ("date", "", "pixels", *_HEADERS.values()),
        [
            (str(date), _NAMES[method], text("{:,}", scored.pixels), *_cells(scored))
            for date, by_method in shown
            for method, scored in by_method.items()
        ],
    )
    if len(found.dates) > len(shown):
        page.paragraph(text("{:,} more dates are in the table OUTPUT.", len(found.dates) - len(shown)))
    _words(page, found)
    add_preflight(page, before)
    return page.manifest(manifest).footer(footer)


def sentences(found: Comparison) -> list[Text]:
    """What the scores say, in words."""
    means, dates = found.means(), len(found.shared)
    own = means[MAPS].values
    said = [text("The maps' RMSE is {} {}, their bias {}.", score_text(own["rmse"]), UNIT, _signed(own))]
    for method in (BILINEAR, NEAREST):
        if method in means:
            other = means[method].values["rmse"]
            better = found.better(method)
            name = "bilinear interpolation of SMAP" if method == BILINEAR else "SMAP itself"
            words = text("That of {} is {} {}. ", name, score_text(other), UNIT)
            words += text("The maps are better on {:,} of {}", better, counted(dates, "date"))
            if other > 0:
                change = own["rmse"] / other - 1
                size = "smaller" if change < 0 else "larger"
                words += text("; their RMSE is {:.0f} % {}", 100 * abs(change), size)
            said.append(words + ".")
    if math.isfinite(own["r_within"]):
        said.append(_within(found, means))
    return said


def _within(found: Comparison, means: Mapping[str, Scored]) -> Text:
    """How well the pattern inside the cells is told, which is all that downscaling can add."""
    values = [means[method].values["r_within"] for method in found.methods if method != NEAREST]
    said = text("Within the SMAP cells the maps' r is {}", fixed(values[0], ".2f"))
    if len(values) > 1 and math.isfinite(values[1]):
        said += text(", that of bilinear interpolation {}", fixed(values[1], ".2f"))
    return said + ": this pattern is what downscaling adds."


def _signed(values: Mapping[str, float]) -> Text:
    return fixed(values["bias"], "+.4f")


def _cells(scored: Scored) -> list[Text]:
    return [score_text(scored.values[name]) for name in SCORES]


def _has_within(found: Comparison) -> bool:
    return any(math.isfinite(value) for value in found.series(MAPS, "r_within"))


def _figure(found: Comparison) -> bytes:
    figure = new_figure(3.6)
    upper, lower = figure.subplots(2, 1, sharex=True)
    dates: list[dt.date] = list(found.dates)
    marked = len(dates) <= _MARKED
    score = "r_within" if _has_within(found) else "r"
    for method, colour, marker in zip(found.methods, COLOURS, MARKERS):
        for axis, name in ((upper, "rmse"), (lower, score)):
            axis.plot(
                dates,
                found.series(method, name),
                color=colour,
                linestyle=_STYLES[method],
                marker=marker if marked else None,
                markersize=3.5,
                linewidth=1.1 if marked else 0.8,
                label=_NAMES[method],
            )
    highest = max(np.nanmax(found.series(method, "rmse")) for method in found.methods)
    upper.set_ylim(0, 1.08 * highest if highest > 0 else 1)
    upper.set_ylabel(f"RMSE, {SOIL_MOISTURE_UNIT}", fontsize=8)
    lower.set_ylabel("r within cells" if score == "r_within" else "r", fontsize=8)
    lower.axhline(0, color="#444444", linewidth=0.8)
    for axis in (upper, lower):
        axis.tick_params(labelsize=7)
        light_grid(axis, "y")
    date_axis(lower, dates)
    legend_above(upper, len(found.methods))
    return png(figure)


def _words(page: Page, found: Comparison) -> None:
    page.heading("What the scores mean")
    page.paragraph(
        "All methods are scored over the same pixels: those that have a value in the map and in the "
        "reference" + (", and SMAP in their cell" if BILINEAR in found.methods else "") + ". Bias: map less "
        "reference. r: Pearson's correlation. Variance ratio: variance of the map over that of the "
        "reference, less than one where a map is too smooth. SPAEF (Demirel et al. 2018): one at best, of "
        "correlation, ratio of the coefficients of variation, and shared histogram of z-scores."
    )
    if BILINEAR in found.methods:
        page.paragraph(
            "Within cells: without the mean of each SMAP cell, which SMAP gives already; SMAP itself has "
            "no pattern there. Closure: the mean of a map over each SMAP cell of which it covers half or "
            "more, held against SMAP itself. SMAP has errors of its own: a map that differs from it a little "
            "may be closer to the truth."
        )
    else:
        page.paragraph("Without SMAP there are no scores within its cells, no closure and no interpolation.")
