"""The temporal layer: a VRT or a real file with a band a date."""

import datetime as dt
import shutil

import numpy as np
import pytest
from osgeo import gdal

from raster_cases import CELLS, Listener, listing
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.geo.datasets import dataset_grid, open_dataset, read_band
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid
from smap_downscaler.series.one_file import write_series_file, write_series_vrt
from smap_downscaler.series.series import open_series
from smap_downscaler.series.tags import is_filled

DATES = [dt.date(2019, 12, 31), dt.date(2020, 1, 1), dt.date(2020, 1, 3)]
FINE = Grid("EPSG:32718", 250000.0, 8500000.0, 100.0, 100.0, 300, 270)


def maps(folder, grid=CELLS, names=("a {}.tif",) * 3):
    """Three maps with gaps, and what they hold."""
    generator = np.random.default_rng(3)
    folder.mkdir(exist_ok=True)
    values = generator.random((3, *grid.shape)).astype(np.float32)
    values[generator.random(values.shape) < 0.2] = np.nan
    files = [folder / name.format(f"{date:%Y%m%d}") for name, date in zip(names, DATES)]
    for file, layer in zip(files, values):
        write_geotiff(file, grid, layer, [Band("theta", "m3 m-3")])
    return files, values


def read_all(path):
    dataset = open_dataset(path)
    return np.stack([read_band(dataset, band) for band in range(1, dataset.RasterCount + 1)])


@pytest.mark.parametrize("grid", [CELLS, FINE])
@pytest.mark.parametrize("ending", ["vrt", "tif"])
def test_the_series_is_bit_equal_to_its_maps(tmp_path, gdal_mode, ending, grid):
    files, values = maps(tmp_path / "maps", grid)
    path = tmp_path / f"series.{ending}"
    write_series_file(path, grid, DATES, files, "m3 m-3")
    assert np.array_equal(read_all(path), values, equal_nan=True)
    dataset = open_dataset(path)
    assert dataset_grid(dataset, "series") == grid
    for number, date in enumerate(DATES, start=1):
        band = dataset.GetRasterBand(number)
        assert band.GetDescription() == band.GetMetadataItem("DATE") == date.isoformat()
        assert (band.GetUnitType(), band.GetNoDataValue(), band.DataType) == (
            "m3 m-3",
            -9999,
            gdal.GDT_Float32,
        )
    series = open_series(path)
    assert (series.name, list(series.dates), series.unit()) == ("series", DATES, "m3 m-3")
    assert np.array_equal(series.read(DATES[1]), values[1], equal_nan=True)


def test_the_folder_can_be_moved(tmp_path):
    files, values = maps(tmp_path / "maps")
    deep = tmp_path / "maps" / "deep"
    deep.mkdir()
    files[2] = files[2].rename(deep / files[2].name)
    write_series_vrt(tmp_path / "maps" / "series.vrt", CELLS, DATES, files, "")
    shutil.move(tmp_path / "maps", tmp_path / "elsewhere")
    assert np.array_equal(read_all(tmp_path / "elsewhere" / "series.vrt"), values, equal_nan=True)


def test_maps_outside_the_folder_are_named_in_full(tmp_path):
    files, values = maps(tmp_path / "maps")
    write_series_vrt(tmp_path / "other" / "series.vrt", CELLS, DATES, files, "")
    shutil.move(tmp_path / "other", tmp_path / "elsewhere")
    assert np.array_equal(read_all(tmp_path / "elsewhere" / "series.vrt"), values, equal_nan=True)


def test_names_with_signs_of_xml_and_other_alphabets(tmp_path):
    names = ("a & <b> {}.tif", "Bodenfeuchte Übersicht 'x' \"y\" {}.tif", " humedad del suelo ñ 土 {}.tif")
    files, values = maps(tmp_path / "maps & <co>", names=names)
    path = tmp_path / "maps & <co>" / "série.vrt"
    write_series_vrt(path, CELLS, DATES, files, "m³ <& m⁻³")
    assert np.array_equal(read_all(path), values, equal_nan=True)
    dataset = open_dataset(path)
    assert dataset.GetRasterBand(1).GetUnitType() == "m³ <& m⁻³"


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3035", "EPSG:6933"])
def test_x_stays_x_where_the_authority_puts_north_first(tmp_path, crs):
    grid = Grid(crs, 10.0, 50.0, 0.5, 0.5, 8, 6)
    files, _ = maps(tmp_path / "maps", grid)
    write_series_vrt(tmp_path / "series.vrt", grid, DATES, files, "")
    vrt, tif = (open_dataset(path).GetSpatialRef() for path in (tmp_path / "series.vrt", files[0]))
    assert vrt.GetDataAxisToSRSAxisMapping() == tif.GetDataAxisToSRSAxisMapping()
    assert vrt.IsSame(tif)


def test_edges_made_with_numpy_are_written_as_numbers(tmp_path):
    left, cell = np.float64(1234.5), np.float64(0.1)
    grid = Grid("EPSG:6933", left, np.float64(7.25), cell, cell, 8, 6)
    files, _ = maps(tmp_path / "maps", grid)
    write_series_vrt(tmp_path / "series.vrt", grid, DATES, files, "")
    assert open_dataset(tmp_path / "series.vrt").GetGeoTransform() == (1234.5, 0.1, 0, 7.25, 0, -0.1)


def test_two_thousand_dates(tmp_path):
    files, values = maps(tmp_path / "maps")
    dates = [dt.date(2018, 1, 1) + dt.timedelta(days=day) for day in range(2000)]
    write_series_vrt(tmp_path / "series.vrt", CELLS, dates, [files[day % 3] for day in range(2000)], "m3 m-3")
    dataset = open_dataset(tmp_path / "series.vrt")
    assert dataset.RasterCount == 2000
    for number in (1, 998, 2000):
        assert np.array_equal(read_band(dataset, number), values[(number - 1) % 3], equal_nan=True)
        assert dataset.GetRasterBand(number).GetDescription() == dates[number - 1].isoformat()
    assert open_series(tmp_path / "series.vrt").dates == tuple(dates)


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(InputError) as caught:
        write_series_file(tmp_path / "a.nc", CELLS, [], [], "")
    assert str(caught.value) == (
        f"{tmp_path}/a.nc: a series is written as .vrt or .tif; give it one of these endings."
    )


@pytest.mark.parametrize("ending", ["vrt", "tif"])
def test_dates_and_files_must_be_as_many(tmp_path, ending):
    with pytest.raises(ValueError, match="3 dates for 0 files"):
        write_series_file(tmp_path / f"a.{ending}", CELLS, DATES, [], "")


def test_cancelling_a_real_file_leaves_nothing(tmp_path):
    files, _ = maps(tmp_path / "maps")
    with pytest.raises(Cancelled):
        write_series_file(tmp_path / "series.tif", CELLS, DATES, files, "", Listener(calls=1))
    assert listing(tmp_path) == ["maps", *(f"maps/{file.name}" for file in files)]


@pytest.mark.parametrize("ending", ["vrt", "tif"])
@pytest.mark.parametrize("tag", [None, "SMAP_DOWNSCALER_FILLED"])
def test_what_is_made_from_filled_values_has_the_tag_itself(tmp_path, gdal_mode, ending, tag):
    files = [tmp_path / "maps" / f"{date:%Y%m%d}.tif" for date in DATES]
    for file in files:
        write_geotiff(file, CELLS, np.zeros(CELLS.shape, np.float32), tags={tag: "yes"} if tag else {})
    path = tmp_path / f"series.{ending}"
    write_series_file(path, CELLS, DATES, files, "m3 m-3")
    assert open_series(path).has_filled() == bool(tag)
    # A VRT without a word on it would be looked behind, file by file.
    expected = "yes" if tag else {"vrt": "no", "tif": None}[ending]
    assert open_dataset(path).GetMetadataItem("SMAP_DOWNSCALER_FILLED") == expected


def test_one_filled_file_among_many_in_a_vrt_of_somebody_else(tmp_path, gdal_mode):
    """The first files are observed: all are looked at."""
    from osgeo import gdal

    files = [str(tmp_path / f"{number:02d}.tif") for number in range(12)]
    for file in files:
        tags = {"SMAP_DOWNSCALER_FILLED": "yes"} if file == files[-1] else {}
        write_geotiff(file, CELLS, np.zeros(CELLS.shape, np.float32), tags=tags)
    path = str(tmp_path / "20210101.vrt")
    gdal.BuildVRT(path, files, separate=True).FlushCache()
    assert is_filled(open_dataset(path), path)
    gdal.BuildVRT(path, files[:-1], separate=True).FlushCache()
    assert not is_filled(open_dataset(path), path)
