"""What a forest says of the spread about its mean: a quantile forest whose intervals are made to hold enough.

Each leaf keeps the response of one of the rows that its tree drew into it, chosen by chance.  Over the trees
of a forest these are drawn from the distribution by which Meinshausen (2006), Journal of Machine Learning
Research 7, 983-999, weights all rows, so that their quantiles are its quantiles; ranger does the same.  These
intervals may hold far more or less than they should.  By how much is measured out of bag, and their distance
from the mean is stretched by one factor (conformal prediction: Johansson et al. 2014, Machine Learning 97,
155-176).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ...base.progress import SILENT, Progress
from ..base import COVER, ModelFileError
from ..npy import from_members, to_members
from .arrays import LEAF, ForestArrays
from .growth import GrownTrees, drawn_rows, leaves_of

#: Members of a file: the draw of each leaf, as a part of the range; that range, tail, and two factors.
MEMBERS: dict[str, tuple[str, int]] = {"draws.npy": ("<u2", 1), "spread.npy": ("<f8", 1)}
_STEPS = 2**16 - 1
#: Rows that intervals are tried on, at most, and rows times trees.
_MOST_ROWS, _MOST_DRAWS = 20_000, 2**25
_DRAWING = 7451
#: Half an interval, as a share of the range of the response, at least: of few trees all draws may be equal.
_NARROWEST = 0.002
#: Groups of blocks.
_FOLDS = 10


@dataclass(frozen=True, eq=False)
class Spread:
    """The spread of a forest.

    Attributes
    ----------
    draws : uint16, shape (n_nodes,)
        At leaves a response, in steps of the range from `low` to `high`; 0 elsewhere.
    low, high : float
        Range of the response, m3 m-3.
    tail : float
        Share of the draws beyond either end of an interval before it is stretched.
    factor, sd_factor : float
        By how much intervals and SDs are stretched.
    """

    draws: np.ndarray
    low: float
    high: float
    tail: float
    factor: float = 1.0
    sd_factor: float = 1.0

    @property
    def step(self) -> float:
        """Of `draws`, m3 m-3."""
        return (self.high - self.low) / _STEPS

    def members(self, arrays: ForestArrays) -> dict[str, bytes]:
        """Its arrays as .npy files."""
        numbers = np.array([self.low, self.high, self.tail, self.factor, self.sd_factor])
        found = {"draws.npy": self.draws[arrays.left == LEAF], "spread.npy": numbers}
        return to_members(found, MEMBERS)

    @classmethod
    def load(cls, members: Mapping[str, bytes], arrays: ForestArrays) -> Spread | None:
        """What `members` gave; None where there is nothing.

        Raises
        ------
        ModelFileError
            If it is damaged.
        """
        raw = from_members(members, MEMBERS, "what intervals are made from")
        if raw is None:
            return None
        leaf, numbers = arrays.left == LEAF, raw["spread.npy"]
        if raw["draws.npy"].size != np.count_nonzero(leaf) or numbers.size != 5:
            raise ModelFileError("What intervals are made from does not belong to its trees.")
        low, high, *others = numbers.tolist()
        if not np.isfinite(numbers).all() or low > high or min(others) < 0 or others[0] > 0.5:
            raise ModelFileError("What intervals are made from holds a number that cannot be.")
        draws = np.zeros(leaf.size, np.uint16)
        draws[leaf] = raw["draws.npy"]
        return cls(draws, low, high, *others)

    def about(self, mean: np.ndarray, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """SD about the mean, and both ends of the interval: float64, shape (n,), m3 m-3.

        Parameters
        ----------
        mean : float64, shape (n,)
            Of the trees.
        draws : uint16, shape (n, trees)
            Of the leaves that each row falls into.
        """
        below, above, square = self._plain(mean, draws)
        return self.sd_factor * np.sqrt(square), mean - self.factor * below, mean + self.factor * above

    def _plain(self, mean: np.ndarray, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How far the interval reaches below and above the mean, and the mean square, all unstretched."""
        trees = draws.shape[1]
        ordered = np.sort(draws, axis=1, kind="stable")
        reach = []
        for share, sign in ((self.tail, -1), (1 - self.tail, 1)):
            # Of n draws the k-th has the share k / (n + 1) below it, whatever the distribution.
            place = min(max(share * (trees + 1) - 1, 0.0), trees - 1.0)
            first = math.floor(place)
            least, most = ordered[:, first].astype(float), ordered[:, min(first + 1, trees - 1)]
            end = self.low + self.step * (least + (place - first) * (most - least))
            reach.append(np.maximum(sign * (end - mean), _NARROWEST * (self.high - self.low)))
        square = np.zeros(len(mean))
        for column in ordered.T:
            square += (self.low + self.step * column - mean) ** 2
        return reach[0], reach[1], square / trees


class Held(NamedTuple):
    """Shares of the out-of-bag rows that intervals hold, before and after stretching; mean width, m3 m-3."""

    held: float
    held_before: float
    width: float


def grow_spread(
    forest: GrownTrees,
    x: np.ndarray,
    y: np.ndarray,
    oob: np.ndarray,
    blocks: np.ndarray,
    seeds: tuple[int, int],
    progress: Progress = SILENT,
) -> tuple[Spread, Held]:
    """The spread of a forest that was just grown, and what its intervals hold out of bag.

    Parameters
    ----------
    forest : GrownTrees
        Fitted on all rows of `x`.
    x, y : float32, shape (n, p); float64, shape (n,)
        The training rows; y is not constant.
    oob : float64, shape (n,)
        Out-of-bag predictions, NaN for rows that every tree drew.
    blocks : int64, shape (n,)
        What intervals hold is counted with the factor of other blocks.
    seeds : tuple of int
        Of the run, and of the forest.
    """
    n, trees = len(y), len(forest.trees)
    low, high = float(y.min()), float(y.max())
    steps = np.round((y - low) / (high - low) * _STEPS).astype(np.uint16)
    tried = _tried(np.flatnonzero(np.isfinite(oob)), trees, seeds)
    of_rows, unseen = np.empty((len(tried), trees), np.uint16), np.empty((len(tried), trees), bool)
    draws = []
    for number, tree in enumerate(forest.trees):
        drawn = drawn_rows(tree.random_state, n, forest.draws)
        by_chance = np.random.default_rng([_DRAWING, *seeds, number]).permutation(drawn)
        leaves, first = np.unique(leaves_of(tree.tree_, x, progress, by_chance), return_index=True)
        own = np.zeros(tree.tree_.node_count, np.uint16)
        own[leaves] = steps[by_chance[first]]
        draws.append(own)
        of_rows[:, number] = own[leaves_of(tree.tree_, x, progress, tried)]
        seen = np.zeros(n, bool)
        seen[drawn] = True
        unseen[:, number] = ~seen[tried]
    # Of the few trees that did not see a row no smaller share is known.
    few = float(np.percentile(unseen.sum(axis=1), 10)) if len(tried) else math.inf
    plain = Spread(np.concatenate(draws), low, high, max((1 - COVER) / 2, 1 / (few + 1)))
    return _stretched(plain, of_rows, unseen, y[tried], oob[tried], blocks[tried])


def _tried(rows: np.ndarray, trees: int, seeds: tuple[int, int]) -> np.ndarray:
    """The rows that intervals are tried on: not too many, by the seeds."""
    most = min(_MOST_ROWS, max(_MOST_DRAWS // trees, 1))
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng([_DRAWING, *seeds]).choice(rows, most, replace=False))


def _stretched(
    plain: Spread, draws: np.ndarray, unseen: np.ndarray, y: np.ndarray, mean: np.ndarray, blocks: np.ndarray
) -> tuple[Spread, Held]:
    """The spread with its factors, from rows and the trees that did not see them, shape (n, trees)."""
    if not len(y):
        return plain, Held(math.nan, math.nan, math.nan)
    below, above, square = np.empty((3, len(y)))
    counts = unseen.sum(axis=1)
    for count in np.unique(counts):
        rows = counts == count
        own = draws[rows][unseen[rows]].reshape(-1, count)
        below[rows], above[rows], square[rows] = plain._plain(mean[rows], own)
    error = y - mean
    needed = np.where(error > 0, error / above, -error / below)
    factor = _holding(needed)
    held, folds = np.zeros(len(y), bool), blocks % _FOLDS
    for fold in np.unique(folds):
        own = folds == fold
        held[own] = needed[own] <= (factor if own.all() else _holding(needed[~own]))
    sd_factor = math.sqrt(np.sum(error**2) / np.sum(square)) if square.any() else 1.0
    width = factor * float(np.mean(below + above))
    return (
        replace(plain, factor=factor, sd_factor=sd_factor),
        Held(float(np.mean(held)), float(np.mean(needed <= 1)), width),
    )


def _holding(needed: np.ndarray) -> float:
    """The factor that holds `COVER` of a next row, from those that hold each of some."""
    return float(np.sort(needed)[min(math.ceil(COVER * (len(needed) + 1)), len(needed)) - 1])
