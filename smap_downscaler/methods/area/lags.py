"""Covariances of the field and of the noise between cells and sub-cells, by lag.

The field s has the covariance v sum_k q_k exp(-d / l_k), with l_k = .6 2^k km, k = 0...9, and q_k ~ l_k^(2H)
normalised to 1: self-similar from half a kilometre to 300 km.  SMAP sees it blurred by its footprint, a
Gaussian, and averaged over a cell.  Cells lie on a regular grid, so all covariances hang on the lag alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...base.progress import check_cancelled
from .subcells import FWHM, SubCells, footprint_kernels

#: Lengths of the field, km.
LENGTHS = 0.6 * 2.0 ** np.arange(10)
#: Nodes of the quadrature in half a sub-cell, for lags up to so many sub-cells and beyond.
_NODES, _NEAR, _FAR_NODES = 12, 2, 2


def weights_of_lengths(hurst: float) -> np.ndarray:
    """q_k: float64, shape (10,), sum 1."""
    raw = LENGTHS ** (2.0 * hurst)
    return np.asarray(raw / raw.sum())


@dataclass(frozen=True, eq=False)
class FieldTables:
    """Covariances of a field of variance 1, by lag.

    Attributes
    ----------
    cells : float64, shape (rows, columns)
        Between two cells as SMAP sees them, by rows and columns between them.
    to_parts : float64, shape (2 fine rows + 1, 2 fine columns + 1)
        Between a sub-cell's mean (not blurred) and a cell, by sub-cells from its middle; lag 0 in the middle.
    part : float
        Variance of a sub-cell's mean.
    """

    cells: np.ndarray
    to_parts: np.ndarray
    part: float


def field_tables(subcells: SubCells, hurst: float, footprint_km: float) -> FieldTables:
    """The tables of a field for one H and one footprint."""
    down, across = footprint_kernels(subcells, footprint_km)
    box = np.ones(subcells.parts) / subcells.parts
    seen = tuple(np.convolve(kernel, box) for kernel in (down, across))
    rows, cols = subcells.fine_shape
    twice = tuple(np.convolve(kernel, kernel[::-1]) for kernel in seen)
    margin = tuple((len(kernel) - 1) // 2 for kernel in twice)
    parts = part_covariances(subcells.part_km, (rows + margin[0], cols + margin[1]), hurst)
    full = np.block([[parts[:0:-1, :0:-1], parts[:0:-1]], [parts[:, :0:-1], parts]])
    centre = parts.shape[0] - 1, parts.shape[1] - 1
    once, both = _separable(full, *seen), _separable(full, *twice)
    step = subcells.parts
    cells = both[centre[0] : centre[0] + rows : step, centre[1] : centre[1] + cols : step]
    to_parts = once[centre[0] - rows : centre[0] + rows + 1, centre[1] - cols : centre[1] + cols + 1]
    return FieldTables(cells.copy(), to_parts.copy(), float(parts[0, 0]))


def _separable(values: np.ndarray, down: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Convolved with a product of two odd kernels, of the same shape; right away from the edges."""
    from scipy.signal import fftconvolve

    check_cancelled()
    half = fftconvolve(values, down[:, None], mode="same")
    whole: np.ndarray = fftconvolve(half, across[None, :], mode="same")
    return whole


def part_covariances(part_km: tuple[float, float], most: tuple[int, int], hurst: float) -> np.ndarray:
    """Covariance of the means of two rectangles, by lag: float64, shape (most rows + 1, most columns + 1).

    The distance between two points that lie evenly in two rectangles is that of their middles plus a
    difference with a triangular density; near lags take a Gauss-Legendre rule of many nodes.

    Parameters
    ----------
    part_km : tuple of float
        Height and width of a rectangle.
    most : tuple of int
        Farthest lags down and across, in rectangles.
    hurst : float
    """
    return np.asarray(np.tensordot(weights_of_lengths(hurst), _by_length(part_km, most), axes=1))


@lru_cache(maxsize=8)
def _by_length(part_km: tuple[float, float], most: tuple[int, int]) -> np.ndarray:
    """The same for each length alone: float64, shape (10, most rows + 1, most columns + 1)."""
    table = _quadrature(part_km, (most[0] + 1, most[1] + 1), _FAR_NODES)
    near = min(_NEAR, most[0]) + 1, min(_NEAR, most[1]) + 1
    table[:, : near[0], : near[1]] = _quadrature(part_km, near, _NODES)
    table.flags.writeable = False
    return table


def triangular_rule(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes in (-1, 1) and weights (sum 1) for the density 1 - |u|."""
    points, weights = np.polynomial.legendre.leggauss(nodes)
    points, weights = (points + 1.0) / 2.0, weights / 2.0
    half = weights * (1.0 - points)
    return np.concatenate([-points[::-1], points]), np.concatenate([half[::-1], half])


def _quadrature(part_km: tuple[float, float], shape: tuple[int, int], nodes: int) -> np.ndarray:
    points, weights = triangular_rule(nodes)
    rows, cols = (np.arange(size)[:, None] + points for size in shape)
    y2, x2 = (rows * part_km[0]) ** 2, (cols * part_km[1]) ** 2
    table = np.zeros((len(LENGTHS), *shape))
    for i, first in enumerate(weights):
        check_cancelled()
        for j, second in enumerate(weights):
            distance = np.sqrt(y2[:, i, None] + x2[None, :, j])
            for number, length in enumerate(LENGTHS):
                table[number] += first * second * np.exp(-distance / length)
    return table


def below_part(part_km: tuple[float, float], pixel_km: tuple[float, float], hurst: float) -> float:
    """Variance of a pixel's mean within a sub-cell, of a field of variance 1: what no coarse data see."""
    finest = part_covariances(pixel_km, (0, 0), hurst)[0, 0]
    return max(float(finest - part_covariances(part_km, (0, 0), hurst)[0, 0]), 0.0)


def noise_table(subcells: SubCells, footprint_km: float) -> np.ndarray:
    """Correlation of the noise that comes with the footprint, by lag of cells: exp(-d^2 / 4 sigma^2)."""
    sigma = footprint_km / FWHM
    rows, cols = (np.arange(size) * km for size, km in zip(subcells.shape, subcells.cell_km))
    squared = rows[:, None] ** 2 + cols[None, :] ** 2
    return np.asarray(np.exp(-squared / (4.0 * sigma**2)) if sigma > 0 else (squared == 0).astype(float))


def matrix_of(table: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """The covariances of a table by lag between cells: float64, shape (n, n).

    Parameters
    ----------
    table : float64, shape (rows, columns)
    cells : int, shape (n, 2)
        Rows and columns.
    """
    check_cancelled()
    whole = np.block([[table[:0:-1, :0:-1], table[:0:-1]], [table[:, :0:-1], table]])
    middle = (table.shape[0] - 1) * whole.shape[1] + table.shape[1] - 1
    place = (cells[:, 0] * whole.shape[1] + cells[:, 1]).astype(np.intp)
    found: np.ndarray = whole.ravel()[place[:, None] - place + middle]
    return found


def parts_to_cells(
    tables: FieldTables, subcells: SubCells, cells: np.ndarray, parts: np.ndarray
) -> np.ndarray:
    """Covariances of sub-cells with cells: float64, shape (m, n).

    Parameters
    ----------
    cells : int, shape (n, 2)
        In the window of `subcells`.
    parts : int, shape (m, 2)
        Rows and columns of sub-cells.
    """
    rows, cols = subcells.fine_shape
    middle = cells * subcells.parts + subcells.parts // 2
    wide = tables.to_parts.shape[1]
    of_part, of_cell = ((places[:, 0] * wide + places[:, 1]).astype(np.intp) for places in (parts, middle))
    found: np.ndarray = tables.to_parts.ravel()[of_part[:, None] - of_cell + (rows * wide + cols)]
    return found


def field_on_parts(
    tables: FieldTables, subcells: SubCells, cells: np.ndarray, alpha: np.ndarray
) -> np.ndarray:
    """sum over cells of cov(sub-cell, cell) alpha: float64, shape (fine rows, fine columns).

    Parameters
    ----------
    cells : int, shape (n, 2)
        In the window of `subcells`.
    alpha : float64, shape (n,)
    """
    from scipy.signal import fftconvolve

    rows, cols = subcells.fine_shape
    spread = np.zeros((rows, cols))
    middle = cells * subcells.parts + subcells.parts // 2
    spread[middle[:, 0], middle[:, 1]] = alpha
    whole = fftconvolve(spread, tables.to_parts, mode="full")
    found: np.ndarray = whole[rows : 2 * rows, cols : 2 * cols]
    return found
