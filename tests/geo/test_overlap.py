"""Shared areas of pixels and cells, against polygons clipped by OGR."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from osgeo import ogr

from raster_cases import CELLS, Listener, part_of_world
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.geo.grid import Grid, Window
from smap_downscaler.geo.lattice import Transformation, transform_bounds
from smap_downscaler.geo.overlap import overlap, window_around
from smap_downscaler.geo.sampling import CellSums
from smap_downscaler.geo.sources import windows_over

MAYBE = st.one_of(st.just(np.nan), st.floats(-100, 100, width=32))


def degrees_over(grid, cell, shift=0.0, turn=0.0):
    """A grid in degrees, a little larger than `grid`."""
    box = transform_bounds(grid.bounds, grid.crs, "EPSG:4326")
    left, top = np.floor(box.left / cell - 2) * cell + shift, np.ceil(box.top / cell + 2) * cell + shift
    width, height = int((box.right - left) / cell) + 3, int((top - box.bottom) / cell) + 3
    return Grid("EPSG:4326", float(left + turn), float(top), cell, cell, width, height)


def ring(x, y):
    shape = ogr.Geometry(ogr.wkbLinearRing)
    for point in zip(x, y):
        shape.AddPoint_2D(*map(float, point))
    polygon = ogr.Geometry(ogr.wkbPolygon)
    polygon.AddGeometry(shape)
    return polygon


def clipped_areas(source, target):
    """Area that each pixel shares with each cell, in cells; a pixel is the polygon of its projected edges."""
    forward = Transformation(source.crs, target.crs)
    along = np.linspace(0, 1, 9)
    u = np.concatenate([along, np.ones(9), along[::-1], np.zeros(9)])
    v = np.concatenate([np.zeros(9), along, np.ones(9), along[::-1]])
    cells = {}
    for row in range(target.height):
        for col in range(target.width):
            left, top = target.left + col * target.cell_width, target.top - row * target.cell_height
            x = left + np.array([0, 1, 1, 0, 0]) * target.cell_width
            cells[row, col] = ring(x, top - np.array([0, 0, 1, 1, 0]) * target.cell_height)
    shared = np.zeros((source.height, source.width, target.height, target.width))
    for row in range(source.height):
        for col in range(source.width):
            x = source.left + (col + u) * source.cell_width
            y = source.top - (row + v) * source.cell_height
            pixel = ring(*forward(np.append(x, x[0]), np.append(y, y[0])))
            for cell, polygon in cells.items():
                if pixel.Intersects(polygon):
                    shared[(row, col, *cell)] = pixel.Intersection(polygon).Area()
    return shared / (target.cell_width * target.cell_height)


def over(source, cells=CELLS):
    return overlap(source, cells, windows_over(source, cells.bounds, cells.crs))


def mean_of(found, values, minimum, cells=CELLS):
    sums = CellSums(1, cells.shape)
    sums.add(0, found.cells, found.areas, values.ravel()[found.pixels])
    return sums.means(0, minimum)


def areas_of(found, source):
    shared = np.zeros((*source.shape, *CELLS.shape))
    rows, cols = np.divmod(found.pixels, found.window.width)
    shared.reshape(*source.shape, -1)[rows + found.window.row, cols + found.window.col, found.cells] = (
        found.areas
    )
    return shared


@pytest.mark.parametrize(
    "source",
    [
        degrees_over(CELLS, 0.05, 0.013),
        degrees_over(CELLS, 0.25),
        degrees_over(CELLS, 0.05, turn=360.0),
        Grid("EPSG:32719", 169000.0, 8560000.0, 5000.0, 4000.0, 30, 30),
        degrees_over(CELLS, 1.0, 0.3),
        degrees_over(CELLS, 10.0, 0.3),
        Grid("EPSG:32719", 109000.0, 8660000.0, 50000.0, 40000.0, 5, 5),
    ],
    ids=[
        "CHIRPS",
        "coarser than the cells",
        "0 to 360",
        "askew",
        "much coarser",
        "around all",
        "large and askew",
    ],
)
def test_areas_are_those_of_clipped_polygons(source):
    found = over(source)
    got, expected = areas_of(found, source), clipped_areas(source, CELLS)
    # The cells are covered once.
    assert np.allclose(got.sum(axis=(0, 1)), expected.sum(axis=(0, 1)), atol=2e-4)
    assert np.abs(got - expected).max() < 2e-3
    assert len(np.unique(found.pixels * 1000 + found.cells)) == len(found.pixels)


def test_one_crs_is_exact():
    source = Grid(
        CELLS.crs,
        CELLS.left - 1234.5,
        CELLS.top + 777.0,
        CELLS.cell_width * 0.37,
        CELLS.cell_height * 1.9,
        25,
        5,
    )
    assert np.allclose(areas_of(over(source), source), clipped_areas(source, CELLS), atol=1e-9)


def test_over_the_seam_of_0_to_360_degrees():
    """Cells on either side of Greenwich, where a grid from 0 to 360 degrees has its two ends."""
    cells = Grid(CELLS.crs, -4 * CELLS.cell_width, 1_500_000.0, CELLS.cell_width, CELLS.cell_height, 8, 3)
    world = Grid("EPSG:4326", 0.0, 30.0, 0.25, 0.25, 1440, 240)
    centred = Grid("EPSG:4326", -180.0, 30.0, 0.25, 0.25, 1440, 240)
    longitudes = np.broadcast_to(world.x_centres() % 360, world.shape)
    field = np.cos(np.radians(longitudes) * 5) + np.arange(240)[:, None] / 100
    means = []
    for grid, values in ((world, field), (centred, np.roll(field, 720, axis=1))):
        found = over(grid, cells)
        means.append(mean_of(found, part_of_world(values, found.window), 0.99, cells))
    assert np.isfinite(means[0]).all()
    assert np.allclose(means[0], means[1], rtol=0, atol=1e-6)


SOURCE = degrees_over(CELLS, 0.1)
SHARED = over(SOURCE)
SHARES = areas_of(SHARED, SOURCE)


@settings(deadline=None)
@given(
    values=arrays(np.float32, SOURCE.shape, elements=MAYBE),
    minimum=st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0]),
)
def test_means_leave_missing_pixels_out(values, minimum):
    got = mean_of(SHARED, values[SHARED.window.slices], minimum)
    for row in range(CELLS.height):
        for col in range(CELLS.width):
            weights = SHARES[:, :, row, col]
            valid = np.isfinite(values) & (weights > 0)
            covered = weights[valid].sum()
            if abs(covered - minimum) < 2e-3 and minimum > 0:
                continue
            if covered == 0 or covered < minimum:
                assert np.isnan(got[row, col])
            else:
                expected = np.average(values[valid].astype(np.float64), weights=weights[valid])
                assert got[row, col] == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(value=st.floats(-1e6, 1e6, width=32))
def test_a_constant_stays_constant(value):
    got = mean_of(SHARED, np.full((SHARED.window.height, SHARED.window.width), value, np.float32), 1.0)
    assert (got.astype(np.float32) == np.float32(value)).all()


def test_only_the_part_over_the_cells_is_read():
    world = Grid("EPSG:4326", -180.0, 90.0, 0.25, 0.25, 1440, 720)
    window = over(world).window
    assert window.height * window.width < 100


def test_grids_that_do_not_meet():
    far = Grid("EPSG:4326", 20.0, 10.0, 0.5, 0.5, 4, 3)
    for windows in ([], [far.whole]):
        found = overlap(far, CELLS, windows)
        assert (found.nbytes, found.pixels.size) == (0, 0)


def test_cancel():
    with pytest.raises(Cancelled):
        overlap(SOURCE, CELLS, [SOURCE.whole], Listener(calls=0))


def test_the_window_around_windows():
    assert window_around([]) == Window(0, 0, 0, 0)
    assert window_around([Window(2, 5, 3, 4), Window(1, 20, 3, 2)]) == Window(1, 5, 4, 17)
