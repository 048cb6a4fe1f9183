"""Area-weighted means of rasters on the cells of a coarse grid, for any pair of CRS.

Each pixel is cut into sub-pixels at most 1/64 of a cell wide, which are shared
out among the cells that they touch, weighted with their true area in the
grid's CRS (equal-area for SMAP's EASE-Grid 2.0). Where pixels are much larger
than cells, the cells are cut instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..base.errors import InputError
from ..base.progress import SILENT, Counter, Progress
from .blocks import windows
from .grid import EDGE_TOLERANCE, Grid, Window
from .lattice import Lattice
from .sampling import CellSums, split_over_cells
from .sources import BandReader, Mask, Source, windows_over

#: Sub-pixels along the side of a cell, at least.
SUBPIXELS_A_CELL = 64
#: Sub-pixels worked on at a time, what that takes, and the width of such a chunk: not
#: long and thin, or a mask in another CRS would be read far beyond it.
_CHUNK, CHUNK_BYTES = 1 << 18, 44 << 20
_CHUNK_WIDTH = 1 << 12
#: From this area on, in cells, the cells are cut and not the pixel, and into how many parts a side at least.
_LARGE_PIXEL, _PARTS_OF_A_CELL = 16.0, 4


@dataclass(frozen=True)
class CellMeans:
    """Means and covered shares on a coarse grid, shape (bands, rows, columns)."""

    values: np.ndarray
    shares: np.ndarray


def cell_means(
    sources: Sequence[Source],
    target: Grid,
    mask: Mask | None = None,
    minimum_share: float = 0.0,
    parts: int = SUBPIXELS_A_CELL,
    reader: BandReader | None = None,
    progress: Progress = SILENT,
    wanted: Window | None = None,
) -> CellMeans:
    """Area-weighted means of each source on each cell of `target`.

    Parameters
    ----------
    sources : sequence of Source
    target : Grid
    mask : Mask or None
        Removed from the means.
    minimum_share : float
        Cells of which valid pixels cover less are NaN, 0...1.
    parts : int
        Sub-pixels along the side of a cell, at least.
    reader : BandReader, optional
        Keeps files open from one call to the next.
    progress : Progress
    wanted : Window or None
        The cells of `target` whose means are wanted; they are those of the whole to the last bit, and only
        the pixels that they need are read. None: all.

    Returns
    -------
    CellMeans
        Of the wanted cells, float64; NaN where a cell has no mean; shares as parts of the whole cell.
    """
    check_share(minimum_share)
    sums = CellSums(len(sources), target.shape)
    wanted = None if wanted == target.whole else wanted
    job = _Job(target, mask, parts, reader or BandReader(), progress, wanted)
    passes = _passes(sources, job)
    counter = progress.counter(sum(one.pixels for one in passes), "sub-pixels averaged")
    for one in passes:
        one.run(sums, counter)
    bands, cells = range(len(sources)), (wanted or target.whole).slices
    return CellMeans(
        np.stack([sums.means(band, minimum_share)[cells] for band in bands]),
        np.stack([sums.shares(band)[cells] for band in bands]),
    )


def check_share(minimum_share: float) -> None:
    """Raise `InputError` for a least covered share that is none."""
    if not 0 <= minimum_share <= 1:
        raise InputError(f"MINIMUM_COVERED is {minimum_share:g}; give a share from 0 to 1.")


@dataclass(frozen=True)
class _Job:
    """What all passes share."""

    target: Grid
    mask: Mask | None
    parts: int
    reader: BandReader
    progress: Progress
    wanted: Window | None

    def needed(self, pixels: Lattice, chunk: Window) -> Window | None:
        """The pixels of a chunk, no larger than cells, that may touch a wanted cell; None for none."""
        if self.wanted is None:
            return chunk
        (rows, cols), wanted = pixels.positions(chunk), self.wanted
        with np.errstate(invalid="ignore"):
            near = (rows > wanted.row - 1) & (rows < wanted.row + wanted.height + 1)
            near &= (cols > wanted.col - 1) & (cols < wanted.col + wanted.width + 1)
        if not near.any():
            return None
        down, right = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
        height, width = int(down[-1] - down[0]) + 1, int(right[-1] - right[0]) + 1
        return chunk.part(Window(int(down[0]), int(right[0]), height, width))


def _passes(sources: Sequence[Source], job: _Job) -> list[_Pass]:
    """One pass over each grid that sources share."""
    groups: dict[Grid, list[tuple[int, Source]]] = {}
    for number, source in enumerate(sources):
        groups.setdefault(source.grid, []).append((number, source))
    passes = []
    for grid, members in groups.items():
        for window in windows_over(grid, job.target.bounds, job.target.crs):
            passes.append(_Pass(members, grid, window, job))
    return passes


class _Pass:
    """All bands on one grid, cut into sub-pixels and added to the cells chunk by chunk."""

    def __init__(self, members: list[tuple[int, Source]], grid: Grid, window: Window, job: _Job):
        self._members, self._window, self._job = members, window, job
        cropped = grid.crop(window)
        lattice = Lattice(cropped, job.target, job.progress)
        mask = None if job.mask is None else job.mask.grid
        self._cells = cell_parts(lattice, job.parts, job.progress, mask)
        if self._cells is not None:
            self._fine = self._cells.fine
            self._on_mask = None if mask is None else Lattice(self._fine, mask, job.progress)
            return
        cut = cuts(lattice.longest_sides, job.parts)
        if job.mask is not None:
            on_mask = cuts(Lattice(cropped, job.mask.grid, job.progress).longest_sides, 1)
            cut = max(cut[0], on_mask[0]), max(cut[1], on_mask[1])
        self._cuts = cut
        self._fine = refined(cropped, cut)
        self._lattice = lattice if cut == (1, 1) else Lattice(self._fine, job.target, job.progress)
        self._on_mask = None if job.mask is None else Lattice(self._fine, job.mask.grid, job.progress)

    @property
    def pixels(self) -> int:
        """Sub-pixels to add, over all bands."""
        return self._fine.width * self._fine.height * len(self._members)

    def run(self, sums: CellSums, counter: Counter) -> None:
        """Add all chunks to `sums`."""
        for chunk in chunks(self._fine):
            for number, cells, areas, values in self._chunk(chunk, sums.shape):
                sums.add(number, cells, areas, values)
                counter.advance(chunk.height * chunk.width)

    def _chunk(
        self, chunk: Window, shape: tuple[int, int]
    ) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
        """Number of the source, cells, areas and values of each band in a chunk of sub-pixels."""
        if self._cells is not None:
            yield from self._chunk_of_cells(self._cells, chunk)
            return
        # Bits of the means hang on the chunk that this is the mean of.
        size, needed = self._lattice.pixel_size(chunk), self._job.needed(self._lattice, chunk)
        if needed is None:
            none = np.empty(0)
            yield from ((number, none.astype(np.intp), none, none) for number, _source in self._members)
            return
        chunk = needed
        rows, cols = (part.ravel() for part in self._lattice.positions(chunk))
        areas = self._lattice.areas(chunk).ravel()
        if self._job.mask is not None and self._on_mask is not None:
            masked = self._job.mask.covers(*self._on_mask.positions(chunk)).ravel()
            areas = np.where(masked, 0.0, areas)
        parts, cells, areas = split_over_cells(rows, cols, size, areas, shape)
        down, right = self._cuts
        first_row, first_col = chunk.row // down, chunk.col // right
        pixel_rows = (chunk.row + np.arange(chunk.height)) // down - first_row
        pixel_cols = (chunk.col + np.arange(chunk.width)) // right - first_col
        pixels = Window(
            self._window.row + first_row,
            self._window.col + first_col,
            int(pixel_rows[-1]) + 1,
            int(pixel_cols[-1]) + 1,
        )
        # Which pixel of the block read each part belongs to.
        owners = (pixel_rows[:, None] * pixels.width + pixel_cols[None, :]).ravel()[parts]
        for number, source in self._members:
            if not cells.size:
                yield number, cells, areas, areas
                continue
            yield number, cells, areas, self._job.reader.read(source, pixels).ravel()[owners]

    def _chunk_of_cells(
        self, cut: CellParts, chunk: Window
    ) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
        """The same in a chunk of parts of cells."""
        masked = None
        if self._job.mask is not None and self._on_mask is not None:
            masked = self._job.mask.covers(*self._on_mask.positions(chunk))
        rows, cols, cells, areas = cut.shares(chunk, masked)
        if not cells.size:
            yield from ((number, cells, areas, areas) for number, _source in self._members)
            return
        top, left = int(rows.min()), int(cols.min())
        height, width = int(rows.max()) - top + 1, int(cols.max()) - left + 1
        pixels = Window(self._window.row + top, self._window.col + left, height, width)
        for number, source in self._members:
            values = self._job.reader.read(source, pixels)
            yield number, cells, areas, values[rows - top, cols - left]


class CellParts:
    """The cells of a grid cut into parts, for pixels much larger than they.

    Parameters
    ----------
    cells, pixels : Grid
    parts : int
        Parts along the side of a pixel, at least.
    mask : Grid or None
        A grid whose cells the parts are no larger than.
    progress : Progress
        Asked for cancellation.

    Attributes
    ----------
    fine : Grid
        The parts.
    """

    def __init__(self, cells: Grid, pixels: Grid, parts: int, mask: Grid | None, progress: Progress):
        cut = cuts(Lattice(cells, pixels, progress).longest_sides, parts)
        on_mask = (1, 1) if mask is None else cuts(Lattice(cells, mask, progress).longest_sides, 1)
        self._cut = max(cut[0], on_mask[0], _PARTS_OF_A_CELL), max(cut[1], on_mask[1], _PARTS_OF_A_CELL)
        self._width = cells.width
        self.fine = refined(cells, self._cut)
        self._lattice = Lattice(self.fine, pixels, progress)

    def shares(self, chunk: Window, masked: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
        """What the parts in a chunk share with pixels.

        Returns
        -------
        rows, cols, cells : int arrays, shape (n,)
            Row and column of the pixel, and flat number of the cell.
        areas : float64 array, shape (n,)
            Shared area, in cells; 0 where `masked`.
        """
        rows, cols = (part.ravel() for part in self._lattice.positions(chunk))
        down, right = self._cut
        areas = np.full(rows.size, 1.0 / (down * right))
        if masked is not None:
            areas[masked.ravel()] = 0.0
        size, shape = self._lattice.pixel_size(chunk), self._lattice.target.shape
        parts, pixels, areas = split_over_cells(rows, cols, size, areas, shape)
        part_rows, part_cols = divmod(parts, chunk.width)
        cells = (chunk.row + part_rows) // down * self._width + (chunk.col + part_cols) // right
        return (*divmod(pixels, shape[1]), cells, areas)


def cell_parts(pixels: Lattice, parts: int, progress: Progress, mask: Grid | None = None) -> CellParts | None:
    """The cells of a lattice's target cut into parts where its pixels are much larger, else None."""
    down, right = pixels.longest_sides
    if down * right < _LARGE_PIXEL:
        return None
    return CellParts(pixels.target, pixels.source, parts, mask, progress)


def cuts(longest_sides: tuple[float, float], parts: int) -> tuple[int, int]:
    """Into how many parts a pixel is cut downwards and to the right, so that they are small enough."""
    # A pixel of the very size wanted is not cut in two for a rounding error.
    down, right = (max(1, math.ceil(side * parts - EDGE_TOLERANCE)) for side in longest_sides)
    return down, right


def refined(grid: Grid, cut: tuple[int, int]) -> Grid:
    """The grid whose cells are the parts into which `cuts` cuts the pixels of `grid`."""
    down, right = cut
    return Grid(
        grid.crs,
        grid.left,
        grid.top,
        grid.cell_width / right,
        grid.cell_height / down,
        grid.width * right,
        grid.height * down,
    )


def chunks(grid: Grid) -> list[Window]:
    """The windows of a (refined) grid worked on one at a time, row by row."""
    width = min(grid.width, _CHUNK_WIDTH)
    return list(windows(grid.whole, max(1, _CHUNK // width), width))
