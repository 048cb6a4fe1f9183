"""The table of rain by date."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...tables.geopackage import DATE, INTEGER, REAL, TEXT, create_table
from .numbers.by_date import RainSeries

_NUMBERS = ("median", "q1", "q3", "minimum", "maximum")


def write_rain(path: str | Path, series: Sequence[RainSeries]) -> None:
    """A row a covariate of rain and date: cells, median, quartiles and extremes over them.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {"covariate": TEXT, "unit": TEXT, "date": DATE, "n": INTEGER, **dict.fromkeys(_NUMBERS, REAL)}
    with create_table(path, "rain", fields) as table:
        table.write(
            (rain.name, rain.unit, date.isoformat(), found.n, *(getattr(found, name) for name in _NUMBERS))
            for rain in series
            for date, found in zip(rain.dates, rain.spreads)
        )
