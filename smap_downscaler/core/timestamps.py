"""Dates and times in tables, in the forms of ISO 8601."""

from __future__ import annotations

import datetime as dt
import re

_DATE = (
    r"(?P<year>\d{4})(?:(?P<sign>[-/.]?)(?P<month>\d\d)(?P=sign)(?P<day>\d\d)"
    r"|(?P<hyphen>-?)W(?P<week>\d\d)(?P=hyphen)(?P<weekday>[1-7])|-?(?P<doy>\d{3}))"
)
# Without a T only after all eight digits of a date, as in 202108121000.
_TIME = (
    r"(?:(?:[T ]\s*|(?<=\d{8}))(?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,]\d+)?)?)?"
    r"\s*(?:Z|[+-]\d\d(?::?\d\d)?)?)?"
)
_TIMESTAMP = re.compile(rf"\s*{_DATE}{_TIME}\s*", re.ASCII | re.IGNORECASE)


def parse_timestamp(text: str) -> dt.datetime | None:
    """The date and time that a text tells, to the second, or None.

    Understands calendar dates (2021-08-12, 20210812, with slashes or dots too), ordinal dates
    (2021-224) and week dates (2021-W32-4), alone or with a time (T10:00, 10:00:00.5, T1000) and a
    zone (Z, -05:00).  The zone is not applied: the day is that of the clock that was read.

    Source: ISO 8601:2004.
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    part = match.groupdict(default="0")
    try:
        date = _date(part)
        hour, minute, second = int(part["hour"]), int(part["minute"]), min(int(part["second"]), 59)
        # 24:00 is the end of a day.
        if hour == 24 and not minute and not second:
            return dt.datetime.combine(date + dt.timedelta(days=1), dt.time())
        return dt.datetime.combine(date, dt.time(hour, minute, second))
    except (ValueError, OverflowError):
        return None


def _date(part: dict[str, str]) -> dt.date:
    year = int(part["year"])
    if part["week"] != "0":
        return dt.date.fromisocalendar(year, int(part["week"]), int(part["weekday"]))
    if part["doy"] != "0":
        date = dt.date(year, 1, 1) + dt.timedelta(days=int(part["doy"]) - 1)
        if date.year != year:
            raise ValueError("no such day of the year")
        return date
    return dt.date(year, int(part["month"]), int(part["day"]))
