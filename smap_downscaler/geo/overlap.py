"""How much of each pixel of one grid lies in each cell of another, worked out once for many dates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..base.errors import InputError
from ..base.progress import SILENT, Progress
from .area_means import SUBPIXELS_A_CELL, chunks, cuts, refined
from .grid import Grid, Window
from .lattice import Lattice
from .sampling import SHARE_TOLERANCE, split_over_cells
from .sources import windows_over


@dataclass(frozen=True)
class Overlap:
    """Areas shared by pixels and cells.

    Attributes
    ----------
    window : Window
        The part of the source grid that meets the cells.
    shape : tuple of int
        Rows and columns of the cells.
    pixels, cells : int arrays, shape (n,)
        Flat numbers in the window and in the grid of cells.
    areas : float64 array, shape (n,)
        Shared area, in cells.
    """

    window: Window
    shape: tuple[int, int]
    pixels: np.ndarray
    cells: np.ndarray
    areas: np.ndarray

    def mean(self, values: np.ndarray, minimum_share: float) -> np.ndarray:
        """Area-weighted means of the valid pixels, float64, shape (rows, columns).

        Parameters
        ----------
        values : array of the window's shape
            NaN where missing.
        minimum_share : float
            Cells of which valid pixels cover less are NaN.
        """
        flat = values.ravel()[self.pixels]
        valid = np.isfinite(flat)
        size = self.shape[0] * self.shape[1]
        weights = np.where(valid, self.areas, 0.0)
        areas = np.bincount(self.cells, weights, size)
        sums = np.bincount(self.cells, weights * np.where(valid, flat, 0.0), size)
        enough = (areas > 0) & (areas >= minimum_share - SHARE_TOLERANCE)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(enough, sums / areas, np.nan).reshape(self.shape)


def overlap(source: Grid, target: Grid, label: str, progress: Progress = SILENT) -> Overlap:
    """The overlap of the pixels of `source` with the cells of `target`, whatever their CRS.

    Pixels are cut into parts at most 1/64 of a cell wide, as `resample_mean` does.

    Raises
    ------
    InputError
        If they do not meet; `label` names the source.
    """
    windows = windows_over(source, target.bounds, target.crs)
    hull = window_around(windows)
    found = [
        part
        for window in windows
        for part in _shared(_Part(source.crop(window), window, hull), target, progress)
    ]
    if not found:
        raise InputError(f"{label}: it does not meet the SMAP cells; choose rasters of the same area.")
    size = target.width * target.height
    keys, inverse = np.unique(np.concatenate([keys for keys, _ in found]), return_inverse=True)
    areas = np.bincount(inverse, np.concatenate([areas for _, areas in found]), len(keys))
    return Overlap(hull, target.shape, keys // size, keys % size, areas)


def window_around(windows: Sequence[Window]) -> Window:
    """The smallest window that holds all of `windows`; an empty one for none."""
    if not windows:
        return Window(0, 0, 0, 0)
    top, left = min(window.row for window in windows), min(window.col for window in windows)
    bottom = max(window.row + window.height for window in windows)
    right = max(window.col + window.width for window in windows)
    return Window(top, left, bottom - top, right - left)


@dataclass(frozen=True)
class _Part:
    """The grid of one window of a source, numbered in the window around all of them."""

    grid: Grid
    window: Window
    hull: Window

    def numbers(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Flat numbers in the hull of the product of rows and columns of the grid."""
        down, right = self.window.row - self.hull.row, self.window.col - self.hull.col
        return (rows[:, None] + down) * self.hull.width + cols[None, :] + right


def _shared(source: _Part, target: Grid, progress: Progress) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Keys (pixel x number of cells + cell) and shared areas, a chunk of pixel parts at a time."""
    down, right = cuts(Lattice(source.grid, target, progress).longest_sides, SUBPIXELS_A_CELL)
    fine = refined(source.grid, (down, right))
    lattice = Lattice(fine, target, progress)
    for chunk in chunks(fine):
        progress.check()
        rows, cols = (part.ravel() for part in lattice.positions(chunk))
        areas = lattice.areas(chunk).ravel()
        parts, cells, areas = split_over_cells(rows, cols, lattice.pixel_size(chunk), areas, target.shape)
        if not cells.size:
            continue
        pixel_rows = (chunk.row + np.arange(chunk.height)) // down
        pixel_cols = (chunk.col + np.arange(chunk.width)) // right
        pixels = source.numbers(pixel_rows, pixel_cols).ravel()[parts]
        keys, inverse = np.unique(pixels * (target.width * target.height) + cells, return_inverse=True)
        yield keys, np.bincount(inverse, areas, len(keys))
