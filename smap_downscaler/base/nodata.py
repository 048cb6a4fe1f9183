"""Numbers that stand for no value, also in files that do not say so."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

#: What SMAP, this plugin and most files of the field hold where they have no value.
FILL = -9999.0
#: Numbers that are no value wherever they stand, and the size from which any number is none.
FILLS, LARGEST = frozenset({FILL, -99999.0, -32768.0}), 1e20
#: Numbers that may be values, and are likely none where they cannot be true.
LIKELY_FILLS = FILLS | {
    -99.0,
    -99.9,
    -999.0,
    -999.9,
    -32767.0,
    -2147483648.0,
    255.0,
    9999.0,
    32767.0,
    65535.0,
}


def is_fill(values: np.ndarray) -> np.ndarray:
    """Which of `values` are no value whatever they measure: bool, their shape.

    Infinite ones are none, NaN is not looked for.
    """
    return np.isin(values, list(FILLS)) | (np.abs(values) >= LARGEST)


def first_fill(values: Iterable[float], fills: frozenset[float] = FILLS) -> float | None:
    """The first of some values that is one of `fills`, or too large to be any value; None without one."""
    return next((value for value in values if value in fills or abs(value) >= LARGEST), None)
