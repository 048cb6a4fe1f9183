"""SMAP's cells, the sub-cells that they are cut into, and what the footprint does to them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...base.progress import check_cancelled
from ...geo.grid import Grid, Window
from ...geo.ground import ground_size

#: Full width at half maximum of a Gaussian, in standard deviations.
FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
#: How far the footprint reaches, in standard deviations, and in full widths.
_REACH = 3.5
REACH_IN_WIDTHS = _REACH / FWHM
#: Sides of a sub-cell, km, and sub-cells along the side of a cell, at most.
_PART_KM, _MOST_PARTS = 3.0, 11
#: A cell enters where so much of it, and of the weight of its footprint, lies on valid stack.
LEAST_OF_CELL, LEAST_OF_FOOTPRINT = 0.5, 0.9


@dataclass(frozen=True)
class SubCells:
    """Cells of a window of the SMAP grid, each cut into `parts` x `parts` sub-cells.

    Parameters
    ----------
    corner : tuple of int
        Row and column of the first cell in the SMAP grid; may lie outside of it.
    shape : tuple of int
        Rows and columns of cells.
    parts : int
        Sub-cells along the side of a cell, odd.
    cell_km : tuple of float
        Height and width of a cell on the ground, km.
    """

    corner: tuple[int, int]
    shape: tuple[int, int]
    parts: int
    cell_km: tuple[float, float]

    @property
    def fine_shape(self) -> tuple[int, int]:
        """Rows and columns of sub-cells."""
        return self.shape[0] * self.parts, self.shape[1] * self.parts

    @property
    def part_km(self) -> tuple[float, float]:
        """Height and width of a sub-cell, km."""
        return self.cell_km[0] / self.parts, self.cell_km[1] / self.parts

    def positions(self, rows: np.ndarray, cols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns in sub-cells of places in the SMAP grid, both in fractions, float64."""
        return (rows - self.corner[0]) * self.parts, (cols - self.corner[1]) * self.parts

    def holds(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Whether places, in sub-cells, lie in it: bool, their shape."""
        high, wide = self.fine_shape
        return np.asarray((rows >= 0) & (rows < high) & (cols >= 0) & (cols < wide))

    def part_grid(self, grid: Grid) -> Grid:
        """The sub-cells as a grid; `grid` is SMAP's."""
        width, height = grid.cell_width / self.parts, grid.cell_height / self.parts
        left = grid.left + self.corner[1] * grid.cell_width
        top = grid.top - self.corner[0] * grid.cell_height
        return Grid(grid.crs, left, top, width, height, self.fine_shape[1], self.fine_shape[0])

    def cells_of_parts(self) -> np.ndarray:
        """Flat number of the cell of each sub-cell: int64, shape (fine rows, fine columns)."""
        rows, cols = (np.arange(size) // self.parts for size in self.fine_shape)
        found: np.ndarray = rows[:, None] * self.shape[1] + cols
        return found

    def mean_over_cells(self, values: np.ndarray) -> np.ndarray:
        """Means over the sub-cells of each cell: (fine rows, fine columns, ...) -> (rows, columns, ...)."""
        (rows, cols), parts = self.shape, self.parts
        found: np.ndarray = values.reshape(rows, parts, cols, parts, *values.shape[2:]).mean(axis=(1, 3))
        return found


def subcells_of(grid: Grid, cells: np.ndarray, reach_km: float) -> SubCells:
    """The sub-cells of some cells and of what lies within a footprint around them.

    Parameters
    ----------
    grid : Grid
        SMAP's.
    cells : int, shape (n, 2)
        Rows and columns.
    reach_km : float
        Full width of the widest footprint that is thought of.
    """
    first, last = cells.min(axis=0), cells.max(axis=0)
    middle = (first + last) // 2
    height, width = ground_size(grid.crop(Window(int(middle[0]), int(middle[1]), 1, 1)))
    cell_km = height / 1000.0, width / 1000.0
    margin = [max(1, math.ceil(reach_km * REACH_IN_WIDTHS / km)) for km in cell_km]
    parts = min(max(1, round(math.sqrt(cell_km[0] * cell_km[1]) / _PART_KM)), _MOST_PARTS)
    parts -= parts % 2 == 0
    corner = int(first[0]) - margin[0], int(first[1]) - margin[1]
    shape = tuple(int(size) + 2 * more for size, more in zip(last - first + 1, margin))
    return SubCells(corner, (shape[0], shape[1]), parts, cell_km)


def footprint_kernels(subcells: SubCells, footprint_km: float) -> tuple[np.ndarray, np.ndarray]:
    """The footprint over sub-cells, down and across: float64, each of sum 1; (1,) where there is none."""
    sigma = footprint_km / FWHM
    return _gaussian(sigma, subcells.part_km[0]), _gaussian(sigma, subcells.part_km[1])


def _gaussian(sigma: float, step: float) -> np.ndarray:
    if sigma <= 0:
        return np.ones(1)
    reach = math.ceil(_REACH * sigma / step)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * step / sigma) ** 2)
    return np.asarray(kernel / kernel.sum())


def seen_by_cells(values: np.ndarray, subcells: SubCells, footprint_km: float) -> np.ndarray:
    """Means over the cells of images over sub-cells that the footprint has blurred; nothing lies beyond.

    Parameters
    ----------
    values : float64, shape (fine rows, fine columns, ...)

    Returns
    -------
    float64, shape (rows, columns, ...)
    """
    if footprint_km <= 0:
        return subcells.mean_over_cells(values)
    down, across = (
        _weights(kernel, cells, subcells.parts)
        for kernel, cells in zip(footprint_kernels(subcells, footprint_km), subcells.shape)
    )
    check_cancelled()
    high, wide = subcells.fine_shape
    # There may be no columns at all, of which no size can be told from the others.
    columns = math.prod(values.shape[2:])
    of_rows = (down @ values.reshape(high, wide * columns)).reshape(down.shape[0], wide, columns)
    check_cancelled()
    found = np.stack([across @ row for row in of_rows])
    return found.reshape(*subcells.shape, *values.shape[2:])


def _weights(kernel: np.ndarray, cells: int, parts: int) -> Any:
    """What each of a line of cells takes of its sub-cells: a sparse matrix, shape (cells, sub-cells)."""
    from scipy.sparse import csr_matrix

    # Blur and mean at once.
    of_cell = np.convolve(kernel, np.full(parts, 1.0 / parts))
    at = np.arange(cells)[:, None] * parts + np.arange(len(of_cell)) - len(kernel) // 2
    inside = (at >= 0) & (at < cells * parts)
    rows = np.broadcast_to(np.arange(cells)[:, None], at.shape)
    weights = np.broadcast_to(of_cell, at.shape)
    return csr_matrix((weights[inside], (rows[inside], at[inside])), (cells, cells * parts))


@dataclass(frozen=True, eq=False)
class Sights:
    """What cells see of images over sub-cells through one footprint.

    Parameters
    ----------
    subcells : SubCells
    share : float64, shape (fine rows, fine columns)
        Valid share of each sub-cell.
    footprint_km : float
    """

    subcells: SubCells
    share: np.ndarray
    footprint_km: float

    @cached_property
    def weight(self) -> np.ndarray:
        """Share of the footprint of each cell that lies on valid stack: float64, shape (rows, columns)."""
        return seen_by_cells(self.share, self.subcells, self.footprint_km)

    @property
    def usable(self) -> np.ndarray:
        """Which cells enter: bool, shape (rows, columns)."""
        whole = self.subcells.mean_over_cells(self.share) >= LEAST_OF_CELL
        return whole & (self.weight >= LEAST_OF_FOOTPRINT) if self.footprint_km > 0 else whole

    def of(self, images: np.ndarray) -> np.ndarray:
        """blur(image x share) / blur(share) over each cell.

        Parameters
        ----------
        images : float64, shape (fine rows, fine columns, ...)

        Returns
        -------
        float64, shape (rows, columns, ...)
        """
        extra = (1,) * (images.ndim - 2)
        summed = seen_by_cells(
            images * self.share.reshape(*self.share.shape, *extra), self.subcells, self.footprint_km
        )
        weight = self.weight.reshape(*self.weight.shape, *extra)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(weight > 0, summed / weight, 0.0)


def blocks_of(cells: np.ndarray, most: int, side: int = 10) -> np.ndarray:
    """Which of many cells variances are estimated on: whole blocks spread over the area, bool, shape (n,).

    Scattered cells tell nothing of the footprint.

    Parameters
    ----------
    cells : int, shape (n, 2)
    most : int
        About how many.
    side : int
        Of a block, in cells.
    """
    if len(cells) <= most:
        return np.ones(len(cells), bool)
    block = (cells - cells.min(axis=0)) // side
    key = block[:, 0] * (block[:, 1].max() + 1) + block[:, 1]
    names, counts = np.unique(key, return_counts=True)
    full = names[counts >= 0.6 * counts.max()]
    wanted = min(max(int(most // counts.max()), 1), len(full))
    chosen = full[np.linspace(0, len(full) - 1, wanted).round().astype(int)]
    return np.isin(key, chosen)


def spread_evenly(count: int, most: int) -> list[int]:
    """At most so many of `count` numbers, evenly spread."""
    places = np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
    return [int(place) for place in places]
