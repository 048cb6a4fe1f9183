"""Antecedent precipitation: the mean of the days before a date (paper 2.2.3; P3 in SCIENCE.md 2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ....base.dates import period_text
from ....base.errors import InputError

#: Lowest value, in mm, that is taken as 0 and not as missing; codes of missing values are far below.
UNDERSHOOT = -0.1
#: More than ever fell in a year, mm: a value above is a code, of something missing.
MOST_RAIN = 30_000.0
_MOST_SPANS = 12
_MOST_DAYS = 36_525
_DAY = dt.timedelta(days=1)


def valid_rain(values: np.ndarray) -> int:
    """Clean rain (mm, any shape) in place: NaN where negative, as an untagged -9999; returns a count.

    Interpolated products dip below 0 by a hair where it is dry (PISCO's May: down to -0.015 mm). Values
    from `UNDERSHOOT` to 0 are therefore 0, not missing; they are counted.
    """
    small = (values < 0) & (values >= UNDERSHOOT)
    values[small] = 0.0
    values[values < 0] = np.nan
    return int(np.count_nonzero(small))


@dataclass(frozen=True)
class Antecedent:
    """Which days the mean of a date is made of.

    Parameters
    ----------
    days : int
        How many days, 1 or more.
    lag : int
        Days between the last averaged day and the date: 1 ends the day before, 0 takes the date itself in.

    Raises
    ------
    InputError
        For numbers out of range.
    """

    days: int = 3
    lag: int = 1

    def __post_init__(self) -> None:
        if self.days < 1:
            raise InputError(f"DAYS is {self.days}; give the number of days to average, 1 or more.")
        if self.lag < 0:
            raise InputError(
                f"LAG is {self.lag}; give 1 (the days before), 0 (the day itself as well) or more than 1."
            )
        for name, number in (("DAYS", self.days), ("LAG", self.lag)):
            if number > _MOST_DAYS:
                raise InputError(f"{name} is {number}, more than a century of days; give a smaller number.")

    def before(self, date: dt.date) -> tuple[dt.date, ...]:
        """The days of a date, the latest first; in this order they are summed."""
        return tuple(date - (self.lag + back) * _DAY for back in range(self.days))

    def possible(self, first: dt.date, last: dt.date) -> tuple[dt.date, dt.date]:
        """First and last date whose days all lie in a record from `first` to `last`.

        The first is after the last where the record is shorter than `days`.
        """
        return first + (self.lag + self.days - 1) * _DAY, last + self.lag * _DAY


def mean_of_days(rasters: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of days, float32, NaN where any of them is missing.

    Summed in float64 from the days themselves in the order given, so that it
    depends neither on the dates done before nor on blocks.

    Parameters
    ----------
    rasters : sequence of ndarray
        Precipitation of each day, one shape, mm/d, NaN where missing; at least one.
    """
    total = rasters[0].astype(np.float64)
    for values in rasters[1:]:
        total += values
    total /= len(rasters)
    return total.astype(np.float32)


def all_dates(first: dt.date, last: dt.date) -> list[dt.date]:
    """Every date from `first` to `last`, both included."""
    return [first + number * _DAY for number in range((last - first).days + 1)]


def listed_dates(dates: Iterable[dt.date]) -> str:
    """Dates in words: `2020-01-03, 2020-02-01 to 2020-02-05`; of a long list the tail is only counted."""
    spans: list[list[dt.date]] = []
    for date in sorted(set(dates)):
        if spans and date - spans[-1][1] == _DAY:
            spans[-1][1] = date
        else:
            spans.append([date, date])
    texts = [period_text(span) for span in spans[:_MOST_SPANS]]
    more = sum((last - first).days + 1 for first, last in spans[_MOST_SPANS:])
    return ", ".join(texts) + (f" and {more:,} more" if more else "")
