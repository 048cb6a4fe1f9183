"""REPORT, DATES and PREFLIGHT of regressionmatrix, downscale and harmonisecovariates, against the outputs."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import html
import re
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from report_reader import FigureTexts, check_numbers
from small_case import CELLS, DATES, NAMES, PIXELS, SPARSE, make_small_case
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.runs.provenance import series_hash
from smap_downscaler.series.series import open_series

EARLIER = DATES[0] - dt.timedelta(3)


@pytest.fixture
def case(tmp_path):
    """The small case with NDVI of a day before the first date, of which half of the cells have none."""
    made = make_small_case(tmp_path)
    ndvi = np.random.default_rng(1).random(CELLS.shape).astype(np.float32)
    ndvi[:, 5:] = np.nan
    write_geotiff(tmp_path / "ndvi" / f"{EARLIER:%Y%m%d}.tif", CELLS, ndvi, [Band("ndvi", "1")])
    return made


@pytest.fixture
def given(case, tmp_path):
    return {
        "SMAP": case.smap_folder,
        "COVARIATES": case.coarse_stack,
        "DYNAMIC": [str(tmp_path / "ndvi")],
        "WINDOW": 4,
        "OUTPUT": str(tmp_path / "out" / "matrix.csv"),
        "DATES": str(tmp_path / "out" / "dates.csv"),
        "PREFLIGHT": str(tmp_path / "out" / "preflight.csv"),
        "REPORT": str(tmp_path / "out" / "report.html"),
    }


def rows_of(path):
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def tables_of(report):
    """The tables of a page: rows of texts, the headers first."""
    page = Path(report).read_text(encoding="utf-8")
    found = []
    for table in re.findall(r"<table>(.*?)</table>", page, re.DOTALL):
        rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
        found.append(
            [[html.unescape(cell) for cell in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row)] for row in rows]
        )
    return page, found


def test_the_matrix_report_counts_what_the_table_holds(run, given, case, said):
    outputs = run("regressionmatrix", given)
    assert {outputs[name] for name in ("DATES", "PREFLIGHT", "REPORT")} == {
        given[name] for name in ("DATES", "PREFLIGHT", "REPORT")
    }
    matrix = rows_of(given["OUTPUT"])
    expected = []
    for date in DATES:
        day = [row for row in matrix if row["date"].replace("/", "-") == date.isoformat()]
        late = (date - EARLIER).days > 4
        complete = sum(row["ndvi"] != "" for row in day)
        assert len(day) == np.isfinite(case.smap[date]).sum()
        assert complete == (0 if late else np.isfinite(case.smap[date][:, :5]).sum())
        note = "no raster of ndvi" if late else ""
        taken = "" if late else EARLIER.isoformat()
        expected.append([date.isoformat(), str(len(day)), str(complete), taken, note])
    dates = rows_of(given["DATES"])
    assert [[value.replace("/", "-") for value in row.values()] for row in dates] == expected
    page, (preflight, shown) = tables_of(given["REPORT"])
    assert shown == [["date", "cells", "complete", "ndvi_date", "note"], *expected]
    assert [row[0] for row in preflight] == ["layer", "SMAP", *NAMES, "ndvi"]
    assert f"{len(matrix)}, of them without a gap {sum(int(row[2]) for row in expected)}" in page
    assert page.count("<li>") == len(said.warnings) == 1
    assert "coarse stack, SHA-256" in page
    for name, folder in (("SMAP", given["SMAP"]), ("ndvi", given["DYNAMIC"][0])):
        digest = series_hash(open_series(folder)).digest
        assert f"<dt>{name}, SHA-256 of contents</dt><dd>{digest}</dd>" in page
    assert f"{Path(given['DYNAMIC'][0])} (1, {EARLIER})" in page
    picture = re.search(r'src="data:image/png;base64,([^"]+)"', page).group(1)
    assert base64.b64decode(picture).startswith(b"\x89PNG")


def test_the_preflight_table_holds_the_numbers_of_the_layers(run, given, case):
    run("regressionmatrix", given)
    rows = {row["layer"]: row for row in rows_of(given["PREFLIGHT"])}
    for number, name in enumerate(NAMES):
        band = case.coarse[number]
        assert float(rows[name]["minimum"]) == pytest.approx(band.min(), rel=1e-6)
        assert float(rows[name]["maximum"]) == pytest.approx(band.max(), rel=1e-6)
    assert float(rows["ndvi"]["nodata"]) == pytest.approx(4 / 9, abs=0.01)
    assert float(rows["ndvi"]["covered"]) == 1.0
    assert (float(rows["SMAP"]["shift_down"]), float(rows["SMAP"]["shift_right"])) == (0.0, 0.0)
    assert rows["ndvi"]["notes"] == "no raster on 1 of 3 dates (2021-01-01)"


@pytest.fixture
def mapping(run, given, case, tmp_path):
    """Parameters of downscale: forests of two dates, of which one lacks NDVI."""
    rain = {key: value for key, value in given.items() if key in ("SMAP", "COVARIATES")}
    table = str(tmp_path / "rain.gpkg")
    run("regressionmatrix", {**rain, "DYNAMIC": [case.rain_folder], "OUTPUT": table})
    forests = {"PRESET": "custom", "N_ESTIMATORS": 4, "MINIMUM_CELLS": 20, "INPUT": table}
    run("trainforests", {**forests, "OUTPUT": str(tmp_path / "f.smapforest")})
    (tmp_path / "rain" / f"rain_{DATES[2]:%Y%m%d}.tif").unlink()
    return {
        "FORESTS": str(tmp_path / "f.smapforest"),
        "COVARIATES": case.fine_stack,
        "DYNAMIC": [case.rain_folder],
        "OUTPUT": str(tmp_path / "maps"),
        **{name: given[name] for name in ("DATES", "PREFLIGHT", "REPORT")},
    }


def test_the_maps_report_tells_each_date(run, mapping, said):
    outputs = run("downscale", mapping)
    assert outputs["COUNT"] == 1
    path = Path(mapping["OUTPUT"]) / f"soil_moisture_{DATES[0]:%Y%m%d}.tif"
    values = gdal.Open(str(path)).ReadAsArray()
    numbers = [f"{number:.4f}" for number in (values.min(), values.mean(dtype=float), values.max())]
    beyond = f"{100 * np.mean((values < 0) | (values > 0.6)):.2f}"
    skipped = f"rain has no raster of {DATES[2]}"
    expected = [
        [str(DATES[0]), path.name, "100.0", *numbers, beyond, str(DATES[0]), ""],
        [str(DATES[2]), "", "", "", "", "", "", "", skipped],
    ]
    page, (preflight, shown) = tables_of(mapping["REPORT"])
    headers = ["date", "map", "valid, %", "minimum", "mean", "maximum"]
    headers += ["below zero or above saturation, %", "rain_date", "note"]
    assert shown == [headers, *expected]
    assert [row[0] for row in preflight] == ["layer", *NAMES, "rain"]
    assert "<dd>1: 1 new, 0 kept from an earlier run</dd>" in page
    assert "<dt>Dates without a map</dt><dd>1</dd>" in page
    assert "model file, SHA-256" in page
    assert page.count("<li>") == len(said.warnings)
    table = rows_of(mapping["DATES"])
    assert [row["note"] for row in table] == ["", skipped]
    assert float(table[0]["mean"]) == pytest.approx(values.mean(dtype=float), rel=1e-6)
    run("downscale", mapping)
    assert rows_of(mapping["DATES"])[0]["note"] == "kept from an earlier run"


def test_the_workflow_says_what_was_used(run, mapping, case, tmp_path, monkeypatch):
    """The paper's Fig. 3, with the counts and scores of the inputs' own tables."""
    figures = FigureTexts(monkeypatch)
    outputs = run("downscale", mapping)
    check_numbers(outputs, figures)
    table, scores = str(tmp_path / "rain.gpkg"), str(tmp_path / "scores.csv")
    forests = {"PRESET": "custom", "N_ESTIMATORS": 4, "MINIMUM_CELLS": 20, "INPUT": table, "SCORES": scores}
    run("trainforests", {**forests, "OUTPUT": str(tmp_path / "again.smapforest")})
    rows = [row for row in rows_of(scores) if row["oob_rmse"]]
    rmse, r2 = (np.median([float(row[name]) for row in rows]) for name in ("oob_rmse", "oob_r2"))
    cells = np.isfinite(case.smap[DATES[0]]).sum()
    texts = [text for text in figures.texts if "\n" in text]
    drawn = {name: " ".join(text.split()) for text in texts for name in WORKFLOW if name in text}
    assert drawn == {
        "with a forest": f"2 dates with a forest {DATES[0]} to {DATES[2]} soil_moisture, m3 m-3",
        "averaged": f"rain.gpkg {cells} rows a date 4 covariates, averaged over SMAP's cells",
        "out-of-bag": "n_estimators 4, min_samples_split 4, min_samples_leaf 1, seed 1 "
        f"out-of-bag RMSE {rmse:.4f}, R² {r2:.3f} (medians) f.smapforest",
        "applied": "each forest applied to the pixels of its date 1 date without a map",
        "bands of": f"3 bands of fine.tif sand, elevation, clay pixels of {PIXELS.cell_width:.4g} m",
        "rain: ": f"rain: 2 dates, rain {DATES[0]} to {DATES[1]} pixels of {CELLS.cell_width:.4g} m",
        "1 date\n": f"1 date {DATES[0]} pixels of {PIXELS.cell_width:.4g} m",
    }


#: What tells the boxes of the workflow.
WORKFLOW = ("with a forest", "averaged", "out-of-bag", "applied", "bands of", "rain: ", "1 date\n")


@pytest.mark.parametrize("name", ["REPORT", "DATES", "PREFLIGHT"])
def test_each_is_made_alone(run, mapping, name, tmp_path):
    wanted = {key: value for key, value in mapping.items() if key not in ("REPORT", "DATES", "PREFLIGHT")}
    outputs = run("downscale", {**wanted, name: mapping[name]})
    assert [key for key in ("REPORT", "DATES", "PREFLIGHT") if key in outputs] == [name]
    beside = ["report_numbers.csv"] if name == "REPORT" else []
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [Path(mapping[name]).name, *beside]


def test_harmonised_layers_have_the_table_too(run, given, case, tmp_path):
    write_geotiff(tmp_path / "dem.tif", PIXELS, case.fine[0], [Band("elevation", "m")])
    layers = {"INPUT": [str(tmp_path / "dem.tif")], "SMAP": case.smap_folder, "RESOLUTION": 1000}
    stacks = {name: str(tmp_path / "out" / f"{name}.tif") for name in ("OUTPUT_COARSE", "OUTPUT_FINE")}
    run("harmonisecovariates", {**layers, **stacks, "PREFLIGHT": given["PREFLIGHT"]})
    assert [row["layer"] for row in rows_of(given["PREFLIGHT"])] == ["SMAP", "elevation"]


@pytest.mark.parametrize("name", ["regressionmatrix", "downscale"])
def test_the_reports_need_matplotlib(given, mapping, refusal, monkeypatch, name):
    from smap_downscaler.toolbox import dependencies

    found = dependencies.is_installed
    monkeypatch.setattr(dependencies, "is_installed", lambda module: module != "matplotlib" and found(module))
    parameters = given if name == "regressionmatrix" else mapping
    assert refusal(name, parameters).startswith("REPORT: Missing Python package: matplotlib. ")


def test_sparse_dates_are_in_the_report_all_the_same(run, given):
    run("regressionmatrix", {**given, "START": SPARSE.isoformat(), "END": SPARSE.isoformat()})
    _page, (_preflight, shown) = tables_of(given["REPORT"])
    assert [row[0] for row in shown[1:]] == [SPARSE.isoformat()]
