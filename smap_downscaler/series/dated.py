"""A dated covariate: which raster stands for a date, and whether it is rain."""

from __future__ import annotations

import bisect
import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from ..base.covariate_names import looks_like_rain
from ..base.errors import InputError
from ..base.progress import Progress
from ..base.words import counted
from ..geo.area_means import check_share
from ..geo.sources import Source
from .series import Series, SeriesEntry
from .tags import RAIN_TAGS, tags_behind

#: What RAIN is where no dated covariate is rain.
NO_RAIN = "none"
#: Runs of dates named in a line of the log, at most.
_MOST_RUNS = 40


def check_window(days: int) -> None:
    """Raise `InputError` for a window that is no number of days."""
    if days < 0:
        raise InputError(f"WINDOW is {days}; give the number of days, 0 or more.")


@dataclass(frozen=True)
class DatedCovariate:
    """A series as a covariate.

    Parameters
    ----------
    series : Series
        Its name is that of the covariate.
    window : int
        How many days old a raster may be. For rain it is 0 in any case: an older raster would be the rain
        of other days.
    declared_rain : bool, optional
        Whether it is rain, by its files or by the user; None where nobody says so, and its name decides.
    minimum_share : float
        Share of a cell of another grid, 0...1, that valid pixels must cover where they are averaged.

    Raises
    ------
    InputError
        For a window or share out of its range.
    """

    series: Series
    window: int = 0
    declared_rain: bool | None = None
    minimum_share: float = 0.5

    def __post_init__(self) -> None:
        check_window(self.window)
        check_share(self.minimum_share)

    @property
    def name(self) -> str:
        """What forests know it by."""
        return self.series.name

    @cached_property
    def is_rain(self) -> bool:
        """Whether it is rain: as it is said, else by its name or that of its first file, as in 0.1.0."""
        if self.declared_rain is not None:
            return self.declared_rain
        # A file's name without its date.
        stem = re.split(r"[\W_]*\d{4}", Path(self.series.entries[0].path).stem)[0]
        return looks_like_rain(self.name) or looks_like_rain(stem)

    @property
    def doubt(self) -> str:
        """What to ask where a name alone keeps the window from it; empty where nothing is to be asked."""
        if not self.window or self.declared_rain is not None or not self.is_rain:
            return ""
        return (
            f"{self.series.source}: {self.name} is taken as rain by its name alone, so WINDOW does not apply "
            f"to it; give RAIN the names of the dated covariates that are rain, or '{NO_RAIN}'"
        )

    def entry(self, date: dt.date) -> SeriesEntry | None:
        """The raster that stands for a date: the latest from `window` days before to the day itself."""
        dates = self.series.dates
        latest = bisect.bisect_right(dates, date) - 1
        oldest = 0 if self.is_rain else self.window
        if latest < 0 or (date - dates[latest]).days > oldest:
            return None
        return self.series.entries[latest]

    def source(self, date: dt.date) -> Source | None:
        """The band of the raster that stands for a date, to be read."""
        entry = self.entry(date)
        if entry is None:
            return None
        return Source(entry.path, entry.band, self.series.grid, look=self.series.look)

    def missing(self, dates: Sequence[dt.date]) -> list[dt.date]:
        """Those of `dates` for which no raster stands."""
        return [date for date in dates if self.entry(date) is None]

    def why_missing(self, date: dt.date) -> str:
        """Which raster a date lacks, as a part of a sentence."""
        before = "" if self.is_rain or not self.window else f" or the {counted(self.window, 'day')} before"
        return f"{self.name} has no raster of {date}{before}"

    def substitutes(self, dates: Sequence[dt.date]) -> dict[dt.date, dt.date]:
        """The dates that an earlier raster stands for, and the date of that raster."""
        found = {date: self.entry(date) for date in dates}
        return {date: entry.date for date, entry in found.items() if entry is not None and entry.date != date}


def dated_covariates(
    all_series: Sequence[Series],
    window: int = 0,
    rain: Sequence[str] = (),
    minimum_share: float = 0.5,
    parameter: str = "RAIN",
) -> tuple[DatedCovariate, ...]:
    """Series as covariates.

    Parameters
    ----------
    all_series : sequence of Series
    window, minimum_share
        As for `DatedCovariate`.
    rain : sequence of str
        Names of those that are rain, beside those whose files say so; all others then are none. `NO_RAIN`
        alone: none is, whatever the files say.
    parameter : str
        What `rain` was given to.

    Raises
    ------
    InputError
        For a name that none of the series has, and as `DatedCovariate`.
    """
    given = [name for name in rain if name]
    none = [name.lower() for name in given] == [NO_RAIN]
    names = [series.name for series in all_series]
    unknown = [name for name in given if name not in names]
    if unknown and not none:
        raise InputError(
            f"{parameter}: there is no dated covariate named {unknown[0]} (there is "
            f"{', '.join(names) or 'none'}); give the "
            f"names of those that are rain, separated by commas, or '{NO_RAIN}'."
        )

    def is_declared(series: Series) -> bool | None:
        if none:
            return False
        if series.name in given or _has_rain_tag(series):
            return True
        return False if given else None

    return tuple(DatedCovariate(series, window, is_declared(series), minimum_share) for series in all_series)


def _has_rain_tag(series: Series) -> bool:
    """Whether the first raster, or the first that a VRT reads, is one of 'Antecedent precipitation'."""
    return any(
        name in tags and value in (None, tags[name])
        for tags in islice(tags_behind(series.entries[0].path), 2)
        for name, value in RAIN_TAGS.items()
    )


def log_substitutes(
    covariates: Sequence[DatedCovariate], dates: Sequence[dt.date], progress: Progress
) -> None:
    """Log for which dates earlier rasters stand, and which covariate takes none."""
    for covariate in covariates:
        if not covariate.window:
            continue
        if covariate.is_rain:
            progress.log(f"{covariate.name} is rain: WINDOW does not apply to it, only the day itself counts")
            continue
        found = covariate.substitutes(dates)
        if found:
            progress.log(
                f"{covariate.name}: an earlier raster, at most {counted(covariate.window, 'day')} old, "
                f"stands for {len(found)} of {len(dates)} dates: {_runs(found)}"
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
