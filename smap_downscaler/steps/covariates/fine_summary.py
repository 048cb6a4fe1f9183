"""What is remembered of the fine bands while they are written."""

from __future__ import annotations

import math

import numpy as np

from ...geo.grid import Grid, Window

#: Pixels of the fine grid on which covariates are compared and drawn, at most.
_SAMPLE = 100_000


class Notes:
    """Range of each band and every n-th of its pixels, taken down while they are written."""

    def __init__(self, bands: int, grid: Grid):
        self.low, self.high = np.full(bands, np.inf), np.full(bands, -np.inf)
        self._sum, self._count = np.zeros(bands), np.zeros(bands, np.int64)
        self._stride = max(1, math.ceil(math.sqrt(grid.width * grid.height / _SAMPLE)))
        shape = -(-grid.height // self._stride), -(-grid.width // self._stride)
        self.pictures = np.full((bands, *shape), np.float32(np.nan))

    def add(self, band: int, values: np.ndarray, window: Window) -> None:
        """Take down a block."""
        step = self._stride
        part = values[-window.row % step :: step, -window.col % step :: step]
        row, col = -(-window.row // step), -(-window.col // step)
        self.pictures[band, row : row + part.shape[0], col : col + part.shape[1]] = part
        valid = values[np.isfinite(values)]
        if valid.size:
            self.low[band] = min(self.low[band], float(valid.min()))
            self.high[band] = max(self.high[band], float(valid.max()))
            self._sum[band] += valid.sum(dtype=np.float64)
            self._count[band] += valid.size

    def mean(self, band: int) -> float:
        """Mean of all valid pixels of a band; NaN without any."""
        return float(self._sum[band] / self._count[band]) if self._count[band] else float("nan")

    def samples(self) -> np.ndarray:
        """Shape (bands, n)."""
        return self.pictures.reshape(len(self.pictures), -1)
