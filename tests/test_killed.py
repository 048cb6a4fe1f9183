"""A run that is killed in its middle leaves nothing that is half, and the next one ends as if nothing was."""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from gap_case import make_gap_case
from own_process import OwnProcess, needs_qgis_process
from smap_downscaler.geo.grid import Window, ease2_grid
from smap_downscaler.methods.features import FeatureSettings
from smap_downscaler.steps.matrix.numbers.rows import DayRows
from smap_downscaler.steps.matrix.write import create_matrix

SIDE = 8
CELLS = ease2_grid("9 km").crop(Window(990, 1155, SIDE, SIDE))
DATES, GAP_DAYS = 30, 150
FOREST = {"PRESET": "custom", "SEED": 3, "THREADS": 2}

pytestmark = needs_qgis_process


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    return OwnProcess(tmp_path_factory.mktemp("profile"))


@pytest.fixture(scope="module")
def matrix(tmp_path_factory):
    """30 dates of 64 cells."""
    rng = np.random.default_rng(5)
    row, col = (values.ravel() for values in np.mgrid[0:SIDE, 0:SIDE])
    path = tmp_path_factory.mktemp("matrix") / "matrix.gpkg"
    with create_matrix(path, CELLS, ("elevation", "clay", "rain"), {"rain": "mm/d"}) as writer:
        for number in range(DATES):
            x = rng.normal(size=(row.size, 3)).astype(np.float32)
            y = 0.25 + 0.05 * np.tanh(x[:, 0]) + 0.02 * rng.normal(size=row.size)
            writer.write(DayRows(dt.date(2020, 12, 1) + dt.timedelta(number), row, col, y, x))
    return str(path)


@pytest.fixture
def folders(tmp_path):
    """For a run that is left alone, and for the one that is killed."""
    found = tmp_path / "whole", tmp_path / "killed"
    for folder in found:
        folder.mkdir()
    return found


def names(folder):
    """The files of a folder without manifests, which name the folder."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".json")


def rows_of(path):
    """All rows of all tables of a GeoPackage that are not its own."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT table_name FROM gpkg_contents")]
        return {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables}


def test_forests_are_whole_or_not_there(run, process, matrix, folders, tmp_path):
    whole, killed = folders

    def values(folder):
        wanted = {"INPUT": matrix, **FOREST, "N_ESTIMATORS": 20}
        return {**wanted, "OUTPUT": str(folder / "f.smapforest"), "SCORES": str(folder / "scores.gpkg")}

    run("trainforests", values(whole))

    def begun():
        return any(path.stat().st_size for path in killed.iterdir())

    process.kill_when(begun, "trainforests", values(killed), tmp_path / "log")
    (part,) = names(killed)
    assert part.startswith(".f.")
    run("trainforests", values(killed))
    assert names(killed) == names(whole) == ["f.smapforest", "scores.gpkg"]
    assert (killed / "f.smapforest").read_bytes() == (whole / "f.smapforest").read_bytes()
    assert rows_of(killed / "scores.gpkg") == rows_of(whole / "scores.gpkg")


@pytest.mark.parametrize("mode", ["by date", "by cell"])
def test_a_cross_validation_goes_on_where_it_was_killed(run, said, process, matrix, folders, tmp_path, mode):
    whole, killed = folders
    tables = ("OUTPUT", "SUMMARY", "CHOICES", "IMPORTANCE", "RAIN")

    def values(folder):
        wanted = {"INPUT": matrix, "MODE": mode, **FOREST, "N_ESTIMATORS": 10, "FOLDS": 3, "BLOCKS": 36}
        return {**wanted, **{name: str(folder / f"{name.lower()}.gpkg") for name in tables}}

    run("crossvalidate", values(whole))
    work = killed / ".output.gpkg.work"

    def finished():
        return work.read_bytes().count(b"\n") if work.is_file() else 0

    process.kill_when(lambda: finished() >= 5, "crossvalidate", values(killed), tmp_path / "log")
    assert names(killed) == [work.name]
    done = finished()
    assert 5 <= done < 2 * (DATES if mode == "by date" else SIDE**2)
    run("crossvalidate", values(killed))
    assert f"{done} pieces of work were finished before the last stop." in said.info
    assert names(killed) == names(whole) == sorted(f"{name.lower()}.gpkg" for name in tables)
    for name in names(whole):
        assert rows_of(killed / name) == rows_of(whole / name), name


@pytest.fixture(scope="module")
def gaps(tmp_path_factory):
    """What gaps are filled from."""
    case = make_gap_case(tmp_path_factory.mktemp("case"), GAP_DAYS)
    forests = case.forests(case.folder / "season.smapforest", FeatureSettings(day_of_year=True))
    return {"SMAP": str(case.smap), "FORESTS": str(forests), "DYNAMIC": [str(case.rain_folder)]}


def filling(gaps, folder):
    tables = {name: str(folder / f"{name.lower()}.gpkg") for name in ("DAYS", "SCORES")}
    return {**gaps, **tables, "PERIOD": 5, "FOLDS": 2, "THREADS": 2, "OUTPUT": str(folder / "filled")}


def check_filled(killed, whole):
    assert names(killed) == names(whole) == ["days.gpkg", "filled", "scores.gpkg"]
    assert names(killed / "filled") == names(whole / "filled")
    for name in names(whole / "filled"):
        assert (killed / "filled" / name).read_bytes() == (whole / "filled" / name).read_bytes(), name
    for name in ("days.gpkg", "scores.gpkg"):
        assert rows_of(killed / name) == rows_of(whole / name), name


def test_cells_that_were_finished_before_the_kill_are_kept(run, said, process, gaps, folders, tmp_path):
    whole, killed = folders
    run("fillgaps", filling(gaps, whole))
    work = killed / ".filled.work"

    def finished():
        return work.read_bytes().count(b"\n") if work.is_file() else 0

    process.kill_when(lambda: finished() >= 3, "fillgaps", filling(gaps, killed), tmp_path / "log")
    assert names(killed) == [work.name]
    done = finished()
    assert 3 <= done < 10
    run("fillgaps", filling(gaps, killed))
    assert f"{done} cells were finished before the last stop." in said.info
    check_filled(killed, whole)


def test_days_that_were_filled_before_the_kill_are_kept(run, said, process, gaps, folders, tmp_path):
    whole, killed = folders
    run("fillgaps", filling(gaps, whole))

    def days():
        return sorted((killed / "filled").glob("soil_moisture_*.tif"))

    process.kill_when(lambda: len(days()) >= 5, "fillgaps", filling(gaps, killed), tmp_path / "log")
    kept = days()
    before = {path.name: path.stat().st_mtime_ns for path in kept}
    assert 5 <= len(kept) < GAP_DAYS
    assert names(killed) == [".filled.work", "filled"]
    for path in kept:
        assert path.read_bytes() == (whole / "filled" / path.name).read_bytes()
    run("fillgaps", filling(gaps, killed))
    assert f"{len(kept)} days are there already, made from the same inputs; kept" in said.info
    assert "10 cells were finished before the last stop." in said.info
    assert {path.name: path.stat().st_mtime_ns for path in kept} == before
    check_filled(killed, whole)
