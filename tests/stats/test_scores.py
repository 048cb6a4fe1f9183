"""Scores against scikit-learn, NumPy and hand-made numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics

from smap_downscaler.stats import scores

ALL = (scores.rmse, scores.mae, scores.bias, scores.ubrmse, scores.r2, scores.pearson_r2)
VALUES = arrays(np.float64, 12, elements=st.floats(-1e6, 1e6))


def test_by_hand():
    observed, predicted = [0.1, 0.2, 0.3, 0.4], [0.2, 0.2, 0.2, 0.4]
    assert scores.rmse(observed, predicted) == pytest.approx(math.sqrt(0.005))
    assert scores.mae(observed, predicted) == pytest.approx(0.05)
    assert scores.bias(observed, [0.2, 0.3, 0.3, 0.5]) == pytest.approx(0.075)
    assert scores.r2(observed, predicted) == pytest.approx(1 - 0.02 / 0.05)
    # cov = 0.03, var = 0.05 and 0.03 (sums)
    assert scores.pearson_r2(observed, predicted) == pytest.approx(0.03**2 / (0.05 * 0.03))


def test_against_scikit_learn():
    generator = np.random.default_rng(3)
    observed = generator.normal(0.3, 0.05, 500)
    predicted = 0.1 + 0.5 * observed + generator.normal(0, 0.02, 500)
    assert scores.rmse(observed, predicted) == pytest.approx(
        math.sqrt(metrics.mean_squared_error(observed, predicted)), rel=1e-12
    )
    assert scores.mae(observed, predicted) == pytest.approx(
        metrics.mean_absolute_error(observed, predicted), rel=1e-12
    )
    assert scores.r2(observed, predicted) == pytest.approx(metrics.r2_score(observed, predicted), rel=1e-12)
    assert scores.pearson_r2(observed, predicted) == pytest.approx(
        np.corrcoef(observed, predicted)[0, 1] ** 2, rel=1e-12
    )


def test_bias_is_positive_where_predictions_are_too_wet():
    assert scores.bias([0.1, 0.2], [0.3, 0.4]) == pytest.approx(0.2)


def test_ubrmse_is_what_is_left_of_rmse_without_bias():
    observed, predicted = [0.1, 0.2, 0.3], [0.2, 0.2, 0.45]
    rest = scores.rmse(observed, predicted) ** 2 - scores.bias(observed, predicted) ** 2
    assert scores.ubrmse(observed, predicted) == pytest.approx(math.sqrt(rest))
    assert scores.ubrmse([0.1, 0.2], [0.3, 0.4]) == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("score", ALL)
def test_pairs_with_nan_are_dropped(score):
    observed, predicted = [0.1, np.nan, 0.3, 0.2, 0.5], [0.2, 0.9, 0.25, np.nan, 0.4]
    assert score(observed, predicted) == score([0.1, 0.3, 0.5], [0.2, 0.25, 0.4])


@pytest.mark.parametrize("score", ALL)
def test_undefined_without_pairs(score):
    assert math.isnan(score([], []))
    assert math.isnan(score([np.nan, 1.0], [1.0, np.nan]))


@pytest.mark.parametrize("score", [scores.r2, scores.pearson_r2])
def test_undefined_for_one_pair_and_constant_observations(score):
    assert math.isnan(score([0.3], [0.2]))
    assert math.isnan(score([0.1, 0.1, 0.1], [0.2, 0.3, 0.4]))


def test_one_pair_has_an_error():
    assert scores.rmse([0.3], [0.1]) == pytest.approx(0.2)
    assert scores.mae([0.3], [0.1]) == pytest.approx(0.2)
    assert scores.bias([0.3], [0.1]) == pytest.approx(-0.2)


def test_constant_predictions_have_r2_but_no_correlation():
    assert scores.r2([0.1, 0.3], [0.2, 0.2]) == pytest.approx(0.0)
    assert math.isnan(scores.pearson_r2([0.1, 0.3], [0.2, 0.2]))


@pytest.mark.parametrize("score", ALL)
def test_shapes_must_agree(score):
    with pytest.raises(ValueError, match=r"^observed \(2,\) and predicted \(3,\) differ in shape$"):
        score([1, 2], [1, 2, 3])


@given(VALUES, VALUES)
def test_relations_that_always_hold(observed, predicted):
    rmse, mae, bias = (f(observed, predicted) for f in (scores.rmse, scores.mae, scores.bias))
    assert abs(bias) <= mae * (1 + 1e-12) + 1e-300
    assert mae <= rmse * (1 + 1e-12) + 1e-150  # squares of less than that underflow
    r2, pearson_r2 = scores.r2(observed, predicted), scores.pearson_r2(observed, predicted)
    assert math.isnan(r2) == (np.ptp(observed) == 0)
    assert math.isnan(r2) or r2 <= 1
    assert math.isnan(pearson_r2) or 0 <= pearson_r2 <= 1


@given(VALUES.filter(lambda v: np.ptp(v) > 1e-3), st.floats(0.5, 2), st.floats(-10, 10))
def test_correlation_does_not_see_scale_and_offset(observed, factor, offset):
    assert scores.pearson_r2(observed, factor * observed + offset) == pytest.approx(1, abs=1e-6)
    assert scores.r2(observed, observed) == 1


def test_the_fitted_line():
    rng = np.random.default_rng(2)
    predicted = rng.uniform(0.1, 0.4, 50)
    observed = 1.2 * predicted - 0.03 + 0.01 * rng.normal(size=50)
    expected = np.polyfit(predicted, observed, 1)
    assert scores.fitted_line(observed, predicted) == pytest.approx(expected, rel=1e-9)
    assert np.isnan(scores.fitted_line(observed, np.full(50, 0.2))).all()
