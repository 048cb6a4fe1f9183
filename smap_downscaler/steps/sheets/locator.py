"""Where the study area lies, at three levels: its part of the earth, its region, and the area itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...geo.graticule import MapFrame
from ...geo.grid import Bounds, Grid
from ...report.map_parts import Overlay
from .page_layout import (
    A4_HEIGHT,
    A4_WIDTH,
    LEGEND,
    MARGIN,
    Box,
    ColourBar,
    MapItem,
    Page,
    Text,
    above,
    heading,
    name_width,
    names_on_map,
)

_OVERVIEW_WIDTH, _GAP, _LEFT, _TITLE = 2.3, 0.75, 0.4, 0.75
#: So high at most, that both overviews fit on a page.
_OVERVIEW_HEIGHT = 3.6
#: Between the two overviews: degrees below the upper one, and the title of the lower one.
_BETWEEN = 0.5
#: The region is this much wider than the area, and so many degrees at least; the part of the earth, than it.
_WIDER, _LEAST_DEGREES = 6.0, 16.0
_PART_WIDER, _LEAST_PART = 3.5, 60.0
_MOST_DEGREES = 150.0
_EARTH = Bounds(-180.0, -90.0, 180.0, 90.0)


@dataclass(frozen=True)
class Overview:
    """A map in degrees around the area: its frame, and what is drawn on it."""

    frame: MapFrame
    overlays: Sequence[Overlay]


def overview_bounds(area: Bounds) -> Bounds:
    """The bounds of the region around an area, both in degrees."""
    return _around(area, max(_WIDER * _span(area), _LEAST_DEGREES))


def part_bounds(region: Bounds) -> Bounds:
    """The bounds of the part of the earth around a region, both in degrees; the whole earth of large ones."""
    span = max(_PART_WIDER * _span(region), _LEAST_PART)
    return _EARTH if span > _MOST_DEGREES else _around(region, span)


def _span(bounds: Bounds) -> float:
    return max(bounds.right - bounds.left, bounds.top - bounds.bottom)


def _around(inner: Bounds, span: float) -> Bounds:
    """A square of so many degrees around the middle, on the earth."""
    x, y = (inner.left + inner.right) / 2, (inner.bottom + inner.top) / 2
    span = min(span, _MOST_DEGREES)
    y = min(max(y, -90 + span / 2), 90 - span / 2)
    return Bounds(x - span / 2, y - span / 2, x + span / 2, y + span / 2)


def room_for_name(bounds: Bounds, degrees: float, name: str) -> bool:
    """Whether a name fits into so many degrees of an overview of these bounds."""
    return name_width(name) <= degrees / (bounds.right - bounds.left) * _size(bounds)[0]


def locator_page(
    title: str,
    area: MapFrame,
    region: Overview,
    part: Overview,
    outline: np.ndarray,
    elevation: np.ndarray | None,
    overlays: Sequence[Overlay],
    extent_of: str = "the maps",
    cells: Grid | None = None,
) -> Page:
    """The page; its first map is the area, then come region and part of the earth.

    Parameters
    ----------
    title : str
    area : MapFrame
        The study area.
    region, part : Overview
        Around it; the region is marked on the part of the earth.
    outline : float array, shape (n, 2)
        Edge of the area in degrees, drawn on the region.
    elevation : float array, shape (rows, columns), or None
        m, over the bounds of the area.
    overlays : sequence of Overlay
        In the CRS of the area.
    extent_of : str
        Whose extent the area is.
    cells : Grid, optional
        Whose edges are among the overlays.
    """
    wide = A4_WIDTH - 2 * MARGIN - _LEFT - _OVERVIEW_WIDTH - _GAP
    high = min(wide * area.aspect, A4_HEIGHT - 2 * MARGIN - _TITLE - LEGEND - 0.4)
    top, left = MARGIN + _TITLE, MARGIN + _LEFT + _OVERVIEW_WIDTH + _GAP
    upper = _box(top, part.frame)
    lower = _box(top + upper[3] + _BETWEEN, region.frame)
    inside = (left, top, high / area.aspect, high)
    bottom = max(top + high, lower[1] + lower[3])
    below = bottom + 0.35
    square = _corners(region.frame.bounds)
    maps = [
        MapItem("study area", inside, area, elevation, area.bounds, overlays, terrain=True, cells=cells),
        _overview(
            "region", lower, region, Overlay(f"extent of {extent_of}", [outline], "area"), "study area"
        ),
        _overview("part of the earth", upper, part, Overlay("", [square], "area"), "region"),
    ]
    return Page(
        below + 0.05 + LEGEND + MARGIN,
        maps,
        [
            heading(title),
            Text(above(upper), "Part of the earth", 8),
            Text(above(lower), "Region", 8),
            Text(above(inside), "Study area", 8),
            *(name for item in maps for name in names_on_map(item)),
            Text((MARGIN, below + 0.6, A4_WIDTH - 2 * MARGIN, 0.12), area.crs, 6.5, "right"),
        ],
        ColourBar((left, below + 0.05, 1.9, 0.13), "elevation, m") if elevation is not None else None,
        (MARGIN + 0.3, below - 0.1, 2.0, LEGEND),
        (left + 2.0, below - 0.1, 1.6, 0.45),
        (left + 3.55, below - 0.1, 0.5, 0.5),
    )


def _box(top: float, frame: MapFrame) -> Box:
    return MARGIN + _LEFT, top, *_size(frame.bounds)


def _size(bounds: Bounds) -> tuple[float, float]:
    """Width and height of an overview, with degrees as they are at its middle."""
    stretch = 1 / math.cos(math.radians((bounds.bottom + bounds.top) / 2))
    aspect = (bounds.top - bounds.bottom) / (bounds.right - bounds.left) * min(stretch, 2.0)
    wide = min(_OVERVIEW_WIDTH, _OVERVIEW_HEIGHT / aspect)
    return wide, wide * aspect


def _overview(name: str, box: Box, shown: Overview, mark: Overlay, marks: str) -> MapItem:
    frame = shown.frame
    return MapItem(name, box, frame, None, frame.bounds, [*shown.overlays, mark], marks=marks)


def _corners(bounds: Bounds) -> np.ndarray:
    x = [bounds.left, bounds.right, bounds.right, bounds.left, bounds.left]
    y = [bounds.bottom, bounds.bottom, bounds.top, bounds.top, bounds.bottom]
    return np.array([x, y], float).T
