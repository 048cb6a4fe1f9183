"""Time of maps by forests beside bare predictions of scikit-learn's, with numba and without it.

    python tools/bench_forest.py [CELLS [PIXELS [COVARIATES [DATES [ROUNDS [TREES]]]]]]

CELLS x CELLS cells of SMAP (36), each with PIXELS x PIXELS pixels (36: 1.7 million in all), and made-up
covariates (20) in a file.  Each of some dates (4) has a forest of the paper's settings (100 trees).  Here
`downscale` maps them, reading and writing included, on two threads (A), without numba and with it; a bare
RandomForestRegressor predicts the same pixels, held in memory, of as many dates on two threads (B); in turns.

`ratio NAME VALUE` are wall times of ours over theirs.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench_areamodel import Case
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid
from smap_downscaler.methods.file.reader import ModelWriter, open_models
from smap_downscaler.methods.forest.compiled import NUMBA
from smap_downscaler.methods.forest.growth import new_sklearn_forest
from smap_downscaler.methods.forest.settings import PAPER
from smap_downscaler.methods.forest.tuning import grow_forest
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.maps.downscale import make_maps
from smap_downscaler.steps.maps.inputs import MapInputs

_FIRST, THREADS, MEMORY = dt.date(2015, 4, 1), 2, 1024


def prepare(folder: Path, options: argparse.Namespace) -> tuple[Case, list[dt.date]]:
    """Stack and forests as files; the covariates and cells in memory, and the dates."""
    case = Case(options.cells, options.pixels, options.covariates)
    cells, rng, names = case.cells, np.random.default_rng(2), case.cells.names
    side, own = options.cells * options.pixels, cells.grid
    grid = Grid(
        own.crs,
        own.left,
        own.top,
        own.cell_width / options.pixels,
        own.cell_height / options.pixels,
        side,
        side,
    )
    layers = np.ascontiguousarray(case.x.T).reshape(-1, side, side)
    write_geotiff(folder / "stack.tif", grid, layers, [Band(name) for name in names])
    dates = [_FIRST + dt.timedelta(number) for number in range(options.dates)]
    settings = PAPER.__class__(**{**PAPER.as_dict(), "n_estimators": options.trees})
    path = folder / "forests.smapforest"
    with ModelWriter(path, names, {}, "soil_moisture", "m3 m-3", settings, "0") as writer:
        for date in dates:
            y = cells.y + rng.normal(0, 0.02, len(cells.y))
            writer.add(date, grow_forest(cells.x, y, settings, key=date.toordinal()))
    return case, dates


def timed(work: Callable[[], object]) -> np.ndarray:
    """Wall and processor seconds of some work."""
    begun = np.array([time.perf_counter(), time.process_time()])
    work()
    return np.array([time.perf_counter(), time.process_time()]) - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    numbers = {"cells": 36, "pixels": 36, "covariates": 20, "dates": 4, "rounds": 2, "trees": 100}
    for name, number in numbers.items():
        parser.add_argument(name, type=int, nargs="?", default=number)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        case, dates = prepare(folder, options)
        print(f"{len(case.cells.y):,} cells, {len(case.x):,} pixels, {len(dates)} dates", flush=True)
        forest = new_sklearn_forest(PAPER, len(case.cells.y), options.covariates, 1)
        forest.set_params(n_estimators=options.trees, n_jobs=THREADS).fit(case.cells.x, case.cells.y)
        NUMBA.load()
        version = NUMBA.version

        def bare() -> None:
            for _ in dates:
                forest.predict(case.x)

        def maps(with_numba: bool) -> None:
            NUMBA.version = version if with_numba else ""
            with open_models(folder / "forests.smapforest") as models:
                inputs = MapInputs(models, open_stack(folder / "stack.tif"))
                to = Path(tempfile.mkdtemp(dir=folder))
                make_maps(inputs, to, dates, THREADS, MEMORY)

        ways = {"downscale": False} | ({"downscale_numba": True} if version else {})
        ours, theirs = {name: np.zeros(2) for name in ways}, np.zeros(2)
        for _ in range(options.rounds):
            theirs += timed(bare)
            for name, with_numba in ways.items():
                ours[name] += timed(lambda way=with_numba: maps(way))
        count = options.rounds * len(dates)
        for name, (wall, busy) in {**ours, "bare predict": theirs}.items():
            print(f"  {name}: {wall / count:.2f} s a date, {busy / count:.2f} s of processors")
        print(f"  {NUMBA.said or 'numba is not installed, or was not tried'}")
        print(f"  load of the machine at the end {Path('/proc/loadavg').read_text().split()[0]}")
        for name, found in ours.items():
            print(f"ratio {name}_to_predict {found[0] / theirs[0]:.3f}")
            print(f"ratio {name}_to_predict_in_processor_time {found[1] / theirs[1]:.3f}")


if __name__ == "__main__":
    main()
