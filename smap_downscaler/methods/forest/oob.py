"""Out-of-bag predictions and scores: each row told only by the trees that did not see it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ...base.progress import SILENT, Progress
from ...stats import scores
from ...stats.distribution import Distribution
from .growth import Forest, drawn_rows

#: Rows that a tree sees at once: some hundredths of a second, and little memory beside `x`.
_CHUNK_ROWS = 65_536


#: Scores of a forest that are summed up over forests.
SCORES = ("rmse", "mae", "bias", "r2", "pearson_r2")


@dataclass(frozen=True)
class OobScores:
    """Out-of-bag scores of a forest (see `core.scores`); NaN where undefined.

    `n` is the number of training rows, `n_scored` of those that were out of bag at least once.
    """

    n: int
    n_scored: int
    rmse: float
    mae: float
    bias: float
    r2: float
    pearson_r2: float

    @classmethod
    def of(cls, observed: np.ndarray, predicted: np.ndarray) -> OobScores:
        """Scores of out-of-bag `predicted` (NaN: never out of bag), both of shape (n,)."""
        return cls(
            n=int(observed.size),
            n_scored=int(np.count_nonzero(~np.isnan(predicted))),
            rmse=scores.rmse(observed, predicted),
            mae=scores.mae(observed, predicted),
            bias=scores.bias(observed, predicted),
            r2=scores.r2(observed, predicted),
            pearson_r2=scores.pearson_r2(observed, predicted),
        )

    def as_dict(self) -> dict[str, int | float | None]:
        """The fields by name for JSON, None in place of what is not finite."""
        return {key: value if math.isfinite(value) else None for key, value in asdict(self).items()}


def summarise_scores(found: Iterable[OobScores]) -> dict[str, Distribution]:
    """How each of `SCORES` is spread over forests."""
    kept = list(found)
    return {name: Distribution.of(np.array([getattr(own, name) for own in kept])) for name in SCORES}


def out_of_bag(forest: Forest, x: np.ndarray, progress: Progress = SILENT) -> np.ndarray:
    """Mean of the trees that did not draw a row: float64, shape (n,), NaN where all did.

    Equal to scikit-learn's ``oob_prediction_``, which tells a row that was never out of bag only
    by a 0 and a warning, and cannot be cancelled.

    Parameters
    ----------
    forest : Forest
        Fitted on all rows of `x`.
    x : float32, shape (n, p)
        The training covariates.
    """
    return oob_of_first(forest, x, (len(forest.trees),), progress)[0]


def oob_of_first(
    forest: Forest, x: np.ndarray, counts: Sequence[int], progress: Progress = SILENT
) -> np.ndarray:
    """`out_of_bag` of the first `counts` trees of a forest: float64, shape (len(counts), n)."""
    rows = x.shape[0]
    total, trees = np.zeros(rows), np.zeros(rows)
    result = np.empty((len(counts), rows))
    for number, tree in enumerate(forest.trees, 1):
        unseen = np.ones(rows, dtype=bool)
        unseen[drawn_rows(tree.random_state, rows, forest.draws)] = False
        outside = np.nonzero(unseen)[0]
        total[outside] += tree_predict(tree, x, progress, outside)
        trees[outside] += 1
        if number in counts:
            told = np.where(trees > 0, total / np.maximum(trees, 1), np.nan)
            result[[place for place, count in enumerate(counts) if count == number]] = told
    return result


def tree_predict(
    tree: Any, x: np.ndarray, progress: Progress = SILENT, rows: np.ndarray | None = None
) -> np.ndarray:
    """What one of scikit-learn's trees tells of `x`, or of some of its rows only: float64, shape (n,)."""
    n = len(x) if rows is None else rows.size
    told = np.empty(n)
    for start in range(0, n, _CHUNK_ROWS):
        progress.check()
        block = slice(start, start + _CHUNK_ROWS)
        told[block] = tree.tree_.predict(x[block if rows is None else rows[block]])[:, 0]
    return told
