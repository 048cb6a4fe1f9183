"""The built-in terrain engine on files: outputs, refusals, cancel, memory, and real SAGA beside it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from bench_terrain import fractal_dem, saga_chain_in_one, saga_fill, saga_flow, saga_wetness, values_of
from raster_cases import Listener, in_own_process, listing, raw_raster
from real_cases import write_andes_dem
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.base.progress import SILENT
from smap_downscaler.geo.datasets import dataset_grid, open_dataset, spatial_reference
from smap_downscaler.steps.terrain.builtin import OUTPUT_BANDS, compute_terrain
from smap_downscaler.steps.terrain.dem import check_dem, scale_warning
from smap_downscaler.steps.terrain.numbers.accumulate import flow_order, upslope_cells
from smap_downscaler.steps.terrain.numbers.fill import fill_sinks
from smap_downscaler.steps.terrain.numbers.routing import ROUTINGS
from smap_downscaler.steps.terrain.numbers.settings import ROUTERS, TerrainSettings
from smap_downscaler.steps.terrain.numbers.surface import Surface
from smap_downscaler.steps.terrain.saga.grids import write_saga_grid

DEFAULTS = TerrainSettings()
UTM_90 = (300000.0, 90.0, 0.0, 8700000.0, 0.0, -90.0)


def hilly(shape=(60, 70), seed=2):
    z = np.random.default_rng(seed).normal(size=shape).cumsum(axis=0).cumsum(axis=1).astype(np.float32)
    z[20:25, 30:40] = -9999
    return z


def paths(folder, keys=tuple(OUTPUT_BANDS)):
    return {key: str(folder / f"{key}.tif") for key in keys}


def test_all_outputs_say_what_they_are(tmp_path):
    dem = raw_raster(tmp_path / "dem.tif", hilly(), transform=UTM_90, nodata=-9999.0)
    listener = Listener()
    report = compute_terrain(dem, paths(tmp_path / "out"), DEFAULTS, listener)
    z = values_of(dem)
    for key, (name, unit) in {
        "filled": ("filled", "m"),
        "slope": ("slope", "degrees"),
        **{f"sca_{r}": (f"sca_{r}", "m") for r in ROUTERS},
        **{f"twi_{r}": (f"twi_{r}", "ln m") for r in ROUTERS},
    }.items():
        dataset = gdal.Open(str(tmp_path / "out" / f"{key}.tif"))
        band = dataset.GetRasterBand(1)
        assert (band.GetDescription(), band.GetUnitType(), band.DataType) == (name, unit, gdal.GDT_Float32)
        assert dataset_grid(dataset, key) == dataset_grid(open_dataset(dem), "dem")
        np.testing.assert_array_equal(np.isnan(values_of(dataset.GetDescription())), np.isnan(z))
    assert listing(tmp_path / "out") == sorted(f"{key}.tif" for key in OUTPUT_BANDS)
    filled = values_of(tmp_path / "out" / "filled.tif")
    assert report.cells == np.count_nonzero(~np.isnan(z))
    assert report.raised_cells == np.count_nonzero(filled > z)
    assert report.most_raised == pytest.approx(np.nanmax(filled - z))
    assert listener.fractions == sorted(listener.fractions)
    assert listener.fractions[-1] == pytest.approx(1.0)
    assert set(report.kept_shares) == set(ROUTERS)
    assert listener.lines[1] == "mtfd: 0.00% of the water ends in cells without outflow inside the DEM."


def test_only_what_is_wanted_is_made(tmp_path):
    dem = raw_raster(tmp_path / "dem.tif", hilly(), transform=UTM_90, nodata=-9999.0)
    report = compute_terrain(dem, paths(tmp_path / "out", ("twi_fd8",)), DEFAULTS, SILENT)
    assert listing(tmp_path / "out") == ["twi_fd8.tif"]
    assert set(report.kept_shares) == {"fd8"}
    assert compute_terrain(dem, paths(tmp_path / "two", ("slope",)), DEFAULTS, SILENT).kept_shares == {}
    assert listing(tmp_path / "two") == ["slope.tif"]
    with pytest.raises(ValueError, match="unknown outputs: aspect"):
        compute_terrain(dem, {"aspect": "a.tif"}, DEFAULTS, SILENT)


def test_outputs_agree_with_each_other_and_with_the_settings(tmp_path):
    dem = raw_raster(tmp_path / "dem.tif", hilly(), transform=UTM_90, nodata=-9999.0)
    settings = TerrainSettings(minimum_slope=0.0, slope_floor=0.05, area="total")
    compute_terrain(dem, paths(tmp_path), settings, SILENT)
    slope = np.tan(np.radians(values_of(tmp_path / "slope.tif")))
    for router in ROUTERS:
        area, twi = (values_of(tmp_path / f"{kind}_{router}.tif") for kind in ("sca", "twi"))
        np.testing.assert_allclose(twi, np.log(area / np.maximum(slope, 0.05)), rtol=1e-5)
        assert np.nanmin(area) == 90.0


def test_water_kept_in_filled_flats_is_reported(tmp_path):
    z = np.full((40, 40), 10.0)
    dem = raw_raster(tmp_path / "dem.tif", z, transform=UTM_90)
    listener = Listener()
    report = compute_terrain(dem, paths(tmp_path, ("twi_fd8",)), TerrainSettings(minimum_slope=0.0), listener)
    assert report.kept_shares["fd8"] == pytest.approx(38 * 38 / 1600)
    assert listener.lines[-1] == (
        "fd8: 90.25% of the water ends in cells without outflow inside the DEM; "
        "a MINIMUM_SLOPE above 0 lets it run on."
    )
    assert np.isfinite(values_of(tmp_path / "twi_fd8.tif")).all()


def test_a_raster_of_one_cell(tmp_path):
    dem = raw_raster(tmp_path / "dem.tif", np.array([[5.0]]), transform=UTM_90)
    compute_terrain(dem, paths(tmp_path), DEFAULTS, SILENT)
    width = 90.0 * (np.sin(1) + np.cos(1))
    assert values_of(tmp_path / "slope.tif").tolist() == [[0.0]]
    for router in ROUTERS:
        assert values_of(tmp_path / f"sca_{router}.tif")[0, 0] == pytest.approx(90.0**2 / width, rel=1e-6)
        twi = values_of(tmp_path / f"twi_{router}.tif")[0, 0]
        assert twi == pytest.approx(np.log(90.0**2 / width / 0.001), rel=1e-6)


WARP = "reproject it to metres first, best to the UTM zone of the area (Raster > Projections > Warp)."


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (
            {"crs": "EPSG:4326", "transform": (-72.0, 0.001, 0.0, -13.0, 0.0, -0.001)},
            "its CRS (WGS 84) is in degrees; " + WARP,
        ),
        (
            {"crs": "EPSG:2263"},
            "its CRS (NAD83 / New York Long Island (ftUS)) is in US survey foot; " + WARP,
        ),
        (
            {"crs": ""},
            "it has no coordinate reference system; assign one (Raster > Projections > Assign projection).",
        ),
        (
            {"transform": (0.0, 90.0, 0.0, 0.0, 0.0, -90.001)},
            "its cells are not square (90 x 90.001 m); "
            "warp it to one resolution for both directions first (Raster > Projections > Warp).",
        ),
        ({"nodata": 7.0}, "it has no valid cell; check its NoData value."),
        (
            {"units": ["ft"]},
            "its elevations are in ft; convert them to metres first (Raster > Raster Calculator).",
        ),
        (
            {"units": ["Foot_US"]},
            "its elevations are in Foot_US; convert them to metres first (Raster > Raster Calculator).",
        ),
        (
            {"units": ["cm"]},
            "its elevations are in cm; convert them to metres first (Raster > Raster Calculator).",
        ),
    ],
)
def test_refusals(tmp_path, gdal_mode, made, sentence):
    made = {"transform": UTM_90, **made}
    dem = raw_raster(
        tmp_path / "dem.tif", np.full((5, 6), 7.0), **{"names": ["z"] if "units" in made else (), **made}
    )

    def compute(path):
        compute_terrain(path, paths(tmp_path / "out"), DEFAULTS, SILENT)

    # Cells are read in the work alone.
    for refuse in (compute,) if "nodata" in made else (check_dem, compute):
        with pytest.raises(InputError) as caught:
            refuse(dem)
        assert str(caught.value) == f"{dem}: {sentence}"
    assert not (tmp_path / "out").exists()


def test_the_quick_check_reads_no_cell(tmp_path):
    """The dialog asks it in the main thread: 42 s for this file, whose cells are all missing, if it did."""
    side, path = 30_000, str(tmp_path / "dem.tif")
    dataset = gdal.GetDriverByName("GTiff").Create(
        path, side, side, 1, gdal.GDT_Float32, ["SPARSE_OK=TRUE", "TILED=YES"]
    )
    dataset.SetGeoTransform(UTM_90)
    dataset.SetSpatialRef(spatial_reference("EPSG:32718"))
    dataset.GetRasterBand(1).SetNoDataValue(-9999)
    del dataset
    begun = time.monotonic()
    assert check_dem(path).shape == (side, side)
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize(
    ("value", "shown"),
    [(-32768, "-32768"), (-9999, "-9999"), (32767, "32767"), (3.4028235e38, "3.40282e+38")],
)
def test_values_for_missing_cells_that_nobody_declared(tmp_path, value, shown):
    z = hilly()
    z[2, 3] = value
    dem = raw_raster(tmp_path / "dem.tif", z, transform=UTM_90)
    grid = check_dem(dem)
    for work in (
        lambda: compute_terrain(dem, paths(tmp_path / "out"), DEFAULTS, SILENT),
        lambda: write_saga_grid(dem, tmp_path / "dem.sdat", grid, SILENT),
    ):
        with pytest.raises(InputError) as caught:
            work()
        assert str(caught.value) == (
            f"{dem}: it has cells of {shown} m, where no land lies; if they mean 'no value', declare that as "
            "its NoData value (Raster > Conversion > Translate); if its elevations are in another unit, "
            "convert them to metres."
        )
    assert not (tmp_path / "out").exists()


def test_a_sea_of_zeros_is_warned_of_by_both_engines(tmp_path):
    z = hilly()
    z[:, :2] = 0
    dem = raw_raster(tmp_path / "dem.tif", z, transform=UTM_90, nodata=-9999.0)
    share = (z == 0).sum() / (z != -9999).sum()
    by_both = Listener()
    compute_terrain(dem, paths(tmp_path, ("filled",)), DEFAULTS, by_both)
    write_saga_grid(dem, tmp_path / "dem.sdat", check_dem(dem), by_both)
    assert by_both.warnings == 2 * [
        f"{dem}: {share:.1%} of its cells are exactly 0 m high; if that is the sea, make it NoData, or it is "
        "filled like a plain."
    ]


def test_cells_that_differ_by_rounding_are_square(tmp_path):
    dem = raw_raster(
        tmp_path / "dem.tif", hilly(), transform=(0.0, 30.849999999999604, 0.0, 9e6, 0.0, -30.849999999993631)
    )
    assert check_dem(dem).cell_width == 30.849999999999604


def test_a_stretched_crs_is_warned_of(tmp_path):
    mercator = raw_raster(
        tmp_path / "mercator.tif",
        hilly(),
        crs="EPSG:3857",
        nodata=-9999.0,
        transform=(-8e6, 100.0, 0.0, 6446275.84, 0.0, -100.0),
    )
    listener = Listener()
    compute_terrain(mercator, paths(tmp_path, ("slope",)), DEFAULTS, listener)
    # At 50 degrees north cos is 0.64.
    assert listener.warnings == [
        f"{mercator}: a metre of its CRS is 0.64 m on the ground eastwards and 0.64 m northwards, "
        "so slopes and areas are off by as much; the UTM zone of the area would be right."
    ]
    utm = raw_raster(tmp_path / "utm.tif", hilly(), crs="EPSG:32718", transform=UTM_90)
    assert scale_warning(check_dem(utm)) == ""


@pytest.mark.parametrize("after", [0, 3, 9, 15, 20, 25])
def test_cancel_leaves_no_partial_file(tmp_path, after):
    dem = raw_raster(tmp_path / "dem.tif", hilly(), transform=UTM_90, nodata=-9999.0)
    listener = Listener(after)
    with pytest.raises(Cancelled):
        compute_terrain(dem, paths(tmp_path / "out"), DEFAULTS, listener)
    for name in listing(tmp_path / "out"):
        assert name.removesuffix(".tif") in OUTPUT_BANDS
        assert np.isfinite(values_of(tmp_path / "out" / name)).any()


def test_memory_and_looks_at_cancel_stay_within_bounds(tmp_path):
    fractal_dem(tmp_path / "dem.tif", 4e5)
    # By the time that the thread works: others on the machine do not count.
    code = (
        "import sys, time; sys.path.insert(0, 'tools'); import bench_terrain; "
        "time.perf_counter = time.thread_time; bench_terrain.one(*sys.argv[1:])"
    )
    said = in_own_process(code, str(tmp_path / "dem.tif"), str(tmp_path))
    # GDAL 3.13 adds warnings of its own.
    words = next(line for line in said.splitlines() if " bytes " in line).split()
    assert int(words[words.index("bytes") - 1]) < 400, said
    assert float(words[-2]) < 2.0, said


# Real SAGA from here on.


@pytest.fixture(scope="module")
def with_saga():
    if shutil.which("saga_cmd") is None:
        pytest.skip("saga_cmd is not installed")


@pytest.fixture(scope="module")
def andes(with_saga, shared_data, tmp_path_factory):
    """Andes and coast near Lima at 90 m."""
    path = tmp_path_factory.mktemp("andes") / "dem.tif"
    write_andes_dem(shared_data, path)
    return path


@pytest.fixture(scope="module")
def saga_grids(andes):
    return saga_chain_in_one(andes, Path(andes).parent)


def saga_values(path):
    values = gdal.Open(str(path).replace(".sgrd", ".sdat")).ReadAsArray().astype(np.float64)
    values[values == -99999] = np.nan
    return values


def surface_of(path):
    return Surface(saga_values(path), 90.0)


def test_filled_is_saga_s_to_the_last_bit(andes, saga_grids, tmp_path):
    surface = Surface(values_of(andes), 90.0)
    level, falling = saga_values(saga_fill(andes, tmp_path, 0.0)), saga_values(saga_grids["filled"])
    np.testing.assert_array_equal(surface.inner(fill_sinks(surface, 0.0).z), level)
    np.testing.assert_array_equal(surface.inner(fill_sinks(surface, 0.1).z), falling)
    assert (falling > surface.inner(surface.z)).sum() > (level > surface.inner(surface.z)).sum() > 500


@pytest.mark.parametrize(("steps", "cell", "slope"), [(6, 90.0, 0.1), (40, 30.85, 0.1), (6, 12.5, 3.0)])
def test_integer_dems_full_of_ties_are_filled_as_by_saga(with_saga, tmp_path, steps, cell, slope):
    rng = np.random.default_rng(steps)
    z = rng.integers(0, steps, (211, 307)).astype(np.float32)
    z[rng.random(z.shape) < 0.01] = -99999
    transform = (300000.0, cell, 0.0, 8700000.0, 0.0, -cell)
    dem = raw_raster(tmp_path / "dem.tif", z, transform=transform, nodata=-99999.0)
    surface = Surface(values_of(dem), cell)
    expected = saga_values(saga_fill(dem, tmp_path, slope))
    np.testing.assert_array_equal(surface.inner(fill_sinks(surface, slope).z), expected)
    assert (expected > z).mean() > 0.2


@pytest.mark.parametrize(
    ("router", "within", "share"), [("fd8", 1e-5, 1.0), ("mfdmd", 1e-5, 1.0), ("mtfd", 1e-3, 0.9999)]
)
def test_total_area_on_saga_s_filled_dem(saga_grids, router, within, share):
    surface = surface_of(saga_grids["filled"])
    amounts, _ = upslope_cells(surface, flow_order(surface), ROUTINGS[router])
    flow = saga_values(Path(saga_grids["filled"]).parent / f"flow_{router}.sdat")
    valid = ~np.isnan(flow)
    np.testing.assert_array_equal(valid, ~np.isnan(surface.inner(surface.z)))
    difference = np.log10(surface.inner(amounts)[valid] * 90.0**2) - np.log10(flow[valid])
    assert (np.abs(difference) <= within).mean() >= share


def check_wetness(folder, saga_grids):
    for router in ROUTERS:
        own, expected = values_of(folder / f"twi_{router}.tif"), saga_wetness(saga_grids, router)
        valid = ~np.isnan(expected)
        np.testing.assert_array_equal(valid, ~np.isnan(own))
        assert np.corrcoef(own[valid], expected[valid])[0, 1] >= 0.9999, router
        # SAGA 9.14 knows another floor, which few cells may need.
        own_index = np.isclose(expected, saga_values(saga_grids[f"twi_{router}"]), atol=1e-3)
        assert own_index[valid].mean() >= 0.999


def test_the_whole_chain_is_saga_s(andes, saga_grids, tmp_path):
    compute_terrain(str(andes), paths(tmp_path), DEFAULTS, SILENT)
    check_wetness(tmp_path, saga_grids)
    slope = np.degrees(saga_values(saga_grids["slope"]))
    assert np.nanquantile(np.abs(values_of(tmp_path / "slope.tif") - slope), 0.999) < 1e-4


@pytest.fixture(scope="module")
def mongon(with_saga, shared_data):
    return str(shared_data / "mongon_peru_30m" / "dem.tif")


def test_the_whole_chain_on_a_small_real_dem_at_30_m(mongon, tmp_path):
    grids = saga_chain_in_one(mongon, tmp_path)
    compute_terrain(mongon, paths(tmp_path), DEFAULTS, SILENT)
    np.testing.assert_array_equal(values_of(tmp_path / "filled.tif"), saga_values(grids["filled"]))
    check_wetness(tmp_path, grids)


@pytest.fixture(scope="module")
def filled(mongon, tmp_path_factory):
    """With level sinks, by SAGA."""
    return saga_fill(mongon, tmp_path_factory.mktemp("mongon"), 0.0)


@pytest.mark.parametrize("router", ["fd8", "mtfd"])
def test_a_small_real_dem_at_30_m_with_level_sinks(mongon, filled, tmp_path, router):
    surface = Surface(saga_values(filled), check_dem(mongon).cell_width)
    np.testing.assert_array_equal(
        surface.inner(fill_sinks(Surface(values_of(mongon), surface.cell), 0.0).z), saga_values(filled)
    )
    amounts, _ = upslope_cells(surface, flow_order(surface), ROUTINGS[router])
    flow = saga_values(saga_flow(filled, tmp_path, router))
    difference = np.log10(surface.inner(amounts) * surface.cell**2) - np.log10(flow)
    assert (np.abs(difference) < 1e-3).mean() >= 0.999
