"""The report of polygon statistics: violins of two dates, the course over all, and the spread in tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np

from ...base.dates import period_text
from ...base.words import counted, text
from ...geo.polygon_runs import AREA
from ...preflight.layer_check import Preflight
from ...preflight.report import add_preflight
from ...report.number_text import UNIT, number_text
from ...report.page import Page
from .figures import over_time, violins
from .numbers.layers import LayerStatistics
from .numbers.statistics import STATISTICS, Spread

_NAMES = {"mean": "mean", "sd": "SD", "cv": "C.V."}
_SPREAD_HEAD = ("polygons", "mean", "SD", "min", "25 %", "median", "75 %", "max")
#: Dates in the table of all dates; the others are in the table file.
_MOST_DATES = 40


def polygon_page(
    moisture: LayerStatistics | None,
    covariates: LayerStatistics | None,
    dates: Sequence[dt.date],
    warnings: Sequence[str],
    before: Preflight,
    manifest: Mapping[str, Mapping[str, object]],
    footer: str,
) -> Page:
    """The report as a page.

    Parameters
    ----------
    moisture, covariates : LayerStatistics or None
        At least one of them.
    dates : sequence of date
        Those of the violins; without any the driest and the wettest.
    warnings : sequence of str
        Those of the look before the work too.
    before : Preflight
    manifest : mapping
        What the results came from: sections of names and values.
    footer : str
        The last line.
    """
    found = next(part for part in (moisture, covariates) if part is not None)
    subtitle = counted(found.statistics.n.shape[1], "polygon")
    if moisture is not None:
        subtitle += text(", {}, {}", counted(len(moisture.dates), "date"), period_text(moisture.dates))
    page = Page("Soil moisture and covariates in polygons", subtitle).warnings(warnings)
    pixels = (
        "all pixels that share area with it, weighted with their share"
        if found.rule == AREA
        else "the pixels whose centre lies inside"
    )
    page.paragraph(
        f"Each polygon has a mean, an SD (ddof {found.ddof}) and a C.V. = SD / mean (coefficient of "
        f"variation) over its pixels: {pixels}. Figures and tables show how these are spread "
        "over the polygons; the SD in the tables is that over the polygons, with n - 1."
    )
    if moisture is not None:
        rows, shown = moisture.spreads(), moisture.on(dates)
        if shown:
            _some_dates(page, rows, shown)
        if len(moisture.dates) > 2:
            _all_dates(page, rows, moisture.dates)
    if covariates is not None:
        page.heading("Covariates").table(
            ("covariate", "of each polygon", *_SPREAD_HEAD),
            [(*_label(row), *_numbers(row)) for row in covariates.spreads()],
        )
    add_preflight(page, before)
    return page.manifest(manifest).footer(footer)


def _some_dates(
    page: Page, spreads: Sequence[Spread], shown: Mapping[dt.date, Mapping[str, np.ndarray]]
) -> None:
    page.heading(f"{' and '.join(map(str, shown))} (the paper's Fig. 6)").picture(
        violins(shown),
        "Violins of the mean, SD and C.V. of soil moisture over the polygons, the dates side by side",
        "Distribution over the polygons (violin: kernel density; points: polygons; bar: quartiles; white "
        "point: median). Left: mean soil moisture of a polygon; middle and right: how much it varies inside.",
    )
    rows = [
        (str(row.date), _NAMES[row.statistic], *_numbers(row))
        for statistic in STATISTICS
        for row in spreads
        if row.date in shown and row.statistic == statistic
    ]
    page.table(("date", "of each polygon", *_SPREAD_HEAD), rows, f"Soil moisture, {UNIT} (C.V. without unit)")


def _all_dates(page: Page, spreads: Sequence[Spread], dates: Sequence[dt.date]) -> None:
    page.heading("All dates").picture(
        over_time(spreads),
        "Median and quartiles over the polygons of the mean, SD and C.V. of soil moisture, by date",
        "Median (point) and quartiles (bar) over the polygons.",
    )
    shown = dates[:_MOST_DATES]
    rows = [
        (str(row.date), *_numbers(row)) for row in spreads if row.statistic == "mean" and row.date in shown
    ]
    page.table(("date", *_SPREAD_HEAD), rows, f"Mean soil moisture of the polygons, {UNIT}")
    if len(dates) > len(shown):
        more = counted(len(dates) - len(shown), "date")
        page.paragraph(text("... and {} more; all are in the table SUMMARY.", more))


def _label(row: Spread) -> tuple[str, str]:
    return (row.variable if row.statistic == STATISTICS[0] else "", _NAMES[row.statistic])


def _numbers(row: Spread) -> tuple[str, ...]:
    values = (row.mean, row.sd, row.minimum, row.q1, row.median, row.q3, row.maximum)
    return (text("{:,}", row.polygons), *map(number_text, values))
