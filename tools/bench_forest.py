"""Time of maps by forests beside what others do: with numba and without it, by the date, and how it grows.

    python tools/bench_forest.py [CELLS [PIXELS [COVARIATES [DATES [ROUNDS [TREES]]]]]] [--archive DATES]

CELLS x CELLS cells of SMAP (36), each with PIXELS x PIXELS pixels (36: 1.7 million in all), and made-up
covariates (20) in a file.  Each of some dates (4) has a forest of the paper's settings (100 trees).  In
turns, on two threads each:

- `downscale`, reading and writing included, without numba and with it: dates after a first one, with which
  what dates share is made; and the training of the forests;
- a bare RandomForestRegressor, which predicts the same pixels, held in memory, of as many dates;
- its training on the same rows, on one thread a core as ours;
- a plain script: rasterio reads all bands, the forest predicts rows of pixels, rasterio writes;
- `bench_ranger.R`: ranger trains, and predicts through terra, which reads and writes.

What needs R or rasterio is left out where they are missing.  `ratio NAME VALUE` are wall times of ours
over theirs, `_processor` those of processors; beside the script and R training counts too.  `growth_NAME`
are times of maps (with numba where it is installed) at twice as much over those at once, without what a run
takes to begin; `memory_of_dates` peaks of memory.  `--archive DATES`: trains and maps so many dates with
numba really, and tells what 2,000 would take.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench_areamodel import Case
from smap_downscaler.base.threads import growing_threads
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
from turns import Took, Work, in_turns, load, peak_mb, ratio, took

_FIRST, THREADS, MEMORY = dt.date(2015, 4, 1), 2, 1024
#: Rows of pixels that the script with rasterio predicts at a time.
_ROWS = 256


def make(folder: Path, dates: int) -> None:
    """The maps of the first dates."""
    with open_models(folder / "forests.smapforest") as models, tempfile.TemporaryDirectory(dir=folder) as to:
        inputs = MapInputs(models, open_stack(folder / "stack.tif"))
        make_maps(inputs, to, models.dates[:dates], THREADS, MEMORY)


class Bench:
    """A case as files in a folder, and the ways to map it."""

    def __init__(self, folder: Path, options: argparse.Namespace):
        self.folder, self.options = folder, options
        self.case = case = Case(options.cells, options.pixels, options.covariates)
        cells, rng = case.cells, np.random.default_rng(2)
        side, own = options.cells * options.pixels, cells.grid
        width, height = own.cell_width / options.pixels, own.cell_height / options.pixels
        grid = Grid(own.crs, own.left, own.top, width, height, side, side)
        layers = np.ascontiguousarray(case.x.T).reshape(-1, side, side)
        write_geotiff(folder / "stack.tif", grid, layers, [Band(name) for name in cells.names])
        self.y = [cells.y + rng.normal(0, 0.02, len(cells.y)) for _ in range(options.dates)]
        self.settings = PAPER.__class__(**{**PAPER.as_dict(), "n_estimators": options.trees})
        with open(folder / "cells.csv", "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow([*cells.names, *(f"y{number}" for number in range(1, options.dates + 1))])
            table.writerows(np.column_stack([cells.x, *self.y]).tolist())
        self.train(options.dates + 1)
        NUMBA.load()
        self.numba = NUMBA.version
        forest = new_sklearn_forest(PAPER, len(cells.y), options.covariates, 1)
        self.forest = forest.set_params(n_estimators=options.trees, n_jobs=THREADS).fit(cells.x, cells.y)

    def train(self, dates: int) -> None:
        """A forest a date, in `forests.smapforest`."""
        cells, given = self.case.cells, ({}, "soil_moisture", "m3 m-3", self.settings, "0")
        with ModelWriter(self.folder / "forests.smapforest", cells.names, *given) as writer:
            for number in range(dates):
                date, y = _FIRST + dt.timedelta(number), self.y[number % len(self.y)]
                key, threads = date.toordinal(), growing_threads()
                writer.add(date, grow_forest(cells.x, y, self.settings, key=key, threads=threads))

    def maps(self, dates: int, with_numba: bool = True) -> None:
        """The maps of the first dates."""
        NUMBA.version = self.numba if with_numba else ""
        make(self.folder, dates)

    def steady(self, with_numba: bool) -> Took:
        """What dates took that came after the first one."""
        first = took(lambda: self.maps(1, with_numba))
        return took(lambda: self.maps(self.options.dates + 1, with_numba)).minus(first)

    def grown(self) -> None:
        """Training by scikit-learn alone."""
        for y in self.y:
            self.forest.fit(self.case.cells.x, y)

    def predicted(self) -> None:
        """Predictions of pixels in memory."""
        for _ in self.y:
            self.forest.predict(self.case.x)

    def script(self) -> None:
        """What people write: rasterio, scikit-learn, rasterio."""
        import rasterio
        from rasterio.windows import Window

        for number, y in enumerate(self.y):
            self.forest.fit(self.case.cells.x, y)
            with rasterio.open(self.folder / "stack.tif") as stack:
                more = {"count": 1, "dtype": "float32", "compress": "deflate", "predictor": 3}
                with rasterio.open(
                    self.folder / f"script_{number}.tif", "w", **{**stack.profile, **more}
                ) as map_:
                    for row in range(0, stack.height, _ROWS):
                        window = Window(0, row, stack.width, min(_ROWS, stack.height - row))
                        x = stack.read(window=window)
                        values = self.forest.predict(x.reshape(len(x), -1).T)
                        map_.write(values.reshape(x.shape[1:]).astype("float32"), 1, window=window)

    def ranger(self) -> Took:
        """ranger and terra, by what R tells."""
        mtry = min(self.settings.max_features or 1, self.options.covariates)
        words = map(str, (self.folder, len(self.y), self.options.trees, mtry, THREADS))
        script = Path(__file__).with_name("bench_ranger.R")
        done = subprocess.run(["Rscript", str(script), *words], check=True, capture_output=True, text=True)
        told = next(line.split() for line in done.stdout.splitlines() if line.startswith("took "))
        return Took(float(told[1]), float(told[2]))


def has_r() -> bool:
    """Whether R is there with ranger and terra."""
    if shutil.which("Rscript") is None:
        return False
    return not subprocess.run(
        ["Rscript", "-e", "stopifnot(requireNamespace('ranger'), requireNamespace('terra'))"],
        check=False,
        capture_output=True,
    ).returncode


def compare(bench: Bench, rounds: int) -> None:
    """All ways in turns."""
    dates = bench.options.dates
    ways: dict[str, Work] = {
        "train": lambda: bench.train(dates + 1),
        "scikit-learn fit": bench.grown,
        "downscale": lambda: bench.steady(False),
        "bare predict": bench.predicted,
    }
    if bench.numba:
        ways["downscale_numba"] = lambda: bench.steady(True)
    others = {"rasterio_sklearn": importlib.util.find_spec("rasterio") is not None, "ranger_terra": has_r()}
    if others["rasterio_sklearn"]:
        ways["rasterio_sklearn"] = bench.script
    if others["ranger_terra"]:
        ways["ranger_terra"] = bench.ranger
    # What is loaded once, and numba's measurement, are not what is measured.
    bench.maps(1, False)
    bench.maps(1)
    found = in_turns(ways, rounds)
    # A forest more than there were dates.
    found["train"] = found["train"].by((dates + 1) / dates)
    for name, own in found.items():
        print(f"  {name:28s}{own.by(rounds * dates)} a date")
    print(f"  {NUMBA.said or 'numba is not installed, or was not tried'}")
    for name, there in others.items():
        print(f"  {name}: {'in the same turns' if there else 'not installed, left out'}")
    print(load())
    ratio("train_to_sklearn", found["train"], found["scikit-learn fit"])
    for name in ("downscale", "downscale_numba"):
        if name not in found:
            continue
        ratio(f"{name}_to_predict", found[name], found["bare predict"])
        for other in (one for one, there in others.items() if there):
            ratio(f"{name}_to_{other}", found[name].plus(found["train"]), found[other])


def grow(options: argparse.Namespace) -> None:
    """Times of maps of one and two times as many pixels, dates, trees, covariates."""
    half = {
        "pixels": round(options.pixels / 2**0.5),
        "trees": max(options.trees // 2, 1),
        "covariates": max(options.covariates // 2, 2),
        "dates": options.dates,
    }
    for name, number in half.items():
        taken = []
        for many in (number, options.pixels if name == "pixels" else 2 * number):
            own = argparse.Namespace(**{**vars(options), **half, name: many})
            with tempfile.TemporaryDirectory() as place:
                bench = Bench(Path(place), own)
                runs = [
                    took(lambda run=bench, dates=dates: run.maps(dates)).processor
                    for _ in range(options.rounds)
                    for dates in (1, own.dates + 1)
                ]
                # What a run takes to begin falls out.
                taken.append(min(runs[1::2]) - min(runs[::2]))
                size = len(bench.case.x)
            what = f"{size:,} pixels, {own.covariates} covariates, {own.trees} trees, {own.dates} dates"
            print(f"  {what}: {taken[-1]:.2f} s of processors", flush=True)
        print(f"ratio growth_{name} {taken[1] / max(taken[0], 1e-9):.3f}", flush=True)


def memory(bench: Bench) -> None:
    """Peaks of processes that make maps of some dates, and of four times as many."""
    dates, found = bench.options.dates, []
    bench.train(4 * dates)
    for many in (dates, 4 * dates):
        command = [sys.executable, __file__, "--maps-of", str(bench.folder), "--archive", str(many)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found.append(float(done.stdout.split()[-1]))
        print(f"  {many} dates: {found[-1]:.0f} MB at most", flush=True)
    print(f"ratio memory_of_dates {found[1] / found[0]:.3f}", flush=True)


def archive(bench: Bench, dates: int) -> None:
    """Training and maps of many dates, really made."""
    bench.maps(1)
    training = took(lambda: bench.train(dates))
    maps = took(lambda: bench.maps(dates))
    for name, own in (("training", training), ("maps", maps)):
        print(f"  {name:28s}{own}, a date {own.by(dates)}")
    print(load())
    minutes = training.plus(maps).by(dates).wall * 2000 / 60
    print(
        f"  {dates} dates of {len(bench.case.x):,} pixels were made; 2,000 would take {minutes:.0f} minutes "
        f"at this rate; {peak_mb():.0f} MB at most",
        flush=True,
    )


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    numbers = {"cells": 36, "pixels": 36, "covariates": 20, "dates": 4, "rounds": 2, "trees": 100}
    for name, number in numbers.items():
        parser.add_argument(name, type=int, nargs="?", default=number)
    parser.add_argument(
        "--archive", type=int, metavar="DATES", help="only training and maps of so many dates"
    )
    parser.add_argument("--maps-of", type=Path, metavar="FOLDER", help="only their peak of memory")
    parser.add_argument("--only", choices=("turns", "growth", "memory"), help="only this part")
    options = parser.parse_args(words)
    if options.maps_of:
        NUMBA.load()
        make(options.maps_of, options.archive)
        print(f"{peak_mb():.1f}")
        return
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place), options)
        print(f"{len(bench.case.cells.y):,} cells, {len(bench.case.x):,} pixels", flush=True)
        if options.archive:
            archive(bench, options.archive)
            return
        if options.only in (None, "turns"):
            compare(bench, options.rounds)
        if options.only in (None, "memory"):
            memory(bench)
    if options.only in (None, "growth"):
        grow(options)


if __name__ == "__main__":
    main()
