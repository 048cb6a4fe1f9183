"""The table that a page makes of its numbers, and the check that holds page against table."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from report_reader import EXPLAINED, is_rounded, numbers_of, rows_of, unknown_numbers, visible_texts
from smap_downscaler.base.words import counted, text
from smap_downscaler.report.figure import new_figure, png
from smap_downscaler.report.number_text import fixed
from smap_downscaler.report.page import NUMBER_HEADERS, Page


def numbers_table(page):
    rows = list(csv.reader(io.StringIO(page.numbers())))
    assert tuple(rows[0]) == NUMBER_HEADERS
    return [tuple(row) for row in rows[1:]]


def test_each_number_stands_with_its_place_as_it_was_worked_out():
    figure = new_figure(2.0)
    axes = figure.subplots()
    axes.plot([0, 7], [0, 9], label=text("R² = {r2:.2f}", r2=0.61234))
    axes.set_title(text("n = {}", np.int64(44)))
    axes.set_xlabel("3 days")
    axes.legend()
    page = Page("Title", counted(3, "date")).facts([("Rows", text("{:,}", 1200)), ("Path", "20 m")])
    page.warnings([text("{dates} dates lack rain", dates=5), "Since 1999"])
    page.heading("Scores").table(
        ["station", "season", "n", "RMSE"],
        [
            ["A", "wet", text("{}", 12), fixed(0.0412345, ".3f")],
            ["B", "wet", text("{}", 3), fixed(np.nan, ".3f")],
        ],
        text("Of {}", counted(2, "station")),
    )
    page.picture(png(figure), "scatter", text("{share:.0f} % below", share=12.5)).paragraph("no number")
    page.footer("version 0.1.0").manifest(
        {"Settings": {"folds": 10, "share": 0.25, "seed": "7", "none": None}}
    )
    settings = ("How these numbers came about", "fact")
    assert numbers_table(page) == [
        ("Title", "subtitle", "", "", "3", "", "3 dates"),
        ("Title", "fact", "Rows", "", "1200", "", "1,200"),
        ("Title", "warning", "", "dates", "5", "", "5 dates lack rain"),
        ("Scores", "caption", "", "", "2", "", "Of 2 stations"),
        ("Scores", "table", "A, wet", "n", "12", "", "12"),
        ("Scores", "table", "A, wet", "RMSE", "0.0412345", "", "0.041"),
        ("Scores", "table", "B, wet", "n", "3", "", "3"),
        ("Scores", "figure", "scatter", "", "44", "", "n = 44"),
        ("Scores", "figure", "scatter", "r2", "0.61234", "", "R² = 0.61"),
        ("Scores", "caption", "", "share", "12.5", "%", "12 % below"),
        (*settings, "folds", "", "10", "", "10"),
        (*settings, "share", "", "0.25", "", "0.25"),
    ]


def test_the_page_names_its_table():
    page = Page("Title", "sub")
    assert (
        'The numbers of this page as a table: <a href="my%20%26_numbers.csv">my &amp;_numbers.csv</a>'
        in page.html("my &_numbers.csv")
    )
    assert "<a " not in page.html()


def test_a_number_that_lost_its_value_is_found(tmp_path):
    page = Page("Title", text("{} of {}", 3, 4)).paragraph(f"RMSE {0.123:.2f}").paragraph(text("n {}", 5))
    (tmp_path / "numbers.csv").write_text(page.numbers(), encoding="utf-8")
    rows, shown = rows_of(tmp_path / "numbers.csv"), visible_texts(page.html())
    assert unknown_numbers(shown, rows) == ([("0.12", "RMSE 0.12")], {})
    assert unknown_numbers([one for one in shown if one != "n 5"], rows)[1] == {"n 5": [5.0]}
    assert unknown_numbers(["3 of 5"], rows)[0] == [("3", "3 of 5"), ("5", "3 of 5")]


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("-0.12 (-0.20 to \u22120.05)", ["-0.12", "-0.20", "-0.05"]),
        ("1,278 cells, 25.0 % of 5,112.", ["1278", "25.0", "5112"]),
        ("2e-05 and 1.5E+3", ["2e-05", "1.5E+3"]),
        ("twi_fd8, p_ant3, R2, map10.tif, a-12, 2021-03-04, NumPy 1.24.2", []),
        ("5 m$^3$ m$^{-3}$", ["5"]),
        ("Grey: 0.04-0.06 over 9 km", []),
    ],
)
def test_numbers_that_a_reader_sees(words, numbers):
    assert numbers_of(EXPLAINED.sub(" ", words)) == numbers


@pytest.mark.parametrize(
    ("word", "value", "same"),
    [("0.12", 0.1249, True), ("0.12", 0.126, False), ("2e-05", 2.4e-5, True), ("1200", 1200.4, True),
     ("3", 4, False), ("-0.0", 0.04, True)],
)  # fmt: skip
def test_a_number_is_its_value_rounded(word, value, same):
    assert is_rounded(word, value) is same
