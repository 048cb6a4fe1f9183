"""The frame of a map in any CRS: degrees along its edges, true north, and its scale on the ground."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..base.errors import InputError
from .datasets import spatial_reference
from .graticule import MapFrame, graticule, graticule_step, latitude_text, longitude_text
from .grid import Bounds
from .lattice import Transformation

_DEGREES = "EPSG:4326"
#: WGS 84: semi-major axis in metres, and squared eccentricity.
_AXIS, _ECCENTRICITY = 6_378_137.0, 0.00669437999014
#: A step along x or y, as a share of the map's size, by which directions are found.
_STEP = 1e-4
_EDGE_POINTS = 201


def frame_of(bounds: Bounds, crs: str) -> MapFrame | None:
    """The frame of a map over `bounds`, or None where they have no place on earth."""
    try:
        return map_frame(bounds, crs)
    except InputError:
        return None


def place_of(bounds: Bounds, crs: str) -> str:
    """Where the centre of an area lies, `13.2° S, 73.1° W`; empty where it has no place on earth."""
    x, y = (bounds.left + bounds.right) / 2, (bounds.bottom + bounds.top) / 2
    lon, lat = (float(part[0]) for part in Transformation(crs, _DEGREES)(np.array([x]), np.array([y])))
    if not math.isfinite(lon + lat):
        return ""
    return f"{latitude_text(round(lat, 1))}, {longitude_text(round(lon, 1))}"


def map_frame(bounds: Bounds, crs: str) -> MapFrame:
    """Work out the frame of a map over `bounds`.

    Raises
    ------
    InputError
        If the centre of the map has no longitude and latitude.
    """
    to_degrees = Transformation(crs, _DEGREES)
    x, y = (bounds.left + bounds.right) / 2, (bounds.bottom + bounds.top) / 2
    step = _STEP * max(bounds.right - bounds.left, bounds.top - bounds.bottom)
    lon, lat = to_degrees(np.array([x - step, x + step, x, x]), np.array([y, y, y - step, y + step]))
    if not np.isfinite(lon + lat).all():
        raise InputError(
            f"The map's extent {bounds.left:g}, {bounds.right:g}, {bounds.bottom:g}, {bounds.top:g} has no "
            f"place on earth in {crs[:60]}; check the CRS of the maps."
        )
    # Metres to the east and north a unit of x, and of y.
    east, north = _ground_radii(float(lat.mean()))
    turn = np.radians((np.array([lon[1] - lon[0], lon[3] - lon[2]]) + 180) % 360 - 180) * east / (2 * step)
    rise = np.radians([lat[1] - lat[0], lat[3] - lat[2]]) * north / (2 * step)
    up = np.linalg.solve(np.array([turn, rise]), np.array([0.0, 1.0]))
    up /= np.hypot(*up)
    meridians = _degrees_along(
        bounds.left, bounds.right, lambda at: to_degrees(at, np.full_like(at, bounds.bottom))[0]
    )
    parallels = _degrees_along(
        bounds.bottom, bounds.top, lambda at: to_degrees(np.full_like(at, bounds.left), at)[1]
    )
    return MapFrame(
        bounds,
        _name(crs),
        float(np.hypot(turn[0], rise[0])),
        (float(up[0]), float(up[1])),
        _crossings(*meridians, longitude_text),
        _crossings(*parallels, latitude_text),
        (_step_of(meridians[1]), _step_of(parallels[1])),
    )


def _ground_radii(latitude: float) -> tuple[float, float]:
    """Metres a radian to the east and to the north on the ellipsoid."""
    sine = np.sin(np.radians(latitude))
    w = 1.0 - _ECCENTRICITY * sine**2
    return (
        float(_AXIS / np.sqrt(w) * np.cos(np.radians(latitude))),
        float(_AXIS * (1.0 - _ECCENTRICITY) / w**1.5),
    )


def _degrees_along(
    first: float, last: float, degrees_at: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Points along an edge, and their degrees, which go on over the 180th meridian."""
    at = np.linspace(first, last, _EDGE_POINTS)
    return at, np.unwrap(degrees_at(at), period=360.0)


def _crossings(
    at: np.ndarray, degrees: np.ndarray, text: Callable[[float], str]
) -> tuple[tuple[float, str], ...]:
    """Where the lines of the graticule cross an edge; none where degrees do not rise along it."""
    if not (np.diff(degrees) > 0).all():
        return ()
    lines = graticule(float(degrees[0]), float(degrees[-1]))
    return tuple((float(np.interp(line, degrees, at)), text(line)) for line in lines)


def _step_of(degrees: np.ndarray) -> float:
    span = float(degrees[-1] - degrees[0])
    return graticule_step(abs(span)) if np.isfinite(span) else 1.0


def _name(crs: str) -> str:
    name = str(spatial_reference(crs).GetName() or "")
    return f"{name} ({crs})" if name and len(crs) < 20 else name or crs[:40]
