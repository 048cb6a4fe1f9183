"""The demo: the made-up basin mapped, held against its known truth, and a QGIS project to open."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from console import run
from same_pixels import onto
from side_by_side import draw_side_by_side
from smap_downscaler.geo.datasets import dataset_grid, open_dataset, read_band
from smap_downscaler.geo.grid import Grid
from smap_downscaler.geo.lattice import Lattice
from smap_downscaler.geo.sampling import bilinear, nearest
from smap_downscaler.methods.file.reader import open_models
from smap_downscaler.series.series import open_series
from smap_downscaler.steps.maps.downscale import map_file

SOIL = ("clay", "sand", "soc")
#: The README's name of each covariate of the demo.
RAIN = "p_antecedent"


#: RMSE of each method on a date, m3 m-3.
Errors = Mapping[str, float]


def run_basin(output: Path, cells: int, days: int, seed: int) -> None:
    """Make the basin, run the chain, print the table and say where all lies."""
    print(
        f"SMAP Downscaler demo: a made-up basin of at least {cells} SMAP cells, {days} days, seed {seed}.\n"
    )
    data = output / "data"
    run(
        "1. A made-up basin with known truth",
        "createdemodata",
        {"SEED": seed, "DAYS": days, "CELLS": cells, "OUTPUT": str(data)},
    )
    paths = run_chain(data, output)
    errors = compare(data, paths, output)
    print_errors(errors, paths)
    picture = output / "pictures" / "demo.png"
    picture.parent.mkdir(exist_ok=True)
    draw(picture, data, paths, errors)
    from demo_project import write_project

    project = write_project(output / "demo.qgz", data, paths)
    print(f"\nMaps:     {paths['maps']}")
    print(f"Project:  {project}  (open it in QGIS, then View > Panels > Temporal Controller, play)")
    print(f"Picture:  {picture}")
    print(f"Scores:   {output / 'comparison.html'}")


def run_chain(data: Path, output: Path) -> dict[str, Path]:
    """From raw files to maps, a step an algorithm; returns where things lie."""
    names = ("smap", "covariates_9km.tif", "covariates_100m.tif", RAIN, "matrix.gpkg", "forests.smapforest")
    keys = ("smap", "coarse", "fine", "rain", "matrix", "forests")
    paths = {key: output / name for key, name in zip(keys, names)}
    paths["maps"] = output / "maps"
    run(
        "2. SMAP files -> a dated series",
        "importsmap",
        {"INPUT": str(data / "smap"), "OUTPUT": str(paths["smap"])},
    )
    layers = [data / "dem.tif", *(data / "soil" / f"{name}.tif" for name in SOIL)]
    run(
        "3. Terrain and soil -> one stack on SMAP's cells, one at 100 m",
        "harmonisecovariates",
        {
            "INPUT": [str(layer) for layer in layers],
            "SMAP": str(paths["smap"]),
            "MASK": str(data / "mask.tif"),
            "NAMES": ",".join(("elevation", *SOIL)),
            "RESOLUTION": 100,
            "OUTPUT_COARSE": str(paths["coarse"]),
            "OUTPUT_FINE": str(paths["fine"]),
        },
    )
    run(
        "   Rain of the three days before",
        "antecedentprecipitation",
        {"INPUT": str(data / "precipitation"), "OUTPUT": str(paths["rain"])},
    )
    run(
        "4. The regression matrix",
        "regressionmatrix",
        {
            "SMAP": str(paths["smap"]),
            "COVARIATES": str(paths["coarse"]),
            "DYNAMIC": [str(paths["rain"])],
            "OUTPUT": str(paths["matrix"]),
        },
    )
    run(
        "5. A random forest a date",
        "trainforests",
        {
            "INPUT": str(paths["matrix"]),
            "OUTPUT": str(paths["forests"]),
            "SCORES": str(output / "scores.gpkg"),
        },
    )
    run(
        "6. The maps",
        "downscale",
        {
            "FORESTS": str(paths["forests"]),
            "COVARIATES": str(paths["fine"]),
            "DYNAMIC": [str(paths["rain"])],
            "OUTPUT": str(paths["maps"]),
        },
    )
    return paths


def compare(data: Path, paths: dict[str, Path], output: Path) -> dict[dt.date, Errors]:
    """The maps against the known truth: RMSE by date and method."""
    outputs = run(
        "7. Held against the known truth",
        "comparemaps",
        {
            "INPUT": str(paths["maps"]),
            "REFERENCE": str(data / "truth"),
            "SMAP": str(paths["smap"]),
            "OUTPUT": str(output / "comparison.csv"),
            "REPORT": str(output / "comparison.html"),
        },
    )
    found: dict[dt.date, dict[str, float]] = {}
    with open(outputs["OUTPUT"], encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream):
            # Means have no date.
            if row["date"]:
                date = dt.date.fromisoformat(row["date"].replace("/", "-"))
                found.setdefault(date, {})[row["method"]] = float(row["rmse"])
    return found


def cells_seen(paths: dict[str, Path], date: dt.date) -> int:
    """How many cells SMAP saw on a date."""
    return int(np.isfinite(open_series(paths["smap"]).read(date)).sum())


def truth_and_map(data: Path, paths: dict[str, Path], date: dt.date) -> tuple[np.ndarray, np.ndarray, Grid]:
    """Truth and map of a date on the grid of the truth, NaN where there is no map."""
    truth_set = open_dataset(data / "truth" / f"soil_moisture_{date:%Y%m%d}.tif")
    map_set = open_dataset(map_file(paths["maps"], date))
    grid = dataset_grid(truth_set, "truth")
    return read_band(truth_set, 1), onto(map_set, grid), grid


def print_errors(errors: Mapping[dt.date, Errors], paths: dict[str, Path]) -> None:
    """The table that says whether downscaling helped."""
    print("\nRMSE against the known truth at 100 m (m3 m-3; smaller is better):\n")
    print("  date         cells   SMAP as it is   bilinear   forest maps   error against bilinear")
    for date, own in errors.items():
        change = 100 * (own["maps"] / own["bilinear"] - 1)
        print(
            f"  {date}   {cells_seen(paths, date):5d}          {own['nearest']:.4f}     {own['bilinear']:.4f}"
            f"        {own['maps']:.4f}   {change:+21.0f} %"
        )
    plain, mapped = (np.mean([own[name] for own in errors.values()]) for name in ("bilinear", "maps"))
    better = sum(own["maps"] < own["bilinear"] for own in errors.values())
    print(
        f"\n  The forest maps beat plain bilinear interpolation on {better} of {len(errors)} dates; "
        f"mean RMSE {mapped:.4f} against {plain:.4f}."
    )
    with open_models(paths["forests"]) as forests:
        oob = np.mean([forests.scores(date).rmse for date in errors])
    print(f"  (Out-of-bag RMSE on the 9 km cells: {oob:.4f}. A low error at 9 km is not skill at 100 m.)")


def draw(path: Path, data: Path, paths: dict[str, Path], errors: Mapping[dt.date, Errors]) -> None:
    """SMAP, interpolation, map and truth side by side, for the date with the most cells."""
    date = max(errors, key=lambda one: cells_seen(paths, one))
    truth, forest, grid = truth_and_map(data, paths, date)
    smap = open_series(paths["smap"])
    cells = smap.read(date)
    positions = Lattice(grid, smap.grid).positions()
    seen = np.isfinite(truth)
    values = {
        "SMAP, 9 km": np.where(seen, nearest(cells, *positions), np.nan),
        f"bilinear, RMSE {errors[date]['bilinear']:.3f}": np.where(seen, bilinear(cells, *positions), np.nan),
        f"forest map, 100 m, RMSE {errors[date]['maps']:.3f}": forest,
        "known truth, 100 m": truth,
    }
    draw_side_by_side(path, f"Made-up basin, {date}", values, grid)
