"""Choice by out-of-bag error and permutation importance, against plain scikit-learn."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from forest_cases import CancelAfter, rows, settings, train_forest
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.methods.base import NO_WISHES, Wishes
from smap_downscaler.methods.forest import oob as oob_module
from smap_downscaler.methods.forest.growth import GrownTrees, new_sklearn_forest
from smap_downscaler.methods.forest.hyper_grid import ForestCandidate, candidates, check_mtry
from smap_downscaler.methods.forest.oob import permutation_importance, shuffled
from smap_downscaler.methods.forest.tuning import grow_forest
from smap_downscaler.methods.skill import Importance, summarise_importance


def unseen_by_tree(forest, n, draws):
    """Rows that each tree did not draw: from scikit-learn 1.4 on its own, before that by its rule."""
    draws_of = getattr(forest, "estimators_samples_", None)
    if draws_of is None:
        draws_of = [
            np.random.RandomState(tree.random_state).randint(0, n, draws) for tree in forest.estimators_
        ]
    return [np.setdiff1d(np.arange(n), drawn) for drawn in draws_of]


def own(forest):
    """A forest of scikit-learn's in the plugin's clothes."""
    return GrownTrees(forest.estimators_, forest.max_samples)


def oob_rmse(x, y, chosen, key):
    """Out-of-bag RMSE by a fit at once and loops."""
    forest = new_sklearn_forest(chosen, *x.shape, key).fit(x, y)
    predictions = [[] for _ in y]
    for tree, unseen in zip(forest.estimators_, unseen_by_tree(forest, len(y), chosen.draws(len(y)))):
        for row, value in zip(unseen, tree.predict(x[unseen])):
            predictions[row].append(value)
    errors = [np.mean(values) - y[row] for row, values in enumerate(predictions) if values]
    return np.sqrt(np.mean(np.square(errors)))


GRID = candidates(settings(), "1, 3", "2, 12", "5, 12", "0.5, 1")


def test_candidates_come_in_the_order_of_the_grids_the_last_one_fastest():
    found = [
        (
            one.settings.max_features,
            one.settings.min_samples_split,
            one.settings.n_estimators,
            one.sample_share,
        )
        for one in GRID
    ]
    assert found == list(product((1, 3), (2, 12), (5, 12), (0.5, 1.0)))
    assert candidates(settings()) == (ForestCandidate(settings()),)


def test_the_candidate_with_the_least_out_of_bag_error_is_chosen():
    x, y = rows(60, seed=3)
    errors = [oob_rmse(x, y, candidate.of(60), 9) for candidate in GRID]
    best = int(np.argmin(errors))
    assert len(set(errors)) == len(GRID) == 16
    grown = grow_forest(x, y, settings(), Wishes(GRID), 9)
    assert grown.settings == GRID[best].of(60)
    assert grown.scores.rmse == pytest.approx(errors[best], abs=1e-12)
    assert grown.importance is None


@hypothesis_settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000), st.permutations(range(16)), st.integers(1, 3))
def test_the_forest_is_that_of_the_chosen_settings_alone(seed, order, threads):
    """The order of the grid, the threads and the trees grown for other candidates leave no trace."""
    x, y = rows(30, seed=seed)
    grown = grow_forest(
        x, y, settings(), Wishes(tuple(GRID[number] for number in order)), seed, threads=threads
    )
    alone = train_forest(x, y, grown.settings, seed)
    for name in ("offsets", "left", "right", "feature", "number"):
        np.testing.assert_array_equal(getattr(grown.arrays, name), getattr(alone.arrays, name), err_msg=name)
    np.testing.assert_array_equal(grown.oob, alone.oob)
    assert grown.scores == alone.scores
    assert grown.settings == grow_forest(x, y, settings(), Wishes(GRID), seed).settings


def test_of_equal_candidates_the_first_is_chosen():
    """With four covariates an mtry of 4 and of 9 is the same."""
    x, y = rows(30)
    pair = tuple(ForestCandidate(settings(max_features=mtry)) for mtry in (9, 4))
    assert grow_forest(x, y, settings(), Wishes(pair), 1).settings.max_features == 9
    assert grow_forest(x, y, settings(), Wishes(pair[::-1]), 1).settings.max_features == 4


def test_a_candidate_without_an_error_is_the_last_choice():
    """A single tree that draws every one of two rows has no row out of bag."""
    x, y = rows(2)
    chosen = settings(n_estimators=1)
    key = next(key for key in range(100) if train_forest(x, y, chosen, key).scores.n_scored == 0)
    pair = (ForestCandidate(chosen), ForestCandidate(settings(n_estimators=40)))
    assert grow_forest(x, y, chosen, Wishes(pair), key).settings.n_estimators == 40
    only = (ForestCandidate(chosen), ForestCandidate(replace(chosen, min_samples_split=5)))
    assert grow_forest(x, y, chosen, Wishes(only), key).settings == chosen


def test_without_wishes_it_is_a_plain_forest():
    x, y = rows(40)
    grown = grow_forest(x, y, settings(), NO_WISHES, 4)
    assert grown.scores == train_forest(x, y, settings(), 4).scores
    assert (grown.settings, grown.importance) == (settings(), None)


def test_a_grid_beyond_the_covariates():
    with pytest.raises(InputError) as caught:
        check_mtry(candidates(settings(), "2, 9"), 4, "m.gpkg")
    assert str(caught.value) == (
        "MAX_FEATURES_GRID: 9 is more than the 4 covariates of m.gpkg; give at most 4."
    )
    check_mtry(candidates(settings(), "9"), 4, "m.gpkg")
    check_mtry((), 4, "m.gpkg")


# importance


def by_loops(forest, x, y, draws, repeats, seed, key):
    """Breiman's importance with scikit-learn's predict, tree by tree and covariate by covariate."""
    rises = []
    for number, (tree, unseen) in enumerate(zip(forest.estimators_, unseen_by_tree(forest, len(y), draws))):
        if len(unseen) < 2:
            continue
        error = np.mean((tree.predict(x[unseen]) - y[unseen]) ** 2)
        table = np.zeros((repeats, x.shape[1]))
        for repeat, order in enumerate(shuffled(len(unseen), repeats, [seed, key, number])):
            for covariate in range(x.shape[1]):
                mixed = x[unseen].copy()
                mixed[:, covariate] = mixed[order, covariate]
                table[repeat, covariate] = np.mean((tree.predict(mixed) - y[unseen]) ** 2) - error
        rises.append(table)
    means = np.mean(rises, axis=0)
    return means.mean(axis=0), means.std(axis=0, ddof=1)


@pytest.mark.parametrize("sample", [None, 25])
def test_importance_is_that_of_plain_loops(sample):
    x, y = rows(70, seed=2)
    chosen = settings(sample_size=sample)
    forest = new_sklearn_forest(chosen, *x.shape, 5).fit(x, y)
    before = x.copy()
    found = permutation_importance(own(forest), x, y, 4, 5, 5)
    mean, sd = by_loops(forest, x, y, chosen.draws(70), 4, 5, 5)
    np.testing.assert_allclose(found.mean, mean, rtol=0, atol=1e-15)
    np.testing.assert_allclose(found.sd, sd, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(x, before)
    assert found.mean[0] > 5 * found.mean[1] > -1e-4


def test_importance_agrees_with_held_out_rows():
    """scikit-learn's own on new rows: the same order of size (its forest averages before it errs)."""
    from sklearn.inspection import permutation_importance as held_out

    x, y = rows(400, seed=1)
    new_x, new_y = rows(2000, seed=99)
    chosen = settings(n_estimators=60)
    forest = new_sklearn_forest(chosen, *x.shape, 5).fit(x, y)
    found = permutation_importance(own(forest), x, y, 5, 5, 5)
    theirs = held_out(forest, new_x, new_y, scoring="neg_mean_squared_error", n_repeats=5, random_state=0)
    assert np.argsort(found.mean)[::-1][:2].tolist() == np.argsort(theirs.importances_mean)[::-1][:2].tolist()
    assert found.mean[0] == pytest.approx(theirs.importances_mean[0], rel=0.5)


def test_a_covariate_of_random_numbers_has_no_importance():
    x, y = rows(300, seed=6, p=5)
    y = 0.2 + 0.1 * np.tanh(x[:, 0])
    found = permutation_importance(
        own(new_sklearn_forest(settings(n_estimators=50), *x.shape, 1).fit(x, y)), x, y, 5, 1, 1
    )
    assert np.abs(found.mean[1:]).max() < 0.03 * found.mean[0]


def test_importance_through_a_forest_of_fewer_trees_and_repeats():
    x, y = rows(60)
    more = new_sklearn_forest(settings(n_estimators=20), *x.shape, 1).fit(x, y)
    few = new_sklearn_forest(settings(n_estimators=6), *x.shape, 1).fit(x, y)
    one = permutation_importance(own(more), x, y, 3, 1, 1, most_trees=6)
    other = permutation_importance(own(few), x, y, 3, 1, 1)
    np.testing.assert_array_equal(one.mean, other.mean)
    assert np.isnan(permutation_importance(own(few), x, y, 1, 1, 1).sd).all()
    tuned = Wishes(candidates(settings(), n_estimators="3, 12"), 2)
    grown = grow_forest(x, y, settings(), tuned, 8)
    alone = grow_forest(x, y, grown.settings, Wishes((), 2), 8)
    np.testing.assert_array_equal(grown.importance.mean, alone.importance.mean)


def test_large_tables_are_sampled(monkeypatch):
    x, y = rows(200)
    forest = new_sklearn_forest(settings(), *x.shape, 1).fit(x, y)
    whole = permutation_importance(own(forest), x, y, 3, 1, 1)
    monkeypatch.setattr(oob_module, "MOST_ROWS", 80)
    part = permutation_importance(own(forest), x, y, 3, 1, 1)
    assert not np.array_equal(whole.mean, part.mean)
    np.testing.assert_array_equal(part.mean, permutation_importance(own(forest), x, y, 3, 1, 1).mean)
    assert part.mean[0] == pytest.approx(whole.mean[0], rel=0.5)


def test_no_row_out_of_bag_gives_no_importance():
    x, y = rows(2)
    chosen = settings(n_estimators=1)
    key = next(key for key in range(100) if train_forest(x, y, chosen, key).scores.n_scored == 0)
    found = grow_forest(x, y, chosen, Wishes((), 2), key).importance
    assert np.isnan(found.mean).all()
    assert summarise_importance([(("a", "b", "c", "d"), found)], ("a", "b", "c", "d")) == []


def test_the_summary_over_forests():
    found = [
        (("a", "b"), Importance(np.array([1.0, 4.0]), np.zeros(2))),
        (("b",), Importance(np.array([6.0]), np.zeros(1))),
        (("b", "a"), Importance(np.array([8.0, np.nan]), np.zeros(2))),
    ]
    first, second = summarise_importance(found, ("a", "b", "c"))
    assert (first.covariate, first.n_forests, first.mean, first.sd) == ("b", 3, 6.0, 2.0)
    assert (first.q25, first.median, first.q75) == (5.0, 6.0, 7.0)
    assert (second.covariate, second.n_forests, second.mean) == ("a", 1, 1.0)
    assert np.isnan(second.sd)


def test_wishes_out_of_range():
    with pytest.raises(InputError) as caught:
        Wishes(importance_repeats=-1)
    assert str(caught.value) == "IMPORTANCE_REPEATS is -1; give 0 (no importance) or more."


@pytest.mark.parametrize("wishes", [Wishes(GRID), Wishes((), 3)])
def test_cancel(wishes):
    x, y = rows(60)
    whole = CancelAfter(10**9)
    grow_forest(x, y, settings(), wishes, 1, whole)
    assert whole.asked > 40
    for calls in (0, whole.asked // 2, whole.asked - 1):
        listener = CancelAfter(calls)
        with pytest.raises(Cancelled):
            grow_forest(x, y, settings(), wishes, 1, listener)
        assert listener.asked == calls + 1
