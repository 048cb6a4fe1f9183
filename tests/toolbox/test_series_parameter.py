"""Series as parameters: in dialogs, batches and the modeler, in models old and new, and in calls."""

from __future__ import annotations

import csv
import gc
import os
from pathlib import Path

import numpy as np
import pytest

from small_case import DATES, make_small_case

YEARS = 3650
_KEPT = []


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return make_small_case(tmp_path_factory.mktemp("case"))


@pytest.fixture
def opened():
    """The rasters that GDAL opens, whoever asks."""
    from osgeo import gdal

    found = []

    def hear(kind, number, message):
        if "GDALOpen(" in message and "succeeds" in message:
            found.append(message)

    before = gdal.GetConfigOption("CPL_DEBUG")
    gdal.SetConfigOption("CPL_DEBUG", "ON")
    gdal.PushErrorHandler(hear)
    yield found
    gdal.PopErrorHandler()
    gdal.SetConfigOption("CPL_DEBUG", before)


@pytest.fixture
def layer(case):
    """A raster layer of the project, with a name of its own."""
    from qgis.core import QgsProject, QgsRasterLayer

    layer = QgsRasterLayer(next(iter(sorted(Path(case.rain_folder).glob("*.tif")))).as_posix(), "wetness")
    QgsProject.instance().addMapLayer(layer)
    yield layer
    QgsProject.instance().removeMapLayer(layer.id())


def dialog_of(provider, name):
    return provider.algorithm(name).create().createCustomParametersWidget(None)


def through_the_dialog(provider, name, parameters):
    """What the dialog of an algorithm hands over after it was given `parameters`."""
    dialog = dialog_of(provider, name)
    gc.collect()
    dialog.setParameters(parameters)
    return {key: dialog.mainWidget().wrappers[key].parameterValue() for key in parameters}


def read(provider, name, parameter, value):
    """The paths that an algorithm sees in a value, and the problem that QGIS's own check sees."""
    from smap_downscaler.toolbox.values import Values

    context = of_the_project()
    algorithm = provider.algorithm(name)
    assert algorithm.parameterDefinition(parameter).checkValueIsAcceptable(value, context)
    return Values(algorithm, {parameter: value}, context).paths(parameter)


def of_the_project():
    """A context in which the layers of the project are known."""
    from qgis.core import QgsProcessingContext, QgsProject

    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    return context


def forms_of(case, layer):
    """Values that scripts, models and the history have, and the paths that they mean."""
    from qgis.core import QgsProcessingOutputLayerDefinition, QgsProperty

    smap, rain = case.smap_folder, case.rain_folder
    file = layer.source()
    return [
        (rain, [rain]),
        ([rain], [rain]),
        ((smap, [rain]), [smap, rain]),
        (f"{smap};{rain}", [smap, rain]),
        (file, [file]),
        (layer, [file]),
        (layer.id(), [file]),
        (layer.name(), [file]),
        ([layer, smap], [file, smap]),
        ([layer.id(), smap], [file, smap]),
        (QgsProperty.fromExpression(f"'{rain}'"), [rain]),
        (QgsProperty.fromExpression(f"array('{smap}', '{rain}')"), [smap, rain]),
        (QgsProcessingOutputLayerDefinition(rain), [rain]),
        ('NETCDF:"/data/rain.nc":pr', ['NETCDF:"/data/rain.nc":pr']),
        ("/data/not there", ["/data/not there"]),
    ]


def test_values_of_all_kinds_mean_the_same_in_a_call_and_through_a_dialog(qgis_provider, case, layer):
    for name, parameter in (("regressionmatrix", "DYNAMIC"), ("fieldvalidation", "SMAP")):
        for value, paths in forms_of(case, layer):
            assert read(qgis_provider, name, parameter, value) == paths, (name, value)
            # A property of several stays one, which the dialog cannot take apart.
            shown = through_the_dialog(qgis_provider, name, {"SMAP": case.smap_folder, parameter: value})
            assert read(qgis_provider, name, parameter, shown[parameter]) == paths, (name, value)


def test_a_path_with_a_semicolon_is_one_path(qgis_provider, tmp_path):
    odd = tmp_path / "rain; daily"
    odd.mkdir()
    assert read(qgis_provider, "regressionmatrix", "DYNAMIC", str(odd)) == [str(odd)]
    shown = through_the_dialog(qgis_provider, "regressionmatrix", {"SMAP": str(odd), "DYNAMIC": str(odd)})
    assert shown["DYNAMIC"] == str(odd)


def test_a_path_stays_a_path_where_a_layer_has_its_name(qgis_provider, layer, tmp_path, monkeypatch):
    (tmp_path / layer.name()).mkdir()
    monkeypatch.chdir(tmp_path)
    assert read(qgis_provider, "regressionmatrix", "DYNAMIC", layer.name()) == [layer.name()]


def test_what_is_missing_is_seen_by_the_dialog(qgis_provider):
    from processing.gui.AlgorithmDialogBase import AlgorithmDialogBase

    dialog = dialog_of(qgis_provider, "regressionmatrix")
    dialog.setParameters({"SMAP": "", "DYNAMIC": []})
    with pytest.raises(AlgorithmDialogBase.InvalidParameterValue) as refused:
        dialog.mainWidget().createProcessingParameters()
    assert refused.value.parameter.name() == "SMAP"


def test_a_column_is_named_after_the_folder_or_the_layer(run, case, layer, tmp_path):
    def columns(**dynamic):
        table = tmp_path / "m.csv"
        values = {"SMAP": case.smap_folder, "COVARIATES": case.coarse_stack, "OUTPUT": str(table)}
        run("regressionmatrix", {**values, **dynamic}, of_the_project())
        with table.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        table.unlink()
        return list(rows[0])[9:], sum(row[list(row)[-1]] != "" for row in rows)

    from qgis.core import QgsProject, QgsRasterLayer

    all_rows = sum(int(np.isfinite(theta).sum()) for theta in case.smap.values())
    assert columns(DYNAMIC=case.rain_folder) == (["rain"], all_rows)
    files = sorted(str(file) for file in Path(case.rain_folder).glob("*.tif"))
    assert columns(DYNAMIC=files) == (["rain"], all_rows)
    assert columns(DYNAMIC=";".join(files)) == (["rain"], all_rows)
    stack = stack_of(files, tmp_path / "series.vrt")
    wet = QgsRasterLayer(stack, "wet days")
    QgsProject.instance().addMapLayer(wet)
    assert columns(DYNAMIC=wet.id()) == (["wet days"], all_rows)
    assert columns(DYNAMIC=wet.id(), DYNAMIC_NAMES="p") == (["p"], all_rows)
    assert columns(DYNAMIC=stack) == (["series"], all_rows)
    QgsProject.instance().removeMapLayer(wet.id())


def stack_of(files, path):
    """A VRT with a band a file, each described by its date."""
    from osgeo import gdal

    made = gdal.BuildVRT(str(path), files, separate=True)
    for number, date in enumerate(DATES):
        made.GetRasterBand(number + 1).SetDescription(str(date))
    del made
    return str(path)


def test_files_chosen_one_by_one_are_one_series(run, case, tmp_path):
    files = sorted(str(file) for file in Path(case.smap_folder).glob("*.tif"))
    values = {"COVARIATES": case.coarse_stack}
    whole = run("regressionmatrix", {**values, "SMAP": case.smap_folder, "OUTPUT": str(tmp_path / "a.csv")})
    some = run("regressionmatrix", {**values, "SMAP": files, "OUTPUT": str(tmp_path / "b.csv")})
    assert some["COUNT"] == whole["COUNT"]
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()
    imported = run("importsmap", {"INPUT": files[:2], "OUTPUT": str(tmp_path / "smap")})
    assert imported["COUNT"] == 2
    rain = sorted(str(file) for file in Path(case.rain_folder).glob("*.tif"))
    means = run("antecedentprecipitation", {"INPUT": rain, "DAYS": 2, "OUTPUT": str(tmp_path / "p")})
    assert means["COUNT"] == 2
    # A file that is given twice is one.
    both = {**values, "SMAP": [case.smap_folder, files[0]], "OUTPUT": str(tmp_path / "c.csv")}
    assert run("regressionmatrix", both)["COUNT"] == whole["COUNT"]


def test_years_of_files_are_put_back_without_opening_one(qgis_provider, case, tmp_path, opened):
    from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog
    from qgis.core import QgsRasterLayer

    first = next(Path(case.rain_folder).glob("*.tif"))
    files = [str(tmp_path / f"rain_{number:04}.tif") for number in range(YEARS)]
    for file in files:
        os.link(first, file)
    QgsRasterLayer(files[0], "one")
    assert len(opened) == 1
    context = of_the_project()
    for name, parameter in (("regressionmatrix", "DYNAMIC"), ("fieldvalidation", "SMAP")):
        algorithm = qgis_provider.algorithm(name).create()
        given = {"SMAP": case.smap_folder, parameter: files}
        shown = through_the_dialog(qgis_provider, name, given)
        assert shown[parameter] == files
        definition = algorithm.parameterDefinition(parameter)
        # What the dialog does before a run, for the history, and for 'Copy as'.
        assert definition.checkValueIsAcceptable(files, context)
        assert algorithm.validateInputCrs(shown, context)
        assert algorithm.asMap(shown, context)["inputs"][parameter] == files
        assert files[-1] in algorithm.asPythonCommand(shown, context)
        command, good = algorithm.asQgisProcessCommand(shown, context)
        assert good
        assert files[-1] in command
        # Kept: QGIS deletes a dialog without a window by itself.
        batch = BatchAlgorithmDialog(algorithm)
        panel = batch.mainWidget()
        panel.wrappers[0][panel.parameter_to_column[parameter]].setParameterValue(files, context)
        assert panel.valueForParameter(0, parameter) == files
    assert len(opened) == 1


def test_a_batch_takes_folders_and_gives_them_back(qgis_provider, case, layer):
    from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog
    from qgis.core import QgsProcessingContext

    dialog = BatchAlgorithmDialog(qgis_provider.algorithm("regressionmatrix").create())
    panel = dialog.mainWidget()
    rows = [
        {"SMAP": case.smap_folder, "DYNAMIC": [case.rain_folder], "COVARIATES": case.coarse_stack},
        {"SMAP": layer.id(), "DYNAMIC": [case.rain_folder, layer.id()], "COVARIATES": case.coarse_stack},
    ]
    panel.load_batch_file_3_40_version({"rows": [{"PARAMETERS": row, "OUTPUTS": {}} for row in rows]})
    gc.collect()
    found = [panel.parametersForRow(number, QgsProcessingContext(), None, False)[0] for number in range(2)]
    assert [row["SMAP"] for row in found] == [case.smap_folder, layer.id()]
    assert [row["DYNAMIC"] for row in found] == [case.rain_folder, [case.rain_folder, layer.id()]]
    # An empty cell is one: 'Autofill' looks for the first.
    panel.addRow()
    assert panel.valueForParameter(2, "SMAP") is None


def pass_through_the_modeler(model):
    """Open each step and press OK, as the model designer does."""
    from processing.modeler.ModelerParametersDialog import ModelerParametersDialog

    for child_id in list(model.childAlgorithms()):
        # A copy: the model's own ends with the step that takes its place, before the dialog.
        algorithm = model.childAlgorithm(child_id).algorithm().create()
        dialog = ModelerParametersDialog(algorithm, model, child_id)
        _KEPT.append((algorithm, dialog))
        gc.collect()
        after = dialog.createAlgorithm()
        after.copyNonDefinitionPropertiesFromModel(model)
        model.setChildAlgorithm(after)


@pytest.mark.parametrize("name", ["smaptomaps", "mapeveryday", "prepare", "trainandmap", "validate"])
def test_steps_of_shipped_models_stay_as_they_are_in_the_modeler(qgis_provider, name, tmp_path):
    from qgis.core import QgsProcessingModelAlgorithm

    from smap_downscaler.toolbox.provider import MODELS

    model = QgsProcessingModelAlgorithm()
    assert model.fromFile(str(MODELS / f"{name}.model3"))
    before = sources_of(model)
    assert before
    for _ in range(2):
        pass_through_the_modeler(model)
        assert model.toFile(str(tmp_path / "saved.model3"))
        model = QgsProcessingModelAlgorithm()
        assert model.fromFile(str(tmp_path / "saved.model3"))
    after = sources_of(model)
    assert {key: value for key, value in after.items() if key in before} == before
    # The rest is what the dialog writes down of defaults: no wire.
    assert all(kind == "static" for key, value in after.items() if key not in before for kind, *_ in value)
    assert any(step.modelOutputs() for step in model.childAlgorithms().values())


def sources_of(model):
    """What each parameter of each step is given."""
    from qgis.core import Qgis

    kinds = Qgis.ProcessingModelChildParameterSource

    def told(source):
        if source.source() == kinds.ChildOutput:
            return "output", source.outputChildId(), source.outputName()
        if source.source() == kinds.ModelParameter:
            return "input", source.parameterName()
        return "static", repr(source.staticValue())

    return {
        (child_id, name): [told(source) for source in sources]
        for child_id, step in model.childAlgorithms().items()
        for name, sources in step.parameterSources().items()
    }


def old_model(case):
    """A model as 0.6.0 had them: folders and lists of files as QGIS's own kinds of parameters."""
    from qgis.core import (
        Qgis,
        QgsProcessingModelAlgorithm,
        QgsProcessingModelChildAlgorithm,
        QgsProcessingModelChildParameterSource,
        QgsProcessingModelOutput,
        QgsProcessingModelParameter,
        QgsProcessingParameterFile,
        QgsProcessingParameterMultipleLayers,
    )

    source = QgsProcessingModelChildParameterSource
    model = QgsProcessingModelAlgorithm("old")
    for definition in (
        QgsProcessingParameterFile("SMAP", "SMAP", Qgis.ProcessingFileParameterBehavior.Folder),
        QgsProcessingParameterMultipleLayers("MORE", "Dated", Qgis.ProcessingSourceType.File),
    ):
        model.addModelParameter(definition, QgsProcessingModelParameter(definition.name()))
    rain = QgsProcessingModelChildAlgorithm("smapdownscaler:antecedentprecipitation")
    rain.setChildId("rain")
    rain.addParameterSources("INPUT", [source.fromStaticValue(case.rain_folder)])
    rain.addParameterSources("DAYS", [source.fromStaticValue(1)])
    rain.addParameterSources("LAG", [source.fromStaticValue(0)])
    model.addChildAlgorithm(rain)
    matrix = QgsProcessingModelChildAlgorithm("smapdownscaler:regressionmatrix")
    matrix.setChildId("matrix")
    matrix.addParameterSources("SMAP", [source.fromModelParameter("SMAP")])
    matrix.addParameterSources("COVARIATES", [source.fromStaticValue(case.coarse_stack)])
    matrix.addParameterSources(
        "DYNAMIC", [source.fromModelParameter("MORE"), source.fromChildOutput("rain", "OUTPUT")]
    )
    matrix.addParameterSources("DYNAMIC_NAMES", [source.fromStaticValue("more,wet")])
    output = QgsProcessingModelOutput("Table")
    output.setChildId("matrix")
    output.setChildOutputName("OUTPUT")
    matrix.setModelOutputs({"Table": output})
    model.addChildAlgorithm(matrix)
    return model


def test_an_old_model_loads_passes_the_modeler_and_runs(qgis_provider, case, tmp_path):
    import processing
    from qgis.core import QgsProcessingModelAlgorithm

    path = tmp_path / "old.model3"
    assert old_model(case).toFile(str(path))
    assert "smapseries" not in path.read_text(encoding="utf-8")
    model = QgsProcessingModelAlgorithm()
    assert model.fromFile(str(path))
    before = sources_of(model)
    pass_through_the_modeler(model)
    wires = {key: value for key, value in sources_of(model).items() if key in before}
    assert wires == before
    assert wires["matrix", "DYNAMIC"] == [("input", "MORE"), ("output", "rain", "OUTPUT")]
    files = sorted(str(file) for file in Path(case.rain_folder).glob("*.tif"))
    table = tmp_path / "m.csv"
    processing.run(model, {"SMAP": case.smap_folder, "MORE": files, "table": str(table)})
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(int(np.isfinite(case.smap[date]).sum()) for date in DATES)
    assert {"more", "wet"} <= set(rows[0])


def test_a_model_can_ask_for_a_series(qgis_provider, tmp_path):
    """Made in the model designer, changed there, saved, copied, exported."""
    from qgis.core import (
        QgsProcessing,
        QgsProcessingContext,
        QgsProcessingModelAlgorithm,
        QgsProcessingModelParameter,
    )
    from qgis.gui import QgsProcessingParameterDefinitionDialog, QgsProcessingParameterWidgetContext

    model, context = QgsProcessingModelAlgorithm("asks"), QgsProcessingContext()
    about = QgsProcessingParameterWidgetContext()
    about.setModel(model)
    dialog = QgsProcessingParameterDefinitionDialog("smapseries", context, about, None, model)
    made = dialog.createParameter("RAIN")
    made.setDescription("Rain of days")
    model.addModelParameter(made, QgsProcessingModelParameter("RAIN"))
    del made, dialog
    gc.collect()
    for _ in range(2):
        assert model.toFile(str(tmp_path / "asks.model3"))
        copy = QgsProcessingModelAlgorithm()
        assert copy.fromFile(str(tmp_path / "asks.model3"))
        found = copy.parameterDefinition("RAIN")
        assert (found.type(), found.description()) == ("smapseries", "Rain of days")
        assert found.toVariantMap() == model.parameterDefinition("RAIN").toVariantMap()
        assert found.clone().toVariantMap() == found.toVariantMap()
        # Opened again in the designer, and put back.
        dialog = QgsProcessingParameterDefinitionDialog("smapseries", context, about, found, copy)
        made = dialog.createParameter("RAIN")
        copy.removeModelParameter("RAIN")
        copy.addModelParameter(made, QgsProcessingModelParameter("RAIN"))
        del made, dialog, found
        gc.collect()
        model = copy
    kind = QgsProcessing.PythonOutputType.PythonQgsProcessingAlgorithmSubclass
    code = "\n".join(model.asPythonCode(kind, 4))
    assert "from smap_downscaler.toolbox.series_parameter import SeriesParameter" in code
    assert "SeriesParameter('RAIN', 'Rain of days', optional=False, several=False, defaultValue=None)" in code


def widget_in(dialog, name):
    """The widget of a parameter in a dialog."""
    from smap_downscaler.toolbox.series_widget import SeriesWidget

    wrapper = dialog.mainWidget().wrappers[name]
    return next(child for child in wrapper.wrappedWidget().findChildren(SeriesWidget))


def test_the_widget_adds_to_several_and_replaces_one(qgis_provider, case, layer, monkeypatch):
    from qgis.PyQt.QtWidgets import QFileDialog

    dialog = dialog_of(qgis_provider, "regressionmatrix")
    chosen = iter([case.rain_folder, case.smap_folder, case.rain_folder, case.smap_folder])
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *about: next(chosen))
    found = {}
    for name in ("DYNAMIC", "SMAP"):
        widget = widget_in(dialog, name)
        for _ in range(2):
            widget.fill_menu()
            widget.menu.actions()[0].trigger()
        widget.fill_menu()
        layers = next(action.menu() for action in widget.menu.actions() if action.menu())
        assert [action.text() for action in layers.actions()] == [layer.name()]
        found[name] = widget
    assert found["DYNAMIC"].value() == [case.rain_folder, case.smap_folder]
    assert found["SMAP"].value() == case.smap_folder
    layers.actions()[0].trigger()
    assert found["SMAP"].value() == layer.id()
    assert found["SMAP"].line.text() == layer.name()
    several = found["DYNAMIC"]
    assert several.line.text() == f"{case.rain_folder}; {case.smap_folder}"
    several.line.setText(f"{layer.name()} ; {case.smap_folder}")
    several.line.textEdited.emit(several.line.text())
    assert several.value() == [layer.name(), case.smap_folder]
    several.fill_menu()
    remove = several.menu.actions()[-1].menu()
    remove.actions()[0].trigger()
    assert several.value() == case.smap_folder
    several.line.clearValue()
    assert several.value() is None
    assert dialog.mainWidget().wrappers["SMAP"].parameterValue() == layer.id()


def test_files_folders_and_layers_can_be_dropped(qgis_provider, case, layer):
    from qgis.core import QgsMimeDataUtils
    from qgis.PyQt.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
    from qgis.PyQt.QtGui import QDragEnterEvent, QDropEvent
    from qgis.PyQt.QtWidgets import QApplication

    dialog = dialog_of(qgis_provider, "regressionmatrix")
    files = QMimeData()
    files.setUrls([QUrl.fromLocalFile(case.rain_folder), QUrl.fromLocalFile(case.smap_folder)])
    layers = QgsMimeDataUtils.encodeUriList([QgsMimeDataUtils.Uri(layer)])
    for name, values in (
        ("DYNAMIC", [case.rain_folder, case.smap_folder, layer.id()]),
        ("SMAP", layer.id()),
    ):
        widget = widget_in(dialog, name)
        for data in (files, layers):
            how = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
            QApplication.sendEvent(widget.line, QDragEnterEvent(QPoint(3, 3), *how))
            QApplication.sendEvent(widget.line, QDropEvent(QPointF(3, 3), *how))
        assert widget.value() == values


def test_what_is_kept_of_a_wrapper_ends_with_it(qgis_provider):
    from qgis.core import QgsProcessingContext
    from qgis.gui import QgsGui, QgsProcessingGui
    from qgis.PyQt import sip

    from smap_downscaler.toolbox import series_widget

    algorithm = qgis_provider.algorithm("downscale").create()
    parameter = algorithm.parameterDefinition("DYNAMIC")

    def made():
        return QgsGui.processingGuiRegistry().createParameterWidgetWrapper(
            parameter, QgsProcessingGui.WidgetType.Standard
        )

    wrapper = made()
    _, mark = series_widget._ALIVE[-1]
    gc.collect()
    widget = wrapper.createWrappedWidget(QgsProcessingContext())
    own, _ = series_widget._ALIVE[-1]
    sip.delete(wrapper)
    gc.collect()
    other = made()
    ends = [end for _, end in series_widget._ALIVE]
    assert mark not in ends
    assert own in ends
    # The widget outlives its wrapper, and Python's part of it outlives both.
    sip.delete(widget)
    assert sip.isdeleted(own)
    del other
    last = made()
    assert own not in [end for _, end in series_widget._ALIVE]
    sip.delete(last)


def test_no_layer_that_qgis_alone_cuts_is_taken(run, case, layer, tmp_path):
    from qgis.core import QgsProcessingException, QgsRasterRange

    layer.dataProvider().setUserNoDataValue(1, [QgsRasterRange(5.5, 5.5)])
    values = {"COVARIATES": case.coarse_stack, "OUTPUT": str(tmp_path / "m.csv")}
    with pytest.raises(QgsProcessingException) as refused:
        run("regressionmatrix", {"SMAP": layer.id(), **values}, of_the_project())
    assert str(refused.value) == (
        "SMAP: QGIS takes 5.5 in the layer wetness as no data, which its file does not say; save it anew "
        "with that as no data (Export > Save As)."
    )
