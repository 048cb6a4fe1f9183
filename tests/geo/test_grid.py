"""Grids: windows, crops, the EASE-Grid 2.0."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.geo.grid import Bounds, Grid, Window, ease2_grid

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


def test_bad_grids_are_refused():
    with pytest.raises(ValueError, match="positive"):
        Grid("EPSG:32719", 0, 0, -1, 1, 2, 2)
    with pytest.raises(ValueError, match="at least one cell"):
        Grid("EPSG:32719", 0, 0, 1, 1, 0, 2)
