"""Made-up series of stations, for tests."""

from __future__ import annotations

import numpy as np

from smap_downscaler.steps.field.numbers.readings import Pairs

FIRST = 737425  # 2020-01-01


def alike_days(n, memory, rng):
    """A first-order autoregressive series with SD 1."""
    noise = rng.standard_normal(n)
    values = np.empty(n)
    values[0] = noise[0]
    for day in range(1, n):
        values[day] = memory * values[day - 1] + np.sqrt(1 - memory**2) * noise[day]
    return values


def made_up_pairs(station, n=60, seed=1, memory=0.5, smap=True, step=1):
    """A station whose map is better than its SMAP cell; some values are missing."""
    rng = np.random.default_rng(seed)
    field = 0.25 + 0.06 * alike_days(n, 0.8, rng)
    the_map = field + 0.01 + 0.02 * alike_days(n, memory, rng)
    cell = field - 0.02 + 0.05 * alike_days(n, memory, rng)
    the_map[3::17], cell[1::7] = np.nan, np.nan
    days = FIRST + step * np.arange(n)
    sd, count = np.full(n, 0.01), np.full(n, 3)
    return Pairs(station, days, field, sd, count, the_map, cell if smap else None)
