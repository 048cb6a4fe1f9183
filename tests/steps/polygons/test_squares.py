"""Squares on a lattice: positions, whole pixels, and at most so many a cell."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.geo.grid import Bounds, Grid
from smap_downscaler.steps.polygons.numbers.squares import Choice, Sides, lattice, outline_areas, sides_on

PIXELS = Grid("EPSG:32718", 500_013.0, 8_000_007.0, 90.0, 110.0, 300, 200)


def test_a_lattice_is_regular_and_begins_at_its_start():
    x, y = lattice(Bounds(10, 20, 19, 31), 4.0, np.array([0.25, 0.5]))
    assert sorted(set(x)) == [11.0, 15.0]
    assert sorted(set(y)) == [21.0, 25.0, 29.0]
    assert len(x) == 6


def test_sides_are_whole_pixels():
    assert sides_on(1000.0, None) == Sides(1000.0, 1000.0)
    sides = sides_on(1000.0, PIXELS)
    assert (sides.width, sides.height) == (11 * 90.0, 9 * 110.0)
    assert sides_on(5.0, PIXELS) == Sides(90.0, 110.0, PIXELS)


@given(st.floats(5.1e5, 5.2e5), st.floats(7.98e6, 7.99e6))
def test_snapped_squares_cut_whole_pixels_and_move_by_half_a_pixel_at_most(x, y):
    sides = sides_on(1000.0, PIXELS)
    (east,), (north,) = sides.snapped(np.array([x]), np.array([y]))
    assert abs(east - x) <= 45.0 + 1e-6
    assert abs(north - y) <= 55.0 + 1e-6
    cols = (np.array([east - sides.width / 2, east + sides.width / 2]) - PIXELS.left) / PIXELS.cell_width
    rows = (PIXELS.top - np.array([north + sides.height / 2, north - sides.height / 2])) / PIXELS.cell_height
    assert np.abs(cols - np.round(cols)).max() < 1e-6
    assert np.abs(rows - np.round(rows)).max() < 1e-6


def test_the_outline_goes_round_the_square():
    x, y = Sides(4.0, 2.0).outline(np.array([10.0]), np.array([5.0]))
    assert {(8.0, 6.0), (12.0, 6.0), (12.0, 4.0), (8.0, 4.0), (10.0, 6.0), (12.0, 5.0)} <= set(
        zip(x[0], y[0])
    )
    steps = np.hypot(np.diff(x[0]), np.diff(y[0]))
    # Each point is the next one on the way round.
    assert steps.max() <= 1.0
    assert np.all((np.abs(x - 10) == 2) | (np.abs(y - 5) == 1))


def test_areas_of_outlines():
    x, y = Sides(4.0, 2.0).outline(np.array([1e7, 0.0]), np.array([-5e6, 0.0]))
    assert outline_areas(x, y).tolist() == [8.0, 8.0]


def test_inner_points_are_centres_of_equal_parts():
    x, y = Sides(4.0, 2.0).inner_points(10.0, 5.0, 4, 2)
    assert x.tolist() == [[8.5, 9.5, 10.5, 11.5]]
    assert y.tolist() == [[5.5], [4.5]]


@given(
    st.lists(st.tuples(st.integers(-1, 3), st.floats(0, 5), st.floats(0, 5)), max_size=40),
    st.integers(1, 4),
    st.integers(0, 12),
)
def test_a_choice_keeps_its_rules(positions, per_cell, most):
    cells, x, y = (np.array(column) for column in zip(*positions)) if positions else (np.zeros(0),) * 3
    choice = Choice(Sides(1.0, 1.0), per_cell)
    choice.take(cells.astype(int), x, y, most)
    cells, x, y = choice.squares()
    assert len(choice) == len(cells) <= most
    assert list(cells) == sorted(cells)
    for cell in set(cells):
        inside = np.flatnonzero(cells == cell)
        assert cell >= 0
        assert len(inside) <= per_cell
        for i in inside:
            for j in inside[inside > i]:
                assert max(abs(x[i] - x[j]), abs(y[i] - y[j])) >= 1 - 1e-9
    # Nothing that could be taken is left: a second round takes nothing.
    if len(choice) < most and positions:
        before = len(choice)
        again = [np.array(column) for column in zip(*positions)]
        choice.take(again[0].astype(int), again[1], again[2], most)
        assert len(choice) == before


def test_squares_that_touch_may_both_be_taken():
    choice = Choice(Sides(0.1, 0.1), 2)
    choice.take(np.array([5, 5]), np.array([0.1, 0.2]), np.array([0.0, 0.0]), 9)
    assert len(choice) == 2
    assert choice.is_full(5)
    assert not choice.is_full(6)


def test_no_squares_are_an_empty_choice():
    cells, x, y = Choice(Sides(1.0, 1.0), 1).squares()
    assert cells.shape == x.shape == y.shape == (0,)
