"""A figure of dots with intervals: a line a station, a panel a number, a mark a series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..stats.intervals import Interval
from .figure import COLOURS, MARKERS, light_grid, new_figure, png

#: Lines that fit on a page.
MOST_LINES = 30
#: How far apart the marks of a station stand, in lines.
_SPREAD = 0.28
#: The second mark of figures is a triangle, as in the time series.
_MARKS = (MARKERS[0], MARKERS[2], MARKERS[1])

Dot = tuple[float, Interval]


def interval_figure(
    stations: Sequence[str], series: Mapping[str, Mapping[tuple[str, str], Dot]], panels: Mapping[str, str]
) -> bytes:
    """Draw the figure: a PNG.

    Parameters
    ----------
    stations : sequence of str
        From top to bottom.
    series : mapping of str to mapping
        By name of a series (three at most): values with intervals by station and panel.
    panels : mapping of str to str
        Labels of the panels.
    """
    figure = new_figure(0.26 * len(stations) + 1.1)
    axes = np.atleast_1d(figure.subplots(1, len(panels), sharey=True))
    shifts = np.linspace(-_SPREAD, _SPREAD, len(series)) if len(series) > 1 else [0.0]
    for axis, (panel, label) in zip(axes, panels.items()):
        for number, (name, dots) in enumerate(series.items()):
            own = [
                (place, *dots[station, panel])
                for place, station in enumerate(stations)
                if (station, panel) in dots
            ]
            places = np.array([place for place, _, _ in own], np.float64) + shifts[number]
            ends = np.array([(each.lower, each.upper) for _, _, each in own], np.float64).reshape(-1, 2)
            known = np.isfinite(ends[:, 0])
            axis.hlines(places[known], *ends[known].T, color=COLOURS[number], linewidth=1.1)
            values = [value for _, value, _ in own]
            axis.plot(
                values,
                places,
                linestyle="",
                marker=_MARKS[number],
                color=COLOURS[number],
                markersize=4.5,
                label=name,
            )
        axis.set_xlabel(label, fontsize=8.5)
        light_grid(axis, "x")
        axis.set_axisbelow(True)
        axis.tick_params(labelsize=7.5)
    axes[0].set_yticks(range(len(stations)))
    axes[0].set_yticklabels(stations)
    axes[0].set_ylim(len(stations) - 0.5, -0.5)
    axes[-1].legend(fontsize=7.5, frameon=False, ncol=3, loc="lower right", bbox_to_anchor=(1, 1.0))
    return png(figure)
