"""Forests of two dates and what to map with them: a stack of six blocks of file tiles, and rain."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from forest_cases import train_forest
from raster_cases import Listener, grid_raster
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.datasets import open_dataset, read_band
from smap_downscaler.geo.geotiff import TILE
from smap_downscaler.geo.grid import Grid
from smap_downscaler.methods.features import FeatureSettings
from smap_downscaler.methods.file.reader import ModelWriter, open_models
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.methods.keys import PooledKey
from smap_downscaler.series.dated import DatedCovariate
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.maps.downscale import make_maps, map_file
from smap_downscaler.steps.maps.inputs import MapInputs
from smap_downscaler.steps.maps.mapped import Wanted

#: Six blocks of file tiles.
FINE = Grid("EPSG:32718", 690000.0, 8540000.0, 100.0, 100.0, 2 * TILE + 40, TILE + 30)
RAIN = Grid("EPSG:4326", -73.5, -13.0, 0.05, 0.05, 30, 20)
DAYS = [dt.date(2019, 12, 31), dt.date(2020, 1, 1), dt.date(2020, 1, 2)]
NAMES = ("clay", "p_antecedent", "twi_fd8")
SETTINGS = ForestSettings(6, 2, None, 4, 1, None, 3)


class Case:
    """Forests of two dates, trained on made-up cells, and what to map with them."""

    def __init__(self, folder):
        generator = np.random.default_rng(8)
        self.folder = folder
        self.fine = generator.normal(size=(3, *FINE.shape)).astype(np.float32)
        # The second band is one that no forest knows.
        self.fine[:, 10, 20:30] = np.nan
        self.fine[2, 100:140, 250:270] = np.nan
        self.fine[1, 200, 500] = np.nan
        self.rain = generator.gamma(2, 0.5, (2, *RAIN.shape)).astype(np.float32)
        self.rain[0, 4:6, 8:10] = np.nan
        self.stack = grid_raster(
            folder / "fine.tif", FINE, self.fine, names=("twi_fd8", "aspect", "clay"), nodata=-1
        )
        (folder / "p_antecedent").mkdir()
        for date, values in zip(DAYS, self.rain):
            grid_raster(folder / "p_antecedent" / f"{date:%Y%m%d}.tif", RAIN, values)
        self.train = [
            (generator.normal(size=(60, 3)).astype(np.float32), generator.uniform(0.05, 0.5, 60))
            for _ in DAYS
        ]
        self.forests = self.write_forests(DAYS[:2])
        self.maps = folder / "maps"

    def write_forests(self, days, settings=SETTINGS, units=None):
        path = self.folder / "forests.smapforest"
        with ModelWriter(path, NAMES, units or {}, "soil_moisture", "m3 m-3", settings, "0") as writer:
            for day, (x, y) in zip(days, self.train):
                writer.add(day, train_forest(x, y, settings, day.toordinal()))
        return path

    def inputs(self, stack=None, dynamic=("p_antecedent",), names=None, wanted=None, **more):
        series = [open_series(self.folder / path, name) for path, name in zip(dynamic, names or (None,) * 9)]
        return MapInputs(
            open_models(self.forests),
            open_stack(stack or self.stack),
            tuple(map(DatedCovariate, series)),
            wanted=wanted or Wanted(),
            **more,
        )

    def make(self, folder=None, dates=DAYS[:2], threads=1, memory_mb=64, progress=None, **more):
        inputs = self.inputs(**more)
        with inputs.forests:
            return make_maps(inputs, folder or self.maps, dates, threads, memory_mb, progress or Listener())

    def map(self, date, folder=None):
        return read_band(open_dataset(map_file(folder or self.maps, date)), 1)


def refusal(call, *arguments, **more):
    with pytest.raises(InputError) as caught:
        call(*arguments, **more)
    return str(caught.value)


#: 16 pixels in each of the fine grid.
FINER = Grid(FINE.crs, FINE.left, FINE.top, 25.0, 25.0, 4 * FINE.width, 4 * FINE.height)


def finer_rain(case):
    """Dated rasters finer than the stack in place of the rain; returns them, shape (dates, rows, columns)."""
    values = np.random.default_rng(5).gamma(2, 0.5, (2, *FINER.shape)).astype(np.float32)
    values[0, 400:440, 400:480] = np.nan
    for date, day in zip(DAYS, values):
        grid_raster(case.folder / "p_antecedent" / f"{date:%Y%m%d}.tif", FINER, day)
    return values


DATED = ("clay", "p_antecedent", "doy_sin", "doy_cos")
CALENDAR = FeatureSettings(day_of_year=True)


def pooled_forests(case, names=DATED, features=CALENDAR):
    """One forest for all dates, in the case's file; returns its rows."""
    generator = np.random.default_rng(4)
    x = generator.normal(size=(300, len(names))).astype(np.float32)
    y = 0.2 + 0.1 * np.tanh(x[:, -1]) + 0.05 * np.tanh(x[:, 0])
    with ModelWriter(
        case.forests, names, {}, "soil_moisture", "m3 m-3", SETTINGS, "0", None, "pooled", features
    ) as writer:
        writer.add(PooledKey(), train_forest(x, y, SETTINGS, 0))
    return x, y
