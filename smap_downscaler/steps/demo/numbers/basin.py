"""The demo basin as a whole: what stays, and what happens day by day."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ....base.progress import SILENT, Progress
from ....geo.grid import Bounds, Grid
from .bucket import Bucket
from .fields import block_sums, correlated, enlarge
from .mask import make_mask, most_masked
from .rain import RainSampler, daily_rain, orographic_factor, rain_grid
from .settings import BLOCK, HILLS, MASK, PIXEL, SOIL, TERRAIN, UNEXPLAINED, DemoSettings
from .shape import (
    CELL_AREA,
    LEAST_COVER,
    Plan,
    SmapCells,
    Transform,
    centre_pixels,
    pixel_coordinates,
    plan_basin,
    smap_cells,
)
from .soil import Soil, WaterLimits, hollowness, make_soil, water_limits
from .terrain import HIGHEST, LOWEST, Relief, Terrain, make_relief, make_terrain

#: How much the aspect changes the evaporative demand for each unit of slope (north faces the sun).
_SUN = 0.8
#: How much the unexplained pattern (plant cover, stones) lowers it for each unit.
UNEXPLAINED_DEMAND = 0.12
#: Steps of the truth of a year in 1 m3 m-3, a power of 2, so that few bits of a number are not 0.
STEPS = 8192
_MOST_TRIES = 8
#: Every so many pixels are looked at: neighbours say much the same.
_EVERY = 7


@dataclass(frozen=True)
class Basin:
    """All that does not change from day to day; arrays have the shape of `grid` unless stated.

    Attributes
    ----------
    grid : Grid
        Pixels of 100 m in UTM.
    cells : SmapCells
    outline : ndarray
        The drainage basin, bool.
    cell_in_basin : ndarray
        SMAP cells with a value whose centre lies in the basin, bool, shape of `cells.grid`.
    terrain, soil, limits
        The land; `terrain.elevation` has flat lakes.
    hollow, demand_factor : ndarray
        Standardised wetness index, and factor on the evaporative demand.
    lakes, towns : ndarray
        bool.
    rain_grid : Grid
        0.05 degrees.
    rain_factor : ndarray
        Orographic factor on `rain_grid`.
    lon, lat : ndarray
        Degrees, float64.
    """

    settings: DemoSettings
    grid: Grid
    cells: SmapCells
    outline: np.ndarray
    cell_in_basin: np.ndarray
    terrain: Terrain
    soil: Soil
    limits: WaterLimits
    hollow: np.ndarray
    demand_factor: np.ndarray
    lakes: np.ndarray
    towns: np.ndarray
    rain_grid: Grid
    rain_factor: np.ndarray
    lon: np.ndarray
    lat: np.ndarray

    @property
    def masked(self) -> np.ndarray:
        """Lakes and towns, bool."""
        return np.asarray(self.lakes | self.towns)


@dataclass(frozen=True)
class Day:
    """A day of rain, and the truth of its morning on days with SMAP.

    Attributes
    ----------
    rain : ndarray
        mm/d on the rain grid, float32.
    moisture : ndarray or None
        m3 m-3 at 100 m, float32, NaN where masked: the state at 6:00, before the day's rain.
    """

    date: dt.date
    rain: np.ndarray
    moisture: np.ndarray | None


def make_basin(
    settings: DemoSettings, to_ease: Transform, to_lonlat: Transform, progress: Progress = SILENT
) -> Basin:
    """Land, soils and masks of a basin.

    Parameters
    ----------
    settings : DemoSettings
    to_ease, to_lonlat : callable
        Exact coordinates of UTM points in EPSG:6933 and in degrees.

    Raises
    ------
    InputError
        If a setting is out of its range.
    Cancelled
        If the user asked to stop.
    """
    settings.validate()
    counter = progress.counter(5, "layers of the land made")
    plan, relief, cells, inside = _large_enough(settings, to_ease, progress)
    counter.advance()
    terrain = make_terrain(relief, settings.generator(HILLS), progress)
    counter.advance()
    outline = np.repeat(np.repeat(relief.basin, BLOCK, axis=0), BLOCK, axis=1)
    rng = settings.generator(MASK)
    lake_level, towns = make_mask(
        terrain.elevation, terrain.wetness, terrain.slope, outline, settings.cells, rng
    )
    lakes = np.isfinite(lake_level)
    counter.advance()
    soil = make_soil(terrain, settings.generator(SOIL), progress)
    unexplained = _unexplained(settings, plan.grid)
    limits = water_limits(soil, unexplained)
    demand = _demand_factor(terrain.elevation, unexplained)
    counter.advance()
    lon, lat = pixel_coordinates(plan.grid, to_lonlat)
    rain = rain_grid(Bounds(float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())))
    factor = orographic_factor(_mean_on(rain, lon, lat, terrain.elevation))
    covered = cells.counts(~(lakes | towns)) >= LEAST_COVER * cells.whole_count
    counter.advance()
    with_lakes = replace(terrain, elevation=np.where(lakes, lake_level, terrain.elevation))
    return Basin(
        settings, plan.grid, cells, outline, inside & covered, with_lakes, soil, limits,
        hollowness(terrain), demand, lakes, towns, rain, factor, lon, lat,
    )  # fmt: skip


def _large_enough(
    settings: DemoSettings, to_ease: Transform, progress: Progress
) -> tuple[Plan, Relief, SmapCells, np.ndarray]:
    """Plan ever larger basins until one holds the cells asked for."""
    # A cell with 5 % of lakes and towns has no value.
    spare = math.floor(most_masked(settings.cells) * PIXEL**2 / CELL_AREA / (1 - LEAST_COVER))
    wanted = settings.cells + spare
    area = 1.13 * wanted * CELL_AREA
    for _ in range(_MOST_TRIES):
        progress.check()
        rng = settings.generator(TERRAIN)
        plan = plan_basin(area, rng)
        relief = make_relief(plan, rng, progress)
        cells = smap_cells(plan.grid, to_ease)
        inside = _cells_in_basin(plan.grid, relief, cells)
        found = int(inside.sum())
        if found >= wanted:
            return plan, relief, cells, inside
        area *= 1.03 * wanted / max(found, wanted / 2)
    raise RuntimeError(f"no basin with {wanted} cells after {_MOST_TRIES} tries")


def _cells_in_basin(grid: Grid, relief: Relief, cells: SmapCells) -> np.ndarray:
    """Cells wholly on the grid with their centre in the basin, bool."""
    centre = centre_pixels(grid, cells)
    row, col = np.divmod(np.maximum(centre, 0), grid.width)
    return np.asarray((centre >= 0) & relief.basin[row // BLOCK, col // BLOCK])


def _unexplained(settings: DemoSettings, grid: Grid) -> np.ndarray:
    """A lasting pattern (ranges of 1 and 4 km) that has nothing to do with land and soil, SD 1."""
    rng = settings.generator(UNEXPLAINED)
    shape = (grid.height // BLOCK * 2, grid.width // BLOCK * 2)
    cell = PIXEL * BLOCK / 2
    near, far = correlated(rng, shape, cell, 1_000.0), correlated(rng, shape, cell, 4_000.0)
    return enlarge((0.8 * near + 0.6 * far).astype(np.float32), BLOCK // 2)


def _demand_factor(elevation: np.ndarray, unexplained: np.ndarray) -> np.ndarray:
    """Factor on the evaporative demand: land that faces north gets more sun, denser cover less."""
    # Rows run south: land that rises along them faces north.
    facing_north = np.gradient(elevation, PIXEL, axis=0)
    return np.clip(1.0 + _SUN * facing_north - UNEXPLAINED_DEMAND * unexplained, 0.4, 1.6).astype(np.float32)


def _mean_on(grid: Grid, lon: np.ndarray, lat: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Means of pixel values over the cells of a geographic grid; the nearest one where no pixel is."""
    col = ((lon - grid.left) / grid.cell_width).astype(np.intp)
    row = ((grid.top - lat) / grid.cell_height).astype(np.intp)
    where = (row * grid.width + col).ravel()
    size = grid.width * grid.height
    count = np.bincount(where, minlength=size).reshape(grid.shape)
    total = np.bincount(where, values.ravel(), size).reshape(grid.shape)
    rows = np.flatnonzero((count > 0).sum(axis=1) > grid.width / 2)
    nearest_row = np.clip(np.arange(grid.height), rows[0], rows[-1])
    mean = total / np.maximum(count, 1)
    return _fill_ends(mean[nearest_row], count[nearest_row] > 0)


def _fill_ends(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Each row's gaps at its ends filled with its outermost known values."""
    first = known.argmax(axis=1)[:, None]
    last = values.shape[1] - 1 - known[:, ::-1].argmax(axis=1)[:, None]
    nearest = np.clip(np.arange(values.shape[1])[None, :], first, last)
    return np.asarray(np.take_along_axis(values, nearest, axis=1))


def simulate(basin: Basin, progress: Progress = SILENT) -> Iterator[Day]:
    """The days with rain, in order; the bucket runs where it leads to days with SMAP."""
    settings = basin.settings
    height = np.clip((basin.terrain.elevation - LOWEST) / (HIGHEST - LOWEST), 0.0, 1.0)
    bucket = Bucket(basin.limits, basin.soil, basin.hollow, height, basin.demand_factor)
    sampler = RainSampler(basin.rain_grid, *_block_centres(basin))
    masked = basin.masked
    seen, spin_ups, stepped = set(settings.dates), set(settings.spin_ups), settings.bucket_dates
    for date in settings.rain_dates:
        progress.check()
        rain = daily_rain(settings, date, basin.rain_factor)
        if date in spin_ups:
            bucket.fill()
        moisture = np.where(masked, np.nan, bucket.moisture) if date in seen else None
        if moisture is not None and settings.year:
            # Half the disk, for many days.
            moisture = np.round(moisture * STEPS) / np.float32(STEPS)
        yield Day(date, rain, moisture)
        if date in stepped:
            bucket.step(sampler(rain))


def _block_centres(basin: Basin) -> tuple[np.ndarray, np.ndarray]:
    return (block_sums(basin.lon, BLOCK) / BLOCK**2, block_sums(basin.lat, BLOCK) / BLOCK**2)


class WithinCells:
    """Anomalies from the SMAP cells' means of land and soil, to explain those of soil moisture.

    The sample is every seventh pixel of the cells with a value that is not masked.
    """

    def __init__(self, basin: Basin):
        chosen = np.zeros(basin.grid.shape, bool)
        chosen.ravel()[::_EVERY] = True
        self._chosen = chosen & ~basin.masked & basin.cell_in_basin.ravel()[basin.cells.cell_of]
        self._cell = basin.cells.cell_of[self._chosen]
        self._count = np.maximum(np.bincount(self._cell), 1)
        terrain, soil = basin.terrain, basin.soil
        land = (terrain.elevation, terrain.wetness, soil.clay, soil.sand, soil.soc)
        self._land = np.column_stack([self.anomaly(layer) for layer in land])

    def anomaly(self, layer: np.ndarray) -> np.ndarray:
        """The sample of a layer minus the mean of the sample in the same cell, float64, shape (n,)."""
        values = layer[self._chosen].astype(np.float64)
        return np.asarray(values - (np.bincount(self._cell, values) / self._count)[self._cell])

    def explained_share(self, moisture: np.ndarray) -> float:
        """R2 of the linear regression of soil moisture's anomalies on those of elevation,
        wetness index, clay, sand and organic carbon."""
        wanted = self.anomaly(moisture)
        if not wanted.size:
            return float("nan")
        gram, right = self._land.T @ self._land, self._land.T @ wanted
        return float(right @ np.linalg.lstsq(gram, right, rcond=None)[0] / (wanted @ wanted))
