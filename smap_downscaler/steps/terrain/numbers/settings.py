"""What the analyst chooses for the terrain indices, and what they are called."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ....base.errors import InputError
from ....base.nodata import UNDECLARED, Declared

#: The three flow routings of the paper's Table 3.
ROUTERS = ("mtfd", "fd8", "mfdmd")
#: What `a` in ln(a / tan beta) may be.
AREAS = ("specific", "total")


@dataclass(frozen=True)
class TerrainSettings:
    """Choices of `terrainindices`.

    Parameters
    ----------
    minimum_slope : float
        Minimum slope that filling keeps between a cell and the one that it drains to, degrees; 0 fills flat.
    slope_floor : float
        Minimum tan(slope) in the wetness index, above 0.
    area : {"specific", "total"}
        "specific": total upslope area / flow width; "total": total upslope area / cell size.
    nodata : Declared
        Numbers of the DEM that are no elevations.
    band : str
        Name or number of its band of elevations, where it has several whose names do not tell.

    Raises
    ------
    InputError
        For a value out of its range.
    """

    minimum_slope: float = 0.1
    slope_floor: float = 0.001
    area: str = "specific"
    nodata: Declared = UNDECLARED
    band: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.minimum_slope < 45:
            raise InputError(
                f"MINIMUM_SLOPE: {self.minimum_slope:g} degrees is out of range; "
                "give 0 or more, and less than 45."
            )
        if not (self.slope_floor > 0 and math.isfinite(self.slope_floor)):
            raise InputError(
                f"SLOPE_FLOOR: {self.slope_floor:g} is out of range; give a tangent above 0, as 0.001."
            )
        if self.area not in AREAS:
            raise InputError(f"AREA: {self.area!r} is not known; choose one of {', '.join(AREAS)}.")


#: What is chosen where nothing is.
DEFAULT_SETTINGS = TerrainSettings()
