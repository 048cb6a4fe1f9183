"""What a step writes of its preflight and its dates: the tables PREFLIGHT and DATES, and the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from qgis.core import QgsProcessingParameterDefinition

from ..base.progress import Progress
from ..preflight.layer_check import Preflight
from ..report.page import Page
from ..tables.by_date import DatesTable
from ..tables.geopackage import REAL, TEXT, create_table
from .reports import report_parameter, table_output, write_report
from .values import Values

_REALS = (
    "cell_width", "cell_height", "shift_down", "shift_right", "covered", "nodata", "minimum", "maximum",
)  # fmt: skip
_FIELDS = {"layer": TEXT, "crs": TEXT, **dict.fromkeys(_REALS, REAL), "dates": TEXT, "notes": TEXT}


def preflight_output() -> QgsProcessingParameterDefinition:
    """The preflight as an optional table: one row per layer, shares from 0 to 1, shifts in cells."""
    return table_output("PREFLIGHT", "Preflight as a table")


def write_preflight_table(values: Values, found: Preflight) -> dict[str, str]:
    """Write the preflight's table where it is asked for; returns it as an output."""
    path = values.output("PREFLIGHT")
    if not path:
        return {}
    with create_table(path, "preflight", _FIELDS) as table:
        for row in found.rows:
            shift = row.shift or (None, None)
            numbers = (*row.cell, *shift, row.covered, row.nodata, row.low, row.high)
            table.write([(row.name, row.crs, *numbers, row.dates, row.remarks)])
    return {"PREFLIGHT": path}


def join_outputs(dates: str = "Result for each date") -> Iterator[QgsProcessingParameterDefinition]:
    """The optional tables and the report; `dates` says what DATES holds."""
    yield table_output("DATES", dates)
    yield preflight_output()
    yield report_parameter()


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
