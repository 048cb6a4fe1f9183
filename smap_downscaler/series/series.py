"""A series: a dated set of rasters on one grid.

One reader for a folder of rasters dated by name, a file with a time axis
(NetCDF), and a multi-band raster whose band descriptions are dates.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import unescape
from pathlib import Path

import numpy as np
from osgeo import gdal

from ..base.covariate_names import looks_like_rain
from ..base.dates import find_date, is_within, year_and_month
from ..base.errors import InputError
from ..base.nodata import DECLARE, Look, NoDataChoice
from ..base.progress import SILENT, Progress
from ..geo.bands import MOISTURE, RAIN, Wanted, band_names, check_measured, one_band, same_but_dates
from ..geo.datasets import OffGrid, dataset_grid, open_dataset, read_band, same_crs
from ..geo.grid import ALIGNMENT, Grid, Window
from ..geo.packed import RASTER_SUFFIXES, file_of, packed_rasters, unpacked_name
from ..geo.texts import band_name, band_unit, tag_of
from .netcdf_time import chosen_bands, netcdf_dates, require_dates, time_variables
from .tags import FIRST_BAND_TAG, is_filled

#: How portals pack files.
_PACKED = frozenset({".gz", ".zip", ".bz2", ".xz", ".7z", ".rar", ".tar", ".tgz"})
#: What lies beside rasters and is none, also of our own making; QGIS's "Add directory" gives it too.
_BESIDE = frozenset(
    {
        *(".qml", ".qmd", ".xml", ".csv", ".json", ".ovr", ".msk", ".txt", ".md", ".html", ".pdf", ".svg"),
        *(".png", ".jpg", ".prj", ".tfw", ".wld", ".hdr", ".stx", ".clr", ".idx", ".md5", ".log", ".sgrd"),
    }
)
#: How far cell sizes may be off that were written with too few digits, in parts of a cell, and the last of
#: many cells by that: CHIRPS has 7,200 of .05 or .0500000007 degrees.
_ROUNDING, _DRIFT = 1e-5, 0.05
_VRT_SOURCE = re.compile(r"<Source(?:Filename|Dataset)([^>]*)>([^<]+)<")
#: How to date the bands of a file.
_DATING = (
    "if they are days, describe each by its date, such as 2021-01-31, or save each as a file named by its "
    "date"
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
        return band_unit(dataset.GetRasterBand(first.band))

    def band_name(self) -> str:
        """What the band of the first raster is called, or empty."""
        first = self.entries[0]
        dataset = open_dataset(first.path)
        return band_name(dataset.GetRasterBand(first.band))

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
    path: str | Path | Sequence[str],
    name: str | None = None,
    progress: Progress = SILENT,
    nodata: NoDataChoice | None = None,
    variables: Sequence[str] = (),
    wanted: Wanted = MOISTURE,
) -> Series:
    """Open a folder, a file or a packed file as a series.

    Parameters
    ----------
    path : str, Path or sequence of str
        Of several folders and files, their dates together are the series.
    name : str, optional
        Instead of that of the folder or file.
    wanted : Wanted
        Which band of a date is meant where it has several.

    Raises
    ------
    InputError
        If there is nothing to read, a name holds no date, it cannot be told which band is meant, two
        rasters have one date, or their grids differ.
    """
    source, files = sources_of(path, "choose the folder that holds the dated files")
    own_name = name or series_name(source, files == [source])
    return _assemble(own_name, source, files, progress, nodata, variables, wanted)


def sources_of(path: str | Path | Sequence[str], advice: str) -> tuple[str, list[str]]:
    """What a series is called in sentences, and the names of its rasters; see `series_files`."""
    paths = [str(path)] if isinstance(path, (str, Path)) else _without_neighbours(path)
    paths = [one.rstrip("/\\") or one for one in paths]
    if not paths:
        raise InputError("No folder or file of a series is given; give one.")
    files = list(dict.fromkeys(file for one in paths for file in series_files(one, advice)))
    return paths[0] if len(paths) == 1 else str(Path(file_of(paths[0])).parent), files


def open_several(
    paths: Sequence[str],
    names: Sequence[str] = (),
    progress: Progress = SILENT,
    nodata: NoDataChoice | None = None,
    variables: Sequence[str] = (),
    bands: Sequence[str] | None = None,
    titles: Mapping[str, str] | None = None,
) -> list[Series]:
    """Open several series; files dated by their name are put together by their folder.

    Parameters
    ----------
    paths : sequence of str
        Folders, files with dates inside, or single dated files; what lies beside these and is no raster
        is passed over.
    names : sequence of str
        Names to use instead of those of the folders and files, in order; an empty one changes nothing.
    progress : Progress
    nodata : NoDataChoice, optional
    variables : sequence of str
        As for `open_series`.
    bands : sequence of str, optional
        Names or numbers of their bands (BAND), in order, or one for all; an empty one leaves it to the
        names. None where there is no such choice.
    titles : mapping of str to str, optional
        What layers of these paths are called, which stands before the names of folders and files.

    Raises
    ------
    InputError
        As `open_series`, and if names are too many or occur twice.
    """
    groups: dict[str, list[str]] = {}
    for path in _without_neighbours(paths):
        progress.check()
        groups.setdefault(_series_of(path), []).append(path)
    if len(names) > len(groups):
        raise InputError(
            f"DYNAMIC_NAMES: {len(names)} names are given for {len(groups)} dated series (DYNAMIC); give one "
            "name for each."
        )
    if bands and len(bands) > max(len(groups), 1):
        raise InputError(
            f"BAND: {len(bands)} bands are given for {len(groups)} dated series (DYNAMIC); give one for "
            "each, or one for all."
        )
    found = []
    for index, (source, members) in enumerate(groups.items()):
        name = names[index] if index < len(names) else ""
        name = name or (titles or {}).get(source, "") or series_name(source, source in members)
        wanted = _wanted_of(name, bands, index)
        if source in members:
            found.append(open_series(source, name, progress, nodata, variables, wanted))
        else:
            found.append(_assemble(name, source, members, progress, nodata, variables, wanted))
    twice = [series.name for series in found if sum(series.name == other.name for other in found) > 1]
    if twice:
        raise InputError(
            f"DYNAMIC: two dated series are named {twice[0]}; give each its own name with DYNAMIC_NAMES."
        )
    return found


def undated_raster(
    path: str, dates: Sequence[dt.date], variables: Sequence[str] = (), wanted: Wanted = MOISTURE
) -> Series | None:
    """A raster without a date as a series in which it stands for each of `dates`; None for anything else.

    Raises
    ------
    InputError
        If it cannot be read, or it cannot be told which band is meant.
    """
    if Path(path).is_dir() or len(packed_rasters(path)) > 1:
        return None
    dataset, inside = open_variable(unpacked_name(path), variables)
    if time_variables(dataset) or _described_dates(dataset, inside) or find_date(Path(path).name):
        return None
    band = one_band(dataset, inside, wanted)
    entries = tuple(SeriesEntry(date, inside, band) for date in dates)
    name = series_name(path)
    return Series(name, path, dataset_grid(dataset, inside), entries, _look(name, path, None))


def _wanted_of(name: str, bands: Sequence[str] | None, index: int) -> Wanted:
    """The band of the series at `index`: the one asked for, or named as the series is, or rain."""
    rain = RAIN.names if looks_like_rain(name) else ()
    if bands is None:
        return Wanted(name, (name, *rain, *MOISTURE.names), within=name)
    asked = bands[0] if len(bands) == 1 else "".join(bands[index : index + 1])
    return Wanted(name, (name, *rain), "give its name or number as BAND", asked, name)


def raster_files(folder: Path) -> list[Path]:
    """The rasters of a folder, sorted by name.

    Hidden and side-car files are passed over, and VRTs of the folder's own rasters.
    """
    found = sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in RASTER_SUFFIXES and not file.name.startswith(".") and file.is_file()
    )
    own = {os.path.abspath(file) for file in found}

    def counts(file: Path) -> bool:
        if file.suffix.lower() != ".vrt":
            return True
        sources = _sources_of(file)
        return bool(sources) and sources.isdisjoint(own)

    return [file for file in found if counts(file)]


def _sources_of(vrt: Path) -> set[str]:
    """The paths of the files that a VRT shows."""
    found = _VRT_SOURCE.findall(vrt.read_text(encoding="utf-8", errors="replace"))
    folders = ((vrt.parent if 'relativeToVRT="1"' in how else Path(), source) for how, source in found)
    return {os.path.abspath(folder / unescape(source)) for folder, source in folders}


def series_files(path: str, advice: str) -> list[str]:
    """The rasters of a folder or of a packed file, or the file itself, by the names by which GDAL reads them.

    Packed files of a folder are read where it holds no other raster.

    Raises
    ------
    InputError
        If a folder holds none; `advice` says what to do.
    """
    folder = Path(path)
    if not folder.is_dir():
        return packed_rasters(path) or [path]
    files = [str(file) for file in raster_files(folder)]
    if not files:
        packed = (file for file in sorted(folder.iterdir()) if not file.name.startswith("."))
        files = [one for file in packed for one in packed_rasters(file)]
    if not files:
        raise _no_raster(folder, advice)
    return files


def _without_neighbours(paths: Sequence[str]) -> list[str]:
    """Paths without what lies beside a raster among them, and without the VRTs of such rasters."""
    rasters = [Path(path) for path in paths if Path(path).suffix.lower() in RASTER_SUFFIXES]
    folders, named = {file.parent for file in rasters}, {os.path.abspath(file) for file in rasters}

    def counts(path: str) -> bool:
        file = Path(path)
        if file.parent in folders and file.suffix.lower() in _BESIDE:
            return False
        return file.suffix.lower() != ".vrt" or not file.is_file() or _sources_of(file).isdisjoint(named)

    return [path for path in paths if counts(path)]


def series_name(path: str, alone: bool = True) -> str:
    """What a series is called: the folder's name, or the stem of a file that is one by itself (`alone`)."""
    if not alone or Path(path).is_dir():
        # The folder "." has a name too.
        name = os.path.basename(os.path.abspath(path))
        return name if os.path.isdir(path) else Path(name).stem
    # NETCDF:"folder/rain.nc":precip is named after its variable.
    subdataset = re.match(r'^\w+:"?.+?"?:/*(\w+)$', path)
    return subdataset.group(1) if subdataset and not Path(path).exists() else Path(path).stem


def _series_of(path: str) -> str:
    """What a path is put together under: itself if it is a series by itself, else its folder.

    A file of one date whose name holds it is one of a folder's files, whatever it says inside.
    """
    if Path(path).is_dir() or len(packed_rasters(path)) > 1 or _count_dates_inside(path) > 1:
        return path
    try:
        dated_by_name = find_date(Path(path).name) is not None
    except InputError:
        dated_by_name = True
    if not dated_by_name:
        return path
    file = file_of(path)
    return file if len(packed_rasters(file)) > 1 else str(Path(file).parent)


def _count_dates_inside(path: str) -> int:
    dataset = open_dataset(path)
    variables = time_variables(dataset)
    if variables:
        # Of several one must be named: `open_variable` says so.
        return open_dataset(variables[0]).RasterCount
    return len(set(_described_dates(dataset, path)))


def _assemble(
    name: str,
    source: str,
    files: Sequence[str],
    progress: Progress,
    nodata: NoDataChoice | None,
    variables: Sequence[str],
    wanted: Wanted,
) -> Series:
    counter = progress.counter(len(files), f"files of {name} looked at")
    grid, first = None, ""
    entries: list[SeriesEntry] = []
    for file in files:
        try:
            file_grid, file_entries = _entries_of_file(file, variables, wanted)
            if grid is None:
                grid, first = file_grid, file
            elif not same_grid(grid, file_grid):
                raise OffGrid(
                    f"{file}: its grid differs from that of {first}, and a series needs one for all dates",
                    "warp one of them to the grid of the other",
                )
        except OffGrid as error:
            if not wanted.off_grid:
                raise
            raise InputError(f"{error.problem}; {wanted.off_grid}.") from None
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
    if first.shape != second.shape or not same_crs(first.crs, second.crs):
        return False
    if second.cell_offset_in(first) == (0, 0):
        return True
    off = (second.cell_height / first.cell_height - 1, second.cell_width / first.cell_width - 1)
    rounded = max(map(abs, off)) <= min(_ROUNDING, _DRIFT / max(first.shape))
    return rounded and max(map(abs, second.offset_in(first))) <= ALIGNMENT


def _entries_of_file(path: str, variables: Sequence[str], wanted: Wanted) -> tuple[Grid, list[SeriesEntry]]:
    file = path = unpacked_name(path)
    dataset, path = open_variable(path, variables)
    if time_variables(dataset):
        dates = netcdf_dates(dataset, path)
        numbered = [(band, dates[band - 1]) for band in chosen_bands(dataset, path)]
    else:
        numbered = _dated_bands(dataset, path, file, wanted)
    check_measured(dataset, numbered[0][0], path, wanted)
    filled = is_filled(dataset, path)
    return dataset_grid(dataset, path), [SeriesEntry(date, path, band, filled) for band, date in numbered]


def _dated_bands(dataset: gdal.Dataset, path: str, file: str, wanted: Wanted) -> list[tuple[int, dt.date]]:
    """The bands that are wanted, and their dates: those of their descriptions, or that of the name."""
    said = ""
    if tag_of(dataset, FIRST_BAND_TAG) is None:
        described = _described_dates(dataset, path)
        if described:
            return _one_a_date(described, band_names(dataset), path, wanted)
        require_dates(dataset, path)
        band = one_band(dataset, path, replace(wanted, advice=f"{_DATING}, else {wanted.advice}"))
    else:
        band, said = 1, band_name(dataset.GetRasterBand(1))
    date = find_date(said) or find_date(Path(file).name) or find_date(Path(file_of(file)).name)
    if date is None:
        raise undated(path)
    return [(band, date)]


def _one_a_date(
    dates: Sequence[dt.date], names: Mapping[int, str], path: str, wanted: Wanted
) -> list[tuple[int, dt.date]]:
    """The band that is wanted of each date, where bands of one date have different names."""
    by_date: dict[dt.date, list[int]] = {}
    for band, date in enumerate(dates, start=1):
        by_date.setdefault(date, []).append(band)
    found = []
    for date, bands in by_date.items():
        texts = [names.get(band, "") for band in bands]
        if not same_but_dates(texts):
            bands = [bands[wanted.find(texts, f"{path} ({date})")]]
        found += [(band, date) for band in bands]
    return found


def open_variable(path: str, wanted: Sequence[str] = ()) -> tuple[gdal.Dataset, str]:
    """A raster, or the variable to read of a file that holds several: one that is wanted, or dated alone.

    Returns
    -------
    The open dataset, and the name by which GDAL reads it.

    Raises
    ------
    InputError
        If it cannot be told which, or the file lacks what is wanted.
    """
    dataset = open_dataset(path)
    if dataset.RasterCount and not (wanted and dataset.GetDriver().ShortName == "netCDF"):
        return dataset, path
    inside = {variable_of(name): name for name, _ in dataset.GetSubDatasets()}
    if not inside:
        # A NetCDF file of one variable, or a variable that is named already.
        own = tag_of(dataset.GetRasterBand(1), "NETCDF_VARNAME") if dataset.RasterCount else ""
        if own and not path.startswith("NETCDF:") and own.rsplit("/", 1)[-1] not in wanted:
            raise _not_there(path, wanted, [own])
        return dataset, path
    if wanted:
        fitting = [one for one in inside if one in wanted or one.rsplit("/", 1)[-1] in wanted]
        if not fitting:
            raise _not_there(path, wanted, list(inside))
    else:
        dated = [variable_of(name) for name in time_variables(dataset)]
        fitting = dated or list(inside)
    if len(fitting) > 1:
        what = "variables with a time axis" if not wanted and dated else "variables"
        raise InputError(
            f"{path}: it holds several {what} ({', '.join(fitting)}); name one with VARIABLE, or as "
            f"{inside[fitting[0]]}."
        )
    return open_dataset(inside[fitting[0]]), inside[fitting[0]]


def variable_of(name: str) -> str:
    """The variable of a NETCDF:"file":variable, or table of a GPKG:file:table."""
    return name.rsplit(":", 1)[-1].strip('"/')


def _not_there(path: str, wanted: Sequence[str], own: Sequence[str]) -> InputError:
    return InputError(
        f"{path}: it holds no variable {' or '.join(wanted)} (it has {', '.join(own)}); correct VARIABLE."
    )


def _described_dates(dataset: gdal.Dataset, path: str) -> list[dt.date]:
    """The dates in the band descriptions: of all bands, or of none."""
    texts = [band_name(dataset.GetRasterBand(band)) for band in range(1, dataset.RasterCount + 1)]
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


def _no_raster(folder: Path, advice: str) -> InputError:
    """What to say of a folder without rasters; portals give them packed in ways that GDAL does not read."""
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
