"""Texts for logs and reports that keep the values of the numbers in them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from string import Formatter
from typing import Any, NamedTuple

_PER_CENT = re.compile(r"\s?%")


class Number(NamedTuple):
    """A number of a text.

    Attributes
    ----------
    value : float or int
        As it was worked out, not as it is written.
    name : str
        What it is, where the text's own words do not say; may be empty.
    unit : str
        "%", or empty: units stand in the text.
    """

    value: float
    name: str = ""
    unit: str = ""


class Text(str):
    """A text that knows its numbers; it can be used like any other, and `+` keeps them.

    An f-string, `format` and the methods of `str` give a plain text: see `text` and `joined`.

    Attributes
    ----------
    numbers : tuple of Number
        In the order of the text.
    """

    numbers: tuple[Number, ...]

    def __new__(cls, words: str = "", numbers: Iterable[Number] = ()) -> Text:
        """A text of words and the numbers in it."""
        made = super().__new__(cls, words)
        made.numbers = tuple(numbers)
        return made

    def __str__(self) -> str:
        """The text itself: matplotlib asks for `str` of its labels."""
        return self

    def __add__(self, other: str) -> Text:
        """Both one after the other."""
        return joined("", (self, other))

    def __radd__(self, other: str) -> Text:
        """Both one after the other."""
        return joined("", (other, self))


def text(template: str, *values: Any, **named: Any) -> Text:
    """A template like that of `str.format`, filled in, with its numbers.

    Parameters
    ----------
    template : str
        Fields are empty, for the values in their order, or a name of `named`.  A number in front of a
        per cent sign is a per cent.
    values, named
        Numbers; texts, of which the numbers are kept; anything else for its `str`.

    Raises
    ------
    LookupError
        If a value is missing.
    """
    parts: list[str] = []
    numbers: list[Number] = []
    pieces = list(Formatter().parse(template))
    rest = iter(values)
    for index, (words, field, form, _) in enumerate(pieces):
        parts.append(words)
        if field is None:
            continue
        if field:
            value = named[field]
        else:
            value = next(rest, None)
            if value is None:
                raise LookupError(f"a value is missing for: {template}")
        parts.append(format(value, form or ""))
        if isinstance(value, str):
            numbers += numbers_of(value)
            continue
        number = _number(value)
        if number is None:
            continue
        after = pieces[index + 1][0] if index + 1 < len(pieces) else ""
        if (form or "").endswith("%"):
            numbers.append(Number(100 * number, field, "%"))
        else:
            numbers.append(Number(number, field, "%" if _PER_CENT.match(after) else ""))
    return Text("".join(parts), numbers)


def joined(separator: str, texts: Iterable[str]) -> Text:
    """`separator.join` that keeps the numbers of the texts."""
    parts = list(texts)
    return Text(separator.join(parts), (number for part in parts for number in numbers_of(part)))


def numbers_of(words: str) -> tuple[Number, ...]:
    """The numbers that a text knows; none of a plain one."""
    return words.numbers if isinstance(words, Text) else ()


def counted(number: int, thing: str, things: str = "") -> Text:
    """`1 map`, `2 maps`, `1,234 maps`; `things` is the plural where it is not `thing` and an s."""
    return text("{:,} {}", number, thing if number == 1 else things or f"{thing}s")


def _number(value: Any) -> float | None:
    """A finite number as one of Python's, None for anything else."""
    # NumPy's numbers write their type when asked for all digits.
    value = value.item() if hasattr(value, "item") else value
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number and math.isfinite(value) else None
