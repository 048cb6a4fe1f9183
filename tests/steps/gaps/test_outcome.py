"""What the report of filled gaps says of the error, and what lessens its worth."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from forest_cases import train_forest
from gap_case import DAYS, PIXELS, TREES, centre, day, inputs_of, make_gap_case, with_share
from smap_downscaler.base.progress import Progress
from smap_downscaler.base.words import numbers_of
from smap_downscaler.geo.datasets import open_dataset, read_band
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.methods.features import FeatureSettings
from smap_downscaler.methods.file.reader import ModelWriter
from smap_downscaler.methods.keys import BY_CELL, CellKey
from smap_downscaler.series.dated import DatedCovariate
from smap_downscaler.series.series import open_series
from smap_downscaler.steps.gaps.fill import FillSettings, fill_gaps
from smap_downscaler.steps.gaps.numbers.hidden import (
    CONSTANT,
    TOO_FEW,
    TOO_FEW_LEFT,
    HidingOutcome,
    HidingSettings,
)
from smap_downscaler.steps.gaps.outcome import no_error_text

SEASON = FeatureSettings(day_of_year=True)
PLAIN = FillSettings()
HIDING = FillSettings(HidingSettings(5, 3, 2))


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return make_gap_case(tmp_path_factory.mktemp("gaps"))


@pytest.fixture(scope="module")
def season(case):
    return case.forests(case.folder / "season.smapforest", SEASON)


def test_filled_values_are_counted_where_they_lie(case, season, tmp_path):
    """From the files of all days, those of an earlier run too, and observations before and after them."""
    folder = tmp_path / "filled"
    asked = inputs_of(case, season, start=day(10), end=day(DAYS + 14))
    report = fill_gaps(asked, folder, HIDING)
    numbers = range(10, DAYS + 15)
    paths = [folder / f"soil_moisture_{day(number):%Y%m%d}.tif" for number in numbers]
    origin = np.stack([read_band(open_dataset(path), 2) for path in paths])
    seen = np.isfinite(case.theta)
    expected = dict.fromkeys(("1", "2", "3-5", "6-10", "over 10"), 0)
    for number, row, col in zip(*np.nonzero(origin == 2)):
        far = np.abs(np.flatnonzero(seen[:, row, col]) - numbers[number]).min()
        place = np.searchsorted([1, 2, 5, 10], far)
        expected[list(expected)[place]] += 1
    assert report.filled_at == expected
    assert sum(expected.values()) == report.total("filled") > 0
    for path in paths[:20]:
        path.unlink()
    again = fill_gaps(asked, folder, HIDING)
    assert len(again.kept) == len(numbers) - 20
    assert again.filled_at == expected
    # Nobody asked for the error.
    assert fill_gaps(asked, folder, PLAIN).filled_at == {}


class Telling(Progress):
    def __init__(self):
        self.lines, self.warnings = [], []

    def log(self, text):
        self.lines.append(text)

    def warn(self, text):
        self.warnings.append(text)


def test_days_of_other_inputs_in_the_folder_are_reported(case, season, tmp_path):
    folder = tmp_path / "filled"
    asked = inputs_of(case, season, end=day(9))
    fill_gaps(asked, folder, PLAIN)
    listener = Telling()
    # Fewer days of the same inputs mix nothing, more of others do.
    fill_gaps(replace(asked, end=day(4)), folder, PLAIN, progress=listener)
    assert listener.warnings == []
    fill_gaps(with_share(replace(asked, end=day(4)), 0.4), folder, PLAIN, progress=listener)
    assert listener.warnings == [
        f"{folder}: it holds 5 dated rasters not made from these inputs, the first of {day(5)}; whoever "
        "opens the folder as a series reads them too, so remove them or choose another OUTPUT"
    ]


def forests_of(case, path, days=slice(None), settings=None):
    """Forests of two cells, of some of their observed days, maybe with settings of their own."""
    names = ("p_3d", *SEASON.names)
    given = {"mode": BY_CELL, "features": SEASON}
    with ModelWriter(path, names, {}, "soil_moisture", "m3 m-3", TREES, "1", **given) as writer:
        for row, col in ((0, 0), (1, 1)):
            _, x, y = case.training(row, col, SEASON)
            trained = train_forest(x[days], y[days], settings or TREES, 1)
            writer.add(CellKey(row, col, *centre(row, col)), trained, settings=settings)
    return path


def remarks_on(asked, folder, settings=HIDING):
    """The remarks of a report, warned of or logged."""
    listener = Telling()
    report = fill_gaps(asked, folder, settings, progress=listener)
    said = {remark: remark in listener.warnings for remark in report.remarks}
    assert all(warned or remark in listener.lines for remark, warned in said.items())
    return said


def test_forests_of_about_as_many_days_need_no_remark(case, tmp_path):
    for number, days in enumerate((slice(None), slice(2, None))):
        forests = forests_of(case, tmp_path / f"{number}.smapforest", days)
        assert remarks_on(inputs_of(case, forests), tmp_path / str(number)) == {}


def test_forests_of_fewer_or_more_days_are_reported(case, tmp_path):
    complete = [len(case.training(row, col, SEASON)[2]) for row, col in ((0, 0), (1, 1))]
    forests = forests_of(case, tmp_path / "f.smapforest", slice(20))
    expected = (
        "over 2 cells the forests of the file were trained on {} days, {} than the {} observed days with all "
        "covariates here: the errors are those of forests grown on the days of this series, not of those "
        "that fill"
    )
    said = remarks_on(inputs_of(case, forests), tmp_path / "fewer")
    assert said == {expected.format(40, "fewer", sum(complete)): True}
    forests = forests_of(case, tmp_path / "g.smapforest")
    smap = case.open()[0].between(day(0), day(44))
    asked = replace(inputs_of(case, forests), smap=smap)
    seen = np.isfinite(case.theta[:45]) & np.isfinite(case.rain[:45])
    here = int(seen[:, 0, 0].sum() + seen[:, 1, 1].sum())
    said = remarks_on(asked, tmp_path / "more", FillSettings(HidingSettings(3, 6, 2)))
    assert said == {expected.format(sum(complete), "more", here): True}


def test_hyper_parameters_that_have_seen_the_hidden_days_are_reported(case, tmp_path):
    forests = forests_of(case, tmp_path / "f.smapforest", settings=replace(TREES, min_samples_leaf=3))
    assert remarks_on(inputs_of(case, forests), tmp_path / "filled") == {
        "the hyper-parameters of each forest were chosen on all days of its cell, those that are hidden here "
        "too, so that the errors are a little too good": False
    }


def test_cells_without_an_error_are_reported(case, tmp_path):
    """Of one of two cells too few days are left; the other one still gives the error."""
    rain = tmp_path / "p_3d"
    shutil.copytree(case.rain_folder, rain)
    for path in sorted(rain.iterdir()):
        values = read_band(open_dataset(path), 1)
        values[:2, :2] = np.nan
        write_geotiff(path, PIXELS, values, [Band("p_3d", "mm/d")])
    asked = replace(
        inputs_of(case, forests_of(case, tmp_path / "f.smapforest")),
        dynamic=(DatedCovariate(open_series(rain)),),
    )
    (said,) = [remark for remark in remarks_on(asked, tmp_path / "filled") if "give no estimate" in remark]
    assert said == (
        "1 of 2 cells chosen to estimate the error give no estimate: "
        "in 1 cell fewer than 20 observed days have all "
        "covariates"
    )
    # A run that goes on after a stop knows the same numbers.
    work = tmp_path / "work"
    for resumed in (0, 2):
        report = fill_gaps(asked, tmp_path / "again", HIDING, work_file=work)
        (remark,) = [remark for remark in report.remarks if remark == said]
        assert [number.value for number in numbers_of(remark)] == [1, 2, 1, 20]
        assert report.resumed == resumed


def test_runs_that_leave_too_few_days(case, season, tmp_path):
    """The error cannot be estimated, but the days are there, and are kept."""
    report = fill_gaps(inputs_of(case, season), tmp_path / "filled", FillSettings(HidingSettings(40)))
    assert report.no_error == (
        f"{case.smap}: no cell gives an estimate of the error (in 10 cells all observed days lie "
        "within less than two hidden runs); give PERIOD a smaller number, or leave out SCORES "
        "and REPORT: the days are written, and the next run keeps them."
    )
    assert (report.hidden, report.filled_at) == ([], {})
    assert len(fill_gaps(inputs_of(case, season), tmp_path / "filled", PLAIN).kept) == DAYS


def test_all_reasons_for_no_estimate_of_the_error():
    cells = [CellKey(0, number) for number in range(4)]
    whys = (TOO_FEW, TOO_FEW_LEFT, CONSTANT, TOO_FEW)
    outcomes = {cell: HidingOutcome(None, 5, why) for cell, why in zip(cells, whys)}
    assert no_error_text("smap", outcomes) == (
        "smap: no cell gives an estimate of the error (in 2 cells fewer than 20 observed days have all "
        "covariates, in 1 cell with runs hidden fewer than 20 observed days with all covariates are left, "
        "in 1 cell soil moisture never changes outside of the hidden runs); give a longer series, or "
        "covariates of more of its days, or give FOLDS a larger number, so that fewer days are hidden at "
        "once, or look at the SMAP series, or leave out SCORES and REPORT: the days are written, and the "
        "next run keeps them."
    )
