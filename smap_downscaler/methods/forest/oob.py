"""What the rows that trees did not draw say of a forest: out-of-bag predictions, permutation importance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...base.progress import SILENT, Progress
from ..skill import Importance
from .growth import GrownTrees, drawn_rows, tree_predict

#: Rows that the importance is measured on, at most: a sample by the seed of larger tables.
MOST_ROWS = 20_000
_SHUFFLING = 9113


def out_of_bag(forest: GrownTrees, x: np.ndarray, progress: Progress = SILENT) -> np.ndarray:
    """Mean of the trees that did not draw a row: float64, shape (n,), NaN where all did.

    Equal to scikit-learn's ``oob_prediction_``, which marks a row that was never out of bag only
    by a 0 and a warning, and cannot be cancelled.

    Parameters
    ----------
    forest : GrownTrees
        Fitted on all rows of `x`.
    x : float32, shape (n, p)
        The training covariates.
    """
    return oob_of_first(forest, x, (len(forest.trees),), progress)[0]


def oob_of_first(
    forest: GrownTrees, x: np.ndarray, counts: Sequence[int], progress: Progress = SILENT
) -> np.ndarray:
    """`out_of_bag` of the first `counts` trees of a forest: float64, shape (len(counts), n)."""
    rows = x.shape[0]
    total, trees = np.zeros(rows), np.zeros(rows)
    result = np.empty((len(counts), rows))
    for number, tree in enumerate(forest.trees, 1):
        unseen = np.ones(rows, dtype=bool)
        unseen[drawn_rows(tree.random_state, rows, forest.draws)] = False
        outside = np.nonzero(unseen)[0]
        total[outside] += tree_predict(tree.tree_, x, progress, outside)
        trees[outside] += 1
        if number in counts:
            mean = np.where(trees > 0, total / np.maximum(trees, 1), np.nan)
            result[[index for index, count in enumerate(counts) if count == number]] = mean
    return result


def permutation_importance(
    forest: GrownTrees,
    x: np.ndarray,
    y: np.ndarray,
    repeats: int,
    seed: int,
    key: int,
    progress: Progress = SILENT,
    most_trees: int | None = None,
) -> Importance:
    """Importance after Breiman (2001), Machine Learning 45, 5-32, section 10.

    For each tree the rows that it did not draw are predicted as they are, and with one covariate
    shuffled among them; the rise of the mean square error is averaged over the trees.

    Parameters
    ----------
    forest : GrownTrees
        Fitted on all rows of `x`.
    x, y : float32, shape (n, p); float64, shape (n,)
        The training rows.
    repeats : int
        How often each covariate is shuffled.
    seed, key : int
        Of the run and of the forest; what is shuffled depends on them and the tree's number only.
    most_trees : int, optional
        Trees of the forest that count; without it all.

    Returns
    -------
    Importance
        (m3 m-3)2; NaN where every tree drew nearly all rows.
    """
    n, p = x.shape
    among = np.ones(n, bool)
    if n > MOST_ROWS:
        chosen = np.random.default_rng([_SHUFFLING, seed, key]).choice(n, MOST_ROWS, replace=False)
        among = np.zeros(n, bool)
        among[chosen] = True
    rises, trees = np.zeros((repeats, p)), 0
    for number, tree in enumerate(forest.trees[:most_trees]):
        outside = among.copy()
        outside[drawn_rows(tree.random_state, n, forest.draws)] = False
        rows = np.nonzero(outside)[0]
        if rows.size < 2:
            continue
        trees += 1
        orders = shuffled(rows.size, repeats, [seed, key, number])
        rises += _rises_of_tree(tree, x[rows], y[rows], orders, progress)
    rises = rises / trees if trees else np.full((repeats, p), np.nan)
    sd = rises.std(axis=0, ddof=1) if repeats > 1 else np.full(p, np.nan)
    return Importance(rises.mean(axis=0), sd)


def share_of_splits(trees: Sequence[Any]) -> np.ndarray:
    """How much of the fall of the variance in the trees is at splits by each covariate: float64, shape (p,).

    scikit-learn's ``feature_importances_``: 1 together, or 0 where no tree splits.  It costs nothing beside
    the permutation importance, which is better where covariates have few different values.
    """
    split = [tree.tree_.compute_feature_importances() for tree in trees if tree.tree_.node_count > 1]
    if not split:
        return np.zeros(trees[0].n_features_in_)
    mean: np.ndarray = np.mean(split, axis=0, dtype=np.float64)
    return mean / mean.sum()


def shuffled(rows: int, repeats: int, numbers: list[int]) -> np.ndarray:
    """Orders of `rows` things, one per repeat, from `numbers` only: int64, shape (repeats, rows)."""
    generator = np.random.default_rng([_SHUFFLING, *numbers])
    return np.stack([generator.permutation(rows) for _ in range(repeats)])


def _rises_of_tree(
    tree: Any, x: np.ndarray, y: np.ndarray, orders: np.ndarray, progress: Progress
) -> np.ndarray:
    """Rise of a tree's mean square error by repeat and covariate: float64, (repeats, p)."""
    error = np.mean((tree_predict(tree.tree_, x, progress) - y) ** 2)
    rises = np.zeros((len(orders), x.shape[1]))
    feature = tree.tree_.feature
    # What a tree never asks for changes nothing.
    for covariate in np.unique(feature[feature >= 0]):
        kept = x[:, covariate].copy()
        for repeat, order in enumerate(orders):
            x[:, covariate] = kept[order]
            rises[repeat, covariate] = np.mean((tree_predict(tree.tree_, x, progress) - y) ** 2) - error
        x[:, covariate] = kept
    return rises
