"""downscale and cascade with EXTENT and AOI, from the toolbox: maps against the whole ones, what is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from areas import geometries_of, layer_file, touched_and_inside
from report_reader import FigureTexts, check_numbers
from small_case import NAMES, PIXELS, make_small_case, train_small_case
from smap_downscaler.geo.datasets import dataset_grid, open_dataset, read_band
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Window

PIXEL = PIXELS.cell_width
MAPS = ("soil_moisture_20201230.tif", "soil_moisture_20210101.tif")


def _polygon(*corners):
    """Columns and rows of the stack as a polygon."""
    places = [f"{PIXELS.left + col * PIXEL} {PIXELS.top - row * PIXEL}" for col, row in corners]
    return f"POLYGON (({','.join([*places, places[0]])}))"


WATERSHEDS = (
    _polygon((12.2, 10.3), (30.3, 14.2), (15.6, 33.4)),
    _polygon((60.2, 50.3), (70.2, 50.3), (65.4, 60.6)),
)


@pytest.fixture(scope="module")
def case(tmp_path_factory, qgis_provider):
    import processing

    folder = tmp_path_factory.mktemp("case")
    small = make_small_case(folder)
    forests = train_small_case(small)
    whole = {"FORESTS": forests, "COVARIATES": small.fine_stack, "OUTPUT": str(folder / "whole")}
    processing.run("smapdownscaler:downscale", whole)
    layer_file(folder / "watersheds.gpkg", PIXELS.crs, *WATERSHEDS)
    return small


@pytest.fixture
def parameters(case, tmp_path):
    return {
        "FORESTS": str(case.folder / "forests.smapforest"),
        "COVARIATES": case.fine_stack,
        "OUTPUT": str(tmp_path / "maps"),
    }


def extent_of(window):
    box, step = PIXELS.crop(window).bounds, PIXEL / 3
    edges = box.left + step, box.right - step, box.bottom + step, box.top - step
    return ",".join(map(str, edges)) + " [EPSG:6933]"


def bits(path, window=None):
    return read_band(open_dataset(path), 1, window).view(np.uint32)


def text_of(report):
    return Path(report).read_text(encoding="utf-8").replace("\u202f", " ").replace("\u00a0", " ")


def test_an_extent_is_mapped_as_in_the_whole(run, said, monkeypatch, case, parameters, tmp_path):
    window = Window(21, 33, 30, 20)
    report = tmp_path / "report.html"
    given = {**parameters, "EXTENT": extent_of(window), "REPORT": str(report)}
    figures = FigureTexts(monkeypatch)
    outputs = run("downscale", given)
    for name in MAPS:
        path = tmp_path / "maps" / name
        assert dataset_grid(open_dataset(path), "map") == PIXELS.crop(window)
        assert np.array_equal(bits(path), bits(case.folder / "whole" / name, window))
    series = gdal.Open(outputs["SERIES"])
    assert (series.RasterXSize, series.RasterYSize, series.RasterCount) == (20, 30, 2)
    assert "2 dates, of each 20 x 30 pixels of 90 x 80 mapped" in said.info
    assert not said.warnings
    page = text_of(report)
    assert "<dt>Mapped</dt><dd>20 x 30 pixels of 90 x 80</dd>" in page.replace("\n", "").replace("  ", "")
    assert "extent to map (EXTENT)" in page
    check_numbers(outputs, figures)


def test_polygons_that_are_selected_are_mapped(run, said, monkeypatch, case, parameters, tmp_path):
    from qgis.core import (
        QgsProcessingContext,
        QgsProcessingFeatureSourceDefinition,
        QgsProject,
        QgsVectorLayer,
    )

    layer = QgsVectorLayer(f"{case.folder / 'watersheds.gpkg'}|layername=watersheds", "watersheds", "ogr")
    project = QgsProject()
    project.addMapLayer(layer)
    context = QgsProcessingContext()
    context.setProject(project)
    layer.selectByIds([1])
    report = tmp_path / "report.html"
    chosen = QgsProcessingFeatureSourceDefinition(layer.id(), True)
    figures = FigureTexts(monkeypatch)
    outputs = run("downscale", {**parameters, "AOI": chosen, "REPORT": str(report)}, context)
    window = Window(10, 12, 24, 19)
    path = tmp_path / "maps" / MAPS[0]
    assert dataset_grid(open_dataset(path), "map") == PIXELS.crop(window)
    _touched, inside = touched_and_inside(PIXELS.crop(window), geometries_of(WATERSHEDS[0]))
    whole = read_band(open_dataset(case.folder / "whole" / MAPS[0]), 1, window)
    assert np.array_equal(read_band(open_dataset(path), 1), np.where(inside, whole, np.nan), equal_nan=True)
    words = f"19 x 24 pixels of 90 x 80, {inside.sum()} of them in AOI"
    assert f"2 dates, of each {words} mapped" in said.info
    assert words in text_of(report)
    check_numbers(outputs, figures)


def test_nothing_given_is_the_whole_and_its_maps_are_kept(run, said, case, parameters):
    from qgis.PyQt.QtCore import QVariant

    run("downscale", parameters)
    for nothing in (None, "", QVariant(QVariant.Type.String)):
        run("downscale", {**parameters, "EXTENT": nothing, "AOI": nothing})
        assert "2 maps, 2 of them from an earlier run" in said.info
        said.info.clear()
    assert not said.warnings


def test_maps_of_another_extent_are_replaced_and_told(
    run, said, by_ids, monkeypatch, case, parameters, tmp_path
):
    report = tmp_path / "report.html"
    run("downscale", {**parameters, "EXTENT": extent_of(Window(5, 5, 9, 9))})
    assert not said.warnings
    figures = FigureTexts(monkeypatch)
    outputs = run("downscale", {**parameters, "END": "2020-12-31", "REPORT": str(report)})
    maps = parameters["OUTPUT"]
    told = (
        f"{maps}: its 1 map of another EXTENT or AOI, such as {MAPS[0]}, will be replaced; stop the run and "
        "choose another OUTPUT to keep them"
    )
    other = (
        f"{maps}: it holds 1 dated raster not made from these inputs, the first of 2021-01-01; whoever opens "
        "the folder as a series reads them too, so remove them or choose another OUTPUT"
    )
    assert said.warnings == [told, other]
    check_numbers(outputs, figures)
    assert f"<li>{told}</li>" in by_ids(report.read_text(encoding="utf-8"))
    assert np.array_equal(bits(tmp_path / "maps" / MAPS[0]), bits(case.folder / "whole" / MAPS[0]))


def test_a_cascade_of_a_part(run, said, by_ids, monkeypatch, case, parameters, tmp_path):
    window = Window(22, 31, 7, 8)
    sides = f"{20 * PIXEL!r}, {5 * PIXEL!r}, {PIXEL!r}"
    given = {**parameters, "DATE": "2021-01-01", "RESOLUTIONS": sides}
    run("cascade", {**given, "OUTPUT": str(tmp_path / "whole")})
    assert not said.warnings
    report = tmp_path / "report.html"
    figures = FigureTexts(monkeypatch)
    outputs = run("cascade", {**given, "EXTENT": extent_of(window), "REPORT": str(report)})
    for side, cells in ((20, Window(1, 1, 1, 1)), (5, Window(4, 6, 2, 2)), (1, window)):
        name = f"soil_moisture_20210101_{side * PIXEL:g}m.tif"
        found, expected = bits(tmp_path / "maps" / name), bits(tmp_path / "whole" / name, cells)
        assert np.array_equal(found, expected)
    told = (
        f"RESOLUTIONS: a cell of {20 * PIXEL:g} m is larger than what is mapped of {case.fine_stack} "
        f"({8 * PIXEL:g} x {7 * PIXEL:g} m), and most of it lies beyond; leave it out, or map a larger area"
    )
    assert said.warnings == [told]
    page = text_of(report)
    assert f"<li>{told}</li>" in by_ids(page)
    assert "8 x 7 pixels of 90 x 80" in page
    check_numbers(outputs, figures)


def test_refusals(refusal, case, parameters, tmp_path):
    def sentences(**more):
        found = {
            refusal(name, {**parameters, "DATE": "2021-01-01", **more}) for name in ("downscale", "cascade")
        }
        assert len(found) == 1
        return found.pop()

    stack = case.fine_stack
    away = f"EXTENT: it does not meet the cells of {stack}; choose an extent over them."
    assert sentences(EXTENT="10,11,40,41 [EPSG:4326]") == away
    assert sentences(EXTENT="0,1,0,1") == (
        "EXTENT: the extent has no CRS, so its place on earth is not known; give it as 'xmin,xmax,ymin,ymax "
        "[EPSG:4326]'."
    )
    assert sentences(EXTENT="10,10,40,41 [EPSG:4326]") == (
        "EXTENT: the extent has no area; give it as 'xmin,xmax,ymin,ymax [EPSG:4326]'."
    )
    watersheds = str(case.folder / "watersheds.gpkg")
    assert sentences(EXTENT=extent_of(Window(70, 2, 5, 5)), AOI=watersheds) == (
        f"AOI (watersheds) and EXTENT do not meet on {stack}; leave one of them empty."
    )
    holed = case.fine.copy()
    holed[1, 20:40, 20:40] = np.nan
    write_geotiff(tmp_path / "holed.tif", PIXELS, holed, [Band(name) for name in NAMES])
    hole = {"COVARIATES": str(tmp_path / "holed.tif"), "EXTENT": extent_of(Window(25, 25, 5, 5))}
    assert sentences(**hole) == (
        f"{tmp_path}/holed.tif: clay has no value over the part of the stack to be mapped, and every "
        "covariate is needed; choose another EXTENT or AOI."
    )
    assert not (tmp_path / "maps").exists()


def test_the_look_before_the_work_is_at_the_part(run, said, case, parameters, tmp_path):
    """A corner in another unit: told where it is mapped, and nowhere else."""
    odd = case.fine.copy()
    odd[1, :20, :20] /= 1000
    write_geotiff(tmp_path / "odd.tif", PIXELS, odd, [Band(name) for name in NAMES])
    given = {**parameters, "COVARIATES": str(tmp_path / "odd.tif")}
    run("downscale", {**given, "EXTENT": extent_of(Window(40, 40, 30, 30))})
    assert not said.warnings
    run("downscale", {**given, "EXTENT": extent_of(Window(0, 0, 15, 15)), "OUTPUT": str(tmp_path / "corner")})
    assert [text.split(",")[0] for text in said.warnings] == [
        f"{tmp_path}/odd.tif: clay runs from {odd[1, :15, :15].min():.5g} to {odd[1, :15, :15].max():.5g}"
    ]


def test_an_extent_within_a_pixel_is_told(run, said, case, parameters):
    run("downscale", {**parameters, "EXTENT": extent_of(Window(3, 3, 1, 1))})
    assert said.warnings == [
        f"EXTENT: it is smaller than a pixel of {case.fine_stack} (900 m), and only 1 pixel is mapped; check "
        "its numbers and its CRS"
    ]
