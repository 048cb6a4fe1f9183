"""Which numbers a text tells, and the table that a page makes of its own."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.report.figure import new_figure, png
from smap_downscaler.report.number_table import HEADERS, numbers_in
from smap_downscaler.report.page import Page


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0.04-0.06 m³ m⁻³", [("0.04", ""), ("0.06", "")]),
        ("-0.12 (-0.20 to \u22120.05)", [("-0.12", ""), ("-0.20", ""), ("-0.05", "")]),
        ("1,278 cells, 25.0 % of 5,112.", [("1278", ""), ("25.0", "%"), ("5112", "")]),
        ("10-fold, 3 of 8 dates: 12%", [("10", ""), ("3", ""), ("8", ""), ("12", "%")]),
        ("2e-05 and 1.5E+3", [("2e-05", ""), ("1.5E+3", "")]),
        ("1, 2,3", [("1", ""), ("2", ""), ("3", "")]),
        ("twi_fd8, p_ant3, R2, map10.tif, a-12", []),
        ("2021-03-04 to 2021-03-31", []),
        ("NumPy 1.24.2", []),
        ("5 m$^3$ m$^{-3}$", [("5", "")]),
        ("8f3a12", []),
        ("", []),
    ],
)
def test_numbers_of_a_text(text, numbers):
    assert list(numbers_in(text)) == numbers


@given(
    st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=6), st.sampled_from([".4f", ",.2f", ".5g", ",.0f"])
)
def test_formatted_numbers_come_back(values, form):
    text = " to ".join(f"{value:{form}}" for value in values)
    assert [float(number) for number, _unit in numbers_in(text)] == [
        float(f"{value:{form}}".replace(",", "")) for value in values
    ]


def rows_of(page):
    rows = list(csv.reader(io.StringIO(page.numbers())))
    assert tuple(rows[0]) == HEADERS
    return [tuple(row) for row in rows[1:]]


def test_each_number_stands_with_its_place():
    figure = new_figure(2.0)
    axes = figure.subplots()
    axes.plot([0, 7], [0, 9], label="R² = 0.61")
    axes.set_title("n = 44")
    axes.legend()
    page = Page("Title", "3 dates").facts([("Rows", "1,200")]).warnings(["5 dates lack rain"])
    page.heading("Scores").table(
        ["station", "season", "n", "RMSE"], [["A", "wet", "12", "0.041"]], "Of 2 stations"
    )
    page.picture(png(figure), "scatter", "Band: 0.04").paragraph("no number").footer("version 0.1.0")
    assert rows_of(page) == [
        ("Title", "subtitle", "", "", "3", "", "3 dates"),
        ("Title", "fact", "Rows", "", "1200", "", "1,200"),
        ("Title", "warning", "", "", "5", "", "5 dates lack rain"),
        ("Scores", "caption", "", "", "2", "", "Of 2 stations"),
        ("Scores", "table", "A, wet", "n", "12", "", "12"),
        ("Scores", "table", "A, wet", "RMSE", "0.041", "", "0.041"),
        ("Scores", "figure", "scatter", "", "44", "", "n = 44"),
        ("Scores", "figure", "scatter", "", "0.61", "", "R² = 0.61"),
        ("Scores", "caption", "", "", "0.04", "", "Band: 0.04"),
    ]


def test_the_page_names_its_table():
    page = Page("Title", "sub")
    assert (
        'The numbers of this page as a table: <a href="my%20%26_numbers.csv">my &amp;_numbers.csv</a>'
        in page.html("my &_numbers.csv")
    )
    assert "<a " not in page.html()
