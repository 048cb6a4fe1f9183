"""What a training is asked for, the same for models by date, by cell and pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...base.errors import InputError
from ...base.matrix_columns import RESPONSE, RESPONSE_UNIT
from ...base.progress import Progress
from ...base.version import plugin_version
from ...methods.base import NO_WISHES, Cells, FineReader, Method, Model, Wishes
from ...methods.features import NO_FEATURES, FeatureSettings
from ...methods.file.reader import ModelWriter
from ...methods.forest.method import RANDOM_FOREST
from ...runs.fingerprint import lasting
from ..matrix.numbers.rows import centres_of_cells
from ..matrix.read import WHOLE_TABLE, MatrixTable, RowSelection


@dataclass(frozen=True)
class TrainingChoices:
    """What `train_by_date`, `train_by_cell` and `train_pooled` are asked for.

    Parameters
    ----------
    settings : object
        What models are fitted with, as the method knows it.
    selection : RowSelection
        Which rows are used: first and last date, by date and by cell the minimum rows of a forest, pooled
        the maximum rows per date and the memory, MB, that rows and trees may take.
    features : FeatureSettings
        Derived covariates to add: by cell all, pooled the day of year, by date none.
    wishes : Wishes
        Tuning and importance.
    method : Method
    fine : FineReader or None
        The fine stack, for methods that look below the cells.
    effects : bool
        Whether rows are kept for the effects of covariates.
    """

    settings: Any
    selection: RowSelection = WHOLE_TABLE
    features: FeatureSettings = NO_FEATURES
    wishes: Wishes = NO_WISHES
    method: Method = RANDOM_FOREST
    fine: FineReader | None = None
    effects: bool = False

    def names(self, table: MatrixTable) -> tuple[str, ...]:
        """The covariates of the models: the table's, then the derived ones.

        Raises
        ------
        InputError
            If the method refuses the candidates for them.
        """
        names = (*table.covariates, *self.features.names)
        self.method.check(self.wishes.candidates, len(names), table.label)
        return names

    def writer(
        self,
        table: MatrixTable,
        names: Sequence[str],
        output: str | Path,
        mode: str,
        extra: Mapping[str, object],
    ) -> ModelWriter:
        """What writes the forests of a table, of covariates `names`, to a file.

        `extra` is kept in it with the table's name.

        Raises
        ------
        InputError
            If the method has no such mode, or as `ModelWriter`.
        """
        if mode not in self.method.modes:
            raise InputError(f"MODE is '{mode}', which a {self.method.name} cannot be.")
        # Files of forests stay as older versions read them.
        grid = {"grid": asdict(table.grid)} if table.grid is not None and self.method.uses_coordinates else {}
        ranges = {"ranges": {name: list(ends) for name, ends in table.ranges.items()}} if table.ranges else {}
        return ModelWriter(
            output,
            names,
            {**table.units, **self.features.units},
            RESPONSE,
            RESPONSE_UNIT,
            self.settings,
            plugin_version(),
            {"table": lasting(table.label), **extra, **grid, **ranges},
            mode,
            self.features,
            self.wishes.tuned,
            self.method,
            self.wishes.trust,
        )

    def cells(
        self,
        table: MatrixTable,
        names: Sequence[str],
        x: np.ndarray,
        y: np.ndarray,
        cells: np.ndarray,
        days: np.ndarray,
    ) -> Cells:
        """Rows for the method, see `Cells`, with what is known of the SMAP grid and the fine stack."""
        place = centres_of_cells(table.grid, cells) if self.method.uses_coordinates else None
        return Cells(x, y, cells, days, place, tuple(names), table.grid, self.fine)

    def fit(self, cells: Cells, key: int, progress: Progress, threads: int = 1) -> Model:
        """A model of rows."""
        return self.method.fit(cells, self.settings, key, progress, threads, self.wishes)

    def chosen(self, model: Model) -> Any:
        """What a file keeps with a model: the settings chosen for it, where there was a choice."""
        return model.settings if self.wishes.tuned else None
