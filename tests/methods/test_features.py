"""Derived covariates: the calendar, neighbours in time without leakage, constant columns."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.base.errors import InputError
from smap_downscaler.base.matrix_columns import DERIVED, RESERVED
from smap_downscaler.methods.features import (
    FeatureSettings,
    add_features,
    calendar_features,
    drop_constant,
    neighbour_features,
)


def test_the_year_goes_round_once():
    assert calendar_features(dt.date(2021, 1, 1)) == (0.0, 1.0)
    for year, days in ((2020, 366), (2021, 365)):
        for number in range(days):
            sine, cosine = calendar_features(dt.date(year, 1, 1) + dt.timedelta(number))
            turn = math.atan2(sine, cosine) / (2 * math.pi) % 1
            assert turn == pytest.approx(number / days, abs=1e-12)


def test_derived_names_are_reserved():
    assert FeatureSettings(True, True).names == (
        "doy_sin",
        "doy_cos",
        "sm_before",
        "sm_after",
        "days_before",
        "days_after",
    )
    assert set(FeatureSettings(True, True).names) == DERIVED < RESERVED
    assert FeatureSettings().names == ()
    assert FeatureSettings(**FeatureSettings(True, False, 9).as_dict()) == FeatureSettings(True, False, 9)


def test_a_farthest_day_below_one():
    with pytest.raises(InputError) as caught:
        FeatureSettings(farthest=0)
    assert str(caught.value) == "The farthest neighbour in time is 0 days away; give 1 or more."


def by_hand(target, days, values, hidden, farthest):
    """The rule of `neighbour_features` for one day, searched day by day."""
    seen = {day: value for day, value, gone in zip(days, values, hidden) if not gone and value == value}
    before = [day for day in seen if day < target]
    after = [day for day in seen if day > target]
    first = seen[max(before)] if before else None
    last = seen[min(after)] if after else None
    return [
        first if first is not None else (last if last is not None else math.nan),
        last if last is not None else (first if first is not None else math.nan),
        min(target - max(before), farthest) if before else farthest,
        min(min(after) - target, farthest) if after else farthest,
    ]


@given(st.data())
def test_neighbours_are_those_of_a_search_by_hand(data):
    days = sorted(data.draw(st.sets(st.integers(0, 60), max_size=25)))
    value = st.one_of(st.just(math.nan), st.floats(0, 1, width=32))
    values = data.draw(st.lists(value, min_size=len(days), max_size=len(days)))
    hidden = data.draw(st.lists(st.booleans(), min_size=len(days), max_size=len(days)))
    targets = data.draw(st.lists(st.integers(-5, 65), max_size=10))
    farthest = data.draw(st.integers(1, 40))
    got = neighbour_features(
        np.array(targets, np.int64),
        np.array(days, np.int64),
        np.array(values, np.float64),
        np.array(hidden, bool),
        farthest,
    )
    expected = [by_hand(target, days, values, hidden, farthest) for target in targets]
    np.testing.assert_array_equal(got, np.array(expected, np.float32).reshape(-1, 4))


@given(st.data())
def test_what_is_hidden_and_the_day_itself_change_nothing(data):
    days = np.array(sorted(data.draw(st.sets(st.integers(0, 40), min_size=2, max_size=20))))
    generator = np.random.default_rng(data.draw(st.integers(0, 99)))
    values = generator.random(days.size)
    hidden = generator.random(days.size) < 0.4
    predicted = neighbour_features(days, days, values, hidden)
    np.testing.assert_array_equal(
        neighbour_features(days, days, np.where(hidden, 9.0, values), hidden), predicted
    )
    for number, day in enumerate(days):
        other = values.copy()
        other[number] = 9.0
        np.testing.assert_array_equal(
            neighbour_features(np.array([day]), days, other, hidden)[0], predicted[number]
        )


def test_days_that_are_not_ascending():
    with pytest.raises(ValueError, match="ascending"):
        neighbour_features(np.array([1]), np.array([3, 3]), np.array([0.1, 0.2]))


def test_derived_covariates_stand_behind_the_others():
    days = np.array([dt.date(2020, 1, 1).toordinal(), dt.date(2020, 1, 3).toordinal()])
    x = np.array([[5.0], [6.0]], np.float32)
    got = add_features(x, days, FeatureSettings(True, True), days, np.array([0.1, 0.3]))
    sine, cosine = calendar_features(dt.date(2020, 1, 3))
    expected = [[5, 0, 1, 0.3, 0.3, 30, 2], [6, sine, cosine, 0.1, 0.1, 2, 30]]
    np.testing.assert_array_equal(got, np.array(expected, np.float32))
    assert add_features(x, days, FeatureSettings()) is x
    assert add_features(x[:0], days[:0], FeatureSettings(True)).shape == (0, 3)
    with pytest.raises(ValueError, match="observations"):
        add_features(x, days, FeatureSettings(False, True))


def test_constant_columns_are_dropped():
    x = np.array([[1, 2, 3], [1, 2, 4], [1, 0, 3]], np.float32)
    kept, names, numbers = drop_constant(x, ("a", "b", "c"))
    assert (names, numbers.tolist()) == (("b", "c"), [1, 2])
    np.testing.assert_array_equal(kept, x[:, 1:])
    assert drop_constant(x[:1], ("a", "b", "c"))[0].shape == (1, 0)
