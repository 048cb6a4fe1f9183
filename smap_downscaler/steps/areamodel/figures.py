"""Figures of trained area-to-point models: shares of the variance, curves, fields, footprint, evidence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...base.words import Text
from ...report.figure import (
    COLOURS,
    MARKERS,
    PAGE_WIDTH,
    SOIL_MOISTURE_UNIT,
    date_axis,
    legend_above,
    light_grid,
    new_figure,
    png,
)
from ..forests.figures import effects_figure
from ..forests.numbers.effects import Effect
from .numbers.outcome import FIELD_PARTS, Curve, Field

#: Bars of shares that fit on a page.
MOST_BARS = 24
_FIELDS_A_ROW = 3
#: Width of the bar of colours with its labels, inches.
_BAR = 1.1


def shares_figure(names: Sequence[str], shares: Sequence[Mapping[str, float]], kinds: Sequence[str]) -> bytes:
    """Shares of the variance, a bar a level from top to bottom: a PNG."""
    figure = new_figure(0.3 * len(names) + 1.0)
    axis = figure.subplots()
    places, left = np.arange(len(names)), np.zeros(len(names))
    for number, kind in enumerate(kinds):
        values = np.array([100 * own.get(kind, 0.0) for own in shares])
        axis.barh(places, values, left=left, color=COLOURS[number], height=0.66, label=kind)
        left += values
    axis.set_yticks(places, names)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.set_xlim(0, 100)
    axis.set_xlabel("share of the variance, %", fontsize=8)
    axis.tick_params(labelsize=8)
    legend_above(axis, len(kinds))
    return png(figure)


def curves_figure(curves: Sequence[Curve]) -> bytes:
    """Curves of covariates with bands of two standard deviations, a panel each, on one scale: a PNG."""
    drawn = []
    for one in curves:
        count = np.ones(one.values.size, np.int64)
        ends = one.effect - 2 * one.sd, one.effect + 2 * one.sd
        shares = np.linspace(0, 1, one.values.size)
        drawn.append(Effect(one.covariate, one.unit, one.values, shares, one.effect, *ends, count, 0, 0))
    return effects_figure(drawn)


def fields_figure(fields: Sequence[Field]) -> bytes:
    """Fields on one scale of colours, blue-green where wetter: a PNG."""
    from matplotlib.ticker import MaxNLocator

    columns = min(len(fields), _FIELDS_A_ROW)
    rows = -(-len(fields) // columns)
    height, width = fields[0].values.shape
    # One map alone need not be as wide as the page; beside the maps stands the bar.
    wide = (min(PAGE_WIDTH, 5.2 * columns) - _BAR) / columns
    high = float(np.clip(wide * height / width, 1.2, 5.5))
    figure = new_figure(rows * (high + 0.3) + 0.3, wide * columns + _BAR)
    axes = figure.subplots(rows, columns, squeeze=False)
    most = max(float(np.nanmax(np.abs(one.values))) for one in fields) or 1.0
    image: Any = None
    for axis, one in zip(axes.flat, fields):
        rows_, cols_ = one.values.shape
        extent = (0, cols_ / FIELD_PARTS, rows_ / FIELD_PARTS, 0)
        image = axis.imshow(
            one.values, cmap="BrBG", vmin=-most, vmax=most, extent=extent, interpolation="nearest"
        )
        axis.set_title(one.level, fontsize=8.5)
        axis.tick_params(labelsize=7)
        for side in (axis.xaxis, axis.yaxis):
            side.set_major_locator(MaxNLocator(5, integer=True))
    for axis in axes.flat[len(fields) :]:
        axis.set_visible(False)
    axes[-1, 0].set_xlabel("SMAP cells", fontsize=8)
    bar = figure.colorbar(image, ax=axes, shrink=0.85, pad=0.02)
    bar.set_label(SOIL_MOISTURE_UNIT, fontsize=8)
    bar.ax.tick_params(labelsize=7)
    return png(figure)


def footprint_figure(likelihoods: Mapping[float, float], chosen: float, note: Text) -> bytes:
    """How much worse other footprints fit than the best: a PNG; `note` stands at the chosen one."""
    figure = new_figure(2.5, 4.6)
    axis = figure.subplots()
    widths = sorted(likelihoods)
    best = min(likelihoods.values())
    axis.plot(
        widths,
        [likelihoods[width] - best for width in widths],
        color=COLOURS[0],
        marker=MARKERS[0],
        linewidth=1.2,
    )
    axis.axvline(chosen, color=COLOURS[1], linestyle="--", linewidth=1.0, label=note)
    axis.set_xlabel("footprint, full width in km", fontsize=8)
    axis.set_ylabel("twice the log likelihood\nbelow the best", fontsize=8)
    axis.margins(y=0.08)
    axis.tick_params(labelsize=8)
    light_grid(axis)
    legend_above(axis, 1)
    return png(figure)


def evidence_figure(dates: Sequence[dt.date], shown: np.ndarray, supported: np.ndarray) -> bytes:
    """Which share of each date's detail is shown, filled where it is supported: a PNG."""
    figure = new_figure(2.8)
    axis = figure.subplots()
    days = np.array(dates)
    for chosen, face, words in ((supported, COLOURS[0], "supported"), (~supported, "white", "hardly or not")):
        axis.plot(
            days[chosen],
            shown[chosen],
            linestyle="",
            marker=MARKERS[0],
            markersize=4.5,
            markerfacecolor=face,
            markeredgecolor=COLOURS[0],
            label=words,
        )
    axis.set_ylim(0, 1)
    axis.set_ylabel("share of the detail that is shown", fontsize=8)
    axis.tick_params(labelsize=8)
    light_grid(axis, "y")
    date_axis(axis, dates)
    legend_above(axis, 3)
    return png(figure)
