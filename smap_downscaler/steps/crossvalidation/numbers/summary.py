"""Scores in short: over repeats, over dates or cells, by season (the paper's Table 6)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ....base.seasons_of_year import ALL, DRY, WET
from ....base.words import text
from ....methods.keys import BY_CELL, Key, mode_of
from ....stats.distribution import Distribution, sample_sd
from .pieces import SCORES, PieceResult
from .schemes import DATES, MODE_WORDS, ROWS, scheme_text
from .settings import ValidationSettings


@dataclass(frozen=True, eq=False)
class Scores:
    """The scores of a scheme by date, by cell, or of all rows.

    Parameters
    ----------
    keys : tuple of Key
        Ascending.
    mean, sd : dict of str to float64, shape (keys,)
        Mean and SD (ddof 1; NaN for one repeat) over the repeats, by score.
    """

    keys: tuple[Key, ...]
    mean: dict[str, np.ndarray]
    sd: dict[str, np.ndarray]


@dataclass(frozen=True)
class SummaryRow:
    """How a score is spread over the dates or cells of a season.

    Each is the mean of its repeats; `repeat_sd` is the mean over them of the SD over the repeats.
    """

    scheme: str
    over: str
    season: str
    score: str
    spread: Distribution
    repeat_sd: float


@dataclass(frozen=True)
class RiseRow:
    """How much the RMSE rises where a covariate is permuted, over dates or cells."""

    scheme: str
    covariate: str
    spread: Distribution


def all_scores_of(result: PieceResult) -> Iterator[tuple[Key, str, int, dict[str, float]]]:
    """Key, season, rows and scores of a piece as a whole, then of its parts."""
    yield result.piece.key, ALL, result.n, result.scores
    for part in result.parts:
        yield part.key, part.season, part.n, part.scores


def uneven_folds(results: Iterable[PieceResult], block_km: float) -> list[str]:
    """A sentence for each scheme with a fold of more rows than its forest learned from."""
    shares: dict[str, float] = {}
    for result in results:
        share = max(choice.n_test / (choice.n_test + choice.n_train) for choice in result.choices)
        shares[result.piece.scheme] = max(share, shares.get(result.piece.scheme, 0.0))
    return [
        text(
            "{}: a fold holds {:.0f} % of the rows, and its forest learned from the few others, so that this "
            "error is too pessimistic; give BLOCKS or PERIOD a smaller number, or use a larger table",
            scheme_text(scheme, block_km),
            100 * share,
        )
        for scheme, share in shares.items()
        if share > 0.5
    ]


def scores_of(results: Iterable[PieceResult], scheme: str, over: str, season: str = ALL) -> Scores:
    """Mean and SD over the repeats of each date or cell (or of all rows) that `scheme` was worked on."""
    repeats: dict[Key, list[dict[str, float]]] = {}
    for result in results:
        if result.piece.scheme == scheme:
            for key, own_season, _, found in all_scores_of(result):
                if own_season == season and MODE_WORDS[mode_of(key)].over[0] == over:
                    repeats.setdefault(key, []).append(found)
    keys = tuple(sorted(repeats))
    values = {name: [np.array([found[name] for found in repeats[key]]) for key in keys] for name in SCORES}
    return Scores(
        keys,
        {name: np.array([float(np.mean(row)) for row in rows]) for name, rows in values.items()},
        {name: np.array([sample_sd(row) for row in rows]) for name, rows in values.items()},
    )


def summarise(results: Sequence[PieceResult], settings: ValidationSettings) -> list[SummaryRow]:
    """A row a scheme, what is summed up over, season and score.

    The season of a date is that of its month; a cell is scored by the rows of the season's months.  A
    season that holds all there is has no rows: they would be those of `all` again.
    """
    return [
        _summary(scheme, over, season, name, found.mean[name], found.sd[name])
        for scheme in settings.schemes
        for over in settings.words.over
        for season, found in _seasons(results, scheme, over, settings)
        for name in SCORES
    ]


def _seasons(
    results: Sequence[PieceResult], scheme: str, over: str, settings: ValidationSettings
) -> Iterator[tuple[str, Scores]]:
    whole = scores_of(results, scheme, over)
    yield ALL, whole
    for season, months in ((WET, settings.wet), (DRY, settings.dry)):
        if over == DATES:
            found = _of_months(whole, months)
        elif over == ROWS or settings.mode == BY_CELL:
            found = scores_of(results, scheme, over, season)
        else:
            continue
        if not whole.keys or not _same(found, whole):
            yield season, found


def _same(one: Scores, other: Scores) -> bool:
    return one.keys == other.keys and all(
        np.array_equal(one.mean[name], other.mean[name], equal_nan=True) for name in SCORES
    )


def _of_months(found: Scores, months: Sequence[int]) -> Scores:
    inside = np.array([isinstance(key, dt.date) and key.month in months for key in found.keys], bool)
    return Scores(
        tuple(key for key, taken in zip(found.keys, inside) if taken),
        {name: values[inside] for name, values in found.mean.items()},
        {name: values[inside] for name, values in found.sd.items()},
    )


def median_of(results: Iterable[PieceResult], scheme: str, over: str, score: str) -> float:
    """Median over dates or cells of a score's mean over repeats; NaN without any."""
    return Distribution.of(scores_of(results, scheme, over).mean[score]).median


def _summary(scheme: str, over: str, season: str, score: str, mean: np.ndarray, sd: np.ndarray) -> SummaryRow:
    found = Distribution.of(mean)
    repeats = Distribution.of(sd) if found.n else Distribution.of(np.empty(0))
    return SummaryRow(scheme, over, season, score, found, repeats.mean)


def summarise_rises(
    results: Sequence[PieceResult], settings: ValidationSettings, covariates: Sequence[str]
) -> list[RiseRow]:
    """A row a covariate and scheme, the covariates by their median under the last (strictest) scheme.

    Without a row for a covariate that no forest used.
    """
    measured = {
        scheme: np.array([r.importance for r in results if r.piece.scheme == scheme and r.importance])
        for scheme in settings.schemes
    }
    rows = {
        name: [
            RiseRow(scheme, name, Distribution.of(values[:, number]))
            for scheme, values in measured.items()
            if np.isfinite(values[:, number : number + 1]).any()
        ]
        for number, name in enumerate(covariates if any(map(len, measured.values())) else ())
    }
    used = [own for own in rows.values() if own]
    return [row for own in sorted(used, key=lambda own: -own[-1].spread.median) for row in own]
