"""cascade: a run from the toolbox against the forest on block means, its refusals, a stop."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest

from forest_cases import predict
from small_case import CELLS, FOREST, NAMES, PIXELS, make_small_case, train_small_case
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.methods.file.reader import open_models

#: The pixels of the small case, and cells of five by five of them.
PIXEL = CELLS.cell_width / 10
SIDES = f"{5 * PIXEL!r}, {PIXEL!r}"


@pytest.fixture(scope="module")
def case(tmp_path_factory, qgis_provider):
    folder = tmp_path_factory.mktemp("case")
    small = make_small_case(folder)
    train_small_case(small)
    return small


@pytest.fixture
def parameters(case, tmp_path):
    return {
        "FORESTS": str(case.folder / "forests.smapforest"),
        "COVARIATES": case.fine_stack,
        "DATE": "2021-01-01",
        "RESOLUTIONS": SIDES,
        "OUTPUT": str(tmp_path / "maps"),
    }


def read(path):
    from osgeo import gdal

    dataset = gdal.Open(str(path))
    return dataset.ReadAsArray()


def rows_of(path):
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_run(run, said, case, parameters, tmp_path):
    outputs = run("cascade", parameters)
    assert outputs == {"OUTPUT": str(tmp_path / "maps"), "COUNT": 2}
    names = [f"soil_moisture_20210101_{side:g}m.tif" for side in (5 * PIXEL, PIXEL)]
    assert sorted(path.name for path in (tmp_path / "maps").glob("*.tif")) == sorted(names)
    run("downscale", {**parameters, "START": "2021-01-01", "OUTPUT": str(tmp_path / "plain")})
    plain = read(tmp_path / "plain" / "soil_moisture_20210101.tif")
    assert np.array_equal(read(tmp_path / "maps" / names[1]), plain)
    bands, rows, columns = case.fine.shape
    means = case.fine.astype(np.float64).reshape(bands, rows // 5, 5, columns // 5, 5).mean(axis=(2, 4))
    with open_models(parameters["FORESTS"]) as forests:
        forest = forests.load(forests.dates[-1])
        order = [NAMES.index(name) for name in forests.names]
        expected = predict(forest, np.ascontiguousarray(means[order].reshape(bands, -1).T.astype(np.float32)))
    got = read(tmp_path / "maps" / names[0])
    # A covariate that differs in the last bit may take the other side of a split.
    assert np.mean(np.abs(got.ravel() - expected) < 1e-6) > 0.98
    assert f"2021-01-01: 2 maps in {tmp_path / 'maps'}" in said.info


def test_report_and_tables_say_what_the_maps_say(run, said, case, parameters, tmp_path):
    """Numbers against the maps themselves; and no scratch file is named anywhere."""
    out = tmp_path / "ñ"
    wanted = {"DATES": out / "dates.csv", "PREFLIGHT": out / "preflight.csv", "REPORT": out / "report.html"}
    outputs = run("cascade", {**parameters, **{name: str(path) for name, path in wanted.items()}})
    assert {name: outputs[name] for name in wanted} == {name: str(path) for name, path in wanted.items()}
    page = (out / "report.html").read_text(encoding="utf-8")
    rows = rows_of(out / "dates.csv")
    assert [float(row["resolution"]) for row in rows] == pytest.approx([5 * PIXEL, PIXEL])
    for row in rows:
        values = read(tmp_path / "maps" / row["map"])
        valid = values[np.isfinite(values) & (values > 0)].astype(np.float64)
        numbers = [valid.min(), valid.mean(), valid.max(), valid.std()]
        found = [float(row[name]) for name in ("minimum", "mean", "maximum", "sd")]
        assert found == pytest.approx(numbers, rel=1e-6)
        assert float(row["valid"]) == pytest.approx(100 * valid.size / values.size, rel=1e-3)
        cells = "".join(f'<td class="number">{number:.4f}</td>' for number in numbers)
        assert cells in page
    assert rows[0]["map"] in page
    layers = rows_of(out / "preflight.csv")
    for row in layers:
        band = case.fine[NAMES.index(row["layer"])]
        assert float(row["covered"]) == 1
        ends = float(row["minimum"]), float(row["maximum"])
        assert ends == pytest.approx((band.min(), band.max()), rel=1e-6)
    assert page.count("<img ") == 1
    for path in (parameters["FORESTS"], case.fine_stack):
        assert f"<dd>{hashlib.sha256(Path(path).read_bytes()).hexdigest()}</dd>" in page
    assert f"2021-01-01: soil_moisture_20210101_{5 * PIXEL:g}m.tif written" in said.info
    assert not [line for line in said.info if "soil_moisture_20210101.tif" in line or "cascade-" in line]


def test_of_a_dry_stack_the_users_file_is_named(refusal, parameters, tmp_path):
    """Not the averaged one in a folder that is gone by then."""
    pixels = np.random.default_rng(1).random((3, 80, 90)).astype(np.float32)
    for band in range(3):
        pixels[band, np.arange(80) % 3 != band] = np.nan
    write_geotiff(tmp_path / "dry.tif", PIXELS, pixels, [Band(name) for name in NAMES])
    asked = {**parameters, "COVARIATES": str(tmp_path / "dry.tif"), "MINIMUM_COVERED": 0.9}
    assert refusal("cascade", asked) == (
        f"{tmp_path / 'dry.tif'}: no pixel has all covariates on any of the dates; see which lack a value in "
        "the table of the log."
    )


def test_refusals(refusal, case, parameters, tmp_path):
    forests = parameters["FORESTS"]
    assert refusal("cascade", {**parameters, "DATE": None}) == (
        f"{forests}: it has forests of 2 dates (2020-12-30 to 2021-01-01); give DATE, the one to map."
    )
    assert refusal("cascade", {**parameters, "DATE": "2021-01-02"}) == (
        f"{forests}: it has no forest of 2021-01-02 (its forests run from 2020-12-30 to 2021-01-01); choose "
        "another DATE."
    )
    assert refusal("cascade", {**parameters, "DATE": "soon"}) == (
        "DATE: 'soon' is no date; give it as YYYY-MM-DD."
    )
    assert refusal("cascade", {**parameters, "DATE": "2021-01-01 2020-12-30"}) == (
        "DATE: '2021-01-01 2020-12-30' is no date; give it as YYYY-MM-DD."
    )
    assert refusal("cascade", {**parameters, "RESOLUTIONS": "fine"}) == (
        "RESOLUTIONS: 'fine' is no resolution; write metres separated by commas, such as 3000, "
        "1000, 250, 100."
    )
    assert refusal("cascade", {**parameters, "RESOLUTIONS": "3000, 100"}) == (
        f"RESOLUTIONS: 100 m is finer than the pixels of {case.fine_stack} (900.806 m); leave it out, or "
        "give a finer stack."
    )
    assert refusal("cascade", {**parameters, "COVARIATES": case.coarse_stack + "x"}) == (
        f"{case.coarse_stack}x: there is no such file; check the path."
    )
    assert not (tmp_path / "maps").exists()


def test_cancelled_it_leaves_whole_files_only(run, feedback, parameters, tmp_path):
    feedback.cancel_when = lambda text: "sub-pixels averaged" in text
    assert run("cascade", parameters) == {}
    assert not (tmp_path / "maps").exists()


def test_a_pooled_forest_maps_the_date_that_is_asked_for(run, refusal, case, parameters, tmp_path):
    """Its date has no forest of its own."""
    pooled = str(tmp_path / "pooled.smapforest")
    matrix = {"INPUT": str(case.folder / "m.gpkg"), **FOREST}
    run("trainforests", {**matrix, "MODE": "pooled", "OUTPUT": pooled})
    asked = {**parameters, "FORESTS": pooled, "OUTPUT": str(tmp_path / "maps")}
    assert refusal("cascade", {**asked, "DATE": None}) == (
        f"{pooled}: it has one forest for all dates; give DATE, the one to map."
    )
    assert run("cascade", {**asked, "DATE": "2021-03-05"})["COUNT"] == 2
