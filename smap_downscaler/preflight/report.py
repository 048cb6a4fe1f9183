"""The sections of a report on what was checked before layers were joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..base.words import counted, text
from ..report.page import Page
from .layer_check import HEADERS, Preflight

_MOST_WARNINGS = 40
_WORDS = (
    "Cell: its side, in the units of the CRS. EASE shift: how far cells lie beside those of the EASE-Grid "
    "2.0, in cells down and to the right (only for grids of its kind). Covered: share of the sampled points "
    "that lie inside the raster; NoData: share of those without a value. Min and max are in the unit of the "
    "layer."
)


def begin_page(
    title: str,
    subtitle: str,
    facts: Sequence[tuple[str, str]],
    warnings: Sequence[str],
    found: Preflight,
    result: Callable[[Page], object] | None = None,
) -> Page:
    """How the report of joined layers begins: facts, what needs a second look, the result, the preflight."""
    page = Page(title, subtitle).facts(facts)
    add_warnings(page, warnings)
    if result is not None:
        result(page)
    _add_table(page, found)
    return page


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
        page.paragraph(text("{} in the log.", counted(more, "more warning is", "more warnings are")))


def _add_table(page: Page, found: Preflight) -> None:
    page.heading("Before the work").paragraph(f"A sample of each layer over {found.area}. {_WORDS}")
    page.table(HEADERS, [row.texts() for row in found.rows])


def add_preflight(page: Page, found: Preflight) -> None:
    """The section of a report whose other warnings stand elsewhere."""
    _add_table(page, found)
    _list(page, found.warnings)
