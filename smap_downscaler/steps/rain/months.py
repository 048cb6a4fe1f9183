"""Rain by months: dated totals (1981.01), and climatologies (01.tif ... 12.tif, or twelve bands)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from osgeo import gdal

from ...base.dates import YearMonth, year_and_month
from ...base.errors import InputError
from ...base.progress import Progress
from ...base.seasons_of_year import MONTH_NAMES
from ...geo.bands import RAIN, one_band
from ...geo.datasets import dataset_grid
from ...geo.grid import Grid
from ...geo.texts import band_name
from ...series.netcdf_time import (
    axis_numbers,
    axis_tag,
    chosen_bands,
    netcdf_dates,
    require_dates,
    time_dimension,
)
from ...series.series import open_variable, same_grid, sources_of
from .numbers.months import month_of

_MONTHS_SINCE = re.compile(r"^\s*months?\s+since\s+(\d{1,4})-(\d{1,2})(?:-|\s|$)", re.IGNORECASE)
#: Months written as numbers, 202101.5, as CDO does.
_MONTHS_AS = re.compile(r"^\s*months?\s+as\s+%y%m(\.%f)?\s*$", re.IGNORECASE)
_TWELVE = range(1, 13)
_DESCRIBE = (
    "describe each by its month (such as 2021-01) if they are months, or by its date (such as 2021-01-31), "
    "with KIND daily, if they are days"
)
_HOW = "name the rasters 01.tif ... 12.tif (or ending in the month), or give one raster of 12 bands"


@dataclass(frozen=True)
class MonthRaster:
    """The file and band of a month; the year is 0 in a climatology."""

    year: int
    month: int
    path: str
    band: int


@dataclass(frozen=True)
class MonthRasters:
    """Rasters by months on one grid, in order of time."""

    source: str
    grid: Grid
    entries: tuple[MonthRaster, ...]


def open_months(
    path: str | Path | Sequence[str], progress: Progress, variables: Sequence[str] = ()
) -> MonthRasters:
    """Dated months: files named by year and month, a NetCDF with a time axis, or bands described by dates.

    `variables` are as for `series.open_series`.

    Raises
    ------
    InputError
        If there is nothing to read, a name holds no month, two rasters have one month, or grids differ.
    """
    source, files = _files(path)
    gathered = _gather(source, files, partial(_dated_entries, variables=variables), progress)
    entries = sorted(gathered.entries, key=lambda entry: (entry.year, entry.month))
    for one, other in zip(entries, entries[1:]):
        if (one.year, one.month) == (other.year, other.month):
            raise InputError(
                f"{_label(one)} and {_label(other)} have the same month {one.year}-{one.month:02d}; keep "
                "one of them, or set KIND to daily if they are days."
            )
    return MonthRasters(gathered.source, gathered.grid, tuple(entries))


def open_climatology(
    path: str | Path | Sequence[str], progress: Progress, variables: Sequence[str] = ()
) -> MonthRasters:
    """The twelve months of a climatology: files named after months, or one file of twelve bands.

    `variables` are as for `series.open_series`.

    Raises
    ------
    InputError
        If they are not the twelve months, are dated, or their grids differ.
    """
    source, files = _files(path)
    if len(files) == 1:
        gathered = _gather(source, files, partial(_climatology_bands, variables=variables), progress)
    else:
        gathered = _gather(source, files, partial(_climatology_file, variables=variables), progress)
        found = [entry.month for entry in gathered.entries]
        lacking = [month for month in _TWELVE if month not in found]
        if lacking:
            raise InputError(
                f"{source}: the climatology has no {MONTH_NAMES[lacking[0] - 1]}; give all twelve months, "
                f"{_HOW}."
            )
        if len(found) > len(_TWELVE):
            twice = next(month for month in _TWELVE if found.count(month) > 1)
            one, other = [entry.path for entry in gathered.entries if entry.month == twice][:2]
            raise InputError(
                f"{one} and {other} are both named after {MONTH_NAMES[twice - 1]}; keep one of them."
            )
    return MonthRasters(
        gathered.source, gathered.grid, tuple(sorted(gathered.entries, key=lambda entry: entry.month))
    )


def looks_like_climatology(path: str | Path | Sequence[str]) -> bool:
    """Whether rasters are just twelve, named after the months, without dates."""
    _, files = _files(path)
    return len(files) == len(_TWELVE) and sorted(map(_month_of_file, files)) == list(_TWELVE)


def _files(path: str | Path | Sequence[str]) -> tuple[str, list[str]]:
    return sources_of(path, "choose the folder that holds those of the months")


def _label(entry: MonthRaster) -> str:
    return entry.path if entry.band == 1 else f"{entry.path} (band {entry.band})"


_Look = Callable[[str], "tuple[Grid, list[MonthRaster]]"]


def _gather(source: str, files: Sequence[str], look: _Look, progress: Progress) -> MonthRasters:
    counter = progress.counter(len(files), "files looked at")
    grid, entries = look(files[0])
    counter.advance()
    for file in files[1:]:
        other, more = look(file)
        if not same_grid(grid, other):
            raise InputError(f"{file}: its grid differs from that of {files[0]}; all months need one grid.")
        entries += more
        counter.advance()
    return MonthRasters(source, grid, tuple(entries))


def _dated_entries(path: str, variables: Sequence[str]) -> tuple[Grid, list[MonthRaster]]:
    file = path
    dataset, path = open_variable(path, variables)
    grid = dataset_grid(dataset, path)
    months: Sequence[YearMonth | None] = _axis_months(dataset, path)
    bands = chosen_bands(dataset, path) if months else list(range(1, dataset.RasterCount + 1))
    if not months:
        months = _described_months(dataset, path)
    if months:
        entries = [(months[band - 1], band) for band in bands]
        return grid, [MonthRaster(*month, path, band) for month, band in entries if month]
    require_dates(dataset, path)
    wanted = replace(RAIN, advice=f"{_DESCRIBE}, else {RAIN.advice}")
    number, month = one_band(dataset, path, wanted), year_and_month(Path(file).name)
    if month is None:
        raise InputError(
            f"{path}: its name holds no year and month; rename it so that it does, such as name_202101.tif "
            "(YYYYMM, YYYY-MM or YYYY.MM), or set KIND to climatology."
        )
    return grid, [MonthRaster(*month, path, number)]


def _axis_months(dataset: gdal.Dataset, path: str) -> list[YearMonth]:
    """Year and month of each band by the time axis; empty where there is none."""
    axis = time_dimension(dataset) if dataset.GetDriver().ShortName == "netCDF" else ""
    if not axis:
        return []
    units = axis_tag(dataset, axis, "units")
    match = _MONTHS_SINCE.match(units)
    if not match and not _MONTHS_AS.match(units):
        return [(date.year, date.month) for date in netcdf_dates(dataset, path)]
    whole = [int(number // 1) for number in axis_numbers(dataset, axis)]
    if not match:
        return [divmod(number, 100) for number in whole]
    # The middle of a month counts as that month; such axes come with calendars of 360 days.
    origin = int(match[1]) * 12 + int(match[2]) - 1
    return [((origin + number) // 12, (origin + number) % 12 + 1) for number in whole]


def _descriptions(dataset: gdal.Dataset) -> list[str]:
    return [band_name(dataset.GetRasterBand(band)) for band in range(1, dataset.RasterCount + 1)]


def _described_months(dataset: gdal.Dataset, path: str) -> list[YearMonth | None]:
    """Year and month of each band by its description; empty where none says one."""
    texts = _descriptions(dataset)
    months = [year_and_month(text) for text in texts]
    if any(months) and None in months:
        band = months.index(None)
        raise InputError(
            f"{path}: band {band + 1} has no year and month in its description ({texts[band]!r}) while "
            "others have; give every band one, such as 2021-01."
        )
    return months if any(months) else []


def _month_of_file(path: str) -> int:
    """The month that a file is named after, 0 where none or where the name is dated."""
    return 0 if year_and_month(Path(path).name) else month_of(Path(path).stem) or 0


def _climatology_file(path: str, variables: Sequence[str]) -> tuple[Grid, list[MonthRaster]]:
    if year_and_month(Path(path).name):
        raise InputError(
            f"{path}: its name holds a date, so this is no climatology; set KIND to monthly or daily."
        )
    month = _month_of_file(path)
    if not month:
        raise InputError(f"{path}: its name does not end in a month; for a climatology {_HOW}.")
    dataset, path = open_variable(path, variables)
    band = one_band(dataset, path, replace(RAIN, advice=f"for a climatology {_HOW}"))
    return dataset_grid(dataset, path), [MonthRaster(0, month, path, band)]


def _climatology_bands(path: str, variables: Sequence[str]) -> tuple[Grid, list[MonthRaster]]:
    dataset, path = open_variable(path, variables)
    if dataset.RasterCount != len(_TWELVE):
        raise InputError(f"{path}: it has {dataset.RasterCount} bands, not twelve; for a climatology {_HOW}.")
    months = _months_of_bands(dataset, path)
    entries = [MonthRaster(0, month, path, band) for band, month in enumerate(months, start=1)]
    return dataset_grid(dataset, path), entries


def _months_of_bands(dataset: gdal.Dataset, path: str) -> list[int]:
    """By the time axis, else by the descriptions, else January to December."""
    months = [month for _, month in _axis_months(dataset, path)]
    if not months:
        named = [month_of(text) for text in _descriptions(dataset)]
        months = [month or 0 for month in named] if any(named) else list(_TWELVE)
    if sorted(months) != list(_TWELVE):
        raise InputError(
            f"{path}: its 12 bands are not named after the 12 months; describe them as January ... December."
        )
    return months
