"""Tables of trained forests."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...base.words import counted
from ...geo.grid import Grid
from ...methods.keys import BY_CELL, BY_DATE, CellKey, Key
from ...methods.skill import OF_INTERVALS, SCORES, ImportanceRow, summarise_scores
from ...tables.geopackage import DATE, INTEGER, REAL, TEXT, create_table, distribution_fields
from .numbers.effects import Effect
from .numbers.outcome import TrainingReport


def tally(reasons: Mapping[Key, str]) -> str:
    """Reasons with how often each occurs, most frequent first, as in `12 cells: fewer than 50 dates`."""
    counts = Tally(reasons.values())
    return "; ".join(f"{counted(count, 'cell')}: {reason}" for reason, count in counts.most_common())


def write_scores(path: str | Path, report: TrainingReport, cells: Grid | None = None) -> None:
    """The report as a table: one row per date, one row per cell, or one row.

    Rows of cells have their outlines, where their grid is known.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {**_key_fields(report.mode), "n": INTEGER, "n_dropped": INTEGER, "n_scored": INTEGER}
    fields.update({f"oob_{name}": REAL for name in _shown(report)})
    if report.settings:
        fields.update(dict.fromkeys(report.method.tunable, INTEGER))
    fields["status"] = TEXT
    shown = cells if report.mode == BY_CELL else None
    with create_table(path, "scores", fields, cells=shown) as table:
        table.write(_score_row(report, key) for key in sorted({*report.scores, *report.skipped}))


def write_summary(path: str | Path, report: TrainingReport) -> None:
    """One row per score: its distribution over the forests.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {"score": TEXT, **distribution_fields()}
    with create_table(path, "summary", fields) as table:
        found = summarise_scores(report.scores.values())
        table.write((f"oob_{name}", *dataclasses.astuple(each)) for name, each in found.items())


def _key_fields(mode: str) -> dict[str, int]:
    if mode == BY_DATE:
        return {"date": DATE}
    return {"row": INTEGER, "col": INTEGER, "x": REAL, "y": REAL} if mode == BY_CELL else {}


def _score_row(report: TrainingReport, key: Key) -> tuple[Any, ...]:
    score = report.scores.get(key)
    numbers = [getattr(score, name) if score else None for name in _shown(report)]
    return (
        *_key_values(key),
        score.n if score else None,
        report.dropped.get(key, 0),
        score.n_scored if score else None,
        *numbers,
        *_chosen(report, key),
        report.skipped.get(key, "trained"),
    )


def _shown(report: TrainingReport) -> tuple[str, ...]:
    """Scores, and where models have intervals what is told of them."""
    told = any(math.isfinite(score.held) for score in report.scores.values())
    return (*SCORES, *OF_INTERVALS) if told else SCORES


def _chosen(report: TrainingReport, key: Key) -> tuple[int | None, ...]:
    if not report.settings:
        return ()
    settings = report.settings.get(key)
    return tuple(getattr(settings, name) if settings else None for name in report.method.tunable)


def write_importance(path: str | Path, report: TrainingReport) -> None:
    """One row per forest and covariate: mean and SD over the repeats of the rise of the mean square error.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {**_key_fields(report.mode), "covariate": TEXT, "mse_rise": REAL, "mse_rise_sd": REAL}
    with create_table(path, "importance", fields) as table:
        for key in sorted(report.importance):
            names, found = report.importance[key]
            values = zip(names, found.mean.tolist(), found.sd.tolist())
            table.write((*_key_values(key), *row) for row in values)


def write_importance_summary(path: str | Path, rows: Sequence[ImportanceRow]) -> None:
    """One row per covariate, over the forests.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {"covariate": TEXT, "n_forests": INTEGER}
    fields.update(dict.fromkeys(("mean", "sd", "median", "q25", "q75"), REAL))
    with create_table(path, "importance_summary", fields) as table:
        table.write(
            (row.covariate, row.n_forests, row.mean, row.sd, row.median, row.q25, row.q75) for row in rows
        )


def write_effects(path: str | Path, effects: Iterable[Effect]) -> None:
    """One row per covariate and value: the accumulated effect there, over the forests.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {"covariate": TEXT, "unit": TEXT, "share": REAL, "value": REAL, "n_forests": INTEGER}
    fields.update(dict.fromkeys(("median", "q25", "q75"), REAL))
    with create_table(path, "effects", fields) as table:
        for one in effects:
            columns = (one.shares, one.values, one.models, one.median, one.q25, one.q75)
            rows = zip(*(numbers.tolist() for numbers in columns))
            table.write((one.covariate, one.unit, *row) for row in rows)


def _key_values(key: Key) -> tuple[Any, ...]:
    if isinstance(key, dt.date):
        return (key.isoformat(),)
    return (key.row, key.col, key.x, key.y) if isinstance(key, CellKey) else ()
