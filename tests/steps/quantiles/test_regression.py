"""Quantile-regression lines: against another linear programme, all lines through two points, statsmodels."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from smap_downscaler.base.errors import Cancelled
from smap_downscaler.base.progress import Progress
from smap_downscaler.steps.quantiles.numbers.regression import check_loss, fit_lines

TAUS = (0.1, 0.25, 0.5, 0.8, 0.9)


def fit(x, y, tau):
    """Intercept, slope and whether it is the only one."""
    lines = fit_lines(np.array([x], float), np.array([y], float), np.array([tau]))
    return lines.intercept[0], lines.slope[0], lines.unique[0]


def loss(x, y, intercept, slope, tau):
    """Written anew: u tau above the line, u (tau - 1) below it."""
    total = 0.0
    for a, b in zip(x, y):
        u = b - intercept - slope * a
        total += u * tau if u >= 0 else u * (tau - 1)
    return total


def primal_loss(x, y, tau):
    """The least loss by the primal programme: intercept and slope are free, residuals cut in two parts."""
    from scipy.optimize import linprog

    n = len(x)
    cost = np.concatenate([[0, 0], np.full(n, tau), np.full(n, 1 - tau)])
    equations = np.hstack([np.ones((n, 1)), np.reshape(x, (-1, 1)), np.eye(n), -np.eye(n)])
    bounds = [(None, None)] * 2 + [(0, None)] * (2 * n)
    return linprog(cost, A_eq=equations, b_eq=y, bounds=bounds, method="highs-ipm").fun


def lines_through_two_points(x, y, tau):
    """Least loss, and the least and greatest slope that have it: some best line passes through two points."""
    found = []
    for i, j in combinations(range(len(x)), 2):
        if x[i] != x[j]:
            slope = (y[j] - y[i]) / (x[j] - x[i])
            found.append((loss(x, y, y[i] - slope * x[i], slope, tau), slope))
    least = min(found)[0]
    slopes = [slope for value, slope in found if value < least + 1e-9]
    return least, min(slopes), max(slopes)


@pytest.mark.parametrize("n", [20, 57, 400])
def test_the_loss_is_that_of_the_primal_programme(n):
    rng = np.random.default_rng(n)
    x = 0.25 + 0.05 * rng.normal(size=n)
    y = 0.02 + 0.8 * x + 0.03 * rng.normal(size=n) * (1 + 5 * np.abs(x - 0.25))
    for tau in TAUS:
        intercept, slope, _ = fit(x, y, tau)
        assert loss(x, y, intercept, slope, tau) == pytest.approx(primal_loss(x, y, tau), rel=1e-9, abs=1e-9)


def awkward(kind, rng):
    """Series that a linear programme may stumble over: x and y."""
    n = 60
    x = 0.25 + 0.05 * rng.standard_normal(n)
    y = 0.7 * x + 0.02 * rng.standard_normal(n)
    if kind == "ties":
        return x.round(2), y.round(2)
    if kind == "constant but for one":
        return np.where(np.arange(n) == 7, 0.4, 0.2), y
    if kind == "y constant":
        return x, np.full(n, 0.3)
    if kind == "y constant but for one":
        return x, np.where(np.arange(n) == 7, 0.4, 0.2)
    if kind == "steps":
        return np.repeat(rng.uniform(size=6), 10), np.repeat(rng.uniform(size=6), 10)
    if kind == "a line broken once":
        return x, np.where(x > 0.25, 2 * x, 0.1 + x)
    if kind == "upside down":
        return x, 0.5 - 3 * y
    if kind == "far from zero":
        return 1e4 + x, 1e4 - y
    if kind == "tiny":
        return 1e-7 * x, 1e-7 * y
    if kind == "an outlier":
        y[3] = 50.0
        return x, y
    size = {"three": 3, "five": 5, "six alike": 6}[kind]
    y = np.full(size, y[0]) if kind == "six alike" else y[:size]
    return x[:size], y


AWKWARD = (
    "ties",
    "constant but for one",
    "y constant",
    "y constant but for one",
    "steps",
    "a line broken once",
    "upside down",
    "far from zero",
    "tiny",
    "an outlier",
    "three",
    "five",
    "six alike",
)


@pytest.mark.parametrize("kind", AWKWARD)
@pytest.mark.parametrize("seed", range(4))
def test_the_loss_of_awkward_series(kind, seed):
    x, y = awkward(kind, np.random.default_rng(seed))
    # The other programme knows tolerances of its own: it gets numbers about 0 of about size 1.
    x_scale, y_scale = np.std(x), np.std(y) if np.ptp(y) else 1.0
    for tau in (0.05, *TAUS, 0.95):
        intercept, slope, _ = fit(x, y, tau)
        least = y_scale * primal_loss((x - np.mean(x)) / x_scale, (y - np.mean(y)) / y_scale, tau)
        found = loss(x, y, intercept, slope, tau)
        assert found == pytest.approx(least, rel=1e-9, abs=1e-9 * max(y_scale, 1e-3))


@pytest.mark.parametrize("seed", range(40))
def test_all_lines_through_two_points(seed):
    """Also where many points lie on one line, and the best line is one of many."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 14))
    values = int(rng.integers(2, 8))
    x, y = rng.integers(0, values, (2, n)).astype(float) if seed % 4 else rng.normal(size=(2, n))
    if np.ptp(x) == 0:
        x[0] += 1
    for tau in TAUS:
        intercept, slope, unique = fit(x, y, tau)
        least, low, high = lines_through_two_points(x, y, tau)
        assert loss(x, y, intercept, slope, tau) == pytest.approx(least, abs=1e-9)
        assert slope == pytest.approx((low + high) / 2, abs=1e-9)
        assert unique == (high - low < 1e-9)


def test_the_middle_of_equally_good_slopes():
    """Of four corners of a square the median line may have any slope from -1 to 1."""
    x, y = [0, 0, 1, 1], [0, 1, 0, 1]
    assert fit(x, y, 0.5) == (pytest.approx(0.5), 0.0, False)
    # Two points: the line through them, whatever the quantile.
    assert fit([1, 3], [2, 8], 0.9) == (pytest.approx(-1.0), pytest.approx(3.0), True)


def test_statsmodels_agrees_within_its_iteration():
    """At most .02 apart in the slope, and never better than the linear programme."""
    regression = pytest.importorskip("statsmodels.regression.quantile_regression")
    rng = np.random.default_rng(3)
    x = rng.normal(size=300)
    y = 0.6 * x + rng.normal(size=300)
    for tau in TAUS:
        intercept, slope, _ = fit(x, y, tau)
        model = regression.QuantReg(y, np.stack([np.ones(300), x], axis=1)).fit(q=tau)
        assert slope == pytest.approx(model.params[1], abs=0.02)
        assert loss(x, y, intercept, slope, tau) <= loss(x, y, *model.params, tau) + 1e-9


def test_many_samples_at_once_are_as_each_alone():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(2, 400, 21))
    x[17] = 3.0
    tau = np.resize(TAUS, 400)
    together = fit_lines(x, y, tau)
    assert np.isnan(together.slope[17])
    assert np.isnan(together.intercept[17])
    for row in (0, 18, 250, 399):
        found = together.intercept[row], together.slope[row], together.unique[row]
        assert found == pytest.approx(fit(x[row], y[row], tau[row]), rel=1e-12)


def test_a_programme_that_fails_is_cut_in_two(monkeypatch):
    """HiGHS gives up on more than two samples at once here, and always on one of zeros."""
    import scipy.optimize

    real = scipy.optimize.linprog
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(2, 7, 12))
    x[3], y[3] = np.arange(12) ** 2, 0.0
    tau = np.full(7, 0.3)
    expected = fit_lines(x, y, tau)

    def weak(c, **settings):
        found = real(c, **settings)
        if c.size > 24 or (c.reshape(-1, 12) == 0).all(axis=1).any():
            found.status = 4
        return found

    monkeypatch.setattr(scipy.optimize, "linprog", weak)
    found = fit_lines(x, y, tau)
    kept = np.arange(7) != 3
    np.testing.assert_allclose(found.slope[kept], expected.slope[kept], rtol=1e-12)
    np.testing.assert_allclose(found.intercept[kept], expected.intercept[kept], rtol=1e-12)
    assert expected.slope[3] == 0
    assert np.isnan(found.slope[3])


def test_cancel_is_heard_between_programmes():
    class Stopped(Progress):
        asked = 0

        def is_cancelled(self):
            self.asked += 1
            return self.asked == 3

    x, y = np.random.default_rng(6).normal(size=(2, 50, 400))
    listener = Stopped()
    with pytest.raises(Cancelled):
        fit_lines(x, y, np.full(50, 0.5), listener)
    assert listener.asked == 3


def test_the_check_loss():
    assert check_loss(np.array([2.0, -1.0, 0.0]), 0.25) == pytest.approx(0.25 * 2 + 0.75 * 1)
    np.testing.assert_allclose(
        check_loss(np.array([[1.0, -1.0], [2.0, 2.0]]), np.array([0.9, 0.1])), [1.0, 0.4]
    )


#: Numbers that shifting, scaling and mirroring leave exact, with many equal ones among them.
GRID = st.integers(-40, 40).map(lambda number: number / 8)


@given(
    arrays(np.float64, st.tuples(st.just(2), st.integers(4, 30)), elements=GRID),
    st.sampled_from([0.1, 0.25, 0.5, 0.7]),
    st.sampled_from([0.25, 1.0, 8.0]),
    st.sampled_from([-100.0, 0.0, 0.5]),
)
def test_shifting_scaling_and_mirroring(points, tau, factor, shift):
    """Koenker & Bassett (1978), theorem 3.2; the middle slope keeps it where lines are equally good."""
    x, y = points
    assume(np.ptp(x) > 0)
    slope = fit(x, y, tau)[1]
    assert fit(x, factor * y + shift, tau)[1] == pytest.approx(factor * slope, abs=1e-8)
    assert fit(factor * x + shift, y, tau)[1] == pytest.approx(slope / factor, abs=1e-8)
    assert fit(-x, y, tau)[1] == pytest.approx(-slope, abs=1e-8)
    assert fit(x, -y, 1 - tau)[1] == pytest.approx(-slope, abs=1e-8)
    assert fit(x[::-1], y[::-1], tau)[1] == pytest.approx(slope, abs=1e-8)
