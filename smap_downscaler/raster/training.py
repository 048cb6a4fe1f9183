"""From a regression matrix to a forest file: forests by date."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np

from ..core.dates import is_within
from ..core.errors import InputError
from ..core.forest.file import ForestWriter
from ..core.forest.keys import Key
from ..core.forest.settings import ForestSettings
from ..core.forest.train import train_each
from ..core.matrix import RESPONSE, RESPONSE_UNIT, check_least, least_cells, why_unusable
from ..core.progress import SILENT, Progress
from ..core.validation.grid import check_mtry
from ..core.validation.tuning import NO_WISHES, Grown, Wishes, grow_forest
from ..core.version import plugin_version
from ..core.words import counted
from .matrix_table import MatrixTable
from .training_report import TrainingReport


def train_from_table(
    table: MatrixTable,
    output: str | Path,
    settings: ForestSettings,
    minimum_cells: int | None = None,
    threads: int = 1,
    progress: Progress = SILENT,
    start: dt.date | None = None,
    end: dt.date | None = None,
    wishes: Wishes = NO_WISHES,
) -> TrainingReport:
    """Train a forest a date and write them to one file.

    Parameters
    ----------
    table : MatrixTable
    output : path
        The forest file.
    settings : ForestSettings
    minimum_cells : int, optional
        Least rows of a date; without it min(50, half of the table's cells), at least 20.
    threads : int
    start, end : date, optional
        First and last date.
    wishes : Wishes
        Tuning and importance.

    Raises
    ------
    InputError
        If no date can be trained, or a file cannot be read or written.
    """
    check_least("MINIMUM_CELLS", minimum_cells)
    counts = {date: n for date, n in table.count_by_date(progress).items() if is_within(date, start, end)}
    least = least_cells(table.count_cells(progress=progress), minimum_cells)
    if not any(n >= least for n in counts.values()):
        most = max(counts.values(), default=0)
        raise InputError(
            f"{table.label}: no date from {start or 'the begin'} to {end or 'the end'} has the {least} cells "
            f"that a forest needs (the best has {most}); enlarge the study area, or lower MINIMUM_CELLS."
        )
    check_mtry(wishes.candidates, len(table.covariates), table.label)
    report = TrainingReport(names=table.covariates)
    items = _usable_days(table, least, report, progress, start, end)
    with ForestWriter(
        output,
        table.covariates,
        table.units,
        RESPONSE,
        RESPONSE_UNIT,
        settings,
        plugin_version(),
        {"table": table.label, "minimum_cells": least},
        tuned=wishes.tuned,
    ) as writer:
        total = sum(n >= least for n in counts.values())
        trained_days = train_each(items, growing(settings, wishes), threads, progress, total)
        # Closed here, not when they are collected: no thread and no open table stays behind an error.
        with contextlib.closing(items), contextlib.closing(trained_days):
            for date, grown in trained_days:
                writer.add(date, grown.trained, settings=grown.settings if wishes.tuned else None)
                report.add(date, grown, table.covariates, wishes.tuned)
        if not report.scores:
            first, reason = next(iter(report.skipped.items()))
            raise InputError(
                f"{table.label}: no date can be trained ({first}: {reason}); check the covariates."
            )
    return report


def growing(
    settings: ForestSettings, wishes: Wishes
) -> Callable[[np.ndarray, np.ndarray, int, Progress], Grown]:
    """What `train_each` does with the rows of each key."""

    def grow(x: np.ndarray, y: np.ndarray, number: int, progress: Progress) -> Grown:
        return grow_forest(x, y, settings, wishes, number, progress)

    return grow


def _usable_days(
    table: MatrixTable,
    least: int,
    report: TrainingReport,
    progress: Progress,
    start: dt.date | None,
    end: dt.date | None,
) -> Generator[tuple[Key, np.ndarray, np.ndarray], None, None]:
    with contextlib.closing(table.days(start, end, progress)) as days:
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
            yield day.date, kept.x, kept.y
