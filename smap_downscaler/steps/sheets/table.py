"""The table of a sheet: the numbers of each map that is drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...geo.grid import Bounds
from ...geo.lattice import transform_bounds
from ...stats.distribution import Moments
from ...tables.geopackage import DATE, INTEGER, REAL, TEXT, create_table

_FIELDS = {
    "page": INTEGER,
    "panel": INTEGER,
    "kind": TEXT,
    "date": DATE,
    "cell": REAL,
    "unit": TEXT,
    "n": INTEGER,
    "minimum": REAL,
    "mean": REAL,
    "maximum": REAL,
    "sd": REAL,
    "nodata_share": REAL,
    "west": REAL,
    "south": REAL,
    "east": REAL,
    "north": REAL,
    "file": TEXT,
}


class SheetRow(NamedTuple):
    """A row: page and panel from 1, kind, date as text, cell size in units of the CRS, and where it is.

    `moments` are of all cells of the panel; `bounds` in `crs`.
    """

    page: int
    panel: int
    kind: str
    date: str | None
    cell: float | None
    unit: str
    moments: Moments
    bounds: Bounds
    crs: str
    file: str


def write_sheet_table(path: str | Path, rows: Sequence[SheetRow]) -> None:
    """Write one row per panel; standard deviations have ddof 0, edges are degrees.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    with create_table(path, "panels", _FIELDS) as table:
        table.write(_values(rows))


def _values(rows: Sequence[SheetRow]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        found = row.moments
        numbers = (found.low, found.mean, found.high, found.sd) if found.n else (None,) * 4
        share = 1 - found.n / found.cells if found.cells else math.nan
        edges = transform_bounds(row.bounds, row.crs, "EPSG:4326")
        where = (edges.left, edges.bottom, edges.right, edges.top)
        yield (*row[:6], found.n, *numbers, share, *where, row.file)
