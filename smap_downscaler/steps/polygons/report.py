"""The report of polygon statistics: violins of two dates, the course over all, and the spread in tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...base.dates import period_text
from ...base.words import counted
from ...preflight.layer_check import Preflight
from ...preflight.report import add_preflight
from ...report.number_text import UNIT, number_text
from ...report.page import Page
from .figures import over_time, violins
from .numbers.statistics import STATISTICS, Spread

_NAMES = {"mean": "mean", "sd": "SD", "cv": "C.V."}
_SPREAD_HEAD = ("polygons", "mean", "SD", "min", "25 %", "median", "75 %", "max")
#: Dates in the table of all dates; the others are in the table file.
_MOST_DATES = 40


@dataclass(frozen=True)
class PolygonReport:
    """What the report shows.

    Attributes
    ----------
    polygons : int
    rule, ddof : str, int
        Which pixels belong to a polygon (CENTRE or AREA), and the divisor of the SD.
    dates : sequence of date
        All dates of soil moisture; none without a series.
    shown : mapping
        For the dates of the violins the values of each statistic, shape (polygons,).
    moisture, covariates : sequence of Spread
    warnings : sequence of str
        Those of the look before the work too.
    before : Preflight
    """

    polygons: int
    rule: str
    ddof: int
    dates: Sequence[dt.date]
    shown: Mapping[dt.date, Mapping[str, np.ndarray]]
    moisture: Sequence[Spread]
    covariates: Sequence[Spread]
    warnings: Sequence[str]
    before: Preflight


def polygon_page(report: PolygonReport, manifest: Mapping[str, Mapping[str, object]], footer: str) -> Page:
    """The report as a page."""
    dates = f", {counted(len(report.dates), 'date')}, {period_text(report.dates)}" if report.dates else ""
    page = Page("Soil moisture and covariates in polygons", f"{counted(report.polygons, 'polygon')}{dates}")
    page.warnings(report.warnings)
    pixels = (
        "all pixels that share area with it, weighted with their share"
        if report.rule == "area"
        else "the pixels whose centre lies inside"
    )
    page.paragraph(
        f"Each polygon has a mean, an SD (ddof {report.ddof}) and a C.V. = SD / mean (coefficient of "
        f"variation) over its pixels: {pixels}. Figures and tables show how these are spread "
        "over the polygons; the SD in the tables is that over the polygons, with n - 1."
    )
    if report.shown:
        _two_dates(page, report)
    if len(report.dates) > 2:
        _all_dates(page, report)
    if report.covariates:
        rows = [(*_label(row), *_numbers(row)) for row in report.covariates]
        page.heading("Covariates").table(("covariate", "of each polygon", *_SPREAD_HEAD), rows)
    add_preflight(page, report.before)
    return page.manifest(manifest).footer(footer)


def _two_dates(page: Page, report: PolygonReport) -> None:
    page.heading(
        " and ".join(map(str, report.shown)) if len(report.shown) > 1 else str(next(iter(report.shown)))
    )
    page.picture(
        violins(report.shown),
        "Violins of the mean, SD and C.V. of soil moisture over the polygons, the dates side by side",
        "Distribution over the polygons (violin: kernel density; points: polygons; bar: quartiles; white "
        "point: median). Left: mean soil moisture of a polygon; middle and right: how much it varies inside.",
    )
    rows = [
        (str(row.date), _NAMES[row.statistic], *_numbers(row))
        for statistic in STATISTICS
        for row in report.moisture
        if row.date in report.shown and row.statistic == statistic
    ]
    page.table(("date", "of each polygon", *_SPREAD_HEAD), rows, f"Soil moisture, {UNIT} (C.V. without unit)")


def _all_dates(page: Page, report: PolygonReport) -> None:
    page.heading("All dates").picture(
        over_time(report.moisture),
        "Median and quartiles over the polygons of the mean, SD and C.V. of soil moisture, by date",
        "Median (point) and quartiles (bar) over the polygons.",
    )
    shown = list(report.dates[:_MOST_DATES])
    rows = [
        (str(row.date), *_numbers(row))
        for row in report.moisture
        if row.statistic == "mean" and row.date in shown
    ]
    page.table(("date", *_SPREAD_HEAD), rows, f"Mean soil moisture of the polygons, {UNIT}")
    if len(report.dates) > len(shown):
        page.paragraph(
            f"... and {counted(len(report.dates) - len(shown), 'date')} more; all are in the table SUMMARY."
        )


def _label(row: Spread) -> tuple[str, str]:
    return (row.variable if row.statistic == STATISTICS[0] else "", _NAMES[row.statistic])


def _numbers(row: Spread) -> tuple[str, ...]:
    values = (row.mean, row.sd, row.minimum, row.q1, row.median, row.q3, row.maximum)
    return (f"{row.polygons:,}", *map(number_text, values))
