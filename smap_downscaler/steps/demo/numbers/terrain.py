"""The land: a drainage basin with valleys that run together, at 100 m."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....base.progress import SILENT, Progress
from .drainage import DrainageOrder, distance_to, flood, steepest, upstream_of
from .fields import enlarge, fractal
from .settings import BLOCK, PIXEL
from .shape import Plan

#: Lowest and highest point of the basin, m.
LOWEST, HIGHEST = 2_500.0, 4_800.0
#: River slope ~ area^-CONCAVITY (Flint 1974; Whipple & Tucker 1999).
CONCAVITY = 0.4
#: Times that rivers cut and find their way anew: divides migrate until both sides meet.
_ROUNDS = 14
#: Standard deviation of the roughness below 2 km on steep land, m.
_ROUGHNESS = 14.0
#: Passes that raise single pits of the roughness.
_FILLS = 6
#: Blocks along a river that a pit's water may be led on through.
_LONGEST_BREACH = 25
#: Floor of the slope in the wetness index.
_LEAST_SLOPE = 0.01


@dataclass(frozen=True)
class Relief:
    """Elevation in m, receivers (flat) and the basin (bool) on the drainage blocks of 400 m."""

    elevation: np.ndarray
    receiver: np.ndarray
    basin: np.ndarray


def make_relief(plan: Plan, rng: np.random.Generator, progress: Progress = SILENT) -> Relief:
    """Rivers carve the plan; the basin is what drains through its mouth."""
    cell = PIXEL * BLOCK
    start = _first_land(plan, rng, cell)
    receiver = flood(start, progress)
    land = start
    base = _base_level(plan).ravel()
    hardness = np.exp(0.35 * fractal(rng, start.shape, cell, 0.3, 12_000.0)).ravel()
    for _ in range(_ROUNDS):
        order = DrainageOrder(receiver, progress)
        area = order.accumulate(np.ones(receiver.size))
        fall = hardness * area**-CONCAVITY * distance_to(receiver, start.shape[1])
        land = order.integrate(base, fall).reshape(start.shape)
        receiver = steepest(land, progress)
    return _finish(land, receiver, plan, progress)


def _first_land(plan: Plan, rng: np.random.Generator, cell: float) -> np.ndarray:
    """A trough that falls to the east within a rim, roughened; in units of the relief."""
    across = np.abs(plan.across) * np.ones_like(plan.radius)
    trough = 0.35 * (1 - plan.along) / 2 + 0.35 * across**1.2
    mouth = np.exp(-((plan.across / 0.15) ** 2)) * (plan.along > 0)
    rim = 0.9 * np.exp(-(((plan.radius - 1) / 0.10) ** 2)) * (1 - mouth)
    outside = np.clip(plan.radius - 1, 0, None)
    rough = fractal(rng, plan.radius.shape, cell, 0.6, 30_000.0)
    return trough + rim - 1.5 * outside * (1 - mouth) + 0.12 * rough


def _base_level(plan: Plan) -> np.ndarray:
    """Height of the border of the data: low at the mouth, higher towards the head."""
    mouth = np.exp(-((plan.across / 0.08) ** 2)) * (plan.along > 0)
    return (1 - mouth) * (4.0 + 7.0 * np.clip(1 - plan.along, 0, 2) / 2)


def _finish(land: np.ndarray, receiver: np.ndarray, plan: Plan, progress: Progress) -> Relief:
    area = DrainageOrder(receiver, progress).accumulate(np.ones(receiver.size)).reshape(land.shape)
    inside = (plan.radius <= 1.0) & (plan.along > 0.5)
    outlet = int(np.argmax(np.where(inside, area, 0)))
    basin = upstream_of(receiver, outlet, progress).reshape(land.shape)
    scaled = LOWEST + (land - land.min()) * ((HIGHEST - LOWEST) / (land.max() - land.min()))
    return Relief(scaled, receiver, basin)


@dataclass(frozen=True)
class Terrain:
    """The land at 100 m, each array of the fine grid's shape.

    Attributes
    ----------
    elevation : ndarray
        m, float32.
    wetness : ndarray
        ln(specific catchment area / slope), ln m, float32: where water runs together.
    slope : ndarray
        tan of the slope, float32.
    """

    elevation: np.ndarray
    wetness: np.ndarray
    slope: np.ndarray


def make_terrain(relief: Relief, rng: np.random.Generator, progress: Progress = SILENT) -> Terrain:
    """Hillslopes of 100 m between the rivers of the relief, and their wetness index."""
    # Doubling twice by 3:1 weights is a quadratic spline: no creases at block centres.
    land = enlarge(enlarge(relief.elevation, 2), 2)
    progress.check()
    steepness = slope_of(land)
    rough = fractal(rng, land.shape, PIXEL, 0.8, 1_500.0)
    progress.check()
    elevation = land + _ROUGHNESS * np.minimum(steepness / 0.25, 1.6) * rough
    for _ in range(_FILLS):
        progress.check()
        elevation = _raise_pits(elevation)
    elevation = elevation.astype(np.float32)
    wetness, slope = wetness_index(elevation, relief.receiver, progress)
    return Terrain(elevation, wetness, slope)


def slope_of(elevation: np.ndarray) -> np.ndarray:
    """tan of the slope from central differences, shape as given."""
    down, right = np.gradient(elevation, PIXEL)
    return np.asarray(np.hypot(down, right))


def _raise_pits(elevation: np.ndarray) -> np.ndarray:
    """Lift cells without a lower neighbour just above their lowest one."""
    padded = np.pad(elevation, 1, mode="edge")
    rows, cols = elevation.shape
    lowest = np.full_like(elevation, np.inf)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            if down or right:
                np.minimum(
                    lowest, padded[1 + down : rows + 1 + down, 1 + right : cols + 1 + right], out=lowest
                )
    return np.maximum(elevation, lowest + 0.05)


def wetness_index(
    elevation: np.ndarray, block_receiver: np.ndarray, progress: Progress = SILENT
) -> tuple[np.ndarray, np.ndarray]:
    """Wetness index ln(a / tan slope) (Beven & Kirkby 1979) and tan slope, float32, as `elevation` (m).

    a is the area that drains through a pixel by steepest descent, over the pixel's
    width, m.  Water in a pit goes on along the rivers of the relief (`block_receiver`).
    Smoothed over 3 x 3 pixels, since water spreads more than single-direction routing does.
    """
    receiver = lead_out_of_pits(elevation, steepest(elevation, progress), block_receiver)
    area = DrainageOrder(receiver, progress).accumulate(np.ones(receiver.size)).reshape(elevation.shape)
    slope = slope_of(elevation)
    wetness = np.log(area * PIXEL) - np.log(np.maximum(slope, _LEAST_SLOPE))
    return _mean_of_nine(wetness).astype(np.float32), slope.astype(np.float32)


def lead_out_of_pits(elevation: np.ndarray, receiver: np.ndarray, block_receiver: np.ndarray) -> np.ndarray:
    """Receivers where a pit drains to the first lower block bottom down its river, if there is one."""
    rows, cols = elevation.shape
    across = cols // BLOCK
    blocks = elevation.reshape(rows // BLOCK, BLOCK, across, BLOCK).swapaxes(1, 2).reshape(-1, BLOCK * BLOCK)
    inner = np.argmin(blocks, axis=1)
    row, col = np.divmod(np.arange(blocks.shape[0]), across)
    bottom = (row * BLOCK + inner // BLOCK) * cols + col * BLOCK + inner % BLOCK
    height = elevation.ravel()
    out = receiver.copy()
    pits = np.flatnonzero(receiver == np.arange(receiver.size))
    block = (pits // cols // BLOCK) * across + pits % cols // BLOCK
    for _ in range(_LONGEST_BREACH):
        block = block_receiver[block]
        # Strictly downhill: such receivers can never close a circle.
        lower = (height[bottom[block]] < height[pits]) & (out[pits] == pits)
        out[pits[lower]] = bottom[block[lower]]
    return out


def _mean_of_nine(values: np.ndarray) -> np.ndarray:
    padded = np.pad(values, 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9.0
