"""crossvalidate with the area-to-point model: folds of cells on all dates or on one, scores, coverage."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest

from report_reader import FigureTexts, check_numbers
from small_area_case import make_area_case

ID = "crossvalidate"
METHOD = {"METHOD": "area-to-point model", "FOLDS": 3, "BLOCKS": 36}


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return make_area_case(tmp_path_factory.mktemp("area"))


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


def test_single_dates_hold_out_cells_of_a_date(run, case, tmp_path):
    given = {"LEVELS": "single dates", "END": "2021-01-05", "FOOTPRINT": "0"}
    found = run(ID, {**case.inputs, **METHOD, **given, "OUTPUT": str(tmp_path / "s.gpkg")})
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
        ({"FOOTPRINT": "wide"}, "FOOTPRINT is 'wide'; give auto, or the full width in km, such as 33."),
    ],
)
def test_what_is_missing_or_wrong_has_its_sentence(refusal, case, tmp_path, given, sentence):
    assert refusal(ID, {**case.inputs, **METHOD, "OUTPUT": str(tmp_path / "s.gpkg"), **given}) == sentence
