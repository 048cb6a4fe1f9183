"""A report as one HTML file: no network, no scripts, readable on a screen and printed on A4."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from ..base.dates import period_text
from ..base.progress import as_told
from ..base.spreadsheet import inert
from ..base.words import Text, numbers_of, text
from .figure import DPI, Picture

#: Columns of the table of a page's numbers: where it stands, the number as it was worked out, the text.
NUMBER_HEADERS = ("section", "part", "row", "column", "number", "unit", "text")

#: Letters of a name and what it is, of which two stand side by side.
_SHORT = 52
#: The template of a page and its style sheet.
_TEMPLATES = Path(__file__).parents[1] / "resources" / "report"
# A hyphen or a minus sign before digits, a per cent sign or a star after them.
_DIGITS = re.compile(r"\d[\d.,:]*(?:-\d+)*")
_NUMBERS, _DATE = "number", re.compile(r"\d{4}-\d\d-\d\d")
#: A picture that is higher than this, over its width, needs more room to be read.
_SQUARE = 0.8
_NUMBER = re.compile(r"[<>≤≥]?\s?[+\u2212-]?[\d][\d,.]*(?:[eE][+-]?\d+)?\s?%?\*?")


class Page:
    """A page in the making; each method adds a piece below the last one and returns the page.

    Parameters
    ----------
    title : str
    subtitle : str
        One line below it.
    """

    def __init__(self, title: str, subtitle: str = ""):
        # What stands before the first heading has the title for its section.
        self._title, self._section = title, ""
        self._numbers: list[tuple[str, ...]] = []
        self._parts: list[dict[str, object]] = []
        self._footer = ""
        if subtitle:
            self._note("subtitle", subtitle)
            self._add("subtitle", text=subtitle)

    def of(self, dates: Sequence[dt.date] = (), place: str = "") -> Page:
        """The dates that it tells of, ascending, and the area; both stand in the title."""
        told = (self._title, period_text(dates) if dates else "", place)
        self._title = ", ".join(filter(None, told))
        return self

    def heading(self, words: str) -> Page:
        """A section."""
        self._section = words
        self._note("heading", words)
        return self._add("heading", text=words)

    def paragraph(self, words: str) -> Page:
        """A paragraph of plain text, which names parameters as the log does."""
        words = _told(words)
        self._note("text", words)
        return self._add("text", text=words)

    def facts(self, pairs: Sequence[tuple[str, str]]) -> Page:
        """Names and what they are, a line each; where all are short two a line."""
        for name, value in pairs:
            self._note("fact", name, name)
            self._note("fact", value, name)
        short = len(pairs) > 1 and all(len(name) + len(value) <= _SHORT for name, value in pairs)
        return self._add("facts", pairs=list(pairs), short=short)

    def links(self, pairs: Sequence[tuple[str, str]]) -> Page:
        """Names and other files, a line each; paths from the page's folder, with `/`."""
        return self._add("links", pairs=list(pairs))

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> Page:
        """A table of texts; columns of numbers are aligned to the right.

        Raises
        ------
        ValueError
            If a row is not as long as the headers.
        """
        if any(len(row) != len(headers) for row in rows):
            raise ValueError("a row of the table is not as long as its headers")
        looks = [_look_of([row[column] for row in rows]) for column in range(len(headers))]
        self._note_table(headers, rows, [look == _NUMBERS for look in looks], caption)
        return self._add(
            "table",
            headers=list(zip(headers, looks)),
            rows=[list(zip(row, looks)) for row in rows],
            caption=caption,
        )

    def warnings(self, texts: Sequence[str]) -> Page:
        """Sentences that a reader should not miss; nothing for none.

        They name parameters as the log does. Those that differ in numbers and dates only stand together.
        """
        if not texts:
            return self
        groups: dict[str, list[str]] = {}
        for bare in texts:
            words = _told(bare)
            self._note("warning", words)
            groups.setdefault(_DIGITS.sub("0", words), []).append(words)
        return self._add("warnings", groups=list(groups.values()))

    def picture(self, png: bytes, alt: str, caption: str = "") -> Page:
        """A picture inside the page; `alt` says in words what it shows."""
        for words in png.texts if isinstance(png, Picture) else ():
            self._note("figure", words, alt)
        self._note("caption", caption)
        data = base64.b64encode(png).decode("ascii")
        shape = _shape_of(png)
        return self._add("picture", alt=alt, data=data, caption=caption, **shape)

    def manifest(self, sections: Mapping[str, Mapping[str, object]]) -> Page:
        """What the results came from: sections (inputs, settings, versions) of names and values."""
        self.heading("How these numbers came about")
        for section, entries in sections.items():
            self.paragraph(section)
            self.facts(
                [
                    (name, "none" if value in (None, "") else text("{}", value))
                    for name, value in entries.items()
                ]
            )
        return self

    def footer(self, words: str) -> Page:
        """The last line."""
        self._footer = words
        return self

    def numbers(self) -> str:
        """The numbers of the page and of its pictures as they were worked out, as a CSV table.

        Those of a plain text, which explains or names something, are not among them.
        """
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(NUMBER_HEADERS)
        writer.writerows(map(inert, (row[0] or self._title, *row[1:])) for row in self._numbers)
        return stream.getvalue()

    def html(self, numbers: str = "") -> str:
        """The whole file; `numbers` is the name of the file beside it that has `numbers()`."""
        from jinja2 import Environment, FileSystemLoader

        templates = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        return templates.get_template("page.html").render(
            title=self._title, parts=self._parts, numbers=numbers, footer=self._footer
        )

    def _note(self, part: str, words: str, row: str = "", column: str = "") -> None:
        for number in numbers_of(words):
            place = (self._section, part, row, column or number.name)
            self._numbers.append((*place, repr(number.value), number.unit, words))

    def _note_table(
        self, headers: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[bool], caption: str
    ) -> None:
        self._note("caption", caption)
        # What tells the rows apart: the columns of words before the first one of numbers.
        first = max(1, len(list(takewhile(lambda number: not number, numbers))))
        for header in headers:
            self._note("header", header)
        for row in rows:
            name = ", ".join(cell for cell in row[:first] if cell)
            for header, cell in zip(headers, row):
                self._note("table", cell, name, header)

    def _add(self, kind: str, **fields: object) -> Page:
        self._parts.append({"kind": kind, **fields})
        return self


def _told(words: str) -> Text:
    return Text(as_told(words), numbers_of(words))


def _shape_of(png: bytes) -> dict[str, object]:
    """Width of a picture in inches, and what its shape is: `sheet` (high), `square` or nothing."""
    # They begin the first chunk of a PNG.
    width, height = (int.from_bytes(png[start : start + 4], "big") for start in (16, 20))
    kind = "sheet" if height > width else "square" if height > _SQUARE * width else ""
    return {"width": f"{width / DPI:.2f}", "shape": kind}


def _look_of(texts: Sequence[str]) -> str:
    """The class of a column: of numbers, of dates, or none."""
    told = [text.strip() for text in texts if text.strip()]
    for look, form in ((_NUMBERS, _NUMBER), ("date", _DATE)):
        if told and all(form.fullmatch(text) for text in told):
            return look
    return ""


@dataclass(frozen=True)
class Table:
    """Headers and rows of texts."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
