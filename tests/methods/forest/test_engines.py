"""Which engine grows forests: the choice with a stand-in, and scikit-learn-intelex itself where it is."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest

from engine_stand_in import installed, not_installed
from forest_cases import CancelAfter, grow_and_predict, permuted_errors, rows
from forest_cases import settings as forest_settings
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.base.progress import SILENT
from smap_downscaler.methods.forest.engines import INTELEX, SCIKIT_LEARN, faster_engine, version_of
from smap_downscaler.methods.forest.method import RANDOM_FOREST
from smap_downscaler.steps.crossvalidation.numbers.crossvalidate import designed, make_plan, plan_piece
from validation_cases import case, cross_validate, piece, settings


def job(**changes):
    return plan_piece(case(), piece(), settings(**changes))


def faster(threads, *more):
    """The faster engine on the first fold of a piece."""
    own = job()
    cells, block = designed(own, 0)
    chosen = own.settings.candidates[0].of(len(cells.y))
    return faster_engine(RANDOM_FOREST.held_out, cells, block, chosen, threads, *more)


@pytest.mark.parametrize(
    ("seconds_a_tree", "engine", "times", "seconds"),
    [
        (0.25, INTELEX, "4.00", "0.25"),
        (0.95, SCIKIT_LEARN, "1.05", "0.95"),
        (2.0, SCIKIT_LEARN, "0.50", "2.00"),
    ],
)
def test_the_faster_one_is_chosen_by_a_clear_margin(monkeypatch, seconds_a_tree, engine, times, seconds):
    clock = installed(monkeypatch, seconds_a_tree)
    assert faster(1, SILENT, clock) == (
        engine,
        f"scikit-learn-intelex 9.8.7 is {times} times as fast as scikit-learn ({seconds} and 1.00 s for "
        f"1 x 1 trees of the first fold), so that forests grow with {engine}.",
    )


def test_where_it_is_not_installed_nothing_is_timed(monkeypatch):
    not_installed(monkeypatch)
    assert version_of(INTELEX) is None
    assert faster(2, CancelAfter(0)) == (
        SCIKIT_LEARN,
        "scikit-learn-intelex is not installed, so that forests grow with scikit-learn.",
    )


def test_a_package_without_its_forests_counts_as_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearnex", ModuleType("sklearnex"))
    monkeypatch.delitem(sys.modules, "sklearnex.ensemble", raising=False)
    assert version_of(INTELEX) is None


def test_the_trial_is_cancelled(monkeypatch):
    clock = installed(monkeypatch, 0.5)
    whole = CancelAfter(10**9)
    faster(1, whole, clock)
    for calls in (0, whole.asked // 2, whole.asked - 1):
        with pytest.raises(Cancelled):
            faster(1, CancelAfter(calls), clock)


def test_folds_and_inner_folds_grow_with_the_engine(monkeypatch):
    """The stand-in's forests are scikit-learn's of the next seed: no part of the work grew otherwise."""
    grid = {"max_features": "1, 4", "n_estimators": "3, 8"}
    plain = cross_validate(case(), piece(), settings(grid, importance=True))
    clock = installed(monkeypatch, 0.5)
    before = clock.now
    other = cross_validate(case(), piece(), settings(grid, importance=True, engine=INTELEX))
    # Five folds, each with two groups of eight trees in three inner folds, and its own forest.
    inner = 5 * 3 * 2 * 8
    outer = sum(settings(grid).candidates[choice.candidate].settings.n_estimators for choice in other.choices)
    assert clock.now - before == 0.5 * (inner + outer)
    assert not np.array_equal(plain.predicted, other.predicted)
    assert other.scores["rmse"] == pytest.approx(plain.scores["rmse"], rel=0.2)


def test_the_estimate_is_of_the_engine(monkeypatch):
    clock = installed(monkeypatch, 0.5)
    make_plan(job(engine=INTELEX), {144: 1}, 0, 1)
    assert clock.now % 0.5 == 0
    assert clock.now >= 0.5 * (1 + 8)


def test_an_engine_that_there_is_not():
    with pytest.raises(InputError) as caught:
        settings(engine="steam")
    assert str(caught.value) == "ENGINE is 'steam'; give fastest or scikit-learn."


# ---- scikit-learn-intelex itself


@pytest.fixture
def intelex():
    pytest.importorskip("sklearnex.ensemble")


@pytest.mark.usefixtures("intelex")
@pytest.mark.filterwarnings("ignore:'Threading' parallel backend")
class TestIntelex:
    def test_its_first_trees_serve_all_counts(self):
        x, y = rows(300)
        new_x, new_y = rows(500, seed=4)
        chosen = forest_settings(n_estimators=60)
        few, all_trees = grow_and_predict(x, y, new_x, chosen, 3, (20, 60), SILENT, INTELEX)
        again = grow_and_predict(x, y, new_x, chosen, 3, (20, 60), SILENT, INTELEX)
        np.testing.assert_array_equal(again, [few, all_trees])
        other = grow_and_predict(x, y, new_x, chosen, 4, (60,), SILENT, INTELEX)[0]
        assert not np.array_equal(other, all_trees)
        from sklearnex.ensemble import RandomForestRegressor

        from smap_downscaler.methods.forest.growth import forest_arguments

        whole = RandomForestRegressor(**forest_arguments(chosen, *x.shape, 3)).fit(x, y)
        np.testing.assert_allclose(all_trees, whole.predict(new_x), rtol=1e-5)

        def rmse(predicted):
            return np.sqrt(np.mean((predicted - new_y) ** 2))

        plain = grow_and_predict(x, y, new_x, chosen, 3, (60,))[0]
        assert rmse(all_trees) == pytest.approx(rmse(plain), rel=0.05)
        assert rmse(all_trees) < rmse(few)

    def test_its_settings_reach_its_trees(self):
        from smap_downscaler.methods.forest.engines import grow_with_intelex

        x, y = rows(200)
        chosen = forest_settings(n_estimators=9, sample_size=50, min_samples_leaf=5, max_depth=3)
        trees = list(grow_with_intelex(x, y, chosen, 0, SILENT))
        assert len(trees) == 9
        assert max(tree.tree_.max_depth for tree in trees) == 3

    def test_importance_and_cancel(self):
        x, y = rows(300)
        _, sse = permuted_errors(x, y, x[:90].copy(), y[:90], forest_settings(), 3, SILENT, INTELEX)
        assert np.argmax(sse) == 0
        with pytest.raises(Cancelled):
            grow_and_predict(x, y, x, forest_settings(), 3, (12,), CancelAfter(0), INTELEX)

    def test_a_trial_in_earnest(self):
        engine, text = faster(2)
        assert engine in (SCIKIT_LEARN, INTELEX)
        assert f"scikit-learn-intelex {version_of(INTELEX)} is " in text
