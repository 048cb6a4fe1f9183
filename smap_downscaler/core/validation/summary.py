"""Scores in short: over the repeats of a date, over dates, by season (the paper's Table 6)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .crossvalidate import SCORES, PieceResult

ALL, WET, DRY = "all", "wet", "dry"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, eq=False)
class DateScores:
    """The scores of a scheme by date.

    Parameters
    ----------
    dates : tuple of datetime.date
        Ascending.
    mean, sd : dict of str to float64, shape (dates,)
        Mean and SD (ddof 1; NaN for one repeat) over the repeats, by score.
    """

    dates: tuple[dt.date, ...]
    mean: dict[str, np.ndarray]
    sd: dict[str, np.ndarray]


@dataclass(frozen=True)
class SummaryRow:
    """A score over the dates of a season; SD with ddof 1; NaN where undefined.

    `iqr` is `q3` - `q1` (linear interpolation); `repeat_sd` the mean over dates of the SD over repeats.
    """

    scheme: str
    season: str
    score: str
    n_dates: int
    mean: float
    median: float
    sd: float
    iqr: float
    q1: float
    q3: float
    minimum: float
    maximum: float
    repeat_sd: float


def by_date(results: Iterable[PieceResult], scheme: str) -> DateScores:
    """Mean and SD over the repeats of each date that was worked on under `scheme`."""
    repeats: dict[dt.date, list[PieceResult]] = {}
    for result in results:
        if result.piece.scheme == scheme:
            repeats.setdefault(result.piece.date, []).append(result)
    dates = tuple(sorted(repeats))
    values = {
        name: [np.array([result.scores[name] for result in repeats[date]]) for date in dates]
        for name in SCORES
    }
    return DateScores(
        dates,
        {name: np.array([float(np.mean(row)) for row in rows]) for name, rows in values.items()},
        {name: np.array([_sd(row) for row in rows]) for name, rows in values.items()},
    )


def summarise(
    results: Sequence[PieceResult],
    schemes: Sequence[str],
    wet: frozenset[int] = frozenset(),
    dry: frozenset[int] = frozenset(),
) -> list[SummaryRow]:
    """A row a scheme, season and score; seasons are sets of months."""
    rows = []
    for scheme in schemes:
        found = by_date(results, scheme)
        months = np.array([date.month for date in found.dates], np.int64)
        for season, wanted in ((ALL, frozenset(range(1, 13))), (WET, wet), (DRY, dry)):
            inside = np.isin(months, sorted(wanted))
            rows += [
                _summary(scheme, season, name, found.mean[name][inside], found.sd[name][inside])
                for name in SCORES
            ]
    return rows


def median_of(results: Iterable[PieceResult], scheme: str, score: str) -> float:
    """Median over dates of a score's mean over repeats; NaN without dates."""
    values = by_date(results, scheme).mean[score]
    valid = values[np.isfinite(values)]
    return float(np.median(valid)) if valid.size else float("nan")


def parse_months(text: str, parameter: str) -> frozenset[int]:
    """Months such as `Nov-Mar` or `11, 12, 1-3`; an empty text gives none.

    Raises
    ------
    InputError
        For what is no month.
    """
    months: set[int] = set()
    for part in (piece.strip() for piece in text.split(",")) if text.strip() else ():
        ends = [_month(end.strip(), part, parameter) for end in re.split("[-\u2013]", part, maxsplit=1)]
        first, last = ends[0], ends[-1]
        months.update((first - 1 + step) % 12 + 1 for step in range((last - first) % 12 + 1))
    return frozenset(months)


def check_seasons(wet: frozenset[int], dry: frozenset[int]) -> None:
    """Raise `InputError` if a month is in both seasons."""
    both = sorted(wet & dry)
    if both:
        raise InputError(
            f"WET_MONTHS and DRY_MONTHS both hold {_MONTHS[both[0] - 1].title()}; keep it in one of them."
        )


def _month(text: str, part: str, parameter: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= 2 and 1 <= int(text) <= 12:
        return int(text)
    if len(text) >= 3 and text.isalpha() and text[:3].lower() in _MONTHS:
        return _MONTHS.index(text[:3].lower()) + 1
    raise InputError(f"{parameter}: '{part}' is no month; write months as Nov-Mar or 11, 12, 1-3.")


def _summary(scheme: str, season: str, score: str, mean: np.ndarray, sd: np.ndarray) -> SummaryRow:
    valid = mean[np.isfinite(mean)]
    if not valid.size:
        return SummaryRow(scheme, season, score, 0, *[float("nan")] * 9)
    q1, middle, q3 = (float(value) for value in np.percentile(valid, [25, 50, 75]))
    repeats = sd[np.isfinite(sd)]
    return SummaryRow(
        scheme,
        season,
        score,
        int(valid.size),
        float(np.mean(valid)),
        middle,
        _sd(valid),
        q3 - q1,
        q1,
        q3,
        float(np.min(valid)),
        float(np.max(valid)),
        float(np.mean(repeats)) if repeats.size else float("nan"),
    )


def _sd(values: np.ndarray) -> float:
    return float(np.std(values, ddof=1)) if values.size > 1 else float("nan")
