"""The report of a step that joins layers date by date: regression matrix or maps."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..report.figure import COLOURS, MARKERS, date_axis, new_figure, png
from ..report.page import Page, Table
from .layer_check import LayerCheck
from .report import add_preflight, add_warnings

#: Dates that a reader still goes through one by one.
_MOST_DATES = 400
#: Dates up to which each has a marker.
_MARKED = 60
#: Of the lines in their order: lines that lie upon each other are both seen.
_STYLES = ("-", "--", ":")


@dataclass(frozen=True)
class Line:
    """A line of the figure: a value a date, NaN where there is none."""

    label: str
    values: Sequence[float]


@dataclass(frozen=True)
class ByDate:
    """What became of each date.

    Attributes
    ----------
    dates : sequence of date
    table : Table
        A row a date; the last column is a note, empty where all went well.
    lines : sequence of Line
        Drawn over the dates, three at the most.
    axis, caption : str
        Label of the figure's y axis, and what stands below it.
    """

    dates: Sequence[dt.date]
    table: Table
    lines: Sequence[Line]
    axis: str
    caption: str


@dataclass(frozen=True)
class Opening:
    """How a report of joined layers begins: title, subtitle, facts, warnings, the preflight over `area`."""

    title: str
    subtitle: str
    facts: Sequence[tuple[str, str]]
    warnings: Sequence[str]
    preflight: Sequence[LayerCheck]
    area: str

    def page(self) -> Page:
        """The page so far."""
        page = Page(self.title, self.subtitle).facts(self.facts)
        add_warnings(page, self.warnings)
        add_preflight(page, self.preflight, self.area)
        return page


@dataclass(frozen=True)
class Joined(Opening):
    """What a run joined, and what became of the dates."""

    by_date: ByDate


def joining_page(joined: Joined, manifest: Mapping[str, Mapping[str, object]], footer: str) -> Page:
    """The report.

    Parameters
    ----------
    joined : Joined
    manifest : mapping
        See `Page.manifest`.
    footer : str
        The last line.
    """
    page, by_date = joined.page(), joined.by_date
    page.heading("What became of each date")
    page.picture(figure_by_date(by_date), f"{by_date.axis}, by date", by_date.caption)
    rows = by_date.table.rows
    if len(rows) > _MOST_DATES:
        noted = [row for row in rows if row[-1]]
        shown = noted[:_MOST_DATES]
        page.paragraph(
            f"Of {len(rows):,} dates {len(noted):,} have a note; {len(shown):,} of these follow. The table "
            "DATES, where asked for, holds all."
        )
        rows = shown
    if rows:
        page.table(by_date.table.headers, rows)
    return page.manifest(manifest).footer(footer)


def figure_by_date(by_date: ByDate) -> bytes:
    """A line for each kind of number over the dates; returns a PNG."""
    figure = new_figure(2.6)
    axis = figure.subplots()
    marked = len(by_date.dates) <= _MARKED
    for line, colour, marker, style in zip(by_date.lines, COLOURS, MARKERS, _STYLES):
        axis.plot(
            by_date.dates,
            line.values,
            color=colour,
            linestyle=style,
            marker=marker if marked else None,
            markersize=3.5,
            linewidth=1.1 if marked else 0.8,
            label=line.label,
        )
    date_axis(axis, by_date.dates)
    highest = max(
        (value for line in by_date.lines for value in line.values if math.isfinite(value)), default=1
    )
    axis.set_ylim(0, 1.08 * highest if highest > 0 else 1)
    axis.set_ylabel(by_date.axis, fontsize=8)
    axis.tick_params(labelsize=7)
    axis.grid(axis="y", color="#d9d9d9", linewidth=0.5)
    axis.set_axisbelow(True)
    axis.legend(
        fontsize=7.5, frameon=False, ncols=len(by_date.lines), loc="lower left", bbox_to_anchor=(0, 1)
    )
    return png(figure)
