"""What a report says, read without the code that wrote it, beside the table of its numbers."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections import Counter
from html.parser import HTMLParser

#: What may stand directly beside a number.
AROUND = re.compile(r"[\s()\[\]:;/=<>≤≥\u00d7±*|]+|,(?=\s|$)|(?<=[0-9])-(?=[0-9.])|\.(?=\s|$)|\.\.\.")


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
    """Each word of a text that is a number, as a float; dates are none."""
    found = []
    text = re.sub(r"\$[^$]*\$", " ", text).replace("\u2212", "-")
    text = " ".join(word for word in text.split() if not _is_date(word.strip(".,;:()")))
    for word in AROUND.split(text):
        word = word.strip().rstrip("%").rstrip(",.")
        try:
            found.append(float(word.replace(",", "")))
        except ValueError:
            continue
    return [number for number in found if number == number and abs(number) != float("inf")]


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


def check_numbers(outputs, figures):
    """Each number that page and figures show stands as often in the table."""
    with open(outputs["REPORT"], encoding="utf-8") as stream:
        page = stream.read()
    rows = rows_of(outputs["REPORT_NUMBERS"])
    stored = Counter(float(row["number"]) for row in rows)
    shown = Counter(number for text in visible_texts(page) for number in numbers_of(text))
    assert sum(shown.values()) > 10
    drawn = Counter(number for text in figures.texts for number in numbers_of(text))
    assert page.count("<img") == 0 or figures.texts
    missing = shown + drawn - stored
    assert dict(missing) == {}
    assert {row["section"] for row in rows} <= {text.strip() for text in visible_texts(page)}
