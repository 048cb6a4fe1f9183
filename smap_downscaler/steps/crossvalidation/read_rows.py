"""The units of a cross-validation, read from a regression matrix: dates, cells, or all rows at once."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ...base.errors import InputError
from ...base.matrix_columns import MOST_CELLS
from ...base.progress import SILENT, Progress
from ...base.words import counted
from ...methods.base import Cells
from ...methods.keys import BY_CELL, BY_DATE, CellKey, Key, PooledKey, key_label
from ..matrix.numbers.rows import DayRows, least_cells, places_of, why_unusable
from ..matrix.read import MatrixTable
from ..matrix.row_selection import Scope
from .journal import rows_key
from .numbers.results import ValidationRun
from .numbers.schemes import ROW_NOUNS
from .numbers.settings import ValidationSettings

#: Longest run of days that is held out, unless the analyst says otherwise.
_LONGEST_PERIOD = 30


@dataclass(frozen=True, eq=False)
class UnitRows:
    """A unit that can be worked on; `number` counts from 1, `key` is a hash of all that results depend on."""

    unit: Key
    rows: Cells
    key: str
    number: int


class UnitReader:
    """Reads the units of a table.

    By date, only one date is in memory at a time.  Cells and pooled rows need the whole table: 4 bytes a
    covariate and 32 beside them, a row (2.6 million rows of 20 covariates: 290 MB).

    Parameters
    ----------
    table : MatrixTable
    settings : ValidationSettings
    scope : Scope
    places : mapping
        x and y of each cell (row, col), metres; empty where they are not needed.
    about : str
        Hash of the settings.
    """

    def __init__(
        self,
        table: MatrixTable,
        settings: ValidationSettings,
        scope: Scope,
        places: Mapping[tuple[int, int], tuple[float, float]],
        about: str,
    ):
        self.table, self.settings, self.scope, self.about = table, settings, scope, about
        self._places = places
        self._held: list[tuple[Key, Cells]] | None = None
        #: Pooled rows that the table left out itself for a missing covariate.
        self._left_out = 0

    def under(self, settings: ValidationSettings, about: str) -> UnitReader:
        """The same units for other settings that do not change them; keeps what was read."""
        other = copy.copy(self)
        other.settings, other.about = settings, about
        return other

    def counts(self, progress: Progress = SILENT) -> dict[Key, int]:
        """Rows of each unit with soil moisture, before covariates are looked at."""
        if self.settings.mode == BY_DATE:
            by_date = self.table.count_by_date(progress)
            return {date: n for date, n in by_date.items() if self.scope.holds(date)}
        return {unit: rows.y.size for unit, rows in self._whole(progress)}

    def least(self, counts: Mapping[Key, int], progress: Progress = SILENT) -> int:
        """The least rows of a unit.

        Raises
        ------
        InputError
            If no unit has them.
        """
        table, period, folds = self.table, self.scope.period, self.settings.folds
        most = max(counts.values(), default=0)
        if self.settings.mode == BY_DATE:
            least, noun = least_cells(table.count_cells(progress=progress), self.scope.minimum), "cells"
            which, advice = f"no date {period}", "enlarge the study area, or lower MINIMUM_CELLS"
        elif self.settings.mode == BY_CELL:
            dates = sum(self.scope.holds(date) for date in table.count_by_date(progress))
            least, noun = least_cells(dates, self.scope.minimum), "dates"
            which, advice = f"no cell, {period},", "validate more dates, or lower MINIMUM_DATES"
        elif most < folds:
            raise InputError(
                f"{table.label}: {most} rows {period} are too few for {folds} folds; validate more dates, or "
                "give FOLDS a smaller number."
            )
        else:
            return folds
        if most < least:
            raise InputError(
                f"{table.label}: {which} has the {least} {noun} that a forest needs (the best has {most}); "
                f"{advice}."
            )
        if most < folds:
            raise InputError(
                f"{table.label}: {which} has {folds} {noun}, one for each fold (the best has {most}); give "
                "FOLDS a smaller number."
            )
        return least

    def units(
        self, least: int, run: ValidationRun, progress: Progress, quiet: bool = False
    ) -> Generator[UnitRows, None, None]:
        """The units that can be worked on, ascending; `run` learns what became of the others."""
        number, total, noun = 0, 0, ROW_NOUNS[self.settings.mode]
        say = (lambda text: None) if quiet else progress.log
        with contextlib.closing(self._parts(progress)) as parts:
            for unit, rows in parts:
                complete = np.isfinite(rows.x).all(axis=1) & np.isfinite(rows.y)
                kept = rows.take(complete)
                dropped = rows.y.size - kept.y.size + self._left_out
                run.dropped[unit] = dropped
                reason = why_unusable(kept.y, dropped, least, noun)
                if reason:
                    run.skipped[unit] = reason
                    say(f"{key_label(unit)}: left out, {reason}")
                    continue
                if dropped and self.settings.mode != BY_CELL:
                    say(f"{key_label(unit)}: {counted(dropped, noun[:-1])} without all covariates left out")
                number, total = number + 1, total + dropped
                yield UnitRows(unit, kept, rows_key(self.about, kept), number)
        if total and self.settings.mode == BY_CELL:
            say(f"{counted(total, 'row')} without all covariates left out")

    def _parts(self, progress: Progress) -> Generator[tuple[Key, Cells], None, None]:
        if self.settings.mode != BY_DATE:
            yield from self._whole(progress)
            return
        with contextlib.closing(self.table.days(self.scope.start, self.scope.end, progress)) as days:
            for day in days:
                yield day.date, self._rows_of_day(day)

    def _rows_of_day(self, day: DayRows) -> Cells:
        cells = np.stack([day.rows, day.cols], axis=1).astype(np.int64)
        days = np.full(day.y.size, day.date.toordinal(), np.int64)
        return self._rows(day.x, day.y, cells, days, self._place(cells))

    def _rows(
        self,
        x: np.ndarray,
        y: np.ndarray,
        cells: np.ndarray,
        days: np.ndarray,
        place: np.ndarray | None = None,
    ) -> Cells:
        if place is None and self.settings.method.uses_coordinates:
            place = places_of(self.table.grid, cells)
        return Cells(x, y, cells, days, place, self.table.covariates, self.table.grid, self.settings.fine)

    def _place(self, cells: np.ndarray) -> np.ndarray | None:
        if not (self._places or self.settings.needs_places):
            return None
        self._check_numbered(cells)
        # A cell is looked up once, not on each of its dates: there are millions of rows.
        _, first, of_row = np.unique(cells @ [MOST_CELLS, 1], return_index=True, return_inverse=True)
        places = [self._places[row, col] for row, col in cells[first].tolist()]
        return np.array(places, np.float64).reshape(-1, 2)[of_row]

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
        with contextlib.closing(self.table.cells(self.scope.start, self.scope.end, progress)) as cells:
            for cell in cells:
                numbers = np.tile(np.array([cell.row, cell.col], np.int64), (cell.y.size, 1))
                yield CellKey(cell.row, cell.col), self._rows(cell.x, cell.y, numbers, cell.days)

    def _pooled(self, progress: Progress) -> tuple[Key, Cells]:
        progress.set_text("Reading all dates")
        scope, seed = self.scope, self.settings.seed
        found = self.table.pooled(scope.start, scope.end, scope.maximum_rows, seed, scope.memory_mb, progress)
        self._left_out = found.dropped
        cells = np.stack([found.rows, found.cols], axis=1).astype(np.int64)
        self._check_numbered(cells)
        days = found.days.astype(np.int64)
        return PooledKey(), self._rows(found.x, found.y, cells, days, self._place(cells))


def with_period(
    settings: ValidationSettings, table: MatrixTable, scope: Scope, progress: Progress = SILENT
) -> ValidationSettings:
    """The settings with a default length of held-out runs: a fold's share of the dates, 30 days at most."""
    if settings.mode == BY_DATE:
        return settings
    dates = [date for date in table.count_by_date(progress) if scope.holds(date)]
    span = (dates[-1] - dates[0]).days + 1 if dates else 0
    period = max(1, min(_LONGEST_PERIOD, span // settings.folds))
    progress.log(f"PERIOD is empty: runs of {period} of the {span} days are held out together.")
    return replace(settings, period=period)
