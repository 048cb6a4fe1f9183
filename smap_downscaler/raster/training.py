"""From a regression matrix to a forest file: forests by date."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import InputError
from ..core.forest.file import ForestWriter
from ..core.forest.oob import OobScores
from ..core.forest.settings import ForestSettings
from ..core.forest.train import train_by_date
from ..core.matrix import RESPONSE, RESPONSE_UNIT, least_cells
from ..core.progress import SILENT, Progress
from ..core.version import plugin_version
from .geopackage import DATE, INTEGER, REAL, TEXT, create_table
from .matrix_table import MatrixTable

_SCORES = ("rmse", "mae", "bias", "r2", "pearson_r2")


@dataclass
class TrainingReport:
    """What became of each date.

    Attributes
    ----------
    scores : dict
        Out-of-bag scores of the dates that have a forest.
    dropped : dict
        Rows left out for a missing covariate, by date.
    skipped : dict
        Why a date has no forest.
    """

    scores: dict[dt.date, OobScores] = field(default_factory=dict)
    dropped: dict[dt.date, int] = field(default_factory=dict)
    skipped: dict[dt.date, str] = field(default_factory=dict)

    def median(self, name: str) -> float:
        """Median over dates of a score."""
        values = [getattr(score, name) for score in self.scores.values()]
        valid = [value for value in values if np.isfinite(value)]
        return float(np.median(valid)) if valid else float("nan")


def train_from_table(
    table: MatrixTable,
    output: str | Path,
    settings: ForestSettings,
    minimum_cells: int | None = None,
    threads: int = 1,
    progress: Progress = SILENT,
    start: dt.date | None = None,
    end: dt.date | None = None,
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

    Raises
    ------
    InputError
        If no date can be trained, or a file cannot be read or written.
    """
    if minimum_cells is not None and minimum_cells < 2:
        raise InputError(f"MINIMUM_CELLS is {minimum_cells}; give 2 or more.")
    counts = {
        date: n
        for date, n in table.count_by_date().items()
        if (start is None or date >= start) and (end is None or date <= end)
    }
    least = least_cells(table.count_cells(), minimum_cells)
    if not any(n >= least for n in counts.values()):
        most = max(counts.values(), default=0)
        raise InputError(
            f"{table.label}: no date from {start or 'the begin'} to {end or 'the end'} has the {least} cells "
            f"that a forest needs (the best has {most}); enlarge the study area, or lower MINIMUM_CELLS."
        )
    report = TrainingReport()
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
    ) as writer:
        total = sum(n >= least for n in counts.values())
        trained_days = train_by_date(items, settings, threads, progress, total)
        # Closed here, not when they are collected: no thread and no open table stays behind an error.
        with contextlib.closing(items), contextlib.closing(trained_days):
            for date, trained in trained_days:
                writer.add(date, trained)
                report.scores[date] = trained.scores
        if not report.scores:
            first, reason = next(iter(report.skipped.items()))
            raise InputError(
                f"{table.label}: no date can be trained ({first}: {reason}); check the covariates."
            )
    return report


def _usable_days(
    table: MatrixTable,
    least: int,
    report: TrainingReport,
    progress: Progress,
    start: dt.date | None,
    end: dt.date | None,
) -> Generator[tuple[dt.date, np.ndarray, np.ndarray], None, None]:
    with contextlib.closing(table.days(start, end, progress)) as days:
        for day in days:
            kept = day.keep(day.complete)
            report.dropped[day.date] = len(day.y) - len(kept.y)
            reason = _unusable(kept.y, report.dropped[day.date], least)
            if reason:
                report.skipped[day.date] = reason
                progress.log(f"{day.date}: no forest, {reason}")
                continue
            if report.dropped[day.date]:
                progress.log(f"{day.date}: {report.dropped[day.date]} cells without all covariates left out")
            yield day.date, kept.x, kept.y


def _unusable(y: np.ndarray, dropped: int, least: int) -> str:
    if len(y) < least:
        without = f" ({dropped} more lack a covariate)" if dropped else ""
        return f"{len(y)} cells{without}, fewer than the {least} needed"
    return f"all {len(y)} cells have the value {y[0]:g}" if y.min() == y.max() else ""


def write_scores(path: str | Path, report: TrainingReport) -> None:
    """The report as a table: a row a date.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {"date": DATE, "n": INTEGER, "n_dropped": INTEGER, "n_scored": INTEGER}
    fields.update({f"oob_{name}": REAL for name in _SCORES})
    fields["status"] = TEXT
    with create_table(path, "scores", fields) as table:
        table.write(_score_row(report, date) for date in sorted({*report.scores, *report.skipped}))


def _score_row(report: TrainingReport, date: dt.date) -> tuple[Any, ...]:
    score = report.scores.get(date)
    numbers = [getattr(score, name) if score else None for name in _SCORES]
    return (
        date.isoformat(),
        score.n if score else None,
        report.dropped.get(date, 0),
        score.n_scored if score else None,
        *numbers,
        report.skipped.get(date, "trained"),
    )
