"""The work on a cell: what is hidden is hidden from neighbours in time too."""

from __future__ import annotations

import numpy as np
import pytest

from forest_cases import train_forest
from smap_downscaler.methods.features import FeatureSettings
from smap_downscaler.methods.file.reader import ModelWriter, open_models
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.methods.keys import BY_CELL, CellKey
from smap_downscaler.steps.crossvalidation.numbers.folds import fold_generator, period_folds
from smap_downscaler.steps.gaps.numbers.cell import CellSeries, CellTask, work_on_cell
from smap_downscaler.steps.gaps.numbers.hidden import HidingSettings
from smap_downscaler.steps.gaps.numbers.scores import CLIMATOLOGY, FOREST, LINEAR

KEY = CellKey(3, 8)
DAYS = 735_700 + np.arange(220)
HIDING = HidingSettings(6, 4, 2)
NAMES = ("rain", "sm_before", "sm_after", "days_before", "days_after")
TREES = ForestSettings(12, 3, None, 4, 1, None, 5)


@pytest.fixture
def forests(tmp_path):
    """A forest that looks at the observations before and after; only its settings matter here."""
    generator = np.random.default_rng(4)
    x = generator.random((60, len(NAMES))).astype(np.float32)
    features = FeatureSettings(neighbours=True)
    given = {"mode": BY_CELL, "features": features}
    path = tmp_path / "f.smapforest"
    with ModelWriter(path, NAMES, {}, "soil_moisture", "m3 m-3", TREES, "1", **given) as writer:
        writer.add(KEY, train_forest(x, generator.random(60), TREES, 1))
    return open_models(path)


def series():
    """Soil moisture that drifts, so that its neighbours predict it, seen on two of three days."""
    generator = np.random.default_rng(7)
    observed = 0.25 + 0.1 * np.sin(DAYS / 9) + 0.01 * generator.normal(size=DAYS.size)
    observed[generator.random(DAYS.size) < 1 / 3] = np.nan
    return observed, generator.random((DAYS.size, 1)).astype(np.float32)


def hidden_days(forests, observed, rain):
    task = CellTask(forests, CellSeries(KEY, DAYS, observed, ("rain",), rain), False, HIDING)
    return work_on_cell(task).hiding.hidden


def test_no_prediction_knows_what_was_hidden_with_it(forests):
    """Each fold's days spoiled: nothing that is said of them changes."""
    observed, rain = series()
    seen = np.flatnonzero(np.isfinite(observed))
    fold = period_folds(DAYS[seen], HIDING.period, HIDING.folds, fold_generator(HIDING.seed, 3, 8))
    before = hidden_days(forests, observed, rain)
    assert np.array_equal(before.days, DAYS[seen])
    for number in range(HIDING.folds):
        spoiled = observed.copy()
        spoiled[seen[fold == number]] = np.linspace(0.6, 0.9, np.count_nonzero(fold == number))
        after = hidden_days(forests, spoiled, rain)
        assert not np.array_equal(after.observed, before.observed)
        for method in (FOREST, LINEAR, CLIMATOLOGY):
            same = before.predicted[method] == after.predicted[method]
            assert same[fold == number].all(), method
            # The days of the other folds do look at these.
            assert not same[fold != number].all(), method
