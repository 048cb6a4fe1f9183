"""Antecedent precipitation: one raster per date from a series of daily rain, each day read once."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from osgeo import gdal

from ...base.errors import InputError
from ...base.nodata import UNDECLARED, Declared
from ...base.progress import SILENT, Progress
from ...geo.bands import RAIN
from ...geo.blocks import blocks
from ...geo.datasets import check_folders, dataset_grid, open_dataset
from ...geo.geotiff import Band, create_geotiff
from ...geo.grid import Bounds, Grid, Window
from ...geo.texts import tags_of
from ...runs.fingerprint import digest, identity, is_made
from ...series.series import Series, SeriesEntry, open_series, same_grid
from ...series.tags import KIND_TAG, RAIN_KIND, RUN_TAG
from .numbers.antecedent import Antecedent, all_dates, listed_dates, mean_of_days
from .reading import CELLS_A_BLOCK, UNIT, Days, warn_of_unit, window_of

NAME = "p_antecedent"
_FILE = re.compile(rf"^{NAME}_(\d{{8}})\.tif$")


@dataclass
class AntecedentResult:
    """What a run left behind: the dates with a raster, those kept from an earlier run, those all NoData.

    `empty` are the dates of which a day is missing; `without_value` those, of the new ones, whose days are
    there but have no cell with a value on all of them.
    """

    folder: Path
    grid: Grid
    dates: list[dt.date] = field(default_factory=list)
    kept: list[dt.date] = field(default_factory=list)
    empty: list[dt.date] = field(default_factory=list)
    without_value: list[dt.date] = field(default_factory=list)


def antecedent_file(folder: str | Path, date: dt.date) -> Path:
    """Where the raster of a date lies."""
    return Path(folder) / f"{NAME}_{date:%Y%m%d}.tif"


def antecedent_precipitation(
    source: str | Path | Sequence[str],
    folder: str | Path,
    settings: Antecedent,
    extent: tuple[Bounds, str] | None = None,
    start: dt.date | None = None,
    end: dt.date | None = None,
    progress: Progress = SILENT,
    memory_mb: int = 512,
    nodata: Declared = UNDECLARED,
    variables: Sequence[str] = (),
) -> AntecedentResult:
    """Write `p_antecedent_YYYYMMDD.tif` (float32, mm/d) for every date from `start` to `end`.

    A date with a missing day gets a raster of NoData.  Rasters that are there
    already, made from the same days in the same way, are kept.

    Parameters
    ----------
    source : str, Path or sequence of str
        Series of daily rain; see `open_series`.
    folder : str or Path
    settings : Antecedent
    extent : (Bounds, str) or None
        Edges and CRS; every cell that it touches is kept.  None keeps all.
    start, end : date or None
        Dates of the output.  None: the first or last date whose days all lie in the record.
    memory_mb : int
        About how much memory the days under way may take; beyond it each date reads its days in blocks.
    nodata : Declared
        Which numbers of the record, in mm, are none.
    variables : sequence of str
        Those to read of NetCDF files that hold several; see `open_series`.

    Raises
    ------
    InputError
        For bad input, if no date has all of its days, or if `folder` holds rasters of another kind.
    """
    folder = Path(folder)
    check_folders(source, folder)
    reading = progress.part(0.0, 0.1)
    series = open_series(source, progress=reading, variables=variables, wanted=RAIN)
    warn_of_unit(series.source, series.unit(), False, progress)
    window = window_of(series.grid, extent, series.source)
    dates = _dates(series, settings, start, end, progress)
    job = _Job(series, window, settings, folder, nodata)
    missing = _missing_days(series, settings, dates)
    job.refuse_leftovers(dates)
    result = AntecedentResult(folder, job.grid)
    days = Days(series, window, memory_mb, settings.days, nodata)
    result.kept += [date for date in dates if job.is_made(date, progress)]
    new = sorted(set(dates) - set(result.kept))
    job.require_value(new, days, progress)
    counter = progress.part(0.1, 1.0).counter(len(dates), "dates averaged")
    for date in dates:
        job.do(date, days, result, progress)
        counter.advance()
    days.reader.log_undershoots(series.source, progress)
    _log_result(result, series, missing, progress)
    return result


def _dates(
    series: Series, settings: Antecedent, start: dt.date | None, end: dt.date | None, progress: Progress
) -> list[dt.date]:
    """The dates to write; a warning for those asked for that lie outside of what the record allows."""
    begin, last = series.dates[0], series.dates[-1]
    record = f"{series.source}: it runs from {begin} to {last}"
    first_date, last_date = settings.possible(begin, last)
    if first_date > last_date:
        raise InputError(
            f"{record}, too short for the mean of {settings.days} days; give a longer series or fewer DAYS."
        )
    wanted_first, wanted_last = start or first_date, end or last_date
    if wanted_first > last_date or wanted_last < first_date:
        raise InputError(
            f"{record}, so there are means of the {settings.days} preceding days from {first_date} to "
            f"{last_date} only; choose START and END there."
        )
    if wanted_first < first_date:
        progress.warn(f"{record}: no raster of {wanted_first} to {first_date - dt.timedelta(days=1)}.")
    if wanted_last > last_date:
        progress.warn(f"{record}: no raster of {last_date + dt.timedelta(days=1)} to {wanted_last}.")
    return all_dates(max(wanted_first, first_date), min(wanted_last, last_date))


def _missing_days(series: Series, settings: Antecedent, dates: list[dt.date]) -> list[dt.date]:
    lacking = {date: [day for day in settings.before(date) if not series.has(day)] for date in dates}
    missing = sorted({day for days in lacking.values() for day in days})
    if all(lacking.values()):
        raise InputError(
            f"{series.source}: none of the dates from {dates[0]} to {dates[-1]} has all of its "
            f"{settings.days} preceding days (missing: {listed_dates(missing)}); add them or choose other "
            "dates."
        )
    return missing


def _log_result(result: AntecedentResult, series: Series, missing: list[dt.date], progress: Progress) -> None:
    if missing:
        progress.warn(
            f"{series.source}: missing days, {len(missing):,} in all: {listed_dates(missing)}; "
            f"so {len(result.empty):,} of {len(result.dates):,} rasters are NoData."
        )
    if result.without_value:
        progress.warn(
            f"{series.source}: no cell has a value on all of the days before "
            f"{listed_dates(result.without_value)}; so {len(result.without_value):,} of "
            f"{len(result.dates):,} rasters are NoData."
        )
    if result.kept:
        progress.log(
            f"{len(result.kept):,} of {len(result.dates):,} rasters were there already, made from the same "
            "days; kept."
        )


@dataclass(frozen=True)
class _Job:
    series: Series
    window: Window
    settings: Antecedent
    folder: Path
    nodata: Declared

    @cached_property
    def grid(self) -> Grid:
        """The cells of the output."""
        return self.series.grid.crop(self.window)

    @cached_property
    def _entries(self) -> dict[dt.date, SeriesEntry]:
        return {entry.date: entry for entry in self.series.entries}

    @cached_property
    def _states(self) -> dict[str, tuple[str, int, int | str]]:
        return {path: identity(path) for path in {entry.path for entry in self.series.entries}}

    def is_made(self, date: dt.date, progress: Progress) -> bool:
        """Whether the raster of a date is there, made from the same days in the same way."""
        path = antecedent_file(self.folder, date)
        return is_made(path, self._run(self.settings.before(date)), self.grid, progress)

    def require_value(self, dates: list[dt.date], days: Days, progress: Progress) -> None:
        """Raise `InputError` if none of these dates has a mean on any cell; ends at the first that has."""
        complete = [date for date in dates if all(day in self._entries for day in self.settings.before(date))]
        for date in complete:
            for _block, rasters in days.blocks(self.settings.before(date), self.grid):
                progress.check()
                if np.isfinite(mean_of_days(rasters)).any():
                    return
        if complete:
            raise InputError(
                f"{self.series.source}: no cell has a value on all of the days before any of the dates from "
                f"{complete[0]} to {complete[-1]}; check NoData, INPUT and EXTENT."
            )

    def do(self, date: dt.date, days: Days, result: AntecedentResult, progress: Progress) -> None:
        """Write the raster of a date, or find that it is there already."""
        used = self.settings.before(date)
        missing = [day for day in used if day not in self._entries]
        if date not in result.kept:
            path, tags = antecedent_file(self.folder, date), self._tags(date, used, missing)
            band, cells = Band(date.isoformat(), UNIT, {"DATE": tags["DATE"]}), 0
            with create_geotiff(path, self.grid, [band], tags) as tiff:
                for block, rasters in self._blocks(days, used, bool(missing)):
                    progress.check()
                    mean = mean_of_days(rasters)
                    tiff.write(mean, block)
                    cells += int(np.isfinite(mean).sum())
                days.reader.check()
            if not missing and not cells:
                result.without_value.append(date)
        result.dates.append(date)
        if missing:
            result.empty.append(date)

    def _blocks(
        self, days: Days, used: tuple[dt.date, ...], missing: bool
    ) -> Iterator[tuple[Window, list[np.ndarray]]]:
        if not missing:
            return days.blocks(used, self.grid)
        return (
            (block, [np.full((block.height, block.width), np.nan, np.float32)])
            for block in blocks(self.grid, CELLS_A_BLOCK)
        )

    def _kind(self) -> dict[str, str]:
        return {"DAYS": str(self.settings.days), "LAG": str(self.settings.lag)}

    def _tags(self, date: dt.date, used: tuple[dt.date, ...], missing: list[dt.date]) -> dict[str, str]:
        tags = {
            "DATE": date.isoformat(),
            **self._kind(),
            "DAYS_USED": listed_dates(used),
            KIND_TAG: RAIN_KIND,
            "SOURCE": Path(self.series.source).name,
            RUN_TAG: self._run(used),
        }
        if missing:
            tags["DAYS_MISSING"] = listed_dates(missing)
        return tags

    def _run(self, used: tuple[dt.date, ...]) -> str:
        """A hash of all that the raster of a date depends on."""
        entries = [self._entries.get(day) for day in used]
        content = {
            "days": [
                (*self._states[entry.path], entry.path, entry.band) if entry else None for entry in entries
            ],
            "dates": [day.isoformat() for day in used],
            "grid": (self.grid.crs, *self.grid.geotransform, *self.grid.shape),
        }
        if self.nodata.codes:
            content["nodata"] = self.nodata.codes
        return digest(content)

    def refuse_leftovers(self, dates: list[dt.date]) -> None:
        """Other dates in the folder must be of the same kind, or a reader would mix them."""
        if not self.folder.is_dir():
            return
        mine = {f"{date:%Y%m%d}" for date in dates}
        for path in sorted(self.folder.iterdir()):
            match = _FILE.match(path.name)
            if not match or match.group(1) in mine:
                continue
            difference = self._difference(open_dataset(path), path)
            if difference:
                raise InputError(
                    f"OUTPUT: {path} is from another run ({difference}) and its date is not among those "
                    "made now; choose an empty folder, or remove it."
                )

    def _difference(self, dataset: gdal.Dataset, path: Path) -> str:
        tags = tags_of(dataset)
        for name, value in self._kind().items():
            if tags.get(name) != value:
                return f"{name} {tags.get(name, 'unknown')} instead of {value}"
        return "" if same_grid(self.grid, dataset_grid(dataset, str(path))) else "other cells"
