"""The figures of a cross-validation: scores, observed against predicted, importance, folds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...base.words import text
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
    legend_above,
    light_grid,
    new_figure,
    png,
)
from ...report.interval_figures import ImportanceSeries
from ...report.number_text import fixed
from ...stats.distribution import Distribution
from ...stats.scores import fitted_line
from .numbers.folds import BLOCKS, IN_SPACE, LOCATIONS, LOCATIONS_AND_DATES, PERIODS, RANDOM, scheme_text
from .numbers.pieces import PieceResult
from .numbers.results import FoldPicture, RiseRow, Scores

#: Scheme -> colour, marker and line.
_STYLES = {
    RANDOM: (COLOURS[0], MARKERS[0], "-"),
    BLOCKS: (COLOURS[1], MARKERS[1], "--"),
    PERIODS: (COLOURS[1], MARKERS[1], "--"),
    LOCATIONS: (COLOURS[2], MARKERS[2], ":"),
    LOCATIONS_AND_DATES: (COLOURS[1], MARKERS[1], "--"),
}
_DATES_WITH_LINES = 120
#: Per cent of the cells whose R2 may lie below the figure: that of a cell that hardly varies has no bottom.
WORST_CELLS = 10
_COLUMNS = 5
#: Of more rows than this no single one can be seen: their density is drawn.
_MOST_POINTS = 5000
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
#: Rows that no fold predicts.
_NO_FOLD = "#FFFFFF"


def scores_by_date(scores: Mapping[str, Scores], block_km: float) -> bytes:
    """RMSE and R2 by date, the schemes beside each other (the paper's Fig. 4): a PNG."""

    def draw(axis: Any, found: Scores, name: str, scheme: str) -> None:
        mean, sd = found.mean[name], found.sd[name]
        # Of many dates only the cloud can be read, not each with its SD.
        few = len(found.keys) <= _DATES_WITH_LINES
        colour, marker, _ = _STYLES[scheme]
        axis.errorbar(
            found.keys,
            mean,
            yerr=sd if few and np.isfinite(sd).any() else None,
            color=colour,
            marker=marker,
            markersize=4.0 if few else 2.5,
            linewidth=0.9 if few else 0.0,
            alpha=1.0 if few else 0.7,
            elinewidth=0.8,
            capsize=2,
            label=_label(mean, scheme, block_km),
        )

    figure, lower = _rmse_and_r2(scores, draw, 5.2, 0)
    date_axis(lower, [day for found in scores.values() for day in found.keys if isinstance(day, dt.date)])
    return png(figure)


def scores_over_cells(scores: Mapping[str, Scores], block_km: float) -> bytes:
    """RMSE and R2 of the cells, each scheme's in ascending order: a PNG."""

    def draw(axis: Any, found: Scores, name: str, scheme: str) -> None:
        values = np.sort(found.mean[name][np.isfinite(found.mean[name])])
        share = 100 * (np.arange(values.size) + 0.5) / max(values.size, 1)
        colour, _, line = _STYLES[scheme]
        axis.plot(share, values, color=colour, linestyle=line, label=_label(values, scheme, block_km))

    figure, lower = _rmse_and_r2(scores, draw, 5.0, WORST_CELLS)
    lower.set_xlim(0, 100)
    lower.set_xlabel("share of the cells below, %", fontsize=9)
    return png(figure)


def _rmse_and_r2(scores: Mapping[str, Scores], draw: Any, height: float, worst: float) -> tuple[Any, Any]:
    """A figure and its lower axis; R2 begins at 0, or below all but the `worst` per cent."""
    figure = new_figure(height)
    upper, lower = figure.subplots(2, 1, sharex=True)
    upper.axhspan(*SMAP_BAND, color="#DDDDDD", zorder=0, label="SMAP's own accuracy")
    for axis, name in ((upper, "rmse"), (lower, "r2")):
        for scheme, found in scores.items():
            draw(axis, found, name, scheme)
        legend_above(axis, 2, columnspacing=1.5)
    finish_scores(upper, lower, np.concatenate([found.mean["r2"] for found in scores.values()]), worst)
    return figure, lower


def _label(values: np.ndarray, scheme: str, block_km: float) -> str:
    median = fixed(Distribution.of(values).median, ".3f") or "not defined"
    return text("{} (median {})", scheme_text(scheme, block_km), median)


def observed_predicted(results: Sequence[PieceResult], titles: Sequence[str]) -> bytes:
    """Observed against predicted of pieces of work, with the 1:1 and the fitted line: a PNG."""
    columns = min(_COLUMNS, len(results))
    figure = new_figure(-(-len(results) // columns) * (PAGE_WIDTH / max(columns, 3) + 0.1) + 0.35)
    axes = figure.subplots(-(-len(results) // columns), columns, sharex=True, sharey=True, squeeze=False)
    values = np.concatenate([part for result in results for part in (result.observed, result.predicted)])
    low, high = float(np.min(values)), float(np.max(values))
    margin = 0.03 * (high - low or 1.0)
    ends = np.array([low - margin, high + margin])
    for axis, result, title in zip(axes.ravel(), results, titles):
        _scatter(axis, result, ends)
        axis.set_title(title, fontsize=8)
    for index, axis in enumerate(axes.ravel()):
        axis.set_visible(index < len(results))
        # The panel below the last full row may be missing.
        axis.tick_params(labelbottom=index + columns >= len(results))
    figure.supxlabel(f"predicted, {SOIL_MOISTURE_UNIT}", fontsize=9)
    figure.supylabel(f"observed, {SOIL_MOISTURE_UNIT}", fontsize=9)
    return png(figure)


def _scatter(axis: Any, result: PieceResult, ends: np.ndarray) -> None:
    observed, predicted = result.observed, result.predicted
    if observed is None or predicted is None:
        return
    if result.n > _MOST_POINTS:
        extent = (*ends, *ends)
        axis.hexbin(predicted, observed, gridsize=45, bins="log", cmap="Greys", extent=extent, linewidths=0.1)
    else:
        size, colour = float(np.clip(600 / result.n, 1.0, 12.0)), _STYLES[result.piece.scheme][0]
        axis.scatter(predicted, observed, s=size, color=colour, alpha=0.45, linewidths=0)
    axis.plot(ends, ends, color="black", linewidth=0.8, linestyle="--")
    written = text("R$^2$ {}\nn {:,}", fixed(result.scores["r2"], ".2f"), result.n)
    slope, intercept = fitted_line(observed, predicted)
    if np.isfinite(slope):
        across = np.array([predicted.min(), predicted.max()])
        axis.plot(across, intercept + slope * across, color="black", linewidth=1.2)
        written = text("slope {}\n{}", fixed(slope, ".2f"), written)
    axis.text(
        0.04,
        0.96,
        written,
        transform=axis.transAxes,
        va="top",
        fontsize=7,
        bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.5},
    )
    axis.set(xlim=ends, ylim=ends, aspect="equal")
    axis.tick_params(labelsize=7)


def importance_series(
    rows: Sequence[RiseRow], schemes: Sequence[str], block_km: float
) -> tuple[list[str], list[ImportanceSeries]]:
    """Covariates in the order of `rows`, and the rise of the RMSE by each under each scheme."""
    covariates = list(dict.fromkeys(row.covariate for row in rows))
    found = {(row.scheme, row.covariate): (row.spread.median, row.spread.q1, row.spread.q3) for row in rows}
    series = []
    for scheme in schemes:
        numbers = [found.get((scheme, name), (np.nan,) * 3) for name in covariates]
        middle, low, high = np.array(numbers).T
        colour, marker, _ = _STYLES[scheme]
        series.append(ImportanceSeries(scheme_text(scheme, block_km), middle, low, high, colour, marker))
    return covariates, series


def fold_map(pictures: Sequence[FoldPicture], block_km: float) -> bytes:
    """The folds of the first date, or of all rows, on a map, a panel a scheme: a PNG."""
    centres = [picture.place / 1000 for picture in pictures if picture.place is not None]
    corner = np.min(np.concatenate(centres), axis=0)
    whole = np.concatenate(centres) - corner
    step = cell_step(*whole.T)
    wide, high = (float(size) + 2 * step for size in np.ptp(whole, axis=0))
    panel = (PAGE_WIDTH - 0.9) / len(pictures)
    figure = new_figure(min(panel * high / wide, 5.5) + 0.8)
    axes = np.atleast_1d(figure.subplots(1, len(pictures), sharex=True, sharey=True))
    for axis, picture, centre in zip(axes, pictures, centres):
        folds, scheme = picture.fold_of_cell, picture.piece.scheme
        colours = [_colour(fold) for fold in folds]
        add_squares(axis, centre - corner, step, facecolors=colours, edgecolors="#999999", linewidths=0.2)
        labels = _block_labels(centre - corner, folds, step) if block_km and scheme in IN_SPACE else ()
        for fold, middle in labels:
            colour = "white" if _colour(fold) in _DARK else "black"
            axis.text(*middle, text("{}", fold + 1), fontsize=6, ha="center", va="center", color=colour)
        axis.set_title(scheme_text(scheme, block_km), fontsize=9)
        axis.set(xlim=(-step, -step + wide), ylim=(-step, -step + high), aspect="equal")
        axis.set_xlabel("km", fontsize=8)
        axis.tick_params(labelsize=7)
    axes[0].set_ylabel("km", fontsize=8)
    return png(figure)


def fold_times(pictures: Sequence[FoldPicture], block_km: float) -> bytes:
    """The fold of each date, a line of marks a scheme: a PNG."""
    figure = new_figure(0.9 + 1.15 * len(pictures))
    axes = np.atleast_1d(figure.subplots(len(pictures), 1, sharex=True))
    dates: list[dt.date] = []
    for axis, picture in zip(axes, pictures):
        own = [dt.date.fromordinal(int(day)) for day in picture.days]
        dates += own
        colours = [_colour(fold) for fold in picture.fold_of_day]
        axis.scatter(
            own, picture.fold_of_day + 1, c=colours, marker="s", s=9, edgecolors="#444444", linewidths=0.2
        )
        axis.set_title(scheme_text(picture.piece.scheme, block_km), fontsize=9)
        axis.set_ylabel("fold", fontsize=8)
        axis.yaxis.get_major_locator().set_params(integer=True)
        light_grid(axis, "y")
        axis.tick_params(labelsize=7)
    date_axis(axes[-1], dates)
    return png(figure)


def _colour(fold: int) -> str:
    return _NO_FOLD if fold < 0 else _FOLDS[fold % len(_FOLDS)]


def _block_labels(centres: np.ndarray, folds: np.ndarray, step: float) -> Iterator[tuple[int, np.ndarray]]:
    """The fold of each group of touching cells of one fold, and a cell in the middle of the group."""
    from scipy.ndimage import label

    column, row = np.round((centres - centres.min(axis=0)) / step).astype(int).T
    raster = np.full((column.max() + 1, row.max() + 1), -1)
    raster[column, row] = folds
    for fold in np.unique(folds[folds >= 0]).tolist():
        groups, count = label(raster == fold)
        for group in range(1, count + 1):
            inside = centres[groups[column, row] == group]
            yield fold, inside[np.argmin(np.sum((inside - inside.mean(axis=0)) ** 2, axis=1))]
