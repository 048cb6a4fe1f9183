"""The rain of a regression matrix by date: which covariates are rain, and what they hold."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

#: Units that rain is told in, and beginnings and parts of names of rain without a unit.
_UNITS = frozenset({"mm/d", "mm/day", "mm d-1", "mm"})
_BEGINNING, _PARTS = "p_", ("precip", "rain")


@dataclass(frozen=True, eq=False)
class RainSeries:
    """A dated covariate of rain.

    Parameters
    ----------
    name, unit : str
    dates : tuple of datetime.date, length t
        Ascending.
    values : float32, shape (t, cells)
        NaN where a cell has no row.
    """

    name: str
    unit: str
    dates: tuple[dt.date, ...]
    values: np.ndarray


def is_rain(name: str, unit: str) -> bool:
    """Whether a covariate is rain: by its unit, and without one by its name (p_..., precip, rain)."""
    if unit:
        return unit in _UNITS
    return name.lower().startswith(_BEGINNING) or any(part in name.lower() for part in _PARTS)
