"""Specific catchment area and topographic wetness index."""

from __future__ import annotations

import numpy as np

from .settings import TerrainSettings
from .slope import flow_width, tan_slope


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
    """ln(a / tan beta), ln m: Beven & Kirkby (1979), with tan beta at least `floor`."""
    return np.asarray(np.log(area / np.maximum(tan_slope(north, east), floor)))
