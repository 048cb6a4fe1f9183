"""Growing a forest whose hyper-parameters are chosen by its out-of-bag error, and its importance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...base.progress import SILENT, Progress
from ...stats import scores
from ...stats.applicability import Applicability
from ..base import NO_WISHES, Candidate, Wishes
from ..skill import OobScores
from .growth import GrownTrees, check_rows, grow_trees
from .hyper_grid import tree_groups
from .model import Forest
from .oob import oob_of_first, out_of_bag, permutation_importance, share_of_splits
from .settings import ForestSettings
from .spread import grow_spread


def grow_forest(
    x: np.ndarray,
    y: np.ndarray,
    settings: ForestSettings,
    wishes: Wishes = NO_WISHES,
    key: int = 0,
    progress: Progress = SILENT,
    threads: int = 1,
    blocks: np.ndarray | None = None,
) -> Forest:
    """Grow one forest, with `wishes`.

    It depends on the data, the settings and `key` only, not on threads or on other forests.
    Cancelling takes effect within a second; trees of very many rows that are then at work grow to their
    end in the background and are dropped.

    Of several candidates the one with the least out-of-bag RMSE is kept, of equals the first.  The
    forest is bit for bit that of the chosen settings alone.

    Parameters
    ----------
    x : float32, shape (n, p)
        Covariates; no NaN.
    y : shape (n,)
        Response; no NaN.
    key : int
        Makes this forest's randomness another than that of others of the same seed, such as the ordinal
        of its date; 0 or more.
    threads : int
        Trees grown at once; for one large forest.
    blocks : int64, shape (n,), optional
        The block of cells of each row; with `wishes.trust` only.

    Raises
    ------
    InputError
        Values that are not finite, fewer than two rows, a constant response.
    """
    x, y = check_rows(x, y)
    if wishes.tuned:
        grown, settings, oob = _best(x, y, wishes.candidates, key, progress, threads)
    else:
        grown = grow_trees(x, y, settings, key, progress, threads)
        oob = out_of_bag(grown, x, progress)
    trees = settings.n_estimators
    importance = None
    if wishes.importance_repeats:
        importance = permutation_importance(
            grown, x, y, wishes.importance_repeats, settings.seed, key, progress, trees
        )
    forest = Forest.of_trees(grown.trees[:trees], x, y, oob, settings, importance, progress)
    if wishes.trust:
        own = GrownTrees(grown.trees[:trees], grown.draws)
        where = np.arange(len(y)) if blocks is None else blocks
        forest.spread, held = grow_spread(own, x, y, oob, where, (settings.seed, key), progress)
        forest.scores = replace(OobScores.of(y, oob), **held._asdict())
        forest.applicability = Applicability.of(x, share_of_splits(own.trees), where, settings.seed)
    return forest


def _best(
    x: np.ndarray,
    y: np.ndarray,
    candidates: Sequence[Candidate],
    key: int,
    progress: Progress,
    threads: int,
) -> tuple[GrownTrees, ForestSettings, np.ndarray]:
    """The forest (maybe with more trees than it needs), settings and out-of-bag predictions of the best."""
    best: tuple[GrownTrees, ForestSettings, np.ndarray] | None = None
    least = (np.inf, len(candidates))
    settings = [candidate.of(y.size) for candidate in candidates]
    groups = tree_groups(settings)
    for number, group in enumerate(groups):
        part = progress.part(number / len(groups), (number + 1) / len(groups))
        own = [settings[index] for index in group]
        counts = [each.n_estimators for each in own]
        forest = grow_trees(x, y, replace(own[0], n_estimators=max(counts)), key, part, threads)
        for index, chosen, oob in zip(group, own, oob_of_first(forest, x, counts, progress)):
            error = scores.rmse(y, oob)
            rank = (error if np.isfinite(error) else np.inf, index)
            if best is None or rank < least:
                best, least = (forest, chosen, oob), rank
    if best is None:
        raise ValueError("there is no candidate")
    return best
