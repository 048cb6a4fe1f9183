"""Sampling coarse arrays at fractional positions, and area-weighted means on cells.

A position is a pair of fractional row and column numbers in which 0.0 is the
outer edge of the first cell: the cell that holds a point is its floor, and
cell centres lie at .5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

AUTO, BILINEAR, MEAN, NEAREST = "auto", "bilinear", "mean", "nearest"
RESAMPLINGS = (AUTO, BILINEAR, MEAN, NEAREST)

#: Slack of the least covered share: areas come from a Jacobian at pixel centres.
SHARE_TOLERANCE = 1e-3


def nearest(values: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """The value of the cell that holds each point.

    Parameters
    ----------
    values : ndarray, shape (height, width)
    rows, cols : ndarray
        Positions, one shape; may lie outside or be NaN.

    Returns
    -------
    ndarray of the shape of `rows`, float64; NaN outside.
    """
    height, width = values.shape
    inside, row, col = cells_of(rows, cols, (height, width))
    return np.where(inside, values[row, col], np.nan)


def cells_of(
    rows: np.ndarray, cols: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whether each point lies in an array of `shape`, and its cell's row and column (0, 0 outside)."""
    with np.errstate(invalid="ignore"):
        inside = (rows >= 0) & (rows < shape[0]) & (cols >= 0) & (cols < shape[1])
    # Truncation is the floor of what is not negative.
    row = np.where(inside, rows, 0.0).astype(np.intp)
    col = np.where(inside, cols, 0.0).astype(np.intp)
    return inside, row, col


def bilinear(values: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """The values of `Between`, once.

    Parameters
    ----------
    values : ndarray, shape (height, width)
        NaN where missing.
    rows, cols : ndarray
        Positions, one shape.

    Returns
    -------
    ndarray of the shape of `rows`, float64.
    """
    return Between(values.shape, rows, cols).of(values)


class Between:
    """Bilinear interpolation between cell centres that neither invents nor spreads missing values.

    A point in a missing cell, or outside, is NaN.  Of the four neighbours the
    missing ones are left out and the weights of the others renormalised.
    Between the outermost centres and the edge the value stays that of the
    outermost centres.  What hangs on the points is worked out once.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the arrays.
    rows, cols : ndarray
        Positions, one shape.
    """

    def __init__(self, shape: tuple[int, ...], rows: np.ndarray, cols: np.ndarray):
        height, width = shape
        inside, row, col = cells_of(rows, cols, (height, width))
        self._shape, self._cell = inside.shape, np.where(inside, row * width + col, -1).ravel()
        self._cell = self._cell.astype(np.int32)
        places = (np.where(inside, own, 0.5).ravel() for own in (rows, cols))
        self._weights = bilinear_weights((height, width), *places)
        self._total = self._weights @ np.ones(height * width)

    def of(self, values: np.ndarray) -> np.ndarray:
        """At the points: float64, of their shape.

        Parameters
        ----------
        values : ndarray, shape (height, width)
            NaN where missing.
        """
        flat = np.asarray(values, np.float64).ravel()
        known, inside, total = np.isfinite(flat), self._cell >= 0, self._total
        if not known.all():
            flat, total = np.where(known, flat, 0.0), self._weights @ known.astype(np.float64)
            inside &= known[self._cell]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(inside, self._weights @ flat / total, np.nan).reshape(self._shape)

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        weights = self._weights
        arrays = self._cell, self._total, weights.data, weights.indices, weights.indptr
        return sum(own.nbytes for own in arrays)


def bilinear_weights(shape: tuple[int, int], rows: np.ndarray, cols: np.ndarray) -> csr_matrix:
    """Weights of an array's cells in values bilinear between their centres, beyond them those at the edge.

    Parameters
    ----------
    shape : tuple of int
        Of the array.
    rows, cols : float64, shape (n,)
        Positions.

    Returns
    -------
    csr_matrix, shape (n, cells)
    """
    from scipy.sparse import csr_matrix

    high, wide = shape
    row, down = _between_centres(rows, high)
    col, right = _between_centres(cols, wide)
    below, beyond = np.minimum(row + 1, high - 1), np.minimum(col + 1, wide - 1)
    places = np.empty((len(rows), 4), np.int32)
    weights = np.empty((len(rows), 4))
    for number, (r, c, v, h) in enumerate(
        (
            (row, col, 1.0 - down, 1.0 - right),
            (row, beyond, 1.0 - down, right),
            (below, col, down, 1.0 - right),
            (below, beyond, down, right),
        )
    ):
        places[:, number] = r * wide + c
        weights[:, number] = v * h
    begins = np.arange(0, 4 * len(rows) + 1, 4, dtype=np.int32)
    return csr_matrix((weights.ravel(), places.ravel(), begins), shape=(len(rows), high * wide))


def _between_centres(position: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The cell whose centre lies before a point, and the share of the way to the next centre."""
    clamped = np.clip(position - 0.5, 0.0, size - 1.0)
    before = clamped.astype(np.int32)
    return before, clamped - before


def split_over_cells(
    rows: np.ndarray,
    cols: np.ndarray,
    size: tuple[float, float],
    areas: np.ndarray,
    shape: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share pixels out among the cells that they touch.

    Pixels are taken as upright boxes around their centres.  With one CRS that
    is exact; for pixels turned against the cells `size` is the box of the same
    variance, whose errors at a cell's edges are small and cancel.

    Parameters
    ----------
    rows, cols : ndarray, shape (n,)
        Positions of the pixel centres; may lie outside or be NaN.
    size : tuple of float
        Height and width of the pixels in cells, at most 1.
    areas : ndarray, shape (n,)
        Pixel areas in cells.
    shape : tuple of int
        Rows and columns of the grid of cells.

    Returns
    -------
    pixels, cells : ndarray of int, shape (m,)
        Number of the pixel, and flat number of the cell.
    areas : ndarray, shape (m,)
        Area of that pixel in that cell, in cells.
    """
    row0, row1, below = _straddled(rows, size[0])
    col0, col1, beyond = _straddled(cols, size[1])
    split = (below > 0) | (beyond > 0)
    parts = [_kept(np.flatnonzero(~split), row0, col0, areas, shape)]
    edge = np.flatnonzero(split)
    for row, down in ((row0, 1.0 - below), (row1, below)):
        for col, right in ((col0, 1.0 - beyond), (col1, beyond)):
            share = areas[edge] * down[edge] * right[edge]
            some = share > 0
            weights = np.zeros_like(areas)
            weights[edge] = share
            parts.append(_kept(edge[some], row, col, weights, shape))
    pixels, cells, shares = (np.concatenate(part) for part in zip(*parts))
    return pixels, cells, shares


def _straddled(position: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First and last cell under a box around each position, and the box's share in the last."""
    with np.errstate(invalid="ignore"):
        first = np.floor(position - size / 2)
        end = position + size / 2
        last = np.floor(end)
        share = np.where(last > first, (end - last) / size, 0.0)
    return first, last, share


def _kept(
    pixels: np.ndarray, row: np.ndarray, col: np.ndarray, areas: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    inside, r, c = cells_of(row[pixels], col[pixels], shape)
    return pixels[inside], (r * shape[1] + c)[inside], areas[pixels[inside]]


class CellSums:
    """Area-weighted sums of pixels on the cells of a grid, one row a band.

    Parameters
    ----------
    bands : int
    shape : tuple of int
        Rows and columns of the grid.
    """

    def __init__(self, bands: int, shape: tuple[int, int]):
        self.shape = shape
        self._sums = np.zeros((bands, shape[0] * shape[1]))
        self._areas = np.zeros((bands, shape[0] * shape[1]))

    def add(self, band: int, cells: np.ndarray, areas: np.ndarray, values: np.ndarray) -> None:
        """Add pixels to a band.

        Parameters
        ----------
        band : int
        cells : ndarray of int, shape (n,)
            Flat number of the cell that holds each pixel.
        areas : ndarray, shape (n,)
            Pixel areas in cells.
        values : ndarray, shape (n,)
            NaN where missing.
        """
        if not cells.size:
            return
        valid = np.isfinite(values)
        weights = np.where(valid, areas, 0.0)
        size = self._sums.shape[1]
        self._areas[band] += np.bincount(cells, weights, size)
        self._sums[band] += np.bincount(cells, weights * np.where(valid, values, 0.0), size)

    def shares(self, band: int) -> np.ndarray:
        """Share of each cell that valid pixels cover, shape (rows, columns)."""
        return self._areas[band].reshape(self.shape)

    def means(self, band: int, minimum_share: float) -> np.ndarray:
        """Area-weighted means, shape (rows, columns); NaN where less than `minimum_share` is covered."""
        areas = self._areas[band]
        enough = (areas > 0) & (areas >= minimum_share - SHARE_TOLERANCE)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(enough, self._sums[band] / areas, np.nan).reshape(self.shape)
