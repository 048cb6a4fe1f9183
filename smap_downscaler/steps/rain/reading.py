"""What both rain algorithms need of files: reading, held days, the cells of an extent, states, units."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from osgeo import gdal

from ...base.errors import InputError
from ...base.nodata import UNDECLARED, Declared, Look
from ...base.progress import Progress
from ...geo.blocks import blocks
from ...geo.datasets import open_dataset, read_band
from ...geo.grid import Bounds, Grid, Window
from ...geo.lattice import goes_around, transform_bounds
from ...geo.sources import window_around_earth, window_of_extent
from ...series.series import Series
from .numbers.antecedent import MOST_RAIN, UNDERSHOOT, valid_rain

#: Unit of what is written.
UNIT = "mm/d"
#: What units may say, without blanks and signs: rain of a day, and of a month.
_DAILY = frozenset({"mm", "mmd", "mmday", "mmdays", "mmd1", "mmday1", "mm24h", "kgm2", "kgm2d1", "kgm2day1"})
_MONTHLY = frozenset({"mm", "mmmonth", "mmmo", "mmmon", "mmmonth1", "mmmo1", "mmmon1", "kgm2", "kgm2month1"})
#: So few that a cancel is felt at once while a block is averaged and compressed.
CELLS_A_BLOCK = 1 << 20
_LONG_NAME = re.compile(r"milli(meter|metre)s?")


class RainReader:
    """Reads rasters of rain, float32, NaN where missing or negative; see `valid_rain`.

    Keeps the last file open: to open a NetCDF of 13,000 days takes longer than
    to read one of them.  Belongs to one thread.

    Parameters
    ----------
    source : str
        The record.
    nodata : Declared
        Which of its numbers, in mm, are none.
    """

    def __init__(self, source: str, nodata: Declared = UNDECLARED) -> None:
        self._path = ""
        self._look = Look(source, Path(source).stem, nodata)
        self._dataset: gdal.Dataset = None
        #: Values just below 0 that were taken as 0.
        self.undershoots = 0

    def read(self, path: str, band: int, window: Window) -> np.ndarray:
        """A window of a band, shape (rows, columns).

        Raises
        ------
        InputError
            If the file cannot be read, or holds more rain than can fall.
        """
        if path != self._path:
            self._dataset = open_dataset(path)
            self._path = path
        values = read_band(self._dataset, band, window)
        values[self._look.declared.missing(values)] = np.nan
        odd = values > MOST_RAIN
        if odd.any():
            raise InputError(
                f"{path}: band {band} holds {float(values[odd][0]):.7g} mm, more rain than can fall; if that "
                "means 'no value', declare it by NODATA."
            )
        self.undershoots += valid_rain(values)
        self._look.add(values)
        return values

    def check(self) -> None:
        """Raise `InputError` if what was read holds a code of no value that nobody declared."""
        self._look.check()

    def log_undershoots(self, source: str, progress: Progress) -> None:
        """One line in the log where values were taken as 0."""
        if self.undershoots:
            progress.log(
                f"{source}: {self.undershoots:,} values from {UNDERSHOOT:g} to 0 mm were taken as 0."
            )


class Days:
    """The days of a date, block by block: held while they are needed, or read anew where they are too big."""

    #: Beside the days held: one just being read (cells, mask, raw).
    _READING = 4

    def __init__(
        self, series: Series, window: Window, memory_mb: int, days: int, nodata: Declared = UNDECLARED
    ):
        self._entries = {entry.date: entry for entry in series.entries}
        self._window, self.reader = window, RainReader(series.source, nodata)
        self._held: dict[dt.date, np.ndarray] = {}
        cells = window.height * window.width
        self.holds = 4 * cells * (days + self._READING) <= memory_mb * 2**20

    def blocks(self, used: tuple[dt.date, ...], grid: Grid) -> Iterator[tuple[Window, list[np.ndarray]]]:
        """Each block of the output with its days, in the order of `used`."""
        if self.holds:
            self._held = {day: self._held[day] for day in used if day in self._held}
            for day in used:
                if day not in self._held:
                    self._held[day] = self._read(day, self._window)
        for block in blocks(grid, CELLS_A_BLOCK):
            if self.holds:
                yield block, [self._held[day][block.slices] for day in used]
            else:
                yield block, [self._read(day, self._window.part(block)) for day in used]

    def _read(self, day: dt.date, window: Window) -> np.ndarray:
        entry = self._entries[day]
        return self.reader.read(entry.path, entry.band, window)


def window_of(grid: Grid, extent: tuple[Bounds, str] | None, source: str) -> Window:
    """The cells of `grid` that an extent (edges and CRS) touches; all for None.

    Of a grid around the whole earth they lie at the longitudes of the extent, also across its two ends.

    Raises
    ------
    InputError
        If there are none, or they lie at both ends of a grid that does not close the circle.
    """
    if extent is None:
        return grid.whole
    window = window_of_extent(grid, extent, source)
    if goes_around(grid):
        return window_around_earth(grid, transform_bounds(*extent, grid.crs)) or window
    return window


def unit_doubt(unit: str, monthly: bool) -> str:
    """What is odd about the unit that a file states, or empty."""
    plain = _LONG_NAME.sub("mm", unit.lower())
    plain = re.sub(r"[^a-z0-9]", "", plain.replace("per", "/"))
    if not plain or plain in (_MONTHLY if monthly else _DAILY):
        return ""
    return f"its unit is '{unit}'; its numbers are taken as mm a {'month' if monthly else 'day'}"


def warn_of_unit(source: str, unit: str, monthly: bool, progress: Progress) -> None:
    """One line in the log where a unit is not what is expected."""
    doubt = unit_doubt(unit, monthly)
    if doubt:
        progress.warn(f"{source}: {doubt}. If they are not, convert them first.")
