"""Variances by restricted maximum likelihood, for one set of cells or for many dates that share terms.

y = mu + Phi b + s + e, b ~ N(0, D), s and e of known shape, all variances unknown:

    L = .5 sum_d [log|K_d| + log 1'K_d^-1 1 + a_d' Q_d a_d]
        + .5 [log|J + D^-1| + log|D| - h' (J + D^-1)^-1 h] + prior,

K_d = sum of variances x shapes, Q = K^-1 - K^-1 1 1' K^-1 / (1' K^-1 1), J = sum Phi_d' Q_d Phi_d,
h = sum Phi_d' Q_d a_d.  Minimised over log variances by L-BFGS with the analytic gradient.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...base.progress import SILENT, Progress, check_cancelled

#: Bounds of variances, in variances of y; both ends.
_BOUNDS = (1e-6, 10.0)
_STEPS = 40
#: How steep L may be where the search ends, how often the search begins anew if it is steeper, and how little
#: that may gain to be the last time: what L-BFGS learnt far away sometimes stops it.
_STEEP, _RESTARTS, _LITTLE = 0.5, 6, 0.05


@dataclass(frozen=True, eq=False)
class Sight:
    """Dates on which SMAP saw the same cells, or the mean of the dates.

    Attributes
    ----------
    ys : float64, shape (dates, n)
    design : float64, shape (dates, n, columns), or (1, n, columns)
        Of each date; one for all of them is taken `factors` times.
    factors : float64, shape (dates,)
        1 where each date has a design of its own.
    shapes : tuple of float64 arrays, shape (n, n)
        Of the field, and of each part of the noise; one a variance, the field first.
    apart : bool
        Whether each date has coefficients of its own; they have one design then, and factors of 1.
    """

    ys: np.ndarray
    design: np.ndarray
    factors: np.ndarray
    shapes: tuple[np.ndarray, ...]
    apart: bool = False

    @property
    def shared(self) -> bool:
        """Whether all dates have one design."""
        return len(self.design) < len(self.ys)

    def of(self, number: int) -> np.ndarray:
        """The design of a date: float64, shape (n, columns)."""
        found: np.ndarray = self.design[0 if self.shared else number] * self.factors[number]
        return found


@dataclass(frozen=True, eq=False)
class Part:
    """Q of some of the cells.

    Attributes
    ----------
    whole : float64, shape (all, all)
        Q of all cells.
    seen : bool, shape (all,), or None
        Which they are; None: all.
    taken : float64, shape (n, those that are not seen)
        Q is that of all at these cells - taken taken'.
    weights : float64, shape (n,)
        Of the cells in their mean, K^-1 1 / (1' K^-1 1).
    """

    whole: np.ndarray
    seen: np.ndarray | None
    taken: np.ndarray
    weights: np.ndarray

    def project(self, values: np.ndarray) -> np.ndarray:
        """Q values: float64, of the shape of `values`, (n, columns)."""
        check_cancelled()
        if self.seen is None:
            return product(self.whole, values)
        # To multiply with 0 takes less time than to gather those that are seen.
        wide = np.zeros((len(self.whole), *values.shape[1:]))
        wide[self.seen] = values
        found = product(self.whole, wide)[self.seen]
        found -= product(self.taken, product(self.taken.T, values))
        return found

    @property
    def diagonal(self) -> np.ndarray:
        """That of Q: float64, shape (n,)."""
        own = np.diag(self.whole) if self.seen is None else np.diag(self.whole)[self.seen]
        return np.asarray(own - np.einsum("ij,ij->i", self.taken, self.taken))


def sight_of(y: np.ndarray, design: np.ndarray, shapes: Sequence[np.ndarray]) -> Sight:
    """One set of cells: y, shape (n,), and its design, shape (n, columns)."""
    return Sight(y[None], design[None], np.ones(1), tuple(shapes))


@dataclass(frozen=True, eq=False)
class Solved:
    """The covariance of cells, inverted.

    Attributes
    ----------
    inverse : float64, shape (n, n)
        K^-1.
    ones : float64, shape (n,)
        K^-1 1.
    total : float
        1' K^-1 1.
    log_determinant : float
        Of K.
    """

    inverse: np.ndarray
    ones: np.ndarray
    total: float
    log_determinant: float

    def project(self, values: np.ndarray) -> np.ndarray:
        """Q values: float64, of the shape of `values`, (n, ...)."""
        check_cancelled()
        found = product(self.inverse, values)
        found -= np.multiply.outer(self.ones, np.tensordot(self.ones, values, axes=1)) / self.total
        return found

    def q(self) -> np.ndarray:
        """Q itself."""
        return np.asarray(self.inverse - np.outer(self.ones, self.ones) / self.total)

    def of(self, seen: np.ndarray | None = None) -> Part:
        """Q of those of the cells that are seen, bool, shape (n,), or of all.

        Where most are, the others are taken away from [[K, 1], [1', 0]]^-1 in closed form.
        """
        from scipy.linalg import solve_triangular

        check_cancelled()
        q, weights = self._q, self.ones / self.total
        if seen is None or seen.all():
            return Part(q, None, np.zeros((len(q), 0)), weights)
        gone = ~seen
        root = np.linalg.cholesky(q[np.ix_(gone, gone)])
        both = np.column_stack([q[np.ix_(gone, seen)], weights[gone]])
        taken = solve_triangular(root, both, lower=True, check_finite=False).T
        return Part(q, seen, taken[:-1], weights[seen] - taken[:-1] @ taken[-1])

    @cached_property
    def _q(self) -> np.ndarray:
        return self.q()


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b, float64, shapes (m, n) and (n, ...), by SciPy's BLAS.

    In QGIS on Linux, NumPy's products can end up in GSL's library, which takes four times as long.
    """
    from scipy.linalg.blas import dgemm

    columns = math.prod(b.shape[1:])
    if not (a.size and columns):
        # Some libraries end the whole program where there is nothing to multiply.
        return np.zeros((len(a), *b.shape[1:]))
    # BLAS has its arrays in Fortran's order, in which those of C are the transposed ones.
    found = dgemm(1.0, np.ascontiguousarray(b).reshape(len(b), columns).T, a.T).T
    return np.asarray(found).reshape(len(a), *b.shape[1:])


def solve(shapes: Sequence[np.ndarray], variances: Sequence[float] | np.ndarray) -> Solved:
    """K = sum of variances x shapes, inverted.

    Raises
    ------
    numpy.linalg.LinAlgError
        If K is not positive definite.
    """
    check_cancelled()
    covariance = variances[0] * shapes[0]
    for variance, shape in zip(variances[1:], shapes[1:]):
        covariance += variance * shape
    inverse, log_determinant = inverse_of(covariance)
    ones = inverse.sum(axis=1)
    return Solved(inverse, ones, float(ones.sum()), log_determinant)


def inverse_of(matrix: np.ndarray) -> tuple[np.ndarray, float]:
    """Inverse and log determinant of a symmetric matrix, float64, shape (n, n).

    Raises
    ------
    numpy.linalg.LinAlgError
        If it is not positive definite.
    """
    from scipy.linalg import lapack

    # The transpose is in Fortran's order: LAPACK need not copy it.
    factor, failed = lapack.dpotrf(matrix.T, lower=0)
    if failed:
        raise np.linalg.LinAlgError("a covariance is not positive definite")
    log_determinant = 2.0 * float(np.log(np.diag(factor)).sum())
    check_cancelled()
    upper, _ = lapack.dpotri(factor, lower=0, overwrite_c=1)
    whole = np.triu(upper)
    whole += np.triu(upper, 1).T
    return whole, log_determinant


@dataclass(frozen=True, eq=False)
class Fit:
    """Variances that fit best.

    Attributes
    ----------
    noise : float64, shape (shapes,)
        Variances of the field and of the parts of the noise.
    groups : float64, shape (groups,)
        Variance of the coefficients of each group.
    value : float
        The minimum of L, without its constant.
    converged : bool
    """

    noise: np.ndarray
    groups: np.ndarray
    value: float
    converged: bool


@dataclass(frozen=True)
class Prior:
    """What is known of the field (part 0) or a part of the noise before: its variance, and how surely.

    Its standard deviation is off by `factor` at one standard deviation.
    """

    part: int
    variance: float
    factor: float

    def of(self, log_variance: float) -> tuple[float, float]:
        """Twice the penalty, and its derivative by the log variance."""
        width = 2.0 * np.log(self.factor)
        off = (log_variance - np.log(self.variance)) / width
        return float(off**2), float(2.0 * off / width)


def estimate(
    families: Sequence[Sequence[Sight]],
    groups: np.ndarray,
    priors: Sequence[Prior] = (),
    start: Fit | None = None,
    progress: Progress = SILENT,
) -> Fit:
    """The variances of sights; those of a family share the coefficients of their terms.

    Parameters
    ----------
    families : sequence of sequences of Sight
    groups : int, shape (columns,)
        The group of each column, 0, 1, ...
    priors : sequence of Prior
    start : Fit, optional
        Where to begin.
    """
    from scipy.optimize import minimize

    sights = [sight for family in families for sight in family]
    spread = float(np.mean([sight.ys.var(axis=1).mean() for sight in sights]))
    parts, count = len(sights[0].shapes), int(groups.max()) + 1 if groups.size else 0
    if start is None:
        share = 0.2 * spread / max(groups.size, 1)
        begin = np.log(np.r_[0.3 * spread, np.full(parts - 1, 0.1 * spread), np.full(count, share)])
    else:
        begin = np.log(np.r_[start.noise, start.groups])
    for prior in priors if start is None else ():
        begin[prior.part] = np.log(prior.variance)
    low, high = np.log(_BOUNDS[0] * spread), np.log(_BOUNDS[1] * spread)

    def objective(logs: np.ndarray) -> tuple[float, np.ndarray]:
        progress.check()
        total, gradient = 0.0, np.zeros(len(logs))
        for family in families:
            value_of = _value_apart if family[0].apart else _value
            value, slope = value_of(logs, family, groups, count)
            total, gradient = total + value, gradient + slope
        for prior in priors:
            value, own = prior.of(logs[prior.part])
            total += value
            gradient[prior.part] += own
        return 0.5 * total, 0.5 * gradient

    at, before = np.clip(begin, low, high), np.inf
    for _ in range(1 + _RESTARTS):
        found = minimize(
            objective,
            at,
            jac=True,
            method="L-BFGS-B",
            bounds=[(low, high)] * len(begin),
            options={"maxiter": _STEPS, "ftol": 1e-5, "gtol": 1e-2},
        )
        at = found.x
        held = ((at <= low) & (found.jac > 0)) | ((at >= high) & (found.jac < 0))
        if np.abs(found.jac[~held]).max(initial=0.0) <= _STEEP or before - found.fun < _LITTLE:
            break
        before = found.fun
    variances = np.exp(at)
    # Steps that ran out are no failure: the last ones change little.
    converged = bool(found.success or found.nit >= _STEPS) and bool(np.isfinite(found.fun))
    progress.set_fraction(1.0)
    return Fit(variances[:parts], variances[parts:], float(found.fun), converged)


def _value(
    logs: np.ndarray, family: Sequence[Sight], groups: np.ndarray, count: int
) -> tuple[float, np.ndarray]:
    """2 L of sights that share coefficients, and its gradient by log variances."""
    parts = len(family[0].shapes)
    variances = np.exp(logs)
    columns = groups.size
    precision = 1.0 / variances[parts:][groups] if columns else np.zeros(0)
    j, h = np.zeros((columns, columns)), np.zeros(columns)
    total, kept = 0.0, []
    for sight in family:
        solved = solve(sight.shapes, variances[:parts])
        seen = solved.project(sight.ys.T).T
        projected = solved.project(sight.design.transpose(1, 0, 2)).transpose(1, 0, 2)
        squares = float(sight.factors @ sight.factors) if sight.shared else 1.0
        j += squares * np.tensordot(sight.design, projected, axes=([0, 1], [0, 1]))
        ys = (sight.factors @ sight.ys)[None] if sight.shared else sight.ys
        h += np.tensordot(projected, ys, axes=([0, 1], [0, 1]))
        total += len(sight.ys) * (solved.log_determinant + np.log(solved.total))
        total += float(np.vdot(sight.ys, seen))
        kept.append((solved, projected, seen, squares))
    gradient = np.zeros(len(logs))
    if columns:
        covariance, log_determinant = inverse_of(j + np.diag(precision))
        b = covariance @ h
        root = np.linalg.cholesky(covariance)
        total += log_determinant - float(np.log(precision).sum()) - float(h @ b)
        # d/dlog v of log|J + D^-1| + log|D| - h'Sh.
        gradient[parts:] = np.bincount(groups, 1.0 - precision * (np.diag(covariance) + b**2), count)
    for sight, (solved, projected, seen, squares) in zip(family, kept):
        core = len(sight.ys) * solved.q()
        if columns:
            effect = projected @ b
            seen = seen - (sight.factors[:, None] * effect[0] if sight.shared else effect)
            rooted = (projected @ root).transpose(1, 0, 2).reshape(len(core), -1)
            core = core - squares * (rooted @ rooted.T)
        core = core - seen.T @ seen
        for number, shape in enumerate(sight.shapes):
            gradient[number] += variances[number] * float(np.vdot(core, shape))
    return total, gradient


def _value_apart(
    logs: np.ndarray, family: Sequence[Sight], groups: np.ndarray, count: int
) -> tuple[float, np.ndarray]:
    """The same for dates with coefficients of their own: what hangs on the cells is worked out once."""
    parts = len(family[0].shapes)
    variances = np.exp(logs)
    precision = 1.0 / variances[parts:][groups]
    total, gradient = 0.0, np.zeros(len(logs))
    for sight in family:
        dates, design = len(sight.ys), sight.design[0]
        solved = solve(sight.shapes, variances[:parts])
        seen, projected = solved.project(sight.ys.T), solved.project(design)
        covariance, log_determinant = inverse_of(design.T @ projected + np.diag(precision))
        h = projected.T @ sight.ys.T
        b = covariance @ h
        total += dates * (solved.log_determinant + np.log(solved.total) + log_determinant)
        total += float(np.vdot(sight.ys.T, seen) - np.vdot(h, b)) - dates * float(np.log(precision).sum())
        change = dates * (1.0 - precision * np.diag(covariance)) - precision * np.square(b).sum(axis=1)
        gradient[parts:] += np.bincount(groups, change, count)
        rooted, alpha = projected @ np.linalg.cholesky(covariance), seen - projected @ b
        core = dates * (solved.q() - rooted @ rooted.T) - alpha @ alpha.T
        for number, shape in enumerate(sight.shapes):
            gradient[number] += variances[number] * float(np.vdot(core, shape))
    return total, gradient
