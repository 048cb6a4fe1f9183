"""Where the demo basin lies and how large it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from ....geo.grid import Grid, Window, ease2_grid
from .settings import BLOCK, PIXEL

#: CRS of the truth: UTM zone 19 South, in the Andes near the border of Peru and Bolivia.
FINE_CRS = "EPSG:32719"
GEOGRAPHIC_CRS = "EPSG:4326"
#: The middle of the basin there, m.
CENTRE_X, CENTRE_Y = 348_000.0, 8_495_000.0
#: A SMAP cell's area on the ground, m2 (the grid is an equal-area one).
CELL_AREA = ease2_grid("9 km").cell_width ** 2
#: Share of a cell that must be seen for it to have a value.
LEAST_COVER = 0.95
#: Superellipse of the planned outline: exponent, and length over width.
_EXPONENT, _STRETCH = 3.0, 1.2
#: Land around the outline that still belongs to the data, m.
_MARGIN = 5_000.0
#: Exact coordinates of points: x, y (both (n,)) -> x, y in the other CRS.
Transform = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
_DEGREE = 9


@dataclass(frozen=True)
class Plan:
    """The fine grid, and how far inside the planned outline each drainage block lies.

    Attributes
    ----------
    grid : Grid
        Pixels of 100 m; rows and columns are multiples of `BLOCK`.
    along, across : ndarray
        Position of the blocks' centres: -1 to 1 from the head to the mouth, and from
        the left to the right rim; shapes (1, block columns) and (block rows, 1).
    radius : ndarray
        0 in the middle, 1 on the outline, above 1 outside; shape (block rows, block columns).
    """

    grid: Grid
    along: np.ndarray
    across: np.ndarray
    radius: np.ndarray


def plan_basin(area: float, rng: np.random.Generator) -> Plan:
    """A plan for a basin of about `area` m2, with a wavy outline, open to the east."""
    unit_area = 4.0 * math.gamma(1 + 1 / _EXPONENT) ** 2 / math.gamma(1 + 2 / _EXPONENT)
    half_width = math.sqrt(area / unit_area / _STRETCH)
    half_length = half_width * _STRETCH
    grid = _grid(half_length + _MARGIN, half_width + _MARGIN)
    cell = PIXEL * BLOCK
    east = (np.arange(grid.width // BLOCK) + 0.5) * cell - grid.width * PIXEL / 2
    north = grid.height * PIXEL / 2 - (np.arange(grid.height // BLOCK) + 0.5) * cell
    along, across = (east / half_length)[None, :], (north / half_width)[:, None]
    radius = (np.abs(along) ** _EXPONENT + np.abs(across) ** _EXPONENT) ** (1 / _EXPONENT)
    angle = np.arctan2(across, along)
    for order in (3, 4, 5, 7):
        size, phase = 0.03 * rng.standard_normal(), rng.uniform(0, 2 * np.pi)
        radius = radius * (1 + np.clip(size, -0.04, 0.04) * np.cos(order * angle + phase))
    return Plan(grid, along, across, radius)


def _grid(half_length: float, half_width: float) -> Grid:
    side = PIXEL * BLOCK
    cols, rows = math.ceil(2 * half_length / side) * BLOCK, math.ceil(2 * half_width / side) * BLOCK
    left = round((CENTRE_X - cols * PIXEL / 2) / PIXEL) * PIXEL
    top = round((CENTRE_Y + rows * PIXEL / 2) / PIXEL) * PIXEL
    return Grid(FINE_CRS, left, top, PIXEL, PIXEL, cols, rows)


@dataclass(frozen=True)
class SmapCells:
    """Which SMAP cell each fine pixel belongs to.

    Attributes
    ----------
    grid : Grid
        A window of the global 9 km EASE-Grid 2.0.
    cell_of : ndarray
        Flat index into `grid` of the cell that holds each pixel's centre, int32, shape of the fine grid.
    ground_width, ground_height : float
        Sizes of a cell on the ground here, m (the grid is true to area, not to shape).
    """

    grid: Grid
    cell_of: np.ndarray
    ground_width: float
    ground_height: float

    @property
    def whole_count(self) -> float:
        """Pixels that a wholly covered cell holds."""
        return CELL_AREA / PIXEL**2

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sums of `values` (fine shape) over the cells, float64, shape of `grid`."""
        total = np.bincount(self.cell_of.ravel(), values.ravel(), self.grid.width * self.grid.height)
        return np.asarray(total.reshape(self.grid.shape))

    def counts(self, where: np.ndarray) -> np.ndarray:
        """Number of true pixels of `where` in each cell, int, shape of `grid`."""
        cells = np.bincount(self.cell_of[where], minlength=self.grid.width * self.grid.height)
        return np.asarray(cells.reshape(self.grid.shape))


def smap_cells(fine: Grid, to_ease: Transform) -> SmapCells:
    """Assign the pixels of `fine` to the 9 km cells, by their centres."""
    whole = ease2_grid("9 km")
    x, y = pixel_coordinates(fine, to_ease)
    col = np.floor((x - whole.left) / whole.cell_width).astype(np.int32)
    row = np.floor((whole.top - y) / whole.cell_height).astype(np.int32)
    window = Window(
        int(row.min()), int(col.min()), int(row.max() - row.min()) + 1, int(col.max() - col.min()) + 1
    )
    cell_of = (row - window.row) * window.width + (col - window.col)
    ground_width = fine.width * PIXEL * whole.cell_width / float(x[:, -1].mean() - x[:, 0].mean())
    ground_height = fine.height * PIXEL * whole.cell_height / float(y[0].mean() - y[-1].mean())
    return SmapCells(whole.crop(window), cell_of, ground_width, ground_height)


def centre_pixels(fine: Grid, cells: SmapCells) -> np.ndarray:
    """Flat index of the fine pixel in the middle of each cell, -1 for cells not wholly on the grid.

    Shape of `cells.grid`.
    """
    row, col = np.divmod(np.arange(fine.width * fine.height), fine.width)
    count = cells.counts(np.ones(fine.shape, bool))
    inside = count >= LEAST_COVER * cells.whole_count
    index = np.full(cells.grid.shape, -1)
    mean_row = cells.sums(row)[inside] / count[inside]
    mean_col = cells.sums(col)[inside] / count[inside]
    index[inside] = np.rint(mean_row).astype(int) * fine.width + np.rint(mean_col).astype(int)
    return index


def pixel_coordinates(grid: Grid, transform: Transform) -> tuple[np.ndarray, np.ndarray]:
    """x and y of the pixel centres of `grid` in the CRS of `transform`, float64, shape (rows, columns).

    A polynomial through exact nodes: a map projection over a few hundred kilometres is so smooth that a
    tensor product of Chebyshev polynomials of degree 9 through 10 x 10 exact points agrees with it to well
    below a millimetre, at the cost of two small products.
    """
    bounds = grid.bounds
    nodes = chebyshev.chebpts1(_DEGREE + 1)
    node_x = _to_range(nodes, bounds.left, bounds.right)
    node_y = _to_range(nodes, bounds.bottom, bounds.top)
    mesh_x, mesh_y = np.meshgrid(node_x, node_y)
    u = _to_unit(grid.x_centres(), bounds.left, bounds.right)
    v = _to_unit(grid.y_centres(), bounds.bottom, bounds.top)
    exact_x, exact_y = transform(mesh_x.ravel(), mesh_y.ravel())
    return (_evaluate(nodes, exact_x, u, v), _evaluate(nodes, exact_y, u, v))


def _to_range(unit: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.asarray(low + (unit + 1.0) * (high - low) / 2.0)


def _to_unit(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.asarray(2.0 * (values - low) / (high - low) - 1.0)


def _evaluate(nodes: np.ndarray, exact: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Values at (v, u) of the polynomial through `exact` at the nodes, y before x."""
    table = np.asarray(exact).reshape(nodes.size, nodes.size)
    inverse = np.linalg.inv(chebyshev.chebvander(nodes, _DEGREE))
    coefficients = inverse @ table @ inverse.T
    return np.asarray(chebyshev.chebvander(v, _DEGREE) @ coefficients @ chebyshev.chebvander(u, _DEGREE).T)
