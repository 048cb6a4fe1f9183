"""Slope, specific catchment area and topographic wetness index, from central differences of elevation."""

from __future__ import annotations

import math

import numpy as np

from .settings import TerrainSettings
from .surface import Surface

#: |sin| + |cos| that SAGA takes where there is no aspect: its "none" is -1 radian.
FLAT_WIDTH = math.sin(1.0) + math.cos(1.0)


def specific_area(
    upslope: np.ndarray, north: np.ndarray, east: np.ndarray, cell: float, settings: TerrainSettings
) -> np.ndarray:
    """Catchment area by width of flow, m: total area / flow width, or / cell where `area` is "total".

    Parameters
    ----------
    upslope : array (n,)
        Cells whose water passes.
    north, east : array (n,)
        Rises of the filled DEM (`slope.gradient`), NaN where missing.
    cell : float
        m

    Returns
    -------
    float64 array (n,), NaN where the gradient is
    """
    if settings.area == "total":
        return np.asarray(np.where(np.isnan(north), np.nan, upslope * cell))
    return np.asarray(upslope * cell * cell / flow_width(north, east, cell))


def wetness_index(area: np.ndarray, north: np.ndarray, east: np.ndarray, floor: float) -> np.ndarray:
    """ln(a / tan beta), ln m, (n,): Beven & Kirkby (1979), with tan beta at least `floor`."""
    return np.asarray(np.log(area / np.maximum(tan_slope(north, east), floor)))


def gradient(surface: Surface, part: slice) -> tuple[np.ndarray, np.ndarray]:
    """Rise to the north and to the east, m/m, each float64 (n,); NaN where the cell is missing.

    Central differences, a missing neighbour being mirrored (Zevenbergen & Thorne 1987, as in SAGA).
    """
    here = surface.z[part].astype(np.float64)
    rises = []
    for ahead, behind in ((0, 4), (2, 6)):
        up = surface.neighbour(surface.z, part, ahead) - here
        down = here - surface.neighbour(surface.z, part, behind)
        rise = np.where(np.isnan(up), down, up) + np.where(np.isnan(down), up, down)
        rise[np.isnan(rise)] = 0.0
        rise[np.isnan(here)] = np.nan
        rises.append(rise / (2.0 * surface.cell))
    return rises[0], rises[1]


def tan_slope(north: np.ndarray, east: np.ndarray) -> np.ndarray:
    """Tangent of the slope from the rises to the north and east, m/m, each (n,)."""
    return np.hypot(north, east)


def flow_width(north: np.ndarray, east: np.ndarray, cell: float) -> np.ndarray:
    """Width that the flow out of a cell takes, (|sin| + |cos|) of its aspect times the cell, m, (n,).

    Flat cells take 1.38 cells, as in SAGA's `Flow Width and Specific Catchment Area`.
    """
    steep = tan_slope(north, east)
    width = np.full(steep.shape, FLAT_WIDTH * cell)
    sloping = ~(steep == 0)
    width[sloping] = (np.abs(north[sloping]) + np.abs(east[sloping])) / steep[sloping] * cell
    return width
