"""fieldvalidation: the numbers of whole runs, the paper's single station, refusals, a stop, the report."""

from __future__ import annotations

import csv
import datetime as dt
import re
import time
from base64 import b64decode
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from small_case import CELLS, DATES, PIXELS, make_small_case, write_small_stations
from smap_downscaler.geo.geotiff import Band, write_geotiff

DAYS = [dt.date(2021, 1, 1) + dt.timedelta(days=number) for number in range(40)]
BAND = [Band("soil_moisture", "m3 m-3")]
STATIONS = {"North": (12, 33), "South, low": (61, 70), "Ñuñoa": (40, 5)}


@dataclass(frozen=True)
class Case:
    """Folder of the inputs, the arrays by date, folder of the outputs."""

    folder: Path
    maps: dict
    smap: dict
    out: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Maps on PIXELS, SMAP on CELLS and readings of three stations; the arrays by date."""
    folder = tmp_path_factory.mktemp("field")
    rng = np.random.default_rng(2)
    maps, smap, lines = {}, {}, ["station,date,replicate,x,y,soil_moisture"]
    for number, date in enumerate(DAYS):
        season = 0.25 + 0.1 * np.sin(number / 6)
        maps[date] = (season + 0.03 * rng.standard_normal(PIXELS.shape)).astype(np.float32)
        smap[date] = (season + 0.05 * rng.standard_normal(CELLS.shape)).astype(np.float32)
        write_geotiff(folder / "maps" / f"m_{date:%Y%m%d}.tif", PIXELS, maps[date], BAND)
        if number % 2 == 0:
            write_geotiff(folder / "smap" / f"s_{date:%Y%m%d}.tif", CELLS, smap[date], BAND)
        for name, (row, col) in STATIONS.items():
            x, y = PIXELS.x_centres()[col] + 200, PIXELS.y_centres()[row] - 200
            for replicate in (1, 2, 3):
                value = float(maps[date][row, col]) - 0.01 + 0.005 * (replicate - 2)
                lines.append(f'"{name}",{date},{replicate},{x},{y},{value:.6f}')
    (folder / "lecturas ñ.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder, maps, smap


@pytest.fixture
def case(made, tmp_path):
    """The same, with a folder of its own for what a run writes."""
    return Case(*made, tmp_path / "out")


def inputs(case, **more):
    return {
        "SERIES": str(case.folder / "maps"),
        "STATIONS": str(case.folder / "lecturas ñ.csv"),
        "CRS": "EPSG:6933",
        "WET_MONTHS": "Nov-Mar",
        "DRY_MONTHS": "May-Sep",
        "OUTPUT": str(case.out / "pairs.csv"),
        **more,
    }


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_whole_run(run, said, case):
    maps, smap = case.maps, case.smap
    outputs = run(
        "fieldvalidation",
        inputs(
            case,
            SMAP=str(case.folder / "smap"),
            METRICS=str(case.out / "metrics.csv"),
            REPORT=str(case.out / "report.html"),
        ),
    )
    field = {(n, d): float(maps[d][rc]) - 0.01 for n, rc in STATIONS.items() for d in DAYS}
    x = np.array(list(field.values()))
    y = np.array([float(maps[date][STATIONS[name]]) for name, date in field])
    assert outputs["COUNT"] == 120
    assert outputs["STATIONS_USED"] == 3
    assert outputs["BIAS"] == pytest.approx(0.01, abs=1e-6)
    assert outputs["RMSE"] == pytest.approx(np.sqrt(np.mean((y - x) ** 2)), abs=1e-6)
    assert outputs["UBRMSE"] == pytest.approx(0.0, abs=1e-6)
    assert outputs["R"] == pytest.approx(1.0, abs=1e-6)
    both = [key for key in field if key[1] in DAYS[::2]]
    cell = np.array([float(smap[d][STATIONS[n][0] // 10, STATIONS[n][1] // 10]) for n, d in both])
    error = cell - np.array([field[key] for key in both])
    assert outputs["SMAP_RMSE"] == pytest.approx(np.sqrt(np.mean(error**2)), abs=1e-6)
    assert outputs["SMAP_UBRMSE"] == pytest.approx(np.std(error), abs=1e-6)
    assert outputs["SMAP_R"] == pytest.approx(np.corrcoef(cell, [field[key] for key in both])[0, 1], abs=1e-6)
    pairs = rows_of(case.out / "pairs.csv")
    assert len(pairs) == 120
    first = pairs[0]
    assert (first["station"], first["date"], first["field_n"]) == ("North", "2021/01/01", "3")
    assert float(first["field_sd"]) == pytest.approx(0.005, abs=1e-6)
    assert float(first["error"]) == pytest.approx(0.01, abs=1e-6)
    assert float(first["smap"]) == pytest.approx(float(smap[DAYS[0]][1, 3]), abs=1e-7)
    assert pairs[1]["smap"] == ""
    metrics = {(r["station"], r["season"], r["source"]): r for r in rows_of(case.out / "metrics.csv")}
    assert len(metrics) == 5 * 3 * 4
    assert int(metrics["South, low", "wet", "map"]["n"]) == 40
    assert metrics["South, low", "dry", "map"]["status"] == "0 days, fewer than the 3 asked for"
    assert float(metrics["all stations", "all", "map"]["rmse"]) == pytest.approx(outputs["RMSE"], abs=1e-12)
    assert said.info[-2] == (
        "3 stations, 120 pairs on 40 days: RMSE 0.0100, UBRMSE 0.0000, R 1.0000, BIAS 0.0100, MAE 0.0100."
    )
    assert said.info[-1].startswith("On the 20 days that both have, the map's RMSE is 0.0")
    assert said.info[-1].endswith(": here downscaling helped.")
    look_at_the_report((case.out / "report.html").read_text(encoding="utf-8"), outputs)
    assert sorted(path.name for path in case.out.iterdir()) == [
        "metrics.csv",
        "pairs.csv",
        "report.html",
        "report_numbers.csv",
    ]


@pytest.mark.parametrize(
    ("more", "by"),
    [({"CLASSES": None}, "field"), ({"CLASSES": "0.2, 0.25, 0.4", "CLASSED_BY": "map"}, "map")],
)
def test_by_class_month_and_season(run, case, more, by):
    """All days lie in the wet season: it says what all of them say, with the same intervals."""
    out = case.out / "groups.csv"
    run(
        "fieldvalidation",
        inputs(case, SMAP=str(case.folder / "smap"), BOOTSTRAP=100, GROUPS=str(out), **more),
    )
    rows = {(row["grouped_by"], row["name"], row["source"]): row for row in rows_of(out)}
    breaks = [float(part) for part in (more["CLASSES"] or "0, 0.1, 0.2, 0.3, 0.4, 0.5").split(",")]
    pairs = [
        (d, float(f"{float(case.maps[d][rc]) - 0.01:.6f}"), float(case.maps[d][rc]))
        for rc in STATIONS.values()
        for d in DAYS
    ]

    def check(key, wanted):
        error = np.array([y - x for d, x, y in pairs if wanted(d, x if by == "field" else y)])
        row = rows[(*key, "map")]
        assert int(row["n"]) == len(error)
        if len(error):
            assert float(row["bias"]) == pytest.approx(error.mean(), abs=1e-6)
            assert float(row["rmse"]) == pytest.approx(np.sqrt(np.mean(error**2)), abs=1e-6)

    for lower, upper in zip(breaks, breaks[1:]):
        row = rows["class", f"{lower:g}-{upper:g}", "map"]
        assert (float(row["lower"]), float(row["upper"])) == (lower, upper)
        check(("class", f"{lower:g}-{upper:g}"), lambda _, value, a=lower, b=upper: a <= value < b)
    for name, month in (("Jan", 1), ("Feb", 2)):
        check(("month", name), lambda date, _, m=month: date.month == m)
    counted = [int(row["n"]) for (kind, _, source), row in rows.items() if (kind, source) == ("class", "map")]
    assert sum(counted) == 120
    same = [name for name in next(iter(rows.values())) if name not in ("grouped_by", "name")]
    for source in ("map", "map_on_smap_days", "smap", "map_minus_smap"):
        wet, whole = rows["season", "wet", source], rows["all", "all", source]
        assert [wet[name] for name in same] == [whole[name] for name in same]
    assert rows["all", "all", "map"]["bias_lower"] != ""


def test_its_table_goes_into_a_quantile_correlation(run, case):
    """By the fields that the help names: a map that is the field and 0.01 gives 1, the others as they are."""
    pairs = run(
        "fieldvalidation",
        inputs(case, SMAP=str(case.folder / "smap"), OUTPUT=str(case.out / "pairs.gpkg")),
    )["OUTPUT"]
    fields = {"Y_FIELD": "field", "DATE_FIELD": "date", "STATION_FIELD": "station"}
    few = {"SCALES": "1, 4", "QUANTILES": "0.25, 0.5", "WET_MONTHS": "", "DRY_MONTHS": "", "THREADS": 1}
    for x, days in (("map", 40), ("smap", 20)):
        table = case.out / f"{x}.csv"
        outputs = run(
            "quantilecorrelation", {"INPUT": pairs, "X_FIELD": x, **fields, **few, "OUTPUT": str(table)}
        )
        rows = rows_of(table)
        assert outputs["COUNT"] == len(rows) == 12
        assert {row["station"] for row in rows} == set(STATIONS)
        assert {int(row["n"]) for row in rows if row["scale"] == "1"} == {days}
        # Of 40 days, of which the last without SMAP is no block's end.
        assert {int(row["n"]) for row in rows if row["scale"] == "4"} == {10 if x == "map" else 9}
        if x == "map":
            assert [float(row["rho"]) for row in rows] == pytest.approx([1] * 12, abs=1e-3)
        else:
            assert max(abs(float(row["rho"])) for row in rows) < 0.999


def look_at_the_report(page, outputs):
    assert "http" not in page
    assert "<script" not in page
    pictures = [b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', page)]
    assert len(pictures) == 5
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    for text in (f"{outputs['RMSE']:.4f}", f"{outputs['SMAP_RMSE']:.4f}", "Ñuñoa", "here downscaling helped"):
        assert text in page, text


def test_one_station_on_three_days(run, said, tmp_path):
    """As the paper has it, with SMAP as the maps; intervals are not defined."""
    small = make_small_case(tmp_path / "case")
    write_small_stations(tmp_path / "both.csv")
    lines = (tmp_path / "both.csv").read_text().splitlines()
    (tmp_path / "one.csv").write_text("\n".join(line for line in lines if not line.startswith("B")))
    outputs = run(
        "fieldvalidation",
        {
            "SERIES": small.smap_folder,
            "STATIONS": str(tmp_path / "one.csv"),
            "CRS": "EPSG:6933",
            "OUTPUT": str(tmp_path / "pairs.gpkg"),
            "METRICS": str(tmp_path / "metrics.csv"),
            "REPORT": str(tmp_path / "r.html"),
        },
    )
    error = np.array([small.smap[date][3, 0] - (0.21 + 0.03 * n) for n, date in enumerate(DATES)])
    assert outputs["COUNT"] == 3
    assert outputs["BIAS"] == pytest.approx(error.mean(), abs=1e-7)
    assert outputs["UBRMSE"] == pytest.approx(error.std(), abs=1e-7)
    assert "SMAP_RMSE" not in outputs
    (row,) = [row for row in rows_of(tmp_path / "metrics.csv") if row["season"] == "all"]
    assert (row["rmse_lower"], row["status"]) == ("", "intervals not defined (3 days)")
    assert "intervals not defined (3 days)" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_readings_of_the_evening_belong_to_the_map_of_the_next_day_in_utc(run, case):
    (name, (row, col)), *_ = STATIONS.items()
    x, y = PIXELS.x_centres()[col], PIXELS.y_centres()[row]
    lines = [f"{name},{date}T23:30,{x},{y},0.2" for date in DAYS[:4]]
    path = case.folder.parent / f"{case.out.parent.name}.csv"
    path.write_text("\n".join(["station,date,x,y,soil_moisture", *lines]), encoding="utf-8")
    for zone, days in ((0, DAYS[:4]), (-5, DAYS[1:5])):
        out = case.out / f"pairs{zone}.csv"
        run("fieldvalidation", inputs(case, STATIONS=str(path), TIME_ZONE=zone, OUTPUT=str(out)))
        rows = rows_of(out)
        assert [row_["date"].replace("/", "-") for row_ in rows] == [str(day) for day in days]
        maps = [case.maps[day][row, col] for day in days]
        np.testing.assert_allclose([float(row_["map"]) for row_ in rows], maps, atol=1e-6)


def test_fewer_days_than_asked_for(run, said, case):
    outputs = run("fieldvalidation", inputs(case, MINIMUM_DAYS=41, REPORT=str(case.out / "r.html")))
    assert outputs["COUNT"] == 120
    assert "RMSE" not in outputs
    assert said.info[-1] == "3 stations, 120 pairs on 40 days: 40 days, fewer than the 41 asked for."


def test_anomalies_period_and_bilinear(run, case):
    outputs = run(
        "fieldvalidation",
        inputs(
            case, ANOMALIES="moving", EXTRACTION="bilinear", START="2021-01-05", END="2021-02-01",
            REPORT=str(case.out / "r.html"),
        ),
    )  # fmt: skip
    pairs = rows_of(case.out / "pairs.csv")
    assert {row["date"] for row in pairs} == {f"{date:%Y/%m/%d}" for date in DAYS[4:32]}
    error = [float(row["map_anomaly"]) - float(row["field_anomaly"]) for row in pairs]
    assert outputs["UBRMSE"] == pytest.approx(np.std(error), abs=1e-9)
    assert "anomalies (moving)" in (case.out / "r.html").read_text(encoding="utf-8")


def test_the_demo_basin(run, tmp_path):
    """Its stations.csv works as it is: the truth's error is what the stations were given."""
    run("createdemodata", {"DAYS": 1, "CELLS": 30, "OUTPUT": str(tmp_path / "basin")})
    outputs = run(
        "fieldvalidation",
        {
            "SERIES": str(tmp_path / "basin" / "truth"),
            "STATIONS": str(tmp_path / "basin" / "stations.csv"),
            "MINIMUM_DAYS": 1,
            "OUTPUT": str(tmp_path / "pairs.gpkg"),
        },
    )
    assert (outputs["COUNT"], outputs["STATIONS_USED"]) == (12, 12)
    # Stations differ by an SD of 0.010 that stays, and three readings by 0.015 / sqrt(3).
    assert 0.006 < outputs["RMSE"] < 0.022


def test_a_smap_series_of_another_place_is_reported(run, said, case, tmp_path):
    far = replace(CELLS, left=CELLS.left + 4e6)
    path = tmp_path / "elsewhere" / f"s_{DAYS[0]:%Y%m%d}.tif"
    write_geotiff(path, far, np.full(far.shape, 0.2, np.float32), BAND)
    outputs = run("fieldvalidation", inputs(case, SMAP=str(path.parent)))
    assert "SMAP_RMSE" not in outputs
    assert (
        f"SMAP: {path.parent} has no value at a station on a day with map and reading, so it is not "
        "known whether downscaling helped; give the SMAP series of this area and these days."
    ) in said.warnings


def test_readings_in_another_unit_than_said(run, said, case):
    run("fieldvalidation", inputs(case, UNIT="percent"))
    (warning,) = [line for line in said.warnings if line.startswith("UNIT")]
    assert re.fullmatch(
        r"UNIT is percent, and no day's mean is over 0\.\d+ percent; if the readings are in m3 m-3, choose "
        "that, or errors and bias are wrong\\.",
        warning,
    )
    run("fieldvalidation", inputs(case))
    assert len([line for line in said.warnings if line.startswith("UNIT")]) == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"MINIMUM_DAYS": 0}, "MINIMUM_DAYS is 0; give 1 or more."),
        (
            {"CLASSES": "0, 20, 40"},
            "CLASSES: 20 is out of range; give breaks in m3 m-3, from 0 to 1, as 0, 0.1, 0.2, 0.3, 0.4, 0.5.",
        ),
        ({"BOOTSTRAP": 10}, "BOOTSTRAP is 10; give 100 samples or more."),
        ({"DEPTH": "five"}, "DEPTH: 'five' is no range of depths; write it in metres, as 0-0.05."),
        (
            {"STATIONS": "/no/where.csv"},
            "STATIONS: there is no file or folder /no/where.csv; check the path.",
        ),
        (
            {"VALUE_FIELD": "theta"},
            "VALUE_FIELD: {folder}/lecturas ñ.csv has no column named theta (it has station, date, "
            "replicate, x, y, soil_moisture); choose one of them.",
        ),
        (
            {"CRS": None},
            "CRS: {folder}/lecturas ñ.csv has no longitude and latitude, and nothing says which CRS "
            "its column x is in; choose it.",
        ),
        (
            {"START": "2022-01-01"},
            "{folder}/maps: it holds no date from 2022-01-01 to its end (it runs from 2021-01-01 to "
            "2021-02-09); choose other dates.",
        ),
        (
            {"START": "2021-02-01", "END": "2021-01-01"},
            "START (2021-02-01) is after END (2021-01-01); exchange them.",
        ),
        ({"WET_MONTHS": "Rain"}, "WET_MONTHS: 'Rain' is no month; write months as Nov-Mar or 11, 12, 1-3."),
        ({"SMAP": "/no/where"}, "/no/where: there is no such file; check the path."),
    ],
)
def test_refusals(refusal, case, change, sentence):
    assert refusal("fieldvalidation", inputs(case, **change)) == sentence.format(folder=case.folder)
    assert not case.out.exists()


def test_cancel_within_two_seconds(run, feedback, said, case):
    asked = []

    def soon(text):
        if "stations validated" in text:
            asked.append(time.monotonic())
            return True
        return False

    feedback.cancel_when = soon
    outputs = run("fieldvalidation", inputs(case, BOOTSTRAP=20_000, REPORT=str(case.out / "r.html")))
    assert outputs == {}
    assert asked
    assert time.monotonic() - asked[0] < 2
    assert not case.out.exists()
    assert said.info[-1].startswith("Cancelled;")
