"""Dates and times in tables."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.base.timestamps import DAY as SECONDS
from smap_downscaler.base.timestamps import parse_moment, parse_timestamp

DAY = dt.datetime(2021, 8, 12)
TEN = dt.datetime(2021, 8, 12, 10)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-08-12", DAY),
        (" 20210812 ", DAY),
        ("2021/08/12", DAY),
        ("2021.08.12", DAY),
        ("2021-224", DAY),
        ("2021224", DAY),
        ("2021-W32-4", DAY),
        ("2021W324", DAY),
        ("2021-08-12T10:00", TEN),
        ("2021-08-12 10:00:00", TEN),
        ("2021-08-12T10", TEN),
        ("20210812T1000Z", TEN),
        ("202108121000", TEN),
        ("20210812100000", TEN),
        ("2021-08-12T10:00:00.500-05:00", TEN),
        ("2021-08-12 10:00:00,5 +0530", TEN),
        ("2021-08-11T24:00", DAY),
        ("2020-366", dt.datetime(2020, 12, 31)),
        ("2016-12-31T23:59:60Z", dt.datetime(2016, 12, 31, 23, 59, 59)),
    ],
)
def test_dates(text, expected):
    assert parse_timestamp(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "12/08/2021", "2021-8-12", "2021-02-30", "2021-13-01", "2021-366", "2021-000", "2021-08", "20210",
     "2021-08/12", "2021-08-12T25:00", "2021-08-12T10:61", "2021-08-12T24:01", "2021-W54-1", "0000-01-01",
     "2021-08-12 ten", "2021-08-12T10:00+25", "2021-08-12T10:00+14:01", "2021-08-12T10:00+05:60",
     "9999-12-31T24:00", "٢٠٢١-٠٨-١٢"],
)  # fmt: skip
def test_no_dates(text):
    assert parse_timestamp(text) is None


@given(st.datetimes(min_value=dt.datetime(1900, 1, 1), max_value=dt.datetime(2200, 1, 1)))
def test_what_python_writes_is_read(stamp):
    assert parse_timestamp(stamp.isoformat()) == stamp.replace(microsecond=0)
    assert parse_timestamp(stamp.strftime("%Y-%j")) == dt.datetime.combine(stamp.date(), dt.time())
    year, week, day = stamp.isocalendar()
    assert parse_timestamp(f"{year}-W{week:02}-{day}") == dt.datetime.combine(stamp.date(), dt.time())


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2021-03-05", dt.date(2021, 3, 5)),
        ("20210305", dt.date(2021, 3, 5)),
        ("20210305T103000Z", dt.date(2021, 3, 5)),
        ("2020-366", dt.date(2020, 12, 31)),
        ("2020366", dt.date(2020, 12, 31)),
        ("2020-W53-7", dt.date(2021, 1, 3)),
        ("2020W537T00", dt.date(2021, 1, 3)),
        ("2021-366", None),
        ("2021-000", None),
        ("20210230", None),
        ("2021-W54-1", None),
        ("2021-W531", None),
        ("202103", None),
        ("0000-001", None),
        ("\u0662\u0660\u0662\u06610305", None),
        ("05.03.2021", None),
        ("", None),
    ],
)
def test_the_day_in_any_form_of_iso_8601(text, date):
    stamp = parse_timestamp(text)
    assert (stamp and stamp.date()) == date


@pytest.mark.parametrize(
    ("text", "zone_hours", "day", "hour"),
    [
        ("2021-03-01T23:30-05:00", 0.0, dt.date(2021, 3, 2), 4.5),
        ("2021-03-01T01:30+02:00", 0.0, dt.date(2021, 2, 28), 23.5),
        ("2021-03-01T23:30-0530", 9.0, dt.date(2021, 3, 2), 5.0),
        ("2021-03-01T06:00:00.000Z", -5.0, dt.date(2021, 3, 1), 6.0),
        ("2021-03-01T23:30", 0.0, dt.date(2021, 3, 1), 23.5),
        ("2021-03-01T23:30", -5.0, dt.date(2021, 3, 2), 4.5),
        ("2021-03-01T24:00+01", 0.0, dt.date(2021, 3, 1), 23.0),
        # No time, so nothing that a zone could move.
        ("2021-03-01", -5.0, dt.date(2021, 3, 1), 0.0),
        ("2021-03-01", 5.0, dt.date(2021, 3, 1), 0.0),
    ],
)
def test_times_in_utc(text, zone_hours, day, hour):
    assert parse_moment(text).utc(zone_hours) == day.toordinal() * SECONDS + hour * 3600


@given(
    st.datetimes(min_value=dt.datetime(1900, 1, 1), max_value=dt.datetime(2200, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
)
def test_utc_as_python_has_it(stamp, minutes):
    zone = dt.timezone(dt.timedelta(minutes=minutes))
    local = stamp.replace(tzinfo=zone, microsecond=0)
    expected = local.astimezone(dt.timezone.utc)
    seconds = expected.hour * 3600 + expected.minute * 60 + expected.second
    assert divmod(parse_moment(local.isoformat()).utc(3.0), SECONDS) == (expected.toordinal(), seconds)
