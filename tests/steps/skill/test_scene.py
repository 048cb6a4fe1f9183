"""Scenes: where pixels lie in cells, how large they are on the ground, and what methods read of them."""

from __future__ import annotations

import numpy as np
import pytest

from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.grid import Grid, Window, ease2_grid
from smap_downscaler.geo.ground import ground_size
from smap_downscaler.steps.skill.scene import Landing, MadeUp, coarser, made_up_grids


def test_cells_at_15_degrees_south_are_wide_and_low():
    _, cells = made_up_grids(4, 1000.0)
    height, width = ground_size(cells)
    side = ease2_grid("9 km").cell_width
    assert width == pytest.approx(side * np.cos(np.radians(15)) / np.cos(np.radians(30)), rel=0.005)
    assert height == pytest.approx(side * np.cos(np.radians(30)) / np.cos(np.radians(15)), rel=0.01)
    assert ground_size(Grid("EPSG:32718", 5e5, 8.3e6, 100, 100, 20, 20)) == pytest.approx(
        (100, 100), rel=1e-3
    )
    assert ground_size(Grid("EPSG:4326", 10, 0.05, 0.1, 0.1, 1, 1)) == pytest.approx((11057, 11132), rel=1e-3)
    with pytest.raises(InputError, match="has no place on earth"):
        ground_size(Grid("EPSG:32718", 1e12, 1e12, 100, 100, 2, 2))


@pytest.mark.parametrize("nested", [True, False])
def test_means_over_cells_weigh_pixels_by_area(nested):
    pixels, cells = made_up_grids(4, 1500.0, nested)
    landing = Landing(pixels, cells)
    scene = MadeUp(4, 1500.0, nested)(1, 1)
    np.testing.assert_allclose(landing.shares(np.ones(pixels.shape)), 1, atol=2e-3)
    # The mean of a place over a cell is the cell's centre.
    for places, axis in zip(scene.positions, (0, 1)):
        expected = np.indices(cells.shape)[axis] + 0.5
        np.testing.assert_allclose(landing.means(places), expected, atol=6e-3)
    part = np.where(scene.positions[1] < 0.25, 1.0, np.nan)
    means = landing.means(part)
    assert (means[:, 0] == 1).all()
    assert np.isnan(means[:, 1:]).all()
    assert np.isnan(landing.means(part, 0.5)).all()


def test_a_scene_is_read_as_a_fine_stack():
    scene = MadeUp(5, 2000.0, dated_rain=True)(7, 3)
    assert scene.dated == ("rain",)
    assert scene.all_names == (*scene.names, "rain")
    assert np.isnan(scene.x).any()
    names = scene.names[2:0:-1]
    blocks = list(scene.blocks(names))
    x = np.concatenate([block.x for block in blocks], axis=1)
    np.testing.assert_array_equal(x, scene.x[[2, 1]])
    np.testing.assert_array_equal(np.concatenate([block.rows for block in blocks]), scene.positions[0])
    rain = scene.dated_on("rain", scene.days[1], scene.grid)
    assert rain.shape == scene.grid.shape
    assert not np.isnan(rain).any()
    # The mean of the pixels' rain is the rain of the cells, which are larger than its own pixels.
    np.testing.assert_allclose(
        scene.dated_on("rain", scene.days[1], scene.cells), scene.landing.means(rain), atol=0.1
    )
    assert scene.roles["rain"] == "rain"
    assert scene.kept("a", lambda: 1) == scene.kept("a", lambda: 2) == 1
    # Seeds and dates differ, and come again.
    np.testing.assert_array_equal(MadeUp(5, 2000.0, dated_rain=True)(7, 3).x, scene.x)
    assert np.nanmax(np.abs(MadeUp(5, 2000.0, dated_rain=True)(8, 3).x - scene.x)) > 1
    assert np.abs(rain - scene.dated_on("rain", scene.days[2], scene.grid)).max() > 0.5


def test_the_mirror_image_keeps_pixels_that_both_have():
    scene = MadeUp(5, 2000.0, dated_rain=True)(7, 2)
    mirrored = scene.mirrored()
    both = scene.valid & scene.valid[:, ::-1]
    np.testing.assert_array_equal(mirrored.valid, both)
    np.testing.assert_array_equal(mirrored.x[:, both], scene.x[:, :, ::-1][:, both])
    day = scene.days[0]
    np.testing.assert_array_equal(mirrored.dynamic[0].values[day], scene.dynamic[0].values[day][:, ::-1])


def test_a_coarser_grid_covers_the_whole():
    grid = Grid("EPSG:32718", 5e5, 8.3e6, 100, 100, 23, 41)
    found = coarser(grid, 1000.0)
    assert found.cell_width == 1000
    assert (found.width, found.height) == (3, 5)
    assert coarser(grid.crop(Window(0, 0, 5, 5)), 50.0) == grid.crop(Window(0, 0, 5, 5))
