"""Texts that keep the values of their numbers."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.base.words import Number, Text, counted, joined, numbers_of, text


def test_one_and_many():
    assert [counted(number, "map") for number in (0, 1, 2, 1234)] == [
        "0 maps",
        "1 map",
        "2 maps",
        "1,234 maps",
    ]
    assert [counted(number, "day is", "days are") for number in (1, 2)] == ["1 day is", "2 days are"]


def test_a_template_keeps_its_values():
    found = text("{days:,} of {} have {share:.1f} %, {:.0%} of all", 1234, 0.256, days=12, share=3.14159)
    assert found == "12 of 1234 have 3.1 %, 26% of all"
    assert found.numbers == (
        Number(12, "days"),
        Number(1234),
        Number(3.14159, "share", "%"),
        Number(25.6, "", "%"),
    )


def test_texts_inside_of_texts_keep_theirs():
    inner = text("RMSE {:.2f}", 0.123)
    found = text("{what}: {}; {} {}", inner, True, "9", what=counted(1200, "cell"))
    assert found == "1,200 cells: RMSE 0.12; True 9"
    assert [number.value for number in found.numbers] == [1200, 0.123]
    assert ("a " + inner + " b").numbers == inner.numbers
    assert joined(", ", ["x", inner, counted(2, "day")]).numbers == (*inner.numbers, Number(2))


def test_what_is_not_finite_is_no_number():
    assert text("{} {} {}", float("nan"), np.float32("inf"), None or "").numbers == ()
    assert [number.value for number in text("{} {:.1f}", np.int64(3), np.float32(0.5)).numbers] == [3, 0.5]


def test_a_missing_value_is_an_error():
    with pytest.raises(LookupError, match=r"a value is missing for: \{\} and \{\}"):
        text("{} and {}", 1)
    with pytest.raises(LookupError):
        text("{days}", 1)


def test_they_are_texts_like_any_other():
    found = text("{} m", 3)
    assert {found: 1}["3 m"] == 1
    assert numbers_of(f"{found}.") == ()
    for twin in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found), str(found)):
        assert type(twin) is Text
        assert twin.numbers == found.numbers


@given(
    st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=6), st.sampled_from([".4f", ",.2f", ".5g", ",.0f"])
)
def test_numbers_stay_in_their_order(values, form):
    found = joined(" to ", [text(f"{{:{form}}}", value) for value in values])
    assert found == " to ".join(f"{value:{form}}" for value in values)
    assert [number.value for number in found.numbers] == values
