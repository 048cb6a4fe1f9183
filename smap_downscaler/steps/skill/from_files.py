"""Scenes and coarse series of users' files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...geo.area_means import cell_means
from ...geo.datasets import same_crs
from ...geo.grid import Grid, Window, ease2_grid
from ...geo.lattice import Lattice, cell_text, transform_bounds
from ...series.dated import DatedCovariate
from ...series.dated_on_grid import OnCells, OnPixels
from ...series.series import Series
from ...series.stack import Stack
from ..matrix.build import check_soil_moisture
from .scale_up import Coarse
from .scene import Dated, Landing, Scene, coarser, days_of

#: Values of a stack that are held in memory at once.
MOST_VALUES = 300_000_000
#: Dated covariates are held on pixels of at least this size on the ground, m.
_DATED_PIXEL = 1_000.0
#: Pixels along the side of a cell, at least.
_LEAST_PIXELS = 3


@dataclass
class OfStack:
    """Makes scenes of a fine stack; it is the same for all seeds.

    Parameters
    ----------
    stack : Stack
    cells : Grid or None
        The grid of SMAP; None: 9 km.
    dynamic : sequence of DatedCovariate
    dates : sequence of date
        Of the SMAP series, where there is one: the dates of scenes are some of them.
    """

    stack: Stack
    cells: Grid | None = None
    dynamic: Sequence[DatedCovariate] = ()
    dates: Sequence[dt.date] = ()
    _scenes: dict[int, Scene] = field(default_factory=dict, init=False, repr=False)

    def __call__(self, _seed: int, dates: int, progress: Progress = SILENT) -> Scene:
        """The scene with so many dates.

        Raises
        ------
        InputError
            If the stack does not fit into memory or is no finer than the cells, or dates are lacking.
        """
        if dates not in self._scenes:
            self._scenes = {dates: self._scene(dates, progress)}
        return self._scenes[dates]

    def _scene(self, dates: int, progress: Progress) -> Scene:
        stack = self.stack
        count = stack.grid.width * stack.grid.height * len(stack.names)
        if count > MOST_VALUES:
            raise InputError(
                f"{stack.source}: its {len(stack.names)} bands of {stack.grid.width:,} x "
                f"{stack.grid.height:,} pixels are too many for this test, which holds them in memory; cut "
                "the stack to a smaller area first."
            )
        progress.set_text("Reading the stack")
        cells = cells_over(stack.grid, self.cells or ease2_grid("9 km"), stack.source)
        rows, cols = Lattice(stack.grid, cells, progress).pixel_size()
        if max(rows, cols) * _LEAST_PIXELS > 1:
            raise InputError(
                f"{stack.source}: its pixels of {cell_text(stack.grid)} are too coarse for cells of "
                f"{cell_text(cells)}; give the fine stack."
            )
        x = np.stack([stack.read([name])[0] for name in stack.names])
        stack.check_codes()
        landing = Landing(stack.grid, cells, progress)
        days, dynamic = self._dated(dates, progress)
        return Scene(stack.grid, cells, stack.names, x, landing, days, dynamic)

    def _dated(self, dates: int, progress: Progress) -> tuple[tuple[int, ...], tuple[Dated, ...]]:
        if not self.dynamic:
            return days_of(dates), ()
        known = self.dates or sorted({date for one in self.dynamic for date in one.series.dates})
        known = [date for date in known if all(one.entry(date) is not None for one in self.dynamic)]
        if len(known) < dates:
            raise InputError(
                f"DYNAMIC: only {len(known):,} dates have all dated covariates, and DATES asks for {dates}; "
                "give a longer series, or fewer dates."
            )
        some = [known[place] for place in np.rint(np.linspace(0, len(known) - 1, dates)).astype(int)]
        grid = coarser(self.stack.grid, _DATED_PIXEL)
        dynamic = []
        for one in self.dynamic:
            on_pixels = OnPixels(one, grid, progress)
            values = {date.toordinal(): on_pixels.block(date, grid.whole)(progress) for date in some}
            one.series.check_codes()
            dynamic.append(Dated(one.name, grid, values))
        return tuple(date.toordinal() for date in some), tuple(dynamic)


def cells_over(fine: Grid, whole: Grid, label: str) -> Grid:
    """The cells that a fine grid touches.

    Raises
    ------
    InputError
        If there are none.
    """
    window = whole.window_touching(transform_bounds(fine.bounds, fine.crs, whole.crs))
    if window is None:
        raise InputError(f"{label}: the stack does not meet the cells of SMAP; give one of the same area.")
    return whole.crop(window)


def coarse_series(
    smap: Series,
    stack: Stack,
    dynamic: Sequence[DatedCovariate],
    most: int,
    progress: Progress = SILENT,
) -> Coarse:
    """A SMAP series, with the means of covariates on its cells, on the dates with the most values.

    Parameters
    ----------
    smap : Series
    stack : Stack
    dynamic : sequence of DatedCovariate
    most : int
        Dates.
    progress : Progress

    Raises
    ------
    InputError
        If no date has all dated covariates, soil moisture is no m3 m-3, or a file cannot be read.
    """
    dates = [date for date in smap.dates if all(one.entry(date) is not None for one in dynamic)]
    if not dates:
        raise InputError("DYNAMIC: no date of SMAP has all dated covariates; give series of the same dates.")
    window = _touched(smap, stack)
    grid = smap.grid.crop(window)
    counter = progress.counter(len(dates), "dates read")
    found: list[tuple[int, dt.date, np.ndarray]] = []
    for date in dates:
        values = smap.read(date, window)
        check_soil_moisture(smap, date, values)
        found.append((int(np.isfinite(values).sum()), date, values))
        # The dates with the most cells; the first of several.
        found = sorted(found, key=lambda one: (-one[0], one[1]))[:most]
        counter.advance()
    found.sort(key=lambda one: one[1])
    progress.set_text("Averaging the covariates")
    x = _on_cells(stack, grid, progress)
    stack.check_codes()
    on_cells = [(one.name, OnCells(one, grid, progress=progress)) for one in dynamic]
    dated = [
        Dated(name, grid, {date.toordinal(): cells.read(date, progress) for _, date, _ in found})
        for name, cells in on_cells
    ]
    return Coarse(
        grid,
        tuple(date.toordinal() for _, date, _ in found),
        np.stack([values for _, _, values in found]).astype(np.float64),
        stack.names,
        x,
        tuple(dated),
        smap.source,
    )


def _on_cells(stack: Stack, grid: Grid, progress: Progress) -> np.ndarray:
    """The means of covariates on cells: float32, shape (covariates, rows, columns), NaN where missing."""
    first = stack.grid.cell_offset_in(grid) if same_crs(stack.grid.crs, grid.crs) else None
    if first is None:
        bands = [stack.band(name) for name in stack.names]
        return cell_means(bands, grid, minimum_share=0.5, progress=progress).values.astype(np.float32)
    # Its pixels are the cells: nothing is to be averaged.
    whole = Window(*first, *stack.grid.shape)
    found = np.full((len(stack.names), *grid.shape), np.nan, np.float32)
    common = whole.common(grid.whole)
    if common is not None:
        rows, cols = common.slices
        found[:, rows, cols] = stack.read(stack.names, whole.place_of(common))
    return found


def _touched(smap: Series, stack: Stack) -> Window:
    bounds = transform_bounds(stack.grid.bounds, stack.grid.crs, smap.grid.crs)
    window = smap.grid.window_touching(bounds)
    if window is None:
        raise InputError(
            f"{stack.source}: the stack does not meet the cells of {smap.source}; give one of the same area."
        )
    return window
