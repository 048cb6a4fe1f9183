"""What is known before a model is fitted: the stack over sub-cells, and soil moisture by day and cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...geo.grid import Grid
from ..base import Cells, FineReader
from .dated import Dated, dated_of
from .footprint import FOOTPRINTS
from .ground import Ground
from .moments import Moments, gather
from .settings import AreaSettings
from .subcells import subcells_of

#: Cells of a model, at least.
LEAST_CELLS = 60


@dataclass(frozen=True, eq=False)
class Data:
    """The stack over sub-cells, and soil moisture by day and cell.

    Attributes
    ----------
    grid : Grid
        SMAP's.
    fine : FineReader
    static, dated_names : tuple of str
        Covariates of the stack, and dated ones.
    moments : Moments
    cells : int64, shape (n, 2)
        In the window of the sub-cells.
    days : int64, shape (dates,)
        Ordinals, ascending.
    cube : float64, shape (dates, n)
        Soil moisture, m3 m-3; NaN where missing.
    """

    grid: Grid
    fine: FineReader
    static: tuple[str, ...]
    dated_names: tuple[str, ...]
    moments: Moments
    cells: np.ndarray
    days: np.ndarray
    cube: np.ndarray

    def dated(self, days: np.ndarray, settings: AreaSettings, progress: Progress) -> Dated | None:
        """The dated covariates of some days; see `dated_of`."""
        subcells, terms = self.moments.subcells, settings.terms
        return dated_of(self.fine, self.dated_names, days, self.grid, subcells, terms, progress)

    def usable(self, ground: Ground) -> np.ndarray:
        """Which cells can be used, bool, shape (n,); refuses too few."""
        usable: np.ndarray = ground.sights.usable[tuple(self.cells.T)]
        if usable.sum() < LEAST_CELLS:
            lost = len(usable) - int(usable.sum())
            where = (
                f" ({lost} of {len(usable)} lie too far out of the fine stack, or under a mask)"
                if lost
                else ""
            )
            wide = f" with a footprint of {ground.footprint_km:g} km" if ground.footprint_km else ""
            advice = "use a larger area"
            if len(usable) >= LEAST_CELLS:
                beyond = " and one footprint beyond them, or a smaller FOOTPRINT" if wide else ""
                advice = f"use a stack that covers more of them{beyond}"
            raise InputError(
                f"{int(usable.sum())} SMAP cells can be used{wide}{where}, and an area-to-point model needs "
                f"{LEAST_CELLS}; {advice}."
            )
        return usable


def data_of(cells: Cells, settings: AreaSettings, progress: Progress = SILENT) -> Data:
    """The stack over sub-cells, and soil moisture by day and cell.

    Raises
    ------
    InputError
        If there is no SMAP grid or fine stack, or a covariate is in neither.
    """
    grid, fine = cells.grid, cells.fine
    if grid is None or fine is None:
        raise InputError(
            "An area-to-point model needs the SMAP grid and a fine stack; train it with 'SMAP' and "
            "'COVARIATES'."
        )
    static = tuple(name for name in cells.names if name in fine.names)
    dated = tuple(name for name in cells.names if name not in fine.names)
    unknown = [name for name in dated if name not in fine.dated]
    if unknown:
        raise InputError(f"{unknown[0]} is neither a band of the fine stack nor a dated covariate; add it.")
    first, last = cells.cells.min(axis=0), cells.cells.max(axis=0)
    # One number a cell is sorted many times as fast as two.
    wide = int(last[1] - first[1]) + 1
    flat, of_cell = np.unique((cells.cells - first) @ np.array([wide, 1]), return_inverse=True)
    places = np.column_stack(np.divmod(flat, wide)) + first
    days, of_day = np.unique(cells.days, return_inverse=True)
    cube = np.full((len(days), len(places)), np.nan)
    cube[of_day.reshape(-1), of_cell.reshape(-1)] = cells.y
    width = settings.footprint_km
    reach = FOOTPRINTS[-1] if width is None else width
    subcells = subcells_of(grid, _extent_of(grid, places), reach)
    key = ("moments", subcells, static, settings.categorical, settings.terms)
    moments = fine.kept(
        key, lambda: gather(fine, static, settings.categorical, settings.terms, subcells, progress)
    )
    return Data(grid, fine, static, dated, moments, places - np.array(subcells.corner), days, cube)


def _extent_of(grid: Grid, places: np.ndarray) -> np.ndarray:
    """First and last cell of the sub-cells' window: the grid's where it is no larger than the area.

    So that folds and dates whose cells differ share what hangs on the stack.
    """
    area = int(np.prod(places.max(axis=0) - places.min(axis=0) + 1))
    if grid.width * grid.height <= max(4 * area, 2500):
        return np.array([[0, 0], [grid.height - 1, grid.width - 1]])
    return places
