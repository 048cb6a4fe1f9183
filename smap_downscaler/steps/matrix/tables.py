"""The table DATES of a regression matrix."""

from __future__ import annotations

from ...tables.by_date import DatesTable, raster_date_fields, raster_dates
from ...tables.geopackage import DATE, INTEGER, TEXT
from .build import MatrixInputs, MatrixReport


def matrix_dates(inputs: MatrixInputs, report: MatrixReport) -> DatesTable:
    """A row a date of SMAP: cells with soil moisture, those without a gap, date of each raster taken.

    Parameters
    ----------
    inputs : MatrixInputs
    report : MatrixReport
        Of the matrix made from them.
    """
    fields = {"date": DATE, "cells": INTEGER, "complete": INTEGER}
    rows = []
    for date, cells in report.rows.items():
        missing = report.missing.get(date, [])
        note = f"no raster of {', '.join(missing)}" if missing else ""
        if not cells:
            note = "no cell with soil moisture"
        taken = raster_dates(inputs.dynamic, date)
        rows.append((date.isoformat(), cells, report.complete[date], *taken, note))
    return DatesTable({**fields, **raster_date_fields(inputs.dynamic), "note": TEXT}, rows)
