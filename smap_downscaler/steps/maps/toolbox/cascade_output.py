"""Report and tables of a cascade: what was looked at, and the numbers of each resolution's map."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from ....base.progress import Progress
from ....base.words import counted
from ....preflight.by_date_page import table_texts
from ....preflight.checks import Preflight
from ....preflight.report import begin_page
from ....report.page import Page
from ....tables.by_date import DatesTable
from ....toolbox.preflight_output import write_joined
from ....toolbox.reports import footer, manifest
from ....toolbox.values import Values
from ..cascade_report import add_resolutions
from ..downscale import MapInputs
from ..tables import cascade_resolutions
from .report_output import map_inputs_facts, map_inputs_used


def report_cascade(
    values: Values,
    inputs: MapInputs,
    date: dt.date,
    resolutions: Sequence[float],
    files: Sequence[Path],
    found: Preflight,
    warnings: Sequence[str],
    progress: Progress,
) -> dict[str, str]:
    """Write what is asked for of the tables and the report of a cascade; returns them as outputs."""

    def drawn(table: DatesTable) -> Page:
        page = begin_page(
            "Cascade of resolutions",
            f"Soil moisture of {date} at {counted(len(files), 'resolution')}",
            _facts(inputs, date, files, values.output_folder("OUTPUT")),
            warnings,
            found,
        )
        settings = {
            "date": date,
            "resolutions, m": ", ".join(f"{side:g}" for side in resolutions),
            "least share of a cell that the covariates cover": f"{values.number('MINIMUM_COVERED'):g}",
            "maximum age of a dated covariate (days)": values.integer("WINDOW"),
        }
        add_resolutions(
            page, resolutions, {name: table.column(name) for name in table.fields}, table_texts(table)
        )
        sections = manifest(map_inputs_used(inputs, progress), settings)
        return page.manifest(sections).footer(footer("Cascade of resolutions"))

    def table() -> DatesTable:
        return cascade_resolutions(inputs, date, resolutions, files)

    return write_joined(values, found, table, drawn, progress)


def _facts(inputs: MapInputs, date: dt.date, files: Sequence[Path], folder: str) -> list[tuple[str, str]]:
    return [
        ("Date", str(date)),
        ("Maps", f"{len(files):,}"),
        *map_inputs_facts(inputs, "Pixels of the stack"),
        ("Folder", folder),
    ]
