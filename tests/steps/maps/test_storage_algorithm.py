"""DATA_TYPE, COMPRESSION and OVERVIEWS: what maps hold, what reads them, what is told, what is made anew."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from areas import box, layer_file
from report_reader import FigureTexts, check_numbers
from small_case import CELLS, DATES, make_small_case, train_small_case, write_small_stations
from smap_downscaler.geo import geotiff
from smap_downscaler.geo.datasets import open_dataset, read_band

MAPPED = (DATES[0], DATES[2])
HALF = 0.5e-4 + 6e-8
LOSS = (
    "int16 in steps of 0.0001 m3 m-3: each value is off by up to 0.00005, and so may be means over SMAP's "
    "cells, also where CONSISTENCY is 'exact'"
)


@pytest.fixture(scope="module")
def case(tmp_path_factory, qgis_provider):
    """Maps of two dates as float32, in the folder `plain`, and as whole numbers, in `whole`."""
    import processing

    small = make_small_case(tmp_path_factory.mktemp("case"))
    train_small_case(small)
    write_small_stations(small.folder / "stations.csv")
    for name, data_type in (("plain", "float32"), ("whole", "int16")):
        values = {**inputs(small), "DATA_TYPE": data_type, "OUTPUT": str(small.folder / name)}
        processing.run("smapdownscaler:downscale", values)
    return small


def inputs(small):
    return {"FORESTS": str(small.folder / "forests.smapforest"), "COVARIATES": small.fine_stack}


def rows_of(path):
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def bands_of(path):
    dataset = open_dataset(path)
    count = dataset.RasterCount
    names = [dataset.GetRasterBand(band).GetDescription() for band in range(1, count + 1)]
    return {name: read_band(dataset, band) for band, name in enumerate(names, start=1)}


def off(first, second):
    """How far two arrays differ, which lack values in the same places."""
    assert np.array_equal(np.isnan(first), np.isnan(second))
    return float(np.nanmax(np.abs(first - second)))


def test_all_bands_tables_and_the_report(run, said, monkeypatch, case, tmp_path):
    figures = FigureTexts(monkeypatch)
    found = {}
    for name, data_type in (("plain", "float32"), ("whole", "int16")):
        values = {**inputs(case), "INTERVALS": True, "APPLICABILITY": True, "OUTPUT": str(tmp_path / name)}
        values |= {"DATA_TYPE": data_type, "COMPRESSION": "ZSTD", "OVERVIEWS": True}
        values |= {"DATES": str(tmp_path / f"{name}.csv")}
        if name == "whole":
            values["REPORT"] = str(tmp_path / "report.html")
        outputs = run("downscale", values)
        found[name] = bands_of(tmp_path / name / f"soil_moisture_{MAPPED[0]:%Y%m%d}.tif")
    check_numbers(outputs, figures)
    assert said.info.count(f"Maps are stored as {LOSS}") == 1
    assert not said.warnings
    for name, plain in found["plain"].items():
        step = {"dissimilarity": 0.001, "outside": 0.0, "out_of_range": 0.0}.get(name, 0.0001)
        assert off(plain, found["whole"][name]) <= step / 2 + 1e-6 * step + 3e-7 * np.nanmax(np.abs(plain))
    for plain, whole in zip(*(rows_of(tmp_path / f"{name}.csv") for name in found)):
        for field in ("minimum", "mean", "maximum", "sd", "width"):
            assert float(whole[field]) == pytest.approx(float(plain[field]), abs=2 * HALF)
        assert float(whole["dissimilarity"]) == pytest.approx(float(plain["dissimilarity"]), abs=5.1e-4)
        assert (whole["outside"], whole["valid"]) == (plain["outside"], plain["valid"])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Stored as" in page
    assert "int16 in steps of" in page


def test_what_reads_maps_reads_whole_numbers(run, said, case, tmp_path):
    """Each reader, of maps as float32 and as whole numbers."""
    plain, whole = case.folder / "plain", case.folder / "whole"
    compared = {"INPUT": str(whole), "REFERENCE": str(plain), "OUTPUT": str(tmp_path / "a.csv")}
    assert 1e-5 < run("comparemaps", compared)["RMSE"] <= HALF
    left, top = CELLS.left, CELLS.top
    polygon = "POLYGON" + box(left + 20e3, top - 50e3, left + 60e3, top - 20e3)
    squares = layer_file(tmp_path / "squares.gpkg", CELLS.crs, polygon)
    stations = {"STATIONS": str(case.folder / "stations.csv"), "CRS": CELLS.crs, "BOOTSTRAP": 100}
    means, readings = [], []
    for series in (plain, whole, whole / "series.vrt"):
        table = {"INPUT": squares, "SERIES": [str(series)]}
        (row,) = rows_of(run("moisturestatistics", {**table, "OUTPUT": str(tmp_path / "b.csv")})["OUTPUT"])
        means.append([float(row[f"mu_sm_{date:%Y%m%d}"]) for date in MAPPED])
        scores = {**stations, "SERIES": str(series), "OUTPUT": str(tmp_path / "c.csv")}
        rows = rows_of(run("fieldvalidation", scores)["OUTPUT"])
        readings.append([float(row["map"]) for row in rows if row["map"]])
    assert means[1] == means[2] == pytest.approx(means[0], abs=HALF)
    assert len(readings[0]) == 4
    assert readings[1] == readings[2] == pytest.approx(readings[0], abs=HALF)
    assert readings[1] != readings[0]


def test_qgis_shows_the_values_and_the_days(case):
    from qgis.core import QgsPointXY, QgsRasterLayer

    layer = QgsRasterLayer(str(case.folder / "whole" / "series.vrt"), "maps")
    assert layer.isValid()
    point = QgsPointXY(CELLS.left + 30e3, CELLS.top - 30e3)
    plain = QgsRasterLayer(str(case.folder / "plain" / "series.vrt"), "maps")
    for band in (1, 2):
        (shown, there), (known, _) = (one.dataProvider().sample(point, band) for one in (layer, plain))
        assert there
        assert 0 < abs(shown - known) <= HALF
    properties = layer.temporalProperties()
    assert [str(one.begin().date().toPyDate()) for one in properties.fixedRangePerBand().values()] == [
        str(date) for date in MAPPED
    ]


def test_exact_maps_return_smap_to_half_a_step(run, said, case, tmp_path):
    values = {**inputs(case), "SMAP": case.smap_folder, "CONSISTENCY": "exact", "DATA_TYPE": "int16"}
    run("downscale", {**values, "OUTPUT": str(tmp_path)})
    for date in MAPPED:
        (values,) = bands_of(tmp_path / f"soil_moisture_{date:%Y%m%d}.tif").values()
        means = values.astype(np.float64).reshape(8, 10, 9, 10).mean(axis=(1, 3))
        wrong = (means - case.smap[date])[np.isfinite(case.smap[date])]
        # Of 100 pixels, whose roundings differ.
        assert 1e-7 < np.abs(wrong).max() < 5e-5
        line = next(line for line in said.info if line.startswith(f"{date}: the map's means"))
        assert f"(largest difference {np.abs(wrong).max():.1g})" in line


def test_maps_that_are_stored_otherwise_are_made_anew(run, said, case, tmp_path):
    values = {**inputs(case), "OUTPUT": str(tmp_path / "maps")}
    first = tmp_path / "maps" / f"soil_moisture_{MAPPED[0]:%Y%m%d}.tif"
    kept = []
    for more in ({}, {"DATA_TYPE": "int16"}, {"DATA_TYPE": "int16"}, {"OVERVIEWS": True}, {}):
        run("downscale", {**values, **more})
        kept.append(int(said.info[-1].split(", ")[1].split()[0]))
        if "OVERVIEWS" not in more:
            kind = gdal.GDT_Int16 if more else gdal.GDT_Float32
            dataset = open_dataset(first)
            assert dataset.GetRasterBand(1).DataType == kind
    assert kept == [0, 0, 2, 0, 0]
    plain = case.folder / "plain" / first.name
    assert first.read_bytes() == plain.read_bytes()
    assert not said.warnings


def test_a_cascade_of_whole_numbers(run, said, case, tmp_path):
    maps = {}
    for name in ("float32", "int16"):
        values = {**inputs(case), "DATE": str(MAPPED[0]), "RESOLUTIONS": "4500", "DATA_TYPE": name}
        outputs = run("cascade", {**values, "OUTPUT": str(tmp_path / name)})
        (file,) = Path(outputs["OUTPUT"]).glob("*.tif")
        (maps[name],) = bands_of(file).values()
    assert 1e-5 < off(maps["float32"], maps["int16"]) <= HALF
    assert f"Maps are stored as {LOSS}" in said.info


def test_what_gdal_cannot_pack_is_refused_before_the_work(refusal, monkeypatch, case, tmp_path):
    class Driver:
        def GetMetadataItem(self, _name):
            return "<Value>DEFLATE</Value>"

    monkeypatch.setattr(geotiff.gdal, "GetDriverByName", lambda _name: Driver())
    values = {**inputs(case), "COMPRESSION": "ZSTD", "OUTPUT": str(tmp_path / "maps")}
    assert refusal("downscale", values) == (
        f"COMPRESSION is 'ZSTD', which GDAL {gdal.__version__} was built without here; choose 'DEFLATE'."
    )
