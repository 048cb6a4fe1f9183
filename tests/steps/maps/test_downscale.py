"""Maps: against scikit-learn pixel by pixel, tiled as untiled, and going on where a run stopped."""

import datetime as dt
import os
import shutil
import traceback
from dataclasses import replace

import numpy as np
import pytest
from osgeo import gdal

from forest_cases import train_forest
from map_case import (
    DAYS,
    FINE,
    NAMES,
    RAIN,
    SETTINGS,
    Case,
    finer_rain,
    pooled_forests,
    refusal,
)
from raster_cases import Listener, grid_raster, listing, netcdf
from smap_downscaler.base.errors import Cancelled
from smap_downscaler.geo.datasets import open_dataset
from smap_downscaler.geo.geotiff import TILE
from smap_downscaler.geo.grid import Grid
from smap_downscaler.geo.lattice import Transformation
from smap_downscaler.methods.features import FeatureSettings, calendar_features
from smap_downscaler.methods.file.reader import ModelWriter, open_models
from smap_downscaler.methods.forest.growth import new_sklearn_forest
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.methods.keys import CellKey
from smap_downscaler.series.dated import DatedCovariate
from smap_downscaler.series.dated_on_grid import OnPixels
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.maps.dates import dates_to_map
from smap_downscaler.steps.maps.downscale import map_file
from smap_downscaler.steps.maps.inputs import MapInputs


@pytest.fixture
def case(tmp_path):
    return Case(tmp_path)


def rain_at(values, rows, cols):
    """Bilinear interpolation by hand at pixels of the fine grid, every one of them transformed exactly."""
    x, y = Transformation(FINE.crs, RAIN.crs)(FINE.x_centres()[cols], FINE.y_centres()[rows])
    r, c = (RAIN.top - y) / RAIN.cell_height - 0.5, (x - RAIN.left) / RAIN.cell_width - 0.5
    r0, c0 = np.floor(r).astype(int), np.floor(c).astype(int)
    v, h = r - r0, c - c0
    return (
        values[r0, c0] * (1 - v) * (1 - h)
        + values[r0, c0 + 1] * (1 - v) * h
        + values[r0 + 1, c0] * v * (1 - h)
        + values[r0 + 1, c0 + 1] * v * h
    )


def test_maps_are_what_scikit_learn_predicts_for_each_pixel(case):
    """The dated covariate is interpolated through a lattice: off by up to 1e-3 pixels, so a few pixels
    may fall on the other side of a split."""
    report = case.make()
    assert report.files == {day: case.maps / f"soil_moisture_{day:%Y%m%d}.tif" for day in DAYS[:2]}
    assert (report.kept, report.skipped) == ([], {})
    rows, cols = (part.ravel() for part in np.mgrid[150 : FINE.height : 3, 0 : FINE.width : 3])
    for number, day in enumerate(DAYS[:2]):
        x, y = case.train[number]
        forest = new_sklearn_forest(SETTINGS, 60, 3, day.toordinal()).set_params(n_estimators=6).fit(x, y)
        pixels = np.column_stack(
            [case.fine[2, rows, cols], rain_at(case.rain[number], rows, cols), case.fine[0, rows, cols]]
        ).astype(np.float32)
        whole = np.isfinite(pixels).all(axis=1)
        got = case.map(day)[rows, cols]
        assert whole.sum() > 8000
        wrong = np.abs(got[whole] - forest.predict(pixels[whole])) > 1e-6
        assert wrong.mean() < 2e-3
        assert np.isnan(got[~whole]).all()


def test_static_maps_equal_scikit_learn_everywhere(case):
    settings = ForestSettings(6, 2, None, 4, 1, None, 3)
    path = case.folder / "forests.smapforest"
    x, y = case.train[0][0][:, :2], case.train[0][1]
    with ModelWriter(path, ("clay", "twi_fd8"), {}, "soil_moisture", "m3 m-3", settings, "0") as writer:
        writer.add(DAYS[0], train_forest(x, y, settings, DAYS[0].toordinal()))
    case.make(dates=DAYS[:1], dynamic=())
    forest = new_sklearn_forest(settings, 60, 2, DAYS[0].toordinal()).set_params(n_estimators=6).fit(x, y)
    pixels = case.fine[[2, 0]].reshape(2, -1).T
    whole = np.isfinite(pixels).all(axis=1)
    expected = np.full(len(pixels), np.nan)
    expected[whole] = forest.predict(pixels[whole])
    assert np.allclose(case.map(DAYS[0]).ravel(), expected, rtol=0, atol=1e-7, equal_nan=True)


def test_any_missing_covariate_gives_nodata_and_no_other_does(case):
    case.make(dates=DAYS[:1])
    rows, cols = (part.ravel() for part in np.mgrid[0 : FINE.height, 0 : FINE.width])
    x, y = Transformation(FINE.crs, RAIN.crs)(FINE.x_centres()[cols], FINE.y_centres()[rows])
    r, c = (RAIN.top - y) / RAIN.cell_height, (x - RAIN.left) / RAIN.cell_width
    dry = np.isnan(case.rain[0][np.floor(r).astype(int), np.floor(c).astype(int)])
    # Within 0.01 pixels of an edge the lattice may say otherwise.
    sure = (np.abs(r - np.round(r)) > 0.01) & (np.abs(c - np.round(c)) > 0.01)
    expected = dry | np.isnan(case.fine[0]).ravel() | np.isnan(case.fine[2]).ravel()
    got = np.isnan(case.map(DAYS[0]).ravel())
    assert dry.sum() > 100
    assert np.array_equal(got[sure], expected[sure])
    # A band that the forest does not know has no say.
    assert np.isnan(case.fine[1, 200, 500])
    assert not np.isnan(case.map(DAYS[0])[200, 500])


def test_tiles_threads_and_memory_do_not_change_a_bit(case):
    case.make(case.folder / "whole", threads=1, memory_mb=4096)
    for number, (threads, memory) in enumerate([(1, 1), (2, 1), (3, 40)]):
        folder = case.folder / str(number)
        case.make(folder, threads=threads, memory_mb=memory)
        for day in DAYS[:2]:
            one, other = (case.map(day, each).view(np.uint32) for each in (case.folder / "whole", folder))
            assert np.array_equal(one, other)


def test_a_finer_dated_covariate_is_averaged_over_each_pixel(case):
    """As the forest saw it averaged over SMAP cells: against block means and scikit-learn."""
    values = finer_rain(case)
    case.make()
    for number, day in enumerate(DAYS[:2]):
        x, y = case.train[number]
        forest = new_sklearn_forest(SETTINGS, 60, 3, day.toordinal()).set_params(n_estimators=6).fit(x, y)
        blocks = values[number].astype(np.float64).reshape(FINE.height, 4, FINE.width, 4)
        pixels = np.stack([case.fine[2], blocks.mean(axis=(1, 3)), case.fine[0]]).astype(np.float32)
        whole = np.isfinite(pixels).all(axis=0)
        expected = forest.predict(pixels[:, whole].T)
        got = case.map(day)
        assert np.array_equal(np.isfinite(got), whole)
        assert np.mean(np.abs(got[whole] - expected) > 1e-6) < 1e-3


def test_a_finer_dated_covariate_in_blocks_of_any_size(case):
    finer_rain(case)
    case.make(case.folder / "whole", threads=1, memory_mb=4096)
    case.make(case.folder / "tiles", threads=2, memory_mb=1)
    for day in DAYS[:2]:
        one, other = (case.map(day, case.folder / name).view(np.uint32) for name in ("whole", "tiles"))
        assert np.array_equal(one, other)


def test_another_covered_share_of_a_finer_one_makes_the_map_anew(case):
    coarser = case.inputs()
    shares = [replace(coarser.dynamic[0], minimum_share=share) for share in (0.0, 0.5)]
    assert len({replace(coarser, dynamic=(one,)).fingerprint(DAYS[0]) for one in shares}) == 1
    finer_rain(case)
    finer = case.inputs()
    assert len({replace(finer, dynamic=(one,)).fingerprint(DAYS[0]) for one in shares}) == 1
    shares = [replace(finer.dynamic[0], minimum_share=share) for share in (0.0, 0.5)]
    assert len({replace(finer, dynamic=(one,)).fingerprint(DAYS[0]) for one in shares}) == 2


@pytest.mark.parametrize(
    ("kind", "memory_mb", "pixels"),
    [
        ("coarser", 64, FINE.width * FINE.height),
        ("finer", 64, TILE**2),
        ("coarser", 24, FINE.width * TILE),
        ("of its size", 24, TILE**2),
    ],
)
def test_what_is_read_counts_into_the_memory_of_the_blocks(case, monkeypatch, kind, memory_mb, pixels):
    """By bytes, as whole tiles: 88 a pixel of a block, of which two are under way; what is finer takes 44 MB,
    what is as fine 32 bytes a pixel more."""
    if kind == "finer":
        finer_rain(case)
    elif kind == "of its size":
        for date, values in zip(DAYS, case.fine):
            grid_raster(case.folder / "p_antecedent" / f"{date:%Y%m%d}.tif", FINE, values)
    read, plain = [], OnPixels.block

    def block(self, date, window, kept):
        read.append((window, self))
        return plain(self, date, window, kept)

    monkeypatch.setattr(OnPixels, "block", block)
    case.make(dates=DAYS[:1], memory_mb=memory_mb)
    assert max(window.height * window.width for window, _ in read) == pixels
    a_pixel = 88 + read[0][1].bytes_a_pixel
    assert 2 * a_pixel * pixels + read[0][1].bytes_a_block <= memory_mb * 2**20


def test_cancel_in_the_reading_of_a_dated_covariate(case):
    finer_rain(case)
    asked = []

    class Impatient(Listener):
        """Cancelled when the first tile's means are being worked out."""

        def is_cancelled(self):
            asked.append("cell_means" in {frame.name for frame in traceback.extract_stack()})
            return asked[-1]

    with pytest.raises(Cancelled):
        case.make(progress=Impatient())
    assert any(asked)
    assert not list(case.maps.glob("*.tif"))


def test_bands_are_matched_by_name(case):
    case.make(case.folder / "a", dates=DAYS[:1])
    turned = grid_raster(
        case.folder / "turned.tif", FINE, case.fine[[2, 0, 1]], names=("clay", "twi_fd8", "aspect"), nodata=-1
    )
    case.make(case.folder / "b", dates=DAYS[:1], stack=turned)
    assert np.array_equal(
        case.map(DAYS[0], case.folder / "a"), case.map(DAYS[0], case.folder / "b"), equal_nan=True
    )


def test_what_a_map_says_of_itself(case):
    case.make()
    dataset = open_dataset(map_file(case.maps, DAYS[0]))
    band = dataset.GetRasterBand(1)
    assert (band.GetDescription(), band.GetUnitType(), band.GetNoDataValue()) == (
        "2019-12-31",
        "m3 m-3",
        -9999,
    )
    assert dataset.GetMetadataItem("DATE") == band.GetMetadataItem("DATE") == "2019-12-31"
    assert dataset.GetMetadataItem("FORESTS") == "forests.smapforest"
    assert dataset.GetMetadataItem("COMPRESSION", "IMAGE_STRUCTURE") == "DEFLATE"
    valid = case.map(DAYS[0]).astype(np.float64)
    tags = band.GetMetadata()
    assert float(tags["STATISTICS_MEAN"]) == pytest.approx(np.nanmean(valid), rel=1e-10)
    assert float(tags["STATISTICS_STDDEV"]) == pytest.approx(np.nanstd(valid), rel=1e-10)
    assert list(open_series(case.maps).dates) == DAYS[:2]


def test_names_that_do_not_fit(case):
    other = grid_raster(case.folder / "other.tif", FINE, case.fine[:2], names=("twi_fd8", "aspect"))
    assert refusal(case.inputs, stack=other) == (
        f"{other}: the forests need the covariate clay, which is neither a band of the stack (twi_fd8, "
        "aspect) nor "
        "a dated series; add it."
    )
    assert refusal(case.inputs, dynamic=()) == (
        f"{case.stack}: the forests need the covariate p_antecedent, which is neither a band of the stack "
        "(twi_fd8, "
        "aspect, clay) nor a dated series; add it."
    )
    assert refusal(case.inputs, names=("rain",)) == (
        f"{case.folder}/p_antecedent: the forests know no covariate named rain (they know clay, "
        "p_antecedent, "
        "twi_fd8); rename it with DYNAMIC_NAMES, or leave it out."
    )
    assert refusal(case.inputs, names=("clay",)) == (
        f"{case.folder}/p_antecedent: clay is a band of the stack too; leave out one of them."
    )


def test_a_date_without_rain_has_no_map_and_is_named(case):
    case.forests = case.write_forests(DAYS)
    listener = Listener()
    report = case.make(dates=DAYS, progress=listener)
    assert report.skipped == {DAYS[2]: "p_antecedent has no raster of 2020-01-02"}
    assert listener.warnings == ["2020-01-02: no map, p_antecedent has no raster of 2020-01-02"]
    assert listing(case.maps) == ["soil_moisture_20191231.tif", "soil_moisture_20200101.tif"]
    assert refusal(case.make, dates=DAYS[2:]) == (
        "No date can be mapped: p_antecedent has no raster of 2020-01-02."
    )
    assert refusal(case.make, dates=[]) == "No date can be mapped: no date is chosen."


def test_a_date_without_a_forest_is_refused_before_any_map_is_made(case):
    assert refusal(case.make, dates=DAYS) == (
        f"{case.forests}: it has no forest of 2020-01-02; choose other dates."
    )
    assert not case.maps.exists()


def test_rain_elsewhere_is_refused(case):
    (case.folder / "far").mkdir()
    elsewhere = Grid("EPSG:4326", 20.0, 10.0, 0.05, 0.05, 4, 4)
    grid_raster(case.folder / "far" / "20191231.tif", elsewhere, np.zeros((4, 4), np.float32))
    assert refusal(case.make, dynamic=("far",), names=("p_antecedent",)) == (
        f"{case.folder}/far: it does not meet the fine stack; choose a series of the same area."
    )


def test_units_that_differ_are_reported(case):
    case.forests = case.write_forests(
        DAYS[:1], units={"clay": "g/kg", "twi_fd8": "ln m", "p_antecedent": "mm/d"}
    )
    stack = grid_raster(
        case.folder / "percent.tif",
        FINE,
        case.fine,
        names=("twi_fd8", "aspect", "clay"),
        units=("ln m", "", "%"),
    )
    listener = Listener()
    case.make(dates=DAYS[:1], stack=stack, progress=listener)
    assert listener.warnings == ["clay is in %, but the forests were trained with clay in g/kg"]


def test_a_stack_without_any_value_gives_no_map(case):
    empty = np.full((3, *FINE.shape), np.nan, np.float32)
    stack = grid_raster(case.folder / "empty.tif", FINE, empty, names=("twi_fd8", "aspect", "clay"))
    listener = Listener()
    assert refusal(case.make, stack=stack, progress=listener) == (
        f"{stack}: no pixel has all covariates on any of the dates; see which lack a value in the table of "
        "the log."
    )
    assert listener.warnings == [f"{day}: no map, no pixel has all covariates" for day in DAYS[:2]]
    assert listing(case.maps) == []


def test_rain_without_a_value_on_one_date_gives_no_map_of_it(case):
    path = next((case.folder / "p_antecedent").glob("*20200101*"))
    grid_raster(path, open_series(path.parent).grid, np.full(case.rain[1].shape, np.nan, np.float32))
    report = case.make()
    assert list(report.files) == DAYS[:1]
    assert report.skipped == {DAYS[1]: "no pixel has all covariates"}
    assert listing(case.maps) == ["soil_moisture_20191231.tif"]


class TestGoingOn:
    def times(self, case):
        return [map_file(case.maps, day).stat().st_mtime_ns for day in DAYS[:2]]

    def test_maps_of_the_same_inputs_are_kept(self, case):
        case.make(dates=DAYS[:1])
        first = map_file(case.maps, DAYS[0]).stat().st_mtime_ns
        report = case.make()
        assert report.kept == DAYS[:1]
        assert list(report.files) == DAYS[:2]
        assert self.times(case)[0] == first
        before = self.times(case)
        assert case.make(threads=2, memory_mb=1).kept == DAYS[:2]
        assert self.times(case) == before

    def test_all_are_made_anew_when_the_forests_change(self, case):
        case.make()
        before = [case.map(day) for day in DAYS[:2]]
        case.write_forests(DAYS[:2], ForestSettings(6, 2, None, 4, 1, None, 4))
        assert case.make().kept == []
        assert all(
            not np.array_equal(case.map(day), old, equal_nan=True) for day, old in zip(DAYS[:2], before)
        )

    def test_a_date_is_made_anew_when_its_rain_changes(self, case):
        case.make()
        before = self.times(case)
        grid_raster(case.folder / "p_antecedent" / "20200101.tif", RAIN, case.rain[0])
        assert case.make().kept == DAYS[:1]
        after = self.times(case)
        assert after[0] == before[0]
        assert after[1] != before[1]

    def test_a_day_more_of_rain_changes_nothing(self, case):
        case.make()
        grid_raster(case.folder / "p_antecedent" / "20200102.tif", RAIN, case.rain[0])
        assert case.make().kept == DAYS[:2]

    def test_covariates_that_changed_names_make_all_anew(self, case):
        grid_raster(case.folder / "rest.tif", FINE, case.fine[:1], names=("twi_fd8",), nodata=-1)
        (case.folder / "other").mkdir()
        for date, values in zip(DAYS, case.rain[::-1]):
            grid_raster(case.folder / "other" / f"{date:%Y%m%d}.tif", RAIN, values)
        given = {"stack": case.folder / "rest.tif", "dynamic": ("p_antecedent", "other")}
        first = case.inputs(**given, names=("p_antecedent", "clay")).fingerprint(DAYS[0])
        assert case.inputs(**given, names=("clay", "p_antecedent")).fingerprint(DAYS[0]) != first

    def test_a_map_that_was_cut_is_made_anew(self, case):
        case.make()
        path = map_file(case.maps, DAYS[0])
        path.write_bytes(path.read_bytes()[:100])
        assert case.make().kept == DAYS[1:2]
        assert np.isfinite(case.map(DAYS[0])).any()

    def test_files_behind_a_vrt_and_a_subdataset_count(self, case):
        gdal.Translate(str(case.folder / "fine.vrt"), case.stack)
        rows, cols = np.mgrid[0:60, 0:40]
        cube = np.stack([np.cos(rows + cols), np.sin(rows - cols)]).astype(np.float32)
        names = {"stack": str(case.folder / "fine.vrt"), "names": ("p_antecedent",)}

        def write(values):
            return netcdf(
                case.folder / "rain.nc", {"p": values, "q": values}, [0, 1], "days since 2019-12-31"
            )

        path = write(cube)
        names["dynamic"] = (f'NETCDF:"{path}":p',)
        inputs = case.inputs()
        series = open_series(names["dynamic"][0], "p_antecedent")

        def fingerprint():
            return MapInputs(
                inputs.forests, open_stack(names["stack"]), (DatedCovariate(series),)
            ).fingerprint(DAYS[0])

        first = fingerprint()
        assert fingerprint() == first
        write(cube + 1)
        second = fingerprint()
        assert second != first
        os.utime(case.stack, ns=(1, 1))
        assert fingerprint() not in (first, second)

    def test_nothing_is_written_beside_the_inputs(self, case):
        before = listing(case.folder)
        case.make()
        assert [name for name in listing(case.folder) if not name.startswith("maps")] == before


@pytest.mark.parametrize("threads", [1, 2])
def test_cancel_stops_at_once_and_leaves_whole_maps_only(case, threads):
    whole = Listener()
    case.make(threads=threads, memory_mb=1, progress=whole)
    # Asked at least once a tree and block: 2 dates, 6 blocks, 6 trees.
    assert whole.asked > 2 * 6 * 6
    expected = [case.map(day) for day in DAYS[:2]]
    for share in (0.02, 0.3, 0.6, 0.95):
        shutil.rmtree(case.maps, ignore_errors=True)
        listener = Listener(int(whole.asked * share))
        with pytest.raises(Cancelled):
            case.make(threads=threads, memory_mb=1, progress=listener)
        # Each thread, and who waits for them, asks once more.
        assert listener.asked <= listener.calls + 2 * threads + 2
        for name in listing(case.maps) if case.maps.exists() else []:
            number = ["soil_moisture_20191231.tif", "soil_moisture_20200101.tif"].index(name)
            assert np.array_equal(case.map(DAYS[number]), expected[number], equal_nan=True)
    assert case.make().kept == DAYS[:1]


# pooled forests, and those by cell


def test_a_pooled_forest_maps_every_date_from_its_own_calendar(case):
    """The dates have no forest of their own; pixels against scikit-learn."""
    x, y = pooled_forests(case)
    forest = new_sklearn_forest(SETTINGS, 300, 4, 0).set_params(n_estimators=6).fit(x, y)
    report = case.make()
    assert list(report.files) == DAYS[:2]
    rows, cols = (part.ravel() for part in np.mgrid[150 : FINE.height : 3, 0 : FINE.width : 3])
    for number, day in enumerate(DAYS[:2]):
        calendar = np.broadcast_to(calendar_features(day), (rows.size, 2))
        pixels = np.column_stack(
            [case.fine[2, rows, cols], rain_at(case.rain[number], rows, cols), calendar]
        ).astype(np.float32)
        whole = np.isfinite(pixels).all(axis=1)
        got = case.map(day)[rows, cols]
        assert (np.abs(got[whole] - forest.predict(pixels[whole])) > 1e-6).mean() < 2e-3
        assert np.isnan(got[~whole]).all()


def test_pooled_maps_do_not_depend_on_blocks_and_are_kept(case):
    pooled_forests(case)
    case.make(folder=case.folder / "tiled", threads=2, memory_mb=1)
    case.make(folder=case.folder / "whole")
    for day in DAYS[:2]:
        tiled, whole = (case.map(day, case.folder / name) for name in ("tiled", "whole"))
        assert np.array_equal(tiled, whole, equal_nan=True)
    assert case.make(folder=case.folder / "whole").kept == DAYS[:2]
    pooled_forests(case, features=FeatureSettings(), names=("clay", "p_antecedent"))
    assert case.make(folder=case.folder / "whole").kept == []


def test_one_pooled_map_is_not_taken_for_that_of_another_date(case):
    pooled_forests(case, ("clay", "doy_sin", "doy_cos"))
    case.make(dates=DAYS[:1], dynamic=())
    shutil.copy(map_file(case.maps, DAYS[0]), map_file(case.maps, DAYS[1]))
    assert case.make(dates=DAYS[:2], dynamic=()).kept == DAYS[:1]


def test_dates_of_a_pooled_forest_are_those_with_all_dated_covariates(case):
    pooled_forests(case)
    inputs = case.inputs()
    assert dates_to_map(inputs) == DAYS[:2]
    assert dates_to_map(inputs, start=DAYS[1], end=DAYS[2]) == [DAYS[1]]
    assert refusal(dates_to_map, inputs, start=DAYS[2]) == (
        f"{case.forests}: no date from 2020-01-02 to the end has a raster of every dated covariate "
        "(p_antecedent); choose other dates, or series that overlap in time."
    )
    case.write_forests(DAYS[:2])
    assert dates_to_map(case.inputs()) == DAYS[:2]


def test_within_the_window_a_pooled_forest_maps_days_between_rasters(case):
    """NDVI of two days, WINDOW 3: each stands for three days more, until the last day asked for."""
    (case.folder / "ndvi").mkdir()
    for day, values in zip((DAYS[0], DAYS[0] + dt.timedelta(6)), case.rain):
        grid_raster(case.folder / "ndvi" / f"{day:%Y%m%d}.tif", RAIN, values)
    pooled_forests(case, ("clay", "ndvi"), FeatureSettings())
    series = open_series(case.folder / "ndvi", "ndvi")
    inputs = MapInputs(open_models(case.forests), open_stack(case.stack), (DatedCovariate(series, 3),))
    numbers = [(day - DAYS[0]).days for day in dates_to_map(inputs)]
    assert numbers == [0, 1, 2, 3, 6, 7, 8, 9]
    assert [(day - DAYS[0]).days for day in dates_to_map(inputs, end=DAYS[1])] == [0, 1]


def test_a_pooled_forest_without_dated_covariates_maps_the_days_asked_for(case):
    pooled_forests(case, ("clay", "doy_sin", "doy_cos"))
    inputs = case.inputs(dynamic=())
    assert dates_to_map(inputs, DAYS[0], DAYS[2]) == DAYS
    sentence = (
        f"{case.forests}: it has one forest for all dates, and no dated covariate says which to map; give "
        "START and END."
    )
    assert refusal(dates_to_map, inputs) == sentence
    assert refusal(dates_to_map, inputs, start=DAYS[0]) == sentence


def test_forests_by_cell_make_no_maps(case):
    x, y = case.train[0]
    with ModelWriter(case.forests, NAMES, {}, "soil_moisture", "", SETTINGS, "0", None, "by cell") as writer:
        writer.add(CellKey(1, 2), train_forest(x, y, SETTINGS, 0))
    assert refusal(case.inputs) == (
        f"{case.forests}: its forests are by cell, each for one SMAP cell; use 'Fill gaps' with them, and "
        "for maps forests that were trained by date or pooled."
    )


def test_the_derived_covariates_need_no_raster(case):
    pooled_forests(case)
    assert refusal(case.inputs, dynamic=()) == (
        f"{case.stack}: the forests need the covariate p_antecedent, which is neither a band of the stack "
        "(twi_fd8, aspect, clay) nor a dated series; add it."
    )
    assert refusal(case.inputs, names=("doy_sin",)) == (
        f"{case.folder / 'p_antecedent'}: the forests know no covariate named doy_sin (they know clay, "
        "p_antecedent); rename it with DYNAMIC_NAMES, or leave it out."
    )
