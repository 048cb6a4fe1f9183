"""Linear interpolation and climatology against formulas written anew."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.steps.gaps.numbers.baselines import (
    climatology,
    days_of_year,
    distance,
    harmonics,
    linear,
)

FIRST = dt.date(2015, 4, 1).toordinal()
SERIES = st.dictionaries(st.integers(0, 400), st.floats(0, 0.6), min_size=1, max_size=30)


@given(SERIES, st.integers(-10, 410))
def test_linear_is_the_line_between_the_neighbours(series, wanted):
    days = np.array(sorted(series))
    values = np.array([series[day] for day in days])
    found = float(linear(days, values, np.array([wanted]))[0])
    before, after = days[days <= wanted], days[days >= wanted]
    if before.size and after.size:
        b, a = before[-1], after[0]
        line = series[b] if a == b else series[b] + (series[a] - series[b]) * (wanted - b) / (a - b)
    else:
        line = series[days[0] if after.size else days[-1]]
    assert found == pytest.approx(line, abs=1e-12)


@given(SERIES, st.integers(-10, 410))
def test_distance_is_the_least_of_all(series, wanted):
    days = np.array(sorted(series))
    assert distance(days, np.array([wanted]))[0] == np.abs(days - wanted).min()


def test_climatology_returns_two_waves():
    days = np.arange(FIRST, FIRST + 3 * 365, 3)
    angle = 2 * np.pi * days_of_year(days) / 365.25
    values = 0.25 + 0.08 * np.cos(angle) - 0.03 * np.sin(angle) + 0.02 * np.cos(2 * angle)
    kept = np.random.default_rng(0).random(days.size) < 0.7
    assert climatology(days[kept], values[kept], days[~kept]) == pytest.approx(values[~kept], abs=1e-12)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (np.arange(1, 46), 0),
        (np.arange(1, 201), 1),
        (np.arange(1, 300), 2),
        (np.arange(1, 366, 60), 1),
        (np.array([5]), 0),
        # The longest piece without data goes over the turn of the year.
        (np.arange(60, 320), 1),
    ],
)
def test_harmonics_that_a_part_of_the_year_can_support(known, expected):
    assert harmonics(known) == expected


def test_climatology_of_some_weeks_is_their_mean():
    values = np.random.default_rng(1).random(45)
    found = climatology(np.arange(FIRST, FIRST + 45), values, np.array([FIRST + 60]))
    assert found == pytest.approx(values.mean())
