"""The tables of a cross-validation: scores by date and repeat, their summary, what each fold chose."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..core.validation.crossvalidate import SCORES, PieceResult
from ..core.validation.grid import Candidate
from ..core.validation.results import ValidationRun
from ..core.validation.summary import SummaryRow
from .geopackage import DATE, INTEGER, REAL, TEXT, create_table

_HYPER = {
    "n_estimators": INTEGER,
    "max_features": INTEGER,
    "min_samples_split": INTEGER,
    "min_samples_leaf": INTEGER,
    "max_depth": INTEGER,
    "sample_size": INTEGER,
    "sample_share": REAL,
}


def write_scores(path: str | Path, run: ValidationRun) -> None:
    """A row a date, scheme and repeat, and a row for each date that was left out.

    The hyper-parameters are those that most of the piece's folds chose (the earlier in the grid of equals).

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {"date": DATE, "scheme": TEXT, "repeat": INTEGER, "n": INTEGER, "n_dropped": INTEGER}
    fields |= {"folds": INTEGER, **dict.fromkeys(SCORES, REAL), **_HYPER}
    fields |= {"folds_agree": INTEGER, "status": TEXT}
    with create_table(path, "cross_validation", fields) as table:
        table.write(sorted(_score_rows(run), key=lambda row: (row[0], row[1], row[2])))


def _score_rows(run: ValidationRun) -> Iterator[tuple[Any, ...]]:
    nothing = [None] * (len(SCORES) + len(_HYPER) + 1)
    for result in run.results:
        piece = result.piece
        chosen, votes = most_chosen(result)
        yield (
            piece.date.isoformat(),
            piece.scheme,
            piece.repeat,
            result.n,
            run.dropped[piece.date],
            len(result.choices),
            *(result.scores[name] for name in SCORES),
            *_hyper(run.settings.candidates[chosen], len(run.covariates)),
            votes,
            "validated",
        )
    for piece, reason in run.failed.items():
        dropped = run.dropped[piece.date]
        yield (piece.date.isoformat(), piece.scheme, piece.repeat, None, dropped, None, *nothing, reason)
    for date, reason in run.skipped.items():
        yield (date.isoformat(), "", 0, None, run.dropped[date], None, *nothing, reason)


def most_chosen(result: PieceResult) -> tuple[int, int]:
    """The candidate that most folds chose, and how many did."""
    votes = Counter(choice.candidate for choice in result.choices)
    chosen = min(votes, key=lambda candidate: (-votes[candidate], candidate))
    return chosen, votes[chosen]


def _hyper(candidate: Candidate, covariates: int) -> tuple[Any, ...]:
    settings = candidate.settings
    size = settings.sample_size if candidate.sample_share is None else None
    return (
        settings.n_estimators,
        settings.mtry(covariates),
        settings.min_samples_split,
        settings.min_samples_leaf,
        settings.max_depth,
        size,
        candidate.sample_share,
    )


def write_summary(path: str | Path, rows: Sequence[SummaryRow]) -> None:
    """A row a scheme, season and score.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    kinds = {"scheme": TEXT, "season": TEXT, "score": TEXT, "n_dates": INTEGER}
    fields = {field.name: kinds.get(field.name, REAL) for field in dataclasses.fields(SummaryRow)}
    with create_table(path, "summary", fields) as table:
        table.write(dataclasses.astuple(row) for row in rows)


def write_choices(path: str | Path, run: ValidationRun) -> None:
    """A row an outer fold: its rows, its hyper-parameters, and their error in the inner folds.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {"date": DATE, "scheme": TEXT, "repeat": INTEGER, "fold": INTEGER, "n_train": INTEGER}
    fields |= {"n_test": INTEGER, **_HYPER, "inner_rmse": REAL}
    with create_table(path, "choices", fields) as table:
        table.write(_choice_rows(run))


def _choice_rows(run: ValidationRun) -> Iterator[tuple[Any, ...]]:
    for result in run.results:
        piece = result.piece
        for choice in result.choices:
            yield (
                piece.date.isoformat(),
                piece.scheme,
                piece.repeat,
                choice.fold,
                choice.n_train,
                choice.n_test,
                *_hyper(run.settings.candidates[choice.candidate], len(run.covariates)),
                choice.inner_rmse,
            )
