"""Antecedent precipitation: peak memory of one year of daily files and of seven, a process each.

python3 tools/bench_rain.py [SIDE] [DAYS ...]      SIDE x SIDE cells a day (default 400); DAYS: 365 2557
python3 tools/bench_rain.py one FOLDER             one run on a folder of files (used by the above)

The files are named as CHIRPS names them, without a NoData tag.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from smap_downscaler.geo.geotiff import write_geotiff  # noqa: E402
from smap_downscaler.geo.grid import Grid  # noqa: E402
from smap_downscaler.steps.rain.antecedent import antecedent_precipitation  # noqa: E402
from smap_downscaler.steps.rain.numbers.antecedent import Antecedent  # noqa: E402
from turns import peak_mb  # noqa: E402

_FIRST = dt.date(2015, 1, 1)
SIDE, DAYS = 400, (365, 2557)


def write_days(folder: Path, side: int, days: int) -> None:
    """Daily rain, half of the cells dry."""
    grid = Grid("EPSG:4326", -80.0, -5.0, 0.05, 0.05, side, side)
    rng = np.random.default_rng(1)
    for number in range(days):
        values = np.maximum(rng.normal(0, 5, grid.shape), 0).astype(np.float32)
        write_geotiff(folder / f"chirps-v2.0.{_FIRST + dt.timedelta(number):%Y.%m.%d}.tif", grid, values)


def one(folder: str) -> None:
    """One run; its peak over what the interpreter itself took."""
    before, begun = peak_mb(), time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        made = antecedent_precipitation(folder, out, Antecedent())
    seconds, most = time.perf_counter() - begun, peak_mb() - before
    print(f"{len(made.dates):,} rasters in {seconds:.1f} s, peak {most:.1f} MB")


def main(words: list[str]) -> None:
    """See the head of this file."""
    if words[:1] == ["one"] and len(words) == 2:
        one(words[1])
        return
    side, *days = [int(word) for word in words] or [SIDE]
    for count in days or DAYS:
        with tempfile.TemporaryDirectory() as folder:
            write_days(Path(folder), side, count)
            command = [sys.executable, __file__, "one", folder]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            print(f"{count:,} days of {side} x {side} cells: {done.stdout.strip()}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
