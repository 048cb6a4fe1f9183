"""What a training is asked for, the same for forests by date, by cell and pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...base.matrix_columns import RESPONSE, RESPONSE_UNIT
from ...base.progress import Progress
from ...base.version import plugin_version
from ...methods.features import NO_FEATURES, FeatureSettings
from ...methods.file.reader import ForestWriter
from ...methods.forest.hyper_grid import check_mtry
from ...methods.forest.settings import ForestSettings
from ...methods.forest.tuning import NO_WISHES, Grown, Wishes, grow_forest
from ..matrix.read import MatrixTable
from ..matrix.row_selection import WHOLE_TABLE, Scope


@dataclass(frozen=True)
class TrainingChoices:
    """What `train_from_table`, `train_cells` and `train_pooled` are asked for.

    Parameters
    ----------
    settings : ForestSettings
        What forests are grown with.
    scope : Scope
        Which rows are used: first and last date, by date and by cell the least rows of a forest, pooled
        the most rows of a date and the memory, MB, that rows and trees may take.
    features : FeatureSettings
        Derived covariates to add: by cell all, pooled the day of year, by date none.
    wishes : Wishes
        Tuning and importance.
    """

    settings: ForestSettings
    scope: Scope = WHOLE_TABLE
    features: FeatureSettings = NO_FEATURES
    wishes: Wishes = NO_WISHES

    def names(self, table: MatrixTable) -> tuple[str, ...]:
        """The covariates of the forests: the table's, then the derived ones.

        Raises
        ------
        InputError
            If one of the candidates tries more at a split than there are.
        """
        names = (*table.covariates, *self.features.names)
        check_mtry(self.wishes.candidates, len(names), table.label)
        return names

    def writer(
        self,
        table: MatrixTable,
        names: Sequence[str],
        output: str | Path,
        mode: str,
        extra: Mapping[str, object],
    ) -> ForestWriter:
        """What writes the forests of a table, of covariates `names`, to a file.

        `extra` is kept in it with the table's name.
        """
        return ForestWriter(
            output,
            names,
            {**table.units, **self.features.units},
            RESPONSE,
            RESPONSE_UNIT,
            self.settings,
            plugin_version(),
            {"table": table.label, **extra},
            mode,
            self.features,
            self.wishes.tuned,
        )

    def grow(self, x: np.ndarray, y: np.ndarray, key: int, progress: Progress, threads: int = 1) -> Grown:
        """A forest of rows: see `core.validation.tuning.grow_forest`."""
        return grow_forest(x, y, self.settings, self.wishes, key, progress, threads)

    def chosen(self, grown: Grown) -> ForestSettings | None:
        """What a file keeps with a forest: the settings chosen for it, where there was a choice."""
        return grown.settings if self.wishes.tuned else None
