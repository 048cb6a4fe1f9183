"""Where the cells of a regression matrix lie."""

from __future__ import annotations

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...tables.geopackage import quoted, read_only
from ..matrix.read import MatrixTable, cell_number
from .numbers.folds import check_coordinates


def cell_places(
    table: MatrixTable, progress: Progress = SILENT
) -> dict[tuple[int, int], tuple[float, float]]:
    """x and y of each cell (row, col) of a table, metres.

    Raises
    ------
    InputError
        If the table has no x and y, they are no metres, or a cell has two places.
    """
    with read_only(table.path, table.label, progress) as connection:
        fields = {row[1] for row in connection.execute(f"PRAGMA table_info({quoted(table.layer)})")}
        missing = [name for name in ("x", "y") if name not in fields]
        if missing:
            raise InputError(
                f"{table.label}: the table has no field {' and '.join(missing)}, which spatial blocks need; "
                "make it with 'Regression matrix', or give BLOCKS 0."
            )
        query = f"SELECT DISTINCT row, col, x, y FROM {quoted(table.layer)}"  # nosec B608
        found = connection.execute(query).fetchall()
    places: dict[tuple[int, int], tuple[float, float]] = {}
    for row, col, x, y in found:
        cell = cell_number(row), cell_number(col)
        # Whether a row without a cell is of use is seen where rows are read.
        if min(cell) < 0:
            continue
        place = _number(x, "x", table), _number(y, "y", table)
        if places.setdefault(cell, place) != place:
            raise InputError(
                f"{table.label}: the cell of row {cell[0]} and col {cell[1]} has several x or y; each cell "
                "needs one place, or give BLOCKS 0."
            )
    if places:
        x, y = np.array(list(places.values())).T
        check_coordinates(x, y, table.label)
    return places


def _number(value: object, name: str, table: MatrixTable) -> float:
    text = "" if value is None else str(value).strip()
    try:
        return float(text) if text else float("nan")
    except ValueError:
        raise InputError(
            f"{table.label}: its field {name} holds '{text}', which is no number; correct it, or give "
            "BLOCKS 0."
        ) from None
