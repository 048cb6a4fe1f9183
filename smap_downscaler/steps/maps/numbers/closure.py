"""A map over SMAP's cells: its means there, and what is added to pixels so that the means are SMAP's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ....geo.sampling import SHARE_TOLERANCE

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

#: Share of a SMAP cell that the map must cover, for its mean to be held against SMAP.
LEAST_COVERED = 0.5
#: Rings of nodes around the cells: the inner one goes on with what lies beside it, the outer one is 0.
_RINGS = 2
#: How far the nodes of a pixel lie from a cell that it touches, at most, and how many that makes.
_REACH = 3
_NEAR = (2 * _REACH + 1) ** 2


class CellSums(NamedTuple):
    """Sums over the cells that some pixels touch.

    Attributes
    ----------
    cells : int64, shape (k,)
        Flat numbers of the cells, each once.
    areas, sums : float64, shape (k,)
        Area of the pixels with a value, in cells, and of that times the value.
    weights : float64, shape (k, 49), or None
        Area times the weight of each node near the cell; see `NodeField`. None where nobody asked.
    """

    cells: np.ndarray
    areas: np.ndarray
    sums: np.ndarray
    weights: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Shares:
    """How pixels are shared out among cells.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns of the cells.
    cells : int64, shape (k,)
        Flat numbers of the cells that are touched, each once.
    areas : csr_matrix, shape (k, pixels)
        Of each pixel in each of these cells, in cells.
    """

    shape: tuple[int, int]
    cells: np.ndarray
    areas: csr_matrix

    @classmethod
    def of(
        cls, shape: tuple[int, int], pixels: int, pixel: np.ndarray, cells: np.ndarray, areas: np.ndarray
    ) -> Shares:
        """Shares of so many pixels in cells, both by flat numbers, int, shape (n,); of a pair they add up."""
        from scipy.sparse import csr_matrix

        found, place = np.unique(cells, return_inverse=True)
        return cls(shape, found, csr_matrix((areas, (place.reshape(-1), pixel)), (len(found), pixels)))

    @property
    def nbytes(self) -> int:
        """Bytes that they take."""
        return self.cells.nbytes + sum(
            own.nbytes for own in (self.areas.data, self.areas.indices, self.areas.indptr)
        )

    def sums(self, values: np.ndarray, centres: tuple[np.ndarray, np.ndarray] | None = None) -> CellSums:
        """Sums over the cells.

        Parameters
        ----------
        values : float, shape (pixels,)
            NaN where missing.
        centres : float64, shape (pixels,), twice, or None
            Rows and columns of the pixels' centres among the cells, that of the first one is .5; None where
            nobody asks for weights.
        """
        count, seen = len(self.cells), np.isfinite(values)
        known = np.where(seen, values, 0.0).astype(np.float64)
        weights = None
        if centres is not None:
            flat = np.zeros(count * _NEAR)
            pixel, place = self.areas.indices, np.repeat(np.arange(count), np.diff(self.areas.indptr))
            areas = np.where(seen[pixel], self.areas.data, 0.0)
            cell_rows, cell_cols = np.divmod(self.cells[place], self.shape[1])
            rows, cols = (part[pixel] for part in centres)
            for row, col, weight in _nodes(rows, cols, self.shape):
                near = (row - cell_rows + _REACH) * (2 * _REACH + 1) + col - cell_cols + _REACH
                flat += np.bincount(place * _NEAR + near, areas * weight, flat.size)
            weights = flat.reshape(count, _NEAR)
        return CellSums(self.cells, self.areas @ seen.astype(np.float64), self.areas @ known, weights)


def _nodes(
    rows: np.ndarray, cols: np.ndarray, shape: tuple[int, int]
) -> Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Row, column and weight of each of the four nodes around points; beyond the rings those of the edge."""
    upper, down = _before(rows, shape[0])
    left, right = _before(cols, shape[1])
    for row, v in ((upper, 1.0 - down), (upper + 1, down)):
        for col, h in ((left, 1.0 - right), (left + 1, right)):
            yield row, col, v * h


def _before(position: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    inside = np.clip(np.nan_to_num(position, nan=-np.inf) - 0.5, -_RINGS, size - 1.0 + _RINGS)
    before = np.minimum(np.floor(inside), size - 2.0 + _RINGS)
    return before.astype(np.int64), inside - before


@dataclass(frozen=True, eq=False)
class NodeField:
    """Bilinear interpolation between the centres of cells and of two rings of cells around them.

    Attributes
    ----------
    nodes : float64, shape (rows + 4, columns + 4)
    """

    nodes: np.ndarray

    def at(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """The field at points among the cells, the first centre at .5: float64, of the shape of `rows`."""
        height, width = self.nodes.shape
        shape = height - 2 * _RINGS, width - 2 * _RINGS
        total = np.zeros(np.shape(rows))
        for row, col, weight in _nodes(rows, cols, shape):
            total += weight * self.nodes[row + _RINGS, col + _RINGS]
        return total


@dataclass(frozen=True, eq=False)
class OverCells:
    """What a map comes to over SMAP's cells.

    Attributes
    ----------
    areas : float64, shape (rows, columns)
        Share of each cell that pixels with a value cover.
    means : float64, shape (rows, columns)
        Area-weighted means of the pixels; NaN where there are none.
    weights : float64, shape (rows * columns, 49)
        Means of the nodes' weights; see `NodeField`.
    """

    areas: np.ndarray
    means: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, parts: Iterable[CellSums], shape: tuple[int, int]) -> OverCells:
        """The sums of all parts of a map: their order is that in which numbers are added up."""
        areas, sums = np.zeros(shape[0] * shape[1]), np.zeros(shape[0] * shape[1])
        weights = np.zeros((shape[0] * shape[1], _NEAR))
        for part in parts:
            areas[part.cells] += part.areas
            sums[part.cells] += part.sums
            if part.weights is not None:
                weights[part.cells] += part.weights
        with np.errstate(invalid="ignore", divide="ignore"):
            means = np.where(areas > 0, sums / areas, np.nan)
            weights = weights / np.where(areas > 0, areas, 1.0)[:, None]
        return cls(areas.reshape(shape), means.reshape(shape), weights)

    @property
    def full(self) -> np.ndarray:
        """Which cells pixels with a value cover wholly: bool, shape (rows, columns)."""
        return self.areas >= 1.0 - SHARE_TOLERANCE

    def held(self, smap: np.ndarray) -> np.ndarray:
        """Which cells have SMAP and are covered at least by half: bool, shape (rows, columns)."""
        return np.isfinite(smap) & (self.areas >= LEAST_COVERED)

    def exact(self, smap: np.ndarray) -> NodeField:
        """What is added to pixels so that the means of fully covered cells are SMAP's.

        The nodes of these cells solve the sparse system of the cell means of their bilinear weights; a
        node beside them is the mean of those that it touches, all others are 0, so that what is added
        has no step anywhere.  As a node has at least 9/16 of the weight in its own cell where pixels are
        small beside it, there is one solution.

        Parameters
        ----------
        smap : float64, shape (rows, columns)
            Soil moisture, m3 m-3; NaN where there is none.
        """
        from scipy.sparse import coo_matrix
        from scipy.sparse.linalg import spsolve

        height, width = self.means.shape
        nodes = np.zeros((height + 2 * _RINGS, width + 2 * _RINGS))
        rows, cols = np.nonzero(self.full & np.isfinite(smap))
        count = len(rows)
        if not count:
            return NodeField(nodes)
        unknown = np.full(nodes.shape, -1)
        unknown[rows + _RINGS, cols + _RINGS] = np.arange(count)
        spread = _spread(unknown, count)
        near = np.arange(-_REACH, _REACH + 1)
        # The outermost nodes near a cell at the edge are none, and have no weight.
        node_rows = np.clip(rows[:, None, None] + _RINGS + near[:, None], 0, nodes.shape[0] - 1)
        node_cols = np.clip(cols[:, None, None] + _RINGS + near[None, :], 0, nodes.shape[1] - 1)
        node = (node_rows * nodes.shape[1] + node_cols).reshape(count, _NEAR)
        seen = coo_matrix(
            (
                self.weights[rows * width + cols].ravel(),
                (np.repeat(np.arange(count), _NEAR), node.ravel()),
            ),
            shape=(count, nodes.size),
        )
        residual = smap[rows, cols] - self.means[rows, cols]
        solved = spsolve((seen.tocsr() @ spread).tocsc(), residual)
        return NodeField((spread @ np.atleast_1d(solved)).reshape(nodes.shape))

    def closure(self, smap: np.ndarray) -> Closure:
        """How the means of cells that are covered at least by half lie beside SMAP's; see `exact`."""
        known, held = np.isfinite(smap), self.held(smap)
        off = (self.means - smap)[held]
        full = np.abs(self.means - smap)[known & self.full]
        nothing = not len(off)
        return Closure(
            int(held.sum()),
            np.nan if nothing else float(np.sqrt(np.mean(off**2))),
            np.nan if nothing else float(np.mean(off)),
            len(full),
            int((known & ~self.full & (self.areas > SHARE_TOLERANCE)).sum()),
            float(full.max()) if len(full) else np.nan,
        )


def _spread(unknown: np.ndarray, count: int) -> object:
    """Sparse matrix from the unknowns to all nodes; `unknown` numbers them, -1 elsewhere."""
    from scipy.sparse import coo_matrix

    height, width = unknown.shape
    padded = np.pad(unknown, 1, constant_values=-1)
    around = np.stack(
        [
            padded[1 + down : 1 + down + height, 1 + right : 1 + right + width]
            for down in (-1, 0, 1)
            for right in (-1, 0, 1)
        ]
    ).reshape(9, -1)
    own = around[4]
    beside = np.where(own >= 0, -1, around)
    touched = (beside >= 0).sum(axis=0)
    which, node = np.nonzero(beside >= 0)
    of_own = np.flatnonzero(own >= 0)
    values = np.concatenate([np.ones(len(of_own)), 1.0 / touched[node]])
    places = np.concatenate([of_own, node]), np.concatenate([own[of_own], beside[which, node]])
    return coo_matrix((values, places), shape=(unknown.size, count)).tocsr()


@dataclass(frozen=True)
class Closure:
    """How a map's means over SMAP's cells lie beside SMAP.

    Attributes
    ----------
    cells : int
        Cells with SMAP of which the map covers at least half.
    rmse, bias : float
        Root mean square and mean of the map's mean less SMAP over these, m3 m-3; NaN for none.
    full, part : int
        Cells with SMAP that the map covers wholly, and in part.
    worst : float
        Largest difference in a cell that is covered wholly, m3 m-3; NaN for none.
    """

    cells: int
    rmse: float
    bias: float
    full: int
    part: int
    worst: float
