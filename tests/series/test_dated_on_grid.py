"""Dated covariates on other grids: means against plain NumPy and GDAL, bits, windows read, cancel."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from osgeo import gdal

from raster_cases import CELLS, Listener, grid_raster
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.base.kept import Kept
from smap_downscaler.base.progress import SILENT
from smap_downscaler.geo.area_means import CHUNK_BYTES
from smap_downscaler.geo.geotiff import TILE
from smap_downscaler.geo.grid import Grid, Window
from smap_downscaler.geo.lattice import Lattice, Transformation
from smap_downscaler.geo.sampling import Between, bilinear
from smap_downscaler.geo.sources import BandReader, windows_over
from smap_downscaler.series import dated_on_grid
from smap_downscaler.series.dated import DatedCovariate
from smap_downscaler.series.dated_on_grid import OnCells, OnPixels
from smap_downscaler.series.series import open_series

DAY = dt.date(2020, 1, 4)
UTM = "EPSG:32718"
#: 12 x 12 pixels a cell of CELLS; 100 m pixels, two tiles and a bit wide; 25 m pixels over these.
IN_CELLS = Grid(
    CELLS.crs,
    CELLS.left,
    CELLS.top,
    CELLS.cell_width / 12,
    CELLS.cell_height / 12,
    CELLS.width * 12,
    CELLS.height * 12,
)
PIXELS = Grid(UTM, 690_000.0, 8_540_000.0, 100.0, 100.0, 2 * TILE + 7, TILE + 5)
FINE = Grid(UTM, PIXELS.left, PIXELS.top, 25.0, 25.0, PIXELS.width * 4, PIXELS.height * 4)
RAIN = Grid("EPSG:4326", -73.5, -13.0, 0.05, 0.05, 30, 20)


def covariate(folder, grid, values, **more):
    folder.mkdir()
    grid_raster(folder / f"{DAY:%Y%m%d}.tif", grid, values)
    return DatedCovariate(open_series(folder), **more)


def holed(grid, seed):
    generator = np.random.default_rng(seed)
    values = generator.normal(5, 2, grid.shape).astype(np.float32)
    values[generator.random(grid.shape) < 0.3] = np.nan
    values[: grid.height // 4, : grid.width // 3] = np.nan
    return values


def block_means(values, n, least):
    """Means of n x n blocks of which at least the share `least` has values."""
    rows, cols = values.shape[0] // n, values.shape[1] // n
    blocks = values.astype(np.float64).reshape(rows, n, cols, n).swapaxes(1, 2).reshape(rows, cols, n * n)
    count = np.isfinite(blocks).sum(axis=2)
    with np.errstate(invalid="ignore"):
        return np.where((count > 0) & (count >= least * n * n), np.nansum(blocks, axis=2) / count, np.nan)


@pytest.fixture
def windows_read(monkeypatch):
    """The windows that are read of rasters."""
    read, plain = [], BandReader.read
    monkeypatch.setattr(
        BandReader, "read", lambda self, source, window: read.append(window) or plain(self, source, window)
    )
    return read


@pytest.mark.parametrize("least", [0.0, 0.5, 0.75])
def test_means_on_cells_are_those_of_blocks(tmp_path, least):
    values = holed(IN_CELLS, 1)
    found = OnCells(covariate(tmp_path / "s1", IN_CELLS, values, minimum_share=least), CELLS).read(DAY)
    expected = block_means(values, 12, least)
    assert 0 < np.isnan(expected).sum() < expected.size
    assert found.dtype == np.float32
    assert np.allclose(found, expected, rtol=1e-6, equal_nan=True)


def test_on_the_very_cells_the_values_are_those_of_the_file(tmp_path):
    values = holed(CELLS, 2)
    found = OnCells(covariate(tmp_path / "lst", CELLS, values, minimum_share=1.0), CELLS).read(DAY)
    assert np.array_equal(found, values, equal_nan=True)


def test_memory_does_not_change_a_bit_of_the_means(tmp_path, monkeypatch, windows_read):
    """In bands of five rows, all, some or none of whose shares of cells are kept from date to date."""
    values = holed(IN_CELLS, 3)
    one = covariate(tmp_path / "s1", IN_CELLS, values)
    whole = OnCells(one, CELLS).read(DAY)
    monkeypatch.setattr(dated_on_grid, "PIXELS_A_BAND", 5 * IN_CELLS.width)
    plenty, some, none = (OnCells(one, CELLS, memory) for memory in (512, 0.06, 0))
    assert plenty.kept_bytes > some.kept_bytes > none.kept_bytes == 0
    assert some.kept_bytes <= 0.06 * 2**20
    found = [each.read(DAY) for each in (plenty, some, none, none)]
    for each in found[1:]:
        assert np.array_equal(each, found[0], equal_nan=True)
    assert np.allclose(whole, found[0], rtol=1e-6, equal_nan=True)
    assert max(window.height * window.width for window in windows_read[1:]) <= 5 * IN_CELLS.width


def test_pixels_in_another_crs_over_cells_against_gdal(tmp_path):
    """GDAL's own average, of pixels a hundredth of a cell: those on an edge count whole there."""
    grid = Grid("EPSG:4326", -72.75, -13.1, 0.001, 0.001, 1200, 700)
    y, x = np.mgrid[0:700, 0:1200] / 200
    values = (np.sin(2 * x) + np.cos(3 * y)).astype(np.float32)
    one = covariate(tmp_path / "ndvi", grid, values, minimum_share=1.0)
    found = OnCells(one, CELLS).read(DAY)
    box = CELLS.bounds
    warped = gdal.Warp(
        "",
        str(tmp_path / "ndvi" / f"{DAY:%Y%m%d}.tif"),
        format="MEM",
        dstSRS=CELLS.crs,
        outputBounds=(box.left, box.bottom, box.right, box.top),
        width=CELLS.width,
        height=CELLS.height,
        resampleAlg="average",
        errorThreshold=0,
    ).ReadAsArray()
    inside = np.isfinite(found)
    assert inside.sum() > 20
    assert np.abs(found - warped)[inside].max() < 5e-3
    assert np.ptp(found[inside]) > 1


@pytest.mark.parametrize("least", [0.0, 0.5])
def test_what_is_finer_than_pixels_is_averaged(tmp_path, least):
    values = holed(FINE, 4)
    on_pixels = OnPixels(covariate(tmp_path / "s1", FINE, values, minimum_share=least), PIXELS)
    found = on_pixels.block(DAY, PIXELS.whole)(SILENT)
    expected = block_means(values, 4, least)
    assert np.allclose(found, expected, rtol=1e-6, equal_nan=True)
    # Points would give something else.
    points = bilinear(values, *Lattice(PIXELS, FINE).positions())
    assert np.nanstd(points - expected) > 0.5
    assert on_pixels.bytes_a_block == CHUNK_BYTES


@pytest.fixture(scope="module")
def over_tiles(tmp_path_factory):
    """A covariate in another CRS, finer than the pixels, and one that is coarser; their whole blocks."""
    folder = tmp_path_factory.mktemp("tiles")
    degrees = Grid("EPSG:4326", -73.26, -13.18, 0.0006, 0.0006, 900, 500)
    made = [
        OnPixels(covariate(folder / name, grid, holed(grid, 5)), PIXELS)
        for name, grid in (("ndvi", degrees), ("p_3d", RAIN))
    ]
    assert [one.bytes_a_block > 0 for one in made] == [True, False]
    return [(one, one.block(DAY, PIXELS.whole)(SILENT)) for one in made]


@settings(deadline=None, max_examples=12)
@given(
    row=st.integers(0, PIXELS.height - 1),
    col=st.integers(0, PIXELS.width - 1),
    height=st.integers(1, 300),
    width=st.integers(1, 300),
)
def test_blocks_do_not_change_a_bit(over_tiles, row, col, height, width):
    """However a grid is cut into blocks: they may begin and end anywhere."""
    window = Window(row, col, min(height, PIXELS.height - row), min(width, PIXELS.width - col))
    for one, whole in over_tiles:
        assert np.isfinite(whole).mean() > 0.3
        assert np.array_equal(one.block(DAY, window)(SILENT), whole[window.slices], equal_nan=True)


@pytest.mark.parametrize(
    "grid",
    [
        RAIN,
        PIXELS,
        Grid(UTM, PIXELS.left + 30.0, PIXELS.top - 20.0, 100.0, 100.0, 520, 260),
        Grid(UTM, PIXELS.left - 7000.0, PIXELS.top + 9000.0, 3000.0, 2500.0, 30, 30),
        Grid("EPSG:4326", 286.5, -13.0, 0.05, 0.05, 30, 20),
    ],
    ids=["rain", "the same pixels", "beside them", "coarser", "0 to 360"],
)
def test_what_is_not_finer_is_interpolated_as_from_the_whole_raster(tmp_path, grid, windows_read):
    """The bits of an interpolation in the whole raster, though a block reads only what it needs."""
    values = holed(grid, 6)
    on_pixels = OnPixels(covariate(tmp_path / "wet", grid, values), PIXELS)
    (hull,) = windows_over(grid, PIXELS.bounds, PIXELS.crs)
    lattice = Lattice(PIXELS, grid.crop(hull))
    block = Window(TILE, TILE, 5, TILE)
    for window in (PIXELS.whole, block):
        expected = bilinear(values[hull.slices], *lattice.positions(window)).astype(np.float32)
        assert np.array_equal(on_pixels.block(DAY, window)(SILENT), expected, equal_nan=True)
    for window, target in zip(windows_read, (PIXELS.whole, block)):
        # Beside the pixels under the block two more each way.
        least = target.height * target.width * on_pixels.bytes_a_pixel / 32
        assert window.height * window.width <= least + 6 * (window.height + window.width)


def test_weights_of_a_block_are_worked_out_once_for_all_of_a_grid(tmp_path, monkeypatch):
    made, kept = [], Kept(2**24)
    monkeypatch.setattr(dated_on_grid, "Between", lambda *given: made.append(given) or Between(*given))
    for name, seed in (("wet", 6), ("warm", 7)):
        on_pixels = OnPixels(covariate(tmp_path / name, RAIN, holed(RAIN, seed)), PIXELS)
        for window in (Window(0, 0, TILE, TILE), Window(0, TILE, TILE, 200)):
            found = on_pixels.block(DAY, window, kept)(SILENT)
            assert np.array_equal(found, on_pixels.block(DAY, window)(SILENT), equal_nan=True)
            assert 0.3 < np.isfinite(found).mean() < 1
    # Two that are kept, and four that are not.
    assert len(made) == 2 + 4


def test_of_a_large_raster_only_blocks_are_in_memory(tmp_path, windows_read):
    """20,000 x 20,000 pixels of 10 m, 1.6 GB as a whole; an empty file of GDAL takes no room."""
    path = tmp_path / "s1" / "s1_20200104.tif"
    path.parent.mkdir()
    driver = gdal.GetDriverByName("GTiff")
    options = ["TILED=YES", "SPARSE_OK=YES", "COMPRESS=DEFLATE"]
    dataset = driver.Create(str(path), 20_000, 20_000, 1, gdal.GDT_Float32, options)
    dataset.SetProjection(open_projection(UTM))
    dataset.SetGeoTransform((690_000.0, 10.0, 0.0, 8_540_000.0, 0.0, -10.0))
    dataset.GetRasterBand(1).WriteArray(np.full((100, 100), 4, np.float32), 2_000, 3_000)
    del dataset
    one = DatedCovariate(open_series(path.parent), minimum_share=0.0)
    grid = Grid(UTM, 690_000.0, 8_540_000.0, 100.0, 100.0, 2000, 2000)
    found = OnPixels(one, grid).block(DAY, Window(TILE, 128, 64, 128))(SILENT)
    expected = np.zeros((64, 128))
    expected[300 - TILE : 310 - TILE, 200 - 128 : 210 - 128] = 4
    assert np.array_equal(found, expected)
    cell = Grid(UTM, 690_000.0 + 18_000.0, 8_540_000.0 - 27_000.0, 9000.0, 9000.0, 1, 1)
    assert OnCells(one, cell, 8).read(DAY)[0, 0] == pytest.approx(4 * 100 * 100 / 900**2, rel=1e-6)
    assert len(windows_read) == 11
    # Float32 values, and what is worked out beside them, within what the constant says of a chunk.
    assert max(window.height * window.width for window in windows_read) * 4 < CHUNK_BYTES / 8


def open_projection(crs):
    from osgeo import osr

    reference = osr.SpatialReference()
    reference.SetFromUserInput(crs)
    return reference.ExportToWkt()


def test_a_date_without_a_raster_has_no_value(tmp_path):
    one = covariate(tmp_path / "lst", CELLS, holed(CELLS, 7))
    later = DAY + dt.timedelta(1)
    assert np.isnan(OnCells(one, CELLS).read(later)).all()
    on_pixels = OnPixels(covariate(tmp_path / "wet", RAIN, holed(RAIN, 7)), PIXELS)
    assert np.isnan(on_pixels.block(later, Window(0, 0, 3, 4))(SILENT)).tolist() == [[True] * 4] * 3


def test_within_the_window_an_earlier_raster_is_read(tmp_path):
    one = covariate(tmp_path / "lst", CELLS, holed(CELLS, 8), window=2)
    readers = OnCells(one, CELLS)
    first = readers.read(DAY)
    assert np.array_equal(readers.read(DAY + dt.timedelta(2)), first, equal_nan=True)
    assert np.isnan(readers.read(DAY + dt.timedelta(3))).all()


def test_rasters_elsewhere_are_refused(tmp_path):
    far = covariate(tmp_path / "far", Grid("EPSG:4326", 20.0, 10.0, 0.05, 0.05, 4, 4), np.zeros((4, 4)))
    with pytest.raises(InputError) as caught:
        OnCells(far, CELLS)
    assert str(caught.value) == (
        f"{tmp_path}/far: it does not meet the SMAP cells; choose rasters of the same area."
    )
    with pytest.raises(InputError) as caught:
        OnPixels(far, PIXELS)
    assert str(caught.value) == (
        f"{tmp_path}/far: it does not meet the fine stack; choose a series of the same area."
    )


def test_cancel_in_the_reading(tmp_path, monkeypatch):
    monkeypatch.setattr(dated_on_grid, "PIXELS_A_BAND", 5 * IN_CELLS.width)
    cells = OnCells(covariate(tmp_path / "cells", IN_CELLS, holed(IN_CELLS, 9)), CELLS, 0)
    pixels = OnPixels(covariate(tmp_path / "pixels", FINE, holed(FINE, 9)), PIXELS)
    for read in (
        cells.read,
        lambda date, progress: pixels.block(date, Window(0, 0, TILE, 2 * TILE))(progress),
    ):
        whole = Listener()
        read(DAY, whole)
        # Once a band, or a chunk of sub-pixels.
        assert whole.asked >= 4
        for calls in (0, whole.asked // 2, whole.asked - 1):
            listener = Listener(calls)
            with pytest.raises(Cancelled):
                read(DAY, listener)
            assert listener.asked == calls + 1


@pytest.mark.parametrize("left", [0.0, -180.0])
def test_no_seam_lies_in_a_series_around_the_earth(tmp_path, left):
    """Greenwich, where one raster of all longitudes begins and ends and the other does not."""
    world = Grid("EPSG:4326", left, 2.0, 0.5, 0.5, 720, 8)
    values = np.broadcast_to((world.x_centres() + 180) % 360 - 180, world.shape).astype(np.float32)
    pixels = Grid("EPSG:32631", 166_021 - 20_000.0, 20_000.0, 1000.0, 1000.0, 40, 40)
    one = covariate(tmp_path / "wet", world, values)
    found = OnPixels(one, pixels).block(DAY, pixels.whole)(SILENT)
    lon, _lat = Transformation(pixels.crs, world.crs)(
        pixels.x_centres()[None, :], pixels.y_centres()[:, None]
    )
    np.testing.assert_allclose(found, np.broadcast_to(lon, found.shape), atol=2e-3)
    cells = Grid("EPSG:6933", -4 * 9008.055210146, 100_000.0, 9008.055210146, 9008.055210146, 8, 3)
    lon, _lat = Transformation(cells.crs, world.crs)(cells.x_centres(), np.full(8, cells.top))
    expected = np.where(lon < 0, -0.25, 0.25)
    np.testing.assert_allclose(OnCells(one, cells, 8).read(DAY), np.broadcast_to(expected, (3, 8)), atol=1e-5)
