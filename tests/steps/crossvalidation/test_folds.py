"""Folds: every row once, even sizes, whole blocks, the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.base.errors import InputError
from smap_downscaler.steps.crossvalidation.numbers.folds import (
    block_folds,
    block_numbers,
    check_coordinates,
    fold_generator,
    random_folds,
)


def generator(seed=1, *more):
    return fold_generator(seed, 737_000, *(more or (1,)))


@given(st.integers(2, 300), st.integers(2, 20), st.integers(0, 2**31))
def test_random_folds_share_the_rows_evenly(rows, folds, seed):
    if rows < folds:
        with pytest.raises(InputError) as caught:
            random_folds(rows, folds, generator(seed))
        assert str(caught.value) == (
            f"{rows} rows are too few for {folds} folds; give FOLDS a smaller number."
        )
        return
    sizes = np.bincount(random_folds(rows, folds, generator(seed)), minlength=folds)
    assert sizes.sum() == rows
    assert sizes.size == folds
    assert sizes.max() - sizes.min() <= 1


def test_folds_depend_on_seed_date_repeat_and_inner_fold_alone():
    def folds(*numbers):
        return random_folds(50, 5, fold_generator(*numbers)).tolist()

    first = folds(1, 737_000, 1)
    assert folds(1, 737_000, 1) == first
    others = [folds(2, 737_000, 1), folds(1, 737_001, 1), folds(1, 737_000, 2), folds(1, 737_000, 1, 1)]
    assert len({tuple(fold) for fold in [first, *others]}) == 5


def test_random_folds_are_not_in_order():
    """Neighbours must not follow each other round the folds: 1278 rows, lag-1 pattern of a shuffle."""
    steps = np.diff(random_folds(1278, 10, generator())) % 10
    assert np.bincount(steps, minlength=10).max() < 2 * 1278 / 10


@given(st.integers(2, 200), st.floats(1e3, 5e5), st.integers(0, 1000))
def test_blocks_are_squares_of_the_side(rows, side, seed):
    places = np.random.default_rng(seed).uniform(-1e6, 1e6, (2, rows))
    numbers = block_numbers(*places, side, generator(seed))
    assert sorted(set(numbers.tolist())) == list(range(numbers.max() + 1))
    left, bottom = generator(seed).uniform(0, side, 2)
    expected = {}
    for x, y, number in zip(*places, numbers):
        cell = (int((x - left) // side), int((y - bottom) // side))
        assert expected.setdefault(cell, number) == number
    assert len(set(expected.values())) == len(expected)


def test_blocks_begin_elsewhere_on_other_dates_and_repeats():
    x, y = (values.ravel() * 9000.0 for values in np.meshgrid(np.arange(30), np.arange(30)))
    sizes = {tuple(np.bincount(block_numbers(x, y, 72e3, generator(1, repeat)))) for repeat in range(1, 9)}
    assert len(sizes) > 1


@given(st.lists(st.integers(1, 40), min_size=2, max_size=40), st.integers(2, 12), st.integers(0, 1000))
def test_whole_blocks_go_to_folds_as_evenly_as_they_can(sizes, folds, seed):
    blocks = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    fold_of_row = block_folds(blocks, folds, generator(seed))
    assert sorted(set(fold_of_row.tolist())) == list(range(min(folds, len(sizes))))
    for block in range(len(sizes)):
        assert np.unique(fold_of_row[blocks == block]).size == 1
    filled = np.bincount(fold_of_row)
    # The last block of the fullest fold went where the fewest rows were.
    fullest = int(np.argmax(filled))
    smallest = min(sizes[block] for block in range(len(sizes)) if fold_of_row[blocks == block][0] == fullest)
    assert filled.max() - smallest <= filled.min()


def test_equal_blocks_fill_folds_equally():
    blocks = np.repeat(np.arange(20), 64)
    assert np.bincount(block_folds(blocks, 10, generator())).tolist() == [128] * 10


def test_refusals_of_blocks():
    with pytest.raises(InputError) as caught:
        block_folds(np.zeros(40, int), 10, generator())
    assert str(caught.value) == (
        "All 40 cells lie in one block; give BLOCKS a smaller side, or 0 for random folds only."
    )
    for call in (lambda: random_folds(9, 1, generator()), lambda: block_folds(np.arange(9), 1, generator())):
        with pytest.raises(InputError) as caught:
            call()
        assert str(caught.value) == "FOLDS is 1; give 2 or more."
    with pytest.raises(InputError) as caught:
        block_numbers(np.zeros(2), np.ones(2), 0.0, generator())
    assert str(caught.value) == "BLOCKS is 0 km; give a side of more than 0."


def test_coordinates_that_blocks_cannot_use():
    with pytest.raises(InputError) as caught:
        check_coordinates(np.array([1.0, np.nan]), np.array([1e6, 2e6]), "m.gpkg")
    assert str(caught.value) == (
        "m.gpkg: a cell has no x or y, which spatial blocks need; fill them in, or give BLOCKS 0."
    )
    with pytest.raises(InputError) as caught:
        check_coordinates(np.array([-72.1, -71.9]), np.array([-13.1, -13.2]), "m.gpkg")
    assert str(caught.value) == (
        "m.gpkg: x and y look like degrees, and spatial blocks need metres; give the cells metric "
        "coordinates, or give BLOCKS 0."
    )
    check_coordinates(np.array([-7.0e6, -6.9e6]), np.array([10.0, 20.0]), "m.gpkg")
