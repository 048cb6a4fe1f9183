"""A series: a dated set of rasters on one grid.

One reader for a folder of rasters dated by name, a file with a time axis
(NetCDF), and a multi-band raster whose band descriptions are dates.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from osgeo import gdal

from ..base.dates import find_date, is_within, year_and_month
from ..base.errors import InputError
from ..base.nodata import DECLARE, Look, NoDataChoice
from ..base.progress import SILENT, Progress
from ..geo.datasets import dataset_grid, open_dataset, read_band, same_crs
from ..geo.grid import Grid, Window
from .netcdf_time import netcdf_dates, time_variables
from .tags import FIRST_BAND_TAG, is_filled

#: How portals pack files.
_PACKED = frozenset({".gz", ".zip", ".bz2", ".xz", ".7z", ".rar", ".tar", ".tgz"})

#: Endings that count as rasters in a folder; everything else there is passed over.
RASTER_SUFFIXES = frozenset(
    {".tif", ".tiff", ".nc", ".nc4", ".img", ".asc", ".bil", ".flt", ".sdat", ".rst", ".grd", ".hgt"}
)


@dataclass(frozen=True)
class SeriesEntry:
    """One date: the file and band that hold it, and whether some values of the file were filled."""

    date: dt.date
    path: str
    band: int
    filled: bool = False

    @property
    def label(self) -> str:
        """What messages call it."""
        return self.path if self.band == 1 else f"{self.path} (band {self.band})"


@dataclass(frozen=True)
class Series:
    """Dated rasters on one grid, in order of date.

    All that is read of them goes through one `look`.
    """

    name: str
    source: str
    grid: Grid
    entries: tuple[SeriesEntry, ...]
    look: Look | None = field(default=None, compare=False)

    @property
    def dates(self) -> tuple[dt.date, ...]:
        """All dates, ascending."""
        return tuple(entry.date for entry in self.entries)

    def between(self, start: dt.date | None, end: dt.date | None) -> Series:
        """The part from `start` to `end`, both included; None means open.

        Raises
        ------
        InputError
            If no date is left.
        """
        kept = tuple(entry for entry in self.entries if is_within(entry.date, start, end))
        if not kept:
            raise InputError(
                f"{self.source}: it holds no date from {start or 'its start'} to {end or 'its end'} "
                f"(it runs from {self.dates[0]} to {self.dates[-1]}); choose other dates."
            )
        return replace(self, entries=kept)

    @cached_property
    def _by_date(self) -> dict[dt.date, SeriesEntry]:
        return {entry.date: entry for entry in self.entries}

    def has(self, date: dt.date) -> bool:
        """Whether the series holds `date`."""
        return date in self._by_date

    def unit(self) -> str:
        """The unit of the first raster, or empty."""
        first = self.entries[0]
        # Held by name: a band must not outlive its dataset.
        dataset = open_dataset(first.path)
        return str(dataset.GetRasterBand(first.band).GetUnitType())

    def has_filled(self) -> bool:
        """Whether some values of one of its files were filled, by 'Fill gaps'."""
        return any(entry.filled for entry in self.entries)

    def read(self, date: dt.date, window: Window | None = None) -> np.ndarray:
        """The raster of a date, float32, shape (rows, columns), NaN where missing.

        Raises
        ------
        KeyError
            If the series has no such date.
        InputError
            If the file cannot be read, or holds a code of no value that nobody declared.
        """
        entry = self._by_date[date]
        values = read_band(open_dataset(entry.path), entry.band, window, look=self.look)
        self.check_codes()
        return values

    def check_codes(self) -> None:
        """Raise `InputError` if what was read so far holds a code of no value that nobody declared."""
        if self.look is not None:
            self.look.check()


def open_series(
    path: str | Path,
    name: str | None = None,
    progress: Progress = SILENT,
    nodata: NoDataChoice | None = None,
) -> Series:
    """Open a folder or a file as a series; `nodata` is what NODATA says, None where there is no NODATA.

    Raises
    ------
    InputError
        If there is nothing to read, a name holds no date, two rasters have one
        date, or their grids differ.
    """
    path = str(path).rstrip("/\\") or str(path)
    folder = Path(path)
    if folder.is_dir():
        files = raster_files(folder)
        if not files:
            raise no_raster(folder, "choose the folder that holds the dated files")
        return _assemble(name or _folder_name(path), path, [str(file) for file in files], progress, nodata)
    return _assemble(name or _stem(path), path, [path], progress, nodata)


def open_several(
    paths: Sequence[str],
    names: Sequence[str] = (),
    progress: Progress = SILENT,
    nodata: NoDataChoice | None = None,
) -> list[Series]:
    """Open several series; files dated by their name are put together by their folder.

    Parameters
    ----------
    paths : sequence of str
        Folders, files with dates inside, or single dated files.
    names : sequence of str
        Names to use instead of those of the folders and files, in order; an empty one changes nothing.
    nodata : NoDataChoice, optional
        As for `open_series`.

    Raises
    ------
    InputError
        As `open_series`, and if names are too many or occur twice.
    """
    groups: dict[str, list[str]] = {}
    for path in paths:
        progress.check()
        groups.setdefault(_series_of(path), []).append(path)
    if len(names) > len(groups):
        raise InputError(
            f"DYNAMIC_NAMES: {len(names)} names are given for {len(groups)} dated series (DYNAMIC); give one "
            "name for each."
        )
    found = []
    for index, (source, members) in enumerate(groups.items()):
        name = names[index] if index < len(names) and names[index] else None
        if source in members:
            found.append(open_series(source, name, progress, nodata))
        else:
            found.append(_assemble(name or _folder_name(source), source, members, progress, nodata))
    twice = [series.name for series in found if sum(series.name == other.name for other in found) > 1]
    if twice:
        raise InputError(
            f"DYNAMIC: two dated series are named {twice[0]}; give each its own name with DYNAMIC_NAMES."
        )
    return found


def raster_files(folder: Path) -> list[Path]:
    """The rasters of a folder, sorted by name; hidden and side-car files passed over."""
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in RASTER_SUFFIXES and not file.name.startswith(".") and file.is_file()
    )


def _stem(path: str) -> str:
    # NETCDF:"folder/rain.nc":precip is named after its variable.
    subdataset = re.match(r'^\w+:"?.+?"?:/*(\w+)$', path)
    return subdataset.group(1) if subdataset and not Path(path).exists() else Path(path).stem


def _folder_name(path: str) -> str:
    # The folder "." has a name too.
    return os.path.basename(os.path.abspath(path))


def _series_of(path: str) -> str:
    """What a path is put together under: itself if it is a series by itself, else its folder.

    A file of one date whose name holds it is one of a folder's files, whatever it says inside.
    """
    if Path(path).is_dir() or _count_dates_inside(path) > 1:
        return path
    try:
        dated_by_name = find_date(Path(path).name) is not None
    except InputError:
        dated_by_name = True
    return str(Path(path).parent) if dated_by_name else path


def _count_dates_inside(path: str) -> int:
    dataset = open_dataset(path)
    variables = time_variables(dataset)
    if variables:
        # Of several variables one must be named: `open_series` says so.
        return open_dataset(variables[0]).RasterCount if len(variables) == 1 else len(variables)
    return len(_described_dates(dataset, path))


def _assemble(
    name: str, source: str, files: Iterable[str], progress: Progress, nodata: NoDataChoice | None
) -> Series:
    files = list(files)
    counter = progress.counter(len(files), f"files of {name} looked at")
    grid, first = None, ""
    entries: list[SeriesEntry] = []
    for file in files:
        file_grid, file_entries = _entries_of_file(file, SILENT if entries else progress)
        if grid is None:
            grid, first = file_grid, file
        elif not same_grid(grid, file_grid):
            raise InputError(
                f"{file}: its grid differs from that of {first}; a series needs one grid for all dates, "
                "so warp one of them to the grid of the other."
            )
        entries += file_entries
        counter.advance()
    entries.sort(key=lambda entry: entry.date)
    for one, other in zip(entries, entries[1:]):
        if one.date == other.date:
            raise two_of_a_day(one, other)
    if grid is None:
        raise InputError(f"{source}: it holds no raster.")
    return Series(name, source, grid, tuple(entries), _look(name, source, nodata))


def _look(name: str, source: str, nodata: NoDataChoice | None) -> Look:
    if nodata is None:
        return Look(source, name, advice=DECLARE)
    return Look(source, name, nodata.of(name, Path(source).stem))


def same_grid(first: Grid, second: Grid) -> bool:
    """Whether two grids are the same cell by cell."""
    same_shape = first.shape == second.shape
    return same_shape and same_crs(first.crs, second.crs) and second.cell_offset_in(first) == (0, 0)


def _entries_of_file(path: str, progress: Progress) -> tuple[Grid, list[SeriesEntry]]:
    dataset = open_dataset(path)
    variables = time_variables(dataset)
    if len(variables) > 1:
        listed = ", ".join(variable.rsplit(":", 1)[-1] for variable in variables)
        raise InputError(
            f"{path}: it holds several variables with a time axis ({listed}); name one, "
            f'as NETCDF:"{path}":{variables[0].rsplit(":", 1)[-1]}.'
        )
    if variables:
        path = variables[0]
        dataset = open_dataset(path)
        dates = netcdf_dates(dataset, path)
        return dataset_grid(dataset, path), _entries(dataset, path, dates)
    described = _described_dates(dataset, path)
    if described:
        return dataset_grid(dataset, path), _entries(dataset, path, described)
    date = find_date(Path(path).name)
    if date is None:
        raise undated(path)
    if dataset.RasterCount > 1 and dataset.GetMetadataItem(FIRST_BAND_TAG) is None:
        progress.log(f"{path}: it has {dataset.RasterCount} bands without dates; the first one is used")
    return dataset_grid(dataset, path), _entries(dataset, path, [date])


def _entries(dataset: gdal.Dataset, path: str, dates: Sequence[dt.date]) -> list[SeriesEntry]:
    filled = is_filled(dataset, path)
    return [SeriesEntry(date, path, band, filled) for band, date in enumerate(dates, start=1)]


def _described_dates(dataset: gdal.Dataset, path: str) -> list[dt.date]:
    """The dates in the band descriptions: of all bands, or of none."""
    texts = [dataset.GetRasterBand(band).GetDescription() for band in range(1, dataset.RasterCount + 1)]
    dates = [find_date(text) for text in texts]
    if not any(dates):
        return []
    if None in dates:
        band = dates.index(None) + 1
        raise InputError(
            f"{path}: band {band} has no date in its description ({texts[band - 1]!r}) while others have; "
            "give every band a date such as 2021-01-31."
        )
    return [date for date in dates if date]


def no_raster(folder: Path, advice: str) -> InputError:
    """What to say of a folder without rasters; portals give them packed."""
    packed = sorted(file.name for file in folder.iterdir() if file.suffix.lower() in _PACKED)
    if packed:
        advice = f"unpack its {len(packed):,} packed files first ({packed[0]} and so on)"
    return InputError(f"{folder}: the folder holds no raster; {advice}.")


def undated(path: str) -> InputError:
    """What to say of a name without a date."""
    if year_and_month(Path(path).name):
        return InputError(
            f"{path}: its name holds a year and a month but no day; add the day that it stands for, such as "
            "name_20210131.tif (for the rain of months, 'Seasonal precipitation' has KIND monthly)."
        )
    return InputError(
        f"{path}: its name holds no date; rename it so that it holds one, such as name_20210131.tif "
        "(YYYYMMDD, YYYY-MM-DD, YYYY.MM.DD or YYYYDDD)."
    )


def two_of_a_day(one: SeriesEntry, other: SeriesEntry) -> InputError:
    """What to say of two rasters of one date: of two files, or of the hours in one."""
    if one.path != other.path:
        return InputError(f"{one.label} and {other.label} have the same date {one.date}; keep one of them.")
    return InputError(
        f"{one.path}: its bands {one.band} and {other.band} have the same date {one.date}; a series has one "
        "raster a day, so add up or average the hours first, or keep one band."
    )
