"""However a run ends: a sentence for the user, the rest in the log, nothing left open or in memory."""

from __future__ import annotations

import os
import shutil
import weakref
from pathlib import Path

import numpy as np
import pytest

from small_case import CELLS, PIXELS, make_small_case
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.geotiff import Band, write_geotiff

TIMES = 20
OPEN_FILES = Path("/proc/self/fd")

needs_proc = pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="only Linux lists open files in /proc")


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    small = make_small_case(tmp_path_factory.mktemp("case"))
    write_geotiff(small.folder / "nameless.tif", CELLS, small.coarse[0])
    (small.folder / "broken.tif").write_bytes((small.folder / "fine.tif").read_bytes()[:2000])
    (small.folder / "empty.smapforest").write_bytes(b"PK\x03\x04" + bytes(100))
    return small


def open_below(folder):
    """The files below a folder that this process has open."""
    found = []
    for number in os.listdir(OPEN_FILES):
        try:
            found.append(os.readlink(OPEN_FILES / number))
        except OSError:
            continue
    return sorted(name for name in found if name.startswith(f"{folder}{os.sep}"))


def memory_mb():
    with open("/proc/self/statm") as stream:
        return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def calls(case, output):
    """Calls that are refused: before the work, while files are opened, and in the middle of the work."""
    folder = case.folder
    layers = [str(folder / "fine.tif"), str(folder / "broken.tif")]
    stacks = {"OUTPUT_COARSE": str(output / "c.tif"), "OUTPUT_FINE": str(output / "f.tif")}
    return {
        "harmonisecovariates": {"INPUT": layers, "SMAP": case.smap_folder, "RESOLUTION": 1000, **stacks},
        "regressionmatrix": {
            "SMAP": case.smap_folder,
            "COVARIATES": str(folder / "nameless.tif"),
            "OUTPUT": str(output / "matrix.gpkg"),
        },
        "downscale": {
            "FORESTS": str(folder / "empty.smapforest"),
            "COVARIATES": case.fine_stack,
            "OUTPUT": str(output / "maps"),
        },
        "terrainindices": {
            "INPUT": str(folder / "broken.tif"),
            "ENGINE": "built-in",
            "SLOPE": str(output / "slope.tif"),
        },
        "mapsheet": {
            "SERIES": case.rain_folder,
            "SMAP": str(folder / "nowhere"),
            "OUTPUT": str(output / "sheet.png"),
        },
    }


@needs_proc
@pytest.mark.parametrize(
    "algorithm", ["harmonisecovariates", "regressionmatrix", "downscale", "terrainindices", "mapsheet"]
)
def test_refusals_leave_no_file_open_and_no_memory_taken(qgis_provider, case, tmp_path, algorithm):
    """As a script calls it, whose frames QGIS would keep with the layers in them."""
    import processing
    from processing.tools import dataobjects
    from qgis.core import QgsProcessingException

    def refused():
        # Stands for what a caller holds.
        held = np.zeros(2_000_000)
        gone.append(weakref.ref(held))
        context = dataobjects.createContext()
        values = calls(case, tmp_path)[algorithm]
        with pytest.raises(QgsProcessingException):
            processing.run(f"smapdownscaler:{algorithm}", values, context=context)

    gone = []
    refused()
    before = memory_mb()
    for _ in range(TIMES):
        refused()
    assert open_below(case.folder) == []
    assert [one() for one in gone] == [None] * (TIMES + 1)
    # What is held of each call above would be 300 MB.
    assert memory_mb() - before < 30
    assert list(tmp_path.iterdir()) == []


@needs_proc
def test_what_was_read_before_an_error_is_free_at_once(run, refusal, monkeypatch, case, tmp_path):
    """An error deep in the work, in a thread too, whose frames hold arrays and open files."""
    from smap_downscaler.base.threads import interruptible
    from smap_downscaler.steps.matrix import algorithm

    kept = []

    def fail(*_):
        block = np.zeros(1000)
        kept.append(weakref.ref(block))
        stream = (case.folder / "fine.tif").open("rb")
        raise InputError(f"no {block.size} {stream.mode}")

    def fail_twice(_values, progress):
        block = np.zeros(1000)
        kept.append(weakref.ref(block))
        try:
            interruptible(fail, progress)
        except InputError as error:
            raise InputError(f"{error} either") from error

    monkeypatch.setattr(algorithm.RegressionMatrix, "work", lambda _self, *words: fail_twice(*words))
    values = calls(case, tmp_path)["regressionmatrix"] | {"COVARIATES": case.coarse_stack}
    assert refusal("regressionmatrix", values) == "no 1000 rb either"
    assert [one() for one in kept] == [None, None]
    assert open_below(case.folder) == []


def test_a_netcdf_that_was_put_right_is_read_anew(run, refusal, tmp_path):
    """The HDF5 library would go on with the old content of a file that is still open."""
    from osgeo import gdal

    place = tmp_path / "rain"
    place.mkdir()
    whole = tmp_path / "whole.nc"
    write_geotiff(
        tmp_path / "whole.tif", PIXELS, np.full(PIXELS.shape, 7, np.float32), [Band("rain", "mm/d")]
    )
    gdal.Translate(str(whole), str(tmp_path / "whole.tif"), format="netCDF", creationOptions=["FORMAT=NC4"])
    data = whole.read_bytes()
    (place / "rain_20200101.nc").write_bytes(data[: len(data) * 2 // 3])
    values = {"INPUT": str(place), "KIND": "daily", "SEASONS": "p_jan=1", "OUTPUT": str(tmp_path / "p.tif")}
    first = refusal("seasonalprecipitation", values)
    with (place / "rain_20200101.nc").open("r+b") as stream:
        stream.write(data)
    for number in range(2, 32):
        shutil.copy(whole, place / f"rain_202001{number:02}.nc")
    assert "rain_20200101.nc" in first
    run("seasonalprecipitation", values)
    dataset = gdal.Open(str(tmp_path / "p.tif"))
    assert np.allclose(dataset.ReadAsArray(), 7)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            KeyError("colour"),
            "Map sheet: it stopped at an error that was not foreseen (KeyError: 'colour'); report it at "
            "TRACKER together with the log of this run, which says where.",
        ),
        (
            MemoryError(),
            "Map sheet: the memory of this machine does not suffice; close other programs, or work on a "
            "smaller extent.",
        ),
        (
            OSError(28, "No space left on device", "/here/a.png"),
            "/here/a.png: No space left on device; check the path, your rights and the free space there.",
        ),
        (InputError("AOI: it is wrong."), "AOI: it is wrong."),
    ],
)
@pytest.mark.parametrize("place", ["validate", "work"])
def test_every_error_is_a_sentence_and_the_log_says_where(
    refusal, said, feedback, monkeypatch, case, tmp_path, place, error, sentence
):
    from smap_downscaler.base.version import tracker
    from smap_downscaler.steps.sheets.algorithm import MapSheet

    def fail(*_):
        raise error

    traces = []
    monkeypatch.setattr(
        type(feedback), "pushDebugInfo", lambda _self, text: traces.append(text), raising=False
    )
    monkeypatch.setattr(MapSheet, place, fail)
    assert tracker().startswith("https://")
    values = {"SERIES": case.rain_folder, "OUTPUT": str(tmp_path / "sheet.png")}
    told = refusal("mapsheet", values)
    assert told == sentence.replace("TRACKER", tracker())
    if isinstance(error, InputError):
        assert traces == []
    else:
        (trace,) = traces
        assert trace.startswith("Traceback (most recent call last):")
        assert "in fail" in trace


def test_a_dialog_hears_of_every_error_too(qgis_provider, monkeypatch):
    from qgis.core import QgsApplication, QgsProcessingContext

    from smap_downscaler.steps.sheets.algorithm import MapSheet

    def fail(*_):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(MapSheet, "validate", fail)
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("smapdownscaler:mapsheet")
    good, told = algorithm.checkParameterValues({"SERIES": "."}, QgsProcessingContext())
    assert not good
    assert told.startswith("Map sheet: it stopped at an error that was not foreseen (ZeroDivisionError: by")


def test_a_file_at_which_qgis_throws_is_named(run, by_ids, tmp_path):
    """QGIS's raster layer throws a C++ exception at a VRT that lies nowhere."""
    from osgeo import gdal
    from qgis.core import QgsApplication, QgsProcessingContext

    case = make_small_case(tmp_path)
    path = tmp_path / "coarse.vrt"
    gdal.Translate(str(path), case.coarse_stack, format="VRT").FlushCache()
    text = path.read_text()
    start, end = text.index("<GeoTransform>"), text.index("</GeoTransform>")
    path.write_text(f"{text[:start]}<GeoTransform>-6e6, 9e3, 0, 1e26, 0, -9e3{text[end:]}")
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("smapdownscaler:regressionmatrix")
    values = {"SMAP": case.smap_folder, "COVARIATES": str(path), "OUTPUT": str(tmp_path / "m.gpkg")}
    good, sentence = algorithm.checkParameterValues(values, QgsProcessingContext())
    assert not good
    assert by_ids(sentence) == f"COVARIATES: QGIS cannot open {path}; the file may be damaged, get it again."
