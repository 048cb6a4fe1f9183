"""Report and tables of the steps that join layers date by date: regression matrix and maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from qgis.core import QgsProcessingParameterDefinition

from ..base.progress import Progress
from ..preflight.look import Preflight
from ..report.page import Page
from ..tables.by_date import DatesTable
from .preflight_output import preflight_output, write_preflight_table
from .reports import report_parameter, table_output, write_report
from .values import Values


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
