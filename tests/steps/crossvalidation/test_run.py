"""Cross-validation from a table: which rows, the same for any threads and stops, and what is left behind."""

import json
import math
import sqlite3

import numpy as np
import pytest

from crossvalidation_case import SCOPE, day, same, settings
from raster_cases import Listener, listing
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.methods.base import Cells
from smap_downscaler.runs.journal import work_file_of
from smap_downscaler.steps.crossvalidation.journal import forget_work
from smap_downscaler.steps.crossvalidation.numbers.pieces import LINE, SCORES, Piece, most_chosen
from smap_downscaler.steps.crossvalidation.numbers.results import summarise
from smap_downscaler.steps.crossvalidation.read_rows import cell_coordinates
from smap_downscaler.steps.crossvalidation.run import crossvalidate_table
from smap_downscaler.steps.crossvalidation.tables import write_choices, write_scores, write_summary
from smap_downscaler.steps.matrix.read import RowSelection
from validation_cases import cross_validate

GRIDS = {"max_features": "1, 3", "n_estimators": "2, 5"}


def refusal(*arguments, **more):
    with pytest.raises(InputError) as caught:
        crossvalidate_table(*arguments, **more)
    return str(caught.value)


SKIPPED = {
    day(4): "19 cells, fewer than the 20 needed",
    day(5): "18 cells (12 more lack a covariate), fewer than the 20 needed",
    day(6): "all 40 cells have the value 0.3",
    day(7): "0 cells (40 more lack a covariate), fewer than the 20 needed",
}


def test_each_piece_is_that_of_the_rows_of_its_date(table):
    listener = Listener()
    run = crossvalidate_table(table, settings(GRIDS), None, SCOPE, 2, listener)
    pieces = [
        Piece(day(n), scheme, repeat)
        for n in range(4)
        for scheme in ("blocks", "random")
        for repeat in (1, 2)
    ]
    assert [result.piece for result in run.results] == pieces
    assert run.skipped == SKIPPED
    assert run.dropped == {day(number): n for number, n in enumerate((0, 5, 0, 0, 0, 12, 0, 40))}
    assert run.keys == tuple(day(n) for n in range(4))
    rows = next(part for part in table.days() if part.date == day(1))
    rows = rows.keep(rows.complete)
    assert len(rows.y) == 40
    place = np.stack([(rows.cols + 0.5) * 9000 - 7e6, -1.6e6 - (rows.rows + 0.5) * 9000], axis=1)
    cells = np.stack([rows.rows, rows.cols], axis=1)
    of_day = Cells(rows.x, rows.y, cells, np.full(40, day(1).toordinal()), place)
    for result in run.results[4:8]:
        expected = cross_validate(of_day, result.piece, settings(GRIDS))
        assert (result.choices, result.scores) == (expected.choices, expected.scores)
        if result.piece.repeat == 1:
            assert result.predicted.tobytes() == expected.predicted.tobytes()
            assert result.fold_of_row.tolist() == expected.fold_of_row.tolist()
            assert result.observed.tolist() == rows.y.tolist()
        else:
            assert result.predicted is result.observed is result.fold_of_row is None
    assert [(picture.piece.key, len(picture.place)) for picture in run.pictures] == [(day(0), 40)] * 2
    assert run.plan.text() == listener.lines[0]
    # Before their rows are looked at, seven dates have enough of them.
    assert run.plan.pieces == 7 * 4
    assert listener.lines[1:] == [
        "2020-01-02: 5 cells without all covariates left out",
        *(f"{date}: left out, {reason}" for date, reason in SKIPPED.items()),
    ]


def test_the_result_is_the_same_for_any_number_of_threads(table):
    once = settings(GRIDS, repeats=1)
    one = crossvalidate_table(table, once, None, SCOPE, 1)
    for threads in (2, 3):
        assert same(crossvalidate_table(table, once, None, SCOPE, threads), one)
    assert not same(crossvalidate_table(table, settings(GRIDS, repeats=1, seed=4), None, SCOPE, 2), one)


def test_random_folds_alone_need_no_coordinates(table):
    connection = sqlite3.connect(table.path)
    connection.execute(f'ALTER TABLE "{table.layer}" DROP COLUMN x')
    connection.commit()
    connection.close()
    run = crossvalidate_table(table, settings(block_km=0.0), None, SCOPE)
    assert {result.piece.scheme for result in run.results} == {"random"}
    assert run.pictures[0].place is None
    assert refusal(table, settings(), None, SCOPE) == (
        f"{table.label}: the table has no field x, which spatial blocks need; make it with 'Regression "
        "matrix', or give BLOCKS 0."
    )


def change(table, statement):
    connection = sqlite3.connect(table.path)
    connection.execute(statement.format(layer=f'"{table.layer}"'))
    connection.commit()
    connection.close()


def test_coordinates_of_cells(table):
    found = cell_coordinates(table)
    assert len(found) == table.count_cells()
    assert all(
        xy == ((col + 0.5) * 9000 - 7e6, -1.6e6 - (row + 0.5) * 9000) for (row, col), xy in found.items()
    )


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (
            "UPDATE {layer} SET x = x + 1 WHERE fid = 1",
            "the cell of row {row} and col {col} has several x or y; each cell needs one place, "
            "or give BLOCKS 0.",
        ),
        (
            "UPDATE {layer} SET y = NULL",
            "a cell has no x or y, which spatial blocks need; fill them in, or give BLOCKS 0.",
        ),
        (
            "UPDATE {layer} SET x = -72 + col / 100.0, y = -13 - row / 100.0",
            "x and y look like degrees, and spatial blocks need metres; give the cells metric coordinates, "
            "or give BLOCKS 0.",
        ),
        (
            "UPDATE {layer} SET x = 'west'",
            "its field x holds 'west', which is no number; correct it, or give BLOCKS 0.",
        ),
    ],
)
def test_coordinates_that_blocks_cannot_use(table, statement, sentence):
    first = next(table.days())
    change(table, statement)
    cell = {"row": first.rows[0], "col": first.cols[0]}
    assert refusal(table, settings(), None, SCOPE) == f"{table.label}: {sentence.format(**cell)}"


def test_no_date_can_be_validated(table, tmp_path):
    assert refusal(table, settings(), None, RowSelection(minimum_rows=51)) == (
        f"{table.label}: no date from the start to the end has the 51 cells that a forest needs (the best "
        "has 50); enlarge the study area, or lower MINIMUM_CELLS."
    )
    assert refusal(table, settings(folds=60), None, SCOPE) == (
        f"{table.label}: no date from the start to the end has 60 cells, one for each fold (the best has "
        "50); give FOLDS a smaller number."
    )
    assert (
        refusal(table, settings(), None, RowSelection(minimum_rows=1))
        == "MINIMUM_CELLS is 1; give 2 or more."
    )
    assert refusal(table, settings(), None, RowSelection(day(6), day(7), 20)) == (
        f"{table.label}: no date can be validated (2020-01-07: {SKIPPED[day(6)]}); check its "
        "soil moisture and covariates."
    )
    assert refusal(table, settings(folds=45), None, RowSelection(day(0), day(1), 20)) == (
        f"{table.label}: no date can be validated (2020-01-01: 40 cells are too few for 45 folds, which "
        "need 45; give FOLDS a smaller number); check its soil moisture and covariates."
    )
    assert refusal(table, settings(block_km=1e6), tmp_path / "work", SCOPE) == (
        f"{table.label}: no date can be cut into blocks (2020-01-01: All 40 cells lie in one block; give "
        "BLOCKS a smaller side, or 0 for random folds only)."
    )
    assert refusal(table, settings({"max_features": "2, 4"}), None, SCOPE) == (
        f"MAX_FEATURES_GRID: 4 is more than the 3 covariates of {table.label}; give at most 3."
    )


# Stops and going on


def stopped(table, work, calls, wanted):
    listener = Listener(calls)
    with pytest.raises(Cancelled):
        crossvalidate_table(table, wanted, work, SCOPE, 1, listener)
    return listener


def test_a_run_goes_on_after_a_stop(table, tmp_path):
    wanted = settings(GRIDS)
    whole = Listener()
    expected = crossvalidate_table(table, wanted, None, SCOPE, 1, whole)
    work = work_file_of(tmp_path / "scores.gpkg")
    assert work == tmp_path / ".scores.gpkg.work"
    stopped(table, work, whole.asked * 2 // 3, wanted)
    assert listing(tmp_path) == [".scores.gpkg.work", "m.gpkg"]
    done = len(work.read_bytes().splitlines())
    assert 3 < done < 16
    # As if the machine had died in the middle of a line.
    with work.open("ab") as stream:
        stream.write(b'{"key": "half')
    again = Listener()
    run = crossvalidate_table(table, wanted, work, SCOPE, 2, again)
    assert same(run, expected)
    assert run.resumed == done
    assert again.lines[0] == f"{done} pieces of work were finished before the last stop."
    assert run.plan.pieces == 7 * 4 - done
    # All is there now: nothing is grown any more.
    third = crossvalidate_table(table, wanted, work, SCOPE, 1)
    assert same(third, expected)
    assert third.resumed == 16
    forget_work(work)
    forget_work(work)
    assert listing(tmp_path) == ["m.gpkg"]


def test_finished_pieces_are_used_only_for_the_same_rows_and_settings(table, tmp_path):
    work = tmp_path / "work"
    crossvalidate_table(table, settings(), work, SCOPE)
    assert len(work.read_bytes().splitlines()) == 16
    # More repeats keep the first ones.
    more = crossvalidate_table(table, settings(repeats=3), work, SCOPE)
    assert (more.resumed, len(work.read_bytes().splitlines())) == (16, 24)
    # Another seed keeps none.
    other = crossvalidate_table(table, settings(seed=4), work, SCOPE)
    assert (other.resumed, len(work.read_bytes().splitlines())) == (0, 40)
    # A value of one date changed: its pieces only.
    change(table, f"UPDATE {{layer}} SET clay = clay + 1 WHERE date = '{day(2)}'")
    changed = crossvalidate_table(table, settings(), work, SCOPE)
    assert len(work.read_bytes().splitlines()) == 44
    assert same(changed, crossvalidate_table(table, settings(), None, SCOPE))


def test_a_work_file_is_checked_lines_of_json(table, tmp_path):
    run = crossvalidate_table(table, settings(), tmp_path / "work", SCOPE)
    lines = [json.loads(line.split(" ", 1)[1]) for line in (tmp_path / "work").read_text().splitlines()]
    assert {line["date"] for line in lines} == {date.isoformat() for date in run.keys}
    assert all(math.isnan(line["choices"][0]["inner_rmse"]) for line in lines)


def test_cancel_leaves_nothing_but_finished_work(table, tmp_path):
    whole = Listener()
    crossvalidate_table(table, settings(), None, SCOPE, 2, whole)
    for calls in (0, whole.asked // 2):
        listener = Listener(calls)
        with pytest.raises(Cancelled):
            crossvalidate_table(table, settings(), None, SCOPE, 2, listener)
        assert listener.asked <= calls + 8
        assert listing(tmp_path) == ["m.gpkg"]
    stopped(table, tmp_path / "work", 0, settings())
    assert listing(tmp_path) == ["m.gpkg"]


def test_work_that_cannot_be_kept(table, tmp_path):
    (tmp_path / "file").write_text("")
    assert refusal(table, settings(), tmp_path / "file" / "work", SCOPE).startswith(
        f"{tmp_path / 'file' / 'work'}: finished work cannot be kept there ("
    )


# Tables


def rows_of(path, layer):
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    rows = [dict(row) for row in connection.execute(f"SELECT * FROM {layer} ORDER BY fid")]
    connection.close()
    return rows


def test_tables(table, tmp_path):
    wanted = settings(GRIDS)
    run = crossvalidate_table(table, wanted, None, SCOPE)
    write_scores(tmp_path / "scores.gpkg", run)
    rows = rows_of(tmp_path / "scores.gpkg", "cross_validation")
    assert [row["status"] for row in rows] == ["validated"] * 16 + list(SKIPPED.values())
    for row, result in zip(rows, run.results):
        assert (row["date"], row["scheme"], row["repeat"]) == (
            result.piece.key.isoformat(),
            result.piece.scheme,
            result.piece.repeat,
        )
        assert {name: row[name] for name in (*SCORES, *LINE)} == result.scores
        assert (row["n"], row["n_dropped"]) == (result.n, run.dropped[result.piece.key])
        chosen, votes = most_chosen(result.choices)
        assert (row["max_features"], row["n_estimators"]) == ((1, 2), (1, 5), (3, 2), (3, 5))[chosen]
        assert row["folds_agree"] == votes
        assert row["folds"] == len(result.choices)
    write_choices(tmp_path / "choices.gpkg", run)
    choices = rows_of(tmp_path / "choices.gpkg", "choices")
    assert len(choices) == sum(len(result.choices) for result in run.results)
    assert [row["inner_rmse"] for row in choices[:4]] == [c.inner_rmse for c in run.results[0].choices]
    assert {row["n_train"] + row["n_test"] for row in choices} == {40, 50}
    summary = summarise(run.results, wanted)
    write_summary(tmp_path / "summary.csv", summary)
    text = (tmp_path / "summary.csv").read_text().splitlines()
    assert text[0] == ("scheme,over,season,score,n,mean,median,sd,iqr,q1,q3,minimum,maximum,repeat_sd")
    assert len(text) == 1 + 2 * 3 * len(SCORES)
