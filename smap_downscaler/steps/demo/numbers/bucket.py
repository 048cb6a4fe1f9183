"""Daily soil moisture of the top soil: a bucket with lateral flow into hollows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .fields import block_sums, convolve, enlarge_rows, gaussian_kernel, repeat
from .settings import BLOCK, PIXEL
from .soil import Soil, WaterLimits

#: Pixels of a band of rows that is worked on at a time.
_BAND_PIXELS = 65_536
#: Thickness of the soil layer, mm.
DEPTH = 100.0
#: Evaporative demand at the lowest and the highest land, mm/d.
DEMAND_LOW, DEMAND_HIGH = 5.0, 2.8
#: Share of the drainage that runs downslope in the soil; the rest is lost to depth.
LATERAL = 0.5
#: Standard deviation of the distance over which it runs together, m.
REACH = 800.0
#: How much more of it a hollow gets, exp(ATTRACTION x hollowness).
ATTRACTION = 0.4


@dataclass
class WaterBalance:
    """Sums over all pixels of a day's water, mm x pixels.

    rain = evaporation + runoff + drainage - inflow + change of storage: of what
    drains from a pixel, `LATERAL` comes back as inflow elsewhere.
    """

    rain: float = 0.0
    evaporation: float = 0.0
    drainage: float = 0.0
    inflow: float = 0.0
    runoff: float = 0.0


class Bucket:
    """Soil moisture of all pixels, stepped by days; rows and columns are multiples of `BLOCK`.

    Parameters
    ----------
    limits : WaterLimits
    soil : Soil
        Sandy soils drain faster.
    hollow : ndarray
        Standardised wetness index: hollows get the lateral flow and drain more slowly.
    height : ndarray
        0 at the lowest, 1 at the highest land: cold land evaporates less.
    sun : ndarray or float
        Factor on the evaporative demand (aspect).
    """

    moisture: np.ndarray

    def __init__(
        self,
        limits: WaterLimits,
        soil: Soil,
        hollow: np.ndarray,
        height: np.ndarray,
        sun: np.ndarray | float = 1.0,
    ):
        demand = (DEMAND_LOW + (DEMAND_HIGH - DEMAND_LOW) * height) * sun / DEPTH
        rate = np.clip(0.30 + 0.5 * soil.sand / 1000.0 - 0.10 * hollow, 0.08, 0.85)
        # Below it plants and air get less than they ask for.
        stress = 0.5 * (limits.wilting + limits.capacity)
        self._limits = limits
        self._demand, self._rate = demand.astype(np.float32), rate.astype(np.float32)
        self._supply = (1.0 / (stress - limits.residual)).astype(np.float32)
        self._spread = Gathering(np.exp(ATTRACTION * hollow).astype(np.float32))
        self._lateral = np.zeros([n // BLOCK for n in hollow.shape])
        self.fill()

    def fill(self) -> None:
        """Begin at field capacity."""
        self.moisture = self._limits.capacity.copy()

    def step(self, rain: np.ndarray) -> WaterBalance:
        """One day; `moisture` (m3 m-3, float32) moves on to the next morning.

        `rain` is in mm at the centres of the blocks and is interpolated to the pixels.
        """
        balance = WaterBalance()
        rain_of_rows = enlarge_rows(rain.astype(np.float32), BLOCK)
        for rows in self._bands():
            self._fall_and_rise(rows, enlarge_rows(rain_of_rows[rows].T, BLOCK).T, balance)
        shares = self._spread.shares(self._lateral)
        for rows in self._bands():
            self._run_together(rows, shares, balance)
        return balance

    def _bands(self) -> list[slice]:
        # Bands of rows that fit the processor's cache: several times as fast as whole arrays.
        height, width = self.moisture.shape
        size = max(_BAND_PIXELS // width // BLOCK, 1) * BLOCK
        return [slice(start, min(start + size, height)) for start in range(0, height, size)]

    def _fall_and_rise(self, rows: slice, rain: np.ndarray, balance: WaterBalance) -> None:
        """Rain, surface runoff, drainage and evaporation of some rows."""
        limits, residual = self._limits, self._limits.residual[rows]
        store = self.moisture[rows] + rain / np.float32(DEPTH)
        excess = np.maximum(store - limits.saturated[rows], 0)
        store -= excess
        drained = self._rate[rows] * np.maximum(store - limits.capacity[rows], 0)
        store -= drained
        above = np.maximum(store - residual, 0)
        evaporated = np.minimum(self._demand[rows] * np.minimum(above * self._supply[rows], 1), above)
        store -= evaporated
        # Rounding must not leave a pixel below its limit.
        self.moisture[rows] = np.maximum(store, residual)
        self._lateral[rows.start // BLOCK : rows.stop // BLOCK] = LATERAL * block_sums(drained, BLOCK)
        balance.rain += _millimetres(rain) / DEPTH
        balance.runoff += _millimetres(excess)
        balance.drainage += _millimetres(drained)
        balance.evaporation += _millimetres(evaporated)

    def _run_together(self, rows: slice, shares: np.ndarray, balance: WaterBalance) -> None:
        """The lateral flow that reaches some rows."""
        inflow = self._spread.arrive(rows, shares)
        store = self.moisture[rows] + inflow
        saturated = self._limits.saturated[rows]
        balance.inflow += _millimetres(inflow)
        balance.runoff += _millimetres(np.maximum(store - saturated, 0))
        self.moisture[rows] = np.minimum(store, saturated)


def _millimetres(water: np.ndarray) -> float:
    # NumPy adds pairwise: float32 is good to 1e-6 here, and much faster.
    return float(water.sum()) * DEPTH


class Gathering:
    """Moves water over some hundred metres to where `weight` is large, losing none.

    inflow = w G(q / G(w)) with a symmetric smoothing G on blocks of 400 m, so that
    sum(inflow) = sum(q): each place shares its water among its surroundings by weight.
    """

    def __init__(self, weight: np.ndarray):
        self._weight = weight
        self._kernel = gaussian_kernel(REACH / PIXEL / BLOCK)
        self._total = self._smooth(block_sums(weight, BLOCK))

    def _smooth(self, blocks: np.ndarray) -> np.ndarray:
        return convolve(blocks, self._kernel)

    def shares(self, amount: np.ndarray) -> np.ndarray:
        """What each unit of weight of a block gets of `amount` (sums over blocks, as the result)."""
        return self._smooth(amount / self._total).astype(np.float32)

    def arrive(self, rows: slice, shares: np.ndarray) -> np.ndarray:
        """The inflow of some rows of pixels, float32, shape (rows, columns)."""
        blocks = shares[rows.start // BLOCK : rows.stop // BLOCK]
        return self._weight[rows] * repeat(blocks, BLOCK)
