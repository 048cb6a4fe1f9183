"""Principal components against the eigenvectors of NumPy's correlation matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.base.errors import InputError
from smap_downscaler.steps.components.numbers.components import (
    congruence,
    principal_components,
    varying,
    with_signs_of,
)

NAMES = tuple("abcdefgh")


def made_up(seed, n, p, scale=True):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, p)) @ rng.normal(size=(p, p))
    return values * 10.0 ** rng.integers(-2, 5, p) + 10.0 ** rng.integers(-2, 3, p) if scale else values


@given(st.integers(0, 2**32 - 1), st.integers(12, 60), st.integers(2, 8))
def test_they_are_those_of_the_correlation_matrix(seed, n, p):
    values = made_up(seed, n, p)
    found = principal_components(values, NAMES[:p])
    correlation = np.corrcoef(values, rowvar=False)
    eigenvalues, vectors = np.linalg.eigh(correlation)
    eigenvalues, vectors = eigenvalues[::-1], vectors[:, ::-1]
    k = len(found.eigenvalues)
    np.testing.assert_allclose(found.eigenvalues, eigenvalues[:k], atol=1e-10)
    assert found.shares.sum() == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(found.cumulative, np.cumsum(eigenvalues[:k]) / p, atol=1e-10)
    # An eigenvector is as sure as its eigenvalue is far from the others.
    apart = np.abs(eigenvalues[:, None] - eigenvalues[None] + np.eye(p)).min(axis=1) > 1e-3
    for number in np.flatnonzero(apart[:k]):
        vector = vectors[:, number] * np.sign(vectors[:, number] @ found.eigenvectors[:, number])
        np.testing.assert_allclose(found.eigenvectors[:, number], vector, atol=1e-10)
    np.testing.assert_allclose(found.loadings, found.eigenvectors * np.sqrt(found.eigenvalues), atol=1e-12)
    np.testing.assert_allclose(found.loadings @ found.loadings.T, correlation, atol=1e-10)
    # Scores by their definition, uncorrelated, with the eigenvalue as variance.
    z = (values - values.mean(axis=0)) / values.std(axis=0)
    np.testing.assert_allclose(found.scores, z @ found.eigenvectors, atol=1e-9)
    np.testing.assert_allclose(found.scores.T @ found.scores / n, np.diag(found.eigenvalues), atol=1e-9)
    # Of two variables both are equally large: the first one counts.
    size = np.abs(found.eigenvectors)
    largest = np.argmax(size > size.max(axis=0) - 1e-9, axis=0)
    assert (found.loadings[largest, np.arange(k)] > 0).all()


@given(st.integers(0, 2**32 - 1), st.integers(3, 7), st.integers(7, 8))
def test_fewer_rows_than_variables(seed, n, p):
    values = made_up(seed, n, p, scale=False)
    found = principal_components(values, NAMES[:p])
    assert found.eigenvalues.shape == (n - 1,)
    assert found.scores.shape == (n, n - 1)
    assert found.eigenvectors.shape == found.loadings.shape == (p, n - 1)
    np.testing.assert_allclose(
        found.loadings @ found.loadings.T, np.corrcoef(values, rowvar=False), atol=1e-9
    )
    assert found.cumulative[-1] == pytest.approx(1)


@pytest.mark.parametrize("n", [3, 5, 7])
def test_rounding_makes_no_component(n):
    # So far from zero, the rounding of the means leaves a direction of 1e-8 that the rows do not have.
    values = made_up(4, n, 8, scale=False) + 1e8
    found = principal_components(values, NAMES)
    assert found.eigenvalues.shape == (n - 1,)
    assert found.scores.shape == (n, n - 1)


@given(st.integers(0, 2**32 - 1))
def test_supplementary_loadings_are_correlations(seed):
    values = made_up(seed, 40, 4)
    rng = np.random.default_rng(seed)
    others = np.stack([values[:, 1], rng.normal(size=40) + values[:, 0] / values[:, 0].std()], axis=1)
    others[rng.choice(40, 5, replace=False), 1] = np.nan
    found = principal_components(values, NAMES[:4], others, ("twin", "moisture"))
    alone = principal_components(values, NAMES[:4])
    np.testing.assert_array_equal(found.loadings, alone.loadings)
    # A field that is projected lies where the same field lay when it was fitted.
    np.testing.assert_allclose(found.supplementary.loadings[0], found.loadings[1], atol=1e-9)
    known = np.isfinite(others[:, 1])
    assert found.supplementary.n.tolist() == [40, 35]
    for number, score in enumerate(found.scores[known].T):
        expected = np.corrcoef(others[known, 1], score)[0, 1]
        assert found.supplementary.loadings[1, number] == pytest.approx(expected, abs=1e-9)
    assert found.supplementary.mean[1] == pytest.approx(others[known, 1].mean())
    assert found.supplementary.sd[1] == pytest.approx(others[known, 1].std())


def test_rows_with_a_gap_are_left_out():
    values = made_up(1, 30, 3)
    gaps = values.copy()
    gaps[4, 0], gaps[9, 2] = np.nan, np.inf
    others = np.arange(30.0)[:, None]
    found = principal_components(gaps, NAMES[:3], others, ("time",))
    whole = principal_components(np.delete(values, [4, 9], axis=0), NAMES[:3])
    assert np.flatnonzero(~found.rows).tolist() == [4, 9]
    np.testing.assert_array_equal(found.scores, whole.scores)
    assert found.supplementary.n.tolist() == [28]


def test_twins_leave_a_component_without_variance_out():
    values = made_up(2, 30, 3)
    found = principal_components(np.column_stack([values, values[:, 0] * 7 + 3]), NAMES[:4])
    assert found.eigenvalues.shape == (3,)
    assert found.cumulative[-1] == pytest.approx(1)
    np.testing.assert_allclose(found.loadings[0], found.loadings[3], atol=1e-9)


def test_two_variables_have_equal_loadings_and_a_sure_sign():
    # Loadings of +-sqrt((1 +- r) / 2): rounding must not choose the sign.
    for seed in range(20):
        found = principal_components(made_up(seed, 25, 2), NAMES[:2])
        r = np.corrcoef(made_up(seed, 25, 2), rowvar=False)[0, 1]
        assert found.eigenvalues == pytest.approx(sorted([1 + r, 1 - r], reverse=True), abs=1e-10)
        assert (found.loadings[0] > 0).all()
        np.testing.assert_allclose(np.abs(found.eigenvectors), np.sqrt(0.5), atol=1e-9)


def table(**columns):
    rng = np.random.default_rng(5)
    values = {"a": rng.normal(size=10), "b": rng.normal(size=10), **columns}
    return np.column_stack([np.asarray(column, float) for column in values.values()]), tuple(values)


NAN = np.nan
GAPPY = [NAN] * 8 + [1.0, 2.0]


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"lake": [NAN] * 10}, "FIELDS: lake has no number in any row; leave it out."),
        (
            {"x": [NAN] * 10, "y": [np.inf] * 10},
            "FIELDS: x, y have no number in any row; leave them out.",
        ),
        ({"x": [3.3] * 10}, "FIELDS: x has one value only in the rows used; leave it out."),
        ({"x": [0.0] * 10}, "FIELDS: x has one value only in the rows used; leave it out."),
        # Constant up to rounding, and constant once the other's gaps are taken out.
        ({"x": 0.3 + 1e-17 * np.arange(10)}, "FIELDS: x has one value only in the rows used; leave it out."),
        (
            {"x": [1, 2, 3, 4, 4, 4, 4, 4, 4, 4], "y": [NAN] * 3 + [1, 2, 3, 4, 5, 6, 7]},
            "FIELDS: x has one value only in the rows used; leave it out.",
        ),
        (
            {"x": GAPPY},
            "FIELDS: only 2 of 10 rows have all fields (x is missing in 8); at least 3 are needed, so leave "
            "out fields or fill them.",
        ),
    ],
)
def test_what_cannot_be_analysed_is_named(columns, sentence):
    with pytest.raises(InputError) as caught:
        principal_components(*table(**columns))
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (GAPPY, "SUPPLEMENTARY: x has 2 numbers in the rows used; at least 3 are needed, so leave it out."),
        ([7.0] * 10, "SUPPLEMENTARY: x has one value only in the rows used; leave it out."),
    ],
)
def test_what_cannot_be_projected_is_named(column, sentence):
    with pytest.raises(InputError) as caught:
        principal_components(*table(), np.array(column)[:, None], ("x",))
    assert str(caught.value) == sentence


def test_one_variable_is_too_few():
    with pytest.raises(InputError, match="needs two fields or more"):
        principal_components(np.arange(5.0)[:, None], ("a",))


def test_signs_of_another_date_and_how_alike_components_are():
    """The same data, turned and noisy: each component points the way of the other one's."""
    values = made_up(4, 50, 5, scale=False)
    first = principal_components(values, NAMES[:5])
    for seed in range(20):
        noisy = values + 0.4 * np.random.default_rng(seed).normal(size=values.shape)
        found = principal_components(noisy[:, ::-1], NAMES[4::-1], noisy[:, :1], ["sm"])
        turned = with_signs_of(found, first)
        along = [float(turned.loadings[::-1][:, number] @ first.loadings[:, number]) for number in range(5)]
        assert min(along) >= 0
        for name in ("loadings", "scores", "eigenvectors"):
            np.testing.assert_array_equal(np.abs(getattr(turned, name)), np.abs(getattr(found, name)))
        z = (noisy[:, ::-1] - found.mean) / found.sd
        np.testing.assert_allclose(turned.scores, z @ turned.eigenvectors, atol=1e-9)
        expected = [np.corrcoef(noisy[:, 0], turned.scores[:, number])[0, 1] for number in range(5)]
        np.testing.assert_allclose(turned.supplementary.loadings[0], expected, atol=1e-9)
        sizes = np.sqrt((found.loadings**2).sum(axis=0) * (first.loadings**2).sum(axis=0))
        np.testing.assert_allclose(congruence(turned, first), along / sizes, atol=1e-12)
    np.testing.assert_allclose(congruence(first, first), 1, atol=1e-12)


def test_dates_with_other_variables_are_compared_by_those_of_both():
    values = made_up(5, 40, 5, scale=False)
    first = principal_components(values, NAMES[:5])
    fewer = with_signs_of(principal_components(-values[:, 1:4], NAMES[1:4]), first)
    for number in range(3):
        a, b = fewer.loadings[:, number], first.loadings[1:4, number]
        expected = a @ b / np.sqrt((a @ a) * (b @ b))
        assert congruence(fewer, first)[number] == pytest.approx(expected, abs=1e-12)
        assert expected >= 0


def test_which_variables_vary():
    values = np.array([[1, 5, np.nan, 2], [2, 5, np.nan, 2], [3, 5, np.nan, np.nan], [np.nan, 6, np.nan, 3]])
    known, vary = varying(values)
    assert known.tolist() == [True, True, False, True]
    # The rows that have all: the first two.
    assert vary.tolist() == [True, False, False, False]
