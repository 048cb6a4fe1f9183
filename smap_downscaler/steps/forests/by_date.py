"""From a regression matrix to a forest file: forests by date."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.words import counted
from ...methods.base import Cells
from ...methods.fitting import fit_each
from ...methods.keys import BY_DATE, Key
from ..matrix.numbers.rows import check_least, least_cells, why_unusable
from ..matrix.read import MatrixTable
from .request import TrainingChoices
from .tables import TrainingReport


def train_from_table(
    table: MatrixTable,
    output: str | Path,
    choices: TrainingChoices,
    threads: int = 1,
    progress: Progress = SILENT,
) -> TrainingReport:
    """Train a forest a date and write them to the file `output`.

    Raises
    ------
    InputError
        If no date can be trained, or a file cannot be read or written.
    """
    scope = choices.scope
    check_least("MINIMUM_CELLS", scope.minimum)
    counts = {date: n for date, n in table.count_by_date(progress).items() if scope.holds(date)}
    least = least_cells(table.count_cells(progress=progress), scope.minimum)
    if not any(n >= least for n in counts.values()):
        most = max(counts.values(), default=0)
        raise InputError(
            f"{table.label}: no date {scope.period} has the {least} cells that a forest needs (the best has "
            f"{most}); enlarge the study area, or lower MINIMUM_CELLS."
        )
    names = choices.names(table)
    report = TrainingReport(names=names, method=choices.method)
    items = _usable_days(table, least, report, progress, choices)
    choices.method.get_ready()
    with choices.writer(table, names, output, BY_DATE, {"minimum_cells": least}) as writer:
        total = sum(n >= least for n in counts.values())
        trained_days = fit_each(items, choices.fit, threads, progress, total)
        # Closed here, not when they are collected: no thread and no open table stays behind an error.
        with contextlib.closing(items), contextlib.closing(trained_days):
            for date, model in trained_days:
                writer.add(date, model, settings=choices.chosen(model))
                report.add(date, model, names, choices.wishes.tuned)
        if not report.trained:
            first, reason = next(iter(report.skipped.items()))
            raise InputError(
                f"{table.label}: no date can be trained ({first}: {reason}); check its soil "
                "moisture and covariates."
            )
    return report


def _usable_days(
    table: MatrixTable,
    least: int,
    report: TrainingReport,
    progress: Progress,
    choices: TrainingChoices,
) -> Generator[tuple[Key, Cells], None, None]:
    scope, names = choices.scope, choices.names(table)
    with contextlib.closing(table.days(scope.start, scope.end, progress)) as days:
        for day in days:
            kept = day.keep(day.complete)
            report.dropped[day.date] = len(day.y) - len(kept.y)
            reason = why_unusable(kept.y, report.dropped[day.date], least, "cells")
            if reason:
                report.skipped[day.date] = reason
                progress.log(f"{day.date}: no forest, {reason}")
                continue
            if report.dropped[day.date]:
                progress.log(
                    f"{day.date}: {counted(report.dropped[day.date], 'cell')} without all covariates left out"
                )
            cells = np.stack([kept.rows, kept.cols], axis=1).astype(np.int64)
            days_of_rows = np.full(len(kept.y), day.date.toordinal(), np.int64)
            yield day.date, choices.cells(table, names, kept.x, kept.y, cells, days_of_rows)
