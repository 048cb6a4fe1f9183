"""Figures of points with intervals: numbers of stations, and the importance of covariates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..stats.intervals import Interval
from .figure import COLOURS, MARKERS, legend_above, light_grid, new_figure, png

#: Lines that fit on a page.
MOST_LINES = 30
#: How far apart the marks of a station stand, in lines.
_SPREAD = 0.28
#: The second mark of figures is a triangle, as in the time series.
_MARKS = (MARKERS[0], MARKERS[2], MARKERS[1])

#: A value and its interval.
Estimate = tuple[float, Interval]
_MOST_COVARIATES = 30


def interval_figure(
    stations: Sequence[str],
    series: Mapping[str, Mapping[tuple[str, str], Estimate]],
    labels: Mapping[str, str],
) -> bytes:
    """One row per station, one axes per number, one mark per series: a PNG.

    Parameters
    ----------
    stations : sequence of str
        From top to bottom.
    series : mapping of str to mapping
        By name of a series (three at most): values with intervals by station and number.
    labels : mapping of str to str
        Labels of the axes, by number.
    """
    figure = new_figure(0.26 * len(stations) + 1.1)
    axes = np.atleast_1d(figure.subplots(1, len(labels), sharey=True))
    shifts = np.linspace(-_SPREAD, _SPREAD, len(series)) if len(series) > 1 else [0.0]
    for axis, (wanted, label) in zip(axes, labels.items()):
        for number, (name, estimates) in enumerate(series.items()):
            own = [
                (row, *estimates[station, wanted])
                for row, station in enumerate(stations)
                if (station, wanted) in estimates
            ]
            y = np.array([row for row, _, _ in own], np.float64) + shifts[number]
            ends = np.array([(each.lower, each.upper) for _, _, each in own], np.float64).reshape(-1, 2)
            known = np.isfinite(ends[:, 0])
            axis.hlines(y[known], *ends[known].T, color=COLOURS[number], linewidth=1.1)
            values = [value for _, value, _ in own]
            axis.plot(
                values,
                y,
                linestyle="",
                marker=_MARKS[number],
                color=COLOURS[number],
                markersize=4.5,
                label=name,
            )
        axis.set_xlabel(label, fontsize=8.5)
        light_grid(axis, "x")
        axis.tick_params(labelsize=7.5)
    axes[0].set_yticks(range(len(stations)))
    axes[0].set_yticklabels(stations)
    axes[0].set_ylim(len(stations) - 0.5, -0.5)
    axes[-1].legend(fontsize=7.5, frameon=False, ncol=3, loc="lower right", bbox_to_anchor=(1, 1.0))
    return png(figure)


@dataclass(frozen=True, eq=False)
class ImportanceSeries:
    """The importance of all covariates under one kind of folds, or of one kind of forests.

    Parameters
    ----------
    name : str
        For the legend.
    values, low, high : arrays, shape (p,)
        Points, and both ends of their spread; NaN where there is none.
    colour, marker : str
    """

    name: str
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    colour: str
    marker: str


def importance_figure(covariates: Sequence[str], series: Sequence[ImportanceSeries], label: str) -> bytes:
    """The importance of the covariates, in their order from the top, of 30 at most: a PNG.

    Parameters
    ----------
    covariates : sequence of str
        p names, most important first.
    series : sequence of ImportanceSeries
        One point per covariate each, beside each other.
    label : str
        What is drawn, with its unit.
    """
    shown = min(len(covariates), _MOST_COVARIATES)
    figure = new_figure(0.9 + 0.17 * shown * (0.8 + 0.4 * len(series)))
    axis = figure.subplots()
    for number, one in enumerate(series):
        values, low, high = (part[:shown] for part in (one.values, one.low, one.high))
        y = np.arange(shown) + 0.22 * (number - (len(series) - 1) / 2)
        axis.errorbar(
            values,
            y,
            xerr=np.nan_to_num([values - low, high - values]).clip(0),
            color=one.colour,
            marker=one.marker,
            markersize=5,
            linewidth=0,
            elinewidth=1.0,
            capsize=2,
            label=one.name,
        )
    axis.axvline(0, color="#444444", linewidth=0.8)
    axis.set_yticks(np.arange(shown), list(covariates[:shown]), fontsize=8)
    axis.set_ylim(shown - 0.5, -0.5)
    axis.tick_params(axis="x", labelsize=8)
    # A point is followed to its name.
    light_grid(axis)
    axis.set_xlabel(label, fontsize=8.5)
    if len(series) > 1:
        legend_above(axis, 3, columnspacing=1.5)
    return png(figure)
