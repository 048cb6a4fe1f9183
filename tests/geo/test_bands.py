"""The band that is meant where a raster has several, and pictures, which no step takes for values."""

from __future__ import annotations

import numpy as np
import pytest
from osgeo import gdal

from raster_cases import CELLS, grid_raster
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.bands import ELEVATION, MASK, MOISTURE, RAIN, Wanted, one_band, refuse_picture
from smap_downscaler.geo.datasets import open_dataset
from smap_downscaler.geo.sources import Mask

NDVI = Wanted("ndvi_modis", ("ndvi_modis",), "give BAND", within="ndvi_modis")


@pytest.mark.parametrize(
    ("wanted", "names", "index"),
    [
        (ELEVATION, ("slope", "curvature", "elevation"), 2),
        (ELEVATION, ("aspect", "DEM"), 1),
        (ELEVATION, ("dem_slope", "Altitude (m)"), 1),
        (ELEVATION, ("slope", "dem_30m", "dem_aspect"), 1),
        (ELEVATION, ("num", "elevation", "swb"), 1),
        (ELEVATION, ("whatever",), 0),
        (ELEVATION, ("",), 0),
        (MOISTURE, ("vegetation", "soil_moisture m3/m3"), 1),
        (RAIN, ("randomError", "precipitationCal", "precipitationUncal"), 1),
        (RAIN, ("temperature", "Total precipitation [mm/day]"), 1),
        (MASK, ("confidence", "mask"), 1),
        (NDVI, ("NDVI", "EVI", "DetailedQA"), 0),
        (NDVI, ("250m 16 days VI Quality", "250m 16 days NDVI", "250m 16 days EVI"), 1),
        (Wanted("x", ("x",), asked="evi"), ("NDVI", "EVI"), 1),
        (Wanted("x", ("x",), asked="2"), ("NDVI", "EVI"), 1),
        (Wanted("x", ("x",), asked="B2"), ("B3", "B2"), 1),
        (Wanted("x", ("x",), asked="2"), ("2", "1"), 0),
        (Wanted("x", ("x",), asked="ndvi"), ("",), 0),
    ],
)
def test_a_band_is_asked_for_named_so_or_alone(wanted, names, index):
    assert wanted.find(names, "a.tif") == index


@pytest.mark.parametrize(
    ("wanted", "names", "listed"),
    [
        (ELEVATION, ("slope", "aspect"), "2 bands (slope, aspect)"),
        (ELEVATION, ("dsm", "dtm"), "2 bands (dsm, dtm)"),
        (ELEVATION, ("B1", "B2"), "2 bands (B1, B2)"),
        (ELEVATION, ("model", "surface"), "2 bands (model, surface)"),
        (ELEVATION, ("", ""), "2 bands without names"),
        (MASK, ("", "roads"), "2 bands (band 1, roads)"),
        (NDVI, ("EVI", "DetailedQA"), "2 bands (EVI, DetailedQA)"),
        (NDVI, ("ndvi", "modis"), "2 bands (ndvi, modis)"),
        (RAIN, ("",) * 31, "31 bands without names"),
        (RAIN, tuple("abcdefghijk"), "11 bands (a, b, c, d, e, f, g, h and 3 more)"),
    ],
)
def test_where_it_cannot_be_told_the_bands_are_named(wanted, names, listed):
    with pytest.raises(InputError) as caught:
        wanted.find(names, "a.tif")
    assert str(caught.value) == (
        f"a.tif: it has {listed} where one is wanted, and it cannot be told which one is {wanted.what}; "
        f"{wanted.advice}."
    )


def test_a_band_that_is_not_there():
    for asked in ("blue", "0", "3", "B"):
        with pytest.raises(InputError) as caught:
            Wanted("x", ("x",), asked=asked).find(("NDVI", "EVI"), "a.tif")
        assert str(caught.value) == (
            f"BAND: a.tif has no band {asked} (it has 2 bands (NDVI, EVI)); give the name or number of one "
            "of them."
        )


def bytes_raster(path, bands, kinds=(), names=(), table=False, driver="GTiff"):
    """Rising bytes, with the colours of `kinds`."""
    values = np.broadcast_to(np.arange(48, dtype=np.uint8).reshape(6, 8), (bands, 6, 8))
    dataset = gdal.GetDriverByName(driver).Create(
        str(path), 8, 6, bands, gdal.GDT_Byte, options=["PHOTOMETRIC=MINISBLACK"]
    )
    dataset.SetGeoTransform(CELLS.geotransform)
    dataset.SetProjection("EPSG:6933")
    if table:
        colours = gdal.ColorTable()
        colours.SetColorEntry(1, (255, 0, 0))
        dataset.GetRasterBand(1).SetColorTable(colours)
    for number in range(1, bands + 1):
        band = dataset.GetRasterBand(number)
        if kinds:
            band.SetColorInterpretation(kinds[number - 1])
        if names:
            band.SetDescription(names[number - 1])
        band.WriteArray(values[number - 1])
    del band, dataset
    return str(path)


RGB = (gdal.GCI_RedBand, gdal.GCI_GreenBand, gdal.GCI_BlueBand)
GREY_ALPHA = (gdal.GCI_GrayIndex, gdal.GCI_Undefined, gdal.GCI_Undefined, gdal.GCI_AlphaBand)


@pytest.mark.parametrize(
    ("bands", "kinds", "names"),
    [
        (3, RGB, ()),
        (4, (*RGB, gdal.GCI_AlphaBand), ()),
        (4, (*RGB, gdal.GCI_AlphaBand), ("Red", "Green", "Blue", "Alpha")),
        (3, RGB, ("Band 1", "Band 2", "Band 3")),
        (4, GREY_ALPHA, ()),
    ],
)
def test_a_rendered_raster_is_a_picture(tmp_path, bands, kinds, names):
    path = bytes_raster(tmp_path / "a.tif", bands, kinds, names)
    for wanted in (ELEVATION, MASK):
        with pytest.raises(InputError) as caught:
            one_band(open_dataset(path), path, wanted)
        assert str(caught.value) == (
            f"{path}: it is a picture rendered in colours, not the values themselves; choose the raster it "
            "was drawn from (saved from QGIS as 'Raw data'), or describe its bands by names if they are "
            "measurements."
        )


@pytest.mark.parametrize(
    ("bands", "kinds", "names"),
    [
        # GDAL itself calls three bands of bytes red, green and blue.
        (3, RGB, ("clay", "sand", "silt")),
        (3, (), ()),
        (7, (*RGB, *[gdal.GCI_Undefined] * 4), ()),
        (2, (gdal.GCI_GrayIndex, gdal.GCI_AlphaBand), ()),
        (1, (), ()),
    ],
)
def test_stacks_of_bytes_are_none(tmp_path, bands, kinds, names):
    refuse_picture(open_dataset(bytes_raster(tmp_path / "a.tif", bands, kinds, names)), "a.tif")


def test_a_satellite_image_of_numbers_is_none(tmp_path):
    path = grid_raster(tmp_path / "s2.tif", CELLS, np.zeros((3, 6, 8), np.int16))
    dataset = gdal.Open(path, gdal.GA_Update)
    for number, kind in enumerate(RGB, start=1):
        dataset.GetRasterBand(number).SetColorInterpretation(kind)
    del dataset
    refuse_picture(open_dataset(path), path)


def test_a_colour_table_makes_no_measurement_but_may_be_a_mask(tmp_path):
    path = bytes_raster(tmp_path / "a.tif", 1, table=True)
    with pytest.raises(InputError) as caught:
        one_band(open_dataset(path), path, ELEVATION)
    assert str(caught.value) == (
        f"{path}: its band has a colour table, so its numbers are those of colours or classes, not the "
        "elevation; choose the raster of the values themselves, or save it without the table (Raster > "
        "Raster Calculator) if they are measurements."
    )
    assert Mask(path).band == 1


def test_transparency_is_no_band(tmp_path):
    path = bytes_raster(tmp_path / "a.tif", 2, (gdal.GCI_GrayIndex, gdal.GCI_AlphaBand))
    assert one_band(open_dataset(path), path, ELEVATION) == 1


def test_a_mask_of_several_bands(tmp_path):
    values = np.stack([np.zeros((6, 8)), np.ones((6, 8))]).astype(np.uint8)
    named = Mask(grid_raster(tmp_path / "named.tif", CELLS, values, names=("", "water")))
    assert named.band == 2
    assert named.covers(np.array([2.0]), np.array([3.0])).tolist() == [True]
    unnamed = grid_raster(tmp_path / "unnamed.tif", CELLS, values)
    with pytest.raises(InputError) as caught:
        Mask(unnamed)
    assert str(caught.value) == (
        f"MASK ({unnamed}): it has 2 bands without names where one is wanted, and it cannot be told which "
        "one is the mask; keep that band in a file of its own (Raster > Conversion > Translate)."
    )
