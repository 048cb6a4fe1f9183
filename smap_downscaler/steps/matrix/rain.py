"""The rain of all days on all cells of the study area, whether SMAP saw them or not (the paper's Fig. 2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np

from ...base.dates import is_within
from ...base.progress import SILENT, Progress
from ...series.dated import DatedCovariate
from ...series.dated_on_grid import OnCells
from ..rain.numbers.antecedent import all_dates
from ..rain.numbers.by_date import RainSeries, rain_series
from .build import MatrixInputs


def rain_of_all_days(
    inputs: MatrixInputs,
    start: dt.date | None = None,
    end: dt.date | None = None,
    progress: Progress = SILENT,
) -> list[RainSeries]:
    """Each dated covariate that is rain: its area means on the cells of the stack, a day at a time.

    The cells are those on which a covariate of the stack has a value.  A day without a raster has no
    value on any.

    Parameters
    ----------
    inputs : MatrixInputs
    start, end : date or None
        First and last day; None: those of SMAP.
    progress : Progress

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    rain = [dated for dated in inputs.dynamic if dated.is_rain]
    if not rain:
        return []
    window, stack_window = inputs.common_cells()
    cells = inputs.smap.grid.crop(window)
    area = np.isfinite(inputs.stack.read(inputs.stack.names, stack_window)).any(axis=0)
    first, last = start or inputs.smap.dates[0], end or inputs.smap.dates[-1]
    spans = [_days(dated, first, last) for dated in rain]
    counter = progress.counter(max(sum(map(len, spans)), 1), "days of rain read")

    def values(dated: DatedCovariate, days: list[dt.date]) -> Iterator[tuple[dt.date, np.ndarray]]:
        reader = OnCells(dated, cells, progress=progress)
        for day in days:
            yield day, reader.read(day, progress)[area]
            counter.advance()

    return [
        rain_series(dated.name, dated.series.unit(), values(dated, days))
        for dated, days in zip(rain, spans)
        if days
    ]


def _days(dated: DatedCovariate, first: dt.date, last: dt.date) -> list[dt.date]:
    """Every day of the period from the first to the last raster in it."""
    held = [date for date in dated.series.dates if is_within(date, first, last)]
    return all_dates(held[0], held[-1]) if held else []
