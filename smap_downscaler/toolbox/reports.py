"""What the algorithms with a report share: its parameter, its manifest, its writing."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from qgis.core import (
    Qgis,
    QgsProcessingOutputDefinition,
    QgsProcessingOutputFile,
    QgsProcessingOutputHtml,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterVectorDestination,
)

from ..base.errors import InputError
from ..base.progress import Progress
from ..base.version import plugin_version
from ..geo.area import Area
from ..geo.datasets import whole_file
from ..geo.grid import Grid
from ..geo.map_frame import place_of
from ..preflight.layer_check import dates_text
from ..report.page import Page
from ..runs.provenance import file_hash, files_hash, named_files, series_hash, versions
from ..series.dated import DatedCovariate
from ..series.series import Series
from .dependencies import missing
from .values import Values
from .vectors import beside_the_file

#: Larger input files are not hashed: rasters of the whole earth could outlast the work on a corner.
LARGEST_HASHED = 1 << 30


#: What draws reports.
DRAWN_BY = ("matplotlib", "jinja2")


def report_parameter() -> QgsProcessingParameterFileDestination:
    """An HTML file: dialogs make one unless told not to, scripts and models where it is asked for."""
    return QgsProcessingParameterFileDestination(
        "REPORT",
        "Report",
        fileFilter="HTML files (*.html)",
        optional=True,
        createByDefault=not missing(DRAWN_BY),
    )


def table_output(name: str, description: str) -> QgsProcessingParameterVectorDestination:
    """A table beside the main one, not made unless asked for."""
    return QgsProcessingParameterVectorDestination(
        name, description, type=Qgis.ProcessingSourceType.Vector, optional=True, createByDefault=False
    )


def write_tables(values: Values, tables: Mapping[str, Callable[[str], None]]) -> dict[str, str]:
    """Write the tables that are asked for, by output; returns their paths.

    Raises
    ------
    InputError
        If one cannot be written.
    """
    paths = {name: path for name in tables if (path := values.output(name))}
    for name, path in paths.items():
        tables[name](path)
    return paths


def titled(
    page: Page, dates: Iterable[object] = (), grid: Grid | None = None, area: Area | None = None
) -> Page:
    """The page with its dates, in any order (what is none is left out), and its place in the title.

    The place is the name of the study area, or where the grid lies.
    """
    place = area.name if area is not None else place_of(grid.bounds, grid.crs) if grid is not None else ""
    return page.of(sorted({date for date in dates if isinstance(date, dt.date)}), place)


def footer(title: str) -> str:
    """The last line of a report, with the version that made it."""
    return f"SMAP Downscaler {plugin_version()}, {title}"


def input_file(label: str, path: str, progress: Progress) -> dict[str, object]:
    """Name and SHA-256 of an input: of the user's file where it is one, else of QGIS's copy of it."""
    return {"file": label, "SHA-256": file_hash(label if os.path.isfile(label) else path, progress)}


def files_used(files: Mapping[str, str], progress: Progress) -> dict[str, object]:
    """Path and SHA-256 of each file; a name without a file (empty) stays as it is.

    A VRT of rasters is hashed together with them.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    used: dict[str, object] = {}
    for name, path in files.items():
        used[name] = path
        behind = _files_of_vrt(path, progress)
        if behind:
            found = files_hash(behind, progress)
            used[f"{name}, SHA-256 of {found.of}"] = found.digest
        elif os.path.isfile(path):
            size = os.path.getsize(path)
            used[f"{name}, SHA-256"] = (
                file_hash(path, progress)
                if size <= LARGEST_HASHED
                else f"not worked out: the file is large ({size / 2**30:.1f} GiB)"
            )
    return used


def _files_of_vrt(path: str, progress: Progress) -> dict[str, str]:
    """Name by path of a VRT and of the rasters that it reads, since its text holds no values; else none."""
    if not path.lower().endswith(".vrt"):
        return {}
    try:
        return named_files([path], progress)
    except InputError:
        # It is one of tables.
        return {}


def layer_used(values: Values, name: str, parameter: str, progress: Progress) -> dict[str, object]:
    """Path and SHA-256 of the file of the vector layer of a parameter, or the name of one without a file."""
    used = files_used({name: values.layer_label(parameter)}, progress)
    layer = values.vector_layer(parameter)
    beside = beside_the_file(layer) if layer is not None else ""
    return {**used, f"{name}, beside the file": beside} if beside else used


def series_used(named: Mapping[str, Series | None], progress: Progress) -> dict[str, object]:
    """Source, dates and SHA-256 of each series; of a large one the latter is that of names, sizes and times.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    used: dict[str, object] = {}
    for name, series in named.items():
        used[name] = f"{series.source} ({dates_text(series.dates)})" if series else ""
        if series:
            found = series_hash(series, progress)
            used[f"{name}, SHA-256 of {found.of}"] = found.digest
    return used


def dated_covariates_used(covariates: Sequence[DatedCovariate], progress: Progress) -> dict[str, object]:
    """What `series_used` gives of dated covariates, by their names, and which of them are rain."""
    used = series_used({dated.name: dated.series for dated in covariates}, progress)
    rain = [dated.name for dated in covariates if dated.is_rain]
    return {**used, "dated covariates that are rain": ", ".join(rain) or "none"} if covariates else used


def period_used(values: Values, otherwise: str) -> dict[str, object]:
    """The period that was asked for, for a manifest; `otherwise` says whose it is where none was."""
    first, last = values.period()
    return {"first date": first or otherwise, "last date": last or otherwise}


def seasons_used(values: Values) -> dict[str, object]:
    """The seasons as they were given, for a manifest."""
    seasons = {"wet season": values.text("WET_MONTHS"), "dry season": values.text("DRY_MONTHS")}
    return {season: months for season, months in seasons.items() if months}


def log_seasons(values: Values, progress: Progress) -> None:
    """Say which months make the seasons that were given."""
    for season, months in seasons_used(values).items():
        progress.log(f"The {season}: {months}")


def manifest(inputs: Mapping[str, object], settings: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    """The sections of `Page.manifest`; versions come by themselves."""
    return {"Input": inputs, "Settings": settings, "Versions": {**versions(), "QGIS": Qgis.version()}}


def report_outputs(step: str) -> tuple[QgsProcessingOutputDefinition, ...]:
    """A report, which the Results Viewer lists under the name of its step, and the table of its numbers."""
    return (
        QgsProcessingOutputHtml("REPORT", f"{step}: report"),
        QgsProcessingOutputFile("REPORT_NUMBERS", "Numbers of the report"),
    )


def numbers_path(report: str) -> str:
    """Where the numbers of a report go."""
    path = Path(report)
    return str(path.with_name(f"{path.stem}_numbers.csv"))


def write_report(path: str, page: Page) -> dict[str, str]:
    """Write a report and the table of its numbers, which appear only when both are whole.

    Returns
    -------
    dict
        Their paths as outputs: REPORT and REPORT_NUMBERS.

    Raises
    ------
    InputError
        If one of them cannot be written.
    """
    numbers = numbers_path(path)
    with whole_file(numbers) as table, whole_file(path) as part:
        # By the mark at the beginning Excel knows that it is UTF-8.
        table.write_text(page.numbers(), encoding="utf-8-sig")
        part.write_text(page.html(Path(numbers).name), encoding="utf-8")
    return {"REPORT": path, "REPORT_NUMBERS": numbers}
