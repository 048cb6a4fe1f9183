"""A record of rain, whatever it comes as: rasters of so many days, and the days there should be."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...base.errors import InputError
from ...base.progress import Progress
from ...base.seasons_of_year import MONTH_NAMES
from ...geo.bands import RAIN
from ...geo.datasets import open_dataset
from ...geo.grid import Grid
from ...geo.texts import band_unit
from ...series.series import Series, open_series
from .months import MonthRasters, looks_like_climatology, open_climatology, open_months
from .numbers.antecedent import all_dates, listed_dates
from .numbers.months import days_in, mean_days_in
from .numbers.seasons import Season
from .reading import warn_of_unit

KINDS = ("daily", "monthly", "climatology")
_SHORTEST_MONTH = 28


@dataclass(frozen=True)
class Amount:
    """A raster that holds the rain, in mm, of `days` days of a month."""

    month: int
    days: float
    path: str
    band: int


@dataclass(frozen=True)
class Record:
    """Rasters of rain on one grid, in order of time.

    `calendar` holds the days that each month has between the first and the last raster.  Of a `whole`
    record each cell needs all months of a season: without one, the mean would be that of the others.
    """

    source: str
    grid: Grid
    period: str
    amounts: tuple[Amount, ...]
    calendar: dict[int, float]
    whole: bool = False

    def days_of(self, month: int) -> float:
        """Days of a month of the year that the record holds."""
        return sum(amount.days for amount in self.amounts if amount.month == month)

    def of_season(self, season: Season) -> tuple[float, float]:
        """Days of a season that the record holds, and that it should."""
        held = sum(self.days_of(month) for month in season.months)
        return held, sum(self.calendar.get(month, 0.0) for month in season.months)

    def least_days(self, season: Season) -> float:
        """Days with a value that a cell needs."""
        return self.of_season(season)[0] if self.whole else 0.0


def open_record(
    source: str | Path | Sequence[str],
    kind: str,
    start: dt.date | None,
    end: dt.date | None,
    progress: Progress,
    variables: Sequence[str] = (),
) -> Record:
    """Open rain of a kind of `KINDS`, and log what is missing of it; `variables` as for `open_series`.

    Raises
    ------
    InputError
        If it cannot be read, is of another kind, or has no date from `start` to `end`.
    """
    if kind == "climatology":
        if start or end:
            raise InputError("START and END: a climatology has no dates; leave them empty.")
        return _climatology(open_climatology(source, progress, variables), progress)
    if looks_like_climatology(source):
        raise InputError(
            f"{source}: its rasters are named after the twelve months and hold no dates; set KIND to "
            "climatology."
        )
    if kind == "monthly":
        return _monthly(open_months(source, progress, variables), start, end, progress)
    if kind == "daily":
        series = open_series(source, progress=progress, variables=variables, wanted=RAIN)
        return _daily(series, start, end, progress)
    raise InputError(f"KIND is '{kind}'; give one of {', '.join(KINDS)}.")


def _daily(series: Series, start: dt.date | None, end: dt.date | None, progress: Progress) -> Record:
    gaps = [later - earlier for earlier, later in zip(series.dates, series.dates[1:])]
    if gaps and min(gaps).days >= _SHORTEST_MONTH:
        raise InputError(f"{series.source}: its dates lie a month or more apart; set KIND to monthly.")
    warn_of_unit(series.source, series.unit(), False, progress)
    chosen = series.between(start, end)
    dates = chosen.dates
    every = all_dates(dates[0], dates[-1])
    held = set(dates)
    missing = [date for date in every if date not in held]
    if missing:
        progress.log(f"Missing days, left out: {len(missing):,} of {len(every):,} ({listed_dates(missing)}).")
    _log_years(
        {year: (count, 366 if days_in(year, 2) == 29 else 365) for year, count in _years(dates)},
        "days",
        progress,
    )
    return Record(
        series.source,
        series.grid,
        f"{dates[0]} to {dates[-1]}",
        tuple(Amount(entry.date.month, 1.0, entry.path, entry.band) for entry in chosen.entries),
        {month: float(count) for month, count in Counter(date.month for date in every).items()},
    )


def _years(dates: tuple[dt.date, ...]) -> list[tuple[int, int]]:
    return sorted(Counter(date.year for date in dates).items())


def _monthly(rasters: MonthRasters, start: dt.date | None, end: dt.date | None, progress: Progress) -> Record:
    _warn_of_month_unit(rasters, progress)
    kept = [
        entry
        for entry in rasters.entries
        if (start is None or dt.date(entry.year, entry.month, 1) >= start)
        and (end is None or dt.date(entry.year, entry.month, days_in(entry.year, entry.month)) <= end)
    ]
    first, last = rasters.entries[0], rasters.entries[-1]
    if not kept:
        raise InputError(
            f"{rasters.source}: it holds no whole month from {start or 'its start'} to {end or 'its end'} "
            f"(it runs from {first.year}-{first.month:02d} to {last.year}-{last.month:02d}); choose "
            "other dates."
        )
    first, last = kept[0], kept[-1]
    every = [
        divmod(number, 12) for number in range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    ]
    held = {(entry.year, entry.month - 1) for entry in kept}
    missing = [f"{year}-{month + 1:02d}" for year, month in every if (year, month) not in held]
    if missing:
        shown = ", ".join(missing[:12]) + (f" and {len(missing) - 12:,} more" if len(missing) > 12 else "")
        progress.log(f"Missing months, left out: {len(missing):,} of {len(every):,} ({shown}).")
    years = Counter(entry.year for entry in kept)
    _log_years({year: (count, 12) for year, count in sorted(years.items())}, "months", progress)
    calendar: Counter[int] = Counter()
    for year, month in every:
        calendar[month + 1] += days_in(year, month + 1)
    return Record(
        rasters.source,
        rasters.grid,
        f"{first.year}-{first.month:02d} to {last.year}-{last.month:02d}",
        tuple(
            Amount(entry.month, float(days_in(entry.year, entry.month)), entry.path, entry.band)
            for entry in kept
        ),
        {month: float(days) for month, days in calendar.items()},
    )


def _climatology(rasters: MonthRasters, progress: Progress) -> Record:
    _warn_of_month_unit(rasters, progress)
    first = rasters.entries[0]
    if all(entry.path == first.path for entry in rasters.entries):
        order = ", ".join(f"{MONTH_NAMES[entry.month - 1]} = {entry.band}" for entry in rasters.entries)
        progress.log(f"Bands taken for months: {order}.")
    amounts = tuple(
        Amount(entry.month, mean_days_in(entry.month), entry.path, entry.band) for entry in rasters.entries
    )
    calendar = {amount.month: amount.days for amount in amounts}
    return Record(rasters.source, rasters.grid, "climatology", amounts, calendar, whole=True)


def _warn_of_month_unit(rasters: MonthRasters, progress: Progress) -> None:
    first = rasters.entries[0]
    # Held by name: a band must not outlive its dataset.
    dataset = open_dataset(first.path)
    warn_of_unit(rasters.source, band_unit(dataset.GetRasterBand(first.band)), True, progress)


def _log_years(years: dict[int, tuple[int, int]], unit: str, progress: Progress) -> None:
    """One line on the years that are not whole: what is there counts, a day as much as any other."""
    parts = [f"{year} ({held} of {whole} {unit})" for year, (held, whole) in years.items() if held < whole]
    if parts:
        progress.log(
            f"Incomplete years, of which every day that is there counts the same: {', '.join(parts)}."
        )
