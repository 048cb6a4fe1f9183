"""The report of filled gaps: one HTML file that needs no network and prints on A4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..core.gaps.courses import CellCourse
from ..core.gaps.scores import (
    ALL_DISTANCES,
    DISTANCES,
    MEDIAN,
    METHOD_TEXTS,
    POOLED,
    GapScore,
    HiddenDays,
)
from ..core.gaps.verdict import overall, verdict
from .gaps_figures import courses, error_by_distance, skill_map
from .numbers import UNIT, score_text
from .page import Page
from .preflight import Before, add_before


@dataclass(frozen=True, eq=False)
class GapStory:
    """All that the report tells.

    Parameters
    ----------
    subtitle : str
    facts : sequence of pairs of str
        What was filled: names and numbers.
    results : sequence of HiddenDays
        At least one.
    rows : sequence of GapScore
        What `score_gaps` makes of them.
    period : int
        Days of a hidden run.
    courses : sequence of CellCourse
        Filled series of some of the cells of `results`.
    places : pair of arrays, shape (n,)
        x and y of the cells of `results`, km.
    cell_km : float
        Side of a cell.
    before : Before
    """

    subtitle: str
    facts: Sequence[tuple[str, str]]
    results: Sequence[HiddenDays]
    rows: Sequence[GapScore]
    period: int
    courses: Sequence[CellCourse]
    places: tuple[np.ndarray, np.ndarray]
    cell_km: float
    before: Before


def gaps_page(story: GapStory, manifest: Mapping[str, Mapping[str, object]], footer: str = "") -> Page:
    """The report; `manifest` tells what the results came from, `footer` is the last line."""
    page = Page("Filled gaps of a SMAP series", story.subtitle)
    page.paragraph(verdict(story.results, story.rows, story.period)).facts(story.facts)
    _scores(page, story)
    _distances(page, story)
    _courses(page, story)
    _map(page, story)
    add_before(page, story.before)
    return page.manifest(manifest).footer(footer)


def _scores(page: Page, story: GapStory) -> None:
    pooled, medians = overall(story.rows), overall(story.rows, MEDIAN)
    rows = []
    for method, row in pooled.items():
        middle = medians[method]
        numbers = (row.rmse, row.mae, row.bias, row.ubrmse, row.r2, middle.rmse, middle.r2)
        rows.append((METHOD_TEXTS[method], *map(score_text, numbers)))
    heads = ("RMSE", "MAE", "bias", "ubRMSE", "R²", "median RMSE", "median R²")
    page.heading("Scores of the hidden days").table(("method", *heads), rows)
    page.paragraph(
        f"Errors in {UNIT}. All observed days were hidden once, in runs of {story.period} days, and "
        "predicted by forests that were grown without them and had no neighbour in the run. The first five "
        "scores are those of all days and cells together; their R² is high wherever wet and dry cells "
        "differ. The medians are over the cells: their R² tells how well the course in time is met, and is "
        "0 where the mean of the cell would tell as much. Bias is predicted - observed, ubRMSE the standard "
        "deviation of the errors."
    )
    page.paragraph(
        "Linear interpolation joins the remaining days before and after. The climatology is the mean and "
        "up to two harmonics of the year, fitted to the remaining days. All of it is measured against SMAP, "
        "not in the field."
    )


def _distances(page: Page, story: GapStory) -> None:
    page.heading("Error by distance to an observation").picture(
        error_by_distance(story.rows),
        "RMSE of each method by days to the nearest remaining observation",
        f"All cells together. Grey: the accuracy of SMAP itself, 0.04-0.06 {UNIT}.",
    )
    found = {(row.method, row.distance): row for row in story.rows if row.scope == POOLED}
    methods = [method for method, distance in found if distance == ALL_DISTANCES]
    rows = [
        (
            name,
            f"{found[methods[0], name].n:,}",
            *(score_text(found[method, name].rmse) for method in methods),
        )
        for name, *_ in DISTANCES
        if (methods[0], name) in found
    ]
    page.table(("distance, days", "hidden days", *(METHOD_TEXTS[method] for method in methods)), rows)


def _courses(page: Page, story: GapStory) -> None:
    results = {result.cell: result for result in story.results}
    if story.courses:
        page.heading("The series of some cells").picture(
            courses(story.courses, results),
            "Observed and filled soil moisture of some cells, and what was predicted while days were hidden",
            "Cells whose R² lies at 90, 50 and 10 % of all. Crosses and dashes belong to the dots "
            "(observed) of the same day, which they did not see.",
        )


def _map(page: Page, story: GapStory) -> None:
    page.heading("Where it works").picture(
        skill_map(story.results, story.places, story.cell_km),
        "Map of R² of the forests, and of their R² less that of linear interpolation",
        "R² of the hidden days of each cell. Right: above 0 the forests are better than linear "
        "interpolation, below 0 worse. Cells that lie far apart are drawn larger than they are.",
    )
