"""Joining SMAP, the coarse stack and dated covariates to the regression matrix (paper 2.3.1)."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...base.errors import InputError
from ...base.matrix_columns import DERIVED, KEY_COLUMNS, RESERVED, RESPONSE
from ...base.moisture import moisture_sentence
from ...base.progress import SILENT, Progress
from ...geo.datasets import same_crs
from ...geo.grid import Window
from ...series.dated import DatedCovariate, log_substitutes
from ...series.dated_on_grid import OnCells
from ...series.series import Series
from ...series.stack import Stack
from .numbers.rows import day_rows, unusable_name
from .write import create_matrix

#: What may be kept of how pixels of dated covariates lie in the cells.
_MEMORY_MB = 512


def _why_not(name: str) -> str:
    """Why a covariate cannot have a name, as a part of a sentence."""
    if name.lower() in DERIVED:
        return "is the name of a covariate that forests make themselves"
    if name.lower() in RESERVED:
        return f"is the name of a field of the matrix ({', '.join(sorted({*KEY_COLUMNS, RESPONSE, 'fid'}))})"
    return "is the name of two of them"


@dataclass
class MatrixReport:
    """What went into the matrix: rows by date, those without a gap, and dates that lack dated covariates."""

    rows: dict[dt.date, int] = field(default_factory=dict)
    complete: dict[dt.date, int] = field(default_factory=dict)
    missing: dict[dt.date, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class MatrixInputs:
    """SMAP, the coarse stack on its cells, and dated covariates on grids of their own."""

    smap: Series
    stack: Stack
    dynamic: tuple[DatedCovariate, ...] = ()

    def __post_init__(self) -> None:
        names = self.names
        bad = unusable_name(names)
        if bad is not None and not bad.strip():
            raise InputError(
                "A covariate has no name; name the bands of COVARIATES, and dated series by DYNAMIC_NAMES."
            )
        if bad is not None:
            raise InputError(
                f"A covariate cannot be named {bad}, which {_why_not(bad)}; rename it by DYNAMIC_NAMES, or "
                "in COVARIATES."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The covariates: the bands of the stack, then the dated ones."""
        return (*self.stack.names, *(dated.name for dated in self.dynamic))

    @property
    def units(self) -> dict[str, str]:
        """Unit of each covariate, where the files state it."""
        units = dict(zip(self.stack.names, self.stack.units))
        for dated in self.dynamic:
            units[dated.name] = dated.series.unit()
        return {name: unit for name, unit in units.items() if unit}

    @property
    def declared_rain(self) -> dict[str, bool]:
        """Whether each dated covariate is rain, where its files or the user say so."""
        return {dated.name: dated.declared_rain for dated in self.dynamic if dated.declared_rain is not None}

    def common_cells(self) -> tuple[Window, Window]:
        """The cells that SMAP and the stack share, as windows of SMAP and of the stack.

        Raises
        ------
        InputError
            If the stack is not on SMAP's cells, or they do not meet.
        """
        smap, stack = self.smap.grid, self.stack.grid
        hint = "make it with 'Harmonise covariates' and the same SMAP series"
        first = stack.cell_offset_in(smap) if same_crs(smap.crs, stack.crs) else None
        if first is None:
            raise InputError(f"{self.stack.path}: its cells are not those of {self.smap.source}; {hint}.")
        row, col = first
        top, left = max(row, 0), max(col, 0)
        bottom, right = min(row + stack.height, smap.height), min(col + stack.width, smap.width)
        if bottom <= top or right <= left:
            raise InputError(f"{self.stack.path}: it does not meet the cells of {self.smap.source}; {hint}.")
        shape = bottom - top, right - left
        return Window(top, left, *shape), Window(top - row, left - col, *shape)


def build_matrix(
    inputs: MatrixInputs,
    output: str | Path,
    progress: Progress = SILENT,
) -> MatrixReport:
    """Write the regression matrix, one row per cell and date with soil moisture, holding one date at a time.

    Static covariates join on the cell, dated ones on cell and date: their
    area-weighted mean over the cell (of the date itself, or of an earlier one
    within the window), NULL where they are missing.

    Parameters
    ----------
    inputs : MatrixInputs
    output : path
        A table; see `create_matrix`.

    Raises
    ------
    InputError
        If files do not fit together, cannot be read or written, or no row comes out.
    """
    smap_window, stack_window = inputs.common_cells()
    cells = inputs.smap.grid.crop(smap_window)
    static = inputs.stack.read(inputs.stack.names, stack_window)
    inputs.stack.check_codes()
    memory = _MEMORY_MB / max(len(inputs.dynamic), 1)
    readers = [OnCells(dated, cells, memory, progress) for dated in inputs.dynamic]
    log_substitutes(inputs.dynamic, inputs.smap.dates, progress)
    report, counts = MatrixReport(), np.zeros(len(inputs.names), np.int64)
    counter = progress.counter(len(inputs.smap.dates), "dates joined")
    filled = inputs.smap.has_filled()
    with create_matrix(
        output, inputs.smap.grid, inputs.names, inputs.units, progress, filled, inputs.declared_rain
    ) as table:
        for date in inputs.smap.dates:
            soil_moisture = inputs.smap.read(date, smap_window)
            check_soil_moisture(inputs.smap, date, soil_moisture)
            covariates = np.concatenate([static, *(one.read(date, progress)[None] for one in readers)])
            day = day_rows(date, soil_moisture, covariates, (smap_window.row, smap_window.col))
            table.write(day)
            report.rows[date] = len(day.y)
            report.complete[date] = int(day.complete.sum())
            counts += np.isfinite(day.x).sum(axis=0)
            missing = [dated.name for dated in inputs.dynamic if dated.entry(date) is None]
            _note_missing(report, missing, date, progress)
            counter.advance()
        if not table.count:
            raise InputError(
                f"{inputs.smap.source}: no cell of the stack has soil moisture on any date; "
                "check extent and dates."
            )
        if not any(report.complete.values()):
            raise InputError(_none_complete(inputs, counts, sum(report.rows.values())))
    return report


def _none_complete(inputs: MatrixInputs, counts: np.ndarray, rows: int) -> str:
    few = [
        f"{inputs.names[number]} in {counts[number]:,}" for number in np.argsort(counts, kind="stable")[:2]
    ]
    return (
        f"None of the {rows:,} rows has a value of all covariates, which forests need (fewest: "
        f"{' and '.join(few)}); give COVARIATES and DYNAMIC of the same area and dates, or leave "
        "out what lacks."
    )


def check_soil_moisture(smap: Series, date: dt.date, soil_moisture: np.ndarray) -> None:
    """Raise `InputError` for values that are no m3 m-3."""
    valid = soil_moisture[np.isfinite(soil_moisture)]
    ends = (valid.min(), valid.max()) if valid.size else (math.nan, math.nan)
    sentence = moisture_sentence(f"{smap.source}: soil moisture of {date} runs", *ends)
    if sentence:
        raise InputError(sentence)


def _note_missing(report: MatrixReport, missing: list[str], date: dt.date, progress: Progress) -> None:
    if missing:
        report.missing[date] = missing
        progress.warn(
            f"{date}: no raster of {', '.join(missing)}; NULL in the matrix, no forest on this date"
        )
