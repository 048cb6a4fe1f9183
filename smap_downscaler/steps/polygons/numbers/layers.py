"""Bands that polygons get statistics of, and these statistics."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ....base.nodata import Look
from ....geo.polygon_runs import Placed
from .statistics import STATISTICS, Spread, Statistics, driest_and_wettest, spreads


@dataclass(frozen=True)
class Layer:
    """A band with one value per pixel: its variable, date (None for a static one), file, band, and look."""

    variable: str
    date: dt.date | None
    path: str
    band: int
    look: Look | None = None


@dataclass(frozen=True)
class LayerStatistics:
    """Statistics of polygons in layers of one grid, in their order.

    Attributes
    ----------
    layers : tuple of Layer
    statistics : Statistics
    placed : Placed
        How the polygons lie on the grid.
    rule : str
        Which pixels belong to a polygon: CENTRE or AREA.
    ddof : int
        See `Moments.statistics`.
    """

    layers: tuple[Layer, ...]
    statistics: Statistics
    placed: Placed
    rule: str
    ddof: int

    @property
    def dates(self) -> list[dt.date]:
        """Those of the layers that have one."""
        return [layer.date for layer in self.layers if layer.date is not None]

    @property
    def without_values(self) -> int:
        """How many polygons have pixels, but no valid one in any layer."""
        empty = ~(self.statistics.n > 0).any(axis=0)
        return int(empty[np.unique(self.placed.runs.polygon)].sum())

    def spreads(self) -> list[Spread]:
        """How the statistics are spread over the polygons."""
        return spreads([(layer.variable, layer.date) for layer in self.layers], self.statistics)

    def on(self, dates: Sequence[dt.date]) -> dict[dt.date, dict[str, np.ndarray]]:
        """Each statistic of the polygons, shape (polygons,), by date; all layers have dates.

        Parameters
        ----------
        dates : sequence of date
            Without any the driest and the wettest, see `driest_and_wettest`.
        """
        return {
            date: {name: getattr(self.statistics, name)[self.dates.index(date)] for name in STATISTICS}
            for date in dates or driest_and_wettest(self.dates, self.statistics)
        }
