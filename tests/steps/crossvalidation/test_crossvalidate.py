"""Cross-validation held against plain scikit-learn, and against what must not leak."""

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from forest_cases import grow_and_predict
from plain_validation import Nested, forest_key, plain_forest
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.base.progress import Progress
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.steps.crossvalidation.numbers.crossvalidate import model_key as our_key
from smap_downscaler.steps.crossvalidation.numbers.crossvalidate import plan_piece, run_fold
from validation_cases import CELL, DAY, FOREST, case, cross_validate, piece, rows_of_date, settings

UNIT = DAY.toordinal()


@pytest.mark.parametrize(("scheme", "repeat"), [("random", 1), ("random", 3), ("blocks", 2)])
def test_equals_plain_scikit_learn(scheme, repeat):
    rows = case()
    x, y = rows.x, rows.y
    got = cross_validate(rows, piece(scheme, repeat), settings())
    predicted = np.full(y.size, np.nan)
    for fold in range(5):
        test = np.nonzero(got.fold_of_row == fold)[0]
        train = np.setdiff1d(np.arange(y.size), test)
        forest = plain_forest(FOREST, train.size, 4, forest_key(UNIT, scheme, repeat, fold))
        predicted[test] = forest.fit(x[train], y[train]).predict(x[test])
    assert np.abs(got.predicted - predicted).max() <= 1e-12
    assert got.scores["rmse"] == pytest.approx(mean_squared_error(y, predicted) ** 0.5, abs=1e-12)
    assert got.scores["mae"] == pytest.approx(mean_absolute_error(y, predicted), abs=1e-12)
    assert got.scores["bias"] == pytest.approx(np.mean(predicted - y), abs=1e-12)
    assert got.scores["r2"] == pytest.approx(r2_score(y, predicted), abs=1e-12)
    assert got.scores["pearson_r2"] == pytest.approx(np.corrcoef(y, predicted)[0, 1] ** 2, abs=1e-12)
    assert [choice.fold for choice in got.choices] == [1, 2, 3, 4, 5]
    assert sum(choice.n_test for choice in got.choices) == got.n == y.size == 144
    assert {choice.n_train + choice.n_test for choice in got.choices} == {144}
    assert all(np.isnan(choice.inner_rmse) for choice in got.choices)


def test_trees_one_by_one_give_the_forest_of_one_fit():
    rows = case(36)
    x, y = rows.x, rows.y
    forest = dataclasses.replace(FOREST, n_estimators=50, min_samples_split=40)
    key = our_key(piece(), 0)
    assert key == forest_key(UNIT, "random", 1, 0)
    got = grow_and_predict(x, y, x[:50], forest, key, (20, 50))
    for row, trees in zip(got, (20, 50)):
        plain = plain_forest(dataclasses.replace(forest, n_estimators=trees), y.size, 4, key).fit(x, y)
        assert np.abs(row - plain.predict(x[:50])).max() <= 1e-12


GRID = {
    "max_features": "1, 4",
    "min_samples_split": "2, 30",
    "n_estimators": "3, 8",
    "sample_share": "0.3, 1",
}


@pytest.mark.parametrize("scheme", ["random", "blocks"])
def test_nested_choice_equals_plain_scikit_learn(scheme):
    rows, wanted = case(10), settings(GRID, folds=3)
    assert len(wanted.candidates) == 16
    expected = Nested(rows, UNIT, scheme, wanted, [0, 1, 2, 3])
    got = cross_validate(rows, piece(scheme), wanted)
    assert np.abs(got.predicted - expected.predicted).max() <= 1e-12
    assert [choice.candidate for choice in got.choices] == expected.chosen
    inner_rmse = np.array([choice.inner_rmse for choice in got.choices])
    assert np.abs(inner_rmse - expected.inner_rmse).max() <= 1e-12


def with_response(job, y):
    return dataclasses.replace(job, rows=dataclasses.replace(job.rows, y=y))


@pytest.mark.parametrize("scheme", ["random", "blocks"])
def test_no_test_row_takes_part_in_its_own_choice_or_prediction(scheme):
    """Spoiling the held-out rows' response changes nothing that is chosen or predicted for them."""
    rows = case(10)
    wanted = settings(GRID, folds=3)
    job = plan_piece(rows, piece(scheme), wanted)
    for fold in range(3):
        spoilt = rows.y.copy()
        test = job.folds.test(fold)
        spoilt[test] = np.random.default_rng(fold).uniform(-9, 9, int(test.sum()))
        before, after = run_fold(job, fold), run_fold(with_response(job, spoilt), fold)
        assert before.choice == after.choice
        assert before.predicted.tobytes() == after.predicted.tobytes()
        # The others' folds do see it, so that the test could fail.
        other = (fold + 1) % 3
        changed = run_fold(with_response(job, spoilt), other)
        assert changed.predicted.tobytes() != run_fold(job, other).predicted.tobytes()


def test_tuning_finds_what_the_data_ask_for():
    """One covariate in twenty tells all: trying all of them at each split must win over trying one."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(200, 20)).astype(np.float32)
    y = 0.2 + 0.1 * x[:, 0].astype(float)
    wanted = settings({"max_features": "1, 20"}, folds=4, block_km=0.0)
    got = cross_validate(rows_of_date(x, y), piece(), wanted)
    assert [choice.candidate for choice in got.choices] == [1] * 4


def smooth_field(side, seed):
    """A random field whose neighbours are alike within some 25 km, and noise."""
    rng = np.random.default_rng(seed)
    row, col = np.mgrid[0:side, 0:side] * CELL / 1000
    field = np.zeros((side, side))
    for _ in range(60):
        direction, phase = rng.uniform(0, 2 * np.pi, 2)
        length = rng.uniform(80, 150)
        field += np.cos(2 * np.pi / length * (row * np.sin(direction) + col * np.cos(direction)) + phase)
    return (0.25 + 0.05 * field / field.std() + 0.005 * rng.normal(size=field.shape)).ravel()


def test_blocks_unmask_covariates_that_only_tell_the_place():
    """By date with x and y as covariates of a smooth random field: random folds flatter, blocks do not."""
    place = case(24).coordinates
    x = place.astype(np.float32)
    forest = ForestSettings(40, None, None, 4, 1, None, 1)
    random, blocks = [], []
    for seed in (1, 2, 3):
        y = smooth_field(24, seed)
        wanted = settings(forest=forest, folds=10, block_km=72.0, seed=seed)
        rows = rows_of_date(x, y, place.T)
        random.append(cross_validate(rows, piece("random"), wanted).scores["r2"])
        blocks.append(cross_validate(rows, piece("blocks"), wanted).scores["r2"])
    assert min(random) > 0.8
    assert max(blocks) < 0.45
    assert np.mean(random) - np.mean(blocks) > 0.4


def test_blocks_take_nothing_from_covariates_that_truly_tell():
    """No spatial structure at all: both schemes agree."""
    wanted = settings(folds=10, block_km=36.0)
    found = [cross_validate(case(20), piece(scheme), wanted).scores["r2"] for scheme in ("random", "blocks")]
    assert min(found) > 0.5
    assert abs(found[0] - found[1]) < 0.06


def refusal(rows, *arguments):
    with pytest.raises(InputError) as caught:
        cross_validate(rows, *arguments)
    return str(caught.value)


def test_refusals():
    rows = case(12)
    x, y = rows.x, rows.y
    assert refusal(rows.take(np.arange(144) < 4), piece(), settings()) == (
        "4 cells are too few for 5 folds, which need 5; give FOLDS a smaller number."
    )
    assert refusal(rows.take(np.arange(144) < 3), piece(), settings(folds=2)) == (
        "3 cells are too few for 2 folds, which need 4; take more cells."
    )
    assert refusal(rows_of_date(x, np.full(144, 0.3)), piece(), settings()) == (
        "All 144 cells have the value 0.3, so there is nothing to learn; check the soil moisture."
    )
    gap = x.copy()
    gap[3, 1] = np.nan
    assert refusal(rows_of_date(gap, y), piece(), settings()) == (
        "The rows hold values that are missing or infinite; drop those rows."
    )
    assert refusal(rows_of_date(x, y[:5]), piece(), settings()) == (
        "Covariates (144, 4) and response (5,) do not belong together."
    )
    assert refusal(rows_of_date(x, y), piece("blocks"), settings()) == (
        "Spatial blocks need the x and y of the cells; give BLOCKS 0 without them."
    )
    assert refusal(rows, piece("blocks"), settings(block_km=1e5)) == (
        "All 144 cells lie in one block; give BLOCKS a smaller side, or 0 for random folds only."
    )


def test_tuning_needs_two_blocks_in_each_training_part():
    small = case(6)
    rows = rows_of_date(small.x, small.y, (np.repeat([0.0, 5e5], 18), np.zeros(36)))
    with_blocks = settings({"max_features": "1, 2"}, block_km=300.0)
    assert refusal(rows, piece("blocks"), with_blocks) == (
        "A training part has one block only, and tuning needs two; give BLOCKS a smaller side, or leave the "
        "grids empty."
    )
    three = rows_of_date(small.x, small.y, (np.repeat([0.0, 5e5, 1e6], 12), np.zeros(36)))
    two_folds = settings({"max_features": "1, 2"}, block_km=300.0, folds=2)
    assert refusal(three, piece("blocks"), two_folds) == (
        "A training part has one block only, and tuning needs two; give BLOCKS a smaller side, FOLDS a "
        "larger number, or leave the grids empty."
    )
    cross_validate(three, piece("blocks"), dataclasses.replace(two_folds, folds=3))
    assert len(cross_validate(rows, piece("blocks"), settings(block_km=300.0)).choices) == 2


class Impatient(Progress):
    def __init__(self, calls):
        self.left = calls

    def is_cancelled(self):
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("calls", [0, 3, 9])
def test_cancel_is_heard_between_chunks_of_trees(calls):
    wanted = settings({"max_features": "1, 4"}, forest=dataclasses.replace(FOREST, n_estimators=60))
    listener = Impatient(calls)
    with pytest.raises(Cancelled):
        cross_validate(case(36), piece(), wanted, listener)
    assert listener.left == -1
