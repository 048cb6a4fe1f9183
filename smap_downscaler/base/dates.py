"""Dates in file names and band descriptions."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

from .errors import InputError
from .timestamps import parse_timestamp

_YEAR = r"(?:19|20)\d\d"
#: Two years in a row are the period of a climatology, no date.
_PERIOD = re.compile(rf"(?<!\d){_YEAR}[-._]{_YEAR}(?!\d)")
_YEAR_MONTH = re.compile(rf"(?<!\d)(?P<year>{_YEAR})[-._]?(?P<month>0[1-9]|1[0-2])(?!\d)")
YearMonth = tuple[int, int]

_NO_DIGIT_BEFORE = r"(?<!\d)"
_NO_DIGIT_AFTER = r"(?!\d)"
_YEAR = r"(?P<year>19\d\d|20\d\d)"
_MONTH_DAY = r"(?P<month>0[1-9]|1[0-2])(?P=sep)(?P<day>0[1-9]|[12]\d|3[01])"

# Tried at every position in a name; a run of digits counts only whole, so that
# orbit numbers, versions and 01.tif ... 12.tif are never taken for dates.
_PATTERNS = (
    re.compile(_NO_DIGIT_BEFORE + _YEAR + r"(?P<sep>[-._]?)" + _MONTH_DAY + _NO_DIGIT_AFTER),
    re.compile(
        _NO_DIGIT_BEFORE + _YEAR + r"(?P<sep>)" + _MONTH_DAY + r"(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?(?!\d)"
    ),
    re.compile(_NO_DIGIT_BEFORE + _YEAR + r"(?P<doy>[0-3]\d\d)" + _NO_DIGIT_AFTER),
    # AppEEARS puts the time of day behind.
    re.compile(r"doy" + _YEAR + r"(?P<doy>[0-3]\d\d)(?:[01]\d|2[0-3])[0-5]\d[0-5]\d" + _NO_DIGIT_AFTER),
)

# Known names that hold a day of processing besides, or instead of, that of acquisition: what comes before
# it, and the day, which does not count.
_DAY = r"\d{8}"
_TIME = _DAY + r"T\d{6}"
_PROCESSED = tuple(
    re.compile(r"(?<![A-Za-z0-9])(?P<kept>" + before + ")" + day + r"(?!\d)", re.IGNORECASE)
    for before, day in (
        # Landsat Collections 1 and 2, scenes and tiles (ARD): LXSS_LLLL_PPPRRR_acquired_processed_CC.
        (rf"L[CEOTM]0\d_[A-Z0-9]{{2,4}}_\d{{6}}_{_DAY}_", _DAY + r"(?=_\d\d(?!\d))"),
        # Sentinel-2 since December 2016: MMM_MSIXXX_sensed_Nxxyy_ROOO_Txxxxx_discriminator.
        (rf"S2[A-D]_MSIL\d[A-Z]_{_TIME}_N\d{{4}}_R\d{{3}}_T\d\d[A-Z]{{3}}_", _TIME),
        # The same images in Earth Engine: sensed_processed_Txxxxx.
        (_TIME + "_", _TIME + r"(?=_T\d\d[A-Z]{3}(?![A-Za-z0-9]))"),
        # Sentinel-2 before: products give the time of acquisition as V<start>_<stop>, granules do not.
        (r"S2[A-D]_(?:OPER|USER)_[A-Z0-9_]{10}_[A-Z0-9_]{4}_", _TIME),
    )
)


def find_date(text: str) -> dt.date | None:
    """The one date that `text` (a file name or band description) holds, or None.

    Understands YYYYMMDD, YYYY-MM-DD, YYYY.MM.DD, YYYY_MM_DD, YYYYMMDDhhmm[ss] and
    YYYYDDD (day of year; after "doy" also with hhmmss). In names of Landsat and
    Sentinel-2 the day of processing does not count.

    Raises
    ------
    InputError
        If `text` holds two different dates, or that of its processing only.
    """
    searched = text
    for processed in _PROCESSED:
        searched = processed.sub(r"\g<kept>", searched)
    found = {
        date for pattern in _PATTERNS for match in pattern.finditer(searched) if (date := _date_of(match))
    }
    if len(found) > 1:
        first, second = sorted(found)[:2]
        raise InputError(
            f"{text}: the name holds two dates ({first} and {second}); rename it so that it holds one."
        )
    if not found and searched != text:
        raise InputError(
            f"{text}: the date in the name is that of its processing; put the day of acquisition before it, "
            "such as 20210131_name.tif."
        )
    return found.pop() if found else None


def _date_of(match: re.Match[str]) -> dt.date | None:
    part = match.groupdict()
    year = int(part["year"])
    try:
        if "doy" in part:
            date = dt.date(year, 1, 1) + dt.timedelta(days=int(part["doy"]) - 1)
            return date if date.year == year and int(part["doy"]) > 0 else None
        return dt.date(year, int(part["month"]), int(part["day"]))
    except ValueError:
        return None


_ISO = re.compile(r"\s*(\d{4})([-/])(\d\d)\2(\d\d)(?!\d)")


def parse_iso_date(text: str) -> dt.date | None:
    """The date of an ISO date or date-time (also with slashes, as OGR writes CSV), or None."""
    match = _ISO.match(text)
    try:
        return dt.date(int(match[1]), int(match[3]), int(match[4])) if match else None
    except ValueError:
        return None


def parse_dates(text: str, parameter: str) -> tuple[dt.date, ...]:
    """The dates of a text, separated by commas or semicolons: ascending, each once; `parameter` is its name.

    Raises
    ------
    InputError
        If a part of it is no date.
    """
    dates = set()
    for part in filter(None, (part.strip() for part in re.split("[,;]", text))):
        # Nothing may stand behind a date: "2021-01-04 2021-07-09" is not the first of them.
        moment = parse_timestamp(part)
        if moment is None:
            raise InputError(
                f"{parameter}: '{part}' is no date; write dates as YYYY-MM-DD, separated by commas."
            )
        dates.add(moment.date())
    return tuple(sorted(dates))


def is_within(date: dt.date, start: dt.date | None, end: dt.date | None) -> bool:
    """Whether a date lies in a period, both ends included; None leaves an end open."""
    return (start is None or date >= start) and (end is None or date <= end)


def evenly_thinned(dates: Sequence[dt.date], most: int) -> list[dt.date]:
    """At most `most` of the dates, evenly by number, the first and the last among them; 0 for all."""
    if not 0 < most < len(dates):
        return list(dates)
    if most == 1:
        return [dates[0]]
    return [dates[round(number * (len(dates) - 1) / (most - 1))] for number in range(most)]


def period_text(dates: Sequence[dt.date]) -> str:
    """The first and the last of ascending dates, `2021-01-01 to 2021-01-31`, or the only one."""
    first, last = dates[0], dates[-1]
    return f"{first}" if first == last else f"{first} to {last}"


def year_and_month(text: str) -> YearMonth | None:
    """The year and month of a dated name (YYYYMM, YYYY-MM, YYYY.MM, YYYY_MM, or a whole date), or None.

    Raises
    ------
    InputError
        If the name holds two whole dates.
    """
    date = find_date(text)
    if date:
        return date.year, date.month
    match = None if _PERIOD.search(text) else _YEAR_MONTH.search(text)
    return (int(match["year"]), int(match["month"])) if match else None
