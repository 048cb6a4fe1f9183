"""Field readings beside the values of maps and of another series, day by day and station by station.

Each raster is opened once, and only the blocks around stations are read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from osgeo import gdal

from ...base.errors import InputError
from ...base.progress import SILENT, Counter, Progress
from ...base.words import counted
from ...geo.datasets import open_dataset, read_band
from ...geo.geotiff import TILE
from ...geo.grid import Grid, Window
from ...geo.points import PointsOnGrid, points_on_grid
from ...geo.sampling import Between
from ...series.series import Series
from .numbers.climatology import LEAST_SPAN, as_anomalies
from .numbers.readings import FieldData, Pairs, Station, listed

#: The cell that contains the station, or interpolation between the centres of four.
EXTRACTIONS = ("cell", "bilinear")


@dataclass(frozen=True)
class PairChoices:
    """Period, extraction from the maps (of `EXTRACTIONS`) and anomalies (of `ANOMALIES`)."""

    start: dt.date | None = None
    end: dt.date | None = None
    extraction: str = "cell"
    anomalies: str = "none"


@dataclass
class PairedField:
    """Pairs of the stations that have any, as read and as compared (anomalies), and why others have none.

    `missing` counts for each station of `raw` the days on which its pixel has no value; `largest` is
    the largest value of the maps there.
    """

    raw: list[Pairs] = field(default_factory=list)
    compared: list[Pairs] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    dates: int = 0
    largest: float = 0.0

    def log(self, progress: Progress) -> None:
        """Log which stations were left out, and where pixels have no value at times."""
        by_reason: dict[str, list[str]] = {}
        for name, reason in self.left_out.items():
            by_reason.setdefault(reason, []).append(name)
        for reason, names in by_reason.items():
            progress.warn(f"{counted(len(names), 'station')} left out, {reason}: {listed(names)}")
        gaps = {name: count for name, count in self.missing.items() if count}
        if gaps:
            named = [f"{name} ({days})" for name, days in gaps.items()]
            count = counted(len(gaps), "station lies", "stations lie")
            progress.log(f"{count} on NoData on some days (how many): {listed(named)}")
        if self.largest > 1:
            progress.warn(
                f"The maps reach {self.largest:g} at the stations, beyond any soil moisture in m3 m-3; "
                "give maps "
                "in that unit."
            )


def pair_up(
    data: FieldData,
    series: Series,
    other: Series | None,
    choices: PairChoices,
    progress: Progress = SILENT,
) -> PairedField:
    """Read the values of maps and another series at the stations on the days with field readings.

    Parameters
    ----------
    data : FieldData
    series : Series
        The maps.
    other : Series, optional
        SMAP, or a third series, on its own cells: the cell that contains the station counts.
    choices : PairChoices

    Raises
    ------
    InputError
        If no station has a pair, or a raster cannot be read.
    """
    series = series.between(choices.start, choices.end)
    stations = [_within(station, choices) for station in data.stations]
    x, y = (np.array([getattr(station, axis) for station in stations]) for axis in "xy")
    positions = points_on_grid(series.grid, data.crs, x, y)
    whole = choices.anomalies != "none"
    dates = _dates(series, stations, positions, whole)
    other_dates = _other_dates(other, dates, choices) if other is not None else []
    counter = progress.counter(len(dates) + len(other_dates), "rasters read at the stations")
    maps = _Extracted(dates, extract(series, positions, dates, choices.extraction, counter))
    cells = None
    if other is not None:
        cell_positions = points_on_grid(other.grid, data.crs, x, y)
        cells = _Extracted(other_dates, extract(other, cell_positions, other_dates, "cell", counter))
    result = PairedField(dates=len(dates))
    for number, station in enumerate(stations):
        progress.check()
        reason = _add(result, number, station, bool(positions.inside[number]), maps, cells, choices)
        if reason:
            result.left_out[station.name] = reason
    if not result.raw:
        name, reason = next(iter(result.left_out.items()))
        raise InputError(
            f"{data.source}: of {counted(len(stations), 'station')} none can be compared with "
            f"{series.source} "
            f"({name}: {reason}); choose maps and readings of the same area and days."
        )
    if whole:
        _warn_of_short(result.raw, choices, progress)
    return result


class _Extracted:
    """Values of a series at the stations, by ordinal."""

    def __init__(self, dates: Sequence[dt.date], values: np.ndarray):
        self.days = np.array([date.toordinal() for date in dates], np.int64)
        self.values = values

    def at(self, days: np.ndarray, station: int) -> np.ndarray:
        found = np.full(len(days), np.nan)
        _, here, there = np.intersect1d(days, self.days, assume_unique=True, return_indices=True)
        found[here] = self.values[there, station]
        return found


def _add(
    result: PairedField,
    number: int,
    station: Station,
    inside: bool,
    maps: _Extracted,
    cells: _Extracted | None,
    choices: PairChoices,
) -> str:
    """Add the pairs of a station; returns why there are none."""
    if not inside:
        return "outside the maps"
    readings = station.readings
    shared = np.isin(readings.days, maps.days)
    if not shared.any():
        return "no reading on a day with a map"
    days = readings.days[shared]
    raw = Pairs(
        station.name,
        days,
        readings.mean[shared],
        readings.sd[shared],
        readings.count[shared],
        maps.at(days, number),
        None if cells is None else cells.at(days, number),
    )
    missing = int((~raw.used).sum())
    if missing == len(days):
        return "on NoData or masked pixels on all days"
    result.missing[station.name] = missing
    result.largest = max(result.largest, float(np.nanmax(raw.map)))
    result.raw.append(raw)
    if choices.anomalies == "none":
        result.compared.append(raw)
    else:
        whole = {"field": (readings.days, readings.mean), "map": (maps.days, maps.values[:, number])}
        if cells is not None:
            whole["other"] = cells.days, cells.values[:, number]
        result.compared.append(as_anomalies(raw, choices.anomalies, whole))
    return ""


def _within(station: Station, choices: PairChoices) -> Station:
    readings = station.readings.between(choices.start, choices.end)
    return Station(station.name, station.x, station.y, readings)


def _other_dates(other: Series, dates: Sequence[dt.date], choices: PairChoices) -> list[dt.date]:
    """The dates of the other series to read: all in the period for anomalies, else those of the maps."""
    if choices.anomalies == "none":
        return [date for date in dates if other.has(date)]
    return list(other.between(choices.start, choices.end).dates)


def _dates(
    series: Series, stations: Sequence[Station], positions: PointsOnGrid, whole: bool
) -> list[dt.date]:
    """The dates of maps to read: all for anomalies, else those on which a station inside was read."""
    if whole:
        return list(series.dates)
    inside = [station.readings.days for station, good in zip(stations, positions.inside) if good]
    read = set(np.concatenate(inside).tolist()) if inside else set()
    return [date for date in series.dates if date.toordinal() in read]


def _warn_of_short(pairs: Sequence[Pairs], choices: PairChoices, progress: Progress) -> None:
    if choices.anomalies != "climatology":
        return
    span = max(int(part.days[-1] - part.days[0]) + 1 for part in pairs)
    if span < LEAST_SPAN:
        progress.warn(
            f"ANOMALIES: the readings span {span} days, so their climatology is little more than the series "
            "itself; choose moving, or a record of three years or more."
        )


def extract(
    series: Series, positions: PointsOnGrid, dates: Sequence[dt.date], how: str, counter: Counter
) -> np.ndarray:
    """Values at stations.

    Parameters
    ----------
    series : Series
    positions : PointsOnGrid
        On the grid of `series`.
    dates : sequence of date
        All in `series`.
    how : str
        Of `EXTRACTIONS`.
    counter : Counter
        Advanced by 1 per date.

    Returns
    -------
    float64, shape (dates, stations); NaN outside, and where the raster has no value.

    Raises
    ------
    InputError
        If a raster cannot be read.
    """
    values = np.full((len(dates), len(positions.rows)), np.nan)
    groups = _groups(series.grid, positions, 1 if how == "bilinear" else 0)
    entries = {entry.date: entry for entry in series.entries}
    opened: tuple[str, gdal.Dataset | None] = ("", None)
    samplers = [_sampler(window, positions, members, how) for window, members in groups]
    for number, date in enumerate(dates):
        entry = entries[date]
        if opened[0] != entry.path:
            opened = entry.path, open_dataset(entry.path)
        for (window, members), sampled in zip(groups, samplers):
            values[number, members] = sampled(read_band(opened[1], entry.band, window, look=series.look))
        series.check_codes()
        counter.advance()
    return values


def _sampler(
    window: Window, positions: PointsOnGrid, members: np.ndarray, how: str
) -> Callable[[np.ndarray], np.ndarray]:
    """What takes the values of stations from the block of a window, on any date."""
    rows, cols = positions.rows[members] - window.row, positions.cols[members] - window.col
    if how == "bilinear":
        return Between((window.height, window.width), rows, cols).of
    cells = rows.astype(np.intp), cols.astype(np.intp)
    return lambda block: block[cells]


def _groups(grid: Grid, positions: PointsOnGrid, margin: int) -> list[tuple[Window, np.ndarray]]:
    """Windows that hold all stations of a tile of the file, with the stations."""
    inside = np.flatnonzero(positions.inside)
    row, col = positions.rows[inside].astype(np.intp), positions.cols[inside].astype(np.intp)
    tiles = row // TILE * (grid.width // TILE + 1) + col // TILE
    groups = []
    for tile in np.unique(tiles):
        own = tiles == tile
        top, left = max(int(row[own].min()) - margin, 0), max(int(col[own].min()) - margin, 0)
        bottom = min(int(row[own].max()) + margin + 1, grid.height)
        right = min(int(col[own].max()) + margin + 1, grid.width)
        groups.append((Window(top, left, bottom - top, right - left), inside[own]))
    return groups
