"""SMAP's cells under the pixels of maps: how these are shared out among them, and what they come to there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np

from ...base.errors import InputError
from ...base.kept import Kept
from ...geo.area_means import SUBPIXELS_A_CELL, cuts, refined
from ...geo.blocks import windows
from ...geo.geotiff import TILE
from ...geo.grid import Grid, Window
from ...geo.lattice import Lattice
from ...geo.overlap import window_around
from ...geo.sampling import split_over_cells
from ...geo.sources import windows_over
from .numbers.closure import CellSums, OverCells, Shares

#: Pixels are this much smaller than SMAP's cells along a side, at least, for these to be returned exactly.
_LARGEST_SIDE = 0.5
#: Bytes that the shares of pixels in cells may take, which all dates have in common.
_MOST_KEPT = 2**27

#: A block of a map: its window, and its layers, float64, soil moisture first.
Layers = tuple[Window, list[np.ndarray]]


@dataclass(frozen=True, eq=False)
class CellsUnder:
    """SMAP's cells under the pixels of maps.

    Parameters
    ----------
    grid : Grid
        That of the maps.
    smap : Grid
        The SMAP grid.
    label : str
        What messages call SMAP.
    """

    grid: Grid
    smap: Grid
    label: str
    _kept: Kept[Shares] = field(default_factory=lambda: Kept(_MOST_KEPT), init=False, repr=False)

    @cached_property
    def window(self) -> Window:
        """The cells, as a window of the SMAP grid.

        Raises
        ------
        InputError
            If the two do not meet, or pixels are larger than cells.
        """
        found = windows_over(self.smap, self.grid.bounds, self.grid.crs)
        if not found:
            raise InputError(
                f"{self.label}: it does not meet the maps; give the SMAP series of the same area."
            )
        return window_around(found)

    @cached_property
    def cells(self) -> Grid:
        """The grid of the cells."""
        return self.smap.crop(self.window)

    @cached_property
    def lattice(self) -> Lattice:
        """Where pixels lie among the cells."""
        return Lattice(self.grid, self.cells)

    @cached_property
    def _parts(self) -> tuple[tuple[int, int], Lattice]:
        """Into how many parts pixels are cut where they are large beside a cell, and where these lie."""
        cut = cuts(self.lattice.longest_sides, SUBPIXELS_A_CELL)
        return cut, self.lattice if cut == (1, 1) else Lattice(refined(self.grid, cut), self.cells)

    @property
    def are_larger(self) -> bool:
        """Whether the cells are at least as large as the pixels."""
        return max(self.lattice.longest_sides) <= 1.0

    def check(self, exact: bool) -> None:
        """Raise `InputError` where pixels are too large beside the cells for what is wanted."""
        side = max(self.lattice.longest_sides)
        if side > (_LARGEST_SIDE if exact else 1.0 / _LARGEST_SIDE):
            what = "CONSISTENCY cannot be exact there; leave it at 'none'" if exact else "leave it out"
            raise InputError(
                f"{self.label}: the pixels of the maps are {side:.2g} times as long as its cells, and "
                f"{what}, or give a finer stack."
            )

    def on_cells(self, places: np.ndarray, values: np.ndarray) -> np.ndarray | None:
        """Values of cells of the SMAP grid, int, shape (n, 2), as an array of the cells; None for none."""
        rows, cols = places[:, 0] - self.window.row, places[:, 1] - self.window.col
        inside = (rows >= 0) & (rows < self.window.height) & (cols >= 0) & (cols < self.window.width)
        found = np.full(self.cells.shape, np.nan)
        found[rows[inside], cols[inside]] = values[inside]
        return found if np.isfinite(found).any() else None

    def positions(self, tile: Window) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the pixels of a tile among the cells: float64, its shape."""
        return self.lattice.positions(tile)

    def sums(self, tile: Window, values: np.ndarray, weights: bool = True) -> CellSums:
        """Sums of a tile of a map over the cells; `values` has its shape, NaN where missing.

        `weights`: whether those of nodes are asked for.
        """
        centres = None
        if weights:
            rows, cols = self.positions(tile)
            centres = rows.ravel(), cols.ravel()
        shares = self._kept.of(tile, partial(self._shares, tile))
        return shares.sums(values.ravel(), centres)

    def _shares(self, tile: Window) -> Shares:
        """How the pixels of a tile are shared out among the cells."""
        (down, right), lattice = self._parts
        fine = Window(tile.row * down, tile.col * right, tile.height * down, tile.width * right)
        rows, cols = (part.ravel() for part in lattice.positions(fine))
        areas = lattice.areas(fine).ravel()
        parts, cells, areas = split_over_cells(rows, cols, lattice.pixel_size(fine), areas, self.cells.shape)
        some = areas > 0
        part_rows, part_cols = np.divmod(parts[some], fine.width)
        pixel = part_rows // down * tile.width + part_cols // right
        return Shares.of(self.cells.shape, tile.height * tile.width, pixel, cells[some], areas[some])

    def over(self, parts: Iterable[tuple[Window, CellSums]]) -> OverCells:
        """All tiles of a map, in whatever order they come."""
        ordered = sorted(parts, key=lambda part: (part[0].row, part[0].col))
        return OverCells.of((sums for _tile, sums in ordered), self.cells.shape)

    def sums_of(self, layers: Layers, weights: bool = True) -> Iterator[tuple[Window, CellSums]]:
        """Sums of the tiles of a block of a map that hold a value."""
        block, (values, *_others) = layers
        for tile in windows(block, TILE, TILE):
            part = values[block.place_of(tile).slices]
            if np.isfinite(part).any():
                yield tile, self.sums(tile, part, weights)
