"""Dated covariates that do not come every day: the nearest earlier raster within a window."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from osgeo import gdal

from forest_cases import train_forest
from raster_cases import Listener, grid_raster
from small_case import CELLS, DATES, make_small_case
from smap_downscaler.base.errors import InputError
from smap_downscaler.geo.datasets import open_dataset, read_band
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.methods.file.reader import ModelWriter, open_models
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.series.dated import DatedCovariate, dated_covariates, log_substitutes
from smap_downscaler.series.series import Series, SeriesEntry, open_series
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.maps.downscale import make_maps, map_file
from smap_downscaler.steps.maps.inputs import MapInputs
from smap_downscaler.steps.matrix.build import MatrixInputs, build_matrix
from smap_downscaler.steps.matrix.preflight import check_matrix
from smap_downscaler.steps.matrix.read import open_matrix

DAY = dt.date(2021, 1, 1)


def series(numbers, name="ndvi", file="x"):
    entries = tuple(SeriesEntry(DAY + dt.timedelta(number), file, 1) for number in sorted(set(numbers)))
    return Series(name, name, CELLS, entries)


def source_date(one, date, window):
    entry = DatedCovariate(one, window).entry(date)
    return entry.date if entry else None


@pytest.mark.parametrize(
    ("name", "file"),
    [("p_ant10", "x"), ("rain_3", "x"), ("p_antecedent", "x"), ("wet10", "of/p_antecedent_20210101.tif")],
)
def test_rain_of_other_days_never_stands_whatever_its_folder_is_called(name, file):
    """Rain over several windows has names of the user's own."""
    one = series([1], name, file)
    assert source_date(one, DAY + dt.timedelta(1), 5) == DAY + dt.timedelta(1)
    assert source_date(one, DAY + dt.timedelta(2), 5) is None


@given(st.lists(st.integers(0, 60), min_size=1), st.integers(-5, 70), st.integers(0, 40))
def test_the_latest_date_within_the_window_stands(numbers, number, window):
    date = DAY + dt.timedelta(number)
    allowed = [day for day in (DAY + dt.timedelta(n) for n in numbers) if 0 <= (date - day).days <= window]
    assert source_date(series(numbers), date, window) == (max(allowed) if allowed else None)
    only = date if number in numbers else None
    assert source_date(series(numbers, "p_antecedent"), date, window) == only


def test_which_dates_are_missing_or_substituted():
    dates = [DAY + dt.timedelta(number) for number in range(6)]
    one = series([1, 4])
    assert DatedCovariate(one).missing(dates) == [dates[0], dates[2], dates[3], dates[5]]
    assert DatedCovariate(one, 1).missing(dates) == [dates[0], dates[3]]
    two = DatedCovariate(one, 2)
    assert two.substitutes(dates) == {dates[2]: dates[1], dates[3]: dates[1], dates[5]: dates[4]}
    listener = Listener()
    log_substitutes([two, DatedCovariate(series([1], "p_djf"), 2), DatedCovariate(one)], dates, listener)
    assert listener.lines == [
        "ndvi: an earlier raster, at most 2 days old, stands for 3 of 6 dates: 2021-01-02 for 2021-01-03 to "
        "2021-01-04 (2); 2021-01-05 for 2021-01-06",
        "p_djf is rain: WINDOW does not apply to it, only the day itself counts",
    ]


@pytest.mark.parametrize("name", ["s1_terrain_corrected", "training_ndvi", "drainage", "p_sand"])
def test_a_window_holds_for_what_is_no_rain(name):
    one = DatedCovariate(series([1], name, f"of/{name}_20210102.tif"), 16)
    assert not one.is_rain
    assert one.entry(DAY + dt.timedelta(17)) == one.series.entries[0]
    assert one.doubt == ""


def rasters(folder, dates=DATES, tags=None):
    """A series of one value, and its folder."""
    for date in dates:
        values = np.full(CELLS.shape, 0.5, np.float32)
        write_geotiff(folder / f"{folder.name}_{date:%Y%m%d}.tif", CELLS, values, [Band("")], tags)
    return open_series(folder)


@pytest.mark.parametrize(
    "tags", [{"SMAP_DOWNSCALER_KIND": "rain"}, {"DAYS_USED": "2020-12-27 to 2020-12-29"}]
)
def test_rain_is_what_carries_a_tag(tmp_path, tags):
    """That of 'Antecedent precipitation', or the days that it used in 0.1.0; also behind a VRT."""
    wet = rasters(tmp_path / "wet", tags=tags)
    gdal.BuildVRT(str(tmp_path / "wet_20201230.vrt"), [entry.path for entry in wet.entries[:1]])
    behind = open_series(tmp_path / "wet_20201230.vrt", "behind")
    found = dated_covariates([wet, behind, rasters(tmp_path / "ndvi")], 3)
    assert [(one.name, one.declared_rain, one.is_rain) for one in found] == [
        ("wet", True, True),
        ("behind", True, True),
        ("ndvi", None, False),
    ]
    assert [one.doubt for one in found] == ["", "", ""]
    other = rasters(tmp_path / "other", tags={"SMAP_DOWNSCALER_KIND": "backscatter"})
    assert not dated_covariates([other])[0].is_rain


def test_rain_is_what_the_user_says(tmp_path):
    all_series = [
        rasters(tmp_path / "wet", tags={"SMAP_DOWNSCALER_KIND": "rain"}),
        rasters(tmp_path / "rain_index"),
        rasters(tmp_path / "ndvi"),
    ]

    def said(*names):
        return [one.declared_rain for one in dated_covariates(all_series, 5, names)]

    assert said() == said("") == [True, None, None]
    # What a file says it is needs no naming; the rest is no rain then.
    assert said("ndvi") == [True, False, True]
    assert said("wet", "rain_index") == [True, True, False]
    assert said("none") == said("None") == [False, False, False]
    assert [one.doubt != "" for one in dated_covariates(all_series, 5)] == [False, True, False]
    assert not any(one.doubt for one in dated_covariates(all_series, 0))
    assert not any(one.doubt for one in dated_covariates(all_series, 5, ["none"]))


@pytest.mark.parametrize(("names", "unknown"), [(("rain",), "rain"), (("ndvi", "none"), "none")])
def test_rain_that_is_not_there_is_refused(tmp_path, names, unknown):
    with pytest.raises(InputError) as caught:
        dated_covariates([rasters(tmp_path / "ndvi"), rasters(tmp_path / "lst")], 5, names)
    assert str(caught.value) == (
        f"RAIN: there is no dated covariate named {unknown} (there is ndvi, lst); give the names of those "
        "that are rain, separated by commas, or 'none'."
    )


def test_a_name_of_rain_alone_is_asked_about(case):
    """By the look before the work, where a window would matter."""
    made, _ndvi = case
    (made.folder / "ndvi").rename(made.folder / "rain_index")
    dated = DatedCovariate(open_series(made.folder / "rain_index"), 3)
    inputs = MatrixInputs(open_series(made.smap_folder), open_stack(made.coarse_stack), (dated,))
    assert check_matrix(inputs).warnings == [
        f"{made.folder}/rain_index: rain_index is taken as rain by its name alone, so WINDOW does not apply "
        "to it; give RAIN the names of the dated covariates that are rain, or 'none'"
    ]
    for one in (
        replace(dated, window=0),
        replace(dated, declared_rain=True),
        replace(dated, declared_rain=False),
    ):
        assert check_matrix(replace(inputs, dynamic=(one,))).warnings == []


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_the_share_is_one(share):
    with pytest.raises(InputError) as caught:
        DatedCovariate(series([1]), minimum_share=share)
    assert str(caught.value) == f"MINIMUM_COVERED is {share:g}; give a share from 0 to 1."


@pytest.fixture
def case(tmp_path):
    """The small case with an NDVI of its first date only, on a grid of its own."""
    made = make_small_case(tmp_path)
    ndvi = np.random.default_rng(1).uniform(0, 1, CELLS.shape).astype(np.float32)
    (tmp_path / "ndvi").mkdir()
    grid_raster(tmp_path / "ndvi" / f"ndvi_{DATES[0]:%Y%m%d}.tif", CELLS, ndvi)
    return made, ndvi


def matrix_of(case, window, listener=None):
    inputs = MatrixInputs(
        open_series(case.smap_folder),
        open_stack(case.coarse_stack),
        (DatedCovariate(open_series(case.folder / "ndvi"), window),),
    )
    report = build_matrix(inputs, case.folder / f"m{window}.gpkg", progress=listener or Listener())
    return report, list(open_matrix(case.folder / f"m{window}.gpkg").days())


def test_a_matrix_takes_earlier_rasters(case):
    case, ndvi = case
    report, days = matrix_of(case, 0)
    assert report.missing == {DATES[1]: ["ndvi"], DATES[2]: ["ndvi"]}
    listener = Listener()
    report, days = matrix_of(case, 1, listener)
    assert report.missing == {DATES[2]: ["ndvi"]}
    assert listener.lines[0] == (
        "ndvi: an earlier raster, at most 1 day old, stands for 1 of 3 dates: 2020-12-30 for 2020-12-31"
    )
    assert listener.warnings == ["2021-01-01: no raster of ndvi; NULL in the matrix, no forest on this date"]
    for day in days[:2]:
        np.testing.assert_allclose(day.x[:, -1], ndvi[day.rows, day.cols], rtol=1e-6)
    assert np.isnan(days[2].x[:, -1]).all()
    report, days = matrix_of(case, 2)
    assert report.missing == {}
    np.testing.assert_allclose(days[2].x[:, -1], ndvi[days[2].rows, days[2].cols], rtol=1e-6)


def map_inputs(case, window):
    path = case.folder / "f.smapforest"
    settings = ForestSettings(4, 2, None, 4, 1, None, 3)
    rng = np.random.default_rng(0)
    if not path.exists():
        with ModelWriter(path, ("clay", "ndvi"), {}, "soil_moisture", "m3 m-3", settings, "0") as writer:
            x = np.column_stack([rng.uniform(150, 350, 80), rng.random(80)]).astype(np.float32)
            forest = train_forest(x, rng.uniform(0.1, 0.4, 80), settings, 1)
            for date in DATES:
                writer.add(date, forest)
    dated = DatedCovariate(open_series(case.folder / "ndvi"), window)
    return MapInputs(open_models(path), open_stack(case.fine_stack), (dated,))


def maps_of(case, window, listener=None):
    inputs = map_inputs(case, window)
    with inputs.forests:
        return make_maps(inputs, case.folder / "maps", DATES, progress=listener or Listener())


def values(case, date):
    return read_band(open_dataset(map_file(case.folder / "maps", date)), 1)


def test_maps_take_earlier_rasters_and_are_made_anew_when_these_change(case):
    case, ndvi = case
    listener = Listener()
    report = maps_of(case, 1, listener)
    assert report.skipped == {DATES[2]: "ndvi has no raster of 2021-01-01 or the 1 day before"}
    assert listener.warnings == ["2021-01-01: no map, ndvi has no raster of 2021-01-01 or the 1 day before"]
    # One forest for all dates and one NDVI: the maps are the same.
    np.testing.assert_array_equal(values(case, DATES[1]), values(case, DATES[0]))
    assert np.isfinite(values(case, DATES[1])).mean() > 0.9
    assert maps_of(case, 2).kept == list(DATES[:2])
    # The second date gets a raster of its own: only its maps (and those that lean on it) are made anew.
    grid_raster(case.folder / "ndvi" / f"ndvi_{DATES[1]:%Y%m%d}.tif", CELLS, 1 - ndvi)
    report = maps_of(case, 2)
    assert report.kept == [DATES[0]]
    assert not np.array_equal(values(case, DATES[1]), values(case, DATES[0]))
    np.testing.assert_array_equal(values(case, DATES[1]), values(case, DATES[2]))


def test_a_window_is_no_negative_number(case):
    case, _ndvi = case
    with pytest.raises(InputError) as caught:
        map_inputs(case, -1)
    assert str(caught.value) == "WINDOW is -1; give the number of days, 0 or more."
    with pytest.raises(InputError) as caught:
        matrix_of(case, -3)
    assert str(caught.value) == "WINDOW is -3; give the number of days, 0 or more."
