"""NetCDF: time axes as CF writes them, packing, variables, calendars."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raster_cases import netcdf
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.grid import Grid
from smap_downscaler.series.netcdf_time import decode_times
from smap_downscaler.series.series import open_series

VALUES = np.arange(36, dtype=np.float32).reshape(3, 3, 4)
DAYS = [dt.date(1999, 12, 31), dt.date(2000, 1, 1), dt.date(2000, 1, 2)]


@pytest.mark.parametrize(
    ("times", "units", "calendar"),
    [
        ([-1, 0, 1], "days since 2000-01-01", "standard"),
        ([-0.5, 0.5, 1.5], "days since 2000-1-1 00:00:00", "proleptic_gregorian"),
        ([876552, 876576, 876600], "hours since 1900-01-01 00:00:0.0", "gregorian"),
        ([946598400.0, 946684800.0, 946771200.0], "seconds since 1970-01-01T00:00:00Z", "Standard"),
        ([0, 1440, 2880], "minutes since 1999-12-31 12:00", None),
    ],
)
@pytest.mark.usefixtures("gdal_mode")
def test_time_axes(tmp_path, times, units, calendar):
    series = open_series(netcdf(tmp_path / "rain.nc", {"precip": VALUES}, times, units, calendar))
    assert (series.name, list(series.dates), series.unit()) == ("rain", DAYS, "mm")
    assert series.grid == Grid("EPSG:4326", 19.75, 10.25, 0.5, 0.5, 4, 3)
    for day, values in zip(DAYS, VALUES):
        assert np.array_equal(series.read(day), values)


@pytest.mark.usefixtures("gdal_mode")
def test_packed_data_with_fill_values(tmp_path):
    packed = np.array([[[-32767, 0, 100, 250], [1, 2, 3, 4], [5, 6, 7, 8]]], np.int16)
    path = netcdf(tmp_path / "rain.nc", {"precip": packed}, [0], fill=-32767, packing=(0.1, 2.0))
    got = open_series(path).read(dt.date(2000, 1, 1))
    expected = (packed[0] * 0.1 + 2.0).astype(np.float32)
    expected[0, 0] = np.nan
    assert np.array_equal(got, expected, equal_nan=True)


def test_several_variables_must_be_named(tmp_path):
    path = netcdf(tmp_path / "era5.nc", {"precip": VALUES, "t2m": VALUES + 100}, [-1, 0, 1])
    with pytest.raises(InputError) as caught:
        open_series(path)
    assert str(caught.value) == (
        f"{path}: it holds several variables with a time axis (precip, t2m); name one with "
        f'VARIABLE, or as NETCDF:"{path}":precip.'
    )
    series = open_series(f'NETCDF:"{path}":t2m')
    assert (series.name, list(series.dates)) == ("t2m", DAYS)
    assert np.array_equal(series.read(DAYS[2]), VALUES[2] + 100)


def test_variables_without_time_do_not_count(tmp_path):
    path = netcdf(tmp_path / "rain.nc", {"precip": VALUES, "land": VALUES[0]}, [-1, 0, 1])
    series = open_series(path)
    assert list(series.dates) == DAYS
    assert np.array_equal(series.read(DAYS[0]), VALUES[0])


@pytest.mark.parametrize("calendar", ["noleap", "360_day"])
def test_other_calendars_are_refused(tmp_path, calendar):
    path = netcdf(tmp_path / "rain.nc", {"precip": VALUES}, [0, 1, 2], calendar=calendar)
    with pytest.raises(InputError) as caught:
        open_series(path)
    assert str(caught.value) == (
        f"{path}: its time axis has the calendar {calendar}; only the ordinary calendar is read, so "
        "convert the "
        "file first."
    )


def test_several_steps_a_day_are_refused(tmp_path):
    path = netcdf(tmp_path / "rain.nc", {"precip": VALUES}, [0, 12, 24], "hours since 2000-01-01")
    with pytest.raises(InputError) as caught:
        open_series(path)
    assert str(caught.value) == (
        f"{path}: its bands 1 and 2 have the same date 2000-01-01; a series has one raster a day, so add up "
        "or average the hours first, or keep one band."
    )


@pytest.mark.parametrize(
    "units",
    [
        "months since 2000-01-01",
        "days since yesterday",
        "days since 2000-13-01",
        "fortnights since 2000-01-01",
    ],
)
def test_units_that_are_not_understood(units):
    with pytest.raises(InputError) as caught:
        decode_times([0], units, "rain.nc")
    assert str(caught.value) == (
        f"rain.nc: the unit of its time axis, '{units}', is not understood; it must be days, hours, "
        "minutes or "
        "seconds since a date."
    )


@pytest.mark.parametrize("number", [1e12, -1e12, float("nan"), float("inf"), 9.969209968386869e36])
def test_numbers_that_are_no_dates(number):
    with pytest.raises(InputError) as caught:
        decode_times([0, number], "days since 2000-01-01", "rain.nc")
    assert str(caught.value) == (
        "rain.nc: its time axis holds numbers that are no dates ('days since 2000-01-01'); the file may "
        "be damaged."
    )


@given(
    day=st.dates(dt.date(1850, 1, 1), dt.date(2200, 1, 1)),
    origin=st.dates(dt.date(1800, 1, 1), dt.date(2100, 1, 1)),
    unit=st.sampled_from(
        [("days", 1), ("hours", 24), ("minutes", 1440), ("seconds", 86400), ("d", 1), ("hrs", 24)]
    ),
)
def test_every_midnight_keeps_its_date(day, origin, unit):
    word, in_a_day = unit
    number = (day - origin).days * in_a_day
    # Also where the number was made by dividing seconds, and is short of a microsecond.
    for written in (number, float(number), np.nextafter(float(number), -np.inf)):
        assert decode_times([written], f"{word} since {origin}", "") == [day]


def test_the_last_second_of_a_day_is_of_that_day():
    assert decode_times([86399, 86400], "seconds since 2000-01-01", "") == [
        dt.date(2000, 1, 1),
        dt.date(2000, 1, 2),
    ]


def test_origins_before_the_gregorian_calendar():
    """NCEP's reanalysis begins at hour 17067072, which is 1 January 1948 in CF's mixed calendar."""
    assert decode_times([17067072], "hours since 1-1-1 00:00:0.0", "", "standard") == [dt.date(1948, 1, 1)]
    proleptic = (dt.date(2000, 1, 1) - dt.date(1, 1, 1)).days
    assert decode_times([proleptic], "days since 0001-01-01", "", "proleptic_gregorian") == [
        dt.date(2000, 1, 1)
    ]
    assert decode_times([proleptic + 2], "days since 0001-01-01", "", "standard") == [dt.date(2000, 1, 1)]
    # The day after 4 October 1582 was the 15th.
    assert decode_times([0, 1], "days since 1582-10-04", "", "gregorian") == [
        dt.date(1582, 10, 14),
        dt.date(1582, 10, 15),
    ]
