"""harmonisecovariates as QGIS calls it: contract, metadata, refusals, runs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Bounds, Grid, ease2_grid
from smap_downscaler.geo.lattice import transform_bounds
from smap_downscaler.series.stack import open_stack

UTM = "EPSG:32718"
LAYER = Grid(UTM, 300000.0, 8600000.0, 250.0, 250.0, 160, 120)
EXTENT = "305000,335000,8575000,8595000 [EPSG:32718]"
EASE = ease2_grid("9 km")
ID = "harmonisecovariates"


@pytest.fixture
def algorithm(qgis_provider):
    from qgis.core import QgsApplication

    return QgsApplication.processingRegistry().createAlgorithmById(f"smapdownscaler:{ID}")


@pytest.fixture
def smap(tmp_path):
    grid = EASE.crop(EASE.window_touching(transform_bounds(LAYER.bounds, UTM, EASE.crs)))
    for day in (1, 2):
        write_geotiff(tmp_path / "smap" / f"smap_2020-01-0{day}.tif", grid, np.full(grid.shape, 0.2))
    return tmp_path / "smap"


@pytest.fixture
def given(tmp_path, smap):
    """Parameters of a good run: two layers, one of them a stack of two bands."""
    generator = np.random.default_rng(0)
    folder = tmp_path / "layers"
    write_geotiff(folder / "Elevation.tif", LAYER, generator.normal(size=LAYER.shape), [Band("", "m")])
    degrees = Grid("EPSG:4326", -76.9, -12.6, 0.02, 0.02, 40, 30)
    soils = 300 + 20 * generator.normal(size=(2, *degrees.shape))
    write_geotiff(folder / "soils.tif", degrees, soils, [Band("clay", "g/kg"), Band("sand", "g/kg")])
    return {
        "INPUT": [str(folder / "Elevation.tif"), str(folder / "soils.tif")],
        "SMAP": str(smap),
        "EXTENT": EXTENT,
        "RESOLUTION": 500,
        "OUTPUT_COARSE": str(tmp_path / "out" / "coarse.tif"),
        "OUTPUT_FINE": str(tmp_path / "out" / "fine.tif"),
    }


# The contract.


def test_parameters_and_outputs_are_as_promised(algorithm):
    definitions = {one.name(): one for one in algorithm.parameterDefinitions()}
    assert list(definitions) == [
        "INPUT", "SMAP", "EXTENT", "AOI", "CRS", "RESOLUTION", "MASK", "NAMES", "CATEGORICAL",
        "MINIMUM_COVERED", "LAYERS", "GUESS", "NODATA", "OUTPUT_COARSE", "OUTPUT_FINE", "COVARIATES_TABLE",
        "PREFLIGHT", "REPORT",
    ]  # fmt: skip
    assert definitions["RESOLUTION"].defaultValue() == 100
    assert definitions["MINIMUM_COVERED"].defaultValue() == 0.5
    from qgis.core import Qgis

    optional = {
        name for name, one in definitions.items() if one.flags() & Qgis.ProcessingParameterFlag.Optional
    }
    assert optional == {
        "EXTENT",
        "AOI",
        "CRS",
        "MASK",
        "NAMES",
        "CATEGORICAL",
        "LAYERS",
        "NODATA",
        "COVARIATES_TABLE",
        "PREFLIGHT",
        "REPORT",
    }
    assert definitions["GUESS"].defaultValue() is True
    assert definitions["REPORT"].createByDefault()
    assert [one.name() for one in algorithm.outputDefinitions()] == [
        "OUTPUT_COARSE", "OUTPUT_FINE", "COVARIATES_TABLE", "PREFLIGHT", "COUNT", "REPORT", "REPORT_NUMBERS",
    ]  # fmt: skip


def test_metadata(algorithm):
    assert algorithm.displayName() == "Harmonise covariates (coarse and fine stack)"
    assert algorithm.groupId() == "covariates"
    assert re.match(r"Brings rasters .* draw the maps\.", algorithm.shortDescription())
    assert "area-weighted mean" in algorithm.shortHelpString()


# Runs.


def test_a_run_makes_two_stacks_of_the_same_bands(run, given, said):
    outputs = run(ID, given)
    coarse, fine = open_stack(outputs["OUTPUT_COARSE"]), open_stack(outputs["OUTPUT_FINE"])
    assert coarse.names == fine.names == ("elevation", "clay", "sand")
    assert coarse.units == fine.units == ("m", "g/kg", "g/kg")
    assert outputs["COUNT"] == 3
    assert fine.grid == Grid(UTM, 305000.0, 8595000.0, 500.0, 500.0, 60, 40)
    touched = EASE.window_touching(transform_bounds(Bounds(305000, 8575000, 335000, 8595000), UTM, EASE.crs))
    assert coarse.grid.shape == (touched.height, touched.width)
    assert np.isfinite(coarse.read(coarse.names)).all()
    assert any(line.startswith("clay: EPSG:4326, pixel 0.02, bilinear, covers") for line in said.info)
    assert said.progress[-1] == pytest.approx(100)


def test_names_in_windows_letters_go_through_to_stacks_and_report(run, given, tmp_path):
    path = Path(given["INPUT"][1])
    path.write_bytes(path.read_bytes().replace(b"sand", b"s\xf3lo").replace(b"g/kg", b"g/\xf3g"))
    run(ID, given | {"INPUT": [str(path)], "REPORT": str(tmp_path / "report.html")})
    stack = open_stack(given["OUTPUT_FINE"])
    assert (stack.names, stack.units) == (("clay", "solo"), ("g/óg", "g/óg"))
    assert "g/óg" in (tmp_path / "report.html").read_text("utf-8")


def test_paths_layers_and_projects_give_the_same(run, given, tmp_path, qgis_provider):
    """Layer objects, layers loaded under a title of their own, and a text with semicolons: named by files."""
    from qgis.core import QgsProcessingContext, QgsProject, QgsRasterLayer

    paths = given["INPUT"]
    layers = [QgsRasterLayer(path, name) for path, name in zip(paths, ("Height", "Soils"), strict=True)]
    run(ID, {**given, "INPUT": layers})
    assert open_stack(given["OUTPUT_FINE"]).names == ("elevation", "clay", "sand")
    project = QgsProject()
    project.addMapLayers(layers)
    context = QgsProcessingContext()
    context.setProject(project)
    run(ID, {**given, "INPUT": [layer.id() for layer in layers]}, context)
    assert open_stack(given["OUTPUT_FINE"]).names == ("elevation", "clay", "sand")
    run(ID, {**given, "INPUT": ";".join(paths)})
    assert open_stack(given["OUTPUT_FINE"]).names == ("elevation", "clay", "sand")


def test_nothing_is_left_beside_the_inputs(run, given, tmp_path):
    mask = tmp_path / "layers" / "mask.tif"
    write_geotiff(mask, LAYER, np.eye(*LAYER.shape))
    given["MASK"] = str(mask)
    run(ID, given)
    names = ["Elevation.tif", "mask.tif", "soils.tif"]
    assert sorted(path.name for path in (tmp_path / "layers").iterdir()) == names
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["coarse.tif", "fine.tif"]


def test_crs_names_mask_and_series_file_are_heeded(run, given, tmp_path, smap):
    mask = Grid(UTM, 300000.0, 8600000.0, 1000.0, 1000.0, 40, 30)
    values = np.zeros(mask.shape)
    values[:, :20] = 1
    write_geotiff(tmp_path / "mask.tif", mask, values)
    run(
        ID,
        {
            **given,
            "SMAP": str(smap / "smap_2020-01-01.tif"),
            "CRS": "EPSG:4326",
            "RESOLUTION": 0.005,
            "MASK": str(tmp_path / "mask.tif"),
            "NAMES": "h, c, s",
        },
    )
    fine = open_stack(given["OUTPUT_FINE"])
    assert fine.grid.crs == "EPSG:4326"
    assert fine.names == ("h", "c", "s")
    valid = np.isfinite(fine.read(["h"])[0])
    assert 0.2 < valid.mean() < 0.6
    assert not valid[:, : fine.grid.width // 2 - 10].any()


def test_it_runs_as_a_step_of_a_model(given, qgis_provider, feedback):
    from qgis.core import (
        QgsProcessingContext,
        QgsProcessingModelAlgorithm,
        QgsProcessingModelChildAlgorithm,
        QgsProcessingModelChildParameterSource,
    )

    child = QgsProcessingModelChildAlgorithm(f"smapdownscaler:{ID}")
    child.setChildId("harmonise")
    for name, value in given.items():
        child.addParameterSources(name, [QgsProcessingModelChildParameterSource.fromStaticValue(value)])
    model = QgsProcessingModelAlgorithm()
    model.addChildAlgorithm(child)
    context = QgsProcessingContext()
    _outputs, good = model.create().run({}, context, feedback)
    assert good
    assert open_stack(given["OUTPUT_COARSE"]).names == ("elevation", "clay", "sand")


def test_cancelling_leaves_no_file(run, given, feedback, tmp_path):
    feedback.cancel_when = lambda text: "fine pixels" in text
    given["RESOLUTION"] = 25
    run(ID, given)
    assert feedback.isCanceled()
    assert list((tmp_path / "out").glob("*")) == []


# Refusals.


def test_a_layer_that_does_not_exist_is_named(given, refusal):
    given["INPUT"] = ["/nowhere/dem.tif"]
    assert refusal(ID, given) == "/nowhere/dem.tif: there is no such file; check the path."


def test_more_bands_than_a_table_takes_are_refused(given, refusal, tmp_path):
    path = tmp_path / "many.vrt"
    bands = "".join(f'<VRTRasterBand dataType="Float32" band="{number}"/>' for number in range(1, 2002))
    path.write_text(
        f'<VRTDataset rasterXSize="160" rasterYSize="120"><SRS>{UTM}</SRS>'
        f"<GeoTransform>300000, 250, 0, 8600000, 0, -250</GeoTransform>{bands}</VRTDataset>"
    )
    assert refusal(ID, given | {"INPUT": [str(path)]}) == (
        f"INPUT layer many ({path}): it has 2,001 bands, more than the 2,000 columns that a table takes; "
        "make a raster of those that you want (Raster tools > Rearrange bands)."
    )


def test_services_are_refused(given, refusal, qgis_provider):
    from qgis.core import QgsRasterLayer

    given["INPUT"] = [QgsRasterLayer("type=xyz&url=http://127.0.0.1/{z}/{x}/{y}.png", "Tiles", "wms")]
    assert refusal(ID, given) == "INPUT: the layer Tiles is no raster file; save it as a GeoTIFF first."


def test_an_extent_without_crs_is_refused(given, refusal):
    given["EXTENT"] = "305000,335000,8575000,8595000"
    assert refusal(ID, given) == (
        "EXTENT: the extent has no CRS, so its place on earth is not known; give it as "
        "'xmin,xmax,ymin,ymax [EPSG:4326]'."
    )


def test_an_extent_beside_the_series_is_named_with_it(given, refusal, smap):
    given["EXTENT"] = "-60,-59,-12,-11 [EPSG:4326]"
    assert refusal(ID, given) == (
        f"EXTENT and SMAP ({smap}) do not meet; choose an extent inside the SMAP series."
    )


def test_duplicate_names_are_refused_before_any_work(algorithm, given, by_ids):
    from qgis.core import QgsProcessingContext

    given["NAMES"] = "a,a,b"
    good, sentence = algorithm.checkParameterValues(given, QgsProcessingContext())
    first, second = given["INPUT"]
    assert not good
    assert by_ids(sentence) == (
        f"INPUT layer Elevation ({first}), band 1 and INPUT layer soils ({second}), band 1 would both "
        "be named 'a'; name one otherwise by NAMES."
    )


def test_a_resolution_of_nothing_is_refused(given, refusal):
    given["RESOLUTION"] = 0
    assert refusal(ID, given) == "RESOLUTION is 0; give the side of a pixel, greater than 0."


def test_a_layer_is_no_output(given, refusal):
    path = given["INPUT"][0]
    before = Path(path).read_bytes()
    given["OUTPUT_FINE"] = path
    assert refusal(ID, given) == f"OUTPUT_FINE and INPUT are both {path}; choose another OUTPUT_FINE."
    assert Path(path).read_bytes() == before


def test_one_file_for_both_stacks_is_refused(given, refusal):
    given["OUTPUT_FINE"] = given["OUTPUT_COARSE"]
    assert refusal(ID, given) == (
        f"OUTPUT_COARSE and OUTPUT_FINE are both {given['OUTPUT_COARSE']}; give two different files."
    )
