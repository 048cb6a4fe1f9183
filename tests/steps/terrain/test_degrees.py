"""A DEM in degrees on square cells of metres: a plane stays one, around SMAP's cells alone, and is kept."""

from __future__ import annotations

import numpy as np
import pytest

from small_case import CELLS
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.datasets import dataset_grid, open_dataset, read_band
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid
from smap_downscaler.geo.lattice import Transformation, transform_bounds
from smap_downscaler.steps.terrain.degrees import bring_to_metres, is_in_degrees

#: Rises of the plane, m a degree east and north.
EAST, NORTH = 3000.0, 5000.0
STEP = 1 / 240


def plane(longitude, latitude):
    return 2000 + EAST * (longitude + 72) + NORTH * (latitude + 14)


def write_plane(path, wide=1.0, unit="m", code=None):
    """A plane over the cells, and `wide` degrees around them."""
    box = transform_bounds(CELLS.bounds, CELLS.crs, "EPSG:4326")
    cols, rows = (round((d + 2 * wide) / STEP) for d in (box.right - box.left, box.top - box.bottom))
    grid = Grid("EPSG:4326", box.left - wide, box.top + wide, STEP, STEP, cols, rows)
    values = plane(grid.x_centres()[None, :], grid.y_centres()[:, None]).astype(np.float32)
    if code is not None:
        values[rows // 2, cols // 2 : cols // 2 + 3] = code
    write_geotiff(path, grid, values, [Band("elevation", unit)])
    return str(path)


def test_a_plane_stays_a_plane(tmp_path):
    dem, target = write_plane(tmp_path / "dem.tif"), tmp_path / "metres.tif"
    assert is_in_degrees(dem)
    bring_to_metres(dem, str(target), CELLS, "")
    dataset = open_dataset(target)
    grid, values = dataset_grid(dataset, "metres"), read_band(dataset, 1)
    # 15 seconds of arc are 464 m; 72 W is the edge of zones 18 and 19.
    assert (grid.crs, grid.cell_width, grid.cell_height) == ("EPSG:32719", 460.0, 460.0)
    assert not is_in_degrees(str(target))
    lon, lat = Transformation(grid.crs, "EPSG:4326")(grid.x_centres()[None, :], grid.y_centres()[:, None])
    assert np.isfinite(values).mean() > 0.99
    np.testing.assert_allclose(values, np.where(np.isfinite(values), plane(lon, lat), np.nan), atol=0.05)
    # 40 km around the cells, not the degree around them that there is.
    own, cells = transform_bounds(grid.bounds, grid.crs, CELLS.crs), CELLS.bounds
    for found, wanted in zip(
        (cells.left - own.left, own.right - cells.right, own.top - cells.top, cells.bottom - own.bottom),
        (40_000.0,) * 4,
    ):
        assert found == pytest.approx(wanted, abs=6000)


def test_it_is_kept_until_the_dem_changes(tmp_path):
    dem, target = write_plane(tmp_path / "dem.tif", 0.1), tmp_path / "metres.tif"

    def made():
        bring_to_metres(dem, str(target), CELLS, "")
        return target.stat().st_mtime_ns

    first = made()
    assert made() == first
    write_plane(tmp_path / "dem.tif", 0.2)
    assert made() != first


def test_the_crs_of_the_maps_is_taken_where_it_is_in_metres(tmp_path):
    dem, target = write_plane(tmp_path / "dem.tif", 0.1), str(tmp_path / "metres.tif")
    for crs, found in (("EPSG:32718", "EPSG:32718"), ("EPSG:4326", "EPSG:32719")):
        bring_to_metres(dem, target, CELLS, crs)
        assert dataset_grid(open_dataset(target), target).crs == found


def test_refusals(tmp_path):
    feet = write_plane(tmp_path / "feet.tif", 0.1, "feet")
    with pytest.raises(InputError, match="its elevations are in feet; convert them to metres first"):
        is_in_degrees(feet)
    target = tmp_path / "metres.tif"
    code = write_plane(tmp_path / "code.tif", 0.1, code=-32768.0)
    with pytest.raises(InputError, match="-32768"):
        bring_to_metres(code, str(target), CELLS, "")
    elsewhere = tmp_path / "elsewhere.tif"
    write_geotiff(elsewhere, Grid("EPSG:4326", 10, 50, 0.01, 0.01, 9, 9), np.ones((9, 9), np.float32))
    with pytest.raises(InputError) as refused:
        bring_to_metres(str(elsewhere), str(target), CELLS, "")
    assert str(refused.value) == (
        f"DEM ({elsewhere}) and SMAP's cells do not meet; choose a DEM of the same place."
    )
    assert not target.exists()
