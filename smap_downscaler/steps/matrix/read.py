"""The regression matrix on disk, read a date or a cell at a time, or as a whole."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby, takewhile
from pathlib import Path
from typing import Any

import numpy as np

from ...base.covariate_names import nearest_names
from ...base.dates import is_within, parse_iso_date
from ...base.errors import InputError
from ...base.matrix_columns import DERIVED, KEY_COLUMNS, MOST_CELLS, RESERVED, RESPONSE, numbers_rows
from ...base.nodata import MISSING_WORDS
from ...base.progress import SILENT, Progress
from ...base.words import counted
from ...geo.grid import Grid, grid_from
from ...geo.lattice import cell_text
from ...series.tags import unobserved_sentence
from ...tables.geopackage import quoted, read_notes, read_only
from .numbers.rows import CellRows, DayRows, PooledRows, pool, pooled_bytes

#: Different dates that are remembered while cells are read.
_MOST_DATES = 65_536
#: What stands for no value in a field of text.
_NO_VALUE = ", ".join(f"'{word}'" for word in sorted(MISSING_WORDS))
_TEXT_TYPES = ("TEXT", "DATE", "DATETIME", "BLOB", "BOOLEAN")


@dataclass(frozen=True)
class RowSelection:
    """Which rows of a table are used.

    Parameters
    ----------
    start, end : date or None
        First and last date.
    minimum_rows : int or None
        Minimum cells per date, or dates per cell; None: min(50, half of all), at least 20.
    maximum_rows, memory_mb : int or None
        Maximum rows per date, and the memory that all may take; for pooled rows.
    """

    start: dt.date | None = None
    end: dt.date | None = None
    minimum_rows: int | None = None
    maximum_rows: int | None = None
    memory_mb: int | None = None

    def includes(self, date: dt.date) -> bool:
        """Whether a date is one of those from `start` to `end`."""
        return is_within(date, self.start, self.end)

    @property
    def period(self) -> str:
        """In words: `from 2020-01-01 to the end`."""
        return f"from {self.start or 'the start'} to {self.end or 'the end'}"


#: The default: all rows.
WHOLE_TABLE = RowSelection()


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
        Names of the columns that are used as covariates, in their order.
    units : dict
        Unit of each covariate, where known.
    texts : frozenset of str
        Fields that hold numbers as text, as those of a CSV file do.
    has_coordinates : bool
        Whether it has the fields x and y.
    grid : Grid or None
        The SMAP grid that `row` and `col` count in, where the table states it.
    rain : dict
        Whether covariates are rain, of those of which it is said.
    missing : dict
        Numbers that stand for no value, by field.
    ranges : dict
        Lowest and highest value of the covariates that were looked through, in the rows that are used.
    """

    path: str
    layer: str
    label: str
    covariates: tuple[str, ...]
    units: dict[str, str]
    texts: frozenset[str] = frozenset()
    has_coordinates: bool = False
    grid: Grid | None = None
    rain: Mapping[str, bool] = field(default_factory=dict)
    missing: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def _column(self, name: str) -> str:
        column = quoted(name)
        if name in self.texts:
            column = f"CASE WHEN LOWER(TRIM({column})) IN ({_NO_VALUE}) THEN NULL ELSE TRIM({column}) END"
        for code in self.missing.get(name, ()):
            # As `base.nodata.equals_code`.
            near = f"ABS(CAST({column} AS REAL) - {code!r}) <= {1.2e-7 * abs(code)!r}"
            column = f"CASE WHEN {near} THEN NULL ELSE {column} END"
        return column

    @property
    def cell_size(self) -> str:
        """The size of the SMAP cells, `9 km`, where the table states their grid; else empty."""
        return cell_text(self.grid) if self.grid is not None else ""

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
                if is_within(date, start, end):
                    yield self._day(date, list(group))

    def cells(
        self, start: dt.date | None = None, end: dt.date | None = None, progress: Progress = SILENT
    ) -> Generator[CellRows, None, None]:
        """The rows of each cell by date, cells by row and col; only one cell is in memory at a time.

        SQLite sorts the table in temporary files of about its size.  Rows without a cell number are
        passed over.

        Raises
        ------
        InputError
            If a date or a number cannot be read, dates are written in several ways, or a cell has
            several rows of a date.
        """
        place = ["x", "y"] if self.has_coordinates else ["NULL", "NULL"]
        numbers = ", ".join(self._column(name) for name in ["row", "col", RESPONSE, *self.covariates])
        order = ", ".join(f"CAST({self._column(name)} AS REAL)" for name in ("row", "col"))
        numbered = f"{self._column('row')} IS NOT NULL AND {self._column('col')} IS NOT NULL"
        query = (
            f"SELECT date, {', '.join(place)}, {numbers} {self._rows_used} AND {numbered} "
            f"ORDER BY {order}, date, rowid"
        )
        parsed = lru_cache(maxsize=_MOST_DATES)(self._date)
        with read_only(self.path, self.label, progress) as connection:
            # A table of years may not fit into memory.
            connection.execute("PRAGMA temp_store = FILE")
            rows = connection.execute(query)
            for (row, col), group in groupby(rows, key=_cell_of):
                if row < 0 or col < 0:
                    continue
                cell = self._cell(row, col, list(group), parsed)
                inside = np.ones(cell.days.size, bool)
                if start is not None:
                    inside &= cell.days >= start.toordinal()
                if end is not None:
                    inside &= cell.days <= end.toordinal()
                if inside.any():
                    yield cell.keep(inside)

    def _cell(
        self, row: int, col: int, rows: list[tuple[Any, ...]], parsed: Callable[[Any], dt.date]
    ) -> CellRows:
        days = np.array([parsed(values[0]).toordinal() for values in rows], np.int64)
        if np.any(np.diff(days) < 0):
            raise InputError(
                f"{self.label}: its field date holds dates in several forms; write all as YYYY-MM-DD."
            )
        try:
            numbers = np.array([values[5:] for values in rows], dtype=np.float64)
        except (TypeError, ValueError):
            raise InputError(
                f"{self.label}: in the cell of row {row} and col {col} a numeric field holds text; make all "
                "fields but date numbers."
            ) from None
        twice = np.nonzero(np.diff(days) == 0)[0]
        if twice.size:
            day = days[twice[0]]
            raise self._repeated(row, col, int((days == day).sum()), dt.date.fromordinal(int(day)))
        return CellRows(
            row, col, _place(rows[0][1:3]), days, numbers[:, 0], numbers[:, 1:].astype(np.float32)
        )

    def pooled(
        self,
        start: dt.date | None = None,
        end: dt.date | None = None,
        maximum_rows: int | None = None,
        seed: int = 0,
        memory_mb: int | None = None,
        progress: Progress = SILENT,
    ) -> PooledRows:
        """The complete rows of all dates at once.

        They take 20 + 4 p bytes a row (p covariates): 2.6 million rows of 20 covariates 260 MB.

        Parameters
        ----------
        start, end : date, optional
        maximum_rows : int, optional
            Rows of a date that are kept at most: a sample by `seed`.
        seed : int
        memory_mb : int, optional
            Memory that they may take.

        Raises
        ------
        InputError
            If they would take more memory, or as `days`.
        """
        counts = [n for date, n in self.count_by_date(progress).items() if is_within(date, start, end)]
        rows = sum(counts) if maximum_rows is None else sum(min(n, max(maximum_rows, 0)) for n in counts)
        needed = pooled_bytes(rows, len(self.covariates)) / 2**20
        if memory_mb is not None and needed > memory_mb:
            raise InputError(
                f"{self.label}: its {rows:,} rows of {len(self.covariates)} covariates would take "
                f"{needed:,.0f} MB, more than the {memory_mb:,} MB of MEMORY; give MAXIMUM_ROWS a smaller "
                "number, or MEMORY a larger one."
            )
        with contextlib.closing(self.days(start, end, progress)) as days:
            return pool(days, rows, len(self.covariates), maximum_rows, seed)

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

    def count_by_date(self, progress: Progress = SILENT) -> dict[dt.date, int]:
        """Rows with soil moisture of each date, ascending."""
        query = f"SELECT date, count(*) {self._rows_used} GROUP BY date ORDER BY date"
        counts: dict[dt.date, int] = {}
        with read_only(self.path, self.label, progress) as connection:
            for text, n in connection.execute(query):
                date = self._date(text)
                counts[date] = counts.get(date, 0) + n
        return dict(sorted(counts.items()))

    def _check_once(self, date: dt.date, cells: np.ndarray) -> None:
        """Rows without a cell number cannot be distinguished, and are taken as they are."""
        numbered, counts = np.unique(cells[(cells >= 0).all(axis=1)], axis=0, return_counts=True)
        if (counts > 1).any():
            row, col = numbered[counts > 1][0]
            raise self._repeated(int(row), int(col), int(counts.max()), date)

    def _repeated(self, row: int, col: int, times: int, date: dt.date) -> InputError:
        return InputError(
            f"{self.label}: the cell of row {row} and col {col} is there {times} times on {date}; "
            "keep one row a cell and date."
        )

    def all_cells(self, progress: Progress = SILENT) -> np.ndarray:
        """Row and column of each different cell that has soil moisture: int64, shape (n, 2); -1 for none."""
        numbers = f"{self._column('row')}, {self._column('col')}"
        with read_only(self.path, self.label, progress) as connection:
            found = connection.execute(f"SELECT {numbers} {self._rows_used} GROUP BY row, col").fetchall()
        return np.array([[cell_number(one) for one in cell] for cell in found], np.int64).reshape(-1, 2)

    def count_cells(self, least: int = 1, progress: Progress = SILENT) -> int:
        """How many different cells the table has, of those with `least` rows or more."""
        query = (
            f"SELECT count(*) FROM (SELECT 1 {self._rows_used} GROUP BY row, col "  # nosec B608
            f"HAVING count(*) >= {int(least)})"
        )
        with read_only(self.path, self.label, progress) as connection:
            return int(connection.execute(query).fetchone()[0])


def open_matrix(
    path: str | Path,
    layer: str = "",
    label: str = "",
    progress: Progress = SILENT,
    covariates: Sequence[str] = (),
) -> MatrixTable:
    """Open a GeoPackage table as a regression matrix; one made from filled soil moisture gives a warning.

    Parameters
    ----------
    path : path
    layer : str
        The table; the first without.
    label : str
        What messages call it.
    progress : Progress
    covariates : sequence of str
        The fields that are covariates; without, those that the table was made with, or all fields but the
        keys and what numbers the rows.

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
    if notes.get("filled"):
        progress.warn(unobserved_sentence(label, "train forests", "forests"))
    units, rain = notes.get("units"), notes.get("rain")
    fields, key = _fields(path, name, label)
    _check_fields({one: kind for one, kind in fields.items() if one != key}, label)
    said = notes.get("covariates")
    made = [str(one) for one in said if str(one) in fields] if isinstance(said, list) else []
    known = {one for one in fields if one.lower() not in RESERVED and one != key}
    if covariates:
        used = _named(covariates, fields, label)
    else:
        numbers = {one for one in known - set(made) if numbers_rows(one)}
        numbers |= _row_numbers(path, name, label, [one for one in _before_keys(fields) if one in known])
        used = tuple(one for one in fields if one in known - numbers)
        passed = [one for one in fields if one in numbers]
        if passed and used:
            progress.log(
                f"{label}: no covariates, since they number or name the rows: {', '.join(passed)} (to use "
                "one, name all covariates in FIELDS)"
            )
    if not used:
        raise InputError(f"{label}: the table has no covariate beside {RESPONSE}; add covariates to it.")
    progress.log(f"{counted(len(used), 'covariate')} of {label}: {', '.join(used)}")
    return MatrixTable(
        path,
        name,
        label,
        used,
        {str(key): str(unit) for key, unit in units.items()} if isinstance(units, dict) else {},
        _numbers_as_text(path, name, label, fields, ("row", "col", RESPONSE, *used), progress),
        {"x", "y"} <= set(fields),
        grid_from(notes.get("grid")),
        {str(key): bool(said) for key, said in rain.items()} if isinstance(rain, dict) else {},
    )


def cell_number(value: Any) -> int:
    """A row or column of the grid; -1 for what is none."""
    try:
        number = int(float(value))
    except (TypeError, ValueError, OverflowError):
        return -1
    return number if 0 <= number < MOST_CELLS else -1


def _cell_of(values: Sequence[Any]) -> tuple[int, int]:
    """Row and column in a row of what `MatrixTable.cells` asks for."""
    return cell_number(values[3]), cell_number(values[4])


def _place(values: Sequence[Any]) -> tuple[float, float] | None:
    """x and y of a cell, if both are numbers."""
    try:
        x, y = (float(value) for value in values)
    except (TypeError, ValueError):
        return None
    return (x, y) if math.isfinite(x) and math.isfinite(y) else None


def _check_fields(fields: Mapping[str, str], label: str) -> None:
    missing = [field for field in ("date", "row", "col", RESPONSE) if field not in fields]
    if missing:
        raise InputError(
            f"{label}: the table has no field {', '.join(missing)} (it has {', '.join(fields)}); "
            "make it with 'Regression matrix'."
        )
    derived = [field for field in fields if field.lower() in DERIVED]
    if derived:
        raise InputError(
            f"{label}: the field {derived[0]} has the name of a covariate that 'Train forests' makes itself; "
            "rename or remove it."
        )


def _named(covariates: Sequence[str], fields: Mapping[str, str], label: str) -> tuple[str, ...]:
    """The fields of some names, in the order of the table."""
    folded = {name.lower(): name for name in fields}
    for name in covariates:
        if name.lower() in {*KEY_COLUMNS, RESPONSE}:
            raise InputError(f"FIELDS: {name} is no covariate but a key of the table; leave it out.")
        if name.lower() not in folded:
            near = nearest_names(name, [one for one in fields if one.lower() not in RESERVED])
            raise InputError(f"FIELDS: {label} has no field {name} (it has {near}); correct the name.")
    wanted = {name.lower() for name in covariates}
    return tuple(name for name in fields if name.lower() in wanted)


def _before_keys(fields: Iterable[str]) -> Iterator[str]:
    """The fields before the first that the matrix is known by: where programs put names of rows."""
    return takewhile(lambda name: name.lower() not in {*KEY_COLUMNS, RESPONSE}, fields)


def _row_numbers(path: str, layer: str, label: str, fields: Sequence[str]) -> set[str]:
    """The fields that go up by one from each row to the next."""
    table = quoted(layer)
    found = set()
    with read_only(path, label) as connection:
        first = connection.execute(f"SELECT * FROM {table} ORDER BY rowid LIMIT 3")  # nosec B608
        names = [column[0] for column in first.description]
        rows = [dict(zip(names, row)) for row in first]
        if len(rows) < 3:
            return set()
        for name in fields:
            numbers = [_number(row[name]) for row in rows]
            if not numbers[2] - numbers[1] == numbers[1] - numbers[0] == 1:
                continue
            # Rows may have been taken away: a number and its row go on together, but need not by one.
            away = f"CAST({quoted(name)} AS REAL) - rowid"
            query = f"SELECT min({away}), max({away}), count({quoted(name)}), count(*) FROM {table}"  # nosec B608
            low, high, given, of = connection.execute(query).fetchone()
            if low == high and given == of:
                found.add(name)
    return found


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _fields(path: str, layer: str, label: str) -> tuple[dict[str, str], str]:
    """Kind of each field by its name, and the name of the one that is the table's key; it may be empty."""
    with read_only(path, label) as connection:
        rows = connection.execute(f"PRAGMA table_info({quoted(layer)})").fetchall()
    return {row[1]: row[2] for row in rows}, next((row[1] for row in rows if row[5]), "")


def _numbers_as_text(
    path: str, layer: str, label: str, fields: Mapping[str, str], used: Sequence[str], progress: Progress
) -> frozenset[str]:
    """The fields of `used` that are text and hold numbers; words in one are refused."""
    texts = [name for name in used if fields[name].upper().startswith(_TEXT_TYPES)]
    for name in texts:
        word = _first_word(path, layer, label, name, progress)
        if word is not None:
            needed = name in ("row", "col", RESPONSE)
            way = "turn" if needed else "name the covariates without it in FIELDS, or turn"
            raise InputError(
                f"{label}: the field {name} is not a number (it holds '{word}'); {way} it into numbers."
            )
    return frozenset(texts)


def _first_word(path: str, layer: str, label: str, field: str, progress: Progress) -> str | None:
    """The first value of a text field that is no number, or None."""
    column = quoted(field)
    query = (
        f"SELECT DISTINCT TRIM({column}) FROM {quoted(layer)} "  # nosec B608
        f"WHERE LOWER(TRIM({column})) NOT IN ({_NO_VALUE})"
    )
    with read_only(path, label, progress) as connection:
        for (value,) in connection.execute(query):
            try:
                float(value)
            except ValueError:
                return str(value)
    return None
