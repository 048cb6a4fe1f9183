"""Daily rain of a wet season or a year: storms that drift in sizes of 10 to 40 km, more on high land."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np

from ....geo.grid import Bounds, Grid
from .fields import correlated, standardise
from .settings import RAIN, DemoSettings
from .shape import GEOGRAPHIC_CRS

#: Cell of the rain grid, degrees, as CHIRPS.
CELL = 0.05
_CELL_M = 5_500.0
_MARGIN_CELLS = 2
#: Persistence of wet spells: weights of the own and the two preceding days.
_SPELL = (1.0, 0.8, 0.6)
#: How dry the air must be overcome for rain, and rain for each unit above, mm.
_THRESHOLD, _SCALE, _POWER = -0.7, 6.5, 1.1
#: How much drier the air of the driest day of a year is; the wettest one is that of a wet season.
_DRIEST, _WETTEST_DAY, _DAYS = 2.2, 15, 365.25
#: No day of the demo is wetter, mm.
_MOST_RAIN = 90.0


def rain_grid(lonlat: Bounds) -> Grid:
    """The cells of 0.05 degrees, on CHIRPS's lines, that hold `lonlat` and two cells around."""
    left = math.floor(lonlat.left / CELL) - _MARGIN_CELLS
    right = math.ceil(lonlat.right / CELL) + _MARGIN_CELLS
    bottom = math.floor(lonlat.bottom / CELL) - _MARGIN_CELLS
    top = math.ceil(lonlat.top / CELL) + _MARGIN_CELLS
    return Grid(
        GEOGRAPHIC_CRS, round(left * CELL, 6), round(top * CELL, 6), CELL, CELL, right - left, top - bottom
    )


def orographic_factor(elevation: np.ndarray) -> np.ndarray:
    """How much more rain falls at an elevation (m, shape of the rain grid, as the result), mean about 1.

    More on high land, and on slopes that face the moist air from the east.
    """
    high = standardise(elevation)
    rise_to_the_west = standardise(-np.gradient(elevation.astype(np.float64), axis=1))
    return np.asarray(np.exp(0.30 * high + 0.12 * np.clip(rise_to_the_west, -2, 2)))


def daily_rain(settings: DemoSettings, date: dt.date, factor: np.ndarray) -> np.ndarray:
    """Rain of `date`, mm/d, >= 0, float32, shape of `factor` (see `orographic_factor`).

    A Gaussian field (ranges of 40 and 12 km) plus the day's weather, cut at a
    threshold: the way in which most weather generators make dry land between storms.
    In a year the threshold rises from mid January to mid July and falls again.
    """
    rng = settings.generator(RAIN, date)
    rng.standard_normal()  # the day's weather, see _weather
    field = 0.9 * correlated(rng, factor.shape, _CELL_M, 40_000.0) + 0.44 * correlated(
        rng, factor.shape, _CELL_M, 12_000.0
    )
    threshold = _THRESHOLD + (dryness(date) if settings.year else 0.0)
    excess = np.clip(field + 0.6 * _weather(settings, date) - threshold, 0.0, None)
    rain = np.minimum(_SCALE * excess**_POWER * factor, _MOST_RAIN)
    return np.asarray(np.round(rain, 2), np.float32)


def dryness(date: dt.date) -> float:
    """How much drier the air of a day of a year is than in the wet season, in units of the threshold."""
    phase = 2 * math.pi * (date.timetuple().tm_yday - _WETTEST_DAY) / _DAYS
    return _DRIEST * (1 - math.cos(phase)) / 2


def _weather(settings: DemoSettings, date: dt.date) -> float:
    """The wetness of a day, normal with SD 1; neighbouring days resemble each other."""
    days = [date - dt.timedelta(days=back) for back in range(len(_SPELL))]
    draws = [settings.generator(RAIN, day).standard_normal() for day in days]
    weighted = sum(weight * draw for weight, draw in zip(_SPELL, draws))
    return float(weighted / math.sqrt(sum(weight**2 for weight in _SPELL)))


class RainSampler:
    """Rain at the centres of blocks of the fine grid, by bilinear interpolation of the rain grid."""

    def __init__(self, grid: Grid, lon: np.ndarray, lat: np.ndarray):
        col = np.clip((lon - grid.left) / grid.cell_width - 0.5, 0, grid.width - 1.001)
        row = np.clip((grid.top - lat) / grid.cell_height - 0.5, 0, grid.height - 1.001)
        self._col, self._row = col.astype(np.intp), row.astype(np.intp)
        self._right = (col - self._col).astype(np.float32)
        self._down = (row - self._row).astype(np.float32)

    def __call__(self, rain: np.ndarray) -> np.ndarray:
        """`rain` on the rain grid -> values at the points, float32."""
        row, col = self._row, self._col
        upper = rain[row, col] * (1 - self._right) + rain[row, col + 1] * self._right
        lower = rain[row + 1, col] * (1 - self._right) + rain[row + 1, col + 1] * self._right
        return np.asarray(upper * (1 - self._down) + lower * self._down)
