"""The report of filled gaps: one HTML file that needs no network and prints on A4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...base.words import counted
from ...preflight.layer_check import Preflight
from ...preflight.report import add_preflight
from ...report.number_text import UNIT, score_text
from ...report.page import Page
from .figures import courses, error_by_distance, skill_map
from .numbers.scores import (
    ALL_DISTANCES,
    DISTANCES,
    FOREST,
    MEDIAN,
    METHOD_TEXTS,
    POOLED,
    CellCourse,
    GapScore,
    HiddenDays,
)
from .numbers.verdict import gaps_verdict, overall, verdict


@dataclass(frozen=True, eq=False)
class GapsContent:
    """All that the report shows.

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
    observed : int
        Observed days of the cells of `results`, hidden or not.
    forests : int
        Cells with a forest.
    filled : mapping
        Filled values by distance to an observation, see `filled_by_distance`.
    remarks : sequence of str
        What lessens the worth of the error.
    courses : sequence of CellCourse
        Filled series of some of the cells of `results`.
    centres : pair of arrays, shape (n,)
        x and y of the cells of `results`, km.
    cell_km : float
        Side of a cell.
    before : Preflight
    """

    subtitle: str
    facts: Sequence[tuple[str, str]]
    results: Sequence[HiddenDays]
    rows: Sequence[GapScore]
    period: int
    observed: int
    forests: int
    filled: Mapping[str, int]
    remarks: Sequence[str]
    courses: Sequence[CellCourse]
    centres: tuple[np.ndarray, np.ndarray]
    cell_km: float
    before: Preflight


def gaps_page(content: GapsContent, manifest: Mapping[str, Mapping[str, object]], footer: str = "") -> Page:
    """The report; `manifest` says what the results came from, `footer` is the last line."""
    page = Page("Filled gaps of a SMAP series", content.subtitle)
    page.paragraph(verdict(content.results, content.rows, content.period))
    where = gaps_verdict(content.rows, content.filled)
    if where:
        page.paragraph(where)
    page.warnings(content.remarks).facts(content.facts)
    _scores(page, content)
    _distances(page, content)
    _courses(page, content)
    _map(page, content)
    add_preflight(page, content.before)
    return page.manifest(manifest).footer(footer)


def _scores(page: Page, content: GapsContent) -> None:
    pooled, medians = overall(content.rows), overall(content.rows, MEDIAN)
    rows = []
    for method, row in pooled.items():
        middle = medians[method]
        numbers = (row.rmse, row.mae, row.bias, row.ubrmse, row.r2, middle.rmse, middle.r2)
        rows.append((METHOD_TEXTS[method], *map(score_text, numbers)))
    heads = ("RMSE", "MAE", "bias", "ubRMSE", "R²", "median RMSE", "median R²")
    page.heading("Scores of the hidden days").table(("method", *heads), rows)
    page.paragraph(_hidden(content, pooled[FOREST].n))
    page.paragraph(
        f"Errors in {UNIT}. The first five scores are those of all days and cells together; their R² is high "
        "wherever wet and dry cells differ. The medians are over the cells: their R² says how well the "
        "course in time is met, and is 0 where the mean of the cell would say as much. Bias is predicted - "
        "observed, ubRMSE the standard deviation of the errors."
    )
    page.paragraph(
        "Linear interpolation joins the remaining days before and after. The climatology is the mean and "
        "up to two harmonics of the year, fitted to the remaining days. All of it is measured against SMAP, "
        "not in the field."
    )


def _hidden(content: GapsContent, days: int) -> str:
    """Which days were hidden, in words."""
    cells = counted(len(content.results), "cell")
    text = (
        f"{days:,} of {counted(content.observed, 'observed day')} of {cells} (of {content.forests:,} with a "
        f"forest) were hidden once, in runs of {counted(content.period, 'day')}, and predicted by forests "
        "that were grown without them and had no neighbour in the run."
    )
    if days < content.observed:
        text += " The others lack a covariate, or left too few days to grow a forest on."
    return text


def _distances(page: Page, content: GapsContent) -> None:
    page.heading("Error by distance to an observation").picture(
        error_by_distance(content.rows),
        "RMSE of each method by days to the nearest remaining observation",
        f"All cells together. Grey, for scale only: the accuracy of SMAP itself in the field, 0.04-0.06 "
        f"{UNIT}. The errors here are against SMAP: one below the grey does not make a filled value as good "
        "as an observed one.",
    )
    found = {(row.method, row.distance): row for row in content.rows if row.scope == POOLED}
    methods = [method for method, distance in found if distance == ALL_DISTANCES]
    rows = []
    for name, *_ in DISTANCES:
        filled = content.filled.get(name, 0)
        scored = [found[method, name] for method in methods if (method, name) in found]
        if scored or filled:
            scores = [score_text(row.rmse) for row in scored] or [""] * len(methods)
            rows.append((name, f"{filled:,}", f"{scored[0].n if scored else 0:,}", *scores))
    page.table(
        ("distance, days", "filled values", "hidden days", *(METHOD_TEXTS[method] for method in methods)),
        rows,
        "RMSE by distance, and how many of the filled values lie there",
    )


def _courses(page: Page, content: GapsContent) -> None:
    results = {result.cell: result for result in content.results}
    if content.courses:
        page.heading("The series of some cells").picture(
            courses(content.courses, results),
            "Observed and filled soil moisture of some cells, and what was predicted while days were hidden",
            "Cells whose R² lies at 90, 50 and 10 % of all. Crosses and dashes belong to the points "
            "(observed) of the same day, which they did not see." + _outside(content.courses, results),
        )


def _outside(shown: Sequence[CellCourse], results: Mapping[tuple[int, int], HiddenDays]) -> str:
    """A word on hidden days that the figure has no place for."""
    count = sum(int(np.count_nonzero(~course.shows(results[course.cell].days))) for course in shown)
    if not count:
        return ""
    return f" R² and RMSE are of all hidden days, {count:,} of which lie before or after the days shown."


def _map(page: Page, content: GapsContent) -> None:
    page.heading("Where it works").picture(
        skill_map(content.results, content.centres, content.cell_km),
        "Map of R² of the forests, and of their R² less that of linear interpolation",
        "R² of the hidden days of each cell. Right: above 0 the forests are better than linear "
        "interpolation, below 0 worse. Cells that lie far apart are drawn larger than they are.",
    )
