"""The sections of a report that tell what was looked at before layers were joined."""

from __future__ import annotations

from collections.abc import Sequence

from ..base.words import counted
from ..report.page import Page
from .layer_check import HEADERS, LayerCheck, Preflight

_MOST_WARNINGS = 40
_WORDS = (
    "EASE shift: how far cells lie beside those of the EASE-Grid 2.0, in cells down and to the right (only "
    "for grids of its kind). Covered: share of the places looked at that lie inside the raster; NoData: "
    "share of those without a value. Min and max are in the unit of the layer."
)


def add_warnings(page: Page, warnings: Sequence[str]) -> None:
    """What needs a second look, or that nothing does."""
    if not warnings:
        page.paragraph("Nothing was found that needs a second look.")
        return
    page.heading("To be looked at")
    _list(page, warnings)


def _list(page: Page, warnings: Sequence[str]) -> None:
    page.warnings(warnings[:_MOST_WARNINGS])
    more = len(warnings) - _MOST_WARNINGS
    if more > 0:
        page.paragraph(f"{counted(more, 'more warning is', 'more warnings are')} in the log.")


def add_preflight(page: Page, rows: Sequence[LayerCheck], area: str) -> None:
    """The table of the preflight; `area` names what was looked at: "the SMAP cells"."""
    page.heading("Before the work").paragraph(f"A sample of each layer over {area}. {_WORDS}")
    page.table(HEADERS, [row.texts() for row in rows])


def add_before(page: Page, found: Preflight) -> None:
    """The section of a report whose other warnings stand elsewhere."""
    add_preflight(page, found.rows, found.area)
    _list(page, found.warnings)
