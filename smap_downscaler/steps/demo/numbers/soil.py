"""Soils that follow the land, and how much water they hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....base.progress import SILENT, Progress
from .fields import block_sums, correlated, enlarge, smooth, standardise
from .settings import BLOCK, PIXEL
from .terrain import Terrain

#: Scale on which a valley is low land, m.
_VALLEY = 2_500.0
#: Organic matter over organic carbon (van Bemmelen), and the most that the pedotransfer functions know.
_MATTER, _MOST_MATTER = 1.72, 8.0
#: Change of the field capacity for each unit of the unexplained pattern.
UNEXPLAINED_CAPACITY = 0.11
#: Bounds of all water contents, m3 m-3.
_LEAST_WATER, _MOST_WATER = 0.03, 0.50


@dataclass(frozen=True)
class Soil:
    """Clay, sand and organic carbon at 100 m, all g/kg, float32."""

    clay: np.ndarray
    sand: np.ndarray
    soc: np.ndarray


@dataclass(frozen=True)
class WaterLimits:
    """Volumetric water contents, m3 m-3, float32.

    `residual` (air dry) < `wilting` (1500 kPa) < `capacity` (33 kPa) < `saturated`.
    """

    residual: np.ndarray
    wilting: np.ndarray
    capacity: np.ndarray
    saturated: np.ndarray


def make_soil(terrain: Terrain, rng: np.random.Generator, progress: Progress = SILENT) -> Soil:
    """Fine soils in hollows and low land, sandy ones on ridges, carbon where it is cold and wet.

    Each property also has parts of its own with ranges of 2 to 30 km.
    """
    high = standardise(terrain.elevation)
    hollow = hollowness(terrain)
    progress.check()
    valley = valley_position(terrain.elevation)
    progress.check()
    parent = _patches(rng, high.shape, 25_000.0)
    clay_noise, sand_noise, carbon_noise = (_patches(rng, high.shape, length) for length in (2e3, 2e3, 4e3))
    progress.check()
    clay = 270.0 - 45.0 * high + 36.0 * valley + 20.0 * hollow + 90.0 * parent + 22.0 * clay_noise
    sand = 420.0 + 55.0 * high - 42.0 * valley - 22.0 * hollow - 105.0 * parent + 28.0 * sand_noise
    clay = np.clip(clay, 50.0, 600.0)
    sand = np.clip(sand, 60.0, 930.0 - clay)
    soc = 18.0 * np.exp(0.35 * high + 0.15 * hollow + 0.2 * carbon_noise)
    return Soil(clay.astype(np.float32), sand.astype(np.float32), np.clip(soc, 2.0, 80.0).astype(np.float32))


def hollowness(terrain: Terrain) -> np.ndarray:
    """The wetness index, standardised and clipped to -2 ... 3, float32, shape of the pixels."""
    return np.clip(standardise(terrain.wetness), -2.0, 3.0)


def valley_position(elevation: np.ndarray) -> np.ndarray:
    """How far a pixel lies below the land around it, standardised, float32, shape of `elevation` (m)."""
    blocks = block_sums(elevation, BLOCK) / BLOCK**2
    around = enlarge(smooth(blocks, _VALLEY / (PIXEL * BLOCK)), BLOCK)
    return np.clip(standardise(around - elevation), -3.0, 3.0)


def _patches(rng: np.random.Generator, shape: tuple[int, ...], length: float) -> np.ndarray:
    coarse = correlated(rng, tuple(n // BLOCK for n in shape), PIXEL * BLOCK, length)
    return enlarge(coarse, BLOCK)


def water_limits(soil: Soil, unexplained: np.ndarray) -> WaterLimits:
    """Pedotransfer functions of Saxton & Rawls (2006, Table 1, equations 1 to 5).

    `unexplained` (mean 0, SD 1) is what stones, roots and structure do to the capacity, and no map knows.
    """
    sand, clay = soil.sand / 1000.0, soil.clay / 1000.0
    matter = np.minimum(_MATTER * soil.soc / 10.0, _MOST_MATTER)
    wilting = np.maximum(saxton_rawls_1500(sand, clay, matter), _LEAST_WATER + 0.01)
    capacity = saxton_rawls_33(sand, clay, matter) * (1 + UNEXPLAINED_CAPACITY * unexplained)
    # Rare soils at the ends of the functions' range: keep the four in order, and apart.
    capacity = np.clip(capacity, wilting + 0.03, _MOST_WATER - 0.04)
    wilting = np.minimum(wilting, capacity - 0.03)
    saturated = np.clip(saxton_rawls_saturation(sand, clay, matter), capacity + 0.04, _MOST_WATER)
    residual = np.maximum(0.35 * wilting, _LEAST_WATER)
    return WaterLimits(*(part.astype(np.float32) for part in (residual, wilting, capacity, saturated)))


def saxton_rawls_1500(sand: np.ndarray, clay: np.ndarray, matter: np.ndarray) -> np.ndarray:
    """Water content at 1500 kPa, m3 m-3; sand, clay (fractions) and organic matter (%) of one shape."""
    first = (
        -0.024 * sand + 0.487 * clay + 0.006 * matter
        + 0.005 * sand * matter - 0.013 * clay * matter + 0.068 * sand * clay + 0.031
    )  # fmt: skip
    return first + 0.14 * first - 0.02


def saxton_rawls_33(sand: np.ndarray, clay: np.ndarray, matter: np.ndarray) -> np.ndarray:
    """Water content at 33 kPa, m3 m-3; sand, clay (fractions) and organic matter (%) of one shape."""
    first = (
        -0.251 * sand + 0.195 * clay + 0.011 * matter
        + 0.006 * sand * matter - 0.027 * clay * matter + 0.452 * sand * clay + 0.299
    )  # fmt: skip
    return first + 1.283 * first**2 - 0.374 * first - 0.015


def saxton_rawls_saturation(sand: np.ndarray, clay: np.ndarray, matter: np.ndarray) -> np.ndarray:
    """Water content at saturation, m3 m-3; sand, clay (fractions) and organic matter (%) of one shape."""
    first = (
        0.278 * sand + 0.034 * clay + 0.022 * matter
        - 0.018 * sand * matter - 0.027 * clay * matter - 0.584 * sand * clay + 0.078
    )  # fmt: skip
    above = first + 0.636 * first - 0.107
    return saxton_rawls_33(sand, clay, matter) + above - 0.097 * sand + 0.043
