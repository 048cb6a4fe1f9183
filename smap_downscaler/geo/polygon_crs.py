"""Polygons in another CRS: edges that become curves, maps that end, degrees that go round the earth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from osgeo import ogr, osr

from .datasets import spatial_reference
from .grid import Bounds
from .lattice import Transformation, is_geographic, transform_bounds
from .placing import Shapes, put_together, rings_of, usable
from .polygon_edges import Rings

#: Rounds of halving after which an edge cannot be brought to a CRS, and most vertices that it may take.
_ROUNDS, _MOST_VERTICES = 28, 5_000_000
#: Share of the way along an edge at which its true place is looked at: a curve may swing round its middle.
_LOOKED_AT = (0.5, 0.25)
#: Degrees from the meridian at which the maps of a CRS end: on it a place may lie at either end.
_BESIDE = 1e-9
_PLATE_CARREE = "EPSG:4326"


def brought(shapes: Shapes, crs: str, tolerance: float, near: Bounds | None = None) -> Shapes | None:
    """Polygons in another CRS; straight edges become curves there, true to `tolerance` of its units.

    Parameters
    ----------
    shapes : Shapes
    crs : str
    tolerance : float
    near : Bounds, optional
        In `crs`: what lies far off may be left out.

    Returns
    -------
    Shapes or None
        None where there is no way there, also not by way of degrees.
    """
    found = _directly(shapes, crs, tolerance)
    return _by_degrees(shapes, crs, tolerance, near) if found is None and not is_geographic(crs) else found


def _by_degrees(shapes: Shapes, crs: str, tolerance: float, near: Bounds | None) -> Shapes | None:
    """The same for polygons that lie across the edge of the maps of a CRS: they are cut there."""
    degrees: Shapes | None = shapes
    if not is_geographic(shapes.crs):
        # A degree is 111 km.
        degrees = _directly(shapes, _PLATE_CARREE, tolerance / 111_320)
    if degrees is None:
        return None
    world = _world_of(crs, degrees.crs, near)
    pieces = [
        (number, hole, points)
        for number, polygon in ogr_polygons(degrees.rings)
        for hole, points in _cut(polygon, world)
    ]
    # What is cut may lie at places that the CRS does not have.
    return _directly(replace(degrees, rings=put_together(pieces)), crs, tolerance)


def _directly(shapes: Shapes, crs: str, tolerance: float) -> Shapes | None:
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
    found = Rings(rings.polygon, rings.hole, start, to_x, to_y)
    if turns:
        unrolled = _unrolled(found)
        if unrolled is None:
            return None
        found = unrolled
    return replace(shapes, crs=crs, rings=found)


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


def ogr_polygons(rings: Rings) -> Iterator[tuple[int, ogr.Geometry]]:
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
