"""A report as one HTML file: no network, no scripts, readable on a screen and printed on A4."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from .figure import Picture
from .number_table import Told, numbers_table

#: The template of a page and its style sheet.
_TEMPLATES = Path(__file__).parents[1] / "resources" / "report"
# A hyphen or a minus sign before digits, a per cent sign or a star after them.
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
        self._title = self._section = title
        self._told: list[Told] = []
        self._parts: list[dict[str, object]] = []
        self._footer = ""
        if subtitle:
            self._tell("subtitle", subtitle)
            self._add("subtitle", text=subtitle)

    def heading(self, text: str) -> Page:
        """A section."""
        self._section = text
        self._tell("heading", text)
        return self._add("heading", text=text)

    def paragraph(self, text: str) -> Page:
        """A paragraph of plain text."""
        self._tell("text", text)
        return self._add("text", text=text)

    def facts(self, pairs: Sequence[tuple[str, str]]) -> Page:
        """Names and what they are, a line each."""
        for name, value in pairs:
            self._tell("fact", name, name)
            self._tell("fact", value, name)
        return self._add("facts", pairs=list(pairs))

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> Page:
        """A table of texts; columns of numbers are aligned to the right.

        Raises
        ------
        ValueError
            If a row is not as long as the headers.
        """
        if any(len(row) != len(headers) for row in rows):
            raise ValueError("a row of the table is not as long as its headers")
        numbers = [_is_numeric([row[column] for row in rows]) for column in range(len(headers))]
        self._tell_table(headers, rows, numbers, caption)
        return self._add(
            "table",
            headers=list(zip(headers, numbers)),
            rows=[list(zip(row, numbers)) for row in rows],
            caption=caption,
        )

    def warnings(self, texts: Sequence[str]) -> Page:
        """Sentences that a reader should not miss; nothing for none."""
        if not texts:
            return self
        for text in texts:
            self._tell("warning", text)
        return self._add("warnings", texts=list(texts))

    def picture(self, png: bytes, alt: str, caption: str = "") -> Page:
        """A picture inside the page; `alt` says in words what it shows."""
        for text in png.texts if isinstance(png, Picture) else ():
            self._tell("figure", text, alt)
        self._tell("caption", caption)
        data = base64.b64encode(png).decode("ascii")
        return self._add("picture", alt=alt, data=data, caption=caption)

    def manifest(self, sections: Mapping[str, Mapping[str, object]]) -> Page:
        """What the results came from: sections (inputs, settings, versions) of names and values."""
        self.heading("How these numbers came about")
        for section, entries in sections.items():
            self.paragraph(section)
            self.facts(
                [(name, "none" if value in (None, "") else str(value)) for name, value in entries.items()]
            )
        return self

    def footer(self, text: str) -> Page:
        """The last line."""
        self._tell("footer", text)
        self._footer = text
        return self

    def numbers(self) -> str:
        """All numbers that the page tells, those written in its pictures too, as a CSV table."""
        return numbers_table(self._told)

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

    def _tell(self, part: str, text: str, row: str = "", column: str = "") -> None:
        self._told.append(Told(self._section, part, row, column, text))

    def _tell_table(
        self, headers: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[bool], caption: str
    ) -> None:
        self._tell("caption", caption)
        # What tells the rows apart: the columns of words before the first one of numbers.
        words = max(1, len(list(takewhile(lambda number: not number, numbers))))
        for header in headers:
            self._tell("header", header)
        for row in rows:
            name = ", ".join(text for text in row[:words] if text)
            for header, text in zip(headers, row):
                self._tell("table", text, name, header)

    def _add(self, kind: str, **fields: object) -> Page:
        self._parts.append({"kind": kind, **fields})
        return self


def _is_numeric(texts: Sequence[str]) -> bool:
    told = [text for text in texts if text.strip()]
    return bool(told) and all(_NUMBER.fullmatch(text.strip()) for text in told)


@dataclass(frozen=True)
class Table:
    """Headers and rows of texts."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
