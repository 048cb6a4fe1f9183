"""The daily rasters that a date needs, held between dates or read block by block."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np

from ...geo.blocks import blocks
from ...geo.grid import Grid, Window
from ...series.series import Series
from .reading import RainReader, part_of

#: So few that a cancel is felt at once while a block is averaged and compressed.
CELLS_A_BLOCK = 1 << 20


class Days:
    """The days of a date, block by block: held while they are needed, or read anew where they are too big."""

    #: Beside the days held: one just being read (cells, mask, raw).
    _READING = 4

    def __init__(self, series: Series, window: Window, memory_mb: int, days: int):
        self._entries = {entry.date: entry for entry in series.entries}
        self._window, self.reader = window, RainReader()
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
                yield block, [self._read(day, part_of(self._window, block)) for day in used]

    def _read(self, day: dt.date, window: Window) -> np.ndarray:
        entry = self._entries[day]
        return self.reader.read(entry.path, entry.band, window)
