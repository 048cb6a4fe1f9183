"""Accumulated local effects: against known functions, the definition row by row, and where PD misleads."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.inspection import partial_dependence

from forest_cases import cells_of, settings, train_forest, write_cells
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.base.progress import Progress
from smap_downscaler.methods.base import Block, Cells, Model, Prediction
from smap_downscaler.methods.file.reader import open_models
from smap_downscaler.steps.forests.effects import effects_of_file
from smap_downscaler.steps.forests.numbers.effects import Effect, accumulate, breaks_of, local_effects
from smap_downscaler.steps.forests.report import effect_text


class Function(Model):
    """A model that is a formula."""

    def __init__(self, formula):
        self.formula = formula

    def predict(self, block, progress=None, sd=False):
        return Prediction(self.formula(block.x.astype(np.float64)))

    def members(self, covariates):
        raise NotImplementedError


def effect_of(models, cells, column=0, intervals=20):
    """The effect of a column in models, each with its own rows."""
    values = np.concatenate([one.x[:, column] for one in cells])
    breaks, shares = breaks_of(values, intervals)
    none = np.zeros(0, np.float32)
    steps = []
    for model, own in zip(models, cells):
        asked = [breaks if number == column else none for number in range(own.x.shape[1])]
        steps.append(local_effects(model, own, asked)[column])
    return accumulate("c", "", breaks, shares, steps)


def plain(predict, x, column, breaks):
    """Apley & Zhu's eqs. 15 and 16 and the centring of their ALEPlot, row by row; no interval is empty."""
    steps, counts = [], []
    for low, high in zip(breaks[:-1], breaks[1:]):
        inside = [row for row in x if low < row[column] <= high or low == row[column] == breaks[0]]
        changes = []
        for row in inside:
            ends = np.array([row, row])
            ends[:, column] = low, high
            below, above = predict(ends)
            changes.append(above - below)
        steps.append(np.mean(changes))
        counts.append(len(inside))
    curve = np.concatenate([[0], np.cumsum(steps)])
    middle = (curve[1:] + curve[:-1]) / 2
    return curve - np.sum(middle * counts) / np.sum(counts)


def rows(n, p=3, seed=1):
    return np.random.default_rng(seed).uniform(0, 1, (n, p)).astype(np.float32)


def test_a_linear_model_gives_its_slope():
    cells = cells_of(rows(400), np.zeros(400))
    found = effect_of([Function(lambda x: 0.2 + 3 * x[:, 0] - 2 * x[:, 1])], [cells])
    np.testing.assert_allclose(np.diff(found.median) / np.diff(found.values), 3, rtol=1e-6)
    assert found.values.size == 21
    assert (found.values[0], found.values[-1]) == (cells.x[:, 0].min(), cells.x[:, 0].max())
    # A twentieth of the rows lies in each interval.
    np.testing.assert_allclose(np.diff(found.shares), 1 / 20, atol=1 / 400)
    assert found.is_one_way
    assert np.isnan([found.q25, found.q75]).all()
    assert (found.models.tolist(), found.rising, found.falling) == ([1] * 21, 1, 0)


def test_an_additive_function_comes_back():
    x = rows(2000)
    found = effect_of([Function(lambda x: np.sin(6 * x[:, 0]) + x[:, 1] ** 2)], [cells_of(x, x[:, 0])])
    wave = np.sin(6 * found.values)
    np.testing.assert_allclose(found.median - found.median[0], wave - wave[0], atol=1e-9)
    # Centred over the middles of the intervals, as ALEPlot does.
    assert abs(np.interp(x[:, 0], found.values, found.median).mean()) < 0.01
    assert not found.is_one_way
    assert found.reach == pytest.approx(np.ptp(wave))


def test_a_forest_against_the_definition():
    generator = np.random.default_rng(4)
    x = generator.normal(size=(150, 4)).astype(np.float32)
    # Ties, as of a covariate of classes.
    x[:, 2] = np.round(x[:, 2])
    y = 0.2 + 0.05 * x[:, 0] * x[:, 1] + 0.03 * x[:, 2]
    forest = train_forest(x, y, settings(), 3)
    cells = cells_of(x, y)
    for column in range(4):
        found = effect_of([forest], [cells], column)

        def predict(ends):
            return forest.predict(Block(ends, np.zeros(len(ends), np.int64))).mean

        expected = plain(predict, x, column, found.values.astype(np.float32))
        np.testing.assert_allclose(found.median, expected, atol=1e-12)
        np.testing.assert_array_equal(found.shares, [np.mean(x[:, column] <= one) for one in found.values])
    classes = effect_of([forest], [cells], 2)
    assert set(classes.values) <= set(x[:, 2].tolist())


class Estimator(RegressorMixin, BaseEstimator):
    """A formula for scikit-learn."""

    def __init__(self, formula=None):
        self.formula = formula

    def fit(self, x, y):
        self.fitted_ = True
        return self

    def predict(self, x):
        return self.formula(np.asarray(x, np.float64))


def test_correlated_covariates_mislead_partial_dependence_and_not_this():
    """Both covariates are nearly one; off their line, where no row is, the model says anything."""
    generator = np.random.default_rng(2)
    first = generator.uniform(0, 1, 500)
    x = np.column_stack([first, first + generator.uniform(-0.02, 0.02, 500)]).astype(np.float32)

    def formula(x):
        return 0.1 * x[:, 0] + 5 * np.maximum(np.abs(x[:, 0] - x[:, 1]) - 0.2, 0)

    np.testing.assert_allclose(formula(x.astype(np.float64)), 0.1 * x[:, 0])
    found = effect_of([Function(formula)], [cells_of(x, first)])
    np.testing.assert_allclose(np.diff(found.median) / np.diff(found.values), 0.1, rtol=1e-5)
    dependence = partial_dependence(Estimator(formula).fit(x, first), x, [0], kind="average")["average"][0]
    assert np.ptp(dependence) > 3 * found.reach
    assert np.diff(dependence).min() < 0


def test_models_of_other_parts_of_the_range_fit_together():
    """Three days of rain: 0-1, 4-9 and 0.5-6 mm; soil moisture is linear in it, days lie apart by a level."""
    x = [np.linspace(*ends, 60, dtype=np.float32)[:, None] for ends in ((0, 1), (4, 9), (0.5, 6))]
    cells = [cells_of(one, one[:, 0]) for one in x]
    models = [Function(lambda x, level=level: level + 0.02 * x[:, 0]) for level in (0.1, 0.3, 0.2)]
    found = effect_of(models, cells)
    mean = 0.02 * np.concatenate(x).mean()
    np.testing.assert_allclose(found.median, 0.02 * found.values - mean, atol=1e-3)
    np.testing.assert_allclose(np.diff(found.median), 0.02 * np.diff(found.values), atol=1e-8)
    np.testing.assert_allclose(found.q75 - found.q25, 0, atol=1e-8)
    # Each value counts the days with rows in an interval beside it.
    beside = np.concatenate([[found.values[0]], found.values, [found.values[-1]]])
    counted = [
        sum(bool(((own > low) & (own <= high)).any()) or own.min() == low for own in x)
        for low, high in zip(beside[:-2], beside[2:])
    ]
    assert found.models.tolist() == counted
    assert (found.rising, found.falling) == (3, 0)


def test_quartiles_are_those_of_the_curves():
    x = rows(300, 2)
    slopes = (0.1, 0.2, 0.3, 0.4, -0.1)
    models = [Function(lambda x, slope=slope: slope * x[:, 0]) for slope in slopes]
    found = effect_of(models, [cells_of(x, x[:, 0])] * 5)
    for name, slope in (("q25", 0.1), ("median", 0.2), ("q75", 0.3)):
        # Left of the mean a steep line lies below.
        other = {"q25": 0.3, "q75": 0.1}.get(name, slope)
        curve = getattr(found, name)
        assert curve[-1] / found.median[-1] == pytest.approx(slope / 0.2, rel=1e-6)
        assert curve[0] / found.median[0] == pytest.approx(other / 0.2, rel=1e-6)
    assert (found.models.tolist(), found.rising, found.falling) == ([5] * 21, 4, 1)


def test_an_interval_without_rows_asks_its_neighbours():
    """A model of few rows among many others: its empty intervals are crossed with the rows beside them."""
    x, many = np.array([[0.05], [0.95]], np.float32), rows(500, 1)
    breaks, _ = breaks_of(np.concatenate([x, many])[:, 0])
    (own,) = local_effects(Function(lambda x: x[:, 0] ** 2), cells_of(x, x[:, 0]), [breaks])
    known = np.isfinite(own.change)
    np.testing.assert_allclose(own.change[known], np.diff(breaks.astype(np.float64) ** 2)[known], rtol=1e-4)
    assert known[np.flatnonzero(known)[0] : np.flatnonzero(known)[-1] + 1].all()
    assert own.rows.sum() == 2


def test_days_and_places_go_with_their_rows():
    """A model may look at them: what it is asked for keeps both."""
    x = rows(50, 2)
    days, places = np.arange(50) + 700_000, np.arange(100.0).reshape(50, 2)
    cells = Cells(x, x[:, 0], np.zeros((50, 2), np.int64), days, places)

    class Placed(Function):
        def predict(self, block, progress=None, sd=False):
            numbers = block.days - 700_000
            np.testing.assert_array_equal(block.coordinates, places[numbers])
            same = block.x == x[numbers]
            # Only the covariate that is asked for is another.
            assert (same.sum(axis=1) >= 1).all()
            return Prediction(numbers * block.x[:, 0])

    breaks = [breaks_of(x[:, column])[0] for column in range(2)]
    first, second = local_effects(Placed(None), cells, breaks)
    order = np.argsort(x[:, 0])
    assert first.rows.sum() == second.rows.sum() == 50
    assert np.nansum(second.change) == 0
    inside = (x[:, 0] > breaks[0][4]) & (x[:, 0] <= breaks[0][5])
    assert first.change[4] == pytest.approx(np.arange(50)[inside].mean() * np.diff(breaks[0])[4], rel=1e-5)
    assert order.size == 50


def test_breaks_of_few_values():
    assert breaks_of(np.full(9, 3, np.float32))[0].tolist() == [3]
    breaks, shares = breaks_of(np.array([1, 0, 0, 0, 0, 0, 0, 0], np.float32))
    assert (breaks.tolist(), shares.tolist()) == ([0, 1], [7 / 8, 1])


def test_effects_of_a_file_of_models_with_other_covariates(tmp_path):
    """Three cells, each without another of six covariates; threads change nothing."""
    path = write_cells(tmp_path / "f.smapforest")
    generator = np.random.default_rng(3)
    with open_models(path) as models:
        samples = {}
        for key in models.keys:
            x = generator.normal(size=(40, 5)).astype(np.float32)
            # The same in all rows of all: no curve.
            if "clay" in models.names_of(key):
                x[:, models.names_of(key).index("clay")] = 2
            samples[key] = cells_of(x, x[:, 0])
        found = effects_of_file(path, samples)
        again = effects_of_file(path, samples, threads=3)
        assert [one.covariate for one in found] == [name for name in models.names if name != "clay"]
        assert [one.unit for one in found[:2]] == ["m", "mm/d"]
        by_name = {one.covariate: one for one in found}
        assert by_name["elevation"].models.max() == 2
        assert by_name["doy_cos"].models.max() == 3
        # One of them, anew from the models themselves.
        keys = [key for key in models.keys if "twi_fd8" in models.names_of(key)]
        columns = [models.names_of(key).index("twi_fd8") for key in keys]
        values = [samples[key].x[:, column] for key, column in zip(keys, columns)]
        breaks, shares = breaks_of(np.concatenate(values))
        steps = []
        for key, column in zip(keys, columns):
            asked = [breaks if number == column else breaks[:0] for number in range(5)]
            steps.append(local_effects(models.load(key), samples[key], asked)[column])
        expected = accumulate("twi_fd8", "", breaks, shares, steps)
        np.testing.assert_array_equal(by_name["twi_fd8"].median, expected.median)
    for one, other in zip(found, again):
        for name in ("median", "q25", "q75", "models", "shares"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_cancel_is_heard(tmp_path):
    path = write_cells(tmp_path / "f.smapforest")

    class Cancel(Progress):
        def __init__(self):
            self.texts = []

        def is_cancelled(self):
            return len(self.texts) > 1

        def set_text(self, text):
            self.texts.append(text)

    with open_models(path) as models:
        samples = {key: cells_of(rows(30, 5), np.zeros(30)) for key in models.keys}
    listener = Cancel()
    with pytest.raises(Cancelled):
        effects_of_file(path, samples, progress=listener)
    assert listener.texts[0] == "Asking forests for the effects of covariates"
    assert listener.texts[1].startswith("1 of 3 forests asked for the effects of covariates")


def made(median, values=(0.0, 5.0, 10.0), rising=3, falling=1):
    median = np.array(median)
    nothing = np.full(median.size, np.nan)
    return Effect(
        "clay", "%", np.array(values), nothing, median, nothing, nothing, np.full(3, 4), rising, falling
    )


@pytest.mark.parametrize(
    ("median", "mode", "sentence"),
    [
        (
            [-0.01, 0.0, 0.0215],
            "by date",
            "soil moisture rises by 0.032 m³ m⁻³ from 0 % to 10.00 %; from end to end it rises on 3 and "
            "falls on 1 date.",
        ),
        ([0.01, 0.0, -0.02], "pooled", "soil moisture falls by 0.030 m³ m⁻³ from 0 % to 10.00 %."),
        (
            [0.0, 0.03, -0.01],
            "by cell",
            "soil moisture is lowest at 10.00 % and highest at 5.000 %, 0.040 m³ m⁻³ apart; it rises and "
            "falls on the way; from end to end it rises in 3 and falls in 1 cell.",
        ),
        ([0.0, 0.0001, -0.0002], "by date", "soil moisture hardly changes from 0 % to 10.00 %."),
    ],
)
def test_sentences(median, mode, sentence):
    assert effect_text(made(median), mode) == sentence
