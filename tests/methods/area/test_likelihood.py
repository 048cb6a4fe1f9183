"""The likelihood is that of the marginal covariance; its gradient is right; variances are found again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smap_downscaler.base.errors import Cancelled
from smap_downscaler.base.progress import Progress
from smap_downscaler.methods.area import likelihood
from smap_downscaler.methods.area.likelihood import (
    Fit,
    Prior,
    Sight,
    _value,
    _value_apart,
    estimate,
    inverse_of,
    sight_of,
    solve,
)


def distances(places):
    return np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))


def sights(rng, n=14, columns=3, dates=2, shared=False):
    found = []
    for _ in range(2):
        places = rng.uniform(0, 10, (n, 2))
        shapes = np.exp(-distances(places) / 3), np.eye(n)
        design = rng.normal(size=(1 if shared else dates, n, columns))
        factors = rng.normal(size=dates) if shared else np.ones(dates)
        found.append(Sight(rng.normal(size=(dates, n)), design, factors, shapes))
    return found


def twice_by_hand(logs, family, groups):
    """-2 log of the restricted density, all dates at once: a mean for each date, K + Phi D Phi' between."""
    variances = np.exp(logs)
    parts = len(family[0].shapes)
    prior = np.diag(variances[parts:][groups])
    ys, designs, blocks = [], [], []
    for sight in family:
        k = sum(one * shape for one, shape in zip(variances, sight.shapes))
        for number, y in enumerate(sight.ys):
            ys.append(y)
            designs.append(sight.of(number))
            blocks.append(k)
    n = sum(map(len, ys))
    whole, ones, begin = np.zeros((n, n)), np.zeros((n, len(ys))), 0
    for number, block in enumerate(blocks):
        own = slice(begin, begin + len(block))
        whole[own, own] = block
        ones[own, number] = 1.0
        begin += len(block)
    design, y = np.concatenate(designs), np.concatenate(ys)
    v = whole + design @ prior @ design.T
    inverse = np.linalg.inv(v)
    information = ones.T @ inverse @ ones
    p = inverse - inverse @ ones @ np.linalg.inv(information) @ ones.T @ inverse
    return np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1] + y @ p @ y


@pytest.mark.parametrize("shared", [False, True])
def test_it_is_the_restricted_density_of_all_dates(shared):
    rng = np.random.default_rng(3)
    family, groups = sights(rng, shared=shared), np.array([0, 0, 1])
    values = [
        (_value(logs, family, groups, 2)[0], twice_by_hand(logs, family, groups))
        for logs in (np.log([0.5, 0.3, 0.2, 1.0]), np.log([1.5, 0.1, 0.05, 0.4]))
    ]
    # Means that share coefficients make a constant of the two ways to leave them out; differences count.
    assert values[0][0] - values[1][0] == pytest.approx(values[0][1] - values[1][1], abs=1e-8)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_its_gradient_is_right(seed, shared):
    rng = np.random.default_rng(seed)
    family, groups = sights(rng, shared=shared), np.array([0, 1, 1])
    logs = rng.normal(-1, 0.5, 4)
    _, gradient = _value(logs, family, groups, 2)
    for number in range(len(logs)):
        step = np.zeros(4)
        step[number] = 1e-5
        ends = [_value(logs + sign * step, family, groups, 2)[0] for sign in (1, -1)]
        assert gradient[number] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-4, abs=1e-4)


def test_variances_are_found_again():
    rng = np.random.default_rng(5)
    places = rng.uniform(0, 60, (300, 2))
    field = np.exp(-distances(places) / 10)
    root = np.linalg.cholesky(0.04 * field + 1e-9 * np.eye(300))
    design = rng.normal(size=(300, 8))
    y = 0.3 + root @ rng.normal(size=300) + design @ rng.normal(0, 0.3, 8) + 0.1 * rng.normal(size=300)
    fit = estimate([[sight_of(y, design, [field, np.eye(300)])]], np.zeros(8, int))
    assert fit.converged
    assert fit.noise[0] == pytest.approx(0.04, rel=0.5)
    assert np.sqrt(fit.noise[1]) == pytest.approx(0.1, rel=0.2)
    assert np.sqrt(fit.groups[0]) == pytest.approx(0.3, rel=0.5)


def test_what_is_known_of_the_noise_holds_it():
    rng = np.random.default_rng(6)
    y, shapes = rng.normal(size=40), [np.exp(-distances(rng.uniform(0, 9, (40, 2)))), np.eye(40)]
    free = estimate([[sight_of(y, np.zeros((40, 0)), shapes)]], np.zeros(0, int))
    held = estimate([[sight_of(y, np.zeros((40, 0)), shapes)]], np.zeros(0, int), [Prior(1, 0.04, 1.02)])
    assert np.sqrt(held.noise[1]) == pytest.approx(0.2, rel=0.08)
    assert free.noise.sum() == pytest.approx(y.var(), rel=0.5)


def test_a_search_that_stops_on_a_slope_begins_anew(monkeypatch):
    rng = np.random.default_rng(5)
    field = np.exp(-distances(rng.uniform(0, 60, (200, 2))) / 10)
    y = np.linalg.cholesky(4 * field + 0.01 * np.eye(200)) @ rng.normal(size=200)
    family, groups = [sight_of(y, np.zeros((200, 0)), [field, np.eye(200)])], np.zeros(0, int)
    begin = Fit(np.array([1e-3, 1e-3]), np.zeros(0), 0.0, True)
    right = estimate([family], groups)
    monkeypatch.setattr(likelihood, "_STEPS", 2)
    found = estimate([family], groups, start=begin)
    assert found.value == pytest.approx(right.value, abs=2)
    monkeypatch.setattr(likelihood, "_RESTARTS", 0)
    assert estimate([family], groups, start=begin).value > right.value + 8


def test_families_do_not_share_coefficients():
    rng = np.random.default_rng(8)
    one, other = sights(rng)
    groups, logs = np.zeros(3, int), np.log([0.4, 0.3, 0.5])
    apart = _value(logs, [one], groups, 1)[0] + _value(logs, [other], groups, 1)[0]
    together = _value(logs, [one, other], groups, 1)[0]
    assert abs(apart - together) > 1e-3


def test_dates_apart_are_families_of_their_own():
    rng = np.random.default_rng(9)
    groups, logs = np.array([0, 0, 1]), np.log([0.4, 0.3, 0.5, 0.2])
    shapes = np.exp(-distances(rng.uniform(0, 10, (12, 2))) / 3), np.eye(12)
    ys, design = rng.normal(size=(3, 12)), rng.normal(size=(12, 3))
    found = _value_apart(logs, [Sight(ys, design[None], np.ones(3), shapes, apart=True)], groups, 2)
    each = [_value(logs, [sight_of(y, design, shapes)], groups, 2) for y in ys]
    assert found[0] == pytest.approx(sum(one[0] for one in each))
    np.testing.assert_allclose(found[1], sum(one[1] for one in each), atol=1e-9)


def test_a_matrix_is_inverted_with_its_determinant():
    rng = np.random.default_rng(2)
    root = rng.normal(size=(30, 30))
    matrix = root @ root.T + np.eye(30)
    inverse, log_determinant = inverse_of(matrix)
    np.testing.assert_allclose(inverse @ matrix, np.eye(30), atol=1e-8)
    assert log_determinant == pytest.approx(np.linalg.slogdet(matrix)[1])
    solved = solve([matrix], [2.0])
    q = solved.q()
    np.testing.assert_allclose(q @ np.ones(30), 0, atol=1e-10)
    np.testing.assert_allclose(solved.project(root), q @ root, atol=1e-10)
    with pytest.raises(np.linalg.LinAlgError):
        inverse_of(-matrix)


def test_cells_are_taken_away_in_closed_form():
    rng = np.random.default_rng(5)
    places, values = rng.random((20, 2)), rng.normal(size=(20, 3))
    shapes = [np.exp(-distances(places)), np.eye(20)]
    whole = solve(shapes, [1.0, 0.1])
    for some in (rng.random(20) < 0.7, np.ones(20, bool)):
        own = solve([shape[np.ix_(some, some)] for shape in shapes], [1.0, 0.1])
        part = whole.of(some)
        np.testing.assert_allclose(part.project(values[some]), own.q() @ values[some], atol=1e-10)
        np.testing.assert_allclose(part.diagonal, np.diag(own.q()), atol=1e-10)
        np.testing.assert_allclose(part.weights, own.ones / own.total, atol=1e-10)


def test_a_cancel_is_heard_between_two_looks():
    class Stopped(Progress):
        def is_cancelled(self):
            return True

    y, shapes = np.arange(5.0), [np.eye(5), np.eye(5)]
    with pytest.raises(Cancelled):
        estimate([[sight_of(y, np.zeros((5, 0)), shapes)]], np.zeros(0, int), progress=Stopped())


@pytest.mark.parametrize("shapes", [((5, 4), (4,)), ((5, 4), (4, 3)), ((5, 4), (4, 2, 3)), ((5, 4), (4, 0))])
def test_products_are_those_of_numpy(shapes):
    a, b = map(np.random.default_rng(3).normal, (0, 0), (1, 1), shapes)
    expected = np.tensordot(a, b, axes=1)
    for left in (a, np.asfortranarray(a)):
        for right in (b, np.asfortranarray(b)):
            np.testing.assert_allclose(likelihood.product(left, right), expected, rtol=1e-12)
    assert likelihood.product(np.zeros((3, 0)), np.zeros((0, 2))).tolist() == np.zeros((3, 2)).tolist()
