"""fillgaps as users run it: parameters, outputs, report, bad input, and the step after it."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gap_case import CELLS, DAYS, day, make_gap_case
from smap_downscaler.geo.datasets import open_dataset, read_band
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.methods.features import FeatureSettings


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return make_gap_case(tmp_path_factory.mktemp("gaps"))


@pytest.fixture(scope="module")
def forests(case):
    return case.forests(case.folder / "season.smapforest", FeatureSettings(day_of_year=True))


@pytest.fixture
def values(case, forests, tmp_path):
    return {
        "SMAP": str(case.smap),
        "FORESTS": str(forests),
        "DYNAMIC": [str(case.rain_folder)],
        "OUTPUT": str(tmp_path / "filled"),
    }


def rows_of(path, table):
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]


def test_parameters_are_as_promised(qgis_provider):
    algorithm = qgis_provider.algorithm("fillgaps")
    defaults = {d.name(): d.defaultValue() for d in algorithm.parameterDefinitions()}
    assert {name: defaults[name] for name in ("PERIOD", "FOLDS", "VALIDATION_CELLS", "SEED")} == {
        "PERIOD": 10,
        "FOLDS": 5,
        "VALIDATION_CELLS": 200,
        "SEED": 1,
    }
    assert (defaults["MINIMUM_COVERED"], defaults["WINDOW"]) == (0.5, 0)
    assert {output.name() for output in algorithm.outputDefinitions()} == {
        "OUTPUT",
        "SERIES",
        "DAYS",
        "SCORES",
        "PREFLIGHT",
        "REPORT",
        "REPORT_NUMBERS",
        "COUNT",
        "FILLED",
        "RMSE",
        "R2",
        "LINEAR_RMSE",
    }
    assert algorithm.groupId() == "maps"


def test_a_run_with_everything(run, values, tmp_path):
    tables = {name: str(tmp_path / f"{name.lower()}.gpkg") for name in ("DAYS", "SCORES")}
    report = str(tmp_path / "r\u00e9sum\u00e9.html")
    found = run(
        "fillgaps",
        {**values, **tables, "REPORT": report, "PERIOD": 4, "FOLDS": 3, "VALIDATION_CELLS": 5, "SEED": 7},
    )
    assert found["COUNT"] == DAYS
    days = rows_of(tables["DAYS"], "days")
    assert len(days) == DAYS
    assert found["FILLED"] == sum(row["filled"] for row in days)
    scores = rows_of(tables["SCORES"], "gap_scores")
    pooled = {row["method"]: row for row in scores if row["scope"] == "pooled" and row["distance"] == "all"}
    assert set(pooled) == {"forest", "linear", "climatology"}
    assert {row["period"] for row in scores} == {4}
    assert found["RMSE"] == pooled["forest"]["rmse"]
    assert found["LINEAR_RMSE"] == pooled["linear"]["rmse"]
    cells = [row for row in scores if row["scope"] == "cell" and row["method"] == "forest"]
    assert len(cells) == 5
    assert found["R2"] == pytest.approx(np.median([row["r2"] for row in cells]))
    page = Path(report).read_text(encoding="utf-8")
    assert f"the forests have an RMSE of {found['RMSE']:.4f} m3 m-3" in page
    assert page.count("data:image/png;base64,") == 3
    # The forests have a seed of their own.
    assert "<dt>seed of the hidden runs</dt><dd>7</dd>" in page
    assert "<dt>seed</dt><dd>1</dd>" in page
    series = open_dataset(found["SERIES"])
    assert series.RasterCount == DAYS
    assert found["SERIES"] == str(tmp_path / "filled" / "series.vrt")
    first = open_dataset(tmp_path / "filled" / f"soil_moisture_{day(2):%Y%m%d}.tif")
    assert np.array_equal(read_band(series, 3), read_band(first, 1), equal_nan=True)


def test_regression_matrix_goes_on_from_the_folder(run, said, values, tmp_path):
    run("fillgaps", values)
    stack = tmp_path / "coarse.tif"
    write_geotiff(stack, CELLS, np.ones((1, *CELLS.shape), np.float32), [Band("clay", "g/kg")])
    matrix = str(tmp_path / "matrix.gpkg")
    found = run(
        "regressionmatrix",
        {"SMAP": values["OUTPUT"], "COVARIATES": str(stack), "OUTPUT": matrix},
    )
    assert (
        f"{values['OUTPUT']}: some of its values were filled ('Fill gaps', or maps of days without SMAP), "
        "and they go into the matrix like "
        "observed ones; do not judge forests by them"
    ) in said.warnings
    files = sorted(Path(values["OUTPUT"]).glob("*.tif"))
    values_of = [read_band(open_dataset(file), 1) for file in files]
    assert found["COUNT"] == sum(int(np.isfinite(one).sum()) for one in values_of)
    again = run(
        "importsmap",
        {"INPUT": values["OUTPUT"], "END": str(day(3)), "OUTPUT": str(tmp_path / "imported")},
    )
    assert again["COUNT"] == 4


def test_the_whole_way_from_the_matrix(run, case, values, tmp_path):
    """Forests of 'Train forests' fill what the case's own ones do; no constant covariate is asked for."""
    stack, matrix, own = (str(tmp_path / name) for name in ("clay.tif", "m.gpkg", "f.smapforest"))
    write_geotiff(stack, CELLS, np.full((1, *CELLS.shape), 250, np.float32), [Band("clay", "g/kg")])
    given = {"SMAP": values["SMAP"], "DYNAMIC": values["DYNAMIC"]}
    run("regressionmatrix", {**given, "COVARIATES": stack, "OUTPUT": matrix})
    trees = {"PRESET": "custom", "N_ESTIMATORS": 15, "SEED": 1, "MINIMUM_DATES": 20}
    trained = run(
        "trainforests",
        {"INPUT": matrix, "MODE": "by cell", "DAY_OF_YEAR": True, **trees, "OUTPUT": own},
    )
    # The cell that was never seen has no rows.
    assert trained["COUNT"] == 11
    some = {"END": str(day(19))}
    run("fillgaps", {**values, **some})
    run("fillgaps", {**values, **some, "FORESTS": own, "OUTPUT": str(tmp_path / "other")})
    folders = values["OUTPUT"], tmp_path / "other"
    files = [sorted(Path(folder).glob("*.tif")) for folder in folders]
    first, other = (np.stack([read_band(open_dataset(file), 1) for file in some]) for some in files)
    both = np.isfinite(first)
    # Only the means of the rain differ, in their last digits.
    assert np.median(np.abs(first - other)[both]) < 1e-6
    assert np.isfinite(other)[:, 0, 3].all()


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"PERIOD": 0}, "PERIOD is 0; give the number of days of a run, 1 or more."),
        ({"FOLDS": 1}, "FOLDS is 1; give 2 or more."),
        (
            {"START": "2021-02-01", "END": "2021-01-01"},
            "START (2021-02-01) is after END (2021-01-01); exchange them.",
        ),
        ({"VALIDATION_CELLS": 0, "WINDOW": -1}, "WINDOW is -1; give the number of days, 0 or more."),
    ],
)
def test_what_is_seen_before_any_work(refusal, values, more, sentence):
    assert refusal("fillgaps", {**values, **more}) == sentence
    assert not Path(values["OUTPUT"]).exists()


def test_a_series_of_another_kind(refusal, values, tmp_path):
    asked = str(tmp_path / "maps.png")
    assert refusal("fillgaps", {**values, "SERIES": asked}) == (
        f"{asked}: a series is written as .vrt or .tif; give it one of these endings."
    )


def test_the_sentence_of_a_missing_covariate_reaches_the_user(refusal, values, forests):
    assert refusal("fillgaps", {**values, "DYNAMIC": []}) == (
        f"{forests}: the forests need the dated covariate p_3d, which is not among those given (none); add "
        "it to DYNAMIC."
    )


def test_output_into_the_smap_folder(refusal, values):
    smap = values["SMAP"]
    assert refusal("fillgaps", {**values, "OUTPUT": smap}) == (
        f"OUTPUT and SMAP are both {smap}; choose another OUTPUT."
    )


def test_what_was_done_is_reported(run, said, values):
    run("fillgaps", values)
    counts = next(
        line for line in said.info if line.startswith(f"{DAYS} days, 0 of them from an earlier run")
    )
    assert "left empty for want of a forest" in counts
    assert (
        f"1 of {DAYS} days hold no value, the first {day(41)}: no cell was observed, and a dated "
        "covariate is missing"
    ) in said.warnings
    run("fillgaps", values)
    assert f"{DAYS} days are there already, made from the same inputs; kept" in said.info
    # Nothing was hidden, so nothing is said of the error.
    assert "hidden" not in said.text


def test_another_unit_is_reported(run, said, values, tmp_path):
    rain = tmp_path / "p_3d"
    for number in range(DAYS):
        target = rain / f"p_3d_{day(number):%Y%m%d}.tif"
        write_geotiff(target, CELLS, np.ones((1, *CELLS.shape), np.float32), [Band("p_3d", "mm/h")])
    run("fillgaps", {**values, "DYNAMIC": [str(rain)]})
    assert "p_3d is in mm/h, but the forests were trained with p_3d in mm/d" in said.warnings


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def stopped(run, feedback, values, tmp_path):
    """How many cells a run had finished when it was stopped among them."""
    feedback.cancel_when = lambda text: text.startswith("1 of 10 cells")
    assert run("fillgaps", values) == {}
    feedback.cancel_when = None
    assert listing(tmp_path) == [".filled.work"]
    return (tmp_path / ".filled.work").read_bytes().count(b"\n")


def test_a_run_goes_on_in_the_midst_of_the_cells(values, said, tmp_path, stopped, qgis_provider):
    from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback

    class Said(QgsProcessingFeedback):
        def pushInfo(self, info):
            said.info.append(info)

    algorithm = QgsApplication.processingRegistry().createAlgorithmById("smapdownscaler:fillgaps")
    found, good = algorithm.run(values, QgsProcessingContext(), Said(False), catchExceptions=False)
    assert good
    assert 1 <= stopped < 10
    cells = "1 cell was" if stopped == 1 else f"{stopped} cells were"
    assert f"{cells} finished before the last stop." in said.info
    assert found["COUNT"] == DAYS
    assert listing(tmp_path) == ["filled"]


def test_finished_cells_lie_beside_the_folder_unless_nobody_can_go_on(run, values, tmp_path, monkeypatch):
    from smap_downscaler.steps.gaps import algorithm as fill_gaps

    asked, fill = [], fill_gaps.fill_gaps

    def watched(*arguments):
        asked.append(arguments[-1])
        return fill(*arguments)

    monkeypatch.setattr(fill_gaps, "fill_gaps", watched)
    run("fillgaps", values)
    run("fillgaps", {**values, "OUTPUT": f"{values['OUTPUT']}/"})
    run("fillgaps", {**values, "OUTPUT": "TEMPORARY_OUTPUT"})
    monkeypatch.chdir(values["OUTPUT"])
    run("fillgaps", {**values, "OUTPUT": "."})
    beside = tmp_path / ".filled.work"
    assert asked == [beside, beside, None, beside]
    # Beside the root of a drive there is no place, nor where one may not write.
    given = SimpleNamespace(is_temporary=lambda name: False)
    assert fill_gaps.work_file_for(given, os.path.abspath(os.sep)) is None
    new = str(tmp_path / "new" / "filled")
    assert fill_gaps.work_file_for(given, new) == tmp_path / "new" / ".filled.work"
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert fill_gaps.work_file_for(given, values["OUTPUT"]) is None
    assert fill_gaps.work_file_for(given, new) == tmp_path / "new" / ".filled.work"


def test_days_are_written_where_their_error_cannot_be_estimated(run, said, refusal, values, tmp_path):
    tables = {name: str(tmp_path / f"{name.lower()}.gpkg") for name in ("DAYS", "SCORES")}
    assert refusal("fillgaps", {**values, **tables, "PERIOD": 40}) == (
        f"{values['SMAP']}: no cell gives an estimate of the error (in 10 cells all observed days lie "
        "within less than two hidden runs); give PERIOD a smaller number, or leave out SCORES "
        "and REPORT: the days are written, and the next run keeps them."
    )
    assert listing(tmp_path) == ["days.gpkg", "filled"]
    assert len(rows_of(tables["DAYS"], "days")) == DAYS
    run("fillgaps", values)
    assert f"{DAYS} days are there already, made from the same inputs; kept" in said.info


def test_cancel_within_two_seconds(run, feedback, values, tmp_path):
    asked = []

    def after_a_cell(text):
        asked.append(time.monotonic())
        return text.startswith("1 of 10 cells")

    feedback.cancel_when = after_a_cell
    assert run("fillgaps", values) == {}
    assert time.monotonic() - asked[-1] < 2
    assert not Path(values["OUTPUT"]).exists()
