"""Forests of a cross-validation: grown in chunks of trees, predicting as they grow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..forest.keys import key_number
from ..forest.settings import ForestSettings
from ..forest.train import new_sklearn_forest
from ..progress import SILENT, Progress
from .pieces import Piece
from .schemes import SCHEME_NUMBERS

#: Draws a chunk of trees may cost: about 0.15 s of work between two looks at the cancel button.
_DRAWS_A_CHUNK = 30_000


def forest_key(piece: Piece, fold: int, inner: int = 0) -> int:
    """Tells the randomness of a forest from that of all others; `inner` is 0 for the outer fold's own.

    The candidates of a grid share it, so that they differ by their settings alone.
    """
    numbers = [key_number(piece.unit), SCHEME_NUMBERS[piece.scheme], piece.repeat, fold, inner]
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def grow_and_predict(
    x: np.ndarray,
    y: np.ndarray,
    x_new: np.ndarray,
    settings: ForestSettings,
    key: int,
    counts: Sequence[int],
    progress: Progress = SILENT,
) -> np.ndarray:
    """Predictions of the first `counts` trees of a forest: float64, shape (len(counts), n_new).

    A forest of few trees is the beginning of one of many, so that one serves all `counts`.
    """
    wanted = {count: index for index, count in enumerate(counts)}
    total, done = np.zeros(x_new.shape[0]), 0
    result = np.empty((len(counts), x_new.shape[0]))
    for trees in _chunks(x, y, settings, key, max(counts), progress):
        for tree in trees:
            total += tree.predict(x_new)[:, 0]
            done += 1
            if done in wanted:
                result[wanted[done]] = total / done
    return result


def permuted_errors(
    x: np.ndarray,
    y: np.ndarray,
    x_test: np.ndarray,
    y_test: np.ndarray,
    settings: ForestSettings,
    key: int,
    progress: Progress = SILENT,
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions of held-out rows, and their errors where one covariate at a time is permuted.

    Breiman (2001), Machine Learning 45, 5-32, with held-out rows in place of out-of-bag ones; one
    permutation a covariate, drawn from `settings.seed`, `key` and the covariate's number.

    Returns
    -------
    predicted : float64, shape (n_test,)
    sse : float64, shape (p,)
        Sum of squared errors with the covariate's values permuted among the rows.
    """
    n, p = x_test.shape
    orders = [
        np.random.default_rng(np.random.SeedSequence([settings.seed, key, number])).permutation(n)
        for number in range(p)
    ]
    total, permuted = np.zeros(n), np.zeros((p, n))
    for trees in _chunks(x, y, settings, key, settings.n_estimators, progress):
        for tree in trees:
            total += tree.predict(x_test)[:, 0]
        for number, order in enumerate(orders):
            progress.check()
            changed = x_test.copy()
            changed[:, number] = x_test[order, number]
            for tree in trees:
                permuted[number] += tree.predict(changed)[:, 0]
    sse = np.sum((permuted / settings.n_estimators - y_test) ** 2, axis=1)
    return total / settings.n_estimators, sse


def _chunks(
    x: np.ndarray, y: np.ndarray, settings: ForestSettings, key: int, most: int, progress: Progress
) -> Iterator[list[Any]]:
    """scikit-learn's trees of a forest, as they are grown."""
    forest = new_sklearn_forest(settings, x.shape[0], x.shape[1], key)
    chunk = max(1, _DRAWS_A_CHUNK // settings.draws(x.shape[0]))
    for done in range(0, most, chunk):
        progress.check()
        forest.set_params(n_estimators=min(done + chunk, most)).fit(x, y)
        yield [estimator.tree_ for estimator in forest.estimators_[done:]]
