"""Year and month in the names of files and bands."""

from __future__ import annotations

import re

from .dates import find_date

_YEAR = r"(?:19|20)\d\d"
#: Two years in a row are the period of a climatology, no date.
_PERIOD = re.compile(rf"(?<!\d){_YEAR}[-._]{_YEAR}(?!\d)")
_YEAR_MONTH = re.compile(rf"(?<!\d)(?P<year>{_YEAR})[-._]?(?P<month>0[1-9]|1[0-2])(?!\d)")
YearMonth = tuple[int, int]


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
