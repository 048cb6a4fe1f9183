"""Growing forests: one, or one a date or cell in several threads."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.threads import interruptible_if, ordered_map
from ..keys import Key, key_label, key_number
from .arrays import MAX_FEATURES, ForestArrays
from .growth import grow_trees
from .oob import OobScores, out_of_bag
from .settings import ForestSettings

Result = TypeVar("Result")
#: Rows of training covariates kept with a forest, so that a loaded one can be tried.
PROBE_ROWS = 16
#: Nodes of a forest that takes so long to be gathered and packed that a cancel must be able to leave it.
MANY_NODES = 500_000


@dataclass(frozen=True, eq=False)
class TrainedForest:
    """A grown forest.

    Parameters
    ----------
    arrays : ForestArrays
        Its trees.
    scores : OobScores
        Out-of-bag scores.
    oob : float64, shape (n,)
        Out-of-bag predictions of the training rows, NaN for rows that every tree drew.
    probe_x : float32, shape (k, p), k <= 16
        Some training rows.
    probe_y : float64, shape (k,)
        What scikit-learn's own trees predict for them, summed in tree order.
    """

    arrays: ForestArrays
    scores: OobScores
    oob: np.ndarray
    probe_x: np.ndarray
    probe_y: np.ndarray


def train_forest(
    x: np.ndarray,
    y: np.ndarray,
    settings: ForestSettings,
    key: int,
    progress: Progress = SILENT,
    threads: int = 1,
) -> TrainedForest:
    """Grow one forest.

    It depends on the data, the settings and `key` only, not on threads or on other forests.
    Cancelling takes effect within a second; trees of very many rows that are then at work grow to their
    end in the background and are dropped.

    Parameters
    ----------
    x : float32, shape (n, p)
        Covariates; no NaN.
    y : shape (n,)
        Response; no NaN.
    key : int
        Tells this forest's randomness from that of others of the same seed, such as the ordinal
        of its date; 0 or more.
    threads : int
        Trees grown at once; for one large forest.

    Raises
    ------
    InputError
        Values that are not finite, fewer than two rows, a constant response.
    """
    x, y = check_rows(x, y)
    forest = grow_trees(x, y, settings, key, progress, threads)
    return trained_of(forest.trees, x, y, out_of_bag(forest, x, progress), progress)


def trained_of(
    trees: list[Any], x: np.ndarray, y: np.ndarray, oob: np.ndarray, progress: Progress = SILENT
) -> TrainedForest:
    """What is kept of the trees of a forest and their out-of-bag predictions."""
    gather = partial(ForestArrays.from_sklearn, trees)
    large = sum(tree.tree_.node_count for tree in trees) > MANY_NODES
    probe_x = x[_probe_rows(x.shape[0])]
    return TrainedForest(
        arrays=interruptible_if(large, gather, progress),
        scores=OobScores.of(y, oob),
        oob=oob,
        probe_x=probe_x,
        probe_y=sum_in_order(trees, probe_x),
    )


def sum_in_order(trees: list[Any], x: np.ndarray) -> np.ndarray:
    """Mean of scikit-learn's trees, summed in their order in float64: shape (n,)."""
    total = np.zeros(x.shape[0])
    for tree in trees:
        total += tree.tree_.predict(x)[:, 0]
    return total / len(trees)


def train_each(
    items: Iterable[tuple[Key, np.ndarray, np.ndarray]],
    grow: Callable[[np.ndarray, np.ndarray, int, Progress], Result],
    threads: int,
    progress: Progress = SILENT,
    total: int = 0,
    unit: str = "dates",
) -> Generator[tuple[Key, Result], None, None]:
    """Grow one forest a date or cell, in `threads` threads; results come in the order of `items`.

    `grow` takes x, y, the number of the key and a listener, and makes what comes out.  `items` yields
    (key, x, y) as for `train_forest` and is pulled in the caller's thread, at most 2 `threads` keys
    ahead of what was taken.  `total` is their number and `unit` what they are called, for the
    progress shown.  The first error in the order of keys ends the work (an `InputError` with the key
    before it), and so does a cancelled `progress` or closing the iterator; no thread is left behind.
    """
    if threads < 1:
        raise InputError(f"THREADS is {threads}; give a whole number of at least 1.")
    # Imported once here: threads that import the same package at once may trip over each other.
    import sklearn.tree  # noqa: F401

    def train(item: tuple[Key, np.ndarray, np.ndarray], listener: Progress) -> tuple[Key, Result]:
        key, x, y = item
        try:
            return key, grow(x, y, key_number(key), listener)
        except InputError as error:
            raise InputError(f"{key_label(key)}: {error}") from error

    counter = progress.counter(total, unit)
    with contextlib.closing(ordered_map(train, items, threads, progress)) as results:
        for result in results:
            yield result
            counter.advance()


def check_rows(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`x` as float32 and `y` as float64, if a forest can be grown from them.

    Raises
    ------
    InputError
        As `train_forest`.
    """
    x = np.ascontiguousarray(x, dtype=np.float32)
    y = np.ascontiguousarray(y, dtype=np.float64)
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise InputError(f"Covariates {x.shape} and response {y.shape} do not belong together.")
    if not 1 <= x.shape[1] <= MAX_FEATURES:
        raise InputError(f"A forest takes 1 to {MAX_FEATURES} covariates, not {x.shape[1]}.")
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


def _probe_rows(rows: int) -> np.ndarray:
    """Up to `PROBE_ROWS` rows spread evenly over all."""
    return np.unique(np.linspace(0, rows - 1, min(PROBE_ROWS, rows)).round().astype(np.int64))
