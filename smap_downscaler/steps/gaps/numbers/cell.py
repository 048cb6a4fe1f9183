"""The work on one cell: its gaps filled by its forest, and days hidden to estimate the error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ....base.progress import SILENT, Progress
from ....methods.base import Block, Method, Model
from ....methods.features import FeatureSettings, add_features
from ....methods.keys import CellKey, Key, key_number
from .hidden import HidingOutcome, HidingSettings, hide_and_fill


@dataclass(frozen=True, eq=False)
class CellSeries:
    """A cell day by day.

    Parameters
    ----------
    key : CellKey
    days : int64, shape (n,)
        Ordinals of all days, ascending, without a gap.
    observed : float64, shape (n,)
        Soil moisture, m3 m-3; NaN where nothing was observed.
    names : tuple of str
        Dated covariates.
    dynamic : float32, shape (n, p)
        Their values; NaN where missing.
    """

    key: CellKey
    days: np.ndarray
    observed: np.ndarray
    names: tuple[str, ...]
    dynamic: np.ndarray

    @property
    def seen(self) -> np.ndarray:
        """The days with an observation, bool, shape (n,)."""
        return np.isfinite(self.observed)

    def covariates(
        self,
        names: Sequence[str],
        features: FeatureSettings,
        wanted: np.ndarray,
        hidden: np.ndarray | None = None,
    ) -> np.ndarray:
        """Covariates `names` of the days of a bool mask: float32, shape (m, len(names)), NaN where missing.

        Neighbours in time are the observed days other than the day itself and those of `hidden`, a bool
        mask of the observed days.
        """
        days, observed = self.days[self.seen], self.observed[self.seen]
        x = add_features(self.dynamic[wanted], self.days[wanted], features, days, observed, hidden)
        every = (*self.names, *features.names)
        return np.ascontiguousarray(x[:, [every.index(name) for name in names]])


class CellForests(Protocol):
    """A file of forests by cell, as cells ask for it; see `methods.file.reader`."""

    method: Method
    features: FeatureSettings

    def load(self, key: Key) -> Model: ...
    def names_of(self, key: Key) -> tuple[str, ...]: ...
    def settings_of(self, key: Key) -> Any: ...


@dataclass(frozen=True, eq=False)
class CellTask:
    """A cell, the file that holds its forest, and what is to be done.

    Parameters
    ----------
    forests : CellForests
    series : CellSeries
    fill : bool
        Whether gaps are filled.
    hiding : HidingSettings or None
        What is hidden to estimate the error.
    """

    forests: CellForests
    series: CellSeries
    fill: bool
    hiding: HidingSettings | None


@dataclass(frozen=True, eq=False)
class FilledCell:
    """What came of a cell.

    Parameters
    ----------
    key : CellKey
    values : float64, shape (n,)
        What the forest predicts on days without an observation; NaN on others, or without a covariate.
    hiding : HidingOutcome or None
        None where nothing was to be hidden.
    """

    key: CellKey
    values: np.ndarray
    hiding: HidingOutcome | None


def work_on_cell(task: CellTask, progress: Progress = SILENT) -> FilledCell:
    """Do what a task asks for.

    Raises
    ------
    InputError
        If the forest is damaged.
    """
    series, features = task.series, task.forests.features
    model, names = task.forests.load(series.key), task.forests.names_of(series.key)
    method, settings = task.forests.method, task.forests.settings_of(series.key)
    seen, values = series.seen, np.full(len(series.days), np.nan)
    if task.fill:
        gaps = ~seen
        x = series.covariates(names, features, gaps)
        whole = np.isfinite(x).all(axis=1)
        predicted = np.full(len(x), np.nan)
        if whole.any():
            predicted[whole] = model.predict(Block(x[whole], series.days[gaps][whole]), progress).mean
        values[gaps] = predicted
    outcome = None
    if task.hiding is not None:
        outcome = hide_and_fill(
            (series.key.row, series.key.col),
            series.days[seen],
            series.observed[seen],
            lambda mask: series.covariates(names, features, seen, mask),
            (method, settings, key_number(series.key)),
            task.hiding,
            progress,
        )
    return FilledCell(series.key, values, outcome)
