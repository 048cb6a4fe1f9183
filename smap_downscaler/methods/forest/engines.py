"""What grows the trees of a forest whose own rows do not matter: scikit-learn or scikit-learn-intelex."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ...base.progress import Progress
from ...base.threads import interruptible
from .growth import forest_arguments, grow_each
from .settings import ForestSettings

SCIKIT_LEARN, INTELEX = "scikit-learn", "scikit-learn-intelex"
#: Not an engine: whichever is faster.
FASTEST = "fastest"

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


def engine_text(engine: str) -> str:
    """An engine and its version, for people."""
    return f"{engine} {version_of(engine)}"


def grow_with_intelex(
    x: np.ndarray, y: np.ndarray, settings: ForestSettings, key: int, progress: Progress
) -> Iterator[Any]:
    """The trees of a forest of scikit-learn-intelex; all at once, where a cancel can leave it.

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
