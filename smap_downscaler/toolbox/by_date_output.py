"""Report and tables of the steps that join layers date by date: regression matrix and maps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from qgis.core import QgsProcessingParameterDefinition

from ..base.progress import Progress
from ..preflight.by_date_page import ByDate, Joined, Line, joining_page
from ..preflight.layer_check import dates_text
from ..preflight.look import Preflight
from ..preflight.report import Table
from ..report.figure import SOIL_MOISTURE_UNIT
from ..report.number_text import fixed
from ..report.page import Page
from ..steps.maps.downscale import MapInputs, MapsReport
from ..steps.matrix.build import MatrixInputs, MatrixReport
from ..tables.by_date import DatesTable, map_dates, matrix_dates, write_preflight
from ..tables.geopackage import REAL
from .inputs_used import all_series_used, files_used, series_used
from .reports import footer, manifest, period_used, report_parameter, table_output, write_report
from .values import Values

#: How the tables of a report write numbers of some fields (others: .4f), and what they call them.
_DIGITS = {"valid": ".1f", "resolution": "g"}
_HEADERS = {"valid": "valid, %", "resolution": "resolution, m", "sd": "SD"}


def preflight_output() -> QgsProcessingParameterDefinition:
    """The preflight as a table."""
    return table_output("PREFLIGHT", "Preflight as a table")


def write_preflight_table(values: Values, found: Preflight) -> dict[str, str]:
    """Write the preflight's table where it is asked for; returns it as an output."""
    path = values.output("PREFLIGHT")
    if not path:
        return {}
    write_preflight(path, found.rows)
    return {"PREFLIGHT": path}


def join_outputs(dates: str = "What became of each date") -> Iterator[QgsProcessingParameterDefinition]:
    """The optional tables and the report; `dates` says what DATES holds."""
    yield table_output("DATES", dates)
    yield preflight_output()
    yield report_parameter()


def report_matrix(
    values: Values,
    inputs: MatrixInputs,
    made: MatrixReport,
    found: Preflight,
    warnings: Sequence[str],
    progress: Progress,
) -> dict[str, str]:
    """Write what is asked for of the tables and the report of a matrix; returns them as outputs."""

    def page(table: DatesTable) -> Page:
        joined = Joined(
            "Regression matrix",
            "SMAP soil moisture and covariates, a row a cell and date",
            _matrix_facts(inputs, made, values.output("OUTPUT")),
            warnings,
            found.rows,
            "the cells of SMAP and stack",
            _matrix_by_date(table),
        )
        told = {
            **files_used({"coarse stack": inputs.stack.path}, progress),
            **series_used({"SMAP": inputs.smap}, progress),
            **all_series_used(inputs.dynamic, progress),
        }
        share = values.number("MINIMUM_COVERED")
        settings = {
            **period_used(values, "SMAP's"),
            "least share of a cell that a dated covariate covers": f"{share:g}",
            "days that a dated covariate may be old": inputs.window,
        }
        return joining_page(joined, manifest(told, settings), footer("Regression matrix"))

    return write_joined(values, found, lambda: matrix_dates(inputs, made), page, progress)


def _matrix_facts(inputs: MatrixInputs, made: MatrixReport, path: str) -> list[tuple[str, str]]:
    grid, without = inputs.smap.grid, sum(not count for count in made.rows.values())
    return [
        ("Rows", f"{sum(made.rows.values()):,}, of them without a gap {sum(made.complete.values()):,}"),
        ("Dates", f"{dates_text(list(made.rows))}, {without:,} of them without soil moisture"),
        ("SMAP cells", f"{grid.width} x {grid.height}, {inputs.smap.source}"),
        ("Coarse stack", inputs.stack.path),
        ("Covariates", ", ".join(inputs.names)),
        ("Table", path),
    ]


def _matrix_by_date(table: DatesTable) -> ByDate:
    lines = [
        Line("cells with soil moisture", table.column("cells")),
        Line("of them with all covariates", table.column("complete")),
    ]
    caption = (
        "Rows a date: cells with soil moisture, and those of them that have all covariates. Only the latter "
        "train forests."
    )
    return ByDate(_days(table), table_texts(table), lines, "rows of the matrix", caption)


def report_maps(
    values: Values,
    inputs: MapInputs,
    made: MapsReport,
    found: Preflight,
    warnings: Sequence[str],
    progress: Progress,
) -> dict[str, str]:
    """Write what is asked for of the tables and the report of maps; returns them as outputs."""

    def page(table: DatesTable) -> Page:
        joined = Joined(
            "Downscaled maps",
            "A soil moisture map a date, by forests applied to the fine covariates",
            _maps_facts(inputs, made, values.output_folder("OUTPUT")),
            warnings,
            found.rows,
            "the pixels to be mapped",
            _maps_by_date(table),
        )
        told = map_inputs_used(inputs, progress)
        settings = {
            **period_used(values, "the forests'"),
            "days that a dated covariate may be old": inputs.window,
        }
        return joining_page(joined, manifest(told, settings), footer("Downscale"))

    return write_joined(values, found, lambda: map_dates(inputs, made), page, progress)


def _maps_facts(inputs: MapInputs, made: MapsReport, folder: str) -> list[tuple[str, str]]:
    kept = len(made.kept)
    maps = f"{len(made.files):,}: {len(made.files) - kept:,} new, {kept:,} kept from an earlier run"
    return [
        ("Maps", maps),
        ("Dates without a map", f"{len(made.skipped):,}"),
        ("Dates of the maps", dates_text(list(made.files))),
        *map_inputs_facts(inputs, "Pixels"),
        ("Folder", folder),
    ]


def map_inputs_facts(inputs: MapInputs, pixels: str) -> list[tuple[str, str]]:
    """What maps are made from; `pixels` is what the grid of the fine stack is called."""
    grid = inputs.stack.grid
    return [
        (pixels, f"{grid.width:,} x {grid.height:,} of {grid.cell_width:.6g}, {grid.crs[:60]}"),
        ("Forest file", str(inputs.forests.path)),
        ("Fine stack", inputs.stack.path),
        ("Covariates", ", ".join(inputs.forests.names)),
    ]


def map_inputs_used(inputs: MapInputs, progress: Progress) -> dict[str, object]:
    """What maps are made from, for the manifest of a report."""
    files = {"forest file": str(inputs.forests.path), "fine stack": inputs.stack.path}
    return {**files_used(files, progress), **all_series_used(inputs.dynamic, progress)}


def _maps_by_date(table: DatesTable) -> ByDate:
    lines = [Line(name, table.column(name)) for name in ("maximum", "mean", "minimum")]
    caption = (
        "Highest, mean and lowest pixel of each map. Forests cannot leave the range of the SMAP cells that "
        "they were trained on, so the maps show less contrast than the ground has."
    )
    return ByDate(_days(table), table_texts(table), lines, f"soil moisture, {SOIL_MOISTURE_UNIT}", caption)


def _days(table: DatesTable) -> list[dt.date]:
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
