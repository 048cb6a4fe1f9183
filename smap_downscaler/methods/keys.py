"""What a forest of a file is for: a date, a cell of the SMAP grid, or all rows at once.

A date stands for itself, so that forests by date are asked for by `datetime.date`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Union

from ..base.matrix_columns import MOST_CELLS

BY_DATE, BY_CELL, POOLED = "by date", "by cell", "pooled"
MODES = (BY_DATE, BY_CELL, POOLED)


@dataclass(frozen=True, order=True)
class CellKey:
    """A cell of the SMAP grid.

    Parameters
    ----------
    row, col : int
        As in the regression matrix.
    x, y : float or None
        Its centre in the units of the grid's CRS, where known.  For people to see: two keys are
        equal if row and column are.
    """

    row: int
    col: int
    x: float | None = field(default=None, compare=False)
    y: float | None = field(default=None, compare=False)


@dataclass(frozen=True, order=True)
class PooledKey:
    """The one forest of all rows."""


# In a runtime alias Python 3.9 needs Union.
Key = Union[date, CellKey, PooledKey]


def key_path(key: Key) -> str:
    """The folder of a forest in the zip."""
    if isinstance(key, date):
        return key.isoformat()
    return f"r{key.row}_c{key.col}" if isinstance(key, CellKey) else POOLED


def key_fields(key: Key) -> dict[str, str | int]:
    """A key for JSON and tables: its `date`, or its `row` and `col`, or nothing."""
    if isinstance(key, date):
        return {"date": key.isoformat()}
    return {"row": key.row, "col": key.col} if isinstance(key, CellKey) else {}


def key_of(fields: Mapping[str, Any]) -> Key:
    """The way back from `key_fields`; other fields are passed over."""
    if "date" in fields:
        return date.fromisoformat(fields["date"])
    return CellKey(fields["row"], fields["col"]) if "row" in fields else PooledKey()


def key_label(key: Key) -> str:
    """What messages call it, as in "the forest of ..."."""
    if isinstance(key, date):
        return key.isoformat()
    return f"row {key.row}, col {key.col}" if isinstance(key, CellKey) else "all rows"


def key_number(key: Key) -> int:
    """A number by which the randomness of a forest is another than that of others of its file."""
    if isinstance(key, date):
        return key.toordinal()
    return key.row * MOST_CELLS + key.col if isinstance(key, CellKey) else 0


def mode_of(key: Key) -> str:
    """The mode of the files that hold such keys."""
    if isinstance(key, date):
        return BY_DATE
    return BY_CELL if isinstance(key, CellKey) else POOLED
