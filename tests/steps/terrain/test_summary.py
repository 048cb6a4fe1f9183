"""Statistics and pictures of terrain rasters, against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raster_cases import Listener
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid
from smap_downscaler.steps.terrain import summary as terrain_summary
from smap_downscaler.steps.terrain.summary import summarise


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 23), st.integers(1, 23), st.floats(0, 1), st.integers(0, 999))
def test_numbers_and_blocks_are_those_of_brute_force(tmp_path, monkeypatch, rows, cols, share, seed):
    monkeypatch.setattr(terrain_summary, "_SIDE", 5)
    rng = np.random.default_rng(seed)
    # A large mean with small differences would lose its SD to rounding.
    values = (4000 + rng.normal(0, 0.5, (rows, cols))).astype(np.float32)
    values[rng.random(values.shape) < share] = np.nan
    path = tmp_path / "a.tif"
    write_geotiff(path, Grid("EPSG:32718", 0, 0, 90.0, 90.0, cols, rows), values, [Band("twi_fd8", "ln m")])
    found = summarise(path)
    seen = values[np.isfinite(values)].astype(float)
    assert (found.key, found.unit, found.cells) == ("twi_fd8", "ln m", seen.size)
    numbers = (found.low, found.mean, found.high, found.sd)
    if seen.size:
        expected = (seen.min(), seen.mean(), seen.max(), seen.std())
        assert numbers == pytest.approx(expected, rel=1e-9, abs=1e-9)
    else:
        assert np.isnan(numbers).all()
    step = max(1, -(-max(rows, cols) // 5))
    assert found.picture.shape == (-(-rows // step), -(-cols // step))
    for row in range(found.picture.shape[0]):
        for col in range(found.picture.shape[1]):
            block = values[row * step : (row + 1) * step, col * step : (col + 1) * step]
            block = block[np.isfinite(block)].astype(float)
            expected = block.mean() if block.size else np.nan
            assert found.picture[row, col] == pytest.approx(expected, rel=1e-6, nan_ok=True)


def test_cancel_reaches_the_rows(tmp_path):
    path = tmp_path / "a.tif"
    write_geotiff(path, Grid("EPSG:32718", 0, 0, 90.0, 90.0, 4, 50), np.ones((50, 4), np.float32))
    listener = Listener(3)
    with pytest.raises(Cancelled):
        summarise(path, listener)
    assert listener.asked <= 4
