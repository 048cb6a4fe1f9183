"""Figures of filled gaps: error by distance, series of some cells, skill on a map."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...base.words import text
from ...report.figure import (
    COLOURS,
    MARKERS,
    PAGE_WIDTH,
    SMAP_BAND,
    SOIL_MOISTURE_UNIT,
    cell_step,
    date_axis,
    new_figure,
    png,
)
from ...report.number_text import fixed
from .numbers.scores import (
    CLIMATOLOGY,
    DISTANCES,
    FOREST,
    LINEAR,
    METHOD_TEXTS,
    POOLED,
    CellCourse,
    GapScore,
    HiddenDays,
)

_ORDER = (FOREST, LINEAR, CLIMATOLOGY)
_COLOURS = dict(zip(_ORDER, COLOURS))
_MARKERS = dict(zip(_ORDER, MARKERS))


def error_by_distance(rows: Sequence[GapScore]) -> bytes:
    """RMSE of each method by distance to the nearest remaining observation: a PNG."""
    figure = new_figure(3.2)
    axis = figure.subplots()
    names = [name for name, *_ in DISTANCES if any(row.distance == name for row in rows)]
    found = {(row.method, row.distance): row for row in rows if row.scope == POOLED}
    methods = [method for method in _ORDER if (method, names[0]) in found]
    axis.axhspan(*SMAP_BAND, color="#DDDDDD", zorder=0, label="SMAP's own accuracy")
    for number, method in enumerate(methods):
        shift = 0.08 * (number - (len(methods) - 1) / 2)
        axis.plot(
            np.arange(len(names)) + shift,
            [found[method, name].rmse for name in names],
            color=_COLOURS[method],
            marker=_MARKERS[method],
            linewidth=1.2,
            label=METHOD_TEXTS[method],
        )
    days = [found[methods[0], name].n for name in names]
    axis.set_xticks(np.arange(len(names)), [f"{name}\nn {n:,}" for name, n in zip(names, days)])
    axis.set_xlabel("days to the nearest observation that was not hidden", fontsize=9)
    axis.set_ylabel(f"RMSE, {SOIL_MOISTURE_UNIT}", fontsize=9)
    axis.set_ylim(bottom=0)
    axis.tick_params(labelsize=8)
    axis.grid(axis="y", color="#E5E5E5", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.legend(fontsize=7.5, frameon=False, ncol=4, loc="lower left", bbox_to_anchor=(0, 1.0))
    return png(figure)


def courses(shown: Sequence[CellCourse], results: Mapping[tuple[int, int], HiddenDays]) -> bytes:
    """Series of some cells, observed, filled, and predicted while hidden, one panel per cell: a PNG."""
    figure = new_figure(2.1 * len(shown) + 0.5)
    axes = np.atleast_1d(figure.subplots(len(shown), 1, sharex=True))
    for axis, course in zip(axes, shown):
        dates, result, filled = np.array(course.dates), results[course.cell], course.filled
        observed = np.isfinite(course.values) & ~filled
        axis.plot(
            dates[filled],
            course.values[filled],
            ".",
            color=COLOURS[5],
            markersize=3.5,
            label="filled",
            zorder=1,
        )
        axis.plot(
            dates[observed], course.values[observed], "o", color="black", markersize=2.6, label="observed"
        )
        shown_days = course.shows(result.days)
        hidden = [dt.date.fromordinal(int(day)) for day in result.days[shown_days]]
        for name, style in ((FOREST, "x"), (LINEAR, "_")):
            axis.plot(
                hidden,
                result.predicted[name][shown_days],
                style,
                color=_COLOURS[name],
                markersize=4,
                markeredgewidth=0.9,
                label=f"{METHOD_TEXTS[name]}, while hidden",
            )
        axis.set_title(
            text(
                "row {row}, column {column}: R$^2$ of the hidden days {r2}, RMSE {rmse}",
                row=course.cell[0],
                column=course.cell[1],
                r2=fixed(result.score(FOREST, "r2"), ".2f"),
                rmse=fixed(result.score(FOREST, "rmse"), ".3f"),
            ),
            fontsize=8,
        )
        axis.tick_params(labelsize=7)
        axis.grid(axis="y", color="#E5E5E5", linewidth=0.6)
    axes[0].legend(fontsize=7.5, frameon=False, ncol=4, loc="lower left", bbox_to_anchor=(0, 1.12))
    figure.supylabel(f"soil moisture, {SOIL_MOISTURE_UNIT}", fontsize=9)
    date_axis(axes[-1], [date for course in shown for date in course.dates])
    return png(figure)


def skill_map(results: Sequence[HiddenDays], centres: tuple[np.ndarray, np.ndarray], cell: float) -> bytes:
    """R2 of the hidden days of each cell on a map, beside how much better than linear interpolation: a PNG.

    Parameters
    ----------
    results : sequence of HiddenDays
    centres : pair of arrays, shape (n,)
        x and y of their cells, km.
    cell : float
        Side of a cell, km.
    """
    x, y = centres[0] - centres[0].min(), centres[1] - centres[1].min()
    # Cells that lie far apart are drawn larger, or nobody would see them.
    side = max(cell, 0.7 * cell_step(x, y)) if len(results) > 1 else cell
    own = np.array([result.score(FOREST, "r2") for result in results])
    gain = own - np.array([result.score(LINEAR, "r2") for result in results])
    wide, high = np.ptp(x) + 2 * side, np.ptp(y) + 2 * side
    figure = new_figure(float(np.clip((PAGE_WIDTH - 1.2) / 2 * high / wide, 1.6, 6.0)) + 1.1)
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    parts = (
        (axes[0], own, "viridis", (0.0, 1.0), "R$^2$ of the forests"),
        (axes[1], gain, "PuOr", (-0.5, 0.5), "R$^2$ less that of linear interpolation"),
    )
    for axis, values, colours, limits, label in parts:
        _squares(figure, axis, (x, y, side), values, colours, limits, label)
        axis.set_xlim(-side, wide - side)
        axis.set_ylim(-side, high - side)
        axis.set_aspect("equal")
        axis.set_xlabel("km", fontsize=8)
        axis.tick_params(labelsize=7)
    axes[0].set_ylabel("km", fontsize=8)
    return png(figure)


def _squares(
    figure: Any,
    axis: Any,
    centres: tuple[np.ndarray, np.ndarray, float],
    values: np.ndarray,
    colours: str,
    limits: tuple[float, float],
    label: str,
) -> None:
    from matplotlib.collections import PolyCollection

    x, y, side = centres
    corners = side / 2 * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    # With a rim, for white is a value too.
    squares = PolyCollection(
        np.stack([x, y], axis=1)[:, None, :] + corners, cmap=colours, edgecolors="#888888", linewidths=0.3
    )
    squares.set_array(values)
    squares.set_clim(*limits)
    axis.add_collection(squares)
    bar = figure.colorbar(squares, ax=axis, orientation="horizontal", extend="both" if limits[0] else "min")
    bar.set_label(label, fontsize=8)
    bar.ax.tick_params(labelsize=7)
