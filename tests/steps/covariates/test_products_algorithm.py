"""LAYERS, GUESS and REPORT of harmonisecovariates, WINDOW of matrix and maps, as QGIS calls them."""

from __future__ import annotations

import base64
import datetime as dt
import re

import numpy as np
import pytest

from small_case import CELLS, DATES, PIXELS, make_small_case
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.series.stack import open_stack

ID = "harmonisecovariates"


@pytest.fixture
def case(tmp_path):
    return make_small_case(tmp_path / "case")


@pytest.fixture
def given(case, tmp_path):
    """Two soil layers with the portals' names and one with a name of its own."""
    rng = np.random.default_rng(2)
    folder = tmp_path / "layers"
    stored = {
        "soc_0-5cm_mean": rng.integers(50, 590, PIXELS.shape),
        "Global_Ksat_1Km_s0....0cm_v1.0": rng.uniform(0.5, 2.5, PIXELS.shape),
        "silt": rng.uniform(5, 40, PIXELS.shape),
    }
    for name, values in stored.items():
        write_geotiff(folder / f"{name}.tif", PIXELS, values.astype(np.float32), [Band()])
    return {
        "INPUT": [str(folder / f"{name}.tif") for name in stored],
        "SMAP": case.smap_folder,
        "CRS": "EPSG:6933",
        "RESOLUTION": PIXELS.cell_width,
        "OUTPUT_COARSE": str(tmp_path / "out" / "coarse.tif"),
        "OUTPUT_FINE": str(tmp_path / "out" / "fine.tif"),
    }


def values_of(given, number):
    from osgeo import gdal

    return gdal.Open(given["INPUT"][number]).ReadAsArray().astype(float)


def test_guesses_are_made_reported_and_switched_off(run, given, said):
    run(ID, given)
    fine = open_stack(given["OUTPUT_FINE"])
    assert (fine.names, fine.units) == (("soc", "ksat", "silt"), ("g/kg", "cm/d", ""))
    np.testing.assert_allclose(fine.read(["soc"])[0], values_of(given, 0) / 10, rtol=1e-6)
    np.testing.assert_allclose(fine.read(["ksat"])[0], 10 ** values_of(given, 1), rtol=1e-6)
    first, second, third = said.warnings
    assert "by its name taken as SoilGrids 2.0 soc in dg/kg, conversion 'dg/kg -> g/kg'" in first
    assert (
        "by its name taken as Gupta et al. ksat in log10(cm/d), log10 'in' (covariate ksat, cm/d)" in second
    )
    assert re.search(r"silt: values 5\S* to (39\.\d+|40) look like %, not g/kg", third)
    assert any(line.split()[:2] == ["soc_0-5cm_mean", "soc"] for line in said.info)
    assert any(line.split()[:2] == ["SMAP", "EPSG:6933"] for line in said.info)
    run(ID, {**given, "GUESS": False})
    fine = open_stack(given["OUTPUT_FINE"])
    assert fine.names == ("soc_0_5cm_mean", "global_ksat_1km_s0_0cm_v1_0", "silt")
    np.testing.assert_array_equal(fine.read(fine.names[:1])[0], values_of(given, 0))


@pytest.mark.parametrize("nested", [False, True])
def test_rows_of_the_table(run, given, nested):
    rows = [
        ["silt", "", "% -> g/kg", "", ""],
        ["", "", "", "", ""],
        ["Global_Ksat_1Km_s0....0cm_v1.0.tif", "log_ksat", "none", "", "no"],
    ]
    run(ID, {**given, "LAYERS": rows if nested else [cell for row in rows for cell in row]})
    fine = open_stack(given["OUTPUT_FINE"])
    assert (fine.names, fine.units) == (("soc", "log_ksat", "silt"), ("g/kg", "", "g/kg"))
    np.testing.assert_allclose(fine.read(["silt"])[0], 10 * values_of(given, 2), rtol=1e-6)
    np.testing.assert_array_equal(fine.read(["log_ksat"])[0], values_of(given, 1).astype(np.float32))


def test_an_untouched_table_says_nothing(run, given, qgis_provider):
    """What the dialog's table gives before anybody types in it."""
    from qgis.core import NULL

    for empty in ([NULL], [], [""] * 5, [NULL] * 5):
        run(ID, {**given, "LAYERS": empty, "RESOLUTION": 3000})
        assert open_stack(given["OUTPUT_FINE"]).names == ("soc", "ksat", "silt")


def test_rows_are_checked_before_any_work(given, refusal, by_ids):
    from qgis.core import QgsApplication, QgsProcessingContext

    given["LAYERS"] = ["silt", "", "parts -> g/kg", "", ""]
    algorithm = QgsApplication.processingRegistry().createAlgorithmById(f"smapdownscaler:{ID}")
    good, sentence = algorithm.checkParameterValues(given, QgsProcessingContext())
    assert not good
    assert by_ids(sentence).startswith(
        "LAYERS, row 1: there is no conversion 'parts -> g/kg'; choose one of none, dg/kg"
    )
    given["LAYERS"] = ["loam", "", "% -> g/kg", "", ""]
    assert refusal(ID, given) == (
        "LAYERS, row 1: there is no layer named loam (there are soc_0-5cm_mean, "
        "Global_Ksat_1Km_s0....0cm_v1.0, silt); correct the name."
    )


def test_a_wrong_unit_stops_the_run_with_the_likely_one(given, refusal, tmp_path):
    given["LAYERS"] = ["soc_0-5cm_mean", "", "% -> g/kg", "", ""]
    values = values_of(given, 0)
    path = given["INPUT"][0]
    assert refusal(ID, given) == (
        f"INPUT layer soc_0-5cm_mean ({path}), band 1: soc: values {10 * values.min():.6g} to "
        f"{10 * values.max():.6g} g/kg cannot be soc (0 to 600 g/kg); the layer is likely in dg/kg: choose "
        "the conversion 'dg/kg -> g/kg' for it in LAYERS."
    )
    assert list((tmp_path / "out").glob("*")) == []


def test_the_report_holds_all_tables_and_the_atlas(run, given, tmp_path, said):
    report = tmp_path / "out" / "report.html"
    outputs = run(ID, {**given, "REPORT": str(report)})
    assert outputs["REPORT"] == str(report)
    text = report.read_text(encoding="utf-8")
    for heading in ("To be looked at", "Before the work", "Layers as used", "Bands of the stacks"):
        assert f"<h2>{heading}</h2>" in text
    assert text.count("<li>") == len(said.warnings) == 3
    assert "<td>dg/kg -&gt; g/kg</td>" in text
    picture = re.search(r'src="data:image/png;base64,([^"]+)"', text).group(1)
    assert base64.b64decode(picture).startswith(b"\x89PNG")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "coarse.tif",
        "fine.tif",
        "report.html",
        "report_numbers.csv",
    ]
    assert "REPORT" not in run(ID, given)


def test_the_report_needs_matplotlib(given, refusal, monkeypatch, tmp_path):
    from smap_downscaler.toolbox import dependencies

    found = dependencies.is_installed
    monkeypatch.setattr(dependencies, "is_installed", lambda module: module != "matplotlib" and found(module))
    given["REPORT"] = str(tmp_path / "report.html")
    assert refusal(ID, given).startswith("REPORT: Missing Python package: matplotlib. ")


def test_a_window_bridges_days_without_ndvi(run, case, tmp_path, said, refusal):
    ndvi = np.random.default_rng(1).random(CELLS.shape).astype(np.float32)
    write_geotiff(case.folder / "ndvi" / f"{DATES[0] - dt.timedelta(3):%Y%m%d}.tif", CELLS, ndvi, [Band()])
    given = {
        "SMAP": case.smap_folder,
        "COVARIATES": case.coarse_stack,
        "DYNAMIC": [str(case.folder / "ndvi")],
        "OUTPUT": str(tmp_path / "m.gpkg"),
    }
    run("regressionmatrix", {**given, "WINDOW": 4})
    assert said.warnings == ["2021-01-01: no raster of ndvi; NULL in the matrix, no forest on this date"]
    assert (
        "ndvi: an earlier raster, at most 4 days old, stands for 2 of 3 dates: 2020-12-27 for 2020-12-30 to "
        "2020-12-31 (2)"
    ) in said.info
    assert any(line.split()[:2] == ["ndvi", "EPSG:6933"] for line in said.info)
    forests = run(
        "trainforests",
        {
            "INPUT": given["OUTPUT"],
            "PRESET": "custom",
            "N_ESTIMATORS": 3,
            "OUTPUT": str(tmp_path / "f.smapforest"),
        },
    )["OUTPUT"]
    maps = {
        "FORESTS": forests,
        "COVARIATES": case.fine_stack,
        "DYNAMIC": given["DYNAMIC"],
        "OUTPUT": str(tmp_path / "maps"),
    }
    assert refusal("downscale", maps) == "No date can be mapped: ndvi has no raster of 2020-12-30."
    assert run("downscale", {**maps, "WINDOW": 4})["COUNT"] >= 1
    assert any(line.split()[:2] == ["elevation", "EPSG:6933"] for line in said.info)
