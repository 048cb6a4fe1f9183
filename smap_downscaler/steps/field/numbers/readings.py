"""Readings of field stations brought to days, and the days that have a map too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

#: Names or lines that a message gives of many.
_MOST_LISTED = 10
#: Units in which readings may be given, and what turns them into m3 m-3.
UNITS = {"m3 m-3": 1.0, "percent": 0.01}


@dataclass(frozen=True, eq=False)
class DailySeries:
    """The days of a station.

    Parameters
    ----------
    days : int64, shape (n,)
        `datetime.date.toordinal` of each day, ascending.
    mean, sd : float64, shape (n,)
        Mean and SD (ddof 1; NaN for one reading) of the day's readings, m3 m-3.
    count : int64, shape (n,)
        Readings of each day.
    """

    days: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    count: np.ndarray

    def between(self, start: dt.date | None, end: dt.date | None) -> DailySeries:
        """The days from `start` to `end`, both included; None means open."""
        inside = np.ones(len(self.days), bool)
        if start is not None:
            inside &= self.days >= start.toordinal()
        if end is not None:
            inside &= self.days <= end.toordinal()
        return DailySeries(self.days[inside], self.mean[inside], self.sd[inside], self.count[inside])


@dataclass(frozen=True, eq=False)
class Station:
    """A place (x and y in the CRS of its `FieldData`) and its days."""

    name: str
    x: float
    y: float
    readings: DailySeries


@dataclass(frozen=True, eq=False)
class FieldData:
    """All stations of a file or folder, and what its reader has to say.

    `notes` go to the log, `warnings` are not to be missed.
    """

    source: str
    crs: str
    stations: tuple[Station, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Pairs:
    """The days of a station that have a field reading and a map.

    Parameters
    ----------
    station : str
    days : int64, shape (n,)
        Ordinals, ascending.
    field, sd : float64, shape (n,)
        Mean and SD of the readings, m3 m-3.
    count : int64, shape (n,)
        Readings.
    map : float64, shape (n,)
        NaN where the map has no value.
    other : float64, shape (n,), or None
        A series beside the map (the SMAP cell, or the third one of a triple); NaN where it has no value.
    """

    station: str
    days: np.ndarray
    field: np.ndarray
    sd: np.ndarray
    count: np.ndarray
    map: np.ndarray
    other: np.ndarray | None = None

    @property
    def used(self) -> np.ndarray:
        """Days with a value of the map, bool, shape (n,)."""
        return np.isfinite(self.map) & np.isfinite(self.field)

    @property
    def common(self) -> np.ndarray:
        """Days with values of map and the other series, bool, shape (n,)."""
        return (
            self.used & np.isfinite(self.other) if self.other is not None else np.zeros(len(self.days), bool)
        )


def daily(days: np.ndarray, values: np.ndarray) -> DailySeries:
    """Mean, SD and number of readings of each day.

    Parameters
    ----------
    days : int64, shape (n,)
        Day of each reading, in any order.
    values : float64, shape (n,)
        Without NaN.
    """
    found, place, count = np.unique(days, return_inverse=True, return_counts=True)
    mean = np.bincount(place, values, len(found)) / count
    # About the day's mean: equal readings must have no SD.
    squares = np.bincount(place, (values - mean[place]) ** 2, len(found))
    sd = np.sqrt(np.divide(squares, count - 1, out=np.full(len(found), np.nan), where=count > 1))
    return DailySeries(found.astype(np.int64), mean, sd, count.astype(np.int64))


def listed(things: Iterable[object]) -> str:
    """Things separated by commas, the first ten of many."""
    texts = [str(thing) for thing in things]
    return ", ".join(texts[:_MOST_LISTED]) + (", ..." if len(texts) > _MOST_LISTED else "")
