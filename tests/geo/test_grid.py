"""Grids: windows, crops, the EASE-Grid 2.0."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.geo.grid import ALIGNMENT, Bounds, Grid, Window, ease2_grid

GRID = Grid("EPSG:32719", 500.0, 900.0, 10.0, 20.0, 30, 40)


def test_ease_grids_span_the_same_globe():
    fine, coarse = ease2_grid("9 km"), ease2_grid("36 km")
    # Tabulated sizes are rounded to the nanometre.
    assert fine.bounds.right == pytest.approx(-fine.left, abs=1e-5)
    assert fine.bounds.bottom == pytest.approx(-fine.top, abs=1e-5)
    assert coarse.bounds.right == pytest.approx(fine.bounds.right, abs=1e-5)
    assert (fine.width, fine.height) == (4 * coarse.width, 4 * coarse.height)


def test_window_keeps_every_touched_cell():
    assert GRID.window_touching(Bounds(511, 841, 519, 859)) == Window(2, 1, 1, 1)
    assert GRID.window_touching(Bounds(509.9, 839.9, 520.1, 860.1)) == Window(1, 0, 3, 3)
    assert GRID.window_touching(Bounds(510, 840, 520, 860)) == Window(2, 1, 1, 1)
    assert GRID.window_touching(Bounds(0, 0, 9999, 9999)) == GRID.whole
    assert GRID.window_touching(Bounds(0, 0, 500, 100)) is None


@given(st.integers(0, 29), st.integers(0, 39), st.integers(1, 30), st.integers(1, 40))
def test_a_crop_finds_its_own_window(col, row, width, height):
    window = Window(row, col, min(height, 40 - row), min(width, 30 - col))
    crop = GRID.crop(window)
    assert GRID.window_touching(crop.bounds) == window
    assert crop.offset_in(GRID) == pytest.approx((row, col))
    assert crop.x_centres()[0] == pytest.approx(GRID.x_centres()[col])
    assert crop.y_centres()[-1] == pytest.approx(GRID.y_centres()[row + window.height - 1])


def moved(grid, down, right, taller, wider):
    """The grid with its corners moved by parts of a cell: the first one, and the last one further."""
    height = grid.cell_height * (1 + taller / grid.height)
    width = grid.cell_width * (1 + wider / grid.width)
    left, top = grid.left + right * grid.cell_width, grid.top - down * grid.cell_height
    return Grid(grid.crs, left, top, width, height, grid.width, grid.height)


OFF = st.floats(-2 * ALIGNMENT, 2 * ALIGNMENT)
PLACE, SIZE = st.integers(-50, 50), st.integers(1, 500)


@given(PLACE, PLACE, SIZE, SIZE, OFF, OFF, OFF, OFF)
def test_cells_are_the_same_if_all_their_corners_are(row, col, height, width, down, right, taller, wider):
    part = moved(GRID.crop(Window(row, col, height, width)), down, right, taller, wider)
    furthest = max(map(abs, (down, right, down + taller, right + wider)))
    if abs(furthest - ALIGNMENT) > 1e-9:
        assert part.cell_offset_in(GRID) == ((row, col) if furthest < ALIGNMENT else None)
        assert (part.cell_offset_in(GRID) is not None) == (furthest < ALIGNMENT)


@given(st.sampled_from([3, 10, 30, 60, 120]), st.integers(0, 350), st.integers(-170, 160), st.integers(2, 20))
def test_coordinates_in_single_precision_lie_on_their_cells(cells, left, top, size):
    """Cells of 20 minutes to 30 seconds: centres in float32, as in NetCDF, and what GDAL makes of them."""
    cell = 1 / cells
    exact = Grid("EPSG:4326", left - 180.0, top / 2.0, cell, cell, size * cells, size * cells)
    x, y = exact.x_centres().astype(np.float32), exact.y_centres().astype(np.float32)
    width = (float(x[-1]) - float(x[0])) / (len(x) - 1)
    height = (float(y[0]) - float(y[-1])) / (len(y) - 1)
    read = Grid(exact.crs, x[0] - width / 2, y[0] + height / 2, width, height, *exact.shape[::-1])
    assert read.cell_offset_in(exact) == (0, 0)
    assert exact.crop(Window(1, 1, 1, 1)).cell_offset_in(read) == (1, 1)


def test_the_ease_grid_in_single_precision_or_rounded_to_a_metre_is_the_ease_grid():
    for resolution in ("9 km", "36 km"):
        world = ease2_grid(resolution)
        for corner in (np.float32, round):
            read = Grid(world.crs, float(corner(world.left)), float(corner(world.top)), *world_cells(world))
            assert read.cell_offset_in(world) == (0, 0)


def world_cells(grid):
    return round(grid.cell_width, 6), round(grid.cell_height, 6), grid.width, grid.height


def test_half_a_cell_finer_or_coarser_is_not_aligned():
    assert moved(GRID, 0.5, 0, 0, 0).cell_offset_in(GRID) is None
    assert Grid(GRID.crs, GRID.left, GRID.top, 5, 10, 60, 80).cell_offset_in(GRID) is None
    assert Grid(GRID.crs, GRID.left, GRID.top, 20, 40, 15, 20).cell_offset_in(GRID) is None


def test_bad_grids_are_refused():
    with pytest.raises(ValueError, match="positive"):
        Grid("EPSG:32719", 0, 0, -1, 1, 2, 2)
    with pytest.raises(ValueError, match="at least one cell"):
        Grid("EPSG:32719", 0, 0, 1, 1, 0, 2)
