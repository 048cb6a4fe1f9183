"""Time and memory of polygon statistics: 10,000 squares of 1 km2 x 100 dates of 100 m maps.

    python tools/bench_statistics.py [POLYGONS] [DATES]

The maps (3,000 x 3,000 pixels) are made up in a temporary folder, as 'Downscale' writes them; a few of them
are linked under many dates, so that the disk need not hold all.  Each step runs in a process of its own, so
that the peak is that of the statistics alone.
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
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from osgeo import gdal, ogr

from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid, Window
from smap_downscaler.geo.placing import read_shapes
from smap_downscaler.geo.polygon_runs import AREA, CENTRE
from smap_downscaler.series.series import open_series
from smap_downscaler.steps.polygons import statistics as module
from smap_downscaler.steps.polygons.statistics import layers_of_series, polygon_statistics, write_long_table
from turns import peak_mb

SIDE, DIFFERENT = 3000, 4
GRID = Grid("EPSG:32719", 200_000.0, 8_600_000.0, 100.0, 100.0, SIDE, SIDE)
FIRST = dt.date(2015, 4, 1)


def make_maps(folder: Path, count: int) -> None:
    """`count` maps, of which `DIFFERENT` are files and the others links to them."""
    generator = np.random.default_rng(1)
    for number in range(count):
        path = folder / f"soil_moisture_{FIRST + dt.timedelta(days=number):%Y%m%d}.tif"
        if number < DIFFERENT:
            values = generator.uniform(0.05, 0.45, GRID.shape).astype(np.float32)
            write_geotiff(path, GRID, values, [Band("soil_moisture", "m3 m-3")])
        else:
            twin = FIRST + dt.timedelta(days=number % DIFFERENT)
            os.link(folder / f"soil_moisture_{twin:%Y%m%d}.tif", path)


def make_polygons(count: int) -> list[bytes]:
    """Squares of 1 km at random places, WKB."""
    generator = np.random.default_rng(2)
    places = generator.uniform(0, SIDE * 100 - 1000, (count, 2))
    found = []
    for x, y in places.tolist():
        ring = ogr.Geometry(ogr.wkbLinearRing)
        for across, down in ((0, 0), (1000, 0), (1000, 1000), (0, 1000), (0, 0)):
            ring.AddPoint_2D(GRID.left + x + across, GRID.top - y - down)
        polygon = ogr.Geometry(ogr.wkbPolygon)
        polygon.AddGeometry(ring)
        found.append(bytes(polygon.ExportToWkb()))
    return found


def measure(folder: Path, polygons: int, rule: str) -> dict[str, float]:
    """Run once, count the readings of each block, and measure."""
    geometries, before = make_polygons(polygons), round(peak_mb(), 1)
    readings: dict[tuple[str, int, Window], int] = {}
    read = module.read_band

    def counted(dataset: gdal.Dataset, band: int, window: Window, **more: Any) -> np.ndarray:
        key = dataset.GetDescription(), band, window
        readings[key] = readings.get(key, 0) + 1
        return read(dataset, band, window, **more)

    module.read_band = counted
    begun = time.perf_counter()
    shapes = read_shapes(geometries, GRID.crs)
    series = open_series(folder)
    opened = time.perf_counter() - begun
    found = polygon_statistics(shapes, GRID, layers_of_series(series), rule, 1)
    computed = time.perf_counter() - begun
    write_long_table(folder / f"{rule}.gpkg", range(polygons), [found])
    return {
        "polygons": polygons,
        "dates": len(series.dates),
        "pixels_in_polygons": found.placed.runs.pixels,
        "readings_of_a_block_at_most": max(readings.values()),
        "open_s": round(opened, 1),
        "statistics_s": round(computed - opened, 1),
        "table_s": round(time.perf_counter() - begun - computed, 1),
        "start_mb": before,
        "peak_mb": round(peak_mb(), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("polygons", type=int, nargs="?", default=10_000)
    parser.add_argument("dates", type=int, nargs="?", default=100)
    parser.add_argument("--make", metavar="FOLDER", help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=2, metavar=("FOLDER", "RULE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        make_maps(Path(options.make), options.dates)
        return
    if options.measure:
        folder, rule = options.measure
        print(json.dumps(measure(Path(folder), options.polygons, rule)))
        return
    command = [sys.executable, __file__, str(options.polygons), str(options.dates)]
    with tempfile.TemporaryDirectory() as name:
        subprocess.run([*command, "--make", name], check=True)
        for rule in (CENTRE, AREA):
            more = ["--measure", name, rule]
            done = subprocess.run([*command, *more], check=True, stdout=subprocess.PIPE, text=True)
            print(rule)
            for key, value in json.loads(done.stdout).items():
                print(f"  {key:28s} {value:>14,}")
            print(flush=True)


if __name__ == "__main__":
    main()
