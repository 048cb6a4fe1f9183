"""Two rasters of the same pixels over different areas."""

from __future__ import annotations

import numpy as np
from osgeo import gdal

from smap_downscaler.geo.datasets import dataset_grid, read_band
from smap_downscaler.geo.grid import Grid, Window


def onto(dataset: gdal.Dataset, grid: Grid) -> np.ndarray:
    """A map on another grid with the same pixels, NaN where it has none."""
    own = dataset_grid(dataset, "map")
    row, col = (round(number) for number in grid.offset_in(own))
    top, left = max(row, 0), max(col, 0)
    height = min(row + grid.height, own.height) - top
    width = min(col + grid.width, own.width) - left
    out = np.full(grid.shape, np.nan, np.float32)
    out[top - row : top - row + height, left - col : left - col + width] = read_band(
        dataset, 1, Window(top, left, height, width)
    )
    return out
