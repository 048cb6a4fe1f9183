"""A page of a sheet as a picture."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...geo.grid import Bounds
from ...report.atlas import ramp_of
from ...report.figure import new_figure, soil_moisture_colormap
from ...report.map_parts import draw_overlays, frame_axis, halo, legend_handles, north_arrow, scale_bar_beside
from .page_layout import A4_WIDTH, Box, ColourBar, MapItem, Page

#: Where in its box a text stands.
_SHARE = {"left": 0.0, "centre": 0.5, "right": 1.0}


def draw_page(page: Page) -> Any:
    """The page as a matplotlib figure."""
    figure = new_figure(page.height, A4_WIDTH, layout=None)

    def axis(box: Box) -> Any:
        """An axis over a box, in matplotlib's fractions from the lower left."""
        left, top, wide, high = box
        return figure.add_axes(
            (left / A4_WIDTH, 1 - (top + high) / page.height, wide / A4_WIDTH, high / page.height)
        )

    ticks = page.colour_bar.ticks if page.colour_bar is not None else ()
    ends = (ticks[0], ticks[-1]) if ticks else None
    images = [_map(axis(item.box), item, ends) for item in page.maps]
    for text in page.texts:
        left, top, wide, high = text.box
        figure.text(
            (left + _SHARE[text.across] * wide) / A4_WIDTH,
            1 - (top + high / 2) / page.height,
            text.text,
            ha=text.across.replace("centre", "center"),
            va="center",
            fontsize=text.size,
            path_effects=halo(2.2) if text.halo else None,
        )
    if page.colour_bar is not None:
        _colour_bar(axis(page.colour_bar.box), images[0], page.colour_bar)
    first = page.maps[0]
    scale_bar_beside(axis(page.scale_bar), first.frame, page.scale_bar[2:], first.box[2])
    north_arrow(axis(page.north_arrow), first.frame.north)
    figure.legend(
        handles=legend_handles(page.signs()),
        loc="upper left",
        bbox_to_anchor=(page.legend[0] / A4_WIDTH, 1 - page.legend[1] / page.height),
        fontsize=7,
        frameon=False,
        borderpad=0.2,
        handlelength=1.6,
    )
    return figure


def _map(axis: Any, item: MapItem, ends: tuple[float, float] | None) -> Any:
    """A map with its frame, in colours between `ends`; returns the image of its values."""
    frame_axis(axis, item.frame, item.left, item.below, item.values is not None)
    if item.marks:
        axis.grid(color="#bbbbbb", linewidth=0.4, linestyle=":")
    image = None
    if item.values is not None:
        edges = (item.bounds.left, item.bounds.right, item.bounds.bottom, item.bounds.top)
        place = {"extent": edges, "interpolation": "nearest", "aspect": "auto"}
        values = np.ma.masked_invalid(item.values)
        if item.terrain:
            image = axis.imshow(values, cmap=ramp_of("elevation"), **place)
            axis.imshow(
                _shade(item.values, item.bounds, item.frame.metres_a_unit),
                cmap="gray",
                vmin=0,
                vmax=1,
                alpha=0.35,
                **place,
            )
        else:
            low, high = ends or (None, None)
            image = axis.imshow(values, cmap=soil_moisture_colormap(), vmin=low, vmax=high, **place)
    draw_overlays(axis, item.overlays)
    return image


def _shade(elevation: np.ndarray, bounds: Bounds, metres_a_unit: float) -> np.ma.MaskedArray:
    """Of elevation, shape (rows, columns), m, from the north-west."""
    from matplotlib.colors import LightSource

    rows, columns = elevation.shape
    across = (bounds.right - bounds.left) * metres_a_unit / columns
    down = (bounds.top - bounds.bottom) * metres_a_unit / rows
    shade = LightSource(315, 45).hillshade(elevation, vert_exag=2, dx=across, dy=down)
    return np.ma.masked_invalid(shade)


def _colour_bar(axis: Any, image: Any, bar: ColourBar) -> None:
    drawn = axis.figure.colorbar(image, cax=axis, orientation="horizontal", extend=bar.extend)
    drawn.set_label(bar.label, fontsize=7.5, labelpad=2)
    drawn.outline.set_linewidth(0.4)
    axis.tick_params(labelsize=7, length=2, width=0.4, pad=1.5)
    if bar.ticks:
        drawn.set_ticks(bar.ticks)
    else:
        axis.locator_params(nbins=5)
