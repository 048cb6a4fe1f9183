"""The table of a quantile correlation: a row a station, season, scale and quantile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...base.progress import SILENT, Progress
from ...tables.geopackage import DATE, INTEGER, REAL, TEXT, create_table
from .numbers.run import Cell

_FIELDS = {
    "station": TEXT,
    "season": TEXT,
    "scale": INTEGER,
    "tau": REAL,
    "n": INTEGER,
    "rho": REAL,
    "lower": REAL,
    "upper": REAL,
    "b_yx": REAL,
    "b_xy": REAL,
    "flags": TEXT,
    "days": INTEGER,
    "least_days": INTEGER,
    "first": DATE,
    "last": DATE,
    "drawn_together": INTEGER,
    "status": TEXT,
}


def write_cells(path: str | Path, cells: Sequence[Cell], progress: Progress = SILENT) -> None:
    """Write the table.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    with create_table(path, "quantile_correlation", _FIELDS, progress=progress) as table:
        table.write([_stored(getattr(cell, name)) for name in _FIELDS] for cell in cells)


def _stored(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value
