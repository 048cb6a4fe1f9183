"""The look before the work: coverage, NoData, shifts, duplicates, dates; against what was put in."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from raster_cases import Listener, grid_raster, listing
from small_case import CELLS, DATES, NAMES, PIXELS, make_small_case
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.geo.grid import Grid, Window
from smap_downscaler.geo.sources import BandReader, Mask, Source, has_value
from smap_downscaler.preflight.checks import LayerToCheck, row_of, shift_warning
from smap_downscaler.preflight.sample import POINTS, Sampler, points_over
from smap_downscaler.series.dated import DatedCovariate, dated_covariates
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.covariates.covariate import ConvertedSource, Covariate, Layer
from smap_downscaler.steps.covariates.numbers.conversions import CONVERSIONS, Change
from smap_downscaler.steps.covariates.preflight import check_covariates
from smap_downscaler.steps.matrix.build import MatrixInputs
from smap_downscaler.steps.matrix.preflight import check_matrix

SMAP = LayerToCheck(row_of("SMAP", CELLS))


@pytest.fixture
def case(tmp_path):
    return make_small_case(tmp_path)


def source(folder, name, grid, values, **more):
    return Source(grid_raster(folder / f"{name}.tif", grid, values, **more), 1, grid)


def covariate(one, name):
    return Covariate(name, "", Layer(one.path, name), one)


def test_points_are_spread_over_the_area():
    for grid in (
        CELLS,
        PIXELS,
        Grid("EPSG:32718", 0, 0, 10, 10, 1, 9000),
        Grid("EPSG:32718", 0, 0, 1, 1, 3, 3),
    ):
        points = points_over(grid)
        assert 0.5 * POINTS < points.width * points.height <= POINTS
        for edge in ("left", "bottom", "right", "top"):
            assert getattr(points.bounds, edge) == pytest.approx(getattr(grid.bounds, edge), abs=1e-6)


def test_coverage_nodata_and_range_are_those_put_in(tmp_path):
    """The raster covers the left 70 % of the cells; 21 of its 63 columns are NoData."""
    part = replace(PIXELS, width=63)
    values = np.full(part.shape, 5.0, np.float32)
    values[:, ::10] = values[:, 1::10] = values[:, 2::10] = np.nan
    values[:, 5] = 9.0
    sample = Sampler(CELLS).sample(source(tmp_path, "a", part, values))
    assert sample.covered == pytest.approx(0.7, abs=0.01)
    assert sample.nodata == pytest.approx(21 / 63, abs=0.01)
    assert (sample.low, sample.high) == (5.0, 9.0)


def test_another_crs_and_a_mask(tmp_path):
    world = Grid("EPSG:4326", -80.0, -10.0, 0.05, 0.05, 200, 200)
    ramp = np.broadcast_to(world.x_centres().astype(np.float32), world.shape).copy()
    mask = np.zeros(PIXELS.shape, np.uint8)
    mask[:, :45] = 1
    cover = Mask(grid_raster(tmp_path / "mask.tif", PIXELS, mask))
    one = source(tmp_path, "lon", world, ramp)
    whole, right = Sampler(CELLS).sample(one), Sampler(CELLS, cover).sample(one)
    assert (whole.covered, whole.nodata) == (1.0, 0.0)
    assert whole.high == right.high
    # EASE-Grid columns are evenly spaced in longitude: the mask takes half of the range away.
    assert right.low == pytest.approx((whole.low + whole.high) / 2, abs=0.06)


def test_a_raster_elsewhere_has_no_coverage(tmp_path):
    far = replace(PIXELS, left=PIXELS.left + 1e6)
    sample = Sampler(CELLS).sample(source(tmp_path, "far", far, np.ones(far.shape, np.float32)))
    assert sample.covered == 0.0
    assert np.isnan([sample.nodata, sample.low, sample.high]).all()


def test_converted_sources_show_both_numbers(tmp_path):
    plain = source(tmp_path, "k", PIXELS, np.full(PIXELS.shape, 2.0, np.float32))
    change = Change(CONVERSIONS["m/d -> cm/d"], "in")
    sample = Sampler(CELLS).sample(ConvertedSource(plain.path, 1, PIXELS, change=change))
    assert (sample.stored.min(), sample.low) == (2.0, 10_000.0)


def test_cancel_reaches_the_reading(tmp_path):
    one = source(tmp_path, "a", PIXELS, np.ones(PIXELS.shape, np.float32))
    listener = Listener(20)
    with pytest.raises(Cancelled):
        Sampler(CELLS, progress=listener).sample(one)
    assert listener.asked <= 21


@pytest.mark.parametrize("down", [0.0, 0.5])
def test_half_a_cell_beside_the_ease_grid_is_warned_of(tmp_path, down):
    left, top = CELLS.left + 0.5 * CELLS.cell_width, CELLS.top - down * CELLS.cell_height
    moved = replace(CELLS, left=left, top=top)
    one = covariate(source(tmp_path, "ndvi", moved, np.random.default_rng(0).random(CELLS.shape)), "ndvi")
    found, _ = check_covariates([one], CELLS, None, SMAP)
    (warning,) = found.warnings
    south = "0.50 cells south and " if down else ""
    assert warning == (
        f"{one.label}: its cells lie {south}0.50 cells east of those of the EASE-Grid 2.0, as where "
        "coordinates of cell centres were taken for corners; export it anew on the grid."
    )
    assert found.rows[1].texts()[3] == f"{down:.2f}, 0.50"


def test_a_shifted_series_is_warned_of(tmp_path):
    moved = replace(CELLS, top=CELLS.top + 0.5 * CELLS.cell_height)
    smap = LayerToCheck(row_of("SMAP", moved, DATES), warnings=[shift_warning("SMAP (s)", moved)])
    found, _ = check_covariates([], CELLS, None, smap)
    assert found.warnings == [
        "SMAP (s): its cells lie 0.50 cells south of those of the EASE-Grid 2.0, as where coordinates of "
        "cell centres were taken for corners; export it anew on the grid."
    ]


def test_the_same_band_or_the_same_values_twice(tmp_path):
    values = np.random.default_rng(0).random(PIXELS.shape).astype(np.float32)
    first = source(tmp_path, "a", PIXELS, values)
    ones = [
        covariate(first, "a"),
        covariate(first, "again"),
        covariate(source(tmp_path, "b", PIXELS, values), "b"),
        covariate(source(tmp_path, "c", PIXELS, values + 1), "c"),
        covariate(source(tmp_path, "flat", PIXELS, np.ones(PIXELS.shape, np.float32)), "flat"),
        covariate(source(tmp_path, "flat2", PIXELS, np.ones(PIXELS.shape, np.float32)), "flat2"),
    ]
    found, _ = check_covariates(ones, CELLS, None, SMAP)
    assert found.warnings == [
        f"{ones[i].label} and {ones[j].label} hold the same values; leave out one of them."
        for i, j in ((0, 1), (0, 2), (1, 2))
    ]
    assert [row.texts()[-1] for row in found.rows] == ["", "", "", "", "", "one value only", "one value only"]


def matrix_inputs(case, dynamic=("rain",), **more):
    series = tuple(DatedCovariate(open_series(case.folder / name), **more) for name in dynamic)
    return MatrixInputs(open_series(case.smap_folder), open_stack(case.coarse_stack), series)


def test_the_table_of_a_matrix(case):
    for date in DATES[1:2]:
        (case.folder / "rain" / f"rain_{date:%Y%m%d}.tif").unlink()
    before = listing(case.folder)
    found = check_matrix(matrix_inputs(case))
    assert listing(case.folder) == before
    assert [row.name for row in found.rows] == ["SMAP", *NAMES, "rain"]
    smap, elevation, *_rest, rain = found.rows
    # 3 dates: one value less on two, two of nine columns on the third.
    valid = sum(np.isfinite(case.smap[date]).sum() for date in DATES) / (3 * CELLS.width * CELLS.height)
    assert smap.nodata == pytest.approx(1 - valid, abs=0.02)
    assert (smap.shift, smap.covered, smap.dates) == ((0.0, 0.0), 1.0, "3, 2020-12-30 to 2021-01-01")
    # Every cell is looked at.
    assert (elevation.low, elevation.high) == (case.coarse[0].min(), case.coarse[0].max())
    assert rain.notes == ("no raster on 1 of 3 dates (2020-12-31)",)
    assert rain.dates == "2, 2020-12-30 to 2021-01-01"
    assert found.warnings == []
    listener = Listener()
    found.log(listener)
    assert listener.lines[0] == "Before the work (a sample of each layer):"
    assert listener.lines[1].split("  ")[1] == "layer"
    assert len(listener.lines) == 3 + len(found.rows)


def test_one_series_under_two_names(case):
    rain = open_series(case.rain_folder)
    inputs = matrix_inputs(case)
    found = check_matrix(replace(inputs, dynamic=dated_covariates([rain, replace(rain, name="wet")])))
    assert found.warnings == [f"{case.rain_folder}: rain and wet are the same files; leave out one of them."]


def test_gaps_of_the_series_are_noted(case):
    grid_raster(case.folder / "smap" / "soil_moisture_20210110.tif", CELLS, case.smap[DATES[0]])
    found = check_matrix(matrix_inputs(case))
    assert found.rows[0].notes == ("8 days missing between (longest gap 2021-01-02 to 2021-01-09)",)
    lacking = ("no raster on 1 of 4 dates (2021-01-10)",)
    assert found.rows[-1].notes == lacking
    # An older raster may stand for NDVI, but never for rain.
    (case.folder / "ndvi").mkdir()
    for date in DATES:
        shutil.copyfile(
            case.folder / "rain" / f"rain_{date:%Y%m%d}.tif", case.folder / "ndvi" / f"ndvi_{date:%Y%m%d}.tif"
        )
    both = check_matrix(matrix_inputs(case, ("rain", "ndvi"), window=9))
    assert [row.notes for row in both.rows[-2:]] == [lacking, ()]


def test_large_rasters_are_not_read_whole(tmp_path, monkeypatch):
    """At most a dozen or so rows of a raster of 9 million pixels."""
    from osgeo import gdal

    grid = Grid(CELLS.crs, CELLS.left, CELLS.top, 25.0, 25.0, 3000, 2900)
    path = str(tmp_path / "large.tif")
    options = ["TILED=YES", "COMPRESS=DEFLATE", "SPARSE_OK=TRUE"]
    dataset = gdal.GetDriverByName("GTiff").Create(
        path, grid.width, grid.height, 1, gdal.GDT_Float32, options
    )
    dataset.SetGeoTransform(grid.geotransform)
    del dataset
    sampler = Sampler(grid.crop(Window(0, 0, 2900, 3000)))
    read = []
    plain = BandReader.read
    monkeypatch.setattr(
        BandReader, "read", lambda self, one, window: read.append(window) or plain(self, one, window)
    )
    sample = sampler.sample(Source(path, 1, grid))
    assert sample.covered == 1.0
    assert 10 <= len(read) <= 100
    assert all(window.height == 1 for window in read)


def refusal_of(check, *given):
    with pytest.raises(InputError) as caught:
        check(*given)
    return str(caught.value)


@pytest.fixture
def hollow_rain(case):
    """Rain of which no raster has a value over the cells; one cell beside them has."""
    wide = replace(CELLS, width=CELLS.width + 1)
    values = np.full(wide.shape, np.nan, np.float32)
    values[:, -1] = 1.0
    (case.folder / "hollow").mkdir()
    for date in DATES:
        grid_raster(case.folder / "hollow" / f"{date:%Y%m%d}.tif", wide, values)
    return open_series(case.folder / "hollow")


def test_a_series_without_any_value_over_the_cells_is_refused(case, hollow_rain):
    smap, stack = open_series(case.smap_folder), open_stack(case.coarse_stack)
    sentence = refusal_of(check_matrix, MatrixInputs(smap, stack, (DatedCovariate(hollow_rain),)))
    assert sentence == (
        f"{hollow_rain.source}: hollow has no value over the SMAP cells on any of the dates, and every "
        "covariate is needed; check its NoData value, or leave it out."
    )


def test_one_value_on_one_date_is_enough(case, hollow_rain):
    values = np.full(CELLS.shape, np.nan, np.float32)
    values[4, 4] = 2.0
    for date in DATES:
        grid_raster(case.folder / "hollow" / f"{date:%Y%m%d}.tif", CELLS, values * np.nan)
    grid_raster(case.folder / "hollow" / f"{DATES[1]:%Y%m%d}.tif", CELLS, values)
    smap, stack = open_series(case.smap_folder), open_stack(case.coarse_stack)
    found = check_matrix(MatrixInputs(smap, stack, (DatedCovariate(open_series(case.folder / "hollow")),)))
    assert found.rows[-1].name == "hollow"


def test_a_band_of_the_stack_without_any_value_is_refused(case):
    values = case.coarse.copy()
    values[1] = np.nan
    path = grid_raster(case.folder / "bad.tif", CELLS, values, names=NAMES)
    sentence = refusal_of(check_matrix, MatrixInputs(open_series(case.smap_folder), open_stack(path)))
    assert sentence == (
        f"{path}: clay has no value over the SMAP cells, and every covariate is needed; make the stack anew, "
        "or without it."
    )
    # A single pixel that the sample may not see is enough.
    values[1, 7, 8] = 100.0
    grid_raster(path, CELLS, values, names=NAMES)
    check_matrix(MatrixInputs(open_series(case.smap_folder), open_stack(path)))


def test_a_needle_that_the_sample_misses_is_found(tmp_path):
    fine = Grid("EPSG:32718", 0.0, 0.0, 10.0, 10.0, 1500, 1500)
    values = np.full(fine.shape, np.nan, np.float32)
    values[1001, 777] = 1.0
    one = source(tmp_path, "needle", fine, values)
    assert np.isnan(Sampler(fine).sample(one).low)
    assert has_value(one, fine)
    listener = Listener(2)
    with pytest.raises(Cancelled):
        has_value(one, fine, listener)
    assert listener.asked <= 3
