"""What an experiment is made on: fine pixels with covariates, and the cells of SMAP over them."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from ...base.progress import SILENT, Progress
from ...geo.grid import Grid, Window, ease2_grid
from ...geo.ground import ground_size
from ...geo.lattice import Lattice, Transformation, transform_bounds
from ...geo.overlap import overlap
from ...geo.sampling import Between, bilinear
from ...geo.to_fine_grid import AREA_MEAN, way_of
from ...methods.base import FineBlock
from .numbers import landscape
from .numbers.truths import ROLES, roles_of

_T = TypeVar("_T")
_PIXELS_A_BLOCK = 1 << 19
#: Where the made-up landscape lies: the Andes at 15 degrees south; UTM zone 18 South.
_LONGITUDE, _LATITUDE, _UTM = -74.0, -15.0, "EPSG:32718"
#: Cells of the margin around the observed ones: more than a footprint of 33 km.
MARGIN = 5
_RAIN_PIXEL = 5_000.0
_FIRST_DAY = dt.date(2021, 1, 4).toordinal()
#: Days from one date to the next.
_STEP = 10


def days_of(dates: int) -> tuple[int, ...]:
    """Ordinals of made-up dates."""
    return tuple(_FIRST_DAY + _STEP * number for number in range(dates))


class Landing:
    """How pixels lie in cells: area weights, worked out once.

    Parameters
    ----------
    pixels, cells : Grid
    progress : Progress
        Asked for cancellation.
    """

    def __init__(self, pixels: Grid, cells: Grid, progress: Progress = SILENT):
        found = overlap(pixels, cells, [pixels.whole], progress)
        self._pixels, self._cells = found.pixels.astype(np.int32), found.cells.astype(np.int32)
        self._areas, self._shape = found.areas.astype(np.float32), cells.shape

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sums of pixels (rows, columns) times their area in cells: float64, shape of the cells; no NaN."""
        weighted = np.asarray(values, np.float32).ravel()[self._pixels] * self._areas
        size = self._shape[0] * self._shape[1]
        return np.bincount(self._cells, weighted, size).reshape(self._shape)

    def shares(self, valid: np.ndarray) -> np.ndarray:
        """Share of each cell that pixels of a mask cover."""
        return self.sums(valid)

    def means(self, values: np.ndarray, least: float = 0.0) -> np.ndarray:
        """Means over the pixels that are not NaN; NaN where they cover a share of `least` or less."""
        valid = np.isfinite(values)
        shares = self.shares(valid)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(shares > least, self.sums(np.where(valid, values, 0.0)) / shares, np.nan)


@dataclass(frozen=True, eq=False)
class Dated:
    """A dated covariate in memory.

    Attributes
    ----------
    name : str
    grid : Grid
    values : mapping
        Ordinal of a day -> float32 array, shape of the grid, NaN where missing.
    """

    name: str
    grid: Grid
    values: Mapping[int, np.ndarray]

    def mirrored(self) -> Dated:
        """Its mirror image, left to right."""
        return replace(self, values={day: values[:, ::-1] for day, values in self.values.items()})


@dataclass(frozen=True, eq=False)
class Scene:
    """Fine pixels, cells, and what methods are given of the pixels; it is their `FineReader` too.

    Attributes
    ----------
    grid, cells : Grid
        Of the fine pixels, and of SMAP.
    names : tuple of str
        The covariates that do not change.
    x : float32, shape (covariates, rows, columns)
        NaN where missing or masked.
    landing : Landing
    days : tuple of int
        Ordinals of the dates.
    dynamic : tuple of Dated
    """

    grid: Grid
    cells: Grid
    names: tuple[str, ...]
    x: np.ndarray
    landing: Landing
    days: tuple[int, ...]
    dynamic: tuple[Dated, ...] = ()
    _kept: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    @cached_property
    def valid(self) -> np.ndarray:
        """Pixels with all covariates that do not change: bool, shape of the grid."""
        return np.asarray(np.isfinite(self.x).all(axis=0))

    @cached_property
    def positions(self) -> tuple[np.ndarray, np.ndarray]:
        """Fractional rows and columns of the pixels among the cells, float64."""
        return Lattice(self.grid, self.cells).positions()

    @cached_property
    def cell_of(self) -> np.ndarray:
        """Number of the cell that holds each pixel, -1 where none does: int32, shape of the grid."""
        rows, cols = self.positions
        inside = (rows >= 0) & (rows < self.cells.height) & (cols >= 0) & (cols < self.cells.width)
        with np.errstate(invalid="ignore"):
            number = np.floor(rows) * self.cells.width + np.floor(cols)
        return np.where(inside, number, -1).astype(np.int32)

    @cached_property
    def pixel(self) -> tuple[float, float]:
        """Height and width of a pixel on the ground, m."""
        return ground_size(self.grid)

    @cached_property
    def cell(self) -> tuple[float, float]:
        """Height and width of a cell on the ground, m."""
        return ground_size(self.cells)

    @property
    def dated(self) -> tuple[str, ...]:
        """The dated covariates."""
        return tuple(one.name for one in self.dynamic)

    @property
    def all_names(self) -> tuple[str, ...]:
        """All covariates in the order in which methods get them."""
        return (*self.names, *self.dated)

    def blocks(self, names: Sequence[str], progress: Progress = SILENT) -> Iterator[FineBlock]:
        """As `methods.base.FineReader` has it."""
        rows, cols = self.positions
        bands = [self.names.index(name) for name in names]
        height = max(1, _PIXELS_A_BLOCK // self.grid.width)
        for start in range(0, self.grid.height, height):
            progress.check()
            part = slice(start, start + height)
            yield FineBlock(self.x[bands, part], rows[part], cols[part])

    def dated_on(self, name: str, day: int, grid: Grid, progress: Progress = SILENT) -> np.ndarray:
        """As `methods.base.FineReader` has it: area means where the covariate is finer, else bilinear."""
        one = self.dynamic[self.dated.index(name)]
        bring = self.kept(("way", name, grid), lambda: _way(one.grid, grid, progress))
        return np.asarray(bring(one.values[day]), np.float32)

    def kept(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """As `methods.base.FineReader` has it."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
            found: _T = self._kept[key]
            return found

    @cached_property
    def cell_x(self) -> np.ndarray:
        """Means of the covariates that do not change on the cells: float32, (covariates, rows, columns)."""
        return np.stack(
            [self.landing.means(np.where(self.valid, band, np.nan), 0.5) for band in self.x]
        ).astype(np.float32)

    @cached_property
    def roles(self) -> dict[str, str]:
        """Which covariate plays which role of a truth; constant ones play none."""
        some = [name for name, band in zip(self.names, self.x) if np.nanstd(band) > 0]
        # Dated ones first: rain that falls on a date is a better rain than its mean.
        return roles_of((*self.dated, *some))

    def mirrored(self) -> Scene:
        """The scene whose covariates are the mirror images of these, left to right."""
        flipped = np.where(self.valid, self.x[:, :, ::-1], np.nan)
        dynamic = tuple(one.mirrored() for one in self.dynamic)
        return Scene(self.grid, self.cells, self.names, flipped, self.landing, self.days, dynamic)


def _way(source: Grid, target: Grid, progress: Progress) -> Callable[[np.ndarray], np.ndarray]:
    if way_of(source, target) == AREA_MEAN:
        landing = Landing(source, target, progress)
        return lambda values: landing.means(values)
    return Between((source.height, source.width), *Lattice(target, source, progress).positions()).of


def made_up_grids(cells: int, pixel: float, nested: bool = False, margin: int = MARGIN) -> tuple[Grid, Grid]:
    """Pixels and cells at 15 degrees south.

    Parameters
    ----------
    cells : int
        SMAP cells a side that are observed.
    pixel : float
        Side of a pixel, m.
    nested : bool
        Pixels that divide the cells, in the CRS of SMAP; else in UTM, across their edges.
    margin : int
        Cells around the observed ones that pixels cover too.

    Returns
    -------
    pixels, cells : Grid
    """
    whole = ease2_grid("9 km")
    x, y = Transformation("EPSG:4326", whole.crs)(np.array([_LONGITUDE]), np.array([_LATITUDE]))
    row = int((whole.top - y[0]) / whole.cell_height) - cells // 2
    col = int((x[0] - whole.left) / whole.cell_width) - cells // 2
    observed = whole.crop(Window(row, col, cells, cells))
    around = whole.crop(Window(row - margin, col - margin, cells + 2 * margin, cells + 2 * margin))
    if nested:
        cut = max(1, round(whole.cell_width / pixel))
        return Grid(
            whole.crs, around.left, around.top, whole.cell_width / cut, whole.cell_height / cut,
            around.width * cut, around.height * cut,
        ), observed  # fmt: skip
    bounds = transform_bounds(around.bounds, whole.crs, _UTM)
    left, top = np.floor(bounds.left / pixel) * pixel, np.ceil(bounds.top / pixel) * pixel
    width, height = np.ceil((bounds.right - left) / pixel), np.ceil((top - bounds.bottom) / pixel)
    return Grid(_UTM, float(left), float(top), pixel, pixel, int(width), int(height)), observed


@dataclass(frozen=True)
class MadeUp:
    """Makes scenes of made-up covariates, another one for each seed.

    Parameters
    ----------
    cells : int
        SMAP cells a side.
    pixel : float
        Side of a pixel, m.
    nested : bool
        See `made_up_grids`.
    lakes : bool
        Whether some pixels are water.
    dated_rain : bool
        Whether each date has its own rain, a dated covariate.
    margin : int
        See `made_up_grids`.
    """

    cells: int = 36
    pixel: float = 1000.0
    nested: bool = False
    lakes: bool = True
    dated_rain: bool = False
    margin: int = MARGIN
    _landing: dict[str, Landing] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __call__(self, seed: int, dates: int, progress: Progress = SILENT) -> Scene:
        """The scene of a seed."""
        days = days_of(dates)
        grid, cells = made_up_grids(self.cells, self.pixel, self.nested, self.margin)
        if "" not in self._landing:
            self._landing[""] = Landing(grid, cells, progress)
        x, names = landscape.covariates(grid.shape, seed, progress), landscape.NAMES
        dynamic: tuple[Dated, ...] = ()
        if self.dated_rain:
            place = names.index(landscape.RAIN)
            dynamic = (_dated_rain(x[place], grid, seed, days),)
            x, names = np.delete(x, place, axis=0), names[:place] + names[place + 1 :]
        if self.lakes:
            x[:, landscape.lakes(grid.shape, seed)] = np.nan
        return Scene(grid, cells, names, x, self._landing[""], days, dynamic)


def _dated_rain(pattern: np.ndarray, grid: Grid, seed: int, days: Sequence[int]) -> Dated:
    """Rain on pixels of 5 km."""
    coarse = coarser(grid, _RAIN_PIXEL)
    rows, cols = Lattice(coarse, grid).positions()
    lasting = bilinear(pattern, np.minimum(rows, grid.height - 0.5), np.minimum(cols, grid.width - 0.5))
    return Dated(
        landscape.RAIN,
        coarse,
        {day: landscape.rain_of_date(lasting, seed, number) for number, day in enumerate(days)},
    )


def coarser(grid: Grid, pixel: float) -> Grid:
    """A grid over the whole of another one, with pixels of some of its pixels, about `pixel` m wide."""
    cut = max(1, round(pixel / max(ground_size(grid))))
    return Grid(
        grid.crs,
        grid.left,
        grid.top,
        grid.cell_width * cut,
        grid.cell_height * cut,
        -(-grid.width // cut),
        -(-grid.height // cut),
    )


def role_reader(scene: Scene) -> Callable[[str, int], np.ndarray]:
    """Gives the covariate of a role on a date (its number), NaN where masked."""
    places = {role: scene.roles[role] for role in ROLES}

    def read(role: str, date: int) -> np.ndarray:
        name = places[role]
        if name in scene.dated:
            return np.where(scene.valid, scene.dated_on(name, scene.days[date], scene.grid), np.nan)
        return np.where(scene.valid, scene.x[scene.names.index(name)], np.nan)

    return read
