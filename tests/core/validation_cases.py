"""Small cases of cross-validation, and what a listener must bear."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from smap_downscaler.core.forest.settings import ForestSettings
from smap_downscaler.core.validation.grid import candidates
from smap_downscaler.core.validation.pieces import Piece, Rows
from smap_downscaler.core.validation.settings import ValidationSettings

DAY = dt.date(2020, 2, 28)
CELL = 9008.055210146
FOREST = ForestSettings(8, 2, None, 4, 1, None, 7)


def rows_of_date(x: np.ndarray, y: np.ndarray, place: tuple[np.ndarray, np.ndarray] | None = None) -> Rows:
    """Rows of one date, a cell each."""
    n = len(x)
    where = None if place is None else np.stack(place, axis=1)
    cells = np.stack([np.zeros(n, np.int64), np.arange(n)], axis=1)
    return Rows(x, y, cells, np.full(n, DAY.toordinal()), where)


def case(side: int = 12, seed: int = 0, p: int = 4) -> Rows:
    """Covariates, soil moisture and places of side x side cells of 9 km."""
    rng = np.random.default_rng(seed)
    row, col = (values.ravel() for values in np.mgrid[0:side, 0:side])
    x = rng.normal(size=(side * side, p)).astype(np.float32)
    y = 0.25 + 0.05 * np.tanh(x[:, 0]) + 0.03 * x[:, 1] + 0.02 * rng.normal(size=side * side)
    return rows_of_date(x, y, (col * CELL - 8e6, 1.5e6 - row * CELL))


def settings(
    grid: dict[str, str] | None = None, forest: ForestSettings = FOREST, **changes: Any
) -> ValidationSettings:
    """Five folds, one repeat, blocks of 36 km."""
    fields: dict[str, Any] = {"folds": 5, "repeats": 1, "block_km": 36.0, "inner_folds": 3, "seed": 11}
    return ValidationSettings(candidates=candidates(forest, **(grid or {})), **{**fields, **changes})


def piece(scheme: str = "random", repeat: int = 1) -> Piece:
    return Piece(DAY, scheme, repeat)
