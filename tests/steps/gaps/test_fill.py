"""The filled series against forests written anew; resuming, cancelling, bad input."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

from forest_cases import train_forest
from gap_case import (
    CELLS,
    DAYS,
    NEVER_SEEN,
    NO_FOREST,
    NO_RAIN_DAY,
    PIXELS,
    TREES,
    WHOLE_DAY,
    centre,
    day,
    inputs_of,
    make_gap_case,
    with_share,
)
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.base.progress import Progress
from smap_downscaler.geo.datasets import open_dataset, read_band
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Window, ease2_grid
from smap_downscaler.methods.features import FeatureSettings
from smap_downscaler.methods.file.reader import ModelWriter, open_models
from smap_downscaler.methods.keys import BY_CELL, CellKey
from smap_downscaler.series.dated import DatedCovariate, dated_covariates
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.gaps.day_files import read_course
from smap_downscaler.steps.gaps.fill import FillSettings, fill_gaps
from smap_downscaler.steps.gaps.inputs import GapInputs
from smap_downscaler.steps.gaps.numbers.hidden import HidingSettings
from smap_downscaler.steps.gaps.numbers.outcome import DayCounts
from smap_downscaler.steps.matrix.build import MatrixInputs, build_matrix
from smap_downscaler.steps.matrix.read import open_matrix

PLAIN = FillSettings()
SEASON = FeatureSettings(day_of_year=True)
NEIGHBOURS = FeatureSettings(neighbours=True)


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return make_gap_case(tmp_path_factory.mktemp("gaps"))


@pytest.fixture(scope="module")
def season(case):
    return case.forests(case.folder / "season.smapforest", SEASON)


def read(folder, number):
    dataset = open_dataset(folder / f"soil_moisture_{day(number):%Y%m%d}.tif")
    return np.stack([read_band(dataset, 1), read_band(dataset, 2)])


def cube_of(folder, days=range(DAYS)):
    return np.stack([read(folder, number) for number in days])


def by_hand(case, row, col, features):
    """The filled series of a cell from scikit-learn and brute force."""
    from sklearn.ensemble import RandomForestRegressor

    theta, rain = case.theta[:, row, col].astype(float), case.rain[:, row, col]
    seen = np.isfinite(theta)

    def covariates(number):
        out = [rain[number]]
        if features.day_of_year:
            date = day(number)
            share = (date.timetuple().tm_yday - 1) / (366 if date.year == 2020 else 365)
            out += [np.sin(2 * np.pi * share), np.cos(2 * np.pi * share)]
        if features.neighbours:
            others = [other for other in np.flatnonzero(seen) if other != number]
            before = max((other for other in others if other < number), default=None)
            after = min((other for other in others if other > number), default=None)
            first, last = (before, after) if before is not None else (after, after)
            last = first if last is None else last
            out += [theta[first], theta[last]]
            out += [30 if before is None else number - before, 30 if after is None else after - number]
        return out

    x = np.array([covariates(number) for number in range(DAYS)], np.float32)
    whole = np.isfinite(x).all(axis=1)
    train = seen & whole
    state = int(np.random.SeedSequence([TREES.seed, row * 2**31 + col]).generate_state(1)[0])
    forest = RandomForestRegressor(
        TREES.n_estimators,
        max_features=max(1, x.shape[1] // 3),
        max_samples=int(train.sum()),
        min_samples_split=4,
        random_state=state,
    ).fit(x[train], theta[train])
    out = theta.copy()
    gap = whole & ~seen
    out[gap] = forest.predict(x[gap])
    return out


@pytest.mark.parametrize("features", [SEASON, NEIGHBOURS])
def test_filled_values_are_those_worked_out_anew(case, tmp_path, features):
    forests = case.forests(tmp_path / "forests.smapforest", features)
    report = fill_gaps(inputs_of(case, forests), tmp_path / "filled", PLAIN)
    found = cube_of(tmp_path / "filled")
    for row, col in ((0, 0), (1, 2), (2, 3)):
        expected = by_hand(case, row, col, features)
        assert np.array_equal(np.isfinite(found[:, 0, row, col]), np.isfinite(expected))
        assert found[:, 0, row, col] == pytest.approx(expected, abs=2e-7, nan_ok=True)
    assert len(report.files) == DAYS
    assert report.forests == 10


def test_observed_values_pass_and_the_second_band_marks_them(case, season, tmp_path):
    fill_gaps(inputs_of(case, season), tmp_path / "filled", PLAIN)
    found = cube_of(tmp_path / "filled")
    seen = np.isfinite(case.theta)
    assert np.array_equal(found[:, 0][seen], case.theta[seen])
    assert (found[:, 1][seen] == 1).all()
    has = np.isfinite(found[:, 0]) & ~seen
    assert (found[:, 1][has] == 2).all()
    assert np.isnan(found[:, 1][~(seen | has)]).all()
    # Filled wherever there is a forest and rain, and nowhere else.
    expected = ~seen
    expected[NO_RAIN_DAY] = False
    for row, col in (NO_FOREST, NEVER_SEEN):
        expected[:, row, col] = False
    assert np.array_equal(has, expected)
    dataset = open_dataset(tmp_path / "filled" / f"soil_moisture_{day(3):%Y%m%d}.tif")
    assert [dataset.GetRasterBand(band).GetDescription() for band in (1, 2)] == ["soil_moisture", "origin"]
    assert dataset.GetRasterBand(1).GetUnitType() == "m3 m-3"
    assert dataset.GetRasterBand(2).GetMetadataItem("2") == "filled"


def test_counts(case, season, tmp_path):
    report = fill_gaps(inputs_of(case, season), tmp_path / "filled", PLAIN)
    assert report.counts[day(WHOLE_DAY)] == DayCounts(11, 0, 0, 0)
    assert report.counts[day(NO_RAIN_DAY)] == DayCounts(0, 0, 1, 10)
    assert report.total("observed") == np.isfinite(case.theta).sum()
    again = fill_gaps(inputs_of(case, season), tmp_path / "filled", PLAIN)
    assert again.counts == report.counts
    course = read_course(report.files, (1, 2))
    assert np.array_equal(course.filled, np.isnan(case.theta[:, 1, 2]) & np.isfinite(course.values))


def test_it_does_not_depend_on_threads_or_memory(case, season, tmp_path):
    asked = inputs_of(case, season, start=day(0), end=day(9))
    fill_gaps(asked, tmp_path / "one", PLAIN)
    fill_gaps(asked, tmp_path / "other", PLAIN, threads=3, memory_mb=0)
    both = [cube_of(tmp_path / name, range(10)) for name in ("one", "other")]
    assert np.array_equal(*both, equal_nan=True)


def test_whether_it_is_rain_counts_where_it_matters(case, season):
    """With a window days that rain of other days filled are other days; without one they are the same."""
    asked = inputs_of(case, season)

    def fingerprint(**more):
        return replace(asked, dynamic=tuple(replace(one, **more) for one in asked.dynamic)).fingerprint()

    assert fingerprint(declared_rain=False) == fingerprint(declared_rain=True) == asked.fingerprint()
    assert fingerprint(declared_rain=False, window=2) != fingerprint(declared_rain=True, window=2)
    assert fingerprint(declared_rain=None, window=2) == fingerprint(declared_rain=True, window=2)


def test_a_run_goes_on_where_it_stopped(case, season, tmp_path):
    folder = tmp_path / "filled"
    asked = inputs_of(case, season, start=day(0), end=day(9))
    fill_gaps(asked, folder, PLAIN)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    lost = folder / f"soil_moisture_{day(7):%Y%m%d}.tif"
    lost.unlink()
    report = fill_gaps(asked, folder, PLAIN)
    assert len(report.kept) == 9
    after = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {lost.name}
    # Other rain, or other settings, make all anew.
    assert not fill_gaps(with_share(asked, 0.4), folder, PLAIN).kept
    rain = tmp_path / "p_3d"
    shutil.copytree(case.rain_folder, rain)
    other = replace(asked, dynamic=(DatedCovariate(open_series(rain)),))
    assert not fill_gaps(other, folder, PLAIN).kept
    os.utime(next(rain.iterdir()), ns=(1, 1))
    assert not fill_gaps(other, folder, PLAIN).kept


def test_days_of_covariates_that_changed_names_are_not_kept(case, tmp_path):
    """The same folders, named the other way round: each file is the day of another covariate."""
    smap, rain = case.open()
    other = tmp_path / "other"
    for entry in rain.entries:
        values = 1 + read_band(open_dataset(entry.path), 1)
        write_geotiff(other / f"{entry.date:%Y%m%d}.tif", PIXELS, values)
    forests = two_covariates(case, tmp_path / "two.smapforest")
    series = {
        name: {folder: open_series(folder, name) for folder in (case.rain_folder, other)} for name in "xy"
    }
    first = dated_covariates((series["x"][case.rain_folder], series["y"][other]))
    swapped = dated_covariates((series["x"][other], series["y"][case.rain_folder]))
    asked = GapInputs(smap, open_models(forests), first)
    fill_gaps(asked, tmp_path / "filled", PLAIN)
    # In another order they are the same.
    assert len(fill_gaps(replace(asked, dynamic=first[::-1]), tmp_path / "filled", PLAIN).kept) == DAYS
    for names in (swapped, swapped[::-1]):
        changed = replace(asked, dynamic=names)
        assert not fill_gaps(changed, tmp_path / "filled", PLAIN).kept
        fill_gaps(changed, tmp_path / "fresh", PLAIN)
        both = [cube_of(tmp_path / name) for name in ("filled", "fresh")]
        assert np.array_equal(*both, equal_nan=True)
        fill_gaps(asked, tmp_path / "filled", PLAIN)


def test_another_band_is_another_input(case, season):
    smap, rain = case.open()
    entry = rain.entries[3]
    moved = (*rain.entries[:3], replace(entry, band=2), *rain.entries[4:])
    asked = GapInputs(smap, open_models(season), (DatedCovariate(rain),))
    other = DatedCovariate(replace(rain, entries=moved))
    assert asked.fingerprint() != replace(asked, dynamic=(other,)).fingerprint()


def two_covariates(case, path):
    """Forests by cell of covariates x and y, of which x says more."""
    with ModelWriter(path, ("x", "y"), {}, "soil_moisture", "m3 m-3", TREES, "1", mode=BY_CELL) as writer:
        for row, col in ((0, 0), (1, 1)):
            _, x, y = case.training(row, col, FeatureSettings())
            both = np.hstack([x, np.random.default_rng(row).normal(size=x.shape).astype(np.float32)])
            writer.add(CellKey(row, col, *centre(row, col)), train_forest(both, y, TREES, 1))
    return path


def test_days_before_and_after_the_series(case, season, tmp_path):
    start, end = day(-2), day(DAYS + 1)
    report = fill_gaps(inputs_of(case, season, start=start, end=end), tmp_path / "filled", PLAIN)
    assert list(report.files) == [start + dt.timedelta(days=number) for number in range(DAYS + 4)]
    assert report.counts[start] == DayCounts(0, 0, 1, 10)
    part = fill_gaps(inputs_of(case, season, start=day(3), end=day(9)), tmp_path / "part", PLAIN)
    assert list(part.files) == [day(number) for number in range(3, 10)]
    both = [cube_of(tmp_path / name, range(3, 10)) for name in ("filled", "part")]
    assert np.array_equal(*both, equal_nan=True)


def test_hidden_days_come_from_a_sample_of_cells(case, season, tmp_path):
    hiding = HidingSettings(5, 3, 2)
    report = fill_gaps(inputs_of(case, season), tmp_path / "filled", replace(PLAIN, hiding=hiding))
    assert len(report.hidden) == 10
    cells = [result.cell for result in report.hidden]
    assert report.observed == sum(np.isfinite(case.theta[:, row, col]).sum() for row, col in cells)
    some = replace(PLAIN, hiding=hiding, most_cells=4)
    # The days are there already: only the hidden ones are worked on.
    again = fill_gaps(inputs_of(case, season), tmp_path / "filled", some)
    assert len(again.kept) == DAYS
    assert len(again.hidden) == 4
    whole = {result.cell: result for result in report.hidden}
    for result in again.hidden:
        assert np.array_equal(result.predicted["forest"], whole[result.cell].predicted["forest"])


def test_every_other_step_goes_on_from_the_folder(case, season, tmp_path):
    class Listener(Progress):
        def __init__(self):
            self.lines = []

        def log(self, text):
            self.lines.append(text)

    fill_gaps(inputs_of(case, season), tmp_path / "filled", PLAIN)
    listener = Listener()
    series = open_series(tmp_path / "filled", progress=listener)
    assert listener.lines == []
    assert series.dates == tuple(day(number) for number in range(DAYS))
    stack = tmp_path / "coarse.tif"
    write_geotiff(stack, CELLS, np.ones((1, *CELLS.shape), np.float32), [Band("clay", "g/kg")])
    build_matrix(MatrixInputs(series, open_stack(stack)), tmp_path / "matrix.gpkg")
    rows = {row.date: row for row in open_matrix(tmp_path / "matrix.gpkg").days()}
    found = cube_of(tmp_path / "filled")[:, 0]
    assert rows[day(5)].y == pytest.approx(found[5][np.isfinite(found[5])])
    assert day(NO_RAIN_DAY) not in rows


def test_cancel_among_the_cells(case, season, tmp_path):
    class Impatient(Progress):
        left = 150

        def is_cancelled(self):
            self.left -= 1
            return self.left < 0

    with pytest.raises(Cancelled):
        fill_gaps(inputs_of(case, season), tmp_path / "filled", PLAIN, threads=2, progress=Impatient())
    assert not (tmp_path / "filled").exists()


def test_cancel_among_the_days_leaves_whole_files_only(case, season, tmp_path):
    folder = tmp_path / "filled"

    class Impatient(Progress):
        def is_cancelled(self):
            return len(list(folder.glob("*.tif"))) >= 3

    with pytest.raises(Cancelled):
        fill_gaps(inputs_of(case, season), folder, PLAIN, progress=Impatient())
    assert sorted(path.name for path in folder.iterdir()) == [
        f"soil_moisture_{day(number):%Y%m%d}.tif" for number in range(3)
    ]
    report = fill_gaps(inputs_of(case, season), folder, PLAIN)
    assert len(report.kept) == 3
    assert len(report.files) == DAYS


def refusal(function, *arguments, **keywords):
    with pytest.raises(InputError) as error:
        function(*arguments, **keywords)
    return str(error.value)


def other_forests(case, path, features, key, mode=BY_CELL):
    _, x, y = case.training(0, 0, features)
    names = ("p_3d", *features.names)
    given = {"mode": mode, "features": features}
    with ModelWriter(path, names, {}, "soil_moisture", "m3 m-3", TREES, "1", **given) as writer:
        writer.add(key, train_forest(x, y, TREES, 1))
    return path


def test_forests_of_another_mode(case, tmp_path):
    path = other_forests(case, tmp_path / "date.smapforest", FeatureSettings(), day(0), "by date")
    assert refusal(inputs_of, case, path) == (
        f"{path}: its forests are by date, and a gap is filled by the forest of its cell; train forests with "
        "MODE 'by cell'."
    )


def test_cells_that_are_not_those_of_the_series(case, tmp_path):
    path = other_forests(case, tmp_path / "outside.smapforest", SEASON, CellKey(3, 0))
    hint = "choose the SMAP series that the regression matrix was made with."
    assert refusal(inputs_of, case, path) == (
        f"{path}: its forest of row 3, col 0 lies outside of {case.smap} (3 rows, 4 columns); {hint}"
    )
    coarse = ease2_grid("36 km").crop(Window(247, 288, 3, 4))
    key = CellKey(1, 1, float(coarse.x_centres()[1]), float(coarse.y_centres()[1]))
    path = other_forests(case, tmp_path / "36km.smapforest", SEASON, key)
    assert refusal(inputs_of, case, path) == (
        f"{path}: its forest of row 1, col 1 is that of another place than this cell of {case.smap}; {hint}"
    )


def test_covariates_that_lack_or_are_unknown(case, season):
    smap, rain = case.open()
    assert refusal(GapInputs, smap, open_models(season), ()) == (
        f"{season}: the forests need the dated covariate p_3d, which is not among those given (none); add it "
        "to DYNAMIC."
    )
    other = open_series(case.rain_folder, "ndvi")
    assert refusal(GapInputs, smap, open_models(season), dated_covariates((rain, other))) == (
        f"{case.rain_folder}: the forests know no covariate named ndvi (they know p_3d); rename it with "
        "DYNAMIC_NAMES, or leave it out."
    )


def test_a_covariate_that_no_forest_kept_is_not_asked_for(case, tmp_path):
    names = ("clay", "p_3d")
    path = tmp_path / "static.smapforest"
    _, x, y = case.training(1, 1, FeatureSettings())
    with ModelWriter(path, names, {}, "soil_moisture", "m3 m-3", TREES, "1", mode=BY_CELL) as writer:
        writer.add(CellKey(1, 1, *centre(1, 1)), train_forest(x, y, TREES, 1), columns=(1,))
    report = fill_gaps(inputs_of(case, path), tmp_path / "filled", PLAIN)
    assert report.forests == 1
    assert report.total("filled") == np.isnan(np.delete(case.theta[:, 1, 1], NO_RAIN_DAY)).sum()


def test_a_filled_series_is_not_filled_again(case, season, tmp_path):
    asked = inputs_of(case, season, end=day(4))
    fill_gaps(asked, tmp_path / "filled", PLAIN)
    assert refusal(replace, asked, smap=open_series(tmp_path / "filled")) == (
        f"{tmp_path / 'filled'}: it is a filled series already, whose filled values would pass for observed "
        "ones; choose the series that it was made from."
    )


def test_no_gap(case, season, tmp_path):
    asked = inputs_of(case, season, start=day(WHOLE_DAY), end=day(WHOLE_DAY))
    assert refusal(fill_gaps, asked, tmp_path / "filled", PLAIN) == (
        f"{case.smap}: all cells with a forest have a value on each day from {day(WHOLE_DAY)} to "
        f"{day(WHOLE_DAY)}, so there is no gap to fill; use the series as it is."
    )
    assert not (tmp_path / "filled").exists()


def test_start_after_the_end_of_the_series(case, season, tmp_path):
    asked = inputs_of(case, season, start=day(200))
    assert refusal(fill_gaps, asked, tmp_path / "filled", PLAIN) == (
        f"{case.smap}: there is no day from {day(200)} to {day(DAYS - 1)}; choose other START and END."
    )


def test_percent(case, season, tmp_path):
    folder = tmp_path / "percent"
    write_geotiff(folder / f"a_{day(0):%Y%m%d}.tif", CELLS, np.full((1, *CELLS.shape), 31.0))
    asked = replace(inputs_of(case, season), smap=open_series(folder))
    assert refusal(fill_gaps, asked, tmp_path / "filled", PLAIN) == (
        f"{folder}: soil moisture of {day(0)} runs from 31 to 31; it must be m3 m-3 (0 to 1), so divide "
        "percent by 100."
    )


def test_too_few_days_to_hide_any(case, season, tmp_path):
    asked = replace(inputs_of(case, season), smap=case.open()[0].between(day(0), day(15)))
    hiding = replace(PLAIN, hiding=HidingSettings(5))
    assert refusal(fill_gaps, asked, tmp_path / "filled", hiding) == (
        f"{case.smap}: no cell with a forest has more than 20 observed days, so no day can be "
        "hidden to estimate the error; leave out SCORES and REPORT, or give a longer series."
    )


def test_settings_out_of_range():
    assert refusal(FillSettings, most_cells=-1) == (
        "VALIDATION_CELLS is -1; give a number of cells, or 0 for all of them."
    )
