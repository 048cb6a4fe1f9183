"""INTERVALS, APPLICABILITY and CLIP from the toolbox: bands, tables, what log and report say."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import numpy as np
import pytest
from osgeo import ogr

from report_reader import FigureTexts, check_numbers
from small_area_case import make_area_case
from small_case import FOREST, make_small_case, train_small_case
from smap_downscaler.geo.datasets import open_dataset, read_band
from smap_downscaler.methods.file.reader import open_models
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.steps.forests.request import TrainingChoices
from smap_downscaler.steps.forests.training import train_by_date
from smap_downscaler.steps.matrix.read import open_matrix

MAPS = ("soil_moisture_20201230.tif", "soil_moisture_20210101.tif")
NONE = "0.00 % of the pixels lie below zero and 0.00 % above"


@pytest.fixture(scope="module")
def case(tmp_path_factory, qgis_provider):
    small = make_small_case(tmp_path_factory.mktemp("case"))
    train_small_case(small)
    return small


@pytest.fixture
def parameters(case, tmp_path):
    return {
        "FORESTS": str(case.folder / "forests.smapforest"),
        "COVARIATES": case.fine_stack,
        "OUTPUT": str(tmp_path / "maps"),
    }


def rows(path):
    source = ogr.Open(path)
    return [feature.items() for feature in source.GetLayer()]


def text_of(report):
    page = Path(report).read_text(encoding="utf-8").replace("\u202f", " ").replace("\u00a0", " ")
    return " ".join(page.split())


def test_bands_tables_and_report(run, said, monkeypatch, case, parameters, tmp_path):
    report, dates = tmp_path / "report.html", tmp_path / "dates.gpkg"
    figures = FigureTexts(monkeypatch)
    more = {"INTERVALS": True, "APPLICABILITY": True, "REPORT": str(report), "DATES": str(dates)}
    outputs = run("downscale", {**parameters, **more})
    assert not said.warnings
    assert (
        "0.00 % of the pixels lie below zero and 0.00 % above 0.6 m3 m-3 (the stack has no theta_s)"
        in said.info
    )
    widths, outside = [], []
    with open_models(parameters["FORESTS"]) as models:
        held = [models.scores(day).held for day in models.dates]
        for name, row in zip(MAPS, rows(outputs["DATES"])):
            dataset = open_dataset(tmp_path / "maps" / name)
            assert dataset.RasterCount == 7
            layers = [read_band(dataset, number).astype(float) for number in range(1, 8)]
            widths.append(np.nanmean(layers[2] - layers[1]))
            outside.append(100 * np.nanmean(layers[5]))
            assert row["width"] == pytest.approx(widths[-1], rel=1e-6)
            assert row["outside"] == pytest.approx(outside[-1], rel=1e-6)
            day = dt.date.fromisoformat(row["date"].replace("/", "-"))
            assert row["held"] == 100 * models.scores(day).held
    page = text_of(report)
    assert "<h2>How far these maps can be trusted</h2>" in page
    assert (
        f"Intervals that are to hold 90 % are {np.mean(widths):.3f} m³ m⁻³ wide in the mean over 2 maps. At "
        f"rows of SMAP&#39;s cells that were held out they held {100 * np.mean(held):.1f} % of SMAP&#39;s "
        "values"
    ) in page
    assert f"{np.mean(outside):.1f} % of the pixels lie outside of where the training rows" in page
    check_numbers(outputs, figures)


def test_maps_without_them_have_one_band_of_the_same_bits(run, case, parameters, tmp_path):
    run("downscale", {**parameters, "INTERVALS": True, "OUTPUT": str(tmp_path / "more")})
    run("downscale", parameters)
    for name in MAPS:
        plain, more = open_dataset(tmp_path / "maps" / name), open_dataset(tmp_path / "more" / name)
        assert (plain.RasterCount, more.RasterCount) == (1, 4)
        assert np.array_equal(read_band(plain, 1).view(np.uint32), read_band(more, 1).view(np.uint32))


def test_clipped_maps(run, said, case, parameters, tmp_path):
    report = tmp_path / "report.html"
    run("downscale", {**parameters, "CLIP": True, "REPORT": str(report)})
    words = f"{NONE} 0.6 m3 m-3 (the stack has no theta_s)"
    assert f"{words}, and were brought to it (CLIP)" in said.info
    assert f"{words}, and were brought to it (CLIP)" in text_of(report)


@pytest.mark.parametrize(
    ("parameter", "sentence"),
    [
        ("INTERVALS", "it has nothing that intervals are made from; train it again, or leave out INTERVALS."),
        (
            "APPLICABILITY",
            "it has no training rows that pixels are held against; train it again, or leave out "
            "APPLICABILITY.",
        ),
    ],
)
def test_forests_of_older_versions_are_refused(refusal, case, parameters, tmp_path, parameter, sentence):
    old = tmp_path / "old.smapforest"
    settings = ForestSettings(4, None, None, 4, 1, None, 1)
    train_by_date(open_matrix(case.folder / "m.gpkg"), old, TrainingChoices(settings))
    assert refusal("downscale", {**parameters, "FORESTS": str(old), parameter: True}) == f"{old}: {sentence}"
    assert not list((tmp_path / "maps").glob("*.tif"))


def test_the_training_tells_what_intervals_hold(run, monkeypatch, case, tmp_path):
    tables = {name: str(tmp_path / f"{name}.gpkg") for name in ("SCORES",)}
    given = {"INPUT": str(case.folder / "m.gpkg"), **FOREST, "REPORT": str(tmp_path / "r.html"), **tables}
    figures = FigureTexts(monkeypatch)
    for mode in ("by date", "pooled"):
        outputs = run("trainforests", {**given, "MODE": mode, "OUTPUT": str(tmp_path / f"{mode}.smapforest")})
        with open_models(outputs["OUTPUT"]) as models:
            scores = [models.scores(key) for key in models.keys]
            assert all(models.load(key).has_sd for key in models.keys)
        trained = [row for row in rows(outputs["SCORES"]) if row["status"] == "trained"]
        for row, one in zip(trained, scores):
            assert [row[f"oob_{name}"] for name in ("held", "held_before", "width")] == [
                one.held,
                one.held_before,
                one.width,
            ]
        held, before, width = (
            np.mean([getattr(one, name) for one in scores]) for name in ("held", "held_before", "width")
        )
        over = " (means over 2 dates)" if mode == "by date" else ""
        page = text_of(tmp_path / "r.html")
        assert (
            f"that are to hold 90 %: out of bag they held {100 * held:.1f} % of SMAP&#39;s values, with a "
            f"mean width of {width:.3f} m³ m⁻³{over}. Those of the quantile forest alone held "
            f"{100 * before:.1f} %; "
        ) in page
        check_numbers(outputs, figures)


def test_forests_by_cell_keep_nothing_for_maps(run, case, tmp_path):
    matrix = {"SMAP": case.smap_folder, "COVARIATES": case.coarse_stack, "DYNAMIC": [case.rain_folder]}
    table = run("regressionmatrix", {**matrix, "OUTPUT": str(tmp_path / "m.gpkg")})["OUTPUT"]
    given = {
        "INPUT": table,
        **FOREST,
        "MODE": "by cell",
        "MINIMUM_DATES": 2,
        "OUTPUT": str(tmp_path / "f.smapforest"),
    }
    scores = run("trainforests", {**given, "SCORES": str(tmp_path / "scores.gpkg")})["SCORES"]
    assert "oob_held" not in rows(scores)[0]
    with open_models(tmp_path / "f.smapforest") as models:
        assert not models.load(models.keys[0]).has_sd


class TestAreaModel:
    """What intervals and applicability of the area-to-point model say of maps."""

    @pytest.fixture(scope="class")
    def area(self, tmp_path_factory, qgis_provider):
        import processing

        case = make_area_case(tmp_path_factory.mktemp("area"))
        given = {**case.inputs, "FOOTPRINT": "0", "OUTPUT": str(case.folder / "m.smapmodel")}
        return case, processing.run("smapdownscaler:trainareamodel", given)["OUTPUT"]

    def test_bands_tables_and_report(self, run, said, monkeypatch, area, tmp_path):
        case, models = area
        figures = FigureTexts(monkeypatch)
        given = {
            "FORESTS": models,
            "COVARIATES": case.inputs["COVARIATES"],
            "INTERVALS": True,
            "APPLICABILITY": True,
            "OUTPUT": str(tmp_path / "maps"),
            "DATES": str(tmp_path / "dates.gpkg"),
            "REPORT": str(tmp_path / "report.html"),
        }
        outputs = run("downscale", given)
        explained = []
        for date, row in zip(case.dates, rows(outputs["DATES"])):
            dataset = open_dataset(tmp_path / "maps" / f"soil_moisture_{date:%Y%m%d}.tif")
            assert dataset.GetRasterBand(8).GetDescription() == "variance_explained"
            share = read_band(dataset, 8).astype(float)
            assert 0 <= np.nanmin(share) <= np.nanmax(share) < 1
            explained.append(100 * np.nanmean(share))
            assert row["explained"] == pytest.approx(explained[-1], rel=1e-6)
            lower, upper = (read_band(dataset, number) for number in (2, 3))
            truth = case.truth[date]
            assert 0.6 < np.nanmean((lower <= truth) & (truth <= upper)) < 1
        page = text_of(tmp_path / "report.html")
        assert (
            f"The data took away {np.mean(explained):.0f} % of the variance of a pixel that the model knows"
        ) in page
        assert re.search(
            r"In the skill experiment such intervals held \d+ % of the true values of pixels of \d+ known "
            r"truths \(two levels, no footprint, 36 x 36 cells\)\.",
            page,
        )
        check_numbers(outputs, figures)
        given = {**given, "DETAIL": "none", "OUTPUT": str(tmp_path / "others")}
        run("downscale", given)
        # Those without the pattern were not measured.
        assert "such intervals held" not in text_of(tmp_path / "report.html")
