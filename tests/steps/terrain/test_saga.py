"""The two ways to call SAGA, against `saga_cmd` called directly, and how they fail."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from raster_cases import Listener, listing, raw_raster
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.base.progress import SILENT
from smap_downscaler.geo.datasets import open_dataset, read_band
from smap_downscaler.geo.geotiff import write_geotiff
from smap_downscaler.geo.grid import Grid
from smap_downscaler.steps.terrain.numbers.settings import TerrainSettings
from smap_downscaler.steps.terrain.saga.grids import open_saga_grid, remove_saga_grid, write_saga_grid

GRID = Grid("EPSG:32718", 300000.0, 8600000.0, 90.0, 90.0, 64, 300)
KEYS = ("filled", "slope", "sca_mtfd", "sca_fd8", "sca_mfdmd", "twi_mtfd", "twi_fd8", "twi_mfdmd")
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for saga_cmd is a shell script")


@pytest.fixture(autouse=True)
def _qgis(qgis_provider):
    pass


@pytest.fixture(scope="module")
def saga_cmd():
    from smap_downscaler.steps.terrain.toolbox.saga_program import find_saga_cmd

    path = find_saga_cmd()
    if not path:
        pytest.skip("SAGA is not installed")
    return path


def elevations():
    """A rough slope with a level pan, pits, a lake of NoData and a NoData corner."""
    rng = np.random.default_rng(11)
    y, x = np.mgrid[0 : GRID.height, 0 : GRID.width]
    z = 3000 - 4.0 * y + 30 * np.sin(x / 5) + 20 * np.cos(y / 9 + x / 7) + rng.normal(0, 2, x.shape)
    z[100:112, 20:40] = z[105, 30]
    z[200:206, 10:16] -= 60
    z = z.astype(np.float32)
    z[150:158, 40:50] = np.nan
    z[:20, :9] = np.nan
    return z


@pytest.fixture(scope="module")
def dem(tmp_path_factory):
    path = tmp_path_factory.mktemp("dem") / "dem.tif"
    write_geotiff(path, GRID, elevations())
    return str(path)


def chain(runner, dem, folder, keys=KEYS, progress=SILENT, **settings):
    """Run the chain; values of each output."""
    from smap_downscaler.steps.terrain.saga.terrain import compute_terrain
    from smap_downscaler.steps.terrain.toolbox.saga_choice import run_folder

    outputs = {key: str(folder / f"{key}.tif") for key in keys}
    with run_folder() as place:
        report = compute_terrain(runner, dem, outputs, TerrainSettings(**settings), place, progress)
    return report, {key: values(path) for key, path in outputs.items()}


def values(path):
    return read_band(open_dataset(path), 1)


@pytest.fixture(scope="module")
def by_program(saga_cmd, dem, tmp_path_factory, qgis_provider):
    """The whole chain by saga_cmd: report, values, folder and what was heard."""
    from smap_downscaler.steps.terrain.toolbox.saga_program import SagaCmd

    folder, heard = tmp_path_factory.mktemp("program"), Listener()
    report, made = chain(SagaCmd(saga_cmd), dem, folder, progress=heard)
    return report, made, folder, heard


@pytest.fixture(scope="module")
def direct(saga_cmd, dem, tmp_path_factory):
    """SAGA's own numbers, called by hand, its tools 19 and 20 included; keyed by file name."""
    folder = tmp_path_factory.mktemp("direct")
    subprocess.run(
        ["gdal_translate", "-q", "-of", "SAGA", "-a_nodata", "-99999", dem, str(folder / "raw.sdat")],
        check=True,
        capture_output=True,
    )
    from osgeo import gdal

    raw = gdal.Open(str(folder / "raw.sdat"), gdal.GA_Update)
    raw.GetRasterBand(1).WriteArray(np.nan_to_num(elevations(), nan=-99999.0))
    raw.FlushCache()
    raw = None

    calls = [
        "ta_preprocessor 4 -ELEV=raw.sgrd -FILLED=filled.sgrd -MINSLOPE=0.1",
        "ta_morphometry 0 -ELEVATION=filled.sgrd -SLOPE=slope.sgrd -METHOD=6 -UNIT_SLOPE=0",
        *(
            f"ta_hydrology 0 -ELEVATION=filled.sgrd -FLOW={name}.sgrd -METHOD={method}"
            for name, method in (("mtfd", 5), ("fd8", 4), ("mfdmd", 6))
        ),
        "ta_hydrology 19 -DEM=filled.sgrd -TCA=fd8.sgrd -WIDTH=width.sgrd -SCA=sca.sgrd -METHOD=2",
        "ta_hydrology 20 -SLOPE=slope.sgrd -AREA=sca.sgrd -TWI=twi.sgrd -CONV=0 -METHOD=0",
    ]
    # Its start takes longer than the calls.
    (folder / "calls.txt").write_text("\n".join(calls) + "\n", encoding="utf-8")
    subprocess.run([saga_cmd, "-f=s", "calls.txt"], cwd=folder, check=True, capture_output=True)
    return {path.stem: values(str(path)) for path in folder.glob("*.sdat")}


def test_the_chain_is_sagas(by_program, direct):
    _, made, _, _ = by_program
    np.testing.assert_array_equal(made["filled"], direct["filled"])
    np.testing.assert_allclose(made["slope"], np.degrees(direct["slope"]), rtol=1e-6)
    np.testing.assert_allclose(made["sca_fd8"], direct["sca"], rtol=3e-7)
    for router in ("mtfd", "fd8", "mfdmd"):
        np.testing.assert_allclose(made[f"sca_{router}"], direct[router] / direct["width"], rtol=3e-7)
    # The routings are three different ones.
    assert np.nanmax(abs(made["twi_mtfd"] - made["twi_fd8"])) > 0.5
    assert np.nanmax(abs(made["twi_mfdmd"] - made["twi_fd8"])) > 0.5


def test_the_logarithm_is_that_of_sagas_tool_20(by_program, direct):
    _, made, _, _ = by_program
    # Where the slope is above both floors, that of SAGA 8.5 and that of 9.14.
    steep = np.tan(direct["slope"]) > 0.0011
    assert steep.sum() > 15000
    np.testing.assert_allclose(made["twi_fd8"][steep], direct["twi"][steep], atol=3e-6)


def test_outputs_say_what_they_are(by_program):
    report, made, folder, _ = by_program
    assert re.fullmatch(r"SAGA \d+\.[\d.]+", report.engine)
    missing = np.isnan(elevations())
    for key in KEYS:
        dataset = open_dataset(folder / f"{key}.tif")
        band = dataset.GetRasterBand(1)
        unit = {"filled": "m", "slope": "degrees", "sca": "m", "twi": "ln m"}[key.split("_")[0]]
        assert (band.GetDescription(), band.GetUnitType(), band.GetNoDataValue()) == (key, unit, -9999.0)
        assert dataset.GetMetadata()["ENGINE"] == report.engine
        assert np.array_equal(np.isnan(made[key]), missing), key
        band = None
    assert sorted(listing(folder)) == sorted(f"{key}.tif" for key in KEYS)


def test_the_report_counts(by_program):
    report, made, _, heard = by_program
    z = elevations()
    rise = made["filled"].astype("f8") - z
    assert report.cells == np.isfinite(z).sum()
    assert report.raised_cells == (rise > 0).sum()
    assert report.most_raised == np.nanmax(rise)
    assert set(report.kept_shares) == {"mtfd", "fd8", "mfdmd"}
    assert max(report.kept_shares.values()) < 0.01
    assert len([line for line in heard.lines if line.startswith("SAGA ta_")]) == 6
    assert heard.lines[-1].startswith("mfdmd: 0.")


def test_total_area_and_level_sinks(saga_cmd, dem, direct, tmp_path):
    from smap_downscaler.steps.terrain.toolbox.saga_program import SagaCmd

    heard = Listener()
    keys = ("sca_fd8", "filled")
    report, made = chain(SagaCmd(saga_cmd), dem, tmp_path, keys, heard, area="total", minimum_slope=0.0)
    filled = made["filled"].astype("f8")
    assert np.nanmin(made["sca_fd8"]) == 90.0
    # Brute force: the water of cells that have no lower neighbour and no edge beside them.
    kept = 0.0
    for row in range(1, GRID.height - 1):
        for col in range(1, GRID.width - 1):
            around = filled[row - 1 : row + 2, col - 1 : col + 2]
            if np.isfinite(around).all() and around.min() == filled[row, col]:
                kept += made["sca_fd8"][row, col] / 90.0
    assert report.kept_shares["fd8"] == pytest.approx(kept / report.cells, rel=1e-6)
    assert report.kept_shares["fd8"] > 0.05
    assert heard.lines[-1] == (
        f"fd8: {report.kept_shares['fd8']:.2%} of the water ends in cells without outflow inside the DEM; "
        "a MINIMUM_SLOPE above 0 lets it run on."
    )
    # Nothing was asked of slope and width.
    assert len([line for line in heard.lines if line.startswith("SAGA ta_")]) == 2


# The provider.


@pytest.fixture
def stand_in(qgis_provider):
    """Register a stand-in: ``stand_in(way=..., ...) -> Behaviour``."""
    from qgis.core import QgsApplication

    from saga_stand_in import Behaviour, StandIn

    registry, providers = QgsApplication.processingRegistry(), []

    def register(names=None, **options):
        behaviour = Behaviour(**options)
        provider = StandIn(behaviour, names) if names is not None else StandIn(behaviour)
        registry.addProvider(provider)
        providers.append(provider)
        return behaviour

    yield register
    for provider in providers:
        registry.removeProvider(provider)


def choose(saga_cmd="", progress=SILENT):
    from qgis.core import QgsProcessingContext

    from smap_downscaler.steps.terrain.toolbox.saga_choice import working_saga

    return working_saga(saga_cmd, QgsProcessingContext(), progress)


@pytest.fixture
def no_program(monkeypatch):
    """A machine without saga_cmd."""
    from smap_downscaler.steps.terrain.toolbox import saga_program as program

    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(program, "usual_folders", list)


def run_folders():
    """The folders of runs that were left behind."""
    from qgis.core import QgsProcessingUtils

    return [path for path in Path(QgsProcessingUtils.tempFolder()).iterdir() if path.name.startswith("saga_")]


def test_the_provider_does_the_same_as_the_program(saga_cmd, stand_in, by_program, dem, tmp_path):
    behaviour = stand_in(way="works")
    heard = Listener()
    runner = choose(progress=heard)
    # The name is the provider's, the version what SAGA itself says.
    version = by_program[0].engine.removeprefix("SAGA ")
    assert heard.lines == [
        f"Engine: SAGA by the QGIS provider sagang (SAGA Next Gen (9.14.1)), version {version}."
    ]
    keys = ("filled", "slope", "sca_fd8", "twi_fd8")
    _, made = chain(runner, dem, tmp_path, keys, heard)
    for key in keys:
        np.testing.assert_array_equal(made[key], by_program[1][key])
    assert run_folders() == []
    names = [name for name, _ in behaviour.calls]
    assert names == [
        "fillsinkswangliu",
        "fillsinkswangliu",
        "slopeaspectcurvature",
        "flowaccumulationtopdown",
        "flowwidthandspecificcatchmentarea",
    ]
    calls = [{name: leaf(value) for name, value in given.items()} for _, given in behaviour.calls]
    assert calls[1:] == [
        {
            "ELEV": "dem.sdat",
            "FILLED": "filled.sdat",
            "FDIR": "spare_fdir.sdat",
            "WSHED": "spare_wshed.sdat",
            "MINSLOPE": 0.1,
        },
        {
            "ELEVATION": "filled.sdat",
            "SLOPE": "slope.sdat",
            "ASPECT": "spare_aspect.sdat",
            "METHOD": 6,
            "UNIT_SLOPE": 0,
        },
        {
            "ELEVATION": "filled.sdat",
            "ACCU_TARGET": "filled.sdat",
            "FLOW": "flow_fd8.sdat",
            "VAL_MEAN": "spare_val_mean.sdat",
            "METHOD": 4,
            "CONVERGENCE": 1.1,
            "MFD_CONTOUR": False,
            "FLOW_UNIT": 1,
        },
        {"DEM": "filled.sdat", "TCA": "flow_fd8.sdat", "WIDTH": "width.sdat", "SCA": "sca.sdat", "METHOD": 2},
    ]


def leaf(value):
    return Path(value).name if isinstance(value, str) else value


def test_the_three_routings_are_asked_for(stand_in, dem, tmp_path):
    behaviour = stand_in()
    chain(choose(), dem, tmp_path, ("sca_mtfd", "sca_fd8", "sca_mfdmd"))
    flows = [given for name, given in behaviour.calls if name == "flowaccumulationtopdown"]
    assert [(given["METHOD"], leaf(given["FLOW"])) for given in flows] == [
        (5, "flow_mtfd.sdat"),
        (4, "flow_fd8.sdat"),
        (6, "flow_mfdmd.sdat"),
    ]


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("9.14.1", "it compares the numbers as text; the version is new enough"),
        ("8.5.0", "the tools used here are the same in SAGA 8.5 as in later versions"),
    ],
)
def test_the_false_version_warning_is_explained_once(stand_in, dem, tmp_path, version, why):
    stand_in(version=version)
    heard = Listener()
    chain(choose(), dem, tmp_path, ("slope",), heard)
    logged = [line for line in heard.lines if "unsupported" in line]
    assert logged == [f"The provider calls SAGA {version} an unsupported version. Pay no heed: {why}."]
    assert heard.warnings == []


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (
            "silent",
            "SAGA 9.14.1: Slope, Aspect, Curvature failed (it left no SLOPE); SAGA says: Error: could not "
            "allocate memory; correct that, or set ENGINE to built-in, which needs no SAGA.",
        ),
        (
            "mute",
            "SAGA 9.14.1: Slope, Aspect, Curvature failed (it left no SLOPE); SAGA says: nothing; correct "
            "that, or set ENGINE to built-in, which needs no SAGA.",
        ),
        (
            "raises",
            "SAGA 9.14.1: Slope, Aspect, Curvature failed (SAGA was not found or is not correctly "
            "installed); SAGA says: SAGA Version: 9.14.1; correct that, or set ENGINE to built-in, which "
            "needs no SAGA.",
        ),
        (
            "cut",
            "SAGA 9.14.1: Slope, Aspect, Curvature left no usable SLOPE ({place}: it is cut off); free space "
            "for temporary files, or set ENGINE to built-in, which needs no SAGA.",
        ),
    ],
)
def test_failures_of_the_provider(stand_in, dem, tmp_path, failure, sentence):
    from smap_downscaler.steps.terrain.saga.runner import SagaFailure

    behaviour = stand_in(fails_from=3, failure=failure)
    with pytest.raises(SagaFailure) as caught:
        chain(choose(), dem, tmp_path / "out", ("slope", "filled"))
    assert str(caught.value) == sentence.format(place=behaviour.calls[-1][1].get("SLOPE"))
    assert not (tmp_path / "out").exists()
    assert run_folders() == []


def test_cancelling_acts_between_the_providers_tools(stand_in, dem, tmp_path):
    heard = Listener()

    def before(name):
        if name == "slopeaspectcurvature":
            heard.calls = 0

    behaviour = stand_in(before=before)
    runner = choose()
    with pytest.raises(Cancelled):
        chain(runner, dem, tmp_path / "out", progress=heard)
    assert behaviour.calls[-1][0] == "slopeaspectcurvature"
    assert not (tmp_path / "out").exists()
    assert run_folders() == []


def lock_of_profile():
    from qgis.core import QgsApplication
    from qgis.PyQt.QtCore import QLockFile

    return QLockFile(os.path.join(QgsApplication.qgisSettingsDirPath(), "smap_downscaler_saga.lock"))


def test_one_run_at_a_time_in_a_profile(stand_in, dem, tmp_path):
    held = []
    behaviour = stand_in(before=lambda name: held.append(lock_of_profile().tryLock(0)))
    runner = choose()
    lock = lock_of_profile()
    assert lock.tryLock(0)
    heard = Listener(calls=6)
    texts = []
    heard.set_text = texts.append
    with pytest.raises(Cancelled):
        chain(runner, dem, tmp_path, ("filled",), heard)
    assert texts == ["Waiting for another run of SAGA in this profile"]
    assert len(behaviour.calls) == 1
    lock.unlock()
    chain(runner, dem, tmp_path, ("filled",))
    assert held == [False, False]
    assert lock.tryLock(0)
    lock.unlock()


def test_a_provider_without_the_tools_is_passed_over(stand_in, saga_cmd):
    stand_in(names=["fillsinkswangliu"])
    assert choose().label == f"SAGA by {saga_cmd}"


def test_a_provider_that_fails_its_trial_is_reported_before_the_program_is_taken(
    stand_in, saga_cmd, tmp_path, monkeypatch
):
    from smap_downscaler.steps.terrain.toolbox import saga_choice as choice

    heard = Listener()
    stand_in(fails_from=1)
    assert choose(progress=heard).label == f"SAGA by {saga_cmd}"
    assert heard.lines[0] == (
        "SAGA by the QGIS provider sagang (SAGA Next Gen (9.14.1)) was tried on a few cells: SAGA 9.14.1: "
        "Fill Sinks (Wang & Liu) failed (it left no FILLED); SAGA says: Error: could not allocate memory."
    )
    assert heard.lines[1].startswith(f"Engine: SAGA by {saga_cmd}, version ")
    odd = tmp_path / "señal $HOME"
    odd.mkdir()
    monkeypatch.setattr(choice.QgsProcessingUtils, "tempFolder", lambda: str(odd))
    choose(progress=heard)
    assert heard.lines[2].endswith(
        f"(a provider may not cope with the letters of the folder for temporary files, {odd})."
    )


def test_no_saga_at_all(no_program):
    from smap_downscaler.steps.terrain.toolbox.saga_choice import NoSaga

    with pytest.raises(NoSaga) as caught:
        choose()
    assert str(caught.value) == (
        "SAGA does not work here: QGIS has no SAGA provider (plugin 'Processing Saga NextGen Provider'); the "
        "program saga_cmd is neither on PATH nor in a usual place; install SAGA 8.5 or newer (saga-gis.org), "
        "name its program as SAGA_CMD, or set ENGINE to built-in."
    )


def test_saga_that_fails_its_trial(stand_in, no_program):
    from smap_downscaler.steps.terrain.toolbox.saga_choice import NoSaga

    stand_in(fails_from=1)
    with pytest.raises(NoSaga) as caught:
        choose()
    assert str(caught.value) == (
        "SAGA does not work here: the program saga_cmd is neither on PATH nor in a usual place; SAGA by the "
        "QGIS provider sagang (SAGA Next Gen (9.14.1)) was tried on a few cells: SAGA 9.14.1: Fill Sinks "
        "(Wang & Liu) failed (it left no FILLED); SAGA says: Error: could not allocate memory; install "
        "SAGA 8.5 or newer (saga-gis.org), name its program as SAGA_CMD, or set ENGINE to built-in."
    )


# The program.


def script(folder, text):
    path = folder / "saga_cmd"
    path.write_text(f"#!/bin/sh\necho 'SAGA Version: 7.0'\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@posix_only
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "echo 'Error: no such tool'; exit 1",
            "SAGA 7.0: Fill Sinks (Wang & Liu) failed (exit code 1); SAGA says: Error: no such tool; correct "
            "that, or set ENGINE to built-in, which needs no SAGA.",
        ),
        (
            "echo 'Saving grid: filled.sgrd'; echo failed",
            "SAGA 7.0: Fill Sinks (Wang & Liu) failed (it left no FILLED); SAGA says: SAGA Version: 7.0; "
            "Saving grid: filled.sgrd; failed; correct that, or set ENGINE to built-in, which needs no SAGA.",
        ),
        (
            "kill -SEGV $$",
            "SAGA 7.0: Fill Sinks (Wang & Liu) failed (it crashed or was ended); SAGA says: SAGA Version: "
            "7.0; correct that, or set ENGINE to built-in, which needs no SAGA.",
        ),
    ],
)
def test_failures_of_the_program(dem, tmp_path, text, sentence):
    from smap_downscaler.steps.terrain.saga.runner import SagaFailure
    from smap_downscaler.steps.terrain.toolbox.saga_program import SagaCmd

    with pytest.raises(SagaFailure) as caught:
        chain(SagaCmd(script(tmp_path, text)), dem, tmp_path / "out")
    assert str(caught.value) == sentence
    assert run_folders() == []


@posix_only
@pytest.mark.parametrize(("limit", "starts"), [(None, 1), (0, 6)], ids=["small", "large"])
def test_a_small_dem_takes_one_start(saga_cmd, by_program, dem, tmp_path, monkeypatch, limit, starts):
    from smap_downscaler.steps.terrain.toolbox import saga_program as program

    if limit is not None:
        monkeypatch.setattr(program, "_LARGE", limit)
    notes, heard = tmp_path / "starts", Listener()
    path = script(tmp_path, f'echo >> {notes}\nexec {saga_cmd} "$@"')
    _, made = chain(program.SagaCmd(path), dem, tmp_path / "out", progress=heard)
    assert len(notes.read_text().splitlines()) == starts
    for key in KEYS:
        np.testing.assert_array_equal(made[key], by_program[1][key])
    assert len([line for line in heard.lines if line.startswith("SAGA ta_")]) == 6


@posix_only
@pytest.mark.parametrize(
    ("end", "what"), [("exit 3", "exit code 3"), ("kill -SEGV $$", "it crashed or was ended")]
)
def test_a_failure_names_the_tool_of_the_script(dem, tmp_path, end, what):
    from smap_downscaler.steps.terrain.saga.runner import SagaFailure
    from smap_downscaler.steps.terrain.toolbox.saga_program import SagaCmd

    head = "echo 'library path: /usr/lib/saga/'"
    made = [
        f"{head}\nfor end in sgrd sdat prj; do cp dem.$end {name}.$end; done" for name in ("filled", "slope")
    ]
    text = "\n".join([*made, head, "echo 'Error: no memory'", end])
    with pytest.raises(SagaFailure) as caught:
        chain(SagaCmd(script(tmp_path, text)), dem, tmp_path / "out")
    assert str(caught.value) == (
        f"SAGA 7.0: Flow Accumulation (Top-Down) failed ({what}); SAGA says: Error: no memory; correct that, "
        "or set ENGINE to built-in, which needs no SAGA."
    )
    assert run_folders() == []


def test_a_program_that_cannot_be_started(dem, tmp_path):
    from smap_downscaler.steps.terrain.saga.runner import SagaFailure
    from smap_downscaler.steps.terrain.toolbox.saga_program import SagaCmd

    with pytest.raises(SagaFailure, match="it cannot be started"):
        chain(SagaCmd(str(tmp_path / "none")), dem, tmp_path / "out")


@posix_only
def test_a_program_that_does_not_listen_is_killed(dem, tmp_path):
    from smap_downscaler.steps.terrain.toolbox.saga_program import SagaCmd

    note = tmp_path / "pid"
    path = script(tmp_path, f"trap '' TERM\necho $$ > {note}\nwhile :; do sleep 0.1; done")
    heard = Listener()
    stopped = []

    def stop():
        while not (note.exists() and note.read_text()):
            time.sleep(0.01)
        stopped.append(time.monotonic())
        heard.calls = 0

    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(Cancelled):
        chain(SagaCmd(path), dem, tmp_path / "out", progress=heard)
    assert time.monotonic() - stopped[0] < 2
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)
    assert run_folders() == []


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="processes are looked up in /proc")
def test_cancelling_stops_saga_itself(saga_cmd, tmp_path):
    from smap_downscaler.steps.terrain.toolbox.saga_program import SagaCmd

    y, x = np.mgrid[0:2500, 0:2500].astype(np.float32)
    big = raw_raster(
        tmp_path / "big.tif",
        2000 - 0.3 * y + 40 * np.sin(x / 30),
        transform=(0, 90, 0, 9e6, 0, -90),
        crs="EPSG:32718",
    )
    heard, seen, stopped = Listener(), [], []

    def stop():
        while not seen:
            seen.extend(pid for pid in processes() if parent(pid) == os.getpid())
            time.sleep(0.05)
        time.sleep(0.7)
        heard.calls = 0
        stopped.append(time.monotonic())

    thread = threading.Thread(target=stop, daemon=True)
    thread.start()
    with pytest.raises(Cancelled):
        chain(SagaCmd(saga_cmd), big, tmp_path / "out", progress=heard)
    took = time.monotonic() - stopped[0]
    assert took < 2
    assert not set(seen) & set(processes())
    assert run_folders() == []
    assert listing(tmp_path) == ["big.tif"]


def processes():
    """Numbers of the processes that are SAGA."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"saga_cmd"):
            found.append(int(path.parent.name))
    return found


def parent(pid):
    """The number of the process that started one: others may run SAGA too."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def test_a_folder_with_letters_of_all_kinds(saga_cmd, dem, tmp_path, monkeypatch):
    from smap_downscaler.steps.terrain.toolbox import saga_choice as choice
    from smap_downscaler.steps.terrain.toolbox.saga_program import SagaCmd

    place = tmp_path / "señal y $espacio & más"
    place.mkdir()
    monkeypatch.setattr(choice.QgsProcessingUtils, "tempFolder", lambda: str(place))
    report, _ = chain(SagaCmd(saga_cmd), dem, tmp_path / "out", ("filled",))
    assert report.cells == np.isfinite(elevations()).sum()
    assert listing(place) == []


def test_where_the_program_is_looked_for(tmp_path, no_program):
    from smap_downscaler.steps.terrain.toolbox.saga_program import find_saga_cmd

    assert find_saga_cmd() == ""
    name = "saga_cmd.exe" if sys.platform == "win32" else "saga_cmd"
    missing, plain, good = tmp_path / "missing", tmp_path / "plain", tmp_path / name
    with pytest.raises(InputError) as caught:
        find_saga_cmd(str(missing))
    assert (
        str(caught.value)
        == f"SAGA_CMD: there is no {missing}; give the path of SAGA's {name}, or leave it empty."
    )
    if sys.platform != "win32":
        plain.write_text("text", encoding="utf-8")
        with pytest.raises(InputError) as caught:
            find_saga_cmd(str(plain))
        assert str(caught.value) == (
            f"SAGA_CMD: {plain} is no program that may be run; give the path of SAGA's {name}."
        )
    good.write_text("", encoding="utf-8")
    good.chmod(0o755)
    assert find_saga_cmd(str(good)) == find_saga_cmd(str(tmp_path)) == str(good)


def testusual_folders_are_tried(tmp_path, monkeypatch):
    from smap_downscaler.steps.terrain.toolbox import saga_program as program

    monkeypatch.setenv("PATH", "")
    found = tmp_path / "saga_cmd"
    found.write_text("", encoding="utf-8")
    found.chmod(0o755)
    monkeypatch.setattr(program, "usual_folders", lambda: [str(tmp_path / "none"), str(found)])
    assert program.find_saga_cmd() == str(found)


def testusual_folders_on_windows(tmp_path, monkeypatch):
    from smap_downscaler.steps.terrain.toolbox import saga_program as program

    asked = []
    monkeypatch.setattr(program.sys, "platform", "win32")
    monkeypatch.setattr(program.glob, "glob", lambda pattern: asked.append(pattern) or ["a9", "a8", "a91"])
    monkeypatch.setenv("OSGEO4W_ROOT", r"D:\OSGeo4W")
    assert program.usual_folders()[:3] == ["a91", "a9", "a8"]
    assert r"D:\OSGeo4W\apps\saga*\saga_cmd.exe" in asked


# The grids between the tools.


def test_grids_keep_values_and_place(tmp_path):
    grid = Grid("EPSG:32718", 300000.123, 8600000.456, 30.849999999999604, 30.84999999999363, 70, 300)
    z = np.random.default_rng(3).normal(0, 100, grid.shape).astype(np.float32)
    z[5, 6] = np.nan
    write_geotiff(tmp_path / "a.tif", grid, z)
    before = listing(tmp_path)
    path = tmp_path / "g" / "a.sdat"
    path.parent.mkdir()
    assert write_saga_grid(str(tmp_path / "a.tif"), path, grid, SILENT) == z.size - 1
    np.testing.assert_array_equal(read_band(open_saga_grid(path, grid), 1), z)
    header = path.with_suffix(".sgrd").read_text(encoding="utf-8")
    assert "NODATA_VALUE\t= -99999" in header
    remove_saga_grid(path)
    assert listing(path.parent) == []
    path.parent.rmdir()
    assert listing(tmp_path) == before


def test_grids_that_are_refused(tmp_path):
    write_geotiff(tmp_path / "a.tif", GRID, elevations())
    path = tmp_path / "a.sdat"
    write_saga_grid(str(tmp_path / "a.tif"), path, GRID, SILENT)
    moved = Grid(GRID.crs, GRID.left + 90, GRID.top, 90.0, 90.0, GRID.width, GRID.height)
    with pytest.raises(InputError) as caught:
        open_saga_grid(path, moved)
    assert str(caught.value) == (
        f"{path}: it has 64 x 300 cells of 90 where the DEM has 64 x 300 of 90, or lies elsewhere."
    )
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(InputError) as caught:
        open_saga_grid(path, GRID)
    assert str(caught.value) == f"{path}: it is cut off."
    with pytest.raises(InputError) as caught:
        write_saga_grid(str(tmp_path / "a.tif"), tmp_path / "none" / "a.sdat", GRID, SILENT)
    assert str(caught.value).startswith(
        f"{tmp_path / 'none' / 'a.sdat'}: SAGA's copy of the DEM cannot be written ("
    )


def test_a_dem_in_degrees_is_refused_before_saga_is_asked(stand_in, tmp_path):
    behaviour = stand_in()
    runner = choose()
    path = tmp_path / "degrees.tif"
    write_geotiff(path, Grid("EPSG:4326", -77.0, -11.0, 0.001, 0.001, 5, 5), np.ones((5, 5), np.float32))
    with pytest.raises(InputError, match="is in degrees"):
        chain(runner, str(path), tmp_path / "out")
    assert len(behaviour.calls) == 1


def test_a_call_names_what_the_tool_takes():
    from smap_downscaler.steps.terrain.saga.tools import FILL, Call

    with pytest.raises(ValueError, match="Fill Sinks"):
        Call(FILL, {"DEM": "a.sdat"}, {"MINSLOPE": 0.1}, {"FILLED": "b.sdat"})
