"""Points on a grid: the cells that they lie in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .datasets import spatial_reference
from .grid import Grid
from .lattice import Transformation


@dataclass(frozen=True, eq=False)
class PointsOnGrid:
    """Points such as stations on a grid: rows and columns from its upper left corner, in fractions of cells.

    `inside`: which of them lie on the grid, bool. All float64 or bool, shape (n,).
    """

    rows: np.ndarray
    cols: np.ndarray
    inside: np.ndarray


def points_on_grid(grid: Grid, crs: str, x: np.ndarray, y: np.ndarray) -> PointsOnGrid:
    """Stations at `x`, `y`, shape (n,), in `crs`, on a grid.

    Raises
    ------
    InputError
        If there is no way from one CRS to the other.
    """
    x, y = Transformation(crs, grid.crs)(x, y)
    if spatial_reference(grid.crs).IsGeographic():
        # Grids of 0 to 360 degrees.
        x = grid.left + np.mod(x - grid.left, 360.0)
    rows, cols = (grid.top - y) / grid.cell_height, (x - grid.left) / grid.cell_width
    with np.errstate(invalid="ignore"):
        inside = (rows >= 0) & (rows < grid.height) & (cols >= 0) & (cols < grid.width)
    return PointsOnGrid(rows, cols, inside)
