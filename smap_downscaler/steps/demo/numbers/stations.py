"""Field stations: replicate readings of the truth at a few places."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from .settings import STATIONS, DemoSettings

STATION_COUNT = 12
REPLICATES = 3
#: How a station differs from its pixel, and a reading from its station, m3 m-3.
STATION_SD, READING_SD = 0.010, 0.015
_CANDIDATES = 40


@dataclass(frozen=True)
class Stations:
    """Rows and columns of the stations' pixels, and their lasting differences from them."""

    row: np.ndarray
    col: np.ndarray
    offset: np.ndarray


def place_stations(settings: DemoSettings, where: np.ndarray) -> Stations:
    """Stations spread over `where` (bool): each the farthest of 40 random places (Mitchell 1991)."""
    rng = settings.generator(STATIONS)
    rows, cols = np.nonzero(where)
    chosen = [int(rng.integers(rows.size))]
    while len(chosen) < STATION_COUNT:
        tries = rng.integers(rows.size, size=_CANDIDATES)
        apart = np.hypot(rows[tries, None] - rows[None, chosen], cols[tries, None] - cols[None, chosen])
        chosen.append(int(tries[np.argmax(apart.min(axis=1))]))
    return Stations(rows[chosen], cols[chosen], STATION_SD * rng.standard_normal(STATION_COUNT))


def read_stations(
    settings: DemoSettings, date: dt.date, stations: Stations, moisture: np.ndarray
) -> np.ndarray:
    """Readings of `date`, m3 m-3, shape (stations, replicates), at least 0.01."""
    rng = settings.generator(STATIONS, date)
    own = moisture[stations.row, stations.col].astype(np.float64) + stations.offset
    error = READING_SD * rng.standard_normal((own.size, REPLICATES))
    return np.asarray(np.maximum(own[:, None] + error, 0.01))
