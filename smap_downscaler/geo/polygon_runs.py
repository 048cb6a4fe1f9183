"""The pixels of polygons as runs along rows: by their centres, or by exact shares of their areas.

Both work on all edges at once.  Centres: where rows of centres cross the edges
(even-odd rule), half-open, so that polygons side by side share out the pixels
without a gap or a double.  Areas: each edge is cut at the lines of the grid;
every piece adds its signed area to its own pixel and to all to the right of it
(the accumulation buffer of font rasterisers, R. Levien, font-rs, 2016).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .grid import Window
from .polygon_edges import Edges

#: Shares of a pixel below this are rounding.
_DUST = 1e-9


#: How the pixels of a polygon are found.
CENTRE, AREA = "centre", "area"


@dataclass(frozen=True)
class Runs:
    """Runs of pixels, shape (n,) each, in the order of their rows.

    Attributes
    ----------
    polygon, row, start, stop : int64
        Columns `start` to `stop` (not included) of a row lie in a polygon.
    weight : float64
        Share of each of these pixels that lies in it, 0...1.
    """

    polygon: np.ndarray
    row: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    weight: np.ndarray

    @property
    def pixels(self) -> int:
        """Pairs of a pixel and a polygon."""
        return int((self.stop - self.start).sum())

    def inside(self, window: Window) -> Runs:
        """The parts of runs in a window, columns and rows counted in it."""
        first, last = np.searchsorted(self.row, (window.row, window.row + window.height))
        start = np.clip(self.start[first:last] - window.col, 0, window.width)
        stop = np.clip(self.stop[first:last] - window.col, 0, window.width)
        kept = stop > start
        part = slice(first, last)
        return Runs(
            self.polygon[part][kept],
            self.row[part][kept] - window.row,
            start[kept],
            stop[kept],
            self.weight[part][kept],
        )

    def split(self, most_pixels: int) -> list[Runs]:
        """Pieces of at most about so many pixels (never less than one run)."""
        if self.pixels <= most_pixels:
            return [self]
        number = (np.cumsum(self.stop - self.start) - 1) // most_pixels
        cuts = np.flatnonzero(np.diff(number)) + 1
        parts = [np.split(getattr(self, name), cuts) for name in self.__dataclass_fields__]
        return [Runs(*(column[index] for column in parts)) for index in range(len(cuts) + 1)]

    def pixel_numbers(self, width: int) -> tuple[np.ndarray, np.ndarray]:
        """The run and the flat number of the pixel (rows of `width`) of each pair, int64, shape (pairs,)."""
        lengths = self.stop - self.start
        run = np.repeat(np.arange(len(lengths)), lengths)
        # Each pair's place in its run, counted from the pairs before the run.
        place = np.arange(len(run)) - (np.cumsum(lengths) - lengths)[run]
        return run, (self.row * width + self.start)[run] + place


@dataclass(frozen=True)
class Placed:
    """Polygons on a grid.

    Attributes
    ----------
    runs : Runs
        Their pixels.
    outside, across : int
        How many lie wholly outside the grid, and across its edge.
    missed : int
        How many lie on the grid (or across its edge) without a pixel: no centre of one is inside.
    overlapping : int
        At least so many share whole pixels with another one.
    """

    runs: Runs
    outside: int
    across: int
    missed: int
    overlapping: int


def joined(parts: list[Runs]) -> Runs:
    """Several runs as one, in the order of rows."""
    if not parts:
        none = np.zeros(0, np.int64)
        return Runs(none, none, none, none, np.zeros(0))
    columns = [np.concatenate([getattr(p, name) for p in parts]) for name in Runs.__dataclass_fields__]
    order = np.argsort(columns[1], kind="stable")
    return Runs(*(column[order] for column in columns))


def overlapping(runs: Runs) -> int:
    """How many polygons have a run that begins inside an earlier one; pixels shared out do not count."""
    whole = runs.weight == 1
    polygon, row = runs.polygon[whole], runs.row[whole]
    start, stop = runs.start[whole], runs.stop[whole]
    order = np.lexsort((start, row))
    width = int(stop.max(initial=0)) + 1
    begin, end = (row * width + start)[order], (row * width + stop)[order]
    # Ends so far; rows lie `width` apart, so that an end never reaches into the next row.
    inside = begin[1:] < np.maximum.accumulate(end)[:-1]
    return len(np.unique(polygon[order][1:][inside]))


def centre_runs(edges: Edges, shape: tuple[int, int]) -> Runs:
    """The pixels whose centre lies in a polygon, with weight 1.

    Parameters
    ----------
    edges : Edges
        In columns (x) and rows (y) of the grid; 0.0 is its outer edge.
    shape : tuple of int
        Rows and columns of the grid.
    """
    height, width = shape
    # From top to bottom, so that two polygons at one edge get the same crossings.
    down = edges.y0 <= edges.y1
    x_top, y_top = np.where(down, edges.x0, edges.x1), np.where(down, edges.y0, edges.y1)
    x_end, y_end = np.where(down, edges.x1, edges.x0), np.where(down, edges.y1, edges.y0)
    first = np.clip(np.ceil(y_top - 0.5), 0, height).astype(np.int64)
    last = np.clip(np.ceil(y_end - 0.5), 0, height).astype(np.int64)
    edge = np.repeat(np.arange(len(first)), last - first)
    counts = last - first
    row = first[edge] + np.arange(len(edge)) - (np.cumsum(counts) - counts)[edge]
    share = (row + 0.5 - y_top[edge]) / (y_end - y_top)[edge]
    x = x_top[edge] + share * (x_end - x_top)[edge]
    polygon = edges.polygon[edge]
    order = np.lexsort((x, row, polygon))
    # Crossings of a closed line with a row come in pairs: in, out.
    column = np.clip(np.ceil(x[order] - 0.5), 0, width).astype(np.int64)
    start, stop = column[0::2], column[1::2]
    polygon, row = polygon[order][0::2], row[order][0::2]
    kept = stop > start
    return joined([Runs(polygon[kept], row[kept], start[kept], stop[kept], np.ones(int(kept.sum())))])


def area_runs(edges: Edges, shape: tuple[int, int]) -> Runs:
    """The pixels that share area with a polygon, weighted with their share in it.

    Parameters
    ----------
    edges, shape
        As for `centre_runs`.
    """
    height, width = shape
    piece = _pieces(edges, shape)
    row, col = np.floor(piece.y_middle), np.floor(piece.x_middle)
    good = (row >= 0) & (row < height)
    # What lies left of the grid covers its rows from the first column on, what lies right of it nothing.
    col = np.clip(col, -1, width)
    right_of = np.clip(piece.x_middle - col, 0.0, 1.0)
    right_of[col < 0] = 1.0
    polygon, rise = edges.polygon[piece.edge], piece.rise
    key_polygon = np.concatenate([polygon[good], polygon[good]])
    key_row = np.concatenate([row[good], row[good]]).astype(np.int64)
    key_col = np.concatenate([col[good], col[good] + 1]).astype(np.int64)
    value = np.concatenate([(rise * (1 - right_of))[good], (rise * right_of)[good]])
    return _summed(key_polygon, key_row, key_col, value, width)


@dataclass(frozen=True)
class _Pieces:
    """Pieces of edges, each in one pixel: number of the edge, middle, signed rise."""

    edge: np.ndarray
    x_middle: np.ndarray
    y_middle: np.ndarray
    rise: np.ndarray


def _pieces(edges: Edges, shape: tuple[int, int]) -> _Pieces:
    height, width = shape
    # Level edges have no rise; those wholly above or below meet no row.
    edges_kept = np.flatnonzero(
        (edges.y0 != edges.y1)
        & (np.maximum(edges.y0, edges.y1) > 0)
        & (np.minimum(edges.y0, edges.y1) < height)
    )
    some = edges.where(edges_kept)
    count = len(edges_kept)
    pieces = [
        (np.arange(count), np.zeros(count)),
        (np.arange(count), np.ones(count)),
        _crossings(some.y0, some.y1, height),
        _crossings(some.x0, some.x1, width),
    ]
    edge, share = (np.concatenate(part) for part in zip(*pieces))
    order = np.lexsort((share, edge))
    edge, share = edge[order], share[order]
    same = np.flatnonzero(edge[:-1] == edge[1:])
    edge, begin, end = edge[same], share[same], share[same + 1]
    middle = (begin + end) / 2
    rise = some.turn[edge] * (end - begin) * (some.y1 - some.y0)[edge]
    return _Pieces(
        edges_kept[edge],
        some.x0[edge] + middle * (some.x1 - some.x0)[edge],
        some.y0[edge] + middle * (some.y1 - some.y0)[edge],
        rise,
    )


def _crossings(begin: np.ndarray, end: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Where edges cross the grid's lines 0...size: number of the edge, share of the way along it."""
    low, high = np.minimum(begin, end), np.maximum(begin, end)
    first = np.clip(np.floor(low) + 1, 0, size + 1).astype(np.int64)
    last = np.clip(np.ceil(high), 0, size + 1).astype(np.int64)
    counts = np.maximum(last - first, 0)
    edge = np.repeat(np.arange(len(begin)), counts)
    line = first[edge] + np.arange(len(edge)) - (np.cumsum(counts) - counts)[edge]
    return edge, np.clip((line - begin[edge]) / (end - begin)[edge], 0.0, 1.0)


def _summed(polygon: np.ndarray, row: np.ndarray, col: np.ndarray, value: np.ndarray, width: int) -> Runs:
    """Runs between the columns at which the covered share of a row changes."""
    order = np.lexsort((col, row, polygon))
    polygon, row, col, value = polygon[order], row[order], col[order], value[order]
    if not len(polygon):
        return joined([])
    new_row = np.flatnonzero(np.diff(polygon, prepend=-1) | np.diff(row, prepend=-1))
    same = (np.diff(polygon, prepend=-1) == 0) & (np.diff(row, prepend=-1) == 0)
    same &= np.diff(col, prepend=-2) == 0
    first = np.flatnonzero(~same)
    total = np.cumsum(value)
    # Every row of a polygon begins at nothing: what rounding left of the rows before is taken off.
    before = np.concatenate([[0.0], total])[new_row]
    of_row = np.searchsorted(new_row, first, side="right") - 1
    ends = np.append(first[1:], len(col))
    weight = total[ends - 1] - before[of_row]
    polygon, row, start = polygon[first], row[first], col[first]
    stop = np.append(start[1:], width)
    stop[np.append(np.diff(of_row) != 0, True)] = width
    start, stop = np.clip(start, 0, width), np.clip(stop, 0, width)
    weight[weight > 1 - _DUST] = 1.0
    kept = (stop > start) & (weight > _DUST)
    return joined([Runs(polygon[kept], row[kept], start[kept], stop[kept], weight[kept])])
