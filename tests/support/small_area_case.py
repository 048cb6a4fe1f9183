"""A small case for the area-to-point model: SMAP cells, a fine stack and rain, made from formulas."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid, Window, ease2_grid

#: 10 x 12 cells of the 9 km grid in southern Peru, and as many pixels in each as make 1.5 km.
CELLS = ease2_grid("9 km").crop(Window(990, 1155, 10, 12))
PARTS = 6
PIXELS = Grid(
    CELLS.crs,
    CELLS.left,
    CELLS.top,
    CELLS.cell_width / PARTS,
    CELLS.cell_height / PARTS,
    CELLS.width * PARTS,
    CELLS.height * PARTS,
)
NAMES = ("clay", "elevation")
NOISE = 0.015


@dataclass(frozen=True)
class AreaCase:
    """Paths of the case, and the truth at the pixels by date, m3 m-3."""

    folder: Path
    dates: tuple[dt.date, ...]
    truth: dict[dt.date, np.ndarray]

    @property
    def inputs(self) -> dict[str, object]:
        """SMAP and COVARIATES."""
        return {"SMAP": str(self.folder / "smap"), "COVARIATES": str(self.folder / "fine.tif")}

    @property
    def rain(self) -> str:
        return str(self.folder / "rain")


def cell_means(values: np.ndarray) -> np.ndarray:
    """Means over the pixels of each cell."""
    rows, cols = (size // PARTS for size in values.shape)
    return values.reshape(rows, PARTS, cols, PARTS).mean(axis=(1, 3))


def make_area_case(folder: Path, dates: int = 7, with_rain: bool = False) -> AreaCase:
    """Write the case; the same numbers each time."""
    rng = np.random.default_rng(11)
    y, x = np.mgrid[0 : PIXELS.height, 0 : PIXELS.width] / PARTS
    clay = np.sin(1.3 * x + 0.4 * y) + np.cos(2.1 * y - 0.3 * x) + 0.3 * rng.normal(size=x.shape)
    height = np.cos(0.7 * x) + np.sin(0.9 * y) + 0.3 * rng.normal(size=x.shape)
    layers = np.stack([300 + 40 * clay, 3000 + 250 * height]).astype(np.float32)
    write_geotiff(folder / "fine.tif", PIXELS, layers, [Band("clay", "g/kg"), Band("elevation", "m")])
    smooth = 0.02 * np.sin(0.4 * x + 1) * np.cos(0.3 * y)
    days, truth = [], {}
    for number in range(dates):
        date = dt.date(2021, 1, 1) + dt.timedelta(3 * number)
        wet = 0.02 * np.sin(number)
        theta = 0.25 + wet + 0.03 * clay - 0.02 * height + smooth + 0.01 * np.cos(0.5 * x + number)
        seen = cell_means(theta) + NOISE * rng.normal(size=CELLS.shape)
        seen[number % 3, number % 5] = np.nan
        write_geotiff(
            folder / "smap" / f"soil_moisture_{date:%Y%m%d}.tif",
            CELLS,
            seen.astype(np.float32),
            [Band("soil_moisture", "m3 m-3")],
        )
        if with_rain:
            rain = 5 + 3 * np.sin(0.5 * x[::PARTS, ::PARTS] + number) + rng.random(CELLS.shape)
            write_geotiff(
                folder / "rain" / f"rain_{date:%Y%m%d}.tif",
                CELLS,
                rain.astype(np.float32),
                [Band("rain", "mm/d")],
            )
        days.append(date)
        truth[date] = theta
    return AreaCase(folder, tuple(days), truth)
