"""From a regression matrix to a file of forests: by date, by cell (paper 2.3.1, Conclusions) or pooled."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Generator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ...base.cluster import on_cluster
from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.words import counted, text
from ...methods.base import Candidate, Cells
from ...methods.coverage import Coverage, coverage_fields, coverage_of
from ...methods.features import add_features, drop_constant
from ...methods.file.reader import ModelWriter
from ...methods.fitting import fit_each
from ...methods.keys import BY_CELL, BY_DATE, POOLED, CellKey, Key, PooledKey, key_number
from ..matrix.numbers.rows import (
    CellRows,
    cells_and_days,
    check_minimum,
    rows_needed,
    sample_rows,
    why_unusable,
)
from ..matrix.read import MatrixTable
from .numbers.effects import MOST_MODELS, MOST_POOLED_ROWS, MOST_ROWS
from .numbers.outcome import TrainingReport
from .request import TrainingChoices
from .tables import tally

_READING, _GROWING = 0.2, 0.98


def train_by_date(
    table: MatrixTable,
    output: str | Path,
    choices: TrainingChoices,
    threads: int = 1,
    progress: Progress = SILENT,
) -> TrainingReport:
    """Train one forest per date, on the date's cells, and write them to the file `output`.

    Raises
    ------
    InputError
        If no date can be trained, or a file cannot be read or written.
    """
    selection = choices.selection
    check_minimum("MINIMUM_CELLS", selection.minimum_rows)
    counts = {date: n for date, n in table.count_by_date(progress).items() if selection.includes(date)}
    area = table.all_cells(progress)
    least = rows_needed(len(area), selection.minimum_rows)
    usable = sum(n >= least for n in counts.values())
    if not usable:
        most = max(counts.values(), default=0)
        raise InputError(
            f"{table.label}: no date {selection.period} has the {least} cells that a forest needs (the best "
            f"has {most}); enlarge the study area, or lower MINIMUM_CELLS."
        )
    names = choices.names(table)
    report = TrainingReport(BY_DATE, names=names, method=choices.method, given=choices.settings)
    coverage: dict[dt.date, Coverage] = {}
    rows = _rows_by_date(table, choices, least, report, area, coverage, progress)
    with choices.writer(table, names, output, BY_DATE, {"minimum_cells": least}) as writer:
        _fit_each(rows, choices, writer, report, threads, progress, usable, "dates")
        if not report.trained:
            first, reason = next(iter(report.skipped.items()))
            raise InputError(
                f"{table.label}: no date can be trained ({first}: {reason}); check its soil "
                "moisture and covariates."
            )
        writer.keep("coverage", coverage_fields(coverage))
    return report


def train_by_cell(
    table: MatrixTable,
    output: str | Path,
    choices: TrainingChoices,
    threads: int = 1,
    progress: Progress = SILENT,
) -> TrainingReport:
    """Train one forest per cell, on the cell's dates, and write them to the file `output`.

    Covariates that are the same on all dates of a cell are left out of its forest.  Neighbours in time
    are taken from within the period too.

    Raises
    ------
    InputError
        If no cell can be trained, or a file cannot be read or written.
    """
    selection = choices.selection
    check_minimum("MINIMUM_DATES", selection.minimum_rows)
    dates = sum(selection.includes(date) for date in table.count_by_date(progress))
    least = rows_needed(dates, selection.minimum_rows)
    if dates < least:
        raise InputError(
            f"{table.label}: it has {dates} dates {selection.period}, fewer than the {least} that a forest "
            "by cell needs; use a longer series, or lower MINIMUM_DATES."
        )
    names = choices.names(table)
    report = TrainingReport(BY_CELL, names=names, method=choices.method, given=choices.settings)
    columns: dict[Key, np.ndarray] = {}
    rows = _rows_by_cell(table, choices, least, report, columns, progress)
    writer = choices.writer(table, names, output, BY_CELL, {"minimum_dates": least})
    progress.set_text("Sorting the table by cell")
    with writer:
        usable = table.count_cells(least, progress)
        _fit_each(rows, choices, writer, report, threads, progress, usable, "cells", columns)
        if report.skipped:
            progress.log(f"No forest for {tally(report.skipped)}")
        dropped = sum(report.dropped.values())
        if dropped:
            progress.log(f"{counted(dropped, 'row')} without all covariates left out")
        if not report.trained:
            reasons = tally(report.skipped) or "no row has a cell number"
            raise InputError(
                f"{table.label}: no cell can be trained ({reasons}); check its soil moisture and "
                "covariates, or lower MINIMUM_DATES."
            )
    return report


def train_pooled(
    table: MatrixTable,
    output: str | Path,
    choices: TrainingChoices,
    threads: int = 1,
    progress: Progress = SILENT,
) -> TrainingReport:
    """Train one forest on the rows of all dates and write it to the file `output`.

    `threads` trees grow at once; the forest does not depend on it.

    Raises
    ------
    InputError
        If there are too few rows, they or the trees would take more memory, or a file cannot be read
        or written.
    """
    selection, features, wishes = choices.selection, choices.features, choices.wishes
    names = choices.names(table)
    # Made first: a name that is wrong must not cost hours.
    writer = choices.writer(table, names, output, POOLED, {"maximum_rows": selection.maximum_rows})
    reading = progress.part(0.0, _READING)
    reading.set_text("Reading all dates")
    seed = choices.settings.as_dict().get("seed") or 0
    pooled = table.pooled(
        selection.start, selection.end, selection.maximum_rows, seed, selection.memory_mb, reading
    )
    if len(pooled.y) < 2:
        raise InputError(
            f"{table.label}: {len(pooled.y)} rows {selection.period} have all covariates; a "
            "forest needs at least 2."
        )
    # Derived covariates need a second, wider array.
    taken = pooled.x.nbytes * (2 if features.names else 1)
    # While the next candidate grows, the best one so far is kept.
    forests = 2 if wishes.tuned else 1
    for candidate in wishes.candidates or (Candidate(choices.settings),):
        _check_memory(table, taken, choices, candidate.of(len(pooled.y)), forests, len(pooled.y))
    dates = len(np.unique(pooled.days))
    words = f"{counted(len(pooled.y), 'row')} of {counted(dates, 'date')}, "
    words += f"{pooled.dropped:,} without all covariates left out"
    progress.log(words + (f", {pooled.unused:,} beyond MAXIMUM_ROWS" if pooled.unused else ""))
    x = add_features(pooled.x, pooled.days, features)
    progress.set_text(f"Fitting {choices.method.size_text(choices.settings, len(pooled.y))}")
    choices.method.get_ready()
    rows = choices.cells(table, names, x, pooled.y, *cells_and_days(pooled))
    key = PooledKey()
    try:
        growing = progress.part(_READING, _GROWING)
        # In one thread it would grow here.
        at_once = max(threads, 2) if on_cluster() else threads
        model = choices.fit(rows, key_number(key), growing, at_once)
    except InputError as error:
        raise InputError(f"{table.label}: {error}") from error
    with writer:
        progress.set_text(f"Writing the {choices.method.noun}")
        writer.add(key, model, settings=choices.chosen(model), progress=progress)
    report = TrainingReport(
        POOLED, dropped={key: pooled.dropped}, names=names, method=choices.method, given=choices.settings
    )
    if choices.effects:
        report.samples[key] = _sample(rows, MOST_POOLED_ROWS, seed, key)
    report.add(key, model, names, wishes.tuned)
    return report


def _fit_each(
    rows: Generator[tuple[Key, Cells], None, None],
    choices: TrainingChoices,
    writer: ModelWriter,
    report: TrainingReport,
    threads: int,
    progress: Progress,
    total: int,
    unit: str,
    columns: dict[Key, np.ndarray] | None = None,
) -> None:
    """Fit a model for each key and write it; `columns`: the covariates that it has, where not all."""
    choices.method.get_ready()
    if choices.effects:
        rows = _keeping(rows, report, choices)
    fitted = fit_each(rows, choices.fit, threads, progress, total, unit)
    # Closed here, not when they are collected: no thread and no open table stays behind an error.
    with contextlib.closing(rows), contextlib.closing(fitted):
        for key, model in fitted:
            used = None if columns is None else columns.pop(key).tolist()
            names = report.names if used is None else [report.names[column] for column in used]
            writer.add(key, model, used, choices.chosen(model))
            report.add(key, model, names, choices.wishes.tuned)


def _keeping(
    rows: Generator[tuple[Key, Cells], None, None], report: TrainingReport, choices: TrainingChoices
) -> Generator[tuple[Key, Cells], None, None]:
    """The rows of models as they come; the report gets a sample of some, spread evenly over all."""
    seed, samples, every = choices.settings.as_dict().get("seed") or 0, report.samples, 1
    with contextlib.closing(rows):
        for number, (key, cells) in enumerate(rows):
            if number % every == 0:
                samples[key] = _sample(cells, MOST_ROWS, seed, key)
            if len(samples) > 2 * MOST_MODELS:
                # How many there will be is not known: the longer it takes, the fewer are kept.
                every *= 2
                report.samples = samples = dict(islice(samples.items(), 0, None, 2))
            yield key, cells
    kept = list(samples.items())
    places = np.unique(np.linspace(0, len(kept) - 1, min(len(kept), MOST_MODELS)).round().astype(int))
    report.samples = dict(kept[place] for place in places.tolist())


def _sample(cells: Cells, most: int, seed: int, key: Key) -> Cells:
    """At most so many of some rows, by the seed."""
    n = len(cells.y)
    mask = np.zeros(n, bool)
    mask[sample_rows(n, most, seed, key_number(key))] = True
    return cells.take(mask)


def _rows_by_date(
    table: MatrixTable,
    choices: TrainingChoices,
    least: int,
    report: TrainingReport,
    area: np.ndarray,
    coverage: dict[dt.date, Coverage],
    progress: Progress,
) -> Generator[tuple[Key, Cells], None, None]:
    """Rows of each date; `coverage` gets which part of the cells of the `area` they cover."""
    selection, names = choices.selection, report.names
    with contextlib.closing(table.days(selection.start, selection.end, progress)) as days:
        for day in days:
            kept = day.keep(day.complete)
            report.dropped[day.date] = dropped = len(day.y) - len(kept.y)
            reason = why_unusable(kept.y, dropped, least, "cells")
            if reason:
                report.skipped[day.date] = reason
                progress.log(f"{day.date}: no forest, {reason}")
                continue
            if dropped:
                progress.log(f"{day.date}: {counted(dropped, 'cell')} without all covariates left out")
            rows = choices.cells(table, names, kept.x, kept.y, *cells_and_days(kept))
            coverage[day.date] = coverage_of(rows.cells, area)
            yield day.date, rows


def _rows_by_cell(
    table: MatrixTable,
    choices: TrainingChoices,
    least: int,
    report: TrainingReport,
    columns: dict[Key, np.ndarray],
    progress: Progress,
) -> Generator[tuple[Key, Cells], None, None]:
    """Rows of each cell; `columns` gets the covariates that each has."""
    selection = choices.selection
    with contextlib.closing(table.cells(selection.start, selection.end, progress)) as cells:
        for cell in cells:
            key = CellKey(cell.row, cell.col, *(cell.place or (None, None)))
            complete = cell.complete
            report.dropped[key] = int(np.count_nonzero(~complete))
            x, varying = _varying_covariates(cell, complete, choices, report.names)
            reason = _why_no_forest(cell.y[complete], varying, least)
            if reason:
                report.skipped[key] = reason
                continue
            columns[key] = varying
            kept = cell.keep(complete)
            names = [report.names[column] for column in varying.tolist()]
            yield key, choices.cells(table, names, x, kept.y, *cells_and_days(kept))


def _varying_covariates(
    cell: CellRows, complete: np.ndarray, choices: TrainingChoices, names: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    days = cell.days[complete]
    x = add_features(cell.x[complete], days, choices.features, cell.days, cell.y)
    if not days.size:
        return x, np.zeros(0, np.int64)
    varying, _, columns = drop_constant(x, names)
    return varying, columns


def _why_no_forest(y: np.ndarray, columns: np.ndarray, least: int) -> str:
    """Why a cell has no forest; the same words for all cells of a kind, so that they can be counted."""
    if len(y) < least:
        return text("fewer than {} dates with all covariates", least)
    if y.min() == y.max():
        return "the same soil moisture on all dates"
    return "" if columns.size else "no covariate that changes with time"


def _check_memory(
    table: MatrixTable, taken: int, choices: TrainingChoices, settings: Any, models: int, rows: int
) -> None:
    method, memory_mb = choices.method, choices.selection.memory_mb
    needed = (taken + models * method.bytes_of(settings, rows)) / 2**20
    if memory_mb is not None and needed > memory_mb:
        raise InputError(
            f"{table.label}: {method.size_text(settings, rows)} would take up to {needed:,.0f} MB with the "
            f"rows, more than the {memory_mb:,} MB of MEMORY; {method.smaller}, or MEMORY a larger one."
        )
