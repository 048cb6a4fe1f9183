"""How much of each pixel of one grid lies in each cell of another, worked out once for many dates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..base.progress import SILENT, Progress
from .area_means import SUBPIXELS_A_CELL, CellParts, cell_parts, chunks, cuts, refined
from .grid import Grid, Window
from .lattice import Lattice
from .sampling import split_over_cells


@dataclass(frozen=True)
class Overlap:
    """Areas shared by pixels and cells.

    Attributes
    ----------
    window : Window
        The part of the source grid that meets the cells.
    pixels, cells : int arrays, shape (n,)
        Flat numbers in the window and in the grid of cells.
    areas : float64 array, shape (n,)
        Shared area, in cells.
    """

    window: Window
    pixels: np.ndarray
    cells: np.ndarray
    areas: np.ndarray

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return self.pixels.nbytes + self.cells.nbytes + self.areas.nbytes


def overlap(source: Grid, target: Grid, windows: Sequence[Window], progress: Progress = SILENT) -> Overlap:
    """The overlap of some pixels of `source` with the cells of `target`, whatever their CRS.

    Pixels are cut into parts at most 1/64 of a cell wide, or cells where pixels are much larger, as
    `area_means` does.

    Parameters
    ----------
    source, target : Grid
    windows : sequence of Window
        The pixels, see `sources.windows_over`; the windows share none.
    progress : Progress
        Asked for cancellation.
    """
    hull = window_around(windows)
    found = [
        part
        for window in windows
        for part in _shared(_Part(source.crop(window), window, hull), target, progress)
    ]
    if not found:
        none = np.empty(0, np.int64)
        return Overlap(hull, none, none, np.empty(0))
    size = target.width * target.height
    keys, inverse = np.unique(np.concatenate([keys for keys, _ in found]), return_inverse=True)
    areas = np.bincount(inverse, np.concatenate([areas for _, areas in found]), len(keys))
    return Overlap(hull, keys // size, keys % size, areas)


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
        return self.numbers_of(rows[:, None], cols[None, :])

    def numbers_of(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Flat numbers in the hull of pixels of the grid."""
        down, right = self.window.row - self.hull.row, self.window.col - self.hull.col
        return (rows + down) * self.hull.width + cols + right


def _shared_by_cells(
    source: _Part, cut: CellParts, target: Grid, progress: Progress
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The same, a chunk of parts of cells at a time."""
    for chunk in chunks(cut.fine):
        progress.check()
        rows, cols, cells, areas = cut.shares(chunk)
        if not cells.size:
            continue
        keys, inverse = np.unique(
            source.numbers_of(rows, cols) * (target.width * target.height) + cells, return_inverse=True
        )
        yield keys, np.bincount(inverse, areas, len(keys))


def _shared(source: _Part, target: Grid, progress: Progress) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Keys (pixel x number of cells + cell) and shared areas, a chunk of pixel parts at a time."""
    lattice = Lattice(source.grid, target, progress)
    cut = cell_parts(lattice, SUBPIXELS_A_CELL, progress)
    if cut is not None:
        yield from _shared_by_cells(source, cut, target, progress)
        return
    down, right = cuts(lattice.longest_sides, SUBPIXELS_A_CELL)
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
