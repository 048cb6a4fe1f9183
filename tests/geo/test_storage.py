"""GeoTIFFs of whole numbers, of other compressions, with overviews; and series of them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from osgeo import gdal

from raster_cases import UTM, Listener, grid_raster, listing
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.base.nodata import Look
from smap_downscaler.base.progress import heard_by
from smap_downscaler.geo import geotiff
from smap_downscaler.geo.datasets import open_dataset, read_band
from smap_downscaler.geo.geotiff import Band, check_compression, create_geotiff, is_as_written
from smap_downscaler.geo.grid import Grid
from smap_downscaler.geo.storage import CLASSES, Storage, overview_factors
from smap_downscaler.series.one_file import write_series_file
from smap_downscaler.series.series import open_series
from smap_downscaler.tables.by_date import STATISTICS_AND_SD, map_statistics

BIG = Grid(UTM, 500000.0, 9000000.0, 100.0, 100.0, 1100, 600)
SMALL = Grid(UTM, 500000.0, 9000000.0, 100.0, 100.0, 5, 2)
INT16 = Storage("int16")
#: Half a step, and what float32 rounds of a number below 1.
HALF = 0.5e-4 + 6e-8
THETA = (Band("theta", "m3 m-3"),)
DAYS = [dt.date(2020, 1, 1), dt.date(2020, 1, 2)]


def moisture(grid=BIG, seed=4):
    generator = np.random.default_rng(seed)
    values = generator.uniform(0.02, 0.6, grid.shape)
    values[generator.random(grid.shape) < 0.1] = np.nan
    return values


def write(path, values, storage, grid=BIG, bands=THETA):
    with create_geotiff(path, grid, bands, storage=storage) as tiff:
        for number, layer in enumerate(np.reshape(values, (len(bands), *grid.shape)), start=1):
            tiff.write(layer, band=number)
    return tiff


@pytest.mark.parametrize("compression", ["DEFLATE", "ZSTD"])
def test_whole_numbers_come_back_within_half_a_step(tmp_path, gdal_mode, compression):
    values = moisture()
    write(tmp_path / "a.tif", values, Storage("int16", compression))
    dataset = open_dataset(tmp_path / "a.tif")
    band, got = dataset.GetRasterBand(1), read_band(dataset, 1)
    assert (band.DataType, band.GetNoDataValue(), band.GetScale()) == (gdal.GDT_Int16, -32768, 0.0001)
    assert dataset.GetMetadataItem("COMPRESSION", "IMAGE_STRUCTURE") == compression
    assert np.array_equal(np.isnan(got), np.isnan(values))
    assert 0.4e-4 < np.nanmax(np.abs(got - values)) <= HALF
    assert np.array_equal(band.ReadAsArray()[~np.isnan(values)], np.rint(values[~np.isnan(values)] / 1e-4))
    assert is_as_written(dataset)
    assert listing(tmp_path) == ["a.tif"]


def test_what_a_map_keeps_of_itself_is_in_its_unit(tmp_path):
    values = moisture()
    for name, storage in (("a.tif", Storage()), ("b.tif", INT16)):
        write(tmp_path / name, values, storage)
    plain, whole = (map_statistics(tmp_path / name, STATISTICS_AND_SD) for name in ("a.tif", "b.tif"))
    assert whole[0] == plain[0]
    assert whole[1:] == pytest.approx(plain[1:], abs=HALF)
    # As others read them: of the numbers in the file.
    band = open_dataset(tmp_path / "b.tif")
    assert band.GetRasterBand(1).GetStatistics(False, False)[1] == round(plain[3] * 1e4)


def test_numbers_beyond_what_cells_hold_are_its_ends_and_counted(tmp_path):
    values = np.array([[3.2767, 3.27674, 3.2768, 9.0, -9.0], [np.nan, np.inf, -np.inf, 0.0, -3.2767]])
    tiff = write(tmp_path / "a.tif", values, INT16, SMALL)
    assert tiff.beyond == 3
    expected = [[3.2767, 3.2767, 3.2767, 3.2767, -3.2767], [np.nan, np.nan, np.nan, 0, -3.2767]]
    assert np.array_equal(
        read_band(open_dataset(tmp_path / "a.tif"), 1), np.array(expected, np.float32), equal_nan=True
    )
    assert write(tmp_path / "b.tif", values, Storage(), SMALL).beyond == 0


def test_a_changed_cell_is_found(tmp_path):
    write(tmp_path / "a.tif", moisture(), INT16)
    dataset = gdal.Open(str(tmp_path / "a.tif"), gdal.GA_Update)
    cells = dataset.GetRasterBand(1).ReadAsArray(700, 300, 1, 1)
    dataset.GetRasterBand(1).WriteArray(cells + 1, 700, 300)
    del dataset
    assert not is_as_written(open_dataset(tmp_path / "a.tif"))


def test_whole_numbers_that_look_like_codes_are_values(tmp_path):
    """-0.3 is stored as -3000, the code of MODIS; .9999 as 9999."""
    values = np.full(BIG.shape, 0.25)
    values[::7, ::5], values[1::7, ::5] = -0.3, 0.9999
    file = tmp_path / "a_20200101.tif"
    write(file, values, INT16)
    write_series_file(tmp_path / "series.vrt", BIG, DAYS[:1], [file], "m3 m-3")
    for path in (file, tmp_path / "series.vrt"):
        look = Look("a", "theta")
        got = read_band(open_dataset(path), 1, look=look)
        look.check()
        assert np.abs(got - values).max() <= HALF
    # The same numbers in a file of others.
    grid_raster(tmp_path / "b.tif", BIG, np.rint(values * 1e4)[None].astype(np.int16))
    look = Look("b", "theta")
    read_band(open_dataset(tmp_path / "b.tif"), 1, look=look)
    with pytest.raises(InputError, match="-3000"):
        look.check()


@pytest.mark.parametrize("storage", [Storage(overviews=True), Storage("int16", "ZSTD", True)])
def test_overviews_are_means_and_classes_are_picked(tmp_path, gdal_mode, storage):
    values, classes = moisture(), np.random.default_rng(1).integers(0, 9, BIG.shape).astype(float)
    write(tmp_path / "a.tif", [values, classes], storage, bands=(Band("theta"), Band("class", step=CLASSES)))
    dataset = open_dataset(tmp_path / "a.tif")
    assert is_as_written(dataset)
    assert overview_factors(BIG) == [2, 4, 8]
    scale = 1e-4 if storage.counts_steps else 1.0
    for number in (1, 2):
        band = dataset.GetRasterBand(number)
        copies = [band.GetOverview(level) for level in range(band.GetOverviewCount())]
        assert [(one.XSize, one.YSize) for one in copies] == [(550, 300), (275, 150), (138, 75)]
    cells = dataset.GetRasterBand(1).GetOverview(0).ReadAsArray().astype(float)
    missing = cells == storage.nodata
    blocks = values.reshape(300, 2, 550, 2).transpose(0, 2, 1, 3).reshape(300, 550, 4)
    counts = np.isfinite(blocks).sum(axis=-1)
    means = np.divide(np.nansum(blocks, axis=-1), counts, where=counts > 0, out=np.full(counts.shape, np.nan))
    assert np.array_equal(missing, counts == 0)
    assert np.nanmax(np.abs(cells * scale - means)[~missing]) <= 2 * HALF
    picked = dataset.GetRasterBand(2).GetOverview(2).ReadAsArray()
    assert np.isin(picked, range(9)).all()
    assert listing(tmp_path) == ["a.tif"]


def test_a_small_raster_needs_no_overviews(tmp_path):
    write(tmp_path / "a.tif", moisture(SMALL), Storage(overviews=True), SMALL)
    assert overview_factors(SMALL) == []
    assert open_dataset(tmp_path / "a.tif").GetRasterBand(1).GetOverviewCount() == 0


def test_a_cancel_while_overviews_are_made_leaves_no_file(tmp_path, gdal_mode):
    values = moisture()
    with pytest.raises(Cancelled), heard_by(Listener(calls=2)):
        write(tmp_path / "a.tif", values, Storage(overviews=True))
    assert listing(tmp_path) == []


def test_what_gdal_cannot_pack_is_refused(monkeypatch):
    class Driver:
        def GetMetadataItem(self, _name):
            return "<Value>DEFLATE</Value>"

    monkeypatch.setattr(geotiff.gdal, "GetDriverByName", lambda _name: Driver())
    check_compression(Storage())
    with pytest.raises(InputError) as caught:
        check_compression(Storage(compression="ZSTD"))
    assert str(caught.value) == (
        f"COMPRESSION is 'ZSTD', which GDAL {gdal.__version__} was built without here; choose 'DEFLATE'."
    )


@pytest.mark.parametrize("ending", ["vrt", "tif"])
def test_a_series_is_stored_as_its_maps(tmp_path, gdal_mode, ending):
    files, values = [tmp_path / f"m_{day:%Y%m%d}.tif" for day in DAYS], [moisture(seed=1), moisture(seed=2)]
    for file, layer in zip(files, values):
        write(file, layer, Storage("int16", "DEFLATE", True))
    path = tmp_path / f"series.{ending}"
    write_series_file(path, BIG, DAYS, files, "m3 m-3")
    series = open_series(path)
    for day, layer in zip(DAYS, values):
        got = series.read(day)
        assert np.array_equal(np.isnan(got), np.isnan(layer))
        assert np.nanmax(np.abs(got - layer)) <= HALF
    series.check_codes()
    band = open_dataset(path)
    assert (band.GetRasterBand(1).DataType, band.GetRasterBand(2).GetScale()) == (gdal.GDT_Int16, 0.0001)
    assert band.GetRasterBand(2).GetOverviewCount() == 3


def test_nothing_but_the_first_map_is_opened_for_the_overviews_of_a_series(tmp_path):
    """GDAL opens 2,000 of them for half a minute where the series does not say which there are."""
    files = [tmp_path / f"m_{day:%Y%m%d}.tif" for day in DAYS]
    for file in files:
        write(file, moisture(), Storage(overviews=True))
    write_series_file(tmp_path / "series.vrt", BIG, DAYS, files, "m3 m-3")
    for file in files:
        file.unlink()
    dataset = open_dataset(tmp_path / "series.vrt")
    assert [dataset.GetRasterBand(band).GetOverviewCount() for band in (1, 2)] == [3, 3]
