"""Where water runs: drainage trees on a grid, in NumPy.

A tree is an array of receivers: for each cell (flat index) the cell that its
water goes to; a cell without one is its own receiver.
"""

from __future__ import annotations

import heapq

import numpy as np

from ....base.progress import SILENT, Progress

_STEPS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
_CHECK_EVERY = 8192


def flood(elevation: np.ndarray, progress: Progress = SILENT) -> np.ndarray:
    """Receivers of a flooding from the border inwards (Barnes et al. 2014, priority-flood).

    Every cell drains to the border, through its pit's lowest outlet.  Border
    cells are their own receivers.  Returns flat indices, shape (cells,).
    """
    rows, cols = elevation.shape
    wide = cols + 2
    # A frame of cells that count as visited saves all tests for the edge.
    visited = np.ones((rows + 2, wide), bool)
    visited[2:-2, 2:-2] = False
    seen = visited.ravel().tolist()
    height = np.pad(elevation, 1).astype(np.float64).ravel().tolist()
    index = np.arange(rows * cols).reshape(rows, cols)
    frame = np.zeros((rows, cols), bool)
    frame[[0, -1], :] = frame[:, [0, -1]] = True
    starts = (index[frame] // cols + 1) * wide + index[frame] % cols + 1
    heap = [(height[cell], cell) for cell in starts.tolist()]
    heapq.heapify(heap)
    receiver = list(range((rows + 2) * wide))
    steps = [down * wide + right for down, right in _STEPS]
    popped = 0
    while heap:
        level, cell = heapq.heappop(heap)
        popped += 1
        if popped % _CHECK_EVERY == 0:
            progress.check()
        for step in steps:
            other = cell + step
            if not seen[other]:
                seen[other] = True
                receiver[other] = cell
                own = height[other]
                heapq.heappush(heap, (own if own > level else level, other))
    padded = np.asarray(receiver).reshape(rows + 2, wide)[1:-1, 1:-1].ravel()
    return np.asarray((padded // wide - 1) * cols + padded % wide - 1)


def steepest(elevation: np.ndarray, progress: Progress = SILENT) -> np.ndarray:
    """Receivers by steepest descent to one of eight neighbours (D8, O'Callaghan & Mark 1984).

    `elevation` has shape (rows, columns); the flat index of each cell's receiver has shape (cells,).
    """
    rows, cols = elevation.shape
    padded = np.pad(elevation, 1, constant_values=np.inf)
    best = np.zeros((rows, cols), elevation.dtype)
    receiver = np.arange(rows * cols).reshape(rows, cols)
    own = receiver.copy()
    for down, right in _STEPS:
        progress.check()
        fall = elevation - padded[1 + down : rows + 1 + down, 1 + right : cols + 1 + right]
        if down and right:
            fall *= np.sqrt(0.5)
        steeper = fall > best
        np.copyto(best, fall, where=steeper)
        np.copyto(receiver, own + (down * cols + right), where=steeper)
    return receiver.ravel()


def distance_to(receiver: np.ndarray, cols: int) -> np.ndarray:
    """Distance to the receiver in cells: 1, sqrt 2, or 0 for cells without one; shape (cells,)."""
    step = np.abs(np.arange(receiver.size) - receiver)
    straight = (step == 1) | (step == cols)
    return np.where(step == 0, 0.0, np.where(straight, 1.0, np.sqrt(2.0)))


class DrainageOrder:
    """The cells of a tree sorted by their number of steps to the end of their path."""

    def __init__(self, receiver: np.ndarray, progress: Progress = SILENT):
        self._receiver = receiver
        self._progress = progress
        depth = _depths(receiver, progress)
        self.cells = np.argsort(depth, kind="stable")
        self.starts = np.concatenate([[0], np.cumsum(np.bincount(depth))])

    def _levels(self, upwards: bool) -> list[np.ndarray]:
        count = self.starts.size - 1
        levels = range(1, count) if upwards else range(count - 1, 0, -1)
        return [self.cells[self.starts[level] : self.starts[level + 1]] for level in levels]

    def accumulate(self, amount: np.ndarray) -> np.ndarray:
        """Sum of `amount` (cells,) over each cell and all cells that drain through it, float64."""
        total = amount.astype(np.float64)
        for number, cells in enumerate(self._levels(upwards=False)):
            if number % 64 == 0:
                self._progress.check()
            np.add.at(total, self._receiver[cells], total[cells])
        return total

    def integrate(self, base: np.ndarray, rise: np.ndarray) -> np.ndarray:
        """base at the ends of the paths plus the sum of `rise` from there up to each cell; all (cells,)."""
        height = base.astype(np.float64)
        for number, cells in enumerate(self._levels(upwards=True)):
            if number % 64 == 0:
                self._progress.check()
            height[cells] = height[self._receiver[cells]] + rise[cells]
        return height


def _depths(receiver: np.ndarray, progress: Progress) -> np.ndarray:
    """Steps to the end of each path, by pointer doubling."""
    jump = receiver.copy()
    depth = (jump != np.arange(jump.size)).astype(np.int32)
    while True:
        progress.check()
        further = depth[jump]
        if not further.any():
            return depth
        depth += further
        jump = jump[jump]


def upstream_of(receiver: np.ndarray, outlet: int, progress: Progress = SILENT) -> np.ndarray:
    """Which cells (bool, (cells,)) drain through the cell `outlet`, itself included."""
    tree = receiver.copy()
    tree[outlet] = outlet
    while True:
        progress.check()
        further = tree[tree]
        if np.array_equal(further, tree):
            return np.asarray(tree == outlet)
        tree = further
