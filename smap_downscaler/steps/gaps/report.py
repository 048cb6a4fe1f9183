"""The report of filled gaps: one HTML file that needs no network and prints on A4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...base.dates import period_text
from ...base.words import Text, counted, text
from ...geo.grid import Grid
from ...preflight.layer_check import Preflight
from ...preflight.report import add_preflight
from ...report.number_text import UNIT, score_text
from ...report.page import Page
from .figures import courses, error_by_distance, skill_map
from .numbers.outcome import COUNT_TEXTS, GapReport
from .numbers.scores import (
    ALL_DISTANCES,
    DISTANCES,
    FOREST,
    MEDIAN,
    METHOD_TEXTS,
    POOLED,
    SHOWN,
    CellCourse,
    HiddenDays,
)
from .numbers.verdict import gaps_verdict, overall, verdict


def gaps_page(
    report: GapReport,
    shown: Sequence[CellCourse],
    grid: Grid,
    before: Preflight,
    manifest: Mapping[str, Mapping[str, object]],
    footer: str = "",
) -> Page:
    """The report.

    Parameters
    ----------
    report : GapReport
        With hidden days and their scores.
    shown : sequence of CellCourse
        Filled series of some of the cells with hidden days.
    grid : Grid
        Of the SMAP series, m.
    before : Preflight
    manifest : mapping
        What the results came from: sections of names and values.
    footer : str
        The last line.
    """
    days, dates = counted(len(report.files), "day"), period_text(list(report.files))
    cells = counted(report.forests, "cell")
    page = Page("Filled gaps of a SMAP series", text("{}, {}; {} with a forest", days, dates, cells))
    page.paragraph(verdict(report.hidden, report.scores, report.period))
    where = gaps_verdict(report.scores, report.filled_at)
    if where:
        page.paragraph(where)
    page.warnings(report.remarks)
    page.facts([(words, text("{:,}", report.total(name))) for name, words in COUNT_TEXTS.items()])
    _scores(page, report)
    _distances(page, report)
    _courses(page, report, shown)
    _map(page, report, grid)
    add_preflight(page, before)
    return page.manifest(manifest).footer(footer)


def _scores(page: Page, report: GapReport) -> None:
    pooled, medians = overall(report.scores), overall(report.scores, MEDIAN)
    rows = []
    for method, row in pooled.items():
        middle = medians[method]
        numbers = (row.rmse, row.mae, row.bias, row.ubrmse, row.r2, middle.rmse, middle.r2)
        rows.append((METHOD_TEXTS[method], *map(score_text, numbers)))
    heads = ("RMSE", "MAE", "bias", "ubRMSE", "R²", "median RMSE", "median R²")
    page.heading("Scores of the hidden days").table(("method", *heads), rows, f"Errors in {UNIT}.")
    page.paragraph(_hidden(report, pooled[FOREST].n))
    page.paragraph(
        "The first five scores are those of all days and cells together; their R² is high wherever wet and "
        "dry cells differ. The medians are over the cells: their R² says how well the course in time is "
        "met, and is 0 where the mean of the cell would say as much. Bias is predicted - "
        "observed, ubRMSE the standard deviation of the errors."
    )
    page.paragraph(
        "Linear interpolation joins the remaining days before and after. The climatology is the mean and "
        "up to two harmonics of the year, fitted to the remaining days. All of it is measured against SMAP, "
        "not in the field."
    )


def _hidden(report: GapReport, days: int) -> Text:
    """Which days were hidden, in words."""
    words = text(
        "{hidden:,} of {observed} of {cells} (of {forests:,} with a forest) were hidden once, in runs of "
        "{period}, and predicted by forests that were grown without them and had no neighbour in the run.",
        hidden=days,
        observed=counted(report.observed, "observed day"),
        cells=counted(len(report.hidden), "cell"),
        forests=report.forests,
        period=counted(report.period, "day"),
    )
    if days < report.observed:
        words += " The others lack a covariate, or left too few days to grow a forest on."
    return words


def _distances(page: Page, report: GapReport) -> None:
    page.heading("Error by distance to an observation").picture(
        error_by_distance(report.scores),
        "RMSE of each method by days to the nearest remaining observation",
        f"All cells together. Grey, for scale only: the accuracy of SMAP itself in the field, 0.04-0.06 "
        f"{UNIT}. The errors here are against SMAP: one below the grey does not make a filled value as good "
        "as an observed one.",
    )
    found = {(row.method, row.distance): row for row in report.scores if row.scope == POOLED}
    methods = [method for method, distance in found if distance == ALL_DISTANCES]
    rows = []
    for name, *_ in DISTANCES:
        filled = report.filled_at.get(name, 0)
        scored = [found[method, name] for method in methods if (method, name) in found]
        if scored or filled:
            scores = [score_text(row.rmse) for row in scored] or [Text()] * len(methods)
            days = scored[0].n if scored else 0
            rows.append((name, text("{:,}", filled), text("{:,}", days), *scores))
    page.table(
        ("distance, days", "filled values", "hidden days", *(METHOD_TEXTS[method] for method in methods)),
        rows,
        f"RMSE ({UNIT}) by distance, and how many of the filled values lie there",
    )


def _courses(page: Page, report: GapReport, shown: Sequence[CellCourse]) -> None:
    results = {result.cell: result for result in report.hidden}
    if shown:
        page.heading("The series of some cells").picture(
            courses(shown, results),
            "Observed and filled soil moisture of some cells, and what was predicted while days were hidden",
            text(
                "Cells whose R² lies at {:.0f}, {:.0f} and {:.0f} % of all. Crosses and dashes belong to the "
                "points (observed) of the same day, which they did not see.",
                *(100 * share for share in SHOWN),
            )
            + _outside(shown, results),
        )


def _outside(shown: Sequence[CellCourse], results: Mapping[tuple[int, int], HiddenDays]) -> Text:
    """A word on hidden days that the figure has no place for."""
    count = sum(int(np.count_nonzero(~course.shows(results[course.cell].days))) for course in shown)
    if not count:
        return Text()
    return text(
        " R² and RMSE are of all hidden days, {:,} of which lie before or after the days shown.", count
    )


def _map(page: Page, report: GapReport, grid: Grid) -> None:
    rows, columns = np.array([result.cell for result in report.hidden]).T
    centres = grid.x_centres()[columns] / 1000, grid.y_centres()[rows] / 1000
    page.heading("Where it works").picture(
        skill_map(report.hidden, centres, grid.cell_width / 1000),
        "Map of R² of the forests, and of their R² less that of linear interpolation",
        "R² of the hidden days of each cell. Right: above 0 the forests are better than linear "
        "interpolation, below 0 worse. Cells that lie far apart are drawn larger than they are.",
    )
