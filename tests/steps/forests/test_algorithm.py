"""Train forests: modes, tuning, importance, the report, and their refusals."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from osgeo import gdal, ogr

from forest_cases import predict
from small_case import NAMES, make_small_case
from smap_downscaler.methods.base import Wishes
from smap_downscaler.methods.file.reader import open_models
from smap_downscaler.methods.forest.hyper_grid import candidates
from smap_downscaler.methods.forest.tuning import grow_forest
from smap_downscaler.methods.keys import CellKey, PooledKey
from smap_downscaler.methods.skill import OF_INTERVALS

FOREST = {"PRESET": "custom", "N_ESTIMATORS": 6, "SEED": 3, "MINIMUM_CELLS": 20, "MINIMUM_DATES": 2}
#: The small case has few dates: rain is what changes in its cells.
DATED = {"DYNAMIC_NAMES": "p_antecedent"}


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return make_small_case(tmp_path_factory.mktemp("case"))


@pytest.fixture
def matrix(run, case, tmp_path):
    output = str(tmp_path / "matrix.gpkg")
    inputs = {"SMAP": case.smap_folder, "COVARIATES": case.coarse_stack, "DYNAMIC": [case.rain_folder]}
    run("regressionmatrix", {**inputs, **DATED, "OUTPUT": output})
    return output


def rows_of(path):
    dataset = ogr.Open(str(path))
    return [dict(feature.items()) for feature in dataset.GetLayer(0)]


def parameters(matrix, tmp_path, **more):
    return {"INPUT": matrix, **FOREST, "OUTPUT": str(tmp_path / "f.smapforest"), **more}


def test_forests_by_cell(run, said, matrix, tmp_path):
    scores = str(tmp_path / "scores.gpkg")
    outputs = run(
        "trainforests", parameters(matrix, tmp_path, MODE="by cell", DAY_OF_YEAR=True, SCORES=scores)
    )
    rows = rows_of(scores)
    with open_models(outputs["OUTPUT"]) as file:
        assert file.mode == "by cell"
        assert outputs["COUNT"] == len(file.keys) == sum(row["status"] == "trained" for row in rows)
        assert outputs["COUNT"] > 60
        assert file.names == (*NAMES, "p_antecedent", "doy_sin", "doy_cos")
        key = file.keys[5]
        assert set(file.names_of(key)) == {"p_antecedent", "doy_sin", "doy_cos"}
        row = next(row for row in rows if (row["row"], row["col"]) == (key.row, key.col))
        assert (row["x"], row["y"]) == (key.x, key.y)
    assert any("cells have a forest" in line and "days that SMAP missed" in line for line in said.info)


def test_a_pooled_forest_maps_a_date_that_no_forest_saw(run, case, matrix, tmp_path):
    """Trained without the last date; pixels against the forest's own prediction."""
    period = {"MODE": "pooled", "DAY_OF_YEAR": True, "END": "2020-12-31"}
    outputs = run("trainforests", parameters(matrix, tmp_path, **period))
    assert outputs["COUNT"] == 1
    maps = {"FORESTS": outputs["OUTPUT"], "COVARIATES": case.fine_stack, "OUTPUT": str(tmp_path / "maps")}
    made = run("downscale", {**maps, "DYNAMIC": [case.rain_folder], **DATED})
    assert made["COUNT"] == 3
    last = gdal.Open(str(tmp_path / "maps" / "soil_moisture_20210101.tif")).ReadAsArray()
    rain = gdal.Open(f"{case.rain_folder}/rain_20210101.tif").ReadAsArray()
    row, col = 34, 45
    corners = 0.95 * 0.95 * rain[3, 4] + 0.95 * 0.05 * (rain[2, 4] + rain[3, 5]) + 0.05 * 0.05 * rain[2, 5]
    x = np.array([[*case.fine[:, row, col], corners, 0.0, 1.0]], np.float32)
    with open_models(outputs["OUTPUT"]) as file:
        assert last[row, col] == pytest.approx(predict(file.load(PooledKey()), x)[0], abs=1e-7)


def test_tuning_is_reported_in_scores_and_file(run, case, matrix, tmp_path):
    grid = {
        "TUNE": True,
        "MAX_FEATURES_GRID": "1, 3",
        "N_ESTIMATORS_GRID": "4, 8",
        "SAMPLE_SHARE_GRID": "0.6, 1",
    }
    scores = str(tmp_path / "scores.gpkg")
    outputs = run("trainforests", parameters(matrix, tmp_path, SCORES=scores, **grid))
    rows = {row["date"]: row for row in rows_of(scores)}
    with open_models(outputs["OUTPUT"]) as file:
        base = file.settings
        choice = candidates(base, "1, 3", n_estimators="4, 8", sample_share="0.6, 1")
        for date in file.dates:
            seen = np.isfinite(case.smap[date])
            rain = gdal.Open(f"{case.rain_folder}/rain_{date:%Y%m%d}.tif").ReadAsArray()
            x = np.column_stack([*case.coarse[:, seen], rain[seen]])
            grown = grow_forest(x, case.smap[date][seen], base, Wishes(choice), date.toordinal())
            assert file.settings_of(date) == grown.settings
            # Of intervals a plain forest tells nothing.
            told = replace(file.scores(date), **dict.fromkeys(OF_INTERVALS, math.nan))
            assert told == grown.scores
            row = rows[f"{date:%Y/%m/%d}"]
            for name in ("n_estimators", "max_features", "min_samples_split", "sample_size"):
                assert row[name] == getattr(grown.settings, name)


TABLES = ("SCORES", "SUMMARY", "IMPORTANCE", "IMPORTANCE_SUMMARY", "EFFECTS")


def test_importance_and_report(run, matrix, tmp_path):
    outputs = {name: str(tmp_path / f"{name.lower()}.gpkg") for name in TABLES}
    outputs["REPORT"] = str(tmp_path / "report.html")
    grid = {"TUNE": True, "MAX_FEATURES_GRID": "1, 3"}
    got = run("trainforests", parameters(matrix, tmp_path, **outputs, **grid))
    assert {name: got[name] for name in outputs} == outputs
    rmse = [row["oob_rmse"] for row in rows_of(outputs["SCORES"]) if row["status"] == "trained"]
    summary = next(row for row in rows_of(outputs["SUMMARY"]) if row["score"] == "oob_rmse")
    assert summary["n"] == len(rmse)
    assert (summary["median"], summary["q3"]) == pytest.approx(
        (np.median(rmse), np.percentile(rmse, 75)), rel=1e-12
    )
    rows = rows_of(outputs["IMPORTANCE"])
    covariates = {*NAMES, "p_antecedent"}
    assert len(rows) == 2 * 4
    assert {row["covariate"] for row in rows} == covariates
    summary = {row["covariate"]: row for row in rows_of(outputs["IMPORTANCE_SUMMARY"])}
    for name in covariates:
        values = [row["mse_rise"] for row in rows if row["covariate"] == name]
        assert summary[name]["mean"] == pytest.approx(np.mean(values), rel=1e-12)
        assert summary[name]["sd"] == pytest.approx(np.std(values, ddof=1), rel=1e-12)
    # The case's soil moisture is made of elevation and clay.
    assert summary["elevation"]["mean"] > 3 * summary["sand"]["mean"]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"{1e6 * summary['elevation']['mean']:.2f}" in page
    assert page.count("<img") == 3
    for text in (
        "Out-of-bag scores",
        "Importance of the covariates",
        "Which way soil moisture goes with each covariate",
        "Hyper-parameters (the paper&#39;s Table 5)",
        "<td>sample_size</td><td>rows drawn for a tree</td>",
        "Hyper-parameters that were chosen",
        "SHA-256",
    ):
        assert text in page
    assert "http" not in page


def test_effects_are_those_of_the_forests_of_the_file(run, case, matrix, tmp_path):
    """The table anew from file and case; forests and scores are the same with it and without."""
    plain = run("trainforests", parameters(matrix, tmp_path, SCORES=str(tmp_path / "plain.csv")))
    alone = (tmp_path / "f.smapforest").read_bytes()
    tables = {"EFFECTS": str(tmp_path / "effects.gpkg"), "SCORES": str(tmp_path / "scores.csv")}
    got = run("trainforests", parameters(matrix, tmp_path, **tables))
    assert (tmp_path / "f.smapforest").read_bytes() == alone
    assert (tmp_path / "scores.csv").read_bytes() == (tmp_path / "plain.csv").read_bytes()
    assert [got[name] for name in ("COUNT", "OOB_RMSE")] == [plain[name] for name in ("COUNT", "OOB_RMSE")]
    found = [row for row in rows_of(tables["EFFECTS"]) if row["covariate"] == "elevation"]
    assert {row["n_forests"] for row in found} == {2}
    with open_models(got["OUTPUT"]) as file:
        asked, column = [], file.names.index("elevation")
        for date in file.dates:
            seen = np.isfinite(case.smap[date])
            rain = gdal.Open(f"{case.rain_folder}/rain_{date:%Y%m%d}.tif").ReadAsArray()
            x = np.column_stack([*case.coarse[:, seen], rain[seen]]).astype(np.float32)
            asked.append((file.load(date), x))
        assert file.names == (*NAMES, "p_antecedent")
    values = np.sort(np.concatenate([x[:, column] for _, x in asked]))
    breaks = np.unique(values[np.round(np.linspace(0, len(values) - 1, 21)).astype(int)])
    assert [row["value"] for row in found] == breaks.tolist()
    rises = []
    for model, x in asked:
        own = np.clip(np.searchsorted(breaks, x[:, column]) - 1, 0, None)
        low, high = x.copy(), x.copy()
        low[:, column], high[:, column] = breaks[own], breaks[own + 1]
        change = predict(model, high) - predict(model, low)
        rises.append([change[own == interval].mean() for interval in range(len(breaks) - 1)])
    # Both dates see the same cells, so that the median of their curves is the mean.
    assert len(asked) == 2
    np.testing.assert_allclose(
        np.diff([row["median"] for row in found]), np.mean(rises, axis=0), rtol=1e-9, atol=1e-12
    )
    apart = np.abs(np.diff(np.cumsum(rises, axis=1), axis=0))[0]
    between = np.array([row["q75"] - row["q25"] for row in found])
    assert between.max() <= apart.max() + 1e-12
    # The case's soil moisture is made of elevation.
    assert abs(found[-1]["median"] - found[0]["median"]) > 0.01


@pytest.mark.parametrize("mode", ["by cell", "pooled"])
def test_reports_of_the_other_modes(run, matrix, tmp_path, mode):
    report = str(tmp_path / "report.html")
    effects = str(tmp_path / "effects.gpkg")
    run("trainforests", parameters(matrix, tmp_path, MODE=mode, REPORT=report, EFFECTS=effects))
    rows = rows_of(effects)
    if mode == "pooled":
        assert {(row["n_forests"], row["q25"], row["q75"]) for row in rows} == {(1, None, None)}
        assert {row["covariate"] for row in rows} == {*NAMES, "p_antecedent"}
    else:
        # All else is the same on all dates of a cell.
        assert {row["covariate"] for row in rows} == {"p_antecedent"}
        assert max(row["n_forests"] for row in rows) > 30
        assert all(row["q25"] <= row["median"] <= row["q75"] for row in rows)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<img") == (3 if mode == "by cell" else 2)
    assert "of the covariates, most important first" in page
    assert ("band: quartiles over" in page) == (mode == "by cell")
    assert "Hyper-parameters that were chosen" not in page


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"DAY_OF_YEAR": True},
            "DAY_OF_YEAR: all rows of a date have the same day of year, which tells forests by date nothing; "
            "untick it, or choose another MODE.",
        ),
        (
            {"NEIGHBOURS": True},
            "NEIGHBOURS: the days before and after are those of one cell; untick it, or choose the MODE "
            "'by cell'.",
        ),
        (
            {"NEIGHBOURS": True, "MODE": "pooled"},
            "NEIGHBOURS: the days before and after are those of one cell; untick it, or choose the MODE "
            "'by cell'.",
        ),
        (
            {"TUNE": True},
            "TUNE: there is nothing to choose from; give a grid two values or more, such as 2, 4, 7 for "
            "MAX_FEATURES_GRID, or untick it.",
        ),
        (
            {"N_ESTIMATORS_GRID": "5, 6"},
            "N_ESTIMATORS_GRID is given, and TUNE is not ticked; tick it, or leave the grids empty.",
        ),
        (
            {"TUNE": True, "MAX_FEATURES_GRID": "2, x"},
            "MAX_FEATURES_GRID: 'x' is no whole number; write numbers separated by commas, such as 2, 4, 7.",
        ),
        (
            {"TUNE": True, "MAX_FEATURES_GRID": "2, 5"},
            "MAX_FEATURES_GRID: 5 is more than the 4 covariates of {matrix}; give at most 4.",
        ),
        (
            {"MODE": "by cell", "MINIMUM_DATES": 9},
            "{matrix}: it has 3 dates from the start to the end, fewer than the 9 that a forest by cell "
            "needs; use a longer series, or lower MINIMUM_DATES.",
        ),
    ],
)
def test_refusals(refusal, matrix, tmp_path, change, sentence):
    assert refusal("trainforests", parameters(matrix, tmp_path, **change)) == sentence.format(matrix=matrix)
    assert not (tmp_path / "f.smapforest").exists()


def test_forests_by_cell_are_refused_for_maps(run, refusal, case, matrix, tmp_path):
    forests = run("trainforests", parameters(matrix, tmp_path, MODE="by cell"))["OUTPUT"]
    maps = {"FORESTS": forests, "COVARIATES": case.fine_stack, "OUTPUT": str(tmp_path / "maps")}
    assert refusal("downscale", maps) == (
        f"{forests}: its forests are by cell, each for one SMAP cell; use 'Fill gaps' with them, and for "
        "maps forests that were trained by date or pooled."
    )
    assert not (tmp_path / "maps").exists()


@pytest.mark.parametrize(("mode", "text"), [("by cell", "of 71 cells"), ("pooled", "Reading all dates")])
def test_cancelled_training_leaves_nothing(run, feedback, matrix, tmp_path, mode, text):
    feedback.cancel_when = lambda said: text in said
    assert run("trainforests", parameters(matrix, tmp_path, MODE=mode, TUNE=False)) == {}
    assert [path.name for path in tmp_path.iterdir()] == ["matrix.gpkg"]


def test_neighbours_in_time(run, matrix, tmp_path):
    outputs = run("trainforests", parameters(matrix, tmp_path, MODE="by cell", NEIGHBOURS=True))
    with open_models(outputs["OUTPUT"]) as file:
        assert file.features.neighbours
        assert file.names_of(file.keys[0])[-2:] == ("days_before", "days_after")
        assert isinstance(file.keys[0], CellKey)
