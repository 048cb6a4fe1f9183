"""The time axis of a NetCDF file as GDAL reads it."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Sequence

import numpy as np
from osgeo import gdal

from ..base.errors import InputError
from ..geo.datasets import open_dataset, read_band
from ..geo.texts import tag_of, tags_of

#: Units of CF time axes, in seconds, by all the names that UDUNITS knows.
_SECONDS = {
    **dict.fromkeys(("d", "day"), 86_400),
    **dict.fromkeys(("h", "hr", "hour"), 3_600),
    **dict.fromkeys(("min", "minute"), 60),
    **dict.fromkeys(("s", "sec", "second"), 1),
}
#: CF calendars whose dates are those of everyday life.
_CALENDARS = {"", "standard", "gregorian", "proleptic_gregorian", "proleptic"}
#: IMERG says that of the ordinary one; from this day to 28 February 2100 both count the same days.
_JULIAN, _ALIKE = "julian", (1900, 3, 1)
#: Days numbered through, from noon to noon: that of 1 January 2000 is 2451545.
_JULIAN_DAY = re.compile(r"^\s*(julian[ _-]?days?([ _-]?numbers?)?|jdn?|jday)\s*$", re.IGNORECASE)
_ORDINAL_OF_JULIAN_DAY_0 = -1_721_425
#: Dates written as numbers, 20200131.5: by CDO, and by hand.
_WRITTEN = re.compile(r"^\s*(days? as )?(%y%m%d(\.%f)?|yyyymmdd(\.f+)?)\s*$", re.IGNORECASE)
_MONTHS = re.compile(r"^\s*months? (since |as )", re.IGNORECASE)
#: ERA5's axis of the final (1) and the preliminary (5) version.
_VERSIONS, _FINAL = "expver", "1"
#: The first day of the Gregorian calendar; CF's standard calendar counts Julian days before it.
_GREGORIAN = (1582, 10, 15)


def time_variables(dataset: gdal.Dataset) -> list[str]:
    """GDAL names of the variables with a time axis in an open NetCDF file; empty for other formats."""
    if dataset.GetDriver().ShortName != "netCDF":
        return []
    if time_dimension(dataset):
        return [dataset.GetDescription()]
    names = [name for name, _ in dataset.GetSubDatasets()]
    return [name for name in names if time_dimension(open_dataset(name))]


def time_dimension(dataset: gdal.Dataset) -> str:
    """The name of the time axis of an open variable, or empty."""
    if not dataset.RasterCount:
        return ""
    for name in _axes_of_bands(dataset):
        units = axis_tag(dataset, name, "units")
        if " since " in units or any(kind.match(units) for kind in (_JULIAN_DAY, _WRITTEN, _MONTHS)):
            return name
    return ""


def axis_tag(dataset: gdal.Dataset, axis: str, name: str) -> str:
    """What an axis of an open variable says of itself, in whichever group of the file; empty for nothing."""
    tags, key = tags_of(dataset), f"{axis}#{name}"
    return tags.get(key) or next((text for tag, text in tags.items() if tag.endswith(f"/{key}")), "")


def _axes_of_bands(dataset: gdal.Dataset) -> list[str]:
    """The names of the axes beside rows and columns."""
    keys = tags_of(dataset.GetRasterBand(1))
    return [key.removeprefix("NETCDF_DIM_") for key in keys if key.startswith("NETCDF_DIM_")]


def axis_numbers(dataset: gdal.Dataset, axis: str) -> list[float]:
    """The number of each band on an axis of time."""
    return [float(text) for text in _texts(dataset, axis)]


def _texts(dataset: gdal.Dataset, axis: str) -> list[str]:
    key = f"NETCDF_DIM_{axis}"
    return [tag_of(dataset.GetRasterBand(band), key) or "" for band in range(1, dataset.RasterCount + 1)]


def require_dates(dataset: gdal.Dataset, label: str) -> None:
    """Raise `InputError` for a NetCDF variable of several bands none of whose axes is one of time."""
    if dataset.GetDriver().ShortName != "netCDF" or dataset.RasterCount < 2 or time_dimension(dataset):
        return
    units = {axis: axis_tag(dataset, axis, "units") for axis in _axes_of_bands(dataset)}
    told = " and ".join(f"'{axis}' (unit '{unit}')" for axis, unit in units.items()) or "unnamed"
    raise InputError(
        f"{label}: its {dataset.RasterCount} bands lie along the axis {told}, which tells no dates; give the "
        "file a time axis in days since a date, or one file a date."
    )


def netcdf_dates(dataset: gdal.Dataset, label: str) -> list[dt.date]:
    """The date of each band.

    Raises
    ------
    InputError
        If the unit or calendar of the axis is not one of days.
    """
    axis = time_dimension(dataset)
    units, calendar = axis_tag(dataset, axis, "units"), axis_tag(dataset, axis, "calendar").lower()
    if calendar not in _CALENDARS and not (calendar == _JULIAN and _counts_alike(units)):
        raise InputError(
            f"{label}: its time axis has the calendar {calendar}; only the ordinary calendar is read, "
            "so convert the file first."
        )
    return decode_times(axis_numbers(dataset, axis), units, label, calendar)


def _counts_alike(units: str) -> bool:
    """Whether a time axis has the same dates by the Julian calendar as by the ordinary one."""
    origin = re.search(r" since\s+(\d{1,4})-(\d{1,2})-(\d{1,2})", units)
    return not origin or tuple(map(int, origin.groups())) >= _ALIKE


def chosen_bands(dataset: gdal.Dataset, label: str) -> list[int]:
    """The numbers of the bands to read where a variable has a time axis: all, or one a time.

    Of ERA5's two versions the final one is taken, and the preliminary one where that has no value.

    Raises
    ------
    InputError
        If the bands differ in something else than time.
    """
    bands, axis = list(range(1, dataset.RasterCount + 1)), time_dimension(dataset)
    others = {name: _texts(dataset, name) for name in _axes_of_bands(dataset) if name != axis}
    more = {name: texts for name, texts in others.items() if len(set(texts)) > 1}
    if not more:
        return bands
    if list(more) != [_VERSIONS]:
        name = next(name for name in more if name != _VERSIONS)
        raise InputError(
            f"{label}: beside its time axis it has the axis {name} of {len(set(more[name]))} values; a "
            "series has one raster a date, so put the one that you want into a file of its own."
        )
    by_time: dict[str, list[int]] = {}
    times = _texts(dataset, axis)
    # The final version first.
    for band in sorted(bands, key=lambda band: more[_VERSIONS][band - 1].strip("0.") != _FINAL):
        by_time.setdefault(times[band - 1], []).append(band)
    return [_first_with_value(dataset, several) for several in by_time.values()]


def _first_with_value(dataset: gdal.Dataset, bands: Sequence[int]) -> int:
    for band in bands[:-1]:
        if np.isfinite(read_band(dataset, band)).any():
            return band
    return bands[-1]


def decode_times(
    numbers: Sequence[float], units: str, label: str, calendar: str = "standard"
) -> list[dt.date]:
    """Dates of CF time numbers, such as "days since 1981-01-01 00:00:00".

    Parameters
    ----------
    numbers : sequence of float
        Rounded to whole seconds, so that a midnight that is short of a microsecond keeps its date.
    units : str
    label : str
        What messages call the file.
    calendar : str
        CF's name; other than "proleptic_gregorian", days before 15 October 1582 are Julian.

    Numbers may also be Julian days ("julian_day") or dates as they are written ("day as %Y%m%d.%f").

    Raises
    ------
    InputError
        If `units` is not understood, or a number lies in no year from 1 to 9999.
    """
    try:
        if _JULIAN_DAY.match(units):
            return [
                dt.date.fromordinal(round((one + 0.5) * 86_400) // 86_400 + _ORDINAL_OF_JULIAN_DAY_0)
                for one in numbers
            ]
        if _WRITTEN.match(units):
            return [_written(one) for one in numbers]
    except (ValueError, OverflowError):
        raise InputError(_no_dates(units, label)) from None
    match = re.match(r"^\s*([a-z]+?)s?\s+since\s+(.+)$", units, re.IGNORECASE)
    seconds = _SECONDS.get(match.group(1).lower()) if match else None
    origin = _origin(match.group(2), calendar.startswith("proleptic")) if match else None
    if seconds is None or origin is None:
        raise InputError(
            f"{label}: the unit of its time axis, '{units}', is not understood; it must be days, hours, "
            "minutes or seconds since a date."
        )
    day, second = origin
    try:
        return [dt.date.fromordinal(day + (second + round(number * seconds)) // 86_400) for number in numbers]
    except (ValueError, OverflowError):
        raise InputError(_no_dates(units, label)) from None


def _written(number: float) -> dt.date:
    """The date that a number such as 20200131.5 spells."""
    days, day = divmod(math.floor(number), 100)
    return dt.date(days // 100, days % 100, day)


def _no_dates(units: str, label: str) -> str:
    return f"{label}: its time axis holds numbers that are no dates ('{units}'); the file may be damaged."


def _origin(text: str, proleptic: bool) -> tuple[int, int] | None:
    """The day (1 January of year 1 is day 1) and second of the day that a time axis counts from."""
    parts = re.match(r"^\s*(\d{1,4})-(\d{1,2})-(\d{1,2})(?:[T ]+(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?)?", text)
    if not parts:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in parts.groups())
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        return None
    if (year, month, day) < _GREGORIAN and not proleptic:
        number = _julian_ordinal(year, month, day)
    else:
        try:
            number = dt.date(year, month, day).toordinal()
        except ValueError:
            return None
    return number, hour * 3600 + minute * 60 + second


def _julian_ordinal(year: int, month: int, day: int) -> int:
    """Python's ordinal of a date of the Julian calendar (Fliegel's formula of the Julian day number)."""
    shifted = year + 4800 - (14 - month) // 12
    months = month + 12 * ((14 - month) // 12) - 3
    number = day + (153 * months + 2) // 5 + 365 * shifted + shifted // 4 - 32083
    return number - 1_721_425
