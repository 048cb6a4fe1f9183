"""Dates in names: those of the portals are found, numbers that are no dates are not."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.base.dates import (
    evenly_thinned,
    find_date,
    is_within,
    parse_dates,
    parse_iso_date,
    period_text,
)
from smap_downscaler.base.errors import InputError


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("SMAP_L3_SM_P_E_20150402_R18290_001.h5", dt.date(2015, 4, 2)),
        ("chirps-v2.0.2017.04.30.tif", dt.date(2017, 4, 30)),
        ("SPL3SMP_E.005_soil_moisture_doy2015092_aid0001.tif", dt.date(2015, 4, 2)),
        ("MOD13Q1.061__250m_16_days_NDVI_doy2021017000000_aid0001.tif", dt.date(2021, 1, 17)),
        ("MOD13Q1.A2021017.h10v10.061.2021034123456.tif", dt.date(2021, 1, 17)),
        ("MYD11A1.061_LST_Day_1km_doy2020366_aid0001.tif", dt.date(2020, 12, 31)),
        ("x_doy2021017240000.tif", None),
        ("x_2021017000000.tif", None),
        ("rain_2020366.tif", dt.date(2020, 12, 31)),
        ("2021-01-31.tif", dt.date(2021, 1, 31)),
        ("theta_2021_01_31_v2.tif", dt.date(2021, 1, 31)),
        ("MOD11A1_202101311030.tif", dt.date(2021, 1, 31)),
        ("20210131T103000.tif", dt.date(2021, 1, 31)),
        ("20210131_again_2021-01-31.tif", dt.date(2021, 1, 31)),
        ("01.tif", None),
        ("12.tif", None),
        ("dem.tif", None),
        ("R18290_001.tif", None),
        ("2021.tif", None),
        ("rain_2021367.tif", None),
        ("rain_2021000.tif", None),
        ("rain_2021366.tif", None),
        ("20210230.tif", None),
        ("120210131.tif", None),
        ("2021-0131.tif", None),
        ("18500101.tif", None),
    ],
)
def test_names(name, date):
    assert find_date(name) == date


def test_two_dates_in_a_name_are_refused():
    with pytest.raises(InputError) as caught:
        find_date("mean_20210101_20210131.tif")
    assert str(caught.value) == (
        "mean_20210101_20210131.tif: the name holds two dates (2021-01-01 and 2021-01-31); "
        "rename it so that it holds one."
    )


@given(
    st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)),
    st.sampled_from(["%Y%m%d", "%Y-%m-%d", "%Y.%m.%d", "%Y%j"]),
)
def test_every_date_is_found_in_every_form(date, form):
    assert find_date(f"x_{date.strftime(form)}_v1.tif") == date


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2021-01-31", dt.date(2021, 1, 31)),
        ("2021/01/31", dt.date(2021, 1, 31)),
        (" 2021-01-31T06:00:00", dt.date(2021, 1, 31)),
        ("31.01.2021", None),
        ("", None),
    ],
)
def test_iso_dates(text, date):
    assert parse_iso_date(text) == date


def test_a_period_holds_both_its_ends():
    first, last, day = dt.date(2021, 1, 2), dt.date(2021, 1, 4), dt.timedelta(days=1)
    assert [is_within(first + number * day, first, last) for number in range(-1, 4)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert is_within(dt.date.max, first, None)
    assert is_within(dt.date.min, None, last)
    assert not is_within(dt.date.max, None, last)


def test_dates_by_comma():
    assert parse_dates(" 2021-01-03;2021/01/01,, 2021-01-03 ", "DATES") == (
        dt.date(2021, 1, 1),
        dt.date(2021, 1, 3),
    )
    assert parse_dates(" ", "DATES") == ()
    with pytest.raises(InputError) as caught:
        parse_dates("2021-01-01, 3 May", "DATES")
    assert str(caught.value) == "DATES: '3 May' is no date; write dates as YYYY-MM-DD, by comma."


@given(st.integers(1, 400), st.integers(0, 50))
def test_thinning_is_even_and_keeps_both_ends(count, most):
    days = [dt.date(2021, 1, 1) + dt.timedelta(days=number) for number in range(count)]
    kept = evenly_thinned(days, most)
    assert len(kept) == (min(count, most) if most else count)
    assert kept[0] == days[0]
    assert most == 1 or kept[-1] == days[-1]
    steps = {(later - earlier).days for earlier, later in zip(kept, kept[1:])}
    assert not steps or max(steps) - min(steps) <= 1


def test_a_period_of_one_day_is_told_once():
    first, last = dt.date(2021, 1, 1), dt.date(2021, 1, 31)
    assert period_text([first]) == "2021-01-01"
    assert period_text([first, dt.date(2021, 1, 2), last]) == "2021-01-01 to 2021-01-31"
