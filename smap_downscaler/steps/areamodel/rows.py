"""SMAP, the fine stack and dated covariates as rows for a model that looks below the cells."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.words import text
from ...geo.area import Area
from ...geo.grid import Bounds, Window
from ...geo.lattice import Lattice
from ...geo.sources import Mask, window_of_extent, windows_over
from ...methods.base import Cells
from ...methods.fine_blocks import FineBlocks
from ...series.dated_on_grid import OnCells
from ..matrix.build import MatrixInputs, check_soil_moisture
from ..matrix.numbers.rows import centres_of_cells, why_unusable

#: Pixels of more than this share of a cell show nothing below it.
_LARGEST_PIXEL = 0.5
#: Share of a cell that a dated covariate must cover, as of the stack.
_LEAST_COVERED = 0.5
#: Share of the rows that may want for a dated covariate without a warning.
_MOST_LACKING = 0.25


@dataclass(frozen=True)
class AreaInputs(MatrixInputs):
    """SMAP, the fine stack, dated covariates on grids of their own, and which cells and pixels count.

    Attributes
    ----------
    extent : tuple of Bounds and str, optional
        Edges and CRS; only cells that they touch count.
    aoi : Area, optional
        Only cells that it touches count.
    mask : Mask, optional
        Pixels of the stack that it covers are as those without a value.
    """

    extent: tuple[Bounds, str] | None = None
    aoi: Area | None = None
    mask: Mask | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        fine = self.stack.grid
        middle = Window(fine.height // 2, fine.width // 2, 1, 1)
        share = float(Lattice(fine.crop(middle), self.smap.grid).areas()[0, 0])
        if share > _LARGEST_PIXEL:
            raise InputError(
                f"COVARIATES ({self.stack.source}): its pixels are as large as the cells of "
                f"{self.smap.source}, and the model looks below them; give the fine stack of 'Harmonise "
                "covariates'."
            )

    @cached_property
    def wanted(self) -> tuple[Window, np.ndarray]:
        """The cells that EXTENT and AOI leave: a window of SMAP's grid, and which of its cells count.

        Raises
        ------
        InputError
            If there are none.
        """
        grid, source = self.smap.grid, self.smap.source
        window = grid.whole
        if self.extent is not None:
            window = window_of_extent(grid, self.extent, source).common(grid.whole) or window
        if self.aoi is None:
            return window, np.ones((window.height, window.width), bool)
        cells = self.aoi.touched(grid, source, None if self.extent is None else window)
        return cells.window, cells.mask(cells.window)

    @cached_property
    def under_stack(self) -> Window:
        """The cells of `wanted` that the stack meets, as a window of SMAP's grid.

        Raises
        ------
        InputError
            If there are none.
        """
        window = self.wanted[0]
        for met in windows_over(self.smap.grid, self.stack.grid.bounds, self.stack.grid.crs, margin=0):
            common = met.common(window)
            if common is not None:
                return common
        raise InputError(
            f"COVARIATES ({self.stack.source}): it does not meet the cells of {self.smap.source}"
            f"{' in EXTENT and AOI' if self.extent or self.aoi else ''}; give the fine stack of that area."
        )

    @cached_property
    def fine(self) -> FineBlocks:
        """The fine stack, for methods that look below the cells; what they make of it is kept here."""
        return FineBlocks(self.stack, self.smap.grid, dynamic=self.dynamic, mask=self.mask)


@dataclass(frozen=True, eq=False)
class AreaRows:
    """All cells with soil moisture that the stack meets, on all dates that can be used.

    Attributes
    ----------
    cells : Cells
        By date, then by row and column. Covariates are read by the method, at the pixels: `x` is 0.
    wanted : int
        Cells with soil moisture on any date; those that the stack does not meet are among them.
    possible : int64, shape (m, 2)
        Row and column of those that it meets.
    skipped : dict
        Why a date has no rows.
    """

    cells: Cells
    wanted: int
    possible: np.ndarray
    skipped: Mapping[dt.date, str] = field(default_factory=dict)

    @property
    def dates(self) -> list[dt.date]:
        """Those with rows, ascending."""
        return [dt.date.fromordinal(day) for day in np.unique(self.cells.days).tolist()]

    @property
    def covered(self) -> str:
        """`1,100 of the 1,296 cells with soil moisture`, those that the stack meets."""
        return text("{:,} of the {:,} cells with soil moisture", len(self.possible), self.wanted)

    def where(self, mask: np.ndarray) -> AreaRows:
        """Some of the rows: bool, shape (n,)."""
        cells = taken(self.cells, mask)
        return replace(self, cells=cells, possible=np.unique(cells.cells, axis=0))

    def of_dates(self, least: int) -> AreaRows:
        """Without dates of fewer than `least` cells, and those whose cells all have one value."""
        skipped, kept = dict(self.skipped), np.ones(len(self.cells.y), bool)
        for date in self.dates:
            own = self.cells.days == date.toordinal()
            reason = why_unusable(self.cells.y[own], 0, least, "cells")
            if reason:
                skipped[date] = reason
                kept &= ~own
        return replace(self, cells=taken(self.cells, kept), skipped=dict(sorted(skipped.items())))


def taken(cells: Cells, mask: np.ndarray) -> Cells:
    """The rows of a mask, bool, shape (n,), as `Cells.take`; covariates that nobody reads take no memory."""
    rows = replace(cells, x=cells.x[:, :0]).take(mask)
    return replace(rows, x=_no_covariates(len(rows.y), cells.x.shape[1]))


def _no_covariates(rows: int, covariates: int) -> np.ndarray:
    return np.broadcast_to(np.zeros(covariates, np.float32), (rows, covariates))


def area_rows(inputs: AreaInputs, progress: Progress = SILENT) -> AreaRows:
    """The rows of all dates; a cell that lacks a dated covariate on a date has none of it.

    Raises
    ------
    InputError
        If the stack meets no cell with soil moisture, soil moisture is no m3 m-3, or a file cannot be read.
    """
    smap, (window, counts), met = inputs.smap, inputs.wanted, inputs.under_stack
    under = window.place_of(met).slices
    inside, seen = np.zeros_like(counts), np.zeros_like(counts)
    inside[under] = True
    parts: list[tuple[int, np.ndarray, np.ndarray]] = []
    skipped: dict[dt.date, str] = {}
    grid = smap.grid.crop(met)
    on_cells = [
        OnCells(replace(dated, minimum_share=_LEAST_COVERED), grid, progress=progress)
        for dated in inputs.dynamic
    ]
    lacking = {dated.name: 0 for dated in inputs.dynamic}
    counter = progress.counter(len(smap.dates), "dates of SMAP read")
    for date in smap.dates:
        values = np.where(counts, smap.read(date, window), np.nan)
        check_soil_moisture(smap, date, values)
        valid = np.isfinite(values)
        seen |= valid
        wanted = valid & inside
        reason = "" if wanted.any() else "no cell with soil moisture"
        missing = [dated.why_missing(date) for dated in inputs.dynamic if dated.entry(date) is None]
        for dated in on_cells if wanted.any() and not missing else ():
            without = wanted[under] & ~np.isfinite(dated.read(date, progress))
            lacking[dated.covariate.name] += int(without.sum())
            wanted[under] &= ~without
            if not wanted.any() and not reason:
                reason = f"{dated.covariate.name} has no value in its cells with soil moisture"
        if missing or reason:
            skipped[date] = (*missing, reason)[0]
        else:
            numbers = np.argwhere(wanted)
            parts.append((date.toordinal(), numbers, values[wanted].astype(np.float64)))
        counter.advance()
    if not (seen & inside).any():
        raise InputError(
            f"COVARIATES ({inputs.stack.source}): it meets none of the {int(seen.sum()):,} cells of "
            f"{smap.source} that have soil moisture; give the fine stack of the same area."
        )
    if not parts:
        first, reason = next(iter(skipped.items()))
        raise InputError(f"{smap.source}: no date can be used ({first}: {reason}); check dates and DYNAMIC.")
    whole = sum(len(numbers) for _, numbers, _ in parts) + sum(lacking.values())
    for name, count in lacking.items():
        if count:
            tell = progress.warn if count > _MOST_LACKING * whole else progress.log
            tell(
                text(
                    "{} has no value in {:,} of the {:,} cells with soil moisture on all dates, which are "
                    "not used on these dates",
                    name,
                    count,
                    whole,
                )
            )
    first_cell = window.row, window.col
    cells = np.concatenate([numbers for _, numbers, _ in parts]) + first_cell
    y = np.concatenate([values for _, _, values in parts])
    days = np.repeat([day for day, _, _ in parts], [len(numbers) for _, numbers, _ in parts])
    x = _no_covariates(len(y), len(inputs.names))
    place = centres_of_cells(smap.grid, cells)
    rows = Cells(x, y, cells, days.astype(np.int64), place, inputs.names, smap.grid, inputs.fine)
    return AreaRows(rows, int(seen.sum()), np.argwhere(seen & inside) + first_cell, skipped)
