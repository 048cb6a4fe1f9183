"""The report of maps, as an output."""

from __future__ import annotations

from collections.abc import Sequence

from ....base.progress import Progress
from ....preflight.by_date_page import add_dates
from ....preflight.checks import Preflight
from ....preflight.layer_check import dates_text
from ....preflight.report import begin_page
from ....report.figure import SOIL_MOISTURE_UNIT
from ....report.page import Page
from ....tables.by_date import DatesTable
from ....toolbox.preflight_output import write_joined
from ....toolbox.reports import dated_covariates_used, files_used, footer, manifest, period_used
from ....toolbox.values import Values
from ..downscale import MapInputs, MapsReport
from ..tables import map_dates


def report_maps(
    values: Values,
    inputs: MapInputs,
    made: MapsReport,
    found: Preflight,
    warnings: Sequence[str],
    progress: Progress,
) -> dict[str, str]:
    """Write what is asked for of the tables and the report of maps; returns them as outputs."""

    def drawn(table: DatesTable) -> Page:
        page = begin_page(
            "Downscaled maps",
            "A soil moisture map a date, by forests applied to the fine covariates",
            _maps_facts(inputs, made, values.output_folder("OUTPUT")),
            warnings,
            found,
        )
        add_dates(
            page,
            table,
            {name: name for name in ("maximum", "mean", "minimum")},
            f"soil moisture, {SOIL_MOISTURE_UNIT}",
            "Highest, mean and lowest pixel of each map. Forests cannot leave the range of the SMAP cells "
            "that they were trained on, so the maps show less contrast than the ground has.",
        )
        told = map_inputs_used(inputs, progress)
        settings = {
            **period_used(values, "the forests'"),
            "maximum age of a dated covariate (days)": values.integer("WINDOW"),
        }
        return page.manifest(manifest(told, settings)).footer(footer("Downscale"))

    return write_joined(values, found, lambda: map_dates(inputs, made), drawn, progress)


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
    return {**files_used(files, progress), **dated_covariates_used(inputs.dynamic, progress)}
