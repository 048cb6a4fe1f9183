"""terrainindices as QGIS calls it: contract, refusals, engines, cancelling, a model."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from raster_cases import listing, raw_raster
from smap_downscaler.geo.datasets import open_dataset, read_band
from smap_downscaler.geo.geotiff import write_geotiff
from smap_downscaler.geo.grid import Grid
from terrain_cases import rough_dem

ID = "terrainindices"
OUTPUTS = ["TWI_MTFD", "TWI_FD8", "TWI_MFDMD", "SCA_MTFD", "SCA_FD8", "SCA_MFDMD", "FILLED", "SLOPE"]
REPORTS = ["STATISTICS", "REPORT"]
NUMBERS = ["CELLS", "RAISED_CELLS", "MOST_RAISED"]
INPUTS = ["INPUT", "ENGINE", "MINIMUM_SLOPE", "AREA", "SLOPE_FLOOR", "BAND", "SAGA_CMD", "NODATA"]


@pytest.fixture(scope="module")
def dem(tmp_path_factory):
    return rough_dem(tmp_path_factory.mktemp("dem"))


@pytest.fixture
def no_program(monkeypatch):
    """A machine without saga_cmd."""
    from smap_downscaler.steps.terrain.toolbox import saga_program as program

    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(program, "usual_folders", list)


@pytest.fixture
def saga_cmd(qgis_provider):
    from smap_downscaler.steps.terrain.toolbox.saga_program import find_saga_cmd

    path = find_saga_cmd()
    if not path:
        pytest.skip("SAGA is not installed")
    return path


def values(path):
    return read_band(open_dataset(path), 1)


def created():
    from qgis.core import QgsApplication

    return QgsApplication.processingRegistry().createAlgorithmById(f"smapdownscaler:{ID}")


def test_contract_and_help(qgis_provider):
    from qgis.core import Qgis

    algorithm = created()
    definitions = {one.name(): one for one in algorithm.parameterDefinitions()}
    assert list(definitions) == INPUTS + OUTPUTS + REPORTS
    assert [output.name() for output in algorithm.outputDefinitions()] == [
        *OUTPUTS,
        *REPORTS[:-1],
        *NUMBERS,
        "REPORT",
        "REPORT_NUMBERS",
    ]
    optional = {
        name for name, one in definitions.items() if one.flags() & Qgis.ProcessingParameterFlag.Optional
    }
    advanced = {
        name for name, one in definitions.items() if one.flags() & Qgis.ProcessingParameterFlag.Advanced
    }
    assert optional == {"BAND", "SAGA_CMD", "NODATA", *OUTPUTS, *REPORTS}
    first = {"INPUT", "ENGINE", "TWI_MTFD", "SLOPE"}
    assert advanced == {*INPUTS, *OUTPUTS, *REPORTS} - first
    assert {name for name in OUTPUTS + REPORTS if definitions[name].createByDefault()} == {
        *OUTPUTS[:3],
        "REPORT",
    }
    assert algorithm.groupId() == "covariates"
    assert all(one.help() for one in definitions.values())
    text = (Path(__file__).parents[3] / "help" / f"{ID}.md").read_text(encoding="utf-8")
    head, outputs = text.split("## Outputs")
    assert re.findall(r"^### (\w+)", head, re.MULTILINE) == INPUTS
    assert re.findall(r"^### (\w+)", outputs, re.MULTILINE) == [
        *OUTPUTS,
        *REPORTS,
        "REPORT_NUMBERS",
        *NUMBERS,
    ]


def test_choices_and_defaults(qgis_provider):
    algorithm = created()
    chosen = {}
    for name in ("ENGINE", "AREA"):
        definition = algorithm.parameterDefinition(name)
        assert definition.usesStaticStrings()
        chosen[name] = (definition.options(), definition.defaultValue())
    assert chosen == {
        "ENGINE": (["auto", "SAGA", "built-in"], "auto"),
        "AREA": (["specific", "total"], "specific"),
    }
    assert algorithm.parameterDefinition("MINIMUM_SLOPE").defaultValue() == 0.1
    assert algorithm.parameterDefinition("SLOPE_FLOOR").defaultValue() == 0.001


# Refusals: before anything runs.


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (
            {"FILLED": None},
            "No output is chosen; choose at least one of TWI_MTFD, TWI_FD8, TWI_MFDMD, SCA_MTFD, SCA_FD8, "
            "SCA_MFDMD, FILLED, SLOPE, REPORT.",
        ),
        ({"SLOPE": "{OUT}"}, "FILLED and SLOPE are both {OUT}; give two different files."),
        ({"FILLED": "{DEM}"}, "FILLED and INPUT are both {DEM}; choose another FILLED."),
        ({"FILLED": "{OUT}.sdat"}, "FILLED: {OUT}.sdat is no GeoTIFF by its name; end it in .tif."),
        ({"ENGINE": "saga"}, "ENGINE: there is no choice 'saga'; choose one of auto, SAGA, built-in."),
        ({"AREA": "specified"}, "AREA: there is no choice 'specified'; choose one of specific, total."),
        (
            {"MINIMUM_SLOPE": -1},
            "MINIMUM_SLOPE: -1 degrees is out of range; give 0 or more, and less than 45.",
        ),
        ({"SLOPE_FLOOR": 0}, "SLOPE_FLOOR: 0 is out of range; give a tangent above 0, as 0.001."),
        (
            {"SAGA_CMD": "{DEM}x"},
            "SAGA_CMD: there is no {DEM}x; give the path of SAGA's saga_cmd, or leave it empty.",
        ),
        ({"INPUT": "nowhere.tif"}, "nowhere.tif: there is no such file; check the path."),
    ],
)
def test_refusals(refusal, dem, tmp_path, more, sentence):
    def full(text):
        return text.replace("{OUT}", str(tmp_path / "out.tif")).replace("{DEM}", dem)

    given = {"INPUT": dem, "FILLED": str(tmp_path / "out.tif"), "ENGINE": "built-in"}
    if "SAGA_CMD" in more:
        given["ENGINE"] = "auto"
    given.update({name: full(value) if isinstance(value, str) else value for name, value in more.items()})
    assert refusal(ID, given) == full(sentence)
    assert listing(tmp_path) == []


@pytest.mark.parametrize("engine", ["built-in", "SAGA"])
def test_the_band_of_elevations(run, refusal, dem, tmp_path, engine, request, monkeypatch):
    if engine == "SAGA":
        from smap_downscaler.steps.terrain.toolbox import saga_choice

        request.getfixturevalue("saga_cmd")
        # That SAGA works is tried before each run, which takes as long as the run.
        monkeypatch.setattr(saga_choice, "_try", lambda runner, progress: "")
    z = np.nan_to_num(values(dem), nan=-9999.0)
    steep = np.full_like(z, 5)
    named = raw_raster(
        tmp_path / "named.tif",
        np.stack([steep, z]),
        nodata=-9999.0,
        transform=open_dataset(dem).GetGeoTransform(),
        names=("slope", "elevation"),
    )
    wanted = {"ENGINE": engine, "MINIMUM_SLOPE": 0.01}
    right = run(ID, {**wanted, "INPUT": dem, "FILLED": str(tmp_path / "right.tif")})["FILLED"]
    got = run(ID, {**wanted, "INPUT": named, "FILLED": str(tmp_path / "got.tif")})["FILLED"]
    np.testing.assert_array_equal(values(got), values(right))
    unnamed = raw_raster(
        tmp_path / "unnamed.tif",
        np.stack([z, steep, z]),
        nodata=-9999.0,
        transform=open_dataset(dem).GetGeoTransform(),
    )
    assert refusal(ID, {**wanted, "INPUT": unnamed, "FILLED": str(tmp_path / "none.tif")}) == (
        f"{unnamed}: it has 3 bands without names where one is wanted, and it cannot be told which one is "
        "the elevation; give its name or number as BAND."
    )
    third = {**wanted, "INPUT": unnamed, "BAND": "3", "FILLED": str(tmp_path / "third.tif")}
    np.testing.assert_array_equal(values(run(ID, third)["FILLED"]), values(right))
    flat = run(ID, {**third, "BAND": "2", "FILLED": str(tmp_path / "flat.tif")})
    assert flat["CELLS"] == z.size
    assert refusal(ID, {**third, "BAND": "elevation"}).startswith(f"BAND: {unnamed} has no band elevation (")


def test_degrees_are_refused(refusal, tmp_path):
    path = tmp_path / "degrees.tif"
    write_geotiff(path, Grid("EPSG:4326", -77.0, -11.0, 0.001, 0.001, 5, 5), np.ones((5, 5), np.float32))
    assert refusal(ID, {"INPUT": str(path), "SLOPE": str(tmp_path / "s.tif")}) == (
        f"{path}: its CRS (WGS 84) is in degrees; reproject it to metres first, best to the UTM zone of the "
        "area (Raster > Projections > Warp)."
    )


def test_saga_is_wanted_where_there_is_none(refusal, dem, tmp_path, no_program):
    given = {"INPUT": dem, "ENGINE": "SAGA", "SLOPE": str(tmp_path / "s.tif")}
    assert refusal(ID, given).startswith(
        "SAGA does not work here: QGIS has no SAGA provider (plugin 'Processing Saga NextGen Provider'); "
    )
    assert listing(tmp_path) == []


# Engines.


def test_both_engines_agree(run, said, saga_cmd, dem, tmp_path):
    made, names = {}, ["FILLED", "SLOPE", "SCA_FD8", "TWI_FD8", "TWI_MTFD", "TWI_MFDMD"]
    for engine in ("SAGA", "built-in"):
        outputs = {name: str(tmp_path / engine / f"{name}.tif") for name in names}
        found = run(ID, {"INPUT": dem, "ENGINE": engine, **outputs})
        assert set(found) == {*outputs, *NUMBERS}
        assert {name: found[name] for name in names} == outputs
        made[engine] = {name: values(path) for name, path in outputs.items()}
    assert re.fullmatch(rf"Engine: SAGA by {re.escape(saga_cmd)}, version [\d.]+\.", said.info[0])
    assert "Engine: built-in, as chosen." in said.info
    assert said.warnings == said.errors == []
    lake = np.isnan(values(dem))
    for name in names:
        saga, own = made["SAGA"][name], made["built-in"][name]
        assert np.array_equal(np.isnan(saga), lake), name
        assert np.array_equal(np.isnan(own), lake), name
        assert np.corrcoef(saga[~lake], own[~lake])[0, 1] >= 0.9999, name
    # Each index is what the definition says of the slope and area that were written.
    twi = np.log(made["SAGA"]["SCA_FD8"] / np.maximum(np.tan(np.radians(made["SAGA"]["SLOPE"])), 0.001))
    np.testing.assert_allclose(made["SAGA"]["TWI_FD8"], twi, atol=1e-4)


def test_auto_without_saga_is_built_in_and_says_why(run, said, dem, tmp_path, no_program):
    run(ID, {"INPUT": dem, "SLOPE": str(tmp_path / "s.tif")})
    assert said.info[0] == (
        "Engine: built-in. SAGA does not work here: QGIS has no SAGA provider (plugin 'Processing Saga "
        "NextGen Provider'); the program saga_cmd is neither on PATH nor in a usual place; install SAGA 8.5 "
        "or newer (saga-gis.org), name its program as SAGA_CMD, or set ENGINE to built-in."
    )
    assert open_dataset(tmp_path / "s.tif").GetMetadata()["ENGINE"] == "built-in"


@pytest.fixture
def failing(tmp_path_factory, qgis_provider, no_program):
    """A SAGA provider that passes its trial and then writes nothing."""
    from qgis.core import QgsApplication

    from saga_stand_in import Behaviour, StandIn

    provider = StandIn(Behaviour(fails_from=2))
    QgsApplication.processingRegistry().addProvider(provider)
    yield
    QgsApplication.processingRegistry().removeProvider(provider)


SILENT_FAILURE = (
    "SAGA 9.14.1: Fill Sinks (Wang & Liu) failed (it left no FILLED); SAGA says: Error: could not allocate "
    "memory; correct that, or set ENGINE to built-in, which needs no SAGA."
)


def test_a_failure_of_saga_ends_the_run(refusal, failing, dem, tmp_path):
    given = {"INPUT": dem, "ENGINE": "SAGA", "SLOPE": str(tmp_path / "s.tif")}
    assert refusal(ID, given) == SILENT_FAILURE
    assert listing(tmp_path) == []


def test_auto_goes_on_when_saga_fails(run, said, failing, dem, tmp_path):
    run(ID, {"INPUT": dem, "SLOPE": str(tmp_path / "s.tif")})
    assert said.warnings == [f"{SILENT_FAILURE} The built-in engine goes on instead."]
    assert open_dataset(tmp_path / "s.tif").GetMetadata()["ENGINE"] == "built-in"


def test_the_named_program_comes_first(run, said, failing, dem, tmp_path, request):
    import shutil

    request.getfixturevalue("monkeypatch").undo()
    saga_cmd = shutil.which("saga_cmd")
    if not saga_cmd:
        pytest.skip("SAGA is not installed")
    run(ID, {"INPUT": dem, "SAGA_CMD": saga_cmd, "FILLED": str(tmp_path / "f.tif"), "MINIMUM_SLOPE": 0})
    assert said.info[0].startswith(f"Engine: SAGA by {saga_cmd}, version ")
    assert open_dataset(tmp_path / "f.tif").GetMetadata()["MINIMUM_SLOPE"] == "0"


@pytest.mark.parametrize("engine", ["SAGA", "built-in"])
def test_cancelling(run, feedback, saga_cmd, tmp_path, engine):
    from qgis.core import QgsProcessingUtils

    y, x = np.mgrid[0:2500, 0:2500].astype(np.float32)
    big = raw_raster(
        tmp_path / "big.tif",
        2000 - 0.3 * y + 40 * np.sin(x / 30),
        transform=(0, 90, 0, 9e6, 0, -90),
        crs="EPSG:32718",
    )
    stopped, timers = [], []

    def stop():
        stopped.append(time.monotonic())
        feedback.cancel()

    def soon_after_it_began(text):
        """Within the first pass over the DEM, however long it took to come there."""
        if not timers and ("cells filled" in text or "Fill Sinks" in text):
            timers.append(threading.Timer(0.3, stop))
            timers[0].start()
        return False

    feedback.cancel_when = soon_after_it_began
    outputs = run(
        ID,
        {
            "INPUT": big,
            "ENGINE": engine,
            "TWI_FD8": str(tmp_path / "t.tif"),
            "SCA_FD8": str(tmp_path / "s.tif"),
        },
    )
    assert outputs == {}
    assert time.monotonic() - stopped[0] < 2
    assert listing(tmp_path) == ["big.tif"]
    assert not list(Path(QgsProcessingUtils.tempFolder()).glob("saga_*"))


def test_as_a_step_of_a_model(qgis_provider, feedback, dem, tmp_path):
    from qgis.core import (
        QgsProcessingContext,
        QgsProcessingModelAlgorithm,
        QgsProcessingModelChildAlgorithm,
        QgsProcessingModelChildParameterSource,
        QgsProcessingModelOutput,
        QgsProcessingModelParameter,
        QgsProcessingParameterRasterLayer,
    )

    source = QgsProcessingModelChildParameterSource
    model = QgsProcessingModelAlgorithm("wet", "test")
    model.addModelParameter(
        QgsProcessingParameterRasterLayer("dem", "DEM"), QgsProcessingModelParameter("dem")
    )
    first = QgsProcessingModelChildAlgorithm(f"smapdownscaler:{ID}")
    first.setChildId("fill")
    first.addParameterSources("INPUT", [source.fromModelParameter("dem")])
    first.addParameterSources("ENGINE", [source.fromStaticValue("built-in")])
    filled = QgsProcessingModelOutput("filled", "Filled")
    filled.setChildId("fill")
    filled.setChildOutputName("FILLED")
    first.setModelOutputs({"filled": filled})
    model.addChildAlgorithm(first)
    model.updateDestinationParameters()
    names = [definition.name() for definition in model.parameterDefinitions()]
    destination = next(name for name in names if name != "dem")
    outputs, good = model.run(
        {"dem": dem, destination: str(tmp_path / "filled.tif")}, QgsProcessingContext(), feedback
    )
    assert good, feedback.said.errors
    assert np.array_equal(np.isnan(values(outputs[destination])), np.isnan(values(dem)))
    assert np.nanmin(values(outputs[destination]) - values(dem)) >= 0
