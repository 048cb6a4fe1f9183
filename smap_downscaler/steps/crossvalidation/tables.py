"""The tables of a cross-validation: scores by date and repeat, their summary, what each fold chose.

All raise `InputError` if the file cannot be written.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...base.seasons_of_year import ALL
from ...methods.keys import Key, key_fields, mode_of
from ...tables.geopackage import DATE, INTEGER, REAL, TEXT, create_table, distribution_fields
from .numbers.pieces import LINE, Piece, most_chosen
from .numbers.results import RiseRow, SummaryRow, ValidationRun, score_names

_KINDS = {int: INTEGER, float: REAL}
_KEY = {"date": DATE, "row": INTEGER, "col": INTEGER}


def write_scores(path: str | Path, run: ValidationRun) -> None:
    """A row a date or cell, season, scheme and repeat, and a row for what was left out.

    All rows together have neither date nor cell.  The hyper-parameters are those that most of the piece's
    folds chose (the earlier in the grid of equals).
    """
    fields = {**_KEY, "season": TEXT, "scheme": TEXT, "repeat": INTEGER, "n": INTEGER}
    names = (*score_names(run.results), *LINE)
    fields |= {"n_dropped": INTEGER, "folds": INTEGER, **dict.fromkeys(names, REAL)}
    fields |= {**_setting_fields(run), "folds_agree": INTEGER, "status": TEXT}
    with create_table(path, "cross_validation", fields) as table:
        # Dates that are in no pooled model stand before it.
        rows = sorted(_score_rows(run, names), key=lambda item: (mode_of(item[0][0].key), item[0]))
        table.write(row for _, row in rows)


def _score_rows(
    run: ValidationRun, names: Sequence[str]
) -> Iterator[tuple[tuple[Piece, int], tuple[Any, ...]]]:
    """Rows with what they are sorted by."""
    for result in run.results:
        piece, choices = result.piece, result.choices
        chosen, votes = most_chosen(choices)
        hyper = _settings_row(run, chosen, choices[0].covariates)
        for number, (key, season, n, scores) in enumerate(result.whole_and_parts):
            counts = n, run.dropped[piece.key], len(choices)
            numbers = (scores[name] for name in names)
            row = *_key_row(key), season, *piece[1:], *counts, *numbers, *hyper, votes, "validated"
            yield (piece, number), row
    nothing = [None] * (len(names) + len(run.settings.method.columns) + 1)
    for piece, reason in run.left_out():
        row = *_key_row(piece.key), ALL, *piece[1:], None, run.dropped[piece.key], None, *nothing, reason
        yield (piece, 0), row


def _key_row(key: Key) -> list[str | int | None]:
    fields = key_fields(key)
    return [fields.get(name) for name in _KEY]


def _setting_fields(run: ValidationRun) -> dict[str, int]:
    return {name: _KINDS[kind] for name, kind in run.settings.method.columns.items()}


def _settings_row(run: ValidationRun, candidate: int, covariates: int) -> list[Any]:
    values = run.settings.candidates[candidate].columns(covariates)
    return [values[name] for name in run.settings.method.columns]


def write_summary(path: str | Path, rows: Sequence[SummaryRow]) -> None:
    """A row a scheme, what is summed up over, season and score."""
    fields = dict.fromkeys(("scheme", "over", "season", "score"), TEXT)
    with create_table(path, "summary", {**fields, **distribution_fields(), "repeat_sd": REAL}) as table:
        table.write((*row[:4], *dataclasses.astuple(row.spread), row.repeat_sd) for row in rows)


def write_importance_summary(path: str | Path, rows: Sequence[RiseRow]) -> None:
    """A row a covariate and scheme: how the rise of the RMSE is spread over dates or cells."""
    fields = {"scheme": TEXT, "covariate": TEXT, **distribution_fields()}
    with create_table(path, "importance_summary", fields) as table:
        table.write((row.scheme, row.covariate, *dataclasses.astuple(row.spread)) for row in rows)


def write_choices(path: str | Path, run: ValidationRun) -> None:
    """A row an outer fold: its rows, its hyper-parameters, and their error in the inner folds."""
    fields = {**_KEY, "scheme": TEXT, "repeat": INTEGER, "fold": INTEGER, "n_train": INTEGER}
    fields |= {"n_test": INTEGER, **_setting_fields(run), "inner_rmse": REAL}
    with create_table(path, "choices", fields) as table:
        for result in run.results:
            for choice in result.choices:
                hyper = _settings_row(run, choice.candidate, choice.covariates)
                row = *_key_row(result.piece.key), *result.piece[1:], *choice[:3], *hyper, choice.inner_rmse
                table.write([row])


def write_importance(path: str | Path, run: ValidationRun) -> None:
    """A row a date or cell, scheme and covariate: how much the RMSE rises where it is permuted."""
    fields = {**_KEY, "scheme": TEXT, "covariate": TEXT, "rmse": REAL, "rmse_rise": REAL}
    with create_table(path, "importance", fields) as table:
        table.write(
            (*_key_row(result.piece.key), result.piece.scheme, name, result.scores["rmse"], rise)
            for result in run.results
            for name, rise in zip(run.covariate_names, result.importance)
            if np.isfinite(rise)
        )
