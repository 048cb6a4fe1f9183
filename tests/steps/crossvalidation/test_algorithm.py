"""crossvalidate: the numbers of a whole run, its refusals, a stop, and the report."""

from __future__ import annotations

import datetime as dt
import html
import re
import sys
import time
from base64 import b64decode

import numpy as np
import pytest
import sklearn

from smap_downscaler.geo.grid import Window, ease2_grid
from smap_downscaler.methods.forest.hyper_grid import candidates
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.steps.crossvalidation.numbers.settings import ValidationSettings
from smap_downscaler.steps.crossvalidation.run import crossvalidate_table
from smap_downscaler.steps.matrix.numbers.rows import DayRows
from smap_downscaler.steps.matrix.read import open_matrix
from smap_downscaler.steps.matrix.write import create_matrix

SIDE = 12
CELLS = ease2_grid("9 km").crop(Window(990, 1155, SIDE, SIDE))
DATES = (dt.date(2020, 12, 30), dt.date(2021, 1, 1), dt.date(2021, 6, 1))
FEW = dt.date(2021, 2, 1)
SEASONS = {"WET_MONTHS": "Nov-Mar", "DRY_MONTHS": "May-Sep"}
SMALL = {"PRESET": "custom", "N_ESTIMATORS": 6, "FOLDS": 4, "BLOCKS": 36, "SEED": 3, "THREADS": 2, **SEASONS}


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
            "IMPORTANCE": str(tmp_path / "importance.gpkg"),
            "RAIN": str(tmp_path / "rain.gpkg"),
            "REPORT": str(tmp_path / "report.html"),
        },
    )
    forest = ForestSettings(6, None, None, 4, 1, None, 3)
    settings = ValidationSettings(4, 2, 36.0, candidates(forest, "1, 3"), 2, 3, importance=True)
    expected = crossvalidate_table(open_matrix(matrix), settings)
    rows = table_rows(outputs["OUTPUT"])
    good = [row for row in rows if row["status"] == "validated"]
    assert [
        (row["date"].toPyDate(), row["scheme"], row["repeat"], row["rmse"], row["r2"]) for row in good
    ] == [
        (r.piece.key, r.piece.scheme, r.piece.repeat, r.scores["rmse"], r.scores["r2"])
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
    assert any("pieces of work with 240 forests" in line for line in said.info)
    assert "2021-01-01: 1 cell without all covariates left out" in said.info
    assert "2021-02-01: left out, 15 cells, fewer than the 50 needed" in said.info
    assert said.info[-1] == (
        "3 dates were validated, 1 was left out. Medians over the dates: random folds RMSE "
        f"{outputs['RMSE']:.4f} m3 m-3, R2 {outputs['R2']:.3f}; blocks of 36 km RMSE "
        f"{outputs['BLOCK_RMSE']:.4f} m3 m-3, R2 {outputs['BLOCK_R2']:.3f}. A low error at 9 km is not skill "
        "at 100 m."
    )
    assert any("folds" in text for text in said.progress_texts)
    seasons = {
        row.split(",")[2]: row.split(",")[4]
        for row in (tmp_path / "summary.csv").read_text().splitlines()[1:]
    }
    assert seasons == {"all": "3", "wet": "2", "dry": "1"}
    assert len(table_rows(outputs["CHOICES"])) == sum(len(result.choices) for result in expected.results)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "choices.gpkg",
        "importance.gpkg",
        "matrix.gpkg",
        "rain.gpkg",
        "report.html",
        "report_numbers.csv",
        "scores.gpkg",
        "summary.csv",
    ]
    rises = table_rows(outputs["IMPORTANCE"])
    assert [(row["scheme"], row["covariate"], row["rmse_rise"]) for row in rises] == [
        (r.piece.scheme, name, rise)
        for r in expected.results
        for name, rise in zip(("elevation", "clay", "sand"), r.importance)
    ]
    assert len(rises) == 3 * 2 * 3
    # No covariate of this table is rain.
    assert table_rows(outputs["RAIN"]) == []
    look_at_the_report((tmp_path / "report.html").read_text(encoding="utf-8"), matrix, outputs)


def look_at_the_report(page, matrix, outputs):
    from hashlib import sha256
    from pathlib import Path

    assert "http" not in page
    assert "<script" not in page
    pictures = [b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', page)]
    assert len(pictures) == 5
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    for text in (
        f"{outputs['RMSE']:.4f}",
        f"{outputs['BLOCK_R2']:.3f}",
        sha256(Path(matrix).read_bytes()).hexdigest(),
        "15 cells, fewer than the 50 needed",
        "n_estimators 6, max_features 3, min_samples_split 4, sample_size all rows",
        "1 row without all covariates.",
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
            "MAX_FEATURES_GRID: 'two' is no whole number; write numbers separated by commas, "
            "such as 2, 4, 7.",
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
            "{matrix}: no date from the start to the end has 145 cells, one for each fold (the best has "
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


MODES = {
    "by cell": ({"PERIOD": 10, "NEIGHBOURS": True}, {"RMSE", "R2", "PERIOD_RMSE", "PERIOD_R2"}),
    "pooled": (
        {"BLOCKS": 0, "DAY_OF_YEAR": True},
        {"RMSE", "R2", "LOCATION_RMSE", "LOCATION_R2", "LOCATION_DATE_RMSE", "LOCATION_DATE_R2"},
    ),
}


@pytest.fixture
def series(tmp_path):
    """Path of a table of nine cells and 40 days, with the rain of each day before."""
    rng = np.random.default_rng(6)
    row, col = (values.ravel() for values in np.mgrid[0:3, 0:3])
    clay = rng.normal(size=9)
    with create_matrix(tmp_path / "series.gpkg", CELLS, ("clay", "p_antecedent"), {}) as writer:
        for number in range(40):
            rain = rng.gamma(0.5, 4, 9)
            y = 0.2 + 0.03 * clay + 0.01 * rain + 0.01 * rng.normal(size=9)
            x = np.stack([clay, rain], axis=1).astype(np.float32)
            writer.write(DayRows(DATES[0] + dt.timedelta(number), row, col, y, x))
    return str(tmp_path / "series.gpkg")


@pytest.mark.parametrize("mode", list(MODES))
def test_the_other_modes(run, said, series, tmp_path, mode):
    more, numbers = MODES[mode]
    tables = {
        name: str(tmp_path / f"{name}.gpkg")
        for name in ("OUTPUT", "SUMMARY", "CHOICES", "IMPORTANCE", "IMPORTANCE_SUMMARY", "RAIN")
    }
    report = str(tmp_path / "report.html")
    outputs = run(
        "crossvalidate",
        {"INPUT": series, "MODE": mode, **SMALL, "MINIMUM_DATES": 20, **more, **tables, "REPORT": report},
    )
    assert set(outputs) == {*tables, *numbers, "COUNT", "REPORT", "REPORT_NUMBERS"}
    assert outputs["COUNT"] == (9 if mode == "by cell" else 1)
    summary = {
        (row["scheme"], row["score"]): row["median"]
        for row in table_rows(tables["SUMMARY"])
        if row["over"] == {"by cell": "cells", "pooled": "all rows"}[mode] and row["season"] == "all"
    }
    assert outputs["RMSE"] == summary["random", "rmse"]
    last = "PERIOD_R2" if mode == "by cell" else "LOCATION_DATE_R2"
    assert outputs[last] == summary["periods" if mode == "by cell" else "locations and dates", "r2"]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for text in (
        "Rain of the matrix by date: p_antecedent",
        "Importance of the covariates",
        "Folds in time",
        "<dt>period, days</dt><dd>10</dd>",
        f"<dt>forests</dt><dd>{mode}</dd>",
        f"{outputs['RMSE']:.4f}",
    ):
        assert text in page, text
    said_of_period = "PERIOD is empty: runs of 10 of the 40 days are held out together."
    assert (said_of_period in said.info) == (mode == "pooled")
    assert f"R2 {outputs[last]:.3f}. A low error at 9 km is not skill at 100 m." in said.info[-1]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"MODE": "by cell", "PERIOD": 0}, "PERIOD is 0 days; give 1 or more."),
        (
            {"MODE": "by cell", "PERIOD": 40},
            "{series}: no cell can be cut into periods (row 0, col 0: PERIOD is 40 days, and the dates span "
            "40 only; give PERIOD a smaller number).",
        ),
        (
            {"MODE": "pooled", "NEIGHBOURS": True},
            "NEIGHBOURS: the days before and after are those of one cell; untick it, or choose the MODE "
            "'by cell'.",
        ),
        (
            {"DAY_OF_YEAR": True},
            "DAY_OF_YEAR: all rows of a date have the same day of year, which tells forests by date nothing; "
            "untick it, or choose another MODE.",
        ),
        ({"MODE": "pooled", "BLOCKS": 20}, BLOCKS_SENTENCE.format(20)),
        (
            {"MODE": "pooled", "RAIN_COVARIATES": "p_antecedent, snow"},
            "RAIN_COVARIATES: {series} has no covariate named snow (it has clay, p_antecedent); give the "
            "names of those that are rain, separated by commas, or 'none'.",
        ),
        (
            {"MODE": "pooled", "BLOCKS": 0, "FOLDS": 500},
            "{series}: 360 rows from the start to the end are too few for 500 folds; validate more dates, or "
            "give FOLDS a smaller number.",
        ),
        (
            {"MODE": "by cell", "MINIMUM_DATES": 50},
            "{series}: no cell, from the start to the end, has the 50 dates that a forest needs (the best "
            "has 40); validate more dates, or lower MINIMUM_DATES.",
        ),
    ],
)
def test_refusals_of_the_other_modes(refusal, series, tmp_path, change, sentence):
    parameters = {"INPUT": series, **SMALL, "OUTPUT": str(tmp_path / "s.gpkg"), **change}
    assert refusal("crossvalidate", parameters) == sentence.format(series=series)
    assert not (tmp_path / "s.gpkg").exists()


def test_a_constant_response(refusal, matrix, tmp_path):
    import sqlite3

    connection = sqlite3.connect(matrix)
    connection.execute("UPDATE regression_matrix SET soil_moisture = 0.3")
    connection.commit()
    connection.close()
    assert refusal("crossvalidate", {"INPUT": matrix, **SMALL, "OUTPUT": str(tmp_path / "s.gpkg")}) == (
        f"{matrix}: no date can be validated (2020-12-30: all 144 cells have the value 0.3); check its "
        "soil moisture and covariates."
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
        f"{tmp_path / 't.gpkg'}: the field texture is not a number (it holds 'loam'); name the "
        "covariates without it in FIELDS, or turn it into numbers."
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


@pytest.mark.parametrize("mode", list(MODES))
def test_a_cancelled_run_of_the_other_modes(run, feedback, series, tmp_path, mode):
    """What was finished is kept beside the output, and nothing else."""
    more, _ = MODES[mode]
    given = {"INPUT": series, "MODE": mode, **SMALL, "MINIMUM_DATES": 20, **more, "REPEATS": 2}
    feedback.cancel_when = lambda text: "folds" in text and int(text.split()[0]) >= 9
    assert run("crossvalidate", {**given, "OUTPUT": str(tmp_path / "s.gpkg")}) == {}
    left = {path.name for path in tmp_path.iterdir()}
    # Pooled, folds of the piece under way are kept too, if there are any.
    assert left - {".s.gpkg.work_folds"} == {".s.gpkg.work", "series.gpkg"}
    assert mode == "pooled" or ".s.gpkg.work_folds" not in left
    assert len((tmp_path / ".s.gpkg.work").read_text().splitlines()) >= 2


def test_going_on_after_a_stop(run, said, matrix, tmp_path):
    """What a stopped run left is used, and taken away at the end."""
    forest = ForestSettings(6, None, None, 4, 1, None, 3)
    settings = ValidationSettings(4, 1, 36.0, candidates(forest), 5, 3)
    work = tmp_path / ".s.gpkg.work"
    crossvalidate_table(open_matrix(matrix), settings, work)
    lines = work.read_bytes().splitlines(keepends=True)
    work.write_bytes(b"".join(lines[:4]) + lines[4][:20])
    run("crossvalidate", {"INPUT": matrix, **SMALL, "OUTPUT": str(tmp_path / "s.gpkg")})
    assert "4 pieces of work were finished before the last stop." in said.info
    assert sorted(path.name for path in tmp_path.iterdir()) == ["matrix.gpkg", "s.gpkg"]
    assert sum(row["status"] == "validated" for row in table_rows(str(tmp_path / "s.gpkg"))) == 6


def test_the_fastest_engine_without_intelex_is_scikit_learn(run, said, matrix, tmp_path, monkeypatch):
    """The same numbers, and log and report say why."""
    monkeypatch.setitem(sys.modules, "sklearnex", None)
    report = tmp_path / "report.html"
    asked = {"INPUT": matrix, **SMALL, "BLOCKS": 0}
    plain = run("crossvalidate", {**asked, "ENGINE": "scikit-learn", "OUTPUT": str(tmp_path / "plain.gpkg")})
    why = "scikit-learn-intelex is not installed, so that forests grow with scikit-learn"
    assert not [line for line in said.info if why in line]
    # 'fastest' is what a run that names no engine gets.
    asked = {**asked, "REPORT": str(report)}
    fast = run("crossvalidate", {**asked, "OUTPUT": str(tmp_path / "fast.gpkg")})
    assert said.info.count(f"{why}.") == 1
    assert f"scikit-learn {sklearn.__version__} ({why})" in report.read_text(encoding="utf-8")
    assert table_rows(fast["OUTPUT"]) == table_rows(plain["OUTPUT"])
    assert sum(row["status"] == "validated" for row in table_rows(fast["OUTPUT"])) == 3
    assert {name: fast[name] for name in ("COUNT", "RMSE", "R2")} == {
        name: plain[name] for name in ("COUNT", "RMSE", "R2")
    }


@pytest.fixture
def coarse(tmp_path):
    """Path of a table of 12 x 12 cells of 36 km on two dates."""
    grid, rng = ease2_grid("36 km").crop(Window(240, 280, 12, 12)), np.random.default_rng(2)
    row, col = (values.ravel() for values in np.mgrid[0:12, 0:12])
    with create_matrix(tmp_path / "coarse.gpkg", grid, ("clay", "sand"), {}) as writer:
        for date in DATES[:2]:
            x = rng.normal(size=(144, 2)).astype(np.float32)
            writer.write(DayRows(date, row, col, 0.25 + 0.05 * np.tanh(x[:, 0]), x))
    return str(tmp_path / "coarse.gpkg")


@pytest.mark.parametrize("mode", ["by date", "pooled"])
def test_blocks_of_large_cells_hold_several(run, said, by_ids, coarse, tmp_path, mode):
    def told():
        # Of two dates pooled folds are uneven, which is said too.
        return [text for text in said.warnings if text.startswith("BLOCKS is")]

    given = {"INPUT": coarse, **SMALL, "MODE": mode, "BLOCKS": None, "OUTPUT": str(tmp_path / "s.gpkg")}
    run("crossvalidate", given)
    assert "BLOCKS is empty: blocks have sides of 72.1 km, two cells of 36 km." in said.info
    assert "A low error at 36 km is not skill at 100 m." in said.info[-1]
    assert not told()
    run("crossvalidate", {**given, "BLOCKS": 36, "REPORT": str(tmp_path / "report.html")})
    sentence = (
        f"BLOCKS is 36 km, and the cells of {coarse} lie 36 km apart: a block holds about one cell, so that "
        "its score is not stricter than that of random folds; give BLOCKS 73 or more, or leave it empty."
    )
    assert told() == [sentence]
    assert sentence in by_ids(html.unescape((tmp_path / "report.html").read_text(encoding="utf-8")))
    said.warnings.clear()
    run("crossvalidate", {**given, "BLOCKS": 0})
    run("crossvalidate", {**given, "BLOCKS": 72})
    assert not told()


def test_blocks_of_sparse_cells_hold_several(run, said, tmp_path):
    """Every fourth cell of 9 km."""
    grid, rng = ease2_grid("9 km").crop(Window(960, 1120, 48, 48)), np.random.default_rng(2)
    row, col = (4 * values.ravel() for values in np.mgrid[0:12, 0:12])
    with create_matrix(tmp_path / "sparse.gpkg", grid, ("clay", "sand"), {}) as writer:
        x = rng.normal(size=(144, 2)).astype(np.float32)
        writer.write(DayRows(DATES[0], row, col, 0.25 + 0.05 * np.tanh(x[:, 0]), x))
    given = {"INPUT": str(tmp_path / "sparse.gpkg"), **SMALL, "OUTPUT": str(tmp_path / "s.gpkg")}
    run("crossvalidate", {**given, "BLOCKS": None})
    assert "BLOCKS is empty: blocks have sides of 72.1 km, two cells of 36 km." in said.info
    run("crossvalidate", given)
    assert [text.split(":")[0] for text in said.warnings] == [
        f"BLOCKS is 36 km, and the cells of {given['INPUT']} lie 36 km apart"
    ]


def test_blocks_of_common_cells_are_as_before(run, said, matrix, tmp_path):
    given = {"INPUT": matrix, **SMALL, "OUTPUT": str(tmp_path / "s.csv")}
    tables = []
    for side in (None, 72):
        run("crossvalidate", {**given, "BLOCKS": side})
        tables.append((tmp_path / "s.csv").read_bytes())
    assert tables[0] == tables[1]
    assert not said.warnings
    assert not any("BLOCKS is empty" in line for line in said.info)
