"""Where the study area lies: an overview in degrees, and the area itself with terrain and SMAP's cells."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...geo.graticule import MapFrame
from ...geo.grid import Bounds, Grid
from ...report.map_parts import Overlay
from .page_layout import A4_HEIGHT, A4_WIDTH, LEGEND, MARGIN, ColourBar, MapItem, Page, Text, above, heading

_OVERVIEW_WIDTH, _GAP, _LEFT, _TITLE = 2.3, 0.75, 0.4, 0.75
#: The overview is this much wider than the area, and so many degrees at least.
_WIDER, _LEAST_DEGREES = 6.0, 16.0


def overview_bounds(area: Bounds) -> Bounds:
    """The bounds of the overview around an area, both in degrees."""
    x, y = (area.left + area.right) / 2, (area.bottom + area.top) / 2
    span = max(_WIDER * max(area.right - area.left, area.top - area.bottom), _LEAST_DEGREES)
    span = min(span, 150.0)
    y = min(max(y, -90 + span / 2), 90 - span / 2)
    return Bounds(x - span / 2, y - span / 2, x + span / 2, y + span / 2)


def locator_page(
    title: str,
    area: MapFrame,
    overview: MapFrame,
    outline: np.ndarray,
    borders: Sequence[np.ndarray],
    elevation: np.ndarray | None,
    overlays: Sequence[Overlay],
    extent_of: str = "the maps",
    cells: Grid | None = None,
) -> Page:
    """The page; its first map is the area, its second the overview.

    Parameters
    ----------
    title : str
    area : MapFrame
        The study area.
    overview : MapFrame
        Around it, in degrees.
    outline : float array, shape (n, 2)
        Edge of the area in degrees.
    borders : sequence of float array, shape (n, 2)
        Lines in degrees.
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
    stretch = 1 / math.cos(math.radians((overview.bounds.bottom + overview.bounds.top) / 2))
    around = (MARGIN + _LEFT, top, _OVERVIEW_WIDTH, _OVERVIEW_WIDTH * overview.aspect * min(stretch, 2.0))
    inside = (left, top, high / area.aspect, high)
    below = top + high + 0.35
    extent = [Overlay("", borders, "border"), Overlay(f"extent of {extent_of}", [outline], "area")]
    return Page(
        max(top + high, top + around[3]) + 0.4 + LEGEND + MARGIN,
        [
            MapItem("study area", inside, area, elevation, area.bounds, overlays, terrain=True, cells=cells),
            MapItem("overview", around, overview, None, overview.bounds, extent, overview=True),
        ],
        [
            heading(title),
            Text(above(around), "Overview", 8),
            Text(above(inside), "Study area", 8),
            Text((MARGIN, below + 0.6, A4_WIDTH - 2 * MARGIN, 0.12), area.crs, 6.5, "right"),
        ],
        ColourBar((left, below + 0.05, 1.9, 0.13), "elevation, m") if elevation is not None else None,
        (MARGIN + 0.3, below - 0.1, 2.0, LEGEND),
        (left + 2.0, below - 0.1, 1.6, 0.45),
        (left + 3.55, below - 0.1, 0.5, 0.5),
    )
