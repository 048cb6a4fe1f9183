"""How long a cross-validation will take, found by timing a few trees of it."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ....base.progress import SILENT, Progress
from ....base.words import counted
from ....methods.forest.engines import SCIKIT_LEARN
from ....methods.forest.hyper_grid import tree_groups
from .design import designed
from .grow import forest_key, grow_and_predict
from .pieces import PieceJob
from .settings import ValidationSettings

_SECONDS_OF_TRIAL = 1.0
_TREES_A_TRY = 4


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Parameters
    ----------
    pieces, forests, trees : int
        What is left to do; a piece is a unit, scheme and repeat.
    seconds : float
        Estimate.
    threads : int
    """

    pieces: int
    forests: int
    trees: int
    seconds: float
    threads: int

    def text(self) -> str:
        """One sentence for the log."""
        work = counted(self.pieces, "piece of work", "pieces of work")
        forests, trees = counted(self.forests, "forest"), counted(self.trees, "tree")
        threads = counted(self.threads, "thread")
        return f"{work} with {forests} of {trees}: {duration_text(self.seconds)} with {threads}."


def forests_a_piece(settings: ValidationSettings) -> tuple[int, float]:
    """Forests that a piece grows, and their trees (of the mean candidate where there is a choice)."""
    counts = [candidate.settings.n_estimators for candidate in settings.candidates]
    forests, trees = settings.folds, settings.folds * float(np.mean(counts))
    if settings.tuned:
        groups = tree_groups(settings.candidates)
        forests += settings.folds * settings.inner_folds * len(groups)
        grown = sum(max(counts[index] for index in group) for group in groups)
        trees += settings.folds * settings.inner_folds * grown
    return forests, trees


def make_plan(
    job: PieceJob, rows_of_pieces: Mapping[int, int], done: float, threads: int, progress: Progress = SILENT
) -> Plan:
    """Time about a second of trees of a piece's first fold and reckon from them.

    Parameters
    ----------
    job : PieceJob
        One of the pieces.
    rows_of_pieces : mapping of int to int
        How many pieces have how many rows.
    done : float
        How many of them are done already; of one, a share of its folds may be.
    threads : int
    """
    settings = job.settings
    forests, trees = forests_a_piece(settings)
    pieces = sum(rows_of_pieces.values())
    left = pieces - done
    # The time of a tree grows a little faster than its rows.
    share = sum(count * _work(rows) for rows, count in rows_of_pieces.items()) / _work(job.rows.y.size)
    busy = min(threads, os.cpu_count() or 1)
    seconds = _seconds_a_tree(job, progress) * trees * share * left / pieces / busy
    return Plan(math.ceil(left), round(forests * left), round(trees * left), seconds, threads)


def duration_text(seconds: float) -> str:
    """`about 5 minutes`, in words."""
    if seconds < 60:
        return "less than a minute"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"about {counted(minutes, 'minute')}"
    hours = seconds / 3600
    return f"about {hours:.1f} hours" if hours < 48 else f"about {hours / 24:.1f} days"


def _work(rows: int) -> float:
    return rows * float(np.log2(max(rows, 2)))


def _seconds_a_tree(job: PieceJob, progress: Progress) -> float:
    """Mean over up to three candidates, spread over the grid."""
    train = job.folds.train(0)
    x, x_test = designed(job.rows, job.columns, train, job.folds.test(0), job.settings)
    y, engine = job.rows.y[train], job.settings.engine
    tried = sorted({0, len(job.settings.candidates) // 2, len(job.settings.candidates) - 1})
    found = []
    for index in tried:
        settings = job.settings.candidates[index].of(y.size)
        # The first call loads libraries.
        grow_and_predict(x, y, x_test, settings, 0, (1,), progress, engine)
        # Other engines make something of the rows first, once a forest.
        step = _TREES_A_TRY if engine == SCIKIT_LEARN else settings.n_estimators
        trees, begun = 0, time.perf_counter()
        while time.perf_counter() - begun < _SECONDS_OF_TRIAL / len(tried) and trees < settings.n_estimators:
            key = forest_key(job.piece, 0, trees)
            grow_and_predict(x, y, x_test, settings, key, (step,), progress, engine)
            trees += step
        found.append((time.perf_counter() - begun) / max(trees, 1))
    return float(np.mean(found))
