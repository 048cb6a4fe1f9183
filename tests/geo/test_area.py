"""A study area on grids, against OGR's geometries cell by cell, and against the formula of the EASE-Grid."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from osgeo import ogr, osr

from areas import box, geometries_of, touched_and_inside
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.area import Area
from smap_downscaler.geo.grid import EASE2_CRS, Grid, Window, ease2_grid
from smap_downscaler.geo.lattice import Transformation
from smap_downscaler.geo.placing import read_shapes

UTM19S = "EPSG:32719"
GRID = Grid(UTM19S, 500_000.0, 8_500_000.0, 1000.0, 800.0, 37, 23)


def area_of(*texts, crs=UTM19S, name="basin"):
    return Area(read_shapes([bytes(one.ExportToWkb()) for one in geometries_of(*texts)], crs), name)


def star(rng, x, y, radius, points):
    angles = np.sort(rng.uniform(0, 2 * np.pi, points))
    far = rng.uniform(0.2, 1.0, points) * radius
    corners = [f"{x + r * np.cos(a):.17g} {y + r * np.sin(a):.17g}" for a, r in zip(angles, far)]
    return f"(({','.join([*corners, corners[0]])}))"


def check(area, grid, geometries):
    touched, inside = touched_and_inside(grid, geometries)
    for found, wanted in ((area.touched(grid, "the cells"), touched), (area.inside(grid, "it"), inside)):
        np.testing.assert_array_equal(found.mask(), wanted)
        assert found.count == wanted.sum()
        rows, cols = np.nonzero(wanted)
        window = found.window
        assert (window.row, window.row + window.height - 1) == (rows.min(), rows.max())
        assert (window.col, window.col + window.width - 1) == (cols.min(), cols.max())
        part = Window(window.row, window.col, min(window.height, 5), min(window.width, 7))
        np.testing.assert_array_equal(found.mask(part), wanted[part.slices])
        np.testing.assert_array_equal(found.cropped(part).mask(), wanted[part.slices])


@pytest.mark.parametrize("seed", range(4))
def test_parts_holes_and_several_features_are_their_union(seed):
    rng = np.random.default_rng(seed)
    shell = box(505_123, 8_484_100, 521_777, 8_497_901)[1:-1]
    hole = box(508_000, 8_488_000, 514_000, 8_492_800)[1:-1]
    texts = [
        f"POLYGON ({shell},{hole})",
        f"MULTIPOLYGON ({box(525_100, 8_485_000, 527_900, 8_486_111)},"
        f"{box(530_000.5, 8_490_000, 533_000, 8_499_999)})",
        f"POLYGON {star(rng, 518_000, 8_490_000, 9_000, 15)}",
    ]
    check(area_of(*texts), GRID, geometries_of(*texts))


@pytest.mark.parametrize(
    ("corners", "cells"),
    [
        # Inside one cell; over the corner of four; of an edge between two cells exactly the cells of it.
        ((503_100, 8_497_700, 503_200, 8_497_800), [(2, 3)]),
        ((503_990, 8_497_590, 504_010, 8_497_610), [(2, 3), (2, 4), (3, 3), (3, 4)]),
        ((503_000, 8_496_800, 504_000, 8_497_600), [(3, 3)]),
        # A sliver of 1 mm along a row of cells.
        ((501_500, 8_499_000, 505_500, 8_499_000.001), [(1, 1), (1, 2), (1, 3), (1, 4), (1, 5)]),
    ],
)
def test_an_area_smaller_than_a_cell(corners, cells):
    found = area_of(f"POLYGON {box(*corners)}").touched(GRID, "the cells")
    assert list(zip(*(part.tolist() for part in np.nonzero(found.mask())))) == cells
    assert found.count == len(cells)


def test_no_centre_inside_is_refused_with_what_to_do():
    area = area_of(f"POLYGON {box(503_100, 8_497_700, 503_200, 8_497_800)}")
    sentence = "AOI (basin): no pixel of the stack has its centre in the polygons; choose larger ones."
    with pytest.raises(InputError, match=re.escape(sentence)):
        area.inside(GRID, "the stack")


def test_extent_and_area_both_hold():
    area = area_of(f"POLYGON {box(505_100, 8_490_100, 512_900, 8_495_500)}")
    whole = area.touched(GRID, "it").mask()
    within = Window(8, 10, 9, 6)
    found = area.touched(GRID, "it", within)
    expected = np.zeros_like(whole)
    expected[within.slices] = whole[within.slices]
    np.testing.assert_array_equal(found.mask(), expected)
    assert found.count == expected.sum() < whole.sum()
    sentence = "AOI (basin) and EXTENT do not meet on it; leave one of them empty."
    with pytest.raises(InputError, match=re.escape(sentence)):
        area.touched(GRID, "it", Window(0, 30, 3, 3))


@pytest.mark.parametrize("asked", ["touched", "inside"])
def test_an_area_elsewhere_is_refused(asked):
    area = area_of(f"POLYGON {box(300_000, 8_000_000, 301_000, 8_001_000)}")
    sentence = (
        "AOI (basin): its polygons and the SMAP series do not meet; check the CRS of the layer, or choose "
        "polygons of the same area."
    )
    with pytest.raises(InputError, match=re.escape(sentence)):
        getattr(area, asked)(GRID, "the SMAP series")


def test_edges_that_become_curves_are_true_to_a_thousandth_of_a_cell():
    # 6 degrees along a parallel: 800 m from the straight line between its ends in UTM.
    text = f"POLYGON {box(-71.9, -16.6, -66.1, -14.3)}"
    geometry = ogr.CreateGeometryFromWkt(text)
    geometry.Segmentize(0.001)
    degrees, metres = osr.SpatialReference(), osr.SpatialReference()
    degrees.ImportFromEPSG(4326)
    metres.ImportFromEPSG(32719)
    for one in (degrees, metres):
        one.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    geometry.Transform(osr.CoordinateTransformation(degrees, metres))
    grid = Grid(UTM19S, 100_000.0, 8_440_000.0, 20_000.0, 20_000.0, 40, 20)
    area = area_of(text, crs="EPSG:4326")
    check(area, grid, [geometry])
    left, right, bottom, top = geometry.GetEnvelope()
    found = area.bounds_in(UTM19S)
    assert (found.left, found.right, found.bottom, found.top) == pytest.approx(
        (left, right, bottom, top), abs=2.0
    )


def ease_box(grid, west, south, east, north):
    """The cells that share area with a box of degrees, east may lie beyond 180: its sides are straight."""
    x, y = Transformation("EPSG:4326", EASE2_CRS)(np.array([180.0, 180.0]), np.array([south, north]))
    metres_a_degree = x[0] / 180.0
    left = grid.left + np.arange(grid.width) * grid.cell_width
    top = grid.top - np.arange(grid.height) * grid.cell_height
    rows = (top > y[0]) & (top - grid.cell_height < y[1])
    cols = np.zeros(grid.width, bool)
    for turn in (0.0, 360.0):
        first, last = (west - turn) * metres_a_degree, (east - turn) * metres_a_degree
        # The grid begins 1e-7 m beyond the meridian.
        cols |= (left + 1e-3 < last) & (left + grid.cell_width - 1e-3 > first)
    return rows[:, None] & cols[None, :]


ACROSS = {
    "east of 180": [f"POLYGON {box(176.3, -19.2, 185.1, -13.4)}"],
    "west of -180": [f"POLYGON {box(-183.7, -19.2, -174.9, -13.4)}"],
    "two parts": [
        f"MULTIPOLYGON ({box(176.3, -19.2, 180, -13.4)},{box(-180, -19.2, -174.9, -13.4)})",
    ],
    "two features": [
        f"POLYGON {box(176.3, -19.2, 180, -13.4)}",
        f"POLYGON {box(-180, -19.2, -174.9, -13.4)}",
    ],
}


@pytest.mark.parametrize("texts", ACROSS.values(), ids=ACROSS)
def test_across_the_180th_meridian_on_smaps_grid(texts):
    grid = ease2_grid("36 km")
    area = area_of(*texts, crs="EPSG:4326")
    found = area.touched(grid, "the cells")
    np.testing.assert_array_equal(found.mask(), ease_box(grid, 176.3, -19.2, 185.1, -13.4))
    assert (area.bounds.right - area.bounds.left) == pytest.approx(8.8)


@pytest.mark.parametrize("left", [-180.0, 0.0])
@pytest.mark.parametrize("texts", ACROSS.values(), ids=ACROSS)
def test_across_the_180th_meridian_on_degrees(texts, left):
    grid = Grid("EPSG:4326", left, 0.0, 0.5, 0.5, 720, 80)
    found = area_of(*texts, crs="EPSG:4326").inside(grid, "it")
    longitude = np.mod(grid.x_centres(), 360.0)
    cols = (longitude > 176.3) & (longitude < 185.1)
    rows = (grid.y_centres() > -19.2) & (grid.y_centres() < -13.4)
    np.testing.assert_array_equal(found.mask(), rows[:, None] & cols[None, :])


@pytest.mark.parametrize(
    "target", [ease2_grid("36 km"), Grid("EPSG:4326", -180.0, 90.0, 0.3, 0.3, 1200, 600)]
)
def test_metres_across_the_180th_meridian(target):
    # A circle of 400 km with a hole in UTM 60S, whose middle is at 177 E: it reaches over 180.
    middle, hole = (800_000, 8_000_000), (850_000, 8_000_000)
    angle = np.linspace(0, 2 * np.pi, 2001)
    rings = [
        ",".join(f"{x + r * np.cos(a):.17g} {y + r * np.sin(a):.17g}" for a in angle[:-1])
        + f",{x + r:.17g} {y:.17g}"
        for (x, y), r in ((middle, 400_000), (hole, 150_000))
    ]
    area = area_of(f"POLYGON (({rings[0]}),({rings[1]}))", crs="EPSG:32760")
    found = area.inside(target, "it").mask()
    x, y = np.meshgrid(target.x_centres(), target.y_centres())
    longitude, latitude = Transformation(target.crs, "EPSG:4326")(x, y)
    near = (np.abs(np.mod(longitude, 360.0) - 180.0) < 15) & (np.abs(latitude + 18) < 12)
    east, north = Transformation("EPSG:4326", "EPSG:32760")(longitude[near], latitude[near])
    far, in_hole = np.hypot(east - middle[0], north - middle[1]), np.hypot(east - hole[0], north - hole[1])
    wanted = (far < 400_000) & (in_hole > 150_000)
    # Not those at an edge, to 1/1000 of a cell and the chord of a circle of 2,000 corners.
    clear = (np.abs(far - 400_000) > 100) & (np.abs(in_hole - 150_000) > 100)
    np.testing.assert_array_equal(found[near][clear], wanted[clear])
    assert not found[~near].any()
    assert clear.mean() > 0.99
    assert wanted.sum() > 100


def test_polygons_of_the_world_on_a_small_grid():
    # Most of it has no place in UTM.
    area = area_of(f"POLYGON {box(-180, -90, 180, 90)}", crs="EPSG:4326")
    assert area.inside(GRID, "it").mask().all()
    assert area.touched(GRID, "it").count == GRID.width * GRID.height
    found, near = area.bounds_in(UTM19S, GRID.bounds), GRID.bounds
    assert found.left < near.left
    assert found.bottom < near.bottom
    assert found.right > near.right
    assert found.top > near.top


def test_a_ring_around_a_pole_is_refused():
    angle = np.linspace(0, 2 * np.pi, 200)
    ring = ",".join(f"{2e6 * np.cos(a):.17g} {2e6 * np.sin(a):.17g}" for a in angle[:-1])
    area = area_of(f"POLYGON (({ring},2000000 0))", crs="EPSG:3413")
    sentence = (
        "AOI (basin): its polygons cannot be transformed from EPSG:3413 to EPSG:6933; check the CRS of the "
        "layer, or cut the polygons to the study area."
    )
    with pytest.raises(InputError, match=re.escape(sentence)):
        area.touched(ease2_grid("36 km"), "it")


def test_another_area_has_another_digest():
    texts = [f"POLYGON {box(505_000, 8_490_000, 506_000, 8_491_000)}"]
    area = area_of(*texts)
    assert area_of(*texts, name="other").digest == area.digest
    assert replace(area, shapes=replace(area.shapes, crs="EPSG:32718")).digest != area.digest
    assert area_of(*texts, f"POLYGON {box(507_000, 8_490_000, 508_000, 8_491_000)}").digest != area.digest
    assert area.tag == f"basin: 1 polygon, {area.digest}"
    assert re.fullmatch("[0-9a-f]{32}", area.digest)


def test_half_a_world_without_the_grid_does_not_meet_it():
    # The pole has no place in Web Mercator, and what is cut near the grid is nothing.
    area = area_of(f"POLYGON {box(-180, 10, 180, 90)}", crs="EPSG:4326")
    grid = Grid("EPSG:3857", -8_000_000.0, -1_500_000.0, 1000.0, 1000.0, 20, 30)
    sentence = "AOI (basin): its polygons and {} do not meet; check the CRS of the layer, or choose "
    with pytest.raises(InputError, match=re.escape(sentence.format("the stack"))):
        area.inside(grid, "the stack")
    with pytest.raises(InputError, match=re.escape(sentence.format("the data"))):
        area.bounds_in(grid.crs, grid.bounds)
    # North of the line there is a part of it.
    north = Grid("EPSG:3857", -8_000_000.0, 1_130_000.0, 1000.0, 1000.0, 20, 30)
    assert area.inside(north, "it").mask().all(axis=1).tolist() == [
        y > 1_118_889.975 for y in north.y_centres()
    ]
