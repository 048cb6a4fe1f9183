"""Values of dated rasters at stations: each raster opened once, only the blocks around stations read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
from osgeo import gdal

from ...base.progress import Counter
from ...geo.datasets import open_dataset, read_band
from ...geo.geotiff import TILE
from ...geo.grid import Grid, Window
from ...geo.points import PointsOnGrid
from ...geo.sampling import bilinear
from ...series.series import Series

#: The cell that contains the station, or interpolation between the centres of four.
EXTRACTIONS = ("cell", "bilinear")


def extract(
    series: Series, places: PointsOnGrid, dates: Sequence[dt.date], how: str, counter: Counter
) -> np.ndarray:
    """Values at stations.

    Parameters
    ----------
    series : Series
    places : PointsOnGrid
        On the grid of `series`.
    dates : sequence of date
        All in `series`.
    how : str
        Of `EXTRACTIONS`.
    counter : Counter
        Advanced by 1 a date.

    Returns
    -------
    float64, shape (dates, stations); NaN outside, and where the raster has no value.

    Raises
    ------
    InputError
        If a raster cannot be read.
    """
    values = np.full((len(dates), len(places.rows)), np.nan)
    groups = _groups(series.grid, places, 1 if how == "bilinear" else 0)
    entries = {entry.date: entry for entry in series.entries}
    opened: tuple[str, gdal.Dataset | None] = ("", None)
    for number, date in enumerate(dates):
        entry = entries[date]
        if opened[0] != entry.path:
            opened = entry.path, open_dataset(entry.path)
        for window, members in groups:
            block = read_band(opened[1], entry.band, window)
            rows, cols = places.rows[members] - window.row, places.cols[members] - window.col
            if how == "bilinear":
                values[number, members] = bilinear(block, rows, cols)
            else:
                values[number, members] = block[rows.astype(np.intp), cols.astype(np.intp)]
        counter.advance()
    return values


def _groups(grid: Grid, places: PointsOnGrid, margin: int) -> list[tuple[Window, np.ndarray]]:
    """Windows that hold all stations of a tile of the file, with the stations."""
    inside = np.flatnonzero(places.inside)
    row, col = places.rows[inside].astype(np.intp), places.cols[inside].astype(np.intp)
    tiles = row // TILE * (grid.width // TILE + 1) + col // TILE
    groups = []
    for tile in np.unique(tiles):
        own = tiles == tile
        top, left = max(int(row[own].min()) - margin, 0), max(int(col[own].min()) - margin, 0)
        bottom = min(int(row[own].max()) + margin + 1, grid.height)
        right = min(int(col[own].max()) + margin + 1, grid.width)
        groups.append((Window(top, left, bottom - top, right - left), inside[own]))
    return groups
