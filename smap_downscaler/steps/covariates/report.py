"""The report of 'Harmonise covariates': what was looked at, what was done to each layer, and the atlas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...preflight.layer_check import Preflight
from ...preflight.report import begin_page
from ...report.page import Page, Table


def covariates_page(
    facts: Sequence[tuple[str, str]],
    warnings: Sequence[str],
    found: Preflight,
    used: Table,
    sources: Table,
    made: Table,
    atlas: bytes,
    manifest: Mapping[str, Mapping[str, object]],
    footer: str,
) -> Page:
    """The page.

    Parameters
    ----------
    facts : sequence of (name, value)
        Where the stacks lie and on which grids.
    warnings : sequence of str
    found : Preflight
    used, sources, made : Table
        The choices for each layer, what the covariates are and whose, the bands that came out.
    atlas : bytes
        PNG.
    manifest : mapping
        See `Page.manifest`.
    footer : str
    """
    page = begin_page(
        "Covariates", "Layers brought to the SMAP cells and to the fine grid", facts, warnings, found
    )
    page.heading("Layers as used").paragraph(
        "Unit in the file, what was done to its numbers, and what that rests on. A question mark: neither a "
        "file nor anybody said."
    )
    page.table(used.headers, used.rows)
    page.heading("Covariates and their sources (the paper's Tables 1-3)").paragraph(
        "The width of a pixel is that on the ground in the middle of the study area. By: what tells the "
        "source; a file name may have been given by anybody. A question mark: nothing tells. The whole "
        "citations stand at the end of the page."
    )
    page.table(sources.headers, sources.rows)
    page.heading("Bands of the stacks").table(made.headers, made.rows)
    page.heading("Atlas (the paper's Fig. S1)").picture(
        atlas,
        "Small maps of all covariates on the fine grid, each with its colour bar",
        "All covariates on the fine grid at reduced size. Colours run from the 2nd to the 98th percentile; "
        "those of one kind (twi_..., p_...) in one unit share them. Hatched: no value.",
    )
    return page.manifest(manifest).footer(footer)
