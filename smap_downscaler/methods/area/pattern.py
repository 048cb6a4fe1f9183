"""The mean pattern of a series with gaps: effects of cells and dates, and what lies between the two."""

from __future__ import annotations

import numpy as np

from ...base.progress import check_cancelled
from .ground import Ground
from .levels import Level
from .likelihood import Fit
from .windows import Window

#: H of the departures until that of the mean pattern is known.
FIRST_HURST = 0.15


def two_way(cube: np.ndarray, turns: int = 500) -> tuple[np.ndarray, np.ndarray]:
    """Effects of cells and dates by least squares over the gaps.

    Parameters
    ----------
    cube : float64, shape (dates, n)
        NaN where missing; each date and each cell was seen.

    Returns
    -------
    cells : float64, shape (n,)
    dates : float64, shape (dates,), mean 0
    """
    known = np.isfinite(cube)
    seen, filled = known.astype(np.float64), np.where(known, cube, 0.0)
    by_cell, by_date = filled.sum(axis=0), filled.sum(axis=1)
    of_cell, of_date = np.maximum(seen.sum(axis=0), 1.0), seen.sum(axis=1)
    dates, cells = np.zeros(len(cube)), np.zeros(cube.shape[1])
    for _ in range(turns):
        check_cancelled()
        cells = (by_cell - dates @ seen) / of_cell
        new = (by_date - seen @ cells) / of_date
        new -= new.mean()
        done = np.abs(new - dates).max() < 1e-10
        dates = new
        if done:
            break
    return cells, dates


def pattern_noise(
    ground: Ground,
    cells: np.ndarray,
    seen: np.ndarray,
    fit: Fit,
    wetness: np.ndarray,
    design: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Shapes of what lies between the means of cells and the mean of all dates: float64, shape (n, n) each.

    With c_ij = |D_i and D_j| / (n_i n_j), D_i the n_i of T dates on which a cell was seen, noise is shared by
    c_ij, and departures by c_ij - 1 / T: where all dates saw all cells they are a part of the pattern.
    Swaths that differ by date leave steps in the cells' means, which a footprint would sharpen, were they
    taken for true.

    Parameters
    ----------
    ground : Ground
    cells : int, shape (n, 2)
    seen : bool, shape (dates, n)
    fit : Fit
        Of the departures, at `FIRST_HURST`.
    wetness : float64, shape (dates,)
    design : float64, shape (n, columns)
        Linear and spline terms.

    Returns
    -------
    noise : ndarray
    steps : ndarray
        Both in variances of `pattern_reference`.
    """
    weights = seen / seen.sum(axis=0)
    shared = weights.T @ weights
    shapes = [shape / pattern_reference(fit, seen) for shape in ground.shapes(cells, FIRST_HURST)]
    check_cancelled()
    noise = shared * sum(variance * shape for variance, shape in zip(fit.noise[1:], shapes[1:]))
    check_cancelled()
    steps = (shared - 1.0 / len(seen)) * (fit.noise[0] * shapes[0])
    if design.shape[1]:
        groups = np.unique(ground.moments.terms.groups, return_inverse=True)[1].reshape(-1)
        variances = fit.groups[groups[: design.shape[1]]] / pattern_reference(fit, seen)
        check_cancelled()
        weighted = design * (weights.T @ wetness)[:, None]
        steps = steps + (weighted * variances) @ weighted.T
    return np.asarray(noise), np.asarray(steps)


def pattern_reference(fit: Fit, seen: np.ndarray) -> float:
    """Variance of the noise in the mean of a cell that was seen as often as others are, (m3 m-3)2."""
    dates = len(seen)
    return float(fit.noise[1:].sum()) * dates / (dates - 1) / float(seen.sum(axis=0).mean())


def steps_at(level: Level, windows: list[Window], steps: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """What is expected of the steps in the cells' means: float64, shape (n,)."""
    half = level.fullest
    total, weights = np.zeros(len(cells)), np.zeros(len(cells))
    for window, one in zip(windows, half.answers):
        weight = np.maximum(window.weights(*(cells[one.index] + 0.5).T), 1e-9)
        total[one.index] += (
            weight * half.fit.noise[-1] * (steps[np.ix_(one.index, one.index)] @ one.alphas[0])
        )
        weights[one.index] += weight
    return np.asarray(total / weights)
