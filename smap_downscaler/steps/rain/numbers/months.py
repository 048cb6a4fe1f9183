"""Months in file names: dated ones (1981.01) and those of a climatology (01, enero)."""

from __future__ import annotations

import calendar
import re
import unicodedata

from ....base.seasons_of_year import MONTH_NAMES

#: Days of a February in a mean year, by which the total of a climatology is divided.
FEBRUARY_DAYS = 28.25

_SPANISH = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio",
    "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
)  # fmt: skip


def _names() -> dict[str, int]:
    """Whole names and those of three letters, lower case, in both languages."""
    numbers = {"sept": 9, "set": 9, "setiembre": 9}
    for names in (_SPANISH, MONTH_NAMES):
        for number, name in enumerate(names, start=1):
            numbers[name.lower()] = numbers[name[:3].lower()] = number
    return numbers


_NUMBERS = _names()
_LAST_NUMBER = re.compile(r"(?<!\d)(\d{1,2})$")
_LAST_WORD = re.compile(r"([a-z]+)$")


def month_of(text: str) -> int | None:
    """The month, 1 to 12, that a name without ending closes with: a number or an English or Spanish name."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower().strip()
    number = _LAST_NUMBER.search(plain)
    if number:
        return int(number[1]) if 1 <= int(number[1]) <= 12 else None
    word = _LAST_WORD.search(plain)
    return _NUMBERS.get(word[1]) if word else None


def days_in(year: int, month: int) -> int:
    """Days of a month, leap years known."""
    return calendar.monthrange(year, month)[1]


def mean_days_in(month: int) -> float:
    """Days of a month in a mean year: 28.25 for February."""
    return FEBRUARY_DAYS if month == 2 else float(days_in(2001, month))
