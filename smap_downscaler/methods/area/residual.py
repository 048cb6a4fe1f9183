"""What a model left of SMAP's cells, brought to pixels by the field and the noise alone."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ...base.progress import SILENT, Progress
from ...geo.grid import Grid
from ..base import Block, Cells, FineBlock
from .core import fit_core
from .model import AreaModel
from .settings import AreaSettings

_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class ResidualField:
    """A field that was fitted to cells.

    Parameters
    ----------
    model : AreaModel
        Of one date, without terms.
    day : int
        Its ordinal.
    """

    model: AreaModel
    day: int

    @property
    def noise_sd(self) -> float:
        """Standard deviation of SMAP's noise, m3 m-3."""
        return self.model.noise_sd

    def at(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """The field at places of the SMAP grid, in fractions: float64, of their shape.

        The first centre is at .5; beyond the cells NaN.
        """
        return self.model.field_at(rows, cols, self.day)

    def sd_at(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Standard deviation of what is true about the field at places: float64, of their shape."""
        grid = self.model.grid
        places = np.column_stack(
            [
                grid.left + np.ravel(cols) * grid.cell_width,
                grid.top - np.ravel(rows) * grid.cell_height,
            ]
        )
        days = np.full(len(places), self.day, np.int64)
        found = self.model.predict(Block(np.zeros((len(places), 0)), days, places), sd=True)
        return np.asarray(found.sd).reshape(np.shape(rows))


@dataclass(frozen=True)
class _NoStack:
    """A fine stack without covariates: all of the grid is valid."""

    grid: Grid
    names: tuple[str, ...] = ()
    dated: tuple[str, ...] = ()

    def blocks(self, names: Sequence[str], progress: Progress = SILENT) -> Iterator[FineBlock]:
        """One pixel a cell, and some beyond the edges, for the footprint."""
        rows, cols = (np.arange(-_BEYOND, size + _BEYOND) + 0.5 for size in self.grid.shape)
        shape = len(rows), len(cols)
        yield FineBlock(
            np.zeros((0, *shape), np.float32),
            np.broadcast_to(rows[:, None], shape).copy(),
            np.broadcast_to(cols, shape).copy(),
        )

    def dated_on(self, name: str, day: int, grid: Grid, progress: Progress = SILENT) -> np.ndarray:
        """There is none."""
        raise KeyError(name)

    def kept(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """Nothing is kept."""
        return make()


#: Cells beyond the grid on which SMAP's footprint may lie.
_BEYOND = 16


def fit_residual(
    grid: Grid,
    cells: np.ndarray,
    values: np.ndarray,
    footprint_km: float = 0.0,
    noise: float | None = None,
    day: int = 1,
    progress: Progress = SILENT,
) -> ResidualField:
    """Fit the field to what was left of cells.

    Parameters
    ----------
    grid : Grid
        SMAP's.
    cells : int, shape (n, 2)
        Rows and columns.
    values : float64, shape (n,)
        m3 m-3.
    footprint_km : float
    noise : float, optional
        Standard deviation of SMAP's noise, m3 m-3; without it estimated.
    day : int
        Ordinal of the date.

    Raises
    ------
    InputError
        If there are too few cells, or the likelihood does not converge.
    """
    days = np.full(len(values), day, np.int64)
    rows = Cells(np.zeros((len(values), 0)), values, cells, days, None, (), grid, _NoStack(grid))
    settings = AreaSettings(footprint_km=footprint_km, noise=noise, terms=())
    return ResidualField(AreaModel(fit_core(rows, settings, False, progress)), day)


__all__ = ["ResidualField", "fit_residual"]
