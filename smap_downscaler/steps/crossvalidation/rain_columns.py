"""The rain of a regression matrix, for the paper's Fig. 2."""

from __future__ import annotations

import contextlib
import datetime as dt

import numpy as np

from ...base.progress import SILENT, Progress
from ...series.window import is_rain_name
from ..matrix.read import MatrixTable
from ..matrix.row_selection import WHOLE_TABLE, Scope
from .numbers.results import RainSeries


def rain_series(
    table: MatrixTable, scope: Scope = WHOLE_TABLE, progress: Progress = SILENT
) -> list[RainSeries]:
    """Each covariate that is rain (see `is_rain_name`) and varies in time."""
    names = [name for name in table.covariates if is_rain_name(name, table.units.get(name, ""))]
    if not names:
        return []
    columns = [table.covariates.index(name) for name in names]
    dates: list[dt.date] = []
    cells, values = [], []
    with contextlib.closing(table.days(scope.start, scope.end, progress)) as days:
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
