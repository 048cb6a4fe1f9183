"""Scale, north and degrees of a frame, against formulas of the projections."""

from __future__ import annotations

import math

import pytest
from osgeo import osr

from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.grid import Bounds
from smap_downscaler.geo.map_frame import map_frame

#: WGS 84, from its definition.
AXIS, FLATTENING = 6378137.0, 1 / 298.257223563
SQUARE = FLATTENING * (2 - FLATTENING)


def parallel_radius(latitude):
    sine = math.sin(math.radians(latitude))
    return AXIS * math.cos(math.radians(latitude)) / math.sqrt(1 - SQUARE * sine**2)


def test_degrees():
    frame = map_frame(Bounds(-72.0, -14.0, -71.0, -13.0), "EPSG:4326")
    assert frame.metres_a_unit == pytest.approx(math.radians(1) * parallel_radius(-13.5), rel=1e-6)
    assert frame.north == pytest.approx((0.0, 1.0))
    assert frame.west_east == (
        (-72.0, "72° W"), (-71.75, "71.75° W"), (-71.5, "71.5° W"), (-71.25, "71.25° W"), (-71.0, "71° W"),
    )  # fmt: skip
    assert [text for _, text in frame.south_north] == ["14° S", "13.75° S", "13.5° S", "13.25° S", "13° S"]
    assert frame.steps == (0.25, 0.25)
    assert frame.aspect == 1


def test_a_metre_of_the_ease_grid_is_none_on_the_ground():
    """Its parallels are true at 30 degrees only."""
    bounds = Bounds(-6_900_000.0, -1_700_000.0, -6_800_000.0, -1_600_000.0)
    frame = map_frame(bounds, "EPSG:6933")
    transform = osr.CoordinateTransformation(reference(6933), reference(4326))
    latitude = transform.TransformPoint(-6_850_000.0, -1_650_000.0)[1]
    assert frame.metres_a_unit == pytest.approx(parallel_radius(latitude) / parallel_radius(30), rel=1e-6)
    assert frame.metres_a_unit > 1.12
    assert frame.north == pytest.approx((0.0, 1.0))


def reference(code):
    made = osr.SpatialReference()
    made.ImportFromEPSG(code)
    made.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return made


def test_utm_far_from_its_meridian():
    bounds = Bounds(180_000.0, 8_400_000.0, 260_000.0, 8_500_000.0)
    frame = map_frame(bounds, "EPSG:32719")
    transform = osr.CoordinateTransformation(reference(32719), reference(4326))
    longitude, latitude, _ = transform.TransformPoint(220_000.0, 8_450_000.0)
    # Convergence of meridians: tan c = tan(difference of longitude) sin(latitude).
    turn = math.atan(math.tan(math.radians(longitude + 69)) * math.sin(math.radians(latitude)))
    assert turn > 0.01
    assert math.atan2(frame.north[0], frame.north[1]) == pytest.approx(-turn, abs=1e-4)
    scale = 0.9996 * (1 + ((220_000.0 - 500_000.0) / 0.9996 / 6_360_000.0) ** 2 / 2)
    assert frame.metres_a_unit == pytest.approx(1 / scale, rel=2e-5)
    for x, text in frame.west_east:
        lon, _lat, _ = transform.TransformPoint(x, bounds.bottom)
        assert f"{round(-lon, 4):g}° W" == text
    for y, text in frame.south_north:
        _lon, lat, _ = transform.TransformPoint(bounds.left, y)
        assert f"{round(-lat, 4):g}° S" == text
    assert len(frame.west_east) >= 2
    assert frame.crs == "WGS 84 / UTM zone 19S (EPSG:32719)"


def test_over_the_180th_meridian():
    frame = map_frame(Bounds(177.0, -18.0, 183.0, -15.0), "EPSG:4326")
    assert [text for _, text in frame.west_east] == ["178° E", "180°", "178° W"]


def test_no_place_on_earth():
    with pytest.raises(InputError) as caught:
        map_frame(Bounds(1e9, 1e9, 2e9, 2e9), "EPSG:32719")
    assert "has no place on earth in EPSG:32719; check the CRS of the maps." in str(caught.value)
