"""What the reports of a folder have of the paper, on one page, and each picture as a file."""

from __future__ import annotations

import base64
import html
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from smap_downscaler.report.page import Page

#: What a heading of a report says of the paper.
_NUMBER = re.compile(r"the paper's ((?:Fig\.|Tables?) [A-Z]?\d+(?:-\d+)?)")
#: The order of the page.
_KINDS = ("Fig. ", "Fig. S", "Fig. B", "Table")


@dataclass(frozen=True)
class Found:
    """A figure or table of the paper: number, heading, report, and the piece of the page with it."""

    number: str
    heading: str
    report: Path
    piece: str


def found_in(report: Path) -> Iterator[Found]:
    """What a report has of the paper, by its headings."""
    page = report.read_text("utf-8")
    parts = re.split(r"<h2>(.*?)</h2>", page)
    for heading, piece in zip(parts[1::2], parts[2::2]):
        words = html.unescape(heading)
        for number in _NUMBER.findall(words):
            yield Found(number, words, report, piece)


def write_index(output: Path, title: str) -> tuple[Path, list[str]]:
    """The page of all figures and tables, and a file of each picture under its number; their numbers."""
    found = [one for report in sorted((output / "reports").glob("*.html")) for one in found_in(report)]
    page = Page(title, "Each figure and table of the paper, made by the steps of the toolbox.")
    folder = output / "figures"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    sheets: dict[str, list[Path]] = {}
    for sheet in sorted(output.glob("fig_*.png")):
        # A sheet of several pages has their numbers at the end of the names.
        name = sheet.stem.split("_")[1]
        sheets.setdefault(f"Fig. {name.upper()}", []).append(
            Path(shutil.copyfile(sheet, folder / sheet.name))
        )
    named = sorted({one.number for one in found} | sheets.keys(), key=_order)
    for number in named:
        page.heading(number)
        for sheet in sheets.get(number, ()):
            page.picture(sheet.read_bytes(), f"{number}: a sheet", "Made by 'Map sheet'.")
        for count, one in enumerate(own for own in found if own.number == number):
            _put(page, one, folder, count)
    index = output / "index.html"
    index.write_text(page.html(), encoding="utf-8")
    return index, named


def _put(page: Page, one: Found, folder: Path, count: int) -> None:
    """A piece of a report: its pictures as files and on the page, and where the tables are."""
    pictures = re.findall(r'<img[^>]*src="data:image/png;base64,([^"]+)"', one.piece)
    for number, data in enumerate(pictures):
        png = base64.b64decode(data)
        (folder / f"{_stem(one.number)}_{one.report.stem}_{count}{number}.png").write_bytes(png)
        page.picture(png, f"{one.number}, from the report of {one.report.stem}")
    for table in re.findall(r"<table.*?</table>", one.piece, re.S):
        head, *rows = map(_cells, re.findall(r"<tr.*?</tr>", table, re.S))
        page.table(head, rows)
    page.paragraph(f"{one.heading}: reports/{one.report.name}")


def _cells(row: str) -> list[str]:
    cells = re.findall(r"<t[hd].*?</t[hd]>", row, re.S)
    return [html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in cells]


def _order(number: str) -> tuple[int, int, str]:
    kind = max((position for position, start in enumerate(_KINDS) if number.startswith(start)), default=0)
    digits = re.search(r"\d+", number)
    return kind, int(digits.group()) if digits else 0, number


def _stem(number: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", number.lower()).strip("_")
