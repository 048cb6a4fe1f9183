"""Where the pixels of one grid lie on another: exact transforms on a lattice, bilinear in between.

A transform of every pixel would cost more than all else together, and a warp a
tile would differ from a warp of the whole.  Here the transform is computed at
nodes fixed by *global* row and column numbers, so that any window of a grid
gets the same bits as the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..base.errors import InputError
from ..base.progress import SILENT, Progress
from .datasets import same_crs, spatial_reference
from .grid import ALIGNMENT, Bounds, Grid, Window, columns_around

#: Side of a lattice square in pixels; halved until the error is small enough.
LATTICE_STEP = 16
_BATCH_NODES = 100_000
_EDGE_POINTS = 101
_INNER_POINTS = 11
_MIDDLE_OF_INNER = -(_INNER_POINTS**2 // 2 + 1)

Positions = tuple[np.ndarray, np.ndarray]


class Transformation:
    """Points from one CRS to another, x before y; failures are NaN.

    Where two CRS have several transformations between them, PROJ chooses the best for each point.
    Threads may share it: pyproj makes a transformer for each of them.

    Raises
    ------
    InputError
        If one is no CRS, or there is no way between the two.
    """

    def __init__(self, crs_from: str, crs_to: str):
        self._transformer = None if same_crs(crs_from, crs_to) else _transformer(crs_from, crs_to)

    def __call__(self, x: np.ndarray, y: np.ndarray) -> Positions:
        """Transform arrays of one shape; returns float64 arrays of that shape."""
        x, y = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
        if self._transformer is not None:
            x, y = self._transformer.transform(x, y)
        lost = ~(np.isfinite(x) & np.isfinite(y))
        return np.where(lost, np.nan, x), np.where(lost, np.nan, y)


@lru_cache(maxsize=32)
def _transformer(crs_from: str, crs_to: str) -> Any:
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    # As GDAL reads them, so that both libraries mean the same CRS.
    ends = [spatial_reference(crs).ExportToWkt(["FORMAT=WKT2_2019"]) for crs in (crs_from, crs_to)]
    try:
        return Transformer.from_crs(*ends, always_xy=True)
    except ProjError:
        raise InputError(
            f"There is no transformation from {crs_from[:60]!r} to {crs_to[:60]!r}; "
            "reproject the layer first."
        ) from None


def transform_bounds(bounds: Bounds, crs_from: str, crs_to: str) -> Bounds:
    """The box around `bounds` in another CRS: edges at 101 points a side, and points inside.

    Raises
    ------
    InputError
        If no point of the box can be transformed.
    """
    if same_crs(crs_from, crs_to):
        return bounds
    edge, inner = np.linspace(0, 1, _EDGE_POINTS), np.linspace(0, 1, _INNER_POINTS)
    grid_u, grid_v = (part.ravel() for part in np.meshgrid(inner, inner))
    zero, one = np.zeros_like(edge), np.ones_like(edge)
    u = np.concatenate([edge, edge, zero, one, grid_u])
    v = np.concatenate([zero, one, edge, edge, grid_v])
    x, y = Transformation(crs_from, crs_to)(
        bounds.left + u * (bounds.right - bounds.left), bounds.bottom + v * (bounds.top - bounds.bottom)
    )
    if is_geographic(crs_to):
        x = _beside(x, float(x[_MIDDLE_OF_INNER]))
    if not np.isfinite(x).any():
        raise InputError(
            f"The extent {bounds.left:g}, {bounds.right:g}, {bounds.bottom:g}, {bounds.top:g} "
            f"[{crs_from[:60]}] cannot be transformed to {crs_to[:60]!r}; choose another CRS."
        )
    return Bounds(float(np.nanmin(x)), float(np.nanmin(y)), float(np.nanmax(x)), float(np.nanmax(y)))


def is_geographic(crs: str) -> bool:
    """Whether coordinates are degrees of longitude and latitude."""
    return bool(spatial_reference(crs).IsGeographic())


def goes_around(grid: Grid) -> int:
    """How many columns of a grid of degrees lead once around the earth; 0 where they do not."""
    return columns_around(grid.cell_width, grid.width) if is_geographic(grid.crs) else 0


def cell_text(grid: Grid) -> str:
    """`100 m`, `3 km` or `0.05°`."""
    if is_geographic(grid.crs):
        return f"{grid.cell_width:.3g}°"
    side, unit = (grid.cell_width / 1000, "km") if grid.cell_width >= 999.5 else (grid.cell_width, "m")
    # SMAP's 9.008 km are 9 km to everybody.
    digits = 2 if abs(float(f"{side:.2g}") / side - 1) < 0.002 else 3
    return f"{float(f'{side:.{digits}g}'):g} {unit}"


class Lattice:
    """Maps the pixels of a `source` grid to fractional rows and columns of a `target` grid.

    Position 0.0 is the outer edge of the target's first cell, so that the
    index of the cell that holds a point is its floor.  Positions may lie
    outside the target; where the transform fails they are NaN.  With one CRS
    the arithmetic is exact, else it is bilinear between nodes that are exact
    and at most `ALIGNMENT` of a pixel off at the middle of a square.

    Immutable once made: threads may share it.

    Raises
    ------
    InputError
        If there is no transformation between the two CRS.
    """

    def __init__(self, source: Grid, target: Grid, progress: Progress = SILENT):
        self.source, self.target = source, target
        self._nodes: _Nodes | None = None
        if not same_crs(source.crs, target.crs):
            self._nodes = _fine_enough_nodes(source, target, progress)

    @property
    def step(self) -> int:
        """Side of a lattice square in pixels; 0 where no lattice is needed."""
        return self._nodes.step if self._nodes else 0

    def positions(self, window: Window | None = None) -> Positions:
        """Rows and columns in the target of the pixel centres of a window, float64, its shape."""
        window = window or self.source.whole
        rows, cols = _centres(window)
        if self._nodes is None:
            target_rows, target_cols = self._straight(rows, cols)
            shape = (window.height, window.width)
            return np.broadcast_to(target_rows, shape).copy(), np.broadcast_to(target_cols, shape).copy()
        return self._nodes.over(rows, cols, self._nodes.rows), self._nodes.over(rows, cols, self._nodes.cols)

    def at(self, rows: np.ndarray, cols: np.ndarray) -> Positions:
        """The same for any points: float64, of the shape of `rows` and `cols`.

        These are fractional rows and columns of the source, in which the centres are at .5.
        """
        if self._nodes is None:
            return self._straight(rows, cols)
        return self._nodes.at(rows, cols)

    def areas(self, window: Window | None = None) -> np.ndarray:
        """Area of each pixel of a window in target cells, float64, its shape (the Jacobian at its centre)."""
        window = window or self.source.whole
        rows, cols = _centres(window)
        if self._nodes is None:
            area = (
                self.source.cell_width
                / self.target.cell_width
                * (self.source.cell_height / self.target.cell_height)
            )
            return np.full((window.height, window.width), area)
        return self._nodes.over(rows, cols, self._nodes.areas)

    def pixel_size(self, window: Window | None = None) -> tuple[float, float]:
        """Height and width of a pixel in target rows and columns, mean over a window.

        For pixels turned against the target it is the size of the upright box
        whose variance is the same.
        """
        if self._nodes is None:
            return (
                self.source.cell_height / self.target.cell_height,
                self.source.cell_width / self.target.cell_width,
            )
        return self._nodes.pixel_size(window or self.source.whole)

    @property
    def longest_sides(self) -> tuple[float, float]:
        """How far a step of one pixel down, and one to the right, leads at most, in target cells."""
        if self._nodes is None:
            return self.pixel_size()
        return self._nodes.longest_sides

    def _straight(self, rows: np.ndarray, cols: np.ndarray) -> Positions:
        source, target = self.source, self.target
        return (
            ((target.top - source.top) + rows * source.cell_height) / target.cell_height,
            ((source.left - target.left) + cols * source.cell_width) / target.cell_width,
        )


def _centres(window: Window) -> Positions:
    rows = (window.row + np.arange(window.height) + 0.5)[:, None]
    cols = (window.col + np.arange(window.width) + 0.5)[None, :]
    return rows, cols


@dataclass(frozen=True)
class _Nodes:
    """Exact positions at every `step`-th pixel centre, to the next node beyond the edge."""

    step: int
    rows: np.ndarray
    cols: np.ndarray
    areas: np.ndarray
    heights: np.ndarray
    widths: np.ndarray
    longest_sides: tuple[float, float]

    def pixel_size(self, window: Window) -> tuple[float, float]:
        """See `Lattice.pixel_size`."""
        first_row, first_col = window.row // self.step, window.col // self.step
        last_row = (window.row + window.height - 1) // self.step + 2
        last_col = (window.col + window.width - 1) // self.step + 2
        part = slice(first_row, last_row), slice(first_col, last_col)
        return _mean(self.heights[part]), _mean(self.widths[part])

    def _split(self, centres: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Number of the node before a point, and the share of the way to the next."""
        position = (centres - 0.5) / self.step
        node = np.clip(np.floor(position).astype(np.intp), 0, size - 2)
        return node, position - node

    def over(self, rows: np.ndarray, cols: np.ndarray, field: np.ndarray) -> np.ndarray:
        """A field on the product of a column of rows and a row of columns."""
        i, t = self._split(rows[:, 0], field.shape[0])
        j, u = self._split(cols[0], field.shape[1])
        first, last = int(j.min()), int(j.max()) + 2
        upper, lower = field[i, first:last], field[i + 1, first:last]
        along = upper + (lower - upper) * t[:, None]
        left, right = along[:, j - first], along[:, j - first + 1]
        right -= left
        right *= u
        right += left
        return right

    def at(self, rows: np.ndarray, cols: np.ndarray) -> Positions:
        """Positions of points given as arrays of one shape; the arithmetic of `over`."""
        i, t = self._split(rows, self.rows.shape[0])
        j, u = self._split(cols, self.rows.shape[1])
        start = i * self.rows.shape[1] + j
        return self._gather(self.rows, start, t, u), self._gather(self.cols, start, t, u)

    @staticmethod
    def _gather(field: np.ndarray, start: np.ndarray, t: np.ndarray, u: np.ndarray) -> np.ndarray:
        flat, width = field.ravel(), field.shape[1]
        upper, lower = flat[start], flat[start + width]
        left = upper + (lower - upper) * t
        upper, lower = flat[start + 1], flat[start + width + 1]
        right = upper + (lower - upper) * t
        return left + (right - left) * u


def _fine_enough_nodes(source: Grid, target: Grid, progress: Progress) -> _Nodes:
    exact = _ExactPositions(source, target)
    step = LATTICE_STEP
    while True:
        nodes = _nodes(exact, step, progress)
        if step == 1 or _error(nodes, exact, progress) <= ALIGNMENT:
            return nodes
        # A fold of the CRS (180 degrees) is never fine enough: go to single pixels in two strides.
        step //= 4


class _ExactPositions:
    def __init__(self, source: Grid, target: Grid):
        self.source, self.target = source, target
        self._transform = Transformation(source.crs, target.crs)
        self._wraps = is_geographic(target.crs)

    def __call__(self, rows: np.ndarray, cols: np.ndarray, progress: Progress) -> Positions:
        """Positions on the product of 1-D source rows and columns, in batches of whole rows."""
        out_rows, out_cols = (np.empty((len(rows), len(cols))) for _ in range(2))
        batch = max(1, _BATCH_NODES // len(cols))
        for start in range(0, len(rows), batch):
            progress.check()
            part = slice(start, start + batch)
            x, y = self._transform(
                self.source.left + cols[None, :] * self.source.cell_width,
                self.source.top - rows[part, None] * self.source.cell_height,
            )
            if self._wraps:
                x = _near(x, self.target)
            out_rows[part] = (self.target.top - y) / self.target.cell_height
            out_cols[part] = (x - self.target.left) / self.target.cell_width
        return out_rows, out_cols


def _near(longitude: np.ndarray, grid: Grid) -> np.ndarray:
    """Longitudes in the half turn either side of a grid that may run from 0 to 360 degrees."""
    return _beside(longitude, (grid.bounds.left + grid.bounds.right) / 2)


def _beside(longitude: np.ndarray, centre: float) -> np.ndarray:
    """Longitudes in the half turn either side of one; as they are where that is NaN."""
    longitude = np.where(longitude < centre - 180.0, longitude + 360.0, longitude)
    return np.where(longitude > centre + 180.0, longitude - 360.0, longitude)


def _nodes(exact: _ExactPositions, step: int, progress: Progress) -> _Nodes:
    # Three nodes at least, for gradients of second order.
    numbers = [np.arange(max((size - 1) // step + 2, 3)) * step + 0.5 for size in exact.source.shape]
    rows, cols = exact(numbers[0], numbers[1], progress)
    row_down, row_right = np.gradient(rows, step, edge_order=2)
    col_down, col_right = np.gradient(cols, step, edge_order=2)
    areas = np.abs(row_down * col_right - row_right * col_down)
    sides = (
        max(_largest(np.abs(row_down)), _largest(np.abs(col_down))),
        max(_largest(np.abs(row_right)), _largest(np.abs(col_right))),
    )
    return _Nodes(
        step, rows, cols, areas, np.hypot(row_down, row_right), np.hypot(col_down, col_right), sides
    )


def _mean(values: np.ndarray) -> float:
    valid = values[np.isfinite(values)]
    return float(valid.mean()) if valid.size else 1.0


def _largest(values: np.ndarray) -> float:
    valid = values[np.isfinite(values)]
    return float(valid.max()) if valid.size else 0.0


def _error(nodes: _Nodes, exact: _ExactPositions, progress: Progress) -> float:
    """Largest distance from the exact position at the middle of a square, in source pixels."""
    middle = [(np.arange(size - 1) + 0.5) * nodes.step + 0.5 for size in nodes.rows.shape]
    truth = exact(middle[0], middle[1], progress)
    found_rows = nodes.over(middle[0][:, None], middle[1][None, :], nodes.rows)
    found_cols = nodes.over(middle[0][:, None], middle[1][None, :], nodes.cols)
    pixel = np.sqrt(nodes.areas)[:-1, :-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.hypot(found_rows - truth[0], found_cols - truth[1]) / pixel
    # Squares at the edge of what the CRS can hold are worth single pixels.
    lost = np.isnan(error) & np.isfinite(truth[0])
    if lost.any():
        return float("inf")
    return float(np.nanmax(error)) if np.isfinite(error).any() else 0.0
