"""Time of an area-to-point model beside that of a forest of scikit-learn, for one date, training included.

    python tools/bench_areamodel.py [--profile] [CELLS [PIXELS [COVARIATES [ROUNDS [TREES [DATES]]]]]]

CELLS x CELLS cells of SMAP (36), each with PIXELS x PIXELS pixels (28: a million in all), and made-up
covariates (20) are held in memory.  The model is fitted with its footprint given and maps all pixels (A);
then scikit-learn's forest with the paper's settings is fitted to the cells and predicts the same pixels (B);
and both again (A B A B), on two threads each.  At last the same map is made with its intervals, and without,
and so are maps of DATES (20) by a model of two levels, of which SMAP sees a swath each, as `downscale` makes
them: what dates share is made once.

`ratio NAME VALUE` are times of ours over theirs: of A over the prediction of B, of A over B (`_processor`:
the same in time of processors, which hangs less on what else the machine does), and of maps with intervals
over maps alone: processor time of a date alone, and of the dates.  `--profile` shows instead what takes the
time of fitting.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from area_case import ArrayStack, smooth_field
from smap_downscaler.base.progress import SILENT, Progress
from smap_downscaler.base.threads import ordered_map
from smap_downscaler.geo.grid import Window, ease2_grid
from smap_downscaler.methods.area.method import AREA_TO_POINT
from smap_downscaler.methods.area.settings import AreaSettings
from smap_downscaler.methods.base import BY_EVIDENCE, Block, Cells, Model, Prediction
from smap_downscaler.methods.forest.growth import new_sklearn_forest
from smap_downscaler.methods.forest.settings import PAPER
from smap_downscaler.steps.skill.numbers.observation import swath
from turns import Took, load, ratio, took

DAY, FOOTPRINT_KM, THREADS = 737_000, 33.0, 2
#: Cells of the stack beyond SMAP's: a footprint's width.
MARGIN = 4
_PIXELS_A_BLOCK = 1 << 17


class Case:
    """Covariates of a date, and soil moisture of its cells that some of them make."""

    def __init__(self, side: int, pixels: int, covariates: int):
        rng = np.random.default_rng(1)
        names = tuple(f"covariate_{number:02d}" for number in range(covariates))
        whole = (side + 2 * MARGIN) * pixels
        layers = np.stack(
            [smooth_field((whole, whole), slope, rng) for slope in np.linspace(1.5, 2.8, covariates)]
        ).astype(np.float32)
        inner = slice(MARGIN * pixels, (MARGIN + side) * pixels)
        inside = layers[:, inner, inner]
        means = inside.reshape(covariates, side, pixels, side, pixels).mean(axis=(2, 4))
        field = smooth_field((side, side), 3.0, rng) + rng.normal(size=(side, side))
        y = 0.25 + 0.04 * means[0] - 0.02 * means[-1] * means[1] + 0.02 * field
        grid = ease2_grid("9 km").crop(Window(950, 1000, side, side))
        places = np.argwhere(np.ones((side, side), bool))
        days = np.full(len(places), DAY)
        x = np.ascontiguousarray(means.reshape(covariates, -1).T, np.float32)
        stack = ArrayStack(names, layers, MARGIN, pixels, rows_a_block=8 * pixels)
        self.cells = Cells(x, y.ravel(), places, days, None, names, grid, stack)
        self.side = side
        self.x = np.ascontiguousarray(inside.reshape(covariates, -1).T)
        size = side * pixels
        centres = (np.arange(size) + 0.5) / pixels
        x_of, y_of = grid.left + centres * grid.cell_width, grid.top - centres * grid.cell_height
        self.places = np.stack(np.meshgrid(x_of, y_of), axis=-1).reshape(-1, 2)

    def model(self) -> Model:
        """The model, fitted anew to cells and stack."""
        self.cells.fine.made.clear()  # type: ignore[union-attr]
        return AREA_TO_POINT.fit(self.cells, AreaSettings(footprint_km=FOOTPRINT_KM), DAY)

    def model_of_dates(self, dates: int) -> Model:
        """A model of two levels, of dates with a wetness, a field and a swath of their own."""
        rng, shape = np.random.default_rng(5), (self.side, self.side)
        seen = np.array([swath(rng, shape).ravel() for _ in range(dates)])
        wet = rng.normal(size=(dates, 1))
        own = [smooth_field(shape, 3.0, rng).ravel() + rng.normal(size=seen.shape[1]) for _ in wet]
        y = self.cells.y + 0.02 * wet + 0.01 * wet * self.cells.x[:, 1] + 0.02 * np.array(own)
        date, cell = np.nonzero(seen)
        base = self.cells
        cells = replace(base, x=base.x[cell], y=y[seen], cells=base.cells[cell], days=DAY + date)
        return AREA_TO_POINT.fit(cells, AreaSettings(footprint_km=0.0), DAY)

    def mapped(self, model: Model, sd: bool = False, dates: int = 1) -> np.ndarray:
        """The maps of a model, block by block on two threads; the last one."""
        kept: dict[int, Any] = {}

        def predicted(task: tuple[int, int], listener: Progress) -> Prediction:
            day, start = task
            part = slice(start, start + _PIXELS_A_BLOCK)
            block = Block(self.x[part], np.full(len(self.x[part]), day), self.places[part])
            if dates > 1:
                if start not in kept:
                    kept[start] = model.still(block, listener, sd)
                block = replace(block, still=kept[start])
            return model.predict(block, listener, sd)

        starts = range(0, len(self.x), _PIXELS_A_BLOCK)
        for day in range(DAY, DAY + dates):
            tasks = [(day, start) for start in starts]
            found = [one.mean for one in ordered_map(predicted, tasks, THREADS, SILENT)]
        return np.concatenate(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = {"cells": 36, "pixels": 28, "covariates": 20, "rounds": 2, "trees": 100, "dates": 20}
    for name, number in sizes.items():
        parser.add_argument(name, type=int, nargs="?", default=number)
    parser.add_argument("--profile", action="store_true", help="what takes the time of fitting, and no more")
    options = parser.parse_args()
    case = Case(options.cells, options.pixels, options.covariates)
    print(f"{len(case.cells.y):,} cells, {len(case.x):,} pixels, {options.covariates} covariates", flush=True)
    AREA_TO_POINT.get_ready()
    if options.profile:
        profile = cProfile.Profile(time.process_time)
        profile.runcall(case.model)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    forest = new_sklearn_forest(PAPER, len(case.cells.y), options.covariates, 1)
    # What is loaded once is not what is measured.
    forest.set_params(n_estimators=1, n_jobs=THREADS).fit(case.cells.x, case.cells.y)
    forest.set_params(n_estimators=options.trees)
    ours, theirs, theirs_alone = Took(), Took(), Took()
    made: list[Model] = []
    for _ in range(options.rounds):
        made.clear()
        fitting = took(lambda: made.append(case.model()))
        (model,) = made
        mapping = took(partial(case.mapped, model))
        print(f"  A {fitting} to fit, {mapping} to map", flush=True)
        ours = ours.plus(fitting).plus(mapping)
        growing = took(partial(forest.fit, case.cells.x, case.cells.y))
        predicting = took(partial(forest.predict, case.x))
        print(f"  B {growing} to fit, {predicting} to map", flush=True)
        theirs = theirs.plus(growing).plus(predicting)
        theirs_alone = theirs_alone.plus(predicting)
    both = {(many, sd): 0.0 for many in (1, options.dates) for sd in (False, True)}
    models = {1: model, options.dates: case.model_of_dates(options.dates)}
    for _ in range(options.rounds):
        for many, sd in both:
            # Without what the last map left in memory.
            fresh = models[many].with_detail(BY_EVIDENCE)
            both[many, sd] += took(partial(case.mapped, fresh, sd, many)).processor
    print(load())
    ratio("areamodel_to_predict", ours, theirs_alone)
    ratio("areamodel_to_forest_with_training", ours, theirs)
    for name, many in (("intervals", 1), ("intervals_of_dates", options.dates)):
        # Clocks of processors may count hundredths of a second.
        print(f"ratio {name}_to_mean {both[many, True] / max(both[many, False], 1e-2):.3f}")


if __name__ == "__main__":
    main()
