"""What a cross-validation reads from a regression matrix: its rows, and its rain."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ...base.covariate_names import looks_like_rain
from ...base.errors import InputError
from ...base.matrix_columns import MOST_CELLS
from ...base.progress import SILENT, Progress
from ...base.words import counted
from ...methods.base import Cells
from ...methods.keys import BY_CELL, BY_DATE, POOLED, CellKey, Key, PooledKey, key_label
from ...series.dated import NO_RAIN
from ...tables.geopackage import quoted, read_only
from ..matrix.numbers.rows import (
    CellRows,
    DayRows,
    PooledRows,
    cells_and_days,
    centres_of_cells,
    rows_needed,
    why_unusable,
)
from ..matrix.read import WHOLE_TABLE, MatrixTable, RowSelection, cell_number
from ..rain.numbers.by_date import RainSeries, rain_series
from .numbers.folds import cell_spacing, check_coordinates
from .numbers.results import ValidationRun
from .numbers.settings import ValidationSettings

#: Longest run of days that is held out, unless the analyst says otherwise.
_LONGEST_PERIOD = 30
#: Units of rain.
_RAIN_UNITS = frozenset({"mm/d", "mm/day", "mm d-1", "mm"})
#: Cells along the side of a block, at least: with fewer, a block is hardly more than a cell.
_LEAST_CELLS = 1.5


class RowSource(ABC):
    """Rows to be validated.

    Attributes
    ----------
    label : str
        What messages call where they come from.
    covariates : tuple of str
    counts : dict of Key to int
        Rows with soil moisture of each date or cell, or of all.
    least : int
        How many are needed.
    about : str
        A hash of what results depend on beside rows and settings; empty where that is all.
    """

    label: str
    covariates: tuple[str, ...]
    counts: dict[Key, int]
    least: int
    about = ""

    @abstractmethod
    def usable(
        self, run: ValidationRun, progress: Progress, quiet: bool = False
    ) -> Generator[tuple[Key, Cells], None, None]:
        """The dates or cells that can be worked on, ascending, or all rows.

        `run` learns what became of the others, and unless `quiet` the log.
        """


class RowReader(RowSource):
    """Reads the rows of a table, date by date, cell by cell or all at once, as the mode is.

    By date, only one date is in memory at a time.  Cells and pooled rows need the whole table: 4 bytes a
    covariate and 32 beside them, a row (2.6 million rows of 20 covariates: 290 MB).

    `counts` are those before covariates are looked at.  Raises `InputError` if coordinates of cells are
    needed and cannot be had, or nothing has enough rows.
    """

    def __init__(
        self,
        table: MatrixTable,
        settings: ValidationSettings,
        selection: RowSelection,
        progress: Progress = SILENT,
    ):
        self.table, self._settings, self._selection = table, settings, selection
        self.label, self.covariates = table.label, table.covariates
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
        if settings.mode == BY_DATE:
            self.counts = dict(_dates(table, selection, progress))
        else:
            self.counts = {key: rows.y.size for key, rows in self._whole(progress)}
        self.least = self._least(progress)

    def _least(self, progress: Progress) -> int:
        table, period, folds = self.table, self._selection.period, self._settings.folds
        words, most = self._settings.words, max(self.counts.values(), default=0)
        if self._settings.mode == POOLED:
            if most < folds:
                raise InputError(
                    f"{table.label}: {most} rows {period} are too few for {folds} folds; validate more "
                    "dates, or give FOLDS a smaller number."
                )
            return folds
        if self._settings.mode == BY_DATE:
            whole, which = table.count_cells(progress=progress), f"no date {period}"
        else:
            whole, which = len(_dates(table, self._selection, progress)), f"no cell, {period},"
        least = rows_needed(whole, self._selection.minimum_rows)
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
        self, run: ValidationRun, progress: Progress, quiet: bool = False
    ) -> Generator[tuple[Key, Cells], None, None]:
        total, noun = 0, self._settings.words.rows
        say = SILENT.log if quiet else progress.log
        with contextlib.closing(self._parts(progress)) as parts:
            for key, rows in parts:
                kept = rows.take(np.isfinite(rows.x).all(axis=1) & np.isfinite(rows.y))
                dropped = rows.y.size - kept.y.size + self._left_out
                run.dropped[key] = dropped
                reason = why_unusable(kept.y, dropped, self.least, noun)
                if reason:
                    run.skipped[key] = reason
                    say(f"{key_label(key)}: left out, {reason}")
                    continue
                if dropped and self._settings.mode != BY_CELL:
                    say(f"{key_label(key)}: {counted(dropped, noun[:-1])} without all covariates left out")
                total += dropped
                yield key, kept
        if total and self._settings.mode == BY_CELL:
            say(f"{counted(total, 'row')} without all covariates left out")

    def _parts(self, progress: Progress) -> Generator[tuple[Key, Cells], None, None]:
        if self._settings.mode != BY_DATE:
            yield from self._whole(progress)
            return
        selection = self._selection
        with contextlib.closing(self.table.days(selection.start, selection.end, progress)) as days:
            for day in days:
                yield day.date, self._rows(day)

    def _whole(self, progress: Progress) -> list[tuple[Key, Cells]]:
        """All rows, of the cells or pooled; read once."""
        if self._held is None:
            chosen, between = self._selection, (self._selection.start, self._selection.end)
            if self._settings.mode == BY_CELL:
                progress.set_text("Sorting the table by cell")
                with contextlib.closing(self.table.cells(*between, progress)) as cells:
                    self._held = [(CellKey(cell.row, cell.col), self._rows(cell)) for cell in cells]
            else:
                progress.set_text("Reading all dates")
                found = self.table.pooled(
                    *between, chosen.maximum_rows, self._settings.seed, chosen.memory_mb, progress
                )
                self._held, self._left_out = [(PooledKey(), self._rows(found))], found.dropped
        return self._held

    def _rows(self, part: DayRows | CellRows | PooledRows) -> Cells:
        settings, table, place = self._settings, self.table, None
        cells, days = cells_and_days(part)
        without = int((cells < 0).any(axis=1).sum())
        if without and (settings.mode == POOLED or settings.needs_coordinates):
            rows = counted(without, "row has", "rows have")
            raise InputError(
                f"{table.label}: {rows} no row or col of a cell, which folds of blocks and "
                "locations need; fill them in, or remove the rows."
            )
        if self._coordinates or settings.needs_coordinates:
            # A cell is looked up once, not on each of its dates: there are millions of rows.
            _, first, of_row = np.unique(cells @ [MOST_CELLS, 1], return_index=True, return_inverse=True)
            found = [self._coordinates[row, col] for row, col in cells[first].tolist()]
            place = np.array(found, np.float64).reshape(-1, 2)[of_row]
        elif settings.method.uses_coordinates:
            place = centres_of_cells(table.grid, cells)
        return Cells(part.x, part.y, cells, days, place, table.covariates, table.grid, settings.fine)


def _dates(table: MatrixTable, selection: RowSelection, progress: Progress) -> list[tuple[dt.date, int]]:
    """The dates of a selection, ascending, and how many rows with soil moisture each has."""
    return [(date, n) for date, n in table.count_by_date(progress).items() if selection.includes(date)]


def cell_coordinates(
    table: MatrixTable, progress: Progress = SILENT
) -> dict[tuple[int, int], tuple[float, float]]:
    """x and y of the centre of each cell (row, col) of a table, metres.

    Raises `InputError` if the table has no x and y, they are no metres, or a cell has several.
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
    settings: ValidationSettings,
    label: str,
    places: Callable[[], np.ndarray],
    given: bool,
    progress: Progress = SILENT,
) -> tuple[ValidationSettings, list[str]]:
    """The settings with a default side of blocks where none is given, and what may be wrong with the side.

    The default is 72 km, or twice the spacing of the cells where that is more.

    Parameters
    ----------
    settings : ValidationSettings
    label : str
        What messages call where the cells come from.
    places : callable
        Gives x and y of the cells, each once, metres: float64, shape (n, 2); not asked without blocks.
    given : bool
        Whether the side was given.
    progress : Progress
    """
    if not settings.needs_coordinates:
        return settings, []
    spacing = cell_spacing(*places().T) / 1000
    if not given:
        side = max(settings.block_km, math.ceil(20 * spacing) / 10)
        if side > settings.block_km:
            progress.log(f"BLOCKS is empty: blocks have sides of {side:g} km, two cells of {spacing:.3g} km.")
        return replace(settings, block_km=side), []
    if settings.block_km >= _LEAST_CELLS * spacing:
        return settings, []
    return settings, [
        f"BLOCKS is {settings.block_km:g} km, and the cells of {label} lie {spacing:.3g} km apart: a "
        "block holds about one cell, so that its score is not stricter than that of random folds; give "
        f"BLOCKS {math.ceil(2 * spacing)} or more, or leave it empty."
    ]


def with_period(
    settings: ValidationSettings, table: MatrixTable, selection: RowSelection, progress: Progress = SILENT
) -> ValidationSettings:
    """The settings with a default length of held-out runs: a fold's share of the dates, 30 days at most."""
    if settings.mode == BY_DATE:
        return settings
    dates = [date for date, _ in _dates(table, selection, progress)]
    span = (dates[-1] - dates[0]).days + 1 if dates else 0
    period = max(1, min(_LONGEST_PERIOD, span // settings.folds))
    progress.log(f"PERIOD is empty: runs of {period} of the {span} days are held out together.")
    return replace(settings, period=period)


def rain_names(table: MatrixTable, named: Sequence[str] = ()) -> list[str]:
    """The covariates of a table that are rain; raises `InputError` for a name that the table does not have.

    Those that are `named`, none for the word `NO_RAIN`; else those of which the table says so, and of which
    it says nothing those in a unit of rain, or without a unit those with a name of rain.
    """
    said = [name for name in named if name]
    if [name.lower() for name in said] == [NO_RAIN]:
        return []
    unknown = [name for name in said if name not in table.covariates]
    if unknown:
        raise InputError(
            f"RAIN_COVARIATES: {table.label} has no covariate named {unknown[0]} (it has "
            f"{', '.join(table.covariates)}); give the names of those that are rain, separated by commas, or "
            f"'{NO_RAIN}'."
        )
    return said or [name for name in table.covariates if table.rain.get(name, _seems_rain(table, name))]


def _seems_rain(table: MatrixTable, name: str) -> bool:
    unit = table.units.get(name, "")
    return unit in _RAIN_UNITS if unit else looks_like_rain(name)


def rain_of_rows(
    table: MatrixTable,
    names: Sequence[str],
    selection: RowSelection = WHOLE_TABLE,
    progress: Progress = SILENT,
) -> list[RainSeries]:
    """Those of some covariates, see `rain_names`, that vary in time."""
    if not names:
        return []
    columns = [table.covariates.index(name) for name in names]
    with contextlib.closing(table.days(selection.start, selection.end, progress)) as days:
        read = [(day.date, cells_and_days(day)[0], day.x[:, columns]) for day in days]
    if not read:
        return []
    dates, cells, values = zip(*read)
    numbers, members = np.unique(np.concatenate(cells), axis=0, return_inverse=True)
    # Dates, cells, covariates.
    whole = np.full((len(dates), len(numbers), len(names)), np.nan, np.float32)
    at = np.repeat(np.arange(len(dates)), [len(part) for part in cells])
    whole[at, members.reshape(-1)] = np.concatenate(values)
    low = np.min(whole, axis=0, where=np.isfinite(whole), initial=np.inf)
    high = np.max(whole, axis=0, where=np.isfinite(whole), initial=-np.inf)
    return [
        rain_series(names[number], table.units.get(names[number], ""), zip(dates, whole[:, :, number]))
        for number in np.nonzero((low < high).any(axis=0))[0].tolist()
    ]
