"""How well interpolation alone tells cells that are held out: what the scores of a model stand beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ....base.errors import InputError
from ....base.progress import SILENT, Progress
from ....stats import scores
from ...crossvalidation.numbers.folds import block_folds, block_numbers, dealt_folds, fold_generator

#: A score of fewer cells means nothing, and fewer have no triangles.
_LEAST_CELLS = 4


@dataclass(frozen=True, eq=False)
class DayCells:
    """The cells of a day.

    Parameters
    ----------
    cells : int64, shape (n,)
        Number of each cell, the same on all days.
    places : float64, shape (n, 2)
        x and y of their centres, metres.
    values : float64, shape (n,)
        Soil moisture, m3 m-3.
    """

    cells: np.ndarray
    places: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class FoldScores:
    """Error, m3 m-3, and share of the variance that is told; NaN where undefined."""

    rmse: float
    r2: float


def interpolated_scores(
    days: Mapping[int, DayCells],
    places: np.ndarray,
    folds: int,
    block_km: float,
    by_day: bool,
    seed: int = 1,
    progress: Progress = SILENT,
) -> FoldScores | None:
    """The scores of linear interpolation between the cells that are not held out.

    Parameters
    ----------
    days : mapping
        The cells that were seen, by day.
    places : float64, shape (cells, 2)
        x and y of all cells, metres.
    folds : int
        Wanted.
    block_km : float
        Side of the blocks of cells that are held out together, km; 0: cell by cell.
    by_day : bool
        Whether the scores are medians over days, else those of all rows.

    Returns
    -------
    FoldScores or None
        None where there are too few cells or blocks for two folds.
    """
    generator = fold_generator(seed, 0)
    try:
        if block_km:
            blocks = block_numbers(places[:, 0], places[:, 1], 1000 * block_km, generator)
            fold_of_cell = block_folds(blocks, folds, generator)
        else:
            fold_of_cell = dealt_folds(np.arange(len(places)), folds, generator)
    except InputError:
        return None
    pairs = []
    for day in days.values():
        progress.check()
        predicted = np.full(day.values.shape, np.nan)
        own = fold_of_cell[day.cells]
        for fold in np.unique(own):
            held = own == fold
            if np.count_nonzero(~held) >= _LEAST_CELLS:
                predicted[held] = interpolate(day.places[~held], day.values[~held], day.places[held])
        known = np.isfinite(predicted)
        if np.count_nonzero(known) >= _LEAST_CELLS:
            pairs.append((day.values[known], predicted[known]))
    if not pairs:
        return None
    if not by_day:
        pairs = [tuple(np.concatenate(part) for part in zip(*pairs))]
    found = np.array([(scores.rmse(*pair), scores.r2(*pair)) for pair in pairs])
    return FoldScores(*np.nanmedian(found, axis=0).tolist())


def interpolate(places: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Linear interpolation in triangles between cells, the nearest cell outside of all: float64, shape (m,).

    Parameters
    ----------
    places : float64, shape (n, 2)
    values : float64, shape (n,)
    wanted : float64, shape (m, 2)
    """
    from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator
    from scipy.spatial import QhullError

    nearest = np.asarray(NearestNDInterpolator(places, values)(wanted), np.float64)
    try:
        linear = np.asarray(LinearNDInterpolator(places, values)(wanted), np.float64)
    except QhullError:
        # All in one line: there is no triangle.
        return nearest
    return np.where(np.isfinite(linear), linear, nearest)
