"""The time axis of a NetCDF file as GDAL reads it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

from osgeo import gdal

from ..base.errors import InputError
from ..geo.datasets import open_dataset

#: Units of CF time axes, in seconds, by all the names that UDUNITS knows.
_SECONDS = {
    **dict.fromkeys(("d", "day"), 86_400),
    **dict.fromkeys(("h", "hr", "hour"), 3_600),
    **dict.fromkeys(("min", "minute"), 60),
    **dict.fromkeys(("s", "sec", "second"), 1),
}
#: CF calendars whose dates are those of everyday life.
_CALENDARS = {"", "standard", "gregorian", "proleptic_gregorian"}
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
    tags = dataset.GetMetadata()
    for key in dataset.GetRasterBand(1).GetMetadata():
        name = key.removeprefix("NETCDF_DIM_")
        if name != key and " since " in tags.get(f"{name}#units", ""):
            return name
    return ""


def netcdf_dates(dataset: gdal.Dataset, label: str) -> list[dt.date]:
    """The date of each band.

    Raises
    ------
    InputError
        If the unit or calendar of the axis is not one of days.
    """
    axis = time_dimension(dataset)
    tags = dataset.GetMetadata()
    units, calendar = tags[f"{axis}#units"], tags.get(f"{axis}#calendar", "").lower()
    if calendar not in _CALENDARS:
        raise InputError(
            f"{label}: its time axis has the calendar {calendar}; only the ordinary calendar is read, "
            "so convert the file first."
        )
    numbers = [
        float(dataset.GetRasterBand(band).GetMetadataItem(f"NETCDF_DIM_{axis}"))
        for band in range(1, dataset.RasterCount + 1)
    ]
    return decode_times(numbers, units, label, calendar)


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

    Raises
    ------
    InputError
        If `units` is not understood, or a number lies in no year from 1 to 9999.
    """
    match = re.match(r"^\s*([a-z]+?)s?\s+since\s+(.+)$", units, re.IGNORECASE)
    seconds = _SECONDS.get(match.group(1).lower()) if match else None
    origin = _origin(match.group(2), calendar == "proleptic_gregorian") if match else None
    if seconds is None or origin is None:
        raise InputError(
            f"{label}: the unit of its time axis, '{units}', is not understood; it must be days, hours, "
            "minutes or seconds since a date."
        )
    day, second = origin
    try:
        return [dt.date.fromordinal(day + (second + round(number * seconds)) // 86_400) for number in numbers]
    except (ValueError, OverflowError):
        raise InputError(
            f"{label}: its time axis holds numbers that are no dates ('{units}'); the file may be damaged."
        ) from None


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
