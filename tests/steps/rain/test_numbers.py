"""Rain in numbers: the days before a date, months in names, the seasons' means."""

from __future__ import annotations

import calendar
import contextlib
import datetime as dt
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from smap_downscaler.base.dates import year_and_month
from smap_downscaler.base.errors import InputError
from smap_downscaler.steps.rain.numbers.antecedent import (
    Antecedent,
    all_dates,
    listed_dates,
    mean_of_days,
    valid_rain,
)
from smap_downscaler.steps.rain.numbers.months import days_in, mean_days_in, month_of
from smap_downscaler.steps.rain.numbers.seasons import DEFAULT_SEASONS, Season, SeasonMeans, parse_seasons

RAIN = st.floats(0, 500, width=32) | st.just(np.nan)
DATES = st.dates(dt.date(1950, 1, 1), dt.date(2090, 12, 31))


def day(text):
    return dt.date.fromisoformat(text)


# The days before.


@pytest.mark.parametrize(
    ("date", "days", "lag", "before"),
    [
        ("2017-05-03", 3, 1, ["2017-05-02", "2017-05-01", "2017-04-30"]),
        ("2020-03-01", 2, 1, ["2020-02-29", "2020-02-28"]),
        ("2021-03-01", 2, 1, ["2021-02-28", "2021-02-27"]),
        ("2021-01-01", 1, 1, ["2020-12-31"]),
        ("2021-01-02", 3, 0, ["2021-01-02", "2021-01-01", "2020-12-31"]),
        ("2021-01-02", 2, 5, ["2020-12-28", "2020-12-27"]),
    ],
)
def test_days_before(date, days, lag, before):
    assert Antecedent(days, lag).before(day(date)) == tuple(map(day, before))


@given(DATES, st.integers(1, 40), st.integers(0, 40))
def test_the_days_end_lag_days_before_and_are_in_a_row(date, days, lag):
    ordinals = [found.toordinal() for found in Antecedent(days, lag).before(date)]
    assert ordinals == list(range(date.toordinal() - lag, date.toordinal() - lag - days, -1))


@given(DATES, st.integers(0, 60), st.integers(1, 10), st.integers(0, 10))
def test_possible_dates_are_those_whose_days_are_in_the_record(first, length, days, lag):
    record = set(all_dates(first, first + dt.timedelta(days=length)))
    settings_ = Antecedent(days, lag)
    near = [first + dt.timedelta(days=number) for number in range(-5, length + 30)]
    by_hand = [date for date in near if set(settings_.before(date)) <= record]
    begin, end = settings_.possible(min(record), max(record))
    assert by_hand == (all_dates(begin, end) if begin <= end else [])


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ((0, 1), "DAYS is 0; give the number of days to average, 1 or more."),
        (
            (3, -1),
            "LAG is -1; give 1 (the days before), 0 (the day itself as well) or more than 1.",
        ),
    ],
)
def test_bad_settings(numbers, sentence):
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        Antecedent(*numbers)


@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 6), st.just(2), st.just(3)), elements=RAIN))
def test_mean_of_days_against_fractions(rasters):
    found = mean_of_days(list(rasters))
    assert found.dtype == np.float32
    for index in np.ndindex(2, 3):
        column = [float(value) for value in rasters[(slice(None), *index)]]
        if any(np.isnan(column)):
            assert np.isnan(found[index])
        else:
            exact = float(sum(map(Fraction, column)) / len(column))
            assert found[index] == pytest.approx(exact, rel=1e-7)


def test_a_big_day_leaves_no_trace_on_later_dates():
    """A running sum in float32 would; here each mean comes from its own days."""
    rain = np.array([0.1, 0.2, 0.3, 1e4, 0.1, 0.2, 0.3], np.float32).reshape(7, 1, 1)
    assert mean_of_days(list(rain[4:7])) == mean_of_days(list(rain[:3]))


def test_mean_of_days_leaves_its_input_alone():
    rasters = [np.full((2, 2), 1, np.float32), np.full((2, 2), 2, np.float32)]
    mean_of_days(rasters)
    assert [float(values[0, 0]) for values in rasters] == [1, 2]


def test_negative_rain_is_missing_but_undershoot_is_zero():
    values = np.array([-9999, -99, -1, -0.11, -0.1, -1e-5, -0.0, 0, 3.5, np.nan], np.float32)
    assert valid_rain(values) == 2
    np.testing.assert_array_equal(values, np.array([np.nan] * 4 + [0, 0, 0, 0, 3.5, np.nan], np.float32))


def test_listed_dates_joins_neighbours():
    dates = map(day, ["2020-02-29", "2020-03-01", "2020-02-28", "2020-01-01", "2020-12-31", "2021-01-01"])
    assert listed_dates(dates) == "2020-01-01, 2020-02-28 to 2020-03-01, 2020-12-31 to 2021-01-01"


def test_listed_dates_counts_the_tail():
    dates = [dt.date(2020, 1, 1) + dt.timedelta(days=2 * number) for number in range(20)]
    assert listed_dates(dates).endswith("2020-01-23 and 8 more")


# Months in names.


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("chirps-v2.0.1981.01.tif", (1981, 1)),
        ("pisco_201712.tif", (2017, 12)),
        ("2001-07", (2001, 7)),
        ("rain_20210131.tif", (2021, 1)),
        ("p_2021_13.tif", None),
        ("01.tif", None),
        ("clim_1981-2010_01.tif", None),
        ("clim_1981_2010.05.tif", None),
        ("v12345601.tif", None),
    ],
)
def test_year_and_month(name, found):
    assert year_and_month(name) == found


@pytest.mark.parametrize(
    ("stem", "found"),
    [
        ("01", 1), ("12", 12), ("1", 1), ("wc2.1_30s_prec_07", 7), ("tp3", 3), ("clim_ENE", 1),
        ("p-enero", 1), ("setiembre", 9), ("rain_Sept", 9), ("rain_dec", 12), ("dic", 12), ("May", 5),
        ("mayo", 5), ("agosto", 8), ("00", None),
        ("13", None), ("201701", None), ("annual", None), ("", None), ("mar_mean", None),
    ],
)  # fmt: skip
def test_month_of(stem, found):
    assert month_of(stem) == found


@given(st.integers(1, 12))
def test_every_month_by_its_english_name(month):
    assert month_of(f"x_{calendar.month_name[month]}") == month == month_of(f"x {calendar.month_abbr[month]}")


def test_days_of_months():
    assert [days_in(2020, 2), days_in(2021, 2), days_in(1900, 2), days_in(2000, 2)] == [29, 28, 28, 29]
    assert sum(mean_days_in(month) for month in range(1, 13)) == 365.25


# Seasons.


def test_default_seasons():
    assert parse_seasons(DEFAULT_SEASONS) == (
        Season("p_djf", (12, 1, 2)),
        Season("p_mam", (3, 4, 5)),
        Season("p_jja", (6, 7, 8)),
        Season("p_son", (9, 10, 11)),
    )


def test_a_month_may_be_in_several_seasons():
    assert parse_seasons(" wet = 11, 12,1 ;dry=5 ; year=1,2,3,4,5,6,7,8,9,10,11,12;") == (
        Season("wet", (11, 12, 1)),
        Season("dry", (5,)),
        Season("year", tuple(range(1, 13))),
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (" ; ", f"SEASONS is empty; write seasons as in {DEFAULT_SEASONS}."),
        ("p_djf", "SEASONS: 'p_djf' has no months; write it as p_djf=12,1,2."),
        (
            "P DJF=12",
            "SEASONS: 'P DJF' cannot be the name of a covariate (lower case letters, digits, underscores); "
            "write it as p_djf=12,1,2.",
        ),
        (
            "=12",
            "SEASONS: '' cannot be the name of a covariate (lower case letters, digits, underscores); "
            "write it as p_djf=12,1,2.",
        ),
        (
            "date=12",
            "SEASONS: a covariate cannot be named 'date', since the regression matrix has a column of that "
            "name; choose another name.",
        ),
        ("a=12,13", "SEASONS: '13' in a is no month; give numbers from 1 to 12, separated by commas."),
        ("a=0", "SEASONS: '0' in a is no month; give numbers from 1 to 12, separated by commas."),
        ("a=", "SEASONS: '' in a is no month; give numbers from 1 to 12, separated by commas."),
        ("a=1,jan", "SEASONS: 'jan' in a is no month; give numbers from 1 to 12, separated by commas."),
        ("a=-1", "SEASONS: '-1' in a is no month; give numbers from 1 to 12, separated by commas."),
        ("a=1,2,1", "SEASONS: month 1 occurs twice in a; give it once."),
        ("a=1;a=2", "SEASONS: two seasons are named 'a'; give each its own name."),
    ],
)
def test_bad_seasons(text, sentence):
    with pytest.raises(InputError) as caught:
        parse_seasons(text)
    assert str(caught.value) == sentence


MONTH_TEXTS = st.lists(
    st.integers(0, 13).map(str) | st.sampled_from(["", "06", "x", "1.0"]), min_size=1, max_size=3
)


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "A"]), MONTH_TEXTS), max_size=2))
def test_good_texts_give_seasons_and_others_a_sentence(parts):
    text = ";".join(f"{name}={','.join(months)}" for name, months in parts)
    valid = {**{str(month): month for month in range(1, 13)}, "06": 6}
    names = [name for name, _ in parts]
    wanted = [Season(name, tuple(valid.get(month, 0) for month in months)) for name, months in parts]
    if (
        parts
        and "A" not in names
        and len(set(names)) == len(names)
        and all(0 not in season.months and len(set(season.months)) == len(season.months) for season in wanted)
    ):
        assert parse_seasons(text) == tuple(wanted)
    else:
        with pytest.raises(InputError, match=r"^SEASONS"):
            parse_seasons(text)


@given(st.text(max_size=30))
def test_no_text_breaks_the_parser(text):
    with contextlib.suppress(InputError):
        assert parse_seasons(text)


@settings(max_examples=60)
@given(st.data())
def test_season_means_against_a_plain_loop(data):
    count = data.draw(st.integers(1, 12))
    months = data.draw(st.lists(st.integers(1, 12), min_size=count, max_size=count))
    days = data.draw(st.lists(st.sampled_from([1, 28, 28.25, 31]), min_size=count, max_size=count))
    rasters = data.draw(hnp.arrays(np.float32, (count, 2, 2), elements=RAIN))
    least = data.draw(st.sampled_from([0, 30, 60]))
    seasons = parse_seasons("p_djf=12,1,2; year=1,2,3,4,5,6,7,8,9,10,11,12")
    sums = SeasonMeans(seasons, (2, 2))
    for values, month, length in zip(rasters, months, days, strict=True):
        sums.add(values, month, length)
    for index, season in enumerate(seasons):
        found = sums.mean(index, least)
        assert found.dtype == np.float32
        for cell in np.ndindex(2, 2):
            chosen = [
                (float(values[cell]), length)
                for values, month, length in zip(rasters, months, days, strict=True)
                if month in season.months and not np.isnan(values[cell])
            ]
            length = sum(one for _, one in chosen)
            assert sums.days[(index, *cell)] == length
            if length and length >= least:
                assert found[cell] == pytest.approx(
                    sum(rain for rain, _ in chosen) / length, rel=1e-6, abs=1e-37
                )
            else:
                assert np.isnan(found[cell])
