"""Months as users write them, and the seasons that they make."""

from __future__ import annotations

import re

from .errors import InputError

#: The seasons' names in tables.
ALL, WET, DRY = "all", "wet", "dry"
#: The months in English (`calendar` has them in the language of the machine), and as users write them and
#: tables name them.
MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
MONTHS = tuple(name[:3] for name in MONTH_NAMES)
_LOWER = tuple(month.lower() for month in MONTHS)


def parse_months(text: str, parameter: str) -> frozenset[int]:
    """Months such as `Nov-Mar` or `11, 12, 1-3`; an empty text gives none.

    Raises
    ------
    InputError
        For what is no month.
    """
    months: set[int] = set()
    for part in (piece.strip() for piece in text.split(",")) if text.strip() else ():
        ends = [_month(end.strip(), part, parameter) for end in re.split("[-\u2013]", part, maxsplit=1)]
        first, last = ends[0], ends[-1]
        months.update((first - 1 + step) % 12 + 1 for step in range((last - first) % 12 + 1))
    return frozenset(months)


def check_seasons(wet: frozenset[int], dry: frozenset[int]) -> None:
    """Raise `InputError` if a month is in both seasons."""
    both = sorted(wet & dry)
    if both:
        raise InputError(
            f"WET_MONTHS and DRY_MONTHS both hold {MONTHS[both[0] - 1]}; keep it in one of them."
        )


def _month(text: str, part: str, parameter: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= 2 and 1 <= int(text) <= 12:
        return int(text)
    if len(text) >= 3 and text.isalpha() and text[:3].lower() in _LOWER:
        return _LOWER.index(text[:3].lower()) + 1
    raise InputError(f"{parameter}: '{part}' is no month; write months as Nov-Mar or 11, 12, 1-3.")
