"""Out-of-bag predictions and scores: each row told only by the trees that did not see it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...base.progress import SILENT, Progress
from .growth import GrownTrees, drawn_rows, tree_predict


def out_of_bag(forest: GrownTrees, x: np.ndarray, progress: Progress = SILENT) -> np.ndarray:
    """Mean of the trees that did not draw a row: float64, shape (n,), NaN where all did.

    Equal to scikit-learn's ``oob_prediction_``, which tells a row that was never out of bag only
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
            told = np.where(trees > 0, total / np.maximum(trees, 1), np.nan)
            result[[place for place, count in enumerate(counts) if count == number]] = told
    return result
