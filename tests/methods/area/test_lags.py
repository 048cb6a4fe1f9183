"""Covariances by lag are those of points averaged over pixels, cells and footprints."""

from __future__ import annotations

import numpy as np
import pytest

from smap_downscaler.methods.area.lags import (
    LENGTHS,
    below_part,
    field_on_parts,
    field_tables,
    matrix_of,
    noise_table,
    part_covariances,
    parts_to_cells,
    weights_of_lengths,
)
from smap_downscaler.methods.area.subcells import FWHM, SubCells, footprint_kernels

SUBCELLS = SubCells((0, 0), (4, 5), 3, (8.0, 10.0))


def covariance(distance, hurst):
    """The field's, by distance in km."""
    shares = weights_of_lengths(hurst)
    return sum(share * np.exp(-distance / length) for share, length in zip(shares, LENGTHS))


def mean_covariance(first, second, hurst):
    """Mean over all pairs of points, float64, shapes (m, 2) and (n, 2), km."""
    off = first[:, None] - second[None]
    return covariance(np.hypot(off[..., 0], off[..., 1]), hurst).mean()


def points(row, col, step_km, n=24):
    """Middles of n x n pieces of a rectangle."""
    inner = (np.arange(n) + 0.5) / n
    y, x = np.meshgrid((row + inner) * step_km[0], (col + inner) * step_km[1], indexing="ij")
    return np.column_stack([y.ravel(), x.ravel()])


@pytest.mark.parametrize("hurst", [0.0, 0.3, 0.5])
def test_means_over_rectangles(hurst):
    step = SUBCELLS.part_km
    table = part_covariances(step, (4, 6), hurst)
    for lag in ((0, 0), (0, 1), (2, 2), (3, 1), (4, 6)):
        # Points of one rectangle may coincide with their own only where the two have pieces of other sizes.
        expected = mean_covariance(points(0, 0, step, 24), points(*lag, step, 25), hurst)
        assert table[lag] == pytest.approx(expected, abs=4e-4)


def test_shares_of_lengths_are_self_similar():
    shares = weights_of_lengths(0.25)
    assert shares.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(shares[1:] / shares[:-1], 2**0.5)


@pytest.mark.parametrize("footprint", [0.0, 33.0])
def test_cells_are_means_of_blurred_sub_cells(footprint):
    tables = field_tables(SUBCELLS, 0.15, footprint)
    down, across = footprint_kernels(SUBCELLS, footprint)
    reach = len(down) // 2, len(across) // 2
    parts = part_covariances(SUBCELLS.part_km, (4 * reach[0] + 12, 4 * reach[1] + 15), 0.15)

    def weights(row, col):
        """Of sub-cells, in a cell: {(row, column): weight}."""
        found = {}
        for i in range(3):
            for j in range(3):
                for a, first in enumerate(down):
                    for b, second in enumerate(across):
                        place = 3 * row + i + a - reach[0], 3 * col + j + b - reach[1]
                        found[place] = found.get(place, 0.0) + first * second / 9
        return np.array(list(found)), np.array(list(found.values()))

    here, own = weights(0, 0)
    lags = [(0, 0), (0, 1), (2, 3)] if not footprint else [(1, 2)]
    for lag in lags:
        there, other = weights(*lag)
        off = np.abs(here[:, None] - there[None])
        expected = own @ parts[off[..., 0], off[..., 1]] @ other
        assert tables.cells[lag] == pytest.approx(expected, rel=1e-9)
    # Of a sub-cell four rows up and one column to the right of the middle of the cell.
    off = np.abs(here - (1 - 4, 1 + 1))
    expected = parts[off[:, 0], off[:, 1]] @ own
    high, wide = SUBCELLS.fine_shape
    assert tables.to_parts[high - 4, wide + 1] == pytest.approx(expected, rel=1e-9)
    assert tables.part == parts[0, 0]


def test_the_image_of_a_field_is_its_covariances_times_weights():
    tables = field_tables(SUBCELLS, 0.0, 20.0)
    cells = np.array([[0, 0], [1, 3], [3, 4]])
    alpha = np.array([1.0, -2.0, 0.5])
    parts = np.argwhere(np.ones(SUBCELLS.fine_shape, bool))
    expected = parts_to_cells(tables, SUBCELLS, cells, parts) @ alpha
    found = field_on_parts(tables, SUBCELLS, cells, alpha)
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-12)


def test_matrices_are_symmetric_and_by_lag():
    table = np.arange(20.0).reshape(4, 5)
    cells = np.array([[0, 0], [2, 1], [3, 4]])
    found = matrix_of(table, cells)
    np.testing.assert_array_equal(found, [[0, 11, 19], [11, 0, 8], [19, 8, 0]])


def test_noise_is_correlated_over_the_footprint():
    table = noise_table(SUBCELLS, 33.0)
    sigma = 33.0 / FWHM
    assert table[0, 0] == 1.0
    assert table[1, 2] == pytest.approx(np.exp(-(8.0**2 + 20.0**2) / (4 * sigma**2)))
    np.testing.assert_array_equal(noise_table(SUBCELLS, 0.0)[0], [1, 0, 0, 0, 0])


def test_what_no_coarse_data_see_grows_as_pixels_shrink():
    found = [below_part((3.0, 3.0), (side, side), 0.0) for side in (3.0, 1.0, 0.1)]
    assert found[0] == 0.0
    # AREAMODEL.md: .128 v at 1 km, .239 v at 100 m for H = 0, with sub-cells of 3 km.
    np.testing.assert_allclose(found[1:], [0.128, 0.239], atol=2e-3)
