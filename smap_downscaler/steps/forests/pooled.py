"""From a regression matrix to one forest of all dates and cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.words import counted
from ...methods.features import add_features
from ...methods.forest.hyper_grid import Candidate
from ...methods.forest.settings import ForestSettings
from ...methods.keys import POOLED, PooledKey, key_number
from ..matrix.read import MatrixTable
from .request import TrainingChoices
from .tables import TrainingReport

#: Bytes a node takes while a forest grows and is written: scikit-learn's, and the arrays of the file.
_BYTES_A_NODE = 110
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
    scope, settings, features, wishes = choices.scope, choices.settings, choices.features, choices.wishes
    names = choices.names(table)
    # Made first: a name that is wrong must not cost hours.
    writer = choices.writer(table, names, output, POOLED, {"maximum_rows": scope.maximum_rows})
    reading = progress.part(0.0, _READING)
    reading.set_text("Reading all dates")
    pooled = table.pooled(scope.start, scope.end, scope.maximum_rows, settings.seed, scope.memory_mb, reading)
    if len(pooled.y) < 2:
        raise InputError(
            f"{table.label}: {len(pooled.y)} rows {scope.period} have all covariates; a "
            "forest needs at least 2."
        )
    # Derived covariates need a second, wider array.
    taken = pooled.x.nbytes * (2 if features.names else 1)
    # While the next candidate grows, the best one so far is kept.
    forests = 2 if wishes.tuned else 1
    for candidate in wishes.candidates or (Candidate(settings),):
        _check_memory(table, taken, candidate.of(len(pooled.y)), forests, len(pooled.y), scope.memory_mb)
    dates = len(np.unique(pooled.days))
    text = f"{counted(len(pooled.y), 'row')} of {counted(dates, 'date')}, "
    text += f"{pooled.dropped:,} without all covariates left out"
    progress.log(text + (f", {pooled.unused:,} beyond MAXIMUM_ROWS" if pooled.unused else ""))
    x = add_features(pooled.x, pooled.days, features)
    progress.set_text(f"Growing {settings.n_estimators:,} trees")
    key = PooledKey()
    try:
        growing = progress.part(_READING, _GROWING)
        grown = choices.grow(x, pooled.y, key_number(key), growing, threads)
    except InputError as error:
        raise InputError(f"{table.label}: {error}") from error
    with writer:
        progress.set_text("Writing the forest")
        writer.add(key, grown.trained, settings=choices.chosen(grown), progress=progress)
    report = TrainingReport(POOLED, dropped={key: pooled.dropped}, names=names)
    report.add(key, grown, names, wishes.tuned)
    return report


def _check_memory(
    table: MatrixTable,
    taken: int,
    settings: ForestSettings,
    forests: int,
    rows: int,
    memory_mb: int | None,
) -> None:
    """A tree has at most two nodes a distinct row that it drew (63 % of the draws, at most all rows)."""
    draws = settings.draws(rows)
    distinct = min(rows, draws) if draws < rows else 0.64 * rows
    leaves = distinct / max(1, settings.min_samples_leaf, settings.min_samples_split / 2)
    needed = (taken + forests * settings.n_estimators * 2 * leaves * _BYTES_A_NODE) / 2**20
    if memory_mb is not None and needed > memory_mb:
        raise InputError(
            f"{table.label}: {settings.n_estimators:,} trees of {draws:,} rows each would take up to "
            f"{needed:,.0f} MB with the rows, more than the {memory_mb:,} MB of MEMORY; give SAMPLE_SIZE "
            "or N_ESTIMATORS a smaller number, or MEMORY a larger one."
        )
