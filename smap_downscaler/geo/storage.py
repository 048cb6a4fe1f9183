"""How cells of rasters are stored: their type, what packs them, whether smaller copies come with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..base.nodata import FILL
from .grid import Grid

FLOAT32, INT16 = DATA_TYPES = ("float32", "int16")
DEFLATE, ZSTD = COMPRESSIONS = ("DEFLATE", "ZSTD")
#: Whole numbers count steps as small as this, in the unit of the band: of soil moisture, m3 m-3.
STEP = 0.0001
#: Step of numbers that are classes or counts.
CLASSES = 1.0
#: Tag of rasters that hold such numbers.
STORED_TAG = "SMAP_DOWNSCALER_STORED"
#: The whole number that is no value, and the greatest that is one, as far below 0 too.
NO_INTEGER, GREATEST = -32768, 32767
#: Overviews are made until they are no larger than this along a side.
_SMALLEST_SIDE = 256


@dataclass(frozen=True)
class Storage:
    """How the cells of a raster are stored.

    Parameters
    ----------
    data_type : str
        One of `DATA_TYPES`; "int16": whole numbers of steps, with scale and NoData in the file.
    compression : str
        One of `COMPRESSIONS`.
    overviews : bool
        Whether smaller copies, for drawing, lie in the file.
    """

    data_type: str = FLOAT32
    compression: str = DEFLATE
    overviews: bool = False

    @property
    def counts_steps(self) -> bool:
        """Whether cells are whole numbers of steps."""
        return self.data_type == INT16

    @property
    def nodata(self) -> float:
        """What stands in cells without a value."""
        return NO_INTEGER if self.counts_steps else FILL

    @property
    def bytes_a_cell(self) -> int:
        """Bytes of a cell before it is packed."""
        return 2 if self.counts_steps else 4

    @property
    def predictor(self) -> int:
        """The number by which TIFF knows the differences that pack such cells best."""
        return 2 if self.counts_steps else 3

    @property
    def content(self) -> dict[str, object]:
        """What files depend on of it, for a fingerprint; nothing where it is that of earlier versions."""
        return {} if self == Storage() else {"storage": [self.data_type, self.compression, self.overviews]}

    @property
    def tags(self) -> Mapping[str, str]:
        """What files say of it."""
        return {STORED_TAG: f"{self.data_type} in steps of {STEP:g}"} if self.counts_steps else {}

    def numbers(self, values: np.ndarray, step: float = STEP) -> np.ndarray:
        """The numbers that stand for values in the file: floats, NaN where missing, shape of `values`.

        Beyond `GREATEST` steps they are `GREATEST`.
        """
        if not self.counts_steps:
            with np.errstate(over="ignore", invalid="ignore"):
                return values.astype(np.float32)
        steps = np.where(np.isfinite(values), values, np.nan).astype(np.float64) / step
        return np.asarray(np.clip(np.rint(steps), -GREATEST, GREATEST))

    def kept(self, values: np.ndarray, step: float = STEP) -> np.ndarray:
        """Values as they are read back: float32, NaN where missing, shape of `values`."""
        return self.values_of(self.numbers(values, step), step)

    def values_of(self, numbers: np.ndarray, step: float = STEP) -> np.ndarray:
        """The values that `numbers` stand for: float32."""
        return (numbers * step).astype(np.float32) if self.counts_steps else numbers

    def beyond(self, values: np.ndarray, step: float = STEP) -> int:
        """How many values are greater, or farther below 0, than cells can hold."""
        if not self.counts_steps:
            return 0
        with np.errstate(invalid="ignore"):
            return int(np.count_nonzero(np.isfinite(values) & (np.abs(values) > (GREATEST + 0.5) * step)))


def overview_factors(grid: Grid) -> list[int]:
    """How many times smaller the overviews of a grid are along a side: 2, 4, 8..."""
    factors: list[int] = []
    side = max(grid.shape)
    while side > _SMALLEST_SIDE * 2 ** len(factors):
        factors.append(2 ** (len(factors) + 1))
    return factors
