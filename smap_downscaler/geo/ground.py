"""How large the cells of a grid are on the ground."""

from __future__ import annotations

import numpy as np

from ..base.errors import InputError
from .grid import Grid


def ground_size(grid: Grid) -> tuple[float, float]:
    """Height and width on the ground of the cell in the middle of a grid, m, on the WGS 84 ellipsoid.

    Raises
    ------
    InputError
        If it has no place on earth.
    """
    from pyproj import CRS, Geod, Transformer
    from pyproj.exceptions import ProjError

    x, y = grid.left + grid.width / 2 * grid.cell_width, grid.top - grid.height / 2 * grid.cell_height
    half = np.array([grid.cell_width, grid.cell_height]) / 2
    ends = np.array([x - half[0], x + half[0], x, x]), np.array([y, y, y - half[1], y + half[1]])
    try:
        to_degrees = Transformer.from_crs(CRS.from_user_input(grid.crs), "EPSG:4326", always_xy=True)
        lon, lat = (np.asarray(part) for part in to_degrees.transform(*ends))
    except ProjError:
        lon = lat = np.full(4, np.nan)
    if not np.isfinite(lon + lat).all():
        raise InputError(f"The grid has no place on earth in {grid.crs[:60]}; check its CRS.")
    width, height = Geod(ellps="WGS84").inv(lon[[0, 2]], lat[[0, 2]], lon[[1, 3]], lat[[1, 3]])[2]
    return float(height), float(width)
