"""Whichever way a NetCDF variable is stored, its values lie where its axes say."""

import datetime as dt

import h5py
import numpy as np
import pytest

from raster_cases import EAST, NORTH, stored_netcdf
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.datasets import dataset_grid, open_dataset, read_band
from smap_downscaler.geo.grid import Grid, Window
from smap_downscaler.series.series import open_series

pytestmark = pytest.mark.usefixtures("gdal_mode")
LON, LAT = -76.0 + 0.25 * np.arange(9), -15.0 + 0.25 * np.arange(7)
GRID = Grid("EPSG:4326", -76.125, -13.375, 0.25, 0.25, 9, 7)


def field(lon, lat):
    return (100 + 10 * (lon + 72.5) + 5 * (lat + 14)).astype(np.float32)


#: The map north up: row, column.
EXPECTED = field(LON[None, :], LAT[::-1, None])


def stored(path, order, names=("lon", "lat"), tags=(EAST, NORTH), lat=LAT, lon=LON, times=2, **packing):
    """The field, and a unit more each time step, on axes called `names`; `order` names them x, y and t."""
    x, y = names
    data = np.stack([field(lon[None, :], lat[:, None]) + step for step in range(times)])
    places = {"t": 0, "y": 1, "x": 2}
    data = data.transpose([places[axis] for axis in order] + [places[a] for a in "tyx" if a not in order])
    if "t" not in order:
        data = data[..., 0]
    scale, offset = packing.get("scale_factor", 1.0), packing.get("add_offset", 0.0)
    data = np.round((data - offset) / scale).astype(np.int16) if packing else data
    called = {"t": "time", "x": x, "y": y}
    axes = {"time": (range(times), {"units": "days since 2020-01-01"}), x: (lon, tags[0]), y: (lat, tags[1])}
    variable = " ".join(called[axis] for axis in order), data, packing
    return stored_netcdf(path, axes if "t" in order else {k: axes[k] for k in (x, y)}, {"clay": variable})


def check(path, grid=GRID, expected=EXPECTED, band=1):
    dataset = open_dataset(path)
    found = dataset_grid(dataset, str(path))
    assert (found.crs, found.shape) == (grid.crs, grid.shape)
    assert found.geotransform == pytest.approx(grid.geotransform, abs=1e-9)
    np.testing.assert_allclose(read_band(dataset, band), expected, rtol=0, atol=1e-4)
    window = Window(1, 2, 3, 5)
    np.testing.assert_allclose(read_band(dataset, band, window), expected[window.slices], rtol=0, atol=1e-4)


@pytest.mark.parametrize("order", ["tyx", "txy", "yx", "xy"])
@pytest.mark.parametrize("lat", [LAT, LAT[::-1]], ids=["south first", "north first"])
@pytest.mark.parametrize("names", [("lon", "lat"), ("x", "y"), ("X", "Y"), ("one", "other")])
def test_rows_and_columns_are_those_of_the_map(tmp_path, order, lat, names):
    check(stored(tmp_path / "a.nc", order, names, lat=lat))


@pytest.mark.parametrize(
    "tags",
    [
        ({"axis": "X", "units": "degrees_east"}, {"axis": "Y", "units": "degrees_north"}),
        ({"units": "degree_E"}, {"units": "degree_N"}),
        ({"standard_name": "longitude"}, {"standard_name": "latitude"}),
        ({}, {}),
    ],
    ids=["axis", "units", "standard name", "name"],
)
@pytest.mark.parametrize("order", ["txy", "tyx"])
def test_axes_are_known_by_any_of_their_attributes(tmp_path, tags, order):
    path = stored(tmp_path / "a.nc", order, ("lon", "lat"), tags)
    if open_dataset(path).GetGeoTransform(can_return_null=True):
        check(path)
    else:
        assert refusal(path) == (
            f"{path}: GDAL finds no regular grid on its axes; store it as time, latitude, longitude, evenly "
            "spaced, with the units degrees_north and degrees_east."
        )


def test_other_steps_of_a_transposed_variable(tmp_path):
    check(stored(tmp_path / "a.nc", "txy"), expected=EXPECTED + 1, band=2)


def test_packed_values_of_a_transposed_variable(tmp_path):
    path = stored(tmp_path / "a.nc", "txy", scale_factor=0.01, add_offset=80.0)
    dataset = open_dataset(path)
    np.testing.assert_allclose(read_band(dataset, 1), EXPECTED, rtol=0, atol=0.0051)


def test_variables_in_a_file_of_several(tmp_path):
    tags = {"lon": (LON, EAST), "lat": (LAT, NORTH)}
    data = field(LON[:, None], LAT[None, :])
    path = stored_netcdf(
        tmp_path / "a.nc", tags, {"clay": ("lon lat", data, {}), "sand": ("lat lon", data.T + 7, {})}
    )
    check(f'NETCDF:"{path}":clay')
    check(f'NETCDF:"{path}":sand', expected=EXPECTED + 7)


@pytest.mark.parametrize("order", ["time lon lat", "time lat lon"])
def test_variables_in_a_group(tmp_path, order):
    """As IMERG is stored; GDAL turns the first of the two axes."""
    axes = {"time": ([0], {"units": "days since 2020-01-01"}), "lon": (LON, EAST), "lat": (LAT, NORTH)}
    data = field(LON[None, :], LAT[:, None])[None]
    data = data.swapaxes(1, 2) if order == "time lon lat" else data
    order = " ".join(f"Grid/{name}" for name in order.split())
    path = stored_netcdf(
        tmp_path / "a.nc",
        {f"Grid/{name}": axis for name, axis in axes.items()},
        {"Grid/precipitation": (order, data, {}), "Grid/error": (order, data + 9, {})},
    )
    check(f'NETCDF:"{path}":/Grid/precipitation')
    series = open_series(path, variables=["error"])
    assert list(series.dates) == [dt.date(2020, 1, 1)]
    np.testing.assert_allclose(series.read(series.dates[0]), EXPECTED + 9)


def test_longitudes_from_east_to_west_of_a_transposed_variable(tmp_path):
    check(stored(tmp_path / "a.nc", "txy", lon=LON[::-1]))


def refusal(path):
    with pytest.raises(InputError) as caught:
        dataset_grid(open_dataset(path), str(path))
    return str(caught.value)


def test_axes_that_are_no_map_are_named(tmp_path):
    path = stored(tmp_path / "a.nc", "xyt", times=3)
    assert refusal(path) == (
        f"{path}: its variable is stored in the order lon, lat, time, which is read as no map; store it as "
        "time, latitude, longitude."
    )


def test_units_of_other_variables_make_no_degrees(tmp_path):
    """Cells are counted along the axes, and tables hold their true places."""
    tags = {"x": (np.arange(9), {}), "y": (np.arange(7), {})}
    tables = {
        "nav_lon": ("y x", np.broadcast_to(LON[None, :], (7, 9)), EAST),
        "nav_lat": ("y x", np.broadcast_to(LAT[:, None], (7, 9)), NORTH),
    }
    path = stored_netcdf(
        tmp_path / "a.nc",
        tags,
        {"clay": ("y x", EXPECTED, {"coordinates": "nav_lon nav_lat"}), **tables},
    )
    assert refusal(f'NETCDF:"{path}":clay') == (
        f'NETCDF:"{path}":clay: its cells lie on no regular grid (their places are in nav_lat and nav_lon); '
        "warp it to a regular grid first (gdalwarp -geoloc)."
    )
    plain = stored_netcdf(tmp_path / "b.nc", tags, {"clay": ("y x", EXPECTED, {}), **tables})
    assert "it has no coordinate reference system" in refusal(f'NETCDF:"{plain}":clay')


@pytest.mark.parametrize("order", ["tyx", "txy", "yx", "xy"])
@pytest.mark.parametrize("lat", [LAT, LAT[::-1]], ids=["south first", "north first"])
def test_nan_without_a_fill_value_is_missing(tmp_path, order, lat):
    """As h5py writes it, GDAL 3.6 reads 0."""
    path = stored(tmp_path / "a.nc", order, lat=lat, lon=np.where(np.arange(9) == 3, np.nan, LON), times=2)
    with h5py.File(path, "a") as file:
        file["lon"][...] = LON
    expected = EXPECTED.copy()
    expected[:, 3] = np.nan
    check(path, expected=expected)
    holed = stored(tmp_path / "b.nc", order, lat=np.where(lat == LAT[1], np.nan, lat))
    with h5py.File(holed, "a") as file:
        file["lat"][...] = lat
    expected = EXPECTED.copy()
    expected[-2] = np.nan
    check(holed, expected=expected)
