"""Where the rasters and shapes of a parameter lie, as layers that QGIS has opened and as texts."""

from __future__ import annotations

import csv
import gzip
import zipfile

import numpy as np
import pytest
from osgeo import gdal, ogr, osr

from areas import layer_file
from raster_cases import CELLS, EAST, NORTH, grid_raster, raw_raster, stored_netcdf
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.datasets import as_stored, open_dataset, read_band
from smap_downscaler.geo.lattice import transform_bounds

VALUES = np.array([[1, 2], [3, 4]], np.float32)


@pytest.fixture
def sources(tmp_path):
    """A raster in a ZIP, a gzip file, a GeoPackage and a NetCDF file of two each."""
    plain = raw_raster(tmp_path / "clay.tif", VALUES)
    with zipfile.ZipFile(tmp_path / "layers.zip", "w") as packed:
        packed.write(plain, "clay.tif")
    (tmp_path / "clay.tif.gz").write_bytes(gzip.compress((tmp_path / "clay.tif").read_bytes()))
    for name, add, options in (("first", 7, ()), ("second", 0, ("APPEND_SUBDATASET=YES",))):
        source = raw_raster(tmp_path / "a.tif", VALUES + add)
        options = [f"RASTER_TABLE={name}", *options]
        gdal.Translate(str(tmp_path / "two.gpkg"), source, format="GPKG", creationOptions=options)
    axes = {"lat": ([10.0, 9.5], NORTH), "lon": ([20.0, 20.5], EAST)}
    variables = {name: ("lat lon", VALUES + add, {}) for name, add in (("first", 7), ("second", 0))}
    stored_netcdf(tmp_path / "two.nc", axes, variables)
    return {
        "zip": (f"/vsizip/{tmp_path}/layers.zip/clay.tif", "clay"),
        "gzip": (f"/vsigzip/{tmp_path}/clay.tif.gz", "clay"),
        "GeoPackage": (f"GPKG:{tmp_path}/two.gpkg:second", "second"),
        "NetCDF": (f'NETCDF:"{tmp_path}/two.nc":second', "second"),
        "file": (plain, "clay"),
        "packed file": (f"{tmp_path}/layers.zip", "clay"),
    }


def values_of(parameters):
    from qgis.core import QgsApplication, QgsProcessingContext

    from smap_downscaler.toolbox.values import Values

    algorithm = QgsApplication.processingRegistry().createAlgorithmById("smapdownscaler:harmonisecovariates")
    return Values(algorithm, parameters, QgsProcessingContext())


@pytest.mark.parametrize("kind", ["zip", "gzip", "GeoPackage", "NetCDF", "file", "packed file"])
def test_rasters_within_files_are_read_where_they_are(qgis_provider, sources, kind):
    from qgis.core import QgsRasterLayer

    source, name = sources[kind]
    layer = QgsRasterLayer(source, "shown", "gdal")
    assert layer.isValid()
    for given, called in ((source, name), (layer, "shown")):
        ((path, found),) = values_of({"INPUT": [given]}).rasters("INPUT")
        assert found == called
        assert np.array_equal(read_band(open_dataset(path), 1), VALUES)


@pytest.mark.parametrize(
    ("name", "refused"), [("aoi.gpkg", True), ("aoi.shp", False), ("aoi.geojson", False)]
)
def test_shapes_in_a_superseded_crs(qgis_provider, tmp_path, name, refused):
    """QGIS reads the code of a GeoPackage as that of its successor, and shapes would lie 13 km off."""
    from smap_downscaler.geo.datasets import successor
    from smap_downscaler.toolbox.vectors import layer_source

    drivers = {"gpkg": "GPKG", "shp": "ESRI Shapefile", "geojson": "GeoJSON"}
    path, reference = str(tmp_path / name), osr.SpatialReference()
    with as_stored():
        reference.ImportFromEPSG(3410)
        dataset = ogr.GetDriverByName(drivers[name.split(".")[1]]).CreateDataSource(path)
        layer = dataset.CreateLayer("aoi", reference, ogr.wkbPolygon)
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(ogr.CreateGeometryFromWkt("POLYGON((0 0,9 0,9 9,0 0))"))
        layer.CreateFeature(feature)
        del feature, layer, dataset
    values = values_of({"EXTENT": path})
    if name != "aoi.gpkg" or not successor("EPSG:3410"):
        assert "+R=6371228" in layer_source(values, "EXTENT").sourceCrs().toProj()
        return
    with pytest.raises(InputError) as caught:
        layer_source(values, "EXTENT")
    assert str(caught.value) == (
        "EXTENT: aoi is in EPSG:3410, which QGIS takes for its successor EPSG:6933, a different place; set "
        "the CRS "
        "of the layer to EPSG:3410 (Layer > Set CRS of Layer)."
    )


def test_a_coarse_dated_covariate_meets_the_cells_that_it_covers(run, tmp_path):
    """One pixel of 10 degrees holds all cells; two of 2.5 degrees meet at 72.25 W, where cells are shared."""
    (tmp_path / "smap").mkdir()
    for day in (1, 2):
        cells = np.full(CELLS.shape, 0.2, np.float32)
        grid_raster(tmp_path / "smap" / f"smap_2020010{day}.tif", CELLS, cells)
    grid_raster(tmp_path / "coarse.tif", CELLS, np.ones(CELLS.shape, np.float32), names=("slope",))
    for name, size, left, columns in (("wide", 10.0, -180.0, 36), ("two", 2.5, -74.75, 2)):
        values = np.broadcast_to(np.arange(columns, dtype=np.float32), (8, columns)).copy()
        (tmp_path / name).mkdir()
        transform = left, size, 0, 0, 0, -size
        raw_raster(tmp_path / name / f"{name}_20200101.tif", values, transform=transform, crs="EPSG:4326")
    outputs = run(
        "regressionmatrix",
        {
            "SMAP": str(tmp_path / "smap"),
            "COVARIATES": str(tmp_path / "coarse.tif"),
            "DYNAMIC": [str(tmp_path / "wide"), str(tmp_path / "two")],
            "OUTPUT": str(tmp_path / "matrix.csv"),
        },
    )
    with open(outputs["OUTPUT"], encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["date"].replace("/", "-") == "2020-01-01"]
    assert len(rows) == CELLS.width * CELLS.height
    # x of the EASE-Grid is proportional to the longitude.
    edges = transform_bounds(CELLS.bounds, CELLS.crs, "EPSG:4326")
    longitudes = np.linspace(edges.left, edges.right, CELLS.width + 1)
    east = np.clip((longitudes[1:] + 72.25) / np.diff(longitudes), 0, 1)
    assert 0 < east[4] < 1
    for row in rows:
        assert float(row["wide"]) == 10
        assert float(row["two"]) == pytest.approx(east[int(row["col"])], abs=1e-3)


def test_an_extent_of_a_layer_without_a_crs_is_refused(qgis_provider, tmp_path):
    """A GeoPackage names what it does not know, so that QGIS takes it for a CRS."""
    path = layer_file(tmp_path / "nowhere.gpkg", "", "POLYGON ((0 0,10 0,10 10,0 0))")
    with pytest.raises(InputError) as caught:
        values_of({"EXTENT": path}).extent("EXTENT")
    assert str(caught.value) == (
        "EXTENT: the extent has no CRS, so its place on earth is not known; give it as 'xmin,xmax,ymin,ymax "
        "[EPSG:4326]'."
    )
