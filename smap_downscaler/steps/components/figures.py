"""Figures of a principal component analysis: the scree plot and the biplot (the paper's Fig. 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...base.words import text
from ...report.figure import COLOURS, new_figure, png
from ...report.number_text import fixed
from .numbers.analyse import Analysis
from .numbers.components import Components

_ACTIVE, _SUPPLEMENTARY, _POINTS = COLOURS[0], COLOURS[1], "#777777"
#: Components in the scree plot, and arrows with a label in the biplot, alone or of each of several.
_MOST_BARS, _MOST_LABELS, _MOST_BESIDE = 15, 40, 20
_FEW_POINTS = 300
#: Colours of the points from low to high: readable on white, and with colour-blindness.
_COLOURS_OF_POINTS = "viridis_r"


@dataclass(frozen=True)
class _Looks:
    """Sizes of a biplot: letters of labels, the height of their lines as a share of its height."""

    letters: float
    line: float


_ALONE, _BESIDE = _Looks(7.5, 0.031), _Looks(6.0, 0.047)


def most_labels(analyses: Sequence[Analysis]) -> int:
    """How many arrows of a biplot have a label."""
    return _MOST_LABELS if len(analyses) == 1 else _MOST_BESIDE


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


def biplot(analyses: Sequence[Analysis], colour: str = "") -> bytes:
    """Scores of the first two components as points, loadings as arrows on axes of their own: a PNG.

    Several dates stand side by side, with the same limits and the same colours.

    Parameters
    ----------
    analyses : sequence of Analysis
    colour : str
        What colours the points; empty where nothing does.
    """
    several = len(analyses) > 1
    heights = [3.6 if several else 6.0, 0.25, *([0.12] if colour else [])]
    figure = new_figure(sum(heights) + (0.7 if colour else 0.3))
    grid = figure.add_gridspec(len(heights), len(analyses), height_ratios=heights)
    reach = 1.12 * max(float(np.abs(one.found.scores[:, :2]).max()) for one in analyses)
    colours = _colours(analyses) if colour else None
    looks = _BESIDE if several else _ALONE
    for column, one in enumerate(analyses):
        axis = figure.add_subplot(grid[0, column])
        _biplot(axis, one, reach, looks, most_labels(analyses), colours)
    handles, below = _legend(analyses), figure.add_subplot(grid[1, :])
    below.set_axis_off()
    below.legend(handles=handles, fontsize=7.5, ncol=len(handles), frameon=False, loc="center")
    if colours is not None:
        bar = figure.colorbar(colours, cax=figure.add_subplot(grid[2, :]), orientation="horizontal")
        bar.set_label(colour, fontsize=8.5)
        bar.ax.tick_params(labelsize=7.5)
    return png(figure)


def _colours(analyses: Sequence[Analysis]) -> Any:
    """One range of colours for all dates."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    values = np.concatenate([one.colour for one in analyses if one.colour is not None])
    return ScalarMappable(Normalize(np.nanmin(values), np.nanmax(values)), _COLOURS_OF_POINTS)


def _biplot(axis: Any, one: Analysis, reach: float, looks: _Looks, most: int, colours: Any) -> None:
    found = one.found
    _points(axis, one, colours)
    axis.set_xlim(-reach, reach)
    axis.set_ylim(-reach, reach)
    axis.set_aspect("equal")
    for line in (axis.axhline, axis.axvline):
        line(0, color="#BBBBBB", linewidth=0.7, zorder=0)
    first, second = (100 * found.shares[:2]).tolist()
    letters = looks.letters + 1.5
    axis.set_xlabel(text("score on PC1 ({:.1f} % of the variance)", first), fontsize=letters)
    axis.set_ylabel(text("score on PC2 ({:.1f} %)", second), fontsize=letters)
    axis.tick_params(labelsize=looks.letters + 0.5)
    # The circle of loadings 1 lies inside the frame, whatever the scores, with room for labels.
    scale = 0.78 * reach
    arrows = _arrows(found, scale)
    _draw(axis, arrows, scale)
    longest = sorted(arrows, key=lambda arrow: -np.hypot(arrow.x, arrow.y))[:most]
    for side in (-1, 1):
        _labels(axis, [arrow for arrow in longest if (arrow.x >= 0) == (side > 0)], side, reach, looks)
    _loading_axes(axis, scale)
    title = "loading (arrows; dotted circle: 1)"
    axis.set_title(f"{one.date}\n{title}" if one.date else title, fontsize=8, color="#555555")


def _points(axis: Any, one: Analysis, colours: Any) -> None:
    points = one.found.scores[:, :2]
    few = len(points) <= _FEW_POINTS
    size, alpha = (14, 0.55) if few else (5, 0.25)
    if colours is None or one.colour is None:
        axis.scatter(*points.T, s=size, color=_POINTS, alpha=alpha, linewidths=0, zorder=1)
        return
    known = np.isfinite(one.colour)
    axis.scatter(
        *points[known].T, s=size + 4, c=one.colour[known], cmap=colours.cmap, norm=colours.norm,
        linewidths=0, zorder=1,
    )  # fmt: skip
    axis.scatter(*points[~known].T, s=size, facecolors="none", edgecolors=_POINTS, linewidths=0.6, zorder=1)


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


def _labels(axis: Any, arrows: Sequence[_Arrow], side: int, reach: float, looks: _Looks) -> None:
    """Labels left (-1) or right (1) of the tips, moved up or down where they would lie on each other."""
    gap = looks.line * 2 * reach
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
            fontsize=looks.letters,
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


def _legend(analyses: Sequence[Analysis]) -> list[Any]:
    from matplotlib.lines import Line2D

    point = {"marker": "o", "linestyle": "", "markersize": 4}
    handles = [
        Line2D([], [], color=_POINTS, **point, label="rows (scores)"),
        Line2D([], [], color=_ACTIVE, label="variables"),
    ]
    if any(one.found.supplementary.names for one in analyses):
        words = "supplementary variables, projected"
        handles.append(Line2D([], [], color=_SUPPLEMENTARY, linestyle="--", label=words))
    if any(one.colour is not None and np.isnan(one.colour).any() for one in analyses):
        handles.append(Line2D([], [], color=_POINTS, fillstyle="none", **point, label="no value"))
    return handles
