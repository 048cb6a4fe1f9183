"""A year of demo data: its days, its seasons, the model, and what can be tried with it."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.datasets import dataset_grid, open_dataset, read_band
from smap_downscaler.geo.lattice import Lattice
from smap_downscaler.series.series import open_series
from smap_downscaler.steps.demo.files import check_folder
from smap_downscaler.steps.demo.numbers.settings import SPIN_UP_DAYS, YEAR_START, DemoSettings


class Year(NamedTuple):
    folder: Path
    dates: int


YEAR = DemoSettings(cells=30, year=True, start=YEAR_START)
MONTHS = [dt.date(2021, month, day) for month in (1, 7) for day in range(1, 32)]


@pytest.fixture(scope="module")
def year(tmp_path_factory, qgis_provider):
    """What a call without DAYS makes."""
    import processing

    folder = tmp_path_factory.mktemp("demo")
    outputs = processing.run("smapdownscaler:createdemodata", {"CELLS": 30, "OUTPUT": str(folder)})
    return Year(folder, outputs["COUNT"])


def values_of(path):
    return read_band(open_dataset(path), 1)


def truth_of(year, date):
    return values_of(year.folder / "truth" / f"soil_moisture_{date:%Y%m%d}.tif")


def test_rain_on_all_days_and_truth_in_two_months(year):
    rain = open_series(year.folder / "precipitation").dates
    assert list(rain) == [dt.date(2020, 12, 12) + dt.timedelta(days=day) for day in range(20 + 365)]
    for name in ("truth", "model"):
        assert list(open_series(year.folder / name).dates) == MONTHS
    smap = open_series(year.folder / "smap").dates
    assert set(smap) <= set(MONTHS)
    assert len(smap) == year.dates > 40
    with open(year.folder / "stations.csv", newline="") as stream:
        readings = list(csv.DictReader(stream))
    assert sorted({row["date"] for row in readings}) == [str(date) for date in MONTHS]


def test_a_wet_and_a_dry_season(year):
    rain = open_series(year.folder / "precipitation")
    means = {date: float(rain.read(date).mean()) for date in rain.dates}

    def of_months(*months):
        return np.mean([mean for date, mean in means.items() if date.month in months])

    assert 2 < of_months(1, 2) < 8
    assert 0 < of_months(6, 7, 8) < 0.2 * of_months(1, 2)
    assert of_months(6, 7, 8) < of_months(4, 10) < of_months(1, 2)
    truth = {month: np.nanmean(truth_of(year, dt.date(2021, month, 15))) for month in (1, 7)}
    assert truth[1] > 2 * truth[7]


def test_the_truth_keeps_some_steps_in_1_m3(year):
    moisture = truth_of(year, MONTHS[3])
    seen = moisture[np.isfinite(moisture)]
    np.testing.assert_array_equal(seen * 8192, np.round(seen * 8192))
    assert len(np.unique(seen)) > 1000


def test_the_model_is_a_line_of_the_truth_with_an_error_of_its_own(year):
    truth_set = open_dataset(year.folder / "truth" / f"soil_moisture_{MONTHS[0]:%Y%m%d}.tif")
    model = open_series(year.folder / "model")
    assert model.grid.cell_width == pytest.approx(0.1)
    rows, cols = Lattice(dataset_grid(truth_set, "truth"), model.grid).positions()
    cell = np.floor(rows).astype(int) * model.grid.width + np.floor(cols).astype(int)
    errors = []
    for date in MONTHS:
        truth = truth_of(year, date).astype(float)
        valid = np.isfinite(truth)
        size = model.grid.width * model.grid.height
        count = np.bincount(cell[valid], minlength=size)
        means = np.bincount(cell[valid], truth[valid], size) / np.maximum(count, 1)
        full = count > 0.9 * count.max()
        errors.append(model.read(date).ravel()[full] - (0.06 + 0.7 * means[full]))
    errors = np.array(errors)
    assert abs(errors.mean()) < 0.006
    assert errors.std() == pytest.approx(np.hypot(0.012, 0.018), rel=0.25)
    # Neighbouring days have nothing in common.
    assert abs(np.corrcoef(errors[:-1].ravel(), errors[1:].ravel())[0, 1]) < 0.3


def test_the_readme_tells_it(year):
    text = (year.folder / "README.txt").read_text(encoding="utf-8")
    assert "DAYS       empty: a year, with SMAP in January and July\nSTART      2021-01-01\n" in text
    assert "model/model_YYYYMMDD.tif" in text
    assert "the year has a wet and a dry season" in " ".join(text.split())


@pytest.mark.parametrize(
    ("start", "last", "count"),
    [
        (dt.date(2021, 1, 20), dt.date(2022, 1, 19), 62),
        (dt.date(2019, 3, 1), dt.date(2020, 2, 29), 62),
        (dt.date(2020, 2, 29), dt.date(2021, 2, 28), 62),
    ],
)
def test_other_years(start, last, count):
    settings = DemoSettings(year=True, start=start)
    assert (settings.rain_dates[0], settings.rain_dates[-1]) == (start - dt.timedelta(SPIN_UP_DAYS), last)
    assert len(settings.dates) == count
    assert {day.month for day in settings.dates} == {1, 7}


def test_the_bucket_runs_from_its_spin_up_to_the_last_day_with_truth():
    january, july = dt.date(2021, 1, 1), dt.date(2021, 7, 1)
    spin_up = dt.timedelta(days=SPIN_UP_DAYS)
    assert YEAR.spin_ups == [january - spin_up, july - spin_up]
    wanted = {first + dt.timedelta(days=day) for first in YEAR.spin_ups for day in range(SPIN_UP_DAYS + 30)}
    assert YEAR.bucket_dates == wanted
    days = DemoSettings(days=3)
    assert days.spin_ups == [days.start - spin_up]
    assert days.bucket_dates == set(days.rain_dates[:-1])


def test_a_folder_named_model_is_that_of_a_year_alone(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine.tif").write_text("mine")
    check_folder(tmp_path, year=False)
    with pytest.raises(InputError) as caught:
        check_folder(tmp_path)
    assert str(caught.value) == (
        f"OUTPUT: {tmp_path} already holds model/mine.tif, which would mingle with the demo data; choose "
        "another folder."
    )


# What can be tried with it.


def test_seasons_of_rain_with_defaults(run, said, year, tmp_path):
    outputs = run(
        "seasonalprecipitation",
        {"INPUT": str(year.folder / "precipitation"), "OUTPUT": str(tmp_path / "seasons.tif")},
    )
    assert outputs["COUNT"] == 4
    assert not said.warnings
    bands = open_dataset(tmp_path / "seasons.tif")
    wet, _autumn, dry, _spring = (np.nanmean(read_band(bands, band)) for band in range(1, 5))
    assert wet > 5 * dry


def test_triple_collocation_finds_the_errors_of_the_three(run, year, tmp_path):
    outputs = run(
        "triplecollocation",
        {
            "SMAP": str(year.folder / "smap"),
            "TC_SOURCE": "smap",
            "THIRD": str(year.folder / "model"),
            "STATIONS": str(year.folder / "stations.csv"),
            "MINIMUM_DAYS": 20,
            "ANOMALIES": "moving",
            "BOOTSTRAP": 100,
            "OUTPUT": str(tmp_path / "errors.csv"),
        },
    )
    assert outputs["COUNT"] > 6
    # That of NOISE, and those of day and pattern.
    assert outputs["SOURCE_ERROR_SD"] == pytest.approx(0.02, rel=0.35)
    assert outputs["THIRD_ERROR_SD"] == pytest.approx(np.hypot(0.012, 0.018), rel=0.35)
