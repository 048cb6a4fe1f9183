"""Where the study area lies: an overview in degrees, and the area itself with terrain and SMAP's cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...geo.graticule import MapFrame
from ...geo.grid import Bounds
from ...report.atlas import ramp_of
from ...report.figure import new_figure
from ...report.map_parts import (
    Overlay,
    draw_overlays,
    frame_axis,
    legend_handles,
    north_arrow,
    scale_bar_beside,
)
from .page_layout import A4_HEIGHT, A4_WIDTH, MARGIN, Box, place

_OVERVIEW_WIDTH, _GAP, _LEFT, _TITLE, _LEGEND = 2.3, 0.75, 0.4, 0.75, 1.0
#: The overview is this much wider than the area, and so many degrees at least.
_WIDER, _LEAST_DEGREES = 6.0, 16.0
_EDGE = "#D55E00"


@dataclass(frozen=True)
class Locator:
    """What the sheet shows.

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
    """

    title: str
    area: MapFrame
    overview: MapFrame
    outline: np.ndarray
    borders: Sequence[np.ndarray]
    elevation: np.ndarray | None
    overlays: Sequence[Overlay]
    extent_of: str = "the maps"


def overview_bounds(area: Bounds) -> Bounds:
    """The bounds of the overview around an area, both in degrees."""
    x, y = (area.left + area.right) / 2, (area.bottom + area.top) / 2
    span = max(_WIDER * max(area.right - area.left, area.top - area.bottom), _LEAST_DEGREES)
    span = min(span, 150.0)
    y = min(max(y, -90 + span / 2), 90 - span / 2)
    return Bounds(x - span / 2, y - span / 2, x + span / 2, y + span / 2)


def locator_boxes(area: MapFrame, overview: MapFrame) -> tuple[Box, Box, float]:
    """Boxes of overview and area, and the height of the page, inches."""
    wide = A4_WIDTH - 2 * MARGIN - _LEFT - _OVERVIEW_WIDTH - _GAP
    high = min(wide * area.aspect, A4_HEIGHT - 2 * MARGIN - _TITLE - _LEGEND - 0.4)
    top = MARGIN + _TITLE
    stretch = 1 / math.cos(math.radians((overview.bounds.bottom + overview.bounds.top) / 2))
    first = (MARGIN + _LEFT, top, _OVERVIEW_WIDTH, _OVERVIEW_WIDTH * overview.aspect * min(stretch, 2.0))
    second = (MARGIN + _LEFT + _OVERVIEW_WIDTH + _GAP, top, high / area.aspect, high)
    bottom = max(box[1] + box[3] for box in (first, second))
    return first, second, bottom + 0.4 + _LEGEND + MARGIN


def locator_page(locator: Locator) -> Any:
    """The sheet as a matplotlib figure."""
    first, second, height = locator_boxes(locator.area, locator.overview)
    figure = new_figure(height, A4_WIDTH, layout=None)
    figure.text(0.5, 1 - (MARGIN + 0.15) / height, locator.title, ha="center", va="center", fontsize=11)
    _overview(figure.add_axes(place(first, height)), locator)
    axis = figure.add_axes(place(second, height))
    axis.set_title("Study area", fontsize=8, pad=3, loc="left")
    frame_axis(axis, locator.area, hatched=locator.elevation is not None)
    image = _terrain(axis, locator) if locator.elevation is not None else None
    draw_overlays(axis, locator.overlays)
    _legend(figure, image, locator, second, height)
    return figure


def _overview(axis: Any, locator: Locator) -> None:
    axis.set_title("Overview", fontsize=8, pad=3, loc="left")
    frame_axis(axis, locator.overview, hatched=False)
    axis.grid(color="#bbbbbb", linewidth=0.4, linestyle=":")
    for line in locator.borders:
        axis.plot(line[:, 0], line[:, 1], color="#555555", linewidth=0.5)
    axis.fill(locator.outline[:, 0], locator.outline[:, 1], facecolor=_EDGE, alpha=0.3)
    axis.plot(locator.outline[:, 0], locator.outline[:, 1], color=_EDGE, linewidth=1.4)


def _terrain(axis: Any, locator: Locator) -> Any:
    """Colours of elevation under a shade from the north-west."""
    from matplotlib.colors import LightSource

    values = np.ma.masked_invalid(locator.elevation)
    bounds = locator.area.bounds
    edges = (bounds.left, bounds.right, bounds.bottom, bounds.top)
    image = axis.imshow(values, extent=edges, cmap=ramp_of("elevation"), aspect="auto")
    rows, columns = values.shape
    metres = (bounds.right - bounds.left) * locator.area.metres_a_unit / columns
    down = (bounds.top - bounds.bottom) * locator.area.metres_a_unit / rows
    shade = LightSource(315, 45).hillshade(values.filled(np.nan), vert_exag=2, dx=metres, dy=down)
    axis.imshow(
        np.ma.masked_invalid(shade), extent=edges, cmap="gray", vmin=0, vmax=1, alpha=0.35, aspect="auto"
    )
    return image


def _legend(figure: Any, image: Any, locator: Locator, area: Box, height: float) -> None:
    left, top, wide, high = area
    top = top + high + 0.35
    if image is not None:
        bar = figure.add_axes(place((left, top + 0.05, 1.9, 0.13), height))
        figure.colorbar(image, cax=bar, orientation="horizontal").set_label(
            "elevation, m", fontsize=7.5, labelpad=2
        )
        bar.tick_params(labelsize=6.5, length=2, width=0.4, pad=1.5)
        bar.locator_params(nbins=5)
    size = (1.6, 0.45)
    scale = figure.add_axes(place((left + 2.0, top - 0.1, *size), height))
    scale_bar_beside(scale, locator.area, size, wide)
    north_arrow(figure.add_axes(place((left + 3.55, top - 0.1, 0.5, 0.5), height)), locator.area.north)
    right = (A4_WIDTH - MARGIN) / A4_WIDTH
    figure.text(right, 1 - (top + 0.6) / height, locator.area.crs, ha="right", va="top", fontsize=6.5)
    handles = legend_handles(locator.overlays)[0 if image is not None else 1 :]
    figure.legend(
        handles=[_area_patch(locator.extent_of), *handles],
        loc="upper left",
        bbox_to_anchor=((MARGIN + 0.3) / A4_WIDTH, 1 - (top - 0.1) / height),
        fontsize=7,
        frameon=False,
        handlelength=1.6,
    )


def _area_patch(extent_of: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(label=f"extent of {extent_of}", facecolor="#f2cfb2", edgecolor=_EDGE, linewidth=1.2)
