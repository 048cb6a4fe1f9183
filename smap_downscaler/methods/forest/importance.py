"""Permutation importance: how much worse a forest tells soil moisture when a covariate is shuffled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...base.progress import SILENT, Progress
from ...stats.distribution import Distribution
from .growth import Forest, drawn_rows
from .oob import tree_predict

#: Rows that the importance is measured on, at most: a sample by the seed of larger tables.
MOST_ROWS = 20_000
_SHUFFLING = 9113


@dataclass(frozen=True, eq=False)
class Importance:
    """Rise of the out-of-bag mean square error by covariate, (m3 m-3)2.

    Parameters
    ----------
    mean, sd : float64, shape (p,)
        Over the repeats; SD with n - 1, NaN for one repeat.
    """

    mean: np.ndarray
    sd: np.ndarray


@dataclass(frozen=True)
class ImportanceRow:
    """The importance of a covariate over `n_forests` forests, (m3 m-3)2; SD with n - 1."""

    covariate: str
    n_forests: int
    mean: float
    sd: float
    median: float
    q25: float
    q75: float


def summarise_importance(
    found: Iterable[tuple[Sequence[str], Importance]], names: Sequence[str]
) -> list[ImportanceRow]:
    """The importances of several forests by covariate, most important first.

    A forest without a covariate, or that could not be measured, does not count for it.
    """
    values: dict[str, list[float]] = {name: [] for name in names}
    for own, importance in found:
        for name, mean in zip(own, importance.mean.tolist()):
            values[name].append(mean)
    spreads = {name: Distribution.of(np.array(numbers)) for name, numbers in values.items()}
    rows = [
        ImportanceRow(name, each.n, each.mean, each.sd, each.median, each.q1, each.q3)
        for name, each in spreads.items()
        if each.n
    ]
    return sorted(rows, key=lambda row: (-row.mean, row.covariate))


def permutation_importance(
    forest: Forest,
    x: np.ndarray,
    y: np.ndarray,
    repeats: int,
    seed: int,
    key: int,
    progress: Progress = SILENT,
    most_trees: int | None = None,
) -> Importance:
    """Importance after Breiman (2001), Machine Learning 45, 5-32, section 10.

    For each tree the rows that it did not draw are told as they are, and with one covariate
    shuffled among them; the rise of the mean square error is averaged over the trees.

    Parameters
    ----------
    forest : Forest
        Fitted on all rows of `x`.
    x, y : float32, shape (n, p); float64, shape (n,)
        The training rows.
    repeats : int
        How often each covariate is shuffled.
    seed, key : int
        Of the run and of the forest; what is shuffled depends on them and the tree's number only.
    most_trees : int, optional
        Trees of the forest that count; without it all.
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


def shuffled(rows: int, repeats: int, numbers: list[int]) -> np.ndarray:
    """Orders of `rows` things, one a repeat, that depend on `numbers` only: int64, (repeats, rows)."""
    generator = np.random.default_rng([_SHUFFLING, *numbers])
    return np.stack([generator.permutation(rows) for _ in range(repeats)])


def _rises_of_tree(
    tree: Any, x: np.ndarray, y: np.ndarray, orders: np.ndarray, progress: Progress
) -> np.ndarray:
    """Rise of a tree's mean square error by repeat and covariate: float64, (repeats, p)."""
    error = np.mean((tree_predict(tree, x, progress) - y) ** 2)
    rises = np.zeros((len(orders), x.shape[1]))
    feature = tree.tree_.feature
    # What a tree never asks for changes nothing.
    for covariate in np.unique(feature[feature >= 0]):
        kept = x[:, covariate].copy()
        for repeat, order in enumerate(orders):
            x[:, covariate] = kept[order]
            rises[repeat, covariate] = np.mean((tree_predict(tree, x, progress) - y) ** 2) - error
        x[:, covariate] = kept
    return rises
