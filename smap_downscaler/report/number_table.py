"""The numbers that a report tells, as a table: a row a number, with the place where it stands."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

HEADERS = ("section", "part", "row", "column", "number", "unit", "text")
_EXPONENT = re.compile(r"\$[^$]*\$")
_DATE = re.compile(r"(?<![\w-])\d{4}-\d{2}-\d{2}(?![\w-])")
# Neither within a word (twi_fd8, R2, a hash) nor part of a version (1.24.2).
_NUMBER = re.compile(
    r"(?<![\w.])(?<![A-Za-z]-)[+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?!\w|\.[0-9]|,[0-9]{3})"
)


class Told(NamedTuple):
    """A text of a page and where it stands: under which heading, in what, in which row and column."""

    section: str
    part: str
    row: str
    column: str
    text: str


def numbers_in(text: str) -> Iterator[tuple[str, str]]:
    """Each number of a text without thousands separators, and "%" where it is a per cent.

    Dates are none, nor are the digits of names, units, versions and hashes.
    """
    plain = _DATE.sub(" ", _EXPONENT.sub(" ", text.replace("\u2212", "-")))
    for found in _NUMBER.finditer(plain):
        unit = "%" if plain[found.end() :].lstrip(" \u00a0\u202f").startswith("%") else ""
        yield found.group().replace(",", ""), unit


def numbers_table(all_told: Iterable[Told]) -> str:
    """A CSV table of all numbers, in the order of the page."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEADERS)
    for told in all_told:
        for number, unit in numbers_in(told.text):
            writer.writerow((*told[:-1], number, unit, told.text))
    return stream.getvalue()
