"""regressionmatrix, trainforests, downscale: held against plain NumPy and scikit-learn, and refusals."""

from __future__ import annotations

import datetime as dt
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from forest_cases import predict, train_forest
from small_case import CELLS, DATES, FOREST, NAMES, PIXELS, SPARSE, make_small_case
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.methods.file.reader import open_models
from smap_downscaler.steps.matrix.read import open_matrix


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return make_small_case(tmp_path_factory.mktemp("case"))


@pytest.fixture
def matrix(run, case, tmp_path):
    """Path of a regression matrix of the case."""
    parameters = {
        "SMAP": case.smap_folder,
        "COVARIATES": case.coarse_stack,
        "OUTPUT": str(tmp_path / "matrix.gpkg"),
    }
    return run("regressionmatrix", parameters)["OUTPUT"]


@pytest.fixture
def forests(run, matrix, tmp_path):
    """Path of a forest file of the case."""
    output = str(tmp_path / "forests.smapforest")
    return run("trainforests", {"INPUT": matrix, **FOREST, "OUTPUT": output})["OUTPUT"]


def table_rows(path, layer=""):
    """All rows of a table as dictionaries, through QGIS."""
    from qgis.core import QgsVectorLayer

    table = QgsVectorLayer(f"{path}{layer}", "table", "ogr")
    assert table.isValid()
    names = table.fields().names()
    return [dict(zip(names, feature.attributes())) for feature in table.getFeatures()]


def read(path, band=1):
    from osgeo import gdal

    dataset = gdal.Open(str(path))
    values = dataset.GetRasterBand(band).ReadAsArray().astype(float)
    values[values == dataset.GetRasterBand(band).GetNoDataValue()] = np.nan
    return values


# regressionmatrix


def test_matrix_joins_cells_and_dates(run, case, tmp_path):
    outputs = run(
        "regressionmatrix",
        {
            "SMAP": case.smap_folder,
            "COVARIATES": case.coarse_stack,
            "DYNAMIC": [case.rain_folder],
            "OUTPUT": str(tmp_path / "matrix.gpkg"),
        },
    )
    rows = table_rows(outputs["OUTPUT"])
    assert outputs["COUNT"] == len(rows) == sum(np.isfinite(theta).sum() for theta in case.smap.values())
    assert list(rows[0])[1:] == ["date", "row", "col", "x", "y", "soil_moisture", *NAMES, "rain"]
    for row in rows:
        date = row["date"].toPyDate()
        cell = row["row"], row["col"]
        assert row["soil_moisture"] == case.smap[date][cell]
        assert [row[name] for name in NAMES] == case.coarse[:, cell[0], cell[1]].tolist()
        assert row["rain"] == pytest.approx(
            read(f"{case.rain_folder}/rain_{date:%Y%m%d}.tif")[cell], rel=1e-5
        )
        assert row["x"] == pytest.approx(CELLS.x_centres()[cell[1]])
        assert row["y"] == pytest.approx(CELLS.y_centres()[cell[0]])


def test_matrix_of_some_dates_as_csv(run, case, tmp_path):
    outputs = run(
        "regressionmatrix",
        {
            "SMAP": case.smap_folder,
            "COVARIATES": case.coarse_stack,
            "START": "2020-12-31",
            "END": "2020-12-31",
            "OUTPUT": str(tmp_path / "matrix.csv"),
        },
    )
    assert outputs["COUNT"] == np.isfinite(case.smap[SPARSE]).sum()
    assert (
        Path(outputs["OUTPUT"]).read_text().startswith("date,row,col,x,y,soil_moisture,elevation,clay,sand")
    )


@pytest.fixture
def modis(case, tmp_path):
    """A folder of one file a date: NDVI that rises from cell to cell, EVI, quality and a class."""

    def make(name, bands=("DetailedQA", "NDVI", "EVI", "LC_Type1")):
        rising = np.arange(CELLS.height * CELLS.width, dtype=np.float32).reshape(CELLS.shape) / 100
        layers = {"DetailedQA": 2112 + 0 * rising, "NDVI": rising, "EVI": rising / 2}
        layers["LC_Type1"] = np.resize([7, 10, 12, 16], CELLS.shape)
        for date in DATES:
            path = tmp_path / name / f"MOD13_{date:%Y%m%d}.tif"
            write_geotiff(
                path, CELLS, np.stack([layers[band] for band in bands]), [Band(one) for one in bands]
            )
        return str(tmp_path / name)

    return make


def test_the_band_of_a_dated_covariate(run, refusal, case, modis, tmp_path):
    def column(folder, **more):
        given = {"SMAP": case.smap_folder, "COVARIATES": case.coarse_stack, "DYNAMIC": [folder], **more}
        rows = table_rows(run("regressionmatrix", {**given, "OUTPUT": str(tmp_path / "m.gpkg")})["OUTPUT"])
        name = Path(folder).name
        return np.array([row[name] for row in rows]), np.array([row["row"] * 9 + row["col"] for row in rows])

    ndvi, cells = column(modis("ndvi"))
    np.testing.assert_allclose(ndvi, cells / 100, rtol=1e-5)
    evi, cells = column(modis("mod13"), BAND="EVI")
    np.testing.assert_allclose(evi, cells / 200, rtol=1e-5)
    evi, cells = column(modis("vegetation"), BAND="3")
    np.testing.assert_allclose(evi, cells / 200, rtol=1e-5)
    given = {"SMAP": case.smap_folder, "COVARIATES": case.coarse_stack, "OUTPUT": str(tmp_path / "n.gpkg")}
    folder = modis("plants")
    assert refusal("regressionmatrix", {**given, "DYNAMIC": [folder]}) == (
        f"{folder}/MOD13_20201230.tif: it has 4 bands (DetailedQA, NDVI, EVI, LC_Type1) where one is wanted, "
        "and it cannot be told which one is plants; if they are days, describe each by its date, such as "
        "2021-01-31, or save each as a file named by its date, else give its name or number as BAND."
    )
    assert refusal("regressionmatrix", {**given, "DYNAMIC": [folder], "BAND": "LC_Type1"}) == (
        f"{folder}: by its name and its values (7, 10, 12, 16) it is a map of classes, whose codes have no "
        "mean; give the share of each class instead ('Harmonise covariates' makes them of a map named in "
        "CATEGORICAL), or another name in DYNAMIC_NAMES if they are measurements."
    )
    assert not (tmp_path / "n.gpkg").exists()


def test_a_matrix_without_a_complete_row_is_refused(refusal, case, tmp_path):
    west, east = (np.full(CELLS.shape, np.nan, np.float32) for _ in range(2))
    west[:, :4], east[:, 4:] = 1, 2
    stack = tmp_path / "tiles.tif"
    write_geotiff(
        stack, CELLS, np.stack([west, east, west * 0 + 3]), [Band(name) for name in ("w", "e", "third")]
    )
    given = {"SMAP": case.smap_folder, "COVARIATES": str(stack), "OUTPUT": str(tmp_path / "m.gpkg")}
    seen = np.stack([np.isfinite(values) for values in case.smap.values()])
    counts = {"w": seen[:, :, :4].sum(), "e": seen[:, :, 4:].sum(), "third": seen[:, :, :4].sum()}
    fewest = sorted(counts, key=lambda name: (counts[name], list(counts).index(name)))[:2]
    listed = " and ".join(f"{name} in {counts[name]:,}" for name in fewest)
    assert refusal("regressionmatrix", given) == (
        f"None of the {seen.sum():,} rows has a value of all covariates, which forests need (fewest: "
        f"{listed}); give COVARIATES and DYNAMIC of the same area and dates, or leave out what lacks."
    )
    assert not (tmp_path / "m.gpkg").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"SMAP": "{tmp}/empty"},
            "{tmp}/empty: the folder holds no raster; choose the folder that holds the dated files.",
        ),
        (
            {"OUTPUT": "{case}/smap/m.gpkg"},
            "OUTPUT ({case}/smap/m.gpkg) lies in the folder given as SMAP, which would then hold what does "
            "not belong to it; choose another folder.",
        ),
        (
            {"OUTPUT": "{case}/coarse.tif"},
            "OUTPUT and COVARIATES are both {case}/coarse.tif; choose another OUTPUT.",
        ),
        ({"SMAP": "{tmp}/none"}, "{tmp}/none: there is no such file; check the path."),
        (
            {"COVARIATES": "{case}/fine.tif"},
            "{case}/fine.tif: its cells are not those of {case}/smap; make it with 'Harmonise "
            "covariates' and "
            "the same SMAP series.",
        ),
        (
            {"START": "2021-01-02"},
            "{case}/smap: it holds no date from 2021-01-02 to its end (it runs from 2020-12-30 to "
            "2021-01-01); "
            "choose other dates.",
        ),
        (
            {"START": "2021-01-02", "END": "2021-01-01"},
            "START (2021-01-02) is after END (2021-01-01); exchange them.",
        ),
        (
            {"DYNAMIC": ["{case}/rain"], "DYNAMIC_NAMES": "clay"},
            "A covariate cannot be named clay, which is the name of two of them; rename it by "
            "DYNAMIC_NAMES, or in COVARIATES.",
        ),
        (
            {"DYNAMIC": ["{case}/rain"], "DYNAMIC_NAMES": "date"},
            "A covariate cannot be named date, which is the name of a field of the matrix (col, date, "
            "fid, row, "
            "soil_moisture, x, y); rename it by DYNAMIC_NAMES, or in COVARIATES.",
        ),
        (
            {"DYNAMIC": ["{case}/rain"], "DYNAMIC_NAMES": "a,b"},
            "DYNAMIC_NAMES: 2 names are given for 1 dated series (DYNAMIC); give one name for each.",
        ),
    ],
)
def test_matrix_refusals(refusal, case, tmp_path, change, sentence):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no raster")

    def filled(value):
        if isinstance(value, list):
            return [filled(item) for item in value]
        return value.replace("{tmp}", str(tmp_path)).replace("{case}", str(case.folder))

    parameters = {
        "SMAP": case.smap_folder,
        "COVARIATES": case.coarse_stack,
        "OUTPUT": str(tmp_path / "m.gpkg"),
    }
    parameters.update({key: filled(value) for key, value in change.items()})
    assert refusal("regressionmatrix", parameters) == filled(sentence)
    assert not (tmp_path / "m.gpkg").exists()


# trainforests


def test_forests_are_those_of_plain_scikit_learn(run, case, matrix, tmp_path):
    from sklearn.ensemble import RandomForestRegressor

    outputs = run("trainforests", {"INPUT": matrix, **FOREST, "OUTPUT": str(tmp_path / "f.smapforest")})
    assert outputs["COUNT"] == 2
    date = DATES[0]
    seen = np.isfinite(case.smap[date])
    x, y = case.coarse[:, seen].T, case.smap[date][seen].astype(float)
    seed = int(np.random.SeedSequence([3, date.toordinal()]).generate_state(1)[0])
    plain = RandomForestRegressor(
        n_estimators=12, max_features=1, max_samples=len(y), min_samples_split=4, random_state=seed
    ).fit(x, y)
    with open_models(outputs["OUTPUT"]) as file:
        assert file.names == NAMES
        assert file.units == {"elevation": "m", "clay": "g/kg", "sand": "g/kg"}
        assert file.dates == (DATES[0], DATES[2])
        assert np.allclose(predict(file.load(date), x), plain.predict(x), rtol=0, atol=1e-14)


def test_scores_tell_every_date(run, said, case, matrix, tmp_path):
    run(
        "trainforests",
        {
            "INPUT": matrix,
            **FOREST,
            "OUTPUT": str(tmp_path / "f.smapforest"),
            "SCORES": str(tmp_path / "scores.gpkg"),
        },
    )
    rows = {row["date"].toPyDate(): row for row in table_rows(tmp_path / "scores.gpkg")}
    assert sorted(rows) == list(DATES)
    assert rows[SPARSE]["status"] == "15 cells, fewer than the 20 needed"
    assert f"{SPARSE}: no forest, 15 cells, fewer than the 20 needed" in said.info
    with open_models(tmp_path / "f.smapforest") as file:
        for date in file.dates:
            assert rows[date]["status"] == "trained"
            assert rows[date]["oob_rmse"] == file.scores(date).rmse
            assert rows[date]["n"] == np.isfinite(case.smap[date]).sum()


def test_the_paper_preset_ignores_the_numbers_below(run, matrix, tmp_path):
    parameters = {"INPUT": matrix, "PRESET": "paper", "MINIMUM_CELLS": 20, "N_ESTIMATORS": 3}
    outputs = run("trainforests", {**parameters, "OUTPUT": str(tmp_path / "f.smapforest")})
    with open_models(outputs["OUTPUT"]) as file:
        assert file.settings.as_dict() == {
            "n_estimators": 100,
            "max_features": 7,
            "sample_size": 1278,
            "min_samples_split": 4,
            "min_samples_leaf": 1,
            "max_depth": None,
            "seed": 1,
        }


def test_a_memory_layer_and_a_csv_train_the_same_forests(run, case, matrix, forests, tmp_path):
    from qgis.core import QgsFeatureRequest, QgsVectorLayer

    with open_models(forests) as file:
        expected = predict(file.load(DATES[0]), case.coarse[:, :3, 5].T)
    table = QgsVectorLayer(matrix, "table", "ogr")
    in_memory = table.materialize(QgsFeatureRequest())
    in_csv = str(tmp_path / "matrix.csv")
    run("regressionmatrix", {"SMAP": case.smap_folder, "COVARIATES": case.coarse_stack, "OUTPUT": in_csv})
    for number, source in enumerate((in_memory, in_csv)):
        output = str(tmp_path / f"{number}.smapforest")
        run("trainforests", {"INPUT": source, **FOREST, "OUTPUT": output})
        with open_models(output) as file:
            got = predict(file.load(DATES[0]), case.coarse[:, :3, 5].T)
        # A CSV file keeps 15 digits.
        assert np.allclose(got, expected, rtol=0, atol=1e-12)


def test_training_refusals(refusal, run, matrix, tmp_path):
    from osgeo import ogr

    def table(name, fields, rows=()):
        path = tmp_path / f"{name}.gpkg"
        dataset = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
        layer = dataset.CreateLayer("matrix", None, ogr.wkbNone)
        for field, kind in fields.items():
            layer.CreateField(ogr.FieldDefn(field, kind))
        for row in rows:
            feature = ogr.Feature(layer.GetLayerDefn())
            for field, value in row.items():
                feature.SetField(field, value)
            layer.CreateFeature(feature)
        return str(path)

    def sentence(source, **more):
        return refusal("trainforests", {"INPUT": source, "OUTPUT": str(tmp_path / "f.smapforest"), **more})

    keys = {"date": ogr.OFTString, "row": ogr.OFTInteger, "col": ogr.OFTInteger}
    number = ogr.OFTReal
    without = table("without", {"row": number, "clay": number})
    assert sentence(without) == (
        f"{without}: the table has no field date, col, soil_moisture (it has row, clay); "
        "make it with 'Regression matrix'."
    )
    bare = table("bare", {**keys, "soil_moisture": number})
    assert sentence(bare) == f"{bare}: the table has no covariate beside soil_moisture; add covariates to it."
    words = table(
        "words",
        {**keys, "soil_moisture": number, "land_use": ogr.OFTString},
        [{"date": "2020-12-31", "row": 0, "col": 0, "soil_moisture": 0.2, "land_use": "maize"}],
    )
    assert sentence(words) == (
        f"{words}: the field land_use is not a number (it holds 'maize'); name the "
        "covariates without it in FIELDS, or turn it into numbers."
    )
    dates = table(
        "dates",
        {**keys, "soil_moisture": number, "clay": number},
        [{"date": "31.12.2020", "row": 0, "col": 0, "soil_moisture": 0.2, "clay": 1.0}],
    )
    assert sentence(dates) == (
        f"{dates}: its field date holds '31.12.2020', which is no date; write dates as YYYY-MM-DD."
    )
    assert sentence(matrix, MINIMUM_CELLS=100) == (
        f"{matrix}: no date from the start to the end has the 100 cells that a forest needs (the best "
        f"has 71); "
        "enlarge the study area, or lower MINIMUM_CELLS."
    )
    assert sentence(str(tmp_path / "none.gpkg")).startswith("INPUT: there is no table")
    assert not (tmp_path / "f.smapforest").exists()


# downscale


def test_maps_are_the_forest_of_each_pixel(run, case, forests, tmp_path):
    outputs = run(
        "downscale", {"FORESTS": forests, "COVARIATES": case.fine_stack, "OUTPUT": str(tmp_path / "maps")}
    )
    assert outputs["COUNT"] == 2
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == [
        "series.qml",
        "series.vrt",
        "smap_downscaler.json",
        "soil_moisture_20201230.tif",
        "soil_moisture_20210101.tif",
    ]
    pixels = case.fine.reshape(3, -1).T
    for date in (DATES[0], DATES[2]):
        seen = np.isfinite(case.smap[date])
        with open_models(forests) as file:
            settings = file.settings
        trained = train_forest(case.coarse[:, seen].T, case.smap[date][seen], settings, date.toordinal())
        plain = sum(tree.predict(pixels)[:, 0] for tree in trained.arrays.to_trees(3)) / 12
        got = read(tmp_path / "maps" / f"soil_moisture_{date:%Y%m%d}.tif")
        assert np.array_equal(got, plain.astype(np.float32).reshape(PIXELS.shape))


def test_maps_of_the_coarse_stack_are_told(run, said, case, forests, tmp_path):
    values = {"FORESTS": forests, "OUTPUT": str(tmp_path / "maps")}
    run("downscale", {**values, "COVARIATES": case.fine_stack})
    assert not any("SMAP's own cells" in text for text in said.warnings)
    run("downscale", {**values, "COVARIATES": case.coarse_stack})
    assert (
        f"{case.coarse_stack}: it lies on SMAP's own cells, and so will the maps; give COVARIATES the fine "
        "stack of 'Harmonise covariates'"
    ) in said.warnings


def test_the_map_says_what_it_is(run, case, forests, tmp_path):
    from osgeo import gdal

    run("downscale", {"FORESTS": forests, "COVARIATES": case.fine_stack, "OUTPUT": str(tmp_path / "maps")})
    dataset = gdal.Open(str(tmp_path / "maps" / "soil_moisture_20201230.tif"))
    band = dataset.GetRasterBand(1)
    assert dataset.GetMetadataItem("DATE") == "2020-12-30"
    assert (band.GetDescription(), band.GetUnitType()) == ("2020-12-30", "m3 m-3")
    values = band.ReadAsArray().astype(float)
    assert float(band.GetMetadataItem("STATISTICS_MEAN")) == pytest.approx(values.mean(), rel=1e-6)
    assert float(band.GetMetadataItem("STATISTICS_STDDEV")) == pytest.approx(values.std(), rel=1e-6)
    assert dataset.GetMetadataItem("COMPRESSION", "IMAGE_STRUCTURE") == "DEFLATE"
    assert not list((tmp_path / "maps").glob("*.aux.xml"))


def test_the_series_is_one_temporal_layer(run, case, forests, tmp_path):
    from qgis.core import QgsProcessingContext, QgsProject

    context = QgsProcessingContext()
    project = QgsProject()
    context.setProject(project)
    asked = str(tmp_path / "asked" / "series.vrt")
    context.addLayerToLoadOnCompletion(asked, QgsProcessingContext.LayerDetails("Series", project, "SERIES"))
    outputs = run(
        "downscale",
        {
            "FORESTS": forests,
            "COVARIATES": case.fine_stack,
            "OUTPUT": str(tmp_path / "maps"),
            "SERIES": asked,
        },
        context,
    )
    assert outputs["SERIES"] == asked
    ((reference, details),) = context.layersToLoadOnCompletion().items()
    assert details.name == "Soil moisture 2020-12-30 to 2021-01-01"
    # The layer is open already, so that the window need not wait for it.
    layer = context.temporaryLayerStore().mapLayer(reference)
    assert layer.source() == asked
    from qgis.core import Qgis

    properties = layer.temporalProperties()
    assert properties.isActive()
    assert properties.mode() == Qgis.RasterTemporalMode.FixedRangePerBand
    days = {band: rng.begin().date().toPyDate() for band, rng in properties.fixedRangePerBand().items()}
    assert days == {1: DATES[0], 2: DATES[2]}
    assert layer.renderer().type() == "singlebandpseudocolor"
    assert not list((tmp_path / "maps").glob("*.aux.xml"))
    assert np.array_equal(read(asked, 2), read(tmp_path / "maps" / "soil_moisture_20210101.tif"))


def test_a_series_left_to_qgis_stays_with_the_maps(run, case, forests, tmp_path):
    parameters = {"FORESTS": forests, "COVARIATES": case.fine_stack, "OUTPUT": str(tmp_path / "maps")}
    outputs = run("downscale", {**parameters, "SERIES": "TEMPORARY_OUTPUT"})
    assert outputs["SERIES"] == str(tmp_path / "maps" / "series.vrt")


def test_a_series_named_tif_is_a_file_of_its_own(run, case, forests, tmp_path):
    from osgeo import gdal

    named = str(tmp_path / "all.tif")
    run(
        "downscale",
        {
            "FORESTS": forests,
            "COVARIATES": case.fine_stack,
            "OUTPUT": str(tmp_path / "maps"),
            "SERIES": named,
        },
    )
    dataset = gdal.Open(named)
    assert dataset.GetDriver().ShortName == "GTiff"
    assert [dataset.GetRasterBand(band).GetDescription() for band in (1, 2)] == ["2020-12-30", "2021-01-01"]
    assert np.array_equal(read(named, 2), read(tmp_path / "maps" / "soil_moisture_20210101.tif"))


def test_a_second_run_keeps_the_maps(run, said, case, forests, tmp_path):
    parameters = {"FORESTS": forests, "COVARIATES": case.fine_stack, "OUTPUT": str(tmp_path / "maps")}
    run("downscale", parameters)
    first = tmp_path / "maps" / "soil_moisture_20201230.tif"
    before = first.stat().st_mtime_ns
    (tmp_path / "maps" / "soil_moisture_20210101.tif").unlink()
    run("downscale", parameters)
    assert first.stat().st_mtime_ns == before
    assert (tmp_path / "maps" / "soil_moisture_20210101.tif").exists()
    assert "2 maps, 1 of them from an earlier run" in said.info


def test_maps_of_other_inputs_in_the_folder_are_told(run, said, by_ids, case, forests, tmp_path):
    maps, report = tmp_path / "maps", tmp_path / "report.html"
    given = {"FORESTS": forests, "COVARIATES": case.fine_stack, "OUTPUT": str(maps)}
    run("downscale", given)
    # A part of the same maps mixes nothing.
    run("downscale", {**given, "END": "2020-12-30"})
    assert "dated raster" not in said.text
    run("downscale", {**given, "COVARIATES": case.coarse_stack, "END": "2020-12-30", "REPORT": str(report)})
    told = (
        f"{maps}: it holds 1 dated raster not made from these inputs, the first of 2021-01-01; whoever opens "
        "the folder as a series reads them too, so remove them or choose another OUTPUT"
    )
    assert told in said.warnings
    assert f"<li>{told}</li>" in by_ids(report.read_text(encoding="utf-8"))


def test_cancel_leaves_only_whole_files(run, feedback, case, forests, tmp_path):
    feedback.cancel_when = lambda text: text.startswith("1 of 2 blocks mapped")
    assert (
        run(
            "downscale", {"FORESTS": forests, "COVARIATES": case.fine_stack, "OUTPUT": str(tmp_path / "maps")}
        )
        == {}
    )
    left = sorted(path.name for path in (tmp_path / "maps").iterdir())
    assert left in ([], ["soil_moisture_20201230.tif"])


def test_cancelled_training_leaves_nothing(run, feedback, matrix, tmp_path):
    feedback.cancel_when = lambda text: "of 2 dates" in text
    assert run("trainforests", {"INPUT": matrix, **FOREST, "OUTPUT": str(tmp_path / "f.smapforest")}) == {}
    assert [path.name for path in tmp_path.iterdir()] == ["matrix.gpkg"]


def test_mapping_refusals(refusal, case, forests, tmp_path):
    def sentence(**change):
        parameters = {
            "FORESTS": forests,
            "COVARIATES": case.fine_stack,
            "OUTPUT": str(tmp_path / "maps"),
            **change,
        }
        return refusal("downscale", parameters)

    short = str(tmp_path / "short.tif")
    write_geotiff(short, PIXELS, case.fine[:2], [Band("elevation"), Band("clay")])
    assert sentence(COVARIATES=short) == (
        f"{short}: the forests need the covariate sand, which is neither a band of the stack (elevation, "
        f"clay) "
        "nor a dated series; add it."
    )
    unnamed = str(tmp_path / "unnamed.tif")
    write_geotiff(unnamed, PIXELS, case.fine[:2], [Band("elevation"), Band("")])
    assert sentence(COVARIATES=unnamed) == (
        f"{unnamed}: band 2 has no name; make the stack with 'Harmonise covariates', or name each band "
        f"after its "
        "covariate."
    )
    assert sentence(DYNAMIC=[case.rain_folder]) == (
        f"{case.rain_folder}: the forests know no covariate named rain (they know elevation, clay, "
        f"sand); rename it "
        "with DYNAMIC_NAMES, or leave it out."
    )
    assert sentence(START="2022-01-01") == (
        f"{forests}: it has no forest from 2022-01-01 to its end (its forests run from 2020-12-30 to "
        f"2021-01-01); "
        "choose other dates."
    )
    assert sentence(SERIES=str(tmp_path / "series.png")) == (
        f"{tmp_path}/series.png: a series is written as .vrt or .tif; give it one of these endings."
    )
    text = tmp_path / "notes.smapforest"
    text.write_text("no forest")
    assert "not a model file" in sentence(FORESTS=str(text))
    assert not (tmp_path / "maps").exists()


def test_an_empty_band_or_rain_is_no_empty_map(refusal, run, case, forests, tmp_path):
    values = case.fine.copy()
    values[1] = np.nan
    bands = [Band(name) for name in NAMES]
    write_geotiff(tmp_path / "bad.tif", PIXELS, values, bands)
    given = {"FORESTS": forests, "COVARIATES": str(tmp_path / "bad.tif"), "OUTPUT": str(tmp_path / "maps")}
    assert refusal("downscale", given) == (
        f"{tmp_path}/bad.tif: clay has no value over the pixels to be mapped, and every covariate is needed; "
        "make the stack anew, or without it."
    )
    assert not list(tmp_path.glob("maps/*"))


def test_a_forest_file_that_leaves_its_folder_is_refused(refusal, case, forests, tmp_path):
    evil = tmp_path / "evil.smapforest"
    with zipfile.ZipFile(forests) as source, zipfile.ZipFile(evil, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
        target.writestr("../evil.txt", "out")
    sentence = refusal(
        "downscale", {"FORESTS": str(evil), "COVARIATES": case.fine_stack, "OUTPUT": str(tmp_path / "maps")}
    )
    assert sentence.startswith(f"{evil} ")
    assert "../evil.txt" in sentence
    assert not (tmp_path.parent / "evil.txt").exists()


def test_dated_covariates_reach_the_maps(run, refusal, case, tmp_path):
    matrix, forests = str(tmp_path / "m.gpkg"), str(tmp_path / "f.smapforest")
    dynamic = {"DYNAMIC": [case.rain_folder], "DYNAMIC_NAMES": "p_antecedent"}
    run(
        "regressionmatrix",
        {"SMAP": case.smap_folder, "COVARIATES": case.coarse_stack, **dynamic, "OUTPUT": matrix},
    )
    run("trainforests", {"INPUT": matrix, **FOREST, "OUTPUT": forests})
    maps = {"FORESTS": forests, "COVARIATES": case.fine_stack, "OUTPUT": str(tmp_path / "maps")}
    run("downscale", {**maps, **dynamic})
    with open_models(forests) as file:
        forest = file.load(DATES[0])
    rain = read(f"{case.rain_folder}/rain_{DATES[0]:%Y%m%d}.tif")
    # Bilinear by hand at a pixel whose centre lies .05 cells right of and above the centre of cell (3, 4).
    row, col = 34, 45
    corners = 0.95 * 0.95 * rain[3, 4] + 0.95 * 0.05 * (rain[2, 4] + rain[3, 5]) + 0.05 * 0.05 * rain[2, 5]
    x = np.array([[*case.fine[:, row, col], corners]], np.float32)
    got = read(tmp_path / "maps" / f"soil_moisture_{DATES[0]:%Y%m%d}.tif")[row, col]
    assert got == pytest.approx(predict(forest, x)[0], abs=1e-7)


def test_rain_is_asked_for_and_said(run, said, by_ids, refusal, case, tmp_path):
    """A series of the first date only, whose name speaks of rain: from the matrix to the maps."""
    (tmp_path / "rain_index").mkdir()
    shutil.copy(f"{case.rain_folder}/rain_{DATES[0]:%Y%m%d}.tif", tmp_path / "rain_index")
    dynamic = {"DYNAMIC": [str(tmp_path / "rain_index")], "WINDOW": 2}
    given = {"SMAP": case.smap_folder, "COVARIATES": case.coarse_stack, **dynamic}
    question = "rain_index is taken as rain by its name alone, so WINDOW does not apply to it"

    def matrix(**more):
        said.warnings.clear()
        table = run("regressionmatrix", {**given, **more, "OUTPUT": str(tmp_path / "m.gpkg")})["OUTPUT"]
        days = list(open_matrix(table).days())
        asked = sum(question in line for line in said.warnings)
        return asked, open_matrix(table).rain, [bool(np.isfinite(day.x[:, -1]).all()) for day in days]

    assert matrix() == (1, {}, [True, False, False])
    assert matrix(WINDOW=0) == (0, {}, [True, False, False])
    assert matrix(RAIN="rain_index") == (0, {"rain_index": True}, [True, False, False])
    assert matrix(RAIN=" none") == (0, {"rain_index": False}, [True, True, True])
    sentence = (
        "RAIN: there is no dated covariate named snow (there is rain_index); give the names of those that "
        "are rain, separated by commas, or 'none'."
    )
    assert (
        refusal("regressionmatrix", {**given, "RAIN": "snow", "OUTPUT": str(tmp_path / "n.gpkg")}) == sentence
    )
    forests = str(tmp_path / "f.smapforest")
    run("trainforests", {"INPUT": str(tmp_path / "m.gpkg"), **FOREST, "OUTPUT": forests})
    maps = {"FORESTS": forests, "COVARIATES": case.fine_stack, **dynamic, "OUTPUT": str(tmp_path / "maps")}
    assert refusal("downscale", {**maps, "RAIN": "snow"}) == sentence
    said.warnings.clear()
    report = {"REPORT": str(tmp_path / "maps.html")}
    assert run("downscale", {**maps, **report})["COUNT"] == 1
    assert sum(question in line for line in said.warnings) == 1
    page = (tmp_path / "maps.html").read_text(encoding="utf-8")
    assert question in by_ids(page)
    assert "<dt>dated covariates that are rain</dt><dd>rain_index</dd>" in page
    said.warnings.clear()
    assert run("downscale", {**maps, "RAIN": "none"})["COUNT"] == 2
    assert not any(question in line for line in said.warnings)
    cascade = {
        **maps,
        "DATE": DATES[2].isoformat(),
        "RESOLUTIONS": "9008",
        "OUTPUT": str(tmp_path / "cascade"),
    }
    assert refusal("cascade", {**cascade, "RAIN": "snow"}) == sentence
    assert refusal("cascade", cascade) == "No date can be mapped: rain_index has no raster of 2021-01-01."
    assert run("cascade", {**cascade, "RAIN": "none"})["COUNT"] == 1


def test_date_of_the_case_is_as_assumed():
    assert DATES[-1] - DATES[0] == dt.timedelta(days=2)
