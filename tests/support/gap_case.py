"""A series with gaps, rain that predicts soil moisture, and forests by cell, small enough to repeat."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from forest_cases import train_forest
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid, Window, ease2_grid
from smap_downscaler.methods.features import FeatureSettings, add_features
from smap_downscaler.methods.file.reader import ModelWriter, open_models
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.methods.keys import BY_CELL, CellKey, key_number
from smap_downscaler.series.dated import DatedCovariate
from smap_downscaler.series.series import open_series
from smap_downscaler.steps.gaps.inputs import GapInputs

CELLS = ease2_grid("9 km").crop(Window(990, 1155, 3, 4))
#: Rain comes on 2 x 2 pixels a cell.
PIXELS = Grid(CELLS.crs, CELLS.left, CELLS.top, CELLS.cell_width / 2, CELLS.cell_height / 2, 8, 6)
FIRST = dt.date(2020, 12, 1)
DAYS = 60
TREES = ForestSettings(15, None, None, 4, 1, None, 1)
#: The cell that has no forest, and the one that was never seen.
NO_FOREST, NEVER_SEEN = (0, 3), (2, 0)
#: A day without a raster of SMAP or rain; a day that was seen whole.
NO_RAIN_DAY, WHOLE_DAY = 41, 20


def day(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number)


@dataclass(frozen=True)
class GapCase:
    """Folders, and what is in them as arrays of days, rows and columns."""

    folder: Path
    theta: np.ndarray
    rain: np.ndarray

    @property
    def smap(self) -> Path:
        return self.folder / "smap"

    @property
    def rain_folder(self) -> Path:
        return self.folder / "p_3d"

    @property
    def ordinals(self) -> np.ndarray:
        return FIRST.toordinal() + np.arange(len(self.theta))

    def open(self):
        return open_series(self.smap), open_series(self.rain_folder)

    def training(self, row, col, features):
        """Rows of a cell: days, covariates and soil moisture."""
        y, x = self.theta[:, row, col].astype(float), self.rain[:, row, col, None]
        seen = np.isfinite(y)
        days = self.ordinals[seen]
        full = add_features(x[seen], days, features, days, y[seen])
        whole = np.isfinite(full).all(axis=1)
        return days[whole], full[whole], y[seen][whole]

    def forests(self, path: Path, features: FeatureSettings, settings=TREES, **keywords) -> Path:
        """A file with a forest of each cell but `NO_FOREST` and `NEVER_SEEN`."""
        names = ("p_3d", *features.names)
        given = {"mode": BY_CELL, "features": features, **keywords}
        units = {"p_3d": "mm/d"}
        with ModelWriter(path, names, units, "soil_moisture", "m3 m-3", settings, "1", **given) as writer:
            for row in range(3):
                for col in range(4):
                    if (row, col) in (NO_FOREST, NEVER_SEEN):
                        continue
                    key = CellKey(row, col, *centre(row, col))
                    _, x, y = self.training(row, col, features)
                    writer.add(key, train_forest(x, y, settings, key_number(key)))
        return path


def centre(row: int, col: int) -> tuple[float, float]:
    return float(CELLS.x_centres()[col]), float(CELLS.y_centres()[row])


def make_gap_case(folder: Path, days: int = DAYS) -> GapCase:
    """Write the case; the same numbers each time."""
    rng = np.random.default_rng(11)
    pixels = np.zeros((days, 6, 8))
    store = np.zeros((6, 8))
    for number in range(days):
        store = 0.7 * store + rng.gamma(0.4, 8, store.shape) * (rng.random() < 0.3)
        pixels[number] = store
    pixels = pixels.astype(np.float32)
    rain = pixels.reshape(days, 3, 2, 4, 2).mean(axis=(2, 4)).astype(np.float32)
    theta = 0.08 + 0.3 * (1 - np.exp(-rain / 15)) + 0.01 * rng.normal(size=rain.shape)
    seen = rng.random(theta.shape) < 0.6
    seen[NO_RAIN_DAY] = False
    seen[WHOLE_DAY] = True
    seen[:, NEVER_SEEN[0], NEVER_SEEN[1]] = False
    theta = np.where(seen, theta, np.nan).astype(np.float32)
    rain[NO_RAIN_DAY] = np.nan
    for number in range(days):
        name = f"{day(number):%Y%m%d}.tif"
        if seen[number].any():
            write_geotiff(
                folder / "smap" / f"soil_moisture_{name}",
                CELLS,
                theta[number],
                [Band("soil_moisture", "m3 m-3")],
            )
        if number != NO_RAIN_DAY:
            write_geotiff(folder / "p_3d" / f"p_3d_{name}", PIXELS, pixels[number], [Band("p_3d", "mm/d")])
    return GapCase(folder, theta, rain)


def with_share(inputs: GapInputs, share: float) -> GapInputs:
    """The same inputs with another minimum covered share."""
    return replace(inputs, dynamic=tuple(replace(one, minimum_share=share) for one in inputs.dynamic))


def inputs_of(case: GapCase, forests: Path, **more: Any) -> GapInputs:
    """The series and the rain of a case with a file of forests; `more` is for `GapInputs`."""
    smap, rain = case.open()
    return GapInputs(smap, open_models(forests), (DatedCovariate(rain),), **more)
