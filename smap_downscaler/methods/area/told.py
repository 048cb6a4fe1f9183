"""What SMAP would see in cells that a model was not fitted to, its noise included.

By level, with k the covariance of what is seen in a cell with what was seen in those of the model,
m = phi' b + mu + k alpha and var = k0 - k Q k' + 1 / s1 - 2 k K^-1 1 / s1 + u g' S g (u: `levels.UNSURE`),
g = phi - (k Q + 1' K^-1 / s1) Phi (AREAMODEL, intervals).
"""

from __future__ import annotations

import numpy as np

from ...base.progress import SILENT, Progress
from ...geo.grid import Grid
from ..base import COVER_SDS, Cells, Prediction
from .data import data_of
from .footprint import FOOTPRINTS
from .ground import Ground
from .lags import noise_table
from .levels import Half
from .likelihood import solve
from .model import AreaModel
from .pattern import pattern_reference
from .settings import AreaSettings


def told_cells(
    model: AreaModel, cells: np.ndarray, days: np.ndarray, progress: Progress = SILENT
) -> Prediction:
    """Means, standard deviations and intervals of what SMAP sees; NaN where the stack does not cover a cell.

    Parameters
    ----------
    model : AreaModel
        As it was fitted, not read from a file, which lacks the stack.
    cells : int64, shape (n, 2)
        Rows and columns in SMAP's grid.
    days : int64, shape (n,)
    progress : Progress
    """
    core = model.core
    own = cells - np.array(core.subcells.corner)
    inside = ((own >= 0) & (own < core.subcells.shape)).all(axis=1)
    usable = np.zeros(len(own), bool)
    usable[inside] = model.fitted.ground.sights.usable[tuple(own[inside].T)]
    mean, variance = np.full(len(own), np.nan), np.full(len(own), np.nan)
    for day in np.unique(days[usable]).tolist():
        rows = np.flatnonzero(usable & (days == day))
        total = np.zeros(len(rows))
        mean[rows], variance[rows] = 0.0, 0.0
        for number, window in enumerate(core.windows):
            weight = window.weights(*(own[rows] + 0.5).T)
            if not weight.any():
                continue
            progress.check()
            found = _of_day(model, number, day, own[rows])
            mean[rows] += weight * found[0]
            variance[rows] += weight * found[1]
            total += weight
        with np.errstate(invalid="ignore", divide="ignore"):
            mean[rows], variance[rows] = mean[rows] / total, variance[rows] / total
    deviation = np.sqrt(variance)
    return Prediction(mean, deviation, mean - COVER_SDS * deviation, mean + COVER_SDS * deviation)


def cells_at(grid: Grid, coordinates: np.ndarray) -> np.ndarray:
    """The cells that places in the grid's CRS, float64, shape (n, 2), lie in: int64, shape (n, 2)."""
    rows = (grid.top - coordinates[:, 1]) / grid.cell_height
    cols = (coordinates[:, 0] - grid.left) / grid.cell_width
    return np.floor(np.stack([rows, cols], axis=1)).astype(np.int64)


def usable_rows(cells: Cells, settings: AreaSettings, progress: Progress = SILENT) -> np.ndarray:
    """Which rows have a cell that the stack covers, through the widest footprint there may be: bool, (n,).

    Raises
    ------
    InputError
        As `fit_core`.
    """
    data = data_of(cells, settings, progress)
    widths = settings.footprint_km, *(FOOTPRINTS if settings.footprint_km is None else ())
    ground = Ground(data.moments, None, max(width for width in widths if width is not None))
    own = cells.cells - np.array(data.moments.subcells.corner)
    found: np.ndarray = ground.sights.usable[tuple(own.T)]
    return found


def _of_day(model: AreaModel, window: int, day: int, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance by one window: float64, shape (n,) each."""
    mean, variance = np.zeros(len(cells)), np.zeros(len(cells))
    for level in range(len(model.core.levels)):
        halves = model.fitted.halves(level)
        if model.fitted.dated_alone(level, window, day):
            half, shown = halves[0]
            own, unsure = _of_half(model, level, half, window, day, cells)
            columns = len(model.fitted.static_columns(level))
            static = _design(model, level, day, cells)[:, :columns] @ half.answers[window].b[:columns]
            mean += own - (1.0 - shown) * static
            variance += unsure
            continue
        for number, (half, share) in enumerate(halves):
            own, unsure = _of_half(model, level, half, window, day, cells)
            mean += share * own
            if not number:
                variance += unsure
    return mean, np.maximum(variance, 0.0)


def _of_half(
    model: AreaModel, level: int, half: Half, window: int, day: int, cells: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same of a level, with its terms or without."""
    core, ground = model.core, model.fitted.ground
    one, noise, hurst = half.answers[window], half.fit.noise, core.levels[level].hurst
    tables = ground.tables(hurst)
    design = _design(model, level, day, cells)[:, : len(one.b)]
    mean = design @ one.b
    pattern = core.two_levels and not level
    parts = noise[1:]
    if pattern and core.first is not None:
        # A cell as if seen on all dates: it shares their noise with the means of the others.
        reference = pattern_reference(core.first, np.isfinite(core.cube[:, one.index]))
        parts = noise[-1] * core.first.noise[1:] / (len(core.cube) * reference)
    variance = np.full(len(cells), noise[0] * tables.cells[0, 0] + parts.sum())
    place = model.fitted.seen_at(level, one, day)
    if place is None:
        known = np.isfinite(one.means)
        mean += np.interp(day, core.days[known], one.means[known])
        return mean, variance + core.gap_sd**2 + np.einsum("ij,jk,ik->i", design, one.covariance, design)
    index = one.index
    of_date = place if level or not core.two_levels else None
    if of_date is not None:
        index = index[np.isfinite(core.cube[of_date][index])]
    down, across = (np.abs(cells[:, k, None] - core.cells[index][None, :, k]) for k in (0, 1))
    k = noise[0] * tables.cells[down, across]
    if len(parts) > 1:
        # Cells within one footprint share their noise.
        k += parts[1] * noise_table(core.subcells, core.footprint.km)[down, across]
    own = core.pattern_noise(ground, index) if pattern else None
    solved = solve(ground.shapes(core.cells[index], hurst, own), noise)
    kq, ones = k @ solved.q(), solved.ones / solved.total
    mean += one.means[place] + k @ one.alphas[place][np.searchsorted(one.index, index)]
    variance += 1 / solved.total - 2 * (k @ ones) - np.einsum("ij,ij->i", kq, k)
    factor = model.fitted.wetness(day) if level else 1.0
    seen = model.fitted.cell_design(level, index, of_date or 0, factor)[:, : len(one.b)]
    off = design - (kq + ones) @ seen
    return mean, variance + np.einsum("ij,jk,ik->i", off, one.covariance, off)


def _design(model: AreaModel, level: int, day: int, cells: np.ndarray) -> np.ndarray:
    """The terms of a level as cells see them: float64, shape (n, columns); of other days dated ones are 0."""
    core, ground, where = model.core, model.fitted.ground, tuple(cells.T)
    static = ground.static[where][:, model.fitted.static_columns(level)]
    if level:
        static = model.fitted.wetness(day) * static
    if core.dated is None:
        return static
    if core.two_levels and not level:
        return np.concatenate([static, ground.mean_of_dated()[where]], axis=1)
    place = int(np.searchsorted(core.days, day))
    if place == len(core.days) or core.days[place] != day:
        return np.concatenate(
            [static, np.zeros((len(cells), core.dated.width(len(core.moments.terms.scales.mean))))], axis=1
        )
    return np.concatenate([static, ground.dated_terms(place, centred=core.two_levels)[where]], axis=1)
