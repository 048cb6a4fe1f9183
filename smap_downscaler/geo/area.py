"""A study area of polygons: the cells that it touches, the pixels inside it, its edges in any CRS."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from osgeo import ogr

from ..base.errors import InputError
from ..base.progress import SILENT, Progress
from ..base.words import Text, counted, text
from .blocks import row_blocks
from .datasets import same_crs
from .grid import ALIGNMENT, Bounds, Grid, Window
from .lattice import is_geographic, transform_bounds
from .placing import Shapes, place
from .polygon_crs import brought, ogr_polygons
from .polygon_runs import AREA, CENTRE, Runs

#: Share of the size of an area to which its edges in another CRS are true, where no grid asks for more.
_TRUE = 1e-6


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells (or pixels) of a grid that belong to an area.

    Parameters
    ----------
    grid : Grid
    runs : Runs
        They may overlap.
    """

    grid: Grid
    runs: Runs

    @cached_property
    def count(self) -> int:
        """How many there are, each counted once."""
        begin, end = (self.runs.row * self.grid.width + ends for ends in (self.runs.start, self.runs.stop))
        order = np.argsort(begin, kind="stable")
        begin, end = begin[order], end[order]
        before = np.maximum.accumulate(np.concatenate([[0], end]))[:-1]
        return int(np.maximum(end - np.maximum(begin, before), 0).sum())

    @property
    def window(self) -> Window:
        """The smallest window that holds them all."""
        row, col = int(self.runs.row.min()), int(self.runs.start.min())
        return Window(row, col, int(self.runs.row.max()) + 1 - row, int(self.runs.stop.max()) - col)

    def mask(self, window: Window | None = None) -> np.ndarray:
        """Which cells of a window (all without one) belong to the area: bool, shape (rows, columns)."""
        window = window or self.grid.whole
        runs = self.runs.inside(window)
        out = np.empty((window.height, window.width), bool)
        for rows in row_blocks(Window(0, 0, window.height, window.width)):
            first, last = np.searchsorted(runs.row, (rows.row, rows.row + rows.height))
            part, steps = slice(first, last), np.zeros((rows.height, rows.width + 1), np.int32)
            np.add.at(steps, (runs.row[part] - rows.row, runs.start[part]), 1)
            np.add.at(steps, (runs.row[part] - rows.row, runs.stop[part]), -1)
            out[rows.slices] = np.cumsum(steps, axis=1)[:, :-1] > 0
        return out

    def meets(self, other: Cells) -> bool:
        """Whether the two, of one grid, share a cell."""
        return any((self.mask(part) & other.mask(part)).any() for part in row_blocks(self.window))

    def cropped(self, window: Window) -> Cells:
        """Those of a window, as cells of its grid."""
        return Cells(self.grid.crop(window), self.runs.inside(window))

    def of_all(self, thing: str) -> Text:
        """`12 of 80 SMAP cells`."""
        return text("{:,} of {}", self.count, counted(self.grid.width * self.grid.height, thing))


@dataclass(frozen=True, eq=False)
class Area:
    """Polygons, which count as their union.

    Parameters
    ----------
    shapes : Shapes
        One polygon or more with an area.
    name : str
        What the user calls the layer.
    parameter : str
        The one that it was given to.
    """

    shapes: Shapes
    name: str
    parameter: str = "AOI"

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"{self.parameter} ({self.name})"

    @property
    def crs(self) -> str:
        """That of the polygons."""
        return self.shapes.crs

    @cached_property
    def digest(self) -> str:
        """A hash of CRS, corners and rings: what depends on the area is made anew where this is another."""
        rings = self.shapes.rings
        content = hashlib.sha256(self.crs.encode())
        for part in (rings.polygon, rings.hole, rings.start, rings.x, rings.y):
            content.update(np.ascontiguousarray(part).tobytes())
        return content.hexdigest()[:32]

    @property
    def tag(self) -> str:
        """What rasters made for it carry: its name, how many polygons it has, and its `digest`."""
        count = self.shapes.count - len(self.shapes.empty)
        return f"{self.name}: {counted(count, 'polygon')}, {self.digest}"

    @cached_property
    def bounds(self) -> Bounds:
        """Its edges in its own CRS; one across the 180th meridian has longitudes beyond 180."""
        return _bounds(self.shapes)

    def bounds_in(self, crs: str, near: Bounds | None = None) -> Bounds:
        """Its edges in another CRS; parameters and errors are those of `shapes_in`."""
        if same_crs(self.crs, crs):
            return self.bounds
        box = near or transform_bounds(self.bounds, self.crs, crs)
        found = self.shapes_in(crs, _TRUE * max(box.right - box.left, box.top - box.bottom), near)
        if not found.rings.x.size:
            raise self._apart("the data")
        return _bounds(found)

    def touched(
        self, grid: Grid, what: str, within: Window | None = None, progress: Progress = SILENT
    ) -> Cells:
        """The cells of a grid that share area with it, be it ever so little.

        Parameters
        ----------
        grid : Grid
        what : str
            What messages call the grid.
        within : Window, optional
            That of EXTENT on the grid: no other cells count.
        progress : Progress

        Raises
        ------
        InputError
            If there is none.
        """
        return self._on(grid, AREA, what, within, progress)

    def inside(
        self, grid: Grid, what: str, within: Window | None = None, progress: Progress = SILENT
    ) -> Cells:
        """The pixels of a grid whose centre lies in it, by the rule of the polygon statistics.

        Parameters and errors are those of `touched`.
        """
        return self._on(grid, CENTRE, what, within, progress)

    def _on(self, grid: Grid, rule: str, what: str, within: Window | None, progress: Progress) -> Cells:
        tolerance = ALIGNMENT * min(grid.cell_width, grid.cell_height)
        shapes = self.shapes_in(grid.crs, tolerance, grid.bounds)
        runs = place(shapes, grid, rule, progress).runs
        if not len(runs.row):
            if rule == CENTRE and len(place(shapes, grid, AREA, progress).runs.row):
                raise InputError(
                    f"{self.label}: no pixel of {what} has its centre in the polygons; choose larger ones."
                )
            raise self._apart(what)
        if within is not None:
            inside = runs.inside(within)
            if not len(inside.row):
                raise InputError(f"{self.label} and EXTENT do not meet on {what}; leave one of them empty.")
            row, start, stop = inside.row + within.row, inside.start + within.col, inside.stop + within.col
            runs = replace(inside, row=row, start=start, stop=stop)
        return Cells(grid, runs)

    def _apart(self, what: str) -> InputError:
        return InputError(
            f"{self.label}: its polygons and {what} do not meet; check the CRS of the layer, or choose "
            "polygons of the same area."
        )

    def log_kept(self, cells: Cells, thing: str, progress: Progress, fate: str = "are NoData") -> None:
        """Say how many cells (called `thing`) of the box around them are kept, and what of the others."""
        kept = cells.cropped(cells.window).of_all(thing)
        progress.log(text("{}: {} in its box kept, the others {}", self.label, kept, fate))

    def geometry_in(self, crs: str, tolerance: float) -> ogr.Geometry:
        """The union of the polygons in another CRS, see `shapes_in`."""
        found = ogr.Geometry(ogr.wkbGeometryCollection)
        for _number, polygon in ogr_polygons(self.shapes_in(crs, tolerance).rings):
            found.AddGeometry(polygon)
        # Joins them; what became a line goes.
        return found.Buffer(0)

    def shapes_in(self, crs: str, tolerance: float, near: Bounds | None = None) -> Shapes:
        """The polygons in another CRS; straight edges become curves there, true to `tolerance` of its units.

        Parameters
        ----------
        crs : str
        tolerance : float
        near : Bounds, optional
            In `crs`: what lies far off may be left out.

        Raises
        ------
        InputError
            If there is no way there, also not by way of degrees.
        """
        if same_crs(self.crs, crs):
            return self.shapes
        found = brought(self.shapes, crs, tolerance, near)
        if found is None:
            raise InputError(
                f"{self.label}: its polygons cannot be transformed from {self.crs[:60]} to {crs[:60]}; check "
                "the CRS of the layer, or cut the polygons to the study area."
            )
        return found


def _bounds(shapes: Shapes) -> Bounds:
    rings = shapes.rings
    bottom, top = float(rings.y.min()), float(rings.y.max())
    left, right = rings.x.min(), rings.x.max()
    if is_geographic(shapes.crs):
        # The narrower of two: with degrees as they are, and with all rings east of the meridian of Greenwich.
        low, high = (end.reduceat(rings.x, rings.start[:-1]) for end in (np.minimum, np.maximum))
        turn = np.where((low + high) / 2 < 0, 360.0, 0.0)
        if (high + turn).max() - (low + turn).min() < right - left:
            left, right = (low + turn).min(), (high + turn).max()
    return Bounds(float(left), bottom, float(right), top)
