"""Rows of many dates put together into one array, as one forest of all dates needs them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ....base.errors import InputError
from .rows import DayRows, PooledRows

#: Bytes a row takes beside its covariates: response, date, row and column.
_BYTES_A_ROW = 8 + 3 * 4
_SAMPLING = 7041


def pooled_bytes(rows: int, covariates: int) -> int:
    """Memory that pooled rows take."""
    return rows * (_BYTES_A_ROW + 4 * covariates)


def sample_rows(n: int, most: int | None, seed: int, day: int) -> np.ndarray:
    """At most `most` of `n` rows of a date, ascending; depends on the numbers given only."""
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
