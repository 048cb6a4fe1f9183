"""Maps read for a sheet: their numbers from every pixel, and a picture of reduced size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...base.progress import SILENT, Progress
from ...geo.datasets import open_dataset, read_band
from ...geo.grid import Bounds, Grid, Window
from ...stats.moments import Moments

#: Pixels along the longer side of a picture, at most: those of half an A4 page at 300 dpi.
MOST_PIXELS = 1200
_PIXELS_A_STRIP = 1 << 20


@dataclass(frozen=True)
class MapPicture:
    """A map at reduced size.

    Attributes
    ----------
    values : float32 array, shape (rows, columns)
        Means of the valid pixels, NaN where there is none.
    bounds : Bounds
        Of the values: up to a picture's pixel beyond the map to the right and below.
    moments : Moments
        Of all pixels of the map.
    """

    values: np.ndarray
    bounds: Bounds
    moments: Moments


def read_picture(
    path: str, band: int, grid: Grid, most: int = MOST_PIXELS, progress: Progress = SILENT
) -> MapPicture:
    """Read a band on `grid`, strip by strip.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    step = math.ceil(max(grid.shape) / most)
    dataset, moments, strips = open_dataset(path), Moments(), []
    height = max(_PIXELS_A_STRIP // grid.width // step, 1) * step
    counter = progress.counter(grid.height, "rows read")
    for row in range(0, grid.height, height):
        window = Window(row, 0, min(height, grid.height - row), grid.width)
        values = read_band(dataset, band, window)
        moments.add(values)
        strips.append(block_means(values, step))
        counter.advance(window.height)
    return _picture(np.concatenate(strips), grid, step, moments)


def picture_of(values: np.ndarray, grid: Grid, most: int = MOST_PIXELS) -> MapPicture:
    """The same of an array on `grid`."""
    step, moments = math.ceil(max(grid.shape) / most), Moments()
    moments.add(values)
    return _picture(block_means(values, step), grid, step, moments)


def _picture(values: np.ndarray, grid: Grid, step: int, moments: Moments) -> MapPicture:
    rows, columns = values.shape
    edges = Grid(
        grid.crs, grid.left, grid.top, grid.cell_width * step, grid.cell_height * step, columns, rows
    )
    return MapPicture(values, edges.bounds, moments)


def block_means(values: np.ndarray, step: int) -> np.ndarray:
    """Means of the valid of `step` x `step` pixels, float32; blocks cut off at the right and below count too.

    Parameters
    ----------
    values : float array, shape (rows, columns)
        NaN where missing.
    step : int
        1 or more.
    """
    if step == 1:
        return values.astype(np.float32)
    rows, columns = (-(-size // step) for size in values.shape)
    padded = np.full((rows * step, columns * step), np.nan)
    padded[: values.shape[0], : values.shape[1]] = values
    blocks = padded.reshape(rows, step, columns, step)
    valid = np.isfinite(blocks)
    count = valid.sum(axis=(1, 3))
    total = np.where(valid, blocks, 0.0).sum(axis=(1, 3))
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, total / count, np.nan).astype(np.float32)
