"""The rows of a cross-validation, read from a regression matrix: of dates, of cells, or all at once."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace

import numpy as np

from ...base.errors import InputError
from ...base.matrix_columns import MOST_CELLS
from ...base.progress import SILENT, Progress
from ...base.words import counted
from ...methods.base import Cells
from ...methods.keys import BY_CELL, BY_DATE, POOLED, CellKey, Key, PooledKey, key_label
from ...tables.geopackage import quoted, read_only
from ..matrix.numbers.rows import centres_of_cells, rows_needed, why_unusable
from ..matrix.read import MatrixTable, RowSelection, cell_number
from .journal import settings_key
from .numbers.folds import cell_spacing, check_coordinates
from .numbers.results import ValidationRun
from .numbers.settings import ValidationSettings

#: Longest run of days that is held out, unless the analyst says otherwise.
_LONGEST_PERIOD = 30
#: Cells along the side of a block, at least: with fewer, a block is hardly more than a cell.
_LEAST_CELLS = 1.5


class RowReader:
    """Reads the rows of a table, date by date, cell by cell or all at once, as the mode is.

    By date, only one date is in memory at a time.  Cells and pooled rows need the whole table: 4 bytes a
    covariate and 32 beside them, a row (2.6 million rows of 20 covariates: 290 MB).

    Raises `InputError` if the coordinates of cells are needed and cannot be had.

    Attributes
    ----------
    table : MatrixTable
    settings : ValidationSettings
    selection : RowSelection
        Which rows.
    about : str
        Hash of the settings.
    """

    def __init__(
        self,
        table: MatrixTable,
        settings: ValidationSettings,
        selection: RowSelection,
        progress: Progress = SILENT,
    ):
        self.table, self.settings, self.selection = table, settings, selection
        self.about = settings_key(table.covariates, settings)
        self._coordinates: Mapping[tuple[int, int], tuple[float, float]] = {}
        if settings.needs_coordinates:
            self._coordinates = cell_coordinates(table, progress)
        elif settings.mode == POOLED and table.has_coordinates:
            # Welcome for the map of the folds, and no more.
            with contextlib.suppress(InputError):
                self._coordinates = cell_coordinates(table, progress)
        self._held: list[tuple[Key, Cells]] | None = None
        #: Pooled rows that the table left out itself for a missing covariate.
        self._left_out = 0

    def with_engine(self, engine: str) -> RowReader:
        """The same rows, for forests of another program; keeps what was read."""
        other = copy.copy(self)
        other.settings = replace(self.settings, engine=engine)
        other.about = settings_key(self.table.covariates, other.settings)
        return other

    def counts(self, progress: Progress = SILENT) -> dict[Key, int]:
        """Rows with soil moisture of each date or cell, or of all, before covariates are looked at."""
        if self.settings.mode == BY_DATE:
            by_date = self.table.count_by_date(progress)
            return {date: n for date, n in by_date.items() if self.selection.includes(date)}
        return {key: rows.y.size for key, rows in self._whole(progress)}

    def least(self, counts: Mapping[Key, int], progress: Progress = SILENT) -> int:
        """The least rows of a date, of a cell, or of all.

        Raises
        ------
        InputError
            If none has them.
        """
        table, period, folds = self.table, self.selection.period, self.settings.folds
        words, most = self.settings.words, max(counts.values(), default=0)
        if self.settings.mode == POOLED:
            if most < folds:
                raise InputError(
                    f"{table.label}: {most} rows {period} are too few for {folds} folds; validate more "
                    "dates, or give FOLDS a smaller number."
                )
            return folds
        if self.settings.mode == BY_DATE:
            whole, which = table.count_cells(progress=progress), f"no date {period}"
        else:
            whole = sum(self.selection.includes(date) for date in table.count_by_date(progress))
            which = f"no cell, {period},"
        least = rows_needed(whole, self.selection.minimum_rows)
        if most < least:
            raise InputError(
                f"{table.label}: {which} has the {least} {words.rows} that a forest needs (the best has "
                f"{most}); {words.advice}, or lower {words.minimum}."
            )
        if most < folds:
            raise InputError(
                f"{table.label}: {which} has {folds} {words.rows}, one for each fold (the best has {most}); "
                "give FOLDS a smaller number."
            )
        return least

    def usable(
        self, least: int, run: ValidationRun, progress: Progress, quiet: bool = False
    ) -> Generator[tuple[Key, Cells], None, None]:
        """The dates or cells that can be worked on, ascending, or all rows.

        `run` learns what became of the others, and unless `quiet` the log.
        """
        total, noun = 0, self.settings.words.rows
        say = (lambda text: None) if quiet else progress.log
        with contextlib.closing(self._parts(progress)) as parts:
            for key, rows in parts:
                kept = rows.take(np.isfinite(rows.x).all(axis=1) & np.isfinite(rows.y))
                dropped = rows.y.size - kept.y.size + self._left_out
                run.dropped[key] = dropped
                reason = why_unusable(kept.y, dropped, least, noun)
                if reason:
                    run.skipped[key] = reason
                    say(f"{key_label(key)}: left out, {reason}")
                    continue
                if dropped and self.settings.mode != BY_CELL:
                    say(f"{key_label(key)}: {counted(dropped, noun[:-1])} without all covariates left out")
                total += dropped
                yield key, kept
        if total and self.settings.mode == BY_CELL:
            say(f"{counted(total, 'row')} without all covariates left out")

    def _parts(self, progress: Progress) -> Generator[tuple[Key, Cells], None, None]:
        if self.settings.mode != BY_DATE:
            yield from self._whole(progress)
            return
        with contextlib.closing(self.table.days(self.selection.start, self.selection.end, progress)) as days:
            for day in days:
                cells = np.stack([day.rows, day.cols], axis=1).astype(np.int64)
                numbers = np.full(day.y.size, day.date.toordinal(), np.int64)
                yield day.date, self._rows(day.x, day.y, cells, numbers, self._place(cells))

    def _rows(
        self,
        x: np.ndarray,
        y: np.ndarray,
        cells: np.ndarray,
        days: np.ndarray,
        place: np.ndarray | None = None,
    ) -> Cells:
        if place is None and self.settings.method.uses_coordinates:
            place = centres_of_cells(self.table.grid, cells)
        return Cells(x, y, cells, days, place, self.table.covariates, self.table.grid, self.settings.fine)

    def _place(self, cells: np.ndarray) -> np.ndarray | None:
        if not (self._coordinates or self.settings.needs_coordinates):
            return None
        self._check_numbered(cells)
        # A cell is looked up once, not on each of its dates: there are millions of rows.
        _, first, of_row = np.unique(cells @ [MOST_CELLS, 1], return_index=True, return_inverse=True)
        found = [self._coordinates[row, col] for row, col in cells[first].tolist()]
        return np.array(found, np.float64).reshape(-1, 2)[of_row]

    def _check_numbered(self, cells: np.ndarray) -> None:
        without = int((cells < 0).any(axis=1).sum())
        if without:
            rows = counted(without, "row has", "rows have")
            raise InputError(
                f"{self.table.label}: {rows} no row or col of a cell, which folds of blocks and "
                "locations need; fill them in, or remove the rows."
            )

    def _whole(self, progress: Progress) -> list[tuple[Key, Cells]]:
        """All rows, of the cells or pooled; read once."""
        if self._held is None:
            by_cell = self.settings.mode == BY_CELL
            self._held = list(self._cells(progress)) if by_cell else [self._pooled(progress)]
        return self._held

    def _cells(self, progress: Progress) -> Iterator[tuple[Key, Cells]]:
        progress.set_text("Sorting the table by cell")
        found = self.table.cells(self.selection.start, self.selection.end, progress)
        with contextlib.closing(found) as cells:
            for cell in cells:
                numbers = np.tile(np.array([cell.row, cell.col], np.int64), (cell.y.size, 1))
                yield CellKey(cell.row, cell.col), self._rows(cell.x, cell.y, numbers, cell.days)

    def _pooled(self, progress: Progress) -> tuple[Key, Cells]:
        progress.set_text("Reading all dates")
        chosen, seed = self.selection, self.settings.seed
        found = self.table.pooled(
            chosen.start, chosen.end, chosen.maximum_rows, seed, chosen.memory_mb, progress
        )
        self._left_out = found.dropped
        cells = np.stack([found.rows, found.cols], axis=1).astype(np.int64)
        self._check_numbered(cells)
        days = found.days.astype(np.int64)
        return PooledKey(), self._rows(found.x, found.y, cells, days, self._place(cells))


def cell_coordinates(
    table: MatrixTable, progress: Progress = SILENT
) -> dict[tuple[int, int], tuple[float, float]]:
    """x and y of the centre of each cell (row, col) of a table, metres.

    Raises
    ------
    InputError
        If the table has no x and y, they are no metres, or a cell has several.
    """
    with read_only(table.path, table.label, progress) as connection:
        fields = {row[1] for row in connection.execute(f"PRAGMA table_info({quoted(table.layer)})")}
        missing = [name for name in ("x", "y") if name not in fields]
        if missing:
            raise InputError(
                f"{table.label}: the table has no field {' and '.join(missing)}, which spatial blocks need; "
                "make it with 'Regression matrix', or give BLOCKS 0."
            )
        query = f"SELECT DISTINCT row, col, x, y FROM {quoted(table.layer)}"  # nosec B608
        found = connection.execute(query).fetchall()
    coordinates: dict[tuple[int, int], tuple[float, float]] = {}
    for row, col, x, y in found:
        cell = cell_number(row), cell_number(col)
        # Whether a row without a cell is of use is seen where rows are read.
        if min(cell) < 0:
            continue
        own = _number(x, "x", table), _number(y, "y", table)
        if coordinates.setdefault(cell, own) != own:
            raise InputError(
                f"{table.label}: the cell of row {cell[0]} and col {cell[1]} has several x or y; each cell "
                "needs one place, or give BLOCKS 0."
            )
    if coordinates:
        x, y = np.array(list(coordinates.values())).T
        check_coordinates(x, y, table.label)
    return coordinates


def _number(value: object, name: str, table: MatrixTable) -> float:
    text = "" if value is None else str(value).strip()
    try:
        return float(text) if text else float("nan")
    except ValueError:
        raise InputError(
            f"{table.label}: its field {name} holds '{text}', which is no number; correct it, or give "
            "BLOCKS 0."
        ) from None


def with_blocks(
    settings: ValidationSettings, table: MatrixTable, given: bool, progress: Progress = SILENT
) -> tuple[ValidationSettings, list[str]]:
    """The settings with a default side of blocks where none is given, and what may be wrong with the side.

    The default is 72 km, or twice the spacing of the cells where that is more.

    Raises
    ------
    InputError
        As `cell_coordinates`.
    """
    if not settings.needs_coordinates:
        return settings, []
    places = np.array(list(cell_coordinates(table, progress).values()), np.float64).reshape(-1, 2)
    spacing = cell_spacing(*places.T) / 1000
    if not given:
        side = max(settings.block_km, math.ceil(20 * spacing) / 10)
        if side > settings.block_km:
            progress.log(f"BLOCKS is empty: blocks have sides of {side:g} km, two cells of {spacing:.3g} km.")
        return replace(settings, block_km=side), []
    if settings.block_km >= _LEAST_CELLS * spacing:
        return settings, []
    return settings, [
        f"BLOCKS is {settings.block_km:g} km, and the cells of {table.label} lie {spacing:.3g} km apart: a "
        "block holds about one cell, so that its score is not stricter than that of random folds; give "
        f"BLOCKS {math.ceil(2 * spacing)} or more, or leave it empty."
    ]


def with_period(
    settings: ValidationSettings, table: MatrixTable, selection: RowSelection, progress: Progress = SILENT
) -> ValidationSettings:
    """The settings with a default length of held-out runs: a fold's share of the dates, 30 days at most."""
    if settings.mode == BY_DATE:
        return settings
    dates = [date for date in table.count_by_date(progress) if selection.includes(date)]
    span = (dates[-1] - dates[0]).days + 1 if dates else 0
    period = max(1, min(_LONGEST_PERIOD, span // settings.folds))
    progress.log(f"PERIOD is empty: runs of {period} of the {span} days are held out together.")
    return replace(settings, period=period)
