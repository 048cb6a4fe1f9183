"""The chain on real files: a NASA granule, 9 km stacks, Sumatra at 100 m, a year of the United States."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from console import run
from real_cases import BUNGO_DAYS, bungo_layers, peru_extent, write_bungo_series, write_conus_matrix
from same_pixels import onto
from side_by_side import draw_side_by_side
from smap_downscaler.geo.datasets import dataset_grid, open_dataset, read_band
from smap_downscaler.geo.lattice import Lattice
from smap_downscaler.geo.sampling import bilinear
from smap_downscaler.methods.file.reader import open_models
from smap_downscaler.series.series import open_series
from smap_downscaler.stats.scores import pearson_r2, rmse
from smap_downscaler.steps.maps.downscale import map_file


def run_real(data: Path, output: Path) -> None:
    """All cases; says where each one's files lie."""
    if not data.is_dir():
        raise SystemExit(f"demo: {data} is not there; the real files do not belong to this repository.")
    granule(data, output / "granule")
    australia(data, output / "australia")
    sumatra(data, output / "sumatra")
    united_states(data, output / "united_states")


def granule(data: Path, output: Path) -> None:
    """A whole NASA granule, cut to the paper's region."""
    print("\nA. NASA SPL3SMP granule of 2015-04-02, cells that touch 72.30-70.83 W, 13.13-14.68 S")
    source = str(next((data / "smap_l3_36km").glob("*.h5")))
    for quality in ("successful", "recommended"):
        folder = output / quality
        outputs = run(
            f"   quality: {quality}",
            "importsmap",
            {"INPUT": source, "EXTENT": peru_extent(), "QUALITY": quality, "OUTPUT": str(folder)},
        )
        with open(outputs["REPORT"], newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                print("     ", ", ".join(f"{key} {value}" for key, value in row.items() if value))


def australia(data: Path, output: Path) -> None:
    """The 9 km stack of W. Australia."""
    print("\nB. SPL3SMP_E over W. Australia, one file with 45 dated bands")
    source = str(data / "smap_l3e_9km" / "smap_l3e_9km_W_Australia_epsg6933.tif")
    outputs = run("   import", "importsmap", {"INPUT": source, "OUTPUT": str(output / "smap")})
    series = open_series(outputs["OUTPUT"])
    print(
        f"      {outputs['COUNT']} dates, {series.dates[0]} to {series.dates[-1]}, {series.grid.shape} cells"
    )


def sumatra(data: Path, output: Path) -> None:
    """Real covariates, soil moisture from a known formula on them."""
    print("\nC. Sumatra, 100 m: real SRTM, SoilGrids, WorldClim; soil moisture from a known formula on them")
    write_bungo_series(data, output)
    layers = bungo_layers(data)
    paths = {key: output / name for key, name in _FILES.items()}
    run("   SMAP", "importsmap", {"INPUT": str(output / "smap"), "OUTPUT": str(paths["smap"])})
    run(
        "   Covariates to 9 km and to 100 m",
        "harmonisecovariates",
        {
            "INPUT": [str(path) for path in layers.values()],
            "NAMES": ",".join(layers),
            "SMAP": str(paths["smap"]),
            "RESOLUTION": 100,
            "OUTPUT_COARSE": str(paths["coarse"]),
            "OUTPUT_FINE": str(paths["fine"]),
        },
    )
    stacks = {"SMAP": str(paths["smap"]), "COVARIATES": str(paths["coarse"])}
    run("   Matrix", "regressionmatrix", {**stacks, "OUTPUT": str(paths["matrix"])})
    run("   Forests", "trainforests", {"INPUT": str(paths["matrix"]), "OUTPUT": str(paths["forests"])})
    maps = {"FORESTS": str(paths["forests"]), "COVARIATES": str(paths["fine"]), "OUTPUT": str(paths["maps"])}
    run("   Maps", "downscale", maps)
    print_sumatra(output, paths)


_FILES = {
    "smap": "smap_imported",
    "coarse": "covariates_9km.tif",
    "fine": "covariates_100m.tif",
    "matrix": "matrix.gpkg",
    "forests": "forests.smapforest",
    "maps": "maps",
}


def print_sumatra(output: Path, paths: dict[str, Path]) -> None:
    """Errors against the known formula, and a picture of the last date."""
    print("\n      date         RMSE bilinear   RMSE forest   r2 bilinear   r2 forest   (100 m, m3 m-3)")
    smap = open_series(paths["smap"])
    for date in BUNGO_DAYS:
        truth_set = open_dataset(output / "truth" / f"soil_moisture_{date:%Y%m%d}.tif")
        grid = dataset_grid(truth_set, "truth")
        truth = read_band(truth_set, 1)
        map_set = open_dataset(map_file(paths["maps"], date))
        # The maps keep the pixels of the layers, which are all on one grid.
        mapped = onto(map_set, grid)
        plain = bilinear(smap.read(date), *Lattice(grid, smap.grid).positions())
        common = np.isfinite(truth) & np.isfinite(mapped) & np.isfinite(plain)
        numbers = [
            score(truth[common], values[common]) for score in (rmse, pearson_r2) for values in (plain, mapped)
        ]
        print(
            f"      {date}          {numbers[0]:.4f}        {numbers[1]:.4f}"
            f"          {numbers[2]:.3f}       {numbers[3]:.3f}"
        )
    picture = output / "sumatra.png"
    maps = {"bilinear": plain, "forest map": mapped, "formula": truth}
    draw_side_by_side(picture, f"Sumatra, {date}", maps, grid)
    print(f"      Maps: {paths['maps']}   Picture: {picture}")


def united_states(data: Path, output: Path) -> None:
    """A year of real SMAP with real rain and soil."""
    print(
        "\nD. United States: 412 SMAP cells (36 km, every 4th), 366 days of 2015-16, real rain, soil and NDVI"
    )
    matrix = output / "matrix.gpkg"
    rows = write_conus_matrix(data, matrix)
    print(f"      {rows:,} rows")
    forests, scores = str(output / "forests.smapforest"), str(output / "scores.gpkg")
    run("   Forests by date", "trainforests", {"INPUT": str(matrix), "OUTPUT": forests, "SCORES": scores})
    print("\n      month     dates   cells   OOB RMSE   OOB R2    (medians over the dates)")
    with open_models(forests) as file:
        by_month: dict[str, list] = {}
        for date in file.dates:
            by_month.setdefault(f"{date:%Y-%m}", []).append(file.scores(date))
        for month, found in by_month.items():
            n, error, r2 = (
                np.median([getattr(score, name) for score in found]) for name in ("n", "rmse", "r2")
            )
            print(f"      {month}     {len(found):5d}   {n:5.0f}     {error:.4f}   {r2:6.3f}")
        everything = [file.scores(date) for date in file.dates]
    error, r2 = (np.median([getattr(score, name) for score in everything]) for name in ("rmse", "r2"))
    print(f"      all       {len(everything):5d}             {error:.4f}   {r2:6.3f}")
    print(f"      One row a date: {scores}")
