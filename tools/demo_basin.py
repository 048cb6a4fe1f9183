"""The demo: the made-up basin mapped, held against its known truth, and a QGIS project to open."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
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
from smap_downscaler.stats.scores import rmse
from smap_downscaler.steps.maps.downscale import map_file

SOIL = ("clay", "sand", "soc")
#: The README's name of each covariate of the demo.
RAIN = "p_antecedent"


@dataclass(frozen=True)
class Score:
    """Errors of one date over the pixels that all maps have, m3 m-3."""

    date: dt.date
    cells: int
    out_of_bag: float
    nearest: float
    bilinear: float
    forest: float


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
    print("7. Held against the known truth ...", flush=True)
    scores = [score_date(data, paths, date) for date in open_series(paths["maps"]).dates]
    print_scores(scores)
    picture = output / "pictures" / "demo.png"
    picture.parent.mkdir(exist_ok=True)
    best = max(scores, key=lambda score: score.cells)
    draw(picture, data, paths, best)
    from demo_project import write_project

    project = write_project(output / "demo.qgz", data, paths)
    print(f"\nMaps:     {paths['maps']}")
    print(f"Project:  {project}  (open it in QGIS, then View > Panels > Temporal Controller, play)")
    print(f"Picture:  {picture}")


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


def score_date(data: Path, paths: dict[str, Path], date: dt.date) -> Score:
    """The error of a date's map beside those of plain interpolations of the same SMAP cells."""
    truth, forest, grid = truth_and_map(data, paths, date)
    smap = open_series(paths["smap"])
    cells = smap.read(date)
    positions = Lattice(grid, smap.grid).positions()
    plain = {"nearest": nearest(cells, *positions), "bilinear": bilinear(cells, *positions)}
    common = np.isfinite(truth) & np.isfinite(forest) & np.isfinite(plain["nearest"])
    with open_models(paths["forests"]) as forests:
        out_of_bag = forests.scores(date)
    return Score(
        date,
        int(np.isfinite(cells).sum()),
        out_of_bag.rmse,
        rmse(truth[common], plain["nearest"][common]),
        rmse(truth[common], plain["bilinear"][common]),
        rmse(truth[common], forest[common]),
    )


def truth_and_map(data: Path, paths: dict[str, Path], date: dt.date) -> tuple[np.ndarray, np.ndarray, Grid]:
    """Truth and map of a date on the grid of the truth, NaN where there is no map."""
    truth_set = open_dataset(data / "truth" / f"soil_moisture_{date:%Y%m%d}.tif")
    map_set = open_dataset(map_file(paths["maps"], date))
    grid = dataset_grid(truth_set, "truth")
    return read_band(truth_set, 1), onto(map_set, grid), grid


def print_scores(scores: list[Score]) -> None:
    """The table that says whether downscaling helped."""
    print("\nRMSE against the known truth at 100 m (m3 m-3; smaller is better):\n")
    print("  date         cells   SMAP as it is   bilinear   forest maps   error against bilinear")
    for score in scores:
        change = 100 * (score.forest / score.bilinear - 1)
        print(
            f"  {score.date}   {score.cells:5d}          {score.nearest:.4f}     {score.bilinear:.4f}"
            f"        {score.forest:.4f}   {change:+21.0f} %"
        )
    plain, mapped = (np.mean([getattr(score, name) for score in scores]) for name in ("bilinear", "forest"))
    better = sum(score.forest < score.bilinear for score in scores)
    print(
        f"\n  The forest maps beat plain bilinear interpolation on {better} of {len(scores)} dates; "
        f"mean RMSE {mapped:.4f} against {plain:.4f}."
    )
    oob = np.mean([score.out_of_bag for score in scores])
    print(f"  (Out-of-bag RMSE on the 9 km cells: {oob:.4f}. A low error at 9 km is not skill at 100 m.)")


def draw(path: Path, data: Path, paths: dict[str, Path], score: Score) -> None:
    """SMAP, interpolation, map and truth of a date side by side."""
    truth, forest, grid = truth_and_map(data, paths, score.date)
    smap = open_series(paths["smap"])
    cells = smap.read(score.date)
    positions = Lattice(grid, smap.grid).positions()
    seen = np.isfinite(truth)
    values = {
        "SMAP, 9 km": np.where(seen, nearest(cells, *positions), np.nan),
        f"bilinear, RMSE {score.bilinear:.3f}": np.where(seen, bilinear(cells, *positions), np.nan),
        f"forest map, 100 m, RMSE {score.forest:.3f}": forest,
        "known truth, 100 m": truth,
    }
    draw_side_by_side(path, f"Made-up basin, {score.date}", values, grid)
