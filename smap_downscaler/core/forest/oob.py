"""Out-of-bag predictions and scores: each row told only by the trees that did not see it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .. import scores
from ..progress import SILENT, Progress

#: Rows that a tree sees at once: some hundredths of a second, and little memory beside `x`.
CHUNK_ROWS = 65_536


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


def out_of_bag(forest: Any, x: np.ndarray, progress: Progress = SILENT) -> np.ndarray:
    """Mean of the trees that did not draw a row: float64, shape (n,), NaN where all did.

    Equal to scikit-learn's ``oob_prediction_``, which tells a row that was never out of bag only
    by a 0 and a warning, and cannot be cancelled.

    Parameters
    ----------
    forest : RandomForestRegressor
        Fitted on all rows of `x` with ``bootstrap=True`` and an integer ``max_samples``.
    x : float32, shape (n, p)
        The training covariates.
    """
    return oob_of_first(forest, x, (len(forest.estimators_),), progress)[0]


def oob_of_first(
    forest: Any, x: np.ndarray, counts: Sequence[int], progress: Progress = SILENT
) -> np.ndarray:
    """`out_of_bag` of the first `counts` trees of a forest: float64, shape (len(counts), n)."""
    rows = x.shape[0]
    total, trees = np.zeros(rows), np.zeros(rows)
    result = np.empty((len(counts), rows))
    for number, (estimator, drawn) in enumerate(zip(forest.estimators_, drawn_rows(forest, rows)), 1):
        unseen = np.ones(rows, dtype=bool)
        unseen[drawn] = False
        outside = np.nonzero(unseen)[0]
        for start in range(0, outside.size, CHUNK_ROWS):
            progress.check()
            block = outside[start : start + CHUNK_ROWS]
            total[block] += estimator.tree_.predict(x[block])[:, 0]
        trees[outside] += 1
        if number in counts:
            told = np.where(trees > 0, total / np.maximum(trees, 1), np.nan)
            result[[place for place, count in enumerate(counts) if count == number]] = told
    return result


def drawn_rows(forest: Any, rows: int) -> Iterator[np.ndarray]:
    """Rows that each tree drew."""
    drawn = getattr(forest, "estimators_samples_", None)
    if drawn is not None:
        yield from drawn
        return
    # scikit-learn before 1.4 does not tell: its rule, held against its own scores in the tests.
    for estimator in forest.estimators_:
        yield np.random.RandomState(estimator.random_state).randint(0, rows, forest.max_samples)
