"""The regression matrix on disk, written a date at a time."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ...base.matrix_columns import RESPONSE
from ...base.progress import SILENT, Progress
from ...geo.grid import Grid
from ...tables.geopackage import DATE, INTEGER, REAL, TableWriter, create_table
from .numbers.rows import DayRows, cell_centres

TABLE = "regression_matrix"


class MatrixWriter:
    """Takes the rows of one date after another; see `create_matrix`."""

    def __init__(self, table: TableWriter, grid: Grid):
        self._table, self._grid = table, grid

    @property
    def count(self) -> int:
        """Rows written."""
        return self._table.count

    def write(self, day: DayRows) -> None:
        """Append the rows of a date; missing covariates become NULL."""
        x, y = cell_centres(self._grid, day.rows, day.cols)
        columns = [
            [day.date.isoformat()] * len(day.y),
            day.rows.tolist(),
            day.cols.tolist(),
            x.tolist(),
            y.tolist(),
            day.y.tolist(),
            *(column.tolist() for column in day.x.T.astype(np.float64)),
        ]
        self._table.write(zip(*columns))


@contextlib.contextmanager
def create_matrix(
    path: str | Path,
    grid: Grid,
    covariates: Sequence[str],
    units: Mapping[str, str],
    progress: Progress = SILENT,
    filled: bool = False,
    rain: Mapping[str, bool] | None = None,
) -> Iterator[MatrixWriter]:
    """A regression matrix that appears under `path` only when it is whole.

    Parameters
    ----------
    path : path
    grid : Grid
        The SMAP grid that `row` and `col` count in.
    covariates : sequence of str
        Column names, in order.
    units : mapping
        Unit of each covariate, where known.
    progress : Progress
    filled : bool
        Whether some of the soil moisture comes from 'Fill gaps', which those who read the table must know.
    rain : mapping, optional
        Whether covariates are rain, of those of which it is said.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {"date": DATE, "row": INTEGER, "col": INTEGER, "x": REAL, "y": REAL, RESPONSE: REAL}
    fields.update(dict.fromkeys(covariates, REAL))
    notes: dict[str, object] = {
        "covariates": list(covariates),
        "units": dict(units),
        "grid": dataclasses.asdict(grid),
    }
    if filled:
        notes["filled"] = True
    if rain:
        notes["rain"] = dict(rain)
    with create_table(path, TABLE, fields, notes, "date", progress) as table:
        yield MatrixWriter(table, grid)
