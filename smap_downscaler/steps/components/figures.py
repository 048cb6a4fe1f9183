"""Figures of a principal component analysis: the scree plot and the biplot (the paper's Fig. 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...base.words import text
from ...report.figure import COLOURS, new_figure, png
from ...report.number_text import fixed
from .numbers.components import Components

_ACTIVE, _SUPPLEMENTARY, _POINTS = COLOURS[0], COLOURS[1], "#777777"
#: Components in the scree plot, and arrows with a label in the biplot.
_MOST_BARS, MOST_LABELS = 15, 40
#: Height of a line of labels as a share of the biplot's height.
_LINE = 0.031
_FEW_POINTS = 300


def scree(found: Components) -> bytes:
    """Share of the variance of each component, and of all up to it: a PNG."""
    figure = new_figure(3.2)
    axis = figure.subplots()
    numbers = np.arange(1, min(len(found.eigenvalues), _MOST_BARS) + 1)
    shares, cumulative = 100 * found.shares[: len(numbers)], 100 * found.cumulative[: len(numbers)]
    axis.bar(numbers, shares, color=_ACTIVE, width=0.7, label="each")
    axis.plot(numbers, cumulative, color="black", marker="o", markersize=4, linewidth=1.0, label="up to here")
    axis.axhline(100 / len(found.names), color="#444444", linewidth=0.8, linestyle="--", label="eigenvalue 1")
    axis.set_xticks(numbers)
    values = [fixed(value, ".2f") for value in found.eigenvalues]
    axis.set_xticklabels([f"PC{number}\n{value}" for number, value in zip(numbers, values)])
    axis.set_xlabel("component, with its eigenvalue", fontsize=9)
    axis.set_ylim(0, 106)
    axis.set_ylabel("variance explained, %", fontsize=9)
    axis.tick_params(labelsize=8)
    axis.legend(fontsize=7.5, frameon=False, ncol=3, loc="lower left", bbox_to_anchor=(0, 1.0))
    return png(figure)


def biplot(found: Components) -> bytes:
    """Scores of the first two components as points, loadings as arrows on axes of their own: a PNG."""
    figure = new_figure(6.6)
    axis = figure.subplots()
    points = found.scores[:, :2]
    few = len(points) <= _FEW_POINTS
    axis.scatter(
        *points.T, s=14 if few else 5, color=_POINTS, alpha=0.55 if few else 0.25, linewidths=0, zorder=1
    )
    reach = 1.12 * float(np.abs(points).max())
    axis.set_xlim(-reach, reach)
    axis.set_ylim(-reach, reach)
    axis.set_aspect("equal")
    for line in (axis.axhline, axis.axvline):
        line(0, color="#BBBBBB", linewidth=0.7, zorder=0)
    first, second = (100 * found.shares[:2]).tolist()
    axis.set_xlabel(text("score on PC1 ({:.1f} % of the variance)", first), fontsize=9)
    axis.set_ylabel(text("score on PC2 ({:.1f} %)", second), fontsize=9)
    axis.tick_params(labelsize=8)
    # The circle of loadings 1 lies inside the frame, whatever the scores, with room for labels.
    scale = 0.78 * reach
    arrows = _arrows(found, scale)
    _draw(axis, arrows, scale)
    longest = sorted(arrows, key=lambda arrow: -np.hypot(arrow.x, arrow.y))[:MOST_LABELS]
    for side in (-1, 1):
        _labels(axis, [arrow for arrow in longest if (arrow.x >= 0) == (side > 0)], side, reach)
    _loading_axes(axis, scale)
    _legend(axis, len(found.supplementary.names) > 0)
    return png(figure)


@dataclass(frozen=True)
class _Arrow:
    """A variable's arrow: its name, its tip in units of the scores, and its look."""

    name: str
    x: float
    y: float
    colour: str
    line: str


def _arrows(found: Components, scale: float) -> list[_Arrow]:
    return [
        _Arrow(name, float(tip[0] * scale), float(tip[1] * scale), colour, line)
        for names, loadings, colour, line in (
            (found.names, found.loadings, _ACTIVE, "solid"),
            (found.supplementary.names, found.supplementary.loadings, _SUPPLEMENTARY, "dashed"),
        )
        for name, tip in zip(names, loadings[:, :2])
        if np.isfinite(tip).all()
    ]


def _draw(axis: Any, arrows: Sequence[_Arrow], scale: float) -> None:
    from matplotlib.patches import Circle

    axis.add_patch(Circle((0, 0), scale, fill=False, edgecolor="#BBBBBB", linewidth=0.7, linestyle=":"))
    for arrow in arrows:
        style = {"arrowstyle": "-|>", "color": arrow.colour, "linestyle": arrow.line, "linewidth": 1.2}
        axis.annotate(
            "",
            xy=(arrow.x, arrow.y),
            xytext=(0, 0),
            arrowprops={**style, "shrinkA": 0, "shrinkB": 0},
            zorder=3,
        )


def _labels(axis: Any, arrows: Sequence[_Arrow], side: int, reach: float) -> None:
    """Labels left (-1) or right (1) of the tips, moved up or down where they would lie on each other."""
    gap = _LINE * 2 * reach
    arrows = sorted(arrows, key=lambda arrow: arrow.y)
    heights = spread_out(np.array([arrow.y for arrow in arrows]), gap)
    for arrow, height in zip(arrows, heights.tolist()):
        place = arrow.x + side * 0.015 * reach
        if abs(height - arrow.y) > gap / 2:
            place += side * 0.03 * reach
            axis.plot([arrow.x, place], [arrow.y, height], color=arrow.colour, linewidth=0.5, zorder=3)
        axis.text(
            place,
            height,
            arrow.name,
            color=arrow.colour,
            fontsize=7.5,
            ha="left" if side > 0 else "right",
            va="center",
            bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.6},
            zorder=4,
        )


def spread_out(positions: np.ndarray, gap: float) -> np.ndarray:
    """The ascending positions nearest to `positions` (least squares) that lie at least `gap` apart.

    Both of shape (n,). Pool adjacent violators (Barlow et al. 1972) on the positions less their rank times
    the gap.
    """
    ranks = np.arange(len(positions)) * gap
    pools: list[list[float]] = []
    for value in positions - ranks:
        pools.append([float(value), 1.0])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, size = pools.pop()
            before, weight = pools.pop()
            pools.append([(mean * size + before * weight) / (size + weight), size + weight])
    return np.repeat([mean for mean, _ in pools], [int(size) for _, size in pools]) + ranks


def _loading_axes(axis: Any, scale: float) -> None:
    """Axes above and on the right for loadings, of which 1 is `scale` in units of the scores."""
    ways = (lambda score: score / scale, lambda loading: loading * scale)
    for make, place in ((axis.secondary_xaxis, "top"), (axis.secondary_yaxis, "right")):
        second = make(place, functions=ways)
        second.set_ticks(np.linspace(-1, 1, 5))
        second.tick_params(labelsize=7, colors="#555555")
    axis.set_title("loading (arrows; dotted circle: 1)", fontsize=8, color="#555555")


def _legend(axis: Any, supplementary: bool) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=_POINTS, marker="o", linestyle="", markersize=4, label="rows (scores)"),
        Line2D([], [], color=_ACTIVE, label="variables"),
    ]
    if supplementary:
        words = "supplementary variables, projected"
        handles.append(Line2D([], [], color=_SUPPLEMENTARY, linestyle="--", label=words))
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.09)}
    axis.legend(handles=handles, fontsize=7.5, ncol=3, frameon=False, **place)
