"""crossvalidate with the area-to-point model: folds of cells on all dates or on one, scores, coverage."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from report_reader import FigureTexts, check_numbers
from small_area_case import CELLS, make_area_case
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.methods.area.method import AREA_TO_POINT, AreaToPoint
from smap_downscaler.methods.area.settings import AreaSettings
from smap_downscaler.methods.base import Candidate
from smap_downscaler.methods.keys import PooledKey
from smap_downscaler.series.series import open_series
from smap_downscaler.series.stack import open_stack
from smap_downscaler.steps.areamodel.rows import AreaInputs, area_rows
from smap_downscaler.steps.areamodel.training import chosen_levels
from smap_downscaler.steps.crossvalidation.numbers.crossvalidate import plan_piece
from smap_downscaler.steps.crossvalidation.numbers.pieces import Piece
from smap_downscaler.steps.crossvalidation.numbers.results import fold_picture
from smap_downscaler.steps.crossvalidation.numbers.settings import ValidationSettings
from smap_downscaler.steps.crossvalidation.read_area import AreaReader
from smap_downscaler.steps.crossvalidation.run import crossvalidate_rows

ID = "crossvalidate"
METHOD = {"METHOD": "area-to-point model", "FOLDS": 3, "BLOCKS": 36}


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return make_area_case(tmp_path_factory.mktemp("area"), with_rain=True)


def rows_of(path, table):
    with sqlite3.connect(path) as connection:
        cursor = connection.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor]


def test_two_levels_hold_out_cells_of_all_dates(run, said, case, tmp_path, monkeypatch):
    figures = FigureTexts(monkeypatch)
    outputs = {"OUTPUT": str(tmp_path / "s.gpkg"), "REPORT": str(tmp_path / "r.html")}
    found = run(ID, {**case.inputs, **METHOD, **outputs})
    rows = rows_of(found["OUTPUT"], "cross_validation")
    assert {row["scheme"] for row in rows} == {"random", "locations"}
    whole = [row for row in rows if row["date"] is None and row["row"] is None]
    assert len(whole) == 2
    assert all(0.7 <= row["coverage"] <= 1 for row in whole)
    assert found["RMSE"] == pytest.approx(next(row["rmse"] for row in whole if row["scheme"] == "random"))
    assert np.isfinite(found["LOCATION_RMSE"])
    check_numbers(found, figures)


def test_single_dates_hold_out_cells_of_a_date(run, said, case, tmp_path):
    given = {"LEVELS": "single dates", "END": "2021-01-05", "FOOTPRINT": "0", "DYNAMIC": [case.rain]}
    given["INPUT"] = case.inputs["COVARIATES"]
    found = run(ID, {**case.inputs, **METHOD, **given, "OUTPUT": str(tmp_path / "s.gpkg")})
    assert (
        "INPUT is not used with METHOD 'area-to-point model', which takes SMAP and COVARIATES."
        in said.warnings
    )
    rows = rows_of(found["OUTPUT"], "cross_validation")
    assert [(row["date"], row["scheme"]) for row in rows] == [
        (date, scheme) for date in ("2021-01-01", "2021-01-04") for scheme in ("blocks", "random")
    ]
    assert found["COUNT"] == 2
    assert all(row["status"] == "validated" and 0.5 <= row["coverage"] <= 1 for row in rows)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"METHOD": "random forest"},
            "INPUT is not given; choose the regression matrix, or 'area-to-point model' as METHOD with SMAP "
            "and COVARIATES.",
        ),
        (
            {"SMAP": None},
            "SMAP is not given, and METHOD is 'area-to-point model'; choose the SMAP series, or 'random "
            "forest' as METHOD.",
        ),
        (
            {"COVARIATES": None},
            "COVARIATES is not given, and METHOD is 'area-to-point model'; choose the fine stack, or 'random "
            "forest' as METHOD.",
        ),
        (
            {"IMPORTANCE": "memory:"},
            "IMPORTANCE: it is made with METHOD 'random forest' only; leave it empty.",
        ),
        ({"FOLDS": 1}, "FOLDS is 1; give 2 or more."),
        (
            {"DYNAMIC": "{rain}", "RAIN_COVARIATES": "snow"},
            "RAIN_COVARIATES: there is no dated covariate named snow (there is rain); give the names of "
            "those that are rain, separated by commas, or 'none'.",
        ),
        ({"FOOTPRINT": "wide"}, "FOOTPRINT is 'wide'; give auto, or the full width in km, such as 33."),
    ],
)
def test_what_is_missing_or_wrong_has_its_sentence(refusal, case, tmp_path, given, sentence):
    given = {name: [case.rain] if value == "{rain}" else value for name, value in given.items()}
    assert refusal(ID, {**case.inputs, **METHOD, "OUTPUT": str(tmp_path / "s.gpkg"), **given}) == sentence


def prepared(case, **changes):
    inputs = AreaInputs(open_series(case.folder / "smap"), open_stack(case.folder / "fine.tif"))
    levels = chosen_levels(inputs, area_rows(inputs), "two levels")
    fields = {"folds": 3, "repeats": 1, "block_km": 36.0, "mode": levels.mode, "whole_cells": True, **changes}
    candidate = Candidate(AreaSettings(footprint_km=0.0, terms=("linear",)))
    settings = ValidationSettings(candidates=(candidate,), method=AREA_TO_POINT, fine=inputs.fine, **fields)
    return AreaReader(inputs, levels), settings


def test_a_run_goes_on_where_it_stopped_unless_the_stack_changed(case, tmp_path, monkeypatch):
    fits, fit = [], AreaToPoint.fit

    def counting(self, cells, *more):
        fits.append(len(cells.y))
        return fit(self, cells, *more)

    monkeypatch.setattr(AreaToPoint, "fit", counting)
    work = tmp_path / ".work"

    def found():
        fits.clear()
        run = crossvalidate_rows(*prepared(case), work)
        return [(result.piece, result.scores, result.parts) for result in run.results], len(fits)

    first, count = found()
    # A fold of each kind of folds is timed first.
    assert count == 1 + 2 * 3
    again, count = found()
    assert repr(again) == repr(first)
    assert count == 0
    stack = case.folder / "fine.tif"
    os.utime(stack, (1e9, 1e9))
    assert found()[1] == 1 + 2 * 3


def test_a_run_that_is_cancelled_leaves_what_it_finished(run, feedback, case, tmp_path):
    feedback.cancel_when = lambda text: " of 6 folds" in text
    outputs = {"OUTPUT": str(tmp_path / "s.gpkg"), "REPORT": str(tmp_path / "r.html")}
    assert run(ID, {**case.inputs, **METHOD, "FOOTPRINT": "0", **outputs}) == {}
    assert feedback.isCanceled()
    assert all(path.name.startswith(".s.gpkg.work") for path in tmp_path.iterdir())


def test_the_truth_of_held_out_rows_is_told_by_no_row_of_their_block(case):
    """Blocks are out on all dates: what SMAP saw there on any date leaves the predictions alone."""
    reader, settings = prepared(case)
    results = {one.piece.scheme: one for one in crossvalidate_rows(reader, settings).results}
    rows = reader._rows.cells
    wrong = rows.y.copy()
    held = results["locations"].fold_of_row == 0
    wrong[held] = 0.05
    reader._rows = replace(reader._rows, cells=replace(rows, y=wrong))
    other = {one.piece.scheme: one for one in crossvalidate_rows(reader, settings).results}
    np.testing.assert_array_equal(other["locations"].predicted[held], results["locations"].predicted[held])
    assert not np.array_equal(other["random"].predicted[held], results["random"].predicted[held])


def test_dates_with_few_cells_are_in_the_table_of_two_levels(run, tmp_path, monkeypatch):
    other = make_area_case(tmp_path / "case", dates=7)
    few = np.full(CELLS.shape, np.nan, np.float32)
    few[:2, :6] = np.linspace(0.2, 0.3, 12).reshape(2, 6)
    name = f"soil_moisture_{other.dates[4]:%Y%m%d}.tif"
    write_geotiff(tmp_path / "case" / "smap" / name, CELLS, few, [Band("soil_moisture", "m3 m-3")])
    figures = FigureTexts(monkeypatch)
    given = {**other.inputs, **METHOD, "FOOTPRINT": "0", "TERMS": ["linear"], "BLOCKS": 0, "FOLDS": 2}
    found = run(ID, {**given, "OUTPUT": str(tmp_path / "s.gpkg"), "REPORT": str(tmp_path / "r.html")})
    left = [row for row in rows_of(found["OUTPUT"], "cross_validation") if row["status"] != "validated"]
    assert [(row["date"], row["status"]) for row in left] == [
        (str(other.dates[4]), "12 cells, fewer than the 20 needed")
    ]
    check_numbers(found, figures)


def test_training_parts_that_are_too_small_are_told(refusal, case, tmp_path):
    given = {**case.inputs, **METHOD, "LEVELS": "single dates", "END": "2021-01-02", "FOOTPRINT": "0"}
    sentence = refusal(ID, {**given, "FOLDS": 2, "BLOCKS": 0, "OUTPUT": str(tmp_path / "s.gpkg")})
    assert sentence == (
        f"{case.inputs['SMAP']}: no date can be validated (2021-01-01: 59 SMAP cells can be used, and an "
        "area-to-point model needs 60, where a fold is held out; give FOLDS a larger number); check its soil "
        "moisture and covariates."
    )


def test_the_stack_must_reach_beyond_the_cells(run, said, case, tmp_path):
    """Through a wide footprint, cells at the border of the stack cannot be told and are left out."""
    given = {**case.inputs, **METHOD, "FOOTPRINT": "20", "BLOCKS": 0, "FOLDS": 5, "TERMS": ["linear"]}
    run(ID, {**given, "OUTPUT": str(tmp_path / "s.gpkg")})
    line = next(line for line in said.info if "too far out of the fine stack" in line)
    assert line.endswith("cells lie too far out of the fine stack, or under MASK: left out")
    rows = rows_of(str(tmp_path / "s.gpkg"), "cross_validation")
    assert all(np.isfinite(row["rmse"]) for row in rows if row["status"] == "validated" and row["n"] > 100)


def test_a_date_by_itself_takes_no_footprint_and_leaves_no_cell_out(run, said, case, tmp_path):
    """As its training, which says so; with a footprint to be found the widest would leave cells out."""
    given = {"LEVELS": "single dates", "END": "2021-01-03", "FOOTPRINT": "auto", "TERMS": ["linear"]}
    outputs = {"OUTPUT": str(tmp_path / "s.gpkg"), "REPORT": str(tmp_path / "r.html")}
    run(ID, {**case.inputs, **METHOD, **given, "FOLDS": 6, "BLOCKS": 0, **outputs})
    assert not any("too far out of the fine stack" in line for line in said.info)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<p>footprint in km 0, terms linear, seed 1</p>" in page


def test_random_folds_of_two_levels_deal_whole_cells(case):
    reader, settings = prepared(case, folds=4)
    rows = reader._rows.cells
    job = plan_piece(rows, Piece(PooledKey(), "random", 1), settings)
    cells, of_row = np.unique(rows.cells, axis=0, return_inverse=True)
    of_row = of_row.reshape(-1)
    for number in range(len(cells)):
        assert np.unique(job.folds.fold_of_row[of_row == number]).size == 1
    assert np.bincount(job.folds.fold_of_row).min() > len(rows.y) / 4 - 10
    assert fold_picture(job).place.shape == (len(cells), 2)
    assert prepared(case, block_km=0.0)[1].schemes == ("random",)
