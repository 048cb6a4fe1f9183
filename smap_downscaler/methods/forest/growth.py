"""The trees of a forest, one after the other: which rows each draws, and growing it from them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...base.progress import Progress
from ...base.threads import interruptible_if, ordered_map
from .settings import ForestSettings

#: Draws times covariates tried of a tree that may take longer (about 0.3 s): scikit-learn cannot be
#: stopped in it, so that it grows where a cancel can leave it.
_LONG_TREE = 300_000


@dataclass(frozen=True, eq=False)
class Forest:
    """A fitted forest.

    Parameters
    ----------
    trees : list of DecisionTreeRegressor
        Each with the seed that its rows were drawn by as `random_state`.
    draws : int
        Rows that each drew.
    """

    trees: list[Any]
    draws: int


def forest_seed(settings: ForestSettings, key: int) -> int:
    """Seed of a forest: other keys and other seeds of the run give forests that are independent."""
    return int(np.random.SeedSequence([settings.seed, key]).generate_state(1)[0])


def drawn_rows(seed: int, rows: int, draws: int) -> np.ndarray:
    """Rows that the tree of a seed draws out of `rows`, with replacement: int32, shape (draws,).

    scikit-learn's own rule, so that a forest is bit for bit its RandomForestRegressor.
    """
    return np.random.RandomState(seed).randint(0, rows, draws, dtype=np.int32)


def grow_trees(
    x: np.ndarray, y: np.ndarray, settings: ForestSettings, key: int, progress: Progress, threads: int = 1
) -> Forest:
    """The forest of `core.forest.train.train_forest`; `x` and `y` come from `check_rows`."""
    trees = []
    for tree in grow_each(x, y, settings, key, progress, threads):
        trees.append(tree)
        progress.set_fraction(len(trees) / settings.n_estimators)
    return Forest(trees, settings.draws(len(y)))


def grow_each(
    x: np.ndarray, y: np.ndarray, settings: ForestSettings, key: int, progress: Progress, threads: int = 1
) -> Iterator[Any]:
    """The trees of a forest, in their order: DecisionTreeRegressor.

    They are bit for bit those of scikit-learn's RandomForestRegressor of the same seed
    (`new_sklearn_forest`), whose own loop spends a fifth of the time in Python, where other threads
    wait, and cannot be stopped.
    """
    rows, covariates = x.shape
    generator = np.random.RandomState(forest_seed(settings, key))
    seeds = generator.randint(np.iinfo(np.int32).max, size=settings.n_estimators).tolist()
    grow = partial(_grow_tree, x, y[:, np.newaxis], settings)
    long = settings.draws(rows) * settings.mtry(covariates) > _LONG_TREE

    def grow_here(seed: int, listener: Progress) -> Any:
        listener.check()
        return interruptible_if(long, partial(grow, seed), listener)

    if threads == 1:
        for seed in seeds:
            yield grow_here(seed, progress)
        return
    with contextlib.closing(ordered_map(grow_here, seeds, threads, progress)) as trees:
        yield from trees


def _grow_tree(x: np.ndarray, y: np.ndarray, settings: ForestSettings, seed: int) -> Any:
    from sklearn import config_context
    from sklearn.tree import DecisionTreeRegressor

    rows, covariates = x.shape
    counts = np.bincount(drawn_rows(seed, rows, settings.draws(rows)), minlength=rows)
    tree = DecisionTreeRegressor(
        max_features=settings.mtry(covariates),
        min_samples_split=settings.min_samples_split,
        min_samples_leaf=settings.min_samples_leaf,
        max_depth=settings.max_depth,
        random_state=seed,
    )
    with config_context(assume_finite=True):
        return tree.fit(x, y, counts.astype(np.float64), check_input=False)


def new_sklearn_forest(settings: ForestSettings, rows: int, covariates: int, key: int) -> Any:
    """scikit-learn's RandomForestRegressor, not fitted, that has the trees of `grow_each`."""
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(**forest_arguments(settings, rows, covariates, key))


def forest_arguments(settings: ForestSettings, rows: int, covariates: int, key: int) -> dict[str, Any]:
    """What a RandomForestRegressor is made with, by name."""
    return {
        "n_estimators": settings.n_estimators,
        "max_features": settings.mtry(covariates),
        "max_samples": settings.draws(rows),
        "min_samples_split": settings.min_samples_split,
        "min_samples_leaf": settings.min_samples_leaf,
        "max_depth": settings.max_depth,
        "bootstrap": True,
        "n_jobs": 1,
        "random_state": forest_seed(settings, key),
    }
