"""Prediction: bit-equal to scikit-learn's trees summed in order, for any cut and any threads."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from forest_cases import CancelAfter, predict, rows, settings, train_forest
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.methods.forest.growth import new_sklearn_forest
from smap_downscaler.methods.forest.model import Forest


@pytest.fixture(scope="module")
def forest():
    chosen = settings(n_estimators=30)
    trained = train_forest(*rows(300), chosen, 1)
    return Forest(trained.arrays, trained.probe_x, trained.probe_y, trained.scores)


@pytest.fixture(scope="module")
def x():
    return rows(40_000, seed=9)[0]


def test_equals_scikit_learns_trees_summed_in_order(forest, x):
    train_x, train_y = rows(300)
    original = new_sklearn_forest(settings(n_estimators=30), *train_x.shape, key=1).fit(train_x, train_y)
    total = np.zeros(len(x))
    for estimator in original.estimators_:
        total += estimator.predict(x)
    result = predict(forest, x)
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, total / 30)
    np.testing.assert_allclose(result, original.predict(x), rtol=1e-14)


@pytest.mark.parametrize("chunk_rows", [1000, 16_384, 39_999, 10**6])
def test_the_cut_changes_no_bit(forest, x, chunk_rows):
    np.testing.assert_array_equal(predict(forest, x, chunk_rows=chunk_rows), predict(forest, x))
    few = x[:50]
    np.testing.assert_array_equal(predict(forest, few, chunk_rows=1), predict(forest, x)[:50])


def test_layout_in_memory_does_not_matter(forest, x):
    expected = predict(forest, x)
    np.testing.assert_array_equal(predict(forest, np.asfortranarray(x)), expected)
    np.testing.assert_array_equal(predict(forest, x[::-1])[::-1], expected)
    read_only = x.copy()
    read_only.flags.writeable = False
    np.testing.assert_array_equal(predict(forest, read_only), expected)


def test_several_threads_at_once(forest, x):
    expected = predict(forest, x)
    blocks = [slice(start, start + 1777) for start in range(0, len(x), 1777)]
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda block: predict(forest, x[block]), blocks))
    np.testing.assert_array_equal(np.concatenate(parts), expected)


def test_no_rows(forest):
    assert predict(forest, np.empty((0, 4), np.float32)).shape == (0,)


def test_rows_with_nan_are_refused(forest, x):
    bad = x[:10].copy()
    bad[3, 2] = np.nan
    with pytest.raises(ValueError, match=r"^covariates must not hold NaN; leave those rows out$"):
        predict(forest, bad)


@pytest.mark.parametrize("shape", [(5,), (5, 3), (5, 5)])
def test_the_number_of_covariates_must_fit(forest, shape):
    sentence = f"covariates must have the shape (n, 4), not {shape}"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        predict(forest, np.zeros(shape, np.float32))


def test_cancel_is_heard_between_trees(forest, x):
    with pytest.raises(Cancelled):
        predict(forest, x[:10], CancelAfter(29))
    assert predict(forest, x[:10], CancelAfter(30)).shape == (10,)
