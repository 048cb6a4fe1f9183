"""The rain of a regression matrix, for the paper's Fig. 2."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Sequence

import numpy as np

from ...base.covariate_names import looks_like_rain
from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...series.dated import NO_RAIN
from ..matrix.read import WHOLE_TABLE, MatrixTable, RowSelection
from .numbers.results import RainSeries

#: Units of rain.
_UNITS = frozenset({"mm/d", "mm/day", "mm d-1", "mm"})


def rain_names(table: MatrixTable, named: Sequence[str] = ()) -> list[str]:
    """The covariates of a table that are rain.

    Those that are `named`, none for the word `NO_RAIN`; else those of which the table says so, and of which
    it says nothing those in a unit of rain, or without a unit those with a name of rain.

    Raises
    ------
    InputError
        For a name that the table does not have.
    """
    said = [name for name in named if name]
    if [name.lower() for name in said] == [NO_RAIN]:
        return []
    unknown = [name for name in said if name not in table.covariates]
    if unknown:
        raise InputError(
            f"RAIN_COVARIATES: {table.label} has no covariate named {unknown[0]} (it has "
            f"{', '.join(table.covariates)}); give the names of those that are rain, separated by commas, or "
            f"'{NO_RAIN}'."
        )
    return said or [name for name in table.covariates if table.rain.get(name, _seems_rain(table, name))]


def _seems_rain(table: MatrixTable, name: str) -> bool:
    unit = table.units.get(name, "")
    return unit in _UNITS if unit else looks_like_rain(name)


def rain_series(
    table: MatrixTable,
    names: Sequence[str],
    selection: RowSelection = WHOLE_TABLE,
    progress: Progress = SILENT,
) -> list[RainSeries]:
    """Those of some covariates, see `rain_names`, that vary in time."""
    if not names:
        return []
    columns = [table.covariates.index(name) for name in names]
    dates: list[dt.date] = []
    cells, values = [], []
    with contextlib.closing(table.days(selection.start, selection.end, progress)) as days:
        for day in days:
            dates.append(day.date)
            cells.append(np.stack([day.rows, day.cols], axis=1))
            values.append(day.x[:, columns])
    if not dates:
        return []
    numbers, members = np.unique(np.concatenate(cells), axis=0, return_inverse=True)
    at = np.repeat(np.arange(len(dates)), [len(part) for part in cells])
    # Dates, cells, covariates.
    whole = np.full((len(dates), len(numbers), len(names)), np.nan, np.float32)
    whole[at, members.reshape(-1)] = np.concatenate(values)
    series = [
        RainSeries(name, table.units.get(name, ""), tuple(dates), whole[:, :, number])
        for number, name in enumerate(names)
    ]
    return [rain for rain in series if _varies_in_time(rain.values)]


def _varies_in_time(values: np.ndarray) -> bool:
    low = np.min(values, axis=0, where=np.isfinite(values), initial=np.inf)
    high = np.max(values, axis=0, where=np.isfinite(values), initial=-np.inf)
    return bool(np.any(low < high))
