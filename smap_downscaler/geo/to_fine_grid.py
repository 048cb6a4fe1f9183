"""Rasters brought to a fine grid: copied where they lie on it, else bilinear, nearest or area mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ..base.progress import SILENT, Progress
from .area_means import cell_means
from .blocks import windows
from .datasets import same_crs
from .geotiff import TILE
from .grid import Grid, Window
from .lattice import Lattice, goes_around, is_geographic
from .sampling import AUTO, BILINEAR, MEAN, NEAREST, bilinear, nearest
from .sources import BandReader, Mask, Source, windows_over

#: Ways to the fine grid beside BILINEAR and NEAREST, as the log calls them.
COPIED, AREA_MEAN = "copied", "area mean"
#: A pixel must be this much smaller than the target's for an area mean to mean something.
_FINER = 0.98
#: Sub-pixels along the side of a fine cell in an area mean, at least.
_PARTS = 2
#: A block of work, about 64 MB: whole tiles of the file.
_BLOCK_ROWS, _BLOCK_COLS = TILE, 8 * TILE
_BANDS_AT_A_TIME = 4


def way_of(source: Grid, target: Grid, wanted: str = AUTO) -> str:
    """How a raster on `source` is brought to `target`: COPIED, BILINEAR, NEAREST or AREA_MEAN.

    What is `wanted` (see `sampling.RESAMPLINGS`) counts, unless the raster can be copied.
    """
    if aligned_offset(source, target) is not None:
        return COPIED
    if wanted != AUTO:
        return AREA_MEAN if wanted == MEAN else wanted
    middle = target.crop(Window(target.height // 2, target.width // 2, 1, 1))
    # Area of the middle target cell in source pixels.
    area = float(Lattice(middle, source).areas()[0, 0])
    return AREA_MEAN if area * _FINER**2 > 1 else BILINEAR


def aligned_offset(source: Grid, target: Grid) -> tuple[int, int] | None:
    """Row and column of the target's first cell in `source` where the cells coincide, else None.

    The column may lie beyond a source around the whole earth.
    """
    found = target.cell_offset_in(source) if same_crs(source.crs, target.crs) else None
    if found is None or not is_geographic(source.crs):
        return found
    # Of two rasters one may run from 0 to 360 degrees.
    row, col = found
    turn = round(360 / source.cell_width)
    if col >= source.width:
        col -= turn
    elif col + target.width <= 0:
        col += turn
    return row, col


def blocks(grid: Grid) -> list[Window]:
    """The blocks in which a fine grid is made, row by row."""
    return list(windows(grid.whole, _BLOCK_ROWS, _BLOCK_COLS))


class FineResampler:
    """Brings sources to the blocks of a fine grid; for one thread.

    Parameters
    ----------
    sources : sequence of Source
    target : Grid
    mask : Mask or None
        Cells whose centre it masks are NaN in all bands.
    progress : Progress
        Asked for cancellation.
    wanted : sequence of str
        The resampling asked for each source, see `way_of`; by default all are left to it.

    Attributes
    ----------
    ways : list of str
        What is done to each source.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        target: Grid,
        mask: Mask | None = None,
        progress: Progress = SILENT,
        wanted: Sequence[str] = (),
    ):
        self.target = target
        self._mask, self._progress, self._reader = mask, progress, BandReader()
        self.ways: list[str] = []
        self._groups: dict[tuple[Grid, str], list[tuple[int, Source]]] = {}
        # Many bands share a grid, and to choose a way costs a transformation.
        ways = {pair: way_of(pair[0], target, pair[1]) for pair in set(_pairs(sources, wanted))}
        for number, (source, pair) in enumerate(zip(sources, _pairs(sources, wanted))):
            self.ways.append(ways[pair])
            self._groups.setdefault((source.grid, ways[pair]), []).append((number, source))
        self._parts = {grid: _part_over(grid, target) for grid, _way in self._groups}
        self._lattices = {
            grid: Lattice(target, grid.crop(self._parts[grid]), progress)
            for grid, way in self._groups
            if way in (BILINEAR, NEAREST)
        }
        self._on_mask = None if mask is None else Lattice(target, mask.grid, progress)

    def block(self, window: Window) -> Iterator[tuple[int, np.ndarray]]:
        """Number and values, float32, shape (rows, columns), of each source in a block; in any order."""
        masked = None
        if self._mask is not None and self._on_mask is not None:
            masked = self._mask.covers(*self._on_mask.positions(window))
        for (grid, way), members in self._groups.items():
            for number, values in self._values(way, grid, members, window):
                self._progress.check()
                out = values.astype(np.float32)
                if masked is not None:
                    out[masked] = np.nan
                yield number, out

    def _values(
        self, way: str, grid: Grid, members: list[tuple[int, Source]], window: Window
    ) -> Iterator[tuple[int, np.ndarray]]:
        if way == COPIED:
            return self._copied(grid, members, window)
        if way == AREA_MEAN:
            return self._area_means(members, window)
        return self._at_points(bilinear if way == BILINEAR else nearest, grid, members, window)

    def _copied(
        self, grid: Grid, members: list[tuple[int, Source]], window: Window
    ) -> Iterator[tuple[int, np.ndarray]]:
        offset = aligned_offset(grid, self.target)
        if offset is None:
            raise ValueError("the grids do not coincide")
        row, col = window.row + offset[0], window.col + offset[1]
        top, left = max(row, 0), max(col, 0)
        bottom, right = min(row + window.height, grid.height), min(col + window.width, grid.width)
        if goes_around(grid):
            left, right = col, col + window.width
        for number, source in members:
            out = np.full((window.height, window.width), np.float32(np.nan))
            if bottom > top and right > left:
                part = self._reader.read(source, Window(top, left, bottom - top, right - left))
                out[top - row : bottom - row, left - col : right - col] = part
            yield number, out

    def _at_points(
        self,
        value_at: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
        grid: Grid,
        members: list[tuple[int, Source]],
        window: Window,
    ) -> Iterator[tuple[int, np.ndarray]]:
        rows, cols = self._lattices[grid].positions(window)
        part = self._parts[grid]
        needed = _needed(rows, cols, self._lattices[grid].target)
        for number, source in members:
            if needed is None:
                yield number, np.full(rows.shape, np.nan)
                continue
            place = Window(part.row + needed.row, part.col + needed.col, needed.height, needed.width)
            values = self._reader.read(source, place)
            yield number, value_at(values, rows - needed.row, cols - needed.col)

    def _area_means(
        self, members: list[tuple[int, Source]], window: Window
    ) -> Iterator[tuple[int, np.ndarray]]:
        for start in range(0, len(members), _BANDS_AT_A_TIME):
            part = members[start : start + _BANDS_AT_A_TIME]
            means = cell_means(
                [source for _number, source in part],
                self.target.crop(window),
                parts=_PARTS,
                reader=self._reader,
                progress=_Quiet(self._progress),
            )
            for (number, _source), values in zip(part, means.values):
                yield number, values


def _part_over(grid: Grid, target: Grid) -> Window:
    """What a target needs of a grid around the whole earth, so that no seam lies in it; of others all."""
    if not goes_around(grid):
        return grid.whole
    found = windows_over(grid, target.bounds, target.crs)
    return found[0] if found else grid.whole


def _pairs(sources: Sequence[Source], wanted: Sequence[str]) -> list[tuple[Grid, str]]:
    """Grid and resampling asked for of each source."""
    return [(source.grid, way) for source, way in zip(sources, wanted or [AUTO] * len(sources))]


class _Quiet(Progress):
    """Hands on cancellation and nothing else."""

    def __init__(self, parent: Progress):
        self._parent = parent

    def is_cancelled(self) -> bool:
        return self._parent.is_cancelled()


def _needed(rows: np.ndarray, cols: np.ndarray, grid: Grid) -> Window | None:
    """The cells of `grid` that bilinear interpolation at these positions reads; None for none."""
    inside = (rows >= 0) & (rows < grid.height) & (cols >= 0) & (cols < grid.width)
    if not inside.any():
        return None
    # Two cells more, so that the edge of the window never passes for the edge of the raster.
    top, left = max(math.floor(rows[inside].min()) - 2, 0), max(math.floor(cols[inside].min()) - 2, 0)
    bottom = min(math.floor(rows[inside].max()) + 3, grid.height)
    right = min(math.floor(cols[inside].max()) + 3, grid.width)
    return Window(top, left, bottom - top, right - left)
