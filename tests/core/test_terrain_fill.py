"""Sink filling against its definition, cell by cell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smap_downscaler.core.errors import Cancelled, InputError
from smap_downscaler.core.progress import Progress
from smap_downscaler.core.terrain import fill
from smap_downscaler.core.terrain.fill import fill_sinks
from smap_downscaler.core.terrain.settings import TerrainSettings
from smap_downscaler.core.terrain.surface import Surface
from terrain_cases import at_edge, dems, fill_slowly, neighbours, valid_cells

SLOPES = st.sampled_from([0.0, 0.1, 3.0])


def filled_by_plugin(z, cell, slope):
    surface = Surface(z, cell)
    return surface.inner(fill_sinks(surface, slope).z).copy()


@given(dems(), SLOPES)
def test_filling_follows_its_definition_to_the_last_bit(z, slope):
    np.testing.assert_array_equal(filled_by_plugin(z, 30.0, slope), fill_slowly(z, 30.0, slope))


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


@given(dems(), SLOPES)
def test_filling_twice_changes_nothing(z, slope):
    once = filled_by_plugin(z, 90.0, slope)
    np.testing.assert_array_equal(filled_by_plugin(once, 90.0, slope), once)


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
@given(dems(), SLOPES, st.integers(0, 3), st.booleans())
def test_turned_and_mirrored_rasters_are_filled_alike(z, slope, turns, flip):
    def moved(a):
        return np.rot90(a[:, ::-1] if flip else a, turns)

    np.testing.assert_array_equal(
        filled_by_plugin(moved(z), 90.0, slope), moved(filled_by_plugin(z, 90.0, slope))
    )


def test_work_in_many_chunks_gives_the_same(monkeypatch):
    z = np.random.default_rng(3).integers(0, 40, (60, 50)).astype(np.float32)
    z[20:24, 10:30] = np.nan
    whole = filled_by_plugin(z, 90.0, 0.1)
    monkeypatch.setattr("smap_downscaler.core.terrain.surface.CHUNK", 97)
    np.testing.assert_array_equal(filled_by_plugin(z, 90.0, 0.1), whole)
    assert (whole > z).sum() > 300


def test_a_flat_sea_gets_the_least_slope_from_its_shore():
    got = filled_by_plugin(np.zeros((41, 41)), 90.0, 0.1)
    rows, columns = np.indices(got.shape)
    from_edge = np.minimum(np.minimum(rows, 40 - rows), np.minimum(columns, 40 - columns))
    np.testing.assert_allclose(got, from_edge * 90.0 * np.tan(np.radians(0.1)), rtol=1e-5)


def test_a_lake_of_missing_cells_drains_its_basin():
    z = np.full((9, 9), 50.0)
    z[3:6, 3:6] = np.nan
    z[2, 4] = 10.0
    z[1, 4] = 12.0
    got = filled_by_plugin(z, 90.0, 0.1)
    assert got[2, 4] == 10.0
    assert got[1, 4] == 12.0


class Stopped(Progress):
    def __init__(self, after):
        self.left = after

    def is_cancelled(self):
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("after", [0, 3, 7, 12])
def test_cancel_reaches_every_stage(after, monkeypatch):
    monkeypatch.setattr(fill, "_LOOK", 64)
    surface = Surface(np.random.default_rng(1).random((80, 80)), 90.0)
    before = surface.z.copy()
    with pytest.raises(Cancelled):
        fill_sinks(surface, 0.1, Stopped(after))
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
