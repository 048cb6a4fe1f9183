"""All that a cross-validation found, for the tables and the report, and in short: the paper's Table 6."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import NamedTuple

import numpy as np

from ....base.seasons_of_year import ALL, DRY, WET
from ....base.words import text
from ....methods.keys import BY_CELL, BY_DATE, Key, mode_of
from ....stats.distribution import Distribution, sample_sd
from .crossvalidate import PieceJob, Plan
from .folds import DATES, IN_SPACE, IN_TIME, MODE_WORDS, ROWS, more_to_train_on, scheme_text
from .pieces import COVERAGE, SCORES, Piece, PieceResult
from .settings import ValidationSettings

#: Dates or cells whose observed and predicted values are kept (the paper's Fig. B1).
KEPT_KEYS = 10


class FoldPicture(NamedTuple):
    """Where and when the folds of a piece lie.

    Attributes
    ----------
    piece : Piece
    place : float64, shape (cells, 2), or None
        x and y of the cells in metres, where folds differ in space.
    fold_of_cell : int64, shape (cells,)
        -1 for a cell that no fold predicts.
    days, fold_of_day : int64, shape (dates,)
        The same in time; empty where folds do not differ in time.
    """

    piece: Piece
    place: np.ndarray | None
    fold_of_cell: np.ndarray
    days: np.ndarray
    fold_of_day: np.ndarray


def fold_picture(job: PieceJob) -> FoldPicture:
    """The folds of a planned piece."""
    rows, scheme, mode = job.rows, job.piece.scheme, job.settings.mode
    place = None
    of_cell = days = of_day = np.empty(0, np.int64)
    in_space = mode == BY_DATE or scheme in IN_SPACE or job.settings.whole_cells
    if rows.coordinates is not None and in_space:
        place, cell_of_row = np.unique(rows.coordinates, axis=0, return_inverse=True)
        of_cell = _fold_of_group(job, cell_of_row.reshape(-1))
    if mode == BY_CELL or scheme in IN_TIME:
        days, day_of_row = np.unique(rows.days, return_inverse=True)
        of_day = _fold_of_group(job, day_of_row)
    return FoldPicture(job.piece, place, of_cell, days, of_day)


def _fold_of_group(job: PieceJob, group: np.ndarray) -> np.ndarray:
    """All rows of a group that are predicted lie in one fold."""
    found = np.full(int(group.max()) + 1, -1, np.int64)
    np.maximum.at(found, group, job.folds.fold_of_row)
    return found


@dataclass(eq=False)
class ValidationRun:
    """What became of each piece, and of the dates or cells that have none.

    Results are ascending by piece; the first `KEPT_KEYS` dates or cells keep the rows of their first repeat.
    `dropped` counts the rows left out for a missing covariate, `skipped` says why a date or cell was left
    out, and `failed` why a piece could not be worked on.  `pictures` are the folds of the first date's or
    cell's first repeat, `engine` is what grew the forests, with its version and why that, `resumed` counts
    the pieces that an earlier run, which was stopped, left, and `warnings` say what may be wrong with the
    folds.
    """

    settings: ValidationSettings
    covariates: tuple[str, ...]
    results: list[PieceResult] = field(default_factory=list)
    dropped: dict[Key, int] = field(default_factory=dict)
    skipped: dict[Key, str] = field(default_factory=dict)
    failed: dict[Piece, str] = field(default_factory=dict)
    pictures: list[FoldPicture] = field(default_factory=list)
    plan: Plan | None = None
    engine: str = ""
    resumed: int = 0
    warnings: list[str] = field(default_factory=list)

    @property
    def covariate_names(self) -> tuple[str, ...]:
        """Covariates of the table, and those that are made from the rows."""
        return (*self.covariates, *self.settings.features.names)

    @property
    def keys(self) -> tuple[Key, ...]:
        """Dates or cells with a result."""
        return tuple(sorted({result.piece.key for result in self.results}))

    def left_out(self) -> list[tuple[Piece, str]]:
        """What has no result, and why; a date or cell that was skipped has no scheme, and repeat 0."""
        skipped = [(Piece(key, "", 0), reason) for key, reason in sorted(self.skipped.items())]
        return skipped + sorted(self.failed.items())

    def kept(self, scheme: str) -> list[PieceResult]:
        """Results that hold their rows, by date or cell."""
        of_scheme = (result for result in self.results if result.piece.scheme == scheme)
        return [result for result in of_scheme if result.predicted is not None]


class Scores(NamedTuple):
    """The scores of a scheme by date, by cell, or of all rows.

    Attributes
    ----------
    keys : tuple of Key
        Ascending.
    mean, sd : dict of str to float64, shape (keys,)
        Mean and SD (ddof 1; NaN for one repeat) over the repeats, by score.
    """

    keys: tuple[Key, ...]
    mean: dict[str, np.ndarray]
    sd: dict[str, np.ndarray]


class SummaryRow(NamedTuple):
    """How a score is spread over the dates or cells of a season.

    Each is the mean of its repeats; `repeat_sd` is the mean over them of the SD over the repeats.
    """

    scheme: str
    over: str
    season: str
    score: str
    spread: Distribution
    repeat_sd: float


class RiseRow(NamedTuple):
    """How much the RMSE rises where a covariate is permuted, over dates or cells."""

    scheme: str
    covariate: str
    spread: Distribution


def score_names(results: Iterable[PieceResult]) -> tuple[str, ...]:
    """The scores that results have: `SCORES`, and `COVERAGE` where the method has intervals."""
    return (*SCORES, COVERAGE) if any(COVERAGE in result.scores for result in results) else SCORES


def uneven_folds(results: Iterable[PieceResult], settings: ValidationSettings) -> list[str]:
    """A sentence for each scheme with a fold of more rows than its forest learned from."""
    worst: dict[str, tuple[float, int]] = {}
    for result in results:
        share = max(choice.n_test / (choice.n_test + choice.n_train) for choice in result.choices)
        scheme = result.piece.scheme
        worst[scheme] = max((share, len(result.choices)), worst.get(scheme, (0.0, 0)))
    return [
        text(
            "{}: a fold holds {:.0f} % of the rows, and its {} learned from the few others, so that this "
            "error is too pessimistic; {}",
            scheme_text(scheme, settings.block_km),
            100 * share,
            settings.method.noun,
            more_to_train_on(scheme, made, settings.folds, settings.gap),
        )
        for scheme, (share, made) in worst.items()
        if share > 0.5
    ]


def scores_of(results: Sequence[PieceResult], scheme: str, over: str, season: str = ALL) -> Scores:
    """Mean and SD over the repeats of each date or cell (or of all rows) that `scheme` was worked on."""
    repeats: dict[Key, list[dict[str, float]]] = {}
    for result in results:
        if result.piece.scheme == scheme:
            for part in result.whole_and_parts:
                if part.season == season and MODE_WORDS[mode_of(part.key)].over[0] == over:
                    repeats.setdefault(part.key, []).append(part.scores)
    keys, names = tuple(sorted(repeats)), score_names(results)
    values = {
        name: [np.array([found.get(name, np.nan) for found in repeats[key]]) for key in keys]
        for name in names
    }
    return Scores(
        keys,
        {name: np.array([np.mean(row) for row in rows]) for name, rows in values.items()},
        {name: np.array([sample_sd(row) for row in rows]) for name, rows in values.items()},
    )


def summarise(results: Sequence[PieceResult], settings: ValidationSettings) -> list[SummaryRow]:
    """A row a scheme, what is summed up over, season and score.

    The season of a date is that of its month; a cell is scored by the rows of the season's months.  A
    season that holds all there is has no rows: they would be those of `all` again.
    """
    rows = []
    for scheme in settings.schemes:
        for over in settings.words.over:
            for season, found in _seasons(results, scheme, over, settings):
                for name in found.mean:
                    spread = Distribution.of(found.mean[name])
                    repeat_sd = Distribution.of(found.sd[name]).mean if spread.n else float("nan")
                    rows.append(SummaryRow(scheme, over, season, name, spread, repeat_sd))
    return rows


def _seasons(
    results: Sequence[PieceResult], scheme: str, over: str, settings: ValidationSettings
) -> Iterator[tuple[str, Scores]]:
    whole = scores_of(results, scheme, over)
    yield ALL, whole
    for season, months in ((WET, settings.wet), (DRY, settings.dry)):
        if over == DATES:
            taken = np.array([isinstance(key, dt.date) and key.month in months for key in whole.keys], bool)
            mean, sd = ({name: values[taken] for name, values in of.items()} for of in (whole.mean, whole.sd))
            found = Scores(tuple(compress(whole.keys, taken)), mean, sd)
        elif over == ROWS or settings.mode == BY_CELL:
            found = scores_of(results, scheme, over, season)
        else:
            continue
        same = found.keys == whole.keys and all(
            np.array_equal(found.mean[name], whole.mean[name], equal_nan=True) for name in whole.mean
        )
        if not whole.keys or not same:
            yield season, found


def median_of(results: Sequence[PieceResult], scheme: str, over: str, score: str) -> float:
    """Median over dates or cells of a score's mean over repeats; NaN without any."""
    return Distribution.of(scores_of(results, scheme, over).mean[score]).median


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
    rows = [
        [
            RiseRow(scheme, name, Distribution.of(values[:, number]))
            for scheme, values in measured.items()
            if values.size and np.isfinite(values[:, number]).any()
        ]
        for number, name in enumerate(covariates)
    ]
    used = sorted(filter(None, rows), key=lambda own: -own[-1].spread.median)
    return [row for own in used for row in own]
