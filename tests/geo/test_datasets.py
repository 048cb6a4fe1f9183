"""Opening and reading rasters of all kinds, and writing whole files or none; GDAL's exceptions on and off."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from osgeo import gdal

from raster_cases import EAST, NORTH, UTM, listing, netcdf, raw_raster, stored_netcdf
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.datasets import (
    as_stored,
    crs_text,
    dataset_grid,
    open_dataset,
    read_band,
    reason_of,
    same_crs,
    spatial_reference,
    successor,
    whole_file,
)
from smap_downscaler.geo.geotiff import write_geotiff
from smap_downscaler.geo.grid import Grid, Window
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import open_stack

pytestmark = pytest.mark.usefixtures("gdal_mode")
FLOAT32_LOWEST = -3.4028234663852886e38


def read(path, **more):
    return read_band(open_dataset(path), 1, **more)


@pytest.mark.parametrize(
    ("values", "nodata"),
    [
        (np.array([[1, -32768], [3, 4]], np.int16), -32768),
        (np.array([[1, 255], [3, 4]], np.uint8), 255),
        (np.array([[1, -9999], [3, 4]], np.int32), -9999),
        (np.array([[1, -9999], [3, 4]], np.float32), -9999),
        (np.array([[1, FLOAT32_LOWEST], [3, 4]], np.float32), FLOAT32_LOWEST),
        # As it stands in files whose tag was written with fewer digits.
        (np.array([[1, FLOAT32_LOWEST], [3, 4]], np.float32), -3.402823466e38),
        # 0.1 in float32 is not 0.1 of the tag.
        (np.array([[1, 0.1], [3, 4]], np.float32), 0.1),
        (np.array([[1, -1.7976931348623157e308], [3, 4]], np.float64), -1.7976931348623157e308),
        (np.array([[1, np.nan], [3, 4]], np.float32), float("nan")),
        # No tag, but nothing that is a number in float32 either.
        (np.array([[1, np.nan], [3, 4]], np.float32), None),
        (np.array([[1, -np.inf], [3, 4]], np.float32), None),
        (np.array([[1, 1e300], [3, 4]], np.float64), None),
    ],
)
@pytest.mark.filterwarnings("error")
def test_missing_cells_are_nan(tmp_path, values, nodata):
    got = read(raw_raster(tmp_path / "a.tif", values, nodata=nodata))
    assert got.dtype == np.float32
    assert np.array_equal(got, np.array([[1, np.nan], [3, 4]], np.float32), equal_nan=True)


def test_a_large_number_that_is_not_nodata_stays(tmp_path):
    values = np.array([[-3.3e38, 1]], np.float32)
    assert np.array_equal(read(raw_raster(tmp_path / "a.tif", values, nodata=FLOAT32_LOWEST)), values)


def test_scale_and_offset_come_after_nodata(tmp_path):
    values = np.array([[20000, -9999], [-10000, 0]], np.int16)
    path = raw_raster(tmp_path / "a.tif", values, nodata=-9999, scale=0.0001, offset=-1.0)
    assert np.array_equal(read(path), np.array([[1, np.nan], [-2, -1]], np.float32), equal_nan=True)


def test_unscaling_is_done_in_double_precision(tmp_path):
    # 16777217 = 2^24 + 1 is no float32.
    path = raw_raster(tmp_path / "a.tif", np.array([[16777217]], np.int32), offset=-16777216.0)
    assert read(path)[0, 0] == 1.0


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    raw=arrays(np.int16, (3, 5), elements=st.integers(-32768, 32767)),
    nodata=st.integers(-32768, 32767),
    scale=st.sampled_from([1.0, 0.1, 1e-4, 3.0]),
    offset=st.sampled_from([0.0, -273.15, 5.0]),
)
def test_packed_rasters_are_unpacked_cell_by_cell(tmp_path, raw, nodata, scale, offset):
    path = raw_raster(tmp_path / "packed.tif", raw, nodata=nodata, scale=scale, offset=offset)
    expected = [
        [np.nan if int(cell) == nodata else int(cell) * scale + offset for cell in row]
        for row in raw.tolist()
    ]
    assert np.array_equal(read(path), np.array(expected, np.float32), equal_nan=True)


def test_the_mask_band_takes_cells_out_with_and_without_nodata(tmp_path):
    values = np.array([[1, 2], [3, 4]], np.float32)
    mask = np.array([[0, 255], [255, 255]], np.uint8)
    expected = np.array([[np.nan, 2], [3, 4]], np.float32)
    assert np.array_equal(read(raw_raster(tmp_path / "a.tif", values, mask=mask)), expected, equal_nan=True)
    both = raw_raster(tmp_path / "b.tif", values, mask=mask, nodata=4)
    expected[1, 1] = np.nan
    assert np.array_equal(read(both), expected, equal_nan=True)


def test_south_up_rasters_read_as_north_up_ones_in_any_window(tmp_path):
    values = np.arange(35, dtype=np.float32).reshape(7, 5)
    north = open_dataset(raw_raster(tmp_path / "north.tif", values))
    south = open_dataset(
        raw_raster(tmp_path / "south.tif", values[::-1], transform=(500000, 100, 0, 9000000 - 700, 0, 100))
    )
    assert dataset_grid(south, "south") == dataset_grid(north, "north")
    for window in (None, Window(0, 0, 1, 1), Window(2, 1, 3, 4), Window(6, 4, 1, 1)):
        rows, cols = window.slices if window else (slice(None), slice(None))
        for dataset in (north, south):
            assert np.array_equal(read_band(dataset, 1, window), values[rows, cols])


def test_a_raster_without_georeference_is_read_as_it_lies(tmp_path):
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert np.array_equal(read(raw_raster(tmp_path / "a.tif", values, transform=None, crs="")), values)


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (
            {"crs": ""},
            "it has no coordinate reference system; assign one (Raster > Projections > Assign projection).",
        ),
        (
            {"transform": None},
            "it has no georeference (no position and cell size); georeference it first.",
        ),
        (
            {"transform": (0, 100, 5, 0, 5, -100)},
            "its grid is rotated or mirrored; warp it to a north-up grid first.",
        ),
        (
            {"transform": (0, -100, 0, 0, 0, -100)},
            "its grid is rotated or mirrored; warp it to a north-up grid first.",
        ),
        (
            {"transform": (0, 100, 0, 0, 0, 0)},
            "its cells are 100 x 0 of a unit of its CRS, as no map's are; the file may be damaged, "
            "get it again or georeference it.",
        ),
        (
            {"transform": (0, 100, 0, 0, 0, -1e-310)},
            "its cells are 100 x -1e-310 of a unit of its CRS, as no map's are; the file may be damaged, "
            "get it again or georeference it.",
        ),
        # A lean of 1e-9 a cell is much where cells are 1e-8 degrees wide.
        (
            {"transform": (0, 1e-8, 1e-9, 0, 0, -1e-8), "crs": "EPSG:4326"},
            "its grid is rotated or mirrored; warp it to a north-up grid first.",
        ),
    ],
)
def test_grids_that_cannot_be_used_are_refused(tmp_path, more, complaint):
    path = raw_raster(tmp_path / "a.tif", np.zeros((4, 4), np.float32), **more)
    with pytest.raises(InputError) as caught:
        dataset_grid(open_dataset(path), path)
    assert str(caught.value) == f"{path}: {complaint}"


def test_a_lean_of_rounding_errors_is_none(tmp_path):
    path = raw_raster(
        tmp_path / "a.tif", np.zeros((4, 4), np.float32), transform=(0, 9008.0, 1.2e-7, 0, -3e-8, -9008.0)
    )
    assert dataset_grid(open_dataset(path), path) == Grid(UTM, 0, 0, 9008.0, 9008.0, 4, 4)


def test_netcdf_on_plain_latitude_and_longitude_is_wgs_84(tmp_path):
    path = netcdf(tmp_path / "a.nc", {"rain": np.zeros((1, 3, 4), np.float32)}, [0])
    assert open_dataset(path).GetSpatialRef() is None
    assert dataset_grid(open_dataset(path), path) == Grid("EPSG:4326", 19.75, 10.25, 0.5, 0.5, 4, 3)


def test_a_file_of_several_variables_differs_in_message_from_one_without_crs(tmp_path):
    zeros = np.zeros((1, 3, 4), np.float32)
    path = netcdf(tmp_path / "a.nc", {"rain": zeros, "snow": zeros}, [0])
    with pytest.raises(InputError) as caught:
        dataset_grid(open_dataset(path), path)
    assert str(caught.value) == (
        f'{path}: it holds no band of its own; name one of its variables, as NETCDF:"{path}":rain.'
    )


def test_files_that_are_missing_or_no_rasters(tmp_path):
    with pytest.raises(InputError) as caught:
        open_dataset(tmp_path / "no such.tif")
    assert str(caught.value) == f"{tmp_path}/no such.tif: there is no such file; check the path."
    with pytest.raises(InputError) as caught:
        open_dataset(tmp_path / "12:30" / "a.tif")
    assert str(caught.value) == f"{tmp_path}/12:30/a.tif: there is no such file; check the path."
    words = tmp_path / "a.tif"
    words.write_text("<html>Please log in</html>")
    with pytest.raises(InputError) as caught:
        open_dataset(words)
    assert str(caught.value).startswith(f"{words}: GDAL cannot read it (")
    assert str(caught.value).endswith("); check that the file is whole and a raster.")
    with pytest.raises(InputError, match="cannot read it"):
        open_dataset(f'NETCDF:"{tmp_path}/none.nc":rain')
    with pytest.raises(InputError, match="there is no such file"):
        open_dataset(str(tmp_path / ("x" * 5000)))


@pytest.mark.parametrize("kept", [0, 3, 8, 60, 0.5, 0.99])
def test_a_truncated_geotiff_is_refused_when_opened_or_read(tmp_path, kept):
    values = np.random.default_rng(1).random((300, 300))
    whole = Path(raw_raster(tmp_path / "whole.tif", values)).read_bytes()
    cut = tmp_path / "cut.tif"
    cut.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    with pytest.raises(InputError) as caught:
        read(cut)
    assert str(caught.value).startswith(f"{cut}: ")
    assert str(caught.value).endswith(
        ("check that the file is whole and a raster.", "the file may be damaged, get it again.")
    )


def test_a_damaged_mask_is_refused_as_the_band_is(tmp_path):
    mask = np.random.default_rng(1).integers(0, 2, (300, 300)).astype(np.uint8) * 255
    # GDAL 3.13 would put it into the file.
    gdal.SetThreadLocalConfigOption("GDAL_TIFF_INTERNAL_MASK", "NO")
    try:
        path = raw_raster(tmp_path / "a.tif", np.ones((300, 300), np.float32), mask=mask)
    finally:
        gdal.SetThreadLocalConfigOption("GDAL_TIFF_INTERNAL_MASK", None)
    side = Path(path + ".msk")
    side.write_bytes(side.read_bytes()[:-400])
    with pytest.raises(InputError, match="its cells cannot be read"):
        read(path)


def test_coordinate_reference_systems():
    assert crs_text(None) == ""
    assert crs_text(spatial_reference(UTM)) == UTM
    local = spatial_reference("+proj=laea +lat_0=-10 +lon_0=-70 +ellps=WGS84")
    assert crs_text(local).startswith("PROJCS[")
    assert same_crs(UTM, spatial_reference(UTM).ExportToWkt())
    assert not same_crs(UTM, "EPSG:32749")
    with pytest.raises(InputError) as caught:
        spatial_reference("EPSG:nonsense")
    assert str(caught.value) == "CRS 'EPSG:nonsense' is not known to GDAL; choose another one."


def test_reasons_are_one_short_line():
    assert reason_of([], "unknown") == "unknown"
    assert reason_of(["a\n  b.", "c"], "unknown") == "a b"
    long = reason_of(["x" * 500 + " failed: disk full"], "unknown")
    assert len(long) < 210
    assert long.endswith(" failed: disk full")


def test_nothing_is_left_beside_what_is_only_read(tmp_path):
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    mask = np.full((3, 4), 255, np.uint8)
    raw_raster(tmp_path / "rain_20200101.tif", values, nodata=3)
    raw_raster(tmp_path / "rain_20200102.tif", values, mask=mask)
    raw_raster(tmp_path / "rain_2020003.tif", values, scale=2.0, names=["rain"], units=["mm"])
    before = {name: (tmp_path / name).stat().st_mtime_ns for name in listing(tmp_path)}
    tmp_path.chmod(0o555)
    try:
        series = open_series(tmp_path)
        for date in series.dates:
            series.read(date)
            series.read(date, Window(1, 1, 2, 2))
        assert series.unit() == ""
        stack = open_stack(tmp_path / "rain_2020003.tif")
        stack.read(["rain"])
    finally:
        tmp_path.chmod(0o755)
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in listing(tmp_path)} == before


def test_a_whole_file_appears_at_the_end(tmp_path):
    path = tmp_path / "new" / "folder" / "a.txt"
    with whole_file(path) as part:
        part.write_text("whole")
        assert part.parent == path.parent
        assert part.name.startswith(".")
        assert part.suffix == ".txt"
        assert not path.exists()
    assert path.read_text() == "whole"
    assert listing(path.parent) == ["a.txt"]


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, InputError])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail():
        with whole_file(path) as part:
            part.write_text("half")
            Path(f"{part}.aux.xml").write_text("side")
            Path(f"{part}-journal").write_text("side")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert listing(tmp_path) == ["a.txt"]


def test_side_cars_of_the_old_file_go_with_it(tmp_path):
    for name in (
        "a.tif",
        "a.tif.aux.xml",
        "a.tif.ovr",
        "a.tif.msk",
        "a.tif-wal",
        "a.tif-shm",
        "a.tif.qml",
        "b.tif",
    ):
        (tmp_path / name).write_text("old")
    with pytest.raises(KeyError), whole_file(tmp_path / "a.tif"):
        raise KeyError
    assert len(listing(tmp_path)) == 8
    with whole_file(tmp_path / "a.tif") as part:
        part.write_text("new")
    assert listing(tmp_path) == ["a.tif", "a.tif.qml", "b.tif"]


def test_leftovers_of_killed_processes_are_removed_at_the_next_try(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    gone, alive = f".a.{child.pid}-1.part.tif", f".a.{os.getpid()}-1.part.tif"
    others = [
        f".b.{child.pid}-1.part.tif",
        f".a.{child.pid}-1.part.vrt",
        ".a.x-1.part.tif",
        f".a.{10**30}-1.part.tif",
    ]
    for name in (gone, alive, *others):
        (tmp_path / name).write_text("half")
    with whole_file(tmp_path / "a.tif") as part:
        part.write_text("whole")
    assert listing(tmp_path) == sorted(["a.tif", alive, *others])


def test_a_broken_file_of_the_temporary_name_does_no_harm(tmp_path):
    with pytest.raises(KeyError), whole_file(tmp_path / "a.tif") as part:
        raise KeyError
    part.write_text("left by a crash")
    values = np.ones((2, 2), np.float32)
    from smap_downscaler.geo.geotiff import write_geotiff

    write_geotiff(tmp_path / "a.tif", Grid(UTM, 0, 0, 1, 1, 2, 2), values)
    assert np.array_equal(read(tmp_path / "a.tif"), values)
    assert listing(tmp_path) == ["a.tif"]


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError) as caught, whole_file(tmp_path / "file" / "a.txt"):
        pass
    assert str(caught.value) == (
        f"{tmp_path}/file: the folder cannot be made (File exists); choose another one."
    )
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(InputError) as caught, whole_file(tmp_path / "folder.txt") as part:
        part.write_text("")
    assert str(caught.value) == (
        f"{tmp_path}/folder.txt: it cannot be written (Is a directory); choose another place."
    )
    assert listing(tmp_path) == ["file", "folder.txt"]


def test_the_trouble_of_another_file_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, whole_file(tmp_path / "a.txt"):
        (tmp_path / "input.txt").read_text()
    assert caught.value.filename == str(tmp_path / "input.txt")


def test_the_error_handler_is_given_back(tmp_path):
    heard = []
    gdal.PushErrorHandler(lambda _level, _number, message: heard.append(message))
    try:
        with pytest.raises(InputError):
            open_dataset(__file__)
        assert heard == []
        gdal.Error(gdal.CE_Warning, 1, "mine")
    finally:
        gdal.PopErrorHandler()
    assert heard == ["mine"]


def test_an_alpha_band_of_any_type_takes_cells_out(tmp_path):
    path = raw_raster(tmp_path / "alpha.tif", np.array([[[5, 6]], [[0, 1]]], np.float32))
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.GetRasterBand(2).SetColorInterpretation(gdal.GCI_AlphaBand)
    del dataset
    assert np.array_equal(read(path), [[np.nan, 6]], equal_nan=True)


@pytest.mark.parametrize("code", ["EPSG:3408", "EPSG:3409", "EPSG:3410", "EPSG:3411", "EPSG:2192"])
def test_superseded_codes_are_what_they_say(tmp_path, code):
    """Left to itself GDAL takes EASE-Grid 2.0 for EASE-Grid 1, which lies on a sphere."""
    with as_stored():
        path = raw_raster(tmp_path / "a.tif", np.zeros((2, 2), np.float32), crs=code)
    grid = dataset_grid(open_dataset(path), path)
    # Newer versions of GDAL exchange fewer codes.
    taken = crs_text(gdal.Open(path).GetSpatialRef())
    assert (grid.crs, successor(code)) == (code, "" if taken == code else taken)
    assert taken == code or not same_crs(code, taken)
    # Neither a code in use, nor one whose successor is the same CRS.
    assert [successor(other) for other in ("EPSG:6933", "EPSG:2400", UTM, "+proj=longlat")] == [""] * 4
    # What is written says what it is, to those who would exchange a code too.
    write_geotiff(tmp_path / "b.tif", grid, np.zeros((1, 2, 2), np.float32))
    dataset = gdal.Open(str(tmp_path / "b.tif"))
    if code == "EPSG:2192" and int(gdal.VersionInfo()) >= 3130000:
        pytest.xfail("GDAL 3.13 finds the successor of EPSG:2192 by its name alone")
    assert same_crs(dataset.GetProjection(), code)
    assert same_crs(dataset_grid(dataset, "b").crs, code)


def test_options_of_gdal_are_as_before():
    before = [gdal.GetThreadLocalConfigOption(name) for name in ("OSR_USE_NON_DEPRECATED", "A")]
    with as_stored():
        assert gdal.GetConfigOption("OSR_USE_NON_DEPRECATED") == "NO"
    assert [gdal.GetThreadLocalConfigOption(name) for name in ("OSR_USE_NON_DEPRECATED", "A")] == before


@pytest.mark.parametrize(
    ("top", "size", "good"), [(90.0, 1.0, True), (90.5, 1.0, True), (91.0, 1.0, False), (180.0, 20.0, False)]
)
def test_latitudes_end_at_the_poles(tmp_path, top, size, good):
    """Centres of cells may lie on a pole, as ERA5's do."""
    zeros, transform = np.zeros((9, 3), np.float32), (0, size, 0, top, 0, -size)
    path = raw_raster(tmp_path / "a.tif", zeros, transform=transform, crs="EPSG:4326")
    if good:
        assert dataset_grid(open_dataset(path), "a").top == top
        return
    with pytest.raises(InputError) as caught:
        dataset_grid(open_dataset(path), "a")
    assert str(caught.value) == (
        f"a: latitudes run from {top - 9 * size:g} to {top:g}, beyond 90; check whether latitude and "
        "longitude are "
        "exchanged, or its CRS is another."
    )


@pytest.mark.parametrize(
    "crs",
    [
        "+proj=cea +lat_ts=30 +lon_0=0 +x_0=0 +y_0=0 +ellps=WGS84 +units=m +no_defs",
        'PROJCS["EASE",GEOGCS["unknown",DATUM["Not_specified_based_on_WGS_84_ellipsoid",SPHEROID["WGS '
        '84",6378137,'
        '298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION['
        '"Cylindrical_Equal_Area"],PARAMETER["standard_parallel_1",30],PARAMETER["central_meridian",0],'
        'PARAMETER["false_easting",0],PARAMETER["false_northing",0],UNIT["metre",1]]',
    ],
)
def test_the_ellipsoid_of_wgs_84_without_the_name_of_a_datum(crs):
    assert same_crs(crs, "EPSG:6933")
    assert same_crs("EPSG:6933", crs)
    assert not same_crs(crs.replace("lat_ts=30", "lat_ts=31").replace('_1",30]', '_1",31]'), "EPSG:6933")
    assert not same_crs("+proj=cea +lat_ts=30 +R=6371228 +units=m +no_defs", "EPSG:6933")


def test_a_table_is_no_raster(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    points = {"obs": (range(5), {})}
    places = {"lon": ("obs", np.zeros(5), EAST), "lat": ("obs", np.ones(5), NORTH)}
    measured = {"sm": ("obs", np.arange(5.0), {"coordinates": "lon lat"})}
    stored_netcdf(tmp_path / "a.nc", points, {**measured, **places})
    for name in ("a.csv", "a.nc"):
        with pytest.raises(InputError) as caught:
            open_dataset(tmp_path / name)
        assert str(caught.value) == (
            f"{tmp_path}/{name}: it holds no raster but a table, such as points; choose a raster, or make "
            "one of "
            "the points first (Processing Toolbox > Interpolation)."
        )


@pytest.mark.parametrize("extra", [0, 1])
def test_windows_reach_around_the_earth(tmp_path, extra):
    """A raster of all longitudes, the first of which may be there twice."""
    values = np.arange(2 * 36, dtype=np.float32).reshape(2, 36)
    stored = np.concatenate([values, values[:, :extra]], axis=1)
    path = raw_raster(tmp_path / "a.tif", stored, transform=(0, 10, 0, 20, 0, -10), crs="EPSG:4326")
    for col, width in ((-3, 5), (34, 4), (-40, 6), (70, 3), (5, 7)):
        expected = np.take(values, np.arange(col, col + width), axis=1, mode="wrap")
        assert np.array_equal(read(path, window=Window(0, col, 2, width)), expected)


# Damaged files.


def test_messages_of_gdal_that_are_no_text(tmp_path):
    """GDAL 3.6 calls its handler without arguments there."""
    path = tmp_path / "a.vrt"
    path.write_bytes(b'<VRTDataset rasterXSize="2" rasterYSize="2" \xeeem></VRTDataset>')
    with pytest.raises(InputError, match=r"a\.vrt: .*(check that the file is whole|get it again)"):
        open_dataset(path)


def test_a_damaged_crs_is_told(tmp_path):
    raw_raster(tmp_path / "a.tif", np.ones((2, 2), np.float32))
    path = tmp_path / "a.vrt"
    gdal.Translate(str(path), str(tmp_path / "a.tif"), format="VRT").FlushCache()
    text = path.read_text()
    start = text.index("<SRS")
    path.write_text(text[:start] + '<SRS>PROJCS["x",GEOGCS["y"]]</SRS>' + text[text.index("</SRS>") + 6 :])
    dataset = open_dataset(path)
    with pytest.raises(InputError) as caught:
        dataset_grid(dataset, "LAYER")
    assert str(caught.value) == (
        "LAYER: it has a damaged coordinate reference system; assign one (Raster > Projections > Assign "
        "projection)."
    )


def test_cells_that_a_decoder_lost(tmp_path):
    """libtiff only warns, and goes on with what it has."""
    path = tmp_path / "a.tif"
    raw = raw_raster(tmp_path / "raw.tif", np.arange(2500, dtype=np.int32).reshape(50, 50))
    packed = gdal.Translate(str(path), raw, creationOptions=["COMPRESS=PACKBITS"])
    start = int(packed.GetRasterBand(1).GetMetadataItem("BLOCK_OFFSET_0_0", "TIFF"))
    del packed
    data = bytearray(path.read_bytes())
    # Runs of 128 zeros: the strip becomes longer than it has room.
    data[start : start + 60] = b"\x81\0" * 30
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a.tif: its cells cannot be read \(.*; the file may be damaged"):
        read(path)


def _with_field(path, tag, **changes):
    """Change the type, the count or the value of a field of a TIFF's directory."""
    data = bytearray(path.read_bytes())
    start = int.from_bytes(data[4:8], "little")
    for number in range(int.from_bytes(data[start : start + 2], "little")):
        place = start + 2 + 12 * number
        if int.from_bytes(data[place : place + 2], "little") == tag:
            for name, value in changes.items():
                at, size = {"kind": (2, 2), "count": (4, 4), "value": (8, 4)}[name]
                data[place + at : place + at + size] = value.to_bytes(size, "little")
            path.write_bytes(data)
            return
    raise LookupError(tag)


@pytest.mark.parametrize(
    ("tag", "change"),
    [
        # GeoASCIIParams, which keys of the directory point into.
        (34737, {"count": 2**31}),
        # GDAL's own tags: names and units of bands, NoData.
        (42112, {"count": 2**31 - 1}),
        (42113, {"count": 2**31 - 1}),
    ],
)
def test_tags_that_are_lost_are_told(tmp_path, tag, change):
    """libtiff only warns, and opens the file without them."""
    path = tmp_path / "a.tif"
    raw_raster(path, np.ones((3, 4), np.float32), nodata=-9999, names=["clay"], units=["g/kg"])
    dataset_grid(open_dataset(path), "LAYER")
    _with_field(path, tag, **change)
    with pytest.raises(InputError, match=r"a.tif: GDAL cannot read it \(.*; check that the file is whole"):
        open_dataset(path)


def test_what_gdal_meets_late_names_the_file(tmp_path):
    """The directory of an overview is looked at when the mask is asked for."""
    path = tmp_path / "a.tif"
    raw_raster(path, np.ones((64, 64), np.float32))
    dataset = open_dataset(path)

    class Late:
        def __getattr__(self, name):
            if name == "GetRasterBand":
                raise RuntimeError("TIFFFetchNormalTag: no.\n")
            return getattr(dataset, name)

    with pytest.raises(InputError) as caught:
        read_band(Late(), 1)
    assert str(caught.value) == (
        f"{path}: it cannot be read (TIFFFetchNormalTag: no); the file may be damaged, get it again."
    )


@pytest.mark.parametrize("place", [1e26, -1e15, float("inf"), float("nan")])
def test_a_place_that_is_none_is_told(tmp_path, place):
    path = tmp_path / "a.vrt"
    gdal.Translate(str(path), raw_raster(tmp_path / "a.tif", np.ones((2, 2), np.float32)), format="VRT")
    text = path.read_text()
    start, end = text.index("<GeoTransform>"), text.index("</GeoTransform>")
    path.write_text(f"{text[:start]}<GeoTransform>0, 1, 0, {place}, 0, -1{text[end:]}")
    with pytest.raises(InputError, match=r"LAYER: its grid reaches to .*, where no map is"):
        dataset_grid(open_dataset(path), "LAYER")
