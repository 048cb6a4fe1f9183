"""Observed against predicted: a panel a date or cell, or all rows at once (the paper's Fig. B1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...methods.keys import key_label
from ...report.figure import PAGE_WIDTH, SOIL_MOISTURE_UNIT, new_figure, png
from ...report.number_text import fixed
from ...stats.scores import fitted_line
from .figures import SCHEME_COLOURS
from .numbers.pieces import PieceResult
from .numbers.schemes import scheme_text

_COLUMNS = 5
#: Of more rows than this no single one can be seen: their density is drawn.
_MOST_POINTS = 5000


def observed_predicted(results: Sequence[PieceResult], scheme: str) -> bytes:
    """Observed against predicted of each date or cell, with the 1:1 and the fitted line: a PNG."""
    columns = min(_COLUMNS, len(results))
    rows = -(-len(results) // columns)
    figure = new_figure(rows * (PAGE_WIDTH / max(columns, 3) + 0.1) + 0.35)
    axes = np.atleast_1d(figure.subplots(rows, columns, sharex=True, sharey=True)).ravel()
    ends = _ends(results)
    for axis, result in zip(axes, results):
        _panel(axis, result, ends, SCHEME_COLOURS[scheme], key_label(result.piece.unit))
    for axis in axes[len(results) :]:
        axis.set_visible(False)
    for index in range(len(results)):
        # The panel below the last full row may be missing.
        axes[index].tick_params(labelbottom=index + columns >= len(results))
    figure.supxlabel(f"predicted, {SOIL_MOISTURE_UNIT}", fontsize=9)
    figure.supylabel(f"observed, {SOIL_MOISTURE_UNIT}", fontsize=9)
    return png(figure)


def observed_predicted_pooled(results: Sequence[PieceResult], block_km: float) -> bytes:
    """The same of all rows at once, a panel a scheme: a PNG."""
    figure = new_figure(PAGE_WIDTH / max(len(results), 2) + 0.5)
    axes = np.atleast_1d(figure.subplots(1, len(results), sharex=True, sharey=True))
    ends = _ends(results)
    for axis, result in zip(axes, results):
        scheme = result.piece.scheme
        _panel(axis, result, ends, SCHEME_COLOURS[scheme], scheme_text(scheme, block_km))
    figure.supxlabel(f"predicted, {SOIL_MOISTURE_UNIT}", fontsize=9)
    figure.supylabel(f"observed, {SOIL_MOISTURE_UNIT}", fontsize=9)
    return png(figure)


def _ends(results: Sequence[PieceResult]) -> np.ndarray:
    """Both ends of the axes."""
    values = np.concatenate([part for result in results for part in (result.observed, result.predicted)])
    low, high = float(np.min(values)), float(np.max(values))
    margin = 0.03 * (high - low or 1.0)
    return np.array([low - margin, high + margin])


def _panel(axis: Any, result: PieceResult, ends: np.ndarray, colour: str, title: str) -> None:
    observed, predicted = result.observed, result.predicted
    if observed is None or predicted is None:
        return
    if result.n > _MOST_POINTS:
        extent = (*ends, *ends)
        axis.hexbin(predicted, observed, gridsize=45, bins="log", cmap="Greys", extent=extent, linewidths=0.1)
    else:
        size = float(np.clip(600 / result.n, 1.0, 12.0))
        axis.scatter(predicted, observed, s=size, color=colour, alpha=0.45, linewidths=0)
    axis.plot(ends, ends, color="black", linewidth=0.8, linestyle="--")
    text = ""
    slope, intercept = fitted_line(observed, predicted)
    if np.isfinite(slope):
        across = np.array([predicted.min(), predicted.max()])
        axis.plot(across, intercept + slope * across, color="black", linewidth=1.2)
        text = f"slope {fixed(slope, '.2f')}\n"
    axis.text(
        0.04,
        0.96,
        f"{text}R$^2$ {fixed(result.scores['r2'], '.2f')}\nn {result.n:,}",
        transform=axis.transAxes,
        va="top",
        fontsize=7,
        bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.5},
    )
    axis.set_title(title, fontsize=8)
    axis.set_xlim(*ends)
    axis.set_ylim(*ends)
    axis.set_aspect("equal")
    axis.tick_params(labelsize=7)
