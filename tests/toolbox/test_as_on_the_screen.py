"""Layers with unsaved edits, joined and virtual fields: what the screen shows counts."""

from __future__ import annotations

import numpy as np
import pytest

from small_case import make_small_case


@pytest.fixture
def project(qgis_provider):
    """A project of its own and the context of its layers, which are gone before QGIS ends."""
    from qgis.core import QgsProcessingContext, QgsProject

    project, context = QgsProject(), QgsProcessingContext()
    context.setProject(project)
    yield project, context
    for layer in project.mapLayers().values():
        layer.rollBack()
    project.clear()


@pytest.fixture
def squares(run, project, tmp_path):
    """The small case, and squares of its fine stack as a layer of a project, whose column y is edited."""
    from qgis.core import QgsField, QgsVectorLayer
    from qgis.PyQt.QtCore import QMetaType

    small = make_small_case(tmp_path)
    path = str(tmp_path / "squares.gpkg")
    run("samplesquares", {"COVARIATES": small.fine_stack, "COUNT": 20, "OUTPUT": path})
    layer = QgsVectorLayer(path, "squares", "ogr")
    project[0].addMapLayer(layer)
    layer.addExpressionField('2 * "x"', QgsField("twice", QMetaType.Type.Double))
    layer.startEditing()
    place = layer.fields().indexOf("y")
    for number, feature in enumerate(layer.getFeatures()):
        layer.changeAttributeValue(feature.id(), place, float(number * number))
    return small, layer, project[1]


def values_of(path, name):
    from qgis.core import QgsVectorLayer

    return [feature[name] for feature in QgsVectorLayer(path, "made", "ogr").getFeatures()]


def test_principal_components_and_statistics_take_what_is_shown(run, said, squares, tmp_path):
    small, layer, context = squares
    fields = {"FIELDS": ["x", "y", "row"], "SUPPLEMENTARY": ["twice"]}
    for algorithm, more in (
        ("principalcomponents", fields),
        ("moisturestatistics", {"COVARIATES": small.fine_stack}),
    ):
        said.info.clear()
        output, report = str(tmp_path / f"{algorithm}.gpkg"), tmp_path / f"{algorithm}.html"
        given = {"INPUT": layer.id(), **more, "OUTPUT": output, "REPORT": str(report)}
        run(algorithm, given, context)
        assert values_of(output, "y") == [float(number * number) for number in range(20)]
        assert values_of(output, "twice") == pytest.approx(2 * np.array(values_of(output, "x")))
        shown = "INPUT: squares is taken as the screen shows it, with unsaved edits, with virtual fields."
        assert shown in said.info


def test_a_removed_shape_has_no_statistics(run, squares, tmp_path):
    small, layer, context = squares
    layer.deleteFeatures([feature.id() for feature in layer.getFeatures()][:5])
    output = str(tmp_path / "statistics.gpkg")
    given = {"INPUT": layer.id(), "COVARIATES": small.fine_stack, "OUTPUT": output}
    assert run("moisturestatistics", given, context)["COUNT"] == 15


def test_readings_of_quantiles_are_those_shown(run, project, tmp_path):
    from qgis.core import QgsVectorLayer

    days = (f"2021-03-{day:02d},{day % 7},{day % 5}\n" for day in range(1, 32))
    (tmp_path / "pairs.csv").write_text("date,map,field\n" + "".join(days))
    import processing

    path = str(tmp_path / "pairs.gpkg")
    processing.run("native:savefeatures", {"INPUT": str(tmp_path / "pairs.csv"), "OUTPUT": path})
    layer = QgsVectorLayer(path, "pairs", "ogr")
    project[0].addMapLayer(layer)
    layer.startEditing()
    for feature in layer.getFeatures():
        layer.changeAttributeValue(feature.id(), layer.fields().indexOf("field"), feature["map"])
    output = str(tmp_path / "mqcc.gpkg")
    given = {"X_FIELD": "map", "Y_FIELD": "field", "SCALES": "1", "QUANTILES": "0.5", "OUTPUT": output}
    run("quantilecorrelation", {"INPUT": layer.id(), **given}, project[1])
    assert values_of(output, "rho") == pytest.approx([1.0])


def test_a_sheet_says_that_its_project_has_the_file_only(run, said, squares, tmp_path):
    small, layer, context = squares
    given = {"SERIES": small.smap_folder, "AOI": layer.id(), "DPI": 60, "OUTPUT": f"{tmp_path}/sheet.png"}
    run("mapsheet", given, context)
    assert not any("unsaved" in text for text in said.warnings)
    run("mapsheet", {**given, "PROJECT": f"{tmp_path}/sheet.qgz"}, context)
    assert (
        "AOI: the layer squares has unsaved edits, which the sheet shows, but not PROJECT and LAYOUT; save "
        "them first."
    ) in said.warnings
