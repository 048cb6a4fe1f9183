"""Figures of trained forests: out-of-bag scores by date or on a map."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import numpy as np

from ...report.figure import (
    COLOURS,
    MARKERS,
    PAGE_WIDTH,
    SMAP_BAND,
    SOIL_MOISTURE_UNIT,
    add_squares,
    cell_step,
    date_axis,
    finish_scores,
    light_grid,
    new_figure,
    png,
)
from .numbers.effects import Effect

_FEW_DATES = 120
_PANELS_A_ROW, _LETTERS_A_PANEL = 4, 24


def oob_by_date(dates: Sequence[dt.date], rmse: np.ndarray, r2: np.ndarray) -> bytes:
    """Out-of-bag RMSE and R2 of each date: a PNG."""
    figure = new_figure(4.6)
    upper, lower = figure.subplots(2, 1, sharex=True)
    upper.axhspan(*SMAP_BAND, color="#DDDDDD", zorder=0)
    few = len(dates) <= _FEW_DATES
    for axis, values, number in ((upper, rmse, 0), (lower, r2, 1)):
        axis.plot(
            dates,
            values,
            color=COLOURS[number],
            marker=MARKERS[number],
            markersize=4.0 if few else 2.5,
            linewidth=0.9 if few else 0.0,
            alpha=1.0 if few else 0.7,
        )
    finish_scores(upper, lower, r2)
    date_axis(lower, dates)
    return png(figure)


def oob_by_cell(x: np.ndarray, y: np.ndarray, rmse: np.ndarray, r2: np.ndarray, metres: bool) -> bytes:
    """Out-of-bag RMSE and R2 of each cell on a map: a PNG.

    Parameters
    ----------
    x, y : arrays, shape (n,)
        Centres of the cells: in metres, or else columns and rows (rows downwards).
    rmse, r2 : arrays, shape (n,)
    metres : bool
    """
    if metres:
        x, y = (x - x.min()) / 1000, (y - y.min()) / 1000
    step = cell_step(x, y)
    wide, high = float(np.ptp(x)) + 2 * step, float(np.ptp(y)) + 2 * step
    panel = (PAGE_WIDTH - 1.8) / 2
    figure = new_figure(float(np.clip(panel * high / wide, 1.6, 5.5)) + 0.8)
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    names = (f"RMSE, {SOIL_MOISTURE_UNIT}", "R$^2$ = 1 - SSE/SST")
    for axis, values, name in zip(axes, (rmse, r2), names):
        _cells(axis, x, y, step, values, name)
        axis.set_xlim(x.min() - step, x.max() + step)
        axis.set_ylim(y.min() - step, y.max() + step)
        if not metres:
            axis.invert_yaxis()
        axis.set_aspect("equal")
        axis.set_xlabel("km" if metres else "column", fontsize=8)
        axis.tick_params(labelsize=7)
    axes[0].set_ylabel("km" if metres else "row", fontsize=8)
    return png(figure)


def _cells(axis: Any, x: np.ndarray, y: np.ndarray, step: float, values: np.ndarray, name: str) -> None:
    squares = add_squares(axis, np.stack([x, y], axis=1), step, cmap="cividis", linewidths=0)
    squares.set_array(np.ma.masked_invalid(values))
    bar = axis.figure.colorbar(squares, ax=axis, shrink=0.85, pad=0.03)
    bar.ax.tick_params(labelsize=7)
    axis.set_title(name, fontsize=9)


def effects_figure(effects: Sequence[Effect]) -> bytes:
    """Accumulated effects of covariates, a panel each in their order, all on one scale: a PNG."""
    columns = min(len(effects), _PANELS_A_ROW)
    rows = -(-len(effects) // columns)
    figure = new_figure(0.5 + 1.45 * rows, PAGE_WIDTH * max(columns, 2) / _PANELS_A_ROW)
    axes = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axis, one in zip(axes.flat, effects):
        axis.fill_between(one.values, one.q25, one.q75, color=COLOURS[0], alpha=0.2, linewidth=0)
        axis.plot(one.values, one.median, color=COLOURS[0], linewidth=1.3)
        axis.axhline(0, color="#444444", linewidth=0.6)
        # Where the rows are: in the lowest part of the panel, whatever the scale.
        axis.plot(
            one.values,
            np.full(one.values.size, 0.02),
            transform=axis.get_xaxis_transform(),
            color="#444444",
            linestyle="",
            marker="|",
            markersize=4,
            markeredgewidth=0.6,
        )
        # Long names are cut where they would meet.
        axis.set_title("\n".join(wrap(one.covariate, _LETTERS_A_PANEL)), fontsize=8, pad=3)
        axis.set_xlabel(one.unit, fontsize=7, labelpad=1)
        axis.tick_params(labelsize=6.5)
        axis.xaxis.set_major_locator(_few_ticks())
        light_grid(axis, "y")
    for axis in axes.flat[len(effects) :]:
        axis.set_visible(False)
    figure.supylabel(
        f"soil moisture less its\nmean, {SOIL_MOISTURE_UNIT}", fontsize=8, multialignment="center"
    )
    return png(figure)


def _few_ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(3)
