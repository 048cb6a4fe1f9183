"""importsmap as QGIS calls it: contract, metadata, refusals, runs."""

from __future__ import annotations

import csv
from pathlib import Path

import h5py
import numpy as np
import pytest

from granules import LOGIN_PAGE, granule_name, truncate, write_granule
from smap_downscaler.geo.grid import Window, ease2_grid

WORLD = ease2_grid("36 km")
WINDOW = Window(249, 288, 6, 5)
PERU = "-72.30,-70.83,-14.68,-13.13 [EPSG:4326]"
CELLS = {"AM": {(250, 290): (0.2, 0), (251, 290): (0.3, 1)}, "PM": {(250, 290): (0.3, 0)}}


@pytest.fixture
def algorithm(qgis_provider):
    from qgis.core import QgsApplication

    return QgsApplication.processingRegistry().createAlgorithmById("smapdownscaler:importsmap")


@pytest.fixture
def granules(tmp_path):
    for day in (1, 2, 3):
        write_granule(tmp_path / "granules", CELLS, f"2020010{day}")
    return tmp_path / "granules"


def parameters(source, folder, **more):
    return {"INPUT": str(source), "EXTENT": PERU, "OUTPUT": str(folder), **more}


def read(path):
    from osgeo import gdal

    return gdal.Open(str(path))


# The contract.


def test_parameters_and_outputs(algorithm):
    assert [definition.name() for definition in algorithm.parameterDefinitions()] == [
        "INPUT", "EXTENT", "AOI", "OVERPASS", "QUALITY", "START", "END", "ALGORITHM",
        "VARIABLE", "OUTPUT", "SERIES",
    ]  # fmt: skip
    assert {output.name() for output in algorithm.outputDefinitions()} == {
        "OUTPUT", "SERIES", "COUNT", "REPORT",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "options", "default"),
    [
        ("OVERPASS", ["AM", "PM", "both"], "AM"),
        ("QUALITY", ["recommended", "successful", "all"], "successful"),
        ("ALGORITHM", ["default", "DCA", "SCA-V", "SCA-H"], "default"),
    ],
)
def test_choices_are_static_strings(algorithm, name, options, default):
    definition = algorithm.parameterDefinition(name)
    assert definition.usesStaticStrings()
    assert (definition.options(), definition.defaultValue()) == (options, default)


def test_what_may_be_left_out(algorithm):
    from qgis.core import Qgis

    optional = {
        definition.name()
        for definition in algorithm.parameterDefinitions()
        if definition.flags() & Qgis.ProcessingParameterFlag.Optional
    }
    assert optional == {"EXTENT", "AOI", "START", "END", "VARIABLE", "SERIES"}


def test_metadata_and_help(algorithm):
    assert algorithm.displayName() == "Import SMAP soil moisture (dated series)"
    assert algorithm.groupId() == "data"
    assert algorithm.shortDescription().startswith("Turns NASA's SMAP granules into")
    for definition in algorithm.parameterDefinitions():
        assert definition.help(), definition.name()


# Refusals.


def test_missing_input(refusal, tmp_path):
    missing = tmp_path / "none"
    assert refusal("importsmap", parameters(missing, tmp_path / "out")) == (
        f"INPUT: {missing} does not exist; check the path."
    )


def test_extent_without_crs(refusal, granules, tmp_path):
    assert refusal(
        "importsmap", parameters(granules, tmp_path / "out", EXTENT="-72.3,-70.8,-14.6,-13.1")
    ) == (
        "EXTENT: the extent has no CRS, so its place on earth is not known; give it as "
        "'xmin,xmax,ymin,ymax [EPSG:4326]'."
    )


def test_exchanged_dates(refusal, granules, tmp_path):
    given = parameters(granules, tmp_path / "out", START="2020-02-01", END="2020-01-01")
    assert refusal("importsmap", given) == "START (2020-02-01) is after END (2020-01-01); exchange them."


def test_the_dialog_is_warned_before_the_run(algorithm, by_ids, granules):
    from qgis.core import QgsProcessingContext

    good, message = algorithm.checkParameterValues(parameters(granules, granules), QgsProcessingContext())
    assert not good
    assert by_ids(message) == f"OUTPUT and INPUT are both {granules}; choose another OUTPUT."
    one = next(granules.glob("*.h5"))
    good, message = algorithm.checkParameterValues(parameters(one, granules), QgsProcessingContext())
    assert not good
    assert by_ids(message) == (
        f"OUTPUT ({granules}) is the folder of a file given as INPUT; choose a folder of its own."
    )


def test_bad_granules(refusal, granules, tmp_path):
    bad = granules / granule_name("20200102")
    whole, left = truncate(bad)
    out = tmp_path / "out"
    assert refusal("importsmap", parameters(granules, out)) == (
        f"{bad}: the HDF5 file is truncated (it has {left:,} of {whole:,} bytes); download it again."
    )
    bad.write_text(LOGIN_PAGE)
    assert refusal("importsmap", parameters(granules, out)) == (
        f"{bad}: it is a web page, not a granule: Earthdata answers with its login page when one is not "
        "logged in; log in to Earthdata and download it again."
    )
    write_granule(granules, {"AM": {}}, "20200102", short_name="SPL4SMGP")
    assert refusal("importsmap", parameters(granules, out)) == (
        f"{bad}: it is of the product SPL4SMGP; choose granules of SPL3SMP (SMAP_L3_SM_P_...) or SPL3SMP_E "
        "(SMAP_L3_SM_P_E_...)."
    )
    assert not out.exists()


def test_a_damaged_block_under_gdals_exceptions(refusal, granules, tmp_path):
    # Inside QGIS GDAL raises; the tests of `raster` run without.
    bad = granules / granule_name("20200102")
    with h5py.File(bad) as file:
        block = file["Soil_Moisture_Retrieval_Data_AM/soil_moisture"].id.get_chunk_info_by_coord((250, 0))
    data = bytearray(bad.read_bytes())
    data[block.byte_offset : block.byte_offset + block.size] = b"\xff" * block.size
    bad.write_bytes(data)
    sentence = refusal("importsmap", parameters(granules, tmp_path / "out"))
    assert sentence.startswith(f"{bad}: it cannot be read (")
    assert sentence.endswith("); the file may be damaged, download it again.")


def test_empty_folder(refusal, tmp_path):
    (tmp_path / "in").mkdir()
    assert refusal("importsmap", parameters(tmp_path / "in", tmp_path / "out")) == (
        f"{tmp_path / 'in'}: the folder holds no SMAP granule (.h5) and no dated raster; choose the folder "
        "that holds them."
    )


# Runs.


def test_a_run(run, said, granules, tmp_path):
    out = tmp_path / "deep" / "out"
    outputs = run("importsmap", parameters(granules, out, OVERPASS="both", START="2020-01-02"))
    assert outputs == {"OUTPUT": str(out), "COUNT": 2, "REPORT": str(out / "report.csv")}
    dataset = read(out / "soil_moisture_20200103.tif")
    assert dataset.GetGeoTransform() == pytest.approx(WORLD.crop(WINDOW).geotransform, abs=1e-9)
    values = dataset.ReadAsArray()
    expected = np.full((6, 5), -9999, np.float32)
    expected[1, 2], expected[2, 2] = 0.25, 0.3
    np.testing.assert_array_equal(values, expected)
    with (out / "report.csv").open(newline="", encoding="utf-8") as file:
        assert [row["date"] for row in csv.DictReader(file)] == ["2020-01-02", "2020-01-03"]
    assert f"2 of 2 dates have soil moisture, 5 x 6 cells each; see {out / 'report.csv'}." in said.info
    assert any("dates imported" in text for text in said.progress_texts)
    assert said.progress[-1] == pytest.approx(100)


def test_one_file_and_a_temporary_folder(run, granules):
    outputs = run(
        "importsmap", {"INPUT": str(granules / granule_name("20200101")), "OUTPUT": "TEMPORARY_OUTPUT"}
    )
    assert outputs["COUNT"] == 1
    assert read(Path(outputs["OUTPUT"]) / "soil_moisture_20200101.tif").RasterXSize == 964


def test_extents_of_other_kinds(run, granules, tmp_path):
    from qgis.core import QgsCoordinateReferenceSystem, QgsRectangle, QgsReferencedRectangle

    box = WORLD.crop(WINDOW).bounds
    rectangle = QgsRectangle(box.left + 1, box.bottom + 1, box.right - 1, box.top - 1)
    extent = QgsReferencedRectangle(rectangle, QgsCoordinateReferenceSystem("EPSG:6933"))
    run("importsmap", parameters(granules, tmp_path / "out", EXTENT=extent))
    assert read(tmp_path / "out" / "soil_moisture_20200101.tif").ReadAsArray().shape == (6, 5)


def test_cancelled(run, feedback, granules, tmp_path):
    feedback.cancel_when = lambda text: "dates imported" in text
    assert run("importsmap", parameters(granules, tmp_path / "out")) == {}
    made = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert made == [f"soil_moisture_2020010{day}.tif" for day in range(1, len(made) + 1)]
    assert len(made) < 3


def test_in_a_model(qgis_provider, granules, tmp_path, feedback):
    from qgis.core import (
        QgsProcessingContext,
        QgsProcessingModelAlgorithm,
        QgsProcessingModelChildAlgorithm,
        QgsProcessingModelChildParameterSource,
    )

    model = QgsProcessingModelAlgorithm("test", "test")
    child = QgsProcessingModelChildAlgorithm("smapdownscaler:importsmap")
    child.setChildId("import")
    for name, value in parameters(granules, tmp_path / "out", QUALITY="recommended").items():
        child.addParameterSources(name, [QgsProcessingModelChildParameterSource.fromStaticValue(value)])
    model.addChildAlgorithm(child)
    context = QgsProcessingContext()
    _, good = model.run({}, context, feedback, catchExceptions=False)
    assert good
    values = read(tmp_path / "out" / "soil_moisture_20200101.tif").ReadAsArray()
    assert (values > 0).sum() == 1


def test_the_real_granule(run, shared_data, tmp_path):
    folder = shared_data / "smap_l3_36km"
    outputs = run("importsmap", parameters(folder, tmp_path / "out"))
    with open(outputs["REPORT"], newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["valid_cells"] == "30"
    assert (float(row["min"]), float(row["max"])) == pytest.approx((0.155, 0.48), abs=5e-4)
