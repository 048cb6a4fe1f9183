"""moisturestatistics: numbers against NumPy and QGIS's zonal statistics, tables, report, refusals, a stop."""

from __future__ import annotations

import csv
import datetime as dt
import re
from base64 import b64decode

import numpy as np
import pytest

from raster_cases import grid_raster
from small_case import NAMES, PIXELS, make_small_case

DATES = [dt.date(2020, 12, 30), dt.date(2020, 12, 31), dt.date(2021, 1, 1)]


@pytest.fixture
def case(tmp_path):
    """Fine maps of three dates, a fine stack, and twelve polygons in degrees with an attribute."""
    small = make_small_case(tmp_path)
    rng = np.random.default_rng(4)
    maps = []
    for number, date in enumerate(DATES):
        theta = 0.2 + 0.05 * number + 0.02 * rng.normal(size=PIXELS.shape)
        theta[:20, :30] = np.where(number == 1, np.nan, theta[:20, :30])
        maps.append(theta.astype(np.float32))
        grid_raster(
            tmp_path / f"maps_{date:%Y%m%d}.tif",
            PIXELS,
            np.where(np.isfinite(theta), theta, -9999).astype(np.float32),
            nodata=-9999.0,
        )
    (tmp_path / "maps").mkdir()
    for path in tmp_path.glob("maps_*.tif"):
        path.rename(tmp_path / "maps" / path.name)
    return small, np.array(maps)


def polygon_layer(path, crs="EPSG:4326", extra=()):
    """Twelve boxes of some pixels: two without pixels of their own, one outside; returns columns and rows."""
    from qgis.core import (
        QgsCoordinateReferenceSystem,
        QgsCoordinateTransform,
        QgsFeature,
        QgsGeometry,
        QgsPointXY,
        QgsProject,
        QgsVectorFileWriter,
        QgsVectorLayer,
    )

    rng = np.random.default_rng(11)
    boxes = [(c, r, c + 7.3, r + 6.4) for c, r in zip(rng.uniform(2, 78, 10), rng.uniform(2, 68, 10))]
    boxes += [(10.1, 10.1, 10.4, 10.3), (400, 400, 410, 410)]
    layer = QgsVectorLayer(f"Polygon?crs={crs}&field=name:string&field=mu_clay:double", "boxes", "memory")
    grid = QgsCoordinateReferenceSystem(PIXELS.crs)
    way = QgsCoordinateTransform(grid, layer.crs(), QgsProject.instance())
    features = []
    for number, (left, top, right, bottom) in enumerate(boxes):
        x = [PIXELS.left + PIXELS.cell_width * c for c in (left, right)]
        y = [PIXELS.top - PIXELS.cell_height * r for r in (top, bottom)]
        corners = [(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1]), (x[0], y[0])]
        feature = QgsFeature(layer.fields())
        points = [way.transform(QgsPointXY(*corner)) for corner in corners]
        feature.setGeometry(QgsGeometry.fromPolygonXY([points]))
        feature.setAttributes([f"Señal, {number}", -1.0])
        features.append(feature)
    for geometry in extra:
        feature = QgsFeature(layer.fields())
        if geometry:
            feature.setGeometry(QgsGeometry.fromWkt(geometry))
        feature.setAttributes(["extra", None])
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    options = QgsVectorFileWriter.SaveVectorOptions()
    QgsVectorFileWriter.writeAsVectorFormatV3(
        layer, str(path), QgsProject.instance().transformContext(), options
    )
    return boxes


def masks(boxes):
    """Pixels whose centre lies in each box."""
    rows, cols = np.mgrid[0 : PIXELS.height, 0 : PIXELS.width] + 0.5
    return [(cols > a) & (cols < c) & (rows > b) & (rows < d) for a, b, c, d in boxes]


def rows_of(path):
    from qgis.core import NULL, QgsVectorLayer

    layer = QgsVectorLayer(str(path), "table", "ogr")
    assert layer.isValid()
    names = layer.fields().names()
    return [
        {name: None if value == NULL else value for name, value in zip(names, feature.attributes())}
        for feature in layer.getFeatures()
    ]


def statistics(values, ddof=1):
    values = values[np.isfinite(values)].astype(float)
    if not values.size:
        return None, None, None
    sd = values.std(ddof=ddof) if values.size > ddof else None
    return values.mean(), sd, None if sd is None else sd / values.mean()


def test_a_whole_run(run, said, by_ids, case, tmp_path):
    small, maps = case
    boxes = polygon_layer(tmp_path / "boxes.gpkg")
    outputs = run(
        "moisturestatistics",
        {
            "INPUT": str(tmp_path / "boxes.gpkg"),
            "SERIES": [str(tmp_path / "maps")],
            "COVARIATES": small.fine_stack,
            "OUTPUT": str(tmp_path / "made" / "out.gpkg"),
            "TABLE": str(tmp_path / "made" / "table.gpkg"),
            "SUMMARY": str(tmp_path / "made" / "summary.csv"),
            "REPORT": str(tmp_path / "made" / "report.html"),
        },
    )
    rows = rows_of(outputs["OUTPUT"])
    inside = masks(boxes)
    assert [row["name"] for row in rows] == [f"Señal, {number}" for number in range(12)]
    assert outputs["COUNT"] == 10
    assert outputs["DATE_COUNT"] == 3
    layers = {name: small.fine[NAMES.index(name)] for name in NAMES}
    layers |= {f"sm_{date:%Y%m%d}": maps[number] for number, date in enumerate(DATES)}
    for name, values in layers.items():
        for row, mask in zip(rows, inside):
            found = (row[f"mu_{name}"], row[f"sd_{name}"], row[f"cv_{name}"])
            assert found == tuple(
                None if number is None else pytest.approx(number, rel=1e-9)
                for number in statistics(values[mask])
            )
    for row, mask in zip(rows, inside):
        by_date = [statistics(layer[mask]) for layer in maps]
        known = [numbers for numbers in by_date if numbers[0] is not None]
        assert row["dates_sm"] == len(known)
        if known:
            assert (row["mu_sm"], row["sd_sm"], row["cv_sm"]) == pytest.approx(tuple(np.mean(known, axis=0)))
    table = rows_of(outputs["TABLE"])
    assert len(table) == 12 * 6
    by_key = {(row["polygon"], row["variable"], row["date"] and row["date"].toPyDate()): row for row in table}
    for row, mask in zip(rows, inside):
        for number, date in enumerate(DATES):
            found = by_key[row["polygon"], "maps", date]
            assert found["n"] == np.isfinite(maps[number][mask]).sum()
            assert found["mean"] == row[f"mu_sm_{date:%Y%m%d}"]
        assert by_key[row["polygon"], "clay", None]["sd"] == row["sd_clay"]
    assert said.warnings == [
        "SERIES: 1 of 12 polygons is wholly outside the raster, and without statistics",
        "SERIES: 1 of 12 polygons is without a pixel whose centre is inside; give area as WEIGHTS",
        "COVARIATES: 1 of 12 polygons is wholly outside the raster, and without statistics",
        "COVARIATES: 1 of 12 polygons is without a pixel whose centre is inside; give area as WEIGHTS",
    ]
    assert "Fields of boxes replaced by new ones: mu_clay" in said.text
    assert said.info[-1] == "10 of 12 polygons have a value"
    look_at_the_report(tmp_path / "made", rows, said, by_ids)


def look_at_the_report(folder, rows, said, by_ids):
    page = (folder / "report.html").read_text(encoding="utf-8")
    with (folder / "summary.csv").open() as file:
        summary = list(csv.DictReader(file))
    assert len(summary) == 6 * 3
    for row in summary:
        key = {"mean": "mu", "sd": "sd", "cv": "cv"}[row["statistic"]]
        name = f"sm_{row['date'].replace('/', '').replace('-', '')}" if row["date"] else row["variable"]
        values = np.array([r[f"{key}_{name}"] for r in rows if r[f"{key}_{name}"] is not None])
        assert int(row["polygons"]) == len(values)
        assert float(row["median"]) == pytest.approx(np.median(values))
        assert float(row["q1"]) == pytest.approx(np.quantile(values, 0.25))
        assert float(row["sd"]) == pytest.approx(values.std(ddof=1))
    # The driest and the wettest date, whose numbers are in the tables.
    assert "<h2>2020-12-30 and 2021-01-01 (the paper&#39;s Fig. 6)</h2>" in page
    first = next(row for row in summary if row["date"].endswith("30") and row["statistic"] == "mean")
    for name in ("mean", "minimum", "median", "maximum"):
        assert f">{float(first[name]):.4f}<" in page
    for warning in said.warnings:
        assert f"<li>{warning}</li>" in by_ids(page)
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert len(pictures) == 2
    assert all(b64decode(picture).startswith(b"\x89PNG") for picture in pictures)
    assert "boxes" in page
    assert "http" not in page


@pytest.mark.usefixtures("case")
def test_means_are_those_of_qgis(run, tmp_path):
    import processing

    polygon_layer(tmp_path / "boxes.gpkg", crs=PIXELS.crs)
    first = str(tmp_path / "maps" / "maps_20201231.tif")
    values = {
        "INPUT": str(tmp_path / "boxes.gpkg"),
        "SERIES": [first],
        "DDOF": 0,
        "OUTPUT": str(tmp_path / "out.gpkg"),
    }
    rows = rows_of(run("moisturestatistics", values)["OUTPUT"])
    zonal = processing.run(
        "native:zonalstatisticsfb",
        {
            "INPUT": str(tmp_path / "boxes.gpkg"),
            "INPUT_RASTER": first,
            "COLUMN_PREFIX": "q_",
            "STATISTICS": [0, 2, 4],
            "OUTPUT": str(tmp_path / "zonal.gpkg"),
        },
    )
    others = rows_of(zonal["OUTPUT"])
    compared = 0
    for row, other in zip(rows, others):
        # Where no centre is inside QGIS takes shares of pixels instead.
        if row["name"] in ("Señal, 10", "Señal, 11"):
            continue
        if not other["q_count"]:
            assert row["mu_sm"] is None
            continue
        compared += 1
        assert row["mu_sm"] == pytest.approx(other["q_mean"], rel=1e-9)
        assert row["sd_sm"] == pytest.approx(other["q_stdev"], rel=1e-6)
    assert compared >= 8


def test_area_weights_are_exact(run, case, tmp_path):
    _small, maps = case
    boxes = polygon_layer(tmp_path / "boxes.gpkg", crs=PIXELS.crs)
    values = {
        "INPUT": str(tmp_path / "boxes.gpkg"),
        "SERIES": [str(tmp_path / "maps")],
        "WEIGHTS": "area",
        "DATES": "2021-01-01",
        "OUTPUT": str(tmp_path / "out.gpkg"),
    }
    rows = rows_of(run("moisturestatistics", values)["OUTPUT"])
    for row, (left, top, right, bottom) in list(zip(rows, boxes))[:11]:
        across = np.clip(right - np.arange(90), 0, 1) - np.clip(left - np.arange(90), 0, 1)
        down = np.clip(bottom - np.arange(80), 0, 1) - np.clip(top - np.arange(80), 0, 1)
        weight = down[:, None] * across[None, :]
        mean = np.average(maps[2], weights=weight)
        assert row["mu_sm_20210101"] == pytest.approx(mean, rel=1e-9)
        if (weight > 0).sum() > 1:
            inside = weight > 0
            variance = np.cov(maps[2][inside], aweights=weight[inside], ddof=1)
            assert row["sd_sm_20210101"] == pytest.approx(np.sqrt(variance), rel=1e-7)


def test_invalid_and_empty_geometries_are_reported(run, said, case, tmp_path):
    x, y = PIXELS.left + 20 * PIXELS.cell_width, PIXELS.top - 30 * PIXELS.cell_height
    bow = f"POLYGON (({x} {y}, {x + 9000} {y - 9000}, {x + 9000} {y}, {x} {y - 9000}, {x} {y}))"
    cover = f"POLYGON (({x} {y}, {x + 9000} {y}, {x + 9000} {y - 9000}, {x} {y - 9000}, {x} {y}))"
    polygon_layer(tmp_path / "boxes.gpkg", crs=PIXELS.crs, extra=[bow, None, cover])
    values = {"INPUT": str(tmp_path / "boxes.gpkg"), "SERIES": [str(tmp_path / "maps")]}
    rows = rows_of(run("moisturestatistics", {**values, "OUTPUT": str(tmp_path / "out.gpkg")})["OUTPUT"])
    assert len(rows) == 15
    assert rows[12]["mu_sm"] is not None
    assert rows[13]["mu_sm"] is None
    assert rows[13]["dates_sm"] == 0
    assert "INPUT: 1 of 15 polygons is invalid; repaired" in said.warnings
    assert "INPUT: 1 of 15 polygons is without area, and without statistics" in said.warnings
    assert "a pixel counts in each" in said.text


def test_many_dates_go_to_the_table_only(run, said, case, tmp_path):
    polygon_layer(tmp_path / "boxes.gpkg")
    values = {"INPUT": str(tmp_path / "boxes.gpkg"), "SERIES": [str(tmp_path / "maps")], "DATE_FIELDS": 2}
    rows = rows_of(run("moisturestatistics", {**values, "OUTPUT": str(tmp_path / "out.gpkg")})["OUTPUT"])
    assert [name for name in rows[0] if "sm" in name] == ["dates_sm", "mu_sm", "sd_sm", "cv_sm"]
    assert "3 dates are more than DATE_FIELDS (2): OUTPUT holds their mean only" in said.text


def test_a_shapefile_cuts_names(run, said, case, tmp_path):
    polygon_layer(tmp_path / "boxes.gpkg")
    run(
        "moisturestatistics",
        {
            "INPUT": str(tmp_path / "boxes.gpkg"),
            "SERIES": [str(tmp_path / "maps")],
            "DATES": "2020-12-30",
            "OUTPUT": str(tmp_path / "out.shp"),
        },
    )
    assert said.warnings[-1] == (
        "OUTPUT: a shapefile cuts the names of fields to 10 letters (mu_sm_20201230 and 2 more); give the "
        "file the ending .gpkg to keep them."
    )


def test_covariates_alone_into_memory(run, case, tmp_path):
    from qgis.core import QgsProcessingContext

    small, _maps = case
    polygon_layer(tmp_path / "boxes.gpkg")
    context = QgsProcessingContext()
    outputs = run(
        "moisturestatistics",
        {
            "INPUT": str(tmp_path / "boxes.gpkg"),
            "COVARIATES": small.fine_stack,
            "OUTPUT": "memory:",
            "REPORT": str(tmp_path / "report.html"),
        },
        context,
    )
    layer = context.getMapLayer(outputs["OUTPUT"])
    assert layer.featureCount() == 12
    assert [name for name in layer.fields().names() if name.startswith("mu_")] == [
        "mu_sand",
        "mu_elevation",
        "mu_clay",
    ]
    assert outputs["DATE_COUNT"] == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<img" not in page
    assert "elevation" in page


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"SERIES": None}, "SERIES and COVARIATES are both empty; give one of them."),
        ({"DDOF": 2}, "DDOF is 2; give 1 (n - 1) or 0 (n)."),
        (
            {"DATES": "1/2/2021"},
            "DATES: '1/2/2021' is no date; write dates as YYYY-MM-DD, separated by commas.",
        ),
        (
            {"DATES": "2021-01-02"},
            "DATES: {case}/maps holds no raster of 2021-01-02 (those in question run from 2020-12-30 to "
            "2021-01-01); choose other dates.",
        ),
        (
            {"START": "2021-01-01", "REPORT_DATES": "2020-12-30"},
            "REPORT_DATES: {case}/maps holds no raster of 2020-12-30 (those in question run from 2021-01-01 "
            "to 2021-01-01); choose other dates.",
        ),
        (
            {"REPORT_DATES": "2020-12-30, 2020-12-31, 2021-01-01"},
            "REPORT_DATES holds more than two dates; give two, or none.",
        ),
        (
            {"START": "2021-01-01", "END": "2020-12-30"},
            "START (2021-01-01) is after END (2020-12-30); exchange them.",
        ),
        ({"SERIES": ["{case}/maps", "{case}/smap"]}, "SERIES holds 2 series; give one."),
        (
            {"COVARIATES": "{case}/maps/maps_20210101.tif"},
            "{case}/maps/maps_20210101.tif: band 1 has no name; make the stack with 'Harmonise covariates', "
            "or name each band after its covariate.",
        ),
        (
            {"INPUT": "{case}/shapeless.gpkg"},
            "INPUT: shapeless is a table without geometry; choose a layer of shapes.",
        ),
        ({"INPUT": "{case}/empty.gpkg"}, "INPUT: the layer empty has no feature; choose another one."),
        (
            {"INPUT": "{case}/nowhere.gpkg"},
            "INPUT: nowhere has no coordinate reference system; assign one (Vector > Data Management Tools > "
            "Define Layer Projection).",
        ),
        (
            {"INPUT": "{case}/far.gpkg"},
            "SERIES: no polygon of INPUT lies on it (of 1); check the CRS of both, or give a raster of their "
            "place.",
        ),
        (
            {"INPUT": "{case}/stations.gpkg"},
            "INPUT: the layer stations holds no polygons; choose a layer of polygons.",
        ),
        (
            {"INPUT": "{case}/boxes.gpkg|layername=boxes", "OUTPUT": "{case}/boxes.gpkg"},
            "OUTPUT and INPUT are both {case}/boxes.gpkg; choose another OUTPUT.",
        ),
        (
            {"OUTPUT": "{case}/boxes.gpkg"},
            "OUTPUT and INPUT are both {case}/boxes.gpkg; choose another OUTPUT.",
        ),
    ],
)
def test_bad_input(refusal, case, tmp_path, change, sentence):
    from osgeo import ogr, osr

    polygon_layer(tmp_path / "boxes.gpkg")
    degrees = osr.SpatialReference()
    degrees.ImportFromEPSG(4326)
    for name in ("empty", "nowhere", "shapeless", "far"):
        made = ogr.GetDriverByName("GPKG").CreateDataSource(str(tmp_path / f"{name}.gpkg"))
        layer = made.CreateLayer(
            name,
            degrees if name == "far" else None,
            ogr.wkbUnknown if name == "shapeless" else ogr.wkbPolygon,
        )
        if name in ("nowhere", "far"):
            feature = ogr.Feature(layer.GetLayerDefn())
            feature.SetGeometry(ogr.CreateGeometryFromWkt("POLYGON ((0 0, 1 0, 1 1, 0 0))"))
            layer.CreateFeature(feature)
        elif name == "shapeless":
            layer.CreateFeature(ogr.Feature(layer.GetLayerDefn()))
        del layer, made

    made = ogr.GetDriverByName("GPKG").CreateDataSource(str(tmp_path / "stations.gpkg"))
    layer = made.CreateLayer("stations", None, ogr.wkbPoint)
    feature = ogr.Feature(layer.GetLayerDefn())
    feature.SetGeometry(ogr.CreateGeometryFromWkt("POINT (0 0)"))
    layer.CreateFeature(feature)
    del layer, made

    def filled(value):
        if isinstance(value, list):
            return [filled(item) for item in value]
        return value.format(case=tmp_path) if isinstance(value, str) else value

    values = {
        "INPUT": str(tmp_path / "boxes.gpkg"),
        "SERIES": [str(tmp_path / "maps")],
        "OUTPUT": str(tmp_path / "out.gpkg"),
        **{name: filled(value) for name, value in change.items()},
    }
    assert refusal("moisturestatistics", values) == sentence.format(case=tmp_path)
    assert not (tmp_path / "out.gpkg").exists()


def test_cancelled_among_the_rasters(run, feedback, said, case, tmp_path):
    polygon_layer(tmp_path / "boxes.gpkg")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    feedback.cancel_when = lambda text: "blocks of the rasters read" in text
    values = {"INPUT": str(tmp_path / "boxes.gpkg"), "SERIES": [str(tmp_path / "maps")]}
    values |= {"OUTPUT": str(tmp_path / "out.gpkg"), "TABLE": str(tmp_path / "table.gpkg")}
    assert run("moisturestatistics", values) == {}
    assert said.info[-1].startswith("Cancelled")
    assert sorted(path.name for path in tmp_path.rglob("*")) == before
