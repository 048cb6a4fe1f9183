"""Pictures of maps: block means by loops, and the numbers of every pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raster_cases import Listener, grid_raster
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.geo.grid import Bounds, Grid
from smap_downscaler.steps.sheets.pictures import block_means, picture_of, read_picture

GRID = Grid("EPSG:32719", 300_000.0, 8_500_000.0, 100.0, 100.0, 70, 53)


def slow_means(values, step):
    rows, columns = -(-values.shape[0] // step), -(-values.shape[1] // step)
    out = np.full((rows, columns), np.nan)
    for r in range(rows):
        for c in range(columns):
            block = values[r * step : (r + 1) * step, c * step : (c + 1) * step]
            valid = block[np.isfinite(block)]
            if valid.size:
                out[r, c] = valid.astype(np.float64).mean()
    return out


@given(st.integers(1, 23), st.integers(1, 17), st.integers(1, 9), st.integers(0, 1000))
def test_means_of_blocks(rows, columns, step, seed):
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((rows, columns)) < 0.3, np.nan, rng.random((rows, columns)))
    got = block_means(values, step)
    assert got.dtype == np.float32
    assert np.allclose(got, slow_means(values, step), rtol=1e-6, equal_nan=True)


def test_a_picture_of_a_file(tmp_path, monkeypatch):
    values = np.random.default_rng(2).random(GRID.shape).astype(np.float32)
    values[:20, :30] = np.nan
    path = str(grid_raster(tmp_path / "map.tif", GRID, values))
    # Several strips.
    monkeypatch.setattr("smap_downscaler.steps.sheets.pictures._PIXELS_A_STRIP", 700)
    picture = read_picture(path, 1, GRID, 20)
    assert np.allclose(picture.values, slow_means(values, 4), rtol=1e-6, equal_nan=True)
    assert picture.bounds == Bounds(300_000.0, 8_500_000.0 - 14 * 400, 300_000.0 + 18 * 400, 8_500_000.0)
    found, valid = picture.moments, values[np.isfinite(values)].astype(np.float64)
    assert (found.n, found.cells) == (valid.size, values.size)
    assert (found.mean, found.sd) == pytest.approx((valid.mean(), valid.std()), rel=1e-9)
    again = picture_of(values, GRID, 20)
    assert np.array_equal(again.values, picture.values, equal_nan=True)
    assert again.bounds == picture.bounds


def test_reading_is_cancelled_between_strips(tmp_path, monkeypatch):
    path = str(grid_raster(tmp_path / "map.tif", GRID, np.zeros(GRID.shape, np.float32)))
    monkeypatch.setattr("smap_downscaler.steps.sheets.pictures._PIXELS_A_STRIP", 700)
    with pytest.raises(Cancelled):
        read_picture(path, 1, GRID, 70, Listener(calls=2))
