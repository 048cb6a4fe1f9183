"""The tables of filled gaps: cells of each day, scores of hidden days."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...tables.geopackage import DATE, INTEGER, REAL, TEXT, create_table
from .day_files import DayCounts
from .numbers.scores import GapScore

_KINDS = {"scope": TEXT, "distance": TEXT, "method": TEXT}
_KINDS |= dict.fromkeys(("row", "col", "n", "cells"), INTEGER)


def write_counts(path: str | Path, counts: Mapping[dt.date, DayCounts]) -> None:
    """A row a day.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    names = [field.name for field in dataclasses.fields(DayCounts)]
    with create_table(path, "days", {"date": DATE, **dict.fromkeys(names, INTEGER)}) as table:
        table.write((date.isoformat(), *dataclasses.astuple(day)) for date, day in sorted(counts.items()))


def write_gap_scores(path: str | Path, rows: Sequence[GapScore], period: int) -> None:
    """A row a scope, distance and method; `period` is the days of the hidden runs.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {"period": INTEGER}
    fields |= {field.name: _KINDS.get(field.name, REAL) for field in dataclasses.fields(GapScore)}
    with create_table(path, "gap_scores", fields) as table:
        table.write((period, *dataclasses.astuple(row)) for row in rows)
