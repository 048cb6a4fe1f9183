"""A small case on real SMAP cells: series, stacks and rain whose numbers tests can work out by themselves."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid, Window, ease2_grid

#: 8 x 9 cells of the 9 km grid in southern Peru.
CELLS = ease2_grid("9 km").crop(Window(990, 1155, 8, 9))
#: Each cell has 10 x 10 pixels.
PIXELS = Grid(
    CELLS.crs,
    CELLS.left,
    CELLS.top,
    CELLS.cell_width / 10,
    CELLS.cell_height / 10,
    CELLS.width * 10,
    CELLS.height * 10,
)
DATES = (dt.date(2020, 12, 30), dt.date(2020, 12, 31), dt.date(2021, 1, 1))
#: On this date only a strip of cells was seen.
SPARSE = DATES[1]
NAMES = ("elevation", "clay", "sand")
#: Forests that grow quickly, and the same each time.
FOREST = {"PRESET": "custom", "N_ESTIMATORS": 12, "MINIMUM_CELLS": 20, "SEED": 3}


@dataclass(frozen=True)
class SmallCase:
    """Paths and arrays of the case."""

    folder: Path
    fine: np.ndarray
    coarse: np.ndarray
    smap: dict[dt.date, np.ndarray]

    @property
    def smap_folder(self) -> str:
        return str(self.folder / "smap")

    @property
    def rain_folder(self) -> str:
        return str(self.folder / "rain")

    @property
    def coarse_stack(self) -> str:
        return str(self.folder / "coarse.tif")

    @property
    def fine_stack(self) -> str:
        return str(self.folder / "fine.tif")


def block_mean(values: np.ndarray) -> np.ndarray:
    """Means of 10 x 10 pixels."""
    bands, rows, columns = values.shape
    return values.reshape(bands, rows // 10, 10, columns // 10, 10).mean(axis=(2, 4))


def make_small_case(folder: Path) -> SmallCase:
    """Write the case; the same numbers each time."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0 : PIXELS.height, 0 : PIXELS.width] / 10.0
    fine = np.stack(
        [
            3000 + 300 * np.sin(x) + 200 * np.cos(1.7 * y) + 20 * rng.normal(size=x.shape),
            250 + 60 * np.cos(x + y) + 10 * rng.normal(size=x.shape),
            400 + 70 * np.sin(0.6 * x - y) + 10 * rng.normal(size=x.shape),
        ]
    ).astype(np.float32)
    coarse = block_mean(fine.astype(np.float64)).astype(np.float32)
    bands = [Band("elevation", "m"), Band("clay", "g/kg"), Band("sand", "g/kg")]
    write_geotiff(folder / "coarse.tif", CELLS, coarse, bands)
    # Band order differs: names must decide.
    order = [2, 0, 1]
    write_geotiff(folder / "fine.tif", PIXELS, fine[order], [bands[index] for index in order])
    smap = {}
    for number, date in enumerate(DATES):
        theta = 0.25 - 1e-4 * (coarse[0] - 3000) + 5e-4 * (coarse[1] - 250) + 0.01 * number
        theta = (theta + 0.01 * rng.normal(size=theta.shape)).astype(np.float32)
        theta[0, number] = np.nan
        if date == SPARSE:
            theta[:, 2:] = np.nan
        smap[date] = theta
        write_geotiff(
            folder / "smap" / f"soil_moisture_{date:%Y%m%d}.tif",
            CELLS,
            theta,
            [Band("soil_moisture", "m3 m-3")],
        )
        write_geotiff(
            folder / "rain" / f"rain_{date:%Y%m%d}.tif",
            CELLS,
            (5 + number + rng.random(theta.shape)).astype(np.float32),
            [Band("rain", "mm/d")],
        )
    return SmallCase(folder, fine, coarse, smap)


def train_small_case(case: SmallCase) -> str:
    """Forests of the case by the toolbox, in its folder; returns their path."""
    import processing

    matrix = {"SMAP": case.smap_folder, "COVARIATES": case.coarse_stack}
    processing.run("smapdownscaler:regressionmatrix", {**matrix, "OUTPUT": str(case.folder / "m.gpkg")})
    forests = {
        "INPUT": str(case.folder / "m.gpkg"),
        **FOREST,
        "OUTPUT": str(case.folder / "forests.smapforest"),
    }
    return processing.run("smapdownscaler:trainforests", forests)["OUTPUT"]


def write_small_stations(path: Path) -> None:
    """Two stations in cells that SMAP sees on all dates, two readings a day: theta 0.2 to 0.3."""
    lines = ["station,date,replicate,x,y,soil_moisture"]
    for name, row, col in (("A", 3, 0), ("B", 5, 1)):
        x, y = CELLS.x_centres()[col] + 500, CELLS.y_centres()[row] - 700
        for number, date in enumerate(DATES):
            for replicate, extra in ((1, 0.0), (2, 0.02)):
                lines.append(f"{name},{date},{replicate},{x:.3f},{y:.3f},{0.2 + 0.03 * number + extra:.3f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
