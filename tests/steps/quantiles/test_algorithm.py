"""quantilecorrelation: the numbers of a whole run, its refusals, a stop, and the report."""

from __future__ import annotations

import csv
import datetime as dt
import re
import time
from base64 import b64decode
from hashlib import sha256

import numpy as np
import pytest

FIRST = dt.date(2021, 1, 30)
FIELDS = {"X_FIELD": "map", "Y_FIELD": "field", "STATION_FIELD": "station"}
SEASONS = {"WET_MONTHS": "Nov-Mar", "DRY_MONTHS": "May-Sep"}
SMALL = {"SCALES": "1-3, 30", "QUANTILES": "0.3, 0.5", "THREADS": 2, **SEASONS}


def readings():
    """(date, station, map, field) of 120 days: two stations that agree and one that is constant."""
    rng = np.random.default_rng(1)
    rows, wet = [], 0.0
    for day in range(120):
        wet = 0.9 * wet + rng.normal()
        date = FIRST + dt.timedelta(day)
        for station in ("Ana", "B, norte"):
            if rng.random() < 0.8:
                x, y = 0.25 + 0.03 * wet + 0.02 * rng.normal(), 0.2 + 0.02 * wet + 0.02 * rng.normal()
                rows.append((date, station, f"{x:.5f}", "" if rng.random() < 0.1 else f"{y:.5f}"))
        rows.append((date, "flat", "0.3", f"{0.3 + 0.001 * day:.4f}"))
    return rows


@pytest.fixture(scope="module")
def rows():
    return readings()


@pytest.fixture
def pairs(tmp_path, rows):
    """The readings as CSV, all of it text for GDAL of any version."""
    path = tmp_path / "estación.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("date", "station", "map", "field"), *rows])
    return str(path)


def table_rows(path):
    from qgis.core import QgsVectorLayer

    table = QgsVectorLayer(path, "table", "ogr")
    assert table.isValid()
    names = table.fields().names()
    return [dict(zip(names, feature.attributes())) for feature in table.getFeatures()]


def expected(rows, station, scale, least, tau, months=range(1, 13)):
    """Blocks and coefficient, worked out anew: days one by one, lines by the primal linear programme."""
    known = {
        date: (float(x), float(y))
        for date, name, x, y in rows
        if name == station and y and date.month in months
    }
    day, last, blocks = min(known), max(known), []
    while day + dt.timedelta(scale - 1) <= last:
        inside = [known.get(day + dt.timedelta(step)) for step in range(scale)]
        inside = [pair for pair in inside if pair]
        if len(inside) >= least:
            blocks.append(np.mean(inside, axis=0))
        day += dt.timedelta(scale)
    x, y = np.transpose(blocks)
    b_yx, b_xy = primal_slope(x, y, tau), primal_slope(y, x, tau)
    return len(blocks), np.sign(b_yx) * np.sqrt(max(b_yx * b_xy, 0))


def primal_slope(x, y, tau):
    from scipy.optimize import linprog

    n = len(x)
    cost = np.concatenate([[0, 0], np.full(n, tau), np.full(n, 1 - tau)])
    equations = np.hstack([np.ones((n, 1)), np.reshape(x, (-1, 1)), np.eye(n), -np.eye(n)])
    return linprog(cost, A_eq=equations, b_eq=y, bounds=[(None, None)] * 2 + [(0, None)] * (2 * n)).x[1]


def test_a_whole_run(run, said, rows, pairs, tmp_path):
    outputs = run(
        "quantilecorrelation",
        {
            "INPUT": pairs,
            **FIELDS,
            **SMALL,
            "WET_MONTHS": "Feb",
            "DRY_MONTHS": "",
            "BOOTSTRAP": 100,
            "OUTPUT": str(tmp_path / "mqcc.gpkg"),
            "REPORT": str(tmp_path / "report.html"),
        },
    )
    found = table_rows(outputs["OUTPUT"])
    assert len(found) == 3 * 2 * 4 * 2
    good = [row for row in found if row["status"] == "computed"]
    assert {row["station"] for row in good} == {"Ana", "B, norte"}
    for row in good:
        months = [2] if row["season"] == "wet" else range(1, 13)
        least = {1: 1, 2: 1, 3: 1, 30: 9}[row["scale"]]
        n, rho = expected(rows, row["station"], row["scale"], least, row["tau"], months)
        assert (row["n"], row["least_days"]) == (n, least)
        assert row["rho"] == pytest.approx(rho, abs=1e-9)
        assert row["lower"] < row["upper"]
        assert ("unreliable" in str(row["flags"])) == (n * row["tau"] < 5)
    assert {row["status"] for row in found if row["station"] == "flat"} == {
        "X is constant (0.3 in all 120 blocks)",
        "X is constant (0.3 in all 60 blocks)",
        "X is constant (0.3 in all 40 blocks)",
        "4 blocks, fewer than the 5 needed",
        "X is constant (0.3 in all 28 blocks)",
        "X is constant (0.3 in all 14 blocks)",
        "X is constant (0.3 in all 9 blocks)",
        "0 blocks, fewer than the 5 needed",
    }
    unreliable = sum("unreliable" in str(row["flags"]) for row in good)
    assert (outputs["COUNT"], outputs["STATION_COUNT"], outputs["UNRELIABLE"]) == (24, 3, unreliable)
    lacking = sum(not y for _, _, _, y in rows)
    assert said.info[0] == f"{len(rows)} rows were read; {lacking} of those asked for lack a value."
    assert said.info[-1].startswith("24 coefficients of 3 stations, ")
    assert any("of 9,696 regressions" in text for text in said.progress_texts)
    assert said.warnings == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "estación.csv",
        "mqcc.gpkg",
        "report.html",
        "report_numbers.csv",
    ]
    look_at_the_report((tmp_path / "report.html").read_text(encoding="utf-8"), pairs, good)


def look_at_the_report(page, pairs, good):
    assert "http" not in page
    assert "<script" not in page
    pictures = [b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', page)]
    assert len(pictures) == 4
    with open(pairs, "rb") as file:
        assert sha256(file.read()).hexdigest() in page
    assert "X is constant (0.3 in all 120 blocks)" in page
    assert "Station B, norte" in page
    first = next(row for row in good if row["tau"] == 0.5)
    assert f">{first['rho']:.2f}<" in page
    assert f"{first['rho']:.2f} ({first['lower']:.2f} to {first['upper']:.2f})</td>" in page


def test_chosen_stations_a_filter_and_a_selection(run, rows, pairs, tmp_path):
    """Four ways to work on one station, with the same numbers."""
    from qgis.core import (
        QgsProcessingContext,
        QgsProcessingFeatureSourceDefinition,
        QgsProject,
        QgsVectorLayer,
    )

    layer = QgsVectorLayer(pairs, "readings", "ogr")
    layer.selectByExpression("station = 'Ana'")
    project = QgsProject()
    project.addMapLayer(layer)
    context = QgsProcessingContext()
    context.setProject(project)
    alone = {name: FIELDS[name] for name in ("X_FIELD", "Y_FIELD")}
    ways = (
        {"INPUT": pairs, **FIELDS, "STATIONS": "Ana"},
        {"INPUT": QgsProcessingFeatureSourceDefinition(pairs, filterExpression="station = 'Ana'"), **alone},
        {"INPUT": QgsProcessingFeatureSourceDefinition(layer.id(), True), **alone},
    )
    found = []
    for number, way in enumerate(ways):
        values = {**way, **SMALL, "OUTPUT": str(tmp_path / f"{number}.csv")}
        outputs = run("quantilecorrelation", values, context)
        assert outputs["STATION_COUNT"] == 1
        found.append([row.split(",", 1)[1] for row in (tmp_path / f"{number}.csv").read_text().splitlines()])
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 1 + 3 * 4 * 2


def test_rows_without_a_station_are_reported(run, said, pairs, tmp_path):
    with open(pairs, "a", encoding="utf-8") as file:
        file.write("2021-01-30,,0.1,0.2\n")
    run("quantilecorrelation", {"INPUT": pairs, **FIELDS, **SMALL, "OUTPUT": str(tmp_path / "a.gpkg")})
    (warning,) = said.warnings
    assert re.fullmatch(r"1 of \d+ rows lack a date or a station and were left out\.", warning)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"SCALES": "0-3"}, "SCALES: 0 is out of range; give whole days from 1 to 366."),
        ({"QUANTILES": "1"}, "QUANTILES: 1 is out of range; give numbers between 0 and 1."),
        (
            {"MINIMUM_SHARE": 1.5},
            "MINIMUM_SHARE is 1.5; give the share of a block's days that must have both values, over 0 up "
            "to 1.",
        ),
        ({"BOOTSTRAP": 10}, "BOOTSTRAP is 10; give 0 (no intervals), or 100 or more."),
        ({"CONFIDENCE": 100}, "CONFIDENCE is 100 %; give 50 or more and less than 100."),
        ({"WET_MONTHS": "Rain"}, "WET_MONTHS: 'Rain' is no month; write months as Nov-Mar or 11, 12, 1-3."),
        ({"WET_MONTHS": "Apr-May"}, "WET_MONTHS and DRY_MONTHS both hold May; keep it in one of them."),
        (
            {"Y_FIELD": "map"},
            "X_FIELD and Y_FIELD are both the field map; choose two different fields.",
        ),
        (
            {"START": "2021-03-02", "END": "2021-03-01"},
            "START (2021-03-02) is after END (2021-03-01); exchange them.",
        ),
        (
            {"STATIONS": "Ana", "STATION_FIELD": ""},
            "STATIONS names stations, but STATION_FIELD is empty; choose the field of the station.",
        ),
        (
            {"STATIONS": "Ana, B"},
            "STATIONS: the field station of {pairs} holds no 'B' (it holds 'B, norte', 'flat', 'Ana'); "
            "check the name.",
        ),
        (
            {"X_FIELD": "theta"},
            "X_FIELD: {pairs} has no field theta (it has fid, date, station, map, field); choose "
            "another one.",
        ),
        (
            {"STATION_FIELD": ""},
            "{pairs}: 2021-01-30 is there twice; choose STATION_FIELD if the table holds several stations, "
            "or keep one row per date.",
        ),
        (
            {"STATIONS": "flat"},
            "{pairs}: no coefficient can be computed (station flat, time scale 1 d: X is constant (0.3 in "
            "all 120 blocks)); check the fields, the dates and MINIMUM_SHARE.",
        ),
        (
            {"END": "2020-01-01"},
            "{pairs}: no coefficient can be computed (station B, norte, time scale 1 d: 0 blocks, fewer than "
            "the 5 needed); check the fields, the dates and MINIMUM_SHARE.",
        ),
    ],
)
def test_refusals(refusal, pairs, tmp_path, change, sentence):
    parameters = {"INPUT": pairs, **FIELDS, **SMALL, "OUTPUT": str(tmp_path / "m.gpkg"), **change}
    assert refusal("quantilecorrelation", parameters) == sentence.format(pairs=pairs)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["estación.csv"]


def test_cancel_inside_the_bootstrap_within_two_seconds(run, feedback, said, pairs, tmp_path):
    asked = []

    def after_some(text):
        asked.append(time.monotonic())
        return "regressions" in text and int(text.split()[0].replace(",", "")) > 2000

    feedback.cancel_when = after_some
    parameters = {
        "INPUT": pairs,
        **FIELDS,
        "BOOTSTRAP": 100_000,
        "OUTPUT": str(tmp_path / "m.gpkg"),
        "REPORT": str(tmp_path / "r.html"),
    }
    assert run("quantilecorrelation", parameters) == {}
    assert time.monotonic() - asked[-1] < 2
    assert " a second" in said.progress_texts[-1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["estación.csv"]


def test_cancel_while_the_report_is_drawn(run, feedback, pairs, tmp_path):
    """The table is whole by then, the report is not begun."""
    feedback.cancel_when = lambda text: text.startswith("1 of 4 figures drawn")
    outputs = {"OUTPUT": str(tmp_path / "m.csv"), "REPORT": str(tmp_path / "r.html")}
    assert run("quantilecorrelation", {"INPUT": pairs, **FIELDS, **SMALL, **outputs}) == {}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["estación.csv", "m.csv"]
    assert len((tmp_path / "m.csv").read_text().splitlines()) == 1 + 3 * 3 * 4 * 2


def test_stations_of_the_demo_basin_beside_its_truth(run, tmp_path):
    """A station differs from its pixel by a constant and small errors: the days go together closely."""
    from osgeo import gdal

    run("createdemodata", {"CELLS": 30, "DAYS": 30, "OUTPUT": str(tmp_path / "basin")})
    with (tmp_path / "basin" / "stations.csv").open(encoding="utf-8") as file:
        replicates = list(csv.DictReader(file))
    days = {}
    for row in replicates:
        place = row["station"], row["date"], float(row["x"]), float(row["y"])
        days.setdefault(place, []).append(float(row["soil_moisture"]))
    lines = ["station,date,map,field"]
    for (station, date, x, y), values in days.items():
        dataset = gdal.Open(str(tmp_path / "basin" / "truth" / f"soil_moisture_{date.replace('-', '')}.tif"))
        left, width, _, top, _, height = dataset.GetGeoTransform()
        pixel = dataset.ReadAsArray(int((x - left) // width), int((y - top) // height), 1, 1)[0, 0]
        lines.append(f"{station},{date},{pixel},{np.mean(values)}")
    (tmp_path / "pairs.csv").write_text("\n".join(lines), encoding="utf-8")
    values = {"SCALES": "1", "QUANTILES": "0.5", "WET_MONTHS": "", "DRY_MONTHS": ""}
    table = str(tmp_path / "mqcc.gpkg")
    run("quantilecorrelation", {"INPUT": str(tmp_path / "pairs.csv"), **FIELDS, **values, "OUTPUT": table})
    found = table_rows(table)
    assert [row["station"] for row in found] == [f"S{number:02d}" for number in range(1, 13)]
    assert {row["n"] for row in found} == {30}
    assert np.median([row["rho"] for row in found]) > 0.8
