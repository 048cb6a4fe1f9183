"""How much of an area cells cover, and the way of that through a file."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest

from smap_downscaler.methods.coverage import Coverage, coverage_fields, coverage_of, coverages_from

DAY = dt.date(2021, 8, 12)
CORNER = np.array([100, 900])
AREA = np.argwhere(np.ones((21, 21), bool)) + CORNER


def box(rows, cols):
    """The part of the area with so many of its rows and columns from its corner."""
    return AREA[((rows, cols) > (AREA - CORNER)).all(axis=1)]


def test_the_box_of_a_corner_and_of_a_strip():
    assert coverage_of(AREA, AREA) == (441, 441, 1.0)
    assert coverage_of(box(11, 11), AREA) == (121, 441, pytest.approx(11 * 11 / 441))
    assert coverage_of(box(21, 4), AREA).box == pytest.approx(4 / 21)
    assert coverage_of(AREA[220:221], AREA).box == pytest.approx(1 / 441)
    half = AREA[AREA[:, 0] + AREA[:, 1] < 1020]
    assert coverage_of(half, AREA).box > 0.5


def test_a_lone_cell_far_away_is_not_heard():
    near = coverage_of(box(6, 6), AREA).box
    assert coverage_of(np.concatenate([box(6, 6), AREA[-1:]]), AREA).box == pytest.approx(near, rel=0.1)


def test_without_numbers_of_cells_the_box_is_unknown():
    nowhere = np.full((9, 2), -1)
    assert math.isnan(coverage_of(nowhere, AREA).box)
    assert math.isnan(coverage_of(AREA[:9], np.concatenate([AREA, nowhere])).box)


def test_through_a_file_and_back():
    found = {DAY: Coverage(55, 401, 0.25), DAY + dt.timedelta(1): Coverage(9, 9, math.nan)}
    kept = coverage_fields(found)
    assert kept == {"2021-08-12": [55, 401, 0.25], "2021-08-13": [9, 9, None]}
    again = coverages_from(kept)
    assert again[DAY] == found[DAY]
    assert again[DAY + dt.timedelta(1)][:2] == (9, 9)
    assert math.isnan(again[DAY + dt.timedelta(1)].box)


@pytest.mark.parametrize(
    "content",
    [None, 3, [], {"2021-08-12": None}, {"2021-08-12": [1, 2]}, {"12 Aug": [1, 2, 3]}, {"2021-08-12": "abc"}],
)
def test_what_is_no_coverage_is_left_out(content):
    assert coverages_from(content) == {}
