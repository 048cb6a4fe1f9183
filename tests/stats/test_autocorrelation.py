"""Autocorrelation of neighbours, and the length of blocks that follows from it."""

from __future__ import annotations

import numpy as np
import pytest

from field_cases import alike_days
from smap_downscaler.stats.autocorrelation import block_length, block_starts, lag_one


def test_lag_one_of_a_long_series():
    rng = np.random.default_rng(1)
    for memory in (0.0, 0.4, 0.9):
        values = alike_days(20_000, memory, rng)
        assert lag_one(np.arange(20_000), values) == pytest.approx(memory, abs=0.02)


def test_lag_one_is_corrected_and_bounded():
    days = np.arange(6)
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    # Sum of neighbours' products 8.75 over 5, over the variance 17.5 / 6: 0.6, then (0.6 x 5 + 1) / 2.
    assert lag_one(days, values) == 0.99
    mild = np.array([0.0, 1.0, 0.5, 0.4, 0.9, 0.2, 0.8, 0.7, 0.3, 0.6])
    centred = mild - mild.mean()
    plain = (centred[1:] * centred[:-1]).mean() / (centred**2).mean()
    assert lag_one(np.arange(10), mild) == (0.0 if plain <= 0 else pytest.approx((plain * 9 + 1) / 6))
    assert lag_one(np.arange(4), mild[:4]) == 0.0
    assert lag_one(np.arange(10), np.full(10, 0.2)) == 0.0


def test_lag_one_does_not_reach_over_gaps():
    # Two equal days, and then another two a hundred days later.
    values = np.repeat(np.random.default_rng(2).standard_normal(40), 2)
    pairs = (100 * np.arange(40)[:, None] + [0, 1]).ravel()
    assert lag_one(pairs, values) == 0.99
    assert 0.3 < lag_one(np.arange(80), values) < 0.7


def test_block_length():
    # By hand for n = 1000, a = 0.5: (sqrt(6) 0.5 / 0.75)^(2/3) x 10.
    assert block_length(1000, 0.5) == round((1.632993) ** (2 / 3) * 10)
    assert block_length(1000, 0.0) == 1
    assert block_length(8, 0.99) == 8


def test_blocks_begin_wherever_a_whole_one_fits():
    starts = block_starts(8, 4, 2000, np.random.default_rng(1))
    assert starts.shape == (2000, 2)
    assert np.unique(starts).tolist() == [0, 1, 2, 3, 4]
    assert block_starts(23, 5, 1, np.random.default_rng(1)).shape == (1, 5)
