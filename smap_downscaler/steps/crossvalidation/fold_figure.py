"""The folds of a cross-validation on a map, and on a line of time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...report.figure import PAGE_WIDTH, cell_step, date_axis, new_figure, png
from .numbers.results import FoldPicture
from .numbers.schemes import IN_SPACE, scheme_text

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
_NONE = "#FFFFFF"


def fold_map(pictures: Sequence[FoldPicture], block_km: float) -> bytes:
    """The folds of the first date, or of all rows, on a map, a panel a scheme: a PNG."""
    places = [picture.place / 1000 for picture in pictures if picture.place is not None]
    corner = np.min(np.concatenate(places), axis=0)
    whole = np.concatenate(places) - corner
    step = cell_step(*whole.T)
    wide, high = (float(size) + 2 * step for size in np.ptp(whole, axis=0))
    panel = (PAGE_WIDTH - 0.9) / len(pictures)
    figure = new_figure(min(panel * high / wide, 5.5) + 0.8)
    axes = np.atleast_1d(figure.subplots(1, len(pictures), sharex=True, sharey=True))
    for axis, picture, place in zip(axes, pictures, places):
        _folds(axis, place - corner, step, picture, labelled=block_km > 0)
        axis.set_title(scheme_text(picture.piece.scheme, block_km), fontsize=9)
        axis.set_xlim(-step, -step + wide)
        axis.set_ylim(-step, -step + high)
        axis.set_aspect("equal")
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
        told = [dt.date.fromordinal(int(day)) for day in picture.days]
        dates += told
        colours = [_colour(fold) for fold in picture.fold_of_day]
        axis.scatter(
            told, picture.fold_of_day + 1, c=colours, marker="s", s=9, edgecolors="#444444", linewidths=0.2
        )
        axis.set_title(scheme_text(picture.piece.scheme, block_km), fontsize=9)
        axis.set_ylabel("fold", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.yaxis.get_major_locator().set_params(integer=True)
        axis.grid(axis="y", color="#E5E5E5", linewidth=0.6)
        axis.set_axisbelow(True)
    date_axis(axes[-1], dates)
    return png(figure)


def _colour(fold: int) -> str:
    return _NONE if fold < 0 else _FOLDS[fold % len(_FOLDS)]


def _folds(axis: Any, places: np.ndarray, step: float, picture: FoldPicture, labelled: bool) -> None:
    from matplotlib.collections import PolyCollection

    half = step / 2
    corners = np.array([(-half, -half), (half, -half), (half, half), (-half, half)])
    folds = picture.fold_of_cell
    colours = [_colour(fold) for fold in folds]
    axis.add_collection(
        PolyCollection(places[:, None, :] + corners, facecolors=colours, edgecolors="#999999", linewidths=0.2)
    )
    if labelled and picture.piece.scheme in IN_SPACE:
        for fold, centre in _block_labels(places, folds, step):
            colour = "white" if _colour(fold) in _DARK else "black"
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
        if fold < 0:
            continue
        inside = places[group]
        middle = inside[np.argmin(np.sum((inside - inside.mean(axis=0)) ** 2, axis=1))]
        labels.append((int(fold), middle))
    return labels
