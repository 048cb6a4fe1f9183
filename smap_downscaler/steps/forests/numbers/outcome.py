"""Result for each date or cell in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ....methods.base import Cells, Method, Model
from ....methods.forest.method import RANDOM_FOREST
from ....methods.keys import BY_DATE, Key
from ....methods.skill import Importance, ImportanceRow, OobScores, summarise_importance, summarise_scores
from .effects import Effect


@dataclass
class TrainingReport:
    """Result for each date or cell.

    Attributes
    ----------
    mode : str
        "by date", "by cell" or "pooled".
    scores : dict
        Each model's scores of its own error, by key: out-of-bag scores of forests.
    dropped : dict
        Rows left out for a missing covariate, by key.
    skipped : dict
        Why a key has no forest.
    names : tuple of str
        All covariates.
    trained : int
        How many models there are.
    given : settings of the method
        Hyper-parameters as they were given.
    settings : dict
        Hyper-parameters by key, where they were chosen for each.
    importance : dict
        Covariates, and the rise of the out-of-bag mean square error by each, by key.
    samples : dict
        Rows of some models, for the effects of covariates, by key.
    effects : list of Effect
        Of the covariates, in their order.
    """

    mode: str = BY_DATE
    scores: dict[Key, OobScores] = field(default_factory=dict)
    dropped: dict[Key, int] = field(default_factory=dict)
    skipped: dict[Key, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    trained: int = 0
    given: Any = None
    method: Method = RANDOM_FOREST
    settings: dict[Key, Any] = field(default_factory=dict)
    importance: dict[Key, tuple[tuple[str, ...], Importance]] = field(default_factory=dict)
    samples: dict[Key, Cells] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)

    def add(self, key: Key, model: Model, names: Sequence[str], tuned: bool) -> None:
        """Note what became of a model of the covariates `names`."""
        self.trained += 1
        if model.scores is not None:
            self.scores[key] = model.scores
        if tuned:
            self.settings[key] = model.settings
        if model.importance is not None:
            self.importance[key] = (tuple(names), model.importance)

    def importance_summary(self) -> list[ImportanceRow]:
        """The importance of each covariate over the forests, most important first."""
        return summarise_importance(self.importance.values(), self.names)

    def median(self, name: str) -> float:
        """Median over the forests of a score."""
        return summarise_scores(self.scores.values())[name].median
