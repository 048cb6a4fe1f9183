"""A look through a regression matrix before it is learned from: as 'Regression matrix' looks at rasters."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np

from ...base.errors import InputError
from ...base.matrix_columns import RESPONSE
from ...base.moisture import moisture_sentence
from ...base.nodata import Look, NoDataChoice
from ...base.progress import SILENT, Progress
from ...tables.column_looks import ColumnLooks
from .read import WHOLE_TABLE, MatrixTable, RowSelection

#: Rows looked at together: a code is told from values by what is around it.
_ROWS = 20_000


def looked_through(
    table: MatrixTable,
    selection: RowSelection = WHOLE_TABLE,
    nodata: NoDataChoice | None = None,
    progress: Progress = SILENT,
) -> MatrixTable:
    """The table without the numbers that NODATA declares missing, after a look at the rows that are used.

    It knows the ranges of its covariates then.

    Raises
    ------
    InputError
        If soil moisture is no m3 m-3, a column holds a number that stands for a missing value, or NODATA
        names a column that is not there.
    """
    nodata = nodata or NoDataChoice()
    columns = (RESPONSE, *table.covariates)
    nodata.require(columns)
    codes = {name: nodata.of(name).codes for name in columns if nodata.of(name).codes}
    table = replace(table, missing=codes)
    progress.set_text("Looking through the table")
    moisture = Look(table.label, RESPONSE, nodata.of(RESPONSE), limits=(0.0, 1.0))
    looks = ColumnLooks(table.label, table.covariates, nodata)
    low = high = np.full(len(columns), np.nan)
    held: list[np.ndarray] = []

    def look() -> None:
        rows = np.concatenate(held)
        moisture.add(rows[:, 0])
        looks.add(rows[:, 1:])
        held.clear()

    with contextlib.closing(table.days(selection.start, selection.end, progress)) as days:
        for day in days:
            rows = np.column_stack([day.y, day.x])
            held.append(rows)
            low, high = np.fmin(low, np.fmin.reduce(rows)), np.fmax(high, np.fmax.reduce(rows))
            if sum(map(len, held)) >= _ROWS:
                look()
    if held:
        look()
    moisture.check()
    sentence = moisture_sentence(f"{table.label}: {RESPONSE} runs", float(low[0]), float(high[0]))
    if sentence:
        raise InputError(sentence)
    looks.check()
    ends = zip(columns[1:], low[1:].tolist(), high[1:].tolist())
    ranges = {name: (first, last) for name, first, last in ends if np.isfinite((first, last)).all()}
    return replace(table, ranges=ranges)
