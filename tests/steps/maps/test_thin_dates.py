"""Dates with few cells, or all in a corner, are named wherever their maps are."""

from __future__ import annotations

import datetime as dt
import html
import json
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from osgeo import ogr

from small_case import CELLS, DATES, make_small_case
from smap_downscaler.geo.datasets import open_dataset, read_band
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.methods.coverage import Coverage, coverage_of
from smap_downscaler.steps.maps.thin_dates import thin_dates, thin_sentence
from smap_downscaler.steps.matrix.numbers.rows import rows_needed

CORNER = dt.date(2021, 8, 12)
DAY = dt.date(2021, 1, 1)


def forests_of(*covered):
    days = {DAY + dt.timedelta(number): Coverage(*one) for number, one in enumerate(covered)}
    return SimpleNamespace(path="f.smapforest", coverage=days), list(days)


@pytest.mark.parametrize(
    ("covered", "words"),
    [
        # 50 cells are needed of 401.
        ((75, 401, 0.9), None),
        ((74, 401, 0.9), "74 of 401 cells"),
        # Of 85 it is 42: half of an area is not few.
        ((43, 85, 0.9), None),
        ((42, 85, 0.9), "42 of 85 cells"),
        ((1852, 4028, 0.48), None),
        ((300, 4028, 0.25), "300 of 4,028 cells in 25 % of its extent"),
        ((55, 401, 0.12), "55 of 401 cells in 12 % of its extent"),
        ((300, 401, np.nan), None),
    ],
)
def test_the_rule(covered, words):
    forests, dates = forests_of(covered)
    assert thin_dates(forests, dates) == ({} if words is None else {DAY: words})


def test_many_dates_are_counted():
    forests, dates = forests_of(*[(60, 401, 0.5)] * 13)
    assert thin_sentence(forests, {}) == ""
    told = thin_sentence(forests, thin_dates(forests, [*dates, dt.date(1999, 1, 1)]))
    assert told.startswith(
        "f.smapforest: these dates have few cells, or all in one part of the area, so that their maps may "
        "hold artefacts elsewhere: 2021-01-01 (60 of 401 cells), 2021-01-02 (60 of 401 cells), "
    )
    assert told.endswith(
        "2021-01-10 (60 of 401 cells), and 3 more; mistrust them, or raise MINIMUM_CELLS in 'Train forests'."
    )


@pytest.mark.parametrize(("name", "trained"), [("W_Australia", 39), ("Uruguay", 14)])
def test_ordinary_days_of_real_series_are_not_thin(shared_data, name, trained):
    """Swaths over two fifths of the area are ordinary; days of some 20 cells are not trained."""
    path = shared_data / "smap_l3e_9km" / f"smap_l3e_9km_{name}_epsg6933.tif"
    values = read_all(open_dataset(path))
    area = np.argwhere(np.isfinite(values).any(axis=0))
    found = [coverage_of(np.argwhere(np.isfinite(day)), area) for day in values]
    forests, dates = forests_of(*[one for one in found if one.cells >= rows_needed(len(area))])
    assert len(dates) == trained
    assert thin_dates(forests, dates) == {}
    few = [one for one in found if 0 < one.cells < rows_needed(len(area))]
    # Had they been trained all the same.
    forests, dates = forests_of(*few)
    assert len(thin_dates(forests, dates)) == len(few)


def read_all(dataset):
    return np.stack([read_band(dataset, band) for band in range(1, dataset.RasterCount + 1)])


@pytest.fixture
def case(tmp_path):
    """The small case with one more day, of 4 x 4 of its 8 x 9 cells."""
    made = make_small_case(tmp_path)
    corner = np.full(CELLS.shape, np.nan, np.float32)
    corner[:4, :4] = made.smap[DATES[0]][:4, :4]
    corner[0, 0] = 0.2
    corner[0, 1] = 0.3
    name = f"soil_moisture_{CORNER:%Y%m%d}.tif"
    write_geotiff(tmp_path / "smap" / name, CELLS, corner, [Band("soil_moisture", "m3 m-3")])
    return made


def test_a_corner_is_named_in_log_report_and_table(run, said, case, tmp_path):
    matrix, forests = str(tmp_path / "m.gpkg"), str(tmp_path / "f.smapforest")
    run("regressionmatrix", {"SMAP": case.smap_folder, "COVARIATES": case.coarse_stack, "OUTPUT": matrix})
    settings = {"PRESET": "custom", "N_ESTIMATORS": 3, "MINIMUM_CELLS": 16}
    run("trainforests", {"INPUT": matrix, **settings, "OUTPUT": forests})
    with zipfile.ZipFile(forests) as archive:
        kept = json.loads(archive.read("manifest.json"))["extra"]["coverage"]
    assert kept["2021-08-12"] == [16, 72, pytest.approx(4 / 8 * 4 / 9, abs=1e-4)]
    assert kept["2020-12-30"][:2] == [71, 72]
    said.warnings.clear()
    outputs = {name: str(tmp_path / f"{name}.html") for name in ("REPORT",)} | {
        "DATES": str(tmp_path / "dates.gpkg")
    }
    maps = {"FORESTS": forests, "COVARIATES": case.fine_stack, "OUTPUT": str(tmp_path / "maps"), **outputs}
    run("downscale", maps)
    sentence = (
        f"{forests}: these dates have few cells, or all in one part of the area, so that their maps may hold "
        "artefacts elsewhere: 2021-08-12 (16 of 72 cells in 22 % of its extent); mistrust them, or raise "
        "MINIMUM_CELLS in 'Train forests'."
    )
    assert [line for line in said.warnings if "few cells" in line] == [sentence]
    assert sentence in html.unescape((tmp_path / "REPORT.html").read_text(encoding="utf-8"))
    dataset = ogr.Open(outputs["DATES"])
    notes = {feature["date"]: feature["note"] for feature in dataset.GetLayer(0)}
    assert notes["2021/08/12"] == "16 of 72 cells in 22 % of its extent"
    # Most of the cells are no news.
    assert not notes["2020/12/30"]
    run("downscale", {**maps, "DATES": str(tmp_path / "again.csv")})
    lines = (tmp_path / "again.csv").read_text(encoding="utf-8").splitlines()
    assert lines[-1].endswith('"kept from an earlier run; 16 of 72 cells in 22 % of its extent"')
