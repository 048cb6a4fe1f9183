"""Figures of polygon statistics: violins of two dates side by side (the paper's Fig. 6), and all dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...report.figure import COLOURS, MARKERS, SOIL_MOISTURE_UNIT, date_axis, light_grid, new_figure, png
from .numbers.statistics import STATISTICS, Spread

#: What each statistic is called on an axis.
LABELS = {
    "mean": f"mean, {SOIL_MOISTURE_UNIT}",
    "sd": f"SD, {SOIL_MOISTURE_UNIT}",
    "cv": "C.V. = SD / mean",
}
#: With fewer polygons than this their points are shown, and a violin would show no more.
_FEW = 5
_MOST_POINTS = 300


def violins(by_date: Mapping[dt.date, Mapping[str, np.ndarray]]) -> bytes:
    """Mean, SD and C.V. over the polygons, one violin per date: a PNG.

    Parameters
    ----------
    by_date : mapping
        For each date the values of each of `STATISTICS`, shape (polygons,); NaN where there is none.
    """
    figure = new_figure(3.6)
    for axis, name in zip(figure.subplots(1, len(STATISTICS)), STATISTICS):
        for place, statistics in enumerate(by_date.values()):
            values = statistics[name]
            _violin(axis, place, values[np.isfinite(values)])
        axis.set_xticks(range(len(by_date)))
        axis.set_xticklabels([date.isoformat() for date in by_date], fontsize=8)
        axis.set_xlim(-0.6, len(by_date) - 0.4)
        axis.set_title(LABELS[name], fontsize=9)
        axis.tick_params(axis="y", labelsize=8)
        light_grid(axis, "y")
    return png(figure)


def _violin(axis: Any, place: int, values: np.ndarray) -> None:
    if not values.size:
        axis.text(place, 0.5, "none", transform=axis.get_xaxis_transform(), ha="center", fontsize=8)
        return
    colour = COLOURS[place]
    if values.size >= _FEW and np.ptp(values) > 1e-9 * np.abs(values).max():
        parts = axis.violinplot([values], [place], widths=0.8, showextrema=False)
        for body in parts["bodies"]:
            body.set(facecolor=colour, edgecolor=colour, alpha=0.35, linewidth=1.0)
    # The same points at the same places in each run, without a random jitter: the golden ratio spreads them.
    shown = np.sort(values)[:: -(-values.size // _MOST_POINTS)]
    jitter = ((np.arange(shown.size) * 0.618034) % 1.0 - 0.5) * 0.24
    axis.scatter(
        place + jitter, shown, s=5, marker=MARKERS[place], color=colour, alpha=0.55, linewidths=0, zorder=2
    )
    q1, median, q3 = np.quantile(values, (0.25, 0.5, 0.75))
    axis.plot([place, place], [q1, q3], color="black", linewidth=3.5, solid_capstyle="butt", zorder=3)
    axis.scatter([place], [median], s=28, color="white", edgecolors="black", linewidths=1.0, zorder=4)


def over_time(rows: Sequence[Spread]) -> bytes:
    """Median and quartiles over the polygons of each statistic, by date: a PNG."""
    figure = new_figure(5.4)
    axes = figure.subplots(len(STATISTICS), 1, sharex=True)
    for axis, name, colour in zip(axes, STATISTICS, COLOURS):
        found = [row for row in rows if row.statistic == name and row.date is not None and row.polygons]
        dates = [row.date for row in found]
        low, middle, high = (
            np.array([getattr(row, part) for row in found]) for part in ("q1", "median", "q3")
        )
        axis.errorbar(
            dates,
            middle,
            yerr=np.stack([middle - low, high - middle]) if found else None,
            color=colour,
            marker="o",
            markersize=3,
            linewidth=0.9,
            elinewidth=0.8,
            capsize=0,
        )
        axis.set_ylabel(LABELS[name], fontsize=8.5)
        light_grid(axis, "y")
        axis.tick_params(labelsize=8)
    date_axis(axes[-1], [row.date for row in rows if row.date is not None])
    return png(figure)
