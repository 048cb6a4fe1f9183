"""Maps held against a reference, beside what SMAP's cells alone give: nearest and bilinear interpolation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...base.dates import period_text
from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.words import Text, counted, text
from ...geo.blocks import blocks
from ...geo.grid import Window
from ...geo.lattice import Lattice
from ...geo.overlap import window_around
from ...geo.sampling import CellSums, bilinear, cells_of
from ...geo.sources import windows_over
from ...geo.to_fine_grid import AREA_MEAN, COPIED, FineResampler, way_of
from ...series.dated import DatedCovariate
from ...series.dated_on_grid import OnPixels
from ...series.series import Series
from ...stats.pixel_scores import Pixels, score_pixels
from ...stats.scores import bias, rmse
from ...tables.geopackage import DATE, INTEGER, REAL, TEXT, create_table
from .numbers.closure import LEAST_COVERED
from .numbers.comparison import BILINEAR, MAPS, NEAREST, SCORES, Comparison, Scored

_PIXELS_A_BLOCK = 1 << 19
#: Maps of no more pixels are kept between the two passes over them.
_KEPT_PIXELS = 1 << 23
_MOST_DATES_TOLD = 5


@dataclass(frozen=True)
class Compared:
    """What is compared: series of soil moisture, m3 m-3, on any grids.

    Raises
    ------
    InputError
        If they do not meet, or SMAP's cells are finer than the maps' pixels.
    """

    maps: Series
    reference: Series
    smap: Series | None = None

    def __post_init__(self) -> None:
        grid = self.maps.grid
        named = [("REFERENCE", self.reference)] + ([("SMAP", self.smap)] if self.smap else [])
        for parameter, series in named:
            if not windows_over(series.grid, grid.bounds, grid.crs):
                raise InputError(
                    f"{parameter} ({series.source}): it does not meet the maps of INPUT "
                    f"({self.maps.source}); give one of the same area."
                )
        if self.smap and way_of(self.smap.grid, grid) == AREA_MEAN:
            raise InputError(
                f"SMAP ({self.smap.source}): its cells are finer than the pixels of INPUT; give the series "
                "that the maps were made from, on SMAP's own cells."
            )

    @property
    def way(self) -> str:
        """How the reference is brought to the pixels of the maps."""
        return way_of(self.reference.grid, self.maps.grid)

    def dates(self, progress: Progress = SILENT) -> list[dt.date]:
        """The dates that both have; says which have no partner.

        Raises
        ------
        InputError
            If there is none.
        """
        maps, reference = self.maps.dates, self.reference.dates
        both = [date for date in maps if self.reference.has(date)]
        if not both:
            raise InputError(
                f"REFERENCE ({self.reference.source}): it has no date of the maps of INPUT "
                f"({period_text(maps)}, the reference {period_text(reference)}); give a reference of the "
                "same days."
            )
        alone = [date for date in maps if not self.reference.has(date)]
        if alone:
            progress.warn(text("{}: no reference of {}; left out", self.maps.source, _listed(alone)))
        more = len(reference) - len(both)
        if more:
            progress.log(f"{counted(more, 'date')} of the reference without a map")
        bare = [date for date in both if self.smap and not self.smap.has(date)]
        if self.smap and bare:
            progress.warn(
                text(
                    "{}: no SMAP of {}, so only the maps are scored there, and no mean counts these dates",
                    self.smap.source,
                    _listed(bare),
                )
            )
        return both


def _listed(dates: Sequence[dt.date]) -> Text:
    shown = Text(", ".join(map(str, dates[:_MOST_DATES_TOLD])))
    more = len(dates) - _MOST_DATES_TOLD
    return shown + text(" and {}", counted(more, "more date")) if more > 0 else shown


def compare(compared: Compared, dates: Sequence[dt.date], progress: Progress = SILENT) -> Comparison:
    """Scores of the maps of `dates`, block by block, over the pixels that all have.

    Raises
    ------
    InputError
        If no pixel has a value in a map and in the reference, or a file cannot be read.
    """
    reader = _Reader(compared, progress)
    counter = progress.counter(len(dates) * reader.blocks, "blocks compared")
    found: dict[dt.date, dict[str, Scored]] = {}
    for date in dates:
        scored = reader.score(date, counter.advance)
        if scored is None:
            progress.warn(
                f"{date}: no scores, no pixel has a value in the map and in all that it is compared with"
            )
        else:
            found[date] = scored
    if not found:
        raise InputError(
            f"REFERENCE ({compared.reference.source}): on no date has a pixel a value in the map and in all "
            "that it is compared with; give a reference with values in the area of the maps."
        )
    return Comparison(found)


class _Reader:
    """Reads the blocks of a date."""

    def __init__(self, compared: Compared, progress: Progress):
        self._maps, self._smap, self._progress = compared.maps, compared.smap, progress
        self._grid = compared.maps.grid
        self._covariate = DatedCovariate(compared.reference)
        self._interpolated: OnPixels | None = None
        if compared.way != COPIED:
            self._interpolated = OnPixels(self._covariate, self._grid, progress)
        self._codes = [series for series in (self._maps, compared.reference, self._smap) if series]
        self._hull, self._cells = Window(0, 0, 0, 0), (0, 0)
        self._lattice: Lattice | None = None
        if self._smap is not None:
            grid = self._smap.grid
            self._hull = window_around(windows_over(grid, self._grid.bounds, self._grid.crs))
            self._cells = self._hull.height, self._hull.width
            self._lattice = Lattice(self._grid, grid.crop(self._hull), progress)
        self._windows = list(blocks(self._grid, _PIXELS_A_BLOCK))

    @property
    def blocks(self) -> int:
        """Blocks of a date."""
        return len(self._windows)

    def score(self, date: dt.date, advance: Callable[[], None]) -> dict[str, Scored] | None:
        """The scores of each method on a date; None where no pixel has all values."""
        smap, reference = None, self._reference_on(date)
        if self._smap is not None and self._smap.has(date):
            smap = self._smap.read(date, self._hull)
        methods = (MAPS,) if smap is None else (MAPS, BILINEAR, NEAREST)
        closure = CellSums(len(methods), self._cells) if smap is not None else None

        def first() -> Iterator[Pixels]:
            for window in self._windows:
                yield self._pixels(date, window, reference, smap, closure)
                advance()

        def again() -> Iterator[Pixels]:
            return (self._pixels(date, window, reference, smap, None) for window in self._windows)

        passes: Iterator[Iterable[Pixels]] = iter((first(), again()))
        if self._grid.width * self._grid.height <= _KEPT_PIXELS:
            kept = list(first())
            passes = iter((kept, kept))
        count = self._cells[0] * self._cells[1]
        scores = score_pixels(lambda: next(passes), len(methods), count)
        for series in self._codes:
            series.check_codes()
        if not scores[0].n:
            return None
        found = {}
        for number, (method, own) in enumerate(zip(methods, scores)):
            values, cells = asdict(own), 0
            pixels = values.pop("n")
            values |= {"closure_rmse": np.nan, "closure_bias": np.nan}
            if closure is not None and smap is not None:
                means = closure.means(number, LEAST_COVERED)
                values |= {"closure_rmse": rmse(smap, means), "closure_bias": bias(smap, means)}
                cells = int(np.isfinite(means).sum())
            found[method] = Scored(pixels, cells, values)
        return found

    def _pixels(
        self,
        date: dt.date,
        window: Window,
        reference_on: Callable[[Window], np.ndarray],
        smap: np.ndarray | None,
        closure: CellSums | None,
    ) -> Pixels:
        """The pixels of a block that all have; adds those with a map and SMAP to the closure."""
        self._progress.check()
        values = self._maps.read(date, window)
        valid, cell, places = np.isfinite(values), None, None
        if self._lattice is not None:
            places = self._lattice.positions(window)
            inside, row, col = cells_of(*places, self._cells)
            valid &= inside
            if smap is not None:
                valid &= np.isfinite(smap[row, col])
            cell = (row * self._cells[1] + col)[valid]
        layers = [values[valid]]
        if smap is not None and places is not None:
            between = bilinear(smap, *(place[valid] for place in places))
            layers += [between.astype(np.float32), smap.ravel()[cell]]
        predicted = np.stack(layers)
        if closure is not None and self._lattice is not None and cell is not None:
            areas = self._lattice.areas(window)[valid]
            for number, layer in enumerate(predicted):
                closure.add(number, cell, areas, layer)
        reference = reference_on(window)[valid]
        common = np.isfinite(reference)
        return Pixels(reference[common], predicted[:, common], None if cell is None else cell[common])

    def _reference_on(self, date: dt.date) -> Callable[[Window], np.ndarray]:
        """Gives the reference of a date on the pixels of a block."""
        interpolated = self._interpolated
        if interpolated is not None:
            return lambda window: interpolated.block(date, window)(self._progress)
        sources = [source for source in (self._covariate.source(date),) if source is not None]
        copied = FineResampler(sources, self._grid)
        return lambda window: next(values for _, values in copied.block(window))


def write_scores(path: str | Path, found: Comparison) -> None:
    """One row per date and method, and at the end the means, which have no date.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {
        "date": DATE, "method": TEXT, "dates": INTEGER, "pixels": INTEGER,
        **dict.fromkeys(SCORES, REAL), "cells": INTEGER,
    }  # fmt: skip
    rows = [
        _row(date.isoformat(), method, 1, scored)
        for date, by_method in found.dates.items()
        for method, scored in by_method.items()
    ]
    rows += [_row(None, method, len(found.shared), scored) for method, scored in found.means().items()]
    with create_table(path, "comparison", fields) as table:
        table.write(rows)


def _row(date: str | None, method: str, dates: int, scored: Scored) -> tuple[Any, ...]:
    return (date, method, dates, scored.pixels, *(scored.values[name] for name in SCORES), scored.cells)
