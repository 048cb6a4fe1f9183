"""The report of polygon statistics: its words and figures, in the odd cases too."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import fields

import numpy as np
import pytest

from report_reader import checked_page
from smap_downscaler.base.words import text
from smap_downscaler.geo.polygon_runs import AREA, CENTRE, Placed, Runs
from smap_downscaler.preflight.layer_check import LayerCheck, Preflight
from smap_downscaler.report.number_text import number_text
from smap_downscaler.steps.polygons.figures import over_time, violins
from smap_downscaler.steps.polygons.numbers.layers import Layer, LayerStatistics
from smap_downscaler.steps.polygons.numbers.statistics import STATISTICS, Statistics, spreads
from smap_downscaler.steps.polygons.report import polygon_page

BEFORE = Preflight([LayerCheck("polygons", "EPSG:4326")], ["a < b"], "the box")


def made_up(dates, polygons=30):
    """Dates, statistics and their spreads; on the second date nothing is known."""
    rng = np.random.default_rng(2)
    days = [dt.date(2021, 1, 1) + dt.timedelta(5 * number) for number in range(dates)]
    mean = 0.2 + 0.03 * rng.normal(size=(dates, polygons))
    mean[1:2] = np.nan
    sd = np.abs(0.02 + 0.005 * rng.normal(size=mean.shape))
    statistics = Statistics(np.where(np.isfinite(mean), 100, 0), mean, sd, sd / mean)
    return days, statistics, spreads([("theta", day) for day in days], statistics)


def found(variable, days, statistics, rule=CENTRE, ddof=1):
    layers = tuple(Layer(variable, day, "file.tif", 1) for day in days)
    nowhere = Placed(Runs(*(np.zeros(0, np.int64) for _ in fields(Runs))), 0, 0, 0, 0)
    return LayerStatistics(layers, statistics, nowhere, rule, ddof)


def moisture(dates):
    days, statistics, _rows = made_up(dates)
    return found("theta", days, statistics)


def html(moisture=None, covariates=None, dates=(), warnings=()):
    sections = {"Input": {"polygons": "a & b"}}
    given = (moisture, covariates, dates, warnings, BEFORE, sections, "the end")
    return checked_page(polygon_page, *given).html()


def test_two_dates_and_all_dates():
    made = moisture(45)
    page = html(made, dates=[made.dates[0], made.dates[2]], warnings=[text("{} < {} polygons", 3, 4)])
    assert "<h2>2021-01-01 and 2021-01-11 (the paper&#39;s Fig. 6)</h2>" in page
    assert page.count("<img ") == 2
    assert "<li>3 &lt; 4 polygons</li>" in page
    assert "A sample of each layer over the box." in page
    assert "<li>a &lt; b</li>" in page
    assert "... and 5 dates more; all are in the table SUMMARY." in page
    assert "45 dates, 2021-01-01 to 2021-08-09" in page
    assert "a &amp; b" in page
    row = made.spreads()[0]
    assert f'<td class="number">{number_text(row.median)}</td>' in page


def test_one_date_without_a_second():
    page = html(moisture(1))
    assert "<h2>2021-01-01 (the paper&#39;s Fig. 6)</h2>" in page
    assert page.count("<img ") == 1
    assert "1 date, 2021-01-01" in page


def test_no_dates_but_covariates():
    _days, statistics, _rows = made_up(1)
    page = html(covariates=found("clay", [None], statistics, AREA, 0))
    assert "<img " not in page
    assert "weighted with their share" in page
    assert "(ddof 0)" in page
    assert "<td>clay</td>" in page


@pytest.mark.parametrize(
    "values",
    [np.full(9, 0.2), np.full(9, np.nan), np.array([0.2]), np.array([0.1, 0.2, np.nan, 0.4]), np.arange(2e3)],
)
def test_violins_of_odd_values(values):
    from matplotlib.image import imread

    day = dict.fromkeys(STATISTICS, values)
    picture = violins({dt.date(2021, 1, 1): day, dt.date(2021, 1, 2): day})
    assert picture == violins({dt.date(2021, 1, 1): day, dt.date(2021, 1, 2): day})
    assert imread(io.BytesIO(picture)).std() > 0.01


def test_the_course_of_time_without_a_value():
    from matplotlib.image import imread

    _days, statistics, _rows = made_up(3)
    nothing = Statistics(*(np.full_like(part, np.nan, dtype=float) for part in (statistics.n,) * 4))
    rows = spreads([("theta", dt.date(2021, 1, day)) for day in (1, 2, 3)], nothing)
    assert imread(io.BytesIO(over_time(rows))).std() > 0.01


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (np.nan, ""),
        (0.21534, "0.2153"),
        (0.0023456, "0.002346"),
        (-3.14159, "-3.142"),
        (3012.46, "3,012"),
        (2.5e7, "2.5e+07"),
        (1.2e-6, "1.2e-06"),
    ],
)
def test_numbers(value, text):
    assert number_text(value) == text
