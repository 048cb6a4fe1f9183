"""The report of a regression matrix, as an output."""

from __future__ import annotations

from collections.abc import Sequence

from ....base.progress import Progress
from ....base.words import text
from ....preflight.by_date_page import add_dates
from ....preflight.checks import Preflight
from ....preflight.layer_check import dates_text
from ....preflight.report import begin_page
from ....report.page import Page
from ....tables.by_date import DatesTable, raster_date_fields, raster_dates
from ....tables.geopackage import DATE, INTEGER, TEXT
from ....toolbox.preflight_output import write_joined
from ....toolbox.reports import (
    dated_covariates_used,
    files_used,
    footer,
    manifest,
    period_used,
    series_used,
    titled,
)
from ....toolbox.values import Values
from ...rain.figures import rain_by_date
from ...rain.numbers.by_date import RainSeries
from ..build import MatrixInputs, MatrixReport


def report_matrix(
    values: Values,
    inputs: MatrixInputs,
    made: MatrixReport,
    rain: Sequence[RainSeries],
    found: Preflight,
    warnings: Sequence[str],
    progress: Progress,
) -> dict[str, str]:
    """Write what is asked for of the tables and the report of a matrix; returns them as outputs."""

    def drawn(table: DatesTable) -> Page:
        page = begin_page(
            "Regression matrix",
            "SMAP soil moisture and covariates, one row per cell and date",
            _matrix_facts(inputs, made, values.output("OUTPUT")),
            warnings,
            found,
        )
        titled(page, made.rows, inputs.smap.grid)
        add_dates(
            page,
            table,
            {"cells": "cells with soil moisture", "complete": "of them with all covariates"},
            "rows of the matrix",
            "Rows per date: cells with soil moisture, and those of them that have all covariates. Only the "
            "latter train forests.",
        )
        for series in rain:
            page.heading(f"Rain by date: {series.name} (the paper's Fig. 2)").picture(
                rain_by_date(series),
                f"{series.name} of all cells and their median by date",
                "Grey: each SMAP cell of the study area; blue: their median. All days from the first to the "
                "last, whether SMAP saw them or not; where a day has no raster the lines are broken.",
            )
        inputs_used = {
            **files_used({"coarse stack": inputs.stack.path}, progress),
            **series_used({"SMAP": inputs.smap}, progress),
            **dated_covariates_used(inputs.dynamic, progress),
        }
        share = values.number("MINIMUM_COVERED")
        settings = {
            **period_used(values, "SMAP's"),
            "minimum share of a cell covered by a dated covariate": text("{:g}", share),
            "maximum age of a dated covariate (days)": values.integer("WINDOW"),
            "numbers that stand for no value": values.text("NODATA"),
        }
        return page.manifest(manifest(inputs_used, settings)).footer(footer("Regression matrix"))

    return write_joined(values, found, lambda: _matrix_dates(inputs, made), drawn, progress)


def _matrix_facts(inputs: MatrixInputs, made: MatrixReport, path: str) -> list[tuple[str, str]]:
    grid, rows = inputs.smap.grid, sum(made.rows.values())
    without = sum(not count for count in made.rows.values())
    return [
        ("Rows", text("{:,}, of them without a gap {:,}", rows, sum(made.complete.values()))),
        ("Dates", text("{}, {:,} of them without soil moisture", dates_text(list(made.rows)), without)),
        ("SMAP cells", text("{} x {}, {}", grid.width, grid.height, inputs.smap.source)),
        ("Coarse stack", inputs.stack.path),
        ("Covariates", ", ".join(inputs.names)),
        ("Table", path),
    ]


def _matrix_dates(inputs: MatrixInputs, made: MatrixReport) -> DatesTable:
    """The table DATES: per date of SMAP its cells, those without a gap, and each raster's date."""
    fields = {"date": DATE, "cells": INTEGER, "complete": INTEGER}
    rows = []
    for date, cells in made.rows.items():
        missing = made.missing.get(date, [])
        note = f"no raster of {', '.join(missing)}" if missing else ""
        if not cells:
            note = "no cell with soil moisture"
        taken = raster_dates(inputs.dynamic, date)
        rows.append((date.isoformat(), cells, made.complete[date], *taken, note))
    return DatesTable({**fields, **raster_date_fields(inputs.dynamic), "note": TEXT}, rows)
