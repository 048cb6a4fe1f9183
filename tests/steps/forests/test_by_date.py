"""Forests by date from a table: which dates, which rows, and the same file whatever the threads."""

import datetime as dt
import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from forest_cases import predict
from matrix_cases import good_and_bad_days
from raster_cases import CELLS, Listener, listing
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.base.version import plugin_version
from smap_downscaler.geo.grid import Grid
from smap_downscaler.methods.file.reader import open_models
from smap_downscaler.methods.forest.growth import new_sklearn_forest
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.steps.forests.numbers.outcome import TrainingReport
from smap_downscaler.steps.forests.request import TrainingChoices
from smap_downscaler.steps.forests.tables import write_scores
from smap_downscaler.steps.forests.training import train_by_date
from smap_downscaler.steps.matrix.read import RowSelection

NAMES = ("clay", "p_antecedent", "twi_fd8")
SETTINGS = ForestSettings(10, None, None, 4, 1, None, 7)
TWENTY = TrainingChoices(SETTINGS, RowSelection(minimum_rows=20))
GRID = Grid(CELLS.crs, 0, 0, 9000, 9000, 12, 10)
START = dt.date(2020, 1, 1)


def day(number):
    return START + dt.timedelta(days=number)


@pytest.fixture
def table(tmp_path):
    return good_and_bad_days(tmp_path / "m.gpkg", GRID, NAMES, day)


def refusal(*arguments):
    with pytest.raises(InputError) as caught:
        train_by_date(*arguments)
    return str(caught.value)


SKIPPED = {
    day(4): "19 cells, fewer than the 20 needed",
    day(5): "18 cells (12 more lack a covariate), fewer than the 20 needed",
    day(6): "all 40 cells have the value 0.3",
    day(7): "0 cells (40 more lack a covariate), fewer than the 20 needed",
}


@pytest.mark.parametrize(("models", "dates"), [(3, [0, 2, 3]), (2, [0, 3]), (1, [0]), (50, [0, 1, 2, 3])])
def test_rows_of_dates_spread_evenly_are_kept(table, tmp_path, monkeypatch, models, dates):
    """30 rows of each of them, with their own soil moisture; forests are the same bit by bit."""
    monkeypatch.setattr("smap_downscaler.steps.forests.training.MOST_MODELS", models)
    monkeypatch.setattr("smap_downscaler.steps.forests.training.MOST_ROWS", 30)
    with_effects = replace(TWENTY, effects=True)
    report = train_by_date(table, tmp_path / "f.smapforest", with_effects)
    assert list(report.samples) == [day(number) for number in dates]
    again = train_by_date(table, tmp_path / "g.smapforest", with_effects, threads=2)
    for key, cells in report.samples.items():
        assert len(cells.y) == 30
        np.testing.assert_array_equal(cells.y, again.samples[key].y)
        (whole,) = (one for one in table.days() if one.date == key)
        rows = {(*x.tolist(), y) for x, y in zip(whole.x, whole.y)}
        assert {(*x.tolist(), y) for x, y in zip(cells.x, cells.y)} <= rows
    assert train_by_date(table, tmp_path / "h.smapforest", TWENTY).samples == {}
    assert (tmp_path / "f.smapforest").read_bytes() == (tmp_path / "h.smapforest").read_bytes()


def test_dates_that_are_trained_dropped_and_skipped(table, tmp_path):
    listener = Listener()
    report = train_by_date(table, tmp_path / "f.smapforest", TWENTY, progress=listener)
    assert list(report.scores) == [day(number) for number in range(4)]
    assert report.skipped == SKIPPED
    assert report.dropped == {day(number): n for number, n in enumerate((0, 5, 0, 0, 0, 12, 0, 40))}
    assert listener.lines == [
        "2020-01-02: 5 cells without all covariates left out",
        *(f"{date}: no forest, {reason}" for date, reason in SKIPPED.items()),
    ]
    with open_models(tmp_path / "f.smapforest") as forests:
        assert forests.dates == tuple(report.scores)
        assert (forests.names, forests.units["clay"]) == (NAMES, "g/kg")
        assert (forests.response, forests.response_unit) == ("soil_moisture", "m3 m-3")
        assert forests.settings == SETTINGS
        assert forests.versions["plugin"] == plugin_version() != "unknown"
        extra = dict(forests.extra)
        coverage = extra.pop("coverage")
        assert extra == {"table": table.label, "minimum_cells": 20}
        assert list(forests.coverage) == list(report.scores)
        assert [one.cells for one in forests.coverage.values()] == [40, 40, 50, 40]
        assert {one.area for one in forests.coverage.values()} == {table.count_cells()}
        assert all(0.8 < box < 1.1 for _, _, box in coverage.values())
        assert forests.scores(day(1)) == report.scores[day(1)]
        assert report.scores[day(1)].n == 40


def test_a_forest_is_that_of_the_rows_of_its_date(table, tmp_path):
    train_by_date(table, tmp_path / "f.smapforest", TWENTY)
    rows = next(part for part in table.days() if part.date == day(1))
    good = np.isfinite(rows.x).all(axis=1)
    assert good.sum() == 40
    expected = new_sklearn_forest(SETTINGS, 40, 3, day(1).toordinal()).set_params(n_estimators=10)
    expected.fit(rows.x[good], rows.y[good])
    pixels = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    with open_models(tmp_path / "f.smapforest") as forests:
        assert np.allclose(
            predict(forests.load(day(1)), pixels), expected.predict(pixels), rtol=0, atol=1e-12
        )


@pytest.mark.parametrize("threads", [2, 3])
def test_the_file_is_the_same_for_any_number_of_threads(table, tmp_path, threads):
    for name, number in (("one", 1), ("more", threads)):
        train_by_date(table, tmp_path / name, TWENTY, number)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "more").read_bytes()


def test_the_least_number_of_cells_comes_from_the_area(table, tmp_path):
    """The table has more than 100 cells, so 50 are needed, and one date has them."""
    assert table.count_cells() > 100
    report = train_by_date(table, tmp_path / "f", TrainingChoices(SETTINGS))
    assert list(report.scores) == [day(2)]
    assert report.skipped[day(0)] == "40 cells, fewer than the 50 needed"


def test_periods(table, tmp_path):
    report = train_by_date(table, tmp_path / "f", TrainingChoices(SETTINGS, RowSelection(day(1), day(4), 20)))
    assert list(report.scores) == [day(1), day(2), day(3)]
    assert list(report.skipped) == [day(4)]


def test_no_date_with_enough_cells(table, tmp_path):
    assert refusal(table, tmp_path / "f", TrainingChoices(SETTINGS, RowSelection(minimum_rows=51))) == (
        f"{table.label}: no date from the start to the end has the 51 cells that a forest needs (the best "
        "has 50); "
        "enlarge the study area, or lower MINIMUM_CELLS."
    )
    assert refusal(
        table, tmp_path / "f", TrainingChoices(SETTINGS, RowSelection(day(30), minimum_rows=20))
    ) == (
        f"{table.label}: no date from 2020-01-31 to the end has the 20 cells that a forest needs (the best "
        "has 0); "
        "enlarge the study area, or lower MINIMUM_CELLS."
    )
    assert (
        refusal(table, tmp_path / "f", TrainingChoices(SETTINGS, RowSelection(minimum_rows=1)))
        == "MINIMUM_CELLS is 1; give 2 or more."
    )
    assert listing(tmp_path) == ["m.gpkg"]


def test_no_date_with_all_covariates(table, tmp_path):
    assert refusal(
        table, tmp_path / "f", TrainingChoices(SETTINGS, RowSelection(day(7), minimum_rows=20))
    ) == (
        f"{table.label}: no date can be trained (2020-01-08: {SKIPPED[day(7)]}); check its soil "
        "moisture and covariates."
    )
    assert listing(tmp_path) == ["m.gpkg"]


def test_cancel_leaves_nothing(table, tmp_path):
    whole = Listener()
    train_by_date(table, tmp_path / "f", TWENTY, 2, whole)
    (tmp_path / "f").unlink()
    for calls in (0, whole.asked // 2):
        listener = Listener(calls)
        with pytest.raises(Cancelled):
            train_by_date(table, tmp_path / "f", TWENTY, 2, listener)
        assert listener.asked <= calls + 8
        assert listing(tmp_path) == ["m.gpkg"]


def test_the_table_of_scores(table, tmp_path):
    report = train_by_date(table, tmp_path / "f", TWENTY)
    write_scores(tmp_path / "scores.gpkg", report)
    connection = sqlite3.connect(tmp_path / "scores.gpkg")
    connection.row_factory = sqlite3.Row
    rows = [dict(row) for row in connection.execute("SELECT * FROM scores ORDER BY date")]
    connection.close()
    assert list(rows[0])[1:] == [
        "date",
        "n",
        "n_dropped",
        "n_scored",
        "oob_rmse",
        "oob_mae",
        "oob_bias",
        "oob_r2",
        "oob_pearson_r2",
        "status",
    ]
    assert [row["date"] for row in rows] == [day(number).isoformat() for number in range(8)]
    assert [row["status"] for row in rows] == ["trained"] * 4 + list(SKIPPED.values())
    assert [row["n"] for row in rows] == [40, 40, 50, 40, None, None, None, None]
    assert [row["n_dropped"] for row in rows] == [0, 5, 0, 0, 0, 12, 0, 40]
    for row, score in zip(rows, report.scores.values()):
        assert (row["oob_rmse"], row["oob_r2"], row["oob_bias"]) == (score.rmse, score.r2, score.bias)
        assert 0 < row["oob_rmse"] < 0.1
        assert row["n_scored"] <= row["n"]
    assert report.median("rmse") == pytest.approx(np.median([row["oob_rmse"] for row in rows[:4]]))


@pytest.mark.filterwarnings("error")
def test_the_median_of_nothing():
    assert np.isnan(TrainingReport().median("rmse"))
