"""The report of 'Harmonise covariates', from what was harmonised to a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ....base.progress import Progress
from ....base.words import text
from ....geo.map_frame import frame_of
from ....report.atlas import AtlasPanel, atlas_png
from ....report.number_text import fixed
from ....report.page import Table
from ....series.series import Series
from ....toolbox.area import area_used
from ....toolbox.reports import files_used, footer, manifest, series_used, titled, write_report
from ..catalogue import CatalogueRow, catalogue_table, citations
from ..harmonise import Harmonised, LayerReport, Request
from ..products import USED_HEADERS, used_rows
from ..report import covariates_page

_MADE_HEADERS = (
    "covariate",
    "unit",
    "to the fine grid",
    "covers SMAP cells",
    "cells with a mean",
    "min",
    "mean",
    "max",
)


def report_covariates(
    path: str,
    request: Request,
    smap: Series,
    made: Harmonised,
    rows: Sequence[CatalogueRow],
    warnings: Sequence[str],
    progress: Progress,
) -> dict[str, str]:
    """Write the report to `path`; returns the outputs of `write_report`.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    grid = made.fine
    units = [layer.unit for layer in made.layers]
    maps = [
        AtlasPanel(layer.name, unit, picture)
        for layer, unit, picture in zip(made.layers, units, made.pictures)
    ]
    facts = [
        ("SMAP cells", text("{} x {}, {}", made.coarse.width, made.coarse.height, request.smap_label)),
        (
            "Fine grid",
            text("{:,} x {:,} pixels of {:.6g}, {}", grid.width, grid.height, grid.cell_width, grid.crs[:60]),
        ),
        ("Coarse stack", request.coarse_path),
        ("Fine stack", request.fine_path),
        ("Mask", request.mask or "none"),
    ]
    page = covariates_page(
        facts,
        warnings,
        made.preflight,
        Table(USED_HEADERS, used_rows(made.covariates)),
        catalogue_table(rows),
        Table(_MADE_HEADERS, [_made_row(layer) for layer in made.layers]),
        atlas_png(maps, grid.bounds, frame_of(grid.bounds, grid.crs)),
        {**_manifest(request, smap, progress), **_references(rows)},
        footer("Harmonise covariates"),
    )
    return write_report(path, titled(page, grid=grid, area=request.area))


def _references(rows: Sequence[CatalogueRow]) -> dict[str, Mapping[str, object]]:
    """The section of whole citations, where there are any."""
    found = citations(rows)
    return {"References": found} if found else {}


def _manifest(request: Request, smap: Series, progress: Progress) -> dict[str, Mapping[str, object]]:
    files = {**{layer.name: layer.path for layer in request.layers}, "MASK": request.mask}
    extent = request.extent
    settings = {
        "EXTENT": f"{extent}, {request.extent_crs[:60]}" if extent else "the SMAP series'",
        **area_used(request.area),
        "CRS": request.crs[:60] or "chosen from the layers",
        "RESOLUTION": text("{:g}", request.resolution),
        "MINIMUM_COVERED": text("{:g}", request.minimum_covered),
        "CATEGORICAL": ", ".join(request.categorical),
        "GUESS": request.guess,
        "NODATA": str(request.nodata),
    }
    return manifest({**files_used(files, progress), **series_used({"SMAP": smap}, progress)}, settings)


def _made_row(layer: LayerReport) -> tuple[str, ...]:
    return (
        layer.name,
        layer.unit or "?",
        layer.way,
        text("{:.1f} %", 100 * layer.covered),
        text("{}", layer.cells),
        fixed(layer.low, ".6g"),
        fixed(layer.mean, ".6g"),
        fixed(layer.high, ".6g"),
    )
