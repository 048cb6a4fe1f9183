"""How much of the area the cells of a date cover, as a model file keeps it."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

#: Cells between these shares of them count along an axis: a lone one far away is not heard.
_MIDDLE = (0.05, 0.95)


class Coverage(NamedTuple):
    """The cells that the model of a date was fitted to.

    Attributes
    ----------
    cells, area : int
        How many, and how many cells the table has on any date.
    box : float
        Size of the box around the middle nine tenths of their rows and of their columns, as a share of that
        of all cells; 0 to about 1, NaN where cells have no numbers.
    """

    cells: int
    area: int
    box: float


def coverage_of(cells: np.ndarray, area: np.ndarray) -> Coverage:
    """The coverage of `cells`, shape (n, 2), in an `area`, shape (m, 2): rows and columns, -1 for none."""
    numbered = len(cells) > 0 and bool((cells >= 0).all()) and bool((area >= 0).all())
    share = _box(cells) / _box(area) if numbered else math.nan
    return Coverage(len(cells), len(area), share)


def _box(cells: np.ndarray) -> float:
    return math.prod(_middle(numbers) for numbers in cells.T)


def _middle(numbers: np.ndarray) -> float:
    """Length of the middle nine tenths of cells along an axis, each spread evenly over its own length."""
    counts = np.bincount(numbers - numbers.min())
    below = np.concatenate([[0], np.cumsum(counts)]) / numbers.size
    low, high = np.interp(_MIDDLE, below, np.arange(below.size))
    return float(high - low)


def coverage_fields(found: Mapping[dt.date, Coverage]) -> dict[str, list[float | None]]:
    """Coverages by date for JSON; `coverages_from` is the way back."""
    return {
        date.isoformat(): [one.cells, one.area, round(one.box, 4) if math.isfinite(one.box) else None]
        for date, one in found.items()
    }


def coverages_from(content: Any) -> dict[dt.date, Coverage]:
    """What `coverage_fields` gave; what is none is left out: nobody vouches for a file."""
    found = {}
    for text, fields in content.items() if isinstance(content, dict) else ():
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            cells, area, box = fields
            share = math.nan if box is None else float(box)
            found[dt.date.fromisoformat(text)] = Coverage(int(cells), int(area), share)
    return found
