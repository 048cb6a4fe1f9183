"""From a regression matrix to a file of forests by cell: temporal models (paper 2.3.1, Conclusions)."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.words import counted
from ...methods.base import Cells
from ...methods.features import add_features, drop_constant
from ...methods.fitting import fit_each
from ...methods.keys import BY_CELL, CellKey, Key
from ..matrix.numbers.rows import CellRows, check_least, least_cells
from ..matrix.read import MatrixTable
from ..matrix.row_selection import Scope
from .request import TrainingChoices
from .tables import TrainingReport, tally


def train_cells(
    table: MatrixTable,
    output: str | Path,
    choices: TrainingChoices,
    threads: int = 1,
    progress: Progress = SILENT,
) -> TrainingReport:
    """Train a forest a cell, on the cell's dates, and write them to the file `output`.

    Covariates that are the same on all dates of a cell are left out of its forest.  Neighbours in time
    are taken from within the period too.

    Raises
    ------
    InputError
        If no cell can be trained, or a file cannot be read or written.
    """
    scope = choices.scope
    check_least("MINIMUM_DATES", scope.minimum)
    dates = sum(scope.holds(date) for date in table.count_by_date(progress))
    least = least_cells(dates, scope.minimum)
    if dates < least:
        raise InputError(
            f"{table.label}: it has {dates} dates {scope.period}, fewer than the {least} that a forest by "
            "cell needs; use a longer series, or lower MINIMUM_DATES."
        )
    names = choices.names(table)
    report = TrainingReport(BY_CELL, names=names, method=choices.method)
    reader = _Reader(table, choices, names, least, report)
    items = reader.items(progress, scope)
    writer = choices.writer(table, names, output, BY_CELL, {"minimum_dates": least})
    progress.set_text("Sorting the table by cell")
    with writer:
        choices.method.get_ready()
        trained_cells = fit_each(
            items, choices.fit, threads, progress, table.count_cells(least, progress), "cells"
        )
        with contextlib.closing(items), contextlib.closing(trained_cells):
            for key, model in trained_cells:
                columns = reader.columns.pop(key).tolist()
                writer.add(key, model, columns, choices.chosen(model))
                report.add(key, model, [names[column] for column in columns], choices.wishes.tuned)
        _tell(report, progress)
        if not report.trained:
            reasons = tally(report.skipped) or "no row has a cell number"
            raise InputError(
                f"{table.label}: no cell can be trained ({reasons}); check its soil moisture and "
                "covariates, or lower MINIMUM_DATES."
            )
    return report


@dataclass
class _Reader:
    """Makes training rows of cells, and keeps which covariates each forest has."""

    table: MatrixTable
    choices: TrainingChoices
    names: tuple[str, ...]
    least: int
    report: TrainingReport
    columns: dict[Key, np.ndarray] = field(default_factory=dict)

    def items(self, progress: Progress, scope: Scope) -> Generator[tuple[Key, Cells], None, None]:
        with contextlib.closing(self.table.cells(scope.start, scope.end, progress)) as cells:
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
                days = cell.days[complete]
                numbers = np.tile(np.array([[cell.row, cell.col]], np.int64), (days.size, 1))
                kept = [self.names[column] for column in columns.tolist()]
                yield key, self.choices.cells(self.table, kept, x, cell.y[complete], numbers, days)

    def _covariates(self, cell: CellRows, complete: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        days = cell.days[complete]
        x = add_features(cell.x[complete], days, self.choices.features, cell.days, cell.y)
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
