"""What the algorithms with a report share: its parameter, its manifest and its writing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from qgis.core import (
    Qgis,
    QgsProcessingOutputFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterVectorDestination,
)

from ..base.progress import Progress
from ..base.version import plugin_version
from ..geo.datasets import whole_file
from ..report.page import Page
from ..runs.provenance import file_hash, versions
from .values import Values


def report_parameter() -> QgsProcessingParameterFileDestination:
    """An HTML file, not made unless asked for."""
    return QgsProcessingParameterFileDestination(
        "REPORT", "Report", fileFilter="HTML files (*.html)", optional=True, createByDefault=False
    )


def table_output(name: str, description: str) -> QgsProcessingParameterVectorDestination:
    """A table beside the main one, not made unless asked for."""
    return QgsProcessingParameterVectorDestination(
        name, description, type=Qgis.ProcessingSourceType.Vector, optional=True, createByDefault=False
    )


def footer(title: str) -> str:
    """The last line of a report, with the version that made it."""
    return f"SMAP Downscaler {plugin_version()}, {title}"


def input_file(label: str, path: str, progress: Progress) -> dict[str, object]:
    """Name and SHA-256 of an input: of the user's file where it is one, else of QGIS's copy of it."""
    return {"file": label, "SHA-256": file_hash(label if os.path.isfile(label) else path, progress)}


def period_used(values: Values, otherwise: str) -> dict[str, object]:
    """The period that was asked for, for a manifest; `otherwise` says whose it is where none was."""
    first, last = values.period()
    return {"first date": first or otherwise, "last date": last or otherwise}


def seasons_used(values: Values) -> dict[str, object]:
    """The seasons as they were given, for a manifest."""
    return {"wet season": values.text("WET_MONTHS"), "dry season": values.text("DRY_MONTHS")}


def manifest(inputs: Mapping[str, object], settings: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    """The sections of `Page.manifest`; versions come by themselves."""
    return {"Input": inputs, "Settings": settings, "Versions": {**versions(), "QGIS": Qgis.version()}}


def numbers_output() -> QgsProcessingOutputFile:
    """The table beside a report that has all its numbers."""
    return QgsProcessingOutputFile("REPORT_NUMBERS", "Numbers of the report")


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
        # The mark at the beginning tells Excel that it is UTF-8.
        table.write_text(page.numbers(), encoding="utf-8-sig")
        part.write_text(page.html(Path(numbers).name), encoding="utf-8")
    return {"REPORT": path, "REPORT_NUMBERS": numbers}
