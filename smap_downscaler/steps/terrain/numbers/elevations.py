"""Elevations that cannot be: values for missing cells that nobody declared, other units, a sea of zeros."""

from __future__ import annotations

import numpy as np

from ....base.errors import InputError
from ....base.nodata import is_fill
from ....base.progress import Progress

#: The land of the Earth and the floor of its seas lie between these, m.
LOWEST, HIGHEST = -12_000.0, 9_000.0
#: A larger share of cells at exactly 0 m is worth a word.
_SEA_SHARE = 0.01


class Elevations:
    """Looks at the elevations of a DEM, a block after the other.

    Parameters
    ----------
    source : str
        What messages call the DEM.
    """

    def __init__(self, source: str):
        self._source = source
        self._cells = self._zeros = 0

    def see(self, values: np.ndarray) -> None:
        """Take elevations in metres, NaN where missing.

        Raises
        ------
        InputError
            For values that no place on Earth has.
        """
        # Fill values within that range are never an elevation to the last digit.
        odd = (values < LOWEST) | (values > HIGHEST) | is_fill(values)
        if odd.any():
            value = float(values[odd][0])
            raise InputError(
                f"{self._source}: it has cells of {value:.6g} m, where no land lies; if they mean 'no "
                "value', declare that as its NoData value (Raster > Conversion > Translate); if its "
                "elevations are in another unit, convert them to metres."
            )
        self._cells += int(np.count_nonzero(values == values))
        self._zeros += int(np.count_nonzero(values == 0))

    def tell(self, progress: Progress) -> None:
        """Warn where much of the DEM lies at exactly 0 m."""
        share = self._zeros / self._cells if self._cells else 0.0
        if share >= _SEA_SHARE:
            progress.warn(
                f"{self._source}: {share:.1%} of its cells are exactly 0 m high; if that is the sea, make it "
                "NoData, or it is filled like a plain."
            )
