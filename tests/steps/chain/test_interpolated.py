"""Interpolation between cells that are not held out, against planes and means by hand."""

from __future__ import annotations

import numpy as np
import pytest

from smap_downscaler.steps.chain.numbers.interpolated import DayCells, interpolate, interpolated_scores

SIDE = 9000.0
ROW, COL = (axis.ravel() for axis in np.mgrid[0:12, 0:10])
PLACES = np.stack([COL * SIDE, -ROW * SIDE], axis=1)
PLANE = 0.1 + 0.01 * COL + 0.02 * ROW
ALL = np.arange(len(PLACES))


def test_a_plane_is_interpolated_exactly_and_beyond_it_the_nearest_cell_counts():
    inside, outside = PLACES.mean(axis=0), np.array([-5 * SIDE, 0.0])
    found = interpolate(PLACES, PLANE, np.stack([inside, outside]))
    assert found == pytest.approx([0.1 + 0.01 * 4.5 + 0.02 * 5.5, 0.1], abs=1e-12)


def test_cells_in_one_line_take_the_value_of_the_nearest():
    line = PLACES[:10]
    assert interpolate(line, PLANE[:10], line[3:4] + 100.0) == pytest.approx([PLANE[3]])


def test_a_plane_leaves_errors_at_its_edge_only():
    held = interpolated_scores({1: DayCells(ALL, PLACES, PLANE)}, PLACES, 5, 0.0, by_day=True)
    assert 0 < held.rmse < 0.01
    assert held.r2 > 0.95


def test_what_is_held_out_in_blocks_is_harder_to_tell():
    days = {1: DayCells(ALL, PLACES, PLANE + 0.05 * np.sin(COL * 1.9))}
    cells, blocks = (interpolated_scores(days, PLACES, 5, side, by_day=True) for side in (0.0, 40.0))
    assert blocks.rmse > 1.2 * cells.rmse


def test_noise_without_a_pattern_is_told_worse_than_by_its_mean():
    noise = np.random.default_rng(1).normal(0.2, 0.03, len(PLACES))
    held = interpolated_scores({1: DayCells(ALL, PLACES, noise)}, PLACES, 5, 0.0, by_day=True)
    assert held.r2 < 0


def test_scores_are_medians_over_days_or_of_all_rows():
    days = {
        day: DayCells(ALL, PLACES, 0.2 + scale * (PLANE - 0.2))
        for day, scale in ((1, 1.0), (2, 2.0), (3, 9.0))
    }
    one, three = (interpolated_scores({day: days[day]}, PLACES, 5, 0.0, by_day=True).rmse for day in (1, 3))
    by_day, whole = (
        interpolated_scores(days, PLACES, 5, 0.0, by_day=by_day).rmse for by_day in (True, False)
    )
    # Interpolation is linear: three days with one pattern have errors in the ratio of their amplitudes.
    assert three == pytest.approx(9 * one)
    assert by_day == pytest.approx(2 * one)
    assert whole == pytest.approx(one * np.sqrt((1 + 4 + 81) / 3))


def test_there_are_no_scores_of_too_few_cells_or_one_block():
    few = {1: DayCells(ALL[:3], PLACES[:3], PLANE[:3])}
    assert interpolated_scores(few, PLACES[:3], 5, 0.0, by_day=True) is None
    whole = {1: DayCells(ALL, PLACES, PLANE)}
    assert interpolated_scores(whole, PLACES, 5, 1e6, by_day=True) is None
