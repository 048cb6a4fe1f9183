"""skillexperiment: real runs of both tests, refusals, a stop, and what is kept of it."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from raster_cases import grid_raster, listing
from report_reader import FigureTexts, check_numbers
from smap_downscaler.geo.grid import Window, ease2_grid
from smap_downscaler.steps.skill.scene import MadeUp

CHEAP = ["nearest", "linear"]


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def made_up(folder, **more):
    """A short run of known truth."""
    return {
        "TEST": "known truth", "METHODS": CHEAP, "TRUTHS": ["mild", "mirrored"], "SHARES": "0.6",
        "FOOTPRINT": "0", "DATES": "1", "CELLS": 10, "PIXEL": 1500, "SWATHS": False,
        "OUTPUT": str(folder / "made" / "skill.csv"), **more,
    }  # fmt: skip


def test_known_truth_on_made_up_covariates(run, said, tmp_path, monkeypatch):
    figures = FigureTexts(monkeypatch)
    parameters = made_up(tmp_path, SHARES="0.2, 0.6", SEEDS=2, FOOTPRINT="0,20", MAPPED=1)
    parameters["MAPS"] = str(tmp_path / "made" / "maps.csv")
    parameters["REPORT"] = str(tmp_path / "made" / "report.html")
    outputs = run("skillexperiment", parameters)
    rows, maps = rows_of(outputs["OUTPUT"]), rows_of(outputs["MAPS"])
    # Truths x shares x footprints x seeds x (nearest, bilinear, linear).
    assert len(rows) == len(maps) == 2 * 2 * 2 * 2 * 3
    assert outputs["COUNT"] == len(maps)
    assert {row["seed"] for row in rows} == {"1000", "1001"}
    assert {row["method"] for row in rows} == {"nearest", "bilinear", "linear"}
    assert all(row["coverage"] == row["snr"] == "" for row in rows)
    for row, one in zip(rows, maps):
        assert row["rmse"] == pytest.approx(float(one["rmse"])) or float(row["rmse"]) > 0
    bilinear = {row["ratio"] for row in rows if row["method"] == "bilinear"}
    assert bilinear == {"1"} or set(map(float, bilinear)) == {1.0}
    ratios = {}
    for row in rows:
        if row["truth"] == "mild":
            ratios.setdefault(row["method"], []).append(float(row["ratio"]))
    assert outputs["BEST_RATIO"] == pytest.approx(min(map(np.mean, ratios.values())))
    check_numbers(outputs, figures)
    assert any(line.startswith("With 1 date: use ") for line in said.info)
    assert not said.warnings
    assert sorted(listing(tmp_path / "made")) == [
        "maps.csv",
        "report.html",
        "report_numbers.csv",
        "skill.csv",
    ]
    assert any("of 16 cases" in text for text in said.progress_texts)


def stack_of(path, cells=11, pixel=1500.0, **more):
    """A fine stack as a file, of made-up covariates with lakes."""
    scene = MadeUp(cells, pixel)(3, 1)
    return grid_raster(path, scene.grid, scene.x, names=scene.names, nodata=np.nan, **more), scene


def test_known_truth_on_a_stack_and_dated_covariates(run, said, tmp_path):
    path, scene = stack_of(tmp_path / "stack.tif")
    rain = tmp_path / "rain"
    rain.mkdir()
    rng = np.random.default_rng(1)
    for day in ("2021-03-01", "2021-03-11", "2021-03-21"):
        grid = scene.grid.crop(Window(0, 0, *scene.grid.shape))
        values = np.add.outer(np.linspace(0, 9, grid.height), rng.normal(size=grid.width).cumsum())
        grid_raster(rain / f"rain_{day}.tif", grid, (values - values.min()).astype(np.float32))
    more = {"COVARIATES": path, "DYNAMIC": [str(rain)], "DATES": "3", "TRUTHS": ["linear"], "NOISE": 0}
    report = str(tmp_path / "made" / "report.html")
    outputs = run("skillexperiment", made_up(tmp_path, **more, REPORT=report))
    rows = rows_of(outputs["OUTPUT"])
    assert {row["maps"] for row in rows} == {"3"}
    page = (tmp_path / "made" / "report.html").read_text(encoding="utf-8")
    assert "twi (as index), rain, season, clay" in page
    assert str(path) in page
    linear = next(row for row in rows if row["method"] == "linear")
    assert float(linear["r_within"]) > 0.5
    assert not said.warnings


def test_models_do_without_noise_and_unused_smap_is_told(run, said, tmp_path):
    smap = tmp_path / "smap"
    smap.mkdir()
    grid = ease2_grid("9 km").crop(Window(900, 1000, 3, 3))
    grid_raster(smap / "smap_2021-03-01.tif", grid, np.full(grid.shape, 0.2, np.float32))
    more = {"NOISE": 0, "METHODS": ["kriging alone"], "TRUTHS": ["mild"], "MAPPED": 1, "SMAP": str(smap)}
    rows = rows_of(run("skillexperiment", made_up(tmp_path, **more))["OUTPUT"])
    closure = {row["method"]: float(row["closure"]) for row in rows}
    # Without noise nothing is taken away from SMAP.
    assert closure["kriging alone"] < 0.5 * closure["bilinear"]
    assert said.warnings == [
        f"SMAP ({smap}) is given without COVARIATES, and made-up ones have cells of their own: it is not "
        "used; give the fine stack too."
    ]


def smap_of(folder, rows=48, cols=51):
    """A SMAP series of 36 km cells whose pattern is a covariate's, and a finer stack of it."""
    rng = np.random.default_rng(2)
    grid = ease2_grid("36 km").crop(Window(150, 300, rows, cols))
    x = rng.normal(size=(2, rows, cols)).astype(np.float32)
    smooth = np.add.outer(np.sin(np.arange(rows) / 15), np.cos(np.arange(cols) / 12))
    folder.mkdir()
    for number, day in enumerate(("2021-03-01", "2021-03-04")):
        values = (0.25 + 0.03 * smooth + 0.05 * x[0]).clip(0.02, 0.6).astype(np.float32)
        values[:, : 3 * number] = np.nan
        grid_raster(folder / f"smap_{day}.tif", grid, values, nodata=np.nan)
    return grid_raster(
        folder.parent / "stack.tif", grid, x, names=("clay", "surface_temperature"), nodata=np.nan
    )


def test_one_scale_up(run, by_ids, said, tmp_path, monkeypatch):
    figures = FigureTexts(monkeypatch)
    stack = smap_of(tmp_path / "smap")
    parameters = {
        "TEST": "one scale up", "SMAP": str(tmp_path / "smap"), "COVARIATES": stack, "METHODS": CHEAP,
        "BLOCKS": 16, "DATES": "1", "OUTPUT": str(tmp_path / "made" / "skill.csv"),
        "REPORT": str(tmp_path / "made" / "report.html"),
    }  # fmt: skip
    outputs = run("skillexperiment", parameters)
    rows = rows_of(outputs["OUTPUT"])
    assert [(row["test"], row["truth"], row["method"]) for row in rows] == [
        ("one scale up", "window 1", name) for name in ("nearest", "bilinear", "linear")
    ]
    # No share and footprint are known here.
    assert all(row["share"] == row["footprint_km"] == row["seed"] == "" for row in rows)
    assert float(rows[2]["r_within"]) > 0.95
    assert said.warnings == [
        "COVARIATES: by their names surface_temperature are inputs of SMAP's retrieval; they flatter the "
        "test one scale up, so leave them out to learn what independent covariates tell."
    ]
    check_numbers(outputs, figures)
    page = (tmp_path / "made" / "report.html").read_text(encoding="utf-8")
    assert "One scale up, from 108 to 36 km: 1 window, 3 maps" in page
    assert "<li>COVARIATES: by their names" in by_ids(page)


def test_one_scale_up_refuses_what_it_cannot_tell(refusal, run, said, tmp_path):
    stack = smap_of(tmp_path / "smap")
    parameters = {
        "TEST": "one scale up", "SMAP": str(tmp_path / "smap"), "COVARIATES": stack, "DATES": "1",
        "BLOCKS": 16, "OUTPUT": str(tmp_path / "made" / "skill.csv"),
    }  # fmt: skip
    alone = {"METHODS": ["area-to-point on two levels", "ceiling"]}
    assert refusal("skillexperiment", {**parameters, **alone}) == (
        "METHODS: 'ceiling' has no part in the test one scale up, and 'area-to-point on two levels' needs 6 "
        "dates or more of the series, of which there is 1; choose other methods."
    )
    grid = ease2_grid("36 km").crop(Window(150, 300, 48, 51))
    percent = np.random.default_rng(3).uniform(10, 40, grid.shape).astype(np.float32)
    (tmp_path / "percent").mkdir()
    grid_raster(tmp_path / "percent" / "smap_2021-03-01.tif", grid, percent, nodata=np.nan)
    sentence = refusal("skillexperiment", {**parameters, "SMAP": str(tmp_path / "percent")})
    assert sentence.endswith("it must be m3 m-3 (0 to 1), so divide percent by 100.")


def test_cells_that_are_interpolated_are_for_orientation(run, said, tmp_path):
    rng = np.random.default_rng(2)
    grid = ease2_grid("9 km").crop(Window(700, 1200, 39, 39))
    x = rng.normal(size=(1, *grid.shape)).astype(np.float32)
    (tmp_path / "smap").mkdir()
    grid_raster(tmp_path / "smap" / "smap_2021-03-01.tif", grid, 0.25 + 0.02 * x[0], nodata=np.nan)
    stack = grid_raster(tmp_path / "stack.tif", grid, x, names=("clay",), nodata=np.nan)
    parameters = {
        "TEST": "one scale up", "SMAP": str(tmp_path / "smap"), "COVARIATES": stack, "METHODS": CHEAP,
        "BLOCKS": 13, "DATES": "1", "OUTPUT": str(tmp_path / "skill.csv"),
    }  # fmt: skip
    run("skillexperiment", parameters)
    assert said.warnings == [
        "SMAP: its cells of 9 km are interpolated from a footprint of over 30 km, so that there is little "
        "within blocks to be found, and interpolation finds it; take the result for orientation only, "
        "with OWN_FOOTPRINT 'given' (the cells that are scored are as blurred as blocks), or give SPL3SMP "
        "(36 km)."
    ]
    # Of one window there is no range.
    assert any("that of bilinear interpolation (1 window). Of the real" in line for line in said.info)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"SHARES": "0.2, x"}, "SHARES: 'x' is no number; give numbers separated by commas."),
        ({"SHARES": "1.5"}, "SHARES holds 1.5; give shares over 0 and at most 1."),
        ({"SHARES": "0"}, "SHARES holds 0; give numbers from 0.01 on."),
        ({"FOOTPRINT": "-3"}, "FOOTPRINT holds -3; give numbers from 0 on."),
        ({"FOOTPRINT": "0, 330"}, "FOOTPRINT holds 330; give 0 to 100 km."),
        ({"NOISE": 2}, "NOISE is 2 m3 m-3; give 0 to 0.2."),
        ({"DATES": "2.5"}, "DATES holds 2.5; give whole numbers."),
        (
            {"METHODS": ["area-to-point on two levels"]},
            "METHODS is 'area-to-point on two levels' alone, which needs 6 dates or more; give more "
            "in DATES.",
        ),
        (
            {"METHODS": ["paper", "magic"]},
            "METHODS: there is no choice 'magic'; choose some of nearest, bilinear, cubic, kriging alone, "
            "linear, linear + residual, paper, paper + residual, area-to-point by date, area-to-point on two "
            "levels, ceiling.",
        ),
        (
            {"DYNAMIC": ["."]},
            "DYNAMIC is given without COVARIATES; give the fine stack too, or leave it empty.",
        ),
        (
            {"TEST": "one scale up", "BLOCKS": 12},
            "BLOCKS is 12, and a window of 12 x 12 blocks holds fewer than the 150 that are needed; give 13 "
            "or more.",
        ),
        (
            {"TEST": "one scale up", "SMAP": ".", "COVARIATES": __file__, "DATES": "2.5"},
            "DATES holds 2.5; give whole numbers.",
        ),
        (
            {"TEST": "one scale up"},
            "SMAP is empty; the test one scale up needs a SMAP series and a stack of covariates.",
        ),
    ],
)
def test_bad_input_is_refused(refusal, tmp_path, more, sentence):
    assert sentence in refusal("skillexperiment", made_up(tmp_path, **more))
    assert not (tmp_path / "made").exists() or not listing(tmp_path / "made")


def test_what_does_not_fit_is_refused(refusal, tmp_path):
    path, scene = stack_of(tmp_path / "stack.tif", 1)
    sentence = refusal("skillexperiment", made_up(tmp_path, COVARIATES=path, FOOTPRINT="33"))
    assert "are seen with a footprint of 33 km, and a test of known truth needs 60" in sentence
    few = scene.grid.crop(Window(0, 0, 20, 20))
    few = grid_raster(tmp_path / "few.tif", few, scene.x[:, :20, :20], names=scene.names, nodata=np.nan)
    sentence = refusal("skillexperiment", made_up(tmp_path, COVARIATES=few, FOOTPRINT="0"))
    assert "lie by half or more on its pixels with a value, and a test of known truth needs 60" in sentence
    coarse = grid_raster(
        tmp_path / "coarse.tif", ease2_grid("9 km").crop(Window(900, 1000, 20, 20)),
        np.random.default_rng(1).normal(size=(2, 20, 20)).astype(np.float32), names=("clay", "twi"),
    )  # fmt: skip
    assert refusal("skillexperiment", made_up(tmp_path, COVARIATES=coarse)) == (
        f"{coarse}: its pixels of 9 km are too coarse for cells of 9 km; give the fine stack."
    )
    rain = tmp_path / "rain"
    rain.mkdir()
    grid_raster(rain / "rain_2021-03-01.tif", scene.grid, np.ones(scene.grid.shape, np.float32))
    sentence = refusal("skillexperiment", made_up(tmp_path, COVARIATES=path, DYNAMIC=[str(rain)], DATES="2"))
    assert sentence == (
        "DYNAMIC: only 1 dates have all dated covariates, and DATES asks for 2; give a longer series, or "
        "fewer dates."
    )


def test_a_cancelled_run_leaves_what_it_finished_and_nothing_else(run, feedback, tmp_path):
    parameters = made_up(tmp_path, SHARES="0.2, 0.4, 0.6", TRUTHS=["mild"])
    feedback.cancel_when = lambda text: text.startswith("mild, share 0.6")
    run("skillexperiment", parameters)
    assert feedback.isCanceled()
    assert listing(tmp_path / "made") == [".skill.csv.work"]


@pytest.mark.parametrize("words", ["nearest learns", "linear maps date 1 of 1", "of 2 maps of the case"])
def test_a_run_that_is_cancelled_in_its_first_case_leaves_nothing(run, feedback, tmp_path, words):
    feedback.cancel_when = lambda text: words in text
    run("skillexperiment", made_up(tmp_path, METHODS=["nearest"] if "of 2" in words else CHEAP))
    assert feedback.isCanceled()
    assert not (tmp_path / "made").exists() or not listing(tmp_path / "made")


def test_a_run_that_is_cancelled_at_its_report_goes_on_there(run, feedback, tmp_path):
    parameters = made_up(tmp_path, REPORT=str(tmp_path / "made" / "report.html"))
    feedback.cancel_when = lambda text: text == "Drawing the report"
    run("skillexperiment", parameters)
    assert feedback.isCanceled()
    left = listing(tmp_path / "made")
    assert ".skill.csv.work" in left
    assert not [name for name in left if ".part" in name or "report" in name]


def test_a_finished_case_is_not_made_anew(run, tmp_path, monkeypatch):
    parameters = made_up(tmp_path, SHARES="0.2, 0.4", TRUTHS=["mild"])
    asked = []
    from smap_downscaler.steps.skill import known_truth

    own, broken = known_truth.map_all, RuntimeError("out of power")

    def map_all(case, *rest):
        asked.append(case.share)
        if case.share == 0.4 and len(asked) == 2:
            raise broken
        return own(case, *rest)

    monkeypatch.setattr(known_truth, "map_all", map_all)
    with pytest.raises(Exception, match="out of power"):
        run("skillexperiment", parameters)
    outputs = run("skillexperiment", parameters)
    assert asked == [0.2, 0.4, 0.4]
    assert len(rows_of(outputs["OUTPUT"])) == 2 * 3
    assert listing(tmp_path / "made") == ["skill.csv"]


def test_all_methods_take_part_where_none_is_named(run, tmp_path):
    parameters = made_up(tmp_path, TRUTHS=["linear"], MAPPED=1)
    del parameters["METHODS"]
    rows = rows_of(run("skillexperiment", parameters)["OUTPUT"])
    assert [row["method"] for row in rows] == [
        "nearest",
        "bilinear",
        "cubic",
        "kriging alone",
        "linear",
        "linear + residual",
        "paper",
        "paper + residual",
        "area-to-point by date",
        "ceiling",
    ]
