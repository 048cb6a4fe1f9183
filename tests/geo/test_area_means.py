"""Area-weighted means against exact polygon clipping and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipping import clipped_means, outline
from raster_cases import part_of_world
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.base.progress import Progress
from smap_downscaler.geo.area_means import cell_means
from smap_downscaler.geo.geotiff import write_geotiff
from smap_downscaler.geo.grid import Bounds, Grid, Window, ease2_grid
from smap_downscaler.geo.lattice import Transformation, transform_bounds
from smap_downscaler.geo.sources import BandReader, Mask, Source, window_over

EASE = ease2_grid("9 km")
#: Far from its central meridian (as the bungo data are), so that it stands askew on the EASE-Grid.
UTM = Grid("EPSG:32650", 160000.0, 4400000.0, 500.0, 500.0, 70, 60)


class Arrays(BandReader):
    """Arrays in place of files: the path of a source is its name here."""

    def __init__(self, **arrays):
        super().__init__()
        self._arrays = arrays

    def read(self, source, window):
        return source.of(part_of_world(self._arrays[source.path], window))


def cells_over(grid):
    return EASE.crop(EASE.window_touching(transform_bounds(grid.bounds, grid.crs, EASE.crs)))


def means_of(values, grid, cells, mask=None, minimum=0.0, **more):
    found = cell_means([Source("a", 1, grid)], cells, mask, minimum, reader=Arrays(a=values), **more)
    return found.values[0], found.shares[0]


@pytest.mark.parametrize(
    "grid",
    [
        UTM,
        Grid("EPSG:4326", 113.0, 39.8, 0.01, 0.008, 45, 40),
        Grid("EPSG:4326", 113.0, 39.8, 0.05, 0.05, 8, 7),
        Grid("EPSG:3035", 5.2e6, 4.8e6, 900.0, 900.0, 40, 40),
        Grid("EPSG:3035", 5.2e6, 4.8e6, 11000.0, 11000.0, 5, 5),
    ],
    ids=["UTM", "degrees", "degrees coarse", "conic askew", "conic coarser than cells"],
)
def test_means_and_shares_equal_exact_clipping(grid):
    generator = np.random.default_rng(2)
    values = generator.normal(50, 20, grid.shape).astype(np.float32)
    values[generator.random(grid.shape) < 0.1] = np.nan
    cells = cells_over(grid)
    expected, shares = clipped_means(values.astype(float), grid, cells)
    means, found_shares = means_of(values, grid, cells)
    np.testing.assert_allclose(found_shares, shares, atol=1e-3)
    enough = shares > 0.1
    assert enough.sum() >= 9
    # A mean of random pixels moves by the errors of the weights times their spread (20).
    np.testing.assert_allclose(means[enough], expected[enough], atol=0.04)


def test_a_plane_has_its_value_at_the_centre_of_gravity():
    """A linear field of EASE x and y: the mean of a cell that is wholly covered is its centre's."""
    transform = Transformation(UTM.crs, EASE.crs)
    x, y = transform(UTM.x_centres()[None, :], UTM.y_centres()[:, None])
    cells = cells_over(UTM)
    values = (x - cells.left) / 9008 + 3 * (cells.top - y) / 9008
    means, shares = means_of(values, UTM, cells)
    expected = (cells.x_centres()[None, :] - cells.left) / 9008 + 3 * (
        cells.top - cells.y_centres()[:, None]
    ) / 9008
    whole = shares > 0.9999
    assert whole.sum() >= 4
    np.testing.assert_allclose(means[whole], expected[whole], atol=2e-3)


@settings(max_examples=15, deadline=None)
@given(st.floats(-1e4, 1e4), st.integers(0, 2**32 - 1), st.sampled_from([UTM, None]))
def test_a_constant_stays_constant(constant, seed, grid):
    grid = grid or Grid("EPSG:4326", 113.0, 39.8, 0.01, 0.01, 40, 40)
    values = np.where(np.random.default_rng(seed).random(grid.shape) < 0.5, constant, np.nan)
    means, _shares = means_of(values, grid, cells_over(grid))
    valid = means[np.isfinite(means)]
    assert valid.size
    assert valid == pytest.approx(constant, rel=1e-12, abs=1e-9)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_total_is_conserved(seed):
    """Sum of mean x covered area over all cells = sum of value x pixel area."""
    values = np.random.default_rng(seed).uniform(0, 10, UTM.shape)
    means, shares = means_of(values, UTM, cells_over(UTM))
    transform = Transformation(UTM.crs, EASE.crs)
    areas = outline(Grid(UTM.crs, UTM.left, UTM.top, 35000, 30000, 1, 1), 0, 0, transform).GetArea()
    total = np.nansum(means * shares) * EASE.cell_width * EASE.cell_height
    # UTM's scale changes by less than 1e-3 over the grid, so the pixels' areas are all but equal.
    assert total == pytest.approx(values.mean() * areas, rel=1e-3)
    assert shares.sum() * EASE.cell_width * EASE.cell_height == pytest.approx(areas, rel=1e-5)


def test_the_same_grid_gives_the_same_values():
    cells = EASE.crop(Window(500, 500, 4, 5))
    values = np.random.default_rng(0).normal(size=(4, 5))
    means, shares = means_of(values, cells, cells)
    np.testing.assert_allclose(means, values, rtol=1e-12)
    np.testing.assert_allclose(shares, 1.0, rtol=1e-12)


def test_rows_of_degrees_weigh_by_their_true_area():
    """Two rows that lie in one cell: the weights are the bands' widths on the sphere's sine."""
    cell = Grid(EASE.crs, EASE.left, EASE.top, EASE.cell_width * 40, EASE.cell_height * 40, 96, 40)
    grid = Grid("EPSG:4326", 20.0, 66.0, 0.5, 0.5, 1, 2)
    row, col = 1, int((Transformation("EPSG:4326", EASE.crs)(20.2, 65.5)[0] - EASE.left) // cell.cell_width)
    values = np.array([[1.0], [0.0]])
    means, _shares = means_of(values, grid, cell)
    sines = np.sin(np.radians([66.0, 65.5, 65.0]))
    share = (sines[0] - sines[1]) / (sines[0] - sines[2])
    assert share < 0.496
    assert means[row, col] == pytest.approx(share, abs=2e-4)


def test_a_raster_from_0_to_360_degrees_serves_the_western_half():
    grid = Grid("EPSG:4326", 0.0, 90.0, 0.25, 0.25, 1440, 720)
    values = np.broadcast_to(grid.x_centres(), grid.shape)
    bounds = transform_bounds(Bounds(-72.0, -13.0, -71.0, -12.0), "EPSG:4326", EASE.crs)
    cells = EASE.crop(EASE.window_touching(bounds))
    means, shares = means_of(values, grid, cells)
    np.testing.assert_allclose(shares, 1.0, atol=1e-3)
    assert 287.9 < means.min() < 288.2 < 288.8 < means.max() < 289.2


def test_cells_below_the_least_share_have_no_mean():
    cells = cells_over(UTM)
    values = np.ones(UTM.shape)
    means, shares = means_of(values, UTM, cells, minimum=0.5)
    np.testing.assert_array_equal(np.isfinite(means), shares >= 0.5 - 1e-3)
    assert 0 < np.isfinite(means).sum() < (shares > 0).sum()


@pytest.mark.parametrize("left", [0.0, -180.0, -0.5])
def test_cells_across_the_seam_of_longitudes_are_covered_once(left):
    """Greenwich, where a raster from 0 to 360 degrees begins and ends."""
    grid = Grid("EPSG:4326", left, 10.5, 0.25, 0.25, 1440, 4)
    x = grid.x_centres()
    values = np.broadcast_to(np.where(x > 180, x - 360, x), grid.shape)
    bounds = transform_bounds(Bounds(-0.9, 9.8, 0.9, 10.2), "EPSG:4326", EASE.crs)
    cells = EASE.crop(EASE.window_touching(bounds))
    means, shares = means_of(values, grid, cells)
    np.testing.assert_allclose(shares, 1.0, atol=1e-3)
    lon, _lat = Transformation(EASE.crs, "EPSG:4326")(
        cells.x_centres(), np.full(cells.width, cells.y_centres()[0])
    )
    inner = np.abs(lon % 0.25 - 0.125) < 0.075
    np.testing.assert_allclose(means[0][inner], np.floor(lon[inner] * 4) / 4 + 0.125, atol=1e-6)


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_least_share_that_is_none_is_refused(share):
    with pytest.raises(InputError) as caught:
        means_of(np.ones(UTM.shape), UTM, cells_over(UTM), minimum=share)
    assert str(caught.value) == f"MINIMUM_COVERED is {share:g}; give a share from 0 to 1."


@pytest.fixture
def mask(tmp_path):
    """A mask in another CRS and finer than the pixels: 1 in the west, 0, then NoData, in the east."""
    grid = Grid("EPSG:4326", 113.0, 39.8, 0.002, 0.002, 250, 250)
    values = np.zeros(grid.shape)
    values[:, :110] = 1
    values[:, 180:] = np.nan
    write_geotiff(tmp_path / "mask.tif", grid, values)
    return Mask(str(tmp_path / "mask.tif"))


def test_masked_pixels_are_out_of_means_and_shares(mask):
    """The masked half is west of 113.22 E: the same as cutting it away."""
    cells = cells_over(UTM)
    lon, _lat = Transformation(UTM.crs, "EPSG:4326")(UTM.x_centres()[None, :], UTM.y_centres()[:, None])
    values = np.where(lon < 113.22, 100.0, 1.0)
    means, shares = means_of(values, UTM, cells, mask)
    edge = float(Transformation("EPSG:4326", EASE.crs)(np.array(113.22), np.array(39.6))[0])
    plain = means_of(np.ones(UTM.shape), UTM, cells)[1]
    wall = (edge - cells.left) / cells.cell_width
    for col in range(cells.width):
        kept = min(max(col + 1 - wall, 0), 1)
        whole = plain[:, col] > 0.999
        np.testing.assert_allclose(shares[whole, col], kept, atol=5e-3)
        if kept == 1:
            np.testing.assert_allclose(means[whole, col], 1.0)
    assert np.isnan(means[:, 0]).all()


def test_cancelling_stops_in_the_middle():
    class Fed(Progress):
        asked = 0

        def is_cancelled(self):
            self.asked += 1
            return self.asked > 6

    grid = Grid("EPSG:4326", 113.0, 39.8, 0.001, 0.001, 1200, 1200)
    with pytest.raises(Cancelled):
        means_of(np.ones(grid.shape), grid, cells_over(grid), progress=Fed())


def test_grids_that_do_not_meet_have_no_window():
    assert window_over(UTM, Bounds(0, 0, 1, 1), "EPSG:4326") is None
    part = window_over(UTM, Bounds(113.2, 39.5, 113.3, 39.6), "EPSG:4326", margin=0)
    assert part is not None
    assert 0 < part.row < 59
    assert math.isclose(part.height * 500, 11_100, rel_tol=0.15)


#: Pixels finer than the cells, as fine, askew, of degrees, coarser, and much coarser.
PAIRS = {
    "finer": (Grid("EPSG:32718", 690_000.0, 8_540_000.0, 30.0, 30.0, 700, 500), 250.0),
    "whole parts of a cell": (Grid("EPSG:32718", 690_000.0, 8_540_000.0, 50.0, 50.0, 700, 500), 100.0),
    "askew": (Grid("EPSG:6933", -7_050_000.0, -1_670_000.0, 400.0, 400.0, 90, 80), 500.0),
    "degrees": (Grid("EPSG:4326", -73.3, -13.1, 0.002, 0.002, 150, 120), 1000.0),
    "coarser": (Grid("EPSG:4326", -73.3, -13.1, 0.05, 0.05, 9, 8), 2000.0),
    "much coarser": (Grid("EPSG:4326", -73.3, -13.1, 0.1, 0.1, 6, 6), 400.0),
}


@pytest.mark.parametrize("kind", list(PAIRS))
def test_means_of_a_part_are_those_of_the_whole_to_the_last_bit(kind):
    """Chunks of pixels begin elsewhere, and their mean size is another, where only a part is read."""
    pixels, side = PAIRS[kind]
    cells = Grid("EPSG:32718", 690_000.0, 8_540_000.0, side, side, 60, 40)
    generator = np.random.default_rng(6)
    values = generator.normal(20, 5, pixels.shape).astype(np.float32)
    values[generator.random(pixels.shape) < 0.2] = np.nan
    whole = cell_means([Source("a", 1, pixels)], cells, minimum_share=0.3, reader=Arrays(a=values), parts=4)
    assert np.isfinite(whole.values).mean() > 0.1
    for window in (Window(0, 0, 1, 1), Window(3, 7, 9, 20), Window(20, 0, 20, 60), Window(39, 59, 1, 1)):
        reader = Arrays(a=values)
        part = cell_means(
            [Source("a", 1, pixels)], cells, minimum_share=0.3, reader=reader, parts=4, wanted=window
        )
        for one, other in ((part.values, whole.values), (part.shares, whole.shares)):
            expected = other[0][window.slices]
            assert np.array_equal(one[0].view(np.uint64), expected.view(np.uint64))


def test_of_a_part_only_its_own_pixels_are_read():
    pixels, _side = PAIRS["finer"]
    cells = Grid("EPSG:32718", 690_000.0, 8_540_000.0, 300.0, 300.0, 70, 50)
    read = []

    class Watched(Arrays):
        def read(self, source, window):
            read.append(window)
            return super().read(source, window)

    reader = Watched(a=np.ones(pixels.shape, np.float32))
    wanted = Window(20, 30, 2, 3)
    cell_means([Source("a", 1, pixels)], cells, reader=reader, parts=4, wanted=wanted)
    # Ten pixels a cell, and those of the cells around.
    assert len(read) <= 2
    assert sum(window.height * window.width for window in read) <= 41 * 51
