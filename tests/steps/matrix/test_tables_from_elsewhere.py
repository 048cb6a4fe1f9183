"""Regression matrices that other programs wrote, or that the screen shows otherwise than their file."""

from __future__ import annotations

import csv
import datetime as dt
import sqlite3

import numpy as np
import pytest
from osgeo import gdal

HEADER = ("date", "row", "col", "x", "y", "soil_moisture", "slope", "clay")
DAYS = [dt.date(2020, 1, day) for day in (4, 5)]
TRAIN = {"PRESET": "custom", "N_ESTIMATORS": 4, "MINIMUM_CELLS": 20, "THREADS": 1}


def rows():
    """30 cells on two dates: soil moisture that follows the slope."""
    random = np.random.default_rng(4)
    made = []
    for day in DAYS:
        for cell in range(30):
            slope, clay = random.uniform(1, 20), random.uniform(100, 400)
            moisture = 0.1 + 0.01 * slope
            made.append((day.isoformat(), cell // 6, cell % 6, 9000.0 * (cell % 6), 9000.0 * (cell // 6)))
            made[-1] += (round(moisture, 4), round(slope, 3), round(clay, 2))
    return made


def write(path, names, table):
    with open(path, "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([names, *table])
    return str(path)


def as_numbers(source, path):
    """A CSV file as a GeoPackage whose fields are numbers and dates."""
    gdal.VectorTranslate(str(path), str(source), layerName="m", options=["-oo", "AUTODETECT_TYPE=YES"])


@pytest.fixture
def trained(run, tmp_path):
    """Train by a table; the covariates that importance is told of."""

    def train(table, context=None, **more):
        outputs = run(
            "trainforests",
            {
                "INPUT": table,
                **TRAIN,
                "OUTPUT": str(tmp_path / "f.smapforest"),
                "IMPORTANCE_SUMMARY": str(tmp_path / "importance.csv"),
                **more,
            },
            context,
        )
        with open(outputs["IMPORTANCE_SUMMARY"], encoding="utf-8", newline="") as stream:
            return sorted(row["covariate"] for row in csv.DictReader(stream))

    return train


@pytest.mark.parametrize(
    "name", ["fid", "OGC_FID", "OLD_FID", "id", "gid", "OBJECTID", "index", "", "Unnamed: 0", "row_names"]
)
def test_a_first_field_that_numbers_the_rows_is_no_covariate(trained, said, tmp_path, name):
    table = [(f"{number}", *row) for number, row in enumerate(rows(), 1)]
    # Not in order, as after sorting: the name tells.
    table[3], table[7] = table[7], table[3]
    assert trained(write(tmp_path / "m.csv", (name, *HEADER), table)) == ["clay", "slope"]
    assert any(line.startswith("2 covariates of ") and line.endswith(": slope, clay") for line in said.info)
    assert not said.warnings


def test_numbers_of_rows_are_known_by_what_they_are_too(trained, tmp_path):
    table = [(number, *row) for number, row in enumerate(rows())]
    assert trained(write(tmp_path / "m.csv", ("nummer", *HEADER), table)) == ["clay", "slope"]


@pytest.mark.parametrize("value", [["clay"], "clay", "Clay", ["clay", "clay"]])
def test_covariates_that_are_named(trained, tmp_path, value):
    table = [(*row, "loam", "a.tif") for row in rows()]
    assert trained(write(tmp_path / "m.csv", (*HEADER, "soil", "path"), table), FIELDS=value) == ["clay"]


def test_a_numbering_field_that_is_named_is_a_covariate(trained, tmp_path):
    table = [(*row, 1.5 * row[-1]) for row in rows()]
    path = write(tmp_path / "m.csv", (*HEADER, "index"), table)
    assert trained(path) == ["clay", "slope"]
    assert trained(path, FIELDS="index, clay") == ["clay", "index"]


def test_refusals_of_covariates(refusal, tmp_path):
    path = write(tmp_path / "m.csv", (*HEADER, "soil"), [(*row, "loam") for row in rows()])

    def sentence(**more):
        return refusal("trainforests", {"INPUT": path, **TRAIN, "OUTPUT": f"{tmp_path}/f.smapforest", **more})

    assert sentence() == (
        f"{path}: the field soil is not a number (it holds 'loam'); name the covariates without it in "
        "FIELDS, or turn it into numbers."
    )
    assert sentence(FIELDS="klay") == (
        f"FIELDS: {path} has no field klay (it has slope, clay, soil); correct the name."
    )
    assert sentence(FIELDS=["x", "clay"]) == (
        "FIELDS: x is no covariate but a key of the table; leave it out."
    )
    assert sentence(FIELDS="clay", NODATA="sand=-9999").startswith("NODATA: there is no layer named sand")


def test_our_own_table_through_qgis_to_csv_excel_and_another_geopackage(run, trained, tmp_path):
    """As 'Export > Save Features As' writes it: whole numbers in quotes, the key as a field."""
    path = write(tmp_path / "m.csv", HEADER, rows())
    gdal.VectorTranslate(
        str(tmp_path / "own.gpkg"), path, layerName="m", options=["-oo", "AUTODETECT_TYPE=YES"]
    )
    import processing

    for ending in ("csv", "xlsx", "gpkg"):
        target = str(tmp_path / f"saved.{ending}")
        given = {"INPUT": str(tmp_path / "own.gpkg"), "OUTPUT": target, "EXPRESSION": "TRUE"}
        processing.run("native:extractbyexpression", given)
        assert trained(target) == ["clay", "slope"], ending
    with_key = [(f"{number}", *row) for number, row in enumerate(rows(), 1)]
    quoted = tmp_path / "quoted.csv"
    with open(quoted, "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([("fid", *HEADER), *with_key])
    assert trained(str(quoted)) == ["clay", "slope"]


def test_what_stands_for_no_value_in_texts_is_none(trained, said, tmp_path):
    table = [list(row) for row in rows()]
    for number, word in enumerate(("NA", "NULL", "nan", "None", "", "N/A")):
        table[number][-1] = word
    assert trained(write(tmp_path / "m.csv", HEADER, table)) == ["clay", "slope"]
    assert "2020-01-04: 6 cells without all covariates left out" in said.info


@pytest.mark.parametrize("ending", ["csv", "gpkg"])
def test_codes_and_percent_are_told_as_of_rasters(refusal, trained, tmp_path, ending):
    def sentence(change, algorithm="trainforests", output="f.smapforest", **more):
        table = [list(row) for row in rows()]
        change(table)
        path = write(tmp_path / "m.csv", HEADER, table)
        if ending == "gpkg":
            path = str(tmp_path / "m.gpkg")
            as_numbers(tmp_path / "m.csv", path)
        given = {"INPUT": path, **TRAIN, "OUTPUT": str(tmp_path / output), **more}
        return path, refusal(algorithm, given) if algorithm else path

    def percent(table):
        for row in table:
            row[5] = round(100 * row[5], 2)

    def codes(place, code):
        def change(table):
            for row in table[::7]:
                row[place] = code

        return change

    for algorithm, output in (("trainforests", "f.smapforest"), ("crossvalidate", "scores.gpkg")):
        path, told = sentence(percent, algorithm, output)
        assert told.startswith(f"{path}: soil_moisture runs from 1")
        assert told.endswith("; it must be m3 m-3 (0 to 1), so divide percent by 100.")
        path, told = sentence(codes(5, -9999), algorithm, output)
        assert told.startswith(f"{path}: soil_moisture holds -9999 in 9 places")
        path, told = sentence(codes(7, -9999), algorithm, output)
        assert told.startswith(f"{path}: clay holds -9999 in 9 places")
        assert "NODATA (clay=-9999)" in told
    path, _ = sentence(codes(7, -9999), None)
    assert trained(path, NODATA="clay=-9999") == ["clay", "slope"]
    assert trained(path, NODATA="clay=none") == ["clay", "slope"]
    # Dates that are left out are not looked at.
    path, _ = sentence(lambda table: [row.__setitem__(5, 30) for row in table[30:]], None)
    assert trained(path, END="2020-01-04") == ["clay", "slope"]


def test_a_declared_code_is_left_out_of_the_forests(trained, said, tmp_path):
    table = [list(row) for row in rows()]
    for row in table[:5]:
        row[-1] = -9999.9
    path = write(tmp_path / "m.csv", HEADER, table)
    assert trained(path, NODATA="clay=-9999.9") == ["clay", "slope"]
    assert "2020-01-04: 5 cells without all covariates left out" in said.info


@pytest.fixture
def project(qgis_provider):
    """A project of its own and the context of its layers."""
    from qgis.core import QgsProcessingContext, QgsProject

    project, context = QgsProject(), QgsProcessingContext()
    context.setProject(project)
    yield project, context
    # Layers must be gone before QGIS ends.
    project.clear()


@pytest.fixture
def package(tmp_path):
    path = str(tmp_path / "own.gpkg")
    source = write(tmp_path / "m.csv", HEADER, rows())
    as_numbers(source, path)
    return path


def test_unsaved_edits_count(trained, said, project, package):
    from qgis.core import QgsVectorLayer

    layer = QgsVectorLayer(package, "matrix", "ogr")
    project[0].addMapLayer(layer)
    layer.startEditing()
    place = layer.fields().indexOf("soil_moisture")
    for feature in list(layer.getFeatures())[:30]:
        layer.changeAttributeValue(feature.id(), place, 0.3)
    assert trained(layer.id(), project[1]) == ["clay", "slope"]
    assert "2020-01-04: no forest, all 30 cells have the value 0.3" in said.info
    assert any("taken as the screen shows them, with unsaved edits" in line for line in said.info)
    layer.rollBack()
    said.info.clear()
    assert trained(layer.id(), project[1]) == ["clay", "slope"]
    assert not any("no forest" in line for line in said.info)


def test_virtual_and_joined_fields_are_covariates(trained, project, package, tmp_path):
    from qgis.core import QgsField, QgsVectorLayer, QgsVectorLayerJoinInfo
    from qgis.PyQt.QtCore import QMetaType

    places = {(row[1], row[2]) for row in rows()}
    soils = write(tmp_path / "soils.csv", ("col", "sand"), [(col, 10 + 3 * col) for col in range(6)])
    layer, table = QgsVectorLayer(package, "matrix", "ogr"), QgsVectorLayer(soils, "soils", "ogr")
    assert len(places) == 30
    project[0].addMapLayers([layer, table])
    layer.addExpressionField('"clay" * "slope"', QgsField("product", QMetaType.Type.Double))
    join = QgsVectorLayerJoinInfo()
    join.setJoinLayer(table)
    join.setJoinFieldName("col")
    join.setTargetFieldName("col")
    join.setUsingMemoryCache(True)
    layer.addJoin(join)
    assert trained(layer.id(), project[1]) == ["clay", "product", "slope", "soils_sand"]


def test_a_table_of_too_many_fields_is_refused_by_the_limit(refusal, trained, tmp_path):
    more = [f"c{number}" for number in range(1992)]
    path = tmp_path / "wide.csv"
    write(
        path, (*HEADER, *more), [(*row, *range(number, number + 1992)) for number, row in enumerate(rows())]
    )
    given = {"INPUT": str(path), **TRAIN, "OUTPUT": str(tmp_path / "f.smapforest")}
    assert refusal("trainforests", given) == (
        f"INPUT: {path} has 2,000 fields, more than the 1,999 that a table can hold here; name fewer "
        "covariates (FIELDS), or remove fields."
    )
    assert trained(str(path), FIELDS="c7, slope") == ["c7", "slope"]


def test_own_notes_name_the_covariates_and_survive_a_copy(run, said, tmp_path):
    """A covariate of ours may be called index; a selection of the rows keeps what the table says."""
    from qgis.core import QgsProcessingFeatureSourceDefinition

    from raster_cases import CELLS
    from smap_downscaler.steps.matrix.numbers.rows import DayRows
    from smap_downscaler.steps.matrix.write import create_matrix

    path, random = tmp_path / "m.gpkg", np.random.default_rng(1)
    with create_matrix(path, CELLS, ("index", "clay"), {}, filled=True) as writer:
        flat = np.arange(40)
        x = random.random((40, 2), np.float32)
        writer.write(DayRows(DAYS[0], flat // 8, flat % 8, random.random(40), x))
    some = QgsProcessingFeatureSourceDefinition(str(path), filterExpression='"col" < 6')
    for table in (str(path), some):
        said.info.clear()
        said.warnings.clear()
        run("trainforests", {"INPUT": table, **TRAIN, "OUTPUT": str(tmp_path / "f.smapforest")})
        assert any(line.endswith(": index, clay") for line in said.info)
        assert len(said.warnings) == 1


def test_fields_that_differ_by_capitals_only(refusal, tmp_path):
    path = write(tmp_path / "m.csv", (*HEADER, "Clay"), [(*row, row[-1]) for row in rows()])
    given = {"INPUT": path, **TRAIN, "OUTPUT": str(tmp_path / "f.smapforest")}
    assert (
        refusal("trainforests", given)
        == f"{path}: its fields clay and Clay differ by capitals only; rename one."
    )


def test_a_field_called_fid_can_be_written(tmp_path):
    from smap_downscaler.tables.geopackage import INTEGER, create_table

    with create_table(tmp_path / "t.gpkg", "t", {"fid": INTEGER, "n": INTEGER}) as table:
        table.write([(7, 1), (7, 2)])
    with sqlite3.connect(tmp_path / "t.gpkg") as connection:
        assert connection.execute("SELECT fid, n FROM t").fetchall() == [(7, 1), (7, 2)]
