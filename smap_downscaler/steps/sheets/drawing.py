"""Sheets of soil moisture maps on one common scale, on A4 pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...geo.graticule import MapFrame
from ...geo.grid import Bounds
from ...report.colours import SOIL_MOISTURE_RAMP, soil_moisture_colormap
from ...report.figure import SOIL_MOISTURE_UNIT, new_figure
from ...report.map_parts import (
    Overlay,
    draw_overlays,
    frame_axis,
    legend_handles,
    north_arrow,
    scale_bar_beside,
)
from .page_layout import A4_WIDTH, LEGEND, MARGIN, Arrangement, arrange, place

_TOP = SOIL_MOISTURE_RAMP[-1][0]


@dataclass(frozen=True)
class SheetPanel:
    """A map of a sheet.

    Parameters
    ----------
    title : str
    values : float array, shape (rows, columns)
        m3 m-3, NaN where missing.
    bounds : Bounds
        Of the values, in the CRS of the sheet.
    note : str
        A few words right of the title.
    """

    title: str
    values: np.ndarray
    bounds: Bounds
    note: str = ""


@dataclass(frozen=True)
class Sheet:
    """Panels with what they share.

    Parameters
    ----------
    title : str
    frame : MapFrame
        What each panel shows.
    panels : sequence of SheetPanel
    overlays : sequence of Overlay
    group : int
        Panels that belong side by side.
    footer : str
        A line below the legend.
    """

    title: str
    frame: MapFrame
    panels: Sequence[SheetPanel]
    overlays: Sequence[Overlay] = ()
    group: int = 1
    footer: str = ""

    def arrangement(self) -> Arrangement:
        """Where the panels stand."""
        return arrange(len(self.panels), self.frame.aspect, self.group)


def sheet_pages(sheet: Sheet) -> Iterator[Any]:
    """A matplotlib figure a page, each drawn when it is asked for."""
    plan = sheet.arrangement()
    count = -(-len(sheet.panels) // plan.capacity)
    over = any(np.nanmax(panel.values, initial=0.0) > _TOP for panel in sheet.panels)
    for page in range(count):
        panels = sheet.panels[page * plan.capacity : (page + 1) * plan.capacity]
        told = f"{sheet.title} ({page + 1} of {count})" if count > 1 else sheet.title
        yield _page(sheet, plan, panels, told, over)


def _page(sheet: Sheet, plan: Arrangement, panels: Sequence[SheetPanel], title: str, over: bool) -> Any:
    rows = -(-len(panels) // plan.columns)
    top = plan.legend_top(rows)
    height = top + LEGEND + MARGIN
    figure = new_figure(height, A4_WIDTH, layout=None)
    for number, panel in enumerate(panels):
        axis = figure.add_axes(place(plan.panel(number), height))
        frame_axis(
            axis, sheet.frame, left=number % plan.columns == 0, below=number + plan.columns >= len(panels)
        )
        _draw(axis, panel)
        draw_overlays(axis, sheet.overlays)
    figure.text(0.5, 1 - (MARGIN + 0.1) / height, title, ha="center", va="center", fontsize=11)
    _legend(figure, sheet, plan, (top, height), over)
    return figure


def _draw(axis: Any, panel: SheetPanel) -> None:
    edges = panel.bounds
    axis.imshow(
        np.ma.masked_invalid(panel.values),
        extent=(edges.left, edges.right, edges.bottom, edges.top),
        cmap=soil_moisture_colormap(),
        vmin=0.0,
        vmax=_TOP,
        interpolation="nearest",
        aspect="auto",
    )
    axis.set_title(panel.title, fontsize=7.5, pad=3, loc="left")
    axis.set_title(panel.note, fontsize=6.5, pad=3, loc="right", color="#444444")


def _colour_bar(axis: Any, over: bool) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    bar = axis.figure.colorbar(
        ScalarMappable(Normalize(0.0, _TOP), soil_moisture_colormap()),
        cax=axis,
        orientation="horizontal",
        extend="max" if over else "neither",
    )
    bar.set_label(f"soil moisture, {SOIL_MOISTURE_UNIT}", fontsize=7.5, labelpad=2)
    bar.set_ticks([0.0, 0.1, 0.2, 0.3, 0.4, _TOP])
    bar.outline.set_linewidth(0.4)
    axis.tick_params(labelsize=7, length=2, width=0.4, pad=1.5)


def _legend(figure: Any, sheet: Sheet, plan: Arrangement, room: tuple[float, float], over: bool) -> None:
    """Colour bar, scale bar, north arrow, signs, and the CRS, below the panels."""
    top, height = room
    bar = figure.add_axes(place((MARGIN + 0.2, top + 0.1, 2.9, 0.15), height))
    _colour_bar(bar, over)
    figure.legend(
        handles=legend_handles(sheet.overlays),
        loc="upper left",
        bbox_to_anchor=((MARGIN + 3.4) / A4_WIDTH, 1 - top / height),
        fontsize=7,
        frameon=False,
        borderpad=0.2,
        handlelength=1.6,
    )
    size = (min(plan.width, 2.0), 0.45)
    scale = figure.add_axes(place((A4_WIDTH - MARGIN - 0.6 - size[0], top + 0.05, *size), height))
    scale_bar_beside(scale, sheet.frame, size, plan.width)
    north_arrow(figure.add_axes(place((A4_WIDTH - MARGIN - 0.5, top, 0.5, 0.5), height)), sheet.frame.north)
    lines = "\n".join(line for line in (sheet.frame.crs, sheet.footer) if line)
    figure.text(
        (A4_WIDTH - MARGIN) / A4_WIDTH, 1 - (top + 0.7) / height, lines, ha="right", va="top", fontsize=6.5
    )
