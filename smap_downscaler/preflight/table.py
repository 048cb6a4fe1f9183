"""The preflight as a table on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..tables.geopackage import REAL, TEXT, create_table
from .layer_check import LayerCheck

_PREFLIGHT = {
    "layer": TEXT,
    "crs": TEXT,
    "cell_width": REAL,
    "cell_height": REAL,
    "shift_down": REAL,
    "shift_right": REAL,
    "covered": REAL,
    "nodata": REAL,
    "minimum": REAL,
    "maximum": REAL,
    "dates": TEXT,
    "notes": TEXT,
}


def write_preflight(path: str | Path, rows: Sequence[LayerCheck]) -> None:
    """A row a layer; shares from 0 to 1, shifts in cells.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    with create_table(path, "preflight", _PREFLIGHT) as table:
        table.write(
            (
                row.name,
                row.crs,
                *row.cell,
                *(row.shift or (None, None)),
                row.covered,
                row.nodata,
                row.low,
                row.high,
                row.dates,
                row.remarks,
            )
            for row in rows
        )
