"""Which raster of a dated covariate stands for a date: its own, or the nearest earlier within a window."""

from __future__ import annotations

import bisect
import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from ..base.errors import InputError
from ..base.progress import Progress
from ..base.words import counted
from .series import Series

#: Units that rain is told in, and beginnings and parts of names of rain without a unit.
_UNITS = frozenset({"mm/d", "mm/day", "mm d-1", "mm"})
_BEGINNING, _PARTS = "p_", ("precip", "rain")

#: Runs of dates named in a line of the log, at most.
_MOST_RUNS = 40


def check_window(days: int) -> None:
    """Raise `InputError` for a window that is no number of days."""
    if days < 0:
        raise InputError(f"WINDOW is {days}; give the number of days, 0 or more.")


def is_rain(series: Series) -> bool:
    """Whether a series is rain of the days before: an older raster would be that of other days.

    Told by its name or that of its first file, which of 'Antecedent precipitation' is `p_antecedent_...`
    whatever the folder is called. Not by its unit: evaporation is in mm/d too.
    """
    return any(is_rain_name(name, "") for name in (series.name, Path(series.entries[0].path).name))


def is_rain_name(name: str, unit: str) -> bool:
    """Whether a covariate is rain: by its unit, and without one by its name (p_..., precip, rain)."""
    if unit:
        return unit in _UNITS
    return name.lower().startswith(_BEGINNING) or any(part in name.lower() for part in _PARTS)


def source_date(series: Series, date: dt.date, window: int) -> dt.date | None:
    """The latest date of `series` from `window` days before `date` to `date` itself, or None.

    Rain counts for its own day only, whatever the window.
    """
    if series.has(date):
        return date
    if window <= 0 or is_rain(series):
        return None
    dates = series.dates
    place = bisect.bisect_right(dates, date)
    if not place or (date - dates[place - 1]).days > window:
        return None
    return dates[place - 1]


def why_missing(series: Series, date: dt.date, window: int) -> str:
    """Which raster a date lacks, as a part of a sentence."""
    text = f"{series.name} has no raster of {date}"
    return f"{text} or the {counted(window, 'day')} before" if window and not is_rain(series) else text


def missing_dates(series: Series, dates: Sequence[dt.date], window: int) -> list[dt.date]:
    """Those of `dates` for which no raster of `series` stands."""
    return [date for date in dates if source_date(series, date, window) is None]


def substitutes(series: Series, dates: Sequence[dt.date], window: int) -> dict[dt.date, dt.date]:
    """The dates that an earlier raster stands for, and the date of that raster."""
    found = {date: source_date(series, date, window) for date in dates}
    return {date: source for date, source in found.items() if source is not None and source != date}


def tell_substitutes(
    all_series: Sequence[Series], dates: Sequence[dt.date], window: int, progress: Progress
) -> None:
    """Log for which dates earlier rasters stand, and which series takes none."""
    if not window:
        return
    for series in all_series:
        if is_rain(series):
            progress.log(f"{series.name} is rain: WINDOW does not apply to it, only the day itself counts")
            continue
        found = substitutes(series, dates, window)
        if found:
            progress.log(
                f"{series.name}: an earlier raster, at most {counted(window, 'day')} old, stands for "
                f"{len(found)} of {len(dates)} dates: {_runs(found)}"
            )


def _runs(found: dict[dt.date, dt.date]) -> str:
    """`2021-01-01 for 2021-01-02 to 2021-01-08 (7)`, a piece for each raster."""
    by_source: dict[dt.date, list[dt.date]] = {}
    for date, source in found.items():
        by_source.setdefault(source, []).append(date)
    parts = []
    for source, dates in by_source.items():
        span = f"{dates[0]}" if len(dates) == 1 else f"{dates[0]} to {dates[-1]} ({len(dates)})"
        parts.append(f"{source} for {span}")
    more = len(parts) - _MOST_RUNS
    return "; ".join(parts[:_MOST_RUNS]) + (f"; and {counted(more, 'raster')} more" if more > 0 else "")
