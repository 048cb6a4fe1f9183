"""Where soil moisture comes from: SMAP granules, or rasters made from them, on the EASE-Grid 2.0."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from osgeo import gdal

from ...base.dates import find_date, is_within
from ...base.errors import InputError
from ...base.nodata import is_fill
from ...base.progress import SILENT, Progress
from ...geo.bands import MOISTURE, Wanted, band_names, listed_bands
from ...geo.datasets import open_dataset, read_band, same_crs, spatial_reference
from ...geo.grid import EASE2_CRS, Grid, Window, ease2_grid
from ...geo.packed import file_of
from ...geo.texts import band_name, tag_of
from ...geo.whole_hdf5 import is_hdf5
from ...series.netcdf_time import time_dimension, time_variables
from ...series.series import Series, SeriesEntry, open_series, raster_files, series_name, variable_of
from ...series.tags import FIRST_BAND_TAG, unobserved_sentence
from .granule import PRODUCTS, Granule, name_date, open_granule, read_granule
from .numbers.overpasses import FLAG_BAND, Pass, Said, passes_of, said_by
from .numbers.screening import (
    DEFAULT_CHOICES,
    PHYSICAL_RANGE,
    Choices,
    Screened,
    ease2_window,
    flags_from_floats,
    merge_overpasses,
    screen,
)

#: What to do about rasters on another grid; the end of a sentence.
_NEVER = (
    "SMAP is never resampled: import the HDF5 granules of SPL3SMP_E (9 km) or SPL3SMP (36 km), or rasters in "
    "EPSG:6933 as they came, each product and area from a folder of its own"
)
GRANULE_SUFFIXES = frozenset({".h5", ".hdf5", ".he5"})


@dataclass(frozen=True)
class Item:
    """One date of a source and the file that holds it."""

    date: dt.date
    path: str
    number: int = 1


class SmapSource(Protocol):
    """Dated soil moisture on cells of the EASE-Grid 2.0."""

    path: str
    product: str
    grid: Grid
    items: tuple[Item, ...]
    #: Whether some of its values are no observations, but come from 'Fill gaps'.
    filled: bool

    def read(
        self, item: Item, window: Window, choices: Choices, inside: np.ndarray | None = None
    ) -> Screened:
        """A window of `grid` on a date, screened; `inside` as in `screen`."""


class GranuleSource:
    """A folder of granules, or one of them."""

    filled = False

    def __init__(self, path: str, granules: list[Granule]):
        self.path = path
        self.product = granules[0].product
        self.grid = granules[0].grid
        self._granules = {granule.date: granule for granule in granules}
        self.items = tuple(Item(date, granule.path) for date, granule in sorted(self._granules.items()))

    def read(
        self, item: Item, window: Window, choices: Choices, inside: np.ndarray | None = None
    ) -> Screened:
        """See `SmapSource.read`."""
        return read_granule(self._granules[item.date], choices, window, inside)


@dataclass(frozen=True)
class _Moisture(Wanted):
    """The band of soil moisture of the overpass and algorithm chosen, the first for both overpasses."""

    choices: Choices = DEFAULT_CHOICES

    def find(self, names: Sequence[str], label: str) -> int:
        """See `Wanted.find`."""
        return _passes(names, self.choices, label)[0].moisture


def _passes(names: Sequence[str], choices: Choices, label: str) -> list[Pass]:
    # AppEEARS says overpass and variable in the name of the file.
    said = [Path(label).stem] if list(names) == [""] else names
    return passes_of(said, choices, label, listed_bands(said))


#: A band of a file.
_Band = tuple[str, int]


class SeriesSource:
    """Rasters that hold SMAP's cells as they are.

    Parameters
    ----------
    passes : sequence of (Series, Series or None)
        Soil moisture and quality flags: of variables of a file for each overpass; else the one series of
        rasters, whose bands say by their names what they are.
    choices : Choices
    """

    def __init__(self, passes: Sequence[tuple[Series, Series | None]], choices: Choices = DEFAULT_CHOICES):
        series = passes[0][0]
        resolution, window = _on_ease2(series)
        self.path, self._look = series.source, series.look
        self.filled = series.has_filled()
        self.product = next(name for name, size in PRODUCTS.items() if size == resolution)
        self.grid = ease2_grid(resolution).crop(window)
        self._choices = choices
        self._passes = [(_by_date(moisture), _by_date(flags)) for moisture, flags in passes]
        entries: dict[dt.date, SeriesEntry] = {}
        for moisture, _flags in reversed(self._passes):
            entries.update(moisture)
        self.items = tuple(
            Item(date, file_of(entry.path), entry.band) for date, entry in sorted(entries.items())
        )
        self._numbers: dict[str, dict[dt.date, list[int]]] = {}

    def has_flags(self) -> bool:
        """Whether the first date has quality flags."""
        return all(flag is not None for _moisture, flag in self._bands(self.items[0].date))

    def says(self) -> list[Said]:
        """What the names of the first date's soil moisture say of it."""
        found = []
        for path, number in (moisture for moisture, _flag in self._bands(self.items[0].date)):
            # Bands die with their dataset.
            dataset = open_dataset(path)
            name = band_name(dataset.GetRasterBand(number)) or series_name(path)
            found.append(said_by(name) or Said(False))
        return found

    def read(
        self, item: Item, window: Window, choices: Choices, inside: np.ndarray | None = None
    ) -> Screened:
        """See `SmapSource.read`."""
        return merge_overpasses(
            [self._read(moisture, flag, window, choices, inside) for moisture, flag in self._bands(item.date)]
        )

    def _bands(self, date: dt.date) -> list[tuple[_Band, _Band | None]]:
        """Soil moisture and quality flag of each overpass of a date."""
        found = []
        for moisture, flags in self._passes:
            entry, flag = moisture.get(date), flags.get(date)
            if entry is None:
                continue
            dataset = open_dataset(entry.path)
            if time_dimension(dataset):
                found.append(((entry.path, entry.band), (flag.path, flag.band) if flag else None))
                continue
            numbers = self._bands_of(dataset, entry)
            names = [band_name(dataset.GetRasterBand(number)) for number in numbers]
            found += [
                (
                    (entry.path, numbers[one.moisture]),
                    None if one.flag is None else (entry.path, numbers[one.flag]),
                )
                for one in _passes(names, self._choices, entry.path)
            ]
        return found

    def _bands_of(self, dataset: gdal.Dataset, entry: SeriesEntry) -> list[int]:
        """The numbers of the bands of a date in a file of one date or of many."""
        if tag_of(dataset, FIRST_BAND_TAG) is not None:
            return [entry.band]
        if entry.path not in self._numbers:
            by_date: dict[dt.date, list[int]] = {}
            for number, name in band_names(dataset).items():
                by_date.setdefault(find_date(name) or entry.date, []).append(number)
            self._numbers[entry.path] = by_date
        return self._numbers[entry.path][entry.date]

    def _read(
        self,
        moisture: _Band,
        flag: _Band | None,
        window: Window,
        choices: Choices,
        inside: np.ndarray | None,
    ) -> Screened:
        path, band = moisture
        values = read_band(open_dataset(path), band, window, look=self._look)
        flags = None
        if flag is not None:
            flags = flags_from_floats(read_band(open_dataset(flag[0]), flag[1], window))
        elif choices.quality == "recommended":
            raise InputError(_no_flags(path))
        found = screen(values, flags, choices.quality, PHYSICAL_RANGE, inside=inside)
        if found.out_of_range > 0.5 * found.retrieved:
            if self._look is not None:
                self._look.check()
            worst = np.nanmax(np.where(is_fill(values), np.nan, values))
            raise InputError(
                f"{path}: most of its values lie outside 0-1 (up to {worst:.4g}), so they are no soil "
                "moisture in m3 m-3; choose other rasters, or rescale them (percent: divide by 100)."
            )
        return found


def open_source(
    path: str | Path | Sequence[str],
    choices: Choices = DEFAULT_CHOICES,
    start: dt.date | None = None,
    end: dt.date | None = None,
    progress: Progress = SILENT,
    variables: Sequence[str] = (),
) -> SmapSource:
    """Granules or dated rasters from `start` to `end`, all looked at before any is read.

    Parameters
    ----------
    path : str, Path or sequence of str
        A folder (granules also in its sub-folders) or one file, or several of these.
    variables : sequence of str
        Those to read of NetCDF files that hold several.

    Raises
    ------
    InputError
        If there is nothing to read, a granule is damaged or of another product, two
        have one date, products are mixed, or rasters are not on the EASE-Grid 2.0.
    """
    paths = [str(path)] if isinstance(path, (str, Path)) else list(path)
    if len(paths) > 1:
        return _several_sources(paths, choices, start, end, progress, variables)
    path = paths[0].rstrip("/\\") or paths[0]
    place = Path(path)
    if place.is_dir():
        files = list(_granule_files(place, progress))
        if files:
            if raster_files(place):
                progress.log(f"{path}: it holds granules and rasters; the rasters are left aside.")
            return _granule_source(path, files, start, end, choices, progress)
        if not raster_files(place):
            raise InputError(
                f"{path}: the folder holds no SMAP granule (.h5) and no dated raster; choose the folder that "
                "holds them."
            )
    elif place.exists() and _is_granule(place):
        return _granule_source(path, [path], start, end, choices, progress)

    def series_of(path: str | Sequence[str]) -> Series:
        series = open_series(path, progress=progress, variables=variables, wanted=_wanted(choices))
        return series.between(start, end)

    chosen = [(path, "")] if variables else _variables(path, choices)
    source = SeriesSource(
        [(series_of(moisture), series_of(flags) if flags else None) for moisture, flags in chosen], choices
    )
    _log_limits(source, choices, progress)
    return source


def _several_sources(
    paths: Sequence[str],
    choices: Choices,
    start: dt.date | None,
    end: dt.date | None,
    progress: Progress,
    variables: Sequence[str],
) -> SmapSource:
    """Several folders and files: all of granules, or all of dated rasters."""
    granules: list[str] = []
    rasters: list[str] = []
    for path in paths:
        place = Path(path)
        found = list(_granule_files(place, progress))
        if place.is_file() and _is_granule(place):
            found = [path]
        granules += found
        rasters += [] if found else [path]
    if granules and rasters:
        raise InputError(
            f"{granules[0]} is a granule and {rasters[0]} is none; import granules and rasters one after "
            "the other."
        )
    if granules:
        return _granule_source(str(Path(granules[0]).parent), granules, start, end, choices, progress)
    series = open_series(paths, progress=progress, variables=variables, wanted=_wanted(choices))
    source = SeriesSource([(series.between(start, end), None)], choices)
    _log_limits(source, choices, progress)
    return source


def _wanted(choices: Choices) -> _Moisture:
    return _Moisture(MOISTURE.what, MOISTURE.names, off_grid=_NEVER, choices=choices)


def _granule_files(folder: Path, progress: Progress) -> Iterator[str]:
    """Granules in a folder and below (NSIDC keeps a folder a day); hidden ones are passed over."""
    for parent, folders, files in os.walk(folder):
        progress.check()
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if Path(name).suffix.lower() in GRANULE_SUFFIXES and not name.startswith("."):
                yield os.path.join(parent, name)


def _is_granule(path: Path) -> bool:
    if path.suffix.lower() in GRANULE_SUFFIXES:
        return True
    if path.suffix.lower() in {".nc", ".nc4"}:
        return False
    return is_hdf5(path)


def _granule_source(
    path: str,
    files: list[str],
    start: dt.date | None,
    end: dt.date | None,
    choices: Choices,
    progress: Progress,
) -> GranuleSource:
    counter = progress.counter(len(files), "granules looked at")
    by_date: dict[dt.date, Granule] = {}
    outside: list[dt.date] = []
    for file in files:
        named = name_date(file)
        granule = None if named and not is_within(named, start, end) else open_granule(file)
        date = granule.date if granule else named
        if granule is None or not is_within(granule.date, start, end):
            outside += [date] if date else []
        elif granule.date in by_date:
            raise InputError(_twice(by_date[granule.date], granule))
        else:
            by_date[granule.date] = granule
        counter.advance()
    if not by_date:
        raise InputError(
            f"{path}: it holds no granule from {start or 'its start'} to {end or 'its end'} "
            f"(its granules run from {min(outside)} to {max(outside)}); choose other dates."
        )
    granules = list(by_date.values())
    for granule in granules[1:]:
        if granule.product != granules[0].product:
            raise InputError(
                f"{granule.path} is {granule.product} but {granules[0].path} is {granules[0].product}; "
                "import each product from a folder of its own."
            )
    lone = [granule for granule in granules if granule.lacks]
    if choices.overpass == "both" and lone:
        progress.warn(
            f"{path}: {len(lone)} of {len(granules)} granules hold one overpass alone (the first is "
            f"{Path(lone[0].path).name}, without {lone[0].lacks}); their days are of that one."
        )
    return GranuleSource(path, granules)


def _twice(first: Granule, second: Granule) -> str:
    text = f"{first.path} and {second.path} have the same date {first.date}; "
    if first.product == second.product and first.release != second.release:
        releases = f"they are releases {first.release} and {second.release} of one product"
        return f"{text}{releases}: keep one release for all dates."
    return text + "keep one of them."


def _variables(path: str, choices: Choices) -> list[tuple[str, str]]:
    """Of a NetCDF file with several variables those of soil moisture and its flags (or none), by overpass."""
    if Path(path).suffix.lower() not in {".nc", ".nc4"}:
        return [(path, "")]
    variables = time_variables(open_dataset(path))
    names = [variable_of(one) for one in variables]
    if len(variables) < 2 or not any(map(said_by, names)):
        return [(path, "")]
    return [
        (variables[one.moisture], "" if one.flag is None else variables[one.flag])
        for one in passes_of(names, choices, path, f"variables {', '.join(names)}")
    ]


def _by_date(series: Series | None) -> dict[dt.date, SeriesEntry]:
    return {entry.date: entry for entry in series.entries} if series else {}


def _on_ease2(series: Series) -> tuple[str, Window]:
    """The cells of the global grid, exactly; the response is never resampled."""
    grid, first = series.grid, series.entries[0].path
    if not same_crs(grid.crs, EASE2_CRS):
        name = grid.crs if len(grid.crs) < 20 else spatial_reference(grid.crs).GetName()
        raise InputError(f"{first}: it is in {name}, not on the EASE-Grid 2.0 (EPSG:6933); {_NEVER}.")
    found = ease2_window(grid)
    if found is None:
        raise InputError(
            f"{first}: its cells ({grid.cell_width:.3f} m x {grid.cell_height:.3f} m from {grid.left:.3f}, "
            f"{grid.top:.3f}) are not those of the EASE-Grid 2.0 of 9 or 36 km; {_NEVER}."
        )
    return found


def _log_limits(source: SeriesSource, choices: Choices, progress: Progress) -> None:
    if source.filled:
        progress.warn(unobserved_sentence(source.path, "are imported", "forests or maps"))
    if not source.has_flags():
        if choices.quality == "recommended":
            raise InputError(_no_flags(source.items[0].path))
        if choices.quality == "successful":
            progress.log(
                f"{source.path}: it has no band {FLAG_BAND}; the quality of its values is not checked."
            )
    said = source.says()
    if choices.algorithm != "default" and not all(one.algorithm for one in said):
        progress.warn(f"{source.path}: rasters hold one retrieval only; ALGORITHM has no effect on them.")
    if not all(one.overpass for one in said):
        progress.log(f"{source.path}: overpasses are taken as they are in the rasters.")


def _no_flags(path: str) -> str:
    return (
        f"{path}: it has no band {FLAG_BAND}, so QUALITY 'recommended' cannot be known; "
        "choose another QUALITY or import the HDF5 granules."
    )
