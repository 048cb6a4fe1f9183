"""Readings of field stations, brought to days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

#: Names or lines that a message tells of many.
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

    `told` goes to the log, `warnings` are not to be missed.
    """

    source: str
    crs: str
    stations: tuple[Station, ...]
    told: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


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
    """Things by comma, the first ten of many."""
    texts = [str(thing) for thing in things]
    return ", ".join(texts[:_MOST_LISTED]) + (", ..." if len(texts) > _MOST_LISTED else "")
