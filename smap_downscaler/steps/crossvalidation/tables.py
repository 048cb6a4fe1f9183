"""The tables of a cross-validation: scores by date and repeat, their summary, what each fold chose."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...base.seasons_of_year import ALL
from ...methods.keys import CellKey, Key
from ...stats.distribution import Distribution
from ...tables.geopackage import DATE, INTEGER, REAL, TEXT, create_table, distribution_fields
from .numbers.pieces import LINE, SCORES, most_chosen
from .numbers.results import RainSeries, ValidationRun
from .numbers.summary import RiseRow, SummaryRow, told_scores

_KINDS = {int: INTEGER, float: REAL}
_UNIT = {"date": DATE, "row": INTEGER, "col": INTEGER}


def write_scores(path: str | Path, run: ValidationRun) -> None:
    """A row a unit, season, scheme and repeat, and a row for each unit that was left out.

    A unit is a date or a cell; all rows together have neither.  The hyper-parameters are those that most
    of the piece's folds chose (the earlier in the grid of equals).

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {**_UNIT, "season": TEXT, "scheme": TEXT, "repeat": INTEGER, "n": INTEGER}
    fields |= {"n_dropped": INTEGER, "folds": INTEGER, **dict.fromkeys((*SCORES, *LINE), REAL)}
    fields |= _setting_fields(run)
    fields |= {"folds_agree": INTEGER, "status": TEXT}
    with create_table(path, "cross_validation", fields) as table:
        table.write(row for _, row in sorted(_score_rows(run), key=lambda item: item[0]))


_Row = tuple[Any, ...]


def _score_rows(run: ValidationRun) -> Iterator[tuple[tuple[Key, str, int, int], _Row]]:
    """Rows with what they are sorted by."""
    nothing = [None] * (len(SCORES) + len(LINE) + len(run.settings.method.columns) + 1)
    for result in run.results:
        piece = result.piece
        chosen, votes = most_chosen(result.choices)
        hyper = _settings_row(run, chosen, result.choices[0].covariates)
        for number, (unit, season, n, scores) in enumerate(told_scores(result)):
            yield (
                (piece.unit, piece.scheme, piece.repeat, number),
                (
                    *_unit_row(unit),
                    season,
                    piece.scheme,
                    piece.repeat,
                    n,
                    run.dropped[piece.unit],
                    len(result.choices),
                    *(scores[name] for name in (*SCORES, *LINE)),
                    *hyper,
                    votes,
                    "validated",
                ),
            )
    for piece, reason in run.failed.items():
        said = (ALL, piece.scheme, piece.repeat, None, run.dropped[piece.unit], None)
        order = (piece.unit, piece.scheme, piece.repeat, 0)
        yield order, (*_unit_row(piece.unit), *said, *nothing, reason)
    for unit, reason in run.skipped.items():
        said = (ALL, "", 0, None, run.dropped[unit], None)
        yield (unit, "", 0, 0), (*_unit_row(unit), *said, *nothing, reason)


def _unit_row(unit: Key) -> tuple[str | None, int | None, int | None]:
    if isinstance(unit, dt.date):
        return unit.isoformat(), None, None
    return (None, unit.row, unit.col) if isinstance(unit, CellKey) else (None, None, None)


def _setting_fields(run: ValidationRun) -> dict[str, int]:
    return {name: _KINDS[kind] for name, kind in run.settings.method.columns.items()}


def _settings_row(run: ValidationRun, candidate: int, covariates: int) -> list[Any]:
    values = run.settings.candidates[candidate].columns(covariates)
    return [values[name] for name in run.settings.method.columns]


def write_summary(path: str | Path, rows: Sequence[SummaryRow]) -> None:
    """A row a scheme, what is summed up over, season and score.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = dict.fromkeys(("scheme", "over", "season", "score"), TEXT)
    with create_table(path, "summary", {**fields, **distribution_fields(), "repeat_sd": REAL}) as table:
        table.write(
            (row.scheme, row.over, row.season, row.score, *dataclasses.astuple(row.spread), row.repeat_sd)
            for row in rows
        )


def write_importance_summary(path: str | Path, rows: Sequence[RiseRow]) -> None:
    """A row a covariate and scheme: how the rise of the RMSE is spread over dates or cells.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {"scheme": TEXT, "covariate": TEXT, **distribution_fields()}
    with create_table(path, "importance_summary", fields) as table:
        table.write((row.scheme, row.covariate, *dataclasses.astuple(row.spread)) for row in rows)


def write_choices(path: str | Path, run: ValidationRun) -> None:
    """A row an outer fold: its rows, its hyper-parameters, and their error in the inner folds.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {**_UNIT, "scheme": TEXT, "repeat": INTEGER, "fold": INTEGER, "n_train": INTEGER}
    fields |= {"n_test": INTEGER, **_setting_fields(run), "inner_rmse": REAL}
    with create_table(path, "choices", fields) as table:
        table.write(_choice_rows(run))


def _choice_rows(run: ValidationRun) -> Iterator[tuple[Any, ...]]:
    for result in run.results:
        piece = result.piece
        for choice in result.choices:
            yield (
                *_unit_row(piece.unit),
                piece.scheme,
                piece.repeat,
                choice.fold,
                choice.n_train,
                choice.n_test,
                *_settings_row(run, choice.candidate, choice.covariates),
                choice.inner_rmse,
            )


def write_importance(path: str | Path, run: ValidationRun) -> None:
    """A row a unit, scheme and covariate: how much the RMSE rises where it is permuted.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {**_UNIT, "scheme": TEXT, "covariate": TEXT, "rmse": REAL, "rmse_rise": REAL}
    with create_table(path, "importance", fields) as table:
        table.write(
            (*_unit_row(result.piece.unit), result.piece.scheme, name, result.scores["rmse"], rise)
            for result in run.results
            for name, rise in zip(run.covariate_names, result.importance)
            if np.isfinite(rise)
        )


def write_rain(path: str | Path, series: Sequence[RainSeries]) -> None:
    """A row a covariate of rain and date: cells, median, quartiles and extremes over them.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    numbers = ("median", "q1", "q3", "minimum", "maximum")
    fields = {"covariate": TEXT, "unit": TEXT, "date": DATE, "n": INTEGER, **dict.fromkeys(numbers, REAL)}
    with create_table(path, "rain", fields) as table:
        for rain in series:
            for date, values in zip(rain.dates, rain.values):
                found = Distribution.of(values)
                over = (getattr(found, number) for number in numbers)
                table.write([(rain.name, rain.unit, date.isoformat(), found.n, *over)])
