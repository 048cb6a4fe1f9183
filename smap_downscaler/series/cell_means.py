"""Dated covariates on grids of their own, averaged over SMAP cells."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..base.errors import InputError
from ..base.progress import SILENT, Progress
from ..geo.grid import Grid
from ..geo.overlap import Overlap, overlap
from .series import Series
from .window import source_date


@dataclass(frozen=True)
class DatedCells:
    """Dated covariates over the cells of a grid; see `over`."""

    cells: Grid
    series: tuple[Series, ...]
    window: int
    minimum_share: float
    _weights: tuple[Overlap, ...]

    @classmethod
    def over(
        cls,
        cells: Grid,
        series: Sequence[Series],
        window: int = 0,
        minimum_share: float = 0.5,
        progress: Progress = SILENT,
    ) -> DatedCells:
        """Work out once how the pixels of each series lie in the cells.

        Parameters
        ----------
        cells : Grid
        series : sequence of Series
        window : int
            How many days old a raster may be, see `dated.source_date`.
        minimum_share : float
            Least share of a cell that a covariate must cover.

        Raises
        ------
        InputError
            If a series does not meet the cells, or the share is none.
        """
        if not 0 <= minimum_share <= 1:
            raise InputError(f"MINIMUM_COVERED is {minimum_share:g}; give a share from 0 to 1.")
        weights = tuple(overlap(one.grid, cells, one.source, progress) for one in series)
        return cls(cells, tuple(series), window, minimum_share, weights)

    def read(self, date: dt.date) -> np.ndarray:
        """Area-weighted means of a date: float32, shape (series, rows, columns), NaN where missing."""
        out = np.full((len(self.series), *self.cells.shape), np.nan, np.float32)
        for number, (series, weights) in enumerate(zip(self.series, self._weights)):
            source = source_date(series, date, self.window)
            if source is not None:
                out[number] = weights.mean(series.read(source, weights.window), self.minimum_share)
        return out

    def missing(self, date: dt.date) -> list[str]:
        """The covariates for which no raster stands on a date."""
        return [series.name for series in self.series if source_date(series, date, self.window) is None]
