"""Rain of all days and cells of the study area (the paper's Fig. 2), in the report of 'Regression matrix'."""

from __future__ import annotations

import csv
import datetime as dt

import numpy as np
import pytest

from report_reader import FigureTexts, check_numbers
from small_case import CELLS, DATES, PIXELS, block_mean, make_small_case
from smap_downscaler.geo.geotiff import Band, write_geotiff

FIRST = DATES[0] - dt.timedelta(3)
#: A day of which there is no raster, between two that have one.
MISSING = DATES[0] - dt.timedelta(1)


@pytest.fixture
def case(tmp_path):
    """The small case with a study area of six columns, and finer rain of ten days."""
    made = make_small_case(tmp_path)
    outside = made.coarse.copy()
    outside[:, :, 6:] = np.nan
    bands = [Band("elevation", "m"), Band("clay", "g/kg"), Band("sand", "g/kg")]
    write_geotiff(tmp_path / "coarse.tif", CELLS, outside, bands)
    rng = np.random.default_rng(5)
    rain = {}
    for number in range(10):
        date = FIRST + dt.timedelta(number)
        if date != MISSING:
            rain[date] = rng.gamma(0.6, 5, PIXELS.shape).astype(np.float32)
            # Half a cell that has rain on one day only.
            rain[date][:10, :6] = np.nan if date != FIRST else 7.0
            path = tmp_path / "p_antecedent" / f"p_antecedent_{date:%Y%m%d}.tif"
            write_geotiff(path, PIXELS, rain[date], [Band("p_antecedent", "mm/d")])
    return made, rain


def given(made, tmp_path, **more):
    return {
        "SMAP": made.smap_folder,
        "COVARIATES": made.coarse_stack,
        "DYNAMIC": [str(tmp_path / "p_antecedent")],
        "OUTPUT": str(tmp_path / "out" / "matrix.gpkg"),
        **more,
    }


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def numbers(row):
    return [float(row[name]) for name in ("median", "q1", "q3", "minimum", "maximum")]


def test_all_days_on_all_cells_of_the_area_and_a_day_without_a_raster(run, case, tmp_path, monkeypatch):
    """SMAP saw three of these days, and of one a strip: the rain is that of all."""
    made, rain = case
    figures = FigureTexts(monkeypatch)
    end = FIRST + dt.timedelta(8)
    outputs = run(
        "regressionmatrix",
        given(
            made,
            tmp_path,
            RAIN_BY_DATE=str(tmp_path / "out" / "rain.csv"),
            REPORT=str(tmp_path / "out" / "report.html"),
            START="2020-01-01",
            END=end.isoformat(),
        ),
    )
    rows = rows_of(tmp_path / "out" / "rain.csv")
    days = [FIRST + dt.timedelta(number) for number in range(9)]
    assert [row["date"].replace("/", "-") for row in rows] == [day.isoformat() for day in days]
    assert {(row["covariate"], row["unit"]) for row in rows} == {("p_antecedent", "mm/d")}
    for day, row in zip(days, rows):
        if day == MISSING:
            assert row["n"] == "0"
            assert [row[name] for name in ("median", "q1", "q3", "minimum", "maximum")] == [""] * 5
            continue
        means = block_mean(rain[day].astype(float)[None])[0, :, :6]
        # Of the cell at the corner less than half has rain, except on the first day.
        assert int(row["n"]) == np.isfinite(means).sum() == (48 if day == FIRST else 47)
        wanted = np.nanpercentile(means, (50, 25, 75, 0, 100))
        assert numbers(row) == pytest.approx(wanted.tolist(), rel=1e-5)
    check_numbers(outputs, figures)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Rain by date: p_antecedent (the paper&#39;s Fig. 2)" in page
    assert "each of 48 cells" in figures.texts


def test_without_dates_the_days_are_those_of_smap(run, case, tmp_path):
    made, _rain = case
    run("regressionmatrix", given(made, tmp_path, RAIN_BY_DATE=str(tmp_path / "out" / "rain.csv")))
    rows = rows_of(tmp_path / "out" / "rain.csv")
    assert [row["date"].replace("/", "-") for row in rows] == [date.isoformat() for date in DATES]


def test_what_is_no_rain_is_not_drawn(run, said, case, tmp_path):
    made, _rain = case
    outputs = run(
        "regressionmatrix",
        given(
            made,
            tmp_path,
            RAIN="none",
            RAIN_BY_DATE=str(tmp_path / "out" / "rain.csv"),
            REPORT=str(tmp_path / "out" / "report.html"),
        ),
    )
    assert rows_of(tmp_path / "out" / "rain.csv") == []
    assert said.warnings == [
        "RAIN_BY_DATE has no row, since no dated covariate is taken for rain; give the folder of the rain as "
        "DYNAMIC, and its name as RAIN."
    ]
    assert "Fig. 2" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert outputs["COUNT"] > 0


def test_cancelled_while_rain_is_read_it_leaves_nothing(run, feedback, case, tmp_path):
    made, _rain = case
    feedback.cancel_when = lambda text: "days of rain read" in text
    parameters = given(made, tmp_path, RAIN_BY_DATE=str(tmp_path / "out" / "rain.csv"))
    assert run("regressionmatrix", parameters) == {}
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []
