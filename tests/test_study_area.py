"""AOI through the steps: what lies outside the polygons has no value, what lies inside is as without them."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest
from osgeo import ogr, osr

from areas import box, geometries_of, kept_in, layer_file, touched_and_inside
from gap_case import CELLS as GAP_CELLS
from gap_case import DAYS, day, make_gap_case
from small_case import CELLS, DATES, PIXELS, SPARSE, make_small_case
from smap_downscaler.geo.datasets import dataset_grid, open_dataset, read_band
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import EASE2_CRS, Grid
from smap_downscaler.methods.features import FeatureSettings
from smap_downscaler.series.stack import open_stack
from smap_downscaler.series.tags import AREA_TAG


def at(col, row, grid=CELLS):
    """The place of a column and row, in fractions of cells, of the cells."""
    return grid.left + col * grid.cell_width, grid.top - row * grid.cell_height


def box_at(left, top, right, bottom, grid=CELLS):
    (west, north), (east, south) = at(left, top, grid), at(right, bottom, grid)
    return box(west, south, east, north)


#: An L with a hole of more than a cell, and a sliver of 9 m that reaches into one more cell.
BASIN = (
    f"POLYGON ({box_at(1.33, 0.62, 3.2, 7.41)[1:-1]})",
    f"MULTIPOLYGON (({box_at(2.52, 3.83, 7.58, 7.41)[1:-1]},{box_at(3.91, 4.92, 6.11, 6.13)[1:-1]}),"
    f"({box_at(7.5, 2.2, 7.5 + 0.001, 3.7)[1:-1]}))",
)


def basin_file(path, crs=EASE2_CRS):
    """The basin in a CRS, its edges cut into short pieces before."""
    if crs == EASE2_CRS:
        return layer_file(path, crs, *BASIN)
    ends = osr.SpatialReference(), osr.SpatialReference()
    for reference, name in zip(ends, (EASE2_CRS, crs)):
        reference.SetFromUserInput(name)
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    made = geometries_of(*BASIN)
    for one in made:
        one.Segmentize(200.0)
        one.Transform(osr.CoordinateTransformation(*ends))
    return layer_file(path, crs, *(one.ExportToWkt() for one in made))


def read(path, band=1):
    dataset = open_dataset(str(path))
    return dataset_grid(dataset, str(path)), read_band(dataset, band)


def part_of(whole, grid, values):
    """The part of an array on `whole` on another grid of its cells."""
    row, col = grid.cell_offset_in(whole)
    return values[..., row : row + grid.height, col : col + grid.width]


@pytest.fixture
def case(tmp_path):
    return make_small_case(tmp_path)


@pytest.mark.parametrize("crs", [EASE2_CRS, "EPSG:4326", "EPSG:32719"])
def test_smap_is_imported_on_the_cells_that_the_polygons_touch(run, said, case, tmp_path, crs):
    out = tmp_path / "imported"
    values = {"INPUT": case.smap_folder, "AOI": basin_file(tmp_path / "basin.gpkg", crs), "OUTPUT": str(out)}
    found = run("importsmap", values)
    touched, _inside = touched_and_inside(CELLS, geometries_of(*BASIN))
    assert 20 < touched.sum() < 50
    rows, cols = np.nonzero(touched)
    with open(found["REPORT"], encoding="utf-8", newline="") as file:
        report = list(csv.DictReader(file))
    for date, line in zip(DATES, report):
        grid, theta = read(out / f"soil_moisture_{date:%Y%m%d}.tif")
        assert grid.cell_offset_in(CELLS) == (rows.min(), cols.min())
        assert grid.shape == (np.ptp(rows) + 1, np.ptp(cols) + 1)
        wanted = part_of(CELLS, grid, np.where(touched, case.smap[date], np.nan))
        np.testing.assert_array_equal(theta, wanted)
        assert int(line["valid_cells"]) == int(line["retrieved"]) == np.isfinite(wanted).sum()
    everything = grid.width * grid.height
    assert kept_in(said.info, "basin") == [f"{touched.sum()} of {everything} SMAP cells"]


def test_an_import_with_other_polygons_keeps_nothing(run, refusal, case, tmp_path):
    out = tmp_path / "imported"
    first = layer_file(tmp_path / "first.gpkg", EASE2_CRS, f"POLYGON {box_at(1, 1, 4, 4)}")
    same = shutil.copy(first, tmp_path / "again.gpkg")
    # The same box of cells, fewer of them touched.
    other = layer_file(
        tmp_path / "other.gpkg",
        EASE2_CRS,
        f"POLYGON {box_at(1, 1, 2, 2)}",
        f"POLYGON {box_at(3, 3, 4, 4)}",
    )

    def states(aoi, **more):
        run("importsmap", {"INPUT": case.smap_folder, "AOI": aoi, "OUTPUT": str(out), **more})
        with (out / "report.csv").open(encoding="utf-8", newline="") as file:
            return [row["status"] for row in csv.DictReader(file)]

    dates = [date for date in DATES if date != SPARSE]
    assert states(first) == ["written"] * 3
    assert states(first) == states(str(same)) == ["kept"] * 3
    name, _, digest = (
        open_dataset(out / f"soil_moisture_{dates[0]:%Y%m%d}.tif").GetMetadataItem(AREA_TAG).rpartition(", ")
    )
    assert name == "first: 1 polygon"
    assert len(digest) == 32
    # On the sparse day SMAP saw the two columns to the left only.
    assert states(other) == ["written"] * 3
    assert np.isfinite(read(out / f"soil_moisture_{dates[1]:%Y%m%d}.tif")[1]).sum() == 2
    assert states(None) == ["written"] * 3
    sentence = refusal(
        "importsmap", {"INPUT": case.smap_folder, "AOI": other, "END": str(DATES[0]), "OUTPUT": str(out)}
    )
    assert sentence == (
        f"OUTPUT: {out / f'soil_moisture_{DATES[1]:%Y%m%d}.tif'} is from another run (another study area "
        "(AOI), or none) and its date is not among those imported now; choose an empty folder, or remove it."
    )


def test_extent_and_polygons_both_hold(run, refusal, case, tmp_path):
    (left, top), (right, bottom) = at(2.1, 3.1), at(4.9, 4.9)
    extent = f"{left},{right},{bottom},{top} [{EASE2_CRS}]"
    values = {"INPUT": case.smap_folder, "EXTENT": extent, "OUTPUT": str(tmp_path / "out")}
    run("importsmap", {**values, "AOI": basin_file(tmp_path / "basin.gpkg")})
    grid, theta = read(tmp_path / "out" / f"soil_moisture_{DATES[0]:%Y%m%d}.tif")
    touched = touched_and_inside(CELLS, geometries_of(*BASIN))[0]
    kept = np.zeros_like(touched)
    kept[3:5, 2:5] = touched[3:5, 2:5]
    np.testing.assert_array_equal(
        theta, part_of(CELLS, grid, np.where(kept, case.smap[DATES[0]], np.float32(np.nan)))
    )
    far = layer_file(tmp_path / "far.gpkg", EASE2_CRS, f"POLYGON {box_at(7, 6, 8, 7)}")
    assert refusal("importsmap", {**values, "AOI": far}) == (
        f"AOI (far) and EXTENT do not meet on the cells of {case.smap_folder}; leave one of them empty."
    )


@pytest.fixture
def stacks(case, tmp_path):
    """Parameters of 'Harmonise covariates' on the small case; pixels are those of its fine stack."""
    return {
        "INPUT": [case.fine_stack],
        "SMAP": case.smap_folder,
        "CRS": EASE2_CRS,
        "RESOLUTION": PIXELS.cell_width,
    }


@pytest.mark.parametrize("crs", [EASE2_CRS, "EPSG:4326"])
def test_stacks_end_at_the_polygons(run, said, stacks, tmp_path, crs):
    def made(name, **more):
        files = {key: str(tmp_path / f"{name}{key}.tif") for key in ("OUTPUT_COARSE", "OUTPUT_FINE")}
        found = run("harmonisecovariates", {**stacks, **files, **more})
        return [open_stack(found[key]) for key in files]

    whole = made("whole")
    said.info.clear()
    parts = made("part", AOI=basin_file(tmp_path / "basin.gpkg", crs), REPORT=str(tmp_path / "report.html"))
    kept, tag = [], ""
    for part, full, rule in zip(parts, whole, (0, 1)):
        wanted = touched_and_inside(part.grid, geometries_of(*BASIN))[rule]
        values = part_of(full.grid, part.grid, full.read(part.names))
        np.testing.assert_array_equal(part.read(part.names), np.where(wanted, values, np.float32(np.nan)))
        rows, cols = np.nonzero(wanted)
        kept.append(f"{wanted.sum():,} of {(np.ptp(rows) + 1) * (np.ptp(cols) + 1):,}")
        tag = open_dataset(part.path).GetMetadataItem(AREA_TAG)
        assert tag.startswith("basin: 2 polygons, ")
    assert kept_in(said.info, "basin") == [f"{kept[0]} SMAP cells", f"{kept[1]} fine pixels"]
    # Both grids are cut to the polygons: the L from column 1.33 to 7.58, row 0.62 to 7.41.
    assert parts[0].grid.cell_offset_in(CELLS) == (0, 1)
    assert parts[0].grid.shape == (8, 7)
    row, col = parts[1].grid.cell_offset_in(PIXELS)
    assert (row, col, *parts[1].grid.shape) == (6, 13, 69, 63)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"<dt>study area (AOI)</dt><dd>{tag}</dd>" in page
    # Shares are those of the cells that are kept.
    assert any(", covers 100.0 % of the SMAP cells (" in line for line in said.info)


def test_stacks_of_extent_and_polygons(run, refusal, stacks, tmp_path):
    (left, top), (right, bottom) = at(2.13, 3.14), at(4.87, 4.88)
    extent = f"{left},{right},{bottom},{top} [{EASE2_CRS}]"
    files = {key: str(tmp_path / f"{key}.tif") for key in ("OUTPUT_COARSE", "OUTPUT_FINE")}
    run(
        "harmonisecovariates",
        {**stacks, **files, "EXTENT": extent, "AOI": basin_file(tmp_path / "basin.gpkg")},
    )
    fine, coarse = open_stack(files["OUTPUT_FINE"]), open_stack(files["OUTPUT_COARSE"])
    assert fine.grid.cell_offset_in(PIXELS) == (31, 21)
    assert fine.grid.shape == (18, 28)
    for stack, rule in ((coarse, 0), (fine, 1)):
        wanted = touched_and_inside(stack.grid, geometries_of(*BASIN))[rule]
        np.testing.assert_array_equal(np.isfinite(stack.read(["clay"])[0]), wanted)
        assert 0 < wanted.sum() < 500
    # They touch one cell of SMAP, and nothing of each other.
    beside = layer_file(tmp_path / "beside.gpkg", EASE2_CRS, f"POLYGON {box_at(4.9, 3.2, 4.98, 3.3)}")
    assert refusal("harmonisecovariates", {**stacks, **files, "EXTENT": extent, "AOI": beside}) == (
        "EXTENT and AOI (beside) do not meet; leave one of them empty."
    )


def test_layers_without_data_outside_the_polygons_are_no_alarm(run, said, stacks, tmp_path):
    path = tmp_path / "cut.tif"
    touched = touched_and_inside(CELLS, geometries_of(*BASIN))[0]
    rng = np.random.default_rng(3)
    height = np.where(np.kron(touched, np.ones((10, 10), bool)), rng.uniform(10, 90, PIXELS.shape), np.nan)
    write_geotiff(path, PIXELS, height.astype(np.float32), [Band("elevation", "m")])
    values = {"INPUT": [str(path)], "AOI": basin_file(tmp_path / "basin.gpkg")}
    files = {key: str(tmp_path / f"{key}.tif") for key in ("OUTPUT_COARSE", "OUTPUT_FINE")}
    run("harmonisecovariates", {**stacks, **values, **files})
    assert said.warnings == []
    coarse = open_stack(files["OUTPUT_COARSE"])
    assert np.isfinite(coarse.read(coarse.names)).sum() == touched.sum()


@pytest.mark.parametrize("per_cell", [1, 6])
@pytest.mark.parametrize("crs", [EASE2_CRS, "EPSG:4326"])
def test_squares_lie_in_the_polygons(run, tmp_path, crs, per_cell):
    def squares(**more):
        values = {"COUNT": 90, "PER_CELL": per_cell, "CRS": "EPSG:32719", "OUTPUT": str(tmp_path / "s.gpkg")}
        run("samplesquares", {**values, **more})
        dataset = ogr.Open(str(tmp_path / "s.gpkg"))
        return [feature.GetGeometryRef().Clone() for feature in dataset.GetLayer()]

    fine = basin_file(tmp_path / "utm.gpkg", "EPSG:32719")
    dataset = ogr.Open(fine)
    union = ogr.Geometry(ogr.wkbMultiPolygon)
    for feature in dataset.GetLayer():
        geometry = feature.GetGeometryRef()
        for part in [geometry] if geometry.GetGeometryName() == "POLYGON" else geometry:
            union.AddGeometry(part)
    union = union.UnionCascaded()
    found = squares(AOI=basin_file(tmp_path / "basin.gpkg", crs))
    # The pieces of 200 m are chords: less than a millimetre beside the curve.
    assert all(union.Buffer(0.01).Contains(one) for one in found)
    cells = touched_and_inside(CELLS, geometries_of(*BASIN))[0].sum()
    assert len(found) == 90 if per_cell > 1 else 0.7 * cells < len(found) <= cells
    # In the box of the same layer some lie beside it.
    left, right, bottom, top = union.GetEnvelope()
    boxed = squares(EXTENT=f"{left},{right},{bottom},{top} [EPSG:32719]")
    assert not all(union.Contains(one) for one in boxed)


def test_polygons_without_room_for_a_square(refusal, tmp_path):
    tiny = layer_file(tmp_path / "tiny.gpkg", EASE2_CRS, f"POLYGON {box_at(1.4, 1.4, 1.5, 1.5)}")
    assert refusal("samplesquares", {"AOI": tiny, "OUTPUT": "memory:"}) == (
        "No square of 1000 x 1000 m lies inside both a SMAP cell (9008 m) and the study area; give a smaller "
        "SIZE or a larger AOI."
    )


@pytest.mark.parametrize("rule", ["centre", "area"])
def test_statistics_are_of_the_pixels_in_the_study_area(run, said, case, tmp_path, rule):
    boxes = [(1.0, 0.2, 3.0, 2.1), (3.1, 4.2, 6.4, 6.47), (0.0, 0.0, 0.9, 0.5), (6.07, 3.1, 8.8, 5.0)]
    polygons = layer_file(
        tmp_path / "boxes.gpkg", EASE2_CRS, *(f"POLYGON {box_at(*one)}" for one in boxes), kind=ogr.wkbPolygon
    )
    values = {"INPUT": polygons, "AOI": basin_file(tmp_path / "basin.gpkg"), "COVARIATES": case.fine_stack}
    out = {"OUTPUT": str(tmp_path / "out.gpkg"), "REPORT": str(tmp_path / "report.html")}
    assert run("moisturestatistics", {**values, **out, "WEIGHTS": rule})["COUNT"] == 3
    inside = touched_and_inside(PIXELS, geometries_of(*BASIN))[1]
    names = open_stack(case.fine_stack).names
    fine = open_stack(case.fine_stack).read(names)[names.index("clay")].astype(float)
    rows, cols = np.mgrid[0 : PIXELS.height, 0 : PIXELS.width] / 10.0
    # Layers die with their dataset.
    dataset = ogr.Open(out["OUTPUT"])
    for number, feature in enumerate(dataset.GetLayer()):
        left, top, right, bottom = boxes[number]
        across = np.clip(np.minimum(cols + 0.1, right) - np.maximum(cols, left), 0, None)
        down = np.clip(np.minimum(rows + 0.1, bottom) - np.maximum(rows, top), 0, None)
        weights = across * down * 100
        if rule == "centre":
            weights = (
                (cols + 0.05 > left) & (cols + 0.05 < right) & (rows + 0.05 > top) & (rows + 0.05 < bottom)
            )
        weights = weights * inside
        if number == 2:
            assert weights.sum() == 0
            assert feature.GetField("mu_clay") is None
        else:
            assert feature.GetField("mu_clay") == pytest.approx(np.average(fine, weights=weights), rel=1e-6)
    assert "COVARIATES: 1 of 4 polygons is without a valid pixel in any layer" in said.warnings
    assert any(
        line.endswith("COVARIATES pixels in its box kept, the others do not count") for line in said.info
    )
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<dt>study area (AOI)</dt><dd>basin: 2 polygons, " in page


@pytest.fixture(scope="module")
def gaps(tmp_path_factory):
    made = make_gap_case(tmp_path_factory.mktemp("gaps"))
    return made, made.forests(made.folder / "season.smapforest", FeatureSettings(day_of_year=True))


def test_gaps_are_filled_in_the_study_area(run, said, gaps, tmp_path):
    made, forests = gaps
    geometry = f"POLYGON {box_at(0.2, 0.5, 2.4, 1.5, GAP_CELLS)}"
    aoi = layer_file(tmp_path / "basin.gpkg", EASE2_CRS, geometry)
    touched = touched_and_inside(GAP_CELLS, geometries_of(geometry))[0]
    assert touched.sum() == 6
    values = {"SMAP": str(made.smap), "FORESTS": str(forests), "DYNAMIC": [str(made.rain_folder)]}

    def filled(folder, **more):
        found = run("fillgaps", {**values, "OUTPUT": str(tmp_path / folder), **more})
        files = sorted((tmp_path / folder).glob("soil_moisture_*.tif"))
        return found, np.array([[read(file, band)[1] for band in (1, 2)] for file in files])

    whole, everything = filled("whole")
    said.info.clear()
    found, part = filled("part", AOI=aoi)
    np.testing.assert_array_equal(part, np.where(touched, everything, np.float32(np.nan)))
    assert found["FILLED"] == (part[:, 1] == 2).sum() < whole["FILLED"]
    assert kept_in(said.info, "basin") == ["6 of 6 SMAP cells"]
    tags = open_dataset(tmp_path / "part" / f"soil_moisture_{day(2):%Y%m%d}.tif").GetMetadata()
    assert tags[AREA_TAG].startswith("basin: 1 polygon, ")
    assert int(tags["NO_FOREST"]) == 0
    # Run again it keeps them; with other polygons it makes them anew, also without any.
    again = filled("part", AOI=aoi)[1]
    np.testing.assert_array_equal(again, part)
    assert f"{DAYS} days are there already, made from the same inputs; kept" in said.info
    np.testing.assert_array_equal(filled("part")[1], everything)


def test_hidden_days_are_those_of_the_study_area(run, gaps, tmp_path):
    made, forests = gaps
    aoi = layer_file(tmp_path / "basin.gpkg", EASE2_CRS, f"POLYGON {box_at(0.2, 0.2, 1.8, 0.8, GAP_CELLS)}")
    values = {"SMAP": str(made.smap), "FORESTS": str(forests), "DYNAMIC": [str(made.rain_folder)]}
    out = {"OUTPUT": str(tmp_path / "out"), "SCORES": str(tmp_path / "scores.gpkg")}
    run("fillgaps", {**values, **out, "AOI": aoi, "PERIOD": 2, "FOLDS": 3})
    dataset = ogr.Open(out["SCORES"])
    rows = [feature.items() for feature in dataset.GetLayer()]
    assert {(row["row"], row["col"]) for row in rows if row["scope"] == "cell"} == {(0, 0), (0, 1)}


FAR = "its polygons and {} do not meet; check the CRS of the layer, or choose polygons of the same area."


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("importsmap", "the cells of {smap}"),
        ("harmonisecovariates", "SMAP ({smap})"),
        ("moisturestatistics", "the pixels of COVARIATES"),
    ],
)
def test_polygons_elsewhere(refusal, stacks, case, tmp_path, name, what):
    far = layer_file(tmp_path / "far.gpkg", "EPSG:4326", f"POLYGON {box(10, 50, 11, 51)}")
    inputs = {
        "importsmap": {"INPUT": case.smap_folder, "OUTPUT": str(tmp_path / "out")},
        "harmonisecovariates": {
            **stacks,
            "OUTPUT_COARSE": str(tmp_path / "coarse2.tif"),
            "OUTPUT_FINE": str(tmp_path / "fine2.tif"),
        },
        "moisturestatistics": {
            "INPUT": basin_file(tmp_path / "basin.gpkg"),
            "COVARIATES": case.fine_stack,
            "OUTPUT": str(tmp_path / "out.gpkg"),
        },
    }
    before = sorted(tmp_path.rglob("*"))
    sentence = refusal(name, {**inputs[name], "AOI": far})
    assert sentence == f"AOI (far): {FAR.format(what.format(smap=case.smap_folder))}"
    # Nothing was made, but for the layers.
    assert {path.name for path in set(tmp_path.rglob("*")) - set(before)} <= {"out"}


def test_polygons_away_from_forests_and_from_other_polygons(refusal, gaps, case, tmp_path):
    made, forests = gaps
    corner = layer_file(
        tmp_path / "corner.gpkg", EASE2_CRS, f"POLYGON {box_at(3.2, 0.2, 3.8, 0.8, GAP_CELLS)}"
    )
    values = {"SMAP": str(made.smap), "FORESTS": str(forests), "DYNAMIC": [str(made.rain_folder)]}
    assert refusal("fillgaps", {**values, "AOI": corner, "OUTPUT": str(tmp_path / "filled")}) == (
        f"AOI (corner): it touches no cell with a forest of {forests}; choose polygons of the area that the "
        "forests were trained on."
    )
    here = layer_file(tmp_path / "here.gpkg", EASE2_CRS, f"POLYGON {box_at(5, 5, 6, 6)}")
    given = {"INPUT": here, "COVARIATES": case.fine_stack, "OUTPUT": str(tmp_path / "out.gpkg")}
    there = layer_file(tmp_path / "there.gpkg", EASE2_CRS, f"POLYGON {box_at(1, 1, 2, 2)}")
    assert refusal("moisturestatistics", {**given, "AOI": there}) == (
        "AOI (there): no polygon of INPUT has a pixel of COVARIATES in it; choose polygons of the study area."
    )


def test_a_study_area_within_one_pixel(refusal, stacks, tmp_path):
    tiny = layer_file(tmp_path / "tiny.gpkg", EASE2_CRS, f"POLYGON {box_at(1.51, 1.51, 1.54, 1.54)}")
    files = {key: str(tmp_path / f"{key}.tif") for key in ("OUTPUT_COARSE", "OUTPUT_FINE")}
    assert refusal("harmonisecovariates", {**stacks, **files, "AOI": tiny}) == (
        "AOI (tiny): no pixel of the fine stack has its centre in the polygons; choose larger ones."
    )


def test_smap_across_the_180th_meridian(run, tmp_path):
    """Two parts of one basin, at both ends of SMAP's grid, become one series."""
    world = Grid(EASE2_CRS, -17367530.4451615, 7314540.8306386, 36032.220840584, 36032.220840584, 964, 406)
    theta = np.random.default_rng(5).uniform(0.1, 0.4, world.shape).astype(np.float32)
    write_geotiff(tmp_path / "smap" / "soil_moisture_20210101.tif", world, theta, [Band("soil_moisture")])
    aoi = layer_file(
        tmp_path / "fiji.gpkg",
        "EPSG:4326",
        f"MULTIPOLYGON ({box(177, -19, 180, -16)},{box(-180, -19, -179, -16)})",
    )
    run("importsmap", {"INPUT": str(tmp_path / "smap"), "AOI": aoi, "OUTPUT": str(tmp_path / "out")})
    grid, values = read(tmp_path / "out" / "soil_moisture_20210101.tif")
    assert grid.width == 964
    kept = np.isfinite(values)
    whole = part_of(world, grid, theta)
    np.testing.assert_array_equal(values[kept], whole[kept])
    # 0.37 degrees a cell: 3 degrees are 8.03 cells and touch nine, one degree touches three.
    assert np.flatnonzero(kept.any(axis=0)).tolist() == [0, 1, 2, *range(955, 964)]
    assert kept.sum() == 12 * grid.height


def layout_of(project_file, target):
    """The picture of the one layout of a project at 60 dots per inch, values from 0 to 1."""
    from matplotlib.image import imread
    from qgis.core import QgsLayoutExporter, QgsProject

    project = QgsProject()
    assert project.read(str(project_file))
    (layout,) = project.layoutManager().printLayouts()
    settings = QgsLayoutExporter.ImageExportSettings()
    settings.dpi = 60
    QgsLayoutExporter(layout).exportToImage(str(target), settings)
    project.clear()
    return imread(str(target))[:, :, :3]


def test_a_sheet_is_cut_to_the_polygons(run, said, case, tmp_path):
    rng = np.random.default_rng(3)
    theta = rng.uniform(0.1, 0.4, PIXELS.shape).astype(np.float32)
    write_geotiff(tmp_path / "maps" / f"soil_moisture_{DATES[0]:%Y%m%d}.tif", PIXELS, theta)
    values = {"SERIES": str(tmp_path / "maps"), "SMAP": case.smap_folder, "DPI": 60}
    values |= {"AOI": basin_file(tmp_path / "basin.gpkg", "EPSG:4326"), "CUT": True}
    out = {name: str(tmp_path / f"sheet.{end}") for name, end in (("OUTPUT", "png"), ("TABLE", "csv"))}
    run("mapsheet", {**values, **out, "PROJECT": str(tmp_path / "sheet.qgz")})
    with open(out["TABLE"], encoding="utf-8", newline="") as file:
        smap, shown = list(csv.DictReader(file))
    touched, inside = (
        touched_and_inside(grid, geometries_of(*BASIN))[rule] for grid, rule in ((CELLS, 0), (PIXELS, 1))
    )
    for row, field in (
        (shown, theta[inside]),
        (smap, case.smap[DATES[0]][touched & np.isfinite(case.smap[DATES[0]])]),
    ):
        assert int(row["n"]) == field.size
        assert float(row["mean"]) == pytest.approx(field.mean(dtype=float), rel=1e-6)
        assert float(row["maximum"]) == pytest.approx(field.max(), rel=1e-6)
    # In the layout the maps are whole, and hidden outside: where polygons overlap they are not.
    image = layout_of(tmp_path / "sheet.qgz", tmp_path / "layout.png")
    coloured = np.ptp(image, axis=2) > 0.05
    # Of the right map, which reaches from column 1.3 to 7.6 and row 0.6 to 7.4 of the cells.
    assert coloured[178:275, 312:325].mean() > 0.7
    assert coloured[70:160, 335:450].mean() == 0
    whole = {**values, **out, "CUT": False}
    run("mapsheet", whole)
    with open(out["TABLE"], encoding="utf-8", newline="") as file:
        assert int(list(csv.DictReader(file))[1]["n"]) == theta.size
    assert float(shown["nodata_share"]) == 0


def test_a_sheet_says_what_it_lacks_to_be_cut(refusal, case, tmp_path):
    values = {"SERIES": case.smap_folder, "CUT": True, "OUTPUT": str(tmp_path / "sheet.png")}
    assert refusal("mapsheet", values) == (
        "CUT is ticked, but AOI is empty; give the study area, or untick it."
    )


def test_a_selection_is_cut_and_the_layout_told(run, said, case, tmp_path):
    from qgis.core import (
        QgsProcessingContext,
        QgsProcessingFeatureSourceDefinition,
        QgsProject,
        QgsVectorLayer,
    )

    write_geotiff(
        tmp_path / "maps" / f"soil_moisture_{DATES[0]:%Y%m%d}.tif", PIXELS, np.full(PIXELS.shape, 0.2)
    )
    layer = QgsVectorLayer(basin_file(tmp_path / "basin.gpkg"), "basin", "ogr")
    project, context = QgsProject(), QgsProcessingContext()
    project.addMapLayer(layer)
    context.setProject(project)
    layer.selectByIds([1])
    values = {"SERIES": str(tmp_path / "maps"), "CUT": True, "DPI": 60}
    values["AOI"] = QgsProcessingFeatureSourceDefinition(layer.id(), selectedFeaturesOnly=True)
    out = {name: str(tmp_path / f"sheet.{end}") for name, end in (("OUTPUT", "png"), ("TABLE", "csv"))}
    run("mapsheet", {**values, **out, "PROJECT": str(tmp_path / "sheet.qgz")}, context)
    project.clear()
    with open(out["TABLE"], encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert int(row["n"]) == touched_and_inside(PIXELS, geometries_of(BASIN[0]))[1].sum()
    assert said.warnings == [
        "AOI: the sheet shows the selected features of the layer basin, PROJECT and LAYOUT all of them; save "
        "the selection as a layer first."
    ]
