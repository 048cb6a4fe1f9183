"""The report of trained forests: figures of odd inputs, and texts that fit the mode."""

from __future__ import annotations

import datetime as dt
import io
import math

import numpy as np
import pytest

from report_reader import checked_page
from smap_downscaler.methods.forest.settings import PAPER
from smap_downscaler.methods.keys import CellKey, PooledKey
from smap_downscaler.methods.skill import Importance, OobScores
from smap_downscaler.report.interval_figures import ImportanceSeries, importance_figure
from smap_downscaler.steps.forests.figures import effects_figure, oob_by_cell, oob_by_date
from smap_downscaler.steps.forests.numbers.effects import Effect
from smap_downscaler.steps.forests.numbers.outcome import TrainingReport
from smap_downscaler.steps.forests.report import training_page

pytest.importorskip("matplotlib")
START = dt.date(2020, 11, 1)


def score(rmse=0.03, r2=0.6):
    return OobScores(50, 50, rmse, rmse, 0.0, r2, r2 if r2 > 0 else 0.0)


def pixels(png):
    from matplotlib.image import imread

    return imread(io.BytesIO(png))


@pytest.mark.parametrize("count", [1, 5, 400])
def test_scores_by_date_of_one_few_and_many(count):
    dates = [START + dt.timedelta(number) for number in range(count)]
    r2 = np.linspace(-0.4, 0.8, count)
    r2[0] = np.nan
    picture = pixels(oob_by_date(dates, np.full(count, 0.03), r2))
    assert picture.shape[1] == round(7.1 * 160)
    assert (picture[..., :3] != 1).any()


def test_a_map_has_as_many_squares_as_cells():
    """Two cells far apart in row 1 are one colour each; without metres the first row is on top."""
    rmse, r2 = np.array([0.02, 0.04, 0.06]), np.array([0.5, math.nan, 0.7])
    x, y = np.array([0.0, 4.0, 0.0]), np.array([1.0, 1.0, 3.0])
    by_number = pixels(oob_by_cell(x, y, rmse, r2, metres=False))
    by_place = pixels(oob_by_cell(9000 * x, 9000 * y, rmse, r2, metres=True))
    dry, wet = (np.array(colour) / 255 for colour in ((0, 34, 78), (254, 232, 56)))
    left = slice(0, by_number.shape[1] // 3)

    def heights(picture, colour):
        rows, _ = np.nonzero(np.abs(picture[:, left, :3] - colour).max(axis=2) < 0.02)
        return rows.mean()

    assert heights(by_number, dry) < heights(by_number, wet)
    assert heights(by_place, dry) > heights(by_place, wet)


def test_one_cell():
    one = np.array([5.0])
    assert pixels(oob_by_cell(one, one, np.array([0.03]), np.array([0.4]), metres=True)).ndim == 3


def series_of(values, spread=0.0):
    values = np.asarray(values, float)
    return ImportanceSeries("all", values, values - spread, values + spread, "#0072B2", "o")


def test_points_of_importance_stand_at_their_values():
    """Points of 0, 1 and 2 are equally far apart, the first covariate on top; 30 at most are drawn."""
    picture = pixels(importance_figure(["a", "b", "c"], [series_of([2.0, 1.0, 0.0])], "x"))
    blue = np.abs(picture[..., :3] - np.array([0x00, 0x72, 0xB2]) / 255).max(axis=2) < 0.01
    rows, columns = np.nonzero(blue)
    thirds = np.digitize(rows, np.linspace(rows.min(), rows.max(), 4)[1:3])
    first, second, third = (np.median(columns[thirds == number]) for number in range(3))
    assert first > second > third
    assert first - second == pytest.approx(second - third, abs=3)
    many = [f"c{number}" for number in range(80)]
    drawn = pixels(importance_figure(many, [series_of(np.ones(80), 0.5)], "x"))
    assert drawn.shape == pixels(importance_figure(many[:30], [series_of(np.ones(30), 0.5)], "x")).shape


def page_of(mode, keys, importance=None, chosen=None, skipped=None):
    report = TrainingReport(
        mode,
        {key: score() for key in keys},
        skipped=skipped or {},
        names=("elevation", "clay <i>"),
        settings=chosen or {},
        importance=importance or {},
    )
    return checked_page(training_page, report, {"Input": {"file": "m.gpkg"}}, "the end").html()


def test_texts_fit_the_mode():
    dates = [START, START + dt.timedelta(2)]
    page = page_of("by date", dates)
    assert "2 dates, one forest each, 2020-11-01 to 2020-11-03" in page
    assert "these scores flatter the maps" in page
    page = page_of("by cell", [CellKey(1, 2), CellKey(1, 3)], skipped={CellKey(2, 2): "too dry"})
    assert "2 cells, one forest each" in page
    assert "longer gaps" in page
    assert "too dry" in page
    page = page_of("pooled", [PooledKey()])
    assert "One forest of 50 rows" in page
    assert "same date in other cells" in page
    assert page.count("<img") == 0


def test_importance_and_choices():
    found = {
        day: (("elevation", "clay <i>"), Importance(np.array([3e-4, number * 1e-5]), np.full(2, 1e-5)))
        for number, day in enumerate([START, START + dt.timedelta(2)])
    }
    page = page_of("by date", list(found), found, dict.fromkeys(found, PAPER))
    assert "clay &lt;i&gt;" in page
    assert "<td>elevation</td>" in page
    assert ">300.00<" in page
    assert page.count("<img") == 2
    assert "Hyper-parameters that were chosen" in page
    assert ">at most 1,278<" in page
    pooled = {
        PooledKey(): (("elevation", "clay <i>"), Importance(np.array([3e-4, 1e-5]), np.full(2, np.nan)))
    }
    assert page_of("pooled", [PooledKey()], pooled).count("<img") == 1


def effect(name, slope, unit="m", ends=(0.0, 10.0)):
    values = np.linspace(*ends, 21)
    curve = slope * (values - values.mean())
    shares = np.linspace(0.05, 1, 21)
    return Effect(name, unit, values, shares, curve, curve - 0.01, curve + 0.01, np.full(21, 2), 2, 0)


def test_effects_stand_in_the_order_of_importance_and_hold_their_numbers():
    dates = [START, START + dt.timedelta(2)]
    found = {
        day: (("elevation", "clay <i>"), Importance(np.array([1e-5, 3e-4]), np.full(2, 1e-5)))
        for day in dates
    }
    report = TrainingReport(
        "by date",
        {day: score() for day in dates},
        names=("elevation", "clay <i>"),
        importance=found,
        samples=dict.fromkeys(dates),
        effects=[effect("elevation", 0.0123456), effect("clay <i>", -0.004, "%")],
    )
    page = checked_page(training_page, report, {"Input": {"file": "m.gpkg"}}, "the end").html()
    part = page[page.index("Which way soil moisture goes") :]
    assert "Line: median; band: quartiles over 2 dates." in part
    assert part.index("soil moisture falls by 0.040 m³ m⁻³ from 0 % to 10.00 %") < part.index(
        "soil moisture rises by 0.123 m³ m⁻³ from 0 m to 10.00 m; from end to end it rises on 2 and falls on "
        "0 dates."
    )
    report.effects = [effect(f"layer_{number:c}", 0.001 * number) for number in range(97, 123)]
    page = checked_page(training_page, report, {"Input": {"file": "m.gpkg"}}, "the end").html()
    assert "2 more are in the table EFFECTS alone." in page
    # Without importance those that move soil moisture most come first.
    assert -1 < page.find("layer_z") < page.find("layer_c")
    assert "layer_a" not in page


def test_curves_lie_where_their_numbers_are():
    """Two straight lines in panels side by side, on one scale: twice the slope is twice the height."""
    picture = pixels(effects_figure([effect("a", 0.02), effect("b", 0.01)]))
    blue = np.abs(picture[..., :3] - np.array([0x00, 0x72, 0xB2]) / 255).max(axis=2) < 0.02
    columns = np.flatnonzero(blue.any(axis=0))
    middle = columns[np.argmax(np.diff(columns))] + 1
    first, second = (np.ptp(np.nonzero(part.any(axis=1))[0]) for part in (blue[:, :middle], blue[:, middle:]))
    assert first / second == pytest.approx(2, rel=0.05)
