"""GeoTIFFs that are written whole or not at all, and what they say of themselves."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from osgeo import gdal

from raster_cases import CELLS, UTM, in_own_process, listing
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.blocks import blocks
from smap_downscaler.geo.datasets import dataset_grid, open_dataset, read_band
from smap_downscaler.geo.geotiff import TILE, Band, create_geotiff, is_as_written, write_geotiff
from smap_downscaler.geo.grid import Grid, Window
from smap_downscaler.geo.storage import Storage

BIG = Grid(UTM, 500000.0, 9000000.0, 100.0, 50.0, 600, 300)


def noise(grid, seed=0, missing=0.1):
    generator = np.random.default_rng(seed)
    values = generator.normal(0.25, 0.1, grid.shape).astype(np.float32)
    values[generator.random(grid.shape) < missing] = np.nan
    return values


def test_values_nodata_grid_and_words_come_back(tmp_path, gdal_mode):
    values = np.stack([noise(CELLS, 1), noise(CELLS, 2)])
    bands = [Band("2020-01-01", "m3 m-3", {"DATE": "2020-01-01"}), Band("2020-01-02")]
    write_geotiff(tmp_path / "a.tif", CELLS, values, bands, {"RUN": "1 & 2"})
    dataset = open_dataset(tmp_path / "a.tif")
    assert dataset_grid(dataset, "a") == CELLS
    for number in (1, 2):
        assert np.array_equal(read_band(dataset, number), values[number - 1], equal_nan=True)
    band = dataset.GetRasterBand(1)
    assert band.GetNoDataValue() == -9999.0
    assert band.DataType == gdal.GDT_Float32
    assert np.array_equal(band.ReadAsArray() == -9999.0, np.isnan(values[0]))
    assert (band.GetDescription(), band.GetUnitType(), band.GetMetadataItem("DATE")) == (
        "2020-01-01",
        "m3 m-3",
        "2020-01-01",
    )
    assert dataset.GetRasterBand(2).GetDescription() == "2020-01-02"
    assert dataset.GetMetadataItem("RUN") == "1 & 2"
    assert dataset.GetMetadataItem("COMPRESSION", "IMAGE_STRUCTURE") == "DEFLATE"
    assert listing(tmp_path) == ["a.tif"]


def test_large_files_are_tiled(tmp_path):
    write_geotiff(tmp_path / "a.tif", BIG, noise(BIG))
    dataset = open_dataset(tmp_path / "a.tif")
    assert dataset.GetRasterBand(1).GetBlockSize() == [TILE, TILE]


def statistics(path, band=1):
    # The dataset must outlive its band.
    dataset = open_dataset(path)
    tags = dataset.GetRasterBand(band).GetMetadata()
    keys = ("MINIMUM", "MAXIMUM", "MEAN", "STDDEV", "VALID_PERCENT")
    return [float(tags[f"STATISTICS_{key}"]) for key in keys if f"STATISTICS_{key}" in tags]


def numpy_statistics(values):
    valid = values[np.isfinite(values)].astype(np.float64)
    return [valid.min(), valid.max(), valid.mean(), valid.std(), 100 * valid.size / values.size]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    values=arrays(
        np.float32,
        st.tuples(st.integers(1, 6), st.integers(1, 6)),
        elements=st.one_of(st.just(np.nan), st.floats(-1000, 1000, width=32)),
    ),
    cut=st.integers(1, 6),
)
def test_statistics_of_blocks_are_those_of_numpy(tmp_path, values, cut):
    grid = Grid(UTM, 0, 0, 1, 1, values.shape[1], values.shape[0])
    with create_geotiff(tmp_path / "s.tif", grid) as tiff:
        for row in range(0, grid.height, cut):
            height = min(cut, grid.height - row)
            tiff.write(values[row : row + height], Window(row, 0, height, grid.width))
    if np.isnan(values).all():
        assert statistics(tmp_path / "s.tif") == []
        return
    # The file keeps 14 digits, and 4 of the percentage.
    got, expected = statistics(tmp_path / "s.tif"), numpy_statistics(values)
    assert np.allclose(got[:4], expected[:4], rtol=1e-12, atol=1e-10)
    assert got[4] == pytest.approx(expected[4], rel=5e-4)
    assert listing(tmp_path) == ["s.tif"]


def test_statistics_are_those_of_the_cells_in_the_file(tmp_path):
    values = np.array([[0.1, 0.2, 1e300, np.inf]])
    write_geotiff(tmp_path / "a.tif", Grid(UTM, 0, 0, 1, 1, 4, 1), values)
    got = read_band(open_dataset(tmp_path / "a.tif"), 1)
    assert np.array_equal(got, np.array([[0.1, 0.2, np.nan, np.nan]], np.float32), equal_nan=True)
    assert statistics(tmp_path / "a.tif") == pytest.approx(numpy_statistics(got), rel=1e-13)


def test_blocks_make_the_file_that_the_whole_makes(tmp_path):
    values = noise(BIG)
    with create_geotiff(tmp_path / "blocks.tif", BIG) as tiff:
        for window in blocks(BIG, TILE * TILE):
            tiff.write(values[window.slices], window)
    write_geotiff(tmp_path / "whole.tif", BIG, values)
    got = read_band(open_dataset(tmp_path / "blocks.tif"), 1)
    assert np.array_equal(got, values, equal_nan=True)
    assert statistics(tmp_path / "blocks.tif") == pytest.approx(statistics(tmp_path / "whole.tif"), rel=1e-12)
    sizes = [(tmp_path / name).stat().st_size for name in ("blocks.tif", "whole.tif")]
    assert sizes[0] < 1.01 * sizes[1] + 2000


def test_windows_across_the_blocks_of_the_file_are_right_too(tmp_path):
    values = noise(BIG)
    with create_geotiff(tmp_path / "a.tif", BIG) as tiff:
        for row in range(0, 300, 100):
            for col in range(0, 600, 200):
                window = Window(row, col, 100, 200)
                tiff.write(values[window.slices], window)
    assert np.array_equal(read_band(open_dataset(tmp_path / "a.tif"), 1), values, equal_nan=True)


def test_whole_blocks_are_on_disk_at_once(tmp_path):
    """Else closing a large file could take long, and nobody could cancel it."""
    values = noise(BIG)
    sizes = []
    with create_geotiff(tmp_path / "a.tif", BIG) as tiff:
        for window in blocks(BIG, TILE * TILE):
            tiff.write(values[window.slices], window)
            (part,) = tmp_path.iterdir()
            sizes.append(part.stat().st_size)
    whole = (tmp_path / "a.tif").stat().st_size
    # Less what the system's writing buffer holds.
    assert [
        size > whole * share - (1 << 16) for size, share in zip(sizes, (0.35, 0.7, 0.8, 0.9, 0.9, 1))
    ] == [True] * 6


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_an_error_in_the_middle_leaves_neither_file_nor_leftovers(tmp_path, gdal_mode, error):
    def fail():
        with create_geotiff(tmp_path / "a.tif", BIG) as tiff:
            tiff.write(noise(BIG)[:256], Window(0, 0, 256, 600))
            raise error

    with pytest.raises(error):
        fail()
    assert listing(tmp_path) == []
    write_geotiff(tmp_path / "a.tif", CELLS, noise(CELLS))
    before = (tmp_path / "a.tif").read_bytes()
    with pytest.raises(error):
        fail()
    assert listing(tmp_path) == ["a.tif"]
    assert (tmp_path / "a.tif").read_bytes() == before


def test_an_array_that_does_not_fit_is_a_mistake_of_the_caller(tmp_path):
    with pytest.raises(ValueError, match=r"array of shape \(1, 2, 2\) for 1 bands on a grid of \(6, 8\)"):
        write_geotiff(tmp_path / "a.tif", CELLS, np.zeros((2, 2)))
    assert listing(tmp_path) == []


def test_a_block_beyond_the_edge_is_one_too(tmp_path, gdal_mode):
    with pytest.raises(ValueError, match="off edge"), create_geotiff(tmp_path / "a.tif", CELLS) as tiff:
        tiff.write(np.zeros((2, 2)), Window(5, 7, 2, 2))
    assert listing(tmp_path) == []


def test_a_crs_that_is_none_is_refused_before_a_file_is_made(tmp_path, gdal_mode):
    grid = Grid("EPSG:0", 0, 0, 1, 1, 2, 2)
    with pytest.raises(InputError) as caught:
        write_geotiff(tmp_path / "a.tif", grid, np.zeros((2, 2)))
    assert str(caught.value) == "CRS 'EPSG:0' is not known to GDAL; choose another one."
    assert listing(tmp_path) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"DATE", b"DARE"), (b"m3 m-3", b"m3 n-3"), (b"sm_mean", b"sm_moan"), (b"yes", b"yet")],
)
def test_a_file_whose_words_changed_is_not_as_written(tmp_path, before, after):
    path = tmp_path / "a.tif"
    band = Band("sm_mean", "m3 m-3", {"DATE": "2020-01-01"})
    write_geotiff(path, CELLS, noise(CELLS), [band], {"FILLED": "yes"})
    assert is_as_written(open_dataset(path))
    # Statistics that QGIS works out anew, beside the file, are no change.
    dataset = gdal.Open(str(path))
    dataset.GetRasterBand(1).ComputeStatistics(False)
    del dataset
    assert is_as_written(open_dataset(path))
    # GDAL 3.13 repeats a band's name there.
    Path(f"{path}.aux.xml").unlink(missing_ok=True)
    # GDAL leaves what it wrote first; only the last counts.
    head, found, tail = path.read_bytes().rpartition(before)
    assert found
    path.write_bytes(head + after + tail)
    assert not is_as_written(open_dataset(path))


FULL_DISK = """
import resource, signal, sys
import numpy as np
from osgeo import gdal
gdal.UseExceptions() if sys.argv[1] == "exceptions on" else gdal.DontUseExceptions()
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.grid import Grid
from smap_downscaler.geo.geotiff import write_geotiff

grid = Grid("EPSG:32748", 0, 0, 100, 100, 300, 300)
values = np.random.default_rng(0).random(grid.shape, np.float32)
write_geotiff(sys.argv[2], grid, values * 2)
size = len(open(sys.argv[2], "rb").read())
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for limit in (0, 100, 20_000, size // 2, size - 1500, size - 300, size - 1):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        write_geotiff(sys.argv[2], grid, values)
        print("written with", limit, "of", size)
    except InputError as error:
        print(error)
"""


def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path, gdal_mode):
    """RLIMIT_FSIZE makes writes fail as a full disk does: with an error from the system, at any place."""
    pytest.importorskip("resource", reason="only POSIX can limit the size of files")
    path = tmp_path / "a.tif"
    write_geotiff(path, CELLS, noise(CELLS))
    said = in_own_process(FULL_DISK, gdal_mode, str(path)).splitlines()
    # The libtiff of GDAL 3.13 also prints by itself.
    said = [line for line in said if not line.startswith(("_tiffSeekProc: ", "_tiffWriteProc: "))]
    assert len(said) == 7, said
    for line in said:
        assert line.startswith(f"{path}: it cannot be written (")
        assert line.endswith("); check the free space and your rights there.")
        assert len(line) < 500
    assert listing(tmp_path) == ["a.tif"]
    # The file of before the disk was full.
    values = np.random.default_rng(0).random((300, 300), np.float32) * 2
    assert np.array_equal(read_band(open_dataset(path), 1), values)


def test_what_no_disk_holds_is_refused_before_it_is_begun(tmp_path):
    grid = Grid("EPSG:32718", 0, 0, 1e-4, 1e-4, 2_000_000_000, 2_000_000_000)
    with pytest.raises(InputError) as caught, create_geotiff(tmp_path / "new" / "a.tif", grid):
        pass
    assert str(caught.value).startswith(
        f"{tmp_path}/new/a.tif: 1 raster of 2,000,000,000 x 2,000,000,000 cells would take 16,000,000,000 GB "
        "unpacked, and the disk has "
    )
    assert str(caught.value).endswith(" GB left; give a smaller extent or larger cells.")
    half = pytest.raises(InputError, match=r"would take 8,000,000,000 GB unpacked")
    with half, create_geotiff(tmp_path / "new" / "a.tif", grid, storage=Storage("int16")):
        pass
    assert listing(tmp_path) == []
