"""How long a cancel takes while a pooled forest of millions of rows is trained.

    python tools/bench_cancel.py [DATES [CELLS [COVARIATES [TREES [CANCELS]]]]]

A made-up table (1,000 dates x 1,000 cells x 10 covariates, 20 trees) is trained whole, with importance; then
again and again, each time cancelled at another moment, spread evenly over reading, growing, out-of-bag
scores, importance and writing.  Told are the longest time between two looks at the cancel button in the
whole run, and for each cancel the time until the call came back.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from smap_downscaler.base.errors import Cancelled
from smap_downscaler.base.progress import Progress
from smap_downscaler.geo.grid import Window, ease2_grid
from smap_downscaler.methods.base import Wishes
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.steps.forests.request import TrainingChoices
from smap_downscaler.steps.forests.training import train_pooled
from smap_downscaler.steps.matrix.numbers.rows import DayRows
from smap_downscaler.steps.matrix.read import MatrixTable, open_matrix
from smap_downscaler.steps.matrix.write import create_matrix

SIDE = 60
CELLS = ease2_grid("9 km").crop(Window(900, 1100, SIDE, SIDE))
OPTIONS = {"dates": 1000, "cells": 1000, "covariates": 10, "trees": 20, "cancels": 20}


def make_table(path: Path, dates: int, cells: int, covariates: int) -> MatrixTable:
    """Covariates that differ on each date and cell, so that trees become as large as they can."""
    generator = np.random.default_rng(1)
    row, col = np.divmod(np.arange(SIDE * SIDE)[:cells], SIDE)
    with create_matrix(
        path, CELLS, [f"covariate_{number:02d}" for number in range(covariates)], {}
    ) as writer:
        for number in range(dates):
            x = generator.normal(size=(len(row), covariates)).astype(np.float32)
            y = 0.25 + 0.05 * np.tanh(x[:, 0]) + 0.02 * generator.normal(size=len(row))
            writer.write(DayRows(dt.date(2015, 4, 1) + dt.timedelta(number), row, col, y, x))
    return open_matrix(path)


class Stopwatch(Progress):
    """Cancelled from a moment on; keeps the longest time between two looks of the calling thread."""

    def __init__(self, seconds: float = float("inf")):
        self.begun = self.last = time.perf_counter()
        self.moment = self.begun + seconds
        self.longest, self.at, self.fraction = 0.0, 0.0, 0.0
        self.caller = threading.get_ident()

    def is_cancelled(self) -> bool:
        now = time.perf_counter()
        if threading.get_ident() == self.caller:
            if now - self.last > self.longest:
                self.longest, self.at = now - self.last, self.last - self.begun
            self.last = now
        return now > self.moment

    def set_fraction(self, fraction: float) -> None:
        if time.perf_counter() <= self.moment:
            self.fraction = fraction


def train(table: MatrixTable, folder: str, trees: int, progress: Progress) -> None:
    settings = ForestSettings(trees, None, None, 4, 1, None, 1)
    output = Path(folder) / "pooled.smapforest"
    choices = TrainingChoices(settings, wishes=Wishes((), 2))
    train_pooled(table, output, choices, os.cpu_count() or 1, progress)


def cancelled(table: MatrixTable, folder: str, trees: int, seconds: float) -> tuple[float, float] | None:
    """Share of the work done at the cancel, and seconds until the call came back; None if it ended before."""
    progress = Stopwatch(seconds)
    try:
        train(table, folder, trees, progress)
    except Cancelled:
        return progress.fraction, time.perf_counter() - progress.moment
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, number in (
        ("dates", 1000),
        ("cells", 1000),
        ("covariates", 10),
        ("trees", 20),
        ("cancels", 20),
    ):
        parser.add_argument(name, type=int, nargs="?", default=number)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = make_table(Path(folder) / "matrix.gpkg", options.dates, options.cells, options.covariates)
        watch = Stopwatch()
        train(table, folder, options.trees, watch)
        whole = time.perf_counter() - watch.begun
        size = (Path(folder) / "pooled.smapforest").stat().st_size / 2**20
        print(f"{options.dates * options.cells:,} rows, {options.trees} trees: {whole:.1f} s, {size:,.0f} MB")
        print(f"  longest time between two looks {watch.longest:.2f} s, after {watch.at:.1f} s", flush=True)
        longest = 0.0
        for number in range(options.cancels):
            moment = whole * (number + 0.5) / options.cancels
            found = cancelled(table, folder, options.trees, moment)
            if found is None:
                print(f"  cancelled after {moment:6.1f} s: it had ended", flush=True)
                continue
            longest = max(longest, found[1])
            text = f"at {100 * found[0]:3.0f} %: back in {found[1]:.2f} s"
            print(f"  cancelled after {moment:6.1f} s, {text}", flush=True)
        print(f"  longest time from the cancel to the end {longest:.2f} s")


if __name__ == "__main__":
    main()
