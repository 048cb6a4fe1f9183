"""How a cell's water is shared among its eight neighbours: the three routings of the paper's Table 3.

Each function takes falls of shape (8, n) (`Surface.falls`, metres, NaN where a neighbour is missing) and
returns weights of shape (8, n): the shares, or 0 for all eight where a cell has nowhere to flow.  Cells of
equal elevation exchange nothing.  Shares for missing neighbours are water that leaves the raster.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .surface import DISTANCES, mirrored

#: Convergence of FD8 and of the triangular routing: Freeman (1991), and SAGA's default.
CONVERGENCE = 1.1
#: Exponent of MFD-md: 1.1 on level ground, 10 from 45 degrees on (Qin et al. 2007).
_MD_LEAST, _MD_MORE = 1.1, 8.9


def fd8(falls: np.ndarray, cell: float) -> np.ndarray:
    """Shares as (tan slope)^1.1 over the lower neighbours, without contour length (Freeman 1991): (8, n)."""
    slopes = _downslopes(mirrored(falls), cell)
    return _shares(np.power(slopes, CONVERGENCE, out=slopes))


def mfd_md(falls: np.ndarray, cell: float) -> np.ndarray:
    """Shares as (tan slope)^(8.9 min(e, 1) + 1.1), e the largest tan slope of the cell (Qin et al. 2007)."""
    slopes = _downslopes(mirrored(falls), cell)
    steepest = slopes.max(axis=0)
    exponents = _MD_MORE * np.minimum(steepest, 1.0) + _MD_LEAST
    # Shares do not change with the scale, and 1 for the steepest keeps powers from vanishing.
    slopes /= np.where(steepest > 0, steepest, 1.0)
    return _shares(np.power(slopes, exponents, out=slopes))


def _downslopes(falls: np.ndarray, cell: float) -> np.ndarray:
    """Tangent of the slope down to each neighbour, 0 where that is not lower."""
    slopes: np.ndarray = np.maximum(falls, 0.0)
    slopes /= (DISTANCES * cell)[:, None]
    return slopes


def mtfd(falls: np.ndarray, _cell: float) -> np.ndarray:
    """Triangular multiple flow direction (Seibert & McGlynn 2007), shares as slope^1.1 in SAGA's way.

    Eight triangles span the cell and two adjacent neighbours each.  Where the steepest descent of a triangle
    lies inside it, the triangle sends water that way, split between its two neighbours by the angle.  A
    neighbour towards which the triangles of both its sides fall most steeply along their common edge gets
    water too; a side without triangle (missing neighbour) does not object.  Nothing leaves the raster.
    """
    weights = np.zeros(falls.shape)
    towards = np.isnan(falls[[7, 0, 1, 2, 3, 4, 5, 6]]), np.isnan(falls[[1, 2, 3, 4, 5, 6, 7, 0]])
    with np.errstate(invalid="ignore"):
        for triangle in range(8):
            straight, diagonal = (triangle, (triangle + 1) % 8)[:: 1 if triangle % 2 == 0 else -1]
            along = falls[straight]
            across = falls[diagonal] - along
            _send_inside(weights, straight, diagonal, along, across)
            # Seen from its first neighbour a triangle lies on the side of the next one.
            side_of_straight, side_of_diagonal = (1, 0) if straight == triangle else (0, 1)
            towards[side_of_straight][straight] |= (across <= 0) & (along > 0)
            towards[side_of_diagonal][diagonal] |= (across > 0) & (across >= along)
        agreed = towards[0] & towards[1] & (falls > 0)
    direct = falls / DISTANCES[:, None]
    weights[agreed] += direct[agreed] ** CONVERGENCE
    return _shares(weights)


def _send_inside(
    weights: np.ndarray, straight: int, diagonal: int, along: np.ndarray, across: np.ndarray
) -> None:
    """Add what the triangles whose steepest descent lies inside give to their two neighbours."""
    inside = np.flatnonzero((across > 0) & (across < along))
    along, across = along[inside], across[inside]
    amount = (along * along + across * across) ** (CONVERGENCE / 2)
    turned = np.arctan(across / along) * (4.0 / np.pi)
    weights[straight, inside] += amount * (1.0 - turned)
    weights[diagonal, inside] += amount * turned


def _shares(weights: np.ndarray) -> np.ndarray:
    total = weights.sum(axis=0)
    weights /= np.where(total > 0, total, 1.0)
    return weights


Router = Callable[[np.ndarray, float], np.ndarray]
#: The routings by the names that bands and files bear.
ROUTINGS: dict[str, Router] = {"mtfd": mtfd, "fd8": fd8, "mfdmd": mfd_md}
