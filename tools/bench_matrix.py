"""Time and memory of the regression matrix: 2,000 dates x 1,300 cells x 20 covariates.

    python tools/bench_matrix.py [DATES]

The rasters are made up in a temporary folder: SMAP as a folder of GeoTIFFs, 18 static covariates as a stack,
daily rain on CHIRPS's 0.05 degrees as a folder, and a dated covariate of 1 km as one file of many bands.
Each measurement runs in a process of its own, so that the peak is that of the build alone.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from smap_downscaler.geo.geotiff import Band, create_geotiff, write_geotiff
from smap_downscaler.geo.grid import Grid, Window, ease2_grid
from smap_downscaler.geo.lattice import transform_bounds
from smap_downscaler.series.dated import dated_covariates
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.matrix.build import MatrixInputs, build_matrix
from smap_downscaler.steps.matrix.read import open_matrix
from turns import peak_mb

ROWS, COLS, STATIC = 26, 50, 18
CELLS = ease2_grid("9 km").crop(Window(998, 1120, ROWS, COLS))
FIRST = dt.date(2015, 4, 1)


def make_inputs(folder: Path, count: int) -> None:
    """SMAP, stack, rain and NDVI of `count` days; SMAP is there on every cell and day, the worst case."""
    generator = np.random.default_rng(1)
    dates = [FIRST + dt.timedelta(days=number) for number in range(count)]
    rain, ndvi = _degrees(0.05), CELLS.crop(Window(0, 0, ROWS, COLS))
    fine = Grid(CELLS.crs, ndvi.left, ndvi.top, ndvi.cell_width / 9, ndvi.cell_height / 9, COLS * 9, ROWS * 9)
    names = [Band(f"covariate_{number:02d}") for number in range(STATIC)]
    write_geotiff(folder / "stack.tif", CELLS, generator.normal(size=(STATIC, ROWS, COLS)), names)
    field = generator.normal(size=fine.shape).astype(np.float32)
    with create_geotiff(folder / "ndvi.tif", fine, [Band(date.isoformat()) for date in dates]) as tiff:
        for number in range(count):
            tiff.write(field + np.float32(number), band=number + 1)
    for date in dates:
        theta = generator.uniform(0.02, 0.5, CELLS.shape)
        write_geotiff(folder / "smap" / f"smap_{date:%Y%m%d}.tif", CELLS, theta, [Band("", "m3 m-3")])
        drops = generator.gamma(0.5, 5, rain.shape)
        write_geotiff(folder / "rain" / f"rain_{date:%Y%m%d}.tif", rain, drops, [Band("", "mm/d")])


def _degrees(cell: float) -> Grid:
    box = transform_bounds(CELLS.bounds, CELLS.crs, "EPSG:4326")
    left, top = np.floor(box.left / cell) * cell, np.ceil(box.top / cell) * cell
    width, height = int((box.right - left) / cell) + 1, int((top - box.bottom) / cell) + 1
    return Grid("EPSG:4326", float(left), float(top), cell, cell, width, height)


def build(folder: Path, count: int, output: Path) -> dict[str, float]:
    """Build the matrix of the first `count` dates, read it once, and measure both."""
    before = round(peak_mb(), 1)
    begun = time.perf_counter()
    smap = open_series(folder / "smap").between(None, FIRST + dt.timedelta(days=count - 1))
    dynamic = dated_covariates([open_series(folder / "rain"), open_series(folder / "ndvi.tif")])
    report = build_matrix(MatrixInputs(smap, open_stack(folder / "stack.tif"), dynamic), output)
    built, peak = time.perf_counter() - begun, round(peak_mb(), 1)
    begun = time.perf_counter()
    rows = sum(len(day.y) for day in open_matrix(output).days())
    if rows != sum(report.rows.values()):
        raise SystemExit(f"{rows} rows were read and {sum(report.rows.values())} written")
    return {
        "dates": count,
        "rows": rows,
        "build_s": round(built, 1),
        "read_s": round(time.perf_counter() - begun, 1),
        "file_mb": round(output.stat().st_size / 1e6, 1),
        "start_mb": before,
        "build_peak_mb": peak,
        "read_peak_mb": round(peak_mb(), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dates", type=int, nargs="?", default=2000)
    parser.add_argument("--build", nargs=2, metavar=("FOLDER", "OUTPUT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.build:
        folder, output = map(Path, options.build)
        print(json.dumps(build(folder, options.dates, output)))
        return
    with tempfile.TemporaryDirectory() as name:
        begun = time.perf_counter()
        make_inputs(Path(name), options.dates)
        print(f"inputs of {options.dates:,} dates made in {time.perf_counter() - begun:.0f} s", flush=True)
        # A tenth first: the memory must not grow with the dates.
        for count in (max(options.dates // 10, 1), options.dates):
            output = os.path.join(name, f"{count}.gpkg")
            command = [sys.executable, __file__, str(count), "--build", name, output]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            for key, value in json.loads(done.stdout).items():
                print(f"  {key:14s} {value:>14,}")
            print(flush=True)


if __name__ == "__main__":
    main()
