"""Where a model may be applied: how far pixels lie from the rows that it was trained on.

Source: Meyer & Pebesma (2021), Methods in Ecology and Evolution 12, 1620-1633.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

#: Rows that are kept, at most.
MOST_ROWS = 2000
#: Side of the blocks of cells, km, and how many there are to be at least: smaller ones where there are fewer.
BLOCK_KM, LEAST_BLOCKS = 72.0, 4
#: Rows of a leaf of the tree that finds the nearest: measured to be fastest from 5 to 20 covariates.
_LEAF = 64
_SPREAD = 6011


def cell_blocks(cells: np.ndarray, cell_km: float) -> np.ndarray:
    """The block that each row's cell lies in: int64, shape (n,), from 0 without gaps.

    Blocks are squares of `BLOCK_KM`, or twice the distance of neighbours where that is more, counted from
    the first row and column; they are halved until there are `LEAST_BLOCKS` or a block is a cell.  Rows
    without a cell are blocks of their own.

    Parameters
    ----------
    cells : int64, shape (n, 2)
        Row and column; negative where unknown.
    cell_km : float
        Side of a cell, km.
    """
    from scipy.spatial import cKDTree

    known = (cells >= 0).all(axis=1)
    blocks = np.arange(len(cells), dtype=np.int64)
    if known.any():
        places = cells[known] - cells[known].min(axis=0)
        each = np.unique(places, axis=0)
        apart = np.median(cKDTree(each).query(each, k=2)[0][:, 1]) if len(each) > 1 else 1.0
        side = max(round(BLOCK_KM / cell_km), math.ceil(2 * apart))
        while side > 1 and len(np.unique(places // side, axis=0)) < LEAST_BLOCKS:
            side = (side + 1) // 2
        found = np.unique(places // side, axis=0, return_inverse=True)[1]
        blocks[known] = len(cells) + np.asarray(found, np.int64).reshape(-1)
    return np.asarray(np.unique(blocks, return_inverse=True)[1], np.int64).reshape(-1)


def spread_rows(rows: int, seed: int) -> np.ndarray:
    """At most `MOST_ROWS` of some rows, ascending, by a seed: int64."""
    if rows <= MOST_ROWS:
        return np.arange(rows)
    generator = np.random.default_rng([_SPREAD, seed])
    return np.sort(generator.choice(rows, MOST_ROWS, replace=False))


@dataclass(frozen=True, eq=False)
class Applicability:
    """What is known of the rows that a model was trained on.

    Attributes
    ----------
    rows : float32, shape (m, p)
        Covariates of the rows, or of a sample of them.
    mean, sd, weights : float64, shape (p,)
        Of all rows, and the weight of each covariate; those that do not vary have none.
    low, high : float32, shape (p,)
        Range of each covariate in all rows.
    distance : float
        Mean distance of two rows, where covariates are standardised and weighted.
    threshold : float
        Greatest dissimilarity of what is inside.
    blocks : int
        How many blocks of cells it comes from.
    """

    rows: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    weights: np.ndarray
    low: np.ndarray
    high: np.ndarray
    distance: float
    threshold: float
    blocks: int

    @classmethod
    def of(
        cls, x: np.ndarray, weights: np.ndarray | None, blocks: np.ndarray, seed: int = 0
    ) -> Applicability | None:
        """That of training rows; None where no covariate varies.

        Parameters
        ----------
        x : float32, shape (n, p)
            Covariates; no NaN.
        weights : shape (p,), or None
            How much each counts, 0 or more; None, or all 0: equally.
        blocks : int64, shape (n,)
            See `cell_blocks`.
        seed : int
            Of the sample of many rows.
        """
        from scipy.spatial.distance import pdist

        mean, sd = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64)
        low, high = x.min(axis=0), x.max(axis=0)
        varies = (low < high) & (sd > 0)
        own = np.ones(x.shape[1]) if weights is None else np.asarray(weights, np.float64)
        own = np.where(varies, own, 0.0)
        if not own.any():
            own = varies.astype(np.float64)
        chosen = spread_rows(len(x), seed)
        found = cls(x[chosen], mean, sd, own, low, high, 1.0, 0.0, len(np.unique(blocks)))
        scaled = found._scaled(found.rows)
        distance = float(pdist(scaled).mean()) if len(scaled) > 1 else 0.0
        if not distance > 0:
            return None
        of_rows = _nearest_of_others(scaled, blocks[chosen]) / distance
        q25, q75 = np.percentile(of_rows, (25, 75))
        threshold = float(min(q75 + 1.5 * (q75 - q25), of_rows.max()))
        return cls(found.rows, mean, sd, own, low, high, distance, threshold, found.blocks)

    def dissimilarity(self, x: np.ndarray) -> np.ndarray:
        """Distance from the nearest row over the mean one of two rows: float64, shape (n,).

        Parameters
        ----------
        x : float32, shape (n, p)
            Covariates; no NaN.
        """
        found: np.ndarray = self._tree.query(self._scaled(x))[0]
        return found / self.distance

    def out_of_range(self, x: np.ndarray) -> np.ndarray:
        """The covariate that lies farthest outside of its range in all rows, in its SDs: int64, shape (n,).

        Counted from 1; 0 where all lie inside.  One that does not vary in the rows is as far as can be.
        """
        beyond = np.maximum(self.low.astype(np.float64) - x, x - self.high.astype(np.float64))
        with np.errstate(divide="ignore", invalid="ignore"):
            beyond = np.where(beyond > 0, beyond / self.sd, 0.0)
        return np.where((beyond > 0).any(axis=1), 1 + beyond.argmax(axis=1), 0)

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import cKDTree

        return cKDTree(self._scaled(self.rows), leafsize=_LEAF)

    def _scaled(self, x: np.ndarray) -> np.ndarray:
        used = self.weights > 0
        return (x[:, used] - self.mean[used]) / self.sd[used] * self.weights[used]


def _nearest_of_others(places: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """Distance of each place from the nearest one of another block: float64, shape (n,).

    Where all are of one block, that from the nearest other one.
    """
    from scipy.spatial.distance import cdist

    names, groups = np.unique(blocks, return_inverse=True)
    if len(names) < 2:
        groups = np.arange(len(places))
    found = np.empty(len(places))
    for group in np.unique(groups):
        own = groups == group
        found[own] = cdist(places[own], places[~own]).min(axis=1)
    return found
