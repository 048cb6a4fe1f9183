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
#: Months of a year that have SMAP and truth: the middle of the wet season and that of the dry one.
SMAP_MONTHS = (1, 7)
YEAR_START = dt.date(2021, 1, 1)
#: Limits that keep a run within a few minutes and a few GB.
LEAST_CELLS, MOST_CELLS = 30, 1000
MOST_DAYS = 366
#: Names of files are read for the years 1900 to 2099.
EARLIEST, LATEST = dt.date(1901, 1, 1), dt.date(2098, 12, 31)
MOST_SEED = 2**31 - 1
MOST_FOOTPRINT_KM = 100.0
MOST_NOISE = 0.2

# One number a random part: a change of one part or of DAYS leaves the others as they are.
TERRAIN, HILLS, MASK, SOIL, RAIN, UNEXPLAINED, SMAP, FAILURES, STATIONS, MODEL = range(10)


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
    year : bool
        In place of `days`: the year from `start` on, with rain on all days, a wet and a dry season, SMAP and
        truth in `SMAP_MONTHS`, and a model's soil moisture.
    """

    seed: int = 42
    days: int = 10
    start: dt.date = dt.date(2021, 1, 5)
    footprint_km: float = 0.0
    noise: float = 0.02
    cells: int = 300
    year: bool = False

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
        return [day for day in self._whole if not self.year or day.month in SMAP_MONTHS]

    @property
    def rain_dates(self) -> list[dt.date]:
        """The days with rain: all days of the settings and the spin-up before."""
        return [*_days(self.start - _SPIN_UP, SPIN_UP_DAYS), *self._whole]

    @property
    def spin_ups(self) -> list[dt.date]:
        """The days on which the bucket begins anew: before each run of days with truth."""
        dates = self.dates
        return [day - _SPIN_UP for day in dates if day - dt.timedelta(days=1) not in dates]

    @property
    def bucket_dates(self) -> set[dt.date]:
        """The days that the bucket is stepped through: those that lead to another day with truth."""
        leading = {day - dt.timedelta(days=1) for day in self.dates}
        return leading.union(*(_days(first, SPIN_UP_DAYS) for first in self.spin_ups))

    @property
    def _whole(self) -> list[dt.date]:
        """All days from the first to the last."""
        return _days(self.start, (_year_after(self.start) - self.start).days if self.year else self.days)

    def generator(self, part: int, date: dt.date | None = None) -> np.random.Generator:
        """The random numbers of a part (`TERRAIN`...), or of a part on a date."""
        return np.random.default_rng([self.seed, part, date.toordinal() if date else 0])


_SPIN_UP = dt.timedelta(days=SPIN_UP_DAYS)


def _days(first: dt.date, count: int) -> list[dt.date]:
    return [first + dt.timedelta(days=day) for day in range(count)]


def _year_after(date: dt.date) -> dt.date:
    # The day after a 29 February is a 1 March.
    leap_day = (date.month, date.day) == (2, 29)
    return dt.date(date.year + 1, 3, 1) if leap_day else date.replace(year=date.year + 1)


def _require(name: str, value: float, low: float, high: float, unit: str) -> None:
    # A NaN fails this comparison too.
    if not low <= value <= high:
        raise InputError(
            f"{name}: {value:.10g} is outside {low:.10g} to {high:.10g}{unit}; choose a value in between."
        )
