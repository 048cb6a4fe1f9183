"""Forests of a cross-validation, predicting as they grow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ....base.progress import SILENT, Progress
from ....methods.forest.engines import SCIKIT_LEARN, grower_of
from ....methods.forest.oob import tree_predict
from ....methods.forest.settings import ForestSettings
from ....methods.keys import key_number
from .pieces import Piece
from .schemes import SCHEME_NUMBERS


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
    engine: str = SCIKIT_LEARN,
) -> np.ndarray:
    """Predictions of the first `counts` trees of a forest: float64, shape (len(counts), n_new).

    A forest of few trees is the beginning of one of many, so that one serves all `counts`.
    """
    wanted = {count: index for index, count in enumerate(counts)}
    total = np.zeros(x_new.shape[0])
    result = np.empty((len(counts), x_new.shape[0]))
    most = replace(settings, n_estimators=max(counts))
    for done, tree in enumerate(grower_of(engine)(x, y, most, key, progress), 1):
        total += tree_predict(tree, x_new, progress)
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
    engine: str = SCIKIT_LEARN,
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
    total, permuted, mixed = np.zeros(n), np.zeros((p, n)), x_test.copy()
    for tree in grower_of(engine)(x, y, settings, key, progress):
        told = tree_predict(tree, x_test, progress)
        total += told
        asked = set(tree.tree_.feature.tolist())
        for number, order in enumerate(orders):
            # What a tree never asks for changes nothing.
            if number not in asked:
                permuted[number] += told
                continue
            mixed[:, number] = x_test[order, number]
            permuted[number] += tree_predict(tree, mixed, progress)
            mixed[:, number] = x_test[:, number]
    sse = np.sum((permuted / settings.n_estimators - y_test) ** 2, axis=1)
    return total / settings.n_estimators, sse
