"""Seasonal precipitation: a stack of mean daily rain, one band per season, each input read once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...base.errors import InputError
from ...base.nodata import UNDECLARED, Declared
from ...base.progress import SILENT, Progress
from ...base.seasons_of_year import MONTH_NAMES
from ...geo.blocks import blocks
from ...geo.datasets import check_source
from ...geo.geotiff import Band, GeoTiff, create_geotiff
from ...geo.grid import Bounds, Grid, Window
from .numbers.seasons import Season, SeasonMeans
from .reading import UNIT, RainReader, window_of
from .record import Record, open_record

#: Bytes a cell takes while a raster is read (raw, cells, masks).
_READING = 16


def check_stack(source: str | Path | Sequence[str], path: str | Path) -> None:
    """Raise `InputError` if the source is missing or the stack is no GeoTIFF by its name."""
    check_source(source)
    if Path(path).suffix.lower() not in {".tif", ".tiff"}:
        raise InputError(f"OUTPUT: {path} is no GeoTIFF by its name; end it in .tif.")


def seasonal_precipitation(
    source: str | Path | Sequence[str],
    path: str | Path,
    kind: str,
    seasons: Sequence[Season],
    extent: tuple[Bounds, str] | None = None,
    start: dt.date | None = None,
    end: dt.date | None = None,
    minimum_share: float = 0.8,
    progress: Progress = SILENT,
    memory_mb: int = 512,
    nodata: Declared = UNDECLARED,
    variables: Sequence[str] = (),
) -> Grid:
    """Write a stack of mean daily precipitation, float32, mm/d, one band per season; returns its grid.

    Every day that has a value counts the same.  A month's total counts for the
    month's days (28.25 for the February of a climatology).

    Parameters
    ----------
    source : str, Path or sequence of str
        The record; see `open_series`.
    path : str or Path
        The GeoTIFF.
    kind : str
        "daily" (mm a day), "monthly" (mm a month, dated) or "climatology" (mm a month, twelve rasters).
    seasons : sequence of Season
    extent : (Bounds, str) or None
        Edges and CRS; every cell that it touches is kept.  None keeps all.
    start, end : date or None
        The part of a dated record to use; months count that lie wholly inside.
    minimum_share : float
        A warning is given where less than this share of a season's days is there.
    memory_mb : int
        About how much memory the sums may take; a larger raster is done in blocks.
    nodata : Declared
        Which numbers of the record, in mm, are none.
    variables : sequence of str
        Those to read of NetCDF files that hold several; see `open_series`.

    Raises
    ------
    InputError
        For bad input, or if a season has no day or no value.
    """
    check_stack(source, path)
    record = open_record(source, kind, start, end, progress.part(0.0, 0.1), variables)
    window = window_of(record.grid, extent, record.source)
    _check_seasons(record, seasons, minimum_share, progress)
    grid = record.grid.crop(window)
    tags = {"SOURCE": Path(record.source).name, "KIND": kind, "PERIOD": record.period}
    bands = [_band(record, season) for season in seasons]
    with create_geotiff(path, grid, bands, tags) as tiff:
        reader = RainReader(record.source, nodata)
        _fill(tiff, record, seasons, window, minimum_share, memory_mb, reader, progress)
        reader.check()
    return grid


def _band(record: Record, season: Season) -> Band:
    held, _ = record.of_season(season)
    return Band(season.name, UNIT, {"MONTHS": ",".join(map(str, season.months)), "DAYS": f"{held:g}"})


def _check_seasons(
    record: Record, seasons: Sequence[Season], minimum_share: float, progress: Progress
) -> None:
    for season in seasons:
        held, expected = record.of_season(season)
        absent = [MONTH_NAMES[month - 1] for month in season.months if not record.days_of(month)]
        if not held:
            raise InputError(
                f"{record.source}: it holds no day of {season.name} ({', '.join(absent)}); "
                "leave this season out of SEASONS, or give a longer record."
            )
        if absent:
            progress.warn(
                f"{season.name}: the record holds no day of {', '.join(absent)}; the mean is that of the "
                "other months."
            )
        if held < minimum_share * expected:
            progress.warn(
                f"{season.name}: only {held:,g} of the {expected:,g} days in {record.period} are there "
                f"({100 * held / expected:.0f} %, less than {100 * minimum_share:g} %)."
            )


class _Summary:
    """What the log says of a season: mean over the cells, cells without a value or with few days."""

    def __init__(self, expected: float, minimum_share: float):
        self._least = minimum_share * expected
        self.total, self.cells, self.few = 0.0, 0, 0

    def add(self, values: np.ndarray, days: np.ndarray) -> None:
        valid = np.isfinite(values)
        self.cells += int(valid.sum())
        self.total += float(values[valid].sum(dtype=np.float64))
        self.few += int((valid & (days < self._least)).sum())


def _fill(
    tiff: GeoTiff,
    record: Record,
    seasons: Sequence[Season],
    window: Window,
    minimum_share: float,
    memory_mb: int,
    reader: RainReader,
    progress: Progress,
) -> None:
    wanted = {month for season in seasons for month in season.months}
    amounts = [amount for amount in record.amounts if amount.month in wanted]
    grid = record.grid.crop(window)
    a_cell = SeasonMeans.BYTES * len(seasons) + _READING
    parts = list(blocks(grid, memory_mb * 2**20 // a_cell))
    summaries = [_Summary(record.of_season(season)[0], minimum_share) for season in seasons]
    counter = progress.part(0.1, 1.0).counter(len(amounts) * len(parts), "rasters summed")
    for block in parts:
        sums = SeasonMeans(seasons, (block.height, block.width))
        for amount in amounts:
            sums.add(reader.read(amount.path, amount.band, window.part(block)), amount.month, amount.days)
            counter.advance()
        for index, summary in enumerate(summaries):
            progress.check()
            values = sums.mean(index, record.least_days(seasons[index]))
            summary.add(values, sums.days[index])
            tiff.write(values, block, index + 1)
    reader.log_undershoots(record.source, progress)
    _log_seasons(record, seasons, summaries, minimum_share, progress)


def _log_seasons(
    record: Record,
    seasons: Sequence[Season],
    summaries: Sequence[_Summary],
    minimum_share: float,
    progress: Progress,
) -> None:
    for season, summary in zip(seasons, summaries):
        if not summary.cells:
            raise InputError(
                f"{record.source}: {season.name} has no cell with a value; check NoData, INPUT and EXTENT."
            )
        counted = ", ".join(f"{MONTH_NAMES[month - 1]} {record.days_of(month):,g}" for month in season.months)
        progress.log(
            f"{season.name}: {record.of_season(season)[0]:,g} days ({counted}), mean over the cells "
            f"{summary.total / summary.cells:.2f} {UNIT}."
        )
        if summary.few and not record.whole:
            progress.warn(
                f"{season.name}: {summary.few:,} of {summary.cells:,} cells have a value on less than "
                f"{100 * minimum_share:g} % of these days."
            )
