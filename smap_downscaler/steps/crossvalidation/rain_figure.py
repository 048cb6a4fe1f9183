"""Rain by date: all cells and their median (the paper's Fig. 2)."""

from __future__ import annotations

import numpy as np

from ...report.figure import COLOURS, date_axis, new_figure, png
from ...stats.distribution import Distribution
from .numbers.results import RainSeries


def rain_by_date(rain: RainSeries) -> bytes:
    """The rain of each cell as a thin line, their median as a thick one: a PNG."""
    figure = new_figure(2.6)
    axis = figure.subplots()
    values = rain.values
    # Of many cells each line is faint.
    alpha = float(np.clip(40 / values.shape[1], 0.2, 0.8))
    axis.plot(rain.dates, values, color="#888888", linewidth=0.5, alpha=alpha, zorder=1)
    # Beyond the drawn axes: all lines of the cells share one entry in the legend.
    axis.plot([], [], color="#888888", linewidth=0.8, label=f"each of {values.shape[1]:,} cells")
    median = [Distribution.of(row).median for row in values]
    axis.plot(rain.dates, median, color=COLOURS[0], linewidth=1.6, zorder=2, label="median of the cells")
    axis.set_ylabel(f"{rain.name}, {rain.unit}" if rain.unit else rain.name, fontsize=9)
    axis.set_ylim(bottom=0)
    axis.tick_params(labelsize=8)
    axis.grid(axis="y", color="#E5E5E5", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.legend(fontsize=7.5, frameon=False, loc="lower left", bbox_to_anchor=(0, 1.0), ncol=2)
    date_axis(axis, rain.dates)
    return png(figure)
