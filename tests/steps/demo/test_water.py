"""Soil water limits, bucket, rain and SMAP's view in the demo basin."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.grid import Bounds, Window, ease2_grid
from smap_downscaler.steps.demo.numbers import observations
from smap_downscaler.steps.demo.numbers.bucket import ATTRACTION, DEPTH, LATERAL, Bucket, Gathering
from smap_downscaler.steps.demo.numbers.fields import block_sums
from smap_downscaler.steps.demo.numbers.rain import (
    CELL,
    RainSampler,
    daily_rain,
    orographic_factor,
    rain_grid,
)
from smap_downscaler.steps.demo.numbers.settings import SPIN_UP_DAYS, DemoSettings
from smap_downscaler.steps.demo.numbers.shape import SmapCells
from smap_downscaler.steps.demo.numbers.soil import (
    Soil,
    saxton_rawls_33,
    saxton_rawls_1500,
    saxton_rawls_saturation,
    water_limits,
)

SHAPE = (16, 24)
FRACTIONS = hnp.arrays(np.float32, SHAPE, elements=st.floats(0, 1, width=32))
NORMALS = hnp.arrays(np.float32, SHAPE, elements=st.floats(-4, 4, width=32))


def soil_of(clay, sand, carbon):
    """Textures in g/kg from shares: clay 50...600, sand 60...930 - clay, carbon 2...80."""
    clay = 50 + 550 * clay
    return Soil(clay, 60 + (870 - clay) * sand, 2 + 78 * carbon)


# Settings.


@pytest.mark.parametrize(
    ("given_settings", "sentence"),
    [
        ({"seed": -1}, "SEED: -1 is outside 0 to 2147483647; choose a value in between."),
        ({"days": 0}, "DAYS: 0 is outside 1 to 366; choose a value in between."),
        (
            {"start": dt.date(2099, 1, 1)},
            "START: 2099-01-01 is outside 1901-01-01 to 2098-12-31; choose a date in between.",
        ),
        ({"footprint_km": 101.0}, "FOOTPRINT: 101 is outside 0 to 100 km; choose a value in between."),
        ({"noise": float("nan")}, "NOISE: nan is outside 0 to 0.2 m3 m-3; choose a value in between."),
        ({"cells": 29}, "CELLS: 29 is outside 30 to 1000; choose a value in between."),
    ],
)
def test_settings_out_of_range(given_settings, sentence):
    with pytest.raises(InputError) as caught:
        DemoSettings(**given_settings).validate()
    assert str(caught.value) == sentence


# Limits.


@pytest.mark.parametrize(
    ("sand", "clay", "wilting", "capacity", "saturated"),
    [
        (0.88, 0.05, 0.05, 0.10, 0.46),
        (0.65, 0.10, 0.08, 0.18, 0.45),
        (0.40, 0.20, 0.14, 0.28, 0.46),
        (0.20, 0.15, 0.11, 0.31, 0.48),
        (0.25, 0.50, 0.30, 0.42, 0.50),
    ],
    ids=["sand", "sandy loam", "loam", "silt loam", "clay"],
)
def test_pedotransfer_against_the_published_table(sand, clay, wilting, capacity, saturated):
    # Saxton & Rawls (2006), Table 3, 2.5 % organic matter, given in whole percent.
    assert saxton_rawls_1500(sand, clay, 2.5) == pytest.approx(wilting, abs=0.006)
    assert saxton_rawls_33(sand, clay, 2.5) == pytest.approx(capacity, abs=0.006)
    assert saxton_rawls_saturation(sand, clay, 2.5) == pytest.approx(saturated, abs=0.006)


@settings(max_examples=50, deadline=None)
@given(FRACTIONS, FRACTIONS, FRACTIONS, NORMALS)
def test_water_limits_are_in_order_for_any_soil(clay, sand, carbon, unexplained):
    limits = water_limits(soil_of(clay, sand, carbon), unexplained)
    assert limits.residual.min() >= np.float32(0.03)
    assert (limits.wilting - limits.residual).min() > 0.005
    assert (limits.capacity - limits.wilting).min() > 0.015
    assert (limits.saturated - limits.capacity).min() > 0.035
    assert limits.saturated.max() <= 0.50


# Bucket.


def bucket_of(clay, sand, carbon, hollow, height):
    soil = soil_of(clay, sand, carbon)
    return Bucket(water_limits(soil, np.zeros(SHAPE, np.float32)), soil, hollow, height)


RAINS = st.lists(
    hnp.arrays(np.float64, (4, 6), elements=st.floats(0, 120).map(lambda mm: round(mm, 2))),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(FRACTIONS, FRACTIONS, FRACTIONS, NORMALS, RAINS)
def test_bucket_stays_within_its_limits_and_loses_no_water(clay, sand, carbon, hollow, rains):
    hollow = np.clip(hollow, -2, 3)
    bucket = bucket_of(clay, sand, carbon, hollow, clay)
    soil = soil_of(clay, sand, carbon)
    limits = water_limits(soil, np.zeros(SHAPE, np.float32))
    for rain in rains:
        before = bucket.moisture.astype(np.float64)
        balance = bucket.step(rain)
        after = bucket.moisture.astype(np.float64)
        assert (bucket.moisture >= limits.residual).all()
        assert (bucket.moisture <= limits.saturated).all()
        gained = (after - before).sum() * DEPTH
        terms = balance.rain - balance.runoff - balance.drainage - balance.evaporation + balance.inflow
        assert gained == pytest.approx(terms, abs=1e-2)
        assert balance.inflow == pytest.approx(LATERAL * balance.drainage, rel=1e-5, abs=1e-6)
        assert min(balance.evaporation, balance.drainage, balance.runoff) >= 0


def test_bucket_rain_is_the_mean_of_the_blocks():
    bucket = bucket_of(*[np.full(SHAPE, 0.5, np.float32)] * 3, np.zeros(SHAPE), np.zeros(SHAPE))
    assert bucket.step(np.full((4, 6), 7.5)).rain == pytest.approx(7.5 * 16 * 24, rel=1e-6)


def test_a_dry_spell_dries_low_land_faster():
    height = np.broadcast_to(np.linspace(0, 1, SHAPE[1], dtype=np.float32), SHAPE)
    bucket = bucket_of(*[np.full(SHAPE, 0.4, np.float32)] * 3, np.zeros(SHAPE, np.float32), height)
    start = bucket.moisture.mean()
    for _ in range(6):
        bucket.step(np.zeros((4, 6)))
    assert (np.diff(bucket.moisture, axis=1) > 0).all()
    assert bucket.moisture.max() < start


def test_the_spin_up_forgets_its_start():
    rng = np.random.default_rng(1)
    parts = [rng.random(SHAPE, dtype=np.float32) for _ in range(3)]
    wet, dry = (bucket_of(*parts, np.zeros(SHAPE, np.float32), parts[0]) for _ in range(2))
    dry.moisture = dry.moisture * 0.4
    apart = np.abs(wet.moisture - dry.moisture).mean()
    for _ in range(SPIN_UP_DAYS):
        rain = np.clip(rng.normal(2, 8, (4, 6)), 0, None)
        wet.step(rain)
        dry.step(rain)
    assert np.abs(wet.moisture - dry.moisture).mean() < 0.1 * apart


@settings(max_examples=30, deadline=None)
@given(NORMALS, hnp.arrays(np.float64, SHAPE, elements=st.floats(0, 1)))
def test_gathering_moves_water_to_heavy_pixels_and_loses_none(hollow, amount):
    weight = np.exp(ATTRACTION * hollow)
    gathering = Gathering(weight)
    arrived = gathering.arrive(slice(0, SHAPE[0]), gathering.shares(block_sums(amount, 4)))
    assert arrived.sum(dtype=float) == pytest.approx(amount.sum(), rel=1e-5, abs=1e-9)
    block = arrived[:4, :4] / weight[:4, :4]
    np.testing.assert_allclose(block, block[0, 0], rtol=1e-5, atol=1e-12)


# Rain.


@pytest.fixture(scope="module")
def factor():
    rows, cols = np.mgrid[:36, :44]
    return orographic_factor(3000.0 + 20.0 * rows + 300.0 * np.sin(cols / 5.0))


def test_rain_grid_lies_on_the_lines_of_chirps():
    grid = rain_grid(Bounds(-71.33, -14.31, -69.41, -12.77))
    assert (grid.width, grid.height, grid.cell_width) == (43, 36, CELL)
    assert grid.left == -71.45
    assert grid.top == -12.65


def test_rain_is_not_negative_and_has_wet_and_dry_land(factor):
    days = [
        daily_rain(DemoSettings(seed=4), dt.date(2021, 1, 1) + dt.timedelta(n), factor) for n in range(30)
    ]
    rain = np.array(days)
    assert rain.min() == 0
    assert rain.max() < 90.01
    assert 3 < rain.mean() < 9
    assert 0.3 < (rain > 0.1).mean() < 0.9
    wet = (rain > 0.1).mean(axis=(1, 2))
    assert wet.max() - wet.min() > 0.2
    # Storms: neighbours resemble each other, points 100 km apart do not.
    near = np.corrcoef(rain[:, :, :-1].ravel(), rain[:, :, 1:].ravel())[0, 1]
    far = np.corrcoef(rain[:, :, :-20].ravel(), rain[:, :, 20:].ravel())[0, 1]
    assert near > 0.75
    assert far < 0.4


def test_rain_of_a_date_does_not_depend_on_the_period(factor):
    date = dt.date(2021, 1, 7)
    first = daily_rain(DemoSettings(seed=4, days=3), date, factor)
    again = daily_rain(DemoSettings(seed=4, days=9, start=dt.date(2021, 1, 1)), date, factor)
    other = daily_rain(DemoSettings(seed=5, days=3), date, factor)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1


def test_more_rain_on_high_land():
    factor = orographic_factor(np.repeat(np.linspace(2500, 4800, 30)[:, None], 40, axis=1))
    assert (np.diff(factor[:, 20]) > 0).all()
    assert factor.mean() == pytest.approx(1, abs=0.1)


def test_rain_sampler_is_bilinear():
    grid = rain_grid(Bounds(-71.0, -13.0, -70.6, -12.8))
    plane = 3.0 + 2.0 * (grid.x_centres()[None, :] + 71) + 5.0 * (grid.y_centres()[:, None] + 13)
    lon, lat = np.array([[-70.93, -70.71]]), np.array([[-12.97, -12.83]])
    expected = 3.0 + 2.0 * (lon + 71) + 5.0 * (lat + 13)
    np.testing.assert_allclose(RainSampler(grid, lon, lat)(plane.astype(np.float32)), expected, atol=1e-5)


# SMAP.


def cells_of(rows, cols):
    grid = ease2_grid("9 km").crop(Window(1000, 1200, rows, cols))
    return SmapCells(grid, np.zeros((1, 1), np.int32), 10_107.0, 8_036.0)


def dates(n):
    return [dt.date(2021, 1, 5) + dt.timedelta(day) for day in range(n)]


def test_swaths_come_back_every_8_days():
    cells = cells_of(20, 20)
    first, again = (
        np.array([observations.swath(date, cells) for date in dates(24)[start : start + 8]])
        for start in (0, 16)
    )
    np.testing.assert_array_equal(first, again)


def test_swaths_leave_gaps_of_one_to_three_days():
    seen = np.array([observations.swath(date, cells_of(20, 20)) for date in dates(10)])
    share = seen.mean(axis=(1, 2))
    assert (share == 1).sum() >= 3
    assert ((share > 0.05) & (share < 0.95)).sum() >= 2
    assert (share < 0.2).sum() >= 1
    for row, col in np.ndindex(20, 20):
        days = np.flatnonzero(seen[:, row, col])
        assert np.diff(days).max() <= 3


def test_edges_of_swaths_lean():
    edges = {
        tuple(np.argmax(~covered, axis=1).tolist())
        for date in dates(8)
        if 0.05 < (covered := observations.swath(date, cells_of(20, 20))).mean() < 0.95
    }
    assert any(len(set(edge)) > 2 for edge in edges)


@pytest.mark.parametrize("footprint", [0.0, 33.0])
def test_random_error_has_the_spread_asked_for(footprint):
    cells = cells_of(18, 20)
    settings_ = DemoSettings(seed=3, noise=0.03, footprint_km=footprint)
    errors = np.array([observations.random_error(settings_, date, cells) for date in dates(200)])
    assert errors.std() == pytest.approx(0.03, rel=0.04)
    assert errors.mean() == pytest.approx(0, abs=0.002)
    sigma = footprint * 1000 / 2.354820045
    for lag, expected in (
        ((0, 1), np.exp(-((10_107 / sigma) ** 2) / 4) if sigma else 0),
        ((1, 0), np.exp(-((8_036 / sigma) ** 2) / 4) if sigma else 0),
        ((0, 4), np.exp(-((4 * 10_107 / sigma) ** 2) / 4) if sigma else 0),
    ):
        down, right = lag
        apart = errors[:, : 18 - down, : 20 - right] * errors[:, down:, right:]
        assert apart.mean() / errors.var() == pytest.approx(expected, abs=0.03)


def test_no_noise_is_no_error():
    assert not observations.random_error(DemoSettings(noise=0), dates(1)[0], cells_of(4, 4)).any()
