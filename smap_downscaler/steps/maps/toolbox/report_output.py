"""Reports and tables of maps and of cascades, as outputs of their algorithms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from ....base.progress import Progress
from ....base.words import counted, text
from ....preflight.by_date_page import add_dates, table_texts
from ....preflight.checks import Preflight
from ....preflight.layer_check import dates_text
from ....preflight.report import begin_page
from ....report.figure import SOIL_MOISTURE_UNIT
from ....report.page import Page
from ....tables.by_date import DatesTable
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
from ..cascade_report import add_resolutions
from ..closure_report import add_evidence, closure_facts
from ..inputs import MapInputs
from ..limits import Beyond, beyond_sentence
from ..made import MapsReport
from ..tables import cascade_resolutions, map_dates
from ..trust import look_at_dates, look_at_maps
from ..trust_report import add_maps, add_trust
from ..workflow import workflow_png
from .finish import finish_used
from .storage import storage_facts, storage_used
from .wanted import wanted_used

_LESS_CONTRAST = (
    " Forests cannot leave the range of the SMAP cells that they were trained on, so the maps show less "
    "contrast than the ground has."
)


def report_maps(
    values: Values,
    inputs: MapInputs,
    made: MapsReport,
    found: Preflight,
    warnings: Sequence[str],
    progress: Progress,
) -> dict[str, str]:
    """Write what is asked for of the tables and the report of maps; returns them as outputs."""

    method = inputs.forests.method

    def page_of(table: DatesTable) -> Page:
        page = begin_page(
            "Downscaled maps",
            f"One soil moisture map per date, by {method.noun}s applied to the fine covariates",
            _maps_facts(inputs, made, values.output_folder("OUTPUT")),
            warnings,
            found,
            lambda page: add_maps(page, look_at_dates(inputs, made, progress)),
        )
        titled(page, made.files, inputs.part.grid, inputs.wanted.aoi)
        add_evidence(page, made.evidence, made.measured)
        add_dates(
            page,
            table,
            {name: name for name in ("maximum", "mean", "minimum")},
            f"soil moisture, {SOIL_MOISTURE_UNIT}",
            "Highest, mean and lowest pixel of each map." + ("" if method.sees_cells else _LESS_CONTRAST),
        )
        trust = look_at_maps(inputs, made, table, progress)
        if trust is not None:
            add_trust(page, trust)
        page.heading("Workflow (the paper's Fig. 3)").picture(
            workflow_png(inputs, made),
            "Flow diagram from SMAP and covariates to the maps",
            "What these maps were made from, as the model file and the layers say it. Shaded: steps.",
        )
        settings = {
            **period_used(values, f"the {method.noun}s'"),
            **wanted_used(inputs.wanted),
            "maximum age of a dated covariate (days)": values.integer("WINDOW"),
            "numbers that stand for no value": values.text("NODATA"),
            **finish_used(values, inputs),
            "bands of intervals": "yes" if inputs.extra.intervals else "no",
            "bands of applicability": "yes" if inputs.extra.applicability else "no",
            "brought between 0 and saturation": "yes" if inputs.clip else "no",
            **storage_used(inputs.storage),
        }
        used = _inputs_used(inputs, progress)
        if inputs.smap is not None:
            used |= series_used({"SMAP series": inputs.smap}, progress)
        return page.manifest(manifest(used, settings)).footer(footer("Downscale"))

    return write_joined(values, found, lambda: map_dates(inputs, made), page_of, progress)


def _maps_facts(inputs: MapInputs, made: MapsReport, folder: str) -> list[tuple[str, str]]:
    kept, total = len(made.kept), sum(made.beyond.values(), Beyond())
    maps = text(
        "{:,}: {new:,} new, {kept:,} kept from an earlier run",
        len(made.files),
        new=len(made.files) - kept,
        kept=kept,
    )
    return [
        ("Maps", maps),
        ("Dates without a map", text("{:,}", len(made.skipped))),
        ("Dates of the maps", dates_text(list(made.files))),
        *([("Days without SMAP", text("{:,}", len(made.unseen)))] if made.unseen else []),
        *storage_facts(inputs.storage),
        *closure_facts(made.closures, made.noise),
        ("Beyond what soil can hold", beyond_sentence(total, inputs.limits, inputs.clip)),
        *_inputs_facts(inputs, "Pixels of the stack" if inputs.part.tags else "Pixels"),
        ("Folder", folder),
    ]


def _inputs_facts(inputs: MapInputs, pixels: str) -> list[tuple[str, str]]:
    """What maps are made from; `pixels` is what the grid of the fine stack is called."""
    grid, part = inputs.stack.grid, inputs.part
    return [
        (
            pixels,
            text("{:,} x {:,} of {:.6g}, {}", grid.width, grid.height, grid.cell_width, grid.crs[:60]),
        ),
        *([("Mapped", part.words("pixels"))] if part.tags else []),
        ("Model file", str(inputs.forests.path)),
        ("Fine stack", inputs.stack.path),
        ("Covariates", ", ".join(inputs.forests.names)),
    ]


def _inputs_used(inputs: MapInputs, progress: Progress) -> dict[str, object]:
    """What maps are made from, for the manifest of a report."""
    files = {"model file": str(inputs.forests.path), "fine stack": inputs.stack.path}
    return {**files_used(files, progress), **dated_covariates_used(inputs.dynamic, progress)}


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

    def page_of(table: DatesTable) -> Page:
        page = begin_page(
            "Cascade of resolutions",
            text("Soil moisture of {} at {}", date, counted(len(files), "resolution")),
            _cascade_facts(inputs, date, files, values.output_folder("OUTPUT")),
            warnings,
            found,
        )
        titled(page, [date], inputs.part.grid, inputs.wanted.aoi)
        share = values.number("MINIMUM_COVERED")
        settings = {
            "date": date,
            **wanted_used(inputs.wanted),
            "resolutions, m": ", ".join(f"{side:g}" for side in resolutions),
            "minimum share of a cell covered by the covariates": text("{:g}", share),
            "maximum age of a dated covariate (days)": values.integer("WINDOW"),
            "numbers that stand for no value": values.text("NODATA"),
            **storage_used(inputs.storage),
        }
        add_resolutions(
            page, resolutions, {name: table.column(name) for name in table.fields}, table_texts(table)
        )
        return page.manifest(manifest(_inputs_used(inputs, progress), settings)).footer(
            footer("Cascade of resolutions")
        )

    def table() -> DatesTable:
        return cascade_resolutions(inputs, date, resolutions, files)

    return write_joined(values, found, table, page_of, progress)


def _cascade_facts(
    inputs: MapInputs, date: dt.date, files: Sequence[Path], folder: str
) -> list[tuple[str, str]]:
    return [
        ("Date", str(date)),
        ("Maps", text("{:,}", len(files))),
        *storage_facts(inputs.storage),
        *_inputs_facts(inputs, "Pixels of the stack"),
        ("Folder", folder),
    ]
