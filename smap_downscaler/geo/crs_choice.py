"""Which metric CRS suits a region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .datasets import spatial_reference
from .grid import Bounds, Grid
from .lattice import Transformation, transform_bounds

#: A CRS whose metres are off by more, or whose axes are that far from square, is not chosen unasked.
_TRUE_TO_SCALE = 0.02


@dataclass(frozen=True)
class Region:
    """An extent with its CRS, and what messages call it."""

    bounds: Bounds
    crs: str
    label: str


def default_crs(grids: Sequence[Grid], region: Region) -> str:
    """The CRS of the first layer that is metric and true to scale in the region, else its UTM zone."""
    utm = utm_zone(region)
    for grid in grids:
        if is_metric(grid.crs) and _true_to_scale(grid.crs, region, utm):
            return grid.crs
    return utm


def is_metric(crs: str) -> bool:
    """Whether a CRS is projected, in metres."""
    reference = spatial_reference(crs)
    return bool(reference.IsProjected()) and abs(reference.GetLinearUnits() - 1.0) < 1e-9


def utm_zone(region: Region) -> str:
    """`EPSG:code` of the UTM zone of the region's centre (WGS 84)."""
    bounds = region.bounds
    lon, lat = Transformation(region.crs, "EPSG:4326")(
        np.array((bounds.left + bounds.right) / 2), np.array((bounds.bottom + bounds.top) / 2)
    )
    zone = int(((float(lon) + 180.0) % 360.0) // 6) + 1
    return f"EPSG:{(32600 if lat >= 0 else 32700) + zone}"


def _true_to_scale(crs: str, region: Region, utm: str) -> bool:
    """Whether a kilometre in x and y is one on the ground, at right angles (Web Mercator's is not)."""
    box = transform_bounds(region.bounds, region.crs, crs)
    x, y = (box.left + box.right) / 2, (box.bottom + box.top) / 2
    step = 1000.0
    east, north = Transformation(crs, utm)(np.array([x, x + step, x]), np.array([y, y, y + step]))
    along = np.array([east[1] - east[0], north[1] - north[0]]) / step
    up = np.array([east[2] - east[0], north[2] - north[0]]) / step
    errors = (np.hypot(*along) - 1, np.hypot(*up) - 1, float(along @ up))
    # NaN, where the transform fails, is not true to scale either.
    return all(abs(error) < _TRUE_TO_SCALE for error in errors)
