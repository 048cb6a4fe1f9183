"""Screening of retrievals: bits, range, overpasses, and the EASE-Grid 2.0."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from smap_downscaler.geo.grid import Grid, Window, ease2_grid
from smap_downscaler.steps.smap.numbers.screening import (
    OVERPASSES,
    QUALITIES,
    Choices,
    Screened,
    ease2_window,
    flags_from_floats,
    merge_overpasses,
    quality_mask,
    screen,
    summarise,
)

SHAPE = (3, 4)
FLAGS = hnp.arrays(np.uint16, SHAPE, elements=st.integers(0, 65535) | st.sampled_from([0, 1, 5, 7, 65534]))
MOISTURE = hnp.arrays(
    np.float32,
    SHAPE,
    elements=st.floats(-0.5, 1.5, width=32)
    | st.sampled_from([-9999.0, np.nan, float(np.float32(0.02)), 0.5]),
)
VALUES = hnp.arrays(np.float32, SHAPE, elements=st.floats(0, 1, width=32) | st.just(np.nan))


def good_by_hand(flag, quality):
    """The table of the product specification, a digit of the binary number at a time."""
    if quality == "all":
        return True
    if flag == 65534:
        return False
    digits = format(flag, "016b")
    attempted, success, recommended = digits[-2] == "0", digits[-3] == "0", digits[-1] == "0"
    return attempted and success and (recommended or quality == "successful")


@given(FLAGS, st.sampled_from(QUALITIES))
def test_quality_mask_follows_the_specification(flags, quality):
    expected = [[good_by_hand(int(flag), quality) for flag in row] for row in flags]
    assert quality_mask(flags, quality).tolist() == expected


@pytest.mark.parametrize(
    ("flag", "recommended", "successful"),
    [
        (0, True, True),
        (1, False, True),
        (5, False, False),
        (7, False, False),
        (8, True, True),
        (65534, False, False),
    ],
)
def test_flags_of_real_granules(flag, recommended, successful):
    flags = np.array([flag], np.uint16)
    assert quality_mask(flags, "recommended")[0] == recommended
    assert quality_mask(flags, "successful")[0] == successful
    assert quality_mask(flags, "all")[0]


def test_unknown_quality_is_refused():
    with pytest.raises(ValueError, match="quality must be one of recommended, successful, all, not 'best'"):
        quality_mask(np.zeros(2, np.uint16), "best")


@pytest.mark.parametrize("name", ["overpass", "quality", "algorithm"])
def test_unknown_choices_are_refused(name):
    with pytest.raises(ValueError, match=f"^{name} must be one of .*, not 'noon'$"):
        Choices(**{name: "noon"})


@given(MOISTURE, FLAGS, st.sampled_from(QUALITIES))
def test_screen_counts_every_retrieval_once(values, flags, quality):
    found = screen(values, flags, quality, (0.02, 0.5))
    assert found.values.dtype == np.float32
    assert found.retrieved == found.valid + found.out_of_range + found.failed_quality
    low, high = np.float32(0.02), np.float32(0.5)
    counts = [0, 0, 0]
    for place in np.ndindex(SHAPE):
        value, kept = values[place], found.values[place]
        retrieved = not np.isnan(value) and value != -9999
        inside = retrieved and low <= value <= high
        good = inside and good_by_hand(int(flags[place]), quality)
        counts[0] += retrieved
        counts[1] += retrieved and not inside
        counts[2] += inside and not good
        assert kept == value if good else np.isnan(kept)
    assert counts == [found.retrieved, found.out_of_range, found.failed_quality]


def test_limits_are_inclusive_in_float32():
    edge = np.float32(0.02)
    # In float64 the granule's 0.02 is below the decimal 0.02 and would be lost.
    assert float(edge) < 0.02
    values = np.array(
        [[edge, np.nextafter(edge, np.float32(0)), 0.5, np.nextafter(np.float32(0.5), np.float32(1))]]
    )
    found = screen(values, None, "successful", (0.02, 0.5))
    assert np.isfinite(found.values).tolist() == [[True, False, True, False]]
    assert found.out_of_range == 2


def test_fill_is_no_retrieval_even_within_a_wide_range():
    found = screen(np.array([[-9999.0, 0.3]], np.float32), None, "all", (-1e9, 1e9))
    assert found.retrieved == 1
    assert np.isnan(found.values[0, 0])


def test_without_flags_every_value_in_range_is_kept():
    found = screen(np.full((2, 2), 0.3, np.float32), None, "recommended")
    assert found.valid == 4


@given(VALUES, VALUES)
def test_merged_overpasses_are_means_where_both_are_valid(morning, evening):
    merged = merge_overpasses([Screened(morning, 5, 1, 2), Screened(evening, 7, 3, 4)])
    assert (merged.retrieved, merged.out_of_range, merged.failed_quality) == (12, 4, 6)
    for place in np.ndindex(SHAPE):
        both = [float(array[place]) for array in (morning, evening) if not np.isnan(array[place])]
        if both:
            assert merged.values[place] == np.float32(math.fsum(both) / len(both))
        else:
            assert np.isnan(merged.values[place])


def test_one_overpass_stays_as_it_is():
    only = Screened(np.array([[0.1, np.nan]], np.float32), 1, 0, 0)
    assert merge_overpasses([only]) is only
    with pytest.raises(ValueError, match="at least one overpass is needed"):
        merge_overpasses([])


def test_flags_that_went_through_a_float_raster():
    values = np.array([0, 1, 7, 65534, np.nan, -9999, 1e9], np.float32)
    assert flags_from_floats(values).tolist() == [0, 1, 7, 65534, 65534, 65534, 65534]
    assert flags_from_floats(values).dtype == np.uint16


def test_summary_of_the_valid_cells():
    values = np.array([[0.1, np.nan], [0.25, 0.4]], np.float32)
    summary = summarise(values)
    assert summary.valid == 3
    assert (summary.minimum, summary.maximum) == (np.float32(0.1), np.float32(0.4))
    assert summary.mean == pytest.approx(0.25, abs=1e-7)
    empty = summarise(np.full((2, 2), np.nan, np.float32))
    assert empty.valid == 0
    assert all(math.isnan(number) for number in (empty.minimum, empty.mean, empty.maximum))


@st.composite
def windows(draw):
    resolution = draw(st.sampled_from(["9 km", "36 km"]))
    world = ease2_grid(resolution)
    height, width = draw(st.integers(1, world.height)), draw(st.integers(1, world.width))
    row, col = draw(st.integers(0, world.height - height)), draw(st.integers(0, world.width - width))
    return resolution, Window(row, col, height, width)


def shifted(grid, rows, cols, stretch=0.0):
    return Grid(
        grid.crs,
        grid.left + cols * grid.cell_width,
        grid.top - rows * grid.cell_height,
        grid.cell_width * (1 + stretch / grid.width),
        grid.cell_height,
        grid.width,
        grid.height,
    )


@given(windows(), st.floats(-4e-4, 4e-4), st.floats(-4e-4, 4e-4), st.floats(-4e-4, 4e-4))
def test_cells_of_the_ease_grid_are_recognised(place, rows, cols, stretch):
    resolution, window = place
    grid = ease2_grid(resolution).crop(window)
    assert ease2_window(shifted(grid, rows, cols, stretch)) == (resolution, window)


@given(windows(), st.sampled_from([(0.002, 0, 0), (0, -0.002, 0), (0, 0, 0.002), (0.5, 0, 0), (0, 0.25, 0)]))
def test_other_cells_are_not_taken_for_the_ease_grid(place, off):
    resolution, window = place
    grid = shifted(ease2_grid(resolution).crop(window), *off)
    assert ease2_window(grid) is None


def test_a_grid_that_leaves_the_world_is_not_the_ease_grid():
    world = ease2_grid("36 km")
    assert ease2_window(shifted(world, -1, 0)) is None
    assert ease2_window(shifted(world, 0, 1)) is None


def test_the_choices_of_the_interface():
    assert OVERPASSES == ("AM", "PM", "both")
    assert QUALITIES == ("recommended", "successful", "all")
    assert Choices() == Choices("AM", "successful", "default")
