"""Where filled values lie, and the error that this makes likely, against brute force and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn

from smap_downscaler.steps.gaps.numbers.scores import (
    CELL,
    DISTANCES,
    FOREST,
    LINEAR,
    MEDIAN,
    POOLED,
    GapScore,
)
from smap_downscaler.steps.gaps.numbers.verdict import (
    filled_by_distance,
    filled_without_error,
    gaps_verdict,
    weighted_rmse,
)

NAMES = tuple(name for name, *_ in DISTANCES)


@st.composite
def series(draw):
    """Days, and which cells were seen, filled or left empty on them."""
    days = np.cumsum(draw(hn.arrays(np.int64, st.integers(0, 40), elements=st.integers(1, 9)))) + 730_000
    states = draw(hn.arrays(np.int64, (len(days), draw(st.integers(0, 4))), elements=st.integers(0, 2)))
    return days, states == 1, states == 2


@given(series())
def test_filled_values_are_counted_by_distance(case):
    days, seen, filled = case
    expected = dict.fromkeys(NAMES, 0)
    for row, column in zip(*np.nonzero(filled)):
        far = min((abs(int(days[row] - day)) for day in days[seen[:, column]]), default=math.inf)
        names = {1: "1", 2: "2", **dict.fromkeys((3, 4, 5), "3-5"), **dict.fromkeys(range(6, 11), "6-10")}
        expected[names.get(far, "over 10")] += 1
    assert filled_by_distance(days, seen, filled) == expected


def score(distance, method, rmse, scope=POOLED):
    return GapScore(scope, None, None, distance, method, 5, 1, rmse, 0.0, 0.0, 0.0, 0.0)


@given(
    st.dictionaries(st.sampled_from(NAMES), st.tuples(st.floats(0, 1), st.integers(0, 50)), min_size=1),
    st.dictionaries(st.sampled_from(NAMES), st.integers(0, 50)),
)
def test_weighted_rmse_is_that_of_as_many_errors(rmses, others):
    """Each filled value errs as the hidden days of its distance do."""
    filled = {**dict.fromkeys(NAMES, 0), **others, **{name: count for name, (_, count) in rmses.items()}}
    rows = [score(name, FOREST, rmse) for name, (rmse, _) in rmses.items()]
    rows += [score("all", FOREST, 9.0), score("1", LINEAR, 9.0), score("2", FOREST, 9.0, MEDIAN)]
    rows += [score("3-5", FOREST, 9.0, CELL)]
    errors = np.concatenate([np.full(count, rmse) for rmse, count in rmses.values()])
    found = weighted_rmse(rows, filled, FOREST)
    if errors.size:
        assert found == pytest.approx(float(np.sqrt(np.mean(errors**2))), abs=1e-12)
    else:
        assert math.isnan(found)
    known = {*rmses, "1"}
    assert filled_without_error(rows, filled) == sum(
        count for name, count in filled.items() if name not in known
    )


def rows(forest, linear):
    found = [score(name, FOREST, rmse) for name, rmse in forest.items()]
    return found + [score(name, LINEAR, rmse) for name, rmse in linear.items()]


def test_words_of_gaps_that_forests_fill_better():
    scores = rows({"1": 0.03, "2": 0.04}, {"1": 0.03, "2": 0.05})
    filled = {"1": 1500, "2": 500, "3-5": 0, "6-10": 0, "over 10": 0}
    assert gaps_verdict(scores, filled) == (
        "Of 2,000 filled values 75 % lie 1 day and 25 % 2 days from an observation of their cell. Hidden "
        "days at the same distances have an RMSE of 0.0328 m3 m-3 from the forests and 0.0361 from "
        "linear interpolation."
    )
    assert math.sqrt((1500 * 0.03**2 + 500 * 0.04**2) / 2000) == pytest.approx(0.0328, abs=5e-5)
    assert math.sqrt((1500 * 0.03**2 + 500 * 0.05**2) / 2000) == pytest.approx(0.0361, abs=5e-5)


def test_words_of_gaps_that_linear_interpolation_fills_better():
    """On the longest runs the forests win, and most gaps are short."""
    scores = rows({"1": 0.03, "2": 0.03, "6-10": 0.03}, {"1": 0.02, "2": 0.03, "6-10": 0.09})
    filled = {"1": 900, "2": 60, "3-5": 38, "6-10": 1, "over 10": 1}
    assert gaps_verdict(scores, filled) == (
        "Of 1,000 filled values 90 % lie 1 day, 6 % 2 days, 4 % 3-5 days, under 1 % 6-10 days and under 1 % "
        "over 10 days from an observation of their cell. Hidden days at the same distances have an RMSE "
        "of 0.0300 m3 m-3 from the forests and 0.0210 from linear interpolation; 4 % of the filled values "
        "lie where no day was hidden, and are left out. Linear interpolation fills such gaps better."
    )


def test_words_of_gaps_without_hidden_days():
    filled = {**dict.fromkeys(NAMES, 0), "over 10": 1}
    assert gaps_verdict(rows({"1": 0.1}, {"1": 0.1}), filled) == (
        "Of 1 filled value 100 % lie over 10 days from an observation of their cell. At none of these "
        "distances a day was hidden, so their error is not known."
    )
    assert gaps_verdict([], dict.fromkeys(NAMES, 0)) == ""
    assert gaps_verdict([], {}) == ""
