"""Dissimilarity, threshold and ranges against plain loops over all pairs of rows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from smap_downscaler.stats.applicability import MOST_ROWS, Applicability, cell_blocks, spread_rows

NUMBERS = st.floats(-50, 50, width=32)


def scaled_by_hand(rows, x, weights):
    mean, sd = rows.mean(axis=0, dtype=float), rows.std(axis=0, dtype=float)
    used = [k for k in range(rows.shape[1]) if weights[k] > 0 and rows[:, k].min() < rows[:, k].max()]
    return np.array([[weights[k] * (one[k] - mean[k]) / sd[k] for k in used] for one in x.astype(float)])


def distance(one, other):
    return math.sqrt(sum((a - b) ** 2 for a, b in zip(one, other)))


def by_hand(rows, weights, blocks, x):
    """Dissimilarity of x, and the threshold."""
    own, asked = (scaled_by_hand(rows, values, weights) for values in (rows, x))
    n = len(own)
    mean = sum(distance(own[i], own[j]) for i in range(n) for j in range(i)) / (n * (n - 1) / 2)
    of_rows = [min(distance(own[i], own[j]) for j in range(n) if blocks[i] != blocks[j]) for i in range(n)]
    of_rows = np.array(of_rows) / mean
    q25, q75 = np.quantile(of_rows, (0.25, 0.75))
    found = [min(distance(one, row) for row in own) / mean for one in asked]
    return np.array(found), min(q75 + 1.5 * (q75 - q25), of_rows.max())


@given(
    arrays(np.float32, (12, 3), elements=NUMBERS),
    arrays(np.float32, (7, 3), elements=NUMBERS),
    arrays(np.float64, 3, elements=st.sampled_from([0.0, 0.1, 0.5, 2.0])),
    st.lists(st.integers(0, 3), min_size=12, max_size=12).filter(lambda blocks: len(set(blocks)) > 1),
)
def test_dissimilarity_and_threshold_are_those_of_all_pairs(rows, x, weights, blocks):
    # Covariates that differ by less than rounding have no distances to speak of.
    rows, x = np.round(rows, 2), np.round(x, 2)
    varies = rows.min(axis=0) < rows.max(axis=0)
    found = Applicability.of(rows, weights, np.array(blocks))
    if not varies.any():
        assert found is None
        return
    used = np.where(varies, weights, 0.0)
    used = used if used.any() else varies.astype(float)
    expected, threshold = by_hand(rows, used, blocks, x)
    np.testing.assert_allclose(found.dissimilarity(x), expected, rtol=1e-9, atol=1e-12)
    assert found.threshold == pytest.approx(threshold, rel=1e-9, abs=1e-12)
    assert found.blocks == len(set(blocks))
    np.testing.assert_allclose(found.dissimilarity(rows), 0, atol=1e-12)


def test_without_importance_all_count_equally():
    rng = np.random.default_rng(2)
    rows, x = rng.normal(size=(30, 4)).astype(np.float32), rng.normal(size=(9, 4)).astype(np.float32)
    blocks = np.arange(30) % 5
    expected, threshold = by_hand(rows, [1, 1, 1, 1], blocks, x)
    for weights in (None, np.zeros(4), np.full(4, 0.3)):
        found = Applicability.of(rows, weights, blocks)
        np.testing.assert_allclose(found.dissimilarity(x), expected, rtol=1e-9)
        assert found.threshold == pytest.approx(threshold, rel=1e-9)


def test_rows_of_one_block_are_held_against_all_others():
    rows = np.array([[0.0], [1.0], [4.0]], np.float32)
    found = Applicability.of(rows, None, np.zeros(3, int))
    # Standardised by the SD s, the rows lie 1 / s, 3 / s and 4 / s apart, 8 / 3 s in the mean.
    nearest = np.array([1, 1, 3]) / (8 / 3)
    q25, q75 = np.quantile(nearest, (0.25, 0.75))
    assert found.threshold == pytest.approx(min(nearest.max(), q75 + 1.5 * (q75 - q25)))
    assert found.dissimilarity(np.array([[6.0]], np.float32))[0] == pytest.approx(2 / (8 / 3))


@given(arrays(np.float32, (6, 3), elements=NUMBERS), arrays(np.float32, (8, 3), elements=NUMBERS))
def test_the_covariate_that_is_farthest_out_of_its_range(rows, x):
    rows = np.concatenate([rows, [[-1.0, -1.0, 5.0], [1.0, 2.0, 5.0]]]).astype(np.float32)
    found = Applicability.of(rows, None, np.arange(8))
    sd = rows.std(axis=0, dtype=float)
    for one, number in zip(x, found.out_of_range(x)):
        far = []
        for k in range(3):
            below = float(rows[:, k].min()) - float(one[k])
            above = float(one[k]) - float(rows[:, k].max())
            beyond = max(below, above, 0.0)
            far.append(beyond / sd[k] if beyond == 0 or sd[k] > 0 else math.inf)
        assert number == (0 if max(far) == 0 else 1 + int(np.argmax(far)))


def test_what_never_varied_is_out_of_range_first():
    rows = np.array([[0, 7], [1, 7], [3, 7]], np.float32)
    found = Applicability.of(rows, np.array([1.0, 5.0]), np.arange(3))
    x = np.array([[0, 7], [9, 7], [9, 7.5], [-1, 7]], np.float32)
    assert found.out_of_range(x).tolist() == [0, 1, 2, 1]
    # It has no weight in the distance.
    assert found.dissimilarity(x)[1] == found.dissimilarity(x)[2]


def test_blocks_are_72_km_or_two_cells_wide():
    rows, cols = (index.ravel() for index in np.mgrid[40:56, 3:35])
    cells = np.column_stack([rows, cols])
    by_side = {}
    for km in (9.0, 36.0, 400.0):
        blocks = cell_blocks(cells, km)
        by_side[km] = len(set(blocks.tolist()))
        side = max(2, round(72 / km))
        expected = {}
        for cell, block in zip(cells.tolist(), blocks.tolist()):
            place = (cell[0] - 40) // side, (cell[1] - 3) // side
            assert expected.setdefault(place, block) == block
        assert len(set(expected.values())) == len(expected)
    assert by_side == {9.0: 8, 36.0: 128, 400.0: 128}


def test_blocks_of_cells_that_lie_apart_hold_two_of_them_along_a_side():
    rows, cols = (4 * index.ravel() for index in np.mgrid[0:6, 0:6])
    assert len(set(cell_blocks(np.column_stack([rows, cols]), 36.0).tolist())) == 9


def test_a_small_area_has_smaller_blocks_and_rows_without_cells_their_own():
    cells = np.array([[5, 5], [5, 6], [6, 5], [6, 6], [-1, -1], [5, -1], [5, 5]])
    blocks = cell_blocks(cells, 9.0)
    assert blocks[0] == blocks[6]
    assert len(set(blocks.tolist())) == 6
    assert len(set(cell_blocks(np.full((5, 2), -1), 9.0).tolist())) == 5


def test_many_rows_are_sampled_by_the_seed_and_ranges_are_of_all():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(3 * MOST_ROWS, 2)).astype(np.float32)
    blocks = np.arange(len(x)) % 50
    found, again, other = (Applicability.of(x, None, blocks, seed) for seed in (1, 1, 2))
    assert len(found.rows) == MOST_ROWS
    assert np.array_equal(found.rows, again.rows)
    assert not np.array_equal(found.rows, other.rows)
    assert np.array_equal(found.rows, x[spread_rows(len(x), 1)])
    assert np.array_equal(found.low, x.min(axis=0))
    assert np.array_equal(found.mean, x.mean(axis=0, dtype=float))
    assert found.threshold == pytest.approx(other.threshold, rel=0.2)
