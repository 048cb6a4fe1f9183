"""The report of a step that joins layers date by date: regression matrix or maps."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

from ..base.words import text
from ..report.figure import COLOURS, MARKERS, date_axis, legend_above, light_grid, new_figure, png
from ..report.number_text import fixed
from ..report.page import Page, Table
from ..tables.by_date import DatesTable
from ..tables.geopackage import REAL

#: Dates that a reader still goes through one by one.
_MOST_DATES = 400
#: Dates up to which each has a marker.
_MARKED = 60
#: Of the lines in their order: lines that lie upon each other are both seen.
_STYLES = ("-", "--", ":")


#: How the tables of a report write numbers of some fields (others: .4f), and what they call them.
_DIGITS = {
    "valid": ".1f",
    "resolution": "g",
    "beyond": ".2f",
    "held": ".1f",
    "dissimilarity": ".3f",
    "outside": ".1f",
    "explained": ".1f",
}
_HEADERS = {
    "valid": "valid, %",
    "resolution": "resolution, m",
    "sd": "SD",
    "beyond": "below zero or above saturation, %",
    "width": "mean width of intervals",
    "held": "SMAP within them, %",
    "outside": "outside, %",
    "explained": "variance told, %",
    "smap": "SMAP",
    "closure_cells": "SMAP cells",
    "closure_rmse": "RMS of means less SMAP",
    "closure_bias": "means less SMAP",
    "noise": "noise of SMAP",
    "exact_cells": "cells returned",
    "part_cells": "cells covered in part",
}


def add_dates(page: Page, table: DatesTable, lines: Mapping[str, str], axis: str, caption: str) -> Page:
    """Result for each date: a figure, and one row per date; of very many dates those with a note.

    Parameters
    ----------
    page : Page
    table : DatesTable
        Its last field is a note, empty where all went well.
    lines : mapping
        The fields that are drawn over the dates, three at the most, and what the legend calls them.
    axis, caption : str
        Label of the figure's y axis, and what stands below it.
    """
    page.heading("Result for each date")
    page.picture(figure_by_date(table, lines, axis), f"{axis}, by date", caption)
    texts = table_texts(table)
    rows = texts.rows
    if len(rows) > _MOST_DATES:
        noted = [row for row in rows if row[-1]]
        shown = noted[:_MOST_DATES]
        page.paragraph(
            text(
                "Of {:,} dates {:,} have a note; {:,} of these follow. The table DATES, where asked for, "
                "holds all.",
                len(rows),
                len(noted),
                len(shown),
            )
        )
        rows = shown
    return page.table(texts.headers, rows) if rows else page


def table_texts(table: DatesTable) -> Table:
    """The table as texts under the names of its fields."""
    digits = {name: _DIGITS.get(name, ".4f") for name, kind in table.fields.items() if kind == REAL}

    def cell(name: str, value: Any) -> str:
        if value is None:
            return ""
        if name in digits:
            return fixed(value, digits[name])
        return text("{:,}", value) if isinstance(value, int) else str(value)

    headers = [_HEADERS.get(name, name) for name in table.fields]
    rows = [[cell(name, value) for name, value in zip(table.fields, row)] for row in table.rows]
    return Table(headers, rows)


def figure_by_date(table: DatesTable, lines: Mapping[str, str], label: str) -> bytes:
    """A line for each field of `lines` over the dates; returns a PNG."""
    dates = [dt.date.fromisoformat(text) for text in table.column("date")]
    columns = [table.column(name) for name in lines]
    figure = new_figure(2.6)
    axis = figure.subplots()
    marked = len(dates) <= _MARKED
    for name, values, colour, marker, style in zip(lines.values(), columns, COLOURS, MARKERS, _STYLES):
        axis.plot(
            dates,
            values,
            color=colour,
            linestyle=style,
            marker=marker if marked else None,
            markersize=3.5,
            linewidth=1.1 if marked else 0.8,
            label=name,
        )
    date_axis(axis, dates)
    highest = max((value for values in columns for value in values if math.isfinite(value)), default=1)
    axis.set_ylim(0, 1.08 * highest if highest > 0 else 1)
    axis.set_ylabel(label, fontsize=8)
    axis.tick_params(labelsize=7)
    light_grid(axis, "y")
    legend_above(axis, len(lines))
    return png(figure)
