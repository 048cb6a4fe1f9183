"""Figures of a quantile correlation: heat map over time scale and quantile, and curves (Fig. S3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...base.seasons_of_year import ALL
from ...base.words import text
from ...report.figure import COLOURS, MARKERS, light_grid, new_figure, png
from .numbers.run import Cell

#: Red to blue over white (ColorBrewer's RdBu): distinct with any colour vision.
_RAMP = "RdBu"
_NO_VALUE = "#BDBDBD"
#: Beyond this the ramp is so dark that only white shows on it.
_DARK = 0.65
#: Lines in one panel of curves.
_MOST_LINES = 5
_MOST_TICKS = 12


def heat_maps(cells: Sequence[Cell]) -> bytes:
    """The coefficients of a station over scale and quantile, one panel per season: a PNG.

    Parameters
    ----------
    cells : sequence of Cell
        Of one station: all scales and quantiles of each season.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    seasons = by_season(cells)
    rows = len({cell.scale for cell in cells})
    figure = new_figure(float(np.clip(0.13 * rows + 1.35, 2.6, 7.0)))
    axes = np.atleast_1d(figure.subplots(1, len(seasons), sharey=True))
    for axis, (season, found) in zip(axes, seasons.items()):
        _heat_map(axis, found)
        axis.set_title(season_text(season), fontsize=9)
        axis.set_xlabel("quantile", fontsize=9)
    axes[0].set_ylabel("time scale, days", fontsize=9)
    bar = figure.colorbar(
        ScalarMappable(Normalize(-1, 1), _RAMP), ax=list(axes), extend="both", pad=0.02, aspect=30
    )
    bar.set_label("quantile correlation", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    return png(figure)


def season_text(season: str) -> str:
    """What a season is called in figures and tables."""
    return "all year" if season == ALL else f"{season} season"


def by_season(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """The cells of each season, in their own order."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.season, []).append(cell)
    return found


def _grid(cells: Sequence[Cell], name: str) -> tuple[list[int], list[float], np.ndarray]:
    """Scales, quantiles, and an attribute of the cells, shape (scales, quantiles)."""
    scales, quantiles = sorted({cell.scale for cell in cells}), sorted({cell.tau for cell in cells})
    values = {(cell.scale, cell.tau): getattr(cell, name) for cell in cells}
    return scales, quantiles, np.array([[values[scale, tau] for tau in quantiles] for scale in scales])


def _heat_map(axis: Any, cells: Sequence[Cell]) -> None:
    from matplotlib import colormaps

    scales, quantiles, rho = _grid(cells, "rho")
    ramp = colormaps[_RAMP].with_extremes(bad=_NO_VALUE)
    edges = (-0.5, len(quantiles) - 0.5, -0.5, len(scales) - 0.5)
    axis.imshow(
        np.ma.masked_invalid(rho),
        cmap=ramp,
        vmin=-1,
        vmax=1,
        origin="lower",
        extent=edges,
        aspect="auto",
        interpolation="nearest",
    )
    _hatch(axis, _grid(cells, "unreliable")[2], np.abs(rho) > _DARK)
    rows, columns = np.nonzero(_grid(cells, "over_one")[2])
    for width, colour in ((2.6, "white"), (1.0, "black")):
        axis.plot(
            columns, rows, marker="x", linestyle="none", markersize=4, markeredgewidth=width, color=colour
        )
    for ticks, values, place in (
        (axis.set_xticks, quantiles, "x"),
        (axis.set_yticks, scales, "y"),
    ):
        step = -(-len(values) // _MOST_TICKS)
        shown = range(0, len(values), step) if place == "x" else range(step - 1, len(values), step)
        ticks(list(shown), [f"{values[index]:g}" for index in shown])
    axis.tick_params(labelsize=7, length=2)


def _hatch(axis: Any, where: np.ndarray, dark: np.ndarray) -> None:
    """Strokes over the cells of `where`: white on those of `dark` colour, else black."""
    from matplotlib.collections import PolyCollection

    corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
    for cells, colour in ((where & dark, "white"), (where & ~dark, "#333333")):
        rows, columns = np.nonzero(cells)
        squares = np.stack([columns, rows], axis=1)[:, None, :] + corners
        axis.add_collection(
            PolyCollection(squares, facecolors="none", edgecolors=colour, hatch="////", linewidths=0)
        )


def curves(cells: Sequence[Cell]) -> bytes:
    """Coefficients of a station against the quantile for some scales, and the other way: a PNG.

    Parameters
    ----------
    cells : sequence of Cell
        Of one station, all scales and quantiles of each season.
    """
    from matplotlib.ticker import MaxNLocator

    seasons, shown = by_season(cells), shown_scales(cells)
    figure = new_figure(1.75 * len(seasons) + 0.7)
    axes = figure.subplots(len(seasons), 2, sharey=True, sharex="col", squeeze=False)
    for (left, right), (season, found) in zip(axes, seasons.items()):
        scales, quantiles, rho = _grid(found, "rho")
        parts = (rho, *(_grid(found, name)[2] for name in ("lower", "upper", "unreliable")))
        for order, row in enumerate(scales.index(scale) for scale in shown):
            _curve(
                left,
                order,
                text("{} d", scales[row]),
                quantiles,
                *(part[row] for part in parts),
            )
        for order, column in enumerate(some(len(quantiles))):
            label = text("{:g}", quantiles[column])
            _curve(right, order, label, scales, *(part[:, column] for part in parts))
        left.set_ylabel(f"{season_text(season)}\nquantile correlation", fontsize=8.5)
        for axis in (left, right):
            axis.axhline(0, color="#444444", linewidth=0.7)
            for bound in (1, -1) if np.nanmin(rho, initial=0.0) < 0 else (1,):
                axis.axhline(bound, color="#444444", linewidth=0.7, linestyle=":")
            light_grid(axis)
            axis.set_axisbelow(True)
            axis.tick_params(labelsize=8)
    axes[0][1].xaxis.set_major_locator(MaxNLocator(integer=True))
    for axis, name in zip(axes[0], ("time scale", "quantile")):
        handles, labels = axis.get_legend_handles_labels()
        axis.legend(
            handles,
            labels,
            title=name,
            title_fontsize=8,
            fontsize=7.5,
            frameon=False,
            ncol=_MOST_LINES,
            columnspacing=0.9,
            handletextpad=0.4,
            handlelength=1.4,
            loc="lower left",
            bbox_to_anchor=(0, 1.0),
        )
    axes[-1][0].set_xlabel("quantile", fontsize=9)
    axes[-1][1].set_xlabel("time scale, days", fontsize=9)
    return png(figure)


def shown_scales(cells: Sequence[Cell]) -> list[int]:
    """Up to five of the scales that have a coefficient in any season, or of all where none has."""
    scales = sorted({cell.scale for cell in cells if cell.computed} or {cell.scale for cell in cells})
    return [scales[index] for index in some(len(scales))]


def some(count: int) -> list[int]:
    """Up to five indices of `count`, evenly spread, first and last among them."""
    return [int(place) for place in np.linspace(0, count - 1, min(count, _MOST_LINES))]


def _curve(
    axis: Any,
    order: int,
    label: str,
    across: Sequence[float],
    rho: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    doubtful: np.ndarray,
) -> None:
    """A line; hollow markers where the coefficient is unreliable, else a band where there is an interval."""
    colour = COLOURS[order]
    x = np.asarray(across, np.float64)
    axis.plot(x, rho, color=colour, linewidth=1.1)
    style = {"marker": MARKERS[order], "color": colour, "linestyle": "none", "markersize": 4.5}
    axis.plot(x, np.where(doubtful, np.nan, rho), label=label, **style)
    axis.plot(x, np.where(doubtful, rho, np.nan), markerfacecolor="white", **style)
    known = np.isfinite(low) & ~doubtful
    if known.any():
        axis.fill_between(x, low, high, where=known, color=colour, alpha=0.12, linewidth=0)
