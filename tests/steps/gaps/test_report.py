"""The report of filled gaps: its words, its figures, and the odd cases."""

from __future__ import annotations

import datetime as dt
import io
import re
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest

from report_reader import checked_page
from smap_downscaler.geo.grid import Grid
from smap_downscaler.preflight.layer_check import LayerCheck, Preflight
from smap_downscaler.steps.gaps.figures import courses
from smap_downscaler.steps.gaps.numbers.outcome import DayCounts, GapReport
from smap_downscaler.steps.gaps.numbers.scores import (
    CLIMATOLOGY,
    FOREST,
    LINEAR,
    CellCourse,
    HiddenDays,
    score_gaps,
    typical_cells,
)
from smap_downscaler.steps.gaps.report import gaps_page

FIRST = dt.date(2020, 1, 1)
GRID = Grid("EPSG:6933", 0.0, 0.0, 9000.0, 9000.0, 12, 12)


def hidden(cell, error, days=30, seed=0):
    """Hidden days of a cell whose forests err by `error`, and linear interpolation by twice as much."""
    rng = np.random.default_rng(seed)
    observed = rng.uniform(0.1, 0.4, days)
    noise = rng.choice([-1, 1], days)
    predicted = {
        name: observed + factor * error * noise
        for name, factor in ((FOREST, 1.0), (LINEAR, 2.0), (CLIMATOLOGY, 3.0))
    }
    ordinals = FIRST.toordinal() + 2 * np.arange(days)
    return HiddenDays(cell, ordinals, observed, 1 + np.arange(days) % 12, predicted)


def courses_of(results):
    courses = []
    for cell in typical_cells(results):
        dates = tuple(FIRST + dt.timedelta(days=number) for number in range(60))
        values = np.random.default_rng(1).uniform(0.1, 0.4, 60).astype(np.float32)
        values[5] = np.nan
        courses.append(CellCourse(cell, dates, values, np.arange(60) % 2 == 1))
    return courses


def report_of(results, **changed):
    given = {
        "files": {FIRST + dt.timedelta(number): Path("day.tif") for number in range(60)},
        "counts": {FIRST: DayCounts(5, 1000, 2, 3), FIRST + dt.timedelta(1): DayCounts(5, 234, 2, 3)},
        "forests": 7,
        "period": 10,
        "hidden": results,
        "scores": score_gaps(results),
        "observed": sum(len(result.days) for result in results),
        "filled_at": {"1": 30, "2": 0, "3-5": 10, "6-10": 0, "over 10": 0},
    }
    return GapReport(**{**given, **changed})


def page_of(report, courses=None, manifest=None, end=""):
    shown = courses_of(report.hidden) if courses is None else courses
    before = Preflight([LayerCheck("SMAP", "EPSG:6933")], ["a < b"], "the SMAP cells")
    return checked_page(gaps_page, report, shown, GRID, before, manifest or {}, end)


def pictures(page):
    return [b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', page)]


def test_words_and_numbers():
    results = [hidden((row, 3), 0.01 * (row + 1), seed=row) for row in range(4)]
    report = report_of(results)
    page = page_of(report, manifest={"Input": {"SMAP series": "a & b"}}, end="the end").html()
    assert "A sample of each layer over the SMAP cells." in page
    assert "<li>a &lt; b</li>" in page
    pooled = {row.method: row for row in report.scores if row.scope == "pooled" and row.distance == "all"}
    assert "With runs of 10 days hidden, the forests have an RMSE of" in page
    assert "50 % less than linear interpolation" in page
    for method in (FOREST, LINEAR, CLIMATOLOGY):
        assert f'<td class="number">{pooled[method].rmse:.4f}</td>' in page
    assert "60 days, 2020-01-01 to 2020-02-29; 7 cells with a forest" in page
    assert "a &amp; b" in page
    assert "<dt>filled values</dt><dd>1,234</dd>" in page
    assert all(f"<td>{name}</td>" in page or f">{name}</td>" in page for name in ("3-5", "over 10"))
    assert "http" not in page
    assert page.count("<img ") == 3


def cells_of(page, heading):
    """The table below a heading: rows of texts."""
    table = page[page.index(f"<h2>{heading}</h2>") :]
    rows = re.findall(r"<tr>(.*?)</tr>", table[: table.index("</table>")])
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_where_the_filled_values_lie():
    """A class of distances is shown if a day was hidden or a value filled there."""
    results = [hidden((0, 3), 0.01, days=2)]
    filled = {"1": 60, "2": 0, "3-5": 30, "6-10": 0, "over 10": 10}
    page = page_of(report_of(results, filled_at=filled)).html()
    assert cells_of(page, "Error by distance to an observation") == [
        ["distance, days", "filled values", "hidden days", "forest", "linear interpolation", "climatology"],
        ["1", "60", "1", "0.0100", "0.0200", "0.0300"],
        ["2", "0", "1", "0.0100", "0.0200", "0.0300"],
        ["3-5", "30", "0", "", "", ""],
        ["over 10", "10", "0", "", "", ""],
    ]
    assert "Of 100 filled values 60 % lie 1 day, 30 % 3-5 days and 10 % over 10 days from an" in page
    assert "40 % of the filled values lie where no day was hidden" in page
    assert "does not make a filled value as good as an observed one" in page


def test_which_days_were_hidden():
    results = [hidden((row, 0), 0.02, seed=row) for row in range(2)]
    page = page_of(report_of(results, observed=60, period=1)).html()
    every = (
        "60 of 60 observed days of 2 cells (of 7 with a forest) were hidden once, in runs of 1 day, and "
        "predicted by forests that were grown without them and had no neighbour in the run."
    )
    assert f"<p>{every}</p>" in page
    some = every.replace("60 of 60", "60 of 1,061")
    page = page_of(report_of(results, observed=1061, period=1, remarks=["some < all"])).html()
    assert f"<p>{some} The others lack a covariate, or left too few days to grow a forest on.</p>" in page
    assert "<li>some &lt; all</li>" in page


def test_courses_show_no_day_that_is_not_shown(monkeypatch):
    """Hidden days of the whole series, a figure of a part of it."""
    from matplotlib.axes import Axes

    drawn = []
    plot = Axes.plot

    def watched(axis, x, y, style, **more):
        if style in "x_":
            drawn.append((list(x), list(y)))
        return plot(axis, x, y, style, **more)

    monkeypatch.setattr(Axes, "plot", watched)
    result = hidden((0, 0), 0.02)
    dates = tuple(FIRST + dt.timedelta(days=number) for number in range(3, 12))
    course = CellCourse((0, 0), dates, np.full(9, 0.2, np.float32), np.zeros(9, bool))
    courses([course], {(0, 0): result})
    monkeypatch.undo()
    # Hidden are all even days from the first on.
    expected = [FIRST + dt.timedelta(days=number) for number in (4, 6, 8, 10)]
    assert [dates for dates, _ in drawn] == [expected, expected]
    for (_, values), method in zip(drawn, (FOREST, LINEAR)):
        assert values == list(result.predicted[method][2:6])
    page = page_of(report_of([result]), courses=[course]).html()
    assert "R² and RMSE are of all hidden days, 26 of which lie before or after the days shown." in page
    page = page_of(report_of([result])).html()
    assert "before or after the days shown" not in page


def test_figures_can_be_read_on_a4():
    from matplotlib.image import imread

    page = page_of(report_of([hidden((row, row), 0.02, seed=row) for row in range(3)])).html()
    shapes = [imread(io.BytesIO(data)).shape for data in pictures(page)]
    assert len(shapes) == 3
    # 7.1 inches wide at 160 dots an inch, and no higher than a page.
    assert all(shape[1] == 1136 and shape[0] < 1600 for shape in shapes)


@pytest.mark.parametrize("days", [1, 2])
def test_one_cell_of_a_day_or_two(days):
    page = page_of(report_of([hidden((0, 0), 0.01, days)])).html()
    # A single day has no R2, so that there is no typical cell to show.
    assert page.count("<img ") == (2 if days == 1 else 3)
    assert ">nan<" not in page


def test_equal_input_gives_equal_bytes():
    results = [hidden((row, 0), 0.02, seed=row) for row in range(2)]
    assert page_of(report_of(results)).html() == page_of(report_of(results)).html()


def test_typical_cells_are_good_middling_and_poor():
    results = [hidden((row, 0), 0.005 * (row + 1), days=200, seed=row) for row in range(11)]
    assert typical_cells(results) == [(1, 0), (5, 0), (9, 0)]
    assert typical_cells(results[:1]) == [(0, 0)]
