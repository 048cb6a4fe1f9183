"""crossvalidate: the numbers of a whole run, its refusals, a stop, and the report."""

from __future__ import annotations

import datetime as dt
import re
import time
from base64 import b64decode

import numpy as np
import pytest

from smap_downscaler.core.forest.settings import ForestSettings
from smap_downscaler.core.grid import Window, ease2_grid
from smap_downscaler.core.matrix import DayRows
from smap_downscaler.core.validation.grid import candidates
from smap_downscaler.core.validation.settings import ValidationSettings
from smap_downscaler.raster.crossvalidation import crossvalidate_table
from smap_downscaler.raster.matrix_table import create_matrix, open_matrix

SIDE = 12
CELLS = ease2_grid("9 km").crop(Window(990, 1155, SIDE, SIDE))
DATES = (dt.date(2020, 12, 30), dt.date(2021, 1, 1), dt.date(2021, 6, 1))
FEW = dt.date(2021, 2, 1)
SMALL = {"PRESET": "custom", "N_ESTIMATORS": 6, "FOLDS": 4, "BLOCKS": 36, "SEED": 3, "THREADS": 2}


@pytest.fixture
def matrix(tmp_path):
    """Path of a table of three whole dates (one cell without clay) and one with 15 cells."""
    rng = np.random.default_rng(5)
    row, col = (values.ravel() for values in np.mgrid[0:SIDE, 0:SIDE])
    with create_matrix(tmp_path / "matrix.gpkg", CELLS, ("elevation", "clay", "sand"), {}) as writer:
        for date in sorted((*DATES, FEW)):
            n = 15 if date == FEW else SIDE * SIDE
            x = rng.normal(size=(n, 3)).astype(np.float32)
            y = 0.25 + 0.05 * np.tanh(x[:, 0]) + 0.02 * rng.normal(size=n)
            if date == DATES[1]:
                x[7, 1] = np.nan
            writer.write(DayRows(date, row[:n], col[:n], y, x))
    return str(tmp_path / "matrix.gpkg")


def table_rows(path):
    from qgis.core import QgsVectorLayer

    table = QgsVectorLayer(path, "table", "ogr")
    assert table.isValid()
    names = table.fields().names()
    return [dict(zip(names, feature.attributes())) for feature in table.getFeatures()]


def test_a_whole_run(run, said, matrix, tmp_path):
    outputs = run(
        "crossvalidate",
        {
            "INPUT": matrix,
            **SMALL,
            "REPEATS": 2,
            "MAX_FEATURES_GRID": "1, 3",
            "INNER_FOLDS": 2,
            "OUTPUT": str(tmp_path / "scores.gpkg"),
            "SUMMARY": str(tmp_path / "summary.csv"),
            "CHOICES": str(tmp_path / "choices.gpkg"),
            "REPORT": str(tmp_path / "report.html"),
        },
    )
    forest = ForestSettings(6, None, None, 4, 1, None, 3)
    settings = ValidationSettings(4, 2, 36.0, candidates(forest, "1, 3"), 2, 3)
    expected = crossvalidate_table(open_matrix(matrix), settings)
    rows = table_rows(outputs["OUTPUT"])
    good = [row for row in rows if row["status"] == "validated"]
    assert [
        (row["date"].toPyDate(), row["scheme"], row["repeat"], row["rmse"], row["r2"]) for row in good
    ] == [
        (r.piece.date, r.piece.scheme, r.piece.repeat, r.scores["rmse"], r.scores["r2"])
        for r in expected.results
    ]
    assert [(row["date"].toPyDate(), row["status"]) for row in rows if row not in good] == [
        (FEW, "15 cells, fewer than the 50 needed")
    ]
    for name, scheme, score in (
        ("RMSE", "random", "rmse"),
        ("R2", "random", "r2"),
        ("BLOCK_RMSE", "blocks", "rmse"),
        ("BLOCK_R2", "blocks", "r2"),
    ):
        by_date = [
            np.mean(
                [row[score] for row in good if row["scheme"] == scheme and row["date"].toPyDate() == date]
            )
            for date in DATES
        ]
        assert outputs[name] == pytest.approx(np.median(by_date), abs=1e-12)
    assert outputs["COUNT"] == 3
    assert "pieces of work (date, scheme, repeat) with 240 forests" in said.info[0]
    assert "2021-01-01: 1 cells without all covariates left out" in said.info
    assert "2021-02-01: left out, 15 cells, fewer than the 50 needed" in said.info
    assert said.info[-1] == (
        "3 dates were validated, 1 were left out. Medians over the dates: random folds RMSE "
        f"{outputs['RMSE']:.4f} m3 m-3, R2 {outputs['R2']:.3f}; blocks of 36 km RMSE "
        f"{outputs['BLOCK_RMSE']:.4f} m3 m-3, R2 {outputs['BLOCK_R2']:.3f}. A low error at 9 km is not skill "
        "at 100 m."
    )
    assert any("folds" in text for text in said.progress_texts)
    seasons = {
        row.split(",")[1]: row.split(",")[3]
        for row in (tmp_path / "summary.csv").read_text().splitlines()[1:]
    }
    assert seasons == {"all": "3", "wet": "2", "dry": "1"}
    assert len(table_rows(outputs["CHOICES"])) == sum(len(result.choices) for result in expected.results)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "choices.gpkg",
        "matrix.gpkg",
        "report.html",
        "scores.gpkg",
        "summary.csv",
    ]
    look_at_the_report((tmp_path / "report.html").read_text(encoding="utf-8"), matrix, outputs)


def look_at_the_report(page, matrix, outputs):
    from hashlib import sha256
    from pathlib import Path

    assert "http" not in page
    assert "<script" not in page
    pictures = [b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', page)]
    assert len(pictures) == 4
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    for text in (
        f"{outputs['RMSE']:.4f}",
        f"{outputs['BLOCK_R2']:.3f}",
        sha256(Path(matrix).read_bytes()).hexdigest(),
        "15 cells, fewer than the 50 needed",
        "6 trees, mtry 3, split 4, all rows drawn",
        "1 rows that lack a covariate.",
        "elevation, clay, sand",
    ):
        assert text in page, text


def test_random_folds_alone(run, matrix, tmp_path):
    outputs = run(
        "crossvalidate", {"INPUT": matrix, **SMALL, "BLOCKS": 0, "OUTPUT": str(tmp_path / "s.gpkg")}
    )
    assert {row["scheme"] for row in table_rows(outputs["OUTPUT"])} == {"random", ""}
    assert sorted(outputs) == ["COUNT", "OUTPUT", "R2", "RMSE"]


def test_a_csv_without_a_report(run, matrix, tmp_path):
    from osgeo import gdal

    gdal.VectorTranslate(str(tmp_path / "matrix.csv"), matrix)
    csv = run(
        "crossvalidate", {"INPUT": str(tmp_path / "matrix.csv"), **SMALL, "OUTPUT": str(tmp_path / "a.gpkg")}
    )
    package = run("crossvalidate", {"INPUT": matrix, **SMALL, "OUTPUT": str(tmp_path / "b.gpkg")})
    assert csv["BLOCK_RMSE"] == pytest.approx(package["BLOCK_RMSE"], rel=1e-6)
    assert csv["RMSE"] == pytest.approx(package["RMSE"], rel=1e-6)


BLOCKS_SENTENCE = (
    "BLOCKS is {} km, and SMAP sees about 36 km at once; give 36 or more, or 0 for random folds only."
)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"FOLDS": 1}, "FOLDS is 1; give 2 or more."),
        ({"REPEATS": 0}, "REPEATS is 0; give 1 or more."),
        ({"INNER_FOLDS": 1}, "INNER_FOLDS is 1; give 2 or more."),
        ({"BLOCKS": 20}, BLOCKS_SENTENCE.format(20)),
        (
            {"MAX_FEATURES_GRID": "two"},
            "MAX_FEATURES_GRID: 'two' is no whole number; write numbers by comma, such as 2, 4, 7.",
        ),
        (
            {"SAMPLE_SHARE_GRID": "0.5, 2"},
            "SAMPLE_SHARE_GRID: 2 is out of range; give shares over 0 up to 1.",
        ),
        (
            {"MAX_FEATURES_GRID": "2, 5"},
            "MAX_FEATURES_GRID: 5 is more than the 3 covariates of {matrix}; give at most 3.",
        ),
        ({"WET_MONTHS": "Rain"}, "WET_MONTHS: 'Rain' is no month; write months as Nov-Mar or 11, 12, 1-3."),
        (
            {"DRY_MONTHS": "Mar-Sep"},
            "WET_MONTHS and DRY_MONTHS both hold Mar; keep it in one of them.",
        ),
        (
            {"START": "2021-01-02", "END": "2021-01-01"},
            "START (2021-01-02) is after END (2021-01-01); exchange them.",
        ),
        (
            {"START": "2021-01-15", "END": "2021-02-15"},
            "{matrix}: no date from 2021-01-15 to 2021-02-15 has the 50 cells that a forest needs (the best "
            "has 15); enlarge the study area, or lower MINIMUM_CELLS.",
        ),
        (
            {"FOLDS": 145},
            "{matrix}: no date from the begin to the end has 145 cells, one for each fold (the best has "
            "144); give FOLDS a smaller number.",
        ),
        (
            {"BLOCKS": 100_000},
            "{matrix}: no date can be cut into blocks (2020-12-30: All 144 cells lie in one block; give "
            "BLOCKS a smaller side, or 0 for random folds only).",
        ),
    ],
)
def test_refusals(refusal, matrix, tmp_path, change, sentence):
    parameters = {"INPUT": matrix, **SMALL, "OUTPUT": str(tmp_path / "s.gpkg"), **change}
    assert refusal("crossvalidate", parameters) == sentence.format(matrix=matrix)
    assert not (tmp_path / "s.gpkg").exists()


def test_a_constant_response(refusal, matrix, tmp_path):
    import sqlite3

    connection = sqlite3.connect(matrix)
    connection.execute("UPDATE regression_matrix SET soil_moisture = 0.3")
    connection.commit()
    connection.close()
    assert refusal("crossvalidate", {"INPUT": matrix, **SMALL, "OUTPUT": str(tmp_path / "s.gpkg")}) == (
        f"{matrix}: no date can be validated (2020-12-30: all 144 cells have the value 0.3)."
    )


def test_a_text_field(refusal, matrix, tmp_path):
    from osgeo import gdal

    gdal.VectorTranslate(
        str(tmp_path / "t.gpkg"),
        matrix,
        SQLStatement="SELECT date, row, col, x, y, soil_moisture, 'loam' AS texture FROM regression_matrix",
        layerName="regression_matrix",
    )
    sentence = refusal(
        "crossvalidate", {"INPUT": str(tmp_path / "t.gpkg"), **SMALL, "OUTPUT": str(tmp_path / "s.gpkg")}
    )
    assert sentence == (
        f"{tmp_path / 't.gpkg'}: the field texture is not a number (it holds 'loam'); remove it or turn it "
        "into numbers."
    )


def test_cancel_within_two_seconds(run, feedback, said, matrix, tmp_path):
    parameters = {
        "INPUT": matrix,
        **SMALL,
        "N_ESTIMATORS": 60,
        "MAX_FEATURES_GRID": "1, 3",
        "INNER_FOLDS": 2,
        "OUTPUT": str(tmp_path / "s.gpkg"),
    }
    asked = []

    def after_some_folds(text):
        asked.append((time.monotonic(), text))
        return "folds" in text and int(text.split()[0]) >= 8

    feedback.cancel_when = after_some_folds
    assert run("crossvalidate", parameters) == {}
    assert time.monotonic() - asked[-1][0] < 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [".s.gpkg.work", "matrix.gpkg"]
    done = len((tmp_path / ".s.gpkg.work").read_text().splitlines())
    assert 2 <= done < 6


def test_going_on_after_a_stop(run, said, matrix, tmp_path):
    """What a stopped run left is used, and taken away at the end."""
    forest = ForestSettings(6, None, None, 4, 1, None, 3)
    settings = ValidationSettings(4, 1, 36.0, candidates(forest), 5, 3)
    work = tmp_path / ".s.gpkg.work"
    crossvalidate_table(open_matrix(matrix), settings, work)
    lines = work.read_bytes().splitlines(keepends=True)
    work.write_bytes(b"".join(lines[:4]) + lines[4][:20])
    run("crossvalidate", {"INPUT": matrix, **SMALL, "OUTPUT": str(tmp_path / "s.gpkg")})
    assert said.info[0] == "4 pieces of work were finished before the last stop."
    assert sorted(path.name for path in tmp_path.iterdir()) == ["matrix.gpkg", "s.gpkg"]
    assert sum(row["status"] == "validated" for row in table_rows(str(tmp_path / "s.gpkg"))) == 6
