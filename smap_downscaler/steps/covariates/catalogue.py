"""The table of covariates: unit, resolution, description, source, citation (the paper's Tables 1-3)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ...base.seasons_of_year import MONTH_NAMES
from ...base.words import text
from ...geo.datasets import open_dataset
from ...geo.grid import Bounds, Grid
from ...geo.lattice import cell_text, transform_bounds
from ...geo.map_frame import frame_of
from ...geo.texts import tag_of
from ...report.page import Table
from ...tables.geopackage import REAL, TEXT, create_table
from .covariate import Covariate
from .numbers.sources import (
    NO_REFERENCE,
    Reference,
    describe,
    reference_by_word,
    reference_of,
    reference_of_terrain,
)
from .products import known_product

_NUMBERS = frozenset(str(month) for month in range(1, 13))
_HEADERS = ("covariate", "description", "unit", "resolution", "source", "cited as", "by", "file")
_FIELDS = {
    **dict.fromkeys(("covariate", "description", "unit", "resolution"), TEXT),
    "resolution_m": REAL,
    **dict.fromkeys(("source", "cited", "citation", "rests_on", "file"), TEXT),
}


class CatalogueRow(NamedTuple):
    """What is known of a covariate; empty, and NaN, where nothing is.

    `resolution` is in units of its CRS, `resolution_m` the width of a pixel on the ground in the middle of
    the study area, metres.  `rests_on` says what tells the source.
    """

    covariate: str
    description: str
    unit: str
    resolution: str
    resolution_m: float
    reference: Reference
    rests_on: str
    file: str


def catalogue(covariates: Sequence[Covariate], area: Grid) -> list[CatalogueRow]:
    """A row a covariate, from its file's name, its tags and its own name.

    Parameters
    ----------
    covariates : sequence of Covariate
    area : Grid
        The study area.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    bands = Counter(one.layer for one in covariates)
    return [_row(one, bands[one.layer], area) for one in covariates]


def _row(one: Covariate, bands: int, area: Grid) -> CatalogueRow:
    known, dataset = known_product(one, bands), open_dataset(one.layer.path)
    stem = Path(one.layer.path).stem
    if known is not None:
        reference, rests_on = reference_of(known), "file name" if known.own_name else "file name, changed"
        depth = known.depth
    else:
        reference, rests_on = _by_tags(one, dataset)
        if not reference.source:
            reference = reference_by_word(stem, one.layer.title)
            rests_on = "file name" if reference.source else ""
        depth = ""
    months = (tag_of(dataset.GetRasterBand(one.source.band), "MONTHS") or "").split(",")
    named = [MONTH_NAMES[int(month) - 1] for month in months if month in _NUMBERS]
    words = describe(one.name, one.quantity, depth, named)
    if one.categorical:
        words = "Classes, as shares of a cell"
    grid = one.source.grid
    return CatalogueRow(
        one.name, words, one.unit, cell_text(grid), _metres(grid, area), reference, rests_on, one.layer.path
    )


def _by_tags(one: Covariate, dataset: Any) -> tuple[Reference, str]:
    """What rasters of our own say: rain of the seasons, and terrain."""
    source, kind, period = (tag_of(dataset, name) for name in ("SOURCE", "KIND", "PERIOD"))
    if source and kind and period:
        product = reference_by_word(source)
        parts = dict.fromkeys((product.source, source, kind, period))
        return replace(product, source=", ".join(part for part in parts if part)), "tags"
    engine = tag_of(dataset, "ENGINE")
    if engine and tag_of(dataset, "MINIMUM_SLOPE"):
        return reference_of_terrain(one.name, f"Terrain indices ({engine})"), "tags"
    return NO_REFERENCE, ""


def _metres(grid: Grid, area: Grid) -> float:
    """The width of a pixel in the middle of the area."""
    there = transform_bounds(area.bounds, area.crs, grid.crs)
    x, y = (there.left + there.right) / 2, (there.bottom + there.top) / 2
    half = grid.cell_width / 2, grid.cell_height / 2
    frame = frame_of(Bounds(x - half[0], y - half[1], x + half[0], y + half[1]), grid.crs)
    return grid.cell_width * frame.metres_a_unit if frame is not None else math.nan


def write_catalogue(path: str | Path, rows: Sequence[CatalogueRow]) -> None:
    """Write a row a covariate.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    with create_table(path, "covariates", _FIELDS) as table:
        table.write(_values(rows))


def _values(rows: Sequence[CatalogueRow]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        found = row.reference
        texts = (found.source, found.cited, found.citation, row.rests_on)
        yield (*row[:4], row.resolution_m, *(words or None for words in texts), row.file)


def catalogue_table(rows: Sequence[CatalogueRow]) -> Table:
    """The rows as texts; the whole citations are `citations`."""
    return Table(
        _HEADERS,
        [
            (
                row.covariate,
                row.description or "?",
                row.unit or "?",
                text("{:,.0f} m", row.resolution_m) if math.isfinite(row.resolution_m) else "?",
                row.reference.source or "?",
                row.reference.cited,
                row.rests_on,
                Path(row.file).name,
            )
            for row in rows
        ],
    )


def citations(rows: Sequence[CatalogueRow]) -> Mapping[str, str]:
    """Whole citations by how the table cites them."""
    return {row.reference.cited: row.reference.citation for row in rows if row.reference.cited}
