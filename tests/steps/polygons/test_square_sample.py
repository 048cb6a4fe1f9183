"""Sample squares on odd grids, against all positions there are, looked at one by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from raster_cases import grid_raster
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.crs_choice import Region
from smap_downscaler.geo.grid import Bounds, Grid
from smap_downscaler.geo.sources import Mask
from smap_downscaler.steps.polygons.numbers.squares import sides_on
from smap_downscaler.steps.polygons.squares import SquareDesign, sample_squares

CRS = "EPSG:32719"
LEFT, TOP = 300_000.0, 8_500_000.0
#: Edges may lie on edges, to within centimetres.
SLACK = 0.01


@dataclass(frozen=True)
class Odd:
    """Cells and pixels whose edges have nothing to do with each other, and a study area across the cells."""

    cells: Grid
    pixels: Grid
    area: Bounds
    size: float


def odd(seed):
    rng = np.random.default_rng(seed)
    wide, high = rng.uniform(1500, 5000, 2)
    cells = Grid(CRS, LEFT + rng.uniform(-900, 900), TOP + rng.uniform(-900, 900), wide, high, 7, 6)
    across, down = rng.uniform(60, 330, 2)
    pixels = Grid(CRS, LEFT - 3333.3, TOP + 2222.2, across, down, int(40_000 / across), int(35_000 / down))
    # Some cells are partly outside, some wholly, and the area may reach beyond the cells.
    west, east = LEFT + rng.uniform(-2000, 0.4 * 7 * wide), LEFT + rng.uniform(0.6, 1.1) * 7 * wide
    south, north = TOP - rng.uniform(0.6, 1.1) * 6 * high, TOP - rng.uniform(-2000, 0.4 * 6 * high)
    return Odd(cells, pixels, Bounds(west, south, east, north), float(rng.uniform(300, 1400)))


def all_positions(case):
    """For each cell the left upper corners (column, row of the pixels) of all squares that may be in it."""
    sides = sides_on(case.size, case.pixels)
    wide, high = round(sides.width / case.pixels.cell_width), round(sides.height / case.pixels.cell_height)
    found = {}
    cells, area = case.cells, case.area
    rows = case.pixels.top - np.arange(case.pixels.height) * case.pixels.cell_height
    cols = case.pixels.left + np.arange(case.pixels.width) * case.pixels.cell_width
    for row in range(cells.height):
        top = min(cells.top - row * cells.cell_height, area.top, case.pixels.top) + SLACK
        bottom = max(cells.top - (row + 1) * cells.cell_height, area.bottom) - SLACK
        good_rows = np.flatnonzero((rows <= top) & (rows - sides.height >= bottom))
        for col in range(cells.width):
            left = max(cells.left + col * cells.cell_width, area.left, case.pixels.left) - SLACK
            right = min(cells.left + (col + 1) * cells.cell_width, area.right) + SLACK
            good_cols = np.flatnonzero((cols >= left) & (cols + sides.width <= right))
            corners = {(int(c), int(r)) for c in good_cols for r in good_rows}
            corners = {
                (c, r) for c, r in corners if c + wide <= case.pixels.width and r + high <= case.pixels.height
            }
            if corners:
                found[row, col] = corners
    return found, (wide, high)


def design_of(case, **more):
    regions = (Region(case.area, CRS, "EXTENT"), Region(case.pixels.bounds, CRS, "COVARIATES"))
    sides = sides_on(case.size, case.pixels)
    return SquareDesign(**{
        "regions": regions, "crs": CRS, "sides": sides, "cells": case.cells, "count": 1000, "per_cell": 1,
        "seed": 1, **more,
    })  # fmt: skip


def corners_of(case, squares, sides):
    """Left upper corner of each square in columns and rows of the pixels, which are whole numbers."""
    cols = (squares.x - sides.width / 2 - case.pixels.left) / case.pixels.cell_width
    rows = (case.pixels.top - squares.y - sides.height / 2) / case.pixels.cell_height
    np.testing.assert_allclose(cols, np.round(cols), atol=1e-5)
    np.testing.assert_allclose(rows, np.round(rows), atol=1e-5)
    return list(zip(np.round(cols).astype(int).tolist(), np.round(rows).astype(int).tolist()))


@pytest.mark.parametrize("per_cell", [1, 3])
@pytest.mark.parametrize("seed", range(12))
def test_squares_on_odd_grids_are_among_all_positions_there_are(seed, per_cell):
    case = odd(seed)
    positions, (wide, high) = all_positions(case)
    design = design_of(case, per_cell=per_cell, seed=seed)
    if not positions:
        with pytest.raises(InputError, match="No square of"):
            sample_squares(design)
        return
    squares = sample_squares(design)
    corners = corners_of(case, squares, design.sides)
    of_cell = {}
    for row, col, corner in zip(squares.rows.tolist(), squares.cols.tolist(), corners):
        assert corner in positions[row, col]
        for c, r in of_cell.get((row, col), ()):
            assert abs(c - corner[0]) >= wide or abs(r - corner[1]) >= high
        of_cell.setdefault((row, col), []).append(corner)
    assert max(map(len, of_cell.values())) <= per_cell
    # No cell with room to move is left out.
    roomy = {
        cell
        for cell, some in positions.items()
        if len({c for c, _ in some}) > 2 and len({r for _, r in some}) > 2
    }
    assert roomy <= set(of_cell)


@pytest.mark.parametrize("seed", range(6))
def test_a_count_is_kept_and_spread_over_cells(seed):
    case = odd(seed)
    assert len(all_positions(case)[0]) >= 4
    squares = sample_squares(design_of(case, count=4, per_cell=9, seed=seed))
    assert len(squares.x) == 4
    again = sample_squares(design_of(case, count=4, per_cell=9, seed=seed))
    assert again.x.tolist() == squares.x.tolist()
    assert again.y.tolist() == squares.y.tolist()


@pytest.mark.parametrize("seed", range(4))
def test_masked_shares_on_odd_grids(seed, tmp_path, gdal_mode):
    """On the pixels of the squares exact; of a mask with other pixels to within its edge."""
    case, rng = odd(seed), np.random.default_rng(100 + seed)
    own = (rng.random(case.pixels.shape) < 0.3).astype(np.float32)
    other_grid = Grid(CRS, LEFT - 100.5, TOP + 77.7, 517.3, 411.9, 50, 60)
    other = (rng.random(other_grid.shape) < 0.5).astype(np.float32)
    masks = [
        Mask(grid_raster(tmp_path / "own.tif", case.pixels, own)),
        Mask(grid_raster(tmp_path / "other.tif", other_grid, other)),
    ]
    design = design_of(case, seed=seed)
    wide, high = all_positions(case)[1]
    alone = sample_squares(design, masks[:1])
    for (col, row), share in zip(corners_of(case, alone, design.sides), alone.masked):
        assert share == pytest.approx(own[row : row + high, col : col + wide].mean(), abs=1e-6)
    beside = sample_squares(design, masks[1:])
    for x, y, share in zip(beside.x, beside.y, beside.masked):
        assert share == pytest.approx(overlap(other, other_grid, x, y, design.sides), abs=0.06)
    both = sample_squares(design, masks)
    assert (both.masked >= np.maximum(alone.masked, beside.masked) - 0.06).all()
    assert (both.masked <= alone.masked + beside.masked + 0.06).all()


def overlap(mask, grid, x, y, sides):
    """Share of a square that masked pixels cover, from the areas of the pixels; outside the mask none."""
    left = grid.left + np.arange(grid.width) * grid.cell_width
    top = grid.top - np.arange(grid.height) * grid.cell_height
    across = np.minimum(left + grid.cell_width, x + sides.width / 2) - np.maximum(left, x - sides.width / 2)
    down = np.minimum(top, y + sides.height / 2) - np.maximum(top - grid.cell_height, y - sides.height / 2)
    areas = np.clip(down, 0, None)[:, None] * np.clip(across, 0, None)[None, :]
    return float((areas * mask).sum() / (sides.width * sides.height))
