"""Dates and times in tables, in the forms of ISO 8601."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

_DATE = (
    r"(?P<year>\d{4})(?:(?P<sign>[-/.]?)(?P<month>\d\d)(?P=sign)(?P<day>\d\d)"
    r"|(?P<hyphen>-?)W(?P<week>\d\d)(?P=hyphen)(?P<weekday>[1-7])|-?(?P<doy>\d{3}))"
)
# Without a T only after all eight digits of a date, as in 202108121000.
_TIME = (
    r"(?:(?:[T ]\s*|(?<=\d{8}))(?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,]\d+)?)?)?"
    r"\s*(?P<zone>Z|(?P<ahead>[+-])(?P<hours>\d\d)(?::?(?P<minutes>\d\d))?)?)?"
)
_TIMESTAMP = re.compile(rf"\s*{_DATE}{_TIME}\s*", re.ASCII | re.IGNORECASE)
_SECOND = dt.timedelta(seconds=1)
#: Seconds of a day.
DAY = 86_400
#: Hours that a clock may be ahead of UTC, or behind it.
MOST_ZONE = 14


@dataclass(frozen=True)
class Moment:
    """A time as a text gives it.

    Attributes
    ----------
    clock : datetime
        The time on the clock that was read, to the second; midnight where there is only a date.
    has_time : bool
        Whether there is more than a date.
    zone : timedelta or None
        How far the clock is ahead of UTC, if that is known.
    """

    clock: dt.datetime
    has_time: bool
    zone: dt.timedelta | None = None

    def utc(self, zone_hours: float = 0.0) -> int:
        """Seconds in UTC since the beginning of day 0 (`toordinal`), so that no year is out of range.

        A clock without a zone is taken to be `zone_hours` ahead of UTC.  A date alone stays as it
        is: it has no time that a zone could move to another day.
        """
        clock = self.clock
        read = clock.toordinal() * DAY + clock.hour * 3600 + clock.minute * 60 + clock.second
        if not self.has_time:
            return read
        return read - (round(zone_hours * 3600) if self.zone is None else self.zone // _SECOND)


def parse_moment(text: str) -> Moment | None:
    """The date and time in a text, to the second, or None.

    Understands calendar dates (2021-08-12, 20210812, with slashes or dots too), ordinal dates
    (2021-224) and week dates (2021-W32-4), alone or with a time (T10:00, 10:00:00.5, T1000) and a
    zone (Z, -05:00).

    Source: ISO 8601:2004.
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    part = match.groupdict(default="0")
    try:
        zone = _zone(part) if match["zone"] else None
        date = _date(part)
        hour, minute, second = int(part["hour"]), int(part["minute"]), min(int(part["second"]), 59)
        # 24:00 is the end of a day.
        if hour == 24 and not minute and not second:
            return Moment(dt.datetime.combine(date + dt.timedelta(days=1), dt.time()), True, zone)
        clock = dt.datetime.combine(date, dt.time(hour, minute, second))
        return Moment(clock, match["hour"] is not None, zone)
    except (ValueError, OverflowError):
        return None


def parse_timestamp(text: str) -> dt.datetime | None:
    """The time on the clock in a text, whatever its zone; forms as in `parse_moment`."""
    moment = parse_moment(text)
    return None if moment is None else moment.clock


def _zone(part: dict[str, str]) -> dt.timedelta:
    hours, minutes = int(part["hours"]), int(part["minutes"])
    # No clock on Earth is further from UTC than 14 hours.
    if hours * 60 + minutes > MOST_ZONE * 60 or minutes > 59:
        raise ValueError("no such zone")
    return dt.timedelta(hours=hours, minutes=minutes) * (-1 if part["ahead"] == "-" else 1)


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
