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
from .design import designed, model_key
from .pieces import PieceJob
from .settings import ValidationSettings

_SECONDS_OF_TRIAL = 1.0


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Parameters
    ----------
    pieces, models, parts : int
        What is left to do; a piece is a date or cell, a scheme and repeat, parts are the trees of forests.
    seconds : float
        Estimate.
    threads : int
    """

    pieces: int
    models: int
    parts: int
    seconds: float
    threads: int
    nouns: tuple[str, str] = ("forest", "tree")

    def text(self) -> str:
        """One sentence for the log."""
        work = counted(self.pieces, "piece of work", "pieces of work")
        models, threads = counted(self.models, self.nouns[0]), counted(self.threads, "thread")
        parts = f" of {counted(self.parts, self.nouns[1])}" if self.nouns[1] else ""
        return f"{work} with {models}{parts}: {duration_text(self.seconds)} with {threads}."


def models_a_piece(settings: ValidationSettings, rows: int) -> tuple[int, float]:
    """Models that a piece fits, and their parts (of the mean candidate where there is a choice)."""
    method, own = settings.method, [candidate.of(rows) for candidate in settings.candidates]
    models, parts = settings.folds, settings.folds * float(np.mean([method.work([one])[1] for one in own]))
    if settings.tuned:
        more, more_parts = method.work(own)
        models += settings.folds * settings.inner_folds * more
        parts += settings.folds * settings.inner_folds * more_parts
    return models, parts


def make_plan(
    job: PieceJob, rows_of_pieces: Mapping[int, int], done: float, threads: int, progress: Progress = SILENT
) -> Plan:
    """Time about a second of a piece's first fold and reckon from them.

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
    models, parts = models_a_piece(settings, job.rows.y.size)
    pieces = sum(rows_of_pieces.values())
    left = pieces - done
    # The time of a model grows a little faster than its rows.
    share = sum(count * _work(rows) for rows, count in rows_of_pieces.items()) / _work(job.rows.y.size)
    busy = min(threads, os.cpu_count() or 1)
    seconds = _seconds_a_part(job, progress) * parts * share * left / pieces / busy
    nouns = settings.method.noun, settings.method.parts
    return Plan(math.ceil(left), round(models * left), round(parts * left), seconds, threads, nouns)


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


def _seconds_a_part(job: PieceJob, progress: Progress) -> float:
    """Mean over up to three candidates, spread over the grid."""
    cells, block = designed(job.rows, job.columns, job.folds.train(0), job.folds.test(0), job.settings)
    method, engine = job.settings.method, job.settings.engine
    tried = sorted({0, len(job.settings.candidates) // 2, len(job.settings.candidates) - 1})
    found = []
    for index in tried:
        settings = job.settings.candidates[index].of(len(cells.y))
        sample, step = method.sample(settings, engine)
        whole, parts = method.work([settings])[1], 0
        # The first call loads libraries.
        method.held_out(cells, block, [method.sample(settings, "")[0]], 0, progress, engine)
        begun = time.perf_counter()
        while time.perf_counter() - begun < _SECONDS_OF_TRIAL / len(tried) and parts < whole:
            method.held_out(cells, block, [sample], model_key(job.piece, 0, parts), progress, engine)
            parts += step
        found.append((time.perf_counter() - begun) / max(parts, 1))
    return float(np.mean(found))
