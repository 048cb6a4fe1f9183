"""Observations of the truth: what SMAP sees (footprint, noise, swaths), and readings of field stations."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from .fields import block_sums, correlated, gaussian_kernel, repeat, smooth
from .settings import BLOCK, FAILURES, MODEL, PIXEL, SMAP, STATIONS, DemoSettings
from .shape import LEAST_COVER, SmapCells

#: Full width at half maximum over the standard deviation of a Gaussian.
FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))
#: The lowest soil moisture that SMAP gives.
LOWEST_RETRIEVAL = 0.02
#: Width of a swath and shift of the track from a day to the next, m; the pattern repeats after 8 days.
_SWATH, _REPEAT_DAYS = 1_000_000.0, 8
_TRACK_SPACING = 342_500.0
_DAILY_SHIFT = 5
#: Distance of the morning (descending) and evening (ascending) tracks from the basin on day 0, m.
_MORNING, _EVENING = 235_000.0, -1_110_000.0
#: East-west lean of the tracks for each metre to the north.
_LEAN = 0.19
#: Share of retrievals that fail by themselves.
_FAILED = 0.02
_FIRST_DAY = dt.date(2015, 3, 31)
#: Field stations, and replicate readings of each.
STATION_COUNT = 12
REPLICATES = 3
#: How a station differs from its pixel, and a reading from its station, m3 m-3.
STATION_SD, READING_SD = 0.010, 0.015
_CANDIDATES = 40
#: A model as line of the truth, and its error: that of the day, and a pattern of so many metres, m3 m-3.
MODEL_OFFSET, MODEL_SLOPE = 0.06, 0.7
MODEL_DAY_SD, MODEL_PATTERN_SD, MODEL_PATTERN = 0.012, 0.018, 50_000.0


def cell_means(moisture: np.ndarray, cells: SmapCells, footprint_km: float = 0.0) -> np.ndarray:
    """Mean of the truth over each cell's pixels, m3 m-3, float64, shape of `cells.grid`.

    NaN where less than 95 % is there.

    Parameters
    ----------
    moisture : ndarray
        Truth at 100 m, m3 m-3, shape of the fine grid, NaN where masked.
    footprint_km : float
        Above 0 the truth is first smoothed by a Gaussian of this full width at half
        maximum (on means of 400 m; edges and masked land do not count).
    """
    seen = np.isfinite(moisture)
    values = np.where(seen, moisture, 0.0)
    if footprint_km > 0:
        values = np.where(seen, _through_antenna(values, seen, footprint_km), 0.0)
    count = cells.counts(seen)
    enough = count >= LEAST_COVER * cells.whole_count
    total = cells.sums(values)
    return np.where(enough, total / np.maximum(count, 1), np.nan)


def _through_antenna(values: np.ndarray, seen: np.ndarray, footprint_km: float) -> np.ndarray:
    weight = block_sums(seen, BLOCK)
    mean = block_sums(values, BLOCK) / np.maximum(weight, 1.0)
    sigma = footprint_km * 1000.0 / FWHM / (PIXEL * BLOCK)
    return repeat(smooth(mean, sigma, weight), BLOCK)


def random_error(settings: DemoSettings, date: dt.date, cells: SmapCells) -> np.ndarray:
    """SMAP's random error, m3 m-3, shape of `cells.grid`: SD `noise`, correlated over a footprint."""
    rng = settings.generator(SMAP, date)
    sigma = settings.footprint_km * 1000.0 / FWHM
    if sigma == 0:
        return np.asarray(settings.noise * rng.standard_normal(cells.grid.shape))
    down = _unit_filter(cells.grid.height, sigma / cells.ground_height)
    across = _unit_filter(cells.grid.width, sigma / cells.ground_width)
    white = rng.standard_normal((down.shape[1], across.shape[1]))
    return np.asarray(settings.noise * (down @ white @ across.T))


def _unit_filter(n: int, sigma: float) -> np.ndarray:
    """Gaussian weights (n, n + margins) that keep the variance of white noise."""
    kernel = gaussian_kernel(sigma)
    weights = np.zeros((n, n + kernel.size - 1))
    for row in range(n):
        weights[row, row : row + kernel.size] = kernel
    return weights / np.sqrt((kernel**2).sum())


def swath(date: dt.date, cells: SmapCells) -> np.ndarray:
    """Which cells a morning or an evening overpass of `date` covers, bool, shape of `cells.grid`.

    The geometry is SMAP's: 1000 km swaths that lean by the orbit's inclination
    and pass the same place every 8 days, so that a place is seen every 1 to 3 days.
    """
    east = (np.arange(cells.grid.width) + 0.5 - cells.grid.width / 2) * cells.ground_width
    north = (cells.grid.height / 2 - np.arange(cells.grid.height) - 0.5) * cells.ground_height
    day = (date - _FIRST_DAY).days
    covered = np.zeros(cells.grid.shape, bool)
    for start, lean in ((_MORNING, _LEAN), (_EVENING, -_LEAN)):
        step = (day * _DAILY_SHIFT) % _REPEAT_DAYS
        period = _REPEAT_DAYS * _TRACK_SPACING
        track = (start + step * _TRACK_SPACING + period / 2) % period - period / 2
        covered |= np.abs(east[None, :] - lean * north[:, None] - track) <= _SWATH / 2
    return covered


def retrieval(settings: DemoSettings, date: dt.date, cells: SmapCells, moisture: np.ndarray) -> np.ndarray:
    """SMAP's soil moisture of `date` in the swath, m3 m-3, float32, NaN elsewhere; shape of `cells.grid`."""
    seen = cell_means(moisture, cells, settings.footprint_km) + random_error(settings, date, cells)
    seen[~swath(date, cells) | _failures(settings, date, cells)] = np.nan
    return np.maximum(seen, LOWEST_RETRIEVAL).astype(np.float32)


def _failures(settings: DemoSettings, date: dt.date, cells: SmapCells) -> np.ndarray:
    rng = settings.generator(FAILURES, date)
    return np.asarray(rng.random(cells.grid.shape) < _FAILED)


@dataclass(frozen=True)
class Stations:
    """Rows and columns of the stations' pixels, and their lasting differences from them."""

    row: np.ndarray
    col: np.ndarray
    offset: np.ndarray


def place_stations(settings: DemoSettings, where: np.ndarray) -> Stations:
    """Stations spread over `where`, each the farthest of 40 random pixels (Mitchell 1991).

    `where` is bool, of the shape of the pixels.
    """
    rng = settings.generator(STATIONS)
    rows, cols = np.nonzero(where)
    chosen = [int(rng.integers(rows.size))]
    while len(chosen) < STATION_COUNT:
        tries = rng.integers(rows.size, size=_CANDIDATES)
        apart = np.hypot(rows[tries, None] - rows[None, chosen], cols[tries, None] - cols[None, chosen])
        chosen.append(int(tries[np.argmax(apart.min(axis=1))]))
    return Stations(rows[chosen], cols[chosen], STATION_SD * rng.standard_normal(STATION_COUNT))


def read_stations(
    settings: DemoSettings, date: dt.date, stations: Stations, moisture: np.ndarray
) -> np.ndarray:
    """Readings of `date`, m3 m-3, shape (stations, replicates), at least 0.01."""
    rng = settings.generator(STATIONS, date)
    own = moisture[stations.row, stations.col].astype(np.float64) + stations.offset
    error = READING_SD * rng.standard_normal((own.size, REPLICATES))
    return np.asarray(np.maximum(own[:, None] + error, 0.01))


def model_moisture(settings: DemoSettings, date: dt.date, means: np.ndarray, cell_m: float) -> np.ndarray:
    """A model's soil moisture of `date`, m3 m-3, float32: a line of the truth, with errors of its own.

    `means` are those of the truth over the model's cells of `cell_m` metres, of which it has the shape.
    """
    rng = settings.generator(MODEL, date)
    of_day = MODEL_DAY_SD * rng.standard_normal()
    error = of_day + MODEL_PATTERN_SD * correlated(rng, means.shape, cell_m, MODEL_PATTERN)
    return np.maximum(MODEL_OFFSET + MODEL_SLOPE * means + error, LOWEST_RETRIEVAL).astype(np.float32)
