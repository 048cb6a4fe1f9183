"""Time of a 10-fold cross-validation beside that of scikit-learn alone with the same forests.

    python tools/bench_crossvalidate.py [DATES [CELLS [COVARIATES [ROUNDS]]]]

A made-up table (10 dates x 1,278 cells x 20 covariates; the goal is told for 100 dates) is validated under
random folds and blocks, with the threads of THREADS 0 (A); then scikit-learn fits and predicts the same
forests on arrays in memory with one thread a core (B); and both again (A B A B).  All predictions must agree.

`ratio NAME VALUE` are times of A over those of B, by the clock and of processors; how busy A kept the cores
is told too.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from smap_downscaler.base.threads import growing_threads, thread_count
from smap_downscaler.geo.grid import Window, ease2_grid
from smap_downscaler.methods.base import Cells
from smap_downscaler.methods.forest.growth import new_sklearn_forest
from smap_downscaler.methods.forest.hyper_grid import ForestCandidate
from smap_downscaler.methods.forest.settings import PAPER
from smap_downscaler.steps.crossvalidation.numbers.crossvalidate import model_key, plan_piece
from smap_downscaler.steps.crossvalidation.numbers.pieces import Piece
from smap_downscaler.steps.crossvalidation.numbers.results import ValidationRun
from smap_downscaler.steps.crossvalidation.numbers.settings import ValidationSettings
from smap_downscaler.steps.crossvalidation.read_rows import cell_coordinates
from smap_downscaler.steps.crossvalidation.run import crossvalidate_table
from smap_downscaler.steps.matrix.numbers.rows import DayRows
from smap_downscaler.steps.matrix.read import MatrixTable, open_matrix
from smap_downscaler.steps.matrix.write import create_matrix
from turns import Took, load, ratio, took

SIDE = 60
CELLS = ease2_grid("9 km").crop(Window(900, 1100, SIDE, SIDE))
SETTINGS = ValidationSettings(folds=10, repeats=1, block_km=72, candidates=(ForestCandidate(PAPER),))


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


def pure_scikit_learn(table: MatrixTable, threads: int) -> dict[Piece, np.ndarray]:
    """Out-of-fold predictions of all pieces, by fit and predict alone."""
    places, found = cell_coordinates(table), {}
    for day in table.days():
        place = np.array([places[cell] for cell in zip(day.rows.tolist(), day.cols.tolist())])
        cells = np.stack([day.rows, day.cols], axis=1)
        rows = Cells(day.x, day.y, cells, np.full(day.y.size, day.date.toordinal()), place)
        for scheme in SETTINGS.schemes:
            job = plan_piece(rows, Piece(day.date, scheme, 1), SETTINGS)
            predicted = np.empty(day.y.size)
            for fold in range(job.folds.number):
                train, test = job.folds.train(fold), job.folds.test(fold)
                key = model_key(job.piece, fold)
                forest = new_sklearn_forest(PAPER, int(train.sum()), day.x.shape[1], key)
                forest.set_params(n_jobs=threads).fit(day.x[train], day.y[train])
                predicted[test] = forest.predict(day.x[test])
            found[job.piece] = predicted
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, number in (("dates", 10), ("cells", 1278), ("covariates", 20), ("rounds", 2)):
        parser.add_argument(name, type=int, nargs="?", default=number)
    options = parser.parse_args()
    cores, threads = thread_count(), growing_threads()
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        table = make_table(Path(folder) / "matrix.gpkg", options.dates, options.cells, options.covariates)
        new_sklearn_forest(PAPER, 20, 2, 1).fit(np.zeros((20, 2)), np.arange(20.0))
        for number in range(options.rounds):
            made: list[Any] = []
            ours.append(
                took(lambda to=made: to.append(crossvalidate_table(table, SETTINGS, threads=threads)))
            )
            tell("A", ours[-1], cores)
            theirs.append(took(lambda to=made: to.append(pure_scikit_learn(table, cores))))
            tell("B", theirs[-1], cores)
            run, plain = made
            if not number:
                check(run, plain)
    if run.plan is None:
        raise SystemExit("the run made no plan")
    print(f"{run.plan.models:,} forests of {run.plan.parts:,} trees; {cores} cores, {threads} threads of A")
    print(load())
    print(f"  estimate before the start          {run.plan.seconds:.1f} s")
    print(f"  cores busy with A                  {100 * share(ours, cores):.0f} %")
    ratio("crossvalidate_to_sklearn", sum_of(ours), sum_of(theirs))


def sum_of(times: list[Took]) -> Took:
    """Of all rounds."""
    return Took(*map(sum, zip(*times)))


def share(times: list[Took], cores: int) -> float:
    """Share of the cores' time that was used."""
    return sum_of(times).processor / (sum_of(times).wall * cores)


def tell(name: str, own: Took, cores: int) -> None:
    print(
        f"  {name} {own}, cores busy {100 * own.processor / own.wall / cores:.0f} %",
        flush=True,
    )


def check(run: ValidationRun, plain: dict[Piece, np.ndarray]) -> None:
    """Whoever computes them, the predictions that were kept are the same."""
    for result in run.results:
        if result.predicted is not None and not np.allclose(
            result.predicted, plain[result.piece], rtol=0, atol=1e-12
        ):
            raise SystemExit(f"{result.piece}: the predictions differ")


if __name__ == "__main__":
    main()
