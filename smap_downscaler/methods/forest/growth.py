"""The trees of a forest, one after the other: which rows each draws, and growing it from them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...base.cluster import spread
from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.threads import interruptible_if
from ..base import MOST_COVARIATES
from .settings import ForestSettings

#: Draws times covariates tried of a tree that may take longer (about 0.3 s): scikit-learn cannot be
#: stopped in it, so that it grows where a cancel can leave it.
LONG_TREE = 300_000
#: Rows that a tree sees at once: some hundredths of a second, and little memory beside `x`.
_CHUNK_ROWS = 65_536
#: The generator of a thread.
_KEPT = threading.local()


@dataclass(frozen=True, eq=False)
class GrownTrees:
    """The trees of a forest while it is grown.

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
    generator: np.random.RandomState | None = getattr(_KEPT, "generator", None)
    if generator is None:
        generator = _KEPT.generator = np.random.RandomState(seed)
    # To make one takes as long as a small tree.
    generator.seed(seed)
    return generator.randint(0, rows, draws, dtype=np.int32)


def grow_trees(
    x: np.ndarray, y: np.ndarray, settings: ForestSettings, key: int, progress: Progress, threads: int = 1
) -> GrownTrees:
    """All trees of a forest from `x`, shape (n, p), and `y`, shape (n,), as `check_rows` returns them."""
    trees = []
    for tree in grow_each(x, y, settings, key, progress, threads):
        trees.append(tree)
        progress.set_fraction(len(trees) / settings.n_estimators)
    return GrownTrees(trees, settings.draws(len(y)))


def grow_each(
    x: np.ndarray, y: np.ndarray, settings: ForestSettings, key: int, progress: Progress, threads: int = 1
) -> Iterator[Any]:
    """The trees of a forest, in their order: DecisionTreeRegressor; rows as for `grow_trees`.

    They are bit for bit those of scikit-learn's RandomForestRegressor of the same seed
    (`new_sklearn_forest`), whose own loop spends a fifth of the time in Python, where other threads
    wait, and cannot be stopped.
    """
    generator = np.random.RandomState(forest_seed(settings, key))
    seeds = generator.randint(np.iinfo(np.int32).max, size=settings.n_estimators).tolist()
    given = x, y[:, np.newaxis], settings
    if threads == 1:
        for seed in seeds:
            yield _grow_tree(given, seed, progress)
        return
    items = ((given, seed) for seed in seeds)
    with contextlib.closing(spread(_grow_tree, items, threads, progress)) as trees:
        for _item, tree in trees:
            yield tree


def _grow_tree(given: tuple[np.ndarray, np.ndarray, ForestSettings], seed: int, progress: Progress) -> Any:
    """A tree of rows, `y` of shape (n, 1), where a cancel can leave it if it takes long."""
    x, _y, settings = given
    long = settings.draws(len(x)) * settings.mtry(x.shape[1]) > LONG_TREE
    progress.check()
    return interruptible_if(long, partial(_grown_tree, *given, seed), progress)


def _grown_tree(x: np.ndarray, y: np.ndarray, settings: ForestSettings, seed: int) -> Any:
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
    # Settings were checked by ours; scikit-learn's look at them takes longer than to grow a small tree.
    tree._validate_params = _nothing
    with config_context(assume_finite=True):
        tree.fit(x, y, counts.astype(np.float64), check_input=False)
    del tree._validate_params
    return tree


def _nothing() -> None:
    return


def sums_of_trees(
    trees: Iterable[Any], x: np.ndarray, progress: Progress = SILENT
) -> Iterator[tuple[int, np.ndarray]]:
    """After each tree, how many there were and the sum of their predictions: float64, shape (n,).

    Summed in the order of the trees in one array, which the next tree changes.

    Parameters
    ----------
    trees : iterable of sklearn.tree._tree.Tree
    x : float32, shape (n, p), contiguous
    """
    total = np.zeros(x.shape[0])
    for number, tree in enumerate(trees, 1):
        total += tree_predict(tree, x, progress)
        yield number, total


def mean_of_trees(trees: Iterable[Any], x: np.ndarray, progress: Progress = SILENT) -> np.ndarray:
    """Mean of the predictions of all trees, see `sums_of_trees`: float64, shape (n,)."""
    *_, (number, total) = sums_of_trees(trees, x, progress)
    return total / number


def tree_predict(
    tree: Any, x: np.ndarray, progress: Progress = SILENT, rows: np.ndarray | None = None
) -> np.ndarray:
    """Predictions of a Tree of scikit-learn for `x`, or for some of its rows only: float64, shape (n,)."""
    n = len(x) if rows is None else rows.size
    if rows is None and n <= _CHUNK_ROWS:
        progress.check()
        return tree.predict(x)[:, 0]
    predicted = np.empty(n)
    for start in range(0, n, _CHUNK_ROWS):
        progress.check()
        block = slice(start, start + _CHUNK_ROWS)
        predicted[block] = tree.predict(x[block if rows is None else rows[block]])[:, 0]
    return predicted


def leaves_of(tree: Any, x: np.ndarray, progress: Progress, rows: np.ndarray) -> np.ndarray:
    """The leaf of a Tree of scikit-learn that each of some rows of `x` falls into: int64, shape (n,)."""
    found = np.empty(rows.size, np.int64)
    for start in range(0, rows.size, _CHUNK_ROWS):
        progress.check()
        block = slice(start, start + _CHUNK_ROWS)
        found[block] = tree.apply(x[rows[block]])
    return found


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


def check_rows(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`x`, shape (n, p), as float32 and `y`, shape (n,), as float64, if a forest can be grown from them.

    Raises
    ------
    InputError
        Values that are not finite, fewer than two rows, a constant response.
    """
    x = np.ascontiguousarray(x, dtype=np.float32)
    y = np.ascontiguousarray(y, dtype=np.float64)
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise InputError(f"Covariates {x.shape} and response {y.shape} do not belong together.")
    if not 1 <= x.shape[1] <= MOST_COVARIATES:
        raise InputError(f"A forest takes 1 to {MOST_COVARIATES} covariates, not {x.shape[1]}.")
    if not np.all(np.isfinite(x)):
        raise InputError("The covariates hold values that are missing or infinite; drop those rows.")
    if not np.all(np.isfinite(y)):
        raise InputError("The response holds values that are missing or infinite; drop those rows.")
    if y.size < 2:
        raise InputError(f"A forest needs at least 2 rows with data, and there are {y.size}.")
    if np.min(y) == np.max(y):
        raise InputError(
            f"All {y.size} values of the response are {y[0]:g}, so there is nothing to learn; check the soil "
            "moisture."
        )
    return x, y
