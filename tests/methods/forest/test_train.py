"""Training: seeds, threads, trees, out-of-bag scores, cancelling, errors."""

from __future__ import annotations

import inspect
import re
import threading
import time
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor, _forest
from sklearn.tree import DecisionTreeRegressor

from forest_cases import (
    DAY,
    CancelAfter,
    cells_of,
    grow_and_predict,
    growing,
    permuted_errors,
    rows,
    settings,
    train_forest,
)
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.base.progress import SILENT, Progress
from smap_downscaler.methods.fitting import fit_each
from smap_downscaler.methods.forest import growth
from smap_downscaler.methods.forest.arrays import ForestArrays
from smap_downscaler.methods.forest.growth import drawn_rows, grow_trees, new_sklearn_forest
from smap_downscaler.methods.forest.oob import out_of_bag
from smap_downscaler.stats import scores


class CancelledAt(Progress):
    """Cancelled from a moment on."""

    def __init__(self, seconds: float):
        self.moment = time.monotonic() + seconds

    def is_cancelled(self) -> bool:
        return time.monotonic() > self.moment


def dates(n: int, count: int = 60):
    """(date, rows) for `n` days."""
    days = (DAY + timedelta(days=number) for number in range(n))
    return ((day, cells_of(*rows(count, seed=number), day)) for number, day in enumerate(days))


def assert_same(one, other):
    for name in ("offsets", "left", "right", "feature", "number"):
        np.testing.assert_array_equal(getattr(one.arrays, name), getattr(other.arrays, name))
    np.testing.assert_array_equal(one.oob, other.oob)
    np.testing.assert_array_equal(one.probe_y, other.probe_y)
    assert one.scores == other.scores


def forest_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("smap")]


# ---- one forest


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"max_features": None, "min_samples_split": 2},
        {"max_depth": 3},
        {"min_samples_leaf": 4},
        {"sample_size": 20},
        {"sample_size": 500, "seed": 0},
    ],
    ids=str,
)
def test_the_trees_are_those_of_scikit_learns_forest(changes, threads):
    """Bit for bit, whatever its version: so are predictions, out-of-bag ones too."""
    x, y = rows(80)
    chosen = settings(n_estimators=30, **changes)
    theirs = new_sklearn_forest(chosen, *x.shape, key=3).set_params(oob_score=True).fit(x, y)
    ours = train_forest(x, y, chosen, 3, threads=threads)
    expected = ForestArrays.from_sklearn(theirs)
    for name in ("offsets", "left", "right", "feature", "number"):
        np.testing.assert_array_equal(getattr(ours.arrays, name), getattr(expected, name))
    np.testing.assert_allclose(ours.oob, theirs.oob_prediction_, rtol=1e-14)
    grown = grow_trees(x, y, chosen, 3, SILENT, threads)
    for tree, other in zip(grown.trees, theirs.estimators_, strict=True):
        np.testing.assert_array_equal(tree.predict(x), other.predict(x))
    samples = getattr(theirs, "estimators_samples_", None)
    if samples is not None:
        for tree, drawn in zip(grown.trees, samples, strict=True):
            np.testing.assert_array_equal(drawn_rows(tree.random_state, 80, grown.draws), drawn)


def test_cancel_is_looked_at_before_each_tree():
    x, y = rows(80)
    progress = CancelAfter(10**9)
    train_forest(x, y, settings(n_estimators=30), 3, progress)
    assert progress.asked == 30 + 30, "one look a tree that grows and one a tree out of bag"


def test_hyper_parameters_reach_the_trees():
    x, y = rows(200)
    forest = new_sklearn_forest(
        settings(
            n_estimators=9,
            max_features=None,
            sample_size=50,
            min_samples_split=6,
            min_samples_leaf=3,
            max_depth=4,
        ),
        *x.shape,
        key=0,
    )
    assert isinstance(forest, RandomForestRegressor)
    found = forest.get_params()
    assert {name: found[name] for name in ("n_estimators", "max_features", "max_samples")} == {
        "n_estimators": 9,
        "max_features": 1,
        "max_samples": 50,
    }
    assert {name: found[name] for name in ("min_samples_split", "min_samples_leaf", "max_depth")} == {
        "min_samples_split": 6,
        "min_samples_leaf": 3,
        "max_depth": 4,
    }
    assert found["n_jobs"] == 1
    assert found["bootstrap"] is True
    trained = train_forest(x, y, settings(n_estimators=9, max_depth=4), 0)
    assert trained.arrays.n_trees == 9
    assert trained.arrays.depths().max() == 4


def test_seed_and_key_change_the_forest():
    x, y = rows(60)
    base = train_forest(x, y, settings(seed=1), 10)
    assert_same(base, train_forest(x, y, settings(seed=1), 10))
    for other in (train_forest(x, y, settings(seed=2), 10), train_forest(x, y, settings(seed=1), 11)):
        assert not np.array_equal(base.oob, other.oob)


def brute_force_out_of_bag(forest, x, drawn_a_tree):
    """Row by row, tree by tree, from the bootstrap indices of scikit-learn's own function."""
    arguments = [x.shape[0], drawn_a_tree]
    if "sample_weight" in inspect.signature(_forest._generate_sample_indices).parameters:
        arguments.append(None)
    predicted: list[list[float]] = [[] for _ in range(x.shape[0])]
    for tree in forest.estimators_:
        seen = set(_forest._generate_sample_indices(tree.random_state, *arguments).tolist())
        for row in set(range(x.shape[0])) - seen:
            predicted[row].append(float(tree.predict(x[row : row + 1])[0]))
    return np.array([sum(values) / len(values) if values else np.nan for values in predicted])


@pytest.mark.parametrize(("trees", "sample_size"), [(12, None), (12, 15), (2, None)])
def test_out_of_bag_against_brute_force(trees, sample_size):
    x, y = rows(40)
    chosen = settings(n_estimators=trees, sample_size=sample_size)
    trained = train_forest(x, y, chosen, 3)
    forest = new_sklearn_forest(chosen, *x.shape, key=3).fit(x, y)
    expected = brute_force_out_of_bag(forest, x, chosen.draws(40))
    np.testing.assert_allclose(trained.oob, expected, rtol=1e-14)
    valid = ~np.isnan(expected)
    if trees == 2:
        assert 0 < valid.sum() < 40, "two trees leave some rows that both drew"
    assert (trained.scores.n, trained.scores.n_scored) == (40, valid.sum())
    error = expected[valid] - y[valid]
    assert trained.scores.rmse == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-12)
    assert trained.scores.mae == pytest.approx(np.mean(np.abs(error)), rel=1e-12)
    assert trained.scores.bias == pytest.approx(np.mean(error), rel=1e-9)
    spread = y[valid] - y[valid].mean()
    assert trained.scores.r2 == pytest.approx(1 - np.sum(error**2) / np.sum(spread**2), rel=1e-12)
    assert trained.scores.pearson_r2 == pytest.approx(
        np.corrcoef(expected[valid], y[valid])[0, 1] ** 2, rel=1e-9
    )


def test_a_prediction_of_zero_is_not_taken_for_a_missing_one():
    x, y = rows(60)
    y = np.where(x[:, 0] < 0.5, 0.0, y)
    trained = train_forest(x, y, settings(n_estimators=40), 3)
    assert np.count_nonzero(trained.oob == 0) > 5
    assert trained.scores.n_scored == 60
    assert trained.scores.rmse == scores.rmse(y, trained.oob)


def test_the_probe_is_of_the_training_rows():
    x, y = rows(50)
    trained = train_forest(x, y, settings(), 3)
    assert trained.probe_x.shape == (16, 4)
    assert trained.probe_x.dtype == np.float32
    assert {row.tobytes() for row in trained.probe_x} <= {row.tobytes() for row in x}
    assert train_forest(*rows(5), settings(), 3).probe_x.shape == (5, 4)


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        (
            np.array([[1.0], [np.nan]]),
            [0.1, 0.2],
            "The covariates hold values that are missing or infinite; drop those rows.",
        ),
        (
            np.array([[1.0], [1e39]]),
            [0.1, 0.2],
            "The covariates hold values that are missing or infinite; drop those rows.",
        ),
        (
            np.array([[1.0], [2.0]]),
            [0.1, np.nan],
            "The response holds values that are missing or infinite; drop those rows.",
        ),
        (np.array([[1.0]]), [0.1], "A forest needs at least 2 rows with data, and there are 1."),
        (np.zeros((0, 3)), [], "A forest needs at least 2 rows with data, and there are 0."),
        (
            np.array([[1.0], [2.0], [3.0]]),
            [0.2, 0.2, 0.2],
            "All 3 values of the response are 0.2, so there is nothing to learn; check the soil moisture.",
        ),
        (np.zeros((3, 2)), [0.1, 0.2], "Covariates (3, 2) and response (2,) do not belong together."),
        (np.zeros((2, 0)), [0.1, 0.2], "A forest takes 1 to 32767 covariates, not 0."),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_what_cannot_be_trained(x, y, sentence):
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        train_forest(x, np.array(y), settings(), 0)


def test_thousands_of_trees_are_cancelled_within_a_moment():
    x, y = rows(1278)
    progress = CancelledAt(0.3)
    with pytest.raises(Cancelled):
        train_forest(x, y, settings(n_estimators=5000), 0, progress)
    assert time.monotonic() - progress.moment < 2


class Stubborn:
    """A fit that scikit-learn would not come back from, until the test lets it go."""

    def __init__(self, monkeypatch):
        self.begun, self.released = threading.Event(), threading.Event()
        monkeypatch.setattr(DecisionTreeRegressor, "fit", self.fit)

    def fit(self, *_, **__):
        self.begun.set()
        self.released.wait(60)
        raise InputError("dropped")

    def is_cancelled(self):
        return self.begun.is_set()


@pytest.mark.parametrize(
    "grow",
    [
        lambda x, y, chosen, progress: train_forest(x, y, chosen, 0, progress, threads=2),
        lambda x, y, chosen, progress: grow_and_predict(x, y, x[:9], chosen, 0, (3,), progress),
        lambda x, y, chosen, progress: permuted_errors(x, y, x[:9], y[:9], chosen, 0, progress),
        lambda x, y, chosen, progress: list(
            fit_each([(DAY, cells_of(x, y))] * 3, growing(chosen), 2, progress, total=3)
        ),
    ],
    ids=["pooled", "validated", "validated with importance", "in threads"],
)
def test_a_tree_that_takes_for_ever_is_cancelled(monkeypatch, grow):
    """The fit hangs until the test lets it go: only a caller that leaves it can come back before."""
    x, y = rows(100)
    monkeypatch.setattr(growth, "LONG_TREE", 100)
    stubborn = Stubborn(monkeypatch)
    progress = Progress()
    monkeypatch.setattr(progress, "is_cancelled", stubborn.is_cancelled)
    before = set(threading.enumerate())
    with pytest.raises(Cancelled):
        grow(x, y, settings(), progress)
    left = set(threading.enumerate()) - before
    assert left
    assert all(thread.daemon and thread.name == "smap-interruptible" for thread in left)
    stubborn.released.set()
    for thread in left:
        thread.join(60)
    assert set(threading.enumerate()) == before


def test_a_forest_is_the_same_where_it_can_be_left(monkeypatch):
    x, y = rows(100)
    plain = train_forest(x, y, settings(), 3), grow_and_predict(x, y, x[:9], settings(), 3, (4, 12))
    monkeypatch.setattr(growth, "LONG_TREE", 1)
    for threads in (1, 2):
        assert_same(train_forest(x, y, settings(), 3, threads=threads), plain[0])
    np.testing.assert_array_equal(grow_and_predict(x, y, x[:9], settings(), 3, (4, 12)), plain[1])


def test_small_fits_pay_for_no_thread(monkeypatch):
    def thread(*_):
        raise AssertionError("a thread was started")

    monkeypatch.setattr("smap_downscaler.base.threads.interruptible", thread)
    x, y = rows(1278)
    paper = settings(n_estimators=30, sample_size=1278)
    train_forest(x, y, paper, 0)
    with pytest.raises(AssertionError, match="a thread was started"):
        train_forest(*rows(150_001), settings(n_estimators=1), 0)


def test_out_of_bag_is_cancelled_at_any_tree():
    x, y = rows(30)
    forest = grow_trees(x, y, settings(), 0, SILENT)
    with pytest.raises(Cancelled):
        out_of_bag(forest, x, CancelAfter(11))
    assert out_of_bag(forest, x, CancelAfter(12)).shape == (30,)


# ---- one forest a date


def test_the_same_forests_for_any_number_of_threads():
    one = list(fit_each(dates(6), growing(settings()), 1, SILENT, 6))
    assert [day for day, _ in one] == [DAY + timedelta(days=number) for number in range(6)]
    for threads in (2, 4):
        other = list(fit_each(dates(6), growing(settings()), threads, SILENT, 6))
        assert [day for day, _ in other] == [day for day, _ in one]
        for (_, a), (_, b) in zip(one, other, strict=True):
            assert_same(a, b)
    # ... and whatever the other dates: a date alone gives the same forest.
    day, cells = list(dates(6))[4]
    assert_same(train_forest(cells.x, cells.y, settings(), day.toordinal()), one[4][1])


def test_dates_are_pulled_lazily():
    pulled = []

    def items():
        for item in dates(20, count=20):
            pulled.append(item[0])
            yield item

    results = fit_each(items(), growing(settings()), 2, SILENT, 20)
    for taken in range(1, 21):
        next(results)
        assert len(pulled) <= min(taken + 3, 20), "at most twice the threads in flight"
    with pytest.raises(StopIteration):
        next(results)


def test_the_first_bad_date_is_named():
    def items():
        for number, (day, cells) in enumerate(dates(30, count=20)):
            y = np.full_like(cells.y, 0.25)
            yield day, replace(cells, y=y) if number in (3, 4) else cells

    results = fit_each(items(), growing(settings()), 2, SILENT, 30)
    for _ in range(3):
        next(results)
    with pytest.raises(
        InputError,
        match=r"^2020-03-02: All 20 values of the response are 0\.25, so there is nothing to learn; check "
        r"the soil moisture\.$",
    ):
        next(results)
    assert forest_threads() == []


def test_an_error_of_the_items_ends_the_work():
    def items():
        yield from dates(3, count=20)
        raise KeyError("table")

    with pytest.raises(KeyError, match="table"):
        list(fit_each(items(), growing(settings()), 2, SILENT, 10))
    assert forest_threads() == []


def test_threads_must_be_positive():
    with pytest.raises(InputError, match=r"^THREADS is 0; give a whole number of at least 1\.$"):
        list(fit_each(dates(1), growing(settings()), 0, SILENT, 1))


@pytest.mark.parametrize("threads", [1, 2])
def test_cancel_ends_all_threads(threads):
    x, y = rows(1278)
    items = ((date(2020, 1, 1 + number), cells_of(x, y)) for number in range(20))
    progress = CancelledAt(0.3)
    with pytest.raises(Cancelled):
        list(fit_each(items, growing(settings(n_estimators=5000)), threads, progress, 20))
    assert time.monotonic() - progress.moment < 2
    assert forest_threads() == []


def test_closing_the_iterator_ends_all_threads():
    x, y = rows(1278)
    fast, slow = cells_of(*rows(20)), cells_of(x, y)
    items = ((date(2020, 1, 1 + number), slow if number else fast) for number in range(20))
    results = fit_each(items, growing(settings(n_estimators=500)), 2, SILENT, 20)
    next(results)
    assert forest_threads() != []
    begun = time.monotonic()
    results.close()
    assert time.monotonic() - begun < 2
    assert forest_threads() == []


def test_progress_counts_dates():
    class Listening(Progress):
        def __init__(self):
            self.fractions, self.texts = [], []

        def set_fraction(self, fraction):
            self.fractions.append(fraction)

        def set_text(self, text):
            self.texts.append(text)

    progress = Listening()
    list(fit_each(dates(3, count=20), growing(settings()), 2, progress, 3))
    assert progress.fractions[-1] == 1
    assert progress.fractions == sorted(progress.fractions)
    assert progress.texts[-1].startswith("3 of 3 dates")
