"""Pairs that are one on the SMAP cells and two below."""

from __future__ import annotations

import numpy as np
import pytest

from smap_downscaler.steps.covariates.numbers.alike import alike_pairs


def averaged(fine, side):
    return fine.reshape(-1, side).mean(axis=1)


@pytest.fixture
def fields():
    """Two covariates of one coarse pattern with fine detail of their own, and a third."""
    generator = np.random.default_rng(5)
    coarse = np.repeat(generator.normal(size=60), 400)
    first, second = (coarse + generator.normal(size=coarse.size) for _ in range(2))
    third = generator.normal(size=coarse.size)
    return np.stack([first, second, third, -second])


def test_pairs_that_differ_only_within_cells_are_named(fields):
    coarse = np.stack([averaged(field, 400) for field in fields])
    pairs = alike_pairs(["a", "b", "c", "minus_b"], coarse, fields)
    assert [(pair.first, pair.second) for pair in pairs] == [("a", "b"), ("a", "minus_b")]
    assert pairs[0].coarse_r == pytest.approx(np.corrcoef(coarse[0], coarse[1])[0, 1])
    assert pairs[0].fine_r == pytest.approx(np.corrcoef(fields[0], fields[1])[0, 1])
    assert pairs[1].coarse_r == pytest.approx(-pairs[0].coarse_r, abs=0.01)


def test_missing_cells_are_left_out_pair_by_pair(fields):
    coarse = np.stack([averaged(field, 400) for field in fields])
    coarse[0, :7], coarse[1, 5:9] = np.nan, np.nan
    both = np.isfinite(coarse[0]) & np.isfinite(coarse[1])
    pairs = alike_pairs(["a", "b"], coarse[:2], fields[:2])
    assert pairs[0].coarse_r == pytest.approx(np.corrcoef(coarse[0][both], coarse[1][both])[0, 1])


def test_constants_and_a_handful_of_cells_name_nothing(fields):
    constant = np.ones((2, 60))
    assert alike_pairs(["a", "b"], constant, fields[:2]) == []
    few = np.stack([averaged(field, 400)[:9] for field in fields[:2]])
    assert alike_pairs(["a", "b"], few, fields[:2]) == []
