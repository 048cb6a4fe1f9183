"""From a regression matrix to one forest of all dates and cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.words import counted
from ...methods.base import Candidate
from ...methods.features import add_features
from ...methods.keys import POOLED, PooledKey, key_number
from ..matrix.read import MatrixTable
from .request import TrainingChoices
from .tables import TrainingReport

_READING, _GROWING = 0.2, 0.98


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
    scope, features, wishes = choices.scope, choices.features, choices.wishes
    names = choices.names(table)
    # Made first: a name that is wrong must not cost hours.
    writer = choices.writer(table, names, output, POOLED, {"maximum_rows": scope.maximum_rows})
    reading = progress.part(0.0, _READING)
    reading.set_text("Reading all dates")
    seed = choices.settings.as_dict().get("seed") or 0
    pooled = table.pooled(scope.start, scope.end, scope.maximum_rows, seed, scope.memory_mb, reading)
    if len(pooled.y) < 2:
        raise InputError(
            f"{table.label}: {len(pooled.y)} rows {scope.period} have all covariates; a "
            "forest needs at least 2."
        )
    # Derived covariates need a second, wider array.
    taken = pooled.x.nbytes * (2 if features.names else 1)
    # While the next candidate grows, the best one so far is kept.
    forests = 2 if wishes.tuned else 1
    for candidate in wishes.candidates or (Candidate(choices.settings),):
        _check_memory(table, taken, choices, candidate.of(len(pooled.y)), forests, len(pooled.y))
    dates = len(np.unique(pooled.days))
    text = f"{counted(len(pooled.y), 'row')} of {counted(dates, 'date')}, "
    text += f"{pooled.dropped:,} without all covariates left out"
    progress.log(text + (f", {pooled.unused:,} beyond MAXIMUM_ROWS" if pooled.unused else ""))
    x = add_features(pooled.x, pooled.days, features)
    progress.set_text(f"Fitting {choices.method.size_text(choices.settings, len(pooled.y))}")
    choices.method.get_ready()
    cells = np.stack([pooled.rows, pooled.cols], axis=1).astype(np.int64)
    rows = choices.cells(table, names, x, pooled.y, cells, pooled.days.astype(np.int64))
    key = PooledKey()
    try:
        growing = progress.part(_READING, _GROWING)
        model = choices.fit(rows, key_number(key), growing, threads)
    except InputError as error:
        raise InputError(f"{table.label}: {error}") from error
    with writer:
        progress.set_text(f"Writing the {choices.method.noun}")
        writer.add(key, model, settings=choices.chosen(model), progress=progress)
    report = TrainingReport(POOLED, dropped={key: pooled.dropped}, names=names, method=choices.method)
    report.add(key, model, names, wishes.tuned)
    return report


def _check_memory(
    table: MatrixTable, taken: int, choices: TrainingChoices, settings: Any, models: int, rows: int
) -> None:
    method, memory_mb = choices.method, choices.scope.memory_mb
    needed = (taken + models * method.bytes_of(settings, rows)) / 2**20
    if memory_mb is not None and needed > memory_mb:
        raise InputError(
            f"{table.label}: {method.size_text(settings, rows)} would take up to {needed:,.0f} MB with the "
            f"rows, more than the {memory_mb:,} MB of MEMORY; {method.smaller}, or MEMORY a larger one."
        )
