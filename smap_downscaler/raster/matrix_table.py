"""The regression matrix on disk, written and read a date at a time."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from ..core.dates import parse_iso_date
from ..core.errors import InputError
from ..core.grid import Grid
from ..core.matrix import RESERVED, RESPONSE, DayRows, cell_centres
from ..core.progress import SILENT, Progress
from .geopackage import DATE, INTEGER, REAL, TableWriter, create_table, quoted, read_notes, read_only

TABLE = "regression_matrix"
_TEXT_TYPES = ("TEXT", "DATE", "DATETIME", "BLOB", "BOOLEAN")


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

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {"date": DATE, "row": INTEGER, "col": INTEGER, "x": REAL, "y": REAL, RESPONSE: REAL}
    fields.update(dict.fromkeys(covariates, REAL))
    notes = {"units": dict(units), "grid": dataclasses.asdict(grid)}
    with create_table(path, TABLE, fields, notes, "date", progress) as table:
        yield MatrixWriter(table, grid)


@dataclass(frozen=True)
class MatrixTable:
    """A regression matrix on disk: what trains forests.

    Attributes
    ----------
    path, layer : str
        GeoPackage and table name.
    label : str
        What messages call it.
    covariates : tuple of str
        Names of the numeric columns that are neither key nor response.
    units : dict
        Unit of each covariate, where known.
    texts : frozenset of str
        Fields that hold numbers as text, as those of a CSV file do.
    """

    path: str
    layer: str
    label: str
    covariates: tuple[str, ...]
    units: dict[str, str]
    texts: frozenset[str] = frozenset()

    def _column(self, name: str) -> str:
        return f"NULLIF(TRIM({quoted(name)}), '')" if name in self.texts else quoted(name)

    @property
    def _rows_used(self) -> str:
        return f"FROM {quoted(self.layer)} WHERE date IS NOT NULL AND {self._column(RESPONSE)} IS NOT NULL"

    def days(
        self, start: dt.date | None = None, end: dt.date | None = None, progress: Progress = SILENT
    ) -> Generator[DayRows, None, None]:
        """The rows of each date, ascending; only one date is in memory at a time.

        Raises
        ------
        InputError
            If a date or a number cannot be read, or dates are written in several ways.
        """
        listed = ", ".join(self._column(name) for name in ["row", "col", RESPONSE, *self.covariates])
        query = f"SELECT date, {listed} {self._rows_used} ORDER BY date, rowid"
        parsed = lru_cache(maxsize=8)(self._date)
        before = dt.date.min
        with read_only(self.path, self.label, progress) as connection:
            for date, group in groupby(connection.execute(query), key=lambda row: parsed(row[0])):
                if date < before:
                    raise InputError(
                        f"{self.label}: its field date holds dates in several forms; write all as YYYY-MM-DD."
                    )
                before = date
                if (start is None or date >= start) and (end is None or date <= end):
                    yield self._day(date, list(group))

    def _date(self, text: Any) -> dt.date:
        date = parse_iso_date(str(text))
        if date is None:
            raise InputError(
                f"{self.label}: its field date holds '{text}', which is no date; write dates as YYYY-MM-DD."
            )
        return date

    def _day(self, date: dt.date, rows: list[tuple[Any, ...]]) -> DayRows:
        try:
            numbers = np.array([row[1:] for row in rows], dtype=np.float64)
        except (TypeError, ValueError):
            raise InputError(
                f"{self.label}: on {date} a numeric field holds text; make all fields but date numbers."
            ) from None
        cells = np.nan_to_num(numbers[:, :2], nan=-1).astype(np.int64)
        self._check_once(date, cells)
        return DayRows(date, cells[:, 0], cells[:, 1], numbers[:, 2], numbers[:, 3:].astype(np.float32))

    def count_by_date(self) -> dict[dt.date, int]:
        """Rows with soil moisture of each date, ascending."""
        query = f"SELECT date, count(*) {self._rows_used} GROUP BY date ORDER BY date"
        counts: dict[dt.date, int] = {}
        with read_only(self.path, self.label) as connection:
            for text, n in connection.execute(query):
                date = self._date(text)
                counts[date] = counts.get(date, 0) + n
        return dict(sorted(counts.items()))

    def _check_once(self, date: dt.date, cells: np.ndarray) -> None:
        """Rows without a cell number cannot be told apart, and are taken as they are."""
        numbered, counts = np.unique(cells[(cells >= 0).all(axis=1)], axis=0, return_counts=True)
        if (counts > 1).any():
            row, col = numbered[counts > 1][0]
            raise InputError(
                f"{self.label}: the cell of row {row} and col {col} is there {counts.max()} times on {date}; "
                "keep one row a cell and date."
            )

    def count_cells(self) -> int:
        """How many different cells the table has."""
        query = f"SELECT count(*) FROM (SELECT DISTINCT row, col {self._rows_used})"  # nosec B608
        with read_only(self.path, self.label) as connection:
            return int(connection.execute(query).fetchone()[0])


def open_matrix(path: str | Path, layer: str = "", label: str = "") -> MatrixTable:
    """Open a GeoPackage table as a regression matrix.

    Raises
    ------
    InputError
        If it is no such table: a needed field is missing, a field holds words, or there is no covariate.
    """
    path = str(path)
    label = label or path
    found = read_notes(path, layer)
    if found is None:
        raise InputError(f"{label}: it is no table in a GeoPackage; make it with 'Regression matrix'.")
    name, notes = found
    units = notes.get("units")
    fields = _fields(path, name, label)
    covariates = _covariates(fields, label)
    return MatrixTable(
        path,
        name,
        label,
        covariates,
        {str(key): str(unit) for key, unit in units.items()} if isinstance(units, dict) else {},
        _numbers_as_text(path, name, label, fields, ("row", "col", RESPONSE, *covariates)),
    )


def _covariates(fields: Mapping[str, str], label: str) -> tuple[str, ...]:
    missing = [field for field in ("date", "row", "col", RESPONSE) if field not in fields]
    if missing:
        raise InputError(
            f"{label}: the table has no field {', '.join(missing)} (it has {', '.join(fields)}); "
            "make it with 'Regression matrix'."
        )
    covariates = tuple(field for field in fields if field.lower() not in RESERVED)
    if not covariates:
        raise InputError(f"{label}: the table has no covariate beside {RESPONSE}; add covariates to it.")
    return covariates


def _fields(path: str, layer: str, label: str) -> dict[str, str]:
    with read_only(path, label) as connection:
        rows = connection.execute(f"PRAGMA table_info({quoted(layer)})").fetchall()
    return {row[1]: row[2] for row in rows}


def _numbers_as_text(
    path: str, layer: str, label: str, fields: Mapping[str, str], used: Sequence[str]
) -> frozenset[str]:
    """The fields of `used` that are text and hold numbers; words in one are refused."""
    texts = [field for field in used if fields[field].upper().startswith(_TEXT_TYPES)]
    for field in texts:
        word = _first_word(path, layer, label, field)
        if word is not None:
            raise InputError(
                f"{label}: the field {field} is not a number (it holds '{word}'); "
                "remove it or turn it into numbers."
            )
    return frozenset(texts)


def _first_word(path: str, layer: str, label: str, field: str) -> str | None:
    """The first value of a text field that is no number, or None."""
    column = quoted(field)
    query = f"SELECT DISTINCT TRIM({column}) FROM {quoted(layer)} WHERE TRIM({column}) != ''"  # nosec B608
    with read_only(path, label) as connection:
        for (value,) in connection.execute(query):
            try:
                float(value)
            except ValueError:
                return str(value)
    return None
