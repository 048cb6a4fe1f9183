"""Anomalies by brute force, and as pytesmo's."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytesmo_cases import FIRST, pytesmo_numbers, three_years
from smap_downscaler.steps.field.numbers.climatology import anomalies, month_of, moving_mean

READINGS = st.dictionaries(st.integers(0, 60), st.floats(0, 1), min_size=1, max_size=30)


@given(READINGS, st.integers(1, 40))
def test_moving_means_by_brute_force(points, window):
    days, values = (np.array(column) for column in zip(*sorted(points.items())))
    at = np.arange(-5, 70)
    found = moving_mean(days, values, at, window)
    for day, mean in zip(at, found):
        near = values[np.abs(days - day) <= window / 2]
        assert mean == pytest.approx(near.mean() if near.size else np.nan, abs=1e-12, nan_ok=True)


def by_hand(days, values):
    """The climatology in plain loops."""
    dates = [dt.date.fromordinal(int(day)) for day in days]
    smooth = [values[np.abs(days - day) <= 2.5].mean() for day in days]
    of_year = [date.replace(year=2020).timetuple().tm_yday - 1 for date in dates]
    by_day = {}
    for place, value in zip(of_year, smooth):
        by_day.setdefault(place, []).append(value)
    mean = {place: np.mean(group) for place, group in by_day.items()}
    usual = {}
    for place in set(of_year):
        apart = {other: min((other - place) % 366, (place - other) % 366) for other in mean}
        usual[place] = np.mean([value for other, value in mean.items() if apart[other] <= 17])
    return np.array([value - usual[place] for value, place in zip(values, of_year)])


def test_climatology_by_brute_force():
    days, values = three_years()
    np.testing.assert_allclose(anomalies(days, values, "climatology"), by_hand(days, values), atol=1e-12)


def test_moving_anomalies():
    days, values = three_years()
    expected = [value - values[np.abs(days - day) <= 17.5].mean() for day, value in zip(days, values)]
    np.testing.assert_allclose(anomalies(days, values, "moving"), expected, atol=1e-12)
    assert anomalies(days, values, "none") is values


def test_missing_values_stay_missing():
    days, values = three_years()
    values[::5] = np.nan
    good = np.isfinite(values)
    for kind in ("climatology", "moving"):
        found = anomalies(days, values, kind)
        assert np.isnan(found[~good]).all()
        np.testing.assert_array_equal(found[good], anomalies(days[good], values[good], kind))
    assert np.isnan(anomalies(days[:3], np.full(3, np.nan), "climatology")).all()


def test_a_repeating_year_has_no_anomalies_but_noise_does():
    days = FIRST + np.arange(4 * 366)
    season = 0.25 + 0.1 * np.sin(2 * np.pi * days / 365.25)
    assert np.abs(anomalies(days, season, "climatology")).max() < 0.02
    noise = 0.03 * np.random.default_rng(2).standard_normal(len(days))
    found = anomalies(days, season + noise, "climatology")
    assert np.corrcoef(found, noise)[0, 1] > 0.97


@settings(max_examples=30)
@given(st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)))
def test_months(date):
    assert month_of(np.array([date.toordinal()])).tolist() == [date.month]


@pytest.mark.parametrize("kind", ["climatology", "moving"])
def test_as_pytesmo(kind):
    expected = pytesmo_numbers()["anomalies"][kind]
    np.testing.assert_allclose(anomalies(*three_years(), kind), expected, atol=1e-10)
