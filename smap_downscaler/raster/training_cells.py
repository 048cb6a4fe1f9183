"""From a regression matrix to a file of forests by cell: temporal models (paper 2.3.1, Conclusions)."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..core.dates import is_within
from ..core.errors import InputError
from ..core.features import NO_FEATURES, FeatureSettings, add_features, drop_constant
from ..core.forest.file import ForestWriter
from ..core.forest.keys import BY_CELL, CellKey, Key
from ..core.forest.settings import ForestSettings
from ..core.forest.train import train_each
from ..core.matrix import RESPONSE, RESPONSE_UNIT, CellRows, check_least, least_cells
from ..core.progress import SILENT, Progress
from ..core.validation.grid import check_mtry
from ..core.validation.tuning import NO_WISHES, Wishes
from ..core.version import plugin_version
from ..core.words import counted
from .matrix_table import MatrixTable
from .training import growing
from .training_report import TrainingReport, tally


def train_cells(
    table: MatrixTable,
    output: str | Path,
    settings: ForestSettings,
    features: FeatureSettings = NO_FEATURES,
    minimum_dates: int | None = None,
    threads: int = 1,
    progress: Progress = SILENT,
    start: dt.date | None = None,
    end: dt.date | None = None,
    wishes: Wishes = NO_WISHES,
) -> TrainingReport:
    """Train a forest a cell, on the cell's dates, and write them to one file.

    Covariates that are the same on all dates of a cell are left out of its forest.

    Parameters
    ----------
    table : MatrixTable
    output : path
        The forest file.
    settings : ForestSettings
    features : FeatureSettings
        Derived covariates to add.
    minimum_dates : int, optional
        Least complete dates of a cell; without it min(50, half of the table's dates), at least 20.
    threads : int
    start, end : date, optional
        First and last date; neighbours in time are taken from within too.
    wishes : Wishes
        Tuning and importance.

    Raises
    ------
    InputError
        If no cell can be trained, or a file cannot be read or written.
    """
    check_least("MINIMUM_DATES", minimum_dates)
    dates = sum(is_within(date, start, end) for date in table.count_by_date(progress))
    least = least_cells(dates, minimum_dates)
    if dates < least:
        raise InputError(
            f"{table.label}: it has {dates} dates from {start or 'the begin'} to {end or 'the end'}, fewer "
            f"than the {least} that a forest by cell needs; use a longer series, or lower MINIMUM_DATES."
        )
    names = (*table.covariates, *features.names)
    check_mtry(wishes.candidates, len(names), table.label)
    report = TrainingReport(BY_CELL, names=names)
    reader = _Reader(table, features, names, least, report)
    items = reader.items(progress, start, end)
    writer = ForestWriter(
        output,
        names,
        {**table.units, **features.units},
        RESPONSE,
        RESPONSE_UNIT,
        settings,
        plugin_version(),
        {"table": table.label, "minimum_dates": least},
        BY_CELL,
        features,
        wishes.tuned,
    )
    progress.set_text("Sorting the table by cell")
    with writer:
        trained_cells = train_each(
            items, growing(settings, wishes), threads, progress, table.count_cells(least, progress), "cells"
        )
        with contextlib.closing(items), contextlib.closing(trained_cells):
            for key, grown in trained_cells:
                columns = reader.columns.pop(key).tolist()
                writer.add(key, grown.trained, columns, grown.settings if wishes.tuned else None)
                report.add(key, grown, [names[column] for column in columns], wishes.tuned)
        _tell(report, progress)
        if not report.scores:
            reasons = tally(report.skipped) or "no row has a cell number"
            raise InputError(
                f"{table.label}: no cell can be trained ({reasons}); check the covariates, or lower "
                "MINIMUM_DATES."
            )
    return report


@dataclass
class _Reader:
    """Makes training rows of cells, and keeps which covariates each forest has."""

    table: MatrixTable
    features: FeatureSettings
    names: tuple[str, ...]
    least: int
    report: TrainingReport
    columns: dict[Key, np.ndarray] = field(default_factory=dict)

    def items(
        self, progress: Progress, start: dt.date | None, end: dt.date | None
    ) -> Generator[tuple[Key, np.ndarray, np.ndarray], None, None]:
        with contextlib.closing(self.table.cells(start, end, progress)) as cells:
            for cell in cells:
                key = CellKey(cell.row, cell.col, *(cell.place or (None, None)))
                complete = cell.complete
                self.report.dropped[key] = int(np.count_nonzero(~complete))
                x, columns = self._covariates(cell, complete)
                reason = _unusable(cell.y[complete], columns, self.least)
                if reason:
                    self.report.skipped[key] = reason
                    continue
                self.columns[key] = columns
                yield key, x, cell.y[complete]

    def _covariates(self, cell: CellRows, complete: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        days = cell.days[complete]
        x = add_features(cell.x[complete], days, self.features, cell.days, cell.y)
        if not days.size:
            return x, np.zeros(0, np.int64)
        kept, _, columns = drop_constant(x, self.names)
        return kept, columns


def _unusable(y: np.ndarray, columns: np.ndarray, least: int) -> str:
    """Why a cell has no forest; the same words for all cells of a kind, so that they can be counted."""
    if len(y) < least:
        return f"fewer than {least} dates with all covariates"
    if y.min() == y.max():
        return "the same soil moisture on all dates"
    return "" if columns.size else "no covariate that changes with time"


def _tell(report: TrainingReport, progress: Progress) -> None:
    if report.skipped:
        progress.log(f"No forest for {tally(report.skipped)}")
    dropped = sum(report.dropped.values())
    if dropped:
        progress.log(f"{counted(dropped, 'row')} without all covariates left out")
