"""Polygons on grids and their statistics, against GEOS and against NumPy on masks."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import numpy as np
import pytest
from osgeo import ogr, osr

from raster_cases import Listener, grid_raster
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.geo.grid import Grid
from smap_downscaler.geo.placing import place, read_shapes
from smap_downscaler.geo.polygon_runs import AREA, CENTRE
from smap_downscaler.series.series import open_series
from smap_downscaler.steps.polygons import statistics as module
from smap_downscaler.steps.polygons.statistics import chosen, layers_of_series, polygon_statistics

GRID = Grid("EPSG:32719", 300_000.0, 8_500_000.0, 100.0, 80.0, 36, 25)


def wkb(text):
    return bytes(ogr.CreateGeometryFromWkt(text).ExportToWkb())


def at(cols, rows):
    """Coordinates of points given in columns and rows of the grid."""
    return GRID.left + np.asarray(cols) * GRID.cell_width, GRID.top - np.asarray(rows) * GRID.cell_height


def ring(cols, rows):
    x, y = at(cols, rows)
    return (
        "("
        + ", ".join(
            f"{a!r} {b!r}" for a, b in zip([*map(float, x), float(x[0])], [*map(float, y), float(y[0])])
        )
        + ")"
    )


def star(rng, centre, radius=6.0):
    """A star of nine corners."""
    angle = np.sort(rng.uniform(0, 2 * np.pi, 9))
    away = rng.uniform(0.3, 1.0, 9) * radius
    return ring(centre[0] + away * np.cos(angle), centre[1] + away * np.sin(angle))


def polygons():
    """Stars, one with a hole, a polygon of two parts, a bow tie, and parts that overlap."""
    rng = np.random.default_rng(8)
    texts = [f"POLYGON ({star(rng, rng.uniform((-2, -2), (38, 27)))})" for _ in range(25)]
    square = ring([5, 15, 15, 5], [4, 4, 14, 14])
    texts.append(f"POLYGON ({square}, {ring([8, 9.7, 11], [8, 11.3, 8.2])})")
    texts.append(f"MULTIPOLYGON (({square}), ({ring([20, 33.4, 28], [3, 6, 19.9])}))")
    texts.append(f"POLYGON ({ring([3, 12, 12, 3], [3, 9, 3, 9])})")
    texts.append(f"MULTIPOLYGON (({square}), ({ring([10, 20, 20, 10], [9, 9, 20, 20])}))")
    return texts


def by_geos(text):
    """Share of each pixel in a polygon, and whether its centre lies inside: pixel by pixel."""
    geometry = ogr.CreateGeometryFromWkt(text)
    if not geometry.IsValid():
        geometry = geometry.MakeValid(["METHOD=STRUCTURE"])
    share, inside = np.zeros(GRID.shape), np.zeros(GRID.shape, bool)
    west, east, south, north = geometry.GetEnvelope()
    for row, y in enumerate(GRID.y_centres().tolist()):
        for col, x in enumerate(GRID.x_centres().tolist()):
            if not (west < x + 50 and x - 50 < east and south < y + 40 and y - 40 < north):
                continue
            corners = ((-50, 40), (50, 40), (50, -40), (-50, -40), (-50, 40))
            pixel = "POLYGON ((" + ", ".join(f"{x + a!r} {y + b!r}" for a, b in corners) + "))"
            share[row, col] = geometry.Intersection(ogr.CreateGeometryFromWkt(pixel)).GetArea() / 8000
            inside[row, col] = geometry.Contains(ogr.CreateGeometryFromWkt(f"POINT ({x!r} {y!r})"))
    return share, inside


def dense(runs, count):
    out = np.zeros((count, *GRID.shape))
    for polygon, row, start, stop, weight in zip(runs.polygon, runs.row, runs.start, runs.stop, runs.weight):
        out[polygon, row, start:stop] += weight
    return out


@pytest.fixture(scope="module")
def truth():
    """Shares and centres of all polygons by GEOS."""
    return [by_geos(text) for text in polygons()]


def test_shares_and_centres_are_those_of_geos(gdal_mode, truth):
    texts = polygons()
    shapes = read_shapes([wkb(text) for text in texts], GRID.crs)
    invalid = [n for n, text in enumerate(texts) if not ogr.CreateGeometryFromWkt(text).IsValid()]
    assert shapes.repaired.tolist() == invalid
    assert {27, 28} <= set(invalid)
    assert shapes.empty.size == 0
    areas = dense(place(shapes, GRID, AREA).runs, len(texts))
    centres = dense(place(shapes, GRID, CENTRE).runs, len(texts))
    for number, (share, inside) in enumerate(truth):
        np.testing.assert_allclose(areas[number], share, atol=1e-8, err_msg=texts[number])
        assert (centres[number] == inside).all(), texts[number]


@pytest.mark.parametrize(("over", "across"), [(1e-9, 0), (1e-3, 1)])
def test_rounding_puts_no_polygon_across_the_edge(over, across):
    """Squares that 'Sample squares' cut from the raster's own pixels."""
    end = GRID.width + over
    corner = ring([end - 3, end, end, end - 3], [-over, -over, 3, 3])
    shapes = read_shapes([wkb(f"POLYGON ({corner})")], GRID.crs)
    assert place(shapes, GRID, CENTRE).across == across


def test_what_is_no_polygon_is_counted_and_not_taken(gdal_mode):
    x, y = at(3, 3)
    far = ring([300, 310, 310], [3, 3, 9])
    tiny = ring([3.1, 3.2, 3.2], [3.1, 3.1, 3.2])
    shapes = read_shapes(
        [
            b"",
            wkb("POLYGON EMPTY"),
            wkb(f"LINESTRING ({x} {y}, {x + 500} {y})"),
            b"\x01\x03nonsense",
            wkb(f"POLYGON ({ring([3, 3, 3], [3, 5, 3])})"),
            wkb(f"POLYGON ({far})"),
            wkb(f"POLYGON ({tiny})"),
            wkb(f"POLYGON ({ring([-3, 3, 3, -3], [3, 3, 6, 6])})"),
            wkb(f"CURVEPOLYGON (CIRCULARSTRING ({x} {y}, {x + 400} {y - 400}, {x} {y}))"),
            wkb(f"POLYGON Z (({x} {y} 5, {x + 200} {y} 6, {x + 200} {y - 160} 7, {x} {y} 5))"),
        ],
        GRID.crs,
    )
    assert shapes.empty.tolist() == [0, 1, 2, 3, 4]
    placed = place(shapes, GRID, CENTRE)
    assert (placed.outside, placed.across, placed.missed) == (1, 1, 1)
    assert sorted(set(placed.runs.polygon)) == [7, 8, 9]
    with_areas = place(shapes, GRID, AREA)
    assert with_areas.missed == 0
    shares = dense(with_areas.runs, 10).sum(axis=(1, 2))
    assert shares[6] == pytest.approx(0.005)
    assert shares[7] == pytest.approx(9)
    # A circle of 400 x 400 m as a diagonal, in 4-degree steps.
    assert shares[8] == pytest.approx(np.pi * 8e4 / 8000, rel=2e-3)


def test_polygons_in_degrees(gdal_mode):
    """Squares of whole pixels, given in degrees, hold just these pixels."""
    to_degrees = osr.CoordinateTransformation(*references(GRID.crs, "EPSG:4326"))
    texts, boxes = [], []
    for left, top in ((2, 3), (20, 11), (30, 0)):
        corners = [at(left + a, top + b) for a, b in ((0, 0), (5, 0), (5, 4), (0, 4), (0, 0))]
        points = [to_degrees.TransformPoint(float(x), float(y))[:2] for x, y in corners]
        texts.append("POLYGON ((" + ", ".join(f"{a!r} {b!r}" for a, b in points) + "))")
        boxes.append((left, top))
    shapes = read_shapes([wkb(text) for text in texts], "EPSG:4326")
    for rule in (CENTRE, AREA):
        found = dense(place(shapes, GRID, rule).runs, 3)
        for number, (left, top) in enumerate(boxes):
            expected = np.zeros(GRID.shape)
            expected[top : top + 4, left : left + 5] = 1
            np.testing.assert_allclose(found[number], expected, atol=1e-5)
    beyond = read_shapes([wkb("POLYGON ((0 95, 1 95, 1 99, 0 95))")], "EPSG:4326")
    assert place(beyond, GRID, CENTRE).outside == 1


@pytest.mark.parametrize("left", [-180.0, 0.0, 170.0])
@pytest.mark.parametrize("longitude", [-70.25, 12.5, 171.0, 289.75])
def test_longitudes_of_either_half_turn_meet_the_same_pixels(left, longitude):
    grid = Grid("EPSG:4326", left, 10.0, 0.5, 0.5, 720, 40)
    box = f"{longitude} 2, {longitude + 3} 2, {longitude + 3} -1, {longitude} -1, {longitude} 2"
    placed = place(read_shapes([wkb(f"POLYGON (({box}))")], grid.crs), grid, AREA)
    assert (placed.outside, placed.across) == (0, 0)
    inside = np.zeros(grid.shape)
    middles = (grid.left + (np.arange(720) + 0.5) * 0.5 - longitude) % 360.0
    inside[16:22, middles < 3] = 1
    share = np.zeros((1, *grid.shape))
    runs = placed.runs
    for row, start, stop, weight in zip(runs.row, runs.start, runs.stop, runs.weight):
        share[0, row, start:stop] += weight
    # The box begins on the edge of a pixel, or in its middle.
    assert share[0].sum() == pytest.approx(36)
    assert np.abs(share[0] - inside).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("rule", [CENTRE, AREA])
@pytest.mark.parametrize("left", [-180.0, 0.0, -100.3])
@pytest.mark.parametrize(
    ("parts", "longitudes"),
    [
        ([(178, 180), (-180, -179)], (178, 181)),
        ([(-10, 20)], (-10, 20)),
        ([(350, 380)], (-10, 20)),
        ([(175, 185)], (175, 185)),
    ],
)
def test_polygons_over_the_seam_of_a_grid_lose_no_part(rule, left, parts, longitudes):
    grid = Grid("EPSG:4326", left, 4.0, 1.0, 1.0, 360, 8)
    boxes = (f"(({a} 2, {b} 2, {b} -1, {a} -1, {a} 2))" for a, b in parts)
    placed = place(read_shapes([wkb(f"MULTIPOLYGON ({', '.join(boxes)})")], grid.crs), grid, rule)
    assert (placed.outside, placed.across, placed.overlapping) == (0, 0, 0)
    share = np.zeros(grid.shape)
    runs = placed.runs
    for row, start, stop, weight in zip(runs.row, runs.start, runs.stop, runs.weight):
        share[row, start:stop] += weight
    west, east = longitudes
    edges = left + np.arange(361.0)
    whole = np.zeros(361 - 1)
    for turn in (-360, 0, 360):
        low, high = np.maximum(edges[:-1], west + turn), np.minimum(edges[1:], east + turn)
        middles = (edges[:-1] + 0.5 >= west + turn) & (edges[:-1] + 0.5 < east + turn)
        whole += middles if rule == CENTRE else np.maximum(high - low, 0)
    expected = np.zeros(grid.shape)
    expected[2:5] = whole
    np.testing.assert_allclose(share, expected, atol=1e-9)


def test_a_polygon_over_the_edge_of_a_region_is_reported(gdal_mode):
    grid = Grid("EPSG:4326", 350.0, 4.0, 1.0, 1.0, 20, 8)
    inside, over = "((-5 2, 5 2, 5 -1, -5 -1, -5 2))", "((5 2, 15 2, 15 -1, 5 -1, 5 2))"
    shapes = read_shapes([wkb(f"POLYGON {box}") for box in (inside, over)], grid.crs)
    placed = place(shapes, grid, CENTRE)
    assert (placed.outside, placed.across) == (0, 1)
    assert [placed.runs.pixels, (placed.runs.polygon == 0).sum()] == [45, 3]


def references(*texts):
    for text in texts:
        reference = osr.SpatialReference()
        reference.SetFromUserInput(text)
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        yield reference


@pytest.fixture
def series(tmp_path):
    """Three dates with gaps, offset far from zero, and the arrays."""
    rng = np.random.default_rng(3)
    values = (1000 + rng.normal(size=(3, *GRID.shape))).astype(np.float32)
    values[0, 5:9, 5:9] = np.nan
    values[2, :, :12] = np.nan
    (tmp_path / "maps").mkdir()
    for number, layer in enumerate(values):
        grid_raster(
            tmp_path / "maps" / f"map_2021010{number + 1}.tif",
            GRID,
            np.where(np.isfinite(layer), layer, -9999).astype(np.float32),
            nodata=-9999.0,
        )
    return open_series(tmp_path / "maps"), values


@pytest.mark.parametrize("rule", [CENTRE, AREA])
@pytest.mark.parametrize("ddof", [0, 1])
def test_statistics_by_masks(series, truth, rule, ddof):
    maps, values = series
    shapes = read_shapes([wkb(text) for text in polygons()], GRID.crs)
    found = polygon_statistics(shapes, GRID, layers_of_series(maps), rule, ddof).statistics
    for number, (share, inside) in enumerate(truth):
        weight = share if rule == AREA else inside.astype(float)
        for layer in range(3):
            good = np.isfinite(values[layer]) & (weight > 1e-9)
            v, w = values[layer][good].astype(np.float64), weight[good]
            assert found.n[layer, number] == good.sum()
            if not good.any():
                assert np.isnan(found.mean[layer, number])
                continue
            mean = (v * w).sum() / w.sum()
            assert found.mean[layer, number] == pytest.approx(mean, rel=1e-10)
            if good.sum() > ddof:
                variance = (w * (v - mean) ** 2).sum() / (w.sum() - ddof * (w**2).sum() / w.sum())
                assert found.sd[layer, number] == pytest.approx(np.sqrt(variance), rel=1e-5)
                assert found.cv[layer, number] == pytest.approx(np.sqrt(variance) / mean, rel=1e-5)
            else:
                assert np.isnan(found.sd[layer, number])


def test_blocks_and_overlaps_change_nothing_and_each_raster_is_read_once(series, monkeypatch):
    maps, _values = series
    # The tile of a file is the least block: a grid of many tiles is needed to see several blocks.
    shapes = read_shapes([wkb(text) for text in polygons()], GRID.crs)
    layers = layers_of_series(maps)
    whole = polygon_statistics(shapes, GRID, layers, AREA, 1).statistics
    monkeypatch.setattr("smap_downscaler.geo.blocks.TILE", 8)
    monkeypatch.setattr(module, "PIXELS_PER_BLOCK", 64)
    monkeypatch.setattr(module, "PAIRS_AT_A_TIME", 20)
    seen = {(layer.path, layer.band): np.zeros(GRID.shape, int) for layer in layers}
    read = module.read_band

    def counted(dataset, band, window, **more):
        seen[dataset.GetDescription(), band][window.slices] += 1
        return read(dataset, band, window, **more)

    monkeypatch.setattr(module, "read_band", counted)
    pieces = polygon_statistics(shapes, GRID, layers, AREA, 1).statistics
    for name in ("n", "mean", "sd", "cv"):
        np.testing.assert_allclose(getattr(pieces, name), getattr(whole, name), rtol=1e-9)
    assert {int(count.max()) for count in seen.values()} == {1}


def test_blocks_without_polygons_are_not_read(series, monkeypatch):
    maps, _values = series
    shapes = read_shapes([wkb(f"POLYGON ({ring([300, 310, 310], [3, 3, 9])})")], GRID.crs)
    monkeypatch.setattr(module, "read_band", None)
    found = polygon_statistics(shapes, GRID, layers_of_series(maps), CENTRE, 1)
    assert found.placed.outside == 1
    assert np.isnan(found.statistics.mean).all()
    assert found.without_values == 0


def test_polygons_without_values_are_counted(series):
    maps, _values = series
    inner = f"POLYGON ({ring([6, 8, 8, 6], [6, 6, 8, 8])})"
    shapes = read_shapes([wkb(inner), wkb(polygons()[26])], GRID.crs)
    found = polygon_statistics(shapes, GRID, layers_of_series(maps)[:1], CENTRE, 1)
    assert found.without_values == 1


def test_chosen_dates(series):
    maps, _values = series
    first, second = dt.date(2021, 1, 1), dt.date(2021, 1, 2)
    assert chosen(maps, (), "DATES") == maps
    assert chosen(maps, (second,), "DATES").dates == (second,)
    with pytest.raises(InputError) as caught:
        chosen(maps.between(second, None), (first,), "DATES")
    assert str(caught.value) == (
        f"DATES: {maps.source} holds no raster of 2021-01-01 (those in question run from 2021-01-02 to "
        "2021-01-03); choose other dates."
    )


def test_cancelled(series):
    maps, _values = series
    geometries = [wkb(text) for text in polygons()]
    with pytest.raises(Cancelled):
        read_shapes(geometries, GRID.crs, Listener(5))
    shapes = read_shapes(geometries, GRID.crs)
    listener = Listener(3)
    with pytest.raises(Cancelled):
        polygon_statistics(shapes, GRID, layers_of_series(maps), CENTRE, 1, listener)


def test_ten_thousand_polygons_and_a_hundred_dates_in_one_pass(tmp_path, monkeypatch):
    """Each file is opened once and each pixel of it read once, whatever the number of polygons."""
    grid = Grid(GRID.crs, GRID.left, GRID.top, 100.0, 80.0, 200, 200)
    rng = np.random.default_rng(5)
    values = rng.uniform(0.1, 0.4, (100, *grid.shape)).astype(np.float32)
    first = dt.date(2021, 1, 1)
    (tmp_path / "maps").mkdir()
    for number, layer in enumerate(values):
        grid_raster(tmp_path / "maps" / f"map_{first + dt.timedelta(days=number):%Y%m%d}.tif", grid, layer)
    maps = open_series(tmp_path / "maps")
    corners = ((0, 0), (2, 0), (2, 2), (0, 2))
    texts = [
        f"POLYGON ({ring([col + a for a, _ in corners], [row + b for _, b in corners])})"
        for row in range(0, 200, 2)
        for col in range(0, 200, 2)
    ]
    shapes = read_shapes([wkb(text) for text in texts], GRID.crs)
    opened, read = Counter(), Counter()
    open_dataset, read_band = module.open_dataset, module.read_band

    def counted_open(path):
        opened[path] += 1
        return open_dataset(path)

    def counted_read(dataset, band, window, **more):
        read[dataset.GetDescription()] += window.width * window.height
        return read_band(dataset, band, window, **more)

    monkeypatch.setattr(module, "open_dataset", counted_open)
    monkeypatch.setattr(module, "read_band", counted_read)
    found = polygon_statistics(shapes, grid, layers_of_series(maps), CENTRE, 0).statistics
    paths = {entry.path for entry in maps.entries}
    assert opened == dict.fromkeys(paths, 1)
    assert read == dict.fromkeys(paths, 200 * 200)
    pixels = values.astype(np.float64).reshape(100, 100, 2, 100, 2)
    np.testing.assert_allclose(found.mean, pixels.mean(axis=(2, 4)).reshape(100, -1), rtol=1e-10)
    np.testing.assert_allclose(found.sd, pixels.std(axis=(2, 4)).reshape(100, -1), rtol=1e-6)
    assert (found.n == 4).all()
