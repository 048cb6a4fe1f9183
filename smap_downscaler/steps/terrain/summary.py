"""Terrain rasters at a glance, for a report: their statistics and a small picture of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...base.progress import SILENT, Progress
from ...geo.blocks import windows
from ...geo.datasets import dataset_grid, open_dataset, read_band
from ...geo.texts import band_name, band_unit
from ...tables.geopackage import INTEGER, REAL, TEXT, create_table
from .numbers.outcome import RasterSummary

#: Longer side of a picture, pixels, at most.
_SIDE = 800
_FIELDS = {
    "raster": TEXT,
    "unit": TEXT,
    "cells": INTEGER,
    "minimum": REAL,
    "mean": REAL,
    "maximum": REAL,
    "sd": REAL,
    "water_kept": REAL,
}


def summarise(path: str | Path, progress: Progress = SILENT, number: int = 1) -> RasterSummary:
    """Read a band of a raster once, rows at a time.

    Raises
    ------
    InputError
        If it cannot be read.
    Cancelled
    """
    dataset = open_dataset(path)
    grid = dataset_grid(dataset, str(path))
    band = dataset.GetRasterBand(number)
    step = max(1, math.ceil(max(grid.shape) / _SIDE))
    picture = np.full((-(-grid.height // step), -(-grid.width // step)), np.float32(np.nan))
    cells, total, squares, low, high = 0, 0.0, 0.0, math.inf, -math.inf
    # Squares of differences from a value that is there lose no digits to a large mean.
    origin = math.nan
    for row, window in enumerate(windows(grid.whole, step)):
        progress.check()
        values = read_band(dataset, number, window, np.float64)
        valid = np.isfinite(values)
        picture[row] = _block_means(values, valid, step)
        seen = values[valid]
        if not seen.size:
            continue
        if math.isnan(origin):
            origin = float(seen[0])
        cells += seen.size
        total += float((seen - origin).sum())
        squares += float(np.square(seen - origin).sum())
        low, high = min(low, float(seen.min())), max(high, float(seen.max()))
    name, unit = band_name(band), band_unit(band)
    if not cells:
        nothing = (math.nan,) * 4
        return RasterSummary(name, unit, 0, *nothing, grid.bounds, picture)
    mean = total / cells
    sd = math.sqrt(max(squares / cells - mean * mean, 0.0))
    return RasterSummary(name, unit, cells, low, origin + mean, high, sd, grid.bounds, picture)


def _block_means(values: np.ndarray, valid: np.ndarray, step: int) -> np.ndarray:
    """Mean of the valid cells of each `step` columns; NaN without any."""
    starts = np.arange(0, values.shape[1], step)
    sums = np.add.reduceat(np.where(valid, values, 0.0).sum(axis=0), starts)
    counts = np.add.reduceat(valid.sum(axis=0), starts)
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def write_statistics(
    path: str | Path, rasters: Sequence[RasterSummary], kept_shares: Mapping[str, float]
) -> None:
    """One row per raster; `water_kept` is the share of the water that its routing lost inside the DEM, 0...1.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    with create_table(path, "terrain", _FIELDS) as table:
        table.write(
            (
                one.key,
                one.unit,
                one.cells,
                one.low,
                one.mean,
                one.high,
                one.sd,
                kept_shares.get(one.key.partition("_")[2]),
            )
            for one in rasters
        )
