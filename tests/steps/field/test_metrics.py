"""Metrics of maps against the field, held against SciPy, plain loops and pytesmo."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytesmo_cases import moisture_pair, pytesmo_numbers
from smap_downscaler.steps.field.numbers.metrics import METRICS, SIZES, metrics, metrics_of, moments

MOISTURE = st.floats(0.0, 1.0).map(lambda value: round(value, 6))
PAIRS = st.lists(st.tuples(MOISTURE, MOISTURE), min_size=2, max_size=60)


def by_hand(x, y):
    """Each metric by its definition, in plain Python."""
    n, mean_x, mean_y = len(x), math.fsum(x) / len(x), math.fsum(y) / len(y)
    error = [b - a for a, b in zip(x, y)]
    mean = math.fsum(error) / n
    xx = math.fsum((a - mean_x) ** 2 for a in x)
    yy = math.fsum((b - mean_y) ** 2 for b in y)
    xy = math.fsum((a - mean_x) * (b - mean_y) for a, b in zip(x, y))
    varied = len(set(x)) > 1
    both = varied and len(set(y)) > 1
    return {
        "slope": xy / xx if varied else math.nan,
        "intercept": mean_y - xy / xx * mean_x if varied else math.nan,
        "pearson": xy / math.sqrt(xx * yy) if both else math.nan,
        "rmse": math.sqrt(math.fsum(e * e for e in error) / n),
        "mae": math.fsum(abs(e) for e in error) / n,
        "bias": mean,
        "ubrmse": math.sqrt(math.fsum((e - mean) ** 2 for e in error) / n),
    }


def ranks(values):
    return [sum(other < value for other in values) + (values.count(value) + 1) / 2 for value in values]


@settings(max_examples=40)
@given(PAIRS)
def test_by_definition(pairs):
    x, y = (list(column) for column in zip(*pairs))
    found = metrics_of(np.array(x), np.array(y))
    expected = by_hand(x, y)
    expected["spearman"] = by_hand(ranks(x), ranks(y))["pearson"]
    assert list(found) == list(METRICS)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-10, nan_ok=True), name


@settings(max_examples=40)
@given(PAIRS, st.data())
def test_weights_are_repeated_pairs(pairs, data):
    x, y = (np.array(column) for column in zip(*pairs))
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(x), max_size=len(x))))
    if not weights.any():
        weights[0] = 1
    of = moments(x, y)
    found = metrics(of, weights @ of.rows)
    again = metrics_of(np.repeat(x, weights), np.repeat(y, weights))
    for name in METRICS:
        # Ranks are those of all pairs, in samples too.
        if name != "spearman" and math.isfinite(found[name]) and math.isfinite(again[name]):
            # Where a sample hardly varies, the sums keep fewer digits.
            varied = min(np.ptp(np.repeat(x, weights)), np.ptp(np.repeat(y, weights))) > 0.01
            if varied or name in ("rmse", "mae", "bias"):
                assert found[name] == pytest.approx(again[name], rel=1e-6, abs=1e-7), name


@settings(max_examples=40)
@given(PAIRS)
def test_what_must_hold(pairs):
    x, y = (np.array(column) for column in zip(*pairs))
    found = metrics_of(x, y)
    assert found["rmse"] ** 2 == pytest.approx(found["bias"] ** 2 + found["ubrmse"] ** 2, abs=1e-12)
    assert abs(found["bias"]) <= found["mae"] + 1e-12 <= found["rmse"] + 2e-12
    assert all(found[name] >= 0 for name in SIZES)
    back = metrics_of(y, x)
    assert back["bias"] == pytest.approx(-found["bias"], abs=1e-12)
    assert back["rmse"] == pytest.approx(found["rmse"], abs=1e-12)
    assert metrics_of(x, x)["rmse"] == 0


def test_what_is_not_defined():
    assert all(math.isnan(value) for value in metrics_of(np.array([]), np.array([])).values())
    one = metrics_of(np.array([0.2]), np.array([0.3]))
    assert one["bias"] == pytest.approx(0.1)
    assert one["ubrmse"] == 0
    assert math.isnan(one["pearson"])
    assert math.isnan(one["slope"])
    # 0.1 is no binary fraction: its mean must count as constant none the less.
    flat = metrics_of(np.full(3, 0.1), np.array([0.1, 0.2, 0.4]))
    assert math.isnan(flat["pearson"])
    assert math.isnan(flat["slope"])
    assert math.isnan(metrics_of(np.array([0.1, 0.2, 0.4]), np.full(3, 0.1))["spearman"])


@pytest.fixture
def series():
    return moisture_pair()


def test_as_scipy(series):
    from scipy import stats

    x, y = series
    found = metrics_of(x, y)
    line = stats.linregress(x, y)
    assert found["slope"] == pytest.approx(line.slope, abs=1e-12)
    assert found["intercept"] == pytest.approx(line.intercept, abs=1e-12)
    assert found["pearson"] == pytest.approx(stats.pearsonr(x, y)[0], abs=1e-12)
    assert found["spearman"] == pytest.approx(stats.spearmanr(x, y)[0], abs=1e-12)
    assert found["ubrmse"] == pytest.approx(np.std(y - x), abs=1e-12)


def test_as_pytesmo(series):
    found = metrics_of(*series)
    for name, number in pytesmo_numbers()["metrics"].items():
        assert found[name] == pytest.approx(number, abs=1e-10), name
