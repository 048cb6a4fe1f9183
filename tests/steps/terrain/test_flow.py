"""Routing, accumulation, slope and wetness index against one cell at a time, planes and the water balance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raster_cases import Listener
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.steps.terrain.numbers import accumulate
from smap_downscaler.steps.terrain.numbers import surface as terrain_surface
from smap_downscaler.steps.terrain.numbers.accumulate import flow_order, upslope_cells
from smap_downscaler.steps.terrain.numbers.routing import ROUTINGS
from smap_downscaler.steps.terrain.numbers.settings import ROUTERS, TerrainSettings
from smap_downscaler.steps.terrain.numbers.surface import Surface
from smap_downscaler.steps.terrain.numbers.wetness import (
    flow_width,
    gradient,
    specific_area,
    tan_slope,
    wetness_index,
)
from terrain_cases import SLOWLY, accumulate_slowly, dems, falls_of, valid_cells

CELL = 30.0
names = st.sampled_from(ROUTERS)


def routed(z, name, cell=CELL):
    """Upslope cells (rows, columns) and the balance."""
    surface = Surface(z, cell)
    amounts, balance = upslope_cells(surface, flow_order(surface), ROUTINGS[name])
    return surface.inner(amounts).copy(), balance


def whole(surface):
    """The slice of all rows."""
    return slice(surface.stride, surface.size - surface.stride)


def rises(z, cell=CELL):
    surface = Surface(z, cell)
    flat = [np.full(surface.size, np.nan) for _ in range(2)]
    for array, values in zip(flat, gradient(surface, whole(surface))):
        array[whole(surface)] = values
    return tuple(surface.inner(array) for array in flat)


def test_the_names_are_those_of_the_interface():
    assert tuple(ROUTINGS) == ROUTERS == ("mtfd", "fd8", "mfdmd")


@given(dems(most=5), names, st.sampled_from([1.0, 30.0]))
def test_shares_are_those_of_the_papers(z, name, cell):
    for place in valid_cells(z):
        falls = falls_of(z, place)
        column = np.array([[np.nan if f is None else f] for f in falls])
        got = ROUTINGS[name](column, cell)[:, 0]
        np.testing.assert_allclose(got, SLOWLY[name](falls, cell), rtol=1e-9, atol=1e-12)
        assert got.sum() == pytest.approx(1.0, abs=1e-12) or not got.any()


@given(dems(), names)
def test_upslope_cells_are_those_poured_from_the_highest_down(z, name):
    got, balance = routed(z, name)
    amounts, out, edge, kept = accumulate_slowly(z, CELL, name)
    np.testing.assert_allclose(got, amounts, rtol=1e-9)
    np.testing.assert_allclose(
        [balance.outflow, balance.kept_at_edge, balance.kept], [out, edge, kept], rtol=1e-9, atol=1e-9
    )


@given(dems(most=14), names)
def test_no_water_is_lost_or_made(z, name):
    _, balance = routed(z, name)
    assert balance.cells == np.count_nonzero(~np.isnan(z))
    total = balance.outflow + balance.kept_at_edge + balance.kept
    assert total == pytest.approx(balance.cells, rel=1e-9)
    if name == "mtfd":
        assert balance.outflow == 0.0


@settings(max_examples=40)
@given(dems(), names, st.integers(0, 3), st.booleans())
def test_turned_and_mirrored_rasters_are_routed_alike(z, name, turns, flip):
    def moved(a):
        return np.rot90(a[:, ::-1] if flip else a, turns)

    np.testing.assert_allclose(routed(moved(z), name)[0], moved(routed(z, name)[0]), rtol=1e-9)


def test_work_in_many_chunks_gives_the_same(monkeypatch):
    z = np.random.default_rng(5).normal(size=(50, 40)).cumsum(axis=0)
    once, balance = routed(z, "fd8")
    for module in (accumulate, terrain_surface):
        monkeypatch.setattr(module, "CHUNK", 61)
    again, balance_again = routed(z, "fd8")
    np.testing.assert_allclose(again, once, rtol=1e-13)
    assert balance_again.outflow == pytest.approx(balance.outflow, rel=1e-12)


def facing(direction, rows=12, columns=61, slope=0.1):
    """A plane that falls to N, E, S or W, and the number of each cell's row from its upper edge."""
    steps = np.repeat(np.arange(rows)[:, None], columns, axis=1)
    turns = {"S": 0, "E": 1, "N": 2, "W": 3}[direction]
    return np.rot90(-steps * slope * CELL + 100.0, turns), np.rot90(steps, turns)


@pytest.mark.parametrize("direction", list("NESW"))
@pytest.mark.parametrize("name", ROUTERS)
def test_specific_area_of_a_plane_is_the_way_up(name, direction):
    z, steps = facing(direction)
    upslope, _ = routed(z, name)
    north, east = rises(z)
    got = specific_area(upslope, north, east, CELL, TerrainSettings())
    side = np.indices(z.shape)[1 if direction in "NS" else 0]
    away = (side >= 14) & (side <= side.max() - 14)
    np.testing.assert_allclose(got[away], (steps[away] + 1) * CELL, rtol=1e-6)
    np.testing.assert_allclose(tan_slope(north, east), 0.1, rtol=1e-5)
    twi = wetness_index(got, north, east, 0.001)
    np.testing.assert_allclose(twi[away], np.log((steps[away] + 1) * CELL / 0.1), rtol=1e-5)


@pytest.mark.parametrize("name", ROUTERS)
def test_flow_on_a_diagonal_plane_carries_the_way_up(name):
    """Total area x sum(share x way along the slope) / cell = distance from the divide, a diagonal."""
    side = 701
    row, column = np.indices((side, side))
    lines = row + column - (side - 1)
    z = np.where(lines >= 0, 1e4 - lines * 8.0, np.nan)
    upslope, _ = routed(z, name, 90.0)
    along = np.array([-1, 0, 1, 2, 1, 0, -1, -2]) / math.sqrt(2.0)
    got, expected = [], []
    # Two lines: the triangular routing steps over every other one.
    for place in ((side - 3, side - 3), (side - 3, side - 2)):
        falls = np.array([[f] for f in falls_of(z, place)])
        shares = ROUTINGS[name](falls, 90.0)[:, 0]
        got.append(upslope[place] * 90.0**2 * float(shares @ along) / 90.0)
        expected.append((lines[place] + 1) * 90.0 / math.sqrt(2.0))
    assert np.mean(got) == pytest.approx(np.mean(expected), rel=1e-3)


@given(dems())
def test_slope_mirrors_missing_neighbours(z):
    north, east = rises(z)
    for place in valid_cells(z):
        falls = falls_of(z, place)
        for got, ahead, behind in ((north, 0, 4), (east, 2, 6)):
            up = None if falls[ahead] is None else -falls[ahead]
            down = falls[behind]
            if up is None and down is None:
                up = down = 0.0
            expected = ((down if up is None else up) + (up if down is None else down)) / (2 * CELL)
            assert got[place] == pytest.approx(expected, abs=1e-12)
    assert np.isnan(north[np.isnan(z)]).all()


def test_flow_width_follows_the_aspect():
    north, east = np.array([0.1, 0.0, 0.1, 0.0, np.nan]), np.array([0.0, -0.2, 0.1, 0.0, np.nan])
    expected = [90.0, 90.0, 90.0 * math.sqrt(2), 90.0 * (math.sin(1) + math.cos(1)), np.nan]
    np.testing.assert_allclose(flow_width(north, east, 90.0), expected)


def test_total_area_is_divided_by_the_cell_and_the_slope_has_a_floor():
    north, east = np.array([0.0, 0.5, np.nan]), np.array([0.0, 0.5, np.nan])
    area = specific_area(np.array([4.0, 4.0, 0.0]), north, east, 90.0, TerrainSettings(area="total"))
    np.testing.assert_allclose(area, [360.0, 360.0, np.nan])
    expected = [math.log(360 / 0.01), math.log(360 / math.sqrt(0.5)), np.nan]
    np.testing.assert_allclose(wetness_index(area, north, east, 0.01), expected)


def test_a_flat_keeps_its_water():
    _, balance = routed(np.zeros((6, 7)), "fd8")
    assert (balance.kept, balance.kept_at_edge, balance.outflow) == (20.0, 22.0, 0.0)
    assert balance.kept_share == pytest.approx(20 / 42)


@pytest.mark.parametrize("name", ROUTERS)
def test_one_cell_alone(name):
    got, balance = routed(np.array([[7.0]]), name)
    assert got.tolist() == [[1.0]]
    assert (balance.cells, balance.kept_at_edge) == (1, 1.0)


def test_cancel_reaches_ordering_routing_and_accumulation(monkeypatch):
    monkeypatch.setattr(accumulate, "CHUNK", 256)
    surface = Surface(np.random.default_rng(1).random((60, 60)), 90.0)
    order = flow_order(surface)
    for after in (0, 5):
        with pytest.raises(Cancelled):
            flow_order(surface, Listener(after))
    for after in (0, 4, 12):
        with pytest.raises(Cancelled):
            upslope_cells(surface, order, ROUTINGS["mtfd"], Listener(after))
