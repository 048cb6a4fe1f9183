"""What of a fine stack is mapped: the pixels that EXTENT touches, those in AOI, those of both, or all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.words import Text, counted, text
from ...geo.area import Area, Cells
from ...geo.grid import Bounds, Grid, Window
from ...geo.lattice import cell_text, transform_bounds
from ...geo.sources import window_of_extent
from ...series.tags import area_tags

#: Tag of a map that is a part of the whole: where it lies in the stack.
PART_TAG = "SMAP_DOWNSCALER_PART"


@dataclass(frozen=True, eq=False)
class Part:
    """The part of a grid that is mapped.

    Attributes
    ----------
    whole : Grid
        The grid.
    window : Window
        What of it files hold.
    cells : Cells or None
        The cells of the window that get a value; None: all.
    tags : mapping
        What files say of it: `PART_TAG`, and that of the study area; empty where it is the whole.
    """

    whole: Grid
    window: Window
    cells: Cells | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def grid(self) -> Grid:
        """That of the files."""
        return self.whole if self.window == self.whole.whole else self.whole.crop(self.window)

    def inside(self, block: Window) -> np.ndarray | None:
        """Which cells of a block of the window get a value: bool, its shape; None: all."""
        return None if self.cells is None else self.cells.mask(block)

    def words(self, things: str) -> Text:
        """`200 x 200 pixels of 1,630 x 1,630, 31,415 of them in AOI`; of the whole `1,630 x 1,630 pixels`."""
        size = text("{:,} x {:,} {}", self.window.width, self.window.height, things)
        if not self.tags:
            return size
        size += text(" of {:,} x {:,}", self.whole.width, self.whole.height)
        return size if self.cells is None else size + text(", {:,} of them in AOI", self.cells.count)


@dataclass(frozen=True)
class Wanted:
    """What the user wants to be mapped.

    Parameters
    ----------
    extent : tuple of Bounds and str, optional
        Edges and CRS; the cells that they touch.
    aoi : Area, optional
        The cells with their centre in it.
    touched : bool
        All cells that `aoi` touches instead, for those that are large beside it.
    """

    extent: tuple[Bounds, str] | None = None
    aoi: Area | None = None
    touched: bool = False

    def part(self, grid: Grid, source: str, progress: Progress = SILENT) -> Part:
        """The part of a grid that is wanted; `source` is what messages call the grid.

        Raises
        ------
        InputError
            If there is none.
        """
        window = grid.whole if self.extent is None else window_of_extent(grid, self.extent, source)
        if window.common(grid.whole) != window:
            raise InputError(
                f"EXTENT: it lies over both ends of {source}, which goes around the earth; map each side by "
                "itself."
            )
        if self.aoi is None:
            tags = {} if window == grid.whole else {PART_TAG: _words(window, grid)}
            return Part(grid, window, None, tags)
        within = None if self.extent is None else window
        cells = self.aoi.touched(grid, source, within, progress)
        window = cells.window
        if not self.touched:
            cells = self.aoi.inside(grid, source, within, progress)
        tags = {PART_TAG: _words(window, grid), **area_tags(self.aoi)}
        return Part(grid, window, cells.cropped(window), tags)

    def doubt(self, grid: Grid, source: str) -> str:
        """What is odd about it; empty where nothing is."""
        if self.extent is None:
            return ""
        box = transform_bounds(*self.extent, grid.crs)
        if box.right - box.left >= grid.cell_width or box.top - box.bottom >= grid.cell_height:
            return ""
        window = window_of_extent(grid, self.extent, source)
        return text(
            "EXTENT: it is smaller than a pixel of {} ({}), and only {} mapped; check its numbers "
            "and its CRS",
            source,
            cell_text(grid),
            counted(window.height * window.width, "pixel is", "pixels are"),
        )


def _words(window: Window, grid: Grid) -> str:
    """`rows 301 to 500 of 1630, columns 1 to 200 of 1630`."""
    rows = f"rows {window.row + 1} to {window.row + window.height} of {grid.height}"
    return f"{rows}, columns {window.col + 1} to {window.col + window.width} of {grid.width}"
