"""The manifest of a run: what it says, and that both of its calls, really run, do the same again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil

import pytest

from own_process import OwnProcess, needs_qgis_process
from rain_cases import days_from, rain, write_days
from small_area_case import make_area_case
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.base.progress import Progress
from smap_downscaler.runs import manifest
from smap_downscaler.runs.manifest import files_told, manifest_of
from smap_downscaler.series.series import open_series

AWKWARD = "la 'cuenca' del \"año\" $HOME"
EXTENT = "-79.85,-79.75,-5.25,-5.15 [EPSG:4326]"


def told(output):
    return json.loads(manifest_of(output).read_text(encoding="utf-8"))


def bytes_in(output):
    """Name -> bytes of a file, or of all in a folder."""
    files = [output] if output.is_file() else sorted(output.rglob("*"))
    return {str(path.relative_to(output)): path.read_bytes() for path in files if path.is_file()}


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """A process of its own in which the plugin is installed."""
    return OwnProcess(tmp_path_factory.mktemp("profile"))


def again(output, call):
    """What is made in the place of `output`, and told of it, by a call that its manifest holds."""
    shutil.rmtree(output) if output.is_dir() else output.unlink()
    manifest_of(output).unlink(missing_ok=True)
    call()
    return bytes_in(output), told(output)


def in_python(said):
    import processing

    return lambda: eval(said["python"], {"processing": processing})


def in_a_shell(said, shell):
    def call():
        done = shell.shell(said["qgis_process"])
        assert done.returncode == 0, done.stderr

    return call


def check_both_calls(output, shell):
    before, said = bytes_in(output), told(output)
    assert said["repeatable"], said["not repeatable because"]
    assert again(output, in_a_shell(said, shell)) == (before, said)
    assert again(output, in_python(said)) == (before, said)


@needs_qgis_process
def test_demo_data_in_a_folder_with_an_awkward_name(run, shell, tmp_path):
    output = tmp_path / AWKWARD
    # QGIS leaves statistics beside rasters that it shows.
    given = {"DAYS": 1, "CELLS": 30, "START": "2021-03-05", "LOAD": False}
    run("createdemodata", {**given, "OUTPUT": str(output)})
    assert told(output)["settings"] == {
        **{"SEED": 42, "DAYS": 1, "START": "2021-03-05", "FOOTPRINT": 0.0, "NOISE": 0.02, "CELLS": 30},
        "LOAD": False,
        "OUTPUT": str(output),
    }
    check_both_calls(output, shell)


@needs_qgis_process
def test_series_with_an_extent_dates_and_what_is_not_given(run, shell, tmp_path):
    from qgis.core import NULL, QgsCoordinateReferenceSystem, QgsRectangle, QgsReferencedRectangle
    from qgis.PyQt.QtCore import QDateTime

    folder = write_days(tmp_path / AWKWARD / "lluvia", days_from("2019-12-28", 10), rain(10))
    (folder / "notes.txt").write_text("not read, but there")
    box = QgsReferencedRectangle(
        QgsRectangle(-79.85, -5.25, -79.75, -5.15), QgsCoordinateReferenceSystem("EPSG:4326")
    )
    output = tmp_path / AWKWARD / "antes"
    end = QDateTime.fromString("2020-01-05T00:00:00", "yyyy-MM-ddTHH:mm:ss")
    given = {"INPUT": str(folder), "DAYS": 3, "EXTENT": box, "START": NULL, "END": end, "NODATA": ""}
    run("antecedentprecipitation", {**given, "OUTPUT": str(output)})
    said = told(output)
    assert said["settings"] == {
        "INPUT": str(folder),
        "DAYS": 3,
        "EXTENT": EXTENT,
        "END": "2020-01-05",
        "LAG": 1,
        "OUTPUT": str(output),
    }
    assert said["inputs"] == {
        "INPUT": [
            {
                "path": str(path),
                "bytes": path.stat().st_size,
                "SHA-256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
            for path in sorted(folder.iterdir())
        ]
    }
    assert set(said["versions"]) >= {"SMAP Downscaler", "QGIS", "GDAL", "NumPy", "scikit-learn"}
    assert said["versions"]["operating system"]
    check_both_calls(output, shell)
    # It is no raster of the series, which goes on where it was.
    assert len(open_series(str(output)).entries) == len(list(output.glob("*.tif")))


@needs_qgis_process
def test_a_model_file_from_layers_of_the_project(run, shell, tmp_path):
    from qgis.core import QgsProcessingContext, QgsProject, QgsRasterLayer, QgsVectorLayer

    case = make_area_case(tmp_path / AWKWARD, dates=3)
    area = tmp_path / AWKWARD / "zona.geojson"
    geometry = {"type": "Polygon", "coordinates": [_corners(open_series(case.inputs["SMAP"]).grid)]}
    feature = {"type": "Feature", "properties": {}, "geometry": geometry}
    area.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    project = QgsProject()
    stack = QgsRasterLayer(str(case.folder / "fine.tif"), "the fine stack")
    polygon = QgsVectorLayer(str(area), "zona")
    project.addMapLayers([stack, polygon])
    context = QgsProcessingContext()
    context.setProject(project)
    output = tmp_path / AWKWARD / "modelo.smapmodel"
    given = {"SMAP": case.inputs["SMAP"], "COVARIATES": stack.id(), "AOI": "zona", "FOOTPRINT": "0"}
    given |= {"LEVELS": "single dates", "TERMS": ["linear"], "OUTPUT": str(output)}
    run("trainareamodel", given, context)
    assert manifest_of(output) == tmp_path / AWKWARD / "modelo.smapmodel.json"
    settings = told(output)["settings"]
    assert settings["COVARIATES"] == str(case.folder / "fine.tif")
    assert settings["AOI"] == str(area)
    assert (settings["TERMS"], settings["LEVELS"]) == (["linear"], "single dates")
    before, said = bytes_in(output), told(output)
    assert said["repeatable"], said["not repeatable because"]
    assert again(output, in_python(said)) == (before, said)
    # Where qgis_process lends NumPy another BLAS, the last bits of a fit are not those of Python.
    _model, said_there = again(output, in_a_shell(said, shell))
    assert said_there == said


def _corners(grid):
    """The grid without its outermost cells, in longitude and latitude."""
    from pyproj import Transformer

    to_degrees = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    left, top = grid.left + 1.2 * grid.cell_width, grid.top - 1.2 * grid.cell_height
    right = grid.left + (grid.width - 1.2) * grid.cell_width
    bottom = grid.top - (grid.height - 1.2) * grid.cell_height
    corners = [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)]
    return [list(to_degrees.transform(*corner)) for corner in corners]


def test_a_layer_in_memory_and_a_selection_are_told_not_to_be_repeatable(run, tmp_path):
    from qgis.core import (
        QgsFeature,
        QgsGeometry,
        QgsProcessingContext,
        QgsProcessingFeatureSourceDefinition,
        QgsProject,
        QgsVectorLayer,
    )

    case = make_area_case(tmp_path / "case", dates=3)
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326", "mi zona", "memory")
    feature = QgsFeature()
    corners = ", ".join(f"{x!r} {y!r}" for x, y in _corners(open_series(case.inputs["SMAP"]).grid))
    feature.setGeometry(QgsGeometry.fromWkt(f"POLYGON(({corners}))"))
    layer.dataProvider().addFeature(feature)
    layer.selectAll()
    project = QgsProject()
    project.addMapLayer(layer)
    context = QgsProcessingContext()
    context.setProject(project)
    output = tmp_path / "out"
    area = QgsProcessingFeatureSourceDefinition(layer.id(), selectedFeaturesOnly=True)
    run("importsmap", {"INPUT": case.inputs["SMAP"], "AOI": area, "OUTPUT": str(output)}, context)
    said = told(output)
    assert not said["repeatable"]
    assert said["not repeatable because"] == [
        "AOI: only some features of a layer were taken; save these to a file.",
        "AOI: the layer mi zona has no file; save it to one.",
    ]


def test_a_shipped_model_is_told_as_the_model_that_was_run(run, tmp_path):
    basin, maps, forests = (tmp_path / name for name in ("basin", "maps", "forests.smapforest"))
    run("createdemodata", {"SEED": 5, "DAYS": 1, "CELLS": 40, "OUTPUT": str(basin)})
    given = {
        "SMAP": str(basin / "smap"),
        "COVARIATES": [str(basin / "dem.tif"), str(basin / "soil" / "clay.tif")],
        "NAMES": "elevation,clay",
        "PRECIPITATION": str(basin / "precipitation"),
        "RESOLUTION": 1500,
        "SEED": 1,
        "maps": str(maps),
        "forests": str(forests),
    }
    run("smaptomaps", given)
    said = told(maps)
    assert said["algorithm"] == "smapdownscaler:smaptomaps"
    assert said["settings"].items() >= given.items()
    assert set(said["inputs"]) == {"SMAP", "COVARIATES", "PRECIPITATION"}
    assert told(forests) == said
    before = bytes_in(maps), said
    assert again(maps, in_python(said)) == before


def test_large_inputs_are_told_by_name_size_and_time(tmp_path, monkeypatch):
    files = [tmp_path / "a.bin", tmp_path / "b.bin"]
    for file in files:
        file.write_bytes(bytes(600))
        os.utime(file, (1e9, 1e9))
    monkeypatch.setattr(manifest, "MOST_HASHED_BYTES", 1000)
    time = "2001-09-09T01:46:40+00:00"
    assert files_told(map(str, files), Progress()) == [
        {"path": str(file), "bytes": 600, "changed": time} for file in files
    ]
    digest = hashlib.sha256(bytes(600)).hexdigest()
    assert files_told([str(files[0])], Progress()) == [
        {"path": str(files[0]), "bytes": 600, "SHA-256": digest}
    ]


def test_hashing_can_be_cancelled(tmp_path):
    class Stopped(Progress):
        def is_cancelled(self):
            return True

    (tmp_path / "a.bin").write_bytes(b"x")
    with pytest.raises(Cancelled):
        files_told([str(tmp_path / "a.bin")], Stopped())


def test_what_belongs_to_a_file_is_told_with_it(tmp_path):
    for name in ("zona.shp", "zona.shx", "zona.dbf", "zona.prj", "otra.dbf"):
        (tmp_path / name).write_bytes(b"x")
    found = files_told([str(tmp_path / "zona.shp")], Progress())
    assert [os.path.basename(one["path"]) for one in found] == [
        "zona.shp",
        "zona.shx",
        "zona.dbf",
        "zona.prj",
    ]


def test_a_manifest_that_cannot_be_written_leaves_the_results(run, said, tmp_path, monkeypatch):
    output = tmp_path / "out"
    (output / manifest.NAME).mkdir(parents=True)
    run("createdemodata", {"DAYS": 1, "CELLS": 30, "OUTPUT": str(output)})
    assert (output / "dem.tif").is_file()
    assert said.warnings == [
        f"{output / manifest.NAME}: it cannot be written (Is a directory); choose another place. "
        "The results are whole; only what they came from is not told."
    ]


def test_a_cancelled_run_leaves_none(run, feedback, tmp_path):
    feedback.cancel_when = lambda text: True
    run("createdemodata", {"DAYS": 1, "CELLS": 30, "OUTPUT": str(tmp_path / "out")})
    assert not list(tmp_path.rglob("*.json"))
