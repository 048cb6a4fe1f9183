"""NetCDF: time axes as CF writes them, packing, variables, calendars."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raster_cases import EAST, NORTH, netcdf, stored_netcdf
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.grid import Grid
from smap_downscaler.series.netcdf_time import decode_times
from smap_downscaler.series.series import open_series, open_several

VALUES = np.arange(36, dtype=np.float32).reshape(3, 3, 4)
FILL = np.float32(-9999)
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


@pytest.mark.parametrize(
    ("numbers", "units", "calendar"),
    [
        ([2451545 - 1, 2451545, 2451545 + 1], "julian_day", "standard"),
        ([2451543.5, 2451544.5, 2451545.5 - 1e-6], "Julian Days", None),
        ([19991231.5, 20000101.25, 20000102.0], "day as %Y%m%d.%f", "proleptic_gregorian"),
        ([19991231, 20000101, 20000102], "YYYYMMDD", None),
        ([-1, 0, 1], "days since 2000-01-01 00:00:00Z", "julian"),
        ([-1, 0, 1], "days since 2000-01-01", "proleptic"),
    ],
)
def test_other_ways_to_count_days(tmp_path, numbers, units, calendar):
    series = open_series(netcdf(tmp_path / "rain.nc", {"precip": VALUES}, numbers, units, calendar))
    assert list(series.dates) == DAYS
    assert np.array_equal(series.read(DAYS[2]), VALUES[2])


def test_a_julian_calendar_that_counts_otherwise_is_refused(tmp_path):
    path = netcdf(tmp_path / "rain.nc", {"precip": VALUES}, [0, 1, 2], "days since 1858-11-17", "julian")
    with pytest.raises(InputError, match="its time axis has the calendar julian; only the ordinary calendar"):
        open_series(path)


@pytest.mark.parametrize(
    ("numbers", "units"),
    [([1, 2, 366], "julian_day"), ([20000230, 1, 2], "day as %Y%m%d"), ([1e300] * 3, "jd")],
)
def test_days_that_are_none(numbers, units):
    with pytest.raises(InputError) as caught:
        decode_times(numbers, units, "rain.nc")
    assert str(caught.value) == (
        f"rain.nc: its time axis holds numbers that are no dates ('{units}'); the file may be damaged."
    )


def file_of_axes(path, numbers, tags, name="z", **more):
    lat, lon = 10 - 0.5 * np.arange(3), 20 + 0.5 * np.arange(4)
    axes = {name: (numbers, tags), **more.get("axes", {}), "lat": (lat, NORTH), "lon": (lon, EAST)}
    values = more.get("values", VALUES)
    return stored_netcdf(
        path, axes, {"precip": (" ".join(axes), values, {"units": "mm", "_FillValue": FILL})}
    )


def test_an_axis_without_dates_is_named(tmp_path):
    """R's writeRaster counts its layers along z."""
    path = file_of_axes(tmp_path / "rain_20000101.nc", [1, 2, 3], {"units": "unknown", "long_name": "z"})
    with pytest.raises(InputError) as caught:
        open_series(path)
    assert str(caught.value) == (
        f"{path}: its 3 bands lie along the axis 'z' (unit 'unknown'), which tells no dates; give the file "
        "a time "
        "axis in days since a date, or one file a date."
    )


def test_dates_along_r_s_unnamed_axis(tmp_path):
    path = file_of_axes(tmp_path / "rain.nc", [10956, 10957, 10958], {"units": "days since 1970-1-1"})
    assert list(open_series(path).dates) == DAYS


def test_one_band_along_an_axis_without_dates_is_dated_by_its_name(tmp_path):
    path = file_of_axes(tmp_path / "rain_20000101.nc", [1], {"units": "unknown"}, values=VALUES[:1])
    assert list(open_series(path).dates) == [DAYS[1]]


@pytest.mark.parametrize("first", ["time", "expver"])
def test_the_final_version_of_era5_is_taken_and_the_preliminary_fills_it(tmp_path, first):
    """Of the last days there is the preliminary version only."""
    values = np.stack([VALUES, VALUES + 100], axis=1)
    values[2, 0], values[0, 1] = FILL, FILL
    time = {"units": "days since 2000-01-01"}
    axes = {"time": ([-1, 0, 1], time), "expver": ([1, 5], {})}
    if first == "expver":
        values, axes = values.swapaxes(0, 1), {"expver": axes["expver"], "time": axes["time"]}
    name, (numbers, tags) = next(iter(axes.items()))
    path = file_of_axes(
        tmp_path / "era5.nc", numbers, tags, name, axes=dict(list(axes.items())[1:]), values=values
    )
    series = open_series(path)
    assert list(series.dates) == DAYS
    for day, expected in zip(DAYS, (VALUES[0], VALUES[1], VALUES[2] + 100)):
        assert np.array_equal(series.read(day), expected)


def test_another_axis_beside_time_is_named(tmp_path):
    path = file_of_axes(
        tmp_path / "rain.nc",
        [-1, 0, 1],
        {"units": "days since 2000-01-01"},
        "time",
        axes={"level": ([10, 20], {})},
        values=np.stack([VALUES, VALUES], axis=1),
    )
    with pytest.raises(InputError) as caught:
        open_series(path)
    assert str(caught.value) == (
        f"{path}: beside its time axis it has the axis level of 2 values; a series has one raster a date, "
        "so put "
        "the one that you want into a file of its own."
    )


@pytest.mark.parametrize("times", [[-1], None], ids=["with a time axis", "dated by name"])
def test_the_variable_to_read_can_be_named(tmp_path, times):
    paths = []
    for number, date in enumerate(DAYS):
        axes = {"time": ([number - 1], {"units": "days since 2000-01-01"})} if times else {}
        axes |= {"lat": (10 - 0.5 * np.arange(3), NORTH), "lon": (20 + 0.5 * np.arange(4), EAST)}
        values = VALUES[number : number + 1] if times else VALUES[number]
        order = " ".join(axes)
        both = {"precip": (order, values, {}), "error": (order, values + 50, {})}
        paths.append(stored_netcdf(tmp_path / "imerg" / f"3B-DAY.{date:%Y%m%d}.nc4", axes, both))
    folder = str(tmp_path / "imerg")
    what = "variables with a time axis" if times else "variables"
    with pytest.raises(InputError) as caught:
        open_series(folder)
    listed = ", ".join(sorted(("precip", "error"), key=str(caught.value).index))
    assert str(caught.value).startswith(
        f"{paths[0]}: it holds several {what} ({listed}); name one with VARIABLE, "
    )
    assert str(caught.value).endswith(f'or as NETCDF:"{paths[0]}":{listed.split(",")[0]}.')
    for variable, add in (("precip", 0), ("error", 50)):
        opened = [open_series(folder, variables=[variable]), *open_several([folder], variables=[variable])]
        opened += open_several(paths, variables=["other", variable])
        for series in opened:
            assert (series.name, list(series.dates)) == ("imerg", DAYS)
            assert np.array_equal(series.read(DAYS[1]), VALUES[1] + add)
    with pytest.raises(InputError) as caught:
        open_series(folder, variables=["rain"])
    assert str(caught.value) == f"{paths[0]}: it holds no variable rain (it has {listed}); correct VARIABLE."


def test_the_only_variable_is_held_to_its_name(tmp_path):
    path = netcdf(tmp_path / "rain.nc", {"precip": VALUES}, [-1, 0, 1])
    assert list(open_series(path, variables=["precip"]).dates) == DAYS
    with pytest.raises(InputError) as caught:
        open_series(path, variables=["rain"])
    assert str(caught.value) == f"{path}: it holds no variable rain (it has precip); correct VARIABLE."
