"""Graticules and their labels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.geo.graticule import decimals, graticule, graticule_step, latitude_text, longitude_text


@pytest.mark.parametrize(
    ("first", "last", "lines"),
    [
        (-71.7, -70.8, [-71.5, -71.25, -71.0]),
        (-0.35, 0.35, [-0.2, 0.0, 0.2]),
        (170.0, 190.0, [170.0, 175.0, 180.0, 185.0, 190.0]),
        (0.001, 0.002, []),
    ],
)
def test_lines(first, last, lines):
    assert graticule(first, last) == lines


@given(st.floats(-180, 180), st.floats(0.05, 170))
def test_a_few_lines_inside(first, span):
    lines = graticule(first, first + span)
    assert 1 <= len(lines) <= 5
    assert lines == sorted(lines)
    assert all(first - 1e-5 <= line <= first + span + 1e-5 for line in lines)
    step = graticule_step(span)
    assert all(abs(line / step - round(line / step)) < 1e-4 for line in lines)


def test_labels():
    assert [longitude_text(x) for x in (-71.25, 0.0, 12.0, 181.0)] == ["71.25° W", "0°", "12° E", "179° W"]
    assert [latitude_text(x) for x in (-13.5, 0.0, 60.0)] == ["13.5° S", "0°", "60° N"]


def test_decimals():
    assert [decimals(step) for step in (5.0, 0.5, 0.25, 0.025)] == [0, 1, 2, 3]
