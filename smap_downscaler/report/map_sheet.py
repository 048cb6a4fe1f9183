"""A sheet of soil moisture maps on one common scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core.grid import Bounds
from .colours import SOIL_MOISTURE_RAMP, soil_moisture_colormap
from .figure import scale_bar

_PANEL_INCHES = 3.6


@dataclass(frozen=True)
class Panel:
    """A map and where it lies: values (rows, columns), m3 m-3, NaN where missing; all panels of one CRS."""

    title: str
    values: np.ndarray
    bounds: Bounds


def write_map_sheet(
    path: str | Path, title: str, panels: Sequence[Panel], columns: int = 2, dpi: int = 150
) -> None:
    """Draw panels side by side with one colour bar and one scale bar, and write the picture.

    Parameters
    ----------
    path : path
        .png, .pdf or .svg.
    title : str
    panels : sequence of Panel
    columns : int
        Panels in a row.
    dpi : int
        Dots an inch of a .png.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = -(-len(panels) // columns)
    box = panels[0].bounds
    aspect = (box.top - box.bottom) / (box.right - box.left)
    figure = Figure(
        figsize=(columns * _PANEL_INCHES + 0.9, rows * (_PANEL_INCHES * aspect + 0.35) + 0.5),
        layout="constrained",
    )
    FigureCanvasAgg(figure)
    axes = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    image = None
    for axis, panel in zip(axes, panels):
        edges = (panel.bounds.left, panel.bounds.right, panel.bounds.bottom, panel.bounds.top)
        image = axis.imshow(
            panel.values,
            extent=edges,
            cmap=soil_moisture_colormap(),
            vmin=0.0,
            vmax=SOIL_MOISTURE_RAMP[-1][0],
            interpolation="nearest",
        )
        axis.set_title(panel.title, fontsize=9)
        axis.set_xlim(box.left, box.right)
        axis.set_ylim(box.bottom, box.top)
    for axis in axes:
        axis.set_axis_off()
    scale_bar(axes[0], box)
    bar = figure.colorbar(image, ax=list(axes), shrink=0.7, pad=0.02)
    bar.set_label("soil moisture, m3 m-3", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    figure.suptitle(title, fontsize=11)
    figure.savefig(path, dpi=dpi)
