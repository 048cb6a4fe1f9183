"""Grids, settings, seasons and the plan: what users write, and the sentences where they slip."""

import datetime as dt

import numpy as np
import pytest

from smap_downscaler.base.errors import InputError
from smap_downscaler.methods.forest.hyper_grid import ForestCandidate, candidates
from smap_downscaler.methods.forest.settings import PAPER
from smap_downscaler.methods.keys import CellKey
from smap_downscaler.steps.crossvalidation.numbers.crossvalidate import (
    duration_text,
    make_plan,
    models_a_piece,
    plan_piece,
)
from smap_downscaler.steps.crossvalidation.numbers.folds import make_folds
from smap_downscaler.steps.crossvalidation.numbers.pieces import (
    SCORES,
    Choice,
    PartScores,
    Piece,
    PieceResult,
)
from smap_downscaler.steps.crossvalidation.numbers.results import (
    median_of,
    scores_of,
    summarise,
    uneven_folds,
)
from smap_downscaler.steps.crossvalidation.numbers.settings import ValidationSettings
from validation_cases import FOREST, case, piece, settings


def refusal(function, *arguments, **more):
    with pytest.raises(InputError) as caught:
        function(*arguments, **more)
    return str(caught.value)


def test_grids_combine():
    found = candidates(PAPER, "2, 7", "", "50,100", "0.5")
    assert [(c.settings.max_features, c.settings.n_estimators, c.sample_share) for c in found] == [
        (2, 50, 0.5),
        (2, 100, 0.5),
        (7, 50, 0.5),
        (7, 100, 0.5),
    ]
    assert all(candidate.settings.min_samples_split == PAPER.min_samples_split for candidate in found)
    assert found[0].of(1000).sample_size == 500
    assert found[0].of(2).sample_size == 2
    assert candidates(PAPER) == (ForestCandidate(PAPER),)
    assert candidates(PAPER)[0].of(10) == PAPER
    assert (
        found[0].text(20)
        == "n_estimators 50, max_features 2, min_samples_split 4, sample_size 0.5 of the rows"
    )
    assert (
        candidates(PAPER)[0].text(5)
        == "n_estimators 100, max_features 5, min_samples_split 4, sample_size at most 1,278 rows"
    )


@pytest.mark.parametrize(
    ("grid", "sentence"),
    [
        (
            {"max_features": "2, x"},
            "MAX_FEATURES_GRID: 'x' is no whole number; write numbers separated by commas, such as 2, 4, 7.",
        ),
        (
            {"max_features": "2.5"},
            "MAX_FEATURES_GRID: '2.5' is no whole number; write numbers separated by commas, "
            "such as 2, 4, 7.",
        ),
        (
            {"n_estimators": "1_0"},
            "N_ESTIMATORS_GRID: '1_0' is no whole number; write numbers separated by commas, "
            "such as 2, 4, 7.",
        ),
        (
            {"max_features": "2,,7"},
            "MAX_FEATURES_GRID: '' is no whole number; write numbers separated by commas, such as 2, 4, 7.",
        ),
        (
            {"max_features": "0, 2"},
            "MAX_FEATURES_GRID: 0 is out of range; give whole numbers from 1 to 32767.",
        ),
        (
            {"min_samples_split": "1"},
            "MIN_SAMPLES_SPLIT_GRID: 1 is out of range; give whole numbers from 2 to 2147483647.",
        ),
        (
            {"n_estimators": "100001"},
            "N_ESTIMATORS_GRID: 100001 is out of range; give whole numbers from 1 to 100000.",
        ),
        ({"n_estimators": "50, 50"}, "N_ESTIMATORS_GRID: 50 occurs twice; give it once."),
        ({"sample_share": "1.5"}, "SAMPLE_SHARE_GRID: 1.5 is out of range; give shares over 0 up to 1."),
        ({"sample_share": "nan"}, "SAMPLE_SHARE_GRID: nan is out of range; give shares over 0 up to 1."),
        ({"sample_share": "0"}, "SAMPLE_SHARE_GRID: 0 is out of range; give shares over 0 up to 1."),
        (
            {"sample_share": "half"},
            "SAMPLE_SHARE_GRID: 'half' is no number; write numbers separated by commas, such as 0.5, 0.8, 1.",
        ),
        (
            {
                "max_features": ",".join(map(str, range(1, 35))),
                "n_estimators": ",".join(map(str, range(1, 31))),
            },
            "The grids have 1,020 combinations; give fewer values, so that there are at most 1,000.",
        ),
    ],
)
def test_refused_grids(grid, sentence):
    assert refusal(candidates, PAPER, **grid) == sentence


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"folds": 1}, "FOLDS is 1; give 2 or more."),
        ({"repeats": 0}, "REPEATS is 0; give 1 or more."),
        ({"inner_folds": 1}, "INNER_FOLDS is 1; give 2 or more."),
        ({"seed": -1}, "SEED is -1; give 0 or more."),
        (
            {"block_km": 35.9},
            "BLOCKS is 35.9 km, and SMAP sees about 36 km at once; give 36 or more, or 0 for "
            "random folds only.",
        ),
        (
            {"block_km": -72.0},
            "BLOCKS is -72 km, and SMAP sees about 36 km at once; give 36 or more, or 0 for "
            "random folds only.",
        ),
    ],
)
def test_refused_settings(change, sentence):
    fields = {"folds": 10, "repeats": 1, "block_km": 72.0, "candidates": (ForestCandidate(PAPER),)}
    assert refusal(ValidationSettings, **{**fields, **change}) == sentence


def test_schemes():
    assert settings().schemes == ("random", "blocks")
    assert settings(block_km=0).schemes == ("random",)
    assert not settings().tuned
    assert settings({"max_features": "1,2"}).tuned


def results():
    """Two repeats of four dates, with scores that are easy to work out."""
    dates = [dt.date(2020, 1, 5), dt.date(2020, 2, 5), dt.date(2020, 4, 5), dt.date(2020, 7, 5)]
    for number, date in enumerate(dates):
        for repeat in (1, 2):
            value = 0.03 + 0.01 * number + 0.002 * repeat
            yield PieceResult(Piece(date, "random", repeat), 50, dict.fromkeys(SCORES, value), ())
        yield PieceResult(Piece(date, "blocks", 1), 50, dict.fromkeys(SCORES, np.nan), ())


def test_summary_over_repeats_dates_and_seasons():
    found = scores_of(results(), "random", "dates")
    assert found.mean["rmse"] == pytest.approx([0.033, 0.043, 0.053, 0.063])
    assert found.sd["rmse"] == pytest.approx([np.std([0.032, 0.034], ddof=1)] * 4)
    seasons = settings(wet=(11, 12, 1, 2, 3), dry=(7,))
    rows = {(row.scheme, row.season, row.score): row for row in summarise(list(results()), seasons)}
    assert len(rows) == 2 * 3 * len(SCORES)
    row = rows["random", "all", "rmse"]
    every = row.spread
    means = np.array([0.033, 0.043, 0.053, 0.063])
    assert (row.over, every.n, every.mean) == ("dates", 4, pytest.approx(0.048))
    assert every.median == pytest.approx(0.048)
    assert every.sd == pytest.approx(means.std(ddof=1))
    assert every.iqr == pytest.approx(np.subtract(*np.percentile(means, [75, 25])))
    assert (every.minimum, every.maximum) == (pytest.approx(0.033), pytest.approx(0.063))
    assert row.repeat_sd == pytest.approx(np.sqrt(2) * 0.001)
    assert tuple(rows["random", season, "r2"].spread.n for season in ("wet", "dry")) == (2, 1)
    assert rows["random", "wet", "r2"].spread.mean == pytest.approx(0.038)
    assert np.isnan(rows["random", "dry", "r2"].spread.sd)
    assert rows["blocks", "all", "r2"].spread.n == 0
    assert median_of(results(), "random", "dates", "rmse") == pytest.approx(0.048)
    assert np.isnan(median_of(results(), "blocks", "dates", "rmse"))


def test_a_season_that_holds_all_dates_is_not_told_again():
    def seasons(wet, dry):
        rows = summarise(list(results()), settings(wet=wet, dry=dry))
        return {(row.scheme, row.season): row.spread.n for row in rows}

    none = {("random", "all"): 4, ("random", "dry"): 0, ("blocks", "all"): 0, ("blocks", "dry"): 0}
    assert seasons((1, 2, 4, 7), ()) == none
    assert seasons((1, 2, 4), (7,)) == {
        ("random", "all"): 4,
        ("random", "wet"): 3,
        ("random", "dry"): 1,
        **{("blocks", season): 0 for season in ("all", "wet", "dry")},
    }
    parts = [
        PieceResult(
            Piece(CellKey(0, 1), "random", 1),
            50,
            dict.fromkeys(SCORES, 0.04),
            (),
            (PartScores(CellKey(0, 1), "wet", 30, dict.fromkeys(SCORES, value)),),
        )
        for value in (0.04, 0.05)
    ]
    by_cell = settings(mode="by cell", block_km=0.0)
    for part, told in zip(parts, ({"all", "dry"}, {"all", "wet", "dry"})):
        found = summarise([part], by_cell)
        assert {row.season for row in found if row.scheme == "random"} == told


@pytest.mark.filterwarnings("error")
def test_summary_of_nothing():
    assert np.isnan(median_of([], "random", "dates", "rmse"))
    assert {row.spread.n for row in summarise([], settings())} == {0}


def test_count_of_forests():
    assert models_a_piece(settings(), 144) == (5, 5 * 8)
    grid = {"max_features": "1,2,3", "n_estimators": "4,8"}
    # Three groups, each grown once to 8 trees in 5 x 3 inner folds; a chosen forest has 6 in the mean.
    assert models_a_piece(settings(grid), 144) == (5 + 5 * 3 * 3, 5 * 6 + 5 * 3 * 3 * 8)


def test_plan():
    job = plan_piece(case(), piece(), settings())
    plan = make_plan(job, {144: 6, 288: 4}, 2, threads=2)
    assert (plan.pieces, plan.models, plan.parts, plan.threads) == (8, 40, 320, 2)
    assert 0 < plan.seconds < 600
    assert plan.text() == (
        f"8 pieces of work with 40 forests of 320 trees: {duration_text(plan.seconds)} with 2 threads."
    )
    assert FOREST.n_estimators == 8
    texts = [duration_text(seconds) for seconds in (5, 70, 300, 3600 * 3, 86400 * 5)]
    assert texts == [
        "less than a minute",
        "about 1 minute",
        "about 5 minutes",
        "about 3.0 hours",
        "about 5.0 days",
    ]


def test_folds_of_more_rows_than_they_learn_from_are_told():
    def result(scheme, *sizes):
        choices = tuple(Choice(n, sum(sizes) - size, size, 3, 0, np.nan) for n, size in enumerate(sizes, 1))
        return PieceResult(Piece(dt.date(2021, 1, 1), scheme, 1), sum(sizes), {}, choices)

    def told(*results, **changes):
        start = "{}: a fold holds {} % of the rows, and its forest learned from the few others, so that this "
        start += "error is too pessimistic; "
        (found,) = uneven_folds(results, settings(**changes))
        scheme, _, rest = found.partition(":")
        share = rest.split(" ")[4]
        assert found.startswith(start.format(scheme, share))
        return scheme, share, found[len(start.format(scheme, share)) :]

    assert uneven_folds([result("random", 10, 10), result("blocks", 10, 10)], settings()) == []
    few = result("random", 10, 10), result("blocks", 30, 10), result("blocks", 20, 20)
    # Of five folds that were asked for two were made: there are two blocks.
    assert told(*few) == (
        "blocks of 36 km",
        "75",
        "give BLOCKS a smaller number, or use a larger table",
    )
    assert told(*few, folds=2) == (
        "blocks of 36 km",
        "75",
        "give FOLDS a larger number, or BLOCKS a smaller one",
    )
    assert told(result("random", 11, 10), folds=2) == ("random folds", "52", "give FOLDS a larger number")
    runs, both = result("periods", 30, 10), result("locations and dates", 30, 10)
    by_cell = {"mode": "by cell", "block_km": 0.0, "folds": 2}
    assert told(runs, **by_cell)[2] == "give FOLDS a larger number, or PERIOD a smaller one"
    # Shorter runs with the same gap beside each leave fewer days.
    assert told(runs, **by_cell, gap=5)[2] == "give FOLDS a larger number, or GAP a smaller one"
    assert told(runs, **(by_cell | {"folds": 3}), gap=5)[2] == (
        "give GAP or PERIOD a smaller number, or use a larger table"
    )
    assert told(both, mode="pooled", folds=2, gap=5)[2] == (
        "give FOLDS a larger number, or BLOCKS or GAP a smaller one"
    )


@pytest.mark.parametrize(("gap", "change"), [(0, {"folds": 4}), (6, {"folds": 4}), (6, {"gap": 3})])
def test_what_is_advised_leaves_more_rows_to_train_on(gap, change):
    days = np.arange(120)

    def trained(**changes):
        asked = {"folds": 2, "period": 20, "gap": gap} | changes
        found = make_folds("periods", days, days, **asked, generator=np.random.default_rng(3))
        return min(int(found.train(fold).sum()) for fold in range(found.number))

    assert trained(**change) > trained()
    if gap:
        assert trained(period=15) < trained()
