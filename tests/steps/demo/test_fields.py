"""Random fields, filters, projections and drainage trees of the demo basin, against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from raster_cases import Listener
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.geo.grid import Grid
from smap_downscaler.geo.lattice import Transformation
from smap_downscaler.steps.demo.numbers.drainage import (
    DrainageOrder,
    distance_to,
    flood,
    steepest,
    upstream_of,
)
from smap_downscaler.steps.demo.numbers.fields import (
    block_sums,
    convolve,
    correlated,
    enlarge,
    fast_length,
    fractal,
    gaussian_kernel,
    repeat,
    smooth,
)
from smap_downscaler.steps.demo.numbers.shape import pixel_coordinates

LAND = hnp.arrays(
    np.float64, st.tuples(st.integers(3, 9), st.integers(3, 9)), elements=st.integers(0, 12).map(float)
)


@pytest.mark.parametrize(("n", "length"), [(1, 1), (7, 8), (11, 12), (121, 125), (1741, 1800)])
def test_fast_length(n, length):
    assert fast_length(n) == length


def test_fields_are_seeded_and_standardised():
    first, again, other = (correlated(np.random.default_rng(seed), (60, 70), 1.0, 4.0) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.5
    assert first.shape == (60, 70)
    assert first.mean() == pytest.approx(0, abs=1e-5)
    assert first.std() == pytest.approx(1, abs=1e-4)


def test_correlated_has_an_exponential_covariance():
    field = correlated(np.random.default_rng(3), (900, 900), 1.0, 8.0).astype(np.float64)
    for lag in (2, 8, 16):
        along = np.mean(field[:, :-lag] * field[:, lag:])
        assert along == pytest.approx(np.exp(-lag / 8.0), abs=0.06)


def test_fractal_gets_rougher_with_a_lower_hurst_exponent():
    smooth_one, rough = (fractal(np.random.default_rng(3), (200, 200), 1.0, h, 100.0) for h in (0.9, 0.2))
    assert np.diff(smooth_one, axis=1).std() < 0.5 * np.diff(rough, axis=1).std()


def test_enlarge_is_bilinear():
    ndimage = pytest.importorskip("scipy.ndimage")
    coarse = np.random.default_rng(0).normal(size=(5, 7))
    rows = np.clip((np.arange(20) + 0.5) / 4 - 0.5, 0, 4)
    cols = np.clip((np.arange(28) + 0.5) / 4 - 0.5, 0, 6)
    expected = ndimage.map_coordinates(coarse, np.meshgrid(rows, cols, indexing="ij"), order=1)
    np.testing.assert_allclose(enlarge(coarse, 4), expected, atol=1e-12)


def test_block_sums_and_repeat_are_transposes():
    rng = np.random.default_rng(0)
    fine, coarse = rng.normal(size=(12, 8)), rng.normal(size=(3, 2))
    assert (block_sums(fine, 4) * coarse).sum() == pytest.approx((fine * repeat(coarse, 4)).sum())
    assert block_sums(fine, 4)[1, 1] == pytest.approx(fine[4:8, 4:8].sum())


def test_convolve_against_scipy():
    ndimage = pytest.importorskip("scipy.ndimage")
    values, kernel = np.random.default_rng(0).normal(size=(30, 9)), gaussian_kernel(1.7)
    expected = values
    for axis in (0, 1):
        expected = ndimage.convolve1d(expected, kernel, axis=axis, mode="constant")
    np.testing.assert_allclose(convolve(values, kernel), expected, atol=1e-12)


def test_smooth_leaves_a_constant_and_ignores_what_is_missing():
    weights = np.ones((20, 30))
    weights[5:9, 4:20] = 0
    values = np.where(weights > 0, 3.0, 99.0)
    np.testing.assert_allclose(smooth(values, 2.0, weights), 3.0, rtol=1e-12)
    assert np.isnan(smooth(values, 0.2, weights)[7, 10])


def test_pixel_coordinates_agree_with_proj():
    grid = Grid("EPSG:32719", 240_000, 8_590_000, 100, 100, 2100, 1800)
    row, col = np.random.default_rng(0).integers(0, (1800, 2100), (500, 2)).T
    for crs, tolerance in (("EPSG:6933", 1e-4), ("EPSG:4326", 1e-9)):
        exact = Transformation("EPSG:32719", crs)
        quick_x, quick_y = pixel_coordinates(grid, exact)
        x, y = exact(grid.x_centres()[col], grid.y_centres()[row])
        assert np.abs(quick_x[row, col] - x).max() < tolerance
        assert np.abs(quick_y[row, col] - y).max() < tolerance


# Drainage.


def filled(land):
    """The lowest level at which water leaves each cell for the border, by relaxation."""
    rows, cols = land.shape
    level = np.full(land.shape, np.inf)
    level[[0, -1]], level[:, [0, -1]] = land[[0, -1]], land[:, [0, -1]]
    while True:
        before = level.copy()
        for r in range(1, rows - 1):
            for c in range(1, cols - 1):
                level[r, c] = max(land[r, c], level[r - 1 : r + 2, c - 1 : c + 2].min())
        if np.array_equal(before, level):
            return level


def path(receiver, cell):
    cells = [cell]
    while receiver[cells[-1]] != cells[-1]:
        cells.append(int(receiver[cells[-1]]))
        assert len(cells) <= receiver.size
    return cells


@settings(max_examples=60, deadline=None)
@given(LAND)
def test_flooding_leads_over_the_lowest_sill_to_the_border(land):
    receiver = flood(land)
    level = filled(land).ravel()
    rows, cols = land.shape
    for cell in range(land.size):
        way = path(receiver, cell)
        end_row, end_col = divmod(way[-1], cols)
        assert end_row in (0, rows - 1) or end_col in (0, cols - 1)
        assert land.ravel()[way].max() == level[cell]
        steps = np.abs(np.diff([divmod(step, cols) for step in way], axis=0))
        assert (steps <= 1).all()


@settings(max_examples=60, deadline=None)
@given(LAND)
def test_steepest_descent_by_hand(land):
    rows, cols = land.shape
    receiver = steepest(land).reshape(land.shape)
    for r in range(rows):
        for c in range(cols):
            falls = {
                (i, j): (land[r, c] - land[i, j]) / np.hypot(i - r, j - c)
                for i in range(max(r - 1, 0), min(r + 2, rows))
                for j in range(max(c - 1, 0), min(c + 2, cols))
                if (i, j) != (r, c)
            }
            to = divmod(int(receiver[r, c]), cols)
            if max(falls.values()) <= 0:
                assert to == (r, c)
            else:
                assert falls[to] == pytest.approx(max(falls.values()))


@settings(max_examples=40, deadline=None)
@given(LAND, st.integers(0, 2**31))
def test_sums_along_the_tree_by_following_every_path(land, seed):
    rng = np.random.default_rng(seed)
    receiver = flood(land)
    order = DrainageOrder(receiver)
    amount, rise, base = rng.random(land.size), rng.random(land.size), rng.random(land.size)
    total, height = np.zeros(land.size), np.zeros(land.size)
    ways = [path(receiver, cell) for cell in range(land.size)]
    for cell, way in enumerate(ways):
        total[way] += amount[cell]
        height[cell] = base[way[-1]] + rise[way[:-1]].sum()
    np.testing.assert_allclose(order.accumulate(amount), total, rtol=1e-12)
    np.testing.assert_allclose(order.integrate(base, rise), height, rtol=1e-12)
    outlet = int(rng.integers(land.size))
    np.testing.assert_array_equal(upstream_of(receiver, outlet), [outlet in way for way in ways])
    ends = receiver == np.arange(land.size)
    np.testing.assert_array_equal(distance_to(receiver, land.shape[1]) == 0, ends)


def test_distance_to():
    # On three columns: right, down-right, itself.
    receiver = np.array([1, 5, 2, 0, 4, 5])
    np.testing.assert_allclose(distance_to(receiver, 3), [1, np.sqrt(2), 0, 1, 0, 0])


def test_flooding_stops_when_cancelled():
    with pytest.raises(Cancelled):
        flood(np.zeros((120, 120)), Listener(0))
