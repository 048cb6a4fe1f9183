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
from smap_downscaler.geo.sampling import bilinear
from smap_downscaler.methods.file.reader import open_models
from smap_downscaler.series.series import open_series
from smap_downscaler.steps.chain.toolbox.project import write_project
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
    project, dem = output / "demo.qgz", str(data / "dem.tif")
    write_project(
        project, "SMAP Downscaler demo", open_series(paths["maps"]), open_series(paths["smap"]), dem
    )
    print(f"\nMaps:     {paths['maps']}, those of the forests in {paths['forest_maps']}")
    print(f"Project:  {project}  (open it in QGIS, then View > Panels > Temporal Controller, play)")
    print(f"Picture:  {picture}")
    print(f"Scores:   {output / 'comparison.html'}, those of the forests in comparison_forests.html")
    print(f"Model:    {output / 'model.html'}, what the data say of the pattern within SMAP's cells")


def paths_of(output: Path) -> dict[str, Path]:
    """Where the results of the chain lie."""
    names = {
        "smap": "smap",
        "coarse": "covariates_9km.tif",
        "fine": "covariates_100m.tif",
        "rain": RAIN,
        "matrix": "matrix.gpkg",
        "forests": "forests.smapforest",
        "model": "model.smapmodel",
        "forest_maps": "maps_of_forests",
        "maps": "maps",
    }
    return {key: output / name for key, name in names.items()}


def run_chain(data: Path, output: Path) -> dict[str, Path]:
    """From raw files to maps, a step an algorithm; returns where things lie."""
    paths = paths_of(output)
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
        "5. The paper's way: a random forest a date",
        "trainforests",
        {
            "INPUT": str(paths["matrix"]),
            "OUTPUT": str(paths["forests"]),
            "SCORES": str(output / "scores.gpkg"),
        },
    )
    run(
        "   The plugin's own way: an area-to-point model",
        "trainareamodel",
        {
            "SMAP": str(paths["smap"]),
            "COVARIATES": str(paths["fine"]),
            "DYNAMIC": [str(paths["rain"])],
            "OUTPUT": str(paths["model"]),
            "REPORT": str(output / "model.html"),
        },
    )
    for title, model, maps in (
        ("6. The maps, by the forests", "forests", "forest_maps"),
        ("   and by the area-to-point model", "model", "maps"),
    ):
        run(
            title,
            "downscale",
            {
                "FORESTS": str(paths[model]),
                "COVARIATES": str(paths["fine"]),
                "DYNAMIC": [str(paths["rain"])],
                "OUTPUT": str(paths[maps]),
            },
        )
    return paths


def compare(data: Path, paths: dict[str, Path], output: Path) -> dict[dt.date, Errors]:
    """The maps of both models against the known truth: RMSE by date and method."""
    found: dict[dt.date, dict[str, float]] = {}
    for title, maps, name in (
        ("7. Held against the known truth: the forests' maps", "forest_maps", "comparison_forests"),
        ("   and the area-to-point model's", "maps", "comparison"),
    ):
        outputs = run(
            title,
            "comparemaps",
            {
                "INPUT": str(paths[maps]),
                "REFERENCE": str(data / "truth"),
                "SMAP": str(paths["smap"]),
                "OUTPUT": str(output / f"{name}.csv"),
                "REPORT": str(output / f"{name}.html"),
            },
        )
        with open(outputs["OUTPUT"], encoding="utf-8-sig", newline="") as stream:
            for row in csv.DictReader(stream):
                # Means have no date.
                if row["date"]:
                    date = dt.date.fromisoformat(row["date"].replace("/", "-"))
                    method = maps if row["method"] == "maps" else row["method"]
                    found.setdefault(date, {})[method] = float(row["rmse"])
    return found


def cells_seen(paths: dict[str, Path], date: dt.date) -> int:
    """How many cells SMAP saw on a date."""
    return int(np.isfinite(open_series(paths["smap"]).read(date)).sum())


def truth_and_maps(data: Path, paths: dict[str, Path], date: dt.date) -> tuple[list[np.ndarray], Grid]:
    """Truth, the forests' map and the area-to-point model's on the grid of the truth, NaN where none is."""
    truth_set = open_dataset(data / "truth" / f"soil_moisture_{date:%Y%m%d}.tif")
    grid = dataset_grid(truth_set, "truth")
    maps = [onto(open_dataset(map_file(paths[name], date)), grid) for name in ("forest_maps", "maps")]
    return [read_band(truth_set, 1), *maps], grid


def print_errors(errors: Mapping[dt.date, Errors], paths: dict[str, Path]) -> None:
    """The table that says whether downscaling helped."""
    print("\nRMSE against the known truth at 100 m (m3 m-3; smaller is better):\n")
    print(
        "  date         cells   SMAP as it is   bilinear   paper's forest   area-to-point   against bilinear"
    )
    mapped = {date: own for date, own in errors.items() if "maps" in own and "forest_maps" in own}
    for date, own in mapped.items():
        change = 100 * (own["maps"] / own["bilinear"] - 1)
        print(
            f"  {date}   {cells_seen(paths, date):5d}          {own['nearest']:.4f}     {own['bilinear']:.4f}"
            f"           {own['forest_maps']:.4f}          {own['maps']:.4f}   {change:+14.0f} %"
        )
    means = {name: np.mean([own[name] for own in mapped.values()]) for name in next(iter(mapped.values()))}
    print(f"\n  Mean over {len(mapped)} dates: bilinear {means['bilinear']:.4f}.")
    for name, words in (("forest_maps", "The paper's forests"), ("maps", "The area-to-point model")):
        better = sum(own[name] < own["bilinear"] for own in mapped.values())
        change = 100 * (means[name] / means["bilinear"] - 1)
        print(
            f"  {words}: {means[name]:.4f} ({change:+.0f} %), better than interpolation on {better} of "
            f"{len(mapped)} dates."
        )
    with open_models(paths["forests"]) as forests:
        oob = np.mean([forests.scores(date).rmse for date in mapped])
    print(f"  (Out-of-bag RMSE on the 9 km cells: {oob:.4f}. A low error at 9 km is not skill at 100 m.)")


def draw(path: Path, data: Path, paths: dict[str, Path], errors: Mapping[dt.date, Errors]) -> None:
    """SMAP, interpolation, both maps and truth side by side, for the date with the most cells."""
    date = max(
        (date for date, own in errors.items() if "maps" in own), key=lambda one: cells_seen(paths, one)
    )
    (truth, forest, area), grid = truth_and_maps(data, paths, date)
    smap = open_series(paths["smap"])
    cells = smap.read(date)
    positions = Lattice(grid, smap.grid).positions()
    seen = np.isfinite(truth)
    own = errors[date]
    values = {
        f"SMAP interpolated, RMSE {own['bilinear']:.3f}": np.where(seen, bilinear(cells, *positions), np.nan),
        f"paper's forest, 100 m, RMSE {own['forest_maps']:.3f}": forest,
        f"area-to-point, 100 m, RMSE {own['maps']:.3f}": area,
        "known truth, 100 m": truth,
    }
    draw_side_by_side(path, f"Made-up basin, {date}", values, grid)
