"""downscalesmap: what the single steps give, refusals before any work, and going on after a stop."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from smap_downscaler.geo.datasets import dataset_grid, open_dataset, read_band
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import open_stack

SOIL = ("clay", "sand")
TERRAIN = ("twi_mtfd", "slope")

pytestmark = pytest.mark.usefixtures("without_saga")


@pytest.fixture(scope="module")
def basin(tmp_path_factory, qgis_provider):
    """A small made-up basin with coarse rasters, which are quick."""
    import processing
    from osgeo import gdal

    folder = tmp_path_factory.mktemp("basin")
    processing.run(
        "smapdownscaler:createdemodata", {"SEED": 5, "DAYS": 9, "CELLS": 70, "OUTPUT": str(folder)}
    )
    for path, side in (
        (folder / "dem.tif", 500),
        *((folder / "soil" / f"{name}.tif", 0.01) for name in SOIL),
    ):
        coarse = path.with_suffix(".vrt")
        gdal.Translate(str(coarse), str(path), xRes=side, yRes=side, resampleAlg="average", format="GTiff")
        coarse.replace(path)
    return folder


def raw(basin, **more):
    """What a first run is given; coarse pixels are quick."""
    return {"SMAP": str(basin / "smap"), "DEM": str(basin / "dem.tif"), "RESOLUTION": 1000, **more}


def all_raw(basin, **more):
    soil = [str(basin / "soil" / f"{name}.tif") for name in SOIL]
    layers = {"SOIL": soil, "RAIN": str(basin / "precipitation"), "MASK": str(basin / "mask.tif")}
    return raw(basin, **{**layers, **more})


def maps_in(folder):
    return {path.name: path for path in sorted(Path(folder).glob("*.tif"))}


def assert_same_bits(one, other):
    found, wanted = maps_in(one), maps_in(other)
    assert found
    assert found.keys() == wanted.keys()
    for name, path in found.items():
        mine, theirs = open_dataset(path), open_dataset(wanted[name])
        assert mine.RasterCount == theirs.RasterCount
        assert dataset_grid(mine, name).bounds == dataset_grid(theirs, name).bounds
        for band in range(1, mine.RasterCount + 1):
            assert read_band(mine, band).tobytes() == read_band(theirs, band).tobytes()


@pytest.fixture(scope="module")
def single_steps(basin, tmp_path_factory, without_saga):
    """The folder of the maps that the single steps make, by method."""
    import processing

    from smap_downscaler.steps.chain.toolbox.chain import around

    folder = tmp_path_factory.mktemp("steps")

    def run(algorithm, parameters):
        processing.run(f"smapdownscaler:{algorithm}", parameters)

    out = {name: str(folder / name) for name in ("smap", "p_antecedent", "coarse.tif", "fine.tif")}
    run("importsmap", {"INPUT": str(basin / "smap"), "OUTPUT": out["smap"]})
    series = open_series(out["smap"])
    days = {"START": str(series.dates[0]), "END": str(series.dates[-1]), "EXTENT": around(series.grid)}
    rain = {"INPUT": str(basin / "precipitation"), "OUTPUT": out["p_antecedent"]}
    run("antecedentprecipitation", {**rain, **days})
    terrain = {name.upper(): str(folder / f"{name}.tif") for name in TERRAIN}
    run("terrainindices", {"INPUT": str(basin / "dem.tif"), **terrain})
    layers = [basin / "dem.tif", *terrain.values(), *(basin / "soil" / f"{name}.tif" for name in SOIL)]
    run(
        "harmonisecovariates",
        {
            "INPUT": [str(layer) for layer in layers],
            "SMAP": out["smap"],
            "MASK": str(basin / "mask.tif"),
            "RESOLUTION": 1000,
            "OUTPUT_COARSE": out["coarse.tif"],
            "OUTPUT_FINE": out["fine.tif"],
        },
    )
    own = {"DYNAMIC": [out["p_antecedent"]]}
    model, matrix, forests = (str(folder / name) for name in ("m.smapmodel", "m.gpkg", "m.smapforest"))
    run("trainareamodel", {"SMAP": out["smap"], "COVARIATES": out["fine.tif"], **own, "OUTPUT": model})
    run("regressionmatrix", {"SMAP": out["smap"], "COVARIATES": out["coarse.tif"], **own, "OUTPUT": matrix})
    run("trainforests", {"INPUT": matrix, "OUTPUT": forests})
    made = {}
    for method, trained in (("area-to-point model", model), ("random forest", forests)):
        made[method] = folder / f"maps of {method}"
        maps = {"FORESTS": trained, "COVARIATES": out["fine.tif"], **own, "INTERVALS": True}
        run("downscale", {**maps, "OUTPUT": str(made[method])})
    return made


@pytest.fixture(scope="module")
def whole(basin, tmp_path_factory, qgis_provider, without_saga):
    """A whole run with stations and cross-validation: outputs and what was said."""
    from qgis.core import QgsProcessingContext, QgsProcessingFeedback
    from qgis.PyQt.QtCore import QVariant

    class Listening(QgsProcessingFeedback):
        def __init__(self):
            super().__init__(False)
            self.lines, self.warnings, self.progress = [], [], []
            self.progressChanged.connect(self.progress.append)

        def pushInfo(self, info):
            self.lines.append(info)

        def pushWarning(self, warning):
            self.warnings.append(warning)

    folder, before = tmp_path_factory.mktemp("whole"), sorted(basin.rglob("*"))
    feedback, context = Listening(), QgsProcessingContext()
    nothing = QVariant(QVariant.String)
    outputs, good = qgis_provider.algorithm("downscalesmap").run(
        all_raw(
            basin,
            STATIONS=str(basin / "stations.csv"),
            # As the dialog sends what is left empty.
            **dict.fromkeys(("EXTENT", "AOI", "CRS"), nothing),
            START=QVariant(QVariant.DateTime),
            END=QVariant(QVariant.DateTime),
            METHOD="area-to-point model",
            INTERVALS=True,
            CROSS_VALIDATION=True,
            OUTPUT=str(folder),
            MAPS="TEMPORARY_OUTPUT",
        ),
        context,
        feedback,
        catchExceptions=False,
    )
    assert good
    # Nothing is written beside the inputs; QGIS itself does so when scripts call single steps.
    assert sorted(basin.rglob("*")) == before
    return outputs, feedback


def test_maps_have_the_bits_of_the_single_steps(whole, single_steps):
    outputs, _ = whole
    assert_same_bits(Path(outputs["OUTPUT"]) / "maps", single_steps["area-to-point model"])
    assert outputs["COUNT"] == len(maps_in(single_steps["area-to-point model"]))


def test_the_log_says_which_step_runs_and_one_bar_shows_all(whole, by_ids):
    _, feedback = whole
    headings = [line for line in feedback.lines if re.match(r"Step \d of \d: ", line)]
    assert headings == [
        f"Step {number} of 9: {title}"
        for number, title in enumerate(
            (
                "SMAP's cells over the study area",
                "Rain of the days before",
                "Terrain indices",
                "Covariates on SMAP's cells and on the pixels of the maps",
                "Training: the area-to-point model",
                "Maps",
                "Cross-validation",
                "Maps beside field stations",
                "Report and project",
            ),
            start=1,
        )
    ]
    # Within a step the bar may fall back a little, as the step's own does.
    assert np.diff(feedback.progress).min() > -100 / 9 - 1e-6
    assert feedback.progress[-1] > 85
    first = next(line for line in map(by_ids, feedback.lines) if line.startswith("RAIN"))
    assert first.endswith("less than a year: there is no rain of the seasons among the covariates.")
    assert no_line_stands_twice(feedback.lines)
    # It is read before all steps too.
    assert sum("stations.csv: station from station" in line for line in feedback.lines) == 1


def no_line_stands_twice(lines):
    """Beside empty ones and the headings of tables."""
    sentences = [line for line in lines if line and not line.endswith(":")]
    return len(sentences) == len(set(sentences))


def test_forests_and_their_cross_validation_read_one_table_and_say_so_once(run, said, basin, tmp_path):
    settings = {"METHOD": "random forest", "CROSS_VALIDATION": True, "INTERVALS": False}
    run("downscalesmap", all_raw(basin, **settings, RESOLUTION=300, OUTPUT=str(tmp_path / "out")))
    assert no_line_stands_twice([line for line in said.info if not line.startswith("  ")])
    assert sum(bool(re.match(r"\d covariates of ", line)) for line in said.info) == 1
    # The basin is small for blocks of 72 km, and this dialog has no parameter for them.
    (warning,) = (line for line in said.warnings if line.startswith("blocks of 72 km"))
    own = "take a larger area, or use 'Cross-validate models' with more folds or smaller blocks"
    assert warning.endswith(f"too pessimistic; {own}")
    assert own.replace("'", "&#39;") in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_tables_of_steps_are_said_whole_or_not_at_all(qgis_provider, feedback, said):
    from smap_downscaler.steps.chain.toolbox.steps import _StepFeedback

    steps = _StepFeedback(2, feedback)
    head, one, other = "Before the work:", "  a  1", "  b  2"
    for lines in (
        (head, one, other),
        ("Done.",),
        (head, one, other),
        (head, one),
        ("Done.", "Made:", "Made:"),
    ):
        for line in lines:
            steps.pushInfo(line)
    steps.pushWarning("Look.")
    assert said.info == [head, one, other, "Done.", head, one, "Made:", "Made:"]


def test_the_report_gathers_what_was_made(whole):
    outputs, _ = whole
    page = Path(outputs["REPORT"]).read_text(encoding="utf-8")
    for words in (
        "<h1>Soil moisture maps, 2021-01-",
        "elevation, twi_mtfd, slope, clay, sand, p_antecedent",
        "Cross-validation on SMAP's cells, beside interpolation",
        "blocks of 72 km",
        "At the field stations",
        "What speaks for the pattern within cells",
        "SMAP and the map of 2021-01-",
        # Sides with their unit.
        " of 9,008.06 m<",
        " m, EPSG:32719<",
    ):
        assert words.replace("'", "&#39;") in page, words


def test_the_project_opens_on_the_maps(whole):
    from qgis.core import Qgis, QgsProject

    outputs, _ = whole
    project = QgsProject()
    assert project.read(outputs["PROJECT"])
    names = [layer.name() for layer in project.layerTreeRoot().layerOrder()]
    maps = project.mapLayersByName(names[0])[0]
    assert re.fullmatch("Soil moisture 2021-01-05 to 2021-01-1.", names[0])
    assert names[1:] == ["SMAP", "Terrain"]
    assert all(layer.isValid() for layer in project.mapLayers().values())
    assert Path(maps.source()) == Path(outputs["MAPS"])
    assert project.crs() == maps.crs()
    times = project.timeSettings()
    assert (times.timeStep(), times.timeStepUnit()) == (1.0, Qgis.TemporalUnit.Days)
    assert times.temporalRange().begin() == maps.temporalProperties().allTemporalRanges(maps)[0].begin()
    view = project.viewSettings().defaultViewExtent()
    assert view.width() == pytest.approx(maps.extent().width())
    project.clear()


def test_maps_are_loaded_as_one_temporal_layer(run, basin, without_saga, tmp_path, monkeypatch):
    from qgis.core import QgsProcessingContext, QgsProcessingOutputLayerDefinition, QgsProject

    from smap_downscaler.steps.terrain.toolbox import saga_choice

    # Here with SAGA, where there is one.
    monkeypatch.setattr(saga_choice, "_ways", without_saga)
    context, project = QgsProcessingContext(), QgsProject()
    context.setProject(project)
    outputs = run(
        "downscalesmap",
        raw(
            basin,
            END="2021-01-06",
            METHOD="random forest",
            CROSS_VALIDATION=False,
            OUTPUT=str(tmp_path / "out"),
            MAPS=QgsProcessingOutputLayerDefinition("TEMPORARY_OUTPUT", project),
        ),
        context,
    )
    (loaded,) = context.layersToLoadOnCompletion().items()
    layer = context.getMapLayer(loaded[0])
    assert loaded[1].name.startswith("Soil moisture 2021-01-05 to ")
    assert Path(layer.source()) == Path(outputs["MAPS"])
    assert layer.temporalProperties().isActive()
    # Neither soil nor rain: what is left are covariates of the terrain.
    covariates = tmp_path / "out" / "covariates"
    assert open_stack(str(covariates / "fine_stack.tif")).names == ("elevation", *TERRAIN)
    engine = open_dataset(covariates / "slope.tif").GetMetadata()["ENGINE"]
    assert engine.startswith("SAGA") == bool(saga_choice.find_saga_cmd())


def test_a_step_of_a_model_is_the_whole_chain(qgis_provider, basin, tmp_path):
    import processing
    from qgis.core import (
        QgsProcessingModelAlgorithm,
        QgsProcessingModelChildAlgorithm,
        QgsProcessingModelChildParameterSource,
        QgsProcessingModelOutput,
    )

    model = QgsProcessingModelAlgorithm("chain")
    child = QgsProcessingModelChildAlgorithm("smapdownscaler:downscalesmap")
    child.setChildId("chain")
    values = raw(basin, END="2021-01-06", METHOD="random forest", CROSS_VALIDATION=False)
    for name, value in values.items():
        child.addParameterSources(name, [QgsProcessingModelChildParameterSource.fromStaticValue(value)])
    output = QgsProcessingModelOutput("Maps")
    output.setChildId("chain")
    output.setChildOutputName("MAPS")
    # The model's output is called after it.
    output.setDescription("Maps")
    child.setModelOutputs({"Maps": output})
    model.addChildAlgorithm(child)
    outputs = processing.run(model, {"maps": str(tmp_path / "maps.vrt")})
    assert open_dataset(outputs["maps"]).RasterCount >= 1


def test_after_a_stop_it_goes_on_and_what_changed_is_done_anew(
    run, said, feedback, basin, single_steps, tmp_path
):
    from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback

    parameters = all_raw(basin, METHOD="random forest", CROSS_VALIDATION=False, OUTPUT=str(tmp_path))
    feedback.cancel_when = lambda text: text.startswith("Step 4 of 8: ")
    run("downscalesmap", parameters)
    assert feedback.isCanceled()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".steps.work",
        "covariates",
        "p_antecedent",
        "smap",
    ]
    assert sorted(path.name for path in (tmp_path / "covariates").iterdir()) == sorted(
        f"{one}.tif" for one in TERRAIN
    )

    class Again(QgsProcessingFeedback):
        def pushInfo(self, info):
            said.info.append(info)

    def kept():
        said.info.clear()
        name, context = "smapdownscaler:downscalesmap", QgsProcessingContext()
        algorithm = QgsApplication.processingRegistry().createAlgorithmById(name)
        _, good = algorithm.run(parameters, context, Again(False), catchExceptions=False)
        assert good
        heads = [line for line in said.info if line.startswith(("Step", "Kept"))]
        return [one for one, after in zip(heads, heads[1:]) if after.startswith("Kept")]

    titles = (
        "SMAP's cells over the study area",
        "Rain of the days before",
        "Terrain indices",
        "Covariates on SMAP's cells and on the pixels of the maps",
        "The regression matrix",
        "Training: random forests",
    )
    steps = [f"Step {number} of 8: {title}" for number, title in enumerate(titles, start=1)]
    assert kept() == steps[:3]
    assert_same_bits(tmp_path / "maps", single_steps["random forest"])
    assert kept() == steps
    # What is made of a lost file is made anew with it.
    (tmp_path / "covariates" / "slope.tif").unlink()
    assert kept() == steps[:2]
    assert_same_bits(tmp_path / "maps", single_steps["random forest"])


def test_a_box_is_the_study_area(run, basin, tmp_path):
    grid = open_series(str(basin / "smap")).grid
    left, top = grid.left + 2.5 * grid.cell_width, grid.top - 2.5 * grid.cell_height
    box = (left, left + 5 * grid.cell_width, top - 5 * grid.cell_height, top)
    outputs = run(
        "downscalesmap",
        raw(
            basin,
            EXTENT=f"{','.join(map(str, box))} [EPSG:6933]",
            METHOD="random forest",
            END="2021-01-06",
            OUTPUT=str(tmp_path),
        ),
    )
    assert open_series(str(tmp_path / "smap")).grid.shape == (6, 6)
    assert outputs["COUNT"] > 0
    assert "random folds" in Path(outputs["REPORT"]).read_text(encoding="utf-8")


def in_feet(path):
    grid = Grid("EPSG:4326", -71.0, -13.0, 0.001, 0.001, 30, 30)
    write_geotiff(path, grid, np.ones((30, 30), np.float32), [Band("elevation", "feet")])
    return str(path)


def test_a_dem_in_degrees_is_brought_to_metres_for_its_slopes(run, said, basin, tmp_path):
    """As most DEMs come; the maps lie in the UTM zone then, and the project shows the terrain in metres."""
    from osgeo import gdal

    dem, out = tmp_path / "dem.tif", tmp_path / "out"
    side = 500 / 111_320
    gdal.Warp(
        str(dem), str(basin / "dem.tif"), dstSRS="EPSG:4326", xRes=side, yRes=side, resampleAlg="bilinear"
    )
    given = {"END": "2021-01-06", "METHOD": "random forest", "CROSS_VALIDATION": False, "OUTPUT": str(out)}
    outputs = run("downscalesmap", raw(basin, **{**given, "DEM": str(dem)}))
    assert [line for line in said.info if line.startswith("Step 2")] == ["Step 2 of 8: The DEM in metres"]
    grids = [
        dataset_grid(open_dataset(out / "covariates" / f"{name}.tif"), name)
        for name in ("dem_in_metres", "slope")
    ]
    assert grids[0] == grids[1]
    assert grids[0].cell_width == 500
    mapped = next(iter(maps_in(out / "maps").values()))
    assert dataset_grid(open_dataset(mapped), "map").crs == grids[0].crs == "EPSG:32719"
    assert open_stack(str(out / "covariates" / "fine_stack.tif")).names == ("elevation", *TERRAIN)
    # Warped twice by the test, it is smoother.
    slopes = [
        read_band(open_dataset(path), 1)
        for path in (out / "covariates" / "slope.tif", basin_slope(run, basin, tmp_path))
    ]
    assert np.nanmean(slopes[0]) == pytest.approx(np.nanmean(slopes[1]), rel=0.25)
    assert outputs["COUNT"] > 0


def basin_slope(run, basin, folder):
    """The slope of the same terrain in metres."""
    given = {"INPUT": str(basin / "dem.tif"), "SLOPE": str(folder / "slope.tif"), "TWI_MTFD": None}
    return run("terrainindices", {**given, "TWI_FD8": None, "TWI_MFDMD": None})["SLOPE"]


def test_bad_inputs_are_refused_before_any_work(refusal, said, basin, tmp_path):
    clay = basin / "soil" / "clay.tif"
    (tmp_path / "clay.tif").write_bytes(clay.read_bytes())
    points, empty, none = tmp_path / "points.csv", tmp_path / "empty", tmp_path / "none"
    points.write_text("a,b\n1,2\n", encoding="utf-8")
    empty.mkdir()
    feet = in_feet(tmp_path / "dem.tif")
    no_raster = (
        f"{points}: it holds no raster but a table, such as points; choose a raster, or make one of the "
        "points first (Processing Toolbox > Interpolation)."
    )
    out = tmp_path / "out"
    for wrong, sentence in (
        ({"SMAP": str(none)}, f"SMAP: {none} does not exist; check the path."),
        (
            {"METHOD": "kriging"},
            "METHOD: there is no choice 'kriging'; choose one of area-to-point model, random forest.",
        ),
        (
            {"START": "2021-01-09", "END": "2021-01-05"},
            "START (2021-01-09) is after END (2021-01-05); exchange them.",
        ),
        (
            {"EXTENT": "0,1,0,1"},
            "EXTENT: the extent has no CRS, so its place on earth is not known; give it as "
            "'xmin,xmax,ymin,ymax [EPSG:4326]'.",
        ),
        (
            {"DEM": feet},
            f"{feet}: its elevations are in feet; convert them to metres first (Raster > Raster Calculator).",
        ),
        ({"DEM": str(points)}, no_raster),
        ({"SOIL": [str(points)]}, no_raster),
        ({"MASK": str(points)}, no_raster),
        (
            {"SOIL": [str(clay), str(tmp_path / "clay.tif")]},
            f"SOIL layer clay ({clay}), band 1 and SOIL layer clay ({tmp_path / 'clay.tif'}), band 1 would "
            "both be named 'clay'; rename one of the files.",
        ),
        (
            {"AOI": str(basin / "stations.csv")},
            "AOI: stations is a table without geometry; choose a layer of shapes.",
        ),
        ({"RAIN": str(none)}, f"RAIN: {none} does not exist; check the path."),
        (
            {"RAIN": str(empty)},
            f"{empty}: the folder holds no raster; choose the folder that holds the dated files.",
        ),
        ({"RESOLUTION": 0}, "RESOLUTION is 0; give the side of a pixel, greater than 0."),
        ({"STATIONS": str(none)}, f"STATIONS: there is no file or folder {none}; check the path."),
        (
            {"STATIONS": str(points)},
            f"STATIONS: no column of {points} has a usual name of date (it has a, b); rename the column, or "
            "use 'Validate maps against the field'.",
        ),
        (
            {"MAPS": f"{tmp_path}/maps.png"},
            f"{tmp_path}/maps.png: a series is written as .vrt or .tif; give it one of these endings.",
        ),
        (
            {"OUTPUT": str(basin / "smap")},
            f"OUTPUT and SMAP are both {basin / 'smap'}; choose another OUTPUT.",
        ),
    ):
        assert refusal("downscalesmap", all_raw(basin, **{"OUTPUT": str(out), **wrong})) == sentence
        assert not [line for line in said.info if line.startswith("Step")], wrong
        assert not out.exists()
