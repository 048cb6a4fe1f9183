"""What a demo basin is made from."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from ....base.errors import InputError

#: Side of a pixel of the truth, m.
PIXEL = 100.0
#: Pixels along a side of the blocks on which coarse work is done (drainage network, footprint).
BLOCK = 4
#: Days of rain before the first SMAP day: the bucket forgets its start in them.
SPIN_UP_DAYS = 20
#: Limits that keep a run within a few minutes and a few GB.
LEAST_CELLS, MOST_CELLS = 30, 1000
MOST_DAYS = 366
#: Names of files are read for the years 1900 to 2099.
EARLIEST, LATEST = dt.date(1901, 1, 1), dt.date(2098, 12, 31)
MOST_SEED = 2**31 - 1
MOST_FOOTPRINT_KM = 100.0
MOST_NOISE = 0.2

# One number a random part: a change of one part or of DAYS leaves the others as they are.
TERRAIN, HILLS, MASK, SOIL, RAIN, UNEXPLAINED, SMAP, FAILURES, STATIONS = range(9)


@dataclass(frozen=True)
class DemoSettings:
    """The settings of a demo basin.

    Parameters
    ----------
    seed : int
        0 or more; the same seed gives the same basin.
    days : int
        Number of days with SMAP and truth.
    start : datetime.date
        The first of them.
    footprint_km : float
        Full width at half maximum of SMAP's antenna footprint; 0 sees each cell by itself.
    noise : float
        Standard deviation of SMAP's random error, m3 m-3.
    cells : int
        Minimum number of SMAP cells with their centre in the basin.
    """

    seed: int = 42
    days: int = 10
    start: dt.date = dt.date(2021, 1, 5)
    footprint_km: float = 0.0
    noise: float = 0.02
    cells: int = 300

    def validate(self) -> None:
        """Raise `InputError` naming the parameter that is out of its range."""
        _require("SEED", self.seed, 0, MOST_SEED, "")
        _require("DAYS", self.days, 1, MOST_DAYS, "")
        if not EARLIEST <= self.start <= LATEST:
            raise InputError(
                f"START: {self.start} is outside {EARLIEST} to {LATEST}; choose a date in between."
            )
        _require("FOOTPRINT", self.footprint_km, 0.0, MOST_FOOTPRINT_KM, " km")
        _require("NOISE", self.noise, 0.0, MOST_NOISE, " m3 m-3")
        _require("CELLS", self.cells, LEAST_CELLS, MOST_CELLS, "")

    @property
    def dates(self) -> list[dt.date]:
        """The days with SMAP and truth."""
        return [self.start + dt.timedelta(days=day) for day in range(self.days)]

    @property
    def rain_dates(self) -> list[dt.date]:
        """The days with rain: those of `dates` and the spin-up before."""
        first = self.start - dt.timedelta(days=SPIN_UP_DAYS)
        return [first + dt.timedelta(days=day) for day in range(SPIN_UP_DAYS + self.days)]

    def generator(self, part: int, date: dt.date | None = None) -> np.random.Generator:
        """The random numbers of a part (`TERRAIN`...), or of a part on a date."""
        return np.random.default_rng([self.seed, part, date.toordinal() if date else 0])


def _require(name: str, value: float, low: float, high: float, unit: str) -> None:
    # A NaN fails this comparison too.
    if not low <= value <= high:
        raise InputError(
            f"{name}: {value:.10g} is outside {low:.10g} to {high:.10g}{unit}; choose a value in between."
        )
