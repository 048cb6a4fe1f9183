"""Each algorithm as rows of a batch and as a step of a model, as users string them together."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from gap_case import CELLS, make_gap_case
from report_reader import FigureTexts, check_numbers
from small_case import make_small_case, write_small_stations
from smap_downscaler.methods.features import FeatureSettings
from triple_case import make_triple_case

_KEPT = []
FOREST = {"PRESET": "custom", "N_ESTIMATORS": 5, "MINIMUM_CELLS": 20}
SERIES = {"INPUT": "{case}/gaps/matrix.gpkg", **FOREST, "MINIMUM_DATES": 20}
#: Inputs and outputs of each algorithm in terms of a small case; {case} and {out} are folders.  What comes
#: after the algorithm's id tells its runs apart.
RUNS = {
    "createdemodata": ({"DAYS": 1, "CELLS": 30}, {"OUTPUT": "{out}/basin"}, "basin/dem.tif"),
    "importsmap": ({"INPUT": "{case}/smap"}, {"OUTPUT": "{out}/smap"}, "smap/report.csv"),
    "terrainindices": (
        {"INPUT": "{case}/dem.tif", "ENGINE": "built-in"},
        {"TWI_FD8": "{out}/twi.tif", "STATISTICS": "{out}/s.gpkg", "REPORT": "{out}/report.html"},
        "twi.tif",
    ),
    "harmonisecovariates": (
        {"INPUT": ["{case}/dem.tif"], "SMAP": "{case}/smap", "RESOLUTION": 1000},
        {"OUTPUT_COARSE": "{out}/coarse.tif", "OUTPUT_FINE": "{out}/fine.tif", "REPORT": "{out}/report.html"},
        "fine.tif",
    ),
    "antecedentprecipitation": (
        {"INPUT": "{case}/rain", "DAYS": 1},
        {"OUTPUT": "{out}/antecedent"},
        "antecedent/p_antecedent_20210102.tif",
    ),
    "seasonalprecipitation": (
        {"INPUT": "{case}/rain", "SEASONS": "p_djf=12,1,2"},
        {"OUTPUT": "{out}/seasons.tif"},
        "seasons.tif",
    ),
    "regressionmatrix": (
        {"SMAP": "{case}/smap", "COVARIATES": "{case}/coarse.tif"},
        {"OUTPUT": "{out}/matrix.gpkg", "DATES": "{out}/dates.gpkg", "REPORT": "{out}/report.html"},
        "matrix.gpkg",
    ),
    "trainforests": (
        {"INPUT": "{case}/matrix.gpkg", **FOREST},
        {"OUTPUT": "{out}/forests.smapforest", "REPORT": "{out}/report.html"},
        "forests.smapforest",
    ),
    "crossvalidate area-to-point": (
        {
            "METHOD": "area-to-point model",
            "SMAP": "{case}/smap",
            "COVARIATES": "{case}/fine.tif",
            "FOOTPRINT": "0",
            "FOLDS": 10,
            "BLOCKS": 0,
        },
        {"OUTPUT": "{out}/scores.gpkg", "REPORT": "{out}/report.html"},
        "report.html",
    ),
    "crossvalidate": (
        {"INPUT": "{case}/matrix.gpkg", **FOREST, "FOLDS": 2, "BLOCKS": 36},
        {"OUTPUT": "{out}/scores.gpkg", "REPORT": "{out}/report.html"},
        "report.html",
    ),
    "crossvalidate scikit-learn": (
        {"INPUT": "{case}/matrix.gpkg", **FOREST, "FOLDS": 2, "BLOCKS": 0, "ENGINE": "scikit-learn"},
        {"OUTPUT": "{out}/scores.gpkg"},
        "scores.gpkg",
    ),
    "trainforests by cell": (
        {**SERIES, "MODE": "by cell"},
        {"OUTPUT": "{out}/forests.smapforest", "REPORT": "{out}/report.html"},
        "forests.smapforest",
    ),
    "trainforests pooled": (
        {**SERIES, "MODE": "pooled", "DAY_OF_YEAR": True},
        {"OUTPUT": "{out}/forests.smapforest", "REPORT": "{out}/report.html"},
        "forests.smapforest",
    ),
    "crossvalidate by cell": (
        {**SERIES, "MODE": "by cell", "FOLDS": 2, "PERIOD": 10, "NEIGHBOURS": True},
        {"OUTPUT": "{out}/scores.gpkg", "REPORT": "{out}/report.html"},
        "report.html",
    ),
    "crossvalidate pooled": (
        {**SERIES, "MODE": "pooled", "FOLDS": 2, "BLOCKS": 0, "PERIOD": 10},
        {"OUTPUT": "{out}/scores.gpkg", "REPORT": "{out}/report.html"},
        "report.html",
    ),
    "trainareamodel": (
        {"SMAP": "{case}/smap", "COVARIATES": "{case}/fine.tif", "FOOTPRINT": "0"},
        {"OUTPUT": "{out}/m.smapmodel", "SCORES": "{out}/scores.gpkg", "REPORT": "{out}/report.html"},
        "m.smapmodel",
    ),
    "fieldvalidation": (
        {
            "SERIES": "{case}/smap",
            "STATIONS": "{case}/field.csv",
            "CRS": "EPSG:6933",
            "SMAP": "{case}/smap",
        },
        {"OUTPUT": "{out}/pairs.gpkg", "METRICS": "{out}/metrics.gpkg", "REPORT": "{out}/field.html"},
        "field.html",
    ),
    "triplecollocation": (
        {
            "SERIES": "{case}/triples/maps",
            "THIRD": "{case}/triples/third",
            "STATIONS": "{case}/triples/stations.csv",
            "CRS": "EPSG:6933",
        },
        {"OUTPUT": "{out}/triples.gpkg", "PREFLIGHT": "{out}/b.gpkg", "REPORT": "{out}/triples.html"},
        "triples.html",
    ),
    "downscale": (
        {"FORESTS": "{case}/forests.smapforest", "COVARIATES": "{case}/fine.tif"},
        {"OUTPUT": "{out}/maps", "PREFLIGHT": "{out}/preflight.gpkg", "REPORT": "{out}/report.html"},
        "maps/series.vrt",
    ),
    "quantilecorrelation": (
        {"INPUT": "{case}/pairs.csv", "X_FIELD": "map", "Y_FIELD": "field", "SCALES": "1-2"},
        {"OUTPUT": "{out}/mqcc.gpkg", "REPORT": "{out}/mqcc.html"},
        "mqcc.html",
    ),
    "cascade": (
        {
            "FORESTS": "{case}/forests.smapforest",
            "COVARIATES": "{case}/fine.tif",
            "DATE": "2021-01-01",
            "RESOLUTIONS": "3000",
        },
        {"OUTPUT": "{out}/cascade", "PREFLIGHT": "{out}/before.gpkg", "REPORT": "{out}/report.html"},
        "cascade/soil_moisture_20210101_3000m.tif",
    ),
    "comparemaps": (
        {"INPUT": "{case}/triples/maps", "REFERENCE": "{case}/triples/third", "SMAP": "{case}/smap"},
        {"OUTPUT": "{out}/comparison.gpkg", "PREFLIGHT": "{out}/b.gpkg", "REPORT": "{out}/comparison.html"},
        "comparison.gpkg",
    ),
    "skillexperiment": (
        {
            "METHODS": ["nearest", "linear"],
            "SHARES": "0.4",
            "FOOTPRINT": "0",
            "DATES": "1",
            "CELLS": 10,
            "PIXEL": 3000,
            "SWATHS": False,
        },
        {"OUTPUT": "{out}/skill.gpkg", "MAPS": "{out}/skill_maps.gpkg", "REPORT": "{out}/skill.html"},
        "skill.gpkg",
    ),
    "mapsheet": (
        {"SERIES": "{case}/smap", "KIND": "days", "DPI": 60},
        {"OUTPUT": "{out}/sheet.png", "TABLE": "{out}/sheet.csv", "PROJECT": "{out}/sheet.qgz"},
        "sheet.qgz",
    ),
    "samplesquares": (
        {"COVARIATES": "{case}/fine.tif", "SMAP": "{case}/smap", "COUNT": 20},
        {"OUTPUT": "{out}/squares.gpkg", "PREFLIGHT": "{out}/before.gpkg"},
        "squares.gpkg",
    ),
    "moisturestatistics": (
        {"INPUT": "{case}/squares.gpkg", "SERIES": ["{case}/smap"], "COVARIATES": "{case}/fine.tif"},
        {"OUTPUT": "{out}/statistics.gpkg", "TABLE": "{out}/table.gpkg", "REPORT": "{out}/report.html"},
        "table.gpkg",
    ),
    "principalcomponents": (
        {"INPUT": "{case}/squares.gpkg", "FIELDS": ["x", "y", "row"], "SUPPLEMENTARY": ["col"]},
        {"OUTPUT": "{out}/scores.gpkg", "LOADINGS": "{out}/loadings.gpkg", "REPORT": "{out}/report.html"},
        "loadings.gpkg",
    ),
    "fillgaps": (
        {
            "SMAP": "{case}/gaps/smap",
            "FORESTS": "{case}/gaps/forests.smapforest",
            "DYNAMIC": ["{case}/gaps/p_3d"],
        },
        {"OUTPUT": "{out}/filled", "PREFLIGHT": "{out}/before.gpkg", "REPORT": "{out}/report.html"},
        "filled/series.vrt",
    ),
}


@pytest.fixture(scope="module")
def case(tmp_path_factory, qgis_provider):
    """A small case with what every step needs."""
    import processing

    from smap_downscaler.geo.geotiff import Band, write_geotiff

    folder = tmp_path_factory.mktemp("case")
    small = make_small_case(folder)
    from small_case import PIXELS

    days = (f"2021-03-{day:02d},{day % 7},{day % 5}\n" for day in range(1, 32))
    (folder / "pairs.csv").write_text("date,map,field\n" + "".join(days))
    write_geotiff(folder / "dem.tif", PIXELS, small.fine[0], [Band("elevation", "m")])
    write_small_stations(folder / "field.csv")
    make_triple_case(folder / "triples")
    matrix = {
        "SMAP": small.smap_folder,
        "COVARIATES": small.coarse_stack,
        "OUTPUT": str(folder / "matrix.gpkg"),
    }
    processing.run("smapdownscaler:regressionmatrix", matrix)
    forests = {"INPUT": str(folder / "matrix.gpkg"), **FOREST, "OUTPUT": str(folder / "forests.smapforest")}
    processing.run("smapdownscaler:trainforests", forests)
    squares = {"COVARIATES": small.fine_stack, "COUNT": 20, "OUTPUT": str(folder / "squares.gpkg")}
    processing.run("smapdownscaler:samplesquares", squares)
    gaps = make_gap_case(folder / "gaps")
    gaps.forests(folder / "gaps" / "forests.smapforest", FeatureSettings())
    write_geotiff(
        gaps.folder / "clay.tif", CELLS, np.arange(12, dtype=np.float32).reshape(3, 4), [Band("clay", "%")]
    )
    series = {
        "SMAP": str(gaps.smap),
        "COVARIATES": str(gaps.folder / "clay.tif"),
        "DYNAMIC": [str(gaps.rain_folder)],
        "OUTPUT": str(folder / "gaps" / "matrix.gpkg"),
    }
    processing.run("smapdownscaler:regressionmatrix", series)
    return folder


def id_of(name: str) -> str:
    """The algorithm of one of `RUNS`."""
    return name.split()[0]


def filled(values: dict, case: Path, out: Path) -> dict:
    """The values with the folders put in."""

    def put(value):
        if isinstance(value, list):
            return [put(item) for item in value]
        return value.format(case=case, out=out) if isinstance(value, str) else value

    return {name: put(value) for name, value in values.items()}


def test_every_algorithm_is_tried_here(qgis_provider):
    from smap_downscaler.toolbox.algorithm import SmapAlgorithm

    names = {a.name() for a in qgis_provider.algorithms() if isinstance(a, SmapAlgorithm)}
    # The whole chain is tried in tests/steps/chain.
    assert names - {"downscalesmap"} == {id_of(name) for name in RUNS}


@pytest.mark.parametrize("name", RUNS)
def test_two_rows_of_a_batch(qgis_provider, case, tmp_path, monkeypatch, name):
    """Row after row in the background task that the batch dialog starts for each.

    The dialog itself is opened in test_chain.py and by `make window`: some of its widgets need a window.
    Each number of a report stands in the table beside it; the second row has a report only where that is what
    is looked at.
    """
    from qgis.core import (
        QgsApplication,
        QgsProcessingAlgRunnerTask,
        QgsProcessingContext,
        QgsProcessingFeedback,
    )
    from qgis.PyQt.QtCore import QCoreApplication

    inputs, outputs, made = RUNS[name]
    figures = FigureTexts(monkeypatch)
    short = {output: path for output, path in outputs.items() if output != "REPORT" or path.endswith(made)}
    for row, wanted in {"first": outputs, "second": short}.items():
        context, feedback = QgsProcessingContext(), QgsProcessingFeedback(False)
        values = filled({**inputs, **wanted}, case, tmp_path / row)
        task = QgsProcessingAlgRunnerTask(qgis_provider.algorithm(id_of(name)), values, context, feedback)
        ended = []
        task.executed.connect(lambda good, results, ended=ended: ended.append((good, results)))
        # The task uses them until QGIS deletes it, some time after its end.
        _KEPT.append((context, feedback))
        QgsApplication.taskManager().addTask(task)
        until = time.monotonic() + 600
        tasks = QgsApplication.taskManager()
        while not (ended and not tasks.countActiveTasks()) and time.monotonic() < until:
            QCoreApplication.processEvents()
            time.sleep(0.005)
        ((good, done),) = ended
        assert good
        assert (tmp_path / row / made).exists()
        if "REPORT" in wanted:
            report = Path(values["REPORT"])
            assert done["REPORT"] == str(report)
            assert done["REPORT_NUMBERS"] == str(report.with_name(f"{report.stem}_numbers.csv"))
            check_numbers(done, figures)
            figures.texts.clear()


@pytest.mark.parametrize("name", RUNS)
def test_a_step_of_a_model(qgis_provider, case, feedback, tmp_path, name):
    """The values come from the model's own inputs, as when the modeler strings steps together."""
    from qgis.core import (
        QgsProcessingContext,
        QgsProcessingModelAlgorithm,
        QgsProcessingModelChildAlgorithm,
        QgsProcessingModelChildParameterSource,
        QgsProcessingModelOutput,
        QgsProcessingModelParameter,
    )

    inputs, outputs, made = RUNS[name]
    model = QgsProcessingModelAlgorithm("one step", "test", "test")
    child = QgsProcessingModelChildAlgorithm(f"smapdownscaler:{id_of(name)}")
    child.setChildId("step")
    for parameter in inputs:
        definition = qgis_provider.algorithm(id_of(name)).parameterDefinition(parameter).clone()
        model.addModelParameter(definition, QgsProcessingModelParameter(parameter))
        child.addParameterSources(
            parameter, [QgsProcessingModelChildParameterSource.fromModelParameter(parameter)]
        )
    shown = {}
    for output in outputs:
        shown[output] = QgsProcessingModelOutput(output)
        shown[output].setChildId("step")
        shown[output].setChildOutputName(output)
        shown[output].setDescription(output)
    child.setModelOutputs(shown)
    model.addChildAlgorithm(child)
    destinations = {
        definition.name(): filled(outputs, case, tmp_path)[definition.description()]
        for definition in model.destinationParameterDefinitions()
    }
    assert len(destinations) == len(outputs)
    values = {**filled(inputs, case, tmp_path), **destinations}
    context = QgsProcessingContext()
    _results, good = model.run(values, context, feedback, {}, False)
    assert good
    assert (tmp_path / made).exists()


@pytest.mark.parametrize("name", {id_of(name): name for name in RUNS}.values())
def test_what_a_dialog_sends_for_an_empty_field_is_not_given(run, said, qgis_provider, case, tmp_path, name):
    """None from scripts, NULL and an empty text from dialogs: for each, all that may be empty at once.

    Outputs too, but for the one that is looked at.
    """
    from qgis.core import Qgis
    from qgis.PyQt.QtCore import QVariant

    inputs, outputs, made = RUNS[name]
    algorithm = qgis_provider.algorithm(id_of(name))
    optional = {
        definition.name()
        for definition in algorithm.parameterDefinitions()
        if definition.flags() & Qgis.ProcessingParameterFlag.Optional
    }
    outputs = {
        output: path
        for output, path in outputs.items()
        if output not in optional or f"{{out}}/{made}".startswith(path)
    }
    empty = optional - {*inputs, *outputs}
    found = {}
    for label, value in {"none": None, "null": QVariant(QVariant.String), "text": ""}.items():
        said.warnings.clear()
        values = filled({**inputs, **outputs}, case, tmp_path / label)
        results = run(id_of(name), {**values, **dict.fromkeys(empty, value)})
        assert (tmp_path / label / made).exists()
        found[label] = sorted(results), len(said.warnings)
    assert found["null"] == found["text"] == found["none"]


@pytest.mark.parametrize("name", {id_of(name): name for name in RUNS}.values())
def test_outputs_that_cannot_be_written_are_refused_before_the_work(
    qgis_provider, by_ids, case, tmp_path, name
):
    """Each output in turn, below a file and in the place of what is of another kind."""
    from qgis.core import QgsProcessingContext

    endings = {"SERIES": ".vrt", "REPORT": ".html", "LAYOUT": ".qpt", "PROJECT": ".qgz"}
    kinds = {"rasterDestination": ".tif", "sink": ".gpkg", "vectorDestination": ".gpkg"}
    inputs, outputs, _made = RUNS[name]
    algorithm = qgis_provider.algorithm(id_of(name))
    outputs = filled(outputs, case, tmp_path)
    (tmp_path / "file").write_text("no folder")
    for definition in algorithm.destinationParameterDefinitions():
        asked, kind = definition.name(), definition.type()
        ending = Path(outputs[asked]).suffix if asked in outputs else endings.get(asked, kinds.get(kind, ""))
        below, taken = tmp_path / "file" / f"new{ending}", tmp_path / f"taken_{asked}{ending}"
        is_folder = kind == "folderDestination"
        taken.write_text("") if is_folder else taken.mkdir()
        what = "file; choose a folder" if is_folder else "folder; choose a file"
        sentences = {
            below: f"{below} cannot be written ({tmp_path / 'file'} is no folder); choose another place.",
            taken: f"{taken} is a {what}.",
        }
        for path, sentence in sentences.items():
            values = {**filled(inputs, case, tmp_path), **outputs, asked: str(path)}
            good, told = algorithm.checkParameterValues(values, QgsProcessingContext())
            assert (good, by_ids(told)) == (False, f"{asked}: {sentence}")


def test_every_algorithm_with_a_report_is_among_the_reported(qgis_provider):
    from smap_downscaler.toolbox.algorithm import SmapAlgorithm

    tools = [a for a in qgis_provider.algorithms() if isinstance(a, SmapAlgorithm)]
    having = {a.name() for a in tools if a.parameterDefinition("REPORT") is not None}
    assert having == {id_of(name) for name, (_, outputs, _) in RUNS.items() if "REPORT" in outputs}
