"""Hidden days: no leak, the same numbers as a plain computation, and scores against hand-made ones."""

from __future__ import annotations

import numpy as np
import pytest

from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.base.progress import Progress
from smap_downscaler.methods.forest.method import RANDOM_FOREST
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.steps.crossvalidation.numbers.folds import fold_generator, period_folds
from smap_downscaler.steps.gaps.numbers.baselines import climatology
from smap_downscaler.steps.gaps.numbers.hidden import (
    CONSTANT,
    TOO_FEW,
    TOO_FEW_LEFT,
    TOO_SHORT,
    HidingSettings,
    hide_and_fill,
)
from smap_downscaler.steps.gaps.numbers.scores import CLIMATOLOGY, FOREST, LINEAR, HiddenDays, score_gaps
from smap_downscaler.steps.gaps.numbers.verdict import verdict

TREES = ForestSettings(25, None, None, 4, 1, None, 3)
FIRST = 735_700


def wet_and_dry(n=150, seed=5):
    """Days, soil moisture that a covariate gives all but for some noise, and covariates."""
    generator = np.random.default_rng(seed)
    days = FIRST + np.sort(generator.choice(2 * n, n, replace=False))
    x = generator.random((n, 3)).astype(np.float32)
    observed = 0.1 + 0.3 * x[:, 0].astype(np.float64) + 0.01 * generator.normal(size=n)
    return days, observed, x


def test_against_scikit_learn_and_formulas_written_anew():
    from sklearn.ensemble import RandomForestRegressor

    days, observed, x = wet_and_dry()
    x[7] = np.nan
    found = hide_and_fill(
        (4, 9), days, observed, lambda hidden: x, (RANDOM_FOREST, TREES, 77), HidingSettings(10, 4, 2)
    ).hidden
    kept = np.delete(np.arange(150), 7)
    assert np.array_equal(found.days, days[kept])
    assert np.array_equal(found.observed, observed[kept])
    fold = period_folds(days, 10, 4, fold_generator(2, 4, 9))
    state = int(np.random.SeedSequence([3, 77]).generate_state(1)[0])
    for number in range(4):
        train = (fold != number) & (np.arange(150) != 7)
        test = (fold == number) & (np.arange(150) != 7)
        forest = RandomForestRegressor(
            25, max_features=1, min_samples_split=4, random_state=state, max_samples=None
        ).fit(x[train], observed[train])
        at = np.isin(found.days, days[test])
        plain = forest.predict(x[test])
        assert found.predicted[FOREST][at] == pytest.approx(plain, abs=1e-12)
        remaining = fold != number
        assert found.predicted[LINEAR][at] == pytest.approx(
            np.interp(days[test], days[remaining], observed[remaining]), abs=1e-12
        )
        assert np.array_equal(found.distance[at], np.abs(days[test][:, None] - days[remaining]).min(axis=1))
        usual = climatology(days[remaining], observed[remaining], days[test])
        assert found.predicted[CLIMATOLOGY][at] == pytest.approx(usual, abs=1e-12)


def test_hidden_days_do_not_leak():
    """A covariate that holds the day's own value, and nothing else, helps as long as it is not hidden."""
    days, observed, x = wet_and_dry()
    observed = np.random.default_rng(0).random(150) * 0.4
    masks = []

    def covariates(hidden):
        masks.append(hidden.copy())
        own = np.where(hidden, 0.2, observed)
        return np.stack([own, x[:, 1]], axis=1).astype(np.float32)

    found = hide_and_fill(
        (0, 0), days, observed, covariates, (RANDOM_FOREST, TREES, 1), HidingSettings(5, 5, 1)
    ).hidden
    score = {row.method: row.r2 for row in score_gaps([found]) if row.scope == "cell"}
    assert score[FOREST] < 0.1
    # The first call asks which rows are complete; after it each day is hidden once.
    assert not masks[0].any()
    assert np.array_equal(np.sum(masks[1:], axis=0), np.ones(150))


@pytest.mark.parametrize(
    ("case", "why", "complete"),
    [
        ("few", TOO_FEW, 19),
        ("short", TOO_SHORT, 25),
        ("few left", TOO_FEW_LEFT, 25),
        ("constant", CONSTANT, 150),
        ("constant outside", CONSTANT, 150),
        ("no covariate", TOO_FEW, 0),
    ],
)
def test_cells_without_hidden_days_say_why(case, why, complete):
    days, observed, x = wet_and_dry()
    period = 5
    if case == "few":
        days, observed, x = days[:19], observed[:19], x[:19]
    elif case == "short":
        days, observed, x, period = FIRST + np.arange(25), observed[:25], x[:25], 20
    elif case == "few left":
        days, observed, x = days[:25], observed[:25], x[:25]
    elif case == "constant":
        observed = np.full(150, 0.3)
    elif case == "constant outside":
        # What is hidden together differs from all else, and only from that.
        observed = np.where(period_folds(days, 5, 2, fold_generator(1, 0, 0)) == 0, 0.1, 0.2)
    else:
        x = np.full_like(x, np.nan)
    folds = 2 if case in ("few left", "constant outside") else 5
    found = hide_and_fill(
        (0, 0), days, observed, lambda hidden: x, (RANDOM_FOREST, TREES, 1), HidingSettings(period, folds, 1)
    )
    assert (found.hidden, found.why, found.complete) == (None, why, complete)


def test_what_is_complete_is_counted():
    days, observed, x = wet_and_dry()
    x[:9] = np.nan
    found = hide_and_fill(
        (0, 0), days, observed, lambda hidden: x, (RANDOM_FOREST, TREES, 1), HidingSettings(5)
    )
    assert (found.complete, found.why, len(found.hidden.days)) == (141, "", 141)


def test_cancel():
    class Stopped(Progress):
        def is_cancelled(self):
            return True

    days, observed, x = wet_and_dry()
    with pytest.raises(Cancelled):
        hide_and_fill(
            (0, 0), days, observed, lambda hidden: x, (RANDOM_FOREST, TREES, 1), HidingSettings(5), Stopped()
        )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0, 5), "PERIOD is 0; give the number of days of a run, 1 or more."),
        ((10, 1), "FOLDS is 1; give 2 or more."),
        ((10, 5, -1), "SEED is -1; give 0 or more."),
    ],
)
def test_settings_out_of_range(arguments, sentence):
    with pytest.raises(InputError) as error:
        HidingSettings(*arguments)
    assert str(error.value) == sentence


def made_up(cell, errors, distance):
    observed = np.array([0.1, 0.2, 0.3, 0.4])
    predicted = {name: observed + np.array(error) for name, error in errors.items()}
    return HiddenDays(cell, FIRST + np.arange(4), observed, np.array(distance), predicted)


def some_results():
    first = made_up(
        (0, 1), {FOREST: [0.01, -0.01, 0.01, -0.01], LINEAR: [0.04] * 4, CLIMATOLOGY: [0.0] * 4}, [1, 1, 2, 4]
    )
    other = made_up((2, 3), {FOREST: [0.03] * 4, LINEAR: [0.02] * 4, CLIMATOLOGY: [0.1] * 4}, [7, 8, 11, 20])
    return [first, other]


def test_scores_by_hand():
    rows = {(row.scope, row.row, row.distance, row.method): row for row in score_gaps(some_results())}
    pooled = rows["pooled", None, "all", FOREST]
    assert (pooled.n, pooled.cells) == (8, 2)
    assert pooled.rmse == pytest.approx(np.sqrt((4 * 0.01**2 + 4 * 0.03**2) / 8))
    assert pooled.mae == pytest.approx(0.02)
    assert pooled.bias == pytest.approx(0.015)
    assert pooled.ubrmse == pytest.approx(np.sqrt(pooled.rmse**2 - pooled.bias**2))
    assert pooled.r2 == pytest.approx(1 - 8 * pooled.rmse**2 / (2 * 0.05))
    middle = rows["median", None, "all", LINEAR]
    assert middle.rmse == pytest.approx(0.03)
    assert rows["cell", 2, "all", LINEAR].bias == pytest.approx(0.02)
    assert {key[2] for key in rows} == {"all", "1", "2", "3-5", "6-10", "over 10"}
    assert rows["pooled", None, "over 10", LINEAR].n == 2
    assert rows["pooled", None, "1", LINEAR].cells == 1
    assert np.isnan(rows["median", None, "2", FOREST].r2)


def test_verdict_of_forests_that_are_worse_than_the_mean():
    errors = {FOREST: [0.2, -0.2, 0.2, -0.2], LINEAR: [0.3] * 4, CLIMATOLOGY: [0.4] * 4}
    results = [made_up((0, 0), errors, [1, 1, 1, 1])]
    # 1 - 4 x 0.04 / 0.05
    assert verdict(results, score_gaps(results), 10).endswith(
        " The median over the cells of their R2 is -2.20: the mean of the cell's observed days would be "
        "nearer than they are."
    )


def test_verdict_when_the_forests_lose_and_when_they_win():
    results = some_results()
    rows = score_gaps(results)
    assert verdict(results, rows, 10) == (
        "With runs of 10 days hidden, the forests have an RMSE of 0.0224 m3 m-3 over 8 hidden days of 2 "
        "cells: 29 % less than linear interpolation (0.0316) and 68 % less than the climatology (0.0707). "
        "They are better than linear interpolation in 1 of 2 cells."
    )
    rows = score_gaps(results[1:])
    assert verdict(results[1:], rows, 1) == (
        "With runs of 1 day hidden, the forests have an RMSE of 0.0300 m3 m-3 over 4 hidden days of 1 cell: "
        "50 % more than linear interpolation (0.0200) and 70 % less than the climatology (0.1000). They are "
        "better than linear interpolation in 0 of 1 cell. Here linear interpolation fills gaps better than "
        "the forests do."
    )
