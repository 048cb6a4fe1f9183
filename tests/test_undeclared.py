"""Codes of no value that no file declares, wherever a user gives rasters: refused by name, or no value."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from raster_cases import raw_raster
from small_case import make_small_case, write_small_stations
from smap_downscaler.geo.grid import ease2_grid
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import open_stack

DAY = dt.date(2021, 1, 1)
FOREST = {"PRESET": "custom", "N_ESTIMATORS": 5, "MINIMUM_CELLS": 20}
#: What a user may find in a raster, and the number type that it comes in.
CODES = {
    -999.0: "float32",
    -999.99: "float32",
    -9999.9: "float64",
    -3000.0: "int16",
    255.0: "uint8",
    32767.0: "int16",
    -2147483648.0: "int32",
    -12345.0: "float32",
}


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """Files of a small area, and forests by date."""
    folder = tmp_path_factory.mktemp("case")
    make_small_case(folder)
    write_small_stations(folder / "stations.csv")
    return folder


def copied(source: Path, target: Path, code: float, band: int = 1, kind: str = "float32") -> str:
    """A GeoTIFF again with a code in its upper left quarter, undeclared; missing cells are the code too."""
    dataset = gdal.Open(str(source))
    layers = dataset.ReadAsArray().reshape(dataset.RasterCount, dataset.RasterYSize, dataset.RasterXSize)
    layers = np.where(layers == -9999, code, layers).astype(kind)
    place = layers.shape[1] // 2, layers.shape[2] // 2
    layers[band - 1, : place[0], : place[1]] = code
    names = [dataset.GetRasterBand(number + 1).GetDescription() for number in range(len(layers))]
    target.parent.mkdir(parents=True, exist_ok=True)
    return raw_raster(
        target,
        layers,
        transform=dataset.GetGeoTransform(),
        crs=dataset.GetProjection(),
        names=names if all(names) else (),
    )


def copied_series(source: Path, target: Path, code: float) -> str:
    """A folder of dated rasters with a code in each."""
    for file in sorted(source.glob("*.tif")):
        copied(file, target / file.name, code)
    return str(target)


def layer_over(case, path, code, kind, extra=()):
    """A layer of 100 to 200 over the small area; a code in a quarter of it, others in single pixels."""
    grid = open_series(case / "smap").grid
    rows, cols = 60, 80
    values = np.broadcast_to(100 + 1.25 * np.arange(cols), (rows, cols)) + 0.5 * np.arange(rows)[:, None]
    values = values.astype(kind)
    values[:30, :40] = code
    for number, other in enumerate(extra):
        values[50 + number, 3::7] = other
    bounds = grid.bounds
    transform = (
        bounds.left, (bounds.right - bounds.left) / cols, 0, bounds.top, 0,
        (bounds.bottom - bounds.top) / rows,
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    return raw_raster(path, values, transform=transform, crs=grid.crs)


def harmonised(case, tmp_path, layer, **more):
    return {
        "INPUT": [layer],
        "SMAP": str(case / "smap"),
        "RESOLUTION": 1000,
        "OUTPUT_COARSE": str(tmp_path / "coarse.tif"),
        "OUTPUT_FINE": str(tmp_path / "fine.tif"),
        **more,
    }


@pytest.mark.parametrize("code", CODES)
def test_a_covariate_with_a_code_is_refused_and_right_where_it_is_declared(
    case, tmp_path, refusal, run, code
):
    layer = layer_over(case, tmp_path / "clay.tif", code, CODES[code])
    text = f"{code:g}" if code != -2147483648 else "-2147483648"
    sentence = refusal("harmonisecovariates", harmonised(case, tmp_path, layer))
    assert f"clay holds {text} in " in sentence
    assert f"NODATA (clay={text})" in sentence
    assert not (tmp_path / "fine.tif").exists()
    run("harmonisecovariates", harmonised(case, tmp_path, layer, NODATA=f"clay={text}"))
    stack = open_stack(tmp_path / "coarse.tif")
    values = stack.read(stack.names)
    assert np.nanmin(values) > 99
    assert np.nanmax(values) < 230
    assert np.isnan(values).any()


def test_what_is_said_to_be_a_value_is_averaged(case, tmp_path, run):
    layer = layer_over(case, tmp_path / "balance.tif", -999, "int16")
    run("harmonisecovariates", harmonised(case, tmp_path, layer, NODATA="balance=none"))
    stack = open_stack(tmp_path / "coarse.tif")
    assert np.nanmin(stack.read(stack.names)) == pytest.approx(-999)


def test_numbers_too_large_beside_a_declared_one_are_refused(case, tmp_path, refusal, run, said):
    layer = layer_over(case, tmp_path / "clay.tif", -3.4028234663852886e38, "float32", [1e20, 9.96921e36])
    dataset = gdal.Open(layer, gdal.GA_Update)
    dataset.GetRasterBand(1).SetNoDataValue(-9999)
    dataset = None
    sentence = refusal("harmonisecovariates", harmonised(case, tmp_path, layer))
    assert "clay holds -3.402823e+38 and 1e+20 and 9.96921e+36 in " in sentence
    declared = "clay=-3.4e38, clay=1e20, clay=9.96921e36"
    run("harmonisecovariates", harmonised(case, tmp_path, layer, NODATA=declared))
    stack = open_stack(tmp_path / "fine.tif")
    values = stack.read(stack.names)
    assert np.nanmin(values) > 99
    assert np.nanmax(values) < 230
    assert not [text for text in said.warnings if "clay" in text]


def test_a_second_code_beside_the_declared_one_is_found(case, tmp_path, refusal):
    layer = layer_over(case, tmp_path / "clay.tif", -9999, "float32", [-999.0])
    dataset = gdal.Open(layer, gdal.GA_Update)
    dataset.GetRasterBand(1).SetNoDataValue(-9999)
    dataset = None
    assert "clay holds -999 in " in refusal("harmonisecovariates", harmonised(case, tmp_path, layer))


def test_clay_of_255_and_bytes_of_all_values_are_values(case, tmp_path, run, said):
    layer = layer_over(case, tmp_path / "clay.tif", 255, "int16", [300, 255, 420])
    run("harmonisecovariates", harmonised(case, tmp_path, layer))
    layer = layer_over(case, tmp_path / "ndvi.tif", 255, "uint8", range(0, 250, 5)[:9])
    run("harmonisecovariates", harmonised(case, tmp_path, layer, NODATA="ndvi=none"))
    assert not [text for text in said.warnings if "255" in text]


def test_a_mask_with_a_code_is_refused(case, tmp_path, refusal, run):
    layer = layer_over(case, tmp_path / "clay.tif", 100, "int16")
    cells = np.zeros((60, 80), np.uint8)
    cells[:20], cells[20:30] = 255, 1
    mask = layer_over(case, tmp_path / "mask.tif", 0, "uint8")
    dataset = gdal.Open(mask, gdal.GA_Update)
    dataset.GetRasterBand(1).WriteArray(cells)
    dataset = None
    sentence = refusal("harmonisecovariates", harmonised(case, tmp_path, layer, MASK=mask))
    assert f"MASK ({mask}): it holds 255 in " in sentence
    assert "gdal_edit.py -a_nodata 255" in sentence
    dataset = gdal.Open(mask, gdal.GA_Update)
    dataset.GetRasterBand(1).WriteArray(np.where(cells == 1, 255, 0).astype(np.uint8))
    dataset = None
    run("harmonisecovariates", harmonised(case, tmp_path, layer, MASK=mask))


def test_unknown_names_and_words_are_refused(case, tmp_path, refusal):
    layer = layer_over(case, tmp_path / "clay.tif", -999, "float32")
    given = harmonised(case, tmp_path, layer)
    assert "NODATA: there is no layer named sand (there is clay)" in refusal(
        "harmonisecovariates", {**given, "NODATA": "sand=-999"}
    )
    assert "NODATA: clay=x is no number" in refusal("harmonisecovariates", {**given, "NODATA": "clay=x"})


def test_additional_no_data_of_a_layer_in_qgis_counts_or_is_named(case, tmp_path, refusal, run):
    from qgis.core import QgsProcessingContext, QgsProject, QgsRasterLayer, QgsRasterRange

    path = layer_over(case, tmp_path / "clay.tif", -999, "float32")
    layer = QgsRasterLayer(path, "soil")
    layer.dataProvider().setUserNoDataValue(1, [QgsRasterRange(-999, -999)])
    QgsProject.instance().addMapLayer(layer)
    try:
        context = QgsProcessingContext()
        context.setProject(QgsProject.instance())
        run("harmonisecovariates", harmonised(case, tmp_path, layer.id()), context)
        stack = open_stack(tmp_path / "coarse.tif")
        assert np.nanmin(stack.read(stack.names)) > 99
        given = harmonised(case, tmp_path, layer_over(case, tmp_path / "sand.tif", 100, "float32"))
        layer.dataProvider().setUserNoDataValue(1, [QgsRasterRange(-999, -100)])
        given["INPUT"] = [layer]
        assert "QGIS takes -999 to -100 as no data" in refusal("harmonisecovariates", given)
    finally:
        QgsProject.instance().removeAllMapLayers()


@pytest.mark.parametrize("code", [-999, 32767, 0])
def test_a_dem_with_a_code_is_refused_and_right_where_it_is_declared(tmp_path, refusal, run, code):
    rows, cols = np.mgrid[0:60, 0:50]
    values = (3005 + 10.0 * cols + 3 * np.abs(rows - 30)).astype(np.int32)
    values[:12] = code
    dem = raw_raster(tmp_path / "dem.tif", values)
    given = {"INPUT": dem, "ENGINE": "built-in", "FILLED": str(tmp_path / "filled.tif")}
    sentence = refusal("terrainindices", given)
    assert str(code) in sentence
    assert str(dem) in sentence
    if code != 32767:
        assert f"NODATA (dem={code})" in sentence
    run("terrainindices", {**given, "NODATA": str(code)})
    filled = gdal.Open(str(tmp_path / "filled.tif")).ReadAsArray()
    assert (filled[:12] == -9999).all()
    assert filled[12:].min() > 3000


@pytest.mark.parametrize("code", [-9999, 999, 9999])
def test_codes_are_no_rain(case, tmp_path, refusal, run, code):
    series = copied_series(case / "rain", tmp_path / "rain", code)
    for algorithm, more in (
        ("antecedentprecipitation", {"DAYS": 1, "OUTPUT": str(tmp_path / "p")}),
        ("seasonalprecipitation", {"SEASONS": "p_djf=12,1,2", "OUTPUT": str(tmp_path / "s.tif")}),
    ):
        given = {"INPUT": series, **more}
        if code > 0:
            assert f"rain holds {code} in " in refusal(algorithm, given)
            given["NODATA"] = str(code)
        run(algorithm, given)
    for file in (*(tmp_path / "p").glob("*.tif"), tmp_path / "s.tif"):
        values = gdal.Open(str(file)).ReadAsArray()
        assert values.max() < 300
        assert set(values[values < 0].tolist()) <= {-9999.0}
        assert (values < 0).any()


@pytest.mark.parametrize("code", [-9999, -999, 255])
def test_smap_cells_with_codes_are_named_or_no_values(case, tmp_path, refusal, run, code):
    series = copied_series(case / "smap", tmp_path / "smap", code)
    given = {"INPUT": series, "QUALITY": "all", "OUTPUT": str(tmp_path / "imported")}
    if code != -9999:
        # On one date most cells are it.
        assert f"smap holds {code} in " in refusal("importsmap", given)
        given |= {"START": "2021-01-01"}
    run("importsmap", given)
    values = open_series(tmp_path / "imported").read(DAY)
    assert np.nanmax(values) < 1
    assert np.nanmin(values) > 0
    assert np.isnan(values).any()
    given = {"SMAP": series, "COVARIATES": str(case / "coarse.tif"), "OUTPUT": str(tmp_path / "m.gpkg")}
    sentence = refusal("regressionmatrix", given)
    assert f"holds {code} in " in sentence
    assert "percent" not in sentence


def test_codes_in_stacks_and_dated_covariates_are_refused(case, tmp_path, refusal, run):
    stack = copied(case / "coarse.tif", tmp_path / "coarse.tif", -999.0)
    name = open_stack(stack).names[0]
    given = {"SMAP": str(case / "smap"), "COVARIATES": stack, "OUTPUT": str(tmp_path / "m.gpkg")}
    assert f"{stack}: {name} holds -999 in " in refusal("regressionmatrix", given)
    run("regressionmatrix", {**given, "NODATA": f"{name}=-999"})
    dated = copied_series(case / "smap", tmp_path / "wetness", -3000.0)
    given |= {"COVARIATES": str(case / "coarse.tif"), "DYNAMIC": [dated]}
    assert f"{dated}: wetness holds -3000 in " in refusal("regressionmatrix", given)
    run("regressionmatrix", {**given, "NODATA": "wetness=-3000"})
    assert "NODATA: there is no layer named wet " in refusal(
        "regressionmatrix", {**given, "NODATA": "wet=-3000"}
    )


def test_maps_with_codes_are_refused(case, tmp_path, refusal):
    maps = copied_series(case / "smap", tmp_path / "maps", -9999.0)
    polygons = str(tmp_path / "p.gpkg")
    from osgeo import ogr, osr

    grid = ease2_grid("9 km")
    bounds = open_series(maps).grid.bounds
    source = ogr.GetDriverByName("GPKG").CreateDataSource(polygons)
    reference = osr.SpatialReference()
    reference.SetFromUserInput(grid.crs)
    layer = source.CreateLayer("p", reference, ogr.wkbPolygon)
    feature = ogr.Feature(layer.GetLayerDefn())
    left, bottom, right, top = bounds.left, bounds.bottom, bounds.right, bounds.top
    feature.SetGeometry(
        ogr.CreateGeometryFromWkt(
            f"POLYGON(({left} {bottom},{left} {top},{right} {top},{right} {bottom},{left} {bottom}))"
        )
    )
    layer.CreateFeature(feature)
    feature = layer = source = None
    stations = {
        "STATIONS": str(case / "stations.csv"),
        "CRS": "EPSG:6933",
        "BOOTSTRAP": 100,
        "OUTPUT": str(tmp_path / "v.gpkg"),
    }
    for algorithm, given in {
        "moisturestatistics": {"INPUT": polygons, "SERIES": [maps], "OUTPUT": str(tmp_path / "o.gpkg")},
        "mapsheet": {"SERIES": maps, "DPI": 60, "OUTPUT": str(tmp_path / "a.png")},
        "fieldvalidation": {"SERIES": maps, **stations},
    }.items():
        assert "holds -9999 in " in refusal(algorithm, given)


def test_a_fine_stack_with_a_code_makes_no_map_and_another_nodata_makes_it_anew(case, tmp_path, refusal, run):
    matrix, forests = str(tmp_path / "m.gpkg"), str(tmp_path / "f.smapforest")
    given = {"SMAP": str(case / "smap"), "COVARIATES": str(case / "coarse.tif"), "OUTPUT": matrix}
    run("regressionmatrix", given)
    run("trainforests", {"INPUT": matrix, **FOREST, "OUTPUT": forests})
    stack = copied(case / "fine.tif", tmp_path / "fine.tif", -9999.0, band=2)
    maps = {"FORESTS": forests, "COVARIATES": stack, "OUTPUT": str(tmp_path / "maps"), "THREADS": 1}
    cascade = {**maps, "RESOLUTIONS": "3000", "DATE": str(DAY)}
    for algorithm, wanted in (("downscale", maps), ("cascade", cascade)):
        assert f"{stack}: elevation holds -9999 in " in refusal(algorithm, wanted)
    assert not list((tmp_path / "maps").glob("*.tif"))
    run("downscale", {**maps, "NODATA": "elevation=none"})
    first = gdal.Open(str(tmp_path / "maps" / f"soil_moisture_{DAY:%Y%m%d}.tif")).ReadAsArray()
    run("downscale", {**maps, "NODATA": "elevation=-9999"})
    second = gdal.Open(str(tmp_path / "maps" / f"soil_moisture_{DAY:%Y%m%d}.tif")).ReadAsArray()
    assert (first > 0).all()
    assert (second[: len(second) // 2, : len(second[0]) // 2] == -9999).all()
    assert (second == -9999).mean() == pytest.approx(0.25)


def test_codes_of_netcdf_and_vrt_are_found(case, tmp_path, refusal):
    folder = copied_series(case / "smap", tmp_path / "wetness", -9999.9)
    virtual = gdal.BuildVRT(
        str(tmp_path / "wetness.vrt"),
        [str(file) for file in sorted(Path(folder).glob("*.tif"))],
        separate=True,
    )
    for number in range(3):
        virtual.GetRasterBand(number + 1).SetDescription(f"2021-01-0{number + 1}")
    virtual = None
    rows, cols = np.mgrid[0:60, 0:50]
    elevation = (3005 + 10.0 * cols + 3 * np.abs(rows - 30)).astype(np.float32)
    elevation[:9] = -9999.9
    raw_raster(tmp_path / "dem.tif", elevation)
    netcdf = str(tmp_path / "dem.nc")
    gdal.Translate(netcdf, str(tmp_path / "dem.tif"), format="netCDF")
    dem = {"INPUT": netcdf, "ENGINE": "built-in", "FILLED": str(tmp_path / "z.tif")}
    assert "dem holds -9999.9 in 450 places, far from its other values" in refusal("terrainindices", dem)
    given = {
        "SMAP": str(case / "smap"),
        "COVARIATES": str(case / "coarse.tif"),
        "DYNAMIC": [str(tmp_path / "wetness.vrt")],
        "OUTPUT": str(tmp_path / "m.gpkg"),
    }
    assert "wetness holds -9999.9 in " in refusal("regressionmatrix", given)
