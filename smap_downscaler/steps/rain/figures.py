"""The figure of rain by date."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...base.words import text
from ...report.figure import COLOURS, date_axis, legend_above, light_grid, new_figure, png
from .numbers.by_date import RainSeries, lone

_CELL, _MEDIAN = "#888888", COLOURS[0]


def rain_by_date(rain: RainSeries) -> bytes:
    """The rain of each cell as a thin grey line, their median as a thick blue one: a PNG.

    A value between two dates without one is a dot.
    """
    figure = new_figure(2.6)
    axis = figure.subplots()
    shown = rain.values.shape[1]
    # Of many cells each line is faint.
    alpha = float(np.clip(40 / max(shown, 1), 0.2, 0.8))
    for column in rain.values.T:
        _line(axis, rain, column, color=_CELL, linewidth=0.5, markersize=2.5, alpha=alpha, zorder=1)
    # Beyond the drawn axes: all lines of the cells share one entry in the legend.
    words = text("each of {:,} cells", rain.cells)
    if shown < rain.cells:
        words = text("{:,} of {:,} cells", shown, rain.cells)
    axis.plot([], [], color=_CELL, linewidth=0.8, label=words)
    _line(axis, rain, rain.median, color=_MEDIAN, linewidth=1.6, markersize=6, zorder=2)
    axis.plot([], [], color=_MEDIAN, linewidth=1.6, label="median of the cells")
    axis.set_ylabel(f"{rain.name}, {rain.unit}" if rain.unit else rain.name, fontsize=9)
    axis.set_ylim(bottom=0)
    light_grid(axis, "y")
    axis.tick_params(labelsize=8)
    legend_above(axis, 2)
    date_axis(axis, rain.dates)
    return png(figure)


def _line(axis: Any, rain: RainSeries, values: np.ndarray, **looks: Any) -> None:
    """A line with a dot where it would not be seen."""
    dots = np.nonzero(lone(values))[0].tolist()
    axis.plot(rain.dates, values, marker=".", markevery=dots, markeredgewidth=0, **looks)
