"""Forests by cell and pooled: which rows, against plain scikit-learn, and the same for any threads."""

import datetime as dt
import sqlite3

import numpy as np
import pytest

from forest_cases import predict
from raster_cases import CELLS, Listener, listing
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.geo.grid import Grid
from smap_downscaler.methods.features import FeatureSettings, calendar_features
from smap_downscaler.methods.file.reader import open_models
from smap_downscaler.methods.forest.growth import new_sklearn_forest
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.methods.keys import CellKey, PooledKey, key_number
from smap_downscaler.steps.forests.request import TrainingChoices
from smap_downscaler.steps.forests.tables import write_scores
from smap_downscaler.steps.forests.training import train_by_cell, train_pooled
from smap_downscaler.steps.matrix.numbers.rows import DayRows
from smap_downscaler.steps.matrix.read import RowSelection, open_matrix
from smap_downscaler.steps.matrix.write import create_matrix

NAMES = ("clay", "p3", "p10")
SETTINGS = ForestSettings(8, None, None, 4, 1, None, 7)
GRID = Grid(CELLS.crs, 0, 0, 9000, 9000, 4, 3)
START = dt.date(2019, 12, 20)
DAYS = 60
BOTH = FeatureSettings(True, True)
PLAIN = TrainingChoices(SETTINGS)
TWENTY = TrainingChoices(SETTINGS, RowSelection(minimum_rows=20))
BOTH_TWENTY = TrainingChoices(SETTINGS, RowSelection(minimum_rows=20), BOTH)


def day(number):
    return START + dt.timedelta(days=number)


@pytest.fixture
def table(tmp_path):
    """Cell 0 lacks rain on 5 days, 1 has 10 days, 2 is constant, 3 has covariates that never change."""
    generator = np.random.default_rng(5)
    clay = generator.normal(size=12)
    with create_matrix(tmp_path / "m.gpkg", GRID, NAMES, {"clay": "g/kg"}) as writer:
        for number in range(DAYS):
            seen = generator.random(12) < 0.7
            seen[0] = number % 2 == 0
            seen[1] = number < 10
            flat = np.nonzero(seen)[0]
            rain = generator.gamma(2, 1, (2, 12))
            rain[0, 0] = np.nan if number < 10 else rain[0, 0]
            rain[:, 3] = 1.0
            y = 0.2 + 0.05 * np.tanh(rain[1]) + 0.01 * generator.normal(size=12) + 0.02 * clay
            y[2] = 0.3
            x = np.column_stack([clay, *rain])[flat].astype(np.float32)
            writer.write(DayRows(day(number), flat // 4, flat % 4, y[flat], x))
    return open_matrix(tmp_path / "m.gpkg")


def within(*limits, **more):
    return TrainingChoices(SETTINGS, RowSelection(*limits, **more))


def refusal(function, *arguments):
    with pytest.raises(InputError) as caught:
        function(*arguments)
    return str(caught.value)


SKIPPED = {
    CellKey(0, 1): "fewer than 20 dates with all covariates",
    CellKey(0, 2): "the same soil moisture on all dates",
    CellKey(0, 3): "no covariate that changes with time",
}


def test_scores_of_cells_have_their_outlines(table, tmp_path):
    from osgeo import ogr

    report = train_by_cell(table, tmp_path / "f", TWENTY)
    write_scores(tmp_path / "s.gpkg", report, table.grid)
    layer_file = ogr.Open(str(tmp_path / "s.gpkg"))
    layer = layer_file.GetLayer(0)
    assert layer.GetSpatialRef().GetAuthorityCode(None) == "6933"
    found = {(one["row"], one["col"]): one.GetGeometryRef().GetEnvelope() for one in layer}
    assert len(found) == 12
    for (row, col), (left, right, bottom, top) in found.items():
        assert (left, right) == (9000.0 * col, 9000.0 * (col + 1))
        assert (top, bottom) == (-9000.0 * row, -9000.0 * (row + 1))
    assert layer.GetExtent() == (0.0, 36000.0, -27000.0, 0.0)
    # A table of another format, or of a matrix without a grid, has the same rows and no shapes.
    texts = []
    for number, grid in enumerate((table.grid, None)):
        path = tmp_path / f"{number}.csv"
        write_scores(path, report, grid)
        texts.append(path.read_text())
    assert texts[0] == texts[1]


def test_cells_that_are_trained_and_skipped(table, tmp_path):
    listener = Listener()
    report = train_by_cell(table, tmp_path / "f", TWENTY, progress=listener)
    assert list(report.scores) == [CellKey(0, 0), *(CellKey(n // 4, n % 4) for n in range(4, 12))]
    assert report.skipped == SKIPPED
    assert report.dropped[CellKey(0, 0)] == 5
    assert listener.lines == [
        f"No forest for {'; '.join(f'1 cell: {reason}' for reason in SKIPPED.values())}",
        "5 rows without all covariates left out",
    ]
    with open_models(tmp_path / "f") as forests:
        assert forests.keys == tuple(report.scores)
        assert (forests.keys[0].x, forests.keys[0].y) == (4500.0, -4500.0)
        assert forests.names == NAMES
        assert all(forests.names_of(key) == ("p3", "p10") for key in forests.keys)
        assert forests.extra == {"table": table.label, "minimum_dates": 20}


def rows_of(table, row, col):
    """The rows of a cell, put together from the dates."""
    found = []
    for part in table.days():
        at = np.nonzero((part.rows == row) & (part.cols == col))[0]
        found += [(part.date, part.y[number], part.x[number]) for number in at]
    return found


def test_a_forest_by_cell_is_that_of_the_rows_of_its_cell(table, tmp_path):
    """Calendar and neighbours are worked out here anew."""
    train_by_cell(table, tmp_path / "f", BOTH_TWENTY)
    for row, col in ((0, 0), (2, 1)):
        rows = rows_of(table, row, col)
        x, y = [], []
        for place, (date, value, covariates) in enumerate(rows):
            before, after = rows[place - 1] if place else None, (rows[place + 1 :] or [None])[0]
            first, last = before or after, after or before
            if np.isfinite(covariates).all():
                gaps = [
                    (date - before[0]).days if before else 30,
                    (after[0] - date).days if after else 30,
                ]
                x.append([*covariates, *calendar_features(date), first[1], last[1], *gaps])
                y.append(value)
        x, y = np.array(x, np.float32), np.array(y)
        varying = np.ptp(x, axis=0) > 0
        x = x[:, varying]
        key = key_number(CellKey(row, col))
        plain = new_sklearn_forest(SETTINGS, *x.shape, key).set_params(n_estimators=8).fit(x, y)
        with open_models(tmp_path / "f") as forests:
            forest = forests.load(CellKey(row, col))
            names = np.array((*NAMES, *BOTH.names))[varying]
            assert forests.names_of(CellKey(row, col)) == tuple(names)
            assert {"p3", "doy_sin", "sm_before"} <= set(names) < set(forests.names)
            assert forests.covariates == NAMES
            assert np.allclose(predict(forest, x), plain.predict(x), rtol=0, atol=1e-12)


def test_rows_outside_of_the_period_are_unseen(table, tmp_path):
    report = train_by_cell(
        table, tmp_path / "f", TrainingChoices(SETTINGS, RowSelection(day(20), day(49), 10), BOTH)
    )
    rows = [row for row in rows_of(table, 1, 1) if day(20) <= row[0] <= day(49)]
    assert report.scores[CellKey(1, 1)].n == len(rows)
    assert CellKey(0, 1) not in {*report.scores, *report.skipped}


@pytest.mark.parametrize("threads", [2, 3])
def test_files_are_the_same_for_any_number_of_threads(table, tmp_path, threads):
    sampled = TrainingChoices(SETTINGS, RowSelection(maximum_rows=7), FeatureSettings(True))
    for name, number in (("one", 1), ("more", threads)):
        train_by_cell(table, tmp_path / name, BOTH_TWENTY, number)
        train_pooled(table, tmp_path / f"{name} pooled", sampled, number)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "more").read_bytes()
    assert (tmp_path / "one pooled").read_bytes() == (tmp_path / "more pooled").read_bytes()


def test_refusals_by_cell(table, tmp_path):
    path = tmp_path / "f"
    assert refusal(train_by_cell, table, path, within(minimum_rows=1)) == (
        "MINIMUM_DATES is 1; give 2 or more."
    )
    assert refusal(train_by_cell, table, path, within(minimum_rows=61)) == (
        f"{table.label}: it has 60 dates from the start to the end, fewer than the 61 that a forest by cell "
        "needs; use a longer series, or lower MINIMUM_DATES."
    )
    assert refusal(train_by_cell, table, path, within(minimum_rows=60)) == (
        f"{table.label}: no cell can be trained (12 cells: fewer than 60 dates with all covariates); check "
        "its soil moisture and covariates, or lower MINIMUM_DATES."
    )
    assert listing(tmp_path) == ["m.gpkg"]


def test_a_table_without_cell_numbers(table, tmp_path):
    with sqlite3.connect(table.path) as connection:
        connection.execute(f"UPDATE {table.layer} SET row = NULL")
    assert refusal(train_by_cell, table, tmp_path / "f", PLAIN) == (
        f"{table.label}: no cell can be trained (no row has a cell number); check its soil moisture and "
        "covariates, or lower MINIMUM_DATES."
    )


def test_a_pooled_forest_is_that_of_all_rows(table, tmp_path):
    listener = Listener()
    choices = TrainingChoices(SETTINGS, features=FeatureSettings(True))
    report = train_pooled(table, tmp_path / "f", choices, 2, listener)
    x, y = [], []
    for part in table.days():
        good = np.isfinite(part.x).all(axis=1)
        calendar = np.tile(calendar_features(part.date), (good.sum(), 1))
        x.append(np.hstack([part.x[good], calendar]))
        y.append(part.y[good])
    x, y = np.vstack(x).astype(np.float32), np.concatenate(y)
    plain = new_sklearn_forest(SETTINGS, *x.shape, 0).set_params(n_estimators=8, oob_score=True).fit(x, y)
    with open_models(tmp_path / "f") as forests:
        assert (forests.mode, forests.keys) == ("pooled", (PooledKey(),))
        assert forests.names == (*NAMES, "doy_sin", "doy_cos")
        assert np.allclose(predict(forests.load(PooledKey()), x), plain.predict(x), rtol=0, atol=1e-12)
    score = report.scores[PooledKey()]
    seen = plain.oob_prediction_ != 0
    error = plain.oob_prediction_[seen] - y[seen]
    assert score.rmse == pytest.approx(np.sqrt(np.mean(error**2)), abs=1e-12)
    assert listener.lines == [f"{len(y):,} rows of 60 dates, 5 without all covariates left out"]


def test_a_sample_of_rows_a_date(table, tmp_path):
    pooled = table.pooled(maximum_rows=3, seed=4)
    dates, counts = np.unique(pooled.days, return_counts=True)
    complete = {part.date.toordinal(): int(part.complete.sum()) for part in table.days()}
    assert dict(zip(dates.tolist(), counts.tolist())) == {d: min(n, 3) for d, n in complete.items()}
    assert pooled.unused == sum(complete.values()) - len(pooled.y)
    again = table.pooled(maximum_rows=3, seed=4)
    assert np.array_equal(pooled.x, again.x)
    assert not np.array_equal(pooled.rows, table.pooled(maximum_rows=3, seed=5).rows)
    by_key = {
        (part.date.toordinal(), row, col): (y, *x)
        for part in table.days()
        for row, col, y, x in zip(part.rows.tolist(), part.cols.tolist(), part.y, part.x)
    }
    for *key, y, x in zip(pooled.days, pooled.rows, pooled.cols, pooled.y, pooled.x):
        assert by_key[tuple(int(number) for number in key)] == (y, *x)


def test_refusals_of_pooled_forests(table, tmp_path):
    path = tmp_path / "f"
    rows = sum(len(part.y) for part in table.days())
    assert refusal(train_pooled, table, path, within(memory_mb=0)) == (
        f"{table.label}: its {rows} rows of 3 covariates would take 0 MB, more than the 0 MB of MEMORY; give "
        "MAXIMUM_ROWS a smaller number, or MEMORY a larger one."
    )
    many = TrainingChoices(ForestSettings(100_000, None, None, 2, 1, None, 7), RowSelection(memory_mb=100))
    sentence = refusal(train_pooled, table, path, many)
    assert sentence.startswith(f"{table.label}: 100,000 trees of {rows - 5} rows each would take up to ")
    assert sentence.endswith(
        " MB with the rows, more than the 100 MB of MEMORY; give N_ESTIMATORS or SAMPLE_SIZE a smaller "
        "number, or MEMORY a larger one."
    )
    assert refusal(train_pooled, table, path, within(maximum_rows=0)) == (
        "MAXIMUM_ROWS is 0; give 1 or more, or leave it empty."
    )
    assert refusal(train_pooled, table, path, within(day(900))) == (
        f"{table.label}: 0 rows from {day(900)} to the end have all covariates; a forest needs at least 2."
    )
    assert listing(tmp_path) == ["m.gpkg"]


@pytest.mark.parametrize("train", [train_by_cell, train_pooled])
def test_cancel_leaves_nothing(table, tmp_path, train):
    whole = Listener()
    train(table, tmp_path / "f", PLAIN, 2, whole)
    (tmp_path / "f").unlink()
    for calls in (0, whole.asked // 2):
        with pytest.raises(Cancelled):
            train(table, tmp_path / "f", PLAIN, 2, Listener(calls))
        assert listing(tmp_path) == ["m.gpkg"]


def test_tables_of_scores(table, tmp_path):
    report = train_by_cell(table, tmp_path / "f", TWENTY)
    write_scores(tmp_path / "cells.gpkg", report)
    write_scores(tmp_path / "pooled.gpkg", train_pooled(table, tmp_path / "p", PLAIN))
    with sqlite3.connect(tmp_path / "cells.gpkg") as connection:
        rows = connection.execute("SELECT row, col, x, n_dropped, oob_rmse, status FROM scores").fetchall()
    assert [row[:2] for row in rows] == [(n // 4, n % 4) for n in range(12)]
    assert rows[0][2:4] == (4500.0, 5)
    assert rows[5][4:] == (report.scores[CellKey(1, 1)].rmse, "trained")
    assert [row[5] for row in rows[1:4]] == list(SKIPPED.values())
    with sqlite3.connect(tmp_path / "pooled.gpkg") as connection:
        fields = [row[1] for row in connection.execute("PRAGMA table_info(scores)")]
        assert connection.execute("SELECT n_dropped, status FROM scores").fetchall() == [(5, "trained")]
    assert fields[1:4] == ["n", "n_dropped", "n_scored"]
