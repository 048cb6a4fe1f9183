"""The lattice against exact transforms, and window against whole."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from osgeo import ogr, osr

from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.base.progress import Progress
from smap_downscaler.geo.datasets import as_stored
from smap_downscaler.geo.grid import ALIGNMENT, Bounds, Grid, Window, ease2_grid
from smap_downscaler.geo.lattice import LATTICE_STEP, Lattice, Transformation, transform_bounds

EASE = ease2_grid("9 km")
UTM = Grid("EPSG:32748", 103841.2, 9875403.0, 99.98, 99.98, 421, 307)
DEGREES = Grid("EPSG:4326", -75.0, -12.0, 1 / 1200, 1 / 1200, 300, 333)
PERU_UTM = Grid("EPSG:32718", 300000, 8600000, 100, 100, 130, 170)
MOLLWEIDE = Grid("ESRI:54009", -7.0e6, -1.4e6, 250, 250, 200, 200)
QUARTER_DEGREES = Grid("EPSG:4326", 0.0, 90.0, 0.25, 0.25, 1440, 720)
PAIRS = [(UTM, EASE), (DEGREES, EASE), (PERU_UTM, QUARTER_DEGREES), (MOLLWEIDE, EASE), (PERU_UTM, MOLLWEIDE)]


def transform_one_by_one(source, target, rows, cols):
    """Exact positions, point by point."""
    ends = []
    for crs in (source.crs, target.crs):
        reference = osr.SpatialReference()
        reference.SetFromUserInput(crs)
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        ends.append(reference)
    transform = osr.CoordinateTransformation(*ends)
    out = []
    for row, col in zip(rows, cols, strict=True):
        x, y, _z = transform.TransformPoint(
            source.left + (col + 0.5) * source.cell_width, source.top - (row + 0.5) * source.cell_height
        )
        if target is QUARTER_DEGREES and x < 0:
            x += 360
        out.append(((target.top - y) / target.cell_height, (x - target.left) / target.cell_width))
    return np.array(out).T


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_positions_are_exact_to_a_thousandth_of_a_pixel(source, target):
    lattice = Lattice(source, target)
    assert lattice.step == LATTICE_STEP
    generator = np.random.default_rng(1)
    rows, cols = generator.integers(0, source.height, 300), generator.integers(0, source.width, 300)
    rows[:2], cols[:2] = [0, source.height - 1], [0, source.width - 1]
    exact = transform_one_by_one(source, target, rows, cols)
    found = lattice.positions()
    pixel = math.sqrt(lattice.areas().mean())
    error = np.hypot(found[0][rows, cols] - exact[0], found[1][rows, cols] - exact[1]) / pixel
    assert error.max() < ALIGNMENT


@pytest.mark.parametrize(("source", "target"), [*PAIRS, (UTM, UTM.crop(Window(3, 5, 7, 9)))])
@pytest.mark.parametrize("window", [Window(0, 0, 1, 1), Window(15, 16, 33, 50), Window(100, 99, 31, 31)])
def test_a_window_gives_the_same_bits_as_the_whole(source, target, window):
    lattice = Lattice(source, target)
    whole, part = lattice.positions(), lattice.positions(window)
    for all_of_it, some in zip(whole, part, strict=True):
        np.testing.assert_array_equal(some, all_of_it[window.slices])
    np.testing.assert_array_equal(lattice.areas(window), lattice.areas()[window.slices])
    rows = window.row + np.arange(window.height)[:, None] + np.zeros((1, window.width)) + 0.5
    cols = window.col + np.arange(window.width)[None, :] + np.zeros((window.height, 1)) + 0.5
    for at, some in zip(lattice.at(rows, cols), part, strict=True):
        np.testing.assert_array_equal(at, some)


def test_one_crs_is_plain_arithmetic():
    source = Grid("EPSG:32748", 1000.0, 5000.0, 10.0, 10.0, 4, 3)
    target = Grid("EPSG:32748", 980.0, 5100.0, 40.0, 20.0, 9, 9)
    lattice = Lattice(source, target)
    rows, cols = lattice.positions()
    assert lattice.step == 0
    np.testing.assert_array_equal(rows[:, 0], [5.25, 5.75, 6.25])
    np.testing.assert_array_equal(cols[0], [0.625, 0.875, 1.125, 1.375])
    np.testing.assert_array_equal(lattice.areas(), np.full((3, 4), 0.125))
    assert lattice.pixel_size() == (0.5, 0.25)


def test_pixel_areas_are_those_of_their_outlines():
    """Held against OGR polygons in the equal-area CRS."""
    source = Grid("EPSG:4326", -75.0, 60.0, 0.05, 0.05, 40, 500)
    lattice = Lattice(source, EASE)
    areas = lattice.areas()
    transform = Transformation("EPSG:4326", EASE.crs)
    for row, col in ((0, 0), (250, 20), (499, 39)):
        ring = ogr.Geometry(ogr.wkbLinearRing)
        steps = np.linspace(0, 1, 20)
        u = np.concatenate([steps, np.ones(20), steps[::-1], np.zeros(20)])
        v = np.concatenate([np.zeros(20), steps, np.ones(20), steps[::-1]])
        x, y = transform(source.left + (col + u) * 0.05, source.top - (row + v) * 0.05)
        for point in zip(x, y, strict=True):
            ring.AddPoint_2D(*point)
        ring.CloseRings()
        polygon = ogr.Geometry(ogr.wkbPolygon)
        polygon.AddGeometry(ring)
        expected = polygon.GetArea() / (EASE.cell_width * EASE.cell_height)
        assert areas[row, col] == pytest.approx(expected, rel=1e-4)
    # Degrees get narrower: at 60 N a pixel has half the area of one at the equator, roughly.
    assert areas[0, 0] / areas[-1, 0] == pytest.approx(
        math.cos(math.radians(60)) / math.cos(math.radians(35)), rel=0.01
    )


def test_where_the_crs_folds_each_pixel_is_transformed_itself():
    """The 180th meridian runs through this UTM grid."""
    source = Grid("EPSG:32701", 100000, 8100000, 1000, 1000, 200, 20)
    target = Grid("EPSG:4326", -180.0, 90.0, 0.25, 0.25, 1440, 720)
    lattice = Lattice(source, target)
    assert lattice.step == 1
    rows, cols = np.repeat([0, 19], 200), np.tile(np.arange(200), 2)
    exact = transform_one_by_one(source, target, rows, cols)
    found = lattice.positions()
    np.testing.assert_allclose(found[0][rows, cols], exact[0], atol=1e-9)
    np.testing.assert_allclose(found[1][rows, cols], exact[1], atol=1e-9)
    assert exact[1].min() < 10
    assert exact[1].max() > 1430


#: A plane of its own making, without a code of an authority, and GDAL's older way to write a datum shift.
OWN_WKT = (
    'PROJCS["My basin",GEOGCS["Own datum",DATUM["Own",SPHEROID["Own",6378388,297],TOWGS84[-288,175,-376,0,0,'
    '0,0]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],'
    'PARAMETER["latitude_of_origin",-13],PARAMETER["central_meridian",-72],PARAMETER["scale_factor",1],PARAMETER['
    '"false_easting",50000],PARAMETER["false_northing",20000],UNIT["metre",1]]'
)


@pytest.mark.parametrize(
    ("crs", "longitude", "latitude"),
    [
        ("EPSG:6933", -72.0, -13.0),
        ("EPSG:32718", -76.0, -12.0),
        ("ESRI:54009", 10.0, 40.0),
        # North before east, and another datum.
        ("EPSG:2193", 173.0, -41.0),
        ("EPSG:31467", 9.0, 51.0),
        # A superseded code is what it says, and not its successor.
        ("EPSG:2192", 3.0, 46.0),
        (OWN_WKT, -72.3, -13.4),
    ],
)
def test_coordinates_are_those_of_gdal(crs, longitude, latitude):
    """pyproj and GDAL, point by point, to the last bits."""
    ends = []
    for text in ("EPSG:4326", crs):
        reference = osr.SpatialReference()
        with as_stored():
            reference.SetFromUserInput(text)
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        ends.append(reference)
    generator = np.random.default_rng(2)
    lon, lat = longitude + generator.uniform(-1, 1, 50), latitude + generator.uniform(-1, 1, 50)
    forth, back = osr.CoordinateTransformation(*ends), osr.CoordinateTransformation(*ends[::-1])
    expected = np.array([forth.TransformPoint(*point)[:2] for point in zip(lon, lat)]).T
    found = Transformation("EPSG:4326", crs)(lon, lat)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    expected = np.array([back.TransformPoint(*point)[:2] for point in zip(*found)]).T
    np.testing.assert_allclose(Transformation(crs, "EPSG:4326")(*found), expected, rtol=0, atol=1e-11)


def test_frames_of_plates_without_an_epoch():
    """Where a plate moves with time and no epoch is given, nothing moves."""
    x, y = Transformation("EPSG:4326", "EPSG:9309")(np.array([134.0, 140.0]), np.array([-25.0, -30.0]))
    np.testing.assert_allclose(x, [134.0, 140.0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(y, [-25.0, -30.0], rtol=0, atol=1e-6)


def test_a_crs_without_a_transformation_is_refused():
    with pytest.raises(InputError) as caught:
        Transformation('LOCAL_CS["bench",UNIT["metre",1]]', "EPSG:6933")
    assert str(caught.value) == (
        "There is no transformation from 'LOCAL_CS[\"bench\",UNIT[\"metre\",1]]' to 'EPSG:6933'; "
        "reproject the layer first."
    )


def test_threads_share_a_transformation():
    x, y = np.linspace(-76, -75, 20_000), np.linspace(-12, -11, 20_000)
    transform = Transformation("EPSG:4326", "EPSG:32718")
    expected = transform(x, y)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: transform(x, y), range(12)):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("exceptions", [False, True])
def test_points_that_cannot_be_transformed_are_nan(exceptions):
    before = osr.GetUseExceptions()
    (osr.UseExceptions if exceptions else osr.DontUseExceptions)()
    try:
        x, y = Transformation("EPSG:4326", EASE.crs)(
            np.array([10.0, 10.0, np.nan, 20.0]), np.array([0, 95, 5, 0])
        )
    finally:
        (osr.UseExceptions if before else osr.DontUseExceptions)()
    assert np.isnan(x).tolist() == np.isnan(y).tolist() == [False, True, True, False]
    assert x[3] == pytest.approx(2 * x[0])


def test_bounds_hold_every_point_of_the_box():
    bounds = transform_bounds(UTM.bounds, UTM.crs, EASE.crs)
    generator = np.random.default_rng(0)
    box = UTM.bounds
    x, y = Transformation(UTM.crs, EASE.crs)(
        generator.uniform(box.left, box.right, 5000), generator.uniform(box.bottom, box.top, 5000)
    )
    assert bounds.left <= x.min() < x.max() <= bounds.right
    assert bounds.bottom <= y.min() < y.max() <= bounds.top
    assert x.max() - x.min() > 0.98 * (bounds.right - bounds.left)


def test_bounds_of_a_curved_edge_reach_to_its_top():
    """A box over the pole of a conic: the middle of its edge lies beyond its corners."""
    box = Bounds(-20.0, 50.0, 40.0, 70.0)
    bounds = transform_bounds(box, "EPSG:4326", "EPSG:3035")
    corners = Transformation("EPSG:4326", "EPSG:3035")(np.array([-20.0, 40.0]), np.array([50.0, 50.0]))
    middle = Transformation("EPSG:4326", "EPSG:3035")(np.array(10.0), np.array(50.0))
    assert bounds.bottom == pytest.approx(float(middle[1]), abs=1)
    assert bounds.bottom < corners[1].min() - 100_000


def test_bounds_nowhere_in_the_other_crs_are_refused():
    with pytest.raises(InputError) as caught:
        transform_bounds(Bounds(0, 91, 1, 95), "EPSG:4326", EASE.crs)
    assert str(caught.value) == (
        "The extent 0, 1, 91, 95 [EPSG:4326] cannot be transformed to 'EPSG:6933'; choose another CRS."
    )


def test_making_a_lattice_can_be_cancelled():
    class Impatient(Progress):
        def is_cancelled(self):
            return True

    with pytest.raises(Cancelled):
        Lattice(UTM, EASE, Impatient())


def test_a_box_across_180_degrees_does_not_reach_around_the_earth():
    """Fiji in UTM zone 60, on both sides of the meridian where longitudes jump."""
    box = transform_bounds(Bounds(600_000, 7_800_000, 1_000_000, 8_200_000), "EPSG:32760", "EPSG:4326")
    assert 177 < box.left < 178.1
    assert 181 < box.right < 182
    back = transform_bounds(Bounds(100_000, 7_800_000, 400_000, 8_200_000), "EPSG:32701", "EPSG:4326")
    assert -184 < back.left < -180.5
    assert -179 < back.right < -177
    whole = transform_bounds(ease2_grid("36 km").bounds, "EPSG:6933", "EPSG:4326")
    assert (whole.left, whole.right) == (pytest.approx(-180), pytest.approx(180))
