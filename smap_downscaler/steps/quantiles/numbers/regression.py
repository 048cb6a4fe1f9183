"""Straight quantile-regression lines of many samples at once, as linear programmes.

The line of quantile tau minimises the sum of L(u) = u (tau - 1[u < 0]) over the residuals u
(Koenker & Bassett 1978, Econometrica 46, 33-50).  Solved is the dual (Koenker & d'Orey 1987, Applied
Statistics 36, 383-393): maximise y'a subject to X'a = (1 - tau) X'1 and 0 <= a <= 1.  It has two
constraints however many points there are, its multipliers are intercept and slope, and a gives the side of
the line on which a point may lie: 1 above, 0 below, between them on the line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....base.progress import SILENT, Progress

#: Points in one linear programme: some milliseconds of work, well above what a call costs by itself.
_MOST_POINTS = 4000
#: The least tolerance that HiGHS takes; the data are standardised.
_TOLERANCE = 1e-10
#: Numbers of standardised data nearer than this are the same.
_SAME, _ZERO = 1e-9, 1e-12
#: Pairs of points looked at in one array.
_PAIRS = 1 << 21


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines y = intercept + slope x, one per sample.

    Parameters
    ----------
    intercept, slope : float64, shape (m,)
        NaN where x is constant.
    unique : bool, shape (m,)
        False where several slopes have the same, least loss.
    """

    intercept: np.ndarray
    slope: np.ndarray
    unique: np.ndarray


def check_loss(residuals: np.ndarray, tau: np.ndarray | float) -> np.ndarray:
    """Sum over the last axis of L(u) = u (tau - 1[u < 0]) (Koenker & Bassett 1978), `tau` one per sum."""
    weights = np.asarray(tau, np.float64)[..., None] - (residuals < 0)
    return np.asarray((residuals * weights).sum(axis=-1))


def is_constant(values: np.ndarray) -> np.ndarray:
    """Whether the last axis holds one value, up to rounding: bool, the shape of the other axes."""
    return np.asarray(np.ptp(values, axis=-1) <= _ZERO * np.abs(values).max(axis=-1))


def fit_lines(x: np.ndarray, y: np.ndarray, tau: np.ndarray, progress: Progress = SILENT) -> Lines:
    """Fit a line of quantile `tau` to each sample; exact up to rounding.

    Where several lines have the least loss, the slope is the middle of the least and the greatest slope
    among them: a choice that shifting, scaling or mirroring of the data does not change.  The intercept
    is then the middle of those that are best with that slope.

    Parameters
    ----------
    x, y : float64, shape (m, n)
        Samples; finite, n at least 2.
    tau : float64, shape (m,)
        Quantiles, between 0 and 1.
    progress : Progress
        Asked between the linear programmes whether to stop.
    """
    m, n = x.shape
    intercept, slope = np.full(m, np.nan), np.full(m, np.nan)
    unique = np.ones(m, bool)
    usable = np.flatnonzero(~is_constant(x))
    step = max(1, _MOST_POINTS // n)
    for start in range(0, usable.size, step):
        progress.check()
        rows = usable[start : start + step]
        intercept[rows], slope[rows], unique[rows] = _fit(x[rows], y[rows], tau[rows])
    return Lines(intercept, slope, unique)


def _fit(x: np.ndarray, y: np.ndarray, tau: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x_mean, x_scale = _centre_and_scale(x)
    y_mean, y_scale = _centre_and_scale(y)
    x, y = (x - x_mean) / x_scale, (y - y_mean) / y_scale
    sides, (intercept, slope) = _solve(x, y, tau)
    unique = np.ones(slope.size, bool)
    on_line = (sides > _SAME) & (sides < 1 - _SAME)
    width = np.where(on_line, x, -np.inf).max(axis=1) - np.where(on_line, x, np.inf).min(axis=1)
    # Two points with different x determine the line; else there may be others as good.
    for row in np.flatnonzero((width <= _SAME) & np.isfinite(slope)):
        intercept[row], slope[row], unique[row] = _middle(x[row], y[row], sides[row])
    slope[np.abs(slope) < _ZERO] = 0.0
    slope *= (y_scale / x_scale)[:, 0]
    return y_mean[:, 0] + intercept * y_scale[:, 0] - slope * x_mean[:, 0], slope, unique


def _centre_and_scale(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scale = values.std(axis=1, keepdims=True)
    return values.mean(axis=1, keepdims=True), np.where(is_constant(values)[:, None], 1.0, scale)


def _solve(x: np.ndarray, y: np.ndarray, tau: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """a of each point, shape (m, n), and intercepts and slopes, shape (2, m); NaN where HiGHS gives up."""
    from scipy.optimize import linprog
    from scipy.sparse import csc_matrix

    m, n = x.shape
    design = np.stack([np.ones_like(x), x], axis=2)
    # The samples stand beside each other in one programme: rows 2 k and 2 k + 1 are those of sample k.
    rows = np.repeat(2 * np.arange(m), n)
    columns = csc_matrix(
        (design.ravel(), np.stack([rows, rows + 1], axis=1).ravel(), np.arange(0, 2 * m * n + 1, 2)),
        shape=(2 * m, m * n),
    )
    found = linprog(
        -y.ravel(),
        A_eq=columns,
        b_eq=((1 - tau)[:, None] * design.sum(axis=1)).ravel(),
        bounds=(0, 1),
        method="highs-ds",
        options={
            "primal_feasibility_tolerance": _TOLERANCE,
            "dual_feasibility_tolerance": _TOLERANCE,
            # There is nothing to simplify; looking for it takes a third of the time.
            "presolve": False,
        },
    )
    if found.status == 0:
        return found.x.reshape(m, n), -found.eqlin.marginals.reshape(m, 2).T
    if m == 1:
        return np.full((1, n), np.nan), np.full((2, 1), np.nan)
    halves = [_solve(x[part], y[part], tau[part]) for part in (slice(None, m // 2), slice(m // 2, None))]
    return np.concatenate([a for a, _ in halves]), np.concatenate([lines for _, lines in halves], axis=1)


def _middle(x: np.ndarray, y: np.ndarray, sides: np.ndarray) -> tuple[float, float, bool]:
    """Intercept and slope of the middle one of all optimal lines, and whether there is but one slope.

    By complementary slackness a line is optimal if and only if no point with a > 0 lies below it and none
    with a < 1 above it, hence (y_j - y_i) <= slope (x_j - x_i) for each i of the former and j of the latter.
    """
    above, below = sides > _SAME, sides < 1 - _SAME
    low, high = -np.inf, np.inf
    step = max(1, _PAIRS // max(1, int(below.sum())))
    upper = np.flatnonzero(above)
    for start in range(0, upper.size, step):
        part = upper[start : start + step, None]
        dx, dy = x[below] - x[part], y[below] - y[part]
        ratio = np.divide(dy, dx, out=np.zeros_like(dx), where=np.abs(dx) > _ZERO)
        low = max(low, float(np.max(ratio, where=dx > _ZERO, initial=-np.inf)))
        high = min(high, float(np.min(ratio, where=dx < -_ZERO, initial=np.inf)))
    slope = (low + high) / 2
    rest = y - slope * x
    least = float(np.max(rest, where=below, initial=-np.inf))
    greatest = float(np.min(rest, where=above, initial=np.inf))
    return (least + greatest) / 2, slope, high - low <= _SAME
