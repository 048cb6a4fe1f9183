"""Rain from files: antecedent series and seasonal stacks, against plain NumPy."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re

import numpy as np
import pytest
from osgeo import gdal

from rain_cases import days_from, rain, raw, tags_of, write_days, write_netcdf, write_raster
from raster_cases import Listener
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.geo.grid import Bounds, Grid
from smap_downscaler.runs.fingerprint import file_state
from smap_downscaler.series.dated import dated_covariates
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.rain import antecedent as rain_antecedent
from smap_downscaler.steps.rain import reading as rain_reading
from smap_downscaler.steps.rain.antecedent import antecedent_file, antecedent_precipitation
from smap_downscaler.steps.rain.numbers.antecedent import Antecedent
from smap_downscaler.steps.rain.numbers.seasons import DEFAULT_SEASONS, parse_seasons
from smap_downscaler.steps.rain.reading import RainReader, unit_doubt, window_of
from smap_downscaler.steps.rain.seasonal import seasonal_precipitation

P3 = Antecedent()
FOUR = parse_seasons(DEFAULT_SEASONS)
NODATA = np.float32(-9999)


def day(text):
    return dt.date.fromisoformat(text)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def sentence(call, *arguments, **more):
    with pytest.raises(InputError) as caught:
        call(*arguments, **more)
    return str(caught.value)


# Antecedent precipitation.


def test_means_of_the_days_before_across_a_leap_february(tmp_path):
    dates, values = days_from("2020-02-26", 6), rain(6)
    values[1, 0, 0] = -9999
    source = write_days(tmp_path / "chirps", dates, values)
    result = antecedent_precipitation(source, tmp_path / "p_antecedent", P3)
    assert result.dates == days_from("2020-02-29", 4)
    for index, date in enumerate(result.dates):
        found = raw(antecedent_file(result.folder, date))
        expected = (values[index + 2].astype("f8") + values[index + 1] + values[index]) / 3
        if index < 2:
            assert found[0, 0] == NODATA
            expected[0, 0] = NODATA
        np.testing.assert_array_equal(found, expected.astype("f4"))


def test_what_a_raster_says_of_itself(tmp_path):
    source = write_days(tmp_path / "chirps", days_from("2020-12-29", 4), rain(4))
    antecedent_precipitation(source, tmp_path / "out", P3)
    dataset = gdal.Open(str(tmp_path / "out" / "p_antecedent_20210101.tif"))
    band, tags = dataset.GetRasterBand(1), dataset.GetMetadata()
    assert (band.GetUnitType(), band.GetNoDataValue(), band.DataType) == ("mm/d", -9999, gdal.GDT_Float32)
    assert {name: tags[name] for name in ("DATE", "DAYS", "LAG", "DAYS_USED", "SOURCE")} == {
        "DATE": "2021-01-01", "DAYS": "3", "LAG": "1", "DAYS_USED": "2020-12-29 to 2020-12-31",
        "SOURCE": "chirps",
    }  # fmt: skip
    assert tags["SMAP_DOWNSCALER_KIND"] == "rain"
    (dated,) = dated_covariates([open_series(tmp_path / "out", "wet")])
    assert dated.declared_rain
    assert names(source) == sorted(f"chirps-v2.0.{date:%Y.%m.%d}.tif" for date in days_from("2020-12-29", 4))


@pytest.mark.parametrize(("days", "lag"), [(1, 0), (1, 1), (2, 3), (5, 0), (8, 2)])
def test_other_days_and_lags(tmp_path, days, lag):
    dates, values = days_from("2019-12-20", 15), rain(15)
    source = write_days(tmp_path / "in", dates, values)
    result = antecedent_precipitation(source, tmp_path / "out", Antecedent(days, lag))
    assert result.dates[0] == dates[days - 1] + dt.timedelta(days=lag)
    assert result.dates[-1] == dates[-1] + dt.timedelta(days=lag)
    for index, date in enumerate(result.dates):
        expected = values[index : index + days].astype("f8").mean(axis=0)
        np.testing.assert_allclose(raw(antecedent_file(result.folder, date)), expected, rtol=1e-7)


def test_netcdf_and_bands_give_the_same_as_files(tmp_path):
    dates, values = days_from("2017-12-30", 8), rain(8)
    folder = write_days(tmp_path / "files", dates, values)
    netcdf = write_netcdf(tmp_path / "rain.nc", values, range(8), "days since 2017-12-30 12:00:00")
    bands = write_raster(tmp_path / "bands.tif", values, [date.isoformat() for date in dates])
    found = []
    for number, source in enumerate((folder, netcdf, bands)):
        result = antecedent_precipitation(source, tmp_path / str(number), P3)
        found.append(np.stack([raw(antecedent_file(result.folder, date)) for date in result.dates]))
        assert result.dates == days_from("2018-01-02", 6)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_a_missing_day_gives_nodata_and_one_warning(tmp_path):
    dates = days_from("2020-01-01", 10)
    source = write_days(tmp_path / "in", dates[:4] + dates[5:], rain(9))
    said = Listener()
    result = antecedent_precipitation(source, tmp_path / "out", P3, progress=said)
    assert result.empty == days_from("2020-01-06", 3)
    assert [bool((raw(antecedent_file(result.folder, date)) == NODATA).all()) for date in result.dates] == [
        date in result.empty for date in result.dates
    ]
    assert said.warnings == [f"{source}: missing days, 1 in all: 2020-01-05; so 3 of 8 rasters are NoData."]
    assert tags_of(antecedent_file(result.folder, day("2020-01-07")))["DAYS_MISSING"] == "2020-01-05"


def test_rain_without_any_value_is_no_empty_result(tmp_path):
    nothing = np.full((4, *rain(1)[0].shape), np.nan)
    source = write_days(tmp_path / "in", days_from("2020-01-01", 4), nothing)
    with pytest.raises(InputError) as caught:
        antecedent_precipitation(source, tmp_path / "out", P3)
    assert str(caught.value) == (
        f"{source}: no cell has a value on all of the days before any of the dates from 2020-01-04 to "
        "2020-01-05; check NoData, INPUT and EXTENT."
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("memory", [512, 0])
def test_one_day_without_a_value_is_reported(tmp_path, memory):
    values = rain(10)
    values[4] = np.nan
    source = write_days(tmp_path / "in", days_from("2020-01-01", 10), values)
    said = Listener()
    result = antecedent_precipitation(source, tmp_path / "out", P3, progress=said, memory_mb=memory)
    assert result.without_value == days_from("2020-01-06", 3)
    assert result.empty == []
    assert said.warnings == [
        f"{source}: no cell has a value on all of the days before 2020-01-06 to 2020-01-08; so 3 of 8 "
        "rasters are NoData."
    ]


def test_more_rain_than_can_fall_is_a_code_that_nobody_declared(tmp_path):
    rasters = rain(5)
    rasters[2, 1, 1] = 1e20
    source = write_days(tmp_path / "rain", days_from("2020-01-01", 5), rasters)
    odd = source / "chirps-v2.0.2020.01.03.tif"
    assert sentence(antecedent_precipitation, source, tmp_path / "out", P3) == (
        f"{odd}: band 1 holds 1e+20 mm, more rain than can fall; if that means 'no value', declare it by "
        "NODATA."
    )
    assert not (tmp_path / "out").exists()


def test_start_and_end(tmp_path):
    source = write_days(tmp_path / "in", days_from("2020-01-01", 10), rain(10))
    result = antecedent_precipitation(
        source, tmp_path / "out", P3, start=day("2020-01-05"), end=day("2020-01-06")
    )
    assert names(tmp_path / "out") == ["p_antecedent_20200105.tif", "p_antecedent_20200106.tif"]
    assert result.dates == days_from("2020-01-05", 2)


def test_dates_beyond_the_record_are_left_out_with_a_warning(tmp_path):
    source = write_days(tmp_path / "in", days_from("2020-01-01", 5), rain(5))
    said = Listener()
    result = antecedent_precipitation(
        source, tmp_path / "out", P3, start=day("2019-12-01"), end=day("2020-02-01"), progress=said
    )
    assert result.dates == days_from("2020-01-04", 3)
    assert said.warnings == [
        f"{source}: it runs from 2020-01-01 to 2020-01-05: no raster of 2019-12-01 to 2020-01-03.",
        f"{source}: it runs from 2020-01-01 to 2020-01-05: no raster of 2020-01-07 to 2020-02-01.",
    ]


def test_extent_keeps_every_touched_cell(tmp_path):
    dates, values = days_from("2020-01-01", 3), rain(3)
    source = write_days(tmp_path / "in", dates, values)
    extent = Bounds(-79.85, -5.25, -79.75, -5.15), "EPSG:4326"
    result = antecedent_precipitation(source, tmp_path / "out", Antecedent(1), extent)
    assert (result.grid.shape, result.grid.left, result.grid.top) == ((2, 2), -79.9, -5.1)
    for date, whole in zip(result.dates, values, strict=True):
        np.testing.assert_array_equal(raw(antecedent_file(result.folder, date)), whole[1:3, 1:3])


def test_extent_in_another_crs_and_longitudes_to_360():
    extent = Bounds(500000, 9400000, 550000, 9450000), "EPSG:32717"
    west = Grid("EPSG:4326", -90, 0, 0.5, 0.5, 40, 20)
    east = Grid("EPSG:4326", 270, 0, 0.5, 0.5, 40, 20)
    window = window_of(west, extent, "rain")
    assert window == window_of(east, extent, "rain")
    box = west.crop(window).bounds
    assert box.left <= -81 < box.right
    assert box.bottom < -5.43 < -4.97 < box.top


def test_a_large_raster_is_read_in_blocks_with_the_same_bits(tmp_path, monkeypatch):
    dates, values = days_from("2020-01-01", 5), rain(5, (600, 530))
    source = write_days(tmp_path / "in", dates, values)
    whole = antecedent_precipitation(source, tmp_path / "whole", P3)
    for module in (rain_antecedent, rain_reading):
        monkeypatch.setattr(module, "CELLS_A_BLOCK", 1 << 16)
    blocks = antecedent_precipitation(source, tmp_path / "blocks", P3, memory_mb=1)
    for date in whole.dates:
        np.testing.assert_array_equal(
            raw(antecedent_file(whole.folder, date)), raw(antecedent_file(blocks.folder, date))
        )


def discarding(made):
    """A writer that keeps the one value of each raster instead of thousands of files."""

    @contextlib.contextmanager
    def create(path, *_given):
        class Target:
            def write(self, values, _window):
                made[path.name] = float(values[0, 0])

        yield Target()

    return create


def count_reads(monkeypatch):
    read = []
    original = RainReader.read

    def counting(self, path, band, window):
        read.append((path, band))
        return original(self, path, band, window)

    monkeypatch.setattr(RainReader, "read", counting)
    return read


def test_each_day_is_read_once(tmp_path, monkeypatch):
    source = write_days(tmp_path / "in", days_from("2020-01-01", 20), rain(20))
    read = count_reads(monkeypatch)
    antecedent_precipitation(source, tmp_path / "out", Antecedent(7))
    assert len(read) == len(set(read)) == 20


def test_years_of_days_take_the_memory_of_a_few(tmp_path, monkeypatch):
    """Seven years in one file: never more days are held than a date needs."""
    days = 7 * 365 + 2
    values = np.broadcast_to(np.arange(days, dtype=np.float32)[:, None, None], (days, 1, 1))
    source = write_netcdf(tmp_path / "rain.nc", values, range(days), "days since 2014-01-01")
    held, blocks_of = [], rain_antecedent.Days.blocks

    def counted(self, used, grid):
        yield from blocks_of(self, used, grid)
        held.append(len(self._held))

    monkeypatch.setattr(rain_antecedent.Days, "blocks", counted)
    monkeypatch.setattr(rain_antecedent, "create_geotiff", discarding(made := {}))
    result = antecedent_precipitation(source, tmp_path / "out", Antecedent(5))
    assert result.dates == days_from("2014-01-06", days - 4)
    assert max(held) == 5
    # The last mean is that of the last five days.
    assert made["p_antecedent_20210101.tif"] == pytest.approx(np.mean(np.arange(days - 5, days)))


def test_a_rerun_keeps_what_is_unchanged(tmp_path, monkeypatch):
    dates, values = days_from("2020-01-01", 8), rain(8)
    source = write_days(tmp_path / "in", dates[:6], values[:6])
    first = antecedent_precipitation(source, tmp_path / "out", P3)
    assert first.kept == []
    write_days(source, dates[6:], values[6:])
    changed = write_raster(source / "chirps-v2.0.2020.01.01.tif", values[0] + 1)
    os.utime(changed, (1, 1))
    read = count_reads(monkeypatch)
    second = antecedent_precipitation(source, tmp_path / "out", P3)
    assert second.kept == days_from("2020-01-05", 3)
    assert len(second.dates) == 6
    assert len(read) == 3 + 4  # three days for the first date; four more for the two new dates
    np.testing.assert_allclose(
        raw(antecedent_file(second.folder, dates[3])), values[:3].mean(axis=0) + 1 / 3, rtol=1e-6
    )


def test_a_damaged_raster_is_made_again(tmp_path):
    source = write_days(tmp_path / "in", days_from("2020-01-01", 4), rain(4))
    result = antecedent_precipitation(source, tmp_path / "out", P3)
    path = antecedent_file(result.folder, result.dates[0])
    before = raw(path)
    path.write_bytes(b"no raster")
    again = antecedent_precipitation(source, tmp_path / "out", P3)
    assert again.kept == result.dates[1:]
    np.testing.assert_array_equal(raw(path), before)


def test_cancel_leaves_whole_files_only_and_a_rerun_goes_on(tmp_path):
    source = write_days(tmp_path / "in", days_from("2020-01-01", 12), rain(12))
    with pytest.raises(Cancelled):
        antecedent_precipitation(source, tmp_path / "out", P3, progress=Listener(18))
    left = names(tmp_path / "out")
    assert 0 < len(left) < 10
    assert all(re.fullmatch(r"p_antecedent_\d{8}\.tif", name) for name in left)
    result = antecedent_precipitation(source, tmp_path / "out", P3)
    assert [f"p_antecedent_{date:%Y%m%d}.tif" for date in result.kept] == left
    assert len(result.dates) == 10


def test_leftovers_of_another_kind_are_refused(tmp_path):
    source = write_days(tmp_path / "in", days_from("2020-01-01", 10), rain(10))
    out = tmp_path / "out"
    antecedent_precipitation(source, out, P3)
    assert sentence(antecedent_precipitation, source, out, Antecedent(5)) == (
        f"OUTPUT: {out / 'p_antecedent_20200104.tif'} is from another run (DAYS 3 instead of 5) and its "
        "date is not among those made now; choose an empty folder, or remove it."
    )
    extent = Bounds(-79.85, -5.25, -79.75, -5.15), "EPSG:4326"
    assert sentence(antecedent_precipitation, source, out, P3, extent, day("2020-01-06")) == (
        f"OUTPUT: {out / 'p_antecedent_20200104.tif'} is from another run (other cells) and its date is "
        "not among those made now; choose an empty folder, or remove it."
    )


@pytest.mark.parametrize(
    ("days", "more", "expected"),
    [
        (
            2,
            {},
            "{source}: it runs from 2020-01-01 to 2020-01-02, too short for the mean of 3 days; give a "
            "longer series or fewer DAYS.",
        ),
        (
            6,
            {"start": dt.date(2021, 1, 1)},
            "{source}: it runs from 2020-01-01 to 2020-01-06, so there are means of the 3 preceding days "
            "from 2020-01-04 to 2020-01-07 only; choose START and END there.",
        ),
        (
            6,
            {"end": dt.date(2020, 1, 3)},
            "{source}: it runs from 2020-01-01 to 2020-01-06, so there are means of the 3 preceding days "
            "from 2020-01-04 to 2020-01-07 only; choose START and END there.",
        ),
        (
            6,
            {"extent": (Bounds(10, 10, 11, 11), "EPSG:4326")},
            "EXTENT: it does not meet the cells of {source}; choose an extent over them.",
        ),
    ],
)
def test_bad_requests(tmp_path, days, more, expected):
    source = write_days(tmp_path / "in", days_from("2020-01-01", days), rain(days))
    assert sentence(antecedent_precipitation, source, tmp_path / "out", P3, **more) == expected.format(
        source=source
    )
    assert not (tmp_path / "out").exists()


def test_no_date_has_all_its_days(tmp_path):
    source = write_days(tmp_path / "in", days_from("2020-01-01", 9)[::2], rain(5))
    assert sentence(antecedent_precipitation, source, tmp_path / "out", P3) == (
        f"{source}: none of the dates from 2020-01-04 to 2020-01-10 has all of its 3 preceding days "
        "(missing: 2020-01-02, 2020-01-04, 2020-01-06, 2020-01-08); add them or choose other dates."
    )


def test_folders_are_checked(tmp_path):
    source = write_days(tmp_path / "in", days_from("2020-01-01", 4), rain(4))
    assert sentence(antecedent_precipitation, tmp_path / "none", tmp_path / "out", P3) == (
        f"INPUT: {tmp_path / 'none'} does not exist; check the path."
    )
    file = next(source.iterdir())
    assert sentence(antecedent_precipitation, source, file, P3) == (
        f"OUTPUT: {file} is a file; choose a folder."
    )


@pytest.mark.parametrize(
    ("unit", "monthly", "odd"),
    [
        ("", False, False), ("mm", False, False), ("mm/day", False, False), ("mm d-1", False, False),
        ("mm per day", False, False), ("kg m-2", False, False), ("millimeters/day", False, False),
        ("mm/h", False, True), ("kg m-2 s-1", False, True), ("m", False, True), ("mm/month", False, True),
        ("mm", True, False), ("mm/month", True, False), ("mm month-1", True, False), ("mm/day", True, True),
    ],
)  # fmt: skip
def test_units(unit, monthly, odd):
    assert bool(unit_doubt(unit, monthly)) == odd


def test_a_unit_that_is_not_mm_a_day_is_warned_of(tmp_path):
    source = write_days(tmp_path / "in", days_from("2020-01-01", 4), rain(4), unit="mm/h")
    said = Listener()
    antecedent_precipitation(source, tmp_path / "out", P3, progress=said)
    assert said.warnings == [
        f"{source}: its unit is 'mm/h'; its numbers are taken as mm a day. If they are not, convert them "
        "first."
    ]


def test_state_of_a_subdataset_is_that_of_its_file(tmp_path):
    path = write_netcdf(tmp_path / "rain.nc", rain(2), range(2), "days since 2020-01-01")
    assert file_state(f'NETCDF:"{path}":precip') == file_state(str(path))
    assert file_state(str(path))[1] == path.stat().st_size


# Seasonal precipitation.


def seasonal_by_hand(dates, values, months):
    chosen = np.array([date.month in months for date in dates])
    return np.nanmean(np.where(values < 0, np.nan, values.astype("f8"))[chosen], axis=0)


def test_daily_means_over_leap_and_incomplete_years(tmp_path):
    dates = days_from("2019-11-20", 500)
    values = rain(500, (2, 3))
    values[40:45, 0, 0] = -9999
    source = write_netcdf(tmp_path / "pisco.nc", values, range(500), "days since 2019-11-20 12:00:00")
    said = Listener()
    seasonal_precipitation(source, tmp_path / "stack.tif", "daily", FOUR, progress=said)
    stack = open_stack(tmp_path / "stack.tif")
    assert stack.names == ("p_djf", "p_mam", "p_jja", "p_son")
    assert stack.units == ("mm/d",) * 4
    for number, season in enumerate(FOUR, start=1):
        np.testing.assert_allclose(
            raw(tmp_path / "stack.tif", number), seasonal_by_hand(dates, values, season.months), rtol=1e-6
        )
    assert said.lines[0] == (
        "Incomplete years, of which every day that is there counts the same: 2019 (42 of 365 days), "
        "2021 (92 of 365 days)."
    )
    assert said.lines[1].startswith(
        "p_djf: 181 days (December 62, January 62, February 57), mean over the cells "
    )
    assert said.warnings == []


def test_what_a_band_says_of_itself(tmp_path):
    source = write_days(tmp_path / "in", days_from("2020-02-01", 29), rain(29))
    seasonal_precipitation(source, tmp_path / "s.tif", "daily", parse_seasons("feb=2"))
    dataset = gdal.Open(str(tmp_path / "s.tif"))
    tags = dataset.GetRasterBand(1).GetMetadata()
    assert (tags["MONTHS"], tags["DAYS"]) == ("2", "29")
    assert dataset.GetMetadata()["PERIOD"] == "2020-02-01 to 2020-02-29"
    assert dataset.GetMetadata()["KIND"] == "daily"


def test_missing_days_are_counted_and_few_days_warned_of(tmp_path):
    dates = days_from("2021-06-01", 92)
    kept = dates[:10] + dates[40:]
    values = rain(len(kept))
    values[:40, 1, 1] = -9999
    source = write_days(tmp_path / "in", kept, values)
    said = Listener()
    seasonal_precipitation(source, tmp_path / "s.tif", "daily", parse_seasons("p_jja=6,7,8"), progress=said)
    assert said.lines[0] == "Missing days, left out: 30 of 92 (2021-06-11 to 2021-07-10)."
    assert said.warnings == [
        "p_jja: only 62 of the 92 days in 2021-06-01 to 2021-08-31 are there (67 %, less than 80 %).",
        "p_jja: 1 of 20 cells have a value on less than 80 % of these days.",
    ]
    np.testing.assert_allclose(raw(tmp_path / "s.tif"), seasonal_by_hand(kept, values, (6, 7, 8)), rtol=1e-6)


def test_a_month_without_any_day_is_warned_of(tmp_path):
    source = write_days(tmp_path / "in", days_from("2021-04-01", 61), rain(61))
    said = Listener()
    seasonal_precipitation(source, tmp_path / "s.tif", "daily", parse_seasons("p_mam=3,4,5"), progress=said)
    assert said.warnings == ["p_mam: the record holds no day of March; the mean is that of the other months."]


def test_start_end_and_extent_of_a_daily_record(tmp_path):
    dates, values = days_from("2021-01-01", 31), rain(31)
    source = write_days(tmp_path / "in", dates, values)
    seasonal_precipitation(
        source, tmp_path / "s.tif", "daily", parse_seasons("p=1"),
        (Bounds(-79.85, -5.25, -79.75, -5.15), "EPSG:4326"), day("2021-01-11"), day("2021-01-20"),
    )  # fmt: skip
    np.testing.assert_allclose(
        raw(tmp_path / "s.tif"), values[10:20, 1:3, 1:3].astype("f8").mean(axis=0), rtol=1e-6
    )


@pytest.mark.parametrize("form", ["files", "netcdf", "months since", "bands"])
def test_monthly_totals_are_divided_by_the_days_of_the_month(tmp_path, form):
    months = [(2019 + number // 12, number % 12 + 1) for number in range(36)]
    totals = rain(36) * 30
    totals[1, 0, 0] = -9999  # February 2019
    if form == "files":
        for (year, month), values in zip(months, totals, strict=True):
            write_raster(tmp_path / "in" / f"chirps-v2.0.{year}.{month:02d}.tif", values)
        source = tmp_path / "in"
    elif form == "netcdf":
        numbers = [(dt.date(year, month, 15) - dt.date(1960, 1, 1)).days for year, month in months]
        source = write_netcdf(tmp_path / "m.nc", totals, numbers, "days since 1960-01-01")
    elif form == "months since":
        numbers = [708 + number + 0.5 for number in range(36)]
        source = write_netcdf(tmp_path / "m.nc", totals, numbers, "months since 1960-01-01", "360_day")
    else:
        source = write_raster(tmp_path / "m.tif", totals, [f"{year}-{month:02d}" for year, month in months])
    seasonal_precipitation(source, tmp_path / "s.tif", "monthly", FOUR)
    djf = {11, 0, 1, 23, 12, 13, 35, 24, 25}
    days = 3 * 31 + 3 * 31 + 28 + 29 + 28
    expected = sum(totals[index].astype("f8") for index in djf) / days
    expected[0, 0] = sum(float(totals[index, 0, 0]) for index in djf - {1}) / (days - 28)
    np.testing.assert_allclose(raw(tmp_path / "s.tif"), expected, rtol=1e-6)


def test_months_count_that_lie_wholly_inside(tmp_path):
    totals = rain(4) + 1
    for month, values in enumerate(totals, start=1):
        write_raster(tmp_path / "in" / f"p_2021{month:02d}.tif", values)
    year = parse_seasons("p=1,2,3,4")
    said = Listener()
    seasonal_precipitation(
        tmp_path / "in",
        tmp_path / "s.tif",
        "monthly",
        year,
        None,
        day("2021-01-02"),
        day("2021-03-31"),
        0.8,
        said,
    )
    np.testing.assert_allclose(
        raw(tmp_path / "s.tif"), (totals[1].astype("f8") + totals[2]) / (28 + 31), rtol=1e-6
    )
    assert said.lines[0].endswith("2021 (2 of 12 months).")
    assert sentence(
        seasonal_precipitation, tmp_path / "in", tmp_path / "t.tif", "monthly", year, start=day("2021-04-02")
    ) == (
        f"{tmp_path / 'in'}: it holds no whole month from 2021-04-02 to its end (it runs from 2021-01 to "
        "2021-04); choose other dates."
    )


def test_missing_months_are_named(tmp_path):
    for month in (1, 2, 5):
        write_raster(tmp_path / "in" / f"p_2021{month:02d}.tif", rain(1)[0])
    said = Listener()
    seasonal_precipitation(
        tmp_path / "in", tmp_path / "s.tif", "monthly", parse_seasons("a=1,2"), progress=said
    )
    assert said.lines[0] == "Missing months, left out: 2 of 5 (2021-03, 2021-04)."


def climatology(folder, totals, name="{:02d}.tif"):
    for month, values in enumerate(totals, start=1):
        write_raster(folder / name.format(month), values)
    return folder


def annual(path, seasons=FOUR):
    """Rain of a year by a stack of four seasons."""
    lengths = (90.25, 92, 92, 91)
    return sum(raw(path, number).astype("f8") * length for number, length in enumerate(lengths, start=1))


@pytest.mark.parametrize("form", ["files", "names", "bands", "described", "netcdf"])
def test_climatologies_keep_the_sum_of_the_year(tmp_path, form):
    totals = rain(12) * 30
    spanish = ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"]
    if form == "files":
        source = climatology(tmp_path / "in", totals)
    elif form == "names":
        source = tmp_path / "in"
        for word, values in zip(spanish, totals, strict=True):
            write_raster(source / f"clim_1981-2010_{word}.tif", values)
    elif form == "bands":
        source = write_raster(tmp_path / "c.tif", totals)
    elif form == "described":
        source = write_raster(tmp_path / "c.tif", totals[::-1], spanish[::-1])
    else:
        source = write_netcdf(
            tmp_path / "c.nc", totals, [n + 0.5 for n in range(12)], "months since 1960-01-01"
        )
    seasonal_precipitation(source, tmp_path / "s.tif", "climatology", FOUR)
    np.testing.assert_allclose(annual(tmp_path / "s.tif"), totals.sum(axis=0, dtype="f8"), rtol=1e-6)
    np.testing.assert_allclose(
        raw(tmp_path / "s.tif"), totals[[11, 0, 1]].sum(axis=0, dtype="f8") / 90.25, rtol=1e-6
    )


def test_a_cell_of_a_climatology_needs_all_months(tmp_path):
    totals = rain(12) + 1
    totals[3, 2, 2] = -9999
    source = climatology(tmp_path / "in", totals)
    seasonal_precipitation(source, tmp_path / "s.tif", "climatology", FOUR)
    lost = [(raw(tmp_path / "s.tif", number) == NODATA).sum() for number in range(1, 5)]
    assert lost == [0, 1, 0, 0]
    assert raw(tmp_path / "s.tif", 2)[2, 2] == NODATA


def test_blocks_give_the_same_bits(tmp_path):
    source = write_days(tmp_path / "in", days_from("2021-01-01", 4), rain(4, (300, 520)))
    one = parse_seasons("p=1")
    seasonal_precipitation(source, tmp_path / "whole.tif", "daily", one)
    seasonal_precipitation(source, tmp_path / "blocks.tif", "daily", one, memory_mb=1)
    np.testing.assert_array_equal(raw(tmp_path / "whole.tif"), raw(tmp_path / "blocks.tif"))


def test_cancel_leaves_no_stack(tmp_path):
    source = write_days(tmp_path / "in", days_from("2021-01-01", 10), rain(10))
    with pytest.raises(Cancelled):
        seasonal_precipitation(
            source,
            tmp_path / "out" / "s.tif",
            "daily",
            parse_seasons("p=1"),
            progress=Listener(15),
        )
    assert names(tmp_path / "out") == []


def test_refused_records(tmp_path):
    out = tmp_path / "s.tif"
    days = write_days(tmp_path / "days", days_from("2021-01-01", 4), rain(4))
    months = tmp_path / "months"
    for month in (1, 2, 3):
        write_raster(months / f"p_2021{month:02d}01.tif", rain(1)[0])
    year = climatology(tmp_path / "year", rain(12))
    one = parse_seasons("p=1")

    def refused(source, kind, seasons=one, **more):
        return sentence(seasonal_precipitation, source, out, kind, seasons, **more)

    assert refused(months, "daily") == f"{months}: its dates lie a month or more apart; set KIND to monthly."
    for kind in ("daily", "monthly"):
        assert refused(year, kind) == (
            f"{year}: its rasters are named after the twelve months and hold no dates; set KIND to "
            "climatology."
        )
    assert refused(days, "monthly") == (
        f"{days}/chirps-v2.0.2021.01.01.tif and {days}/chirps-v2.0.2021.01.02.tif have the same month "
        "2021-01; keep one of them, or set KIND to daily if they are days."
    )
    assert refused(days, "climatology") == (
        f"{days}/chirps-v2.0.2021.01.01.tif: its name holds a date, so this is no climatology; "
        "set KIND to monthly or daily."
    )
    assert refused(days, "yearly") == "KIND is 'yearly'; give one of daily, monthly, climatology."
    assert refused(year, "climatology", start=day("2021-01-01")) == (
        "START and END: a climatology has no dates; leave them empty."
    )
    assert refused(days, "daily", FOUR) == (
        f"{days}: it holds no day of p_mam (March, April, May); leave this season out of SEASONS, or give a "
        "longer record."
    )
    assert not out.exists()


def test_refused_climatologies(tmp_path):
    how = "name the rasters 01.tif ... 12.tif (or ending in the month), or give one raster of 12 bands"

    def refused(source):
        return sentence(seasonal_precipitation, source, tmp_path / "s.tif", "climatology", FOUR)

    source = climatology(tmp_path / "eleven", rain(11))
    assert refused(source) == f"{source}: the climatology has no December; give all twelve months, {how}."
    source = climatology(tmp_path / "twice", rain(12))
    write_raster(source / "clim_may.tif", rain(1)[0])
    assert (
        refused(source)
        == f"{source}/05.tif and {source}/clim_may.tif are both named after May; keep one of them."
    )
    source = climatology(tmp_path / "annual", rain(12))
    write_raster(source / "annual.tif", rain(1)[0])
    assert (
        refused(source) == f"{source}/annual.tif: its name does not end in a month; for a climatology {how}."
    )
    source = climatology(tmp_path / "grids", rain(12))
    write_raster(source / "07.tif", rain(1, (4, 6))[0])
    assert refused(source) == (
        f"{source}/07.tif: its grid differs from that of {source}/01.tif; all months need one grid."
    )
    source = write_raster(tmp_path / "ten.tif", rain(10))
    assert refused(source) == f"{source}: it has 10 bands, not twelve; for a climatology {how}."
    source = write_raster(tmp_path / "odd.tif", rain(12), ["rain 1"] * 12)
    assert refused(source) == (
        f"{source}: its 12 bands are not named after the 12 months; describe them as January ... December."
    )
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "empty") == (
        f"{tmp_path / 'empty'}: the folder holds no raster; choose the folder that holds those of the months."
    )


def test_monthly_names_without_a_month(tmp_path):
    path = write_raster(tmp_path / "in" / "rain.tif", rain(1)[0])
    assert sentence(seasonal_precipitation, path.parent, tmp_path / "s.tif", "monthly", FOUR) == (
        f"{path}: its name holds no year and month; rename it so that it does, such as name_202101.tif "
        "(YYYYMM, YYYY-MM or YYYY.MM), or set KIND to climatology."
    )


def test_a_season_without_any_value(tmp_path):
    source = write_days(tmp_path / "in", days_from("2021-01-01", 3), np.full((3, 2, 2), -9999))
    assert (
        sentence(seasonal_precipitation, source, tmp_path / "out" / "s.tif", "daily", parse_seasons("p=1"))
        == f"{source}: p has no cell with a value; check NoData, INPUT and EXTENT."
    )
    assert names(tmp_path / "out") == []


def test_a_stack_is_a_geotiff(tmp_path):
    source = write_days(tmp_path / "in", days_from("2021-01-01", 3), rain(3))
    one = parse_seasons("p=1")
    assert sentence(seasonal_precipitation, source, tmp_path / "s.vrt", "daily", one) == (
        f"OUTPUT: {tmp_path / 's.vrt'} is no GeoTIFF by its name; end it in .tif."
    )


# Real files.


def test_real_chirps_days(shared_data, tmp_path):
    source = shared_data / "chirps_daily_bfa"
    before = names(source)
    result = antecedent_precipitation(source, tmp_path / "p_antecedent", P3)
    assert result.dates == days_from("2017-05-03", 31)
    for date in result.dates:
        days = [date - dt.timedelta(days=back) for back in (1, 2, 3)]
        stack = np.stack([raw(source / f"chirps-v2.0.{one:%Y.%m.%d}.tif") for one in days]).astype("f8")
        stack[stack < 0] = np.nan
        expected = stack.mean(axis=0).astype("f4")
        found = raw(antecedent_file(result.folder, date))
        np.testing.assert_allclose(np.where(found == NODATA, np.nan, found), expected, rtol=1e-6)
    assert names(source) == before


@pytest.mark.parametrize(("product", "undershoots"), [("PISCOpclim", 342), ("CHPclim", 0)])
def test_real_climatologies_of_peru(shared_data, tmp_path, product, undershoots):
    source = shared_data / "pisco_clim_peru" / product
    before = names(source)
    said = Listener()
    seasonal_precipitation(source, tmp_path / "s.tif", "climatology", FOUR, progress=said)
    totals = np.stack([raw(source / f"{month:02d}.tif") for month in range(1, 13)]).astype("f8")
    outside = (totals < -1e38).any(axis=0)
    assert outside.sum() == 6717
    totals = totals.clip(min=0)
    seasons = [((12, 1, 2), 90.25), ((3, 4, 5), 92), ((6, 7, 8), 92), ((9, 10, 11), 91)]
    for number, (months, days) in enumerate(seasons, start=1):
        expected = sum(totals[month - 1] for month in months) / days
        found = raw(tmp_path / "s.tif", number)
        np.testing.assert_array_equal(found == NODATA, outside)
        np.testing.assert_allclose(found[~outside], expected[~outside], rtol=1e-6)
    np.testing.assert_allclose(annual(tmp_path / "s.tif")[~outside], totals.sum(axis=0)[~outside], rtol=1e-6)
    assert any(
        f"{undershoots} values from -0.1 to 0 mm were taken as 0." in line for line in said.lines
    ) == bool(undershoots)
    assert names(source) == before


def around_the_earth(folder, left):
    """Rain of three days in cells of 10 degrees: their longitude from -180 to 180, and the day."""
    longitudes = (left + 5 + 10 * np.arange(36) + 180) % 360 - 180
    days = [np.broadcast_to(longitudes + 200 + number, (4, 36)) for number in range(3)]
    for date, values in zip(days_from("2020-01-01", 3), days):
        write_raster(folder / f"rain_{date:%Y%m%d}.tif", values)
        dataset = gdal.Open(str(folder / f"rain_{date:%Y%m%d}.tif"), gdal.GA_Update)
        dataset.SetGeoTransform((left, 10, 0, 20, 0, -10))
        del dataset
    return folder


@pytest.mark.parametrize("left", [0.0, -180.0, -5.0])
@pytest.mark.parametrize(
    ("extent", "columns", "first"),
    [
        ((Bounds(-19, -9, 19, 9), "EPSG:4326"), 4, -20),
        ((Bounds(161, -9, 199, 9), "EPSG:4326"), 4, 160),
        ((Bounds(-199, -9, -161, 9), "EPSG:4326"), 4, -200),
        ((Bounds(-79, -9, -61, 9), "EPSG:4326"), 2, -80),
        # Mercator of the Pacific: 172 E to 173 W.
        ((Bounds(2.46e6, -9e5, 4.1e6, 9e5), "EPSG:3832"), 2, 170),
    ],
)
def test_an_extent_across_the_ends_of_the_longitudes_is_whole(tmp_path, left, extent, columns, first):
    source = around_the_earth(tmp_path / "in", left)
    result = antecedent_precipitation(source, tmp_path / "out", Antecedent(1), extent)
    seasonal_precipitation(source, tmp_path / "s.tif", "daily", parse_seasons("p_jan=1"), extent)
    if left == -5:
        # Its cells lie half a cell off.
        columns, first = columns + 1, first - 5
    assert (result.grid.left, result.grid.shape) == (first, (2, columns))
    longitudes = (first + 5 + 10 * np.arange(columns) + 180) % 360 - 180
    for number, date in enumerate(result.dates):
        found = raw(antecedent_file(result.folder, date))
        np.testing.assert_array_equal(found, np.broadcast_to(longitudes + 200 + number, found.shape))
    np.testing.assert_array_equal(raw(tmp_path / "s.tif"), np.broadcast_to(longitudes + 201, (2, columns)))
    assert gdal.Open(str(tmp_path / "s.tif")).GetGeoTransform()[0] == first


def test_an_extent_over_both_ends_of_an_open_circle_is_refused():
    grid = Grid("EPSG:4326", 0, 20, 10, 10, 35, 4)
    assert sentence(window_of, grid, (Bounds(-19, -9, 19, 9), "EPSG:4326"), "rain") == (
        "EXTENT: it lies over both ends of rain (0 and 350 degrees), which do not join; choose an extent on "
        "one "
        "side of them."
    )
