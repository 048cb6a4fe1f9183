"""Polygons of any layer as rings on a grid: repaired where need be, with a count of those of no use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from osgeo import ogr

from ..base.progress import SILENT, Progress
from ..base.words import Text, counted, text
from .datasets import gdal_errors
from .grid import EDGE_TOLERANCE, Grid
from .lattice import Transformation, is_geographic
from .polygon_edges import Edges, Rings, all_edges, edges_of
from .polygon_runs import AREA, Placed, area_runs, centre_runs, joined, overlapping

#: Vertices worked on at a time (more only where one polygon has more).
_VERTICES_AT_A_TIME = 200_000
Ring = tuple[int, bool, np.ndarray]


@dataclass(frozen=True)
class Shapes:
    """The polygons of a layer.

    Attributes
    ----------
    crs : str
    count : int
        How many there are, those without area included.
    rings : Rings
        In the units of the CRS.
    empty, repaired : int array
        Numbers of those without area, and of those that were invalid and repaired.
    """

    crs: str
    count: int
    rings: Rings
    empty: np.ndarray
    repaired: np.ndarray

    def of_all(self, number: int) -> Text:
        """`1 of 80 polygons is`, `2 of 80 polygons are`."""
        verb = "is" if number == 1 else "are"
        return text("{:,} of {} {}", number, counted(self.count, "polygon"), verb)


def read_shapes(geometries: Sequence[bytes], crs: str, progress: Progress = SILENT) -> Shapes:
    """Read polygons from WKB; one without bytes is one without a geometry.

    Curves become lines, heights are dropped, invalid ones are repaired (GEOS's
    structure method: parts that overlap become one).
    """
    found: list[Ring] = []
    empty, repaired = [], []
    counter = progress.counter(len(geometries), "polygons read")
    for number, wkb in enumerate(geometries):
        geometry, mended = usable(wkb)
        rings = [] if geometry is None else list(rings_of(geometry))
        if mended and rings:
            repaired.append(number)
        if not rings:
            empty.append(number)
        found += [(number, hole, points) for hole, points in rings]
        counter.advance()
    return Shapes(crs, len(geometries), put_together(found), np.array(empty, int), np.array(repaired, int))


def usable(wkb: bytes) -> tuple[ogr.Geometry | None, bool]:
    """A valid, flat geometry of straight lines, or None; and whether it was repaired."""
    if not wkb:
        return None, False
    with gdal_errors():
        try:
            geometry = ogr.CreateGeometryFromWkb(wkb)
            if geometry is None or geometry.IsEmpty():
                return None, False
            geometry = geometry.GetLinearGeometry()
            geometry.FlattenTo2D()
            if geometry.IsValid():
                return geometry, False
            return geometry.MakeValid(["METHOD=STRUCTURE"]), True
        except RuntimeError:
            return None, False


def rings_of(geometry: ogr.Geometry) -> Iterator[tuple[bool, np.ndarray]]:
    """Whether each ring bounds a hole, and its vertices, shape (n, 2)."""
    kind = ogr.GT_Flatten(geometry.GetGeometryType())
    if kind == ogr.wkbPolygon:
        if geometry.GetArea() > 0:
            for number in range(geometry.GetGeometryCount()):
                yield number > 0, np.array(geometry.GetGeometryRef(number).GetPoints(), np.float64)[:, :2]
    else:
        # A repaired polygon may have turned into polygons and lines.
        for number in range(geometry.GetGeometryCount()):
            yield from rings_of(geometry.GetGeometryRef(number))


def put_together(found: Sequence[Ring]) -> Rings:
    """The rings of polygons, by the ascending number of the polygon, as one list of vertices."""
    points = np.concatenate([part for _, _, part in found]) if found else np.zeros((0, 2))
    return Rings(
        np.array([number for number, _, _ in found], np.int64),
        np.array([hole for _, hole, _ in found], bool),
        np.cumsum([0, *(len(part) for _, _, part in found)]),
        points[:, 0],
        points[:, 1],
    )


def place(shapes: Shapes, grid: Grid, rule: str, progress: Progress = SILENT) -> Placed:
    """The pixels of polygons on a grid, whatever its CRS: vertices are transformed, edges stay straight.

    Parameters
    ----------
    shapes : Shapes
    grid : Grid
    rule : str
        CENTRE: pixels whose centre is inside. AREA: all that share area, with their share.
    """
    transform = Transformation(shapes.crs, grid.crs)
    find = area_runs if rule == AREA else centre_runs
    # A grid may run from 0 to 360 degrees where polygons run from -180 to 180.
    turns = (0.0, 360.0, -360.0) if is_geographic(grid.crs) else (0.0,)
    parts, outside, across, on_grid = [], 0, 0, 0
    for rings in shapes.rings.batches(_VERTICES_AT_A_TIME):
        progress.check()
        x, y = transform(rings.x, rings.y)
        rows = (grid.top - y) / grid.cell_height
        copies = [replace(rings, x=(x + turn - grid.left) / grid.cell_width, y=rows) for turn in turns]
        met, whole = _on_grid(copies, grid)
        outside += int((~met.any(axis=0)).sum())
        across += int((met.any(axis=0) & ~whole).sum())
        on_grid += int(met.any(axis=0).sum())
        names = np.unique(rings.polygon)
        edges = [_of(edges_of(copy), names[here]) for copy, here in zip(copies, met)]
        parts.append(find(all_edges(edges), grid.shape))
    runs = joined(parts)
    return Placed(runs, outside, across, on_grid - len(np.unique(runs.polygon)), overlapping(runs))


def _on_grid(copies: Sequence[Rings], grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Which polygons meet the grid in which copy, and which lie inside with all their rings.

    Returns
    -------
    met : bool, shape (copies, polygons)
        By the boxes of their rings.
    whole : bool, shape (polygons,)
    """
    rings = copies[0]
    first = np.flatnonzero(np.diff(rings.polygon, prepend=-1))
    # On a grid around the globe what leaves it on one side comes in on the other.
    around = len(copies) > 1 and grid.width * grid.cell_width >= 360 - EDGE_TOLERANCE * grid.cell_width
    meets, inside = np.ones((2, len(copies), len(rings.polygon)), bool)
    for number, copy in enumerate(copies):
        for positions, size, endless in ((copy.x, grid.width, around), (copy.y, grid.height, False)):
            # A vertex that cannot be transformed is NaN, and puts its polygon outside.
            low, high = (end.reduceat(positions, rings.start[:-1]) for end in (np.minimum, np.maximum))
            meets[number] &= (low < size) & (high > 0)
            inside[number] &= endless or (low >= -EDGE_TOLERANCE) & (high <= size + EDGE_TOLERANCE)
    known = np.logical_and.reduceat(np.isfinite(rings.x) & np.isfinite(rings.y), rings.start[:-1])
    met = np.logical_or.reduceat(meets, first, axis=1) & np.logical_and.reduceat(known, first)
    return met, np.logical_and.reduceat(inside.any(axis=0), first)


def _of(edges: Edges, polygons: np.ndarray) -> Edges:
    return edges.where(np.isin(edges.polygon, polygons))
