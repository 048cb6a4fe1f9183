"""Forests by cell and pooled: held against plain scikit-learn, and against what must not leak."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import r2_score

from plain_validation import Nested, derived_by_hand, forest_key, plain_forest
from smap_downscaler.base.errors import InputError
from smap_downscaler.methods.base import Cells
from smap_downscaler.methods.features import FeatureSettings
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.methods.keys import CellKey, PooledKey
from smap_downscaler.steps.crossvalidation.numbers.crossvalidate import (
    assemble,
    plan_piece,
    run_fold,
)
from smap_downscaler.steps.crossvalidation.numbers.folds import dealt_folds, period_runs, within
from smap_downscaler.steps.crossvalidation.numbers.pieces import Piece
from validation_cases import FIRST, FOREST, cross_validate, one_cell, pooled_rows, settings

CELL, CELL_NUMBER = CellKey(7, 9), 7 * 2**31 + 9
FEATURES = FeatureSettings(day_of_year=True, neighbours=True)


def by_cell(**changes):
    return settings(mode="by cell", block_km=0.0, period=15, gap=2, **changes)


def pooled(**changes):
    return settings(mode="pooled", **{"block_km": 0.0, "period": 4, "gap": 0, **changes})


def plain_of(rows, p, number, scheme, repeat, fold):
    """FOREST with `max_features` of two."""
    return plain_forest(FOREST, rows, p, forest_key(number, scheme, repeat, fold))


@pytest.mark.parametrize(("scheme", "repeat"), [("random", 1), ("periods", 1), ("periods", 2)])
def test_by_cell_equals_plain_scikit_learn(scheme, repeat):
    """The constant covariate is not used; neighbours in time come from the training part alone."""
    rows, wanted = one_cell(), by_cell(features=FEATURES)
    job = plan_piece(rows, Piece(CELL, scheme, repeat), wanted)
    got = assemble(job, [run_fold(job, fold) for fold in range(job.folds.number)])
    predicted = np.full(rows.y.size, np.nan)
    for fold in range(job.folds.number):
        test = job.folds.fold_of_row == fold
        held = rows.days[test]
        near = np.abs(rows.days[:, None] - held[None, :]).min(axis=1)
        train = near > 2 if scheme == "periods" else ~test
        x = {}
        for name, mask in (("train", train), ("test", test)):
            derived = derived_by_hand(rows.days, rows.y, np.nonzero(train)[0], np.nonzero(mask)[0])
            x[name] = np.hstack([rows.x[mask, :1], derived]).astype(np.float32)
        forest = plain_of(int(train.sum()), 7, CELL_NUMBER, scheme, repeat, fold)
        predicted[test] = forest.fit(x["train"], rows.y[train]).predict(x["test"])
    assert np.abs(got.predicted - predicted).max() <= 1e-12
    assert got.scores["r2"] == pytest.approx(r2_score(rows.y, predicted), abs=1e-12)
    assert got.choices[0].covariates == 7


@pytest.mark.parametrize("scheme", ["random", "locations", "locations and dates"])
@pytest.mark.parametrize("block_km", [0.0, 36.0])
def test_pooled_equals_plain_scikit_learn(scheme, block_km):
    rows, wanted = pooled_rows(), pooled(block_km=block_km)
    job = plan_piece(rows, Piece(PooledKey(), scheme, 1), wanted)
    got = assemble(job, [run_fold(job, fold) for fold in range(job.folds.number)])
    predicted = np.full(rows.y.size, np.nan)
    for fold in range(job.folds.number):
        test = job.folds.fold_of_row == fold
        train = ~test
        if scheme == "locations and dates":
            # Neither the places nor the dates of the held-out rows: told from the rows themselves.
            places = set(map(tuple, rows.cells[test].tolist()))
            here = np.array([tuple(cell) in places for cell in rows.cells.tolist()])
            train = job.folds.train(fold)
            assert not np.any(train & here)
            assert not np.any(train & np.isin(rows.days, rows.days[test]))
        elif scheme == "locations":
            assert not set(map(tuple, rows.cells[test].tolist())) & set(
                map(tuple, rows.cells[train].tolist())
            )
        forest = plain_of(int(train.sum()), 2, 0, scheme, 1, fold)
        predicted[test] = forest.fit(rows.x[train], rows.y[train]).predict(rows.x[test])
    tested = np.isfinite(predicted)
    assert np.abs(got.predicted - predicted[tested]).max() <= 1e-12
    assert got.scores["r2"] == pytest.approx(r2_score(rows.y[tested], predicted[tested]), abs=1e-12)
    assert tested.all() == (scheme != "locations and dates")
    check_parts(got, rows, predicted)


def check_parts(got, rows, predicted):
    """The scores of dates and cells are those of their rows."""
    tested = np.isfinite(predicted)
    dates = [part for part in got.parts if not isinstance(part.key, (CellKey, PooledKey))]
    assert dates
    for part in dates:
        mask = tested & (rows.days == part.key.toordinal())
        assert (part.n, part.season) == (mask.sum(), "all")
        assert part.scores["r2"] == pytest.approx(r2_score(rows.y[mask], predicted[mask]), abs=1e-12)
    for part in got.parts:
        if isinstance(part.key, CellKey):
            mask = tested & (rows.cells == [part.key.row, part.key.col]).all(axis=1)
            expected = np.sqrt(np.mean((rows.y[mask] - predicted[mask]) ** 2))
            assert part.scores["rmse"] == pytest.approx(expected, abs=1e-12)


GRID = {
    "max_features": "1, 2",
    "min_samples_split": "2, 20",
    "n_estimators": "3, 6",
    "sample_share": "0.4, 1",
}


@pytest.mark.parametrize(
    ("key", "scheme", "block_km"),
    [
        (CELL, "random", 0.0),
        (CELL, "periods", 0.0),
        (PooledKey(), "random", 0.0),
        (PooledKey(), "locations", 0.0),
        (PooledKey(), "locations", 36.0),
        (PooledKey(), "locations and dates", 0.0),
        (PooledKey(), "locations and dates", 36.0),
    ],
)
def test_nested_choice_equals_plain_scikit_learn(key, scheme, block_km):
    """Outer and inner folds, covariates, choice and prediction, all worked out again in plain loops."""
    grid = {"folds": 3, "inner_folds": 2, "grid": GRID}
    if key == CELL:
        rows, wanted, whose, columns = one_cell(), by_cell(features=FEATURES, **grid), CELL_NUMBER, [0]
    else:
        rows, wanted, whose, columns = pooled_rows(), pooled(block_km=block_km, gap=1, **grid), 0, [0, 1]
    assert len(wanted.candidates) == 16
    for repeat in (2,):
        expected = Nested(rows, whose, scheme, wanted, columns, repeat)
        got = cross_validate(rows, Piece(key, scheme, repeat), wanted)
        tested = np.isfinite(expected.predicted)
        assert tested.all() == (scheme != "locations and dates")
        assert np.abs(got.predicted - expected.predicted[tested]).max() <= 1e-12
        assert [choice.candidate for choice in got.choices] == expected.chosen
        inner_rmse = np.array([choice.inner_rmse for choice in got.choices])
        assert np.abs(inner_rmse - expected.inner_rmse).max() <= 1e-12
        sizes = [(train.size, test.size) for train, test in expected.folds]
        assert [(choice.n_train, choice.n_test) for choice in got.choices] == sizes
        assert got.scores["r2"] == pytest.approx(r2_score(rows.y[tested], got.predicted), abs=1e-12)


@pytest.mark.parametrize(
    ("rows", "key", "scheme", "wanted"),
    [
        (one_cell(), CELL, "periods", by_cell(features=FEATURES, folds=3)),
        (pooled_rows(), PooledKey(), "locations", pooled(folds=3)),
        (pooled_rows(), PooledKey(), "locations and dates", pooled(folds=3)),
    ],
)
def test_what_is_held_out_changes_nothing(rows, key, scheme, wanted):
    """Nested, with spoilt responses of the rows that a fold must not see: the same choice and prediction."""
    wanted = dataclasses.replace(
        wanted, candidates=settings({"max_features": "1, 2", "min_samples_split": "2, 20"}).candidates
    )
    job = plan_piece(rows, Piece(key, scheme, 1), wanted)
    for fold in range(job.folds.number):
        spoilt = rows.y.copy()
        unseen = ~job.folds.train(fold)
        spoilt[unseen] = np.random.default_rng(fold).uniform(-9, 9, int(unseen.sum()))
        other = dataclasses.replace(job, rows=dataclasses.replace(rows, y=spoilt))
        before, after = run_fold(job, fold), run_fold(other, fold)
        assert before.choice == after.choice
        assert before.predicted.tobytes() == after.predicted.tobytes()
    seen = rows.y.copy()
    seen[job.folds.train(0)] += 1
    changed = run_fold(dataclasses.replace(job, rows=dataclasses.replace(rows, y=seen)), 0)
    assert changed.predicted.tobytes() != run_fold(job, 0).predicted.tobytes()


def test_a_random_number_a_cell_tells_cells_apart_and_nothing_else():
    """Pooled forests: high R2 under random folds, nothing under held-out locations."""
    rng = np.random.default_rng(5)
    cell, date = (values.ravel() for values in np.mgrid[0:150, 0:12])
    own, level = rng.uniform(size=150), 0.25 + 0.06 * rng.normal(size=150)
    y = level[cell] + 0.01 * rng.normal(size=cell.size)
    cells = np.stack([cell, np.zeros_like(cell)], axis=1)
    rows = Cells(own[cell][:, None].astype(np.float32), y, cells, FIRST + date)
    wanted = pooled(forest=ForestSettings(30, None, None, 4, 1, None, 1), folds=10, period=1)
    found = {
        scheme: cross_validate(rows, Piece(PooledKey(), scheme, 1), wanted).scores["r2"]
        for scheme in ("random", "locations", "locations and dates")
    }
    assert found["random"] > 0.9
    assert found["locations"] <= 0.05
    assert found["locations and dates"] <= 0.05


def test_neighbours_in_time_flatter_single_days_and_not_periods():
    """A slow series: its own value of the day before tells nearly all, of a month before little."""
    rng = np.random.default_rng(2)
    days = FIRST + np.arange(360)
    y = 0.25 + 0.02 * np.cumsum(rng.normal(size=360)) / 4
    rows = Cells(rng.normal(size=(360, 1)).astype(np.float32), y, np.tile([7, 9], (360, 1)), days)
    forest = ForestSettings(30, None, None, 4, 1, None, 1)
    wanted = settings(
        forest=forest, mode="by cell", block_km=0.0, period=30, features=FeatureSettings(neighbours=True)
    )
    single, runs = (
        cross_validate(rows, Piece(CELL, scheme, 1), wanted).scores["rmse"]
        for scheme in ("random", "periods")
    )
    assert runs > 1.5 * single


def test_importance_is_that_of_permuted_held_out_rows():
    rows, wanted = pooled_rows(), pooled(importance=True)
    got = cross_validate(rows, Piece(PooledKey(), "random", 1), wanted)
    again = cross_validate(rows, Piece(PooledKey(), "random", 1), pooled())
    assert got.predicted.tobytes() == again.predicted.tobytes()
    assert again.importance == ()
    assert cross_validate(rows, Piece(PooledKey(), "random", 2), wanted).importance == ()
    predicted = np.empty((2, rows.y.size))
    for fold in range(5):
        test = got.fold_of_row == fold
        forest = plain_of(int((~test).sum()), 2, 0, "random", 1, fold)
        forest.fit(rows.x[~test], rows.y[~test])
        for number in range(2):
            numbers = [FOREST.seed, forest_key(0, "random", 1, fold), number]
            order = np.random.default_rng(np.random.SeedSequence(numbers)).permutation(int(test.sum()))
            x = rows.x[test].copy()
            x[:, number] = x[order, number]
            predicted[number, test] = forest.predict(x)
    rises = np.sqrt(np.mean((predicted - rows.y) ** 2, axis=1)) - got.scores["rmse"]
    assert np.abs(np.array(got.importance) - rises).max() <= 1e-12
    assert min(got.importance) > 0.01


def test_a_fold_is_the_same_wherever_and_whenever_it_is_run():
    """From a description of plain arrays and numbers, in any order: what a cluster would be sent."""
    rows, wanted = pooled_rows(), pooled(importance=True)
    piece = Piece(PooledKey(), "locations and dates", 1)
    job = plan_piece(rows, piece, wanted)
    here = [run_fold(job, fold) for fold in range(job.folds.number)]
    arrays = {
        name: (getattr(rows, name).dtype.str, getattr(rows, name).tolist())
        for name in ("x", "y", "cells", "days", "coordinates")
    }
    message = json.dumps({"rows": arrays, "scheme": piece.scheme, "repeat": piece.repeat})
    for fold in reversed(range(job.folds.number)):
        told = json.loads(message)
        sent = Cells(**{name: np.array(values, dtype) for name, (dtype, values) in told["rows"].items()})
        there = run_fold(plan_piece(sent, Piece(PooledKey(), told["scheme"], told["repeat"]), wanted), fold)
        assert there.choice.n_train == here[fold].choice.n_train
        assert there.predicted.tobytes() == here[fold].predicted.tobytes()
        assert there.permuted_sse.tobytes() == here[fold].permuted_sse.tobytes()


# Folds


@pytest.mark.parametrize("scheme", ["periods", "locations and dates"])
def test_held_out_days_are_never_more_than_a_period_in_a_row(scheme):
    """Two neighbouring runs in one fold would be a gap of twice the length that is told."""
    rows = one_cell(400) if scheme == "periods" else pooled_rows(gaps=0.0)
    wanted = by_cell(folds=3) if scheme == "periods" else pooled(folds=3)
    key = CELL if scheme == "periods" else PooledKey()
    for repeat in range(1, 8):
        folds = plan_piece(rows, Piece(key, scheme, repeat), wanted).folds
        for fold in range(folds.number):
            days = np.unique(rows.days[folds.test(fold)])
            ends = np.flatnonzero(np.diff(days) > 1)
            runs = np.diff(np.concatenate([[-1], ends, [days.size - 1]]))
            assert runs.max() <= wanted.period


@given(st.integers(2, 60), st.integers(1, 12), st.integers(0, 500))
def test_periods_are_runs_of_their_length(days, length, seed):
    dates = FIRST + np.arange(days)
    rng = np.random.default_rng(seed)
    if length >= days:
        with pytest.raises(InputError) as caught:
            period_runs(dates, length, rng)
        assert str(caught.value) == (
            f"PERIOD is {length} days, and the dates span {days} only; give PERIOD a smaller number."
        )
        return
    numbers = period_runs(dates, length, rng)
    sizes = np.bincount(numbers)
    assert (np.diff(numbers) >= 0).all()
    assert (sizes[1:-1] == length).all()
    assert sizes.max() <= length
    assert sizes.size >= 2


@given(st.lists(st.integers(0, 80), min_size=1, max_size=30), st.integers(0, 9))
def test_the_gap_is_told_by_the_nearest_held_out_day(held_out, gap):
    days = np.arange(-10, 100)
    expected = [min(abs(day - held) for held in held_out) <= gap for day in days]
    assert within(days, np.array(held_out), gap).tolist() == expected


@given(st.integers(2, 40), st.integers(2, 10), st.integers(0, 99))
def test_groups_stay_together_and_differ_between_repeats(groups, folds, seed):
    rng = np.random.default_rng(seed)
    members = np.repeat(np.arange(groups), rng.integers(1, 6, groups))
    found = dealt_folds(members, folds, rng)
    assert sorted(set(found.tolist())) == list(range(min(folds, groups)))
    assert all(np.unique(found[members == group]).size == 1 for group in range(groups))


def test_locations_of_all_sizes_are_dealt_anew_for_each_repeat():
    rows = pooled_rows(gaps=0.3)
    made = {
        plan_piece(rows, Piece(PooledKey(), "locations", repeat), pooled()).folds.fold_of_row.tobytes()
        for repeat in (1, 2, 3)
    }
    assert len(made) == 3


# Refusals


def refusal(rows, key, scheme, wanted):
    with pytest.raises(InputError) as caught:
        cross_validate(rows, Piece(key, scheme, 1), wanted)
    return str(caught.value)


def test_refusals():
    cell, many = one_cell(), pooled_rows()
    span = int(np.ptp(cell.days)) + 1
    assert refusal(cell, CELL, "periods", dataclasses.replace(by_cell(), period=400)) == (
        f"PERIOD is 400 days, and the dates span {span} only; give PERIOD a smaller number."
    )
    assert refusal(cell, CELL, "periods", dataclasses.replace(by_cell(), gap=400)) == (
        "A fold leaves 0 rows to train on (GAP is 400 days); give FOLDS a larger number, or GAP a smaller "
        "one."
    )
    still = dataclasses.replace(cell, x=cell.x[:, 1:])
    assert refusal(still, CELL, "random", by_cell()) == (
        "No covariate changes with time; add dated covariates to the table, or tick DAY_OF_YEAR."
    )
    assert refusal(cell.take(np.arange(120) < 4), CELL, "random", by_cell()) == (
        "4 dates are too few for 5 folds, which need 5; give FOLDS a smaller number."
    )
    lone = many.take((many.cells == many.cells[0]).all(axis=1))
    assert refusal(lone, PooledKey(), "locations", pooled()) == (
        f"All {lone.y.size} rows are of one location; give more cells, or BLOCKS a smaller side or 0."
    )
    assert refusal(many, PooledKey(), "locations and dates", pooled(block_km=1e5)) == (
        f"All {many.y.size} rows are of one location; give more cells, or BLOCKS a smaller side or 0."
    )
    constant = dataclasses.replace(many, y=np.full(many.y.size, 0.2))
    assert refusal(constant, PooledKey(), "random", pooled()) == (
        f"All {many.y.size} rows have the value 0.2, so there is nothing to learn; check the soil moisture."
    )
    tuned = dataclasses.replace(
        by_cell(folds=2), period=60, candidates=settings({"max_features": "1, 2"}).candidates
    )
    short = cell.take(cell.days < cell.days[0] + 70)
    told = refusal(short, CELL, "periods", tuned)
    assert told.startswith(
        "A training part cannot be cut again for the choice from the grids (PERIOD is 60 days, and the dates "
    )
    assert told.endswith(
        " only); leave the grids empty, or give FOLDS a larger number or PERIOD a smaller one."
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"mode": "by year"}, "MODE is 'by year'; give one of by date, by cell, pooled."),
        ({"period": 0}, "PERIOD is 0 days; give 1 or more."),
        ({"gap": -1}, "GAP is -1 days; give 0 or more."),
    ],
)
def test_refused_settings(change, sentence):
    with pytest.raises(InputError) as caught:
        settings(**change)
    assert str(caught.value) == sentence
