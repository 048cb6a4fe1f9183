"""Intervals that know autocorrelation: the pieces by brute force, the whole by its coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from field_cases import alike_days
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.base.progress import Progress
from smap_downscaler.stats.autocorrelation import block_length, lag_one
from smap_downscaler.stats.intervals import (
    block_sums,
    bootstrap,
    draw_blocks,
    effective_size,
    intervals_defined,
)
from smap_downscaler.steps.field.numbers.metrics import SIZES, metrics, moments


class Stop(Progress):
    """Cancelled from the start."""

    def is_cancelled(self):
        return True


def test_effective_size():
    assert effective_size(100, 0.0) == 100
    assert effective_size(100, 0.5) == pytest.approx(100 / 3)
    assert effective_size(3, 0.99) == 1.0


def test_intervals_need_days_and_blocks():
    assert not intervals_defined(9, 1)
    assert intervals_defined(10, 2)
    assert not intervals_defined(24, 5)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**31))
def test_samples_by_brute_force(n, length, seed):
    length = min(length, n)
    rows = np.random.default_rng(seed + 1).standard_normal((n, 2))
    sums = draw_blocks(n, length, 3, np.random.default_rng(seed)) @ block_sums(rows, length)
    starts = np.random.default_rng(seed).integers(0, n - length + 1, size=(3, -(-n // length)))
    for found, own in zip(sums, starts.tolist()):
        days = [day for start in own for day in range(start, start + length)]
        np.testing.assert_allclose(found, sum(rows[day] for day in days), atol=1e-10)


def test_the_mean_of_independent_days_as_by_the_normal_law():
    rng = np.random.default_rng(3)
    values = rng.normal(0.2, 0.05, 2000)
    rows = np.stack([np.ones(2000), values], axis=1)
    found = bootstrap(lambda sums: {"mean": sums[:, 1] / sums[:, 0]}, rows, 1, 4000, rng)["mean"]
    half = 1.96 * values.std() / np.sqrt(2000)
    assert found.lower == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.upper == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_a_statistic_that_most_samples_do_not_define():
    rows = np.ones((20, 1))
    found = bootstrap(lambda sums: {"none": sums[:, 0] * np.nan}, rows, 1, 200, np.random.default_rng(1))
    assert np.isnan([found["none"].lower, found["none"].upper]).all()


def coverage(blocks: bool, n=300, memory=0.6, trials=120):
    """How often the intervals hold the truth of a series that is made up."""
    rng = np.random.default_rng(11)
    truth = {"bias": 0.01, "ubrmse": 0.03, "rmse": np.hypot(0.01, 0.03), "slope": 1.0}
    truth["pearson"] = 0.05 / np.hypot(0.05, 0.03)
    held = dict.fromkeys(truth, 0)
    for _ in range(trials):
        x = 0.25 + 0.05 * alike_days(n, memory, rng)
        y = x + 0.01 + 0.03 * alike_days(n, memory, rng)
        of = moments(x, y)
        length = block_length(n, lag_one(np.arange(n), y - x)) if blocks else 1
        found = bootstrap(lambda sums, of=of: metrics(of, sums), of.rows, length, 300, rng, SIZES)
        for name, value in truth.items():
            held[name] += found[name].lower <= value <= found[name].upper
    return {name: count / trials for name, count in held.items()}


def test_intervals_hold_the_truth_only_with_blocks():
    with_blocks, without = coverage(True), coverage(False)
    assert all(0.84 <= share <= 1.0 for share in with_blocks.values()), with_blocks
    assert without["bias"] < 0.75
    assert with_blocks["bias"] > without["bias"] + 0.12


def test_seeded_and_cancelled():
    rows = np.random.default_rng(1).random((5000, 2))

    def ratio(sums):
        return {"ratio": sums[:, 0] / sums[:, 1]}

    first, again, other = (
        bootstrap(ratio, rows, 5, 400, np.random.default_rng(seed))["ratio"] for seed in (1, 1, 2)
    )
    assert first == again != other
    with pytest.raises(Cancelled):
        bootstrap(ratio, rows, 5, 4000, np.random.default_rng(1), progress=Stop())
