"""AOI as dialogs, scripts and models give it: what is read, and each bad layer with its sentence."""

from __future__ import annotations

import pytest
from osgeo import ogr

from areas import box, layer_file
from smap_downscaler.base.errors import InputError
from smap_downscaler.base.progress import SILENT
from smap_downscaler.geo.placing import read_shapes

CRS = "EPSG:32719"
FIRST, SECOND = f"POLYGON {box(0, 0, 10, 10)}", f"POLYGON {box(20, 0, 30, 5)}"
ALL = (
    "importsmap",
    "harmonisecovariates",
    "samplesquares",
    "moisturestatistics",
    "fillgaps",
    "downscale",
    "cascade",
)


@pytest.fixture
def area_of(qgis_provider, said, feedback):
    """Read a value of AOI as an algorithm does: ``area_of(value, context) -> Area or None``."""
    from qgis.core import QgsProcessingContext

    from smap_downscaler.toolbox.area import check_area, read_area
    from smap_downscaler.toolbox.feedback import QgisProgress
    from smap_downscaler.toolbox.values import Values

    def read(value, context=None):
        algorithm = qgis_provider.algorithm("importsmap")
        values = Values(algorithm, {"AOI": value}, context or QgsProcessingContext())
        check_area(values)
        return read_area(values, QgisProgress(feedback))

    return read


@pytest.fixture
def project():
    from qgis.core import QgsProject

    made = QgsProject()
    yield made
    made.clear()


def memory_layer(*texts, kind="MultiPolygon", crs=CRS, name="basin"):
    from qgis.core import QgsFeature, QgsGeometry, QgsVectorLayer

    layer = QgsVectorLayer(f"{kind}?crs={crs}", name, "memory")
    features = []
    for text in texts:
        features.append(QgsFeature())
        features[-1].setGeometry(QgsGeometry.fromWkt(text))
    layer.dataProvider().addFeatures(features)
    return layer


def digest_of(*texts):
    from smap_downscaler.geo.area import Area

    geometries = [bytes(ogr.CreateGeometryFromWkt(text).ExportToWkb()) for text in texts]
    return Area(read_shapes(geometries, CRS, SILENT), "").digest


def context_of(project):
    from qgis.core import QgsProcessingContext

    context = QgsProcessingContext()
    context.setProject(project)
    return context


def test_a_file_and_a_layer_are_the_same_area(area_of, project, tmp_path):
    path = layer_file(tmp_path / "basin.gpkg", CRS, FIRST, SECOND, kind=ogr.wkbPolygon)
    layer = memory_layer(FIRST, SECOND, kind="Polygon")
    project.addMapLayer(layer)
    for value in (path, layer.id(), layer):
        area = area_of(value, context_of(project))
        assert area.digest == digest_of(FIRST, SECOND)
        assert area.tag == f"basin: 2 polygons, {area.digest}"
        assert area.label == "AOI (basin)"


def test_selected_features_only(area_of, project):
    from qgis.core import QgsProcessingFeatureSourceDefinition

    layer = memory_layer(FIRST, SECOND, kind="Polygon")
    project.addMapLayer(layer)
    layer.selectByIds([2])
    selected = QgsProcessingFeatureSourceDefinition(layer.id(), selectedFeaturesOnly=True)
    assert area_of(selected, context_of(project)).digest == digest_of(SECOND)
    layer.removeSelection()
    with pytest.raises(InputError, match="AOI: no feature of the layer basin is selected; select some, or "):
        area_of(selected, context_of(project))


def test_edits_that_are_not_saved_count_and_are_told(area_of, project, said):
    from qgis.core import QgsGeometry

    layer = memory_layer(FIRST, kind="Polygon")
    project.addMapLayer(layer)
    layer.startEditing()
    layer.changeGeometry(1, QgsGeometry.fromWkt(SECOND))
    assert area_of(layer.id(), context_of(project)).digest == digest_of(SECOND)
    assert said.info == ["AOI: basin is taken as the screen shows it, with unsaved edits."]


def test_invalid_and_empty_polygons_are_told(area_of, said, tmp_path):
    bow = "POLYGON ((0 0,10 10,10 0,0 10,0 0))"
    path = layer_file(tmp_path / "basin.gpkg", CRS, bow, FIRST, "POLYGON ((0 0,10 0,0 0))")
    area = area_of(path)
    assert said.warnings == [
        "AOI: 1 of 3 polygons is invalid; repaired",
        "AOI: 1 of 3 polygons is without area, and left out",
    ]
    assert area.tag == f"basin: 2 polygons, {area.digest}"


@pytest.mark.parametrize(
    ("texts", "kind", "crs", "sentence"),
    [
        ((), ogr.wkbPolygon, CRS, "AOI: the layer basin has no feature; choose another one."),
        (
            ("POINT (1 1)",),
            ogr.wkbPoint,
            CRS,
            "AOI: the layer basin holds no polygons; choose a layer of polygons.",
        ),
        (
            ("LINESTRING (0 0,1 1)",),
            ogr.wkbLineString,
            CRS,
            "AOI: the layer basin holds no polygons; choose a layer of polygons.",
        ),
        (
            ("GEOMETRYCOLLECTION (POLYGON ((0 0,1 0,1 1,0 0)),POINT (1 1))",),
            ogr.wkbGeometryCollection,
            CRS,
            "AOI: basin holds collections of shapes, which QGIS cannot draw; export it with one geometry "
            "type (Export > Save Features As > Geometry type).",
        ),
        ((), ogr.wkbNone, CRS, "AOI: basin is a table without geometry; choose a layer of shapes."),
        (
            (FIRST,),
            ogr.wkbPolygon,
            "",
            "AOI: basin has no coordinate reference system; assign one (Vector > Data Management Tools > "
            "Define Layer Projection).",
        ),
        (
            ("POLYGON ((0 0,10 0,0 0))",),
            ogr.wkbPolygon,
            CRS,
            "AOI: no polygon of the layer basin has an area; choose another one.",
        ),
    ],
)
def test_layers_of_no_use(area_of, tmp_path, texts, kind, crs, sentence):
    path = layer_file(tmp_path / "basin.gpkg", crs, *texts, kind=kind)
    with pytest.raises(InputError) as caught:
        area_of(path)
    assert str(caught.value) == sentence


def test_a_layer_that_is_not_there(area_of, tmp_path):
    path = str(tmp_path / "none.gpkg")
    with pytest.raises(InputError) as caught:
        area_of(path)
    assert str(caught.value) == f"AOI: there is no layer {path!r}; check the path."


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_no_area(qgis_provider, name):
    from qgis.core import (
        NULL,
        QgsProcessingContext,
        QgsProcessingFeatureSourceDefinition,
        QgsProperty,
    )
    from qgis.PyQt.QtCore import QVariant

    from smap_downscaler.toolbox.area import check_area, read_area
    from smap_downscaler.toolbox.values import Values

    nothing = [None, NULL, "", QVariant(), QVariant(QVariant.String), QgsProperty()]
    nothing += [QgsProcessingFeatureSourceDefinition("", True)]
    for value in nothing:
        values = Values(qgis_provider.algorithm(name), {"AOI": value}, QgsProcessingContext())
        check_area(values)
        assert read_area(values, SILENT) is None


@pytest.mark.parametrize("name", ALL)
def test_bad_layers_are_seen_before_the_work(qgis_provider, by_ids, tmp_path, name):
    from qgis.core import QgsProcessingContext

    path = layer_file(tmp_path / "wells.gpkg", CRS, "POINT (1 1)", kind=ogr.wkbPoint)
    algorithm = qgis_provider.algorithm(name).create()
    # The other inputs are looked at first, so that only those that need none can say so.
    given = {"AOI": path, "SERIES": [str(tmp_path)], "COUNT": 5, "OUTPUT": str(tmp_path / "out")}
    given |= {"INPUT": str(tmp_path), "SMAP": str(tmp_path), "FORESTS": path}
    good, message = algorithm.checkParameterValues(given, QgsProcessingContext())
    assert not good
    assert by_ids(message) == "AOI: the layer wells holds no polygons; choose a layer of polygons."
