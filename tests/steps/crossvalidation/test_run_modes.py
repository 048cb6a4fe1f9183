"""Cross-validation by cell and pooled from a table: which rows, threads, stops, tables, refusals."""

import datetime as dt
import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from raster_cases import CELLS, Listener
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.geo.grid import Grid
from smap_downscaler.methods.base import Cells
from smap_downscaler.methods.features import FeatureSettings
from smap_downscaler.methods.forest.hyper_grid import candidates
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.methods.keys import CellKey, PooledKey
from smap_downscaler.runs.journal import work_file_of
from smap_downscaler.steps.crossvalidation.journal import folds_file_of, forget_work
from smap_downscaler.steps.crossvalidation.numbers.pieces import Piece
from smap_downscaler.steps.crossvalidation.numbers.results import summarise
from smap_downscaler.steps.crossvalidation.numbers.settings import ValidationSettings
from smap_downscaler.steps.crossvalidation.read_rows import rain_names, rain_of_rows, with_period
from smap_downscaler.steps.crossvalidation.run import crossvalidate_table
from smap_downscaler.steps.crossvalidation.tables import (
    write_choices,
    write_importance,
    write_scores,
    write_summary,
)
from smap_downscaler.steps.matrix.numbers.rows import DayRows
from smap_downscaler.steps.matrix.read import WHOLE_TABLE, RowSelection, open_matrix
from smap_downscaler.steps.matrix.write import create_matrix
from smap_downscaler.steps.rain.tables import write_rain
from validation_cases import cross_validate

NAMES = ("clay", "p_antecedent", "p_djf")
FOREST = ForestSettings(4, None, None, 4, 1, None, 7)
GRID = Grid(CELLS.crs, -7e6, -1.6e6, 9000, 9000, 4, 3)
START = dt.date(2020, 12, 1)
DAYS = 60
FEATURES = FeatureSettings(day_of_year=True, neighbours=True)


@pytest.fixture
def table(tmp_path):
    """12 cells and 60 days; cell (0, 3) has 9 days, (1, 1) is constant, rain is missing in 5 rows."""
    rng = np.random.default_rng(4)
    row, col = (values.ravel() for values in np.mgrid[0:3, 0:4])
    clay, season = rng.normal(size=12), rng.normal(size=12)
    with create_matrix(tmp_path / "m.gpkg", GRID, NAMES, {"p_antecedent": "mm/d", "p_djf": "mm/d"}) as writer:
        for number in range(DAYS):
            rain = rng.gamma(0.5, 4, 12)
            y = 0.2 + 0.03 * clay + 0.005 * rain + 0.01 * rng.normal(size=12)
            y[5] = 0.25
            x = np.stack([clay, rain, season], axis=1).astype(np.float32)
            if number < 5:
                x[10, 1] = np.nan
            kept = np.ones(12, bool)
            kept[3] = number < 9
            date = START + dt.timedelta(number)
            writer.write(DayRows(date, row[kept], col[kept], y[kept], x[kept]))
    return open_matrix(tmp_path / "m.gpkg")


def settings(mode, **changes):
    fields = {"folds": 3, "repeats": 1, "block_km": 0.0, "inner_folds": 2, "seed": 3}
    features = FEATURES if mode == "by cell" else FeatureSettings(day_of_year=mode == "pooled")
    fields |= {"mode": mode, "period": 8, "gap": 1, "features": features, "wet": (12,), "dry": (1,)}
    return ValidationSettings(candidates=candidates(FOREST), **{**fields, **changes})


def found_by(run):
    # NaN is not equal to itself, its text is.
    return repr([(r.piece, r.n, r.choices, r.scores, r.importance, len(r.parts)) for r in run.results])


def test_cells_are_those_of_the_table(table):
    listener = Listener()
    run = crossvalidate_table(table, settings("by cell"), None, WHOLE_TABLE, 2, listener)
    assert run.skipped == {
        CellKey(0, 3): "9 dates, fewer than the 30 needed",
        CellKey(1, 1): "all 60 dates have the value 0.25",
    }
    assert len(run.keys) == 10
    assert run.dropped[CellKey(2, 2)] == 5
    assert "5 rows without all covariates left out" in listener.lines
    cell = next(cell for cell in table.cells() if (cell.row, cell.col) == (2, 2))
    good = cell.complete
    rows = Cells(cell.x[good], cell.y[good], np.tile([2, 2], (55, 1)), cell.days[good])
    for result in run.results:
        if result.piece.key == CellKey(2, 2):
            expected = cross_validate(rows, result.piece, settings("by cell"))
            assert result.predicted.tobytes() == expected.predicted.tobytes()
    assert {result.piece.scheme for result in run.results} == {"random", "periods"}


def test_pooled_rows_are_those_of_the_table(table):
    run = crossvalidate_table(table, settings("pooled"), None, WHOLE_TABLE, 2)
    assert [result.piece.scheme for result in run.results] == ["locations", "locations and dates", "random"]
    assert run.dropped == {PooledKey(): 5}
    assert run.results[0].n == 11 * 60 + 9 - 5
    found = table.pooled()
    cells = np.stack([found.rows, found.cols], axis=1)
    rows = Cells(found.x, found.y, cells, found.days.astype(np.int64))
    expected = cross_validate(rows, Piece(PooledKey(), "locations and dates", 1), settings("pooled"))
    assert run.results[1].predicted.tobytes() == expected.predicted.tobytes()
    # A map for people, though no block was asked for.
    assert [len(picture.place) for picture in run.pictures if picture.place is not None] == [12, 12]
    some = crossvalidate_table(table, settings("pooled"), None, RowSelection(maximum_rows=8), 2)
    assert some.results[2].n < 60 * 8 + 1


@pytest.mark.parametrize("mode", ["by cell", "pooled"])
def test_threads_and_stops_change_nothing(table, tmp_path, mode):
    wanted = settings(mode, importance=True)
    whole = Listener()
    one = crossvalidate_table(table, wanted, None, WHOLE_TABLE, 1, whole)
    assert found_by(crossvalidate_table(table, wanted, None, WHOLE_TABLE, 3)) == found_by(one)
    work = tmp_path / "work"
    with pytest.raises(Cancelled):
        crossvalidate_table(table, wanted, work, WHOLE_TABLE, 1, Listener(whole.asked * 3 // 4))
    done = len(work.read_bytes().splitlines())
    assert 0 < done < len(one.results)
    again = crossvalidate_table(table, wanted, work, WHOLE_TABLE, 2)
    assert (again.resumed, found_by(again)) == (done, found_by(one))
    # All is finished now: read back, not worked out.
    assert found_by(crossvalidate_table(table, wanted, work)) == found_by(one)
    # The seasons of cells and pooled rows are part of what is kept.
    other = crossvalidate_table(table, settings(mode, importance=True, wet=(1,), dry=(12,)), work)
    assert other.resumed == 0


def rows_of(path, layer):
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    rows = [dict(row) for row in connection.execute(f"SELECT * FROM {layer} ORDER BY fid")]
    connection.close()
    return rows


def test_tables_of_pooled_rows(table, tmp_path):
    run = crossvalidate_table(table, settings("pooled", importance=True))
    write_scores(tmp_path / "s.gpkg", run)
    rows = rows_of(tmp_path / "s.gpkg", "cross_validation")
    random = [row for row in rows if row["scheme"] == "random"]
    assert [(row["date"], row["row"], row["season"]) for row in random[:3]] == [
        (None, None, "all"),
        (None, None, "wet"),
        (None, None, "dry"),
    ]
    assert sum(row["date"] is not None for row in random) == DAYS
    assert sum(row["row"] is not None for row in random) == 12
    assert random[1]["n"] + random[2]["n"] == random[0]["n"]
    write_importance(tmp_path / "i.gpkg", run)
    rises = rows_of(tmp_path / "i.gpkg", "importance")
    assert [row["covariate"] for row in rises[:5]] == [*NAMES, "doy_sin", "doy_cos"]
    write_choices(tmp_path / "c.gpkg", run)
    assert len(rows_of(tmp_path / "c.gpkg", "choices")) == 9
    write_summary(tmp_path / "s.csv", summarise(run.results, run.settings))
    lines = (tmp_path / "s.csv").read_text().splitlines()[1:]
    assert {line.split(",")[1] for line in lines} == {"all rows", "dates", "cells"}
    # All rows and dates by season, cells as they are.
    assert len(lines) == 3 * (3 + 3 + 1) * 5


def test_tables_of_cells(table, tmp_path):
    run = crossvalidate_table(table, settings("by cell", importance=True))
    write_scores(tmp_path / "s.gpkg", run)
    rows = rows_of(tmp_path / "s.gpkg", "cross_validation")
    assert [row["season"] for row in rows if (row["row"], row["col"]) == (0, 0)] == ["all", "wet", "dry"] * 2
    assert [row["status"] for row in rows if (row["row"], row["col"]) == (1, 1)] == [
        "all 60 dates have the value 0.25"
    ]
    # Clay and the season's rain are the same on all dates: one covariate of the table, six derived ones.
    write_importance(tmp_path / "i.gpkg", run)
    names = [row["covariate"] for row in rows_of(tmp_path / "i.gpkg", "importance")]
    assert "clay" not in names
    assert names[:3] == ["p_antecedent", "doy_sin", "doy_cos"]


def test_rain_is_told_by_unit_and_varies_in_time(table, tmp_path):
    series = rain_of_rows(table, rain_names(table))
    assert [(rain.name, rain.unit, rain.values.shape) for rain in series] == [
        ("p_antecedent", "mm/d", (DAYS, 12))
    ]
    write_rain(tmp_path / "r.gpkg", series)
    row = rows_of(tmp_path / "r.gpkg", "rain")[30]
    day = next(day for day in table.days() if day.date == START + dt.timedelta(30))
    rain = day.x[:, 1].astype(float)
    assert (row["date"], row["n"]) == (day.date.isoformat(), 11)
    assert [row[name] for name in ("median", "q1", "q3", "minimum", "maximum")] == pytest.approx(
        np.percentile(rain, (50, 25, 75, 0, 100)).tolist()
    )
    some = rain_of_rows(table, rain_names(table), RowSelection(START, START + dt.timedelta(6)))
    assert some[0].dates[-1] == START + dt.timedelta(6)


def test_which_covariates_are_rain(tmp_path):
    """Those that are named; else what the table says; else by unit, and without one by name."""
    names = ("wet", "evaporation", "rain_index", "p_antecedent", "ndvi", "terrain_corrected")
    units = {"wet": "mm/d", "evaporation": "mm/d", "p_antecedent": "mm/d"}

    def table(said):
        with create_matrix(tmp_path / "t.gpkg", GRID, names, units, rain=said) as writer:
            one = np.ones(1)
            writer.write(
                DayRows(START, one.astype(int), one.astype(int), one / 4, np.ones((1, 6), np.float32))
            )
        return open_matrix(tmp_path / "t.gpkg")

    silent = table({})
    assert rain_names(silent) == ["wet", "evaporation", "rain_index", "p_antecedent"]
    said = {"evaporation": False, "rain_index": False, "ndvi": True}
    assert table(said).rain == said
    assert rain_names(table(said)) == ["wet", "p_antecedent", "ndvi"]
    assert rain_names(table(said), ["ndvi", "wet"]) == ["ndvi", "wet"]
    assert rain_names(table(said), ["None"]) == rain_names(silent, ["none"]) == []


def test_an_empty_period_is_a_share_of_the_dates(table):
    listener = Listener()
    assert with_period(settings("by cell"), table, WHOLE_TABLE, listener).period == 20
    assert listener.lines == ["PERIOD is empty: runs of 20 of the 60 days are held out together."]
    assert with_period(settings("pooled", folds=90), table, WHOLE_TABLE).period == 1
    assert with_period(settings("pooled", folds=2), table, WHOLE_TABLE).period == 30
    assert with_period(settings("by date"), table, WHOLE_TABLE).period == 8


def refusal(*arguments):
    with pytest.raises(InputError) as caught:
        crossvalidate_table(*arguments)
    return str(caught.value)


def test_refusals(table):
    name = table.label
    assert refusal(table, settings("by cell"), None, RowSelection(minimum_rows=61)) == (
        f"{name}: no cell, from the start to the end, has the 61 dates that a forest needs (the best has "
        "60); validate more dates, or lower MINIMUM_DATES."
    )
    assert refusal(table, settings("by cell"), None, RowSelection(minimum_rows=1)) == (
        "MINIMUM_DATES is 1; give 2 or more."
    )
    assert refusal(table, settings("by cell", folds=61)) == (
        f"{name}: no cell, from the start to the end, has 61 dates, one for each fold (the best has 60); "
        "give FOLDS a smaller number."
    )
    assert refusal(table, settings("by cell", period=60)) == (
        f"{name}: no cell can be cut into periods (row 0, col 0: PERIOD is 60 days, and the dates span 60 "
        "only; give PERIOD a smaller number)."
    )
    assert refusal(table, settings("pooled", period=60)) == (
        f"{name}: its rows cannot be cut into locations and dates (all rows: PERIOD is 60 days, and the "
        "dates span 60 only; give PERIOD a smaller number)."
    )
    assert refusal(table, settings("pooled"), None, RowSelection(START, START - dt.timedelta(1))) == (
        f"{name}: 0 rows from 2020-12-01 to 2020-11-30 are too few for 3 folds; validate more dates, or give "
        "FOLDS a smaller number."
    )


def test_one_cell_cannot_be_pooled(table):
    connection = sqlite3.connect(table.path)
    connection.execute(f'DELETE FROM "{table.layer}" WHERE row > 0 OR col > 0')
    connection.commit()
    connection.close()
    assert refusal(table, settings("pooled")) == (
        f"{table.label}: its rows cannot be cut into locations (all rows: All 60 rows are of one location; "
        "give more cells, or BLOCKS a smaller side or 0)."
    )


@pytest.mark.parametrize(("mode", "block_km"), [("by date", 36.0), ("pooled", 36.0), ("pooled", 0.0)])
@pytest.mark.parametrize(("column", "value"), [("row", "NULL"), ("col", "NULL"), ("row", "-3")])
def test_rows_without_a_cell_have_no_place(table, mode, block_km, column, value):
    connection = sqlite3.connect(table.path)
    connection.execute(f"UPDATE {table.layer} SET {column} = {value} WHERE row = 2 AND date = '2020-12-03'")
    connection.commit()
    connection.close()
    # One of the four lacks rain as well, and is not among the pooled ones.
    count = 4 if mode == "by date" else 3
    wanted = settings(mode, block_km=block_km)
    assert refusal(open_matrix(table.path), wanted, None, RowSelection(minimum_rows=4)) == (
        f"{table.label}: {count} rows have no row or col of a cell, which folds of blocks and locations "
        "need; fill them in, or remove the rows."
    )


def test_random_folds_by_date_need_no_cells(table):
    connection = sqlite3.connect(table.path)
    connection.execute(f'UPDATE "{table.layer}" SET row = NULL, col = NULL')
    connection.commit()
    connection.close()
    run = crossvalidate_table(
        open_matrix(table.path), settings("by date"), None, RowSelection(minimum_rows=4)
    )
    assert len(run.results) == DAYS


def test_a_grid_of_equals_is_told(table):
    """By cell two of the nine covariates never change: 7 are left to be tried at a split."""
    listener = Listener()
    crossvalidate_table(
        table,
        replace(settings("by cell"), candidates=candidates(FOREST, max_features="7, 8, 9")),
        None,
        RowSelection(START, START + dt.timedelta(29), 20),
        1,
        listener,
    )
    assert listener.warnings[:1] == [
        "MAX_FEATURES_GRID: 7, 8, 9 come to the same where no more than 7 covariates change in time, as in "
        "row 0, col 0; leave out all of them but one."
    ]


def test_finished_folds_of_pooled_forests_are_kept(table, tmp_path, monkeypatch):
    """Stopped amid a piece, the folds done are not grown again, and the results are the same to the bit."""
    from smap_downscaler.steps.crossvalidation import run as module

    wanted, work = settings("pooled", folds=4, importance=True), work_file_of(tmp_path / "scores.gpkg")
    whole = crossvalidate_table(table, wanted)
    grown, grow = [], module.run_fold

    def noting(job, fold, listener):
        if len(grown) == stop:
            raise Cancelled
        grown.append((job.piece.scheme, fold))
        return grow(job, fold, listener)

    monkeypatch.setattr(module, "run_fold", noting)
    # Two pieces of four folds are done, and two folds of the third.
    stop, listener = 10, Listener()
    with pytest.raises(Cancelled):
        crossvalidate_table(table, wanted, work, progress=listener)
    folds = folds_file_of(work)
    assert (len(work.read_text().splitlines()), len(folds.read_text().splitlines())) == (2, 2)
    first, stop = list(grown), 99
    # A line that the stop cut off counts as none.
    folds.write_text(folds.read_text()[:-30])
    run = crossvalidate_table(table, wanted, work, progress=listener)
    assert "1 fold of work was finished before the last stop." in listener.lines
    assert grown == [*first, *[(first[-1][0], fold) for fold in (1, 2, 3)]]
    assert found_by(run) == found_by(whole)
    assert run.resumed == 2
    assert (run.plan.pieces, run.plan.models) == (1, 3)
    assert not folds.exists()
    forget_work(work)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.gpkg"]


def test_folds_of_other_settings_are_not_taken(table, tmp_path, monkeypatch):
    from smap_downscaler.steps.crossvalidation import run as module

    work, grow, grown = tmp_path / "work", module.run_fold, []

    def noting(job, fold, listener):
        if len(grown) == 2:
            raise Cancelled
        grown.append(fold)
        return grow(job, fold, listener)

    with monkeypatch.context() as patch:
        patch.setattr(module, "run_fold", noting)
        with pytest.raises(Cancelled):
            crossvalidate_table(table, settings("pooled", folds=4), work)
    assert len(folds_file_of(work).read_text().splitlines()) == 2
    other, listener = settings("pooled", folds=4, seed=9), Listener()
    run = crossvalidate_table(table, other, work, progress=listener)
    assert found_by(run) == found_by(crossvalidate_table(table, other))
    assert not [line for line in listener.lines if "before the last stop" in line]
    forget_work(work)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.gpkg"]


def test_pooled_rows_are_refused_before_the_first_forest(table, tmp_path, monkeypatch):
    from smap_downscaler.steps.crossvalidation import run as module

    monkeypatch.setattr(module, "run_fold", None)
    assert refusal(table, settings("pooled", period=60), tmp_path / "work") == (
        f"{table.label}: its rows cannot be cut into locations and dates (all rows: PERIOD is 60 days, and "
        "the dates span 60 only; give PERIOD a smaller number)."
    )
    only = RowSelection(START, START)
    assert refusal(table, settings("pooled", period=1), tmp_path / "work", only) == (
        f"{table.label}: its rows cannot be cut into locations and dates (all rows: All rows are of one day, "
        "and no period can be held out; take more dates)."
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.gpkg"]


@pytest.mark.parametrize("mode", ["by date", "by cell", "pooled"])
def test_only_what_can_be_used_again_is_told_as_finished(table, tmp_path, mode):
    """Fewer repeats, or other rows, leave nothing, or not all, of what is in the file."""
    work, scope = tmp_path / "work", RowSelection(minimum_rows=4)
    wanted = settings(mode, repeats=2)
    crossvalidate_table(table, wanted, work, scope)
    listener = Listener()
    fewer = crossvalidate_table(table, replace(wanted, repeats=1), work, scope, progress=listener)
    assert fewer.resumed == len(fewer.results)
    listener = Listener()
    other = RowSelection(START, START + dt.timedelta(30), 4)
    run = crossvalidate_table(table, wanted, work, other, progress=listener)
    assert run.resumed == 0
    assert not [line for line in listener.lines if "before the last stop" in line]
    # Cells of one value are seen when they are read.
    assert run.plan.pieces >= len(run.results)
    assert found_by(run) == found_by(crossvalidate_table(table, wanted, None, other))
