"""What a report says, read without the code that wrote it, beside the table of its numbers."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import re
from collections import defaultdict
from html.parser import HTMLParser

import pytest

#: What may stand directly beside a number.
AROUND = re.compile(r"[\s()\[\]:;/=<>≤≥\u00d7±*|]+|,(?=\s|$)|(?<=[0-9])-(?=[0-9.])|\.(?=\s|$)|\.\.\.")

#: The section of a page that says what its results came from.
MANIFEST = "How these numbers came about"
#: Numbers that explain or name something, in whatever report: they come from no result.
EXPLAINED = re.compile(
    r"0\.04-0\.06|\b(?:9|30) km\b|\b100 m\b|(?<![.\d])(?:25|75|95) %|\bblocks of \S+ km\b|<0\.1 %|>99\.9 %"
    r"|\bEPSG:\d+|\bEASE-Grid 2\.0|\b1:1\b|\b[1n] - [1SΣ]|\b[Rr]ow \d+, col \d+"
    r"|n \(1 - a\) / \(1 \+ a\)|\b0 dB: error|\+3 dB: half"
    r"|n min\(q, 1 - q\) < 5|\bfewer than 5 blocks|\bOf 20 blocks of .+ from -0\.6 to 0\.4|\bover 1\b"
    r"|\b0\.5 the middle|\bdoes not give 1\b|\bIt is 0 where|\bexactly 1 or -1\b|\babove 1 %"
    r"|\bTable [B\d]+\b|\bFigs?\. [BS\d]+\b|\bet al\. \d{4}|\bddof [01]\b|10(?:\u207b\u2076|\$\^\{-6\}\$)"
    r"|\bTables \d-\d\b|\bSoilGrids(?: 2\.0|250m 2017| 2017)|\bZenodo \d+|\b(?:\d+-)?\d+ cm\b|\b\d+ kPa\b"
    r"|\bMcGlynn 2007\b|\bFreeman 1991\b|\bbands? \d+\b|\bApley & Zhu 2020\b"
    r"|\bMeyer & Pebesma 2021\b|\blandcover = \d\b"
    # In the label of a parameter.
    r"|\([^()]*\) \[[A-Z][A-Z_]*\]"
    r"|\bBreiman 2001\b|\beigenvalue 1\b|\bdotted circle: 1\b|\bis 0 where\b|\b(?:above|below) 0\b"
)


class _Texts(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.texts, self._element = [], ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self._element = tag

    def handle_data(self, data):
        if self._element not in ("style", "title", "a") and data.strip():
            self.texts.append(data)


def visible_texts(page):
    """The texts that a browser shows, an element each."""
    return _Texts(page).texts


def numbers_of(text):
    """Each word of a text that is a number, as it is written; dates are none."""
    found = []
    text = re.sub(r"\$[^$]*\$", " ", text).replace("\u2212", "-")
    text = " ".join(word for word in text.split() if not _is_date(word.strip(".,;:()")))
    for word in AROUND.split(text):
        word = word.strip().rstrip("%").rstrip(",.").replace(",", "")
        try:
            number = float(word)
        except ValueError:
            continue
        if math.isfinite(number):
            found.append(word)
    return found


def is_rounded(word, value):
    """Whether a number as it is written is this value, rounded."""
    digits, _, exponent = word.lower().partition("e")
    step = 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2]))
    return abs(float(word) - value) <= 0.5000001 * step


def _is_date(word):
    try:
        dt.date.fromisoformat(word)
    except ValueError:
        return False
    return True


class FigureTexts:
    """Notes what is written in figures that are saved from now on, besides the labels of their ticks."""

    def __init__(self, monkeypatch):
        from matplotlib.figure import Figure

        self.texts, save = [], Figure.savefig

        def noting(figure, *args, **options):
            save(figure, *args, **options)
            self.texts += _written(figure)

        monkeypatch.setattr(Figure, "savefig", noting)


def _written(figure):
    artists, titles = [*figure.texts], []
    for legend in [*figure.legends, *(axes.get_legend() for axes in figure.axes)]:
        artists += [*legend.get_texts(), legend.get_title()] if legend is not None else []
    for axes in figure.axes:
        titles += [axes.get_title(loc=side) for side in ("left", "center", "right")]
        artists += [*axes.texts, axes.xaxis.label, axes.yaxis.label]
        artists += [
            text for table in axes.tables for text in (c.get_text() for c in table.get_celld().values())
        ]
    return [*titles, *(artist.get_text() for artist in artists if artist.get_visible())]


def rows_of(table):
    """The rows of a table of numbers."""
    with open(table, encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def unknown_numbers(texts, rows):
    """Numbers of texts that neither stand in the rows of the table, nor explain; rows that are nowhere."""
    pool = defaultdict(list)
    for row in rows:
        # A text that a spreadsheet would take for a formula stands after an apostrophe.
        pool[row["text"].strip().removeprefix("'")].append(float(row["number"]))
    unknown = []
    for text in texts:
        values = pool[text.strip()]
        for word in numbers_of(EXPLAINED.sub(" ", text)):
            if not _take(word, values):
                unknown.append((word, text))
        # Those that explain may stand there too: 95 % where it was chosen.
        for phrase in EXPLAINED.finditer(text):
            for word in numbers_of(phrase.group()):
                _take(word, values)
    return unknown, {text: values for text, values in pool.items() if values}


def _take(word, values):
    """Whether a number as it is written is one of the values, which is taken out."""
    value = next((value for value in values if is_rounded(word, value)), None)
    if value is not None:
        values.remove(value)
    return value is not None


def check_numbers(outputs, figures):
    """Each number that page and figures show stands in the table as it was worked out, and no other."""
    with open(outputs["REPORT"], encoding="utf-8") as stream:
        page = stream.read()
    assert page.count("<img") == 0 or figures.texts
    assert sum(len(numbers_of(text)) for text in visible_texts(page.partition(MANIFEST)[0])) > 10
    _check(page, rows_of(outputs["REPORT_NUMBERS"]), figures)


def check_page(page, figures):
    """As `check_numbers`, of a page that is in no file."""
    _check(page.html(), list(csv.DictReader(io.StringIO(page.numbers()))), figures)


def checked_page(make, *given):
    """What makes a page makes of what is given, held against the table of its numbers."""
    with pytest.MonkeyPatch.context() as patch:
        figures = FigureTexts(patch)
        page = make(*given)
    check_page(page, figures)
    return page


def _check(page, rows, figures):
    body = [row for row in rows if row["section"] != MANIFEST]
    # Inputs and settings are quoted there as they were given.
    shown = visible_texts(page.partition(MANIFEST)[0])
    unknown, unseen = unknown_numbers([*shown, *figures.texts], body)
    assert not unknown, unknown
    assert not unseen, unseen
    assert {row["section"] for row in rows} <= {text.strip() for text in visible_texts(page)}
