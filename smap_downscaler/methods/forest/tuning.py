"""Growing a forest whose hyper-parameters are chosen by its out-of-bag error, and its importance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...stats import scores
from .growth import Forest, grow_trees
from .hyper_grid import Candidate, tree_groups
from .importance import Importance, permutation_importance
from .oob import oob_of_first, out_of_bag
from .settings import ForestSettings
from .train import TrainedForest, check_rows, trained_of


@dataclass(frozen=True)
class Wishes:
    """What is wanted of each forest of a run beside its trees.

    Parameters
    ----------
    candidates : tuple of Candidate
        Hyper-parameters to choose from by the out-of-bag RMSE; none: as the settings say.
    importance_repeats : int
        How often each covariate is shuffled for the permutation importance; 0: no importance.
    """

    candidates: tuple[Candidate, ...] = ()
    importance_repeats: int = 0

    def __post_init__(self) -> None:
        if self.importance_repeats < 0:
            raise InputError(f"IMPORTANCE_REPEATS is {self.importance_repeats}; give 1 or more.")

    @property
    def tuned(self) -> bool:
        """Whether there is a choice."""
        return len(self.candidates) > 1


NO_WISHES = Wishes()


@dataclass(frozen=True, eq=False)
class Grown:
    """A forest, what it was grown with, and its importance where that was wanted."""

    trained: TrainedForest
    settings: ForestSettings
    importance: Importance | None


def grow_forest(
    x: np.ndarray,
    y: np.ndarray,
    settings: ForestSettings,
    wishes: Wishes,
    key: int,
    progress: Progress = SILENT,
    threads: int = 1,
) -> Grown:
    """Grow one forest as `core.forest.train.train_forest` does, with `wishes`.

    Of several candidates the one with the least out-of-bag RMSE is kept, of equals the first.  The
    forest is bit for bit that of the chosen settings alone.

    Raises
    ------
    InputError
        As `train_forest`.
    """
    x, y = check_rows(x, y)
    if wishes.tuned:
        forest, settings, oob = _best(x, y, wishes.candidates, key, progress, threads)
    else:
        forest = grow_trees(x, y, settings, key, progress, threads)
        oob = out_of_bag(forest, x, progress)
    trees = settings.n_estimators
    importance = None
    if wishes.importance_repeats:
        importance = permutation_importance(
            forest, x, y, wishes.importance_repeats, settings.seed, key, progress, trees
        )
    return Grown(trained_of(forest.trees[:trees], x, y, oob, progress), settings, importance)


def _best(
    x: np.ndarray,
    y: np.ndarray,
    candidates: Sequence[Candidate],
    key: int,
    progress: Progress,
    threads: int,
) -> tuple[Forest, ForestSettings, np.ndarray]:
    """The forest (maybe with more trees than it needs), settings and out-of-bag predictions of the best."""
    best: tuple[Forest, ForestSettings, np.ndarray] | None = None
    least = (np.inf, len(candidates))
    groups = tree_groups(candidates)
    for number, group in enumerate(groups):
        part = progress.part(number / len(groups), (number + 1) / len(groups))
        counts = [candidates[index].settings.n_estimators for index in group]
        own = [candidates[index].of(y.size) for index in group]
        forest = grow_trees(x, y, replace(own[0], n_estimators=max(counts)), key, part, threads)
        for index, chosen, oob in zip(group, own, oob_of_first(forest, x, counts, progress)):
            error = scores.rmse(y, oob)
            rank = (error if np.isfinite(error) else np.inf, index)
            if best is None or rank < least:
                best, least = (forest, chosen, oob), rank
    if best is None:
        raise ValueError("there is no candidate")
    return best
