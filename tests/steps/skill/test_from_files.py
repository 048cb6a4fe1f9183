"""Covariates on SMAP's cells, of a stack on these cells and of a finer one."""

from __future__ import annotations

import numpy as np

from raster_cases import grid_raster
from smap_downscaler.geo.area_means import cell_means
from smap_downscaler.geo.grid import Grid, Window, ease2_grid
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.skill.from_files import coarse_series


def coarse_of(folder, grid, stack_grid, x):
    (folder / "smap").mkdir()
    values = np.full(grid.shape, 0.2, np.float32)
    grid_raster(folder / "smap" / "smap_2021-03-01.tif", grid, values, nodata=np.nan)
    path = grid_raster(folder / "stack.tif", stack_grid, x, names=("clay", "twi"), nodata=np.nan)
    stack = open_stack(path)
    return stack, coarse_series(open_series(str(folder / "smap")), stack, (), 1)


def test_pixels_that_are_cells_are_taken_as_they_are(tmp_path):
    cells = ease2_grid("36 km").crop(Window(150, 300, 9, 8))
    # Two rows further north and a column less to the east.
    pixels = ease2_grid("36 km").crop(Window(148, 300, 9, 7))
    x = np.random.default_rng(1).normal(size=(2, *pixels.shape)).astype(np.float32)
    x[0, 4, 4] = np.nan
    stack, found = coarse_of(tmp_path, cells, pixels, x)
    assert found.grid == cells.crop(Window(0, 0, 7, 7))
    np.testing.assert_array_equal(found.x, x[:, 2:])
    averaged = cell_means([stack.band(name) for name in stack.names], found.grid, minimum_share=0.5)
    np.testing.assert_allclose(found.x, averaged.values, rtol=1e-6)


def test_finer_pixels_are_averaged(tmp_path):
    cells = ease2_grid("36 km").crop(Window(150, 300, 6, 5))
    pixels = Grid(cells.crs, cells.left, cells.top, cells.cell_width / 2, cells.cell_height / 2, 10, 12)
    x = np.random.default_rng(1).normal(size=(2, *pixels.shape)).astype(np.float32)
    _stack, found = coarse_of(tmp_path, cells, pixels, x)
    means = x.reshape(2, 6, 2, 5, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(found.x, means, rtol=1e-5, atol=1e-6)
