"""samplesquares: squares held against the SMAP grid by OGR, masks, refusals, and layers of several kinds."""

from __future__ import annotations

import numpy as np
import pytest
from osgeo import ogr, osr

from raster_cases import grid_raster
from small_case import CELLS, PIXELS, make_small_case
from smap_downscaler.geo.grid import EASE2_CELLS, EASE2_LEFT, EASE2_TOP, Grid

#: About 400 x 300 km in southern Peru.
AREA = "-73.5,-69.8,-15.5,-12.8 [EPSG:4326]"
SMALL = "-72,-71,-14,-13 [EPSG:4326]"
#: The same 100 m pixels for a mask and a stack, UTM zone 19 S.
UTM = Grid("EPSG:32719", 200_050.0, 8_560_030.0, 100.0, 100.0, 600, 500)


def squares_of(layer):
    """Attributes and geometries of a layer, given by path or as a layer."""
    from qgis.core import QgsVectorLayer

    layer = QgsVectorLayer(layer, "squares", "ogr") if isinstance(layer, str) else layer
    assert layer.isValid()
    names = layer.fields().names()
    rows = [dict(zip(names, feature.attributes())) for feature in layer.getFeatures()]
    return rows, [bytes(feature.geometry().asWkb()) for feature in layer.getFeatures()], layer.crs().authid()


def boxes_in_ease2(geometries, crs, pieces=40):
    """Bounds of each polygon in EPSG:6933 by OGR, its edges cut into pieces first; shape (n, 4)."""
    source, target = osr.SpatialReference(), osr.SpatialReference()
    source.SetFromUserInput(crs)
    target.SetFromUserInput("EPSG:6933")
    for reference in (source, target):
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    way = osr.CoordinateTransformation(source, target)
    boxes = []
    for wkb in geometries:
        polygon = ogr.CreateGeometryFromWkb(wkb)
        polygon.Segmentize(polygon.Boundary().Length() / 4 / pieces)
        polygon.Transform(way)
        boxes.append(polygon.GetEnvelope())
    return np.array(boxes)


def area_on_the_ellipsoid(wkb, crs):
    """m2 on WGS 84, as QGIS measures it."""
    from qgis.core import (
        QgsCoordinateReferenceSystem,
        QgsCoordinateTransformContext,
        QgsDistanceArea,
        QgsGeometry,
    )

    geometry = QgsGeometry()
    geometry.fromWkb(wkb)
    measure = QgsDistanceArea()
    measure.setSourceCrs(QgsCoordinateReferenceSystem(crs), QgsCoordinateTransformContext())
    measure.setEllipsoid("EPSG:7030")
    return measure.measureArea(geometry)


def cells_of_boxes(boxes, cell):
    """First and last row and column of the EASE-Grid cells that boxes meet, edges within 2 cm forgiven."""
    slack = 0.02
    return [
        np.floor((value - origin) / cell).astype(int)
        for value, origin in (
            (boxes[:, 0] + slack, EASE2_LEFT),
            (boxes[:, 1] - slack, EASE2_LEFT),
            (EASE2_TOP - boxes[:, 3] + slack, 0),
            (EASE2_TOP - boxes[:, 2] - slack, 0),
        )
    ]


@pytest.mark.parametrize("grid", EASE2_CELLS)
def test_each_square_lies_in_one_cell_of_the_ease_grid(run, said, tmp_path, grid):
    path = str(tmp_path / "Señas" / "squares.gpkg")
    (tmp_path / "Señas").mkdir()
    outputs = run("samplesquares", {"EXTENT": AREA, "COUNT": 80, "GRID": grid, "OUTPUT": path})
    rows, geometries, crs = squares_of(path)
    assert crs == "EPSG:32719"
    assert outputs["SQUARES"] == len(rows) == 80
    assert outputs["MASKED"] == 0
    boxes = boxes_in_ease2(geometries, crs)
    left, right, top, bottom = cells_of_boxes(boxes, EASE2_CELLS[grid])
    assert (left == right).all()
    assert (top == bottom).all()
    assert left.tolist() == [row["col"] for row in rows]
    assert top.tolist() == [row["row"] for row in rows]
    # One a cell, in order, and of the size that was asked for.
    assert len(set(zip(left, top))) == 80
    assert [row["id"] for row in rows] == list(range(1, 81))
    for row, wkb in zip(rows, geometries):
        polygon = ogr.CreateGeometryFromWkb(wkb)
        assert polygon.GetArea() == pytest.approx(1e6, rel=1e-9)
        assert row["area_m2"] == pytest.approx(area_on_the_ellipsoid(wkb, crs), rel=1e-6)
        centre = polygon.Centroid()
        assert (row["x"], row["y"]) == pytest.approx((centre.GetX(), centre.GetY()), abs=1e-3)
        assert row["masked"] == 0
    assert said.info[0].startswith("80 squares of 1000 x 1000 m placed in 80 of ")
    assert said.info[0].endswith(
        " SMAP cells; 0 of them, masked or without data by more than 50 %, left out; 80 left"
    )


def test_squares_are_spread_over_the_area_on_a_lattice(run, tmp_path):
    run("samplesquares", {"EXTENT": AREA, "COUNT": 80, "OUTPUT": str(tmp_path / "a.gpkg")})
    rows, _geometries, _crs = squares_of(str(tmp_path / "a.gpkg"))
    positions = np.array([(row["x"], row["y"]) for row in rows])
    distances = np.hypot(*(positions[:, None] - positions[None]).T)
    distances[np.diag_indices(80)] = np.inf
    # The nearest neighbour on a lattice with gaps is 1 or sqrt(2) steps away.
    nearest = distances.min(axis=0)
    step = nearest.min()
    assert step > 25_000
    assert np.allclose(nearest / step, 1.0, atol=1e-6) | np.allclose(nearest / step, np.sqrt(2), atol=1e-6)
    # All four quarters get their share.
    east, north = (positions > np.median(positions, axis=0)).T
    counts = [int(((east == a) & (north == b)).sum()) for a in (False, True) for b in (False, True)]
    assert min(counts) >= 14


def test_the_seed_decides(run, tmp_path):
    def positions(name, **more):
        run("samplesquares", {"EXTENT": AREA, "COUNT": 30, **more, "OUTPUT": str(tmp_path / name)})
        return [(row["x"], row["y"]) for row in squares_of(str(tmp_path / name))[0]]

    assert positions("a.gpkg", SEED=4) == positions("b.gpkg", SEED=4) != positions("c.gpkg", SEED=5)


def mask_raster(path):
    """Masked: every second column of pixels in the west half, and all of a block of 200 x 300 pixels."""
    values = np.zeros(UTM.shape, np.uint8)
    values[:, 0:300:2] = 1
    values[100:300, 300:600] = 7
    return grid_raster(path, UTM, values)


def test_masked_squares_are_dropped_and_counted(run, said, tmp_path):
    mask = mask_raster(tmp_path / "mask.tif")
    stack = grid_raster(tmp_path / "stack.tif", UTM, np.zeros(UTM.shape, np.float32))
    common = {"COVARIATES": stack, "MASK": mask, "COUNT": 30, "SEED": 2}
    run("samplesquares", {**common, "MASK": None, "OUTPUT": str(tmp_path / "all.gpkg")})
    _rows, geometries, crs = squares_of(str(tmp_path / "all.gpkg"))
    assert crs == "EPSG:32719"
    # The masked share of each square, counted pixel by pixel.
    values = np.zeros(UTM.shape)
    values[:, 0:300:2] = 1
    values[100:300, 300:600] = 1
    shares = []
    for wkb in geometries:
        west, east, south, north = ogr.CreateGeometryFromWkb(wkb).GetEnvelope()
        cols = np.array([west - UTM.left, east - UTM.left]) / 100
        rows = np.array([UTM.top - north, UTM.top - south]) / 100
        assert np.abs(cols - np.round(cols)).max() < 1e-6
        assert np.abs(rows - np.round(rows)).max() < 1e-6
        (left, right), (top, bottom) = np.round(cols).astype(int), np.round(rows).astype(int)
        assert (right - left, bottom - top) == (10, 10)
        assert 0 <= left < right <= 600
        assert 0 <= top < bottom <= 500
        shares.append(values[top:bottom, left:right].mean())
    assert 0.5 in shares
    assert 1.0 in shares
    for most in (0.5, 0.3, 1.0):
        outputs = run(
            "samplesquares", {**common, "MAXIMUM_MASKED": most, "OUTPUT": str(tmp_path / f"{most}.gpkg")}
        )
        rows = squares_of(str(tmp_path / f"{most}.gpkg"))[0]
        expected = [share for share in shares if share <= most]
        assert [row["masked"] for row in rows] == pytest.approx(expected)
        assert outputs["MASKED"] == len(shares) - len(expected)
        assert outputs["SQUARES"] == len(expected)
        assert (
            f"{len(shares) - len(expected)} of them, masked or without data by more than {100 * most:g} %"
            in said.text
        )


def test_gaps_of_the_stack_count_as_masked(run, tmp_path):
    values = np.zeros((2, *UTM.shape), np.float32)
    # West: no first band; a row of pixels in three: no second one.
    values[0, :, :300] = -9999
    values[1, ::3] = -9999
    stack = grid_raster(tmp_path / "stack.tif", UTM, values, nodata=-9999.0)
    missing = (values == -9999).any(axis=0)
    outputs = run(
        "samplesquares",
        {"COVARIATES": stack, "MAXIMUM_MASKED": 0.9, "COUNT": 30, "OUTPUT": str(tmp_path / "squares.gpkg")},
    )
    rows, geometries, _crs = squares_of(str(tmp_path / "squares.gpkg"))
    assert outputs["MASKED"] > 5
    assert outputs["SQUARES"] + outputs["MASKED"] == 30
    for row, wkb in zip(rows, geometries):
        west, _east, _south, north = ogr.CreateGeometryFromWkb(wkb).GetEnvelope()
        left, top = round((west - UTM.left) / 100), round((UTM.top - north) / 100)
        assert row["masked"] == pytest.approx(missing[top : top + 10, left : left + 10].mean())


def test_whole_pixels_whose_edges_are_cell_edges(run, said, tmp_path):
    """Fine pixels that are a tenth of a SMAP cell: a square as large as a cell fits just so."""
    make_small_case(tmp_path)
    side = PIXELS.cell_width * 10
    outputs = run(
        "samplesquares",
        {
            "COVARIATES": str(tmp_path / "fine.tif"),
            "SMAP": str(tmp_path / "smap"),
            "SIZE": side,
            "COUNT": 72,
            "OUTPUT": str(tmp_path / "squares.gpkg"),
        },
    )
    rows = squares_of(str(tmp_path / "squares.gpkg"))[0]
    assert outputs["SQUARES"] == 72
    # Rows and columns of the series, as in the regression matrix.
    assert {(row["row"], row["col"]) for row in rows} == {(r, c) for r in range(8) for c in range(9)}
    for row in rows:
        assert row["x"] == pytest.approx(CELLS.x_centres()[row["col"]])
        assert row["y"] == pytest.approx(CELLS.y_centres()[row["row"]])
    assert any("lie at random places in cells that the grid had left free" in line for line in said.info)


def test_fewer_than_asked_for(run, said, tmp_path):
    make_small_case(tmp_path)
    common = {"COVARIATES": str(tmp_path / "fine.tif"), "SMAP": str(tmp_path / "smap"), "COUNT": 1000}
    outputs = run("samplesquares", {**common, "OUTPUT": str(tmp_path / "one.gpkg")})
    assert outputs["SQUARES"] == 72
    assert said.warnings == [
        "Only 72 of 1,000 squares found a place: the study area meets 72 SMAP cells, with at most 1 in each"
    ]
    outputs = run("samplesquares", {**common, "PER_CELL": 3, "OUTPUT": str(tmp_path / "three.gpkg")})
    assert outputs["SQUARES"] == 216
    rows, geometries, _crs = squares_of(str(tmp_path / "three.gpkg"))
    polygons = [ogr.CreateGeometryFromWkb(wkb) for wkb in geometries]
    for index, polygon in enumerate(polygons):
        for other in polygons[index + 1 :]:
            assert polygon.Intersection(other).GetArea() < 1e-3
    cells = [(row["row"], row["col"]) for row in rows]
    assert max(map(cells.count, cells)) == 3


def test_a_crs_that_is_not_true_to_scale(run, said, tmp_path):
    run(
        "samplesquares",
        {"EXTENT": SMALL, "COUNT": 9, "CRS": "EPSG:3857", "OUTPUT": str(tmp_path / "squares.gpkg")},
    )
    rows, geometries, crs = squares_of(str(tmp_path / "squares.gpkg"))
    for row, wkb in zip(rows, geometries):
        assert row["area_m2"] == pytest.approx(area_on_the_ellipsoid(wkb, crs), rel=1e-5)
        assert row["area_m2"] < 9.6e5
    assert said.warnings[0].startswith("A square of 1000 x 1000 m in EPSG:3857 has 9")
    assert said.warnings[0].endswith(
        " m2 on the ground, not 1,000,000; choose a CRS that is true to scale, such as the UTM zone, or "
        "another SIZE"
    )


def test_a_memory_layer_and_a_shapefile(run, tmp_path):
    from qgis.core import QgsProcessingContext

    context = QgsProcessingContext()
    values = {"EXTENT": AREA, "COUNT": 10, "CRS": "EPSG:5387"}
    outputs = run("samplesquares", {**values, "OUTPUT": "memory:squares"}, context)
    rows, _geometries, crs = squares_of(context.getMapLayer(outputs["OUTPUT"]))
    assert crs == "EPSG:5387"
    run("samplesquares", {**values, "OUTPUT": str(tmp_path / "squares.shp")})
    again = squares_of(str(tmp_path / "squares.shp"))[0]
    assert [tuple(row.values()) for row in again] == [pytest.approx(tuple(row.values())) for row in rows]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"COUNT": 0}, "COUNT is 0; give a whole number from 1 on."),
        ({"PER_CELL": 0}, "PER_CELL is 0; give a whole number from 1 on."),
        ({"SIZE": 0}, "SIZE is 0; give the side of a square in metres, greater than 0."),
        ({"CRS": "EPSG:4326"}, "CRS: EPSG:4326 is not in metres; choose another one, such as the UTM zone."),
        (
            {"EXTENT": None},
            "AOI and EXTENT are empty; give the study area, or COVARIATES, whose extent it then is.",
        ),
        (
            {"SIZE": 9500},
            "No square of 9500 x 9500 m lies inside both a SMAP cell (9008 m) and the study area; give a "
            "smaller SIZE or a larger EXTENT.",
        ),
        (
            {"COVARIATES": "{utm}", "CRS": "EPSG:32718"},
            "CRS is EPSG:32718, but the squares follow the pixels of COVARIATES, which are in EPSG:32719; "
            "leave one of them empty.",
        ),
        (
            {"COVARIATES": "{degrees}"},
            "COVARIATES: its CRS EPSG:4326 is not in metres; choose a stack in metres, or leave it empty.",
        ),
        (
            {"COVARIATES": "{utm}", "EXTENT": "10,11,50,51 [EPSG:4326]"},
            "EXTENT and COVARIATES ({utm}) do not meet; choose an EXTENT inside the raster.",
        ),
        (
            {"SMAP": "{case}/smap", "EXTENT": "10,11,50,51 [EPSG:4326]"},
            "EXTENT: it lies outside the SMAP grid; choose another EXTENT.",
        ),
        ({"MASK": "{case}/none.tif"}, "{case}/none.tif: there is no such file; check the path."),
        (
            {"MASK": "{all}"},
            "MASK: all 10 squares are masked or without data by more than 50 %, so that none is left; raise "
            "MAXIMUM_MASKED, or choose another EXTENT.",
        ),
        (
            {"EXTENT": "-15.5,-12.8,-173.5,-169.8 [EPSG:4326]"},
            "EXTENT: -173.5 to -169.8 are no latitudes; give it as 'xmin,xmax,ymin,ymax [EPSG:4326]', "
            "longitudes first.",
        ),
        (
            {"EXTENT": "179,-179,-15.5,-12.8 [EPSG:4326]"},
            "EXTENT: its least value lies above its greatest; give it as 'xmin,xmax,ymin,ymax [EPSG:4326]', "
            "and an area across the date line in two runs.",
        ),
        (
            {"EXTENT": "-73.5,-69.8,-15.5,-12.8"},
            "EXTENT: the extent has no CRS, so its place on earth is not known; give it as "
            "'xmin,xmax,ymin,ymax [EPSG:4326]'.",
        ),
    ],
)
def test_bad_input(refusal, tmp_path, change, sentence):
    make_small_case(tmp_path)
    degrees = Grid("EPSG:4326", -73.0, -13.0, 0.01, 0.01, 50, 50)
    everywhere = Grid("EPSG:4326", -80.0, -5.0, 0.1, 0.1, 200, 200)
    positions = {
        "case": str(tmp_path),
        "utm": grid_raster(tmp_path / "utm.tif", UTM, np.zeros(UTM.shape, np.float32)),
        "all": grid_raster(tmp_path / "all.tif", everywhere, np.ones(everywhere.shape, np.float32)),
        "degrees": grid_raster(tmp_path / "deg.tif", degrees, np.zeros(degrees.shape, np.float32)),
    }
    values = {"EXTENT": SMALL, "COUNT": 10, "OUTPUT": str(tmp_path / "out.gpkg")}
    values.update({k: v.format(**positions) if isinstance(v, str) else v for k, v in change.items()})
    assert refusal("samplesquares", values) == sentence.format(**positions)
    assert not (tmp_path / "out.gpkg").exists()


def test_cancelled_among_the_cells(run, feedback, said, tmp_path):
    feedback.cancel_when = lambda text: "SMAP cells tried" in text
    values = {"EXTENT": SMALL, "COUNT": 9_000, "SIZE": 6000, "OUTPUT": str(tmp_path / "out.gpkg")}
    assert run("samplesquares", values) == {}
    assert not (tmp_path / "out.gpkg").exists()
    assert said.info[-1].startswith("Cancelled")


def test_cancelled_while_the_layer_is_written(run, feedback, tmp_path, monkeypatch):
    """What was written of the file is gone."""
    from smap_downscaler.steps.polygons import squares_algorithm as sample_squares

    features = sample_squares.square_features

    def then_cancelled(*arguments):
        for number, feature in enumerate(features(*arguments)):
            if number == 3:
                feedback.cancel()
            yield feature

    monkeypatch.setattr(sample_squares, "square_features", then_cancelled)
    for name in ("out.gpkg", "out.shp"):
        assert run("samplesquares", {"EXTENT": SMALL, "COUNT": 9, "OUTPUT": str(tmp_path / name)}) == {}
        assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(refusal, tmp_path):
    values = {"EXTENT": SMALL, "COUNT": 9}
    (tmp_path / "file").write_text("")
    sentence = refusal("samplesquares", {**values, "OUTPUT": str(tmp_path / "file" / "out.gpkg")})
    assert sentence == (
        f"OUTPUT: {tmp_path}/file/out.gpkg cannot be written ({tmp_path}/file is no folder); choose another "
        "place."
    )
    (tmp_path / "folder.gpkg").mkdir()
    sentence = refusal("samplesquares", {**values, "OUTPUT": str(tmp_path / "folder.gpkg")})
    assert sentence == f"OUTPUT: {tmp_path}/folder.gpkg is a folder; choose a file."
