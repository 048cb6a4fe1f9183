"""A look at rasters before the work: a few thousand points, whatever their CRS and size."""

from __future__ import annotations

import abc
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ..base.progress import SILENT, Progress
from ..geo.area import Area
from ..geo.grid import Bounds, Grid, Window
from ..geo.lattice import Lattice
from ..geo.points import points_on_grid
from ..geo.sampling import cells_of
from ..geo.sources import BandReader, Mask, Source

#: Points looked at, and rows of a raster read for them, at most: fewer of a large one, whose rows
#: may each cost a row of packed tiles.
POINTS, ROWS, LEAST_ROWS = 20_000, 200, 12
_LARGE = 4_000_000


@dataclass(frozen=True)
class Sample:
    """What the points of a source say.

    Attributes
    ----------
    covered : float
        Share of the points inside the raster.
    values : float array, shape (n,)
        At the points inside, NaN where missing.
    stored : float array, shape (n,)
        The same as the file holds them.
    """

    covered: float
    values: np.ndarray
    stored: np.ndarray

    @property
    def nodata(self) -> float:
        """Share of the points inside that have no value; NaN without any point inside."""
        return float(np.isnan(self.values).mean()) if self.values.size else math.nan

    @property
    def count(self) -> int:
        """Points with a value."""
        return int((~np.isnan(self.values)).sum())

    @property
    def low(self) -> float:
        """Lowest value; NaN without any."""
        return range_of(self.values)[0]

    @property
    def high(self) -> float:
        """Highest value; NaN without any."""
        return range_of(self.values)[1]


def range_of(values: np.ndarray) -> tuple[float, float]:
    """Lowest and highest of `values`, of any shape, that are not NaN; NaN without any."""
    valid = values[~np.isnan(values)]
    return (float(valid.min()), float(valid.max())) if valid.size else (math.nan, math.nan)


def merged(samples: Sequence[Sample]) -> Sample:
    """Several samples as one; covered is the mean of theirs."""
    return Sample(
        float(np.mean([sample.covered for sample in samples])),
        np.concatenate([sample.values for sample in samples]),
        np.concatenate([sample.stored for sample in samples]),
    )


def points_over(target: Grid, most: int = POINTS) -> Grid:
    """A grid over the same area whose cell centres are the points to look at: `most` at the most."""
    side = math.sqrt(most * target.height / target.width)
    rows = max(1, min(most, int(side)))
    cols = max(1, most // rows)
    height, width = target.height * target.cell_height / rows, target.width * target.cell_width / cols
    return Grid(target.crs, target.left, target.top, width, height, cols, rows)


def box_grid(crs: str, bounds: Bounds) -> Grid:
    """A box as a grid of one cell, to be sampled as a whole."""
    return Grid(crs, bounds.left, bounds.top, bounds.right - bounds.left, bounds.top - bounds.bottom, 1, 1)


class AnySampler(abc.ABC):
    """Samples sources at points; for one thread, and `progress` is asked for cancellation.

    `cells` is what the points stand for; None where they stand for themselves.
    """

    def __init__(self, progress: Progress, cells: Grid | None = None):
        self.progress, self.cells, self._reader = progress, cells, BandReader()
        self._cells_on: dict[Grid, tuple[float, np.ndarray, np.ndarray]] = {}

    @abc.abstractmethod
    def _find(self, grid: Grid) -> tuple[float, np.ndarray, np.ndarray]:
        """Share of the points on a grid, and rows and columns of those that are looked at there."""

    def sample(self, source: Source) -> Sample:
        """The sample of a source."""
        covered, rows, cols = self._covered(source.grid)
        if not rows.size:
            empty = np.empty(0)
            return Sample(covered, empty, empty)
        stored = self._read(source, rows, cols)
        return Sample(covered, np.asarray(source.of(stored)), stored)

    def _covered(self, grid: Grid) -> tuple[float, np.ndarray, np.ndarray]:
        if grid not in self._cells_on:
            self._cells_on[grid] = self._find(grid)
        return self._cells_on[grid]

    def _read(self, source: Source, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Values at these cells, or nearly: of `cells` only every n-th row is read, and whole."""
        plain = Source(source.path, source.band, source.grid, look=source.look)
        top, left = int(rows.min()), int(cols.min())
        width = int(cols.max()) - left + 1
        height = int(rows.max()) - top + 1
        most = max(LEAST_ROWS, int(ROWS * min(1.0, _LARGE / (height * width))))
        stride = 1 if self.cells is None else math.ceil(height / most)
        strips = (rows - top) // stride
        out = np.full(rows.shape, np.nan, np.float32)
        for strip in np.unique(strips):
            self.progress.check()
            row = min(top + int(strip) * stride + stride // 2, source.grid.height - 1)
            values = self._reader.read(plain, Window(row, left, 1, width))[0]
            here = strips == strip
            out[here] = values[cols[here] - left]
        return out


class Sampler(AnySampler):
    """Samples sources at the points over a target grid.

    Parameters
    ----------
    target : Grid
    mask : Mask or None
        Points that it masks are not looked at.
    progress : Progress
    area : Area or None
        Points beside it are not looked at.
    """

    def __init__(
        self, target: Grid, mask: Mask | None = None, progress: Progress = SILENT, area: Area | None = None
    ):
        super().__init__(progress, target)
        self._points = points_over(target)
        self._kept = np.ones(self._points.shape, bool)
        if area is not None:
            self._kept = area.touched(self._points, "the layers", progress=progress).mask()
        points = int(self._kept.sum())
        if mask is not None:
            self._kept &= ~mask.covers(*Lattice(self._points, mask.grid, progress).positions())
        #: Share of the points that the mask takes away.
        self.masked = 1.0 - int(self._kept.sum()) / points

    def _find(self, grid: Grid) -> tuple[float, np.ndarray, np.ndarray]:
        positions = Lattice(self._points, grid, self.progress).positions()
        inside, rows, cols = cells_of(*positions, grid.shape)
        inside &= self._kept
        count = int(self._kept.sum())
        return float(inside.sum() / count) if count else math.nan, rows[inside], cols[inside]


class PointSampler(AnySampler):
    """Samples sources at single points, such as stations: exactly there, at `ROWS` of many at the most.

    Parameters
    ----------
    crs : str
    x, y : float64 arrays, shape (n,)
    progress : Progress
    """

    def __init__(self, crs: str, x: np.ndarray, y: np.ndarray, progress: Progress = SILENT):
        super().__init__(progress)
        self._crs, self._x, self._y = crs, x, y

    def _find(self, grid: Grid) -> tuple[float, np.ndarray, np.ndarray]:
        points = points_on_grid(grid, self._crs, self._x, self._y)
        inside = np.flatnonzero(points.inside)
        some = inside[np.unique(np.linspace(0, len(inside) - 1, min(len(inside), ROWS)).astype(np.intp))]
        covered = float(points.inside.mean()) if len(points.inside) else math.nan
        return covered, points.rows[some].astype(np.intp), points.cols[some].astype(np.intp)


def same_values(samples: Sequence[Sample]) -> list[tuple[int, int]]:
    """Pairs of samples with the same numbers at all points, but for those of one value."""
    several = [number for number, sample in enumerate(samples) if sample.low < sample.high]
    return [
        (first, second)
        for first, second in combinations(several, 2)
        if np.array_equal(samples[first].values, samples[second].values, equal_nan=True)
    ]
