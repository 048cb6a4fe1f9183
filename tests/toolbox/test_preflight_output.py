"""The preflight of steps at stations and of filled gaps: log, PREFLIGHT and report say the same."""

from __future__ import annotations

import csv
import html
import re
from pathlib import Path

import numpy as np
import pytest

from gap_case import make_gap_case
from small_case import CELLS, DATES, SPARSE, make_small_case, write_small_stations
from smap_downscaler.methods.features import FeatureSettings
from smap_downscaler.preflight.layer_check import HEADERS
from triple_case import make_triple_case


@pytest.fixture
def case(tmp_path):
    small = make_small_case(tmp_path)
    write_small_stations(tmp_path / "field.csv")
    lines = [f"far,{date},1,{CELLS.left - 5000:.0f},{CELLS.top:.0f},0.2" for date in DATES]
    with (tmp_path / "field.csv").open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return small


@pytest.fixture
def looked_at(run, said, tmp_path):
    """Run an algorithm: rows of its PREFLIGHT, after a look at log and report."""

    def look(name, values, report=True):
        out = tmp_path / "out"
        asked = {**values, "PREFLIGHT": str(out / "preflight.csv")}
        if report:
            asked["REPORT"] = str(out / "report.html")
        outputs = run(name, asked)
        assert outputs["PREFLIGHT"] == asked["PREFLIGHT"]
        with (out / "preflight.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        start = max(n for n, line in enumerate(said.info) if line.startswith("Before the work"))
        logged = said.info[start + 3 : start + 3 + len(rows)]
        assert len(logged) == len(rows)
        for row, line in zip(rows, logged):
            for text in (row["layer"], row["dates"], row["notes"]):
                assert text in line
        if report:
            page = (out / "report.html").read_text(encoding="utf-8")
            section = page[page.index("<h2>Before the work</h2>") :]
            table = re.search(r"<table>.*?</table>", section, re.DOTALL).group()
            assert re.findall(r"<th(?: [^>]*)?>(.*?)</th>", table) == list(HEADERS)
            names = [html.unescape(name) for name in re.findall(r"<tr><td>(.*?)</td>", table)]
            assert names == [row["layer"] for row in rows]
        return {row["layer"]: row for row in rows}

    return look


def test_field_validation(looked_at, said, case, tmp_path):
    values = {
        "SERIES": case.smap_folder,
        "SMAP": case.smap_folder,
        "STATIONS": str(tmp_path / "field.csv"),
        "CRS": "EPSG:6933",
        "OUTPUT": str(tmp_path / "out" / "pairs.csv"),
    }
    rows = looked_at("fieldvalidation", values)
    assert list(rows) == ["stations", "maps", "SMAP", "days of all"]
    assert rows["stations"]["notes"] == "3 stations"
    assert rows["stations"]["cell_width"] == rows["stations"]["covered"] == ""
    assert float(rows["maps"]["covered"]) == pytest.approx(2 / 3)
    assert rows["maps"]["notes"] == "1 station outside"
    # The stations of `write_small_stations`.
    seen = [case.smap[date][row, col] for date in DATES for row, col in ((3, 0), (5, 1))]
    assert float(rows["SMAP"]["minimum"]) == pytest.approx(np.min(seen), rel=1e-6)
    assert float(rows["SMAP"]["maximum"]) == pytest.approx(np.max(seen), rel=1e-6)
    assert rows["days of all"]["dates"] == "3, 2020-12-30 to 2021-01-01"
    same = f"{case.smap_folder}: maps and SMAP are the same files; leave out one of them."
    assert same in said.warnings


def test_triple_collocation(looked_at, tmp_path):
    folder = tmp_path / "triples"
    make_triple_case(folder)
    values = {
        "SERIES": str(folder / "maps"),
        "THIRD": str(folder / "third"),
        "THIRD_NAME": "a model",
        "STATIONS": str(folder / "stations.csv"),
        "CRS": "EPSG:6933",
        "BOOTSTRAP": 100,
        "END": "2021-01-31",
        "OUTPUT": str(tmp_path / "out" / "triples.csv"),
    }
    with pytest.raises(Exception, match="no station can be collocated"):
        looked_at("triplecollocation", values)
    rows = looked_at("triplecollocation", {**values, "END": None})
    assert list(rows) == ["stations", "map", "a model", "days of all"]
    assert rows["a model"]["notes"] == "1 station outside"


def test_moisture_statistics(looked_at, run, case, tmp_path):
    squares = str(tmp_path / "squares.gpkg")
    run("samplesquares", {"COVARIATES": case.fine_stack, "COUNT": 20, "OUTPUT": squares})
    values = {
        "INPUT": squares,
        "SERIES": [case.smap_folder],
        "COVARIATES": case.fine_stack,
        "DATES": f"{DATES[0]}, {DATES[2]}",
        "OUTPUT": str(tmp_path / "out" / "statistics.gpkg"),
    }
    rows = looked_at("moisturestatistics", values)
    assert list(rows) == ["polygons", "smap", "sand", "elevation", "clay"]
    assert rows["smap"]["notes"] == "1 day missing between (longest gap 2020-12-31)"
    assert rows["smap"]["dates"] == "2, 2020-12-30 to 2021-01-01"
    assert all(float(rows[name]["covered"]) == 1 for name in ("smap", "sand"))


def test_sample_squares(looked_at, case, tmp_path):
    values = {
        "COVARIATES": case.fine_stack,
        "SMAP": case.smap_folder,
        "COUNT": 20,
        "OUTPUT": str(tmp_path / "out" / "squares.gpkg"),
    }
    rows = looked_at("samplesquares", values, report=False)
    assert list(rows) == ["SMAP", "sand", "elevation", "clay"]
    # Of three dates each lacks one cell, and the sparse one all but two columns.
    lacking = np.mean([np.isnan(case.smap[date]).mean() for date in DATES])
    assert np.isnan(case.smap[SPARSE]).mean() > 0.7
    assert float(rows["SMAP"]["nodata"]) == pytest.approx(lacking, abs=0.01)


def test_squares_over_one_grid_alone_have_no_table_in_the_log(run, said, tmp_path):
    area = "-73,-72,-13,-12 [EPSG:4326]"
    run("samplesquares", {"EXTENT": area, "COUNT": 5, "OUTPUT": str(tmp_path / "squares.gpkg")})
    assert not [line for line in said.info if line.startswith("Before the work")]


def test_fill_gaps(looked_at, tmp_path):
    case = make_gap_case(tmp_path)
    forests = tmp_path / "forests.smapforest"
    case.forests(forests, FeatureSettings())
    values = {
        "SMAP": str(case.smap),
        "FORESTS": str(forests),
        "DYNAMIC": [str(case.rain_folder)],
        "OUTPUT": str(tmp_path / "filled"),
    }
    rows = looked_at("fillgaps", values)
    assert list(rows) == ["SMAP", "p_3d"]
    days = sorted(path.stem[-8:] for path in Path(case.smap).glob("*.tif"))
    assert rows["SMAP"]["dates"].startswith(f"{len(days)}, ")
    assert rows["p_3d"]["notes"].startswith("no raster on 1 of ")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert f"<dd>{case.smap} ({rows['SMAP']['dates']})</dd>" in page
