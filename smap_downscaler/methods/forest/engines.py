"""What grows the trees of a forest whose own rows do not matter: scikit-learn or scikit-learn-intelex."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ...base.progress import SILENT, Progress
from ...base.threads import interruptible, ordered_map
from ..base import Block, Cells
from .growth import forest_arguments, grow_each
from .settings import ForestSettings

SCIKIT_LEARN, INTELEX = "scikit-learn", "scikit-learn-intelex"
#: Not an engine: whichever is faster.
FASTEST = "fastest"

#: Times as fast that the other engine must be: less may be chance, and scikit-learn is the rule.
LEAST_GAIN = 1.1
_ROUNDS = 3
_SECONDS_A_ROUND = 1.0

Grower = Callable[[np.ndarray, np.ndarray, ForestSettings, int, Progress], Iterator[Any]]


def grower_of(engine: str) -> Grower:
    """The trees of a forest in their order, from its rows, settings and key: as `growth.grow_each`."""
    return {SCIKIT_LEARN: grow_each, INTELEX: grow_with_intelex}[engine]


def version_of(engine: str) -> str | None:
    """The version of an engine; None where it is not installed or does not load."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        if engine == INTELEX:
            # Loaded here, in one thread: threads that load a package at once may trip over each other.
            import sklearnex.ensemble  # noqa: F401

            return version(INTELEX)
    except (ImportError, OSError, PackageNotFoundError):
        return None
    import sklearn

    return str(sklearn.__version__)


def grow_with_intelex(
    x: np.ndarray, y: np.ndarray, settings: ForestSettings, key: int, progress: Progress
) -> Iterator[Any]:
    """The trees of a forest of scikit-learn-intelex, from `x`, shape (n, p), and `y`, shape (n,).

    They grow all at once, where a cancel can leave it.

    They differ from scikit-learn's by chance: other rows are drawn from the same seed, and splits are
    looked for among up to 256 values of a covariate.
    """
    from sklearnex.ensemble import RandomForestRegressor

    rows, covariates = x.shape
    forest = RandomForestRegressor(**forest_arguments(settings, rows, covariates, key))
    progress.check()
    yield from interruptible(partial(_fitted_trees, forest, x, y), progress)


def _fitted_trees(forest: Any, x: np.ndarray, y: np.ndarray) -> list[Any]:
    trees: list[Any] = forest.fit(x, y).estimators_
    return trees


def faster_engine(
    held_out: Callable[..., np.ndarray],
    cells: Cells,
    block: Block,
    settings: ForestSettings,
    threads: int,
    progress: Progress = SILENT,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[str, str]:
    """The engine that grows and predicts forests faster, and a sentence that says why.

    Both do it three times in turns, in as many threads at once as the run will have (what one engine
    leaves of the cores another thread may use); the medians are compared.

    Parameters
    ----------
    held_out : callable
        `RandomForest.held_out`.
    cells, block : Cells, Block
        The training part of a first fold, and the fold.
    threads : int
    clock : callable
        Seconds.
    """
    version = version_of(INTELEX)
    if version is None:
        return SCIKIT_LEARN, f"{INTELEX} is not installed, so that forests grow with {SCIKIT_LEARN}."

    def seconds(engine: str, trees: int, at_once: int = threads) -> float:
        def grow(key: int, listener: Progress) -> np.ndarray:
            own = replace(settings, n_estimators=trees)
            return held_out(cells, block, [own], key, listener, engine)

        begun = clock()
        with closing(ordered_map(grow, range(at_once), at_once, progress)) as grown:
            for _ in grown:
                progress.check()
        return clock() - begun

    progress.set_text(f"Timing {SCIKIT_LEARN} and {INTELEX}")
    # The first forest of either loads libraries.
    for engine in (SCIKIT_LEARN, INTELEX):
        seconds(engine, 1, 1)
    one = seconds(SCIKIT_LEARN, 1)
    trees = min(settings.n_estimators, max(1, round(_SECONDS_A_ROUND / max(one, 1e-6))))
    taken: dict[str, list[float]] = {SCIKIT_LEARN: [], INTELEX: []}
    for _ in range(_ROUNDS):
        for engine, found in taken.items():
            found.append(seconds(engine, trees))
    plain, other = (statistics.median(found) for found in taken.values())
    gain = plain / other
    engine = INTELEX if gain >= LEAST_GAIN else SCIKIT_LEARN
    return engine, (
        f"{INTELEX} {version} is {gain:.2f} times as fast as {SCIKIT_LEARN} ({other:.2f} and {plain:.2f} s "
        f"for {threads} x {trees} trees of the first fold), so that forests grow with {engine}."
    )
