"""The algorithms with SCHEDULER, as users run them: the bits of a run without it."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing

import pytest

from crossvalidation_case import GRID, NAMES, day
from dask_cluster import needs_dask
from gap_case import make_gap_case
from map_case import DAYS, Case, pooled_forests
from matrix_cases import good_and_bad_days
from small_area_case import make_area_case
from smap_downscaler.methods.features import FeatureSettings
from smap_downscaler.toolbox.dependencies import PACKAGES, advice

WITH_SCHEDULER = ("trainforests", "trainareamodel", "crossvalidate", "fillgaps", "downscale")
FORESTS = {"N_ESTIMATORS": 5, "MIN_SAMPLES_SPLIT": 4}


@pytest.fixture
def twice(run, dask_cluster, said, tmp_path):
    """``twice(id, parameters, output)``: what a run gives here and on a cluster."""

    def both(algorithm, parameters, **outputs):
        found = []
        for place, more in (("here", {}), ("there", {"SCHEDULER": dask_cluster.address})):
            (tmp_path / place).mkdir(exist_ok=True)
            given = {name: str(tmp_path / place / file) for name, file in outputs.items()}
            run(algorithm, {**parameters, **given, **more})
            found.append(tmp_path / place)
        assert f"SCHEDULER: {dask_cluster.address} has 2 workers with 2 threads" in said.info
        return found

    return both


def bytes_of(folder, pattern):
    return {path.name: path.read_bytes() for path in sorted(folder.rglob(pattern))}


def rows_of(path, table):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()


def table_of(folder):
    return str(good_and_bad_days(folder / "m.gpkg", GRID, NAMES, day).path)


@pytest.mark.parametrize("algorithm", WITH_SCHEDULER)
def test_the_parameter_without_the_package_and_with_what_is_no_address(
    qgis_provider, by_ids, monkeypatch, algorithm
):
    from qgis.core import QgsProcessingContext

    from smap_downscaler.toolbox import algorithm as base

    created = qgis_provider.algorithm(algorithm).create()
    definition = created.parameterDefinition("SCHEDULER")
    assert definition.defaultValue() is None
    monkeypatch.setattr(base, "check_outputs", lambda *_given: None)
    monkeypatch.setattr(type(created), "validate", lambda *_given: None)

    def refusal(address):
        return by_ids(created.checkParameterValues({"SCHEDULER": address}, QgsProcessingContext())[1])

    monkeypatch.setattr(base, "missing", lambda modules: [PACKAGES[m] for m in modules if m == "distributed"])
    assert refusal("tcp://host:8786") == f"SCHEDULER: {advice([PACKAGES['distributed']])}"
    monkeypatch.setattr(base, "missing", lambda _modules: [])
    assert refusal("host") == "SCHEDULER is 'host'; give an address such as tcp://host:8786."
    assert "SCHEDULER" not in refusal(" ")


@needs_dask
@pytest.mark.parametrize("pooled", [False, True])
def test_maps(twice, tmp_path, pooled):
    case = Case(tmp_path)
    if pooled:
        pooled_forests(case)
    given = {
        "FORESTS": str(case.forests),
        "COVARIATES": str(case.stack),
        "DYNAMIC": [str(tmp_path / "p_antecedent")],
        "START": "2019-12-31",
        "END": "2020-01-01",
    }
    here, there = (bytes_of(one, "soil*.tif") for one in twice("downscale", given, OUTPUT="maps"))
    assert len(here) == 2
    assert here == there


@needs_dask
@pytest.mark.parametrize("mode", ["by date", "by cell", "pooled"])
def test_forests(twice, tmp_path, mode):
    given = {"INPUT": table_of(tmp_path), "MODE": mode, "MINIMUM_DATES": 2, **FORESTS}
    here, there = (
        bytes_of(one, "f.smapforest") for one in twice("trainforests", given, OUTPUT="f.smapforest")
    )
    assert len(here) == 1
    assert here == there


@needs_dask
def test_scores_of_folds(twice, tmp_path):
    given = {"INPUT": table_of(tmp_path), "FOLDS": 2, "REPEATS": 1, "MINIMUM_CELLS": 20, **FORESTS}
    here, there = twice("crossvalidate", given, OUTPUT="s.gpkg")
    rows = rows_of(here / "s.gpkg", "cross_validation")
    assert rows
    assert rows == rows_of(there / "s.gpkg", "cross_validation")


@needs_dask
def test_filled_gaps(twice, tmp_path):
    case = make_gap_case(tmp_path, 60)
    forests = case.forests(tmp_path / "f.smapforest", FeatureSettings(day_of_year=True))
    given = {"SMAP": str(case.smap), "FORESTS": str(forests), "DYNAMIC": [str(case.rain_folder)]}
    here, there = twice("fillgaps", given, OUTPUT="filled", SCORES="s.gpkg")
    assert len(bytes_of(here, "*.tif")) == 60
    assert bytes_of(here, "*.tif") == bytes_of(there, "*.tif")
    (table,) = rows_of(here / "s.gpkg", "gpkg_contents")[:1]
    assert rows_of(here / "s.gpkg", table[0]) == rows_of(there / "s.gpkg", table[0])


@needs_dask
@pytest.mark.parametrize(("dates", "levels"), [(2, "single dates"), (6, "two levels")])
def test_area_models(twice, tmp_path, dates, levels):
    given = {**make_area_case(tmp_path, dates).inputs, "LEVELS": levels, "FOOTPRINT": "0"}
    here, there = (
        bytes_of(one, "a.smapmodel") for one in twice("trainareamodel", given, OUTPUT="a.smapmodel")
    )
    assert len(here) == 1
    assert here == there


@needs_dask
def test_scores_of_area_models(twice, tmp_path):
    given = {**make_area_case(tmp_path, 2).inputs, "LEVELS": "single dates", "FOOTPRINT": "0"}
    given |= {"METHOD": "area-to-point model", "FOLDS": 4, "BLOCKS": 36}
    here, there = twice("crossvalidate", given, OUTPUT="s.gpkg")
    rows = rows_of(here / "s.gpkg", "cross_validation")
    assert len(rows) > 3
    assert rows == rows_of(there / "s.gpkg", "cross_validation")


@needs_dask
def test_a_worker_that_dies_loses_no_map(run, make_cluster, tmp_path):
    case, own = Case(tmp_path), make_cluster()
    given = {
        "FORESTS": str(case.forests),
        "COVARIATES": str(case.stack),
        "DYNAMIC": [str(tmp_path / "p_antecedent")],
    }
    run("downscale", {**given, "OUTPUT": str(tmp_path / "here")})
    maps = tmp_path / "there"

    def kill():
        while not list(maps.glob(".soil*.part*")):
            time.sleep(0.001)
        own.kill_worker()

    killer = threading.Thread(target=kill)
    killer.start()
    found = run("downscale", {**given, "OUTPUT": str(maps), "SCHEDULER": own.address})
    killer.join()
    assert found["COUNT"] == len(DAYS[:2])
    assert bytes_of(tmp_path / "here", "soil*.tif") == bytes_of(maps, "soil*.tif")
