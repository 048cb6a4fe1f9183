"""Windows of cells: one covariance matrix of more is too large, and neighbouring windows are blended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .subcells import SubCells

#: Cells that are taken at once, at most; sides of windows beyond that, and by how much they overlap.
MOST_CELLS, _SIDE, _OVERLAP = 2500, 48, 12


@dataclass(frozen=True)
class Window:
    """A window of cells.

    Parameters
    ----------
    rows, cols : tuple of int
        First row and the one behind the last; first column and the one behind the last.
    ramps : tuple of int
        Cells over which its weight rises from 0 to 1 at its upper, lower, left and right side; 0 where
        nothing lies beyond.
    """

    rows: tuple[int, int]
    cols: tuple[int, int]
    ramps: tuple[int, int, int, int] = (0, 0, 0, 0)

    def holds(self, cells: np.ndarray) -> np.ndarray:
        """Which cells, int, shape (n, 2), lie in it: bool, shape (n,)."""
        inside = [(part >= ends[0]) & (part < ends[1]) for part, ends in zip(cells.T, (self.rows, self.cols))]
        return np.asarray(inside[0] & inside[1])

    def parts_of(self, subcells: SubCells) -> tuple[slice, slice]:
        """Rows and columns of the sub-cells that its pixels lie in or between."""
        ends = zip((self.rows, self.cols), subcells.fine_shape)
        high, wide = (
            slice(max(first * subcells.parts - 1, 0), min(behind * subcells.parts + 1, most))
            for (first, behind), most in ends
        )
        return high, wide

    def weights(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Its weight at places in cells, in fractions: float64, of their shape."""
        down = _ramp(rows, self.rows, self.ramps[:2])
        return down * _ramp(cols, self.cols, self.ramps[2:])


def _ramp(places: np.ndarray, ends: tuple[int, int], ramps: tuple[int, int] | tuple[int, ...]) -> np.ndarray:
    found = np.ones(np.shape(places))
    if ramps[0]:
        found = np.minimum(found, np.clip((places - ends[0]) / ramps[0], 0.0, 1.0))
    if ramps[1]:
        found = np.minimum(found, np.clip((ends[1] - places) / ramps[1], 0.0, 1.0))
    return found


def windows_of(cells: np.ndarray, shape: tuple[int, int], least_overlap: int) -> list[Window]:
    """Windows over all cells; one where they are few. .

    Parameters
    ----------
    cells : int, shape (n, 2)
    shape : tuple of int
        Rows and columns that the cells lie in.
    least_overlap : int
        Cells that neighbours must share.
    """
    if len(cells) <= MOST_CELLS:
        return [Window((0, shape[0]), (0, shape[1]))]
    overlap = max(_OVERLAP, least_overlap)
    down, across = (_pieces(size, max(_SIDE, 2 * overlap), overlap) for size in shape)
    found = []
    for rows, up, low in down:
        for cols, left, right in across:
            window = Window(rows, cols, (up, low, left, right))
            if window.holds(cells).any():
                found.append(window)
    return found


def _pieces(size: int, side: int, overlap: int) -> list[tuple[tuple[int, int], int, int]]:
    """First and last end of each piece, and its ramps at both; ramps of neighbours cover the same cells."""
    if size <= side:
        return [((0, size), 0, 0)]
    count = -(-(size - overlap) // (side - overlap))
    begins = np.linspace(0, size - side, count).round().astype(int).tolist()
    pieces = []
    for number, begin in enumerate(begins):
        before = begins[number - 1] + side - begin if number else 0
        after = begin + side - begins[number + 1] if number + 1 < count else 0
        pieces.append(((begin, begin + side), before, after))
    return pieces
