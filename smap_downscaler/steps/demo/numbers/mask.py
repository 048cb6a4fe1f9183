"""Lakes and towns: where there is no soil moisture."""

from __future__ import annotations

import numpy as np

from .settings import PIXEL

#: Most pixels of a lake and of a town.
LARGEST_LAKE, LARGEST_TOWN = 800, 400
_SMALLEST_LAKE = 60
_LAKE_DEPTHS = (40.0, 30.0, 20.0, 14.0, 10.0, 6.0, 4.0)
_HALF = 40
_TRIES = 60


def lake_count(cells: int) -> int:
    """Lakes of a basin with so many SMAP cells."""
    return max(1, cells // 100)


def town_count(cells: int) -> int:
    """Towns of a basin with so many SMAP cells."""
    return max(1, cells // 60)


def most_masked(cells: int) -> int:
    """The most pixels that lakes and towns can take."""
    return lake_count(cells) * LARGEST_LAKE + town_count(cells) * LARGEST_TOWN


def make_mask(
    elevation: np.ndarray, wetness: np.ndarray, slope: np.ndarray, basin: np.ndarray, cells: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The level of lakes (m, float32, NaN elsewhere) and the towns (bool), both of the pixels' shape.

    Lakes fill the lowest ground around points where water runs together; towns
    lie on gentle slopes.  `basin` (bool) says where they may be.
    """
    level = np.full(elevation.shape, np.nan, np.float32)
    sites = _sites(wetness, basin, rng)
    for _ in range(lake_count(cells)):
        _add_lake(level, elevation, sites)
    lakes = np.isfinite(level)
    towns = np.zeros(elevation.shape, bool)
    sites = _sites(-slope, basin & ~lakes, rng)
    for row, col in sites[: town_count(cells)]:
        window = _window(row, col)
        town = _town(elevation[window].shape, rng)
        towns[window] |= town & ~lakes[window]
    return level, towns


def _sites(score: np.ndarray, where: np.ndarray, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Places of high score well within the data, each the best of 30 random ones."""
    rows, cols = score.shape
    sites: list[tuple[int, int]] = []
    while len(sites) < _TRIES:
        row = rng.integers(_HALF, rows - _HALF, 30)
        col = rng.integers(_HALF, cols - _HALF, 30)
        best = int(np.argmax(np.where(where[row, col], score[row, col], -np.inf)))
        sites.append((int(row[best]), int(col[best])))
    return sites


def _window(row: int, col: int) -> tuple[slice, slice]:
    return slice(row - _HALF, row + _HALF + 1), slice(col - _HALF, col + _HALF + 1)


def _add_lake(level: np.ndarray, elevation: np.ndarray, sites: list[tuple[int, int]]) -> None:
    """Use up sites until one holds a lake of a fair size."""
    while sites:
        window = _window(*sites.pop(0))
        land = elevation[window]
        for depth in _LAKE_DEPTHS:
            surface = land[_HALF, _HALF] + depth
            lake = _flooded(land, surface)
            if _SMALLEST_LAKE <= lake.sum() <= LARGEST_LAKE and not _reaches_edge(lake):
                level[window][lake] = surface
                return


def _reaches_edge(lake: np.ndarray) -> bool:
    return bool(lake[[0, -1]].any() or lake[:, [0, -1]].any())


def _flooded(land: np.ndarray, level: float) -> np.ndarray:
    """The pixels below `level` that hang together with the middle one."""
    below = land < level
    lake = np.zeros(land.shape, bool)
    lake[_HALF, _HALF] = True
    while True:
        wider = np.pad(lake, 1)
        wider = wider[:-2, 1:-1] | wider[2:, 1:-1] | wider[1:-1, :-2] | wider[1:-1, 2:] | lake
        wider &= below
        if np.array_equal(wider, lake):
            return lake
        lake = wider


def _town(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    row, col = np.mgrid[: shape[0], : shape[1]] - _HALF
    angle = np.arctan2(row, col)
    radius = rng.uniform(500.0, 900.0) / PIXEL
    for order in (2, 3, 5):
        radius = radius * (1 + 0.12 * np.cos(order * angle + rng.uniform(0, 2 * np.pi)))
    return np.asarray(np.hypot(row, col) <= radius)
