"""Numbers as reports write them: no sign of a zero, nothing where there is no number."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.report.number_text import fixed, number_text, score_text


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (-0.00004, ".4f", "0.0000"),
        (-0.0, ".4f", "0.0000"),
        (0.00004, "+.4f", "0.0000"),
        (-0.00004, "+.4f", "0.0000"),
        (-0.00006, "+.4f", "-0.0001"),
        (0.00006, "+.4f", "+0.0001"),
        (-0.0, ".0f", "0"),
        (-0.0, ".3g", "0"),
        (-0.00001, ".2%", "0.00%"),
        (-10.0, ".0f", "-10"),
        (np.float32(-0.25), ".2f", "-0.25"),
        (math.nan, ".4f", ""),
        (-math.inf, ".4f", ""),
    ],
)
def test_a_zero_has_no_sign(value, places, text):
    assert fixed(value, places) == text


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([".4f", "+.3f", ",.2f", ".3g"]))
def test_all_else_is_as_python_writes_it(value, places):
    text = fixed(value, places)
    assert float(text.replace(",", "")) == float(f"{value:{places}}".replace(",", ""))
    assert not (text.startswith(("-", "+")) and float(text.replace(",", "")) == 0)


def test_scores_and_numbers_of_four_digits_follow():
    assert score_text(-0.00001) == "0.0000"
    assert number_text(-0.0) == "0"
    assert number_text(-1234.5) == "-1,234"
