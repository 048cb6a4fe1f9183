"""A forest that is ready to predict."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any

import numpy as np

from ...base.progress import SILENT, Progress
from ...base.threads import interruptible_if
from ...stats.applicability import Applicability
from ..base import Block, Model, ModelMismatch, Prediction
from ..skill import Importance, OobScores
from ..training_rows import applicability_members
from .arrays import ForestArrays
from .codec import PROBE_ROWS, encode
from .compiled import NUMBA, TRIED_ROWS, Laid, Mean, lay_out
from .growth import mean_of_trees
from .settings import ForestSettings
from .spread import Spread

#: Rows a tree sees at once: a few milliseconds between two looks at the cancel button.
CHUNK_ROWS = 65_536
#: Nodes of a forest that takes so long to be gathered and packed that a cancel must be able to leave it.
MANY_NODES = 500_000
#: Pixels a side.
_SQUARE = 32
#: Rows times trees.
_DRAWS_AT_ONCE = 2**21


class Forest(Model):
    """A forest.

    Parameters
    ----------
    arrays : ForestArrays
        Its trees; damaged ones raise `ModelFileError` when `trees` are asked for.
    probe_x : float32, shape (k, p), k <= 16
        Some training rows.
    probe_y : float64, shape (k,)
        What scikit-learn's own trees predict for them, summed in tree order.
    scores : OobScores or None
        Its out-of-bag scores.
    oob : float64, shape (n,), or None
        Out-of-bag predictions of the training rows, NaN for rows that every tree drew; of a forest that
        was just grown.
    spread : Spread or None
        What intervals are made from.
    settings, importance, applicability
        As of `Model`.
    """

    def __init__(
        self,
        arrays: ForestArrays,
        probe_x: np.ndarray,
        probe_y: np.ndarray,
        scores: OobScores | None = None,
        oob: np.ndarray | None = None,
        settings: ForestSettings | None = None,
        importance: Importance | None = None,
        spread: Spread | None = None,
        applicability: Applicability | None = None,
    ):
        self.arrays, self.probe_x, self.probe_y = arrays, probe_x, probe_y
        self.scores, self.oob, self.settings, self.importance = scores, oob, settings, importance
        self.spread, self.applicability = spread, applicability

    @classmethod
    def of_trees(
        cls,
        trees: list[Any],
        x: np.ndarray,
        y: np.ndarray,
        oob: np.ndarray,
        settings: ForestSettings,
        importance: Importance | None = None,
        progress: Progress = SILENT,
    ) -> Forest:
        """The forest of scikit-learn's trees grown on `x`, shape (n, p), and `y`, with `oob`, shape (n,)."""
        large = sum(tree.tree_.node_count for tree in trees) > MANY_NODES
        arrays = interruptible_if(large, lambda: ForestArrays.from_sklearn(trees), progress)
        probe_x = x[_probe_rows(x.shape[0])]
        probe_y = mean_of_trees((tree.tree_ for tree in trees), probe_x)
        return cls(arrays, probe_x, probe_y, OobScores.of(y, oob), oob, settings, importance)

    @property
    def is_large(self) -> bool:  # type: ignore[override]
        """Whether it takes long to be packed."""
        return self.arrays.n_nodes > MANY_NODES

    @property
    def has_sd(self) -> bool:  # type: ignore[override]
        """Whether it keeps what intervals are made from: files of versions before 0.5 do not."""
        return self.spread is not None

    @property
    def covariates(self) -> int:
        """How many covariates it has."""
        return int(self.probe_x.shape[1])

    @cached_property
    def trees(self) -> list[Any]:
        """scikit-learn's own trees, checked."""
        return self.arrays.to_trees(self.covariates)

    def predict(
        self, block: Block, progress: Progress = SILENT, sd: bool = False, chunk_rows: int = CHUNK_ROWS
    ) -> Prediction:
        """Mean of the trees, float64, shape (n,), and where asked for the spread about it.

        Summed in tree order in float64, so that the result is the same to the last bit however
        the rows are cut into blocks.  Several threads may call it at once.

        Raises
        ------
        ValueError
            For covariates of another shape, or that hold NaN: those rows are the caller's to leave out.
        """
        x = np.asarray(block.x, dtype=np.float32)
        if x.ndim != 2 or x.shape[1] != self.covariates:
            raise ValueError(f"covariates must have the shape (n, {self.covariates}), not {x.shape}")
        finite = bool(np.isfinite(x).all())
        if not finite and np.isnan(x).any():
            raise ValueError("covariates must not hold NaN; leave those rows out")
        if sd:
            return self._with_spread(x, progress, chunk_rows)
        result = np.empty(x.shape[0], dtype=np.float64)
        mean: Mean = partial(mean_of_trees, self.trees)
        if finite and NUMBA.version:
            mean = NUMBA.mean_of(self.arrays, self._laid, mean, x[:TRIED_ROWS]) or mean
        for start in range(0, x.shape[0], chunk_rows):
            part = slice(start, start + chunk_rows)
            result[part] = mean(np.ascontiguousarray(x[part]), progress)
        return Prediction(result)

    def arranged(
        self, x: np.ndarray, rows: np.ndarray, cols: np.ndarray, progress: Progress = SILENT
    ) -> np.ndarray | None:
        """As of `Model`: square by square, or as compiled code wants it where that is loaded."""
        if NUMBA.version and self._laid is not None:
            return NUMBA.order_of(x, self._laid, progress)
        # Pixels of a square take similar ways through the trees: 6 % faster than row by row.
        return np.lexsort((cols // _SQUARE, rows // _SQUARE))

    @cached_property
    def _laid(self) -> Laid | None:
        """Its trees for compiled code."""
        self.arrays.check(self.covariates)
        return lay_out(self.arrays, self.covariates)

    def _with_spread(self, x: np.ndarray, progress: Progress, chunk_rows: int) -> Prediction:
        """As `predict`, in one way through the trees; the mean has the same bits."""
        if self.spread is None:
            raise ValueError("the forest keeps nothing to make intervals from")
        found = np.empty((4, x.shape[0]))
        # Some 4 MB of draws at once, however many trees there are.
        chunk_rows = min(chunk_rows, max(_DRAWS_AT_ONCE // len(self.trees), 1))
        firsts = self.arrays.offsets.tolist()
        for start in range(0, x.shape[0], chunk_rows):
            part = np.ascontiguousarray(x[start : start + chunk_rows])
            mean, draws = np.zeros(len(part)), np.empty((len(part), len(self.trees)), np.uint16)
            for number, (tree, first) in enumerate(zip(self.trees, firsts)):
                progress.check()
                leaves = first + tree.apply(part)
                mean += self.arrays.number[leaves]
                draws[:, number] = self.spread.draws[leaves]
            mean /= len(self.trees)
            found[:, start : start + chunk_rows] = mean, *self.spread.about(mean, draws)
        return Prediction(*found)

    def check_probe(self, covariates: int) -> None:
        """Raise unless it has so many covariates and gives the predictions that are stored with it.

        Raises
        ------
        ModelMismatch
        """
        # Trees are checked as they are made, which is once.
        self.trees = self.arrays.to_trees(covariates)
        if self.covariates != covariates:
            raise ModelMismatch(f"has {self.covariates} covariates, not {covariates}")
        days = np.zeros(len(self.probe_x), np.int64)
        if not np.array_equal(self.predict(Block(self.probe_x, days)).mean, self.probe_y):
            raise ModelMismatch("does not give the predictions stored with it")

    def members(self, covariates: int) -> dict[str, bytes]:
        """Its arrays as .npy files."""
        self.arrays.check(covariates)
        members = encode(self.arrays, self.probe_x, self.probe_y)
        if self.spread is not None:
            members |= self.spread.members(self.arrays)
        if self.applicability is not None:
            members |= applicability_members(self.applicability)
        return members


def _probe_rows(rows: int) -> np.ndarray:
    """Up to `PROBE_ROWS` rows spread evenly over all."""
    return np.unique(np.linspace(0, rows - 1, min(PROBE_ROWS, rows)).round().astype(np.int64))
