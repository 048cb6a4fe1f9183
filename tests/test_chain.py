"""The chain as users string it together: the shipped model, a batch, `qgis_process`."""

from __future__ import annotations

import csv
import datetime as dt
import json

import numpy as np
import pytest

from areas import geometries_of, layer_file
from own_process import OwnProcess, needs_qgis_process
from small_case import make_small_case
from smap_downscaler.base.dates import find_date
from smap_downscaler.geo.area import Area
from smap_downscaler.geo.datasets import dataset_grid
from smap_downscaler.geo.placing import read_shapes

_KEPT = []


@pytest.fixture(scope="module")
def basin(tmp_path_factory, qgis_provider):
    """A small made-up basin."""
    import processing

    folder = tmp_path_factory.mktemp("basin")
    processing.run(
        "smapdownscaler:createdemodata", {"SEED": 5, "DAYS": 3, "CELLS": 40, "OUTPUT": str(folder)}
    )
    return folder


def test_the_shipped_model_goes_from_files_to_maps(run, basin, tmp_path):
    from osgeo import gdal
    from qgis.PyQt.QtCore import QVariant

    maps = tmp_path / "maps"
    outputs = run(
        "smaptomaps",
        {
            "SMAP": str(basin / "smap"),
            "COVARIATES": [
                str(basin / "dem.tif"),
                str(basin / "soil" / "clay.tif"),
                str(basin / "soil" / "sand.tif"),
            ],
            "NAMES": "elevation,clay,sand",
            "PRECIPITATION": str(basin / "precipitation"),
            "MASK": str(basin / "mask.tif"),
            "RESOLUTION": 500,
            # As the dialog of a model sends what is left empty.
            "EXTENT": QVariant(QVariant.String),
            "AOI": QVariant(QVariant.String),
            "CRS": QVariant(QVariant.String),
            "SEED": 1,
            "maps": str(maps),
            "series": str(tmp_path / "series.vrt"),
            "forests": str(tmp_path / "forests.smapforest"),
            "scores": str(tmp_path / "scores.gpkg"),
        },
    )
    from smap_downscaler.methods.file.reader import open_models

    with open_models(outputs["forests"]) as forests:
        assert forests.names == ("elevation", "clay", "sand", "p_antecedent")
        dates = forests.dates
    assert dates
    assert sorted(path.name for path in maps.glob("*.tif")) == [
        f"soil_moisture_{d:%Y%m%d}.tif" for d in dates
    ]
    series = gdal.Open(outputs["series"])
    assert [series.GetRasterBand(band + 1).GetDescription() for band in range(series.RasterCount)] == [
        str(date) for date in dates
    ]
    values = series.GetRasterBand(1).ReadAsArray()
    valid = values[values != series.GetRasterBand(1).GetNoDataValue()]
    assert valid.size > 1000
    assert 0.02 < valid.min() < valid.max() < 0.6
    assert gdal.Open(str(next(maps.glob("*.tif")))).GetGeoTransform()[1] == 500


def test_the_shipped_model_ends_at_the_study_area(run, basin, tmp_path):
    from osgeo import gdal

    whole = gdal.Open(str(next((basin / "smap").glob("*.tif"))))
    left, width, _, top, _, height = whole.GetGeoTransform()
    # A triangle over most of the basin.
    corners = [(0.1, 0.1), (0.1, 0.9), (0.9, 0.9), (0.1, 0.1)]
    columns, rows = whole.RasterXSize, whole.RasterYSize
    ring = ",".join(f"{left + x * columns * width} {top + y * rows * height}" for x, y in corners)
    aoi = layer_file(tmp_path / "watershed.gpkg", "EPSG:6933", f"POLYGON (({ring}))")
    maps = tmp_path / "maps"
    run(
        "smaptomaps",
        {
            "SMAP": str(basin / "smap"),
            "AOI": aoi,
            "COVARIATES": [str(basin / "dem.tif"), str(basin / "soil" / "clay.tif")],
            "NAMES": "elevation,clay",
            "PRECIPITATION": str(basin / "precipitation"),
            "RESOLUTION": 500,
            "SEED": 1,
            # The forests are asked for by nobody: the steps find a place for them.
            "maps": str(maps),
        },
    )
    made = gdal.Open(str(next(maps.glob("*.tif"))))
    band = made.GetRasterBand(1)
    found = band.ReadAsArray() != band.GetNoDataValue()
    grid = dataset_grid(made, "map")
    triangle = geometries_of(f"POLYGON (({ring}))")
    inside = Area(read_shapes([bytes(triangle[0].ExportToWkb())], "EPSG:6933"), "").inside(grid, "it").mask()
    assert not (found & ~inside).any()
    assert found[inside].mean() > 0.95
    assert found.mean() < 0.6


def test_a_shipped_model_maps_every_day(run, said, tmp_path):
    """Two weeks of the basin, of which SMAP saw some."""
    import processing
    from osgeo import gdal

    basin = tmp_path / "basin"
    processing.run(
        "smapdownscaler:createdemodata", {"SEED": 5, "DAYS": 14, "CELLS": 50, "OUTPUT": str(basin)}
    )
    observed = sorted(f"{find_date(file.name)}" for file in (basin / "smap").glob("*.tif"))
    maps = tmp_path / "maps"
    outputs = run(
        "mapeveryday",
        {
            "SMAP": str(basin / "smap"),
            "COVARIATES": [str(basin / "dem.tif"), str(basin / "soil" / "clay.tif")],
            "NAMES": "elevation,clay",
            "PRECIPITATION": str(basin / "precipitation"),
            "RESOLUTION": 1000,
            "FOOTPRINT": "0",
            "maps": str(maps),
            "series": str(tmp_path / "series.vrt"),
            "dates": str(tmp_path / "dates.csv"),
        },
    )
    with (tmp_path / "dates.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    seen = {row["date"].replace("/", "-"): row["smap"] for row in rows}
    dates = sorted(seen)
    first, last = (dt.date.fromisoformat(dates[end]) for end in (0, -1))
    assert dates == [str(first + dt.timedelta(number)) for number in range((last - first).days + 1)]
    assert [date for date in dates if seen[date] == "seen"] == observed
    assert len(dates) > len(observed) + 2
    series = gdal.Open(outputs["series"])
    assert [series.GetRasterBand(band + 1).GetDescription() for band in range(series.RasterCount)] == dates
    widths = {}
    for file in sorted(maps.glob("*.tif")):
        made = gdal.Open(str(file))
        assert made.RasterCount == 4
        assert (made.GetMetadataItem("SMAP") == "none") == (seen[made.GetMetadataItem("DATE")] == "none")
        bands = {
            made.GetRasterBand(band + 1).GetDescription(): made.GetRasterBand(band + 1) for band in range(4)
        }
        sd = bands["soil_moisture_sd"].ReadAsArray()
        widths.setdefault(made.GetMetadataItem("SMAP"), []).append(sd[sd > 0].mean())
    assert min(widths["none"]) > max(widths[None])


def test_the_shipped_models_are_what_their_script_writes(qgis_provider, tmp_path):
    from qgis.core import QgsProcessingModelAlgorithm

    import make_models

    shipped = sorted(path.stem for path in make_models.MODELS.glob("*.model3"))
    assert shipped == sorted(make_models.WRITERS)
    for name, write in make_models.WRITERS.items():
        write(tmp_path / f"{name}.model3")
        models = []
        for folder in (tmp_path, make_models.MODELS):
            model = QgsProcessingModelAlgorithm()
            assert model.fromFile(str(folder / f"{name}.model3"))
            models.append(model.toVariant())
        assert models[0] == models[1]


def test_a_batch_maps_each_row(qgis_provider, tmp_path):
    """Two rows of the batch dialog, as its panel fills them."""
    import processing
    from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog
    from qgis.core import QgsApplication
    from qgis.PyQt.QtCore import QCoreApplication, QElapsedTimer

    cases = [make_small_case(tmp_path / name) for name in ("first", "second")]
    dialog = BatchAlgorithmDialog(qgis_provider.algorithm("regressionmatrix").create())
    dialog.show()
    outputs = [tmp_path / f"{number}.gpkg" for number in range(2)]
    rows = [
        {
            "SMAP": case.smap_folder,
            "COVARIATES": case.coarse_stack,
            "DYNAMIC": [case.rain_folder],
            "MINIMUM_COVERED": 0.5,
            "OUTPUT": str(output),
        }
        for case, output in zip(cases, outputs)
    ]
    dialog.execute(rows)
    clock = QElapsedTimer()
    clock.start()
    tasks = QgsApplication.taskManager()
    while (
        not (all(path.exists() for path in outputs) and not tasks.countActiveTasks())
        and clock.elapsed() < 600_000
    ):
        QCoreApplication.processEvents()
    assert all(path.exists() for path in outputs)
    # Not closed: what the last task still posts would find the dialog gone.
    _KEPT.append(dialog)
    assert processing is not None


@needs_qgis_process
def test_qgis_process_runs_a_step_and_refuses_with_exit_code_1(tmp_path):
    case = make_small_case(tmp_path / "case")
    process = OwnProcess(tmp_path / "profile")
    inputs = {
        "SMAP": case.smap_folder,
        "COVARIATES": case.coarse_stack,
        "DYNAMIC": [case.rain_folder],
        "OUTPUT": str(tmp_path / "matrix.gpkg"),
    }
    # QGIS hands on what is no parameter, and says nothing; this copy of the plugin has no help, so no titles.
    done = process.run("regressionmatrix", {**inputs, "EXTENT": "0,1,0,1", "start": "2020-01-01"})
    assert done.returncode == 0, done.stderr
    ends = [line.rpartition(" (there are ")[0] for line in json.loads(done.stdout)["log"]["warning"]]
    assert ends == [
        f"{name} is no parameter of 'Regression matrix' and is ignored; leave it out, or correct its name"
        for name in ("EXTENT", "start")
    ]
    results = json.loads(done.stdout)["results"]
    assert results["COUNT"] == sum(np.isfinite(theta).sum() for theta in case.smap.values())
    inputs["SMAP"] = str(tmp_path / "nothing")
    done = process.run("regressionmatrix", inputs)
    assert done.returncode == 1
    assert f"{tmp_path}/nothing: there is no such file; check the path." in done.stderr


def test_the_models_of_the_parts_make_and_validate_maps(run, without_saga, tmp_path):
    import processing
    from osgeo import gdal
    from qgis.PyQt.QtCore import QVariant

    from smap_downscaler.series.stack import open_stack

    basin, out = tmp_path / "basin", {}
    processing.run("smapdownscaler:createdemodata", {"SEED": 5, "DAYS": 9, "CELLS": 70, "OUTPUT": str(basin)})
    nothing = QVariant(QVariant.String)
    for name in ("smap", "p_antecedent", "coarse.tif", "fine.tif", "maps"):
        out[name] = str(tmp_path / name)
    run(
        "prepare",
        {
            "SMAP": str(basin / "smap"),
            **dict.fromkeys(("EXTENT", "AOI", "CRS"), nothing),
            "DEM": str(basin / "dem.tif"),
            "SOIL": [str(basin / "soil" / f"{name}.tif") for name in ("clay", "sand")],
            "RAIN": str(basin / "precipitation"),
            "MASK": str(basin / "mask.tif"),
            "RESOLUTION": 1000,
            "smap": out["smap"],
            "rain": out["p_antecedent"],
            "coarse": out["coarse.tif"],
            "fine": out["fine.tif"],
        },
    )
    names = ("elevation", "twi_mtfd", "slope", "clay", "sand")
    assert open_stack(out["fine.tif"]).names == names
    prepared = {"SMAP": out["smap"], "COVARIATES": out["fine.tif"], "RAIN": out["p_antecedent"]}
    made = run(
        "trainandmap", {**prepared, "AOI": nothing, "maps": out["maps"], "series": str(tmp_path / "s.vrt")}
    )
    with_intervals = gdal.Open(next(str(path) for path in (tmp_path / "maps").glob("*.tif")))
    assert with_intervals.RasterCount == 4
    assert gdal.Open(made["series"]).RasterCount == len(list((tmp_path / "maps").glob("*.tif")))
    tables = {name: str(tmp_path / f"{name}.csv") for name in ("scores", "pairs", "metrics")}
    run("validate", {**prepared, "MAPS": out["maps"], "STATIONS": str(basin / "stations.csv"), **tables})
    for path in tables.values():
        with open(path, encoding="utf-8-sig", newline="") as stream:
            assert len(list(csv.DictReader(stream))) > 5
