"""Layers that algorithms write: of all kinds, whole or not at all, also where the disk is full."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from osgeo import gdal, ogr

from child_runs import OK, REFUSED, Child

COUNT = 80
SQUARES = {"EXTENT": "-73.5,-69.8,-15.5,-12.8 [EPSG:4326]", "CRS": "EPSG:32718", "COUNT": COUNT}


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def rows(path, table=""):
    """Attributes and shapes of a layer, by OGR."""
    dataset = gdal.OpenEx(str(path), gdal.OF_VECTOR)
    layer = dataset.GetLayerByName(table) if table else dataset.GetLayer(0)
    found = [(feature.items(), str(feature.geometry())) for feature in layer]
    for items, _shape in found:
        items.pop("fid", None)
    return found


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def child(tmp_path_factory):
    pytest.importorskip("resource", reason="only POSIX can limit the size of files")
    with Child(tmp_path_factory.mktemp("child")) as process:
        yield process


@pytest.mark.parametrize("name", ["a.gpkg", "a.csv", "a.shp", "a.geojson", "a.kml", "a.fgb", "a.tab"])
def test_a_full_disk_leaves_the_layer_of_before(child, by_ids, tmp_path, name):
    """Bytes are lost at all places, the last one too, which some formats write when they are closed."""
    place = tmp_path / "place"
    output = {"OUTPUT": str(place / name)}
    assert child.run("samplesquares", {**SQUARES, **output}).kind == OK
    before = contents(place)
    size = max(len(data) for data in before.values())
    for limit in (0, 100, 5000, size // 2, size - 4000, size - 100, size - 1):
        ended = child.run("samplesquares", {**SQUARES, "SEED": 2, **output}, largest_file=limit)
        assert (ended.kind, limit) == (REFUSED, limit)
        beginnings = f"OUTPUT: {place / name} cannot", "OUTPUT: the layer cannot", f"{place / name}: it"
        assert by_ids(ended.told).startswith(beginnings), ended.told
        assert contents(place) == before
        assert listing(place) == sorted(before)
    assert child.run("samplesquares", {**SQUARES, "SEED": 2, **output}).kind == OK
    assert len(rows(place / name)) == COUNT
    assert contents(place).keys() == before.keys()
    assert contents(place) != before


def test_a_full_disk_leaves_a_database_as_it_was(child, tmp_path):
    base = tmp_path / "place" / "base.gpkg"
    base.parent.mkdir()

    def output(table):
        return {"OUTPUT": f"ogr:dbname='{base}' table=\"{table}\" (geom)"}

    assert child.run("samplesquares", {**SQUARES, **output("mine")}).kind == OK
    assert child.run("samplesquares", {**SQUARES, "SEED": 3, **output("other")}).kind == OK
    old = rows(base, "mine"), rows(base, "other")
    size = base.stat().st_size
    for table in ("other", "new"):
        # Less than it has already is no full disk: there it can be put back as it was.
        for limit in (size, size + 4096):
            ended = child.run("samplesquares", {**SQUARES, "SEED": 2, **output(table)}, largest_file=limit)
            if ended.kind == OK:
                # The room of the old table was enough for the new one.
                assert table == "other"
                old = old[0], rows(base, "other")
            else:
                assert ended.kind == REFUSED
            assert (rows(base, "mine"), rows(base, "other")) == old
            assert listing(base.parent) == ["base.gpkg"]
    with closing(sqlite3.connect(base)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_table_of_a_database_takes_the_place_of_one_of_its_name(run, tmp_path):
    base = tmp_path / "base.gpkg"

    def output(table):
        return {"OUTPUT": f"ogr:dbname='{base}' table=\"{table}\" (geom)"}

    made = run("samplesquares", {**SQUARES, **output("one")})
    assert made["OUTPUT"] == f"{base}|layername=one"
    first = rows(base, "one")
    run("samplesquares", {**SQUARES, "SEED": 2, "OUTPUT": f"{base}|layername=two"})
    run("samplesquares", {**SQUARES, "SEED": 3, **output("Two")})
    run("samplesquares", {**SQUARES, "SEED": 3, "OUTPUT": str(tmp_path / "three.gpkg")})
    dataset = ogr.Open(str(base))
    assert sorted(layer.GetName() for layer in dataset) == ["Two", "one"]
    assert rows(base, "one") == first
    assert rows(base, "Two") == rows(tmp_path / "three.gpkg")
    assert dataset.GetLayerByName("Two").GetSpatialRef().GetAuthorityCode(None) == "32718"
    assert listing(tmp_path) == ["base.gpkg", "three.gpkg"]


def test_a_layer_is_loaded_from_where_it_lies_in_the_end(run, tmp_path):
    from qgis.core import (
        QgsProcessingContext,
        QgsProcessingOutputLayerDefinition,
        QgsProcessingUtils,
        QgsProject,
    )

    project = QgsProject()
    for text, place in (
        (str(tmp_path / "a.gpkg"), str(tmp_path / "a.gpkg")),
        (str(tmp_path / "a.shp"), str(tmp_path / "a.shp")),
        (str(tmp_path / "no ending"), str(tmp_path / "no ending.gpkg")),
        (f"ogr:dbname='{tmp_path / 'a.gpkg'}' table=\"t\" (geom)", f"{tmp_path / 'a.gpkg'}|layername=t"),
        (str(tmp_path / "new" / "b.csv"), str(tmp_path / "new" / "b.csv")),
    ):
        context = QgsProcessingContext()
        context.setProject(project)
        made = run(
            "samplesquares",
            {**SQUARES, "OUTPUT": QgsProcessingOutputLayerDefinition(text, project)},
            context,
        )
        assert made["OUTPUT"] == place
        ((reference, details),) = context.layersToLoadOnCompletion().items()
        assert (details.outputName, details.name) == ("OUTPUT", "Squares")
        layer = QgsProcessingUtils.mapLayerFromString(reference, context)
        assert (layer.source(), layer.featureCount()) == (place, COUNT)


@pytest.mark.parametrize("text", ["memory:", "memory:mine", "TEMPORARY_OUTPUT"])
def test_layers_in_memory(run, tmp_path, text):
    from qgis.core import QgsProcessingContext, QgsProcessingUtils

    context = QgsProcessingContext()
    made = run("samplesquares", {**SQUARES, "OUTPUT": text}, context)
    assert QgsProcessingUtils.mapLayerFromString(made["OUTPUT"], context).featureCount() == COUNT


def test_files_of_an_older_shapefile_go_with_it(run, tmp_path):
    """A spatial index of other shapes would hide the new ones."""
    path = tmp_path / "a.shp"
    run("samplesquares", {**SQUARES, "OUTPUT": str(path)})
    for name in ("a.qix", "a.sbn", "a.shp.xml", "a.qml", "b.qix"):
        (tmp_path / name).write_text("old")
    run("samplesquares", {**SQUARES, "SEED": 2, "OUTPUT": str(path)})
    assert listing(tmp_path) == ["a.cpg", "a.dbf", "a.prj", "a.qml", "a.shp", "a.shp.xml", "a.shx", "b.qix"]
    assert len(rows(path)) == COUNT


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"OUTPUT": "ogr:dbname='{folder}/a.gpkg'"},
            "OUTPUT is ogr:dbname='{folder}/a.gpkg', which names no table of a GeoPackage; give a file, or a "
            "table as ogr:dbname='file.gpkg' table=\"name\" (geom).",
        ),
        (
            {"OUTPUT": "{folder}/a.csv|layername=b"},
            "OUTPUT is {folder}/a.csv|layername=b, which names no table of a GeoPackage; give a file, or a "
            "table as ogr:dbname='file.gpkg' table=\"name\" (geom).",
        ),
        *(
            ({"PREFLIGHT": text}, f"PREFLIGHT is {text}, which is no file; give a file of its own.")
            for text in (
                "memory:",
                "ogr:dbname='{folder}/a.gpkg' table=\"b\"",
                "{folder}/a.gpkg|layername=b",
                "postgis:host=here table=b",
                "/vsimem/a.gpkg",
            )
        ),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_work(refusal, tmp_path, values, sentence):
    given = {name: text.format(folder=tmp_path) for name, text in values.items()}
    wanted = sentence.format(folder=tmp_path)
    assert refusal("samplesquares", {**SQUARES, "OUTPUT": "memory:", **given}) == wanted
    assert listing(tmp_path) == []


def test_the_table_that_is_read_is_not_written(run, refusal, tmp_path):
    base = tmp_path / "a.gpkg"
    run("samplesquares", {**SQUARES, "OUTPUT": f"{base}|layername=one"})
    before = base.read_bytes()
    values = {"INPUT": f"{base}|layername=one", "FIELDS": "x;y"}
    for text in (f"{base}|layername=one", f"ogr:dbname='{base}' table=\"one\" (geom)", str(base)):
        assert refusal("principalcomponents", {**values, "OUTPUT": text}) == (
            f"OUTPUT and INPUT are both {base}; choose another OUTPUT."
        )
    assert base.read_bytes() == before
    run("principalcomponents", {**values, "OUTPUT": f"ogr:dbname='{base}' table=\"two\" (geom)"})
    assert len(rows(base, "one")) == len(rows(base, "two")) == COUNT


def test_a_cancel_and_an_error_leave_the_layer_of_before(run, feedback, monkeypatch, tmp_path):
    from smap_downscaler.steps.polygons import squares_algorithm

    path = tmp_path / "a.gpkg"
    run("samplesquares", {**SQUARES, "OUTPUT": str(path)})
    before = path.read_bytes()
    whole = squares_algorithm.square_features

    def cancelled(*words):
        for number, feature in enumerate(whole(*words)):
            if number == COUNT // 2:
                feedback.cancel()
            yield feature

    monkeypatch.setattr(squares_algorithm, "square_features", cancelled)
    assert run("samplesquares", {**SQUARES, "SEED": 2, "OUTPUT": str(path)}) == {}
    assert path.read_bytes() == before
    assert listing(tmp_path) == ["a.gpkg"]
