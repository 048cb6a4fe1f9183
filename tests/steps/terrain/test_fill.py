"""Sink filling against its definition, cell by cell, and against SAGA's order of work by the book."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raster_cases import Listener
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.steps.terrain.numbers import fill
from smap_downscaler.steps.terrain.numbers.fill import fill_sinks
from smap_downscaler.steps.terrain.numbers.settings import TerrainSettings
from smap_downscaler.steps.terrain.numbers.surface import Surface
from terrain_cases import LENGTHS, at_edge, dems, neighbours, valid_cells

SLOPES = st.sampled_from([0.0, 0.1, 3.0])


def filled_by_plugin(z, cell, slope):
    surface = Surface(z, cell)
    return surface.inner(fill_sinks(surface, slope).z).copy()


def put_in(heap, item):
    """A new last element rises past larger parents."""
    heap.append(item)
    place = len(heap) - 1
    while place and heap[(place - 1) // 2][0] > item[0]:
        heap[place] = heap[(place - 1) // 2]
        place = (place - 1) // 2
    heap[place] = item


def take_out(heap):
    """The gap at the top sinks to the bottom, by the right child unless the left is smaller."""
    first, last = heap[0], heap.pop()
    if not heap:
        return first
    place = 0
    while 2 * place + 1 < len(heap):
        child = 2 * place + 1
        if child + 1 < len(heap) and heap[child][0] >= heap[child + 1][0]:
            child += 1
        heap[place] = heap[child]
        place = child
    while place and heap[(place - 1) // 2][0] > last[0]:
        heap[place] = heap[(place - 1) // 2]
        place = (place - 1) // 2
    heap[place] = last
    return first


def fill_in_saga_s_order(z, cell, slope):
    """Seeds from the south, then from the west; float64 in the heap, float32 in the raster."""
    rise = math.tan(slope * math.pi / 180)
    filled, heap = np.full(z.shape, np.nan, np.float32), []
    for place in sorted(valid_cells(z), key=lambda p: (-p[0], p[1])):
        if at_edge(z, place):
            filled[place] = z[place]
            put_in(heap, (float(z[place]), place))
    while heap:
        _, place = take_out(heap)
        for direction, other in neighbours(z, *place):
            if other is not None and np.isnan(filled[other]):
                height = max(float(z[other]), float(filled[place]) + rise * (cell * LENGTHS[direction]))
                filled[other] = height
                put_in(heap, (height, other))
    return filled


@given(dems(), SLOPES)
def test_cells_are_settled_in_saga_s_order_to_the_last_bit(z, slope):
    np.testing.assert_array_equal(filled_by_plugin(z, 30.0, slope), fill_in_saga_s_order(z, 30.0, slope))


@pytest.mark.parametrize("slope", [0.0, 0.1, 3.0])
def test_a_deep_heap_with_ties_keeps_saga_s_order(slope):
    z = np.random.default_rng(4).integers(0, 9, (40, 50)).astype(np.float32)
    z[10:13, 20:22] = np.nan
    np.testing.assert_array_equal(filled_by_plugin(z, 30.85, slope), fill_in_saga_s_order(z, 30.85, slope))


def test_ties_are_settled_as_saga_8_5_settled_them():
    z = np.array(
        [
            [np.nan, 0, 1, 2, 1, 2, 0],
            [1, 1, 1, 2, 1, 2, 1],
            [2, 0, 2, 2, 0, 0, 2],
            [0, 0, 1, 2, 2, 0, 0],
            [2, 0, 0, 1, 1, 0, 1],
            [1, 1, 0, 0, 2, 0, 0],
        ]
    )
    # What `saga_cmd ta_preprocessor 4` with a MINSLOPE of 0.5 made of it, cells of 100 m.
    expected = [
        [np.nan, 0.0, 1.0, 2.0, 1.0, 2.0, 0.0],
        [1.0, 1.0, 1.2341654, 2.2341654, 1.8726867, 2.0, 1.0],
        [2.0, 1.2341654, 2.1068523, 2.4683309, 2.1068523, 1.2341654, 2.0],
        [0.0, 0.8726868, 1.7453736, 2.1068523, 2.1068523, 0.8726868, 0.0],
        [2.0, 1.2341654, 0.8726868, 1.2341654, 1.2341654, 0.8726868, 1.0],
        [1.0, 1.0, 0.0, 0.0, 2.0, 0.0, 0.0],
    ]
    np.testing.assert_array_equal(filled_by_plugin(z, 100.0, 0.5), np.float32(expected))
    # The order matters here: it is another one on the mirrored raster.
    assert (np.abs(filled_by_plugin(z[:, ::-1], 100.0, 0.5)[:, ::-1] - expected) > 0.1).any()


@given(dems(), SLOPES)
def test_each_cell_follows_from_one_of_its_lowest_neighbours(z, slope):
    got = filled_by_plugin(z, 30.0, slope)
    rise = math.tan(math.radians(slope))
    for place in valid_cells(z):
        if at_edge(z, place):
            assert got[place] == z[place]
            continue
        lowest = min(got[other] for _, other in neighbours(z, *place))
        assert got[place] in {
            np.float32(max(float(z[place]), float(lowest) + rise * (30.0 * LENGTHS[direction])))
            for direction, other in neighbours(z, *place)
            if got[other] == lowest
        }


@given(dems())
def test_without_slope_each_cell_takes_the_lowest_pass_to_the_edge(z):
    level = np.where([[at_edge(z, (r, c)) for c in range(z.shape[1])] for r in range(z.shape[0])], z, np.inf)
    changed = True
    while changed:
        changed = False
        for place in valid_cells(z):
            if not at_edge(z, place):
                way = max(z[place], min(level[other] for _, other in neighbours(z, *place)))
                changed |= way < level[place]
                level[place] = min(way, level[place])
    got = filled_by_plugin(z, 90.0, 0.0)
    np.testing.assert_array_equal(got[~np.isnan(z)], level[~np.isnan(z)])


@given(dems())
def test_filling_twice_without_slope_changes_nothing(z):
    once = filled_by_plugin(z, 90.0, 0.0)
    np.testing.assert_array_equal(filled_by_plugin(once, 90.0, 0.0), once)


@given(dems(), SLOPES)
def test_a_way_leads_down_from_every_cell_to_the_edge(z, slope):
    got = filled_by_plugin(z, 90.0, slope)
    drained = {place for place in valid_cells(z) if at_edge(z, place)}
    assert all(got[place] == z[place] for place in drained)
    for place in sorted(valid_cells(z), key=lambda p: got[p]):
        if slope > 0 and place not in drained:
            assert any(other in drained and got[other] < got[place] for _, other in neighbours(z, *place))
            drained.add(place)
    grown = True
    while grown and slope == 0:
        more = {
            p
            for p in valid_cells(z)
            if p not in drained and any(o in drained and got[o] <= got[p] for _, o in neighbours(z, *p))
        }
        grown = bool(more)
        drained |= more
    assert drained == set(valid_cells(z))
    assert (got[~np.isnan(z)] >= z[~np.isnan(z)]).all()


@settings(max_examples=40)
@given(dems(), st.integers(0, 3), st.booleans())
def test_without_slope_turned_and_mirrored_rasters_are_filled_alike(z, turns, flip):
    def moved(a):
        return np.rot90(a[:, ::-1] if flip else a, turns)

    np.testing.assert_array_equal(
        filled_by_plugin(moved(z), 90.0, 0.0), moved(filled_by_plugin(z, 90.0, 0.0))
    )


def test_work_in_many_chunks_gives_the_same(monkeypatch):
    z = np.random.default_rng(3).integers(0, 40, (60, 50)).astype(np.float32)
    z[20:24, 10:30] = np.nan
    whole = filled_by_plugin(z, 90.0, 0.1)
    monkeypatch.setattr("smap_downscaler.steps.terrain.numbers.surface.CHUNK", 97)
    monkeypatch.setattr(fill, "_LOOK", 13)
    np.testing.assert_array_equal(filled_by_plugin(z, 90.0, 0.1), whole)
    assert (whole > z).sum() > 300


def test_a_flat_sea_gets_the_least_slope_from_its_shore():
    got = filled_by_plugin(np.zeros((41, 41)), 90.0, 0.1)
    rows, columns = np.indices(got.shape)
    from_edge = np.minimum(np.minimum(rows, 40 - rows), np.minimum(columns, 40 - columns))
    steps = got / (90.0 * np.tan(np.radians(0.1)))
    # By the shortest way, whose steps may be diagonal ones where those are settled first.
    assert (steps >= from_edge * (1 - 1e-5)).all()
    assert (steps <= from_edge * math.sqrt(2) * (1 + 1e-5)).all()


def test_a_lake_of_missing_cells_drains_its_basin():
    z = np.full((9, 9), 50.0)
    z[3:6, 3:6] = np.nan
    z[2, 4] = 10.0
    z[1, 4] = 12.0
    got = filled_by_plugin(z, 90.0, 0.1)
    assert got[2, 4] == 10.0
    assert got[1, 4] == 12.0


@pytest.mark.parametrize("after", [0, 3, 7, 12])
def test_cancel_reaches_every_stage(after, monkeypatch):
    monkeypatch.setattr(fill, "_LOOK", 64)
    surface = Surface(np.random.default_rng(1).random((80, 80)), 90.0)
    before = surface.z.copy()
    with pytest.raises(Cancelled):
        fill_sinks(surface, 0.1, Listener(after))
    np.testing.assert_array_equal(surface.z, before)


@pytest.mark.parametrize(
    ("given_settings", "sentence"),
    [
        (
            {"minimum_slope": -1.0},
            "MINIMUM_SLOPE: -1 degrees is out of range; give 0 or more, and less than 45.",
        ),
        (
            {"minimum_slope": float("nan")},
            "MINIMUM_SLOPE: nan degrees is out of range; give 0 or more, and less than 45.",
        ),
        ({"slope_floor": 0.0}, "SLOPE_FLOOR: 0 is out of range; give a tangent above 0, as 0.001."),
        ({"area": "wide"}, "AREA: 'wide' is not known; choose one of specific, total."),
    ],
)
def test_settings_out_of_range_are_refused(given_settings, sentence):
    with pytest.raises(InputError) as caught:
        TerrainSettings(**given_settings)
    assert str(caught.value) == sentence
