"""The tables of polygon statistics: in long form, and their spread over the polygons."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...base.progress import SILENT, Progress
from ...tables.geopackage import DATE, INTEGER, REAL, TEXT, create_table
from .numbers.summary import Spread
from .statistics import LayerStatistics


def write_long_table(
    path: str | Path, ids: Sequence[int], found: Sequence[LayerStatistics], progress: Progress = SILENT
) -> None:
    """A row a polygon and layer: polygon, variable, date, pixels with a value, mean, SD, C.V.

    Parameters
    ----------
    path : path
    ids : sequence of int
        What each polygon is called.
    found : sequence of LayerStatistics

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {"polygon": INTEGER, "variable": TEXT, "date": DATE, "n": INTEGER}
    fields |= {"mean": REAL, "sd": REAL, "cv": REAL}
    counter = progress.counter(sum(len(part.layers) for part in found), "layers written")
    with create_table(path, "polygon_statistics", fields, progress=progress) as table:
        for part in found:
            for index in range(len(part.layers)):
                table.write(_rows(ids, part, index))
                counter.advance()


def _rows(ids: Sequence[int], part: LayerStatistics, index: int) -> Iterator[tuple[Any, ...]]:
    layer, statistics = part.layers[index], part.statistics
    date = layer.date.isoformat() if layer.date else None
    columns = (statistics.n, statistics.mean, statistics.sd, statistics.cv)
    for polygon, *numbers in zip(ids, *(column[index].tolist() for column in columns)):
        yield (polygon, layer.variable, date, *numbers)


def write_spreads(path: str | Path, rows: Sequence[Spread]) -> None:
    """A row a variable, date and statistic: its spread over the polygons.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    kinds = {"variable": TEXT, "date": DATE, "statistic": TEXT, "polygons": INTEGER}
    fields = {field.name: kinds.get(field.name, REAL) for field in dataclasses.fields(Spread)}
    with create_table(path, "spread", fields) as table:
        for row in rows:
            variable, date, *others = dataclasses.astuple(row)
            table.write([(variable, date.isoformat() if date else None, *others)])
