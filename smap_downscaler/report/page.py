"""A report as one HTML file: no network, no scripts, readable on a screen and printed on A4."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from urllib.parse import quote

from .figure import Picture
from .number_table import Told, numbers_table

# Dark blue on white with grey rules: nothing is told by colour alone.
_CSS = """
@page { size: A4; margin: 14mm 12mm; }
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 15px/1.5 "Noto Sans", "Segoe UI", "Open Sans", Helvetica, Arial, sans-serif; color: #1a1a1a;
  background: #fff; max-width: 1080px; margin: 0 auto; padding: 1.5em 1.5em 3em; }
h1 { font-size: 1.7em; line-height: 1.2; margin: 0 0 .2em; color: #12395b; }
h2 { font-size: 1.2em; margin: 2em 0 .4em; padding-bottom: .2em; border-bottom: 2px solid #12395b;
  color: #12395b; }
p { margin: .4em 0 .8em; max-width: 75ch; }
.subtitle { color: #555; margin-top: 0; }
h1, h2, .subtitle, caption { break-after: avoid; break-inside: avoid; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .4em 0 1em; font-size: .82em; line-height: 1.35; }
caption { caption-side: top; text-align: left; color: #444; padding-bottom: .4em; }
thead { display: table-header-group; break-inside: avoid; }
tr { break-inside: avoid; }
th { text-align: left; vertical-align: bottom; border-bottom: 1.5px solid #1a1a1a; padding: .3em .7em; }
td { vertical-align: top; border-bottom: 1px solid #d0d0d0; padding: .3em .7em; }
.number + :not(.number) { padding-left: 1.6em; }
td:first-child, th:first-child { padding-left: .2em; }
td:last-child, th:last-child { padding-right: .2em; }
tbody tr:nth-child(even) { background: #f5f6f8; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
ul.warnings { list-style: none; padding: 0; margin: .4em 0 1em; }
ul.warnings li { border-left: 5px solid #b35900; background: #fff6ec; padding: .35em .8em; margin: .3em 0;
  font-size: .92em; overflow-wrap: anywhere; break-inside: avoid; }
ul.warnings li::before { content: "Warning. "; font-weight: 700; }
figure { margin: .6em 0 1em; break-inside: avoid; }
figure img { max-width: 100%; height: auto; display: block; }
figcaption { color: #444; font-size: .85em; margin-top: .4em; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15em 1.2em; margin: .4em 0 1em; }
dt { color: #555; }
dd { margin: 0; overflow-wrap: anywhere; }
footer { margin-top: 3em; color: #666; font-size: .8em; border-top: 1px solid #d0d0d0; padding-top: .5em; }
@media print {
  body { font-size: 9.5pt; padding: 0; max-width: none; }
  table { font-size: 7.2pt; width: 100%; }
  th, td { padding: .2em .4em; }
  .number + :not(.number) { padding-left: 1.4em; }
  .scroll { overflow: visible; }
  figure img { max-height: 238mm; width: auto; margin: 0 auto; }
  p { max-width: none; orphans: 3; widows: 3; }
  h2 { margin-top: 1.2em; }
  /* Tables are not cut after their first rows or before their last. */
  h2 + p, h2 + .scroll + p { break-inside: avoid; }
  h2 + p:has(+ figure), h2 + p:has(+ .scroll), p:has(+ dl) { break-after: avoid; }
  tbody tr:nth-child(-n + 3) { break-after: avoid; }
  tbody tr:nth-last-child(-n + 3) { break-before: avoid; }
  .scroll:not(:has(tr:nth-child(13))) { break-inside: avoid; }
  dl { font-size: 8pt; line-height: 1.35; gap: .05em 1.2em; }
  dt { break-after: avoid; }
  dd { break-inside: avoid; }
}
"""
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
        self._parts = [f"<h1>{_text(title)}</h1>"]
        if subtitle:
            self._tell("subtitle", subtitle)
            self._parts.append(f'<p class="subtitle">{_text(subtitle)}</p>')
        self._footer = ""

    def heading(self, text: str) -> Page:
        """A section."""
        self._section = text
        self._tell("heading", text)
        return self._add(f"<h2>{_text(text)}</h2>")

    def paragraph(self, text: str) -> Page:
        """A paragraph of plain text."""
        self._tell("text", text)
        return self._add(f"<p>{_text(text)}</p>")

    def facts(self, pairs: Sequence[tuple[str, str]]) -> Page:
        """Names and what they are, a line each."""
        for name, value in pairs:
            self._tell("fact", name, name)
            self._tell("fact", value, name)
        rows = "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in pairs)
        return self._add(f"<dl>{rows}</dl>")

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
        head = "".join(f"<th{_class(number)}>{_text(text)}</th>" for text, number in zip(headers, numbers))
        body = "".join(
            "<tr>"
            + "".join(f"<td{_class(n)}>{_text(text)}</td>" for text, n in zip(row, numbers))
            + "</tr>\n"
            for row in rows
        )
        told = f"<caption>{_text(caption)}</caption>" if caption else ""
        return self._add(
            f'<div class="scroll"><table>{told}<thead><tr>{head}</tr></thead>\n'
            f"<tbody>\n{body}</tbody></table></div>"
        )

    def warnings(self, texts: Sequence[str]) -> Page:
        """Sentences that a reader should not miss; nothing for none."""
        if not texts:
            return self
        for text in texts:
            self._tell("warning", text)
        return self._add(
            '<ul class="warnings">' + "".join(f"<li>{_text(text)}</li>" for text in texts) + "</ul>"
        )

    def picture(self, png: bytes, alt: str, caption: str = "") -> Page:
        """A picture inside the page; `alt` says in words what it shows."""
        for text in png.texts if isinstance(png, Picture) else ():
            self._tell("figure", text, alt)
        self._tell("caption", caption)
        data = base64.b64encode(png).decode("ascii")
        told = f"<figcaption>{_text(caption)}</figcaption>" if caption else ""
        return self._add(
            f'<figure><img alt="{html.escape(alt)}" src="data:image/png;base64,{data}">{told}</figure>'
        )

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
        self._footer = f"<footer>{_text(text)}</footer>"
        return self

    def numbers(self) -> str:
        """All numbers that the page tells, those written in its pictures too, as a CSV table."""
        return numbers_table(self._told)

    def html(self, numbers: str = "") -> str:
        """The whole file; `numbers` is the name of the file beside it that has `numbers()`."""
        link = ""
        if numbers:
            link = f'<a href="{html.escape(quote(numbers))}">{_text(numbers)}</a>'
            link = f'<p class="numbers">The numbers of this page as a table: {link}</p>'
        body = "\n".join([*self._parts, link, self._footer])
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{_text(self._title)}</title>\n<style>{_CSS}</style>\n</head>\n"
            f"<body>\n{body}\n</body>\n</html>\n"
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

    def _add(self, part: str) -> Page:
        self._parts.append(part)
        return self


def _text(text: str) -> str:
    return html.escape(text, quote=False)


def _class(number: bool) -> str:
    return ' class="number"' if number else ""


def _is_numeric(texts: Sequence[str]) -> bool:
    told = [text for text in texts if text.strip()]
    return bool(told) and all(_NUMBER.fullmatch(text.strip()) for text in told)


@dataclass(frozen=True)
class Table:
    """Headers and rows of texts."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
