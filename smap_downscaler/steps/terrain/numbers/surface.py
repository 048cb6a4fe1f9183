"""A DEM as one flat array with a rim of missing cells, so that a neighbour is a fixed step away.

Directions count clockwise from north: 0 N, 1 NE, 2 E, 3 SE, 4 S, 5 SW, 6 W, 7 NW; even ones are
cardinal, `(k + 4) % 8` is the way back.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

#: Cells that are worked on at a time: few enough for the processor's cache.
CHUNK = 32768
SQRT2 = float(np.sqrt(2.0))
#: Distance to the eight neighbours, in cells.
DISTANCES = np.array([1.0, SQRT2] * 4)
_ROWS = (-1, -1, 0, 1, 1, 1, 0, -1)
_COLUMNS = (0, 1, 1, 1, 0, -1, -1, -1)


class Surface:
    """Elevations of square cells.

    Parameters
    ----------
    elevation : array (rows, columns)
        Metres, NaN where missing; kept as float32.
    cell : float
        Side of a cell, metres.

    Attributes
    ----------
    z : float32 array ((rows + 2) * (columns + 2),)
        Row by row, with a rim of NaN.
    steps : int64 array (8,)
        From a cell to its neighbours, as steps in `z`.
    """

    def __init__(self, elevation: np.ndarray, cell: float):
        rows, columns = elevation.shape
        self.rows, self.columns, self.cell = rows, columns, cell
        self.stride = columns + 2
        self.z = np.full((rows + 2) * self.stride, np.nan, np.float32)
        self.inner(self.z)[...] = elevation
        self.steps = np.array([r * self.stride + c for r, c in zip(_ROWS, _COLUMNS)], np.int64)

    @property
    def size(self) -> int:
        """Cells, the rim included."""
        return self.z.size

    def inner(self, flat: np.ndarray) -> np.ndarray:
        """The view (rows, columns) without the rim of a flat array like `z`."""
        return flat.reshape(self.rows + 2, self.stride)[1:-1, 1:-1]

    def chunks(self) -> Iterator[slice]:
        """Slices of `z` that hold all cells and whose neighbours are all in `z`."""
        first, last = self.stride + 1, self.size - self.stride - 1
        for start in range(first, last, CHUNK):
            yield slice(start, min(start + CHUNK, last))

    def neighbour(self, flat: np.ndarray, part: slice, direction: int) -> np.ndarray:
        """The view of a flat array that holds the neighbours of a chunk."""
        step = int(self.steps[direction])
        return flat[part.start + step : part.stop + step]

    def falls(self, part: slice) -> np.ndarray:
        """How far the neighbours lie below each cell of a chunk, m, shape (8, n); NaN if one is missing."""
        here = self.z[part].astype(np.float64)
        falls = np.empty((8, here.size))
        for direction in range(8):
            np.subtract(here, self.neighbour(self.z, part, direction), out=falls[direction])
        return falls


def mirrored(falls: np.ndarray) -> np.ndarray:
    """Falls, missing neighbours mirroring the opposite one, or level where that is missing too.

    Parameters
    ----------
    falls : float array (8, n)
        As `Surface.falls` gives them.

    Returns
    -------
    float array (8, n)
    """
    missing = np.isnan(falls)
    opposite = np.concatenate([falls[4:], falls[:4]])
    whole = np.where(missing, -opposite, falls)
    whole[np.isnan(whole)] = 0.0
    return whole
