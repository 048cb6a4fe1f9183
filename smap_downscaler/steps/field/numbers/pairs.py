"""Days of a station with a field reading and a map, as read or as anomalies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from .climatology import anomalies


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
        """Days with a value of the map, bool."""
        return np.isfinite(self.map) & np.isfinite(self.field)

    @property
    def common(self) -> np.ndarray:
        """Days with values of map and the other series, bool."""
        return (
            self.used & np.isfinite(self.other) if self.other is not None else np.zeros(len(self.days), bool)
        )


def as_anomalies(part: Pairs, kind: str, whole: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Pairs:
    """The same days as anomalies, each series against its own seasons.

    Parameters
    ----------
    part : Pairs
    kind : str
        Of `climatology.ANOMALIES`.
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
