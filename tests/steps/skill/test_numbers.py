"""Truths, observations and windows against formulas, SciPy and brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from smap_downscaler.base.errors import InputError
from smap_downscaler.steps.skill.numbers import landscape
from smap_downscaler.steps.skill.numbers.observation import blurred, noise_of, swath
from smap_downscaler.steps.skill.numbers.truths import (
    LEAST,
    LINEAR,
    MOST,
    ROLES,
    TRUTHS,
    Truth,
    roles_of,
    spread_within,
    standardised,
)
from smap_downscaler.steps.skill.numbers.windows import disjoint_windows

SHAPE = (120, 120)
#: Cells of 6 x 6 pixels; a margin is in none.
CELL_OF = np.full(SHAPE, -1)
CELL_OF[12:108, 12:108] = np.kron(np.arange(256).reshape(16, 16), np.ones((6, 6), int))
STACK = dict(zip(landscape.NAMES, landscape.covariates(SHAPE, 3)))
AS_ROLES = {"index": "twi", "carbon": "soc"}


def truth_of(kind, share, dates=2, seed=3, lake=None):
    def covariate(role, _date):
        values = STACK[AS_ROLES.get(role, role)]
        return values if lake is None else np.where(lake, np.nan, values)

    return Truth(kind, share, covariate, CELL_OF, dates, seed)


def departures(values):
    """Pixels in cells, less the mean of their cell."""
    blocks = values[12:108, 12:108].reshape(16, 6, 16, 6).transpose(0, 2, 1, 3).reshape(256, 36)
    return (blocks - blocks.mean(axis=1, keepdims=True)).ravel()


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_covariates_make_their_share_of_the_variance_within_cells(share):
    # All of it made by covariates, the linear kind does not hang on wetness.
    told = departures(truth_of(LINEAR, 1.0).on(0).astype(float))
    found = [
        np.corrcoef(told, departures(truth_of(LINEAR, share, seed=seed).on(0).astype(float)))[0, 1]
        for seed in range(8)
    ]
    assert np.mean(np.square(found)) == pytest.approx(share, abs=0.04)


def test_the_linear_kind_is_the_sum_that_is_written_down():
    weights = {"rain": 0.5, "season": 0.3, "twi": 0.4, "clay": 0.3, "elevation": -0.3, "soc": 0.25}
    expected = sum(weight * standardised(STACK[name]) for name, weight in weights.items())
    expected -= 0.2 * standardised(STACK["ksat"])
    truth = truth_of(LINEAR, 1.0)
    expected = 0.25 + 0.02 * truth.wetness[1] + 0.07 * (expected - expected.mean()) / expected.std()
    np.testing.assert_allclose(truth.on(1), np.clip(expected, LEAST, MOST), atol=1e-6)


@pytest.mark.parametrize("kind", TRUTHS)
def test_each_kind_has_a_truth_of_its_own_that_is_the_same_each_time(kind):
    lake = landscape.lakes(SHAPE, 1)
    assert lake.mean() == pytest.approx(0.03, abs=1e-3)
    values = truth_of(kind, 0.4, lake=lake).on(1)
    np.testing.assert_array_equal(np.isnan(values), lake)
    known = values[~lake]
    assert values.dtype == np.float32
    assert LEAST - 1e-6 <= known.min() < known.max() <= MOST + 1e-6
    assert known.std() == pytest.approx(0.07, abs=0.006)
    np.testing.assert_array_equal(values, truth_of(kind, 0.4, lake=lake).on(1))
    other = truth_of(kind, 0.4, seed=4, lake=lake).on(1)
    assert np.nanmax(np.abs(values - other)) > 0.05


def test_shares_are_shares():
    for share in (0.0, -0.2, 1.2):
        with pytest.raises(InputError) as caught:
            truth_of(LINEAR, share)
        assert str(caught.value) == f"SHARES holds {share:g}; give shares over 0 and at most 1."


def test_roles_are_taken_by_name_and_else_in_order():
    names = ("band_1", "ksat_0_5cm", "clay_0_5cm", "elevation", "twi_mtfd", "soc", "p_djf", "p_3d")
    found = roles_of(names)
    assert list(found) == list(ROLES)
    assert found["index"] == "twi_mtfd"
    assert found["clay"] == "clay_0_5cm"
    assert found["carbon"] == "soc"
    assert found["elevation"] == "elevation"
    assert found["rain"] == "p_3d"
    assert found["season"] == "p_djf"
    assert found["ksat"] == "ksat_0_5cm"
    # Two covariates play all roles between them.
    assert set(roles_of(("a", "b")).values()) == {"a", "b"}
    with pytest.raises(InputError):
        roles_of(())


def test_spread_within_cells_counts_pixels_of_cells_only():
    values = np.random.default_rng(1).normal(size=SHAPE)
    assert spread_within(values, CELL_OF) == pytest.approx(departures(values).std(), rel=1e-12)


@pytest.mark.parametrize("sigma", [(3.0, 5.5), (14.0, 2.0)])
def test_the_footprint_is_a_gaussian(sigma):
    values = np.random.default_rng(2).normal(size=(90, 301))
    expected = gaussian_filter(values, sigma, mode="constant", truncate=6)
    np.testing.assert_allclose(blurred(values, sigma), expected, atol=5e-5)


def test_noise_has_its_spread_and_goes_together_over_the_footprint():
    rng = np.random.default_rng(3)
    some = np.stack([noise_of(rng, (6, 7), 0.02, (1.2, 1.5)) for _ in range(6000)])
    np.testing.assert_allclose(some.std(axis=0), 0.02, rtol=0.05)
    for other, apart in (((1, 0), (1, 0)), ((0, 2), (0, 2)), ((2, 1), (2, 1))):
        expected = np.exp(-(apart[0] ** 2) / (4 * 1.2**2) - apart[1] ** 2 / (4 * 1.5**2))
        found = np.corrcoef(some[:, 2, 3], some[:, 2 + other[0], 3 + other[1]])[0, 1]
        assert found == pytest.approx(expected, abs=0.04)
    white = np.stack([noise_of(rng, (6, 7), 0.02, (0.0, 0.0)) for _ in range(6000)])
    assert np.corrcoef(white[:, 2, 3], white[:, 2, 4])[0, 1] == pytest.approx(0, abs=0.04)


def test_swaths_leave_out_cells_beyond_a_line():
    rng = np.random.default_rng(4)
    seen = [swath(rng, (36, 36)) for _ in range(300)]
    shares = np.array([one.mean() for one in seen])
    assert shares.min() == pytest.approx(0.5, abs=0.03)
    assert (shares == 1).mean() == pytest.approx(0.375, abs=0.08)
    for one in seen:
        # Along a row cells are left out at one end only.
        assert (np.abs(np.diff(one.astype(int), axis=1)).sum(axis=1) <= 1).all()


def test_windows_share_no_cell_and_hold_enough():
    seen = np.random.default_rng(5).random((40, 60)) < 0.6
    found = disjoint_windows(seen, 10, 62, 99)
    assert len(found) > 3
    taken = np.zeros(seen.shape, int)
    counts = []
    for row, col in found:
        taken[row : row + 10, col : col + 10] += 1
        counts.append(seen[row : row + 10, col : col + 10].sum())
    assert taken.max() == 1
    assert min(counts) >= 62
    best = max(
        seen[row : row + 10, col : col + 10].sum() for row, col in itertools.product(range(31), range(51))
    )
    assert counts[0] == best
    # No other window is free and holds enough.
    free = [
        (row, col)
        for row, col in itertools.product(range(31), range(51))
        if not taken[row : row + 10, col : col + 10].any()
        and seen[row : row + 10, col : col + 10].sum() >= 62
    ]
    assert not free
    assert len(disjoint_windows(seen, 10, 62, 2)) == 2
    assert disjoint_windows(seen, 10, 101, 9) == []
    # A window as large as all there is.
    assert disjoint_windows(seen[:8], 10, 1, 9)[0][0] == 0
