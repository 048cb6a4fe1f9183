"""The rings of polygons as one list of edges, in columns and rows of a grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Rings:
    """Closed rings, vertices one after another.

    Attributes
    ----------
    polygon : int64 array, shape (rings,)
        Number of the polygon that a ring belongs to, ascending.
    hole : bool array, shape (rings,)
        Whether it bounds a hole.
    start : int64 array, shape (rings + 1,)
        First vertex of each ring, and the end of the last one.
    x, y : float64 arrays, shape (vertices,)
        The last vertex of a ring is its first one.
    """

    polygon: np.ndarray
    hole: np.ndarray
    start: np.ndarray
    x: np.ndarray
    y: np.ndarray

    def batches(self, most_vertices: int) -> Iterator[Rings]:
        """The rings of some polygons at a time: at most so many vertices, or one polygon."""
        first_rings = np.flatnonzero(np.diff(self.polygon, prepend=-1))
        ends = np.append(first_rings, len(self.polygon))
        begin = 0
        while begin < len(first_rings):
            limit = self.start[ends[begin]] + most_vertices
            end = max(int(np.searchsorted(self.start[ends], limit, side="right")) - 1, begin + 1)
            yield self._some(int(ends[begin]), int(ends[end]))
            begin = end

    def _some(self, first: int, last: int) -> Rings:
        vertices = slice(self.start[first], self.start[last])
        start = self.start[first : last + 1] - self.start[first]
        rings = slice(first, last)
        return Rings(self.polygon[rings], self.hole[rings], start, self.x[vertices], self.y[vertices])


@dataclass(frozen=True)
class Edges:
    """Edges of polygons, shape (n,) each.

    `turn` is +1 or -1, such that the sum of turn (y1 - y0) (a - x) over the
    edges of a polygon is its area, holes taken off, for any a.
    """

    polygon: np.ndarray
    turn: np.ndarray
    x0: np.ndarray
    y0: np.ndarray
    x1: np.ndarray
    y1: np.ndarray

    def where(self, kept: np.ndarray) -> Edges:
        """The edges of a bool mask, shape (n,)."""
        return Edges(*(getattr(self, name)[kept] for name in self.__dataclass_fields__))


def all_edges(parts: Sequence[Edges]) -> Edges:
    """The edges of several lists, one or more, as one."""
    names = Edges.__dataclass_fields__
    return Edges(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def edges_of(rings: Rings) -> Edges:
    """The edges of rings, whichever way round these go."""
    sizes = np.diff(rings.start)
    ring = np.repeat(np.arange(len(sizes)), sizes)
    # From the last vertex of a ring to the first of the next there is no edge.
    inner = np.flatnonzero(ring[:-1] == ring[1:]) if len(ring) else np.zeros(0, np.int64)
    ring = ring[inner]
    x0, y0, x1, y1 = rings.x[inner], rings.y[inner], rings.x[inner + 1], rings.y[inner + 1]
    # Measured from the ring's first vertex, or small rings far from the origin would drown in rounding.
    away = (x0 + x1) / 2 - rings.x[rings.start[:-1]][ring]
    signed = np.bincount(ring, away * (y1 - y0), len(sizes))
    turn = np.where((signed > 0) ^ rings.hole, -1.0, 1.0)
    return Edges(rings.polygon[ring], turn[ring], x0, y0, x1, y1)
