"""Time of a 10-fold cross-validation beside that of scikit-learn alone with the same forests.

    python tools/bench_crossvalidate.py [DATES [CELLS [COVARIATES]]]

A made-up table (10 dates x 1,278 cells x 20 covariates) is validated under random folds and blocks, with one
thread a core; then scikit-learn fits and predicts the same forests on arrays in memory, once one after the
other and once with its own threads.  All predictions must agree.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from smap_downscaler.core.forest.settings import PAPER
from smap_downscaler.core.forest.train import new_sklearn_forest
from smap_downscaler.core.grid import Window, ease2_grid
from smap_downscaler.core.matrix import DayRows
from smap_downscaler.core.validation.crossvalidate import Piece, forest_key, plan_piece
from smap_downscaler.core.validation.grid import Candidate
from smap_downscaler.core.validation.results import ValidationRun
from smap_downscaler.core.validation.settings import ValidationSettings
from smap_downscaler.raster.crossvalidation import cell_places, crossvalidate_table
from smap_downscaler.raster.matrix_table import MatrixTable, create_matrix, open_matrix

SIDE = 60
CELLS = ease2_grid("9 km").crop(Window(900, 1100, SIDE, SIDE))
SETTINGS = ValidationSettings(folds=10, repeats=1, block_km=72, candidates=(Candidate(PAPER),))


def make_table(path: Path, dates: int, cells: int, covariates: int) -> MatrixTable:
    """Smooth covariates and a noisy soil moisture that depends on some of them."""
    generator = np.random.default_rng(1)
    names = [f"covariate_{number:02d}" for number in range(covariates)]
    row, col = np.divmod(np.arange(SIDE * SIDE)[:cells], SIDE)
    waves = generator.uniform(0.05, 0.6, (2, covariates))
    x = np.sin(row[:, None] * waves[0] + col[:, None] * waves[1]) + 0.3 * generator.normal(
        size=(cells, covariates)
    )
    with create_matrix(path, CELLS, names, {}) as writer:
        for number in range(dates):
            y = 0.25 + 0.05 * x[:, 0] + 0.03 * x[:, 1] * x[:, 2] + 0.02 * generator.normal(size=cells)
            writer.write(
                DayRows(dt.date(2020, 1, 1) + dt.timedelta(number), row, col, y, x.astype(np.float32))
            )
    return open_matrix(path)


def pure_scikit_learn(table: MatrixTable, threads: int) -> list[np.ndarray]:
    """Out-of-fold predictions of all pieces, by fit and predict alone."""
    places, found = cell_places(table), []
    for day in table.days():
        xy = np.array([places[cell] for cell in zip(day.rows.tolist(), day.cols.tolist())]).T
        for scheme in SETTINGS.schemes:
            job = plan_piece(day.x, day.y, (xy[0], xy[1]), Piece(day.date, scheme, 1), SETTINGS)
            predicted = np.empty(job.y.size)
            for fold in range(job.folds):
                test = job.fold_of_row == fold
                key = forest_key(job.piece, fold)
                forest = new_sklearn_forest(PAPER, int((~test).sum()), job.x.shape[1], key)
                forest.set_params(warm_start=False, n_jobs=threads).fit(job.x[~test], job.y[~test])
                predicted[test] = forest.predict(job.x[test])
            found.append(predicted)
    return found


def timed(work: Callable[[], object]) -> tuple[object, float, float]:
    """Result, wall seconds and processor seconds."""
    begun, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - begun, time.process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, number in (("dates", 10), ("cells", 1278), ("covariates", 20)):
        parser.add_argument(name, type=int, nargs="?", default=number)
    options = parser.parse_args()
    threads = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        table = make_table(Path(folder) / "matrix.gpkg", options.dates, options.cells, options.covariates)
        new_sklearn_forest(PAPER, 20, 2, 1).fit(np.zeros((20, 2)), np.arange(20.0))
        run, ours, busy = timed(lambda: crossvalidate_table(table, SETTINGS, threads=threads))
        threaded, wall, _ = timed(lambda: pure_scikit_learn(table, threads))
        alone, single, _ = timed(lambda: pure_scikit_learn(table, 1))
    check(run, alone, threaded)
    if run.plan is None:
        raise SystemExit("the run made no plan")
    print(f"{run.plan.forests:,} forests of {run.plan.trees:,} trees, {threads} threads")
    print(f"  estimate before the start  {run.plan.seconds:8.1f} s")
    print(f"  cross-validation           {ours:8.1f} s, cores busy {100 * busy / ours / threads:.0f} %")
    print(f"  scikit-learn, {threads} threads    {wall:8.1f} s, ratio {ours / wall:.2f}")
    print(f"  scikit-learn, 1 thread     {single:8.1f} s, ratio to 1/{threads} {ours / single * threads:.2f}")


def check(run: ValidationRun, *others: list[np.ndarray]) -> None:
    """Whoever computes them, the predictions that were kept are the same."""
    for predictions in others:
        for result, predicted in zip(run.results, sorted_as(run, predictions)):
            if result.predicted is not None and not np.allclose(
                result.predicted, predicted, rtol=0, atol=1e-12
            ):
                raise SystemExit(f"{result.piece}: the predictions differ")


def sorted_as(run: ValidationRun, predictions: list[np.ndarray]) -> list[np.ndarray]:
    """Predictions by date and scheme as they were made, in the order of the run's results."""
    made = [
        (result.piece.date, scheme)
        for result in run.results[:: len(SETTINGS.schemes)]
        for scheme in SETTINGS.schemes
    ]
    by_piece = dict(zip(made, predictions))
    return [by_piece[result.piece.date, result.piece.scheme] for result in run.results]


if __name__ == "__main__":
    main()
