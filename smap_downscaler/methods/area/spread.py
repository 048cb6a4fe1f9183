"""Variance of what is true about a map, below the cells (AREAMODEL, intervals).

var(x) = U + t(sub) + g' S g, g = phi(x) - M(sub), with
t = k0 - c Q c' + 1 / s1 - 2 c K^-1 1 / s1 and M = (c Q + 1' K^-1 / s1) Phi, c the covariance of a sub-cell
with the cells; t and M are bilinear between sub-cells, U is what of the field no coarse data see.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...base.progress import SILENT, Progress
from .ground import Ground
from .lags import parts_to_cells
from .likelihood import solve
from .subcells import SubCells

#: Sub-cells whose covariances with all cells are held at once.
_PARTS_AT_ONCE = 2048
#: Directions of the coefficients' covariance that are followed from pixel to pixel, at most; what the others
#: carry is taken at its mean.
MOST_DIRECTIONS = 24


def directions_of(s: np.ndarray, scatter: np.ndarray) -> tuple[np.ndarray, float]:
    """V with S = V V' but for directions that carry little, and the mean variance that those carry.

    Parameters
    ----------
    s : float64, shape (columns, columns)
        Covariance of the coefficients.
    scatter : float64, shape (columns, columns)
        How the terms vary among pixels.

    Returns
    -------
    directions : float64, shape (columns, r)
    rest : float
        Mean over pixels of what is left out.
    """
    values, vectors = np.linalg.eigh(s)
    rooted = vectors * np.sqrt(np.maximum(values, 0.0))
    carried = np.einsum("ij,ik,kj->j", rooted, scatter, rooted, optimize=True)
    order = np.argsort(-carried)
    kept = order[:MOST_DIRECTIONS]
    return np.ascontiguousarray(rooted[:, kept]), float(carried[order[MOST_DIRECTIONS:]].sum())


def spread_of(
    ground: Ground,
    cells: np.ndarray,
    noise: np.ndarray | None,
    design: np.ndarray,
    directions: np.ndarray,
    hurst: float,
    variances: np.ndarray,
    progress: Progress = SILENT,
) -> np.ndarray:
    """t and M V over all sub-cells: float64, shape (fine rows, fine columns, 1 + r).

    t is the variance of mean and field were the coefficients known; S = V V'.

    Parameters
    ----------
    ground : Ground
    cells : int, shape (n, 2)
        Those seen, in the window of the sub-cells.
    noise : float64, shape (n, n), or None
        In place of the noise's shapes.
    design : float64, shape (n, columns)
    directions : float64, shape (columns, r)
    hurst : float
    variances : float64, shape (shapes,)
    """
    solved = solve(ground.shapes(cells, hurst, noise), variances)
    tables, subcells = ground.tables(hurst), ground.subcells
    ones = (solved.ones / solved.total).astype(np.float32)
    # Single precision is enough beside the noise, and twice as fast.
    q, seen = solved.q().astype(np.float32), (design @ directions).astype(np.float32)
    single = replace(tables, to_parts=tables.to_parts.astype(np.float32))
    parts, of_part = _asked(cells, subcells)
    both = np.empty((len(parts), 1 + directions.shape[1]))
    for begin in range(0, len(parts), _PARTS_AT_ONCE):
        progress.check()
        some = slice(begin, begin + _PARTS_AT_ONCE)
        c = np.float32(variances[0]) * parts_to_cells(single, subcells, cells, parts[some])
        cq = c @ q
        t = variances[0] * tables.part - np.einsum("ij,ij->i", cq, c) + 1 / solved.total - 2 * (c @ ones)
        both[some, 0] = np.maximum(t, 0.0)
        both[some, 1:] = (cq + ones) @ seen
    return np.asarray(both[of_part])


def _asked(cells: np.ndarray, subcells: SubCells) -> tuple[np.ndarray, np.ndarray]:
    """Sub-cells whose variance is worked out, int, shape (m, 2), and which of them stands for each.

    Beyond the cells' box the middle of each cell stands for it all.
    """
    first, last = cells.min(axis=0), cells.max(axis=0)
    rows, cols = np.indices(subcells.fine_shape)
    of_row, of_col = rows // subcells.parts, cols // subcells.parts
    beyond = (of_row < first[0]) | (of_row > last[0]) | (of_col < first[1]) | (of_col > last[1])
    half = subcells.parts // 2
    rows = np.where(beyond, of_row * subcells.parts + half, rows)
    cols = np.where(beyond, of_col * subcells.parts + half, cols)
    parts, of_part = np.unique(np.column_stack([rows.ravel(), cols.ravel()]), axis=0, return_inverse=True)
    return parts, of_part.reshape(subcells.fine_shape)
