"""What a run of `terrainindices` found and made, whatever the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ....geo.grid import Bounds

#: Share of the water kept inside the DEM that is worth an advice.
_WATER_LOST = 0.01


@dataclass(frozen=True)
class TerrainReport:
    """What a run found.

    Attributes
    ----------
    engine : str
        "built-in", or "SAGA" with its version.
    cells : int
        Valid cells.
    raised_cells : int
        Cells that filling raised.
    most_raised : float
        By how much at most, m.
    kept_shares : mapping of str to float
        Share of the water that ends in inner cells without outflow, 0...1, by routing.
    """

    engine: str
    cells: int
    raised_cells: int
    most_raised: float
    kept_shares: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RasterSummary:
    """A raster of a run at a glance.

    Attributes
    ----------
    key : str
        Its band name: twi_fd8, slope...
    unit : str
    cells : int
        Valid cells.
    low, mean, high, sd : float
        Of all valid cells; SD with n.
    bounds : Bounds
    picture : float32 array, shape (rows, columns)
        Means of square blocks of cells, NaN where a block has no valid cell.
    """

    key: str
    unit: str
    cells: int
    low: float
    mean: float
    high: float
    sd: float
    bounds: Bounds
    picture: np.ndarray


def filling_text(cells: int, raised_cells: int, most_raised: float) -> str:
    """How much was filled, a line of the log."""
    return f"Filling raised {raised_cells:,} of {cells:,} cells, by up to {most_raised:.4g} m."


def water_text(router: str, share: float) -> str:
    """How much of the water a routing lost, a line of the log."""
    return f"{router}: {share:.2%} of the water ends in cells without outflow inside the DEM" + (
        "; a MINIMUM_SLOPE above 0 lets it run on." if share > _WATER_LOST else "."
    )
