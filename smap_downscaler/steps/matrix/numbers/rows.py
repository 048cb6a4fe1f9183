"""The regression matrix: one row per SMAP cell and date (paper 2.3.1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ....base.errors import InputError, check_least
from ....base.matrix_columns import RESERVED
from ....base.words import text
from ....geo.grid import Grid

#: Bytes a row takes beside its covariates: response, date, row and column.
_BYTES_A_ROW = 8 + 3 * 4
_SAMPLING = 7041


class _Rows:
    y: np.ndarray
    x: np.ndarray

    @property
    def complete(self) -> np.ndarray:
        """Rows without a missing covariate, bool, shape (n,)."""
        return np.isfinite(self.x).all(axis=1) & np.isfinite(self.y)


@dataclass(frozen=True)
class DayRows(_Rows):
    """The rows of one date.

    Attributes
    ----------
    date : datetime.date
    rows, cols : int arrays, shape (n,)
        Cell numbers in the SMAP grid of the run.
    y : float64 array, shape (n,)
        Soil moisture, m3 m-3.
    x : float32 array, shape (n, p)
        Covariates; NaN where missing.
    """

    date: dt.date
    rows: np.ndarray
    cols: np.ndarray
    y: np.ndarray
    x: np.ndarray

    def keep(self, mask: np.ndarray) -> DayRows:
        """The rows of a mask."""
        return DayRows(self.date, self.rows[mask], self.cols[mask], self.y[mask], self.x[mask])


@dataclass(frozen=True)
class CellRows(_Rows):
    """The rows of one cell, by date.

    Attributes
    ----------
    row, col : int
        Cell number in the SMAP grid of the run.
    place : tuple of float, or None
        x and y of its centre, where the table has them.
    days : int64 array, shape (n,)
        Ordinals of the dates, ascending, each once.
    y : float64 array, shape (n,)
        Soil moisture, m3 m-3.
    x : float32 array, shape (n, p)
        Covariates; NaN where missing.
    """

    row: int
    col: int
    place: tuple[float, float] | None
    days: np.ndarray
    y: np.ndarray
    x: np.ndarray

    def keep(self, mask: np.ndarray) -> CellRows:
        """The rows of a mask."""
        return CellRows(self.row, self.col, self.place, self.days[mask], self.y[mask], self.x[mask])


@dataclass(frozen=True)
class PooledRows:
    """Complete rows of all dates, in the order of dates.

    Attributes
    ----------
    days : int32 array, shape (n,)
        Ordinals of the dates.
    rows, cols : int32 arrays, shape (n,)
        Cell numbers; -1 where missing.
    y : float64 array, shape (n,)
        Soil moisture, m3 m-3.
    x : float32 array, shape (n, p)
        Covariates.
    dropped : int
        Rows left out for a missing covariate.
    unused : int
        Complete rows left out by the sample.
    """

    days: np.ndarray
    rows: np.ndarray
    cols: np.ndarray
    y: np.ndarray
    x: np.ndarray
    dropped: int
    unused: int


def cells_and_days(rows: DayRows | CellRows | PooledRows) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of each row's cell, and the ordinal of its date: int64, shapes (n, 2) and (n,)."""
    n = len(rows.y)
    if isinstance(rows, CellRows):
        return np.tile(np.array([rows.row, rows.col], np.int64), (n, 1)), rows.days
    days = np.full(n, rows.date.toordinal()) if isinstance(rows, DayRows) else rows.days
    return np.stack([rows.rows, rows.cols], axis=1).astype(np.int64), days.astype(np.int64)


def day_rows(
    date: dt.date, soil_moisture: np.ndarray, covariates: np.ndarray, first: tuple[int, int] = (0, 0)
) -> DayRows:
    """Rows of the cells that have soil moisture on a date, in row-major order.

    Parameters
    ----------
    date : datetime.date
    soil_moisture : array, shape (rows, columns)
        NaN where missing.
    covariates : float32 array, shape (p, rows, columns)
        NaN where missing.
    first : tuple of int
        Row and column of the arrays' first cell in the grid that cells are numbered in.
    """
    rows, cols = np.nonzero(np.isfinite(soil_moisture))
    x = covariates[:, rows, cols].T.astype(np.float32, copy=True)
    y = soil_moisture[rows, cols].astype(np.float64)
    return DayRows(date, rows + first[0], cols + first[1], y, x)


def cell_centres(grid: Grid, rows: np.ndarray, cols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and y of cell centres, float64, shape of `rows` and `cols`, in the units of the grid's CRS."""
    return grid.x_centres()[cols], grid.y_centres()[rows]


def centres_of_cells(grid: Grid | None, cells: np.ndarray) -> np.ndarray | None:
    """x and y of the centres of cells (rows, columns; int64, shape (n, 2)): float64, shape (n, 2).

    None where the grid is not known, or a cell does not lie in it.
    """
    if grid is None or not ((cells >= 0).all() and (cells < (grid.height, grid.width)).all()):
        return None
    return np.stack(cell_centres(grid, *cells.T), axis=1)


def check_minimum(parameter: str, least: int | None) -> None:
    """Refuse a minimum number of rows, given as `parameter`, that no forest can be grown from."""
    if least is not None:
        check_least(parameter, least, 2)


def why_unusable(y: np.ndarray, dropped: int, least: int, noun: str) -> str:
    """Why the complete rows of a date or cell make no forest, or nothing.

    Parameters
    ----------
    y : shape (n,)
        Soil moisture of the rows that have all covariates.
    dropped, least : int
        Rows that lack one, and how many are needed.
    noun : str
        What a row is called, in the plural.
    """
    if y.size < least:
        without = text(" ({} more lack a covariate)", dropped) if dropped else ""
        return text("{} {}{}, fewer than the {} needed", y.size, noun, without, least)
    return text("all {} {} have the value {:g}", y.size, noun, y[0]) if y.min() == y.max() else ""


def rows_needed(possible: int, wanted: int | None = None) -> int:
    """How many rows a date (or cell) needs: `wanted`, else min(50, half of those possible), at least 20."""
    return wanted if wanted is not None else max(20, min(50, possible // 2))


def unusable_name(names: Sequence[str]) -> str | None:
    """The first name that is empty, reserved or occurs twice, or None; SQL takes A for a."""
    seen: set[str] = set()
    for name in names:
        if not name.strip() or name.lower() in seen or name.lower() in RESERVED:
            return name
        seen.add(name.lower())
    return None


def pooled_bytes(rows: int, covariates: int) -> int:
    """Memory that pooled rows take."""
    return rows * (_BYTES_A_ROW + 4 * covariates)


def sample_rows(n: int, most: int | None, seed: int, day: int) -> np.ndarray:
    """Numbers of at most `most` of `n` rows of a date, ascending, (most,) or (n,); by the seed alone."""
    if most is None or n <= most:
        return np.arange(n)
    generator = np.random.default_rng([_SAMPLING, seed, day])
    return np.sort(generator.choice(n, most, replace=False))


def pool(
    days: Iterable[DayRows], capacity: int, covariates: int, maximum_rows: int | None = None, seed: int = 0
) -> PooledRows:
    """The complete rows of all `days`, at most `maximum_rows` of a date.

    Parameters
    ----------
    days : iterable of DayRows
        Taken one by one.
    capacity : int
        Rows to make room for: no fewer than there are.
    covariates : int
    maximum_rows : int, optional
        Without it all rows.
    seed : int
        Of the sample.

    Raises
    ------
    InputError
        If `maximum_rows` is less than 1.
    """
    if maximum_rows is not None and maximum_rows < 1:
        raise InputError(f"MAXIMUM_ROWS is {maximum_rows}; give 1 or more, or leave it empty.")
    x = np.empty((capacity, covariates), np.float32)
    y = np.empty(capacity, np.float64)
    keys = np.empty((3, capacity), np.int32)
    end = dropped = unused = 0
    for day in days:
        complete = np.nonzero(day.complete)[0]
        ordinal = day.date.toordinal()
        kept = complete[sample_rows(complete.size, maximum_rows, seed, ordinal)]
        dropped += len(day.y) - complete.size
        unused += complete.size - kept.size
        part = slice(end, end + kept.size)
        x[part], y[part] = day.x[kept], day.y[kept]
        keys[0, part], keys[1, part], keys[2, part] = ordinal, day.rows[kept], day.cols[kept]
        end += kept.size
    days_, rows, cols = keys[:, :end]
    return PooledRows(days_, rows, cols, y[:end], x[:end], dropped, unused)
