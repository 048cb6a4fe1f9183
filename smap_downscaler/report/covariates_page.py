"""The report of 'Harmonise covariates': what was looked at, what was done to each layer, and the atlas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .page import Page


@dataclass(frozen=True)
class Table:
    """Headers and rows of texts."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


def covariates_page(
    facts: Sequence[tuple[str, str]],
    warnings: Sequence[str],
    preflight: Table,
    used: Table,
    made: Table,
    atlas: bytes,
    footer: str,
) -> str:
    """The page as HTML.

    Parameters
    ----------
    facts : sequence of (name, value)
        Where the stacks lie and on which grids.
    warnings : sequence of str
    preflight, used, made : Table
        The look before the work, the choices for each layer, the bands that came out.
    atlas : bytes
        PNG.
    footer : str
    """
    page = Page("Covariates", "Layers brought to the SMAP cells and to the fine grid").facts(facts)
    if warnings:
        page.heading("To be looked at").warnings(warnings)
    else:
        page.paragraph("Nothing was found that needs a second look.")
    page.heading("Before the work").paragraph(
        "A sample of each layer over the SMAP cells. EASE shift: how far cells lie beside those of the "
        "EASE-Grid 2.0, in cells down and to the right (only for grids of its kind). Covered: share of the "
        "area inside the raster; NoData: share of that without a value. Min and max are in the unit of the "
        "covariate."
    )
    page.table(preflight.headers, preflight.rows)
    page.heading("Layers as used").paragraph(
        "Unit in the file, what was done to its numbers, and what that rests on. A question mark: neither a "
        "file nor anybody said."
    )
    page.table(used.headers, used.rows)
    page.heading("Bands of the stacks").table(made.headers, made.rows)
    page.heading("Atlas").picture(
        atlas,
        "Small maps of all covariates on the fine grid, each with its colour bar",
        "All covariates on the fine grid at reduced size. Colours run from the 2nd to the 98th percentile; "
        "grey: no value.",
    )
    return page.footer(footer).html()
