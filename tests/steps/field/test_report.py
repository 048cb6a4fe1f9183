"""Reports of field validation and triple collocation: what words and figures say, in the odd cases too."""

from __future__ import annotations

import dataclasses
import io
import re
from base64 import b64decode

import numpy as np
import pytest

from report_reader import FigureTexts, check_page
from smap_downscaler.base.words import counted
from smap_downscaler.preflight.layer_check import LayerCheck, Preflight
from smap_downscaler.report.interval_figures import interval_figure
from smap_downscaler.stats.intervals import Interval
from smap_downscaler.steps.field.collocation_report import collocation_page
from smap_downscaler.steps.field.figures import (
    beside_smap,
    by_group,
    errors,
    group_sources,
    most_days,
    scatter,
    time_series,
)
from smap_downscaler.steps.field.numbers.collocation import TripleChoices, collocate
from smap_downscaler.steps.field.numbers.groups import GroupChoices, validate_groups
from smap_downscaler.steps.field.numbers.readings import Pairs
from smap_downscaler.steps.field.numbers.validation import DIFFERENCE, MetricRow, ValidationChoices, validate
from smap_downscaler.steps.field.report import field_page, overall_rows, verdict

FIRST = 737425
STATIONS = LayerCheck("stations", "EPSG:4326", notes=(counted(2, "station"),))
BEFORE = Preflight([STATIONS], ["a < b"], "the stations")
GAP = " (95 % interval of the difference"
NAMES = {"source": "map", "field": "field", "third": "a <model>"}


def part(name, n=40, seed=1, other=True):
    rng = np.random.default_rng(seed)
    field = rng.uniform(0.1, 0.4, n)
    the_map = field + 0.02 * rng.standard_normal(n)
    the_map[3] = np.nan
    beside = field + 0.05 * rng.standard_normal(n)
    return Pairs(name, FIRST + 3 * np.arange(n), field, np.full(n, 0.01), np.full(n, 3), the_map,
                 beside if other else None)  # fmt: skip


@pytest.fixture
def checked(monkeypatch):
    """From the maker of a page and what it takes the HTML, held against the table of its numbers."""

    def html(make, *given):
        figures = FigureTexts(monkeypatch)
        page = make(*given)
        check_page(page, figures)
        return page.html()

    return html


@pytest.fixture
def page_of(checked):
    def make(parts, left_out=None, anomalies="none", **choices):
        rows = validate(parts, ValidationChoices(frozenset({1, 2}), draws=100, **choices))
        manifest = {"Input": {"SMAP": None}}
        return checked(field_page, parts, rows, left_out or {}, anomalies, BEFORE, manifest, "the end")

    return make


def pictures(page):
    return [b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', page)]


def test_many_stations(page_of):
    from matplotlib.image import imread

    parts = [part(f"St&{number}", seed=number) for number in range(70)]
    page = page_of(parts, {f"far-{number}": "outside the maps" for number in range(61)})
    assert "70 stations, 2,730 pairs on 39 days" in page
    assert "St&amp;0" in page
    assert "A sample of each layer over the stations. Cell: its side" in page
    assert "<tr><td>stations</td><td>EPSG:4326</td>" in page
    assert "<td>2 stations</td></tr>" in page
    assert "<li>a &lt; b</li>" in page
    assert "The 6 stations with most days." in page
    assert "The 40 stations with most days." in page
    assert "1 more are in the table of metrics." in page
    assert "11 more are in the table of metrics." in page
    assert "where they are defined. The first 30 stations." in page
    shown = pictures(page)
    assert len(shown) == 4
    for picture in shown:
        height, width, _ = imread(io.BytesIO(picture)).shape
        # Fits on A4 between its margins, at the width of the page.
        assert height / width < 10.2 / 7.1


def test_without_smap_and_without_metrics(page_of):
    page = page_of([part("one", other=False)])
    assert len(pictures(page)) == 3
    assert "SMAP cell" not in page
    assert "all stations" not in page.split("What the numbers mean")[0]
    page = page_of([part("one", n=5)], minimum_days=6)
    assert "4 days, fewer than the 6 asked for" in page
    assert len(pictures(page)) == 2


@pytest.mark.parametrize(
    ("smap", "count", "by"), [("gaps", 3, "field"), ("all", 2, "map"), ("", 1, "mean of both")]
)
def test_by_class_month_and_season(checked, smap, count, by):
    from matplotlib.image import imread

    parts = [part("A", n=70, other=bool(smap)), part("B", n=70, seed=2, other=bool(smap))]
    if smap == "gaps":
        parts[0].other[5:20] = np.nan
    choices = ValidationChoices(frozenset({1, 2}), frozenset({3, 4}), 1, 100)
    rows = validate(parts, choices)
    seasons = {season: overall_rows(rows, season) for season in choices.seasons}
    groups = validate_groups(parts, parts, seasons, choices, GroupChoices((0.0, 0.12, 0.3, 0.38, 1.0), by))
    page = checked(field_page, parts, rows, {}, "none", BEFORE, {}, "", groups, by)
    section = page.split("<h2>By class of soil moisture, month and season</h2>")[1].split("<h2>")[0]
    assert "The map&#39;s RMSE is lowest in the class " in section
    assert "regression to the mean" in section
    assert ("CLASSED_BY" in section) == (by != "mean of both")
    for group in groups:
        row = group.rows[0]
        if group.by in ("class", "month"):
            cells = section.split(f">{group.name}</td>")[1].split("</tr>")[0]
            assert f">{row.n:,}</td>" in cells
            assert f">{row.value('bias'):+.4f}" in cells
    assert len(group_sources(groups)) == count
    height, width, _ = imread(io.BytesIO(by_group({"month": groups[1:]}))).shape
    assert 0.5 < height / width < 1


def test_one_class_and_month_are_enough_to_draw(checked):
    lone = part("A", n=8, other=False)
    choices = ValidationChoices(draws=100)
    rows = validate([lone], choices)
    groups = validate_groups([lone], [lone], {"all": rows}, choices, GroupChoices((0.0, 1.0)))
    page = checked(field_page, [lone], rows, {}, "none", BEFORE, {}, "", groups)
    assert "RMSE is lowest" not in page
    assert "<th>month</th>" not in page


def test_anomalies_are_named(page_of):
    page = page_of([part("one"), part("two", seed=2)], anomalies="moving")
    assert "Maps against the field, anomalies (moving)" in page
    assert "near zero by construction" in page


@pytest.mark.parametrize(
    ("change", "ends", "words"),
    [
        (-0.01, (-0.02, -0.005), ("lower", f"{GAP} -0.0200 to -0.0050): here downscaling helped.")),
        (0.01, (0.005, 0.02), ("higher", f"{GAP} +0.0050 to +0.0200): here downscaling made it worse.")),
        (-0.01, (-0.02, 0.005), ("lower", f"{GAP} -0.0200 to +0.0050), which may be chance, so these "
                                          "readings do not show that downscaling helped.")),
        (-0.01, None, ("lower", "; so few days do not show whether that is chance.")),
    ],
)  # fmt: skip
def test_verdicts(change, ends, words):
    intervals = {"rmse": Interval(*ends)} if ends else {}
    row = MetricRow("A", "all", DIFFERENCE, 30, 12, 1, values={"rmse": change}, intervals=intervals)
    assert verdict([row]) == (
        f"On the 12 days that both have, the map's RMSE is 0.0100 m³ m⁻³ {words[0]} than that of the SMAP "
        f"cell{words[1]}"
    )
    assert verdict([]) == ""
    assert verdict([dataclasses.replace(row, values={})]) == ""


def test_figures_are_the_same_each_time():
    parts = [part("A"), part("B", seed=2)]
    rows = [row for row in validate(parts, ValidationChoices(draws=100)) if row.station == "all stations"]
    for draw in (lambda: time_series(parts), lambda: errors(parts), lambda: scatter(parts, rows[:1]),
                 lambda: beside_smap(rows)):  # fmt: skip
        assert draw() == draw()


def test_series_that_do_not_vary(page_of):
    flat = dataclasses.replace(part("flat", n=4, other=False), field=np.full(4, 0.2), map=np.full(4, 0.2))
    assert len(pictures(page_of([flat]))) == 3
    (row,) = validate([flat], ValidationChoices(draws=100))
    assert scatter([flat], [row]).startswith(b"\x89PNG")


def test_most_days_keeps_the_order():
    parts = [part("A", n=20), part("B", n=40), part("C", n=30)]
    assert [each.station for each in most_days(parts, 2)] == ["B", "C"]


def test_dots_of_one_series():
    values = {"only": {("A", "x"): (1.0, Interval()), ("B", "x"): (float("nan"), Interval())}}
    assert interval_figure(["A", "B", "C"], values, {"x": "a number"}).startswith(b"\x89PNG")


def test_triples(checked):
    parts = [part("A", n=150), part("B & C", n=150, seed=3)]
    shared = parts[0].field + 1e-4 * np.random.default_rng(1).standard_normal(150)
    odd = dataclasses.replace(parts[0], station="odd", map=shared)
    rows = collocate([*parts, odd], TripleChoices(draws=100))
    left_out, manifest = {"far": "outside the maps"}, {"Input": {}}
    page = checked(
        collocation_page, rows, NAMES, left_out, "climatology", "field", BEFORE, manifest, "the end"
    )
    assert "Triple collocation, anomalies (climatology)" in page
    assert "map, field, a &lt;model&gt;; 3 of 3 stations with enough days" in page
    assert "odd: negative error variance of" in page
    assert "<li>a &lt; b</li>" in page
    assert "outside the maps" in page
    assert len(pictures(page)) == 1
    few = collocate(parts, TripleChoices(minimum_days=200, draws=100))
    page = checked(collocation_page, few, NAMES, {}, "none", "field", BEFORE, {}, "")
    assert "0 of 2 stations with enough days" in page
    assert "149 days with all three, fewer than the 200 asked for" in page
    assert pictures(page) == []
