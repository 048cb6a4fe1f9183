"""Which parts of a coarse grid have enough cells with values for a test of their own."""

from __future__ import annotations

import numpy as np


def disjoint_windows(seen: np.ndarray, side: int, least: int, most: int) -> list[tuple[int, int]]:
    """First rows and columns of squares that share no cell, those with the most cells with values first.

    Parameters
    ----------
    seen : bool array, shape (rows, columns)
    side : int
        Cells along a side of a square, cut to the grid.
    least : int
        Cells with values in a square.
    most : int
        Squares.
    """
    free = seen.astype(np.int64)
    found: list[tuple[int, int]] = []
    height, width = min(side, seen.shape[0]), min(side, seen.shape[1])
    while len(found) < most:
        sums = np.zeros((seen.shape[0] + 1, seen.shape[1] + 1), np.int64)
        sums[1:, 1:] = free.cumsum(axis=0).cumsum(axis=1)
        inside = (
            sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
        )
        row, col = (int(place) for place in np.unravel_index(inside.argmax(), inside.shape))
        if inside[row, col] < least:
            break
        found.append((row, col))
        # What a square holds counts for no other, and none may reach into it.
        free[row : row + height, col : col + width] = -(seen.size)
    return found
