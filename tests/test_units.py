"""Layers in another unit than the step takes them for are told before numbers come of them."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from small_case import DATES, PIXELS, make_small_case, write_small_stations
from smap_downscaler.geo.geotiff import Band, write_geotiff

FEET = 3.28084


@pytest.fixture
def trained(run, tmp_path):
    """The small case and its forests."""
    small = make_small_case(tmp_path)
    matrix = {"SMAP": small.smap_folder, "COVARIATES": small.coarse_stack, "OUTPUT": f"{tmp_path}/m.gpkg"}
    run("regressionmatrix", matrix)
    forests = str(tmp_path / "f.smapforest")
    way = {"PRESET": "custom", "N_ESTIMATORS": 4, "MINIMUM_CELLS": 20}
    run("trainforests", {"INPUT": f"{tmp_path}/m.gpkg", **way, "OUTPUT": forests})
    return small, forests


def in_feet(small, path):
    bands = [Band("elevation"), Band("clay", "g/kg"), Band("sand", "g/kg")]
    write_geotiff(path, PIXELS, small.fine * np.array([FEET, 1, 1], np.float32)[:, None, None], bands)
    return str(path)


@pytest.mark.parametrize("algorithm", ["downscale", "cascade"])
def test_a_fine_stack_in_another_unit_is_told_by_name(run, said, trained, tmp_path, algorithm):
    small, forests = trained
    more = {"DATE": str(DATES[0]), "RESOLUTIONS": "3000"} if algorithm == "cascade" else {}
    given = {"FORESTS": forests, **more, "OUTPUT": str(tmp_path / "maps")}
    said.warnings.clear()
    run(algorithm, {**given, "COVARIATES": small.fine_stack})
    assert not said.warnings
    feet = in_feet(small, tmp_path / "feet.tif")
    run(algorithm, {**given, "COVARIATES": feet, "OUTPUT": str(tmp_path / "in_feet")})
    (warning,) = said.warnings
    assert warning.startswith(f"{feet}: elevation runs from ")
    assert "wholly outside of the " in warning
    assert "check its unit" in warning


def test_the_model_file_says_what_it_was_trained_on_and_older_files_say_nothing(run, said, trained, tmp_path):
    from smap_downscaler.methods.file.reader import open_models

    small, forests = trained
    with open_models(forests) as models:
        ranges = models.ranges
    seen = np.isfinite(np.array([small.smap[date] for date in DATES])).any(axis=0)
    for name, layer in zip(("elevation", "clay", "sand"), small.coarse):
        # Dates that were too sparse for a forest count too.
        assert ranges[name] == pytest.approx((layer[seen].min(), layer[seen].max()))
    old = tmp_path / "old.smapforest"
    with zipfile.ZipFile(forests) as source, zipfile.ZipFile(old, "w") as target:
        for info in source.infolist():
            data = source.read(info)
            if info.filename == "manifest.json":
                content = json.loads(data)
                del content["extra"]["ranges"]
                data = json.dumps(content).encode()
            target.writestr(info.filename, data)
    said.warnings.clear()
    feet = in_feet(small, tmp_path / "feet.tif")
    run("downscale", {"FORESTS": str(old), "COVARIATES": feet, "OUTPUT": str(tmp_path / "maps")})
    assert not said.warnings


def percent_maps(folder):
    random = np.random.default_rng(3)
    for date in DATES:
        values = random.uniform(8, 40, PIXELS.shape).astype(np.float32)
        write_geotiff(folder / f"maps_{date:%Y%m%d}.tif", PIXELS, values, [Band("soil moisture")])
    return str(folder)


def test_maps_in_percent_are_told_by_statistics_and_validation(run, said, tmp_path):
    small = make_small_case(tmp_path)
    run("samplesquares", {"COVARIATES": small.fine_stack, "COUNT": 10, "OUTPUT": f"{tmp_path}/squares.gpkg"})
    maps = percent_maps(tmp_path / "percent")
    write_small_stations(tmp_path / "field.csv")
    stations = {"STATIONS": str(tmp_path / "field.csv"), "CRS": "EPSG:6933", "BOOTSTRAP": 100}
    for algorithm, given in (
        ("moisturestatistics", {"INPUT": f"{tmp_path}/squares.gpkg", "SERIES": [maps]}),
        ("fieldvalidation", {"SERIES": maps, **stations}),
    ):
        said.warnings.clear()
        run(algorithm, {**given, "OUTPUT": str(tmp_path / f"{algorithm}.gpkg")})
        told = [text for text in said.warnings if text.startswith(f"{maps}: soil moisture runs from ")]
        assert len(told) == 1
        assert told[0].endswith("; it must be m3 m-3 (0 to 1), so divide percent by 100.")


@pytest.mark.parametrize("parameter", ["OUTPUT", "SMAP", "COVARIATES", "REPORT"])
@pytest.mark.parametrize("letter", ["a", "\u00e9"])
def test_names_over_what_systems_allow_are_a_sentence(refusal, tmp_path, parameter, letter):
    small = make_small_case(tmp_path)
    given = {"SMAP": small.smap_folder, "COVARIATES": small.coarse_stack, "OUTPUT": f"{tmp_path}/m.gpkg"}
    ending = {"OUTPUT": ".gpkg", "COVARIATES": ".tif", "REPORT": ".html"}.get(parameter, "")
    name = letter * 300 + ending
    most = 255 if parameter in ("SMAP", "COVARIATES") else 210
    assert refusal("regressionmatrix", {**given, parameter: f"{tmp_path}/{name}"}) == (
        f"{parameter}: the name {letter * 30}... has {len(name)} letters, more than the {most} that the name "
        "of a file or folder can have here; shorten it."
    )


def test_the_longest_name_can_be_written(run, tmp_path):
    small = make_small_case(tmp_path)
    given = {"SMAP": small.smap_folder, "COVARIATES": small.coarse_stack}
    outputs = {"OUTPUT": f"{tmp_path}/{'b' * 206}.csv", "REPORT": f"{tmp_path}/{'c' * 205}.html"}
    run("regressionmatrix", {**given, **outputs})
