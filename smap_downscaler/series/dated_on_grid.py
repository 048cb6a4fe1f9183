"""A dated covariate on another grid: area means on SMAP cells and where it is finer, else bilinear."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..base.errors import InputError
from ..base.kept import Kept
from ..base.progress import SILENT, Progress
from ..geo.area_means import CHUNK_BYTES, cell_means
from ..geo.blocks import tiles_of, windows
from ..geo.grid import Grid, Window
from ..geo.lattice import Lattice
from ..geo.overlap import Overlap, overlap, window_around
from ..geo.sampling import Between, CellSums
from ..geo.sources import BandReader, Source, windows_over
from ..geo.to_fine_grid import AREA_MEAN, way_of
from .dated import DatedCovariate

#: Pixels whose shares of cells are worked out at a time. Bits of the means hang on it where there are more.
PIXELS_A_BAND = 1 << 18
#: Sub-pixels along the side of a fine pixel in an area mean, at least; with one CRS areas are exact anyway.
_PARTS = 4
#: Bytes that a pixel takes while it is read: as it is stored, as it is returned, and what is missing.
_BYTES_A_PIXEL_READ = 16


class OnCells:
    """Area-weighted means of a dated covariate on the cells of a coarse grid.

    How its pixels lie in the cells is worked out once for all dates as long as that fits in memory; a
    date is read in bands of rows. The means do not depend on `memory_mb`, to the last bit.

    Parameters
    ----------
    covariate : DatedCovariate
    cells : Grid
    memory_mb : float
        What the shares that are kept from date to date may take, 24 bytes a pixel or a little more.
    progress : Progress
        Asked for cancellation.

    Attributes
    ----------
    kept_bytes : int
        What they take.

    Raises
    ------
    InputError
        If the covariate does not meet the cells.
    """

    def __init__(
        self, covariate: DatedCovariate, cells: Grid, memory_mb: float = 512, progress: Progress = SILENT
    ):
        self.covariate, self.cells = covariate, cells
        self._bands = _bands(windows_over(covariate.series.grid, cells.bounds, cells.crs))
        self._kept: list[Overlap] = []
        self.kept_bytes = 0
        for band in self._bands:
            shares = self._shares(band, progress)
            if self.kept_bytes + shares.nbytes > memory_mb * 2**20:
                break
            self._kept.append(shares)
            self.kept_bytes += shares.nbytes
        else:
            if not self.kept_bytes:
                raise InputError(
                    f"{covariate.series.source}: it does not meet the SMAP cells; choose rasters of the same "
                    "area."
                )

    def _shares(self, band: Sequence[Window], progress: Progress) -> Overlap:
        return overlap(self.covariate.series.grid, self.cells, band, progress)

    def read(self, date: dt.date, progress: Progress = SILENT) -> np.ndarray:
        """The means of a date: float32, shape of the cells, NaN where too little is covered or no raster is.

        Raises
        ------
        InputError
            If a file cannot be read, or holds a code of no value that nobody declared.
        """
        sums, source = CellSums(1, self.cells.shape), self.covariate.source(date)
        if source is not None:
            reader = BandReader()
            for number, band in enumerate(self._bands):
                progress.check()
                shares = self._kept[number] if number < len(self._kept) else self._shares(band, progress)
                values = reader.read(source, shares.window)
                sums.add(0, shares.cells, shares.areas, values.ravel()[shares.pixels])
            self.covariate.series.check_codes()
        return sums.means(0, self.covariate.minimum_share).astype(np.float32)


def _bands(parts: Sequence[Window]) -> list[tuple[Window, ...]]:
    """Windows of the same rows cut into bands of rows that are not too large to be worked on."""
    height = max(PIXELS_A_BAND // max(window_around(parts).width, 1), 1)
    return list(zip(*(windows(part, height) for part in parts)))


class OnPixels:
    """A dated covariate on the pixels of a fine grid, a block at a time; threads may share it.

    Area means where its own pixels are finer, else bilinear interpolation between them. Of a raster only
    what a block needs is read, and the values do not depend on how the grid is cut into blocks, to the
    last bit.

    Parameters
    ----------
    covariate : DatedCovariate
    grid : Grid
    progress : Progress
        Asked for cancellation.

    Raises
    ------
    InputError
        If the covariate does not meet the grid.
    """

    def __init__(self, covariate: DatedCovariate, grid: Grid, progress: Progress = SILENT):
        self.covariate, self.grid = covariate, grid
        series = covariate.series
        found = windows_over(series.grid, grid.bounds, grid.crs)
        if not found:
            raise InputError(
                f"{series.source}: it does not meet the fine stack; choose a series of the same area."
            )
        self._hull = window_around(found)
        self._lattice: Lattice | None = None
        if way_of(series.grid, grid) != AREA_MEAN:
            self._lattice = Lattice(grid, series.grid.crop(self._hull), progress)

    @property
    def bytes_a_block(self) -> int:
        """What the reading of a block takes beside `bytes_a_pixel`."""
        return CHUNK_BYTES if self._lattice is None else 0

    @property
    def bytes_a_pixel(self) -> int:
        """What the reading of a block takes for each of its pixels."""
        if self._lattice is None:
            return 0
        # Of pixels that lie askew the box around a block holds twice as many.
        middle = Window(self.grid.height // 2, self.grid.width // 2, 1, 1)
        area = float(np.nan_to_num(self._lattice.areas(middle)[0, 0], nan=1.0))
        return math.ceil(2 * _BYTES_A_PIXEL_READ * area)

    def block(
        self, date: dt.date, window: Window, kept: Kept[Any] | None = None
    ) -> Callable[[Progress], np.ndarray]:
        """What gives the values of a block on a date, in any thread: float32, its shape, NaN where missing.

        What is interpolated is read at once: coarse series are often NetCDF, whose library wants one thread.
        What the block is on all dates is kept in `kept`; covariates of one grid share it.

        Raises
        ------
        InputError
            If a file cannot be read; the means may raise it too, and `Cancelled`.
        """
        source, lattice = self.covariate.source(date), self._lattice

        def missing(_progress: Progress) -> np.ndarray:
            return np.full((window.height, window.width), np.nan, np.float32)

        if source is None:
            return missing
        if lattice is None:
            return partial(self._means, source, window)
        needed = window_around(windows_over(lattice.target, self.grid.crop(window).bounds, self.grid.crs))
        if not needed.width:
            return missing
        row, col = self._hull.row + needed.row, self._hull.col + needed.col
        values = BandReader().read(source, Window(row, col, needed.height, needed.width))

        def between() -> Between:
            rows, cols = lattice.positions(window)
            # What is taken off is a whole number, and the rest keeps all its bits.
            return Between(values.shape, rows - needed.row, cols - needed.col)

        def interpolated(_progress: Progress) -> np.ndarray:
            found = between() if kept is None else kept.of((lattice.target, window), between)
            return np.asarray(found.of(values), np.float32)

        return interpolated

    def _means(self, source: Source, window: Window, progress: Progress) -> np.ndarray:
        out, reader = np.empty((window.height, window.width), np.float32), BandReader()
        for tile, inside in tiles_of(self.grid, window):
            found = cell_means(
                [source],
                self.grid.crop(tile),
                minimum_share=self.covariate.minimum_share,
                parts=_PARTS,
                reader=reader,
                progress=progress,
                wanted=tile.place_of(inside),
            )
            out[window.place_of(inside).slices] = found.values[0]
        return out
