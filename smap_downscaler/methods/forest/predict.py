"""Applying a forest to covariates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...base.progress import SILENT, Progress
from ..keys import Key
from .arrays import ForestArrays
from .oob import OobScores

#: Rows a tree sees at once: a few milliseconds between two looks at the cancel button.
CHUNK_ROWS = 16_384


class Forest:
    """A forest, ready to predict.

    Parameters
    ----------
    names : sequence of str
        Covariates in the order of the columns.
    units : mapping
        Unit by covariate; empty where unknown.
    key : Key
        What it is for: the date of the response that it was grown on, the cell, or all rows.
    arrays : ForestArrays
        Its trees; damaged ones raise `ForestFileError`.
    scores : OobScores
        Its out-of-bag scores.
    """

    def __init__(
        self,
        names: Sequence[str],
        units: Mapping[str, str],
        key: Key,
        arrays: ForestArrays,
        scores: OobScores,
    ):
        self.names = tuple(names)
        self.units = {name: units.get(name, "") for name in self.names}
        self.key = key
        self.arrays = arrays
        self.scores = scores
        self._trees = arrays.to_trees(len(self.names))

    def predict(self, x: np.ndarray, progress: Progress = SILENT, chunk_rows: int = CHUNK_ROWS) -> np.ndarray:
        """Mean of the trees, float64, shape (n,).

        Summed in tree order in float64, so that the result is the same to the last bit however
        the rows are cut into blocks.  Several threads may call it at once.

        Parameters
        ----------
        x : float32, shape (n, p)
            Covariates in the order of `names`.  Rows with NaN are the caller's to leave out:
            they raise `ValueError`.
        """
        x = np.asarray(x, dtype=np.float32)
        if x.ndim != 2 or x.shape[1] != len(self.names):
            raise ValueError(f"covariates must have the shape (n, {len(self.names)}), not {x.shape}")
        if np.isnan(x).any():
            raise ValueError("covariates must not hold NaN; leave those rows out")
        result = np.empty(x.shape[0], dtype=np.float64)
        for start in range(0, x.shape[0], chunk_rows):
            block = np.ascontiguousarray(x[start : start + chunk_rows])
            total = np.zeros(block.shape[0], dtype=np.float64)
            for tree in self._trees:
                progress.check()
                total += tree.predict(block)[:, 0]
            result[start : start + chunk_rows] = total / len(self._trees)
        return result
