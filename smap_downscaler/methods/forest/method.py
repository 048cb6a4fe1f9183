"""Random forests as a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from ...base.progress import SILENT, Progress
from ..base import NO_WISHES, Block, Candidate, Cells, Method, Wishes
from ..skill import OobScores
from ..training_rows import blocks_of, load_applicability
from .codec import decode
from .compiled import MANY_PIXELS, NUMBA
from .engines import INTELEX, SCIKIT_LEARN, faster_engine, grower_of, version_of
from .growth import sums_of_trees, tree_predict
from .hyper_grid import check_mtry, mtry_of_all, tree_groups
from .model import Forest
from .settings import ForestSettings
from .spread import Spread
from .tuning import grow_forest

#: Bytes a node takes while a forest grows and is written: scikit-learn's, and the arrays of the file.
_BYTES_A_NODE = 110
_TREES_A_TRY = 4


class RandomForest(Method):
    """Breiman's random forest: the mean of trees grown on rows drawn with replacement."""

    name = "random forest"
    noun = "forest"
    parts = "tree"
    smaller = "give N_ESTIMATORS or SAMPLE_SIZE a smaller number"
    columns = MappingProxyType(
        {
            "n_estimators": int,
            "max_features": int,
            "min_samples_split": int,
            "min_samples_leaf": int,
            "max_depth": int,
            "sample_size": int,
            "sample_share": float,
        }
    )
    tunable = ("n_estimators", "max_features", "min_samples_split", "sample_size")
    engines = (SCIKIT_LEARN, INTELEX)

    def read_settings(self, content: Mapping[str, Any]) -> ForestSettings:
        """Settings from JSON; see `ForestSettings`."""
        if set(content) != {field.name for field in fields(ForestSettings)}:
            raise TypeError(f"the settings of a forest are {', '.join(content)}")
        return ForestSettings(**content)

    def fit(
        self,
        cells: Cells,
        settings: ForestSettings,
        key: int,
        progress: Progress = SILENT,
        threads: int = 1,
        wishes: Wishes = NO_WISHES,
    ) -> Forest:
        """Grow one forest; see `grow_forest`."""
        blocks = blocks_of(cells) if wishes.trust else None
        return grow_forest(cells.x, cells.y, settings, wishes, key, progress, threads, blocks)

    def load(self, members: Mapping[str, bytes], names: Sequence[str], scores: OobScores | None) -> Forest:
        """The forest of `Forest.members`, checked and tried on its probe."""
        forest = Forest(*decode(members), scores)
        forest.check_probe(len(names))
        forest.spread = Spread.load(members, forest.arrays)
        forest.applicability = load_applicability(members, len(names))
        return forest

    def get_ready(self) -> None:
        """Load scikit-learn's trees."""
        import sklearn.tree  # noqa: F401

    def quicken(self, pixels: int, progress: Progress = SILENT) -> None:
        """Load numba for many pixels; see `compiled`."""
        NUMBA.said = ""
        if pixels >= MANY_PIXELS:
            NUMBA.load(progress)

    def quickened(self) -> str:
        """See `compiled.Numba`."""
        return NUMBA.said

    def check(self, candidates: Sequence[Candidate], covariates: int, label: str) -> None:
        """Refuse a grid of MAX_FEATURES over the number of covariates."""
        check_mtry(candidates, covariates, label)

    def equals(self, candidates: Sequence[Candidate], covariates: int) -> str:
        """Values of a grid of MAX_FEATURES that are all covariates or more."""
        mtry = mtry_of_all(candidates, covariates)
        if len(mtry) < 2:
            return ""
        return (
            f"MAX_FEATURES_GRID: {', '.join(map(str, mtry))} come to the same where no more than "
            f"{covariates} covariates change in time"
        )

    def bytes_of(self, settings: ForestSettings, rows: int) -> float:
        """A tree has at most two nodes a distinct row that it drew (63 % of the draws, at most all rows)."""
        draws = settings.draws(rows)
        distinct = min(rows, draws) if draws < rows else 0.64 * rows
        leaves = distinct / max(1, settings.min_samples_leaf, settings.min_samples_split / 2)
        return settings.n_estimators * 2 * leaves * _BYTES_A_NODE

    def size_text(self, settings: ForestSettings, rows: int) -> str:
        """Trees and the rows of each."""
        return f"{settings.n_estimators:,} trees of {settings.draws(rows):,} rows each"

    def held_out(
        self,
        cells: Cells,
        block: Block,
        settings: Sequence[ForestSettings],
        key: int,
        progress: Progress = SILENT,
        engine: str = "",
    ) -> np.ndarray:
        """As of `Method`: a forest of few trees is the beginning of one of many, so that one serves both."""
        found = np.empty((len(settings), block.x.shape[0]))
        for group in tree_groups(settings):
            counts = {index: settings[index].n_estimators for index in group}
            most = replace(settings[group[0]], n_estimators=max(counts.values()))
            grown = grower_of(engine or SCIKIT_LEARN)(cells.x, cells.y, most, key, progress)
            for number, total in sums_of_trees((tree.tree_ for tree in grown), block.x, progress):
                for index in (index for index, count in counts.items() if count == number):
                    found[index] = total / number
        return found

    def permuted(
        self,
        cells: Cells,
        block: Block,
        settings: ForestSettings,
        key: int,
        orders: np.ndarray,
        progress: Progress = SILENT,
        engine: str = "",
    ) -> tuple[np.ndarray, np.ndarray]:
        """As of `Method`: trees are asked as they grow, and only for covariates that they know."""
        x = block.x
        total, permuted, mixed = np.zeros(len(x)), np.zeros((x.shape[1], len(x))), x.copy()
        for grown in grower_of(engine or SCIKIT_LEARN)(cells.x, cells.y, settings, key, progress):
            tree = grown.tree_
            own = tree_predict(tree, x, progress)
            total += own
            asked = set(tree.feature.tolist())
            for number, order in enumerate(orders):
                if number not in asked:
                    permuted[number] += own
                    continue
                mixed[:, number] = x[order, number]
                permuted[number] += tree_predict(tree, mixed, progress)
                mixed[:, number] = x[:, number]
        return total / settings.n_estimators, permuted / settings.n_estimators

    def work(self, settings: Sequence[ForestSettings]) -> tuple[int, int]:
        """Forests that `held_out` grows, and their trees."""
        groups = tree_groups(settings)
        return len(groups), sum(max(settings[index].n_estimators for index in group) for group in groups)

    def sample(self, settings: ForestSettings, engine: str) -> tuple[ForestSettings, int]:
        """A few trees; other engines make something of the rows first, once a forest."""
        trees = _TREES_A_TRY if engine == SCIKIT_LEARN else settings.n_estimators
        return replace(settings, n_estimators=trees), trees

    def faster_engine(
        self, cells: Cells, block: Block, settings: ForestSettings, threads: int, progress: Progress
    ) -> tuple[str, str]:
        """See `engines.faster_engine`."""
        return faster_engine(self.held_out, cells, block, settings, threads, progress)

    def engine_version(self, engine: str) -> str | None:
        """See `engines.version_of`."""
        return version_of(engine)


RANDOM_FOREST = RandomForest()
