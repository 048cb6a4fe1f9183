"""mapsheet: pictures, the table of their numbers, and print layouts that open anew and show the maps."""

from __future__ import annotations

import csv
import datetime as dt
import shutil
import threading
from dataclasses import dataclass

import numpy as np
import pytest

from raster_cases import grid_raster
from small_case import CELLS, DATES, PIXELS, SmallCase, make_small_case
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.base.progress import Progress
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid
from smap_downscaler.report.figure import SOIL_MOISTURE_RAMP

FAST = {"DPI": 60, "MINIMUM": 0, "MAXIMUM": 0.5}


@dataclass(frozen=True)
class Case(SmallCase):
    """The small case with maps of two days and a cascade of one."""

    maps: dict[dt.date, np.ndarray]


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    small = make_small_case(tmp_path_factory.mktemp("case"))
    rng = np.random.default_rng(3)
    maps = {}
    for date in (DATES[0], DATES[2]):
        values = rng.uniform(0.1, 0.4, PIXELS.shape).astype(np.float32)
        values[:30, :40] = np.nan
        maps[date] = values
        write_geotiff(small.folder / "maps" / f"soil_moisture_{date:%Y%m%d}.tif", PIXELS, values)
    for times in (1, 3):
        side = PIXELS.cell_width * times
        grid = Grid(
            PIXELS.crs, PIXELS.left, PIXELS.top, side, side, PIXELS.width // times, PIXELS.height // times
        )
        values = np.full(grid.shape, 0.1 * times, np.float32)
        write_geotiff(small.folder / "cascade" / f"soil_moisture_20210101_{side:.0f}m.tif", grid, values)
    write_geotiff(small.folder / "dem.tif", PIXELS, small.fine[0], [Band("elevation", "m")])
    write_layers(small.folder)
    return Case(small.folder, small.fine, small.coarse, small.smap, maps)


def write_layers(folder):
    """A study area, and two stations, in degrees."""
    from osgeo import ogr, osr

    degrees = osr.SpatialReference()
    degrees.ImportFromEPSG(4326)
    degrees.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    west, south, east, north = -72.0, -13.2, -71.4, -12.8
    ring = ", ".join(
        f"{x} {y}" for x, y in [(west, south), (east, south), (east, north), (west, north), (west, south)]
    )
    for name, shapes in (
        ("aoi", [f"POLYGON (({ring}))"]),
        ("stations", ["POINT (-71.7 -13.0)", "POINT (-71.6 -12.9)"]),
    ):
        dataset = ogr.GetDriverByName("GPKG").CreateDataSource(str(folder / f"{name}.gpkg"))
        layer = dataset.CreateLayer(name, degrees)
        for shape in shapes:
            feature = ogr.Feature(layer.GetLayerDefn())
            feature.SetGeometry(ogr.CreateGeometryFromWkt(shape))
            layer.CreateFeature(feature)
        del layer, dataset


def picture(path):
    from matplotlib.image import imread

    return imread(str(path))[:, :, :3]


def share_of(image, colour, tolerance=0.03):
    """Share of the pixels that have about a colour of the ramp."""
    wanted = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return np.isclose(image, wanted, atol=tolerance).all(axis=2).mean()


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def exported(project_file, target, dpi=60):
    """The pages of the one layout of a project that is opened anew, and the items' names."""
    from qgis.core import QgsLayoutExporter, QgsProject

    project = QgsProject()
    assert project.read(str(project_file))
    assert all(layer.isValid() for layer in project.mapLayers().values())
    sources = [layer.source() for layer in project.mapLayers().values()]
    (layout,) = project.layoutManager().printLayouts()
    settings = QgsLayoutExporter.ImageExportSettings()
    settings.dpi = dpi
    assert QgsLayoutExporter(layout).exportToImage(str(target), settings) == (
        QgsLayoutExporter.ExportResult.Success
    )
    names = {item.id() for item in layout.items() if hasattr(item, "id")}
    pages = layout.pageCollection().pageCount()
    project.clear()
    return sources, names, pages


def labels(project_file):
    """All texts of the layout of a project."""
    from qgis.core import QgsLayoutItemLabel, QgsProject

    project = QgsProject()
    assert project.read(str(project_file))
    (layout,) = project.layoutManager().printLayouts()
    texts = [item.text() for item in layout.items() if isinstance(item, QgsLayoutItemLabel)]
    project.clear()
    return texts


def test_the_layout_says_what_the_picture_says(run, case, tmp_path, monkeypatch):
    """All texts, the round values along the colour bar, and no value where there is none."""
    from smap_downscaler.steps.sheets import algorithm as map_sheet

    drawn, inner = [], map_sheet.draw_page
    monkeypatch.setattr(map_sheet, "draw_page", lambda page: drawn.append(page) or inner(page))
    run(
        "mapsheet",
        {
            "SERIES": str(case.folder / "maps"),
            "SMAP": case.smap_folder,
            **FAST,
            "OUTPUT": str(tmp_path / "s.png"),
            "PROJECT": str(tmp_path / "s.qgz"),
        },
    )
    (page,) = drawn
    wanted = [text.text for text in page.texts if text.text]
    wanted += ["0.1", "0.2", "0.3", "0.4", "soil moisture, m³ m⁻³", "no value"]
    assert sorted(labels(tmp_path / "s.qgz")) == sorted(wanted)
    exported(tmp_path / "s.qgz", tmp_path / "layout.png")
    # A tenth of each map has no value; the driest colour stands in the colour bar alone.
    driest = dict(SOIL_MOISTURE_RAMP)[0.0]
    assert 0 < share_of(picture(tmp_path / "layout.png"), driest) < 0.001


def test_a_day_without_smap_is_hatched_in_the_layout(run, case, tmp_path):
    """A layout's map without a layer would show what the project's canvas shows."""
    from qgis.core import QgsLayoutExporter, QgsProject
    from qgis.PyQt.QtCore import QRectF

    run(
        "mapsheet",
        {
            "SERIES": str(case.folder / "maps"),
            "SMAP": str(case.folder / "smap" / f"soil_moisture_{DATES[0]:%Y%m%d}.tif"),
            **FAST,
            "OUTPUT": str(tmp_path / "s.png"),
            "PROJECT": str(tmp_path / "s.qgz"),
        },
    )
    project = QgsProject()
    assert project.read(str(tmp_path / "s.qgz"))
    (layout,) = project.layoutManager().printLayouts()
    spread = {}
    for name in (f"{DATES[2]}, no SMAP", f"{DATES[2]}"):
        item = layout.itemById(name)
        box = QRectF(item.pos().x(), item.pos().y(), item.rect().width(), item.rect().height())
        QgsLayoutExporter(layout).renderRegionToImage(box, dpi=60).save(str(tmp_path / "map.png"))
        spread[name] = np.ptp(picture(tmp_path / "map.png"), axis=2).max()
    project.clear()
    hatched, coloured = spread.values()
    assert hatched < 0.02
    assert coloured > 0.2


def test_days_with_smap(run, said, case, tmp_path):
    outputs = run(
        "mapsheet",
        {
            "SERIES": str(case.folder / "maps"),
            "SMAP": case.smap_folder,
            "AOI": str(case.folder / "aoi.gpkg"),
            "STATIONS": str(case.folder / "stations.gpkg"),
            **FAST,
            "OUTPUT": str(tmp_path / "sheet.png"),
            "TABLE": str(tmp_path / "sheet.csv"),
        },
    )
    assert (outputs["COUNT"], outputs["PAGES"]) == (4, 1)
    rows = rows_of(tmp_path / "sheet.csv")
    assert [(row["panel"], row["kind"], row["date"]) for row in rows] == [
        ("1", "SMAP", "2020/12/30"),
        ("2", "map", "2020/12/30"),
        ("3", "SMAP", "2021/01/01"),
        ("4", "map", "2021/01/01"),
    ]
    for row, values in zip(
        rows, (x for date in (DATES[0], DATES[2]) for x in (case.smap[date], case.maps[date]))
    ):
        valid = values[np.isfinite(values)].astype(np.float64)
        assert int(row["n"]) == valid.size
        assert float(row["mean"]) == pytest.approx(valid.mean(), rel=1e-9)
        assert float(row["sd"]) == pytest.approx(valid.std(), rel=1e-9)
        assert float(row["minimum"]) == pytest.approx(valid.min(), rel=1e-9)
        assert float(row["maximum"]) == pytest.approx(valid.max(), rel=1e-9)
        assert float(row["nodata_share"]) == pytest.approx(1 - valid.size / values.size, rel=1e-9)
    assert picture(tmp_path / "sheet.png").shape[1] == pytest.approx(8.27 * 60, abs=1)
    # Nothing is left beside the maps.
    assert {path.suffix for path in (case.folder / "maps").iterdir()} == {".tif"}


def test_the_layout_of_a_project_that_was_moved(run, case, tmp_path):
    from osgeo import gdal
    from qgis.core import QgsProject

    home = tmp_path / "hiér"
    (home / "cascade").mkdir(parents=True)
    for file in (case.folder / "cascade").iterdir():
        # Without statistics inside, which QGIS would go and look for.
        gdal.Warp(str(home / "cascade" / file.name), str(file))
    shutil.copytree(case.folder / "smap", home / "smap")
    for name in ("aoi.gpkg", "stations.gpkg"):
        shutil.copy(case.folder / name, home / name)
    before = list(QgsProject.instance().mapLayers()), QgsProject.instance().layoutManager().layouts()
    outputs = run(
        "mapsheet",
        {
            "KIND": "cascade",
            "SERIES": str(home / "cascade"),
            "SMAP": str(home / "smap"),
            "AOI": str(home / "aoi.gpkg"),
            "STATIONS": str(home / "stations.gpkg"),
            "TITLE": "A cascade",
            **FAST,
            "OUTPUT": str(home / "sheets" / "sheet.png"),
            "LAYOUT": str(home / "sheets" / "sheet.qpt"),
            "PROJECT": str(home / "sheets" / "sheet.qgz"),
        },
    )
    assert outputs["PROJECT"] == str(home / "sheets" / "sheet.qgz")
    assert before == (
        list(QgsProject.instance().mapLayers()),
        QgsProject.instance().layoutManager().layouts(),
    )
    assert sorted(path.name for path in (home / "sheets").iterdir()) == [
        "sheet.png",
        "sheet.qgz",
        "sheet.qpt",
    ]
    moved = tmp_path / "elsewhere"
    home.rename(moved)
    sources, names, pages = exported(moved / "sheets" / "sheet.qgz", tmp_path / "layout.png")
    assert len(sources) == 5
    assert all(source.startswith(str(moved)) for source in sources)
    assert pages == 1
    assert {"SMAP, 9 km", "2.7 km", "900 m", "no value", "north arrow", "legend", "colours"} <= names
    look_at_the_colour_bar(moved / "sheets" / "sheet.qgz")
    look_at_the_view(moved / "sheets" / "sheet.qgz")
    drawn = picture(tmp_path / "layout.png")
    colours = dict(SOIL_MOISTURE_RAMP)
    # 0.1 at one resolution, 0.3 at the other, each on about a tenth of the page or more.
    assert share_of(drawn, colours[0.1]) > 0.08
    assert share_of(drawn, colours[0.3]) > 0.08
    assert (drawn < 0.2).all(axis=2).mean() > 0.0002
    look_at_the_template(moved / "sheets" / "sheet.qpt")
    assert {path.suffix for path in (moved / "cascade").iterdir()} == {".tif"}


def look_at_the_colour_bar(path):
    """A legend of QGIS's own that holds the ramp of a map and no more, so that it follows the layer."""
    from qgis.core import QgsColorRampLegendNode, QgsProject

    project = QgsProject()
    assert project.read(str(path))
    (layout,) = project.layoutManager().printLayouts()
    legend = layout.itemById("colours")
    (node,) = legend.model().rootGroup().findLayers()
    assert node.layer().name() == "SMAP, 9 km"
    (ramp,) = legend.model().layerLegendNodes(node)
    assert isinstance(ramp, QgsColorRampLegendNode)
    project.clear()


def look_at_the_view(path):
    """The project opens on the maps."""
    from qgis.core import QgsProject

    project = QgsProject()
    assert project.read(str(path))
    view = project.viewSettings().defaultViewExtent()
    assert view.crs() == project.crs()
    assert view.contains(_maps_of(project))
    assert view.width() < 1.5 * _maps_of(project).width()
    project.clear()


def _maps_of(project):
    (finest,) = (one for one in project.mapLayers().values() if one.name() == "900 m")
    return finest.extent()


def test_the_maps_of_a_sheet_are_shown_where_that_is_wanted(from_dialog, case, tmp_path):
    asked = {"KIND": "cascade", "SERIES": str(case.folder / "cascade"), **FAST}
    asked |= {"OUTPUT": str(tmp_path / "sheet.png")}
    assert from_dialog("mapsheet", asked).groups == []
    shown = from_dialog("mapsheet", {**asked, "LOAD": True})
    assert sorted(shown.names) == ["2.7 km", "900 m"]
    assert all(node.layer().isValid() for node in shown.nodes)


def look_at_the_template(path):
    from qgis.core import QgsPrintLayout, QgsProject, QgsReadWriteContext
    from qgis.PyQt.QtXml import QDomDocument

    document = QDomDocument()
    document.setContent(path.read_text(encoding="utf-8"))
    project = QgsProject()
    layout = QgsPrintLayout(project)
    items, good = layout.loadFromTemplate(document, QgsReadWriteContext())
    assert good
    assert len(items) > 10


def test_the_picture_has_the_colours(run, case, tmp_path):
    run(
        "mapsheet",
        {
            "KIND": "cascade",
            "SERIES": str(case.folder / "cascade"),
            **FAST,
            "OUTPUT": str(tmp_path / "sheet.png"),
            "TABLE": str(tmp_path / "sheet.gpkg"),
        },
    )
    drawn, colours = picture(tmp_path / "sheet.png"), dict(SOIL_MOISTURE_RAMP)
    assert share_of(drawn, colours[0.1]) > 0.1
    assert share_of(drawn, colours[0.3]) > 0.1


def test_many_days_go_over_pages(run, said, case, tmp_path):
    """Of a picture each page is a file, of a .pdf all are in one; the layout has as many pages."""
    (tmp_path / "many").mkdir()
    grid = Grid(CELLS.crs, CELLS.left, CELLS.top, CELLS.cell_width, CELLS.cell_height, 1, 4)
    days = [dt.date(2021, 1, 1) + dt.timedelta(days=number) for number in range(12)]
    for number, date in enumerate(days):
        values = np.full(grid.shape, 0.1 + number / 200, np.float32)
        write_geotiff(tmp_path / "many" / f"m_{date:%Y%m%d}.tif", grid, values)
    parameters = {"SERIES": str(tmp_path / "many"), **FAST}
    outputs = run(
        "mapsheet",
        {
            **parameters,
            "PANELS": 0,
            "OUTPUT": str(tmp_path / "all.png"),
            "TABLE": str(tmp_path / "all.csv"),
            "PROJECT": str(tmp_path / "all.qgz"),
        },
    )
    assert outputs["COUNT"] == 12
    assert outputs["PAGES"] == int(rows_of(tmp_path / "all.csv")[-1]["page"]) > 1
    assert (tmp_path / f"all_{outputs['PAGES']}.png").is_file()
    assert not (tmp_path / f"all_{outputs['PAGES'] + 1}.png").exists()
    _sources, _names, pages = exported(tmp_path / "all.qgz", tmp_path / "layout.png", 30)
    assert pages == outputs["PAGES"]
    titles = [text for text in labels(tmp_path / "all.qgz") if text.startswith("Soil moisture, ")]
    assert sorted(titles) == [
        f"Soil moisture, 2021-01-01 to 2021-01-12 ({page} of {pages})" for page in range(1, pages + 1)
    ]
    outputs = run("mapsheet", {**parameters, "PANELS": 0, "OUTPUT": str(tmp_path / "all.pdf")})
    assert b"/Count %d" % outputs["PAGES"] in (tmp_path / "all.pdf").read_bytes()
    # Thinned evenly, or chosen.
    table = str(tmp_path / "some.csv")
    some = {**parameters, "OUTPUT": str(tmp_path / "some.svg"), "TABLE": table}
    run("mapsheet", {**some, "PANELS": 4})
    assert [row["date"][-5:] for row in rows_of(table)] == ["01/01", "01/05", "01/08", "01/12"]
    assert "4 of 12 dates are drawn; raise PANELS for more" in said.info
    run("mapsheet", {**some, "START": "2021-01-07", "END": "2021-01-08"})
    assert [row["date"][-5:] for row in rows_of(table)] == ["01/07", "01/08"]
    run("mapsheet", {**some, "PANELS": 1, "DATES": "2021-01-03, 2021-01-02"})
    assert [row["date"][-5:] for row in rows_of(table)] == ["01/02", "01/03"]
    # Of a day that SMAP did not see an empty panel stands beside the map.
    run("mapsheet", {**some, "SMAP": case.smap_folder, "DATES": "2021-01-01, 2021-01-05"})
    assert [(row["panel"], row["kind"]) for row in rows_of(table)] == [
        ("1", "SMAP"),
        ("2", "map"),
        ("4", "map"),
    ]


def test_dates_in_one_file(run, case, tmp_path):
    """The layer of each map shows its own band, and QGIS leaves nothing beside the file."""
    from osgeo import gdal
    from qgis.core import QgsProject

    series, text = tmp_path / "in" / "series.tif", [f"2021-01-0{day}" for day in (1, 2, 3, 4)]
    series.parent.mkdir()
    stack = np.stack([np.full(PIXELS.shape, value, np.float32) for value in (0.1, 0.2, 0.3, 0.4)])
    write_geotiff(tmp_path / "stack.tif", PIXELS, stack, [Band(date) for date in text])
    gdal.Warp(str(series), str(tmp_path / "stack.tif"))
    dataset = gdal.Open(str(series), gdal.GA_Update)
    for number, date in enumerate(text, start=1):
        dataset.GetRasterBand(number).SetDescription(date)
    del dataset
    output = {"OUTPUT": str(tmp_path / "s.png"), "PROJECT": str(tmp_path / "s.qgz")}
    run("mapsheet", {"SERIES": str(series), **FAST, "PANELS": 2, **output})
    project = QgsProject()
    assert project.read(output["PROJECT"])
    bands = {layer.name(): layer.renderer().inputBand() for layer in project.mapLayers().values()}
    assert bands == {"2021-01-01": 1, "2021-01-04": 4}
    project.clear()
    exported(tmp_path / "s.qgz", tmp_path / "layout.png")
    colours = dict(SOIL_MOISTURE_RAMP)
    assert share_of(picture(tmp_path / "layout.png"), colours[0.1]) > 0.08
    assert share_of(picture(tmp_path / "layout.png"), colours[0.4]) > 0.08
    assert [path.name for path in series.parent.iterdir()] == ["series.tif"]


def test_values_that_are_no_soil_moisture_are_reported(run, said, case, tmp_path):
    values = np.full(PIXELS.shape, 0.2, np.float32)
    values[:3] = 20
    path = grid_raster(tmp_path / "sm_20210101.tif", PIXELS, values)
    run("mapsheet", {"KIND": "days", "SERIES": path, "DPI": 50, "OUTPUT": str(tmp_path / "s.png")})
    (warning,) = said.warnings
    assert warning.startswith(f"{path}: its values, or those of other maps drawn, reach from 0.2 to 20, ")


def test_a_locator(run, case, tmp_path):
    outputs = run(
        "mapsheet",
        {
            "KIND": "locator",
            "SERIES": str(case.folder / "maps"),
            "SMAP": case.smap_folder,
            "DEM": str(case.folder / "dem.tif"),
            "AOI": str(case.folder / "aoi.gpkg"),
            **FAST,
            "OUTPUT": str(tmp_path / "where.png"),
            "TABLE": str(tmp_path / "where.csv"),
            "PROJECT": str(tmp_path / "where.qgz"),
        },
    )
    assert (outputs["COUNT"], outputs["PAGES"]) == (1, 1)
    (row,) = rows_of(tmp_path / "where.csv")
    assert (row["kind"], row["unit"]) == ("elevation", "m")
    # The picture's pixels are finer than those of the elevation.
    assert float(row["mean"]) == pytest.approx(case.fine[0].mean(), abs=1)
    # EASE-Grid 2.0: x = a cos(30 degrees) / sqrt(1 - e2 sin2(30 degrees)) longitude.
    per_degree = 17_367_530.4451615 / 180
    assert float(row["west"]) == pytest.approx(PIXELS.left / per_degree, abs=1e-6)
    assert float(row["east"]) == pytest.approx(PIXELS.bounds.right / per_degree, abs=1e-6)
    sources, names, _pages = exported(tmp_path / "where.qgz", tmp_path / "layout.png", 150)
    assert {"study area", "region", "part of the earth", "legend", "colours"} <= names
    assert {"SMAP cells, 9 km", "extent of the maps"} <= names
    texts = labels(tmp_path / "where.qgz")
    assert {"Part of the earth", "Region", "Study area", "elevation, m", "Peru", "Brazil"} <= set(texts)
    # The edge of the area in the overview.
    assert share_of(picture(tmp_path / "layout.png"), "#d55e00", 0.1) > 0.00002
    assert sum("world_map" in source for source in sources) == 2


def test_a_locator_of_smap_alone_with_borders_of_its_own(run, case, tmp_path, monkeypatch):
    from smap_downscaler.steps.sheets import algorithm as map_sheet

    drawn = []
    inner = map_sheet.draw_page
    monkeypatch.setattr(map_sheet, "draw_page", lambda page: drawn.extend(page.signs()) or inner(page))
    run(
        "mapsheet",
        {
            "KIND": "locator",
            "SMAP": case.smap_folder,
            "BORDERS": str(case.folder / "aoi.gpkg"),
            **FAST,
            "OUTPUT": str(tmp_path / "where.png"),
            "TABLE": str(tmp_path / "where.csv"),
            "PROJECT": str(tmp_path / "where.qgz"),
        },
    )
    (row,) = rows_of(tmp_path / "where.csv")
    assert (row["kind"], row["n"], row["mean"]) == ("extent", "0", "")
    assert drawn == ["SMAP cells, 9 km", "extent of SMAP"]
    sources, _names, _pages = exported(tmp_path / "where.qgz", tmp_path / "layout.png")
    assert [source.split("|")[0] for source in sources] == [str(case.folder / "aoi.gpkg")]


def test_a_layer_in_memory_is_drawn_but_not_in_the_project(run, said, case, tmp_path):
    from qgis.core import QgsFeature, QgsGeometry, QgsPointXY, QgsVectorLayer

    layer = QgsVectorLayer("Point?crs=EPSG:4326", "points", "memory")
    feature = QgsFeature()
    feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(-71.7, -13.0)))
    layer.dataProvider().addFeature(feature)
    run(
        "mapsheet",
        {
            "SERIES": str(case.folder / "maps"),
            "STATIONS": layer,
            **FAST,
            "OUTPUT": str(tmp_path / "s.png"),
            "PROJECT": str(tmp_path / "s.qgz"),
        },
    )
    assert said.warnings == [
        "STATIONS is no file, so that PROJECT and LAYOUT cannot hold it; save the layer first."
    ]
    sources, _names, _pages = exported(tmp_path / "s.qgz", tmp_path / "layout.png")
    assert len(sources) == 2


def test_a_layer_without_shapes_is_reported(run, said, case, tmp_path):
    from qgis.core import QgsVectorLayer

    run(
        "mapsheet",
        {
            "SERIES": str(case.folder / "maps"),
            "AOI": QgsVectorLayer("Polygon?crs=EPSG:4326", "basin", "memory"),
            **FAST,
            "OUTPUT": str(tmp_path / "s.png"),
        },
    )
    assert said.warnings == ["AOI: the layer basin has no shape, so that nothing of it is drawn."]


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ({"MINIMUM": 0, "MAXIMUM": 50}, "0 to 50"),
        ({"MINIMUM": 0.8, "MAXIMUM": 0.9}, "0.8 to 0.9"),
        ({"MINIMUM": 0, "MAXIMUM": 1}, ""),
    ],
)
def test_colours_far_from_all_values_are_reported(run, said, case, tmp_path, ends, told):
    sheet = {"SERIES": str(case.folder / "maps"), **FAST, **ends, "OUTPUT": str(tmp_path / "s.png")}
    run("mapsheet", {**sheet, "TABLE": str(tmp_path / "s.csv")})
    rows = rows_of(tmp_path / "s.csv")
    low, high = min(float(row["minimum"]) for row in rows), max(float(row["maximum"]) for row in rows)
    expected = (
        f"MINIMUM and MAXIMUM: the maps run from {low:.3g} to {high:.3g} m3 m-3, so that all look alike with "
        f"colours from {told}; give ends nearer to these values."
    )
    assert said.warnings == ([expected] if told else [])


@pytest.mark.parametrize("kind", ["days", "locator"])
def test_a_layer_that_lies_elsewhere_is_reported(run, said, case, tmp_path, kind):
    from qgis.core import QgsFeature, QgsGeometry, QgsVectorLayer

    elsewhere = QgsVectorLayer("Polygon?crs=EPSG:4326", "basin", "memory")
    feature = QgsFeature()
    feature.setGeometry(QgsGeometry.fromWkt("POLYGON((10 50,11 50,11 51,10 50))"))
    elsewhere.dataProvider().addFeatures([feature])
    run(
        "mapsheet",
        {
            "KIND": kind,
            "SERIES": str(case.folder / "maps"),
            "AOI": elsewhere,
            "STATIONS": str(case.folder / "stations.gpkg"),
            **FAST,
            "OUTPUT": str(tmp_path / "s.png"),
        },
    )
    assert said.warnings == [
        "AOI: no shape of the layer basin lies on the maps, so that nothing of it is seen; check its CRS, or "
        "choose one of the same area."
    ]


@pytest.mark.parametrize(
    "shape",
    [
        "Polygon ((-72 -14, -71.9 -14.1, -71.9 -14, -72 -14.1, -72 -14))",
        "MultiPolygon (((-72 -14, -71.9 -14.1, -71.9 -14, -72 -14.1, -72 -14)))",
        "PolygonZ ((-72 -14 nan, -71.9 -14 1, -71.9 -14.1 1, -72 -14 nan))",
        "CurvePolygon (CircularString (-72 -14, -71.9 -14.1, -72 -14.2, -72.1 -14.1, -72 -14))",
        "MultiSurface (CurvePolygon (CircularString (-72 -14, -71 -15, -72 -16, -73 -15, -72 -14)))",
        "Polygon ((0 0, 0 95, 200 95, 0 0))",
        "Polygon EMPTY",
    ],
)
@pytest.mark.parametrize("name", ["AOI", "BORDERS"])
def test_shapes_of_all_kinds_are_drawn_and_the_session_lives_on(run, case, tmp_path, name, shape):
    """Also where QGIS is set to stop at the first invalid geometry, as the toolbox is by default."""
    import gc

    from qgis.core import QgsFeature, QgsFeatureRequest, QgsGeometry, QgsProcessingContext, QgsVectorLayer

    layer = QgsVectorLayer(f"{shape.split('(')[0].split()[0]}?crs=EPSG:4326", "area", "memory")
    feature = QgsFeature()
    feature.setGeometry(QgsGeometry.fromWkt(shape))
    layer.dataProvider().addFeature(feature)
    context = QgsProcessingContext()
    context.setInvalidGeometryCheck(QgsFeatureRequest.InvalidGeometryCheck.GeometryAbortOnInvalid)
    kind = "days" if name == "AOI" else "locator"
    values = {"SERIES": str(case.folder / "maps"), "KIND": kind, **FAST}
    run("mapsheet", {**values, name: layer, "OUTPUT": str(tmp_path / "s.png")}, context)
    gc.collect()
    run("mapsheet", {**values, "OUTPUT": str(tmp_path / "t.png")})
    assert (tmp_path / "s.png").stat().st_size > 5000


def in_background(algorithm, values, context, feedback):
    """Whether QGIS counts a run as good that the toolbox's own task makes."""
    import time

    from qgis.core import QgsApplication, QgsProcessingAlgRunnerTask
    from qgis.PyQt.QtCore import QCoreApplication

    task, ended = QgsProcessingAlgRunnerTask(algorithm, values, context, feedback), []
    task.executed.connect(lambda good, _results: ended.append(good))
    QgsApplication.taskManager().addTask(task)
    until = time.monotonic() + 600
    while not ended and time.monotonic() < until:
        QCoreApplication.processEvents()
    (good,) = ended
    return good


def test_layouts_are_made_in_the_main_thread(qgis_provider, case, tmp_path, monkeypatch):
    """In the background task of the toolbox: graphics scenes of Qt belong to the main thread."""
    from qgis.core import QgsProcessingContext, QgsProcessingFeedback

    from smap_downscaler.steps.sheets import algorithm as map_sheet

    threads = {}
    for name in ("draw_page", "sheet_layers", "write_layout"):
        inner = getattr(map_sheet, name)

        def noting(*arguments, name=name, inner=inner):
            threads[name] = threading.current_thread() is threading.main_thread()
            return inner(*arguments)

        monkeypatch.setattr(map_sheet, name, noting)
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback(False)
    values = {
        "SERIES": str(case.folder / "maps"),
        "AOI": str(case.folder / "aoi.gpkg"),
        **FAST,
        "OUTPUT": str(tmp_path / "s.png"),
        "PROJECT": str(tmp_path / "s.qgz"),
    }
    assert in_background(qgis_provider.algorithm("mapsheet"), values, context, feedback)
    # Opening the layers of many dates would keep the user waiting there.
    assert threads == {"draw_page": False, "sheet_layers": False, "write_layout": True}
    sources, _names, _pages = exported(tmp_path / "s.qgz", tmp_path / "layout.png")
    assert len(sources) == 3


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"SERIES": None}, "SERIES is empty; give the folder of maps to draw."),
        (
            {"SERIES": None, "KIND": "locator"},
            "SERIES and SMAP are both empty; give one of them, so that there is a place to show.",
        ),
        (
            {"MINIMUM": 0.4, "MAXIMUM": 0.1},
            "MINIMUM is 0.4 and MAXIMUM 0.1; give a MAXIMUM above MINIMUM.",
        ),
        ({"DATES": "May"}, "DATES: 'May' is no date; write dates as YYYY-MM-DD, separated by commas."),
        (
            {"START": "2021-01-02", "END": "2021-01-01"},
            "START (2021-01-02) is after END (2021-01-01); exchange them.",
        ),
        (
            {"OUTPUT": "{out}/sheet.bmp"},
            "OUTPUT is {out}/sheet.bmp; give it the ending .png, .pdf or .svg.",
        ),
        ({"LAYOUT": "{out}/sheet.xml"}, "LAYOUT is {out}/sheet.xml; give it the ending .qpt."),
        ({"PROJECT": "{out}/sheet.qgs"}, "PROJECT is {out}/sheet.qgs; give it the ending .qgz."),
        (
            {"PROJECT": "{maps}/soil_moisture_20210101.tif/sheet.qgz"},
            "PROJECT: {maps}/soil_moisture_20210101.tif/sheet.qgz cannot be written "
            "({maps}/soil_moisture_20210101.tif is no folder); choose another place.",
        ),
        (
            {"PROJECT": "{maps}/sheet.qgz"},
            "PROJECT ({maps}/sheet.qgz) lies in the folder given as SERIES, which would then hold what does "
            "not belong to it; choose another folder.",
        ),
        (
            {"START": "2022-01-01"},
            "{maps}: it holds no date from 2022-01-01 to its end (it runs from 2020-12-30 to 2021-01-01); "
            "choose other dates.",
        ),
        (
            {"DATES": "2021-01-02"},
            "DATES: {maps} holds no map of 2021-01-02 (it runs from 2020-12-30 to 2021-01-01); choose other "
            "dates.",
        ),
        (
            {"KIND": "cascade"},
            "{maps}: it holds maps of 2 dates (2020-12-30 to 2021-01-01); give DATES, the one to draw.",
        ),
        (
            {"KIND": "locator", "DEM": "{out}/none.tif"},
            "{out}/none.tif: there is no such file; check the path.",
        ),
    ],
)
def test_refusals(refusal, case, tmp_path, change, sentence):
    maps = case.folder / "maps"
    parameters = {"SERIES": str(maps), **FAST, "OUTPUT": str(tmp_path / "sheet.png")}
    for name, value in change.items():
        parameters[name] = value.format(out=tmp_path, maps=maps) if isinstance(value, str) else value
    assert refusal("mapsheet", parameters) == sentence.format(out=tmp_path, maps=maps)
    assert list(tmp_path.iterdir()) == []


def test_shapes_of_all_kinds_are_drawn(qgis_provider):
    """Parts, holes, curves, heights and collections give rings and lines; nothing comes of no geometry."""
    from qgis.core import QgsGeometry

    from smap_downscaler.steps.sheets.toolbox.overlays import lines_of

    ring, hole = "(0 0, 9 0, 9 9, 0 9, 0 0)", "(2 2, 3 2, 3 3, 2 2)"
    for text, lines, points in (
        (f"POLYGON ({ring}, {hole})", [5, 4], []),
        (f"MULTIPOLYGON (({ring}), ({hole}))", [5, 4], []),
        ("POLYGON Z ((0 0 1, 9 0 1, 9 9 1, 0 0 1))", [4], []),
        ("MULTILINESTRING ((0 0, 1 1), (2 2, 3 3, 4 4))", [2, 3], []),
        ("MULTIPOINT ((0 0), (1 1))", [], [2]),
        (f"GEOMETRYCOLLECTION (POLYGON ({ring}), POINT (1 1), LINESTRING (0 0, 1 1))", [5, 2], [1]),
        (f"GEOMETRYCOLLECTION (GEOMETRYCOLLECTION (POLYGON ({ring})), POINT (1 1))", [5], [1]),
        ("POLYGON EMPTY", [], []),
    ):
        assert [len(part) for part in lines_of(QgsGeometry.fromWkt(text), points=False)] == lines
        lengths = [len(part) for part in lines_of(QgsGeometry.fromWkt(text), points=True)]
        assert sorted(lengths) == sorted(lines + points)
    circle = QgsGeometry.fromWkt("CURVEPOLYGON (CIRCULARSTRING (0 0, 4 4, 0 0))")
    (edge,) = lines_of(circle, points=False)
    assert len(edge) > 20
    np.testing.assert_allclose(np.hypot(*(edge - 2).T), np.sqrt(8), rtol=1e-6)
    assert lines_of(QgsGeometry(), points=True) == []


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("None?field=a:integer", "AOI: shapes is a table without geometry; choose a layer of shapes."),
        (
            "Polygon?field=a:integer",
            "AOI: shapes has no coordinate reference system; assign one "
            "(Vector > Data Management Tools > Define Layer Projection).",
        ),
    ],
)
def test_shapes_that_cannot_be_placed_are_refused(refusal, case, tmp_path, source, sentence):
    from qgis.core import QgsCoordinateReferenceSystem, QgsVectorLayer

    layer = QgsVectorLayer(source, "shapes", "memory")
    layer.setCrs(QgsCoordinateReferenceSystem())
    parameters = {
        "SERIES": str(case.folder / "maps"),
        **FAST,
        "OUTPUT": str(tmp_path / "s.png"),
        "AOI": layer,
    }
    assert refusal("mapsheet", parameters) == sentence


def test_terrain_of_another_place(refusal, case, tmp_path):
    far = Grid("EPSG:32633", 400_000.0, 5_000_000.0, 100.0, 100.0, 20, 20)
    write_geotiff(tmp_path / "far.tif", far, np.ones(far.shape, np.float32))
    parameters = {
        "KIND": "locator",
        "SERIES": str(case.folder / "maps"),
        "DEM": str(tmp_path / "far.tif"),
        "OUTPUT": str(tmp_path / "sheet.png"),
    }
    assert refusal("mapsheet", parameters) == (
        f"DEM ({tmp_path / 'far.tif'}) has no value over the area; choose one that covers it."
    )


def test_cancelled_it_leaves_nothing(run, feedback, case, tmp_path):
    feedback.cancel_when = lambda text: True
    parameters = {"SERIES": str(case.folder / "maps"), **FAST, "PROJECT": str(tmp_path / "s.qgz")}
    for ending in ("png", "pdf"):
        assert run("mapsheet", {**parameters, "OUTPUT": str(tmp_path / f"s.{ending}")}) == {}
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
@pytest.mark.parametrize("where", ["arranged", "rendered"])
def test_a_cancel_is_seen_while_a_page_is_drawn(tmp_path, monkeypatch, ending, where):
    """Which matplotlib does in one go: the page here ends only after the run has."""
    from matplotlib.figure import Figure

    from smap_downscaler.report.figure import new_figure
    from smap_downscaler.steps.sheets.algorithm import write_pictures

    begun, go_on = threading.Event(), threading.Event()

    class StopInside(Progress):
        def is_cancelled(self):
            return begun.is_set()

    def hold(*_arguments, **_options):
        begun.set()
        go_on.wait(60)

    def pages():
        if where == "arranged":
            hold()
        yield new_figure(1)

    if where == "rendered":
        monkeypatch.setattr(Figure, "savefig", hold)
    try:
        with pytest.raises(Cancelled):
            write_pictures(str(tmp_path / f"s.{ending}"), pages(), 50, StopInside())
        assert not go_on.is_set()
        assert list(tmp_path.iterdir()) == []
    finally:
        go_on.set()


@pytest.mark.parametrize("background", [False, True])
def test_a_layout_that_cannot_be_written_fails_the_run(
    qgis_provider, by_ids, case, tmp_path, monkeypatch, background
):
    """Asked of QGIS's own verdict, here and in the background task of the toolbox."""
    from qgis.core import QgsPrintLayout, QgsProcessingContext, QgsProcessingFeedback

    monkeypatch.setattr(QgsPrintLayout, "saveAsTemplate", lambda *_: False)
    values = {
        "SERIES": str(case.folder / "maps"),
        **FAST,
        "OUTPUT": str(tmp_path / "s.png"),
        "LAYOUT": str(tmp_path / "s.qpt"),
    }
    algorithm, context = qgis_provider.algorithm("mapsheet"), QgsProcessingContext()
    feedback = QgsProcessingFeedback(False)
    if background:
        good = in_background(algorithm, values, context, feedback)
    else:
        _results, good = algorithm.run(values, context, feedback)
    assert not good
    said = by_ids(feedback.textLog())
    assert f"LAYOUT: {tmp_path / 's.qpt'} cannot be written; choose another place." in said
    assert [path.name for path in tmp_path.iterdir()] == ["s.png"]


@pytest.mark.parametrize(("ending", "left"), [("png", ["s.png"]), ("pdf", [])])
def test_cancelled_between_pages_it_leaves_whole_files(qgis_provider, tmp_path, ending, left):
    from smap_downscaler.report.figure import new_figure
    from smap_downscaler.steps.sheets.algorithm import write_pictures

    class StopAtPageTwo(Progress):
        page = ""

        def set_text(self, text):
            self.page = text

        def is_cancelled(self):
            return self.page == "Drawing page 2"

    pages = iter([new_figure(1), new_figure(1), new_figure(1)])
    with pytest.raises(Cancelled):
        write_pictures(str(tmp_path / f"s.{ending}"), pages, 50, StopAtPageTwo())
    assert [path.name for path in tmp_path.iterdir()] == left


def write_named_stations(path):
    """Two stations with names in a field `Station`, one without; another field has other names."""
    from osgeo import ogr, osr

    degrees = osr.SpatialReference()
    degrees.ImportFromEPSG(4326)
    degrees.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    dataset = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    layer = dataset.CreateLayer("stations", degrees)
    for field in ("number", "Station"):
        layer.CreateField(ogr.FieldDefn(field, ogr.OFTString))
    for number, (x, y, name) in enumerate(
        [(-71.7, -13.0, "Kayra"), (-71.6, -12.9, "Zurite"), (-71.65, -12.95, None)]
    ):
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(ogr.CreateGeometryFromWkt(f"POINT ({x} {y})"))
        feature["number"] = f"S{number}"
        if name:
            feature["Station"] = name
        layer.CreateFeature(feature)
    del layer, dataset


@pytest.mark.parametrize(("field", "names"), [(None, {"Kayra", "Zurite"}), ("number", {"S0", "S1", "S2"})])
def test_stations_have_their_names_in_picture_and_layout(run, case, tmp_path, monkeypatch, field, names):
    from smap_downscaler.steps.sheets import algorithm as map_sheet

    drawn, inner = [], map_sheet.draw_page
    monkeypatch.setattr(map_sheet, "draw_page", lambda page: drawn.append(inner(page)) or drawn[-1])
    write_named_stations(tmp_path / "stations.gpkg")
    run(
        "mapsheet",
        {
            "SERIES": str(case.folder / "maps"),
            "STATIONS": str(tmp_path / "stations.gpkg"),
            "STATION_NAMES": field,
            **FAST,
            "OUTPUT": str(tmp_path / "s.png"),
            "PROJECT": str(tmp_path / "s.qgz"),
        },
    )
    words = [text.get_text() for text in drawn[0].texts]
    for texts in (words, labels(tmp_path / "s.qgz")):
        assert all(texts.count(name) == 2 for name in names)
        assert not {"None", "NULL", ""} & set(texts) - {""}
    others = {"Kayra", "Zurite", "S0", "S1", "S2"} - names
    assert not others & set(words)


def test_a_field_that_the_stations_do_not_have(refusal, case, tmp_path):
    write_named_stations(tmp_path / "stations.gpkg")
    parameters = {
        "SERIES": str(case.folder / "maps"),
        "STATIONS": str(tmp_path / "stations.gpkg"),
        "STATION_NAMES": "town",
        "OUTPUT": str(tmp_path / "out" / "s.png"),
    }
    assert refusal("mapsheet", parameters) == (
        "STATION_NAMES: the layer of STATIONS has no field town (it has fid, number, Station); choose one of "
        "these."
    )


def test_by_default_colours_run_over_what_is_drawn_the_same_in_the_layout(run, case, tmp_path):
    """Maps between 0.36 and 0.38 show one teal from 0 to 0.5."""
    from qgis.core import QgsProject

    for number, low in enumerate((0.36, 0.365)):
        values = np.linspace(low, low + 0.015, PIXELS.width * PIXELS.height, dtype=np.float32)
        path = tmp_path / "maps" / f"m_2021010{number + 1}.tif"
        write_geotiff(path, PIXELS, values.reshape(PIXELS.shape))
    run(
        "mapsheet",
        {
            "SERIES": str(tmp_path / "maps"),
            "DPI": 60,
            "OUTPUT": str(tmp_path / "s.png"),
            "PROJECT": str(tmp_path / "s.qgz"),
        },
    )
    drawn, colours = picture(tmp_path / "s.png"), [colour for _value, colour in SOIL_MOISTURE_RAMP]
    assert share_of(drawn, colours[2], 0.08) > 0.01
    assert share_of(drawn, colours[-3], 0.08) > 0.01
    project = QgsProject()
    assert project.read(str(tmp_path / "s.qgz"))
    for layer in project.mapLayers().values():
        ramp = layer.renderer().shader().rasterShaderFunction()
        values = [item.value for item in ramp.colorRampItemList()]
        assert values == pytest.approx([0.36 + value / 0.5 * 0.02 for value, _ in SOIL_MOISTURE_RAMP])
        assert [item.color.name() for item in ramp.colorRampItemList()] == colours
        assert (layer.renderer().classificationMin(), layer.renderer().classificationMax()) == (0.36, 0.38)
    project.clear()
    assert {"0.365", "0.37", "0.375"} <= set(labels(tmp_path / "s.qgz"))
    exported(tmp_path / "s.qgz", tmp_path / "layout.png")
    assert share_of(picture(tmp_path / "layout.png"), colours[-3], 0.08) > 0.01


def test_a_locator_without_the_world_map(run, case, tmp_path, monkeypatch):
    """Degrees alone then show where it is."""
    from smap_downscaler.steps.sheets.toolbox import overlays

    monkeypatch.setattr(overlays, "WORLD_MAP", "nowhere.gpkg")
    outputs = run(
        "mapsheet",
        {
            "KIND": "locator",
            "SERIES": str(case.folder / "maps"),
            **FAST,
            "OUTPUT": str(tmp_path / "where.png"),
            "PROJECT": str(tmp_path / "where.qgz"),
        },
    )
    assert outputs["PAGES"] == 1
    assert share_of(picture(tmp_path / "where.png"), "#D55E00", 0.1) > 0.0001
    sources, names, _pages = exported(tmp_path / "where.qgz", tmp_path / "layout.png")
    assert sources == []
    assert {"region", "part of the earth"} <= names
