"""Anomalies: what a series has beside its seasons.

`climatology`: the series is smoothed over 5 days, averaged by day of the year (of a leap year, so
that each day keeps its number), and smoothed over 35 days around the year; the anomaly is the value
less that of its day.  `moving`: the value less the mean of the 35 days around it.
Source: both as in pytesmo (`calc_climatology`, `calc_anomaly`; Albergel et al. 2009, Hydrology and
Earth System Sciences 13, 115-124, for the moving window of five weeks).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from .readings import Pairs

#: No anomalies, or which ones.
ANOMALIES = ("none", "climatology", "moving")
SMOOTHED, WINDOW = 5, 35
#: A climatology of fewer days than this is little more than the series itself.
LEAST_SPAN = 3 * 365
_YEAR = 366
_EPOCH = 719_163


def anomalies(days: np.ndarray, values: np.ndarray, kind: str) -> np.ndarray:
    """The anomalies of a series.

    Parameters
    ----------
    days : int64, shape (n,)
        Ordinals, ascending.
    values : float64, shape (n,)
        NaN where missing.
    kind : str
        Of `ANOMALIES`.

    Returns
    -------
    float64, shape (n,); NaN where the value is missing.
    """
    if kind == "none":
        return values
    found = np.full(len(values), np.nan)
    good = np.isfinite(values)
    if good.any():
        at, of = days[good], values[good]
        seasonal = kind == "climatology"
        usual = _climatology(at, of)[_day_of_year(at)] if seasonal else moving_mean(at, of, at, WINDOW)
        found[good] = of - usual
    return found


def as_anomalies(part: Pairs, kind: str, whole: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Pairs:
    """The same days as anomalies, each series against its own seasons.

    Parameters
    ----------
    part : Pairs
    kind : str
        Of `ANOMALIES`.
    whole : mapping of "field", "map" and "other" to (days, values)
        All days of each series, of which those of `part` are some.
    """

    def at_days(name: str, like: np.ndarray) -> np.ndarray:
        days, values = whole[name]
        found = np.full(len(like), np.nan)
        _, here, there = np.intersect1d(part.days, days, assume_unique=True, return_indices=True)
        found[here] = anomalies(days, values, kind)[there]
        return found

    return replace(
        part,
        field=at_days("field", part.field),
        map=at_days("map", part.map),
        other=None if part.other is None else at_days("other", part.other),
    )


def moving_mean(days: np.ndarray, values: np.ndarray, at: np.ndarray, window: int) -> np.ndarray:
    """Mean of the values within half a window of each day of `at`; NaN where there is none.

    Parameters
    ----------
    days, at : int64, shapes (n,) and (m,)
        Ascending.
    values : float64, shape (n,)
        Without NaN.
    window : int
        Days.
    """
    first = np.searchsorted(days, at - window / 2, side="left")
    last = np.searchsorted(days, at + window / 2, side="right")
    running = np.concatenate([[0.0], np.cumsum(values)])
    count = last - first
    return np.divide(running[last] - running[first], count, out=np.full(len(at), np.nan), where=count > 0)


def _climatology(days: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The usual value of each day of a leap year, float64, shape (366,)."""
    smooth = moving_mean(days, values, days, SMOOTHED)
    of_year = _day_of_year(days)
    count = np.bincount(of_year, minlength=_YEAR)
    held = np.flatnonzero(count)
    mean = np.bincount(of_year, smooth, _YEAR)[held] / count[held]
    # A year before and one after: the turn of the year is a day like others.
    around = np.concatenate([held - _YEAR, held, held + _YEAR])
    return moving_mean(around, np.tile(mean, 3), np.arange(_YEAR), WINDOW)


def _day_of_year(days: np.ndarray) -> np.ndarray:
    """0 to 365: the place of each day in a leap year."""
    dates = (days - _EPOCH).astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    starts = np.cumsum([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30])
    return np.asarray(starts[months.astype(np.int64) % 12] + (dates - months).astype(np.int64))


def month_of(days: np.ndarray) -> np.ndarray:
    """The month, 1 to 12, of ordinals of days, shape (n,)."""
    months = (days - _EPOCH).astype("datetime64[D]").astype("datetime64[M]")
    return np.asarray(months.astype(np.int64) % 12 + 1)
