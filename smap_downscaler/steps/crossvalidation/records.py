"""Units and numbers in the records of a cross-validation that was stopped."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

from ...methods.keys import CellKey, Key, PooledKey


def unit_as_dict(unit: Key) -> dict[str, Any]:
    """A unit in a record: its date, its cell, or nothing of pooled rows."""
    if isinstance(unit, dt.date):
        return {"date": unit.isoformat()}
    return {"cell": [unit.row, unit.col]} if isinstance(unit, CellKey) else {}


def unit_of(record: Mapping[str, Any]) -> Key:
    """The unit of a record, see `unit_as_dict`."""
    if "date" in record:
        return dt.date.fromisoformat(record["date"])
    return CellKey(*map(int, record["cell"])) if "cell" in record else PooledKey()


def number_or_none(value: float) -> float | None:
    """A number as JSON knows it: None for one that is not defined."""
    return value if math.isfinite(value) else None


def number_of(value: float | None) -> float:
    """A number from JSON, NaN for None."""
    return math.nan if value is None else float(value)
