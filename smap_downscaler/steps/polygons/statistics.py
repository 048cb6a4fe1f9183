"""Statistics of polygons in stacks and series, each raster read once, block by block; and their tables."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Counter, Progress
from ...geo.area import Cells
from ...geo.blocks import blocks
from ...geo.datasets import open_dataset, read_band
from ...geo.grid import Grid, Window
from ...geo.placing import Shapes, place
from ...geo.polygon_runs import AREA, Placed, Runs
from ...series.series import Series
from ...series.stack import Stack
from ...tables.geopackage import DATE, INTEGER, REAL, TEXT, create_table
from .numbers.layers import Layer, LayerStatistics
from .numbers.statistics import Moments, Spread

#: Pixels of a block, and pairs of a pixel and a polygon worked on at a time: about 150 MB together.
PIXELS_PER_BLOCK, PAIRS_AT_A_TIME = 1 << 22, 1 << 22


def chosen(series: Series, dates: Sequence[dt.date], name: str) -> Series:
    """The part of a series that has `dates`; all of it where none are given.

    Raises
    ------
    InputError
        If a date is missing; `name` is the parameter that holds it.
    """
    lacking = [date for date in dates if not series.has(date)]
    if lacking:
        raise InputError(
            f"{name}: {series.source} holds no raster of {lacking[0]} (those in question run from "
            f"{series.dates[0]} to {series.dates[-1]}); choose other dates."
        )
    if not dates:
        return series
    wanted = set(dates)
    return replace(series, entries=tuple(entry for entry in series.entries if entry.date in wanted))


def layers_of_series(series: Series) -> list[Layer]:
    """One layer per date."""
    return [Layer(series.name, entry.date, entry.path, entry.band, series.look) for entry in series.entries]


def layers_of_stack(stack: Stack) -> list[Layer]:
    """One layer per covariate."""
    return [
        Layer(name, None, stack.path, band, stack.looks.get(name))
        for band, name in enumerate(stack.names, start=1)
    ]


def polygon_statistics(
    shapes: Shapes,
    grid: Grid,
    layers: Sequence[Layer],
    rule: str,
    ddof: int,
    progress: Progress = SILENT,
    placed: Placed | None = None,
    inside: Cells | None = None,
) -> LayerStatistics:
    """Mean, SD and C.V. of each polygon in each layer.

    Which pixels belong to which polygon is worked out once.  A block of 4 M
    pixels at a time is read from one layer after another, so that every raster
    is read once; blocks that no polygon meets are not read.  Memory: 40 bytes
    per polygon and layer, 40 bytes per row of pixels of each polygon, about 150 MB
    for the block.

    Parameters
    ----------
    shapes : Shapes
    grid : Grid
        Of all `layers`.
    layers : sequence of Layer
    rule : str
        CENTRE or AREA.
    ddof : int
        0 or 1; see `Moments.statistics`.
    progress : Progress
    placed : Placed, optional
        What `place` makes of `shapes`, `grid` and `rule`, where the caller has it.
    inside : Cells, optional
        The pixels of a study area: others do not count.

    Raises
    ------
    InputError
        If a raster cannot be read.
    """
    placed = placed or place(shapes, grid, rule, progress)
    moments = Moments(len(layers), shapes.count)
    met = [window for window in blocks(grid, PIXELS_PER_BLOCK) if len(placed.runs.inside(window).row)]
    counter = progress.counter(len(met) * len(layers), "blocks of the rasters read")
    for window in met:
        pairs = _Pairs(placed.runs.inside(window), window, rule)
        outside = None if inside is None else ~inside.mask(window).ravel()
        _add_block(moments, layers, window, pairs, outside, counter)
    for look in {layer.look for layer in layers if layer.look is not None}:
        look.check()
    return LayerStatistics(tuple(layers), moments.statistics(ddof), placed, rule, ddof)


def _add_block(
    moments: Moments,
    layers: Sequence[Layer],
    window: Window,
    pairs: _Pairs,
    outside: np.ndarray | None,
    counter: Counter,
) -> None:
    path, dataset = "", None
    for number, layer in enumerate(layers):
        if layer.path != path or dataset is None:
            # Bands of one file follow each other; hundreds of files are not kept open.
            path, dataset = layer.path, open_dataset(layer.path)
        values = read_band(dataset, layer.band, window, look=layer.look).ravel()
        if outside is not None:
            values[outside] = np.nan
        for part in pairs:
            moments.add(number, part.polygons, part.group, values[part.pixels], part.weights)
        counter.advance()


@dataclass(frozen=True)
class _Part:
    """Some pairs of pixels and polygons of a block, as `Moments.add` takes them."""

    polygons: np.ndarray
    group: np.ndarray
    pixels: np.ndarray
    weights: np.ndarray | None


class _Pairs:
    """The pairs of a block: worked out once, or where many polygons overlap again for each layer."""

    def __init__(self, runs: Runs, window: Window, rule: str):
        self._window, self._rule = window, rule
        self._pieces = runs.split(PAIRS_AT_A_TIME)
        self._kept = [self._part(piece) for piece in self._pieces] if len(self._pieces) == 1 else []

    def __iter__(self) -> Iterator[_Part]:
        return iter(self._kept) if self._kept else map(self._part, self._pieces)

    def _part(self, runs: Runs) -> _Part:
        polygons, group = np.unique(runs.polygon, return_inverse=True)
        run, pixels = runs.pixel_numbers(self._window.width)
        weights = runs.weight[run] if self._rule == AREA else None
        return _Part(polygons, group.ravel()[run], pixels, weights)


def write_long_table(
    path: str | Path, ids: Sequence[int], found: Sequence[LayerStatistics], progress: Progress = SILENT
) -> None:
    """Write one row per polygon and layer: polygon, variable, date, pixels with a value, mean, SD, C.V.

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
    """Write one row per variable, date and statistic: its spread over the polygons.

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
