"""Sampling and sharing out, held against brute force and against what is known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smap_downscaler.geo.sampling import CellSums, bilinear, nearest, split_over_cells

NAN = float("nan")


def bilinear_by_hand(values, row, col):
    """One point, with the rule written out plainly."""
    height, width = values.shape
    if not (0 <= row < height and 0 <= col < width) or np.isnan(values[int(row), int(col)]):
        return NAN
    y, x = min(max(row - 0.5, 0), height - 1), min(max(col - 0.5, 0), width - 1)
    total = weights = 0.0
    for r in range(height):
        for c in range(width):
            weight = max(0, 1 - abs(r - y)) * max(0, 1 - abs(c - x))
            if weight > 0 and not np.isnan(values[r, c]):
                total += weight * values[r, c]
                weights += weight
    return total / weights


def test_bilinear_equals_the_rule_written_out_plainly():
    generator = np.random.default_rng(3)
    values = generator.normal(size=(5, 7))
    values[generator.random(values.shape) < 0.3] = NAN
    rows, cols = generator.uniform(-1, 6, 400), generator.uniform(-1, 8, 400)
    expected = [bilinear_by_hand(values, row, col) for row, col in zip(rows, cols, strict=True)]
    assert np.isfinite(expected).sum() > 100
    np.testing.assert_allclose(bilinear(values, rows, cols), expected, rtol=1e-12)


@given(
    a=st.floats(-100, 100),
    b=st.floats(-100, 100),
    c=st.floats(-100, 100),
    row=st.floats(0.5, 7.5),
    col=st.floats(0.5, 5.5),
)
def test_bilinear_is_exact_on_a_plane(a, b, c, row, col):
    centres = np.arange(8)[:, None] + 0.5, np.arange(6)[None, :] + 0.5
    plane = a + b * centres[0] + c * centres[1]
    found = bilinear(plane, np.array([row]), np.array([col]))[0]
    assert found == pytest.approx(a + b * row + c * col, abs=1e-9)


@given(st.integers(0, 2**32 - 1))
def test_bilinear_stays_within_the_range_of_the_valid_cells(seed):
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(4, 4))
    values[generator.random(values.shape) < 0.4] = NAN
    found = bilinear(values, generator.uniform(0, 4, 50), generator.uniform(0, 4, 50))
    valid = found[np.isfinite(found)]
    if valid.size:
        assert valid.min() >= np.nanmin(values) - 1e-12
        assert valid.max() <= np.nanmax(values) + 1e-12


def test_bilinear_keeps_edge_values_and_refuses_the_outside():
    values = np.array([[1.0, 3.0]])
    rows = np.full(6, 0.5)
    cols = np.array([0.0, 0.5, 1.0, 1.999, 2.0, -1e-9])
    np.testing.assert_array_equal(bilinear(values, rows, cols), [1, 1, 2, 3, NAN, NAN])


def test_bilinear_of_a_shifted_window_gives_the_same_bits():
    values = np.random.default_rng(0).normal(size=(60, 60))
    rows, cols = (np.random.default_rng(seed).uniform(20, 40, 500) for seed in (1, 2))
    whole = bilinear(values, rows, cols)
    part = bilinear(values[17:44, 18:43], rows - 17, cols - 18)
    np.testing.assert_array_equal(part, whole)


def test_bilinear_and_nearest_take_positions_that_failed():
    values = np.ones((2, 2))
    lost = np.array([NAN, 0.5])
    np.testing.assert_array_equal(bilinear(values, lost, lost), [NAN, 1.0])
    np.testing.assert_array_equal(nearest(values, lost, lost), [NAN, 1.0])


def test_nearest_is_the_cell_that_holds_the_point():
    values = np.arange(6.0).reshape(2, 3)
    rows, cols = np.array([0.0, 0.99, 1.0, 1.99, 2.0, -0.1]), np.array([0.0, 1.0, 2.99, 0.5, 0.0, 0.0])
    np.testing.assert_array_equal(nearest(values, rows, cols), [0, 1, 5, 3, NAN, NAN])


def box_overlap(row, col, size, shape):
    """Share of an upright box in every cell, by the definition."""
    height, width = size
    down = [max(0, min(row + height / 2, r + 1) - max(row - height / 2, r)) / height for r in range(shape[0])]
    right = [max(0, min(col + width / 2, c + 1) - max(col - width / 2, c)) / width for c in range(shape[1])]
    return np.outer(down, right)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.floats(0.001, 1.0),
    width=st.floats(0.001, 1.0),
)
def test_pixels_are_shared_out_by_their_overlap_with_each_cell(seed, height, width):
    generator = np.random.default_rng(seed)
    shape = (3, 4)
    rows, cols = generator.uniform(-1, 4, 30), generator.uniform(-1, 5, 30)
    areas = generator.uniform(0.1, 2.0, 30)
    pixels, cells, shares = split_over_cells(rows, cols, (height, width), areas, shape)
    found = np.zeros((30, shape[0] * shape[1]))
    np.add.at(found, (pixels, cells), shares)
    for number in range(30):
        expected = areas[number] * box_overlap(rows[number], cols[number], (height, width), shape)
        np.testing.assert_allclose(found[number], expected.ravel(), atol=1e-9)


@given(st.integers(0, 2**32 - 1), st.floats(0.001, 1.0))
def test_no_area_is_lost_or_made_inside_the_grid(seed, size):
    generator = np.random.default_rng(seed)
    rows, cols = (generator.uniform(size / 2, 10 - size / 2, 200) for _ in range(2))
    areas = generator.uniform(0, 1, 200)
    _pixels, _cells, shares = split_over_cells(rows, cols, (size, size), areas, (10, 10))
    assert shares.sum() == pytest.approx(areas.sum(), rel=1e-12)


def test_pixels_whose_position_failed_are_left_out():
    pixels, cells, _shares = split_over_cells(
        np.array([NAN, 0.5]), np.array([0.5, 1.5]), (0.1, 0.1), np.ones(2), (2, 2)
    )
    assert pixels.tolist() == [1]
    assert cells.tolist() == [1]


@given(st.floats(-1e6, 1e6), st.integers(0, 2**32 - 1))
def test_the_mean_of_a_constant_is_the_constant(constant, seed):
    generator = np.random.default_rng(seed)
    sums = CellSums(1, (2, 2))
    cells = generator.integers(0, 4, 100)
    sums.add(0, cells, generator.uniform(0.01, 1, 100), np.full(100, constant))
    means = sums.means(0, 0.0)
    occupied = np.isin(np.arange(4), cells).reshape(2, 2)
    assert means[occupied] == pytest.approx(constant, rel=1e-12, abs=1e-12)


def test_weights_are_renormalised_over_what_is_valid_down_to_the_least_share():
    sums = CellSums(1, (1, 3))
    cells = np.array([0, 0, 1, 1, 2])
    areas = np.array([0.3, 0.6, 0.4, 0.6, 0.4])
    sums.add(0, cells, areas, np.array([1.0, 4.0, 5.0, NAN, 7.0], np.float32))
    np.testing.assert_allclose(sums.shares(0), [[0.9, 0.4, 0.4]])
    np.testing.assert_allclose(sums.means(0, 0.0), [[3.0, 5.0, 7.0]])
    np.testing.assert_allclose(sums.means(0, 0.4), [[3.0, 5.0, 7.0]])
    np.testing.assert_allclose(sums.means(0, 0.5), [[3.0, NAN, NAN]])


def test_cells_without_any_pixel_have_no_mean_even_with_no_least_share():
    sums = CellSums(1, (1, 2))
    sums.add(0, np.array([0]), np.array([0.0]), np.array([3.0]))
    assert all(math.isnan(mean) for mean in sums.means(0, 0.0)[0])
