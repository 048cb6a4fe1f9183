"""Stacks: bands by name."""

import numpy as np
import pytest

from raster_cases import CELLS, grid_raster, netcdf
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.grid import Window
from smap_downscaler.series.stack import open_stack

VALUES = np.arange(3 * 48, dtype=np.float32).reshape(3, 6, 8)
NAMES = ("clay", "elevation", "twi_fd8")


@pytest.fixture
def stack(tmp_path):
    return open_stack(
        grid_raster(tmp_path / "s.tif", CELLS, VALUES, names=NAMES, units=("g/kg", "m", ""), nodata=5)
    )


def test_what_a_stack_says_of_itself(stack, tmp_path):
    assert (stack.names, stack.units) == (NAMES, ("g/kg", "m", ""))
    assert stack.grid == CELLS
    assert stack.path == f"{tmp_path}/s.tif"


def test_bands_come_by_name_in_the_order_asked(stack):
    got = stack.read(["twi_fd8", "clay"])
    expected = VALUES[[2, 0]].copy()
    expected[1, 0, 5] = np.nan
    assert got.dtype == np.float32
    assert np.array_equal(got, expected, equal_nan=True)
    window = Window(1, 2, 3, 4)
    assert np.array_equal(stack.read(["elevation"], window), VALUES[1:2, 1:4, 2:6])
    assert stack.read([], window).shape == (0, 3, 4)


def test_all_missing_names_are_listed(stack):
    with pytest.raises(InputError) as caught:
        stack.read(["clay", "soc", "sand"])
    assert str(caught.value) == (
        f"{stack.path}: the stack has no band named soc, sand (it has clay, elevation, twi_fd8); "
        "make it with the same layers as the coarse stack."
    )


def test_bands_without_a_name_or_with_the_same_are_refused(tmp_path):
    path = grid_raster(tmp_path / "a.tif", CELLS, VALUES, names=("clay", "", ""))
    with pytest.raises(InputError) as caught:
        open_stack(path)
    assert str(caught.value) == (
        f"{path}: band 2 has no name; make the stack with 'Harmonise covariates', or name each band after "
        "its "
        "covariate."
    )
    path = grid_raster(tmp_path / "b.tif", CELLS, VALUES, names=("clay", "sand", "clay"))
    with pytest.raises(InputError) as caught:
        open_stack(path)
    assert str(caught.value) == f"{path}: several bands are named clay; give each band its own name."


def test_a_container_of_variables_is_refused(tmp_path):
    zeros = np.zeros((3, 4), np.float32)
    path = netcdf(tmp_path / "a.nc", {"clay": zeros, "sand": zeros}, [0])
    with pytest.raises(InputError, match="it holds no band of its own; name one of its variables"):
        open_stack(path)
