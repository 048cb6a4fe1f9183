"""Filled values never pass for observed ones: whatever became of them, later steps warn or refuse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gap_case import CELLS, centre, day, make_gap_case
from smap_downscaler.geo.datasets import open_dataset, read_band
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.methods.features import FeatureSettings

LAST = 39


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return make_gap_case(tmp_path_factory.mktemp("gaps"))


@pytest.fixture(scope="module")
def filling(case):
    """Parameters of 'Fill gaps' but for its outputs."""
    forests = case.forests(case.folder / "season.smapforest", FeatureSettings(day_of_year=True))
    return {"FORESTS": str(forests), "DYNAMIC": [str(case.rain_folder)], "END": str(day(LAST))}


@pytest.fixture(scope="module")
def filled(qgis_provider, case, filling):
    """What 'Fill gaps' left, by kind: the folder, its layer and a file of its own."""
    from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback

    folder = case.folder / "filled"
    asked = {
        **filling,
        "SMAP": str(case.smap),
        "OUTPUT": str(folder),
        "SERIES": str(case.folder / "daily.tif"),
    }
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("smapdownscaler:fillgaps")
    outputs, good = algorithm.run(asked, QgsProcessingContext(), QgsProcessingFeedback(False))
    assert good
    return {"folder": str(folder), "layer": str(folder / "series.vrt"), "file": outputs["SERIES"]}


@pytest.fixture(scope="module")
def stack(case):
    path = case.folder / "coarse.tif"
    clay = np.arange(CELLS.height * CELLS.width, dtype=np.float32).reshape(1, *CELLS.shape)
    write_geotiff(path, CELLS, clay, [Band("clay", "g/kg")])
    return str(path)


def sentence(source, fate, judged):
    return (
        f"{source}: some of its values were filled ('Fill gaps', or maps of days without SMAP), and they "
        f"{fate} like observed ones; do not judge "
        f"{judged} by them"
    )


def hold_against(run, said, refusal, series, stack, filling, folder):
    """'Regression matrix' warns of a series, 'Train forests' of its table, and 'Fill gaps' refuses it."""
    matrix = str(folder / "matrix.gpkg")
    run("regressionmatrix", {"SMAP": series, "COVARIATES": stack, "OUTPUT": matrix})
    assert said.warnings.count(sentence(series, "go into the matrix", "forests")) == 1
    trees = {"PRESET": "custom", "N_ESTIMATORS": 3, "MODE": "pooled"}
    run("trainforests", {"INPUT": matrix, **trees, "OUTPUT": str(folder / "f.smapforest")})
    assert said.warnings.count(sentence(matrix, "train forests", "forests")) == 1
    assert refusal("fillgaps", {**filling, "SMAP": series, "OUTPUT": str(folder / "again")}) == (
        f"{series}: it is a filled series already, whose filled values would pass for observed ones; choose "
        "the series that it was made from."
    )


@pytest.mark.parametrize("kind", ["folder", "layer", "file"])
def test_each_kind_of_series_tells(run, said, refusal, filled, stack, filling, tmp_path, kind):
    hold_against(run, said, refusal, filled[kind], stack, filling, tmp_path)


def test_a_layer_that_another_program_made_tells(run, said, filled, stack, tmp_path):
    """Of the bands alone, as gdalbuildvrt takes them."""
    from osgeo import gdal

    files = [f"{filled['folder']}/soil_moisture_{day(number):%Y%m%d}.tif" for number in (0, 1)]
    path = str(tmp_path / "own.vrt")
    # Newer GDAL takes all bands of a file unless it is named.
    layer = gdal.BuildVRT(path, files, separate=True, bandList=[1])
    for number in (0, 1):
        layer.GetRasterBand(number + 1).SetDescription(day(number).isoformat())
    layer.FlushCache()
    del layer
    run("regressionmatrix", {"SMAP": path, "COVARIATES": stack, "OUTPUT": str(tmp_path / "m.gpkg")})
    assert sentence(path, "go into the matrix", "forests") in said.warnings


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_an_import_keeps_the_tag_and_is_warned_of(run, said, refusal, filled, stack, filling, tmp_path, kind):
    imported = str(tmp_path / "imported")
    outputs = run("importsmap", {"INPUT": filled[kind], "OUTPUT": imported})
    assert outputs["COUNT"] == LAST + 1
    assert said.warnings.count(sentence(filled[kind], "are imported", "forests or maps")) == 1
    name = f"soil_moisture_{day(3):%Y%m%d}.tif"
    values = read_band(open_dataset(f"{imported}/{name}"), 1)
    assert np.array_equal(values, read_band(open_dataset(f"{filled['folder']}/{name}"), 1), equal_nan=True)
    hold_against(run, said, refusal, imported, stack, filling, tmp_path)
    # What was imported is imported again to clip it.
    run("importsmap", {"INPUT": imported, "END": str(day(5)), "OUTPUT": str(tmp_path / "clipped")})
    assert sentence(imported, "are imported", "forests or maps") in said.warnings
    asked = {**filling, "SMAP": str(tmp_path / "clipped"), "OUTPUT": str(tmp_path / "again")}
    assert "it is a filled series already" in refusal("fillgaps", asked)


def test_observed_series_give_no_warning(run, said, case, stack, tmp_path):
    run("importsmap", {"INPUT": str(case.smap), "OUTPUT": str(tmp_path / "in")})
    matrix = str(tmp_path / "matrix.gpkg")
    run("regressionmatrix", {"SMAP": str(tmp_path / "in"), "COVARIATES": stack, "OUTPUT": matrix})
    trees = {"PRESET": "custom", "N_ESTIMATORS": 3, "MODE": "pooled"}
    run("trainforests", {"INPUT": matrix, **trees, "OUTPUT": str(tmp_path / "f.smapforest")})
    assert "Fill gaps" not in said.text


def test_imports_of_filled_and_observed_values_do_not_mix(run, said, refusal, case, filled, tmp_path):
    """Dates there already would be taken for observed, or the other way round."""
    folder = str(tmp_path / "imported")
    run("importsmap", {"INPUT": str(case.smap), "END": str(day(3)), "OUTPUT": folder})
    asked = {"INPUT": filled["folder"], "START": str(day(4)), "OUTPUT": folder}
    there = sorted(Path(folder).glob("*.tif"))
    sentence = (
        "is from another run ({} values of 'Fill gaps') and its date is not among those imported now; choose"
    )
    assert sentence.format("without") in refusal("importsmap", asked)
    # The same dates are made anew.
    run("importsmap", {"INPUT": filled["folder"], "END": str(day(3)), "OUTPUT": folder})
    assert all(open_dataset(path).GetMetadataItem("SMAP_DOWNSCALER_FILLED") for path in there)
    asked = {"INPUT": str(case.smap), "START": str(day(4)), "OUTPUT": folder}
    assert sentence.format("with") in refusal("importsmap", asked)


@pytest.fixture(scope="module")
def at_stations(case, filled):
    """Readings in two cells and a model, that both err by chance around the filled series."""
    rng = np.random.default_rng(2)
    lines = ["station,date,x,y,soil_moisture"]
    for number in range(LAST + 1):
        theta = read_band(open_dataset(f"{filled['folder']}/soil_moisture_{day(number):%Y%m%d}.tif"), 1)
        for name, row, col in (("A", 1, 1), ("B", 2, 2)):
            x, y = centre(row, col)
            lines.append(f"{name},{day(number)},{x},{y},{theta[row, col] + 0.01 * rng.normal():.4f}")
        values = (theta + 0.01 * rng.normal(size=theta.shape)).astype(np.float32)
        model = case.folder / "model" / f"m_{day(number):%Y%m%d}.tif"
        write_geotiff(model, CELLS, values, [Band("m", "m3 m-3")])
    stations = case.folder / "stations.csv"
    stations.write_text("\n".join(lines), encoding="utf-8")
    return {"STATIONS": str(stations), "CRS": "EPSG:6933"}


def test_validation_tells(run, said, case, filled, at_stations, tmp_path):
    asked = {**at_stations, "SERIES": str(case.smap), "OUTPUT": str(tmp_path / "pairs.csv")}
    run("fieldvalidation", {**asked, "SMAP": filled["layer"]})
    assert said.warnings.count(sentence(filled["layer"], "are held against the field", "SMAP")) == 1


def test_collocation_tells_and_refuses_a_filled_third(
    run, said, refusal, case, filled, at_stations, tmp_path
):
    given = {**at_stations, "TC_SOURCE": "smap", "MINIMUM_DAYS": 10, "OUTPUT": str(tmp_path / "out.csv")}
    assert refusal("triplecollocation", {**given, "SMAP": str(case.smap), "THIRD": filled["file"]}) == (
        f"THIRD: {filled['file']} is a filled SMAP series ('Fill gaps'), and the errors of SMAP and of a map "
        "made from it are not independent; give an independent model or sensor."
    )
    model = str(case.folder / "model")
    run("triplecollocation", {**given, "SMAP": filled["file"], "THIRD": model, "BOOTSTRAP": 100})
    assert said.warnings.count(sentence(filled["file"], "are held against the field", "SMAP")) == 1


def test_a_sheet_tells(run, said, case, filled, tmp_path):
    pytest.importorskip("matplotlib")
    asked = {"SERIES": str(case.smap), "SMAP": filled["folder"], "DATES": str(day(20)), "DPI": 60}
    run("mapsheet", {**asked, "OUTPUT": str(tmp_path / "sheet.png")})
    file = f"{filled['folder']}/soil_moisture_{day(20):%Y%m%d}.tif"
    assert said.warnings.count(sentence(file, "are drawn", "SMAP")) == 1
