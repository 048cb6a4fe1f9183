"""Leave-period-out folds: what is held out together, and what never is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from smap_downscaler.base.errors import InputError
from smap_downscaler.steps.crossvalidation.numbers.folds import period_folds, period_runs

SOME_DAYS = st.lists(st.integers(736_000, 737_000), min_size=1, max_size=60)


@given(SOME_DAYS, st.integers(1, 40), st.integers(0, 99))
def test_a_run_is_a_piece_of_the_calendar(days, period, seed):
    days = np.array(days)
    assume(np.ptp(days) >= period)
    runs = period_runs(days, period, np.random.default_rng(seed))
    assert sorted(set(runs)) == list(range(runs.max() + 1))
    for run in range(runs.max() + 1):
        inside = days[runs == run]
        assert np.ptp(inside) < period
        if run:
            assert inside.min() > days[runs == run - 1].max()
    # All runs begin at one multiple of the period: days that far apart never share one.
    assert len({(day, run) for day, run in zip(days.tolist(), runs.tolist())}) == len(set(days.tolist()))


@given(SOME_DAYS, st.integers(1, 40), st.integers(2, 8), st.integers(0, 99))
def test_every_run_is_in_one_fold_and_its_neighbours_in_others(days, period, folds, seed):
    days = np.array(days)
    assume(np.ptp(days) >= period)
    runs = period_runs(days, period, np.random.default_rng(seed))
    fold = period_folds(days, period, folds, np.random.default_rng(seed))
    of_run = [set(fold[runs == run]) for run in range(runs.max() + 1)]
    assert all(len(found) == 1 for found in of_run)
    assert all(first != second for first, second in zip(of_run, of_run[1:]))
    assert set(fold) == set(range(min(folds, len(of_run))))
    sizes = np.bincount([found.pop() for found in of_run])
    assert sizes.max() - sizes.min() <= 1


def test_where_the_runs_begin_is_drawn():
    days = np.arange(736_000, 736_100)
    breaks = set()
    for seed in range(60):
        runs = period_runs(days, 7, np.random.default_rng(seed))
        breaks.add(int(np.flatnonzero(np.diff(runs))[0]))
    assert breaks == set(range(7))


def test_the_order_of_the_rows_does_not_matter():
    days = np.arange(736_000, 736_200, 3)
    mixed = np.random.default_rng(0).permutation(days.size)
    straight = period_folds(days, 10, 5, np.random.default_rng(4))
    assert np.array_equal(period_folds(days[mixed], 10, 5, np.random.default_rng(4)), straight[mixed])


@pytest.mark.parametrize(
    ("period", "folds", "sentence"),
    [
        (0, 5, "PERIOD is 0; give the number of days of a run, 1 or more."),
        (10, 1, "FOLDS is 1; give 2 or more."),
        (30, 5, "PERIOD is 30 days, and the dates span 30 only; give PERIOD a smaller number."),
    ],
)
def test_bad_input(period, folds, sentence):
    with pytest.raises(InputError) as error:
        period_folds(np.arange(736_003, 736_033), period, folds, np.random.default_rng(1))
    assert str(error.value) == sentence
