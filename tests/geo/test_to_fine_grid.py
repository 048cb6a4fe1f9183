"""Copied, bilinear, area mean: chosen and computed."""

from __future__ import annotations

import numpy as np
import pytest
from osgeo import gdal

from smap_downscaler.base.errors import Cancelled
from smap_downscaler.base.progress import Progress
from smap_downscaler.geo.datasets import spatial_reference
from smap_downscaler.geo.geotiff import write_geotiff
from smap_downscaler.geo.grid import Grid, Window
from smap_downscaler.geo.lattice import Transformation
from smap_downscaler.geo.sources import Mask, Source
from smap_downscaler.geo.to_fine_grid import AREA_MEAN, BILINEAR, COPIED, FineResampler, blocks, way_of

NAN = np.nan
TARGET = Grid("EPSG:32718", 300000.0, 8600000.0, 100.0, 100.0, 64, 48)


def source_of(tmp_path, grid, values, name="a.tif"):
    write_geotiff(tmp_path / name, grid, np.asarray(values, np.float32))
    return Source(str(tmp_path / name), 1, grid)


def resampled(source, target=TARGET, **more):
    resampler = FineResampler([source], target, **more)
    ((_number, values),) = resampler.block(target.whole)
    assert values.dtype == np.float32
    return values, resampler.ways[0]


@pytest.mark.parametrize(
    ("grid", "way"),
    [
        (TARGET, COPIED),
        (TARGET.crop(Window(3, 4, 20, 20)), COPIED),
        (Grid("EPSG:32718", 299000.0, 8601000.0, 100.0, 100.0, 200, 200), COPIED),
        (Grid("EPSG:32718", 299050.0, 8601000.0, 100.0, 100.0, 200, 200), BILINEAR),
        (Grid("EPSG:32718", 299000.0, 8601000.0, 100.1, 100.1, 200, 200), BILINEAR),
        (Grid("EPSG:32718", 299000.0, 8601000.0, 250.0, 250.0, 90, 90), BILINEAR),
        (Grid("EPSG:32718", 299000.0, 8601000.0, 30.0, 30.0, 400, 400), AREA_MEAN),
        (Grid("EPSG:4326", -77.0, -12.0, 1 / 1200, 1 / 1200, 1000, 1000), AREA_MEAN),
        (Grid("EPSG:4326", -77.0, -12.0, 1 / 120, 1 / 120, 100, 100), BILINEAR),
        (Grid("EPSG:32717", 950000.0, 8601000.0, 100.0, 100.0, 300, 300), BILINEAR),
    ],
)
def test_the_way_follows_from_grids_alone(grid, way):
    assert way_of(grid, TARGET) == way


def test_a_raster_on_the_same_pixels_is_copied_bit_for_bit(tmp_path):
    grid = Grid("EPSG:32718", 299500.0, 8600300.0, 100.0, 100.0, 30, 20)
    values = np.random.default_rng(0).normal(size=grid.shape).astype(np.float32)
    values[4, 9] = NAN
    found, way = resampled(source_of(tmp_path, grid, values))
    assert way == COPIED
    expected = np.full(TARGET.shape, np.float32(NAN))
    expected[:17, :25] = values[3:, 5:]
    np.testing.assert_array_equal(found, expected)


def test_bilinear_is_exact_on_a_plane_of_the_source_crs(tmp_path):
    grid = Grid("EPSG:32717", 950000.0, 8605000.0, 700.0, 700.0, 60, 60)
    plane = 3 + grid.x_centres()[None, :] * 1e-3 - grid.y_centres()[:, None] * 2e-3
    plane -= plane.mean()
    mean = (3 + grid.x_centres()[None, :] * 1e-3 - grid.y_centres()[:, None] * 2e-3).mean()
    found, way = resampled(source_of(tmp_path, grid, plane))
    assert way == BILINEAR
    x, y = Transformation(TARGET.crs, grid.crs)(TARGET.x_centres()[None, :], TARGET.y_centres()[:, None])
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, 3 + x * 1e-3 - y * 2e-3 - mean, atol=2e-4)


def test_bilinear_keeps_missing_cells_missing_and_their_neighbours_whole(tmp_path):
    grid = Grid("EPSG:32718", 300000.0, 8600000.0, 400.0, 400.0, 16, 12)
    values = np.full(grid.shape, 7.0)
    values[5, 6] = NAN
    found, _way = resampled(source_of(tmp_path, grid, values))
    expected = np.full(TARGET.shape, 7.0)
    expected[20:24, 24:28] = NAN
    np.testing.assert_array_equal(found, expected)


def test_area_mean_of_nested_pixels_is_the_plain_mean(tmp_path):
    grid = Grid("EPSG:32718", 300000.0, 8600000.0, 20.0, 20.0, 320, 240)
    values = np.random.default_rng(1).normal(size=grid.shape)
    values[:5, 5:10] = NAN
    values[0, 0] = NAN
    found, way = resampled(source_of(tmp_path, grid, values))
    assert way == AREA_MEAN
    nested = values.astype(np.float32).reshape(48, 5, 64, 5).swapaxes(1, 2).reshape(48, 64, 25).astype(float)
    assert np.isnan(found[0, 1])
    nested[0, 1] = 0
    expected = np.nanmean(nested, axis=2)
    expected[0, 1] = NAN
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_area_mean_of_unaligned_pixels_equals_gdal(tmp_path):
    grid = Grid("EPSG:32718", 299987.0, 8600013.0, 30.0, 30.0, 230, 180)
    values = np.random.default_rng(2).normal(size=grid.shape)
    source = source_of(tmp_path, grid, values)
    found, way = resampled(source)
    assert way == AREA_MEAN
    target = gdal.GetDriverByName("MEM").Create("", TARGET.width, TARGET.height, 1, gdal.GDT_Float32)
    target.SetGeoTransform(TARGET.geotransform)
    target.SetSpatialRef(spatial_reference(TARGET.crs))
    gdal.Warp(target, source.path, resampleAlg="average", errorThreshold=0)
    expected = target.ReadAsArray()
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_area_mean_across_crs_is_a_plane_s_value_at_the_pixel_centre(tmp_path):
    grid = Grid("EPSG:4326", -76.86, -12.63, 1 / 3600, 1 / 3600, 320, 320)
    transform = Transformation(grid.crs, TARGET.crs)
    x, y = transform(grid.x_centres()[None, :], grid.y_centres()[:, None])
    plane = (x - TARGET.left) / 100 + 2 * (TARGET.top - y) / 100
    found, way = resampled(source_of(tmp_path, grid, plane))
    assert way == AREA_MEAN
    cols, rows = np.meshgrid(np.arange(64) + 0.5, np.arange(48) + 0.5)
    valid = np.isfinite(found)
    assert valid.mean() > 0.5
    inner = (
        valid & np.roll(valid, 1, 0) & np.roll(valid, -1, 0) & np.roll(valid, 1, 1) & np.roll(valid, -1, 1)
    )
    # A third of a pixel is one source pixel: the box of same variance is off by a few hundredths of it.
    np.testing.assert_allclose(found[inner], (cols + 2 * rows)[inner], atol=0.05)
    assert abs((found - (cols + 2 * rows))[inner].mean()) < 1e-3


def test_blocks_make_the_same_bits_as_the_whole(tmp_path):
    target = Grid("EPSG:32718", 300000.0, 8600000.0, 100.0, 100.0, 2100, 300)
    grid = Grid("EPSG:4326", -77.0, -12.5, 0.01, 0.01, 60, 40)
    generator = np.random.default_rng(4)
    values = generator.normal(size=grid.shape)
    values[generator.random(grid.shape) < 0.2] = NAN
    source = source_of(tmp_path, grid, values)
    whole, way = resampled(source, target)
    assert way == BILINEAR
    windows = blocks(target)
    assert len(windows) == 4
    assert sum(window.height * window.width for window in windows) == target.width * target.height
    resampler = FineResampler([source], target)
    for window in windows:
        ((_number, part),) = resampler.block(window)
        np.testing.assert_array_equal(part, whole[window.slices])


def test_masked_pixels_are_missing_in_all_bands(tmp_path):
    grids = [TARGET, Grid("EPSG:32718", 299000.0, 8601000.0, 350.0, 350.0, 60, 60)]
    sources = [source_of(tmp_path, grid, np.ones(grid.shape), f"{n}.tif") for n, grid in enumerate(grids)]
    mask_grid = Grid("EPSG:32718", 300000.0, 8600000.0, 100.0, 100.0, 64, 10)
    values = np.zeros(mask_grid.shape)
    values[2:5, 3:9] = 1
    values[7, 7] = NAN
    write_geotiff(tmp_path / "mask.tif", mask_grid, values)
    resampler = FineResampler(sources, TARGET, Mask(str(tmp_path / "mask.tif")))
    expected = np.zeros(TARGET.shape, bool)
    expected[2:5, 3:9] = True
    for _number, found in resampler.block(TARGET.whole):
        np.testing.assert_array_equal(np.isnan(found), expected)


def test_a_class_is_a_fraction_of_the_pixel(tmp_path):
    grid = Grid("EPSG:32718", 300000.0, 8600000.0, 50.0, 50.0, 128, 96)
    values = np.random.default_rng(0).integers(1, 4, grid.shape).astype(float)
    values[0, :2] = NAN
    path = source_of(tmp_path, grid, values).path
    sources = [Source(path, 1, grid, value) for value in (1, 2, 3)]
    found = dict(FineResampler(sources, TARGET).block(TARGET.whole))
    np.testing.assert_allclose(found[0] + found[1] + found[2], 1.0, atol=1e-6)
    assert found[1][0, 0] == pytest.approx((values[1, :2] == 2).mean())
    assert found[1][7, 9] == pytest.approx((values[14:16, 18:20] == 2).mean())


@pytest.mark.parametrize(
    ("wanted", "way"),
    [("auto", AREA_MEAN), ("mean", AREA_MEAN), ("bilinear", BILINEAR), ("nearest", "nearest")],
)
def test_the_way_asked_for_counts_unless_the_layer_lies_on_the_grid(tmp_path, wanted, way):
    grid = Grid("EPSG:32718", 299990.0, 8600010.0, 50.0, 50.0, 131, 99)
    values = np.random.default_rng(0).normal(size=grid.shape)
    sources = [
        source_of(tmp_path, grid, values, "fine.tif"),
        source_of(tmp_path, TARGET, values[: TARGET.height, : TARGET.width], "on.tif"),
        source_of(tmp_path, grid, values, "auto.tif"),
    ]
    resampler = FineResampler(sources, TARGET, wanted=[wanted, wanted, "auto"])
    assert resampler.ways == [way, COPIED, AREA_MEAN]
    found = dict(resampler.block(TARGET.whole))
    np.testing.assert_allclose(found[0], by_hand(values, grid, way), atol=1e-6)
    np.testing.assert_array_equal(found[1], np.float32(values[: TARGET.height, : TARGET.width]))
    np.testing.assert_array_equal(found[2], resampled(sources[2])[0])


def by_hand(values, grid, way):
    """`values` on `grid` at the centres of TARGET's cells, or over these cells."""
    from scipy.ndimage import map_coordinates

    rows = (grid.top - TARGET.y_centres()) / grid.cell_height
    cols = (TARGET.x_centres() - grid.left) / grid.cell_width
    if way == "nearest":
        return values[np.ix_(np.floor(rows).astype(int), np.floor(cols).astype(int))]
    if way == BILINEAR:
        return map_coordinates(values, np.meshgrid(rows - 0.5, cols - 0.5, indexing="ij"), order=1)

    # Each cell of TARGET covers 2 x 2 pixels: pieces of 0.8, 1 and 0.2 of three.
    def means(line, first):
        start = int(np.floor(first))
        part = np.array([start + 1 - first, 1.0, first - start])
        return np.stack(
            [part @ line[2 * n + start : 2 * n + start + 3] / 2 for n in range(len(line) // 2 - 1)]
        )

    down = means(values, rows[0] - 1)[: TARGET.height]
    return means(down.T, cols[0] - 1)[: TARGET.width].T


def test_cancelling_reaches_each_band(tmp_path):
    class Impatient(Progress):
        wanted = False

        def is_cancelled(self):
            return self.wanted

    progress = Impatient()
    resampler = FineResampler([source_of(tmp_path, TARGET, np.ones(TARGET.shape))], TARGET, progress=progress)
    progress.wanted = True
    with pytest.raises(Cancelled):
        list(resampler.block(TARGET.whole))


@pytest.mark.parametrize("left", [0.0, -180.0])
@pytest.mark.parametrize(
    ("utm", "middle"), [("EPSG:32631", 0.0), ("EPSG:32701", 180.0), ("EPSG:32718", -75.0)]
)
@pytest.mark.parametrize("size", [0.25, 0.005])
def test_no_seam_lies_in_a_raster_around_the_earth(tmp_path, left, utm, middle, size):
    """Both ends of a raster of all longitudes, interpolated between centres and averaged."""
    world = Grid("EPSG:4326", left, 0.5, size, size, round(360 / size), round(1 / size))
    beside = (world.x_centres() - middle + 180) % 360 - 180
    plane = np.broadcast_to(beside, world.shape) + 2 * world.y_centres()[:, None]
    x, y = (float(part) for part in Transformation(world.crs, utm)(np.array(middle), np.array(0.0)))
    target = Grid(utm, x - 20_000, y + 20_000, 1000.0, 1000.0, 40, 40)
    found, way = resampled(source_of(tmp_path, world, plane), target)
    assert way == (BILINEAR if size > 0.1 else AREA_MEAN)
    lon, lat = Transformation(utm, world.crs)(target.x_centres()[None, :], target.y_centres()[:, None])
    expected = (lon - middle + 180) % 360 - 180 + 2 * lat
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-3)


@pytest.mark.parametrize("source_left", [0.0, -180.0, 280.0])
@pytest.mark.parametrize("left", [-76.0, 284.0])
def test_degrees_of_either_half_turn_are_copied(tmp_path, source_left, left):
    columns = 40 if source_left == 280 else 360
    grid = Grid("EPSG:4326", source_left, 0.0, 1.0, 1.0, columns, 5)
    values = np.broadcast_to(grid.x_centres() % 360, grid.shape)
    target = Grid("EPSG:4326", left, -1.0, 1.0, 1.0, 6, 2)
    found, way = resampled(source_of(tmp_path, grid, values), target)
    assert way == COPIED
    np.testing.assert_array_equal(found, np.broadcast_to(284.5 + np.arange(6), (2, 6)))
