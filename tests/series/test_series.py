"""Series: folders of dated files, files with dates inside, and all that cannot be one."""

import datetime as dt
import gzip
import os
import shutil
import zipfile

import numpy as np
import pytest
from osgeo import gdal

from raster_cases import CELLS, Listener, grid_raster, netcdf, raw_raster
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.geo.bands import MOISTURE, RAIN
from smap_downscaler.geo.datasets import spatial_reference
from smap_downscaler.geo.grid import Grid, Window
from smap_downscaler.runs.fingerprint import file_state
from smap_downscaler.series.one_file import write_series_file
from smap_downscaler.series.series import open_series, open_several, raster_files, same_grid

DAYS = [dt.date(2020, 2, 28), dt.date(2020, 2, 29), dt.date(2020, 3, 1)]
VALUES = np.arange(3 * 48, dtype=np.float32).reshape(3, 6, 8)


def refusal(call, *arguments, **more):
    with pytest.raises(InputError) as caught:
        call(*arguments, **more)
    return str(caught.value)


def folder_of(folder, names=("rain_20200301.tif", "rain-2020.02.28.TIF", "rain_doy2020060.tif")):
    """Three files whose names, sorted, are not in the order of dates."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in zip(names, VALUES[[2, 0, 1]]):
        grid_raster(folder / name, CELLS, values, nodata=0)
    return folder


@pytest.mark.usefixtures("gdal_mode")
def test_a_folder_dated_by_names(tmp_path):
    series = open_series(folder_of(tmp_path / "p antecedent"))
    assert (series.name, series.source) == ("p antecedent", f"{tmp_path}/p antecedent")
    assert series.grid == CELLS
    assert list(series.dates) == DAYS
    for date, values in zip(DAYS, VALUES):
        expected = np.where(values == 0, np.nan, values).astype(np.float32)
        assert np.array_equal(series.read(date), expected, equal_nan=True)
    assert np.array_equal(series.read(DAYS[1], Window(1, 2, 2, 3)), VALUES[1, 1:3, 2:5])
    assert series.has(DAYS[0])
    assert not series.has(dt.date(2020, 3, 2))
    with pytest.raises(KeyError):
        series.read(dt.date(2020, 3, 2))
    assert open_series(f"{tmp_path}/p antecedent/", "rain").name == "rain"


def test_a_folder_by_a_relative_path_has_its_name(tmp_path, monkeypatch):
    folder_of(tmp_path / "rain")
    monkeypatch.chdir(tmp_path / "rain")
    assert open_series(".").name == "rain"
    assert [series.name for series in open_several(["rain_20200301.tif"])] == ["rain"]


@pytest.mark.usefixtures("gdal_mode")
def test_bands_described_by_dates(tmp_path):
    path = grid_raster(
        tmp_path / "theta.tif",
        CELLS,
        VALUES,
        names=("Band 1: 2020-03-01", "2020-02-28", "2020-02-29T06:00:00Z"),
        units=("m3 m-3",) * 3,
    )
    series = open_series(path)
    assert (series.name, list(series.dates), series.unit()) == ("theta", DAYS, "m3 m-3")
    assert np.array_equal(series.read(DAYS[0]), VALUES[1])
    assert [entry.label for entry in series.entries] == [f"{path} (band 2)", f"{path} (band 3)", path]


def test_files_of_all_kinds_make_one_series(tmp_path):
    grid = Grid("EPSG:4326", 19.75, 10.25, 0.5, 0.5, 8, 6)
    netcdf(tmp_path / "2019.nc", {"rain": VALUES[:2]}, [0, 1], "days since 2019-12-30")
    grid_raster(tmp_path / "january.tif", grid, VALUES[:2], names=("2020-01-01", "2020-01-02"))
    grid_raster(tmp_path / "rain_20200103.tif", grid, VALUES[2])
    series = open_series(tmp_path)
    assert series.dates[0] == dt.date(2019, 12, 30)
    assert [(day - series.dates[0]).days for day in series.dates] == [0, 1, 2, 3, 4]
    assert np.array_equal(np.stack([series.read(day) for day in series.dates]), VALUES[[0, 1, 0, 1, 2]])


def test_hidden_and_side_car_files_are_passed_over(tmp_path):
    folder_of(tmp_path)
    for name in (
        ".20200228.tif",
        "rain_20200301.tif.aux.xml",
        "rain.qml",
        "20200228.txt",
        "series.vrt",
        "old.TFW",
    ):
        (tmp_path / name).write_text("no raster")
    (tmp_path / "20200228.tif").mkdir()
    assert [file.name for file in raster_files(tmp_path)] == [
        "rain-2020.02.28.TIF",
        "rain_20200301.tif",
        "rain_doy2020060.tif",
    ]
    assert list(open_series(tmp_path).dates) == DAYS


def test_months_are_no_dates(tmp_path):
    for month in range(1, 13):
        grid_raster(tmp_path / f"{month:02d}.tif", CELLS, VALUES[0])
    assert refusal(open_series, tmp_path) == (
        f"{tmp_path}/01.tif: its name holds no date; rename it so that it holds one, such as "
        "name_20210131.tif "
        "(YYYYMMDD, YYYY-MM-DD, YYYY.MM.DD or YYYYDDD)."
    )


def test_two_files_of_one_date_are_both_named(tmp_path):
    folder_of(tmp_path, ("a_2020060.tif", "b_20200301.tif", "c_2020-02-29.tif"))
    assert refusal(open_series, tmp_path) == (
        f"{tmp_path}/a_2020060.tif and {tmp_path}/c_2020-02-29.tif have the same date 2020-02-29; "
        "keep one of them."
    )


def test_two_bands_of_one_date_are_both_named(tmp_path):
    path = grid_raster(tmp_path / "a.tif", CELLS, VALUES, names=("2020-01-01", "2020-01-02", "20200102"))
    assert refusal(open_series, path) == (
        f"{path}: its bands 2 and 3 have the same date 2020-01-02; a series has one raster a day, so add up "
        "or average the hours first, or keep one band."
    )


@pytest.mark.parametrize(
    "other",
    [
        Grid(CELLS.crs, CELLS.left, CELLS.top, CELLS.cell_width, CELLS.cell_height, 9, 6),
        Grid(CELLS.crs, CELLS.left + 10, CELLS.top, CELLS.cell_width, CELLS.cell_height, 8, 6),
        Grid(CELLS.crs, CELLS.left, CELLS.top, CELLS.cell_width * 1.001, CELLS.cell_height, 8, 6),
        Grid("EPSG:32718", CELLS.left, CELLS.top, CELLS.cell_width, CELLS.cell_height, 8, 6),
    ],
)
def test_another_grid_is_refused(tmp_path, other):
    folder_of(tmp_path)
    path = grid_raster(tmp_path / "z_20200302.tif", other, np.zeros(other.shape, np.float32))
    assert refusal(open_series, tmp_path) == (
        f"{path}: its grid differs from that of {tmp_path}/rain-2020.02.28.TIF, and a series needs one for "
        "all dates; soil moisture is not resampled: give rasters as 'Import SMAP soil moisture' or "
        "'Downscale' wrote them, those of each grid in a folder of their own."
    )
    assert refusal(open_series, tmp_path, wanted=RAIN) == (
        f"{path}: its grid differs from that of {tmp_path}/rain-2020.02.28.TIF, and a series needs one for "
        "all dates; warp one of them to the grid of the other."
    )


def test_rounded_edges_and_a_crs_in_other_words_are_the_same_grid():
    wkt = spatial_reference(CELLS.crs).ExportToWkt(["FORMAT=WKT2_2018"])
    rounded = Grid(wkt, round(CELLS.left, 2), round(CELLS.top, 2), 9008.05521, 9008.05521, 8, 6)
    assert same_grid(CELLS, rounded)
    assert same_grid(rounded, CELLS)
    assert not same_grid(CELLS, Grid(wkt, CELLS.left + 10, CELLS.top, 9008.05521, 9008.05521, 8, 6))


def test_packed_files_are_named(tmp_path):
    for day in (1, 2):
        (tmp_path / f"chirps-v2.0.2017.01.0{day}.tif.bz2").write_bytes(b"")
    assert refusal(open_series, tmp_path) == (
        f"{tmp_path}: the folder holds no raster; unpack its 2 packed files first "
        "(chirps-v2.0.2017.01.01.tif.bz2 and so on)."
    )


def test_names_of_months_are_refused_otherwise_than_names_without_a_date(tmp_path):
    folder_of(tmp_path, ("chirps-v2.0.2016.01.tif",))
    assert refusal(open_series, tmp_path) == (
        f"{tmp_path}/chirps-v2.0.2016.01.tif: its name holds a year and a month but no day; add the day that "
        "it stands for, such as name_20210131.tif (for the rain of months, 'Seasonal precipitation' has KIND "
        "monthly)."
    )


def test_nothing_to_read(tmp_path):
    assert refusal(open_series, tmp_path) == (
        f"{tmp_path}: the folder holds no raster; choose the folder that holds the dated files."
    )
    assert (
        refusal(open_series, tmp_path / "none") == f"{tmp_path}/none: there is no such file; check the path."
    )
    assert refusal(open_several, [f"{tmp_path}/none.tif"]) == (
        f"{tmp_path}/none.tif: there is no such file; check the path."
    )


def test_a_band_without_a_date_among_dated_ones(tmp_path):
    path = grid_raster(tmp_path / "a.tif", CELLS, VALUES, names=("2020-01-01", "flags", "2020-01-02"))
    assert refusal(open_series, path) == (
        f"{path}: band 2 has no date in its description ('flags') while others have; give every band a "
        "date such "
        "as 2021-01-31."
    )


def test_a_file_that_is_no_raster_ends_the_folder(tmp_path):
    folder_of(tmp_path)
    (tmp_path / "rain_20200302.tif").write_text("<html>")
    assert refusal(open_series, tmp_path).startswith(f"{tmp_path}/rain_20200302.tif: GDAL cannot read it (")


@pytest.mark.parametrize("name", ["a_20200101.tif", "rain_2020_01.tif", "a.tif"])
def test_a_file_of_several_bands_without_dates_is_refused(tmp_path, name):
    path = grid_raster(tmp_path / name, CELLS, VALUES, names=("theta", "flag", "error"))
    for wanted, sentence in ((MOISTURE, "soil moisture"), (RAIN, "rain")):
        assert refusal(open_series, tmp_path, wanted=wanted) == (
            f"{path}: it has 3 bands (theta, flag, error) where one is wanted, and it cannot be told which "
            f"one is {sentence}; if they are days, describe each by its date, such as 2021-01-31, or save "
            "each as a file named by its date, else keep that band in a file of its own (Raster > "
            "Conversion > Translate)."
        )


def test_of_several_bands_the_one_that_is_named_so_is_taken(tmp_path):
    for day, names in ((1, ("flag", "soil_moisture", "error")), (2, ("soil_moisture", "flag", "error"))):
        grid_raster(tmp_path / f"a_2020010{day}.tif", CELLS, VALUES, names=names)
    series = open_series(tmp_path)
    assert [entry.band for entry in series.entries] == [2, 1]
    assert np.array_equal(series.read(dt.date(2020, 1, 1)), VALUES[1])


def test_bands_of_several_dates_and_variables(tmp_path):
    names = ("20200101_DetailedQA", "20200101_NDVI", "20200102_NDVI")
    path = grid_raster(tmp_path / "modis_ndvi.tif", CELLS, VALUES, names=names)
    (series,) = open_several([path])
    assert [(str(entry.date), entry.band) for entry in series.entries] == [
        ("2020-01-01", 2),
        ("2020-01-02", 3),
    ]
    assert refusal(open_several, [path], ["evi"], bands=[]) == (
        f"{path} (2020-01-01): it has 2 bands (20200101_DetailedQA, 20200101_NDVI) where one is wanted, and "
        "it cannot be told which one is evi; give its name or number as BAND."
    )


def test_periods(tmp_path):
    series = open_series(folder_of(tmp_path))
    assert series.between(None, None).dates == series.dates
    assert list(series.between(DAYS[1], None).dates) == DAYS[1:]
    assert list(series.between(None, DAYS[1]).dates) == DAYS[:2]
    assert list(series.between(DAYS[1], DAYS[1]).dates) == DAYS[1:2]
    assert not series.between(DAYS[1], DAYS[1]).has(DAYS[0])
    assert refusal(series.between, dt.date(2020, 3, 2), None) == (
        f"{tmp_path}: it holds no date from 2020-03-02 to its end (it runs from 2020-02-28 to 2020-03-01); "
        "choose other dates."
    )
    assert refusal(series.between, None, dt.date(2020, 2, 27)) == (
        f"{tmp_path}: it holds no date from its start to 2020-02-27 (it runs from 2020-02-28 to 2020-03-01); "
        "choose other dates."
    )


def test_cancel_while_files_are_looked_at(tmp_path):
    folder_of(tmp_path)
    listener = Listener(calls=2)
    with pytest.raises(Cancelled):
        open_series(tmp_path, progress=listener)
    assert listener.asked == 3
    listener = Listener(calls=1)
    with pytest.raises(Cancelled):
        open_several([str(file) for file in raster_files(tmp_path)], progress=listener)
    assert listener.asked == 2


class TestSeveral:
    def test_files_are_put_together_by_their_folder(self, tmp_path):
        files = [file for name in ("rain", "lst") for file in raster_files(folder_of(tmp_path / name))]
        # As QGIS hands over what was dragged in: in any order.
        mixed = [str(files[index]) for index in (3, 0, 5, 1, 4, 2)]
        found = open_several(mixed)
        assert [(series.name, series.source) for series in found] == [
            ("lst", f"{tmp_path}/lst"),
            ("rain", f"{tmp_path}/rain"),
        ]
        assert all(list(series.dates) == DAYS for series in found)

    def test_maps_of_our_own_are_put_together_too(self, tmp_path):
        """Their only band is described by its date, but that makes none of them a series of its own."""
        for date, values in zip(DAYS, VALUES):
            grid_raster(
                tmp_path / f"soil_moisture_{date:%Y%m%d}.tif", CELLS, values, names=(date.isoformat(),)
            )
        (series,) = open_several([str(file) for file in raster_files(tmp_path)])
        assert (series.name, list(series.dates)) == (tmp_path.name, DAYS)

    def test_folders_and_files_with_dates_inside_stand_for_themselves(self, tmp_path):
        folder = folder_of(tmp_path / "rain")
        bands = grid_raster(tmp_path / "ndvi.tif", CELLS, VALUES, names=[day.isoformat() for day in DAYS])
        one = grid_raster(tmp_path / "lst.tif", CELLS, VALUES[0], names=("2020-02-28",))
        cube = netcdf(tmp_path / "era5.nc", {"t2m": VALUES}, [0, 1, 2])
        found = open_several([f"{folder}/", bands, one, cube])
        assert [series.name for series in found] == ["rain", "ndvi", "lst", "era5"]
        assert [len(series.dates) for series in found] == [3, 3, 1, 3]

    def test_daily_netcdf_files_are_put_together(self, tmp_path):
        (tmp_path / "chirps").mkdir()
        paths = [
            netcdf(tmp_path / "chirps" / f"chirps-{day:%Y%m%d}.nc", {"precip": VALUES[:1]}, [number])
            for number, day in enumerate([dt.date(2000, 1, 1), dt.date(2000, 1, 2)])
        ]
        (series,) = open_several(paths)
        assert series.name == "chirps"
        assert list(series.dates) == [dt.date(2000, 1, 1), dt.date(2000, 1, 2)]

    def test_a_folder_and_files_of_it_are_one_series(self, tmp_path):
        folder = folder_of(tmp_path / "rain")
        (series,) = open_several([str(folder), str(folder / "rain_20200301.tif")])
        assert list(series.dates) == DAYS

    def test_names_override(self, tmp_path):
        paths = [str(folder_of(tmp_path / name)) for name in ("a", "b")]
        assert [series.name for series in open_several(paths, ["p_antecedent"])] == ["p_antecedent", "b"]
        assert [series.name for series in open_several(paths, ["x", "y"])] == ["x", "y"]
        assert [series.name for series in open_several(paths, ["", "y"])] == ["a", "y"]
        assert refusal(open_several, paths, ["x", "y", "z"]) == (
            "DYNAMIC_NAMES: 3 names are given for 2 dated series (DYNAMIC); give one name for each."
        )
        assert (
            refusal(open_several, paths, ["b"])
            == "DYNAMIC: two dated series are named b; give each its own name with DYNAMIC_NAMES."
        )

    def test_bands_are_chosen_by_name_number_or_the_name_of_the_series(self, tmp_path):
        paths = []
        for name in ("NDVI", "s1"):
            (tmp_path / name).mkdir()
            bands = ("QA", "EVI", "ndvi") if name == "NDVI" else ("VV", "VH", "angle")
            grid_raster(tmp_path / name / "a_20200101.tif", CELLS, VALUES, names=bands)
            paths.append(str(tmp_path / name))

        def bands_of(names=(), bands=()):
            return [series.entries[0].band for series in open_several(paths, names, bands=bands)]

        assert refusal(open_several, paths, bands=[]) == (
            f"{paths[1]}/a_20200101.tif: it has 3 bands (VV, VH, angle) where one is wanted, and it cannot "
            "be told which one is s1; if they are days, describe each by its date, such as 2021-01-31, or "
            "save each as a file named by its date, else give its name or number as BAND."
        )
        assert bands_of(bands=["", "vh"]) == [3, 2]
        assert bands_of(bands=["EVI", "1"]) == [2, 1]
        assert bands_of(bands=["2"]) == [2, 2]
        assert bands_of(["evi", "s1_vv"]) == [2, 1]
        assert refusal(bands_of, (), ["", "hh"]) == (
            f"BAND: {paths[1]}/a_20200101.tif has no band hh (it has 3 bands (VV, VH, angle)); give the name "
            "or number of one of them."
        )
        assert refusal(bands_of, (), ["1", "2", "3"]) == (
            "BAND: 3 bands are given for 2 dated series (DYNAMIC); give one for each, or one for all."
        )

    def test_two_folders_of_one_name(self, tmp_path):
        paths = [str(folder_of(tmp_path / name / "rain")) for name in ("a", "b")]
        assert (
            refusal(open_several, paths)
            == "DYNAMIC: two dated series are named rain; give each its own name with DYNAMIC_NAMES."
        )

    def test_an_undated_file(self, tmp_path):
        path = raw_raster(tmp_path / "clay.tif", np.zeros((2, 2), np.float32))
        assert refusal(open_several, [path]).startswith(f"{path}: its name holds no date; ")


def test_chirps_by_its_official_names(shared_data):
    series = open_series(shared_data / "chirps_daily_bfa")
    assert len(series.dates) == 33
    assert (series.dates[0], series.dates[-1]) == (dt.date(2017, 4, 30), dt.date(2017, 6, 1))
    assert series.grid.cell_width == pytest.approx(0.05)


def test_real_smap_of_australia(shared_data):
    (path,) = [
        path
        for path in sorted((shared_data / "smap_l3e_9km").rglob("*.tif"))
        if len(open_or_none(path) or ()) == 45
    ]
    series = open_series(path)
    assert (series.dates[0], series.dates[-1]) == (dt.date(2020, 1, 1), dt.date(2020, 2, 15))
    assert series.grid.shape == (62, 65)
    assert series.grid.crs == "EPSG:6933"
    values = series.read(series.dates[0])
    assert 0 < np.nanmin(values) < np.nanmax(values) < 1


def open_or_none(path):
    try:
        return open_series(path).dates
    except InputError:
        return None


def test_real_climatologies_are_refused(shared_data):
    folder = shared_data / "pisco_clim_peru" / "PISCOpclim"
    assert refusal(open_series, folder).startswith(f"{os.fspath(folder)}/01.tif: its name holds no date; ")


def with_side_cars(folder):
    """A folder as it looks after work: maps of three days, a VRT of them, and what QGIS and GDAL leave."""
    folder_of(folder)
    write_series_file(folder / "series.vrt", CELLS, DAYS, sorted(map(str, raster_files(folder))), "mm")
    dataset = gdal.Open(str(folder / "rain_20200301.tif"))
    dataset.BuildOverviews("NEAREST", [2])
    del dataset
    for name in ("rain.qml", "rain_20200301.tif.aux.xml", "table.csv", "report.json", "report.html", "a.png"):
        (folder / name).write_text("x")
    assert (folder / "rain_20200301.tif.ovr").exists()
    return folder


def test_all_files_of_a_folder_given_are_its_series(tmp_path):
    """QGIS's "Add directory" gives every file."""
    folder = with_side_cars(tmp_path / "rain")
    files = sorted(str(file) for file in folder.iterdir())
    assert len(files) == 11
    (series,) = open_several(files)
    assert (series.name, list(series.dates)) == ("rain", DAYS)
    assert series.entries == open_series(folder).entries
    # Alone, the VRT is a series by itself.
    (alone,) = open_several([str(folder / "series.vrt")])
    assert (alone.name, list(alone.dates)) == ("series", DAYS)


def test_a_vrt_of_the_folder_s_rasters_is_passed_over_whoever_made_it(tmp_path):
    folder = folder_of(tmp_path / "rain")
    gdal.BuildVRT(str(folder / "all.vrt"), [str(file) for file in raster_files(folder)], separate=True)
    assert list(open_series(folder).dates) == DAYS


def test_vrts_of_rasters_elsewhere_are_a_series(tmp_path):
    folder = folder_of(tmp_path / "rain")
    (tmp_path / "vrts").mkdir()
    for file in raster_files(folder):
        gdal.BuildVRT(str(tmp_path / "vrts" / f"{file.stem}.vrt"), [str(file)])
    series = open_series(tmp_path / "vrts")
    assert list(series.dates) == DAYS
    assert np.array_equal(series.read(DAYS[1]), open_series(folder).read(DAYS[1]), equal_nan=True)


@pytest.mark.parametrize(("driver", "ending"), [("COG", "cog"), ("GRIB", "grib")])
def test_other_endings_of_rasters(tmp_path, driver, ending):
    for number, date in enumerate(DAYS):
        values = np.full((4, 5), 3.5 + number, np.float32)
        source = raw_raster(tmp_path / "a.tif", values, transform=(20, 0.5, 0, 10, 0, -0.5), crs="EPSG:4326")
        (tmp_path / ending).mkdir(exist_ok=True)
        gdal.Translate(str(tmp_path / ending / f"rain_{date:%Y%m%d}.{ending}"), source, format=driver)
    series = open_series(tmp_path / ending)
    assert list(series.dates) == DAYS
    np.testing.assert_allclose(series.read(DAYS[2]), 5.5, rtol=1e-6)


@pytest.mark.parametrize("way", ["a file each", "one file", "gzip"])
def test_packed_rasters_are_a_series(tmp_path, way):
    plain = folder_of(tmp_path / "plain")
    files, folder = raster_files(plain), tmp_path / "rain"
    folder.mkdir()
    if way == "gzip":
        for file in files:
            (folder / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
    for number, file in enumerate(files if way != "gzip" else ()):
        name = f"{number}.zip" if way == "a file each" else "rain.zip"
        with zipfile.ZipFile(folder / name, "a") as packed:
            packed.write(file, file.name)
    sources = [folder / "rain.zip"] if way == "one file" else [folder]
    for series in (open_series(sources[0]), *open_several([str(sources[0])])):
        assert (series.name, list(series.dates)) == ("rain", DAYS)
        for date in DAYS:
            assert np.array_equal(series.read(date), open_series(plain).read(date), equal_nan=True)
    state = file_state(series.entries[0].path)
    assert state[1] == os.stat(state[0]).st_size
    # Beside plain rasters, packed ones are the archive that these came from.
    if way != "one file":
        shutil.copy(files[0], folder)
        assert len(open_series(folder).dates) == 1


@pytest.mark.parametrize("size", [0.0500000007450581, 0.05000001, 0.0500001, 0.04999999])
def test_cell_sizes_of_too_few_digits_are_the_same(size):
    chirps = Grid("EPSG:4326", -180, 50, 0.05, 0.05, 7200, 2000)
    assert same_grid(chirps, Grid("EPSG:4326", -180, 50, size, size, 7200, 2000))
    assert not same_grid(chirps, Grid("EPSG:4326", -180, 50, 0.050001, 0.050001, 7200, 2000))
    assert not same_grid(chirps, Grid("EPSG:4326", -179.999, 50, size, size, 7200, 2000))
