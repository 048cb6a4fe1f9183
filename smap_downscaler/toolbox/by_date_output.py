"""Report and tables of the steps that join layers date by date: regression matrix and maps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

from qgis.core import QgsProcessingParameterDefinition

from ..base.progress import Progress
from ..preflight.look import Preflight
from ..report.number_text import fixed
from ..report.page import Page, Table
from ..tables.by_date import DatesTable
from ..tables.geopackage import REAL
from .preflight_output import preflight_output, write_preflight_table
from .reports import report_parameter, table_output, write_report
from .values import Values

#: How the tables of a report write numbers of some fields (others: .4f), and what they call them.
_DIGITS = {"valid": ".1f", "resolution": "g"}
_HEADERS = {"valid": "valid, %", "resolution": "resolution, m", "sd": "SD"}


def join_outputs(dates: str = "What became of each date") -> Iterator[QgsProcessingParameterDefinition]:
    """The optional tables and the report; `dates` says what DATES holds."""
    yield table_output("DATES", dates)
    yield preflight_output()
    yield report_parameter()


def days_of(table: DatesTable) -> list[dt.date]:
    return [dt.date.fromisoformat(text) for text in table.column("date")]


def write_joined(
    values: Values,
    found: Preflight,
    dates: Callable[[], DatesTable],
    page: Callable[[DatesTable], Page],
    progress: Progress,
) -> dict[str, str]:
    """Write what is asked for of PREFLIGHT, DATES and REPORT; returns them as outputs."""
    outputs = write_preflight_table(values, found)
    dates_path, report = values.output("DATES"), values.output_file("REPORT")
    if not dates_path and not report:
        return outputs
    table = dates()
    if dates_path:
        table.write(dates_path)
        outputs["DATES"] = dates_path
    if report:
        progress.set_text("Drawing the report")
        outputs.update(write_report(report, page(table)))
    return outputs


def table_texts(table: DatesTable) -> Table:
    """The table as texts under the names of its fields."""
    digits = {name: _DIGITS.get(name, ".4f") for name, kind in table.fields.items() if kind == REAL}

    def text(name: str, value: Any) -> str:
        if value is None:
            return ""
        if name in digits:
            return fixed(value, digits[name])
        return f"{value:,}" if isinstance(value, int) else str(value)

    headers = [_HEADERS.get(name, name) for name in table.fields]
    rows = [[text(name, value) for name, value in zip(table.fields, row)] for row in table.rows]
    return Table(headers, rows)
