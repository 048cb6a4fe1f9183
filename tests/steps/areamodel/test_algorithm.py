"""trainareamodel as users run it: what comes out, and each bad input with its sentence."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest

from area_case import CELLS, make_area_case
from report_reader import FigureTexts, check_numbers
from smap_downscaler.methods.file.reader import open_models
from smap_downscaler.methods.keys import PooledKey

ID = "trainareamodel"


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return make_area_case(tmp_path_factory.mktemp("area"), with_rain=True)


def rows_of(path, table):
    with sqlite3.connect(path) as connection:
        cursor = connection.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor]


def outputs_in(folder):
    names = {"OUTPUT": "m.smapmodel", "SCORES": "s.gpkg", "TERMS_TABLE": "t.gpkg", "REPORT": "r.html"}
    return {name: str(folder / file) for name, file in names.items()}


def test_two_levels_of_all_dates_by_default(run, said, case, tmp_path, monkeypatch):
    figures = FigureTexts(monkeypatch)
    found = run(ID, {**case.inputs, "DYNAMIC": [case.rain], **outputs_in(tmp_path)})
    assert found["COUNT"] == 1
    with open_models(found["OUTPUT"]) as models:
        assert (models.mode, models.method.name) == ("pooled", "area-to-point model")
        assert models.names == ("clay", "elevation", "rain")
        assert models.units == {"clay": "g/kg", "elevation": "m", "rain": "mm/d"}
        assert models.grid == CELLS
        assert models.ranges["clay"][0] < 250 < 350 < models.ranges["clay"][1]
        assert models.load(PooledKey()).names == models.names
    levels = rows_of(found["SCORES"], "scores")
    assert len(levels) == 2
    assert all(row["status"] == "fitted" and row["date"] is None for row in levels)
    shares = [
        sum(value for name, value in row.items() if name.startswith("share_") and value) for row in levels
    ]
    np.testing.assert_allclose(shares, 1, atol=1e-6)
    terms = rows_of(found["TERMS_TABLE"], "terms")
    assert {row["covariate"] for row in terms} >= {"clay", "elevation"}
    check_numbers(found, figures)
