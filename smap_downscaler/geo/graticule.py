"""What a reader needs to find their way on a map: scale, north, and degrees along its frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .grid import Bounds

#: Steps of a graticule, degrees.
_STEPS = (0.01, 0.02, 0.025, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0, 10.0, 15.0, 30.0, 45.0)
#: Lines along a side at most.
_MOST_LINES = 4


@dataclass(frozen=True)
class MapFrame:
    """The frame of a map.

    Attributes
    ----------
    bounds : Bounds
        Edges in units of the CRS.
    crs : str
        Name of the CRS, for the reader.
    metres_a_unit : float
        Metres on the ground that a unit along x is at the centre.
    north : tuple of float
        Direction of true north at the centre, a unit vector in x and y of the map.
    west_east, south_north : tuple of (float, str)
        x along the lower edge, and y along the left one, of meridians and parallels, and their labels.
    steps : tuple of float
        Degrees from meridian to meridian, and from parallel to parallel.
    """

    bounds: Bounds
    crs: str
    metres_a_unit: float
    north: tuple[float, float]
    west_east: tuple[tuple[float, str], ...]
    south_north: tuple[tuple[float, str], ...]
    steps: tuple[float, float]

    @property
    def aspect(self) -> float:
        """Height over width."""
        return (self.bounds.top - self.bounds.bottom) / (self.bounds.right - self.bounds.left)


def graticule_step(span: float) -> float:
    """Round degrees between lines, so that a span has a few of them."""
    return next((step for step in _STEPS if span / step <= _MOST_LINES), 90.0)


def graticule(first: float, last: float) -> list[float]:
    """Multiples of `graticule_step` from `first` to `last`, degrees, ascending."""
    step = graticule_step(last - first)
    begin, end = math.ceil(first / step - 1e-9), math.floor(last / step + 1e-9)
    # Rounded, so that 0.30000000000000004 is 0.3.
    return [round(number * step, 6) for number in range(begin, end + 1)]


def decimals(step: float) -> int:
    """Digits after the point that multiples of a step of a graticule need."""
    return next(digits for digits in range(4) if abs(round(step, digits) - step) < 1e-9)


def longitude_text(degrees: float) -> str:
    """`72.5° W`."""
    degrees = (degrees + 180.0) % 360.0 - 180.0
    return _text(degrees, "E", "W")


def latitude_text(degrees: float) -> str:
    """`13.2° S`."""
    return _text(degrees, "N", "S")


def _text(degrees: float, positive: str, negative: str) -> str:
    side = "" if degrees in (0.0, -180.0) else f" {positive if degrees > 0 else negative}"
    return f"{round(abs(degrees), 4):g}°{side}"
