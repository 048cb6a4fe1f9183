"""A study area of polygons: the cells that it touches, the pixels inside it, its edges in any CRS."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from osgeo import ogr, osr

from ..base.errors import InputError
from ..base.progress import SILENT, Progress
from ..base.words import Text, counted, text
from .blocks import row_blocks
from .datasets import same_crs, spatial_reference
from .grid import ALIGNMENT, Bounds, Grid, Window
from .lattice import Transformation, is_geographic, transform_bounds
from .placing import Shapes, place, put_together, rings_of, usable
from .polygon_edges import Rings
from .polygon_runs import AREA, CENTRE, Runs

#: Rounds of halving after which an edge cannot be brought to a CRS, and most vertices that it may take.
_ROUNDS, _MOST_VERTICES = 28, 5_000_000
#: Share of the way along an edge at which its true place is looked at: a curve may swing round its middle.
_LOOKED_AT = (0.5, 0.25)
#: Degrees from the meridian at which the maps of a CRS end: on it a place may lie at either end.
_BESIDE = 1e-9
_PLATE_CARREE = "EPSG:4326"
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
        for _number, polygon in _polygons(self.shapes_in(crs, tolerance).rings):
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
        found = _brought(self.shapes, crs, tolerance)
        if found is None and not is_geographic(crs):
            found = self._by_degrees(crs, tolerance, near)
        if found is None:
            raise InputError(
                f"{self.label}: its polygons cannot be transformed from {self.crs[:60]} to {crs[:60]}; check "
                "the CRS of the layer, or cut the polygons to the study area."
            )
        return found

    def _by_degrees(self, crs: str, tolerance: float, near: Bounds | None) -> Shapes | None:
        """The same for polygons that lie across the edge of the maps of a CRS: they are cut there."""
        shapes: Shapes | None = self.shapes
        if not is_geographic(self.crs):
            # A degree is 111 km.
            shapes = _brought(self.shapes, _PLATE_CARREE, tolerance / 111_320)
        if shapes is None:
            return None
        world = _world_of(crs, shapes.crs, near)
        pieces = [
            (number, hole, points)
            for number, polygon in _polygons(shapes.rings)
            for hole, points in _cut(polygon, world)
        ]
        # What is cut may lie at places that the CRS does not have.
        return _brought(replace(shapes, rings=put_together(pieces)), crs, tolerance)


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


def _brought(shapes: Shapes, crs: str, tolerance: float) -> Shapes | None:
    """Polygons in another CRS with as many vertices as curves need; None where an edge has no place there.

    Longitudes go on over the 180th meridian.
    """
    rings, transform = shapes.rings, Transformation(shapes.crs, crs)
    turns = is_geographic(crs)
    along = _shortest_way if turns else _straight_way
    ring = np.repeat(np.arange(len(rings.polygon)), np.diff(rings.start))
    x, y = rings.x, rings.y
    to_x, to_y = transform(x, y)
    # By the first vertex of an edge; from the last vertex of a ring to the next ring there is none.
    open_edges = np.append(ring[1:] == ring[:-1], False)
    for _round in range(_ROUNDS):
        if not (np.isfinite(to_x).all() and np.isfinite(to_y).all()):
            return None
        edge = np.flatnonzero(open_edges)
        far = np.zeros(len(edge), bool)
        for share in _LOOKED_AT:
            at = transform(
                x[edge] + share * (x[edge + 1] - x[edge]), y[edge] + share * (y[edge + 1] - y[edge])
            )
            off_x = along(at[0] - to_x[edge]) - share * along(to_x[edge + 1] - to_x[edge])
            off_y = at[1] - to_y[edge] - share * (to_y[edge + 1] - to_y[edge])
            far |= ~(np.hypot(off_x, off_y) <= tolerance)
        bad = edge[far]
        if not bad.size:
            break
        if len(x) + bad.size > _MOST_VERTICES:
            return None
        middle_x, middle_y = (x[bad] + x[bad + 1]) / 2, (y[bad] + y[bad + 1]) / 2
        middle = transform(middle_x, middle_y)
        open_edges = np.zeros(len(x), bool)
        open_edges[bad] = True
        ring, open_edges = np.insert(ring, bad + 1, ring[bad]), np.insert(open_edges, bad + 1, True)
        x, y = np.insert(x, bad + 1, middle_x), np.insert(y, bad + 1, middle_y)
        to_x, to_y = np.insert(to_x, bad + 1, middle[0]), np.insert(to_y, bad + 1, middle[1])
    else:
        return None
    start = np.searchsorted(ring, np.arange(len(rings.polygon) + 1))
    brought = Rings(rings.polygon, rings.hole, start, to_x, to_y)
    if turns:
        unrolled = _unrolled(brought)
        if unrolled is None:
            return None
        brought = unrolled
    return replace(shapes, crs=crs, rings=brought)


def _straight_way(step: np.ndarray) -> np.ndarray:
    return step


def _shortest_way(step: np.ndarray) -> np.ndarray:
    """Steps in degrees the short way round the earth."""
    return (step + 180.0) % 360.0 - 180.0


def _unrolled(rings: Rings) -> Rings | None:
    """Rings of degrees that go on over the 180th meridian, holes beside their shell; None around a pole."""
    x, shell = rings.x.copy(), 0.0
    for hole, first, last in zip(rings.hole.tolist(), rings.start[:-1].tolist(), rings.start[1:].tolist()):
        part = x[first:last]
        part[1:] = part[0] + np.cumsum(_shortest_way(np.diff(part)))
        if abs(part[-1] - part[0]) > 180.0:
            return None
        part[-1] = part[0]
        middle = (part.min() + part.max()) / 2
        if hole:
            part += 360.0 * round((shell - middle) / 360.0)
        else:
            shell = middle
    return replace(rings, x=x)


def _polygons(rings: Rings) -> Iterator[tuple[int, ogr.Geometry]]:
    """The number of the polygon that each shell belongs to, and the shell with its holes, valid."""
    for number, polygon in _shells(rings):
        # Edges that became curves may cross one another.
        valid, _mended = usable(bytes(polygon.ExportToWkb()))
        if valid is not None:
            yield number, valid


def _shells(rings: Rings) -> Iterator[tuple[int, ogr.Geometry]]:
    polygon, number = None, -1
    for index in range(len(rings.polygon)):
        if not rings.hole[index]:
            if polygon is not None:
                yield number, polygon
            polygon, number = ogr.Geometry(ogr.wkbPolygon), int(rings.polygon[index])
        line = ogr.Geometry(ogr.wkbLinearRing)
        vertices = slice(rings.start[index], rings.start[index + 1])
        for east, north in zip(rings.x[vertices].tolist(), rings.y[vertices].tolist()):
            line.AddPoint_2D(east, north)
        if polygon is not None:
            polygon.AddGeometry(line)
    if polygon is not None:
        yield number, polygon


def _world_of(crs: str, degrees: str, near: Bounds | None) -> Bounds:
    """The degrees that a projected CRS shows between its edges, or those near a place in it."""
    middle = _middle_meridian(crs)
    world = Bounds(middle - 180.0 + _BESIDE, -90.0, middle + 180.0 - _BESIDE, 90.0)
    if near is None:
        return world
    box = transform_bounds(near, crs, degrees)
    wide, high = box.right - box.left, box.top - box.bottom
    # A box around a pole has all longitudes.
    if wide > 180.0:
        return world
    turn = 360.0 * round((middle - (box.left + box.right) / 2) / 360.0)
    return Bounds(
        max(box.left + turn - wide, world.left),
        max(box.bottom - high, -90.0),
        min(box.right + turn + wide, world.right),
        min(box.top + high, 90.0),
    )


def _middle_meridian(crs: str) -> float:
    reference = spatial_reference(crs)
    for name in (
        osr.SRS_PP_CENTRAL_MERIDIAN,
        osr.SRS_PP_LONGITUDE_OF_CENTER,
        osr.SRS_PP_LONGITUDE_OF_ORIGIN,
    ):
        found = reference.GetProjParm(name, np.nan)
        if np.isfinite(found):
            return float(found)
    return 0.0


def _cut(polygon: ogr.Geometry, world: Bounds) -> Iterator[tuple[bool, np.ndarray]]:
    """The rings, see `rings_of`, of a polygon of degrees in a box, whichever way longitudes are counted."""
    for turn in (0.0, 360.0, -360.0):
        left, right = world.left - turn, world.right - turn
        box, ring = ogr.Geometry(ogr.wkbPolygon), ogr.Geometry(ogr.wkbLinearRing)
        for x, y in (
            (left, world.bottom),
            (right, world.bottom),
            (right, world.top),
            (left, world.top),
            (left, world.bottom),
        ):
            ring.AddPoint_2D(x, y)
        box.AddGeometry(ring)
        for hole, points in rings_of(polygon.Intersection(box)):
            points[:, 0] += turn
            yield hole, points
