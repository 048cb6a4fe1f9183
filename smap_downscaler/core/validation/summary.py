"""Scores in short: over the repeats of a unit, over dates or cells, by season (the paper's Table 6)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..forest.keys import BY_CELL, BY_DATE, POOLED, Key, mode_of
from ..months import ALL, DRY, WET
from .pieces import SCORES, PieceResult
from .settings import ValidationSettings

DATES, CELLS, ROWS = "dates", "cells", "all rows"
#: What the scores of a mode are summed up over.
OVER = {BY_DATE: (DATES,), BY_CELL: (CELLS,), POOLED: (ROWS, DATES, CELLS)}


@dataclass(frozen=True, eq=False)
class UnitScores:
    """The scores of a scheme by date, by cell, or of all rows.

    Parameters
    ----------
    units : tuple of Key
        Ascending.
    mean, sd : dict of str to float64, shape (units,)
        Mean and SD (ddof 1; NaN for one repeat) over the repeats, by score.
    """

    units: tuple[Key, ...]
    mean: dict[str, np.ndarray]
    sd: dict[str, np.ndarray]


@dataclass(frozen=True)
class SummaryRow:
    """A score over the dates or cells of a season; SD with ddof 1; NaN where undefined.

    `iqr` is `q3` - `q1` (linear interpolation); `repeat_sd` the mean over `n` of the SD over repeats.
    """

    scheme: str
    over: str
    season: str
    score: str
    n: int
    mean: float
    median: float
    sd: float
    iqr: float
    q1: float
    q3: float
    minimum: float
    maximum: float
    repeat_sd: float


def told_scores(result: PieceResult) -> Iterator[tuple[Key, str, int, dict[str, float]]]:
    """Key, season, rows and scores of a piece as a whole, then of its parts."""
    yield result.piece.unit, ALL, result.n, result.scores
    for part in result.parts:
        yield part.unit, part.season, part.n, part.scores


def by_unit(results: Iterable[PieceResult], scheme: str, over: str, season: str = ALL) -> UnitScores:
    """Mean and SD over the repeats of each date or cell (or of all rows) that `scheme` was worked on."""
    repeats: dict[Key, list[dict[str, float]]] = {}
    for result in results:
        if result.piece.scheme == scheme:
            for unit, told_season, _, found in told_scores(result):
                if told_season == season and OVER[mode_of(unit)][0] == over:
                    repeats.setdefault(unit, []).append(found)
    units = tuple(sorted(repeats))
    values = {name: [np.array([found[name] for found in repeats[unit]]) for unit in units] for name in SCORES}
    return UnitScores(
        units,
        {name: np.array([float(np.mean(row)) for row in rows]) for name, rows in values.items()},
        {name: np.array([_sd(row) for row in rows]) for name, rows in values.items()},
    )


def summarise(results: Sequence[PieceResult], settings: ValidationSettings) -> list[SummaryRow]:
    """A row a scheme, what is summed up over, season and score.

    The season of a date is that of its month; a cell is scored by the rows of the season's months.
    """
    return [
        _summary(scheme, over, season, name, found.mean[name], found.sd[name])
        for scheme in settings.schemes
        for over in OVER[settings.mode]
        for season, found in _seasons(results, scheme, over, settings)
        for name in SCORES
    ]


def _seasons(
    results: Sequence[PieceResult], scheme: str, over: str, settings: ValidationSettings
) -> Iterator[tuple[str, UnitScores]]:
    whole = by_unit(results, scheme, over)
    yield ALL, whole
    if over == DATES:
        yield WET, _of_months(whole, settings.wet)
        yield DRY, _of_months(whole, settings.dry)
    elif over == ROWS or settings.mode == BY_CELL:
        yield WET, by_unit(results, scheme, over, WET)
        yield DRY, by_unit(results, scheme, over, DRY)


def _of_months(found: UnitScores, months: Sequence[int]) -> UnitScores:
    inside = np.array([isinstance(unit, dt.date) and unit.month in months for unit in found.units], bool)
    return UnitScores(
        tuple(unit for unit, taken in zip(found.units, inside) if taken),
        {name: values[inside] for name, values in found.mean.items()},
        {name: values[inside] for name, values in found.sd.items()},
    )


def median_of(results: Iterable[PieceResult], scheme: str, over: str, score: str) -> float:
    """Median over dates or cells of a score's mean over repeats; NaN without any."""
    values = by_unit(results, scheme, over).mean[score]
    valid = values[np.isfinite(values)]
    return float(np.median(valid)) if valid.size else float("nan")


def _summary(scheme: str, over: str, season: str, score: str, mean: np.ndarray, sd: np.ndarray) -> SummaryRow:
    valid = mean[np.isfinite(mean)]
    if not valid.size:
        return SummaryRow(scheme, over, season, score, 0, *[float("nan")] * 9)
    q1, middle, q3 = (float(value) for value in np.percentile(valid, [25, 50, 75]))
    repeats = sd[np.isfinite(sd)]
    return SummaryRow(
        scheme,
        over,
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
