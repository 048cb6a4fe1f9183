"""createdemodata as QGIS calls it: contract, metadata, refusals, runs."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def algorithm(qgis_provider):
    from qgis.core import QgsApplication

    return QgsApplication.processingRegistry().createAlgorithmById("smapdownscaler:createdemodata")


def small(folder, **more):
    return {"CELLS": 30, "DAYS": 2, "OUTPUT": str(folder), **more}


# The contract.


def test_parameters_and_outputs(algorithm):
    definitions = algorithm.parameterDefinitions()
    assert [definition.name() for definition in definitions] == [
        "SEED", "DAYS", "START", "FOOTPRINT", "NOISE", "CELLS", "LOAD", "OUTPUT",
    ]  # fmt: skip
    numbers = {
        definition.name(): (definition.defaultValue(), definition.minimum(), definition.maximum())
        for definition in definitions
        if definition.type() == "number"
    }
    assert numbers == {
        "SEED": (42, 0, 2**31 - 1),
        "DAYS": (None, 1, 366),
        "FOOTPRINT": (0, 0, 100),
        "NOISE": (0.02, 0, 0.2),
        "CELLS": (300, 30, 1000),
    }
    assert {output.name() for output in algorithm.outputDefinitions()} == {"OUTPUT", "COUNT", "SMAP_CELLS"}


def test_metadata_and_help(algorithm):
    assert algorithm.displayName() == "Create demo data (a basin with known truth)"
    assert algorithm.groupId() == "workflows"
    assert algorithm.shortDescription().startswith("Makes up a basin in the Andes")
    for definition in algorithm.parameterDefinitions():
        assert definition.help(), definition.name()
    assert "replaced" in algorithm.shortHelpString()


# Refusals.


def test_files_of_others(refusal, tmp_path):
    (tmp_path / "dem.tif").write_text("precious")
    assert refusal("createdemodata", small(tmp_path)) == (
        f"OUTPUT: {tmp_path} already holds a dem.tif that is not demo data; choose another folder."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["dem.tif"]


def test_the_dialog_is_warned_before_the_run(algorithm, by_ids, tmp_path):
    from qgis.core import QgsProcessingContext

    (tmp_path / "file").write_text("")
    good, message = algorithm.checkParameterValues(small(tmp_path / "file"), QgsProcessingContext())
    assert not good
    assert by_ids(message) == f"OUTPUT: {tmp_path / 'file'} is a file; choose a folder."


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("CELLS", 7, "CELLS: 7 is outside 30 to 1000; choose a value in between."),
        ("DAYS", 400, "DAYS: 400 is outside 1 to 366; choose a value in between."),
        ("NOISE", 0.5, "NOISE: 0.5 is outside 0 to 0.2 m3 m-3; choose a value in between."),
        ("START", "soon", "START: 'soon' is no date; give it as YYYY-MM-DD."),
    ],
)
def test_bad_values(refusal, tmp_path, name, value, sentence):
    # Models and scripts pass over QGIS's own check of the range.
    assert refusal("createdemodata", small(tmp_path / "out", **{name: value})) == sentence
    assert not (tmp_path / "out").exists()


# Runs.


def test_a_run(run, said, tmp_path):
    out = tmp_path / "deep" / "out"
    outputs = run("createdemodata", small(out, SEED=3, START="2022-01-01", FOOTPRINT=33))
    assert outputs["OUTPUT"] == str(out)
    assert outputs["COUNT"] == len(list((out / "smap").glob("smap_202201*.tif")))
    assert outputs["SMAP_CELLS"] >= 30
    assert sorted(path.name for path in (out / "truth").iterdir()) == [
        "soil_moisture_20220101.tif", "soil_moisture_20220102.tif",
    ]  # fmt: skip
    readme = (out / "README.txt").read_text(encoding="utf-8")
    assert "SEED       3\nDAYS       2\nSTART      2022-01-01\nFOOTPRINT  33 km\n" in readme
    assert any(line.startswith(f"{outputs['SMAP_CELLS']} SMAP cells in the basin") for line in said.info)
    assert any("of 22 days simulated" in text for text in said.progress_texts)
    assert said.progress == sorted(said.progress)
    assert said.progress[-1] == pytest.approx(100)


def test_defaults_and_a_temporary_folder(run):
    outputs = run("createdemodata", {"CELLS": 30, "DAYS": 1, "START": None, "OUTPUT": "TEMPORARY_OUTPUT"})
    folder = Path(outputs["OUTPUT"])
    assert [path.name for path in (folder / "truth").iterdir()] == ["soil_moisture_20210105.tif"]
    assert "SEED       42" in (folder / "README.txt").read_text(encoding="utf-8")


def test_cancelled(run, feedback, tmp_path):
    feedback.cancel_when = lambda text: "days simulated" in text
    assert run("createdemodata", small(tmp_path / "out")) == {}
    found = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert not [path for path in found if ".part" in path.name]
    assert not [path for path in found if path.name == "stations.csv"]
    assert "Not finished" in (tmp_path / "out" / "README.txt").read_text(encoding="utf-8")


def test_the_files_are_what_the_readers_read(run, tmp_path):
    from qgis.core import QgsRasterLayer, QgsVectorLayer

    from smap_downscaler.series.series import open_series

    run("createdemodata", small(tmp_path))
    for name, dates in (("smap", 2), ("precipitation", 22), ("truth", 2)):
        assert len(open_series(str(tmp_path / name)).dates) == dates
    for name in ("dem.tif", "mask.tif", "soil/clay.tif"):
        assert QgsRasterLayer(str(tmp_path / name)).isValid()
    outline = QgsVectorLayer(str(tmp_path / "aoi.gpkg"))
    assert outline.isValid()
    assert outline.crs().authid() == "EPSG:32719"
    assert not list(tmp_path.rglob("*.aux.xml"))
