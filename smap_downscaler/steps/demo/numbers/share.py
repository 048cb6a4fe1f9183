"""How much of the fine pattern the land explains."""

from __future__ import annotations

import numpy as np

from .basin import Basin

#: Every so many pixels are looked at: neighbours say much the same.
_EVERY = 7


class WithinCells:
    """Anomalies from the SMAP cells' means of land and soil, to explain those of soil moisture.

    The sample is every seventh pixel of the cells with a value that is not masked.
    """

    def __init__(self, basin: Basin):
        chosen = np.zeros(basin.grid.shape, bool)
        chosen.ravel()[::_EVERY] = True
        self._chosen = chosen & ~basin.masked & basin.cell_in_basin.ravel()[basin.cells.cell_of]
        self._cell = basin.cells.cell_of[self._chosen]
        self._count = np.maximum(np.bincount(self._cell), 1)
        terrain, soil = basin.terrain, basin.soil
        land = (terrain.elevation, terrain.wetness, soil.clay, soil.sand, soil.soc)
        self._land = np.column_stack([self.anomaly(layer) for layer in land])

    def anomaly(self, layer: np.ndarray) -> np.ndarray:
        """The sample of a layer minus the mean of the sample in the same cell, float64."""
        values = layer[self._chosen].astype(np.float64)
        return np.asarray(values - (np.bincount(self._cell, values) / self._count)[self._cell])

    def explained_share(self, moisture: np.ndarray) -> float:
        """R2 of the linear regression of soil moisture's anomalies on those of elevation,
        wetness index, clay, sand and organic carbon."""
        wanted = self.anomaly(moisture)
        if not wanted.size:
            return float("nan")
        gram, right = self._land.T @ self._land, self._land.T @ wanted
        return float(right @ np.linalg.lstsq(gram, right, rcond=None)[0] / (wanted @ wanted))
