"""Figures of a cross-validation: scores by date, observed against predicted, folds on a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.validation.crossvalidate import PieceResult
from ..core.validation.folds import BLOCKS, RANDOM
from ..core.validation.results import FirstDay
from ..core.validation.summary import DateScores
from .figure import COLOURS, MARKERS, PAGE_WIDTH, SOIL_MOISTURE_UNIT, date_axis, new_figure, png

#: SMAP's own accuracy, m3 m-3: the mission's goal .04, and .06, as in the paper's discussion.
SMAP_BAND = (0.04, 0.06)
_COLOURS = {RANDOM: COLOURS[0], BLOCKS: COLOURS[1]}
_MARKERS = {RANDOM: MARKERS[0], BLOCKS: MARKERS[1]}
#: Ten colours for folds (Paul Tol's muted scheme); more folds begin again, so folds bear their numbers.
_FOLDS = (
    "#332288",
    "#88CCEE",
    "#44AA99",
    "#117733",
    "#999933",
    "#DDCC77",
    "#CC6677",
    "#882255",
    "#AA4499",
    "#BBBBBB",
)
_DARK = {"#332288", "#117733", "#882255", "#AA4499", "#CC6677", "#44AA99", "#999933"}
_COLUMNS = 5
_DATES_WITH_LINES = 120


def scheme_text(scheme: str, block_km: float) -> str:
    """What a scheme is called in figures and tables."""
    return "random folds" if scheme == RANDOM else f"blocks of {block_km:g} km"


def scores_by_date(scores: dict[str, DateScores], block_km: float) -> bytes:
    """RMSE and R2 by date, the schemes beside each other (the paper's Fig. 4): a PNG."""
    figure = new_figure(5.2)
    upper, lower = figure.subplots(2, 1, sharex=True)
    upper.axhspan(*SMAP_BAND, color="#DDDDDD", zorder=0, label="SMAP's own accuracy")
    for axis, name in ((upper, "rmse"), (lower, "r2")):
        for scheme, found in scores.items():
            _line(axis, found, name, scheme, block_km)
        axis.grid(axis="y", color="#E5E5E5", linewidth=0.6)
        axis.set_axisbelow(True)
        axis.tick_params(labelsize=8)
        axis.legend(
            fontsize=7.5, columnspacing=1.5, frameon=False, loc="lower left", bbox_to_anchor=(0, 1.0), ncol=3
        )
    upper.set_ylabel(f"RMSE, {SOIL_MOISTURE_UNIT}", fontsize=9)
    upper.set_ylim(bottom=0)
    lower.set_ylabel("R$^2$ = 1 - SSE/SST", fontsize=9)
    known = np.concatenate([found.mean["r2"] for found in scores.values()])
    lower.set_ylim(min(0.0, 1.1 * float(np.min(known, where=np.isfinite(known), initial=0.0))), 1)
    lower.axhline(0, color="#444444", linewidth=0.8)
    date_axis(lower, [date for found in scores.values() for date in found.dates])
    return png(figure)


def _line(axis: Any, found: DateScores, name: str, scheme: str, block_km: float) -> None:
    mean, sd = found.mean[name], found.sd[name]
    middle = np.nanmedian(mean) if np.isfinite(mean).any() else np.nan
    # Of many dates only the cloud can be read, not each with its SD.
    few = len(found.dates) <= _DATES_WITH_LINES
    axis.errorbar(
        found.dates,
        mean,
        yerr=sd if few and np.isfinite(sd).any() else None,
        color=_COLOURS[scheme],
        marker=_MARKERS[scheme],
        markersize=4.0 if few else 2.5,
        linewidth=0.9 if few else 0.0,
        alpha=1.0 if few else 0.7,
        elinewidth=0.8,
        capsize=2,
        label=f"{scheme_text(scheme, block_km)} (median {middle:.3f})",
    )


def observed_predicted(results: Sequence[PieceResult], scheme: str) -> bytes:
    """Observed against predicted of each date, with the 1:1 line and the fitted one (Fig. B1): a PNG."""
    columns = min(_COLUMNS, len(results))
    rows = -(-len(results) // columns)
    figure = new_figure(rows * (PAGE_WIDTH / max(columns, 3) + 0.1) + 0.35)
    axes = np.atleast_1d(figure.subplots(rows, columns, sharex=True, sharey=True)).ravel()
    values = np.concatenate([part for result in results for part in (result.observed, result.predicted)])
    low, high = float(np.min(values)), float(np.max(values))
    margin = 0.03 * (high - low or 1.0)
    ends = np.array([low - margin, high + margin])
    for axis, result in zip(axes, results):
        _scatter(axis, result, ends, _COLOURS[scheme])
    for axis in axes[len(results) :]:
        axis.set_visible(False)
    for index in range(len(results)):
        # The panel below the last full row may be missing.
        axes[index].tick_params(labelbottom=index + columns >= len(results))
    figure.supxlabel(f"predicted, {SOIL_MOISTURE_UNIT}", fontsize=9)
    figure.supylabel(f"observed, {SOIL_MOISTURE_UNIT}", fontsize=9)
    return png(figure)


def _scatter(axis: Any, result: PieceResult, ends: np.ndarray, colour: str) -> None:
    observed, predicted = result.observed, result.predicted
    size = float(np.clip(600 / result.n, 1.0, 12.0))
    axis.scatter(predicted, observed, s=size, color=colour, alpha=0.45, linewidths=0)
    axis.plot(ends, ends, color="black", linewidth=0.8, linestyle="--")
    text = ""
    if np.ptp(predicted) > 0:
        slope, intercept = fitted_line(observed, predicted)
        across = np.array([predicted.min(), predicted.max()])
        axis.plot(across, intercept + slope * across, color="black", linewidth=1.2)
        text = f"slope {slope:.2f}\n"
    axis.text(
        0.04,
        0.96,
        f"{text}R$^2$ {result.scores['r2']:.2f}\nn {result.n:,}",
        transform=axis.transAxes,
        va="top",
        fontsize=7,
        bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.5},
    )
    axis.set_title(result.piece.date.isoformat(), fontsize=8)
    axis.set_xlim(*ends)
    axis.set_ylim(*ends)
    axis.set_aspect("equal")
    axis.tick_params(labelsize=7)


def fitted_line(observed: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of the least-squares line of observed on predicted (Pineiro et al. 2008)."""
    centred = predicted - predicted.mean()
    slope = float(np.sum(centred * (observed - observed.mean())) / np.sum(centred**2))
    return slope, float(observed.mean() - slope * predicted.mean())


def fold_map(day: FirstDay, results: Sequence[PieceResult], block_km: float) -> bytes:
    """The folds of the first date on a map, a panel a scheme: a PNG."""
    x, y = day.x / 1000, day.y / 1000
    x, y = x - x.min(), y - y.min()
    step = cell_step(x, y)
    wide, high = float(np.ptp(x)) + 2 * step, float(np.ptp(y)) + 2 * step
    panel = (PAGE_WIDTH - 0.9) / len(results)
    figure = new_figure(min(panel * high / wide, 5.5) + 0.8)
    axes = np.atleast_1d(figure.subplots(1, len(results), sharex=True, sharey=True))
    for axis, result in zip(axes, results):
        _folds(axis, x, y, step, result)
        axis.set_title(scheme_text(result.piece.scheme, block_km), fontsize=9)
        axis.set_xlim(-step, -step + wide)
        axis.set_ylim(-step, -step + high)
        axis.set_aspect("equal")
        axis.set_xlabel("km", fontsize=8)
        axis.tick_params(labelsize=7)
    axes[0].set_ylabel("km", fontsize=8)
    return png(figure)


def cell_step(x: np.ndarray, y: np.ndarray) -> float:
    """The distance of neighbouring cells: the least difference of their x or y, up to rounding."""
    steps = [np.diff(np.unique(np.round(values, 3))) for values in (x, y)]
    found = np.concatenate(steps)
    return float(np.min(found)) if found.size else 1.0


def _folds(axis: Any, x: np.ndarray, y: np.ndarray, step: float, result: PieceResult) -> None:
    from matplotlib.collections import PolyCollection

    half = step / 2
    corners = np.array([(-half, -half), (half, -half), (half, half), (-half, half)])
    places = np.stack([x, y], axis=1)
    folds = np.asarray(result.fold_of_row)
    colours = [_FOLDS[fold % len(_FOLDS)] for fold in folds]
    axis.add_collection(
        PolyCollection(places[:, None, :] + corners, facecolors=colours, edgecolors="white", linewidths=0.2)
    )
    if result.piece.scheme == BLOCKS:
        for fold, centre in _block_labels(places, folds, step):
            colour = "white" if _FOLDS[fold % len(_FOLDS)] in _DARK else "black"
            axis.text(*centre, str(fold + 1), fontsize=6, ha="center", va="center", color=colour)


def _block_labels(places: np.ndarray, folds: np.ndarray, step: float) -> list[tuple[int, np.ndarray]]:
    """A cell in the middle of each group of touching cells of one fold, and the fold."""
    cells = {tuple(cell): index for index, cell in enumerate(np.round(places / step).astype(int).tolist())}
    left, labels = set(cells), []
    while left:
        start = min(left)
        fold, group, queue = folds[cells[start]], [], [start]
        left.discard(start)
        while queue:
            row, col = queue.pop()
            group.append(cells[row, col])
            for near in ((row + 1, col), (row - 1, col), (row, col + 1), (row, col - 1)):
                if near in left and folds[cells[near]] == fold:
                    left.discard(near)
                    queue.append(near)
        inside = places[group]
        middle = inside[np.argmin(np.sum((inside - inside.mean(axis=0)) ** 2, axis=1))]
        labels.append((int(fold), middle))
    return labels
