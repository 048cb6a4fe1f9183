"""Covariates that are made from the rows themselves: day of year, neighbours in time of a cell."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ..base.errors import InputError
from ..base.matrix_columns import DAY_OF_YEAR, NEIGHBOURS

#: Days at which the distance of a neighbour in time is capped.
FARTHEST_DAYS = 30


@dataclass(frozen=True)
class FeatureSettings:
    """Which derived covariates a forest has.

    Parameters
    ----------
    day_of_year : bool
        See `calendar_features`.
    neighbours : bool
        See `neighbour_features`; for forests by cell.
    farthest : int
        Days at which the distance of a neighbour is capped.
    """

    day_of_year: bool = False
    neighbours: bool = False
    farthest: int = FARTHEST_DAYS

    def __post_init__(self) -> None:
        if self.farthest < 1:
            raise InputError(f"The farthest neighbour in time is {self.farthest} days away; give 1 or more.")

    @property
    def names(self) -> tuple[str, ...]:
        """The derived covariates, in the order of their columns."""
        return (*(DAY_OF_YEAR if self.day_of_year else ()), *(NEIGHBOURS if self.neighbours else ()))

    @property
    def units(self) -> dict[str, str]:
        """Units of the derived covariates that have one."""
        if not self.neighbours:
            return {}
        return dict(zip(NEIGHBOURS, ("m3 m-3", "m3 m-3", "d", "d")))

    def as_dict(self) -> dict[str, bool | int]:
        """The fields by name, for JSON; ``FeatureSettings(**d)`` is the way back."""
        return asdict(self)


NO_FEATURES = FeatureSettings()


def calendar_features(date: dt.date) -> tuple[float, float]:
    """`doy_sin` and `doy_cos`: sine and cosine of 2 pi (day of year - 1) / (days of that year).

    The last day of a year is thus next to the first of the following one.
    """
    first = dt.date(date.year, 1, 1)
    days = dt.date(date.year, 12, 31).toordinal() - first.toordinal() + 1
    angle = 2.0 * math.pi * (date.toordinal() - first.toordinal()) / days
    return math.sin(angle), math.cos(angle)


def neighbour_features(
    targets: np.ndarray,
    days: np.ndarray,
    values: np.ndarray,
    hidden: np.ndarray | None = None,
    farthest: int = FARTHEST_DAYS,
) -> np.ndarray:
    """Soil moisture of a cell on the nearest days before and after, and their distance in days.

    The day itself is never looked at, so that a training row does not hold its own response.  A
    distance over `farthest` counts as `farthest`.  Where there is no day on one side (the ends of
    the series) the value of the other side stands for it, at the distance `farthest`; where there
    is none at all, the value is NaN.

    Parameters
    ----------
    targets : int array, shape (m,)
        Days (ordinals) to make the covariates for.
    days : int array, shape (n,)
        Days on which the cell was observed, ascending, each once.
    values : array, shape (n,)
        Observed soil moisture.
    hidden : bool array, shape (n,), optional
        Observations that must not be used: those of the fold that is predicted.
    farthest : int

    Returns
    -------
    float32, shape (m, 4)
        In the order of `NEIGHBOURS`.

    Raises
    ------
    ValueError
        If the days are not ascending.
    """
    if np.any(np.diff(days) <= 0):
        raise ValueError("days must be ascending, each once")
    seen = np.isfinite(values) if hidden is None else np.isfinite(values) & ~hidden
    days, values = np.asarray(days)[seen], np.asarray(values, np.float64)[seen]
    out = np.empty((len(targets), 4), np.float32)
    if not days.size:
        out[:, :2], out[:, 2:] = np.nan, farthest
        return out
    before = np.searchsorted(days, targets, "left") - 1
    after = np.searchsorted(days, targets, "right")
    has_before, has_after = before >= 0, after < days.size
    first, last = np.clip(before, 0, None), np.clip(after, None, days.size - 1)
    out[:, 0] = np.where(has_before, values[first], values[last])
    out[:, 1] = np.where(has_after, values[last], values[first])
    out[:, 2] = np.where(has_before, np.minimum(targets - days[first], farthest), farthest)
    out[:, 3] = np.where(has_after, np.minimum(days[last] - targets, farthest), farthest)
    out[~(has_before | has_after), :2] = np.nan
    return out


def add_features(
    x: np.ndarray,
    targets: np.ndarray,
    settings: FeatureSettings,
    days: np.ndarray | None = None,
    values: np.ndarray | None = None,
    hidden: np.ndarray | None = None,
) -> np.ndarray:
    """`x` with the derived covariates behind its columns: float32, shape (m, p + derived).

    Parameters
    ----------
    x : float32, shape (m, p)
    targets : int array, shape (m,)
        Day (ordinal) of each row.
    settings : FeatureSettings
    days, values, hidden : arrays, shape (n,)
        Observations of the cell, where there are neighbours; see `neighbour_features`.

    Raises
    ------
    ValueError
        If neighbours are asked for without observations.
    """
    parts = [np.asarray(x, np.float32)]
    if settings.day_of_year:
        unique, position = np.unique(targets, return_inverse=True)
        table = [calendar_features(dt.date.fromordinal(int(day))) for day in unique]
        parts.append(np.array(table, np.float32).reshape(-1, 2)[position.reshape(-1)])
    if settings.neighbours:
        if days is None or values is None:
            raise ValueError("neighbours in time need the observations of the cell")
        parts.append(neighbour_features(targets, days, values, hidden, settings.farthest))
    return np.hstack(parts) if len(parts) > 1 else parts[0]


def drop_constant(x: np.ndarray, names: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...], np.ndarray]:
    """Columns that vary: `x` and `names` of those, and their numbers (int64).

    A forest by cell learns nothing from what is the same on all dates, and with mtry a constant
    covariate takes the place of one that is of use.

    Parameters
    ----------
    x : array, shape (n, p)
        No NaN.
    names : sequence of str, length p
    """
    kept = np.nonzero((x != x[:1]).any(axis=0))[0]
    return np.ascontiguousarray(x[:, kept]), tuple(names[number] for number in kept), kept
