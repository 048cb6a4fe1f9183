"""Covariates of a fold: those of the table, and those that are made from the rows the forest may see."""

from __future__ import annotations

import numpy as np

from ....base.errors import InputError
from ....methods.features import add_features, drop_constant
from ....methods.keys import BY_CELL
from .pieces import Rows
from .settings import ValidationSettings


def used_columns(rows: Rows, settings: ValidationSettings) -> np.ndarray:
    """Numbers of the covariates, of the table and derived, that are used: by cell those that vary, else all.

    Raises
    ------
    InputError
        If none varies.
    """
    derived = settings.features.names
    if settings.mode != BY_CELL:
        return np.arange(rows.x.shape[1] + len(derived))
    x = add_features(rows.x, rows.days, settings.features, rows.days, rows.y)
    kept = drop_constant(x, [""] * x.shape[1])[2]
    if not kept.size:
        raise InputError(
            "No covariate changes with time; add dated covariates to the table, or tick DAY_OF_YEAR."
        )
    return kept


def designed(
    rows: Rows, columns: np.ndarray, seen: np.ndarray, test: np.ndarray, settings: ValidationSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Covariates of the rows that a forest sees and of those that it predicts.

    Neighbours in time, of both, are looked for among the rows that the forest sees alone.

    Parameters
    ----------
    rows : Rows
    columns : int array
        Numbers of the covariates in use, see `used_columns`.
    seen, test : bool, shape (n,)

    Returns
    -------
    float32, shapes (n seen, p) and (n test, p)
    """
    x_seen, x_test = (
        add_features(rows.x[mask], rows.days[mask], settings.features, rows.days, rows.y, ~seen)
        for mask in (seen, test)
    )
    if columns.size == x_seen.shape[1]:
        return x_seen, x_test
    return np.ascontiguousarray(x_seen[:, columns]), np.ascontiguousarray(x_test[:, columns])
