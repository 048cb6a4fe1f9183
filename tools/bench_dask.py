"""How much faster two workers of a Dask cluster make maps than one, and what a piece of work costs beside it.

    sh tools/offscreen.sh python3 tools/bench_dask.py --pixels 1000000 --dates 12

Workers are processes of this machine with one thread each, on a core of their own; it needs two cores that
are free.  In turns (two, one, two, one) the same maps are made by forests of 100 trees; the ratio is that of
maps a second.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import math
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from smap_downscaler.base.cluster import spread, working_at
from smap_downscaler.base.progress import SILENT, Progress
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid
from smap_downscaler.methods.base import Cells
from smap_downscaler.methods.file.reader import ModelWriter, open_models
from smap_downscaler.methods.forest.method import RANDOM_FOREST
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.maps.downscale import make_maps
from smap_downscaler.steps.maps.inputs import MapInputs

_FIRST, _ROWS, _PIECES = dt.date(2015, 4, 1), 1296, 200
NAMES = tuple(f"covariate_{number}" for number in range(20))


def make_files(folder: Path, pixels: int, dates: int, trees: int) -> None:
    """A stack of made-up covariates, and a forest a date."""
    rng = np.random.default_rng(1)
    side = math.ceil(math.sqrt(pixels))
    grid = Grid("EPSG:32718", 690000.0, 8540000.0, 100.0, 100.0, side, side)
    fine = rng.normal(size=(len(NAMES), side, side)).astype(np.float32)
    write_geotiff(folder / "stack.tif", grid, fine, [Band(name) for name in NAMES])
    settings = ForestSettings(trees, 7, None, 4, 1, None, 1)
    path = folder / "forests.smapforest"
    with ModelWriter(path, NAMES, {}, "soil_moisture", "m3 m-3", settings, "0") as writer:
        for number in range(dates):
            x = rng.normal(size=(_ROWS, len(NAMES))).astype(np.float32)
            y = 0.25 + 0.05 * np.tanh(x[:, 0]) + 0.03 * np.sin(2 * x[:, 1]) + 0.02 * rng.normal(size=_ROWS)
            day = _FIRST + dt.timedelta(number)
            cells = Cells(x, y, np.full((_ROWS, 2), -1), np.full(_ROWS, day.toordinal()), names=NAMES)
            writer.add(day, RANDOM_FOREST.fit(cells, settings, day.toordinal()))


def nothing(_shared: Any, own: int, _progress: Progress) -> int:
    """A piece of work that takes no time."""
    return own


def pin(core: int) -> None:
    """Keep all threads of a worker on one core."""
    if hasattr(os, "sched_setaffinity"):
        for task in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(task), {core})


def seconds_of_maps(folder: Path, address: str, name: str) -> float:
    """How long it takes to make all maps on a cluster, which is connected already."""
    with open_models(folder / "forests.smapforest") as forests, working_at(address, SILENT):
        inputs = MapInputs(forests, open_stack(folder / "stack.tif"))
        begun = time.perf_counter()
        make_maps(inputs, folder / name, forests.dates)
        return time.perf_counter() - begun


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pixels", type=int, default=1_000_000)
    parser.add_argument("--dates", type=int, default=12)
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=2)
    chosen = parser.parse_args(words)
    if importlib.util.find_spec("distributed") is None:
        print("dask.distributed is not installed:\nnothing is measured")
        return 0
    from distributed import Client, LocalCluster

    # Workers are handed functions by the name of this file, not of what was started.
    from bench_dask import nothing as piece
    from bench_dask import pin as pinned

    times: dict[int, list[float]] = {2: [], 1: []}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make_files(folder, chosen.pixels, chosen.dates, chosen.trees)
        more = {"threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": ":0"}
        with (
            LocalCluster(n_workers=2, **more, local_directory=place) as two,
            LocalCluster(n_workers=1, **more, local_directory=place) as one,
        ):
            addresses = {2: two.scheduler_address, 1: one.scheduler_address}
            for address in addresses.values():
                with Client(address, set_as_default=False) as client:
                    for core, worker in enumerate(sorted(client.nthreads())):
                        client.run(pinned, core % (os.cpu_count() or 1), workers=[worker])
                # Workers load libraries with their first piece.
                seconds_of_maps(folder, address, f"first_{len(address)}_{address[-5:]}")
            for number in range(chosen.rounds):
                for workers, address in addresses.items():
                    times[workers].append(seconds_of_maps(folder, address, f"maps_{workers}_{number}"))
            with working_at(addresses[1], SILENT):
                items = [(None, number) for number in range(_PIECES)]
                begun = time.perf_counter()
                done = sum(1 for _ in spread(piece, items, 1, SILENT))
                each = (time.perf_counter() - begun) / done
    best = {workers: min(own) for workers, own in times.items()}
    for workers, own in times.items():
        print(
            f"{workers} worker(s): {chosen.dates} maps of {chosen.pixels:,} pixels by {chosen.trees} trees: "
            + ", ".join(f"{one:.2f}" for one in own)
            + f" s; {workers * best[workers] / chosen.dates:.2f} worker seconds a map"
        )
    print(f"a piece of work costs {1000 * each:.1f} ms beside the work")
    print(f"ratio dask_two_workers_to_one {best[1] / best[2]:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
