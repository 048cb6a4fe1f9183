"""Blocks: every cell once, whole file tiles, within the budget."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.geo.blocks import blocks, meeting, tiles_of, windows
from smap_downscaler.geo.geotiff import TILE
from smap_downscaler.geo.grid import Grid, Window


@given(width=st.integers(1, 2000), height=st.integers(1, 2000), most=st.integers(-5, 3_000_000))
def test_blocks_tile_the_grid_exactly_once(width, height, most):
    windows = list(blocks(Grid("EPSG:6933", 0, 0, 1, 1, width, height), most))
    seen = np.zeros((height, width), np.uint8)
    for window in windows:
        assert window.row % TILE == 0
        assert window.col % TILE == 0
        assert window.row + window.height <= height
        assert window.col + window.width <= width
        assert window.height * window.width <= max(most, TILE * TILE)
        seen[window.slices] += 1
    assert seen.min() == seen.max() == 1
    assert [(window.row, window.col) for window in windows] == sorted(
        (window.row, window.col) for window in windows
    )


def test_blocks_are_as_large_as_the_budget_allows():
    grid = Grid("EPSG:6933", 0, 0, 1, 1, 1000, 1000)
    assert list(blocks(grid, 10**9)) == [Window(0, 0, 1000, 1000)]
    assert list(blocks(grid, 1000 * TILE))[:2] == [Window(0, 0, 256, 1000), Window(256, 0, 256, 1000)]
    assert list(blocks(grid, 1000 * TILE - 1))[:2] == [Window(0, 0, 256, 768), Window(0, 768, 256, 232)]
    assert len(list(blocks(grid, 1))) == 16


@given(st.integers(0, 50), st.integers(0, 50), *[st.integers(1, 60)] * 4)
def test_windows_cut_a_part_of_a_grid(row, col, height, width, rows, cols):
    seen = np.zeros((110, 110), np.uint8)
    for window in windows(Window(row, col, height, width), rows, cols):
        assert window.height <= rows
        assert window.width <= cols
        seen[window.slices] += 1
    assert seen[row : row + height, col : col + width].min() == seen.max() == 1
    assert seen.sum() == height * width
    assert {window.width for window in windows(Window(row, col, height, width), rows)} == {width}


@given(st.integers(0, 590), st.integers(0, 700), st.integers(1, 300), st.integers(1, 400))
def test_tiles_of_a_part_are_those_of_the_file(row, col, height, width):
    grid = Grid("EPSG:6933", 0, 0, 1, 1, 701, 591)
    part = Window(row, col, min(height, 591 - row), min(width, 701 - col))
    whole, seen = set(windows(grid.whole, TILE, TILE)), np.zeros(grid.shape, np.uint8)
    for tile, inside in tiles_of(grid, part):
        assert tile in whole
        assert tile.part(tile.place_of(inside)) == inside == tile.common(part)
        seen[inside.slices] += 1
    assert seen[part.slices].min() == seen.max() == 1
    assert seen.sum() == part.height * part.width


def test_windows_that_share_no_cell():
    assert Window(0, 0, 5, 5).common(Window(5, 0, 5, 5)) is None
    assert Window(0, 3, 5, 5).common(Window(2, 0, 5, 4)) == Window(2, 3, 3, 1)
    assert list(meeting([Window(0, 0, 2, 2), Window(0, 2, 2, 2)], Window(1, 3, 4, 4))) == [
        (Window(0, 2, 2, 2), Window(1, 3, 1, 1))
    ]
