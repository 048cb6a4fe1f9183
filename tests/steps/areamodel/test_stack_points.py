"""Stacks with other values at the same places are told; finer and coarser ones of the same layers are not."""

from __future__ import annotations

import json

import numpy as np
import pytest

from small_area_case import CELLS, PARTS, PIXELS, make_area_case
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.areamodel.stack_points import StackPoints, points_from

NAMES = ("clay", "elevation")


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    return open_stack(make_area_case(tmp_path_factory.mktemp("points"), dates=1).folder / "fine.tif")


@pytest.fixture(scope="module")
def points(stack):
    found = StackPoints.of(stack, CELLS)
    return points_from(json.loads(json.dumps(found.as_dict(), allow_nan=False)))


def other(folder, layers, grid=PIXELS, names=NAMES):
    write_geotiff(folder / "o.tif", grid, np.asarray(layers, np.float32), [Band(name, "") for name in names])
    return open_stack(folder / "o.tif")


def test_points_are_pixels_of_the_stack_itself(stack, points):
    layers = stack.read(stack.names)
    cols = ((points.x - PIXELS.left) / PIXELS.cell_width).astype(int)
    rows = ((PIXELS.top - points.y) / PIXELS.cell_height).astype(int)
    assert points.x.size == 200
    for name, values in points.values.items():
        np.testing.assert_allclose(values, layers[stack.names.index(name), rows, cols], rtol=1e-6)
    assert StackPoints.of(stack, CELLS).x.tolist() == points.x.tolist()
    assert points.doubts(stack) == []


@pytest.mark.parametrize("side", [2, PARTS, 2 * PARTS])
def test_means_over_larger_pixels_are_no_doubt(stack, points, tmp_path, side):
    layers = stack.read(stack.names)
    _, rows, cols = layers.shape
    coarse = layers.reshape(2, rows // side, side, cols // side, side).mean(axis=(2, 4))
    grid = Grid(
        PIXELS.crs,
        PIXELS.left,
        PIXELS.top,
        PIXELS.cell_width * side,
        PIXELS.cell_height * side,
        cols // side,
        rows // side,
    )
    assert points.doubts(other(tmp_path, coarse, grid)) == []
    # And the other way round: trained on means, given the pixels.
    assert StackPoints.of(other(tmp_path, coarse, grid), CELLS).doubts(stack) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda clay: clay / 10,
        lambda clay: (clay - clay.mean()) / clay.std(),
        lambda clay: clay + 60,
        lambda clay: -clay,
        lambda clay: np.log10(clay),
        lambda clay: clay[::-1, ::-1],
    ],
    ids=["unit", "standardised", "shifted", "turned", "logarithm", "elsewhere"],
)
def test_other_values_are_told_by_name(stack, points, tmp_path, change):
    layers = stack.read(stack.names).astype(float)
    clay = points.values["clay"]
    found = points.doubts(other(tmp_path, [change(layers[0]), layers[1]]))
    assert len(found) == 1
    assert found[0].startswith("clay (mean ")
    assert found[0].endswith(f", and in the training {clay.mean():.4g}, {clay.std():.4g})")


def test_stacks_of_another_area_or_without_the_covariates_say_nothing(stack, points, tmp_path):
    layers = stack.read(stack.names)
    far = Grid(PIXELS.crs, PIXELS.left + 1e6, PIXELS.top, 1500.0, 1500.0, 72, 60)
    assert points.doubts(other(tmp_path, layers, far)) == []
    assert points.doubts(other(tmp_path, layers, names=("sand", "silt"))) == []
    gone = np.full_like(layers, np.nan)
    gone[:, 0, 0] = 1
    assert points.doubts(other(tmp_path, gone)) == []


@pytest.mark.parametrize(
    "content", [None, {}, [], {"x": [1], "y": [1, 2], "values": {}, "crs": "EPSG:6933"}, {"x": "a"}]
)
def test_what_is_no_points_is_none(content):
    assert points_from(content) is None
