"""Small cases of cross-validation, and what a listener must bear."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from smap_downscaler.base.progress import SILENT, Progress
from smap_downscaler.methods.base import Cells
from smap_downscaler.methods.forest.hyper_grid import candidates
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.steps.crossvalidation.numbers.crossvalidate import assemble, plan_piece, run_fold
from smap_downscaler.steps.crossvalidation.numbers.pieces import Piece, PieceResult
from smap_downscaler.steps.crossvalidation.numbers.settings import ValidationSettings

DAY = dt.date(2020, 2, 28)
#: Ordinal of the first day of series.
FIRST = 737_400
CELL = 9008.055210146
FOREST = ForestSettings(8, 2, None, 4, 1, None, 7)


def rows_of_date(x: np.ndarray, y: np.ndarray, place: tuple[np.ndarray, np.ndarray] | None = None) -> Cells:
    """Rows of one date, a cell each."""
    n = len(x)
    where = None if place is None else np.stack(place, axis=1)
    cells = np.stack([np.zeros(n, np.int64), np.arange(n)], axis=1)
    return Cells(x, y, cells, np.full(n, DAY.toordinal()), where)


def case(side: int = 12, seed: int = 0, p: int = 4) -> Cells:
    """Covariates, soil moisture and coordinates of side x side cells of 9 km."""
    rng = np.random.default_rng(seed)
    row, col = (values.ravel() for values in np.mgrid[0:side, 0:side])
    x = rng.normal(size=(side * side, p)).astype(np.float32)
    y = 0.25 + 0.05 * np.tanh(x[:, 0]) + 0.03 * x[:, 1] + 0.02 * rng.normal(size=side * side)
    return rows_of_date(x, y, (col * CELL - 8e6, 1.5e6 - row * CELL))


def one_cell(n: int = 120, seed: int = 0) -> Cells:
    """The series of cell (7, 9) with gaps: rain and a constant as covariates."""
    rng = np.random.default_rng(seed)
    days = FIRST + np.sort(rng.choice(2 * n, n, replace=False))
    rain = rng.gamma(0.5, 4, n)
    y = 0.2 + 0.05 * np.sin(days / 20) + 0.004 * rain + 0.01 * rng.normal(size=n)
    x = np.stack([rain, np.full(n, 31.0)], axis=1).astype(np.float32)
    return Cells(x, y, np.tile([7, 9], (n, 1)), days)


def pooled_rows(cells: int = 30, dates: int = 40, seed: int = 0, gaps: float = 0.1) -> Cells:
    """Cells of a square on each date: a static covariate and rain."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(cells)))
    cell, date = (values.ravel() for values in np.mgrid[0:cells, 0:dates])
    clay, rain = rng.normal(size=cells)[cell], rng.normal(size=(cells, dates)).ravel()
    y = 0.25 + 0.04 * clay + 0.03 * rain + 0.01 * rng.normal(size=cell.size)
    x = np.stack([clay, rain], axis=1).astype(np.float32)
    numbers = np.stack([cell // side, cell % side], axis=1)
    place = np.stack([cell % side * 9000.0, cell // side * -9000.0], axis=1)
    rows = Cells(x, y, numbers, FIRST + date, place)
    return rows.take(rng.uniform(size=cell.size) >= gaps)


def settings(
    grid: dict[str, str] | None = None, forest: ForestSettings = FOREST, **changes: Any
) -> ValidationSettings:
    """Five folds, one repeat, blocks of 36 km."""
    fields: dict[str, Any] = {"folds": 5, "repeats": 1, "block_km": 36.0, "inner_folds": 3, "seed": 11}
    return ValidationSettings(candidates=candidates(forest, **(grid or {})), **{**fields, **changes})


def piece(scheme: str = "random", repeat: int = 1) -> Piece:
    return Piece(DAY, scheme, repeat)


def cross_validate(
    rows: Cells, piece: Piece, settings: ValidationSettings, progress: Progress = SILENT
) -> PieceResult:
    """All folds of one piece, one after the other."""
    job = plan_piece(rows, piece, settings)
    return assemble(job, [run_fold(job, fold, progress) for fold in range(job.folds.number)])
