"""What the whole chain's report shows: a date as a picture, interpolation between SMAP's cells, evidence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np

from ...base.dates import evenly_thinned
from ...base.progress import SILENT, Progress
from ...base.words import text
from ...geo.grid import Grid
from ...geo.lattice import Lattice
from ...geo.map_frame import frame_of
from ...geo.sampling import cells_of
from ...methods.file.reader import open_models
from ...methods.keys import POOLED
from ...methods.measured import Measured
from ...series.series import Series
from ..terrain.summary import summarise
from .numbers.interpolated import DayCells
from .numbers.outcome import Shown

#: Dates that are looked at for the one with the most cells, and models that are asked.
_MOST_DATES, _MOST_MODELS = 60, 12


def look_at(maps: Series, smap: Series, progress: Progress = SILENT) -> Shown:
    """The date on which SMAP saw the most cells, as SMAP saw it and as it was mapped.

    Raises
    ------
    InputError
        If a raster cannot be read.
    """
    dates = evenly_thinned([date for date in maps.dates if smap.has(date)] or maps.dates, _MOST_DATES)
    date = max(dates, key=lambda one: _seen(smap, one))
    entry = next(entry for entry in maps.entries if entry.date == date)
    picture = summarise(entry.path, progress, entry.band).picture
    grid = maps.grid
    step = max(-(-side // shown) for side, shown in zip(grid.shape, picture.shape))
    rows, cols = picture.shape
    small = Grid(grid.crs, grid.left, grid.top, step * grid.cell_width, step * grid.cell_height, cols, rows)
    cells = np.full(picture.shape, np.nan, np.float32)
    if smap.has(date):
        inside, row, col = cells_of(*Lattice(small, smap.grid).positions(), smap.grid.shape)
        cells[inside] = smap.read(date)[row[inside], col[inside]]
        cells[~np.isfinite(picture)] = np.nan
    return Shown(date, cells, picture, grid.bounds, frame_of(grid.bounds, grid.crs))


def _seen(smap: Series, date: dt.date) -> int:
    return int(np.isfinite(smap.read(date)).sum()) if smap.has(date) else 0


def cells_by_day(smap: Series, progress: Progress = SILENT) -> tuple[dict[int, DayCells], np.ndarray]:
    """The cells that SMAP saw, by ordinal of the day, and x and y of all cells, metres, shape (cells, 2)."""
    x, y = np.meshgrid(smap.grid.x_centres(), smap.grid.y_centres())
    places = np.stack([x.ravel(), y.ravel()], axis=1)
    days, ever = {}, np.zeros(len(places), bool)
    for date in smap.dates:
        progress.check()
        values = smap.read(date).ravel().astype(np.float64)
        seen = np.nonzero(np.isfinite(values))[0]
        ever[seen] = True
        days[date.toordinal()] = DayCells(seen, places[seen], values[seen])
    number = np.cumsum(ever) - 1
    days = {day: DayCells(number[own.cells], own.places, own.values) for day, own in days.items()}
    return days, places[ever]


def evidence_of(path: str, progress: Progress = SILENT) -> tuple[list[str], list[Measured]]:
    """What models say of the pattern within cells, and how right such were where the truth is known.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    said: list[str] = []
    measured: list[Measured] = []
    with open_models(path) as models:
        if not models.method.sees_cells:
            return said, measured
        keys: Sequence = models.keys[:_MOST_MODELS]
        for key in keys:
            progress.check()
            model = models.load(key)
            said += [
                line if models.mode == POOLED else text("{}: {}", key, line) for line in model.evidence()
            ]
            if model.measured is not None and model.measured not in measured:
                measured.append(model.measured)
    return said, measured
