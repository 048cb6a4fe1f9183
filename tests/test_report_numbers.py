"""Each number in the tables of a report stands in the files beside it too."""

from __future__ import annotations

import csv
import datetime as dt
import html
import re

import numpy as np
import pytest

from report_reader import FigureTexts, check_numbers
from small_case import CELLS, PIXELS
from smap_downscaler.geo.geotiff import Band, write_geotiff

DAYS = [dt.date(2021, 1, 20) + dt.timedelta(days=number) for number in range(30)]
BAND = [Band("soil_moisture", "m3 m-3")]
TABLE_NAMES = ("SUMMARY", "PREFLIGHT", "LOADINGS", "EIGENVALUES")
STATIONS = {"North": (12, 33), "South": (61, 70)}
NUMBER = re.compile(r"(?<![\w.])[+-]?\d[\d,]*\.\d+(?!\d)")
TABLES = re.compile(r"<td[^>]*>(.*?)</td>", re.DOTALL)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A month of maps, SMAP, covariates and readings of two stations."""
    folder, rng = tmp_path_factory.mktemp("numbers"), np.random.default_rng(7)
    lines = ["station,date,x,y,soil_moisture"]
    for number, date in enumerate(DAYS):
        season = 0.25 + 0.1 * np.sin(number / 6)
        values = (season + 0.03 * rng.standard_normal(PIXELS.shape)).astype(np.float32)
        write_geotiff(folder / "maps" / f"m_{date:%Y%m%d}.tif", PIXELS, values, BAND)
        cells = (season + 0.05 * rng.standard_normal(CELLS.shape)).astype(np.float32)
        write_geotiff(folder / "smap" / f"s_{date:%Y%m%d}.tif", CELLS, cells, BAND)
        for name, (row, col) in STATIONS.items():
            x, y = PIXELS.x_centres()[col], PIXELS.y_centres()[row]
            for _replicate in range(2):
                lines.append(f"{name},{date},{x},{y},{values[row, col] + 0.02 * rng.standard_normal():.4f}")
    (folder / "stations.csv").write_text("\n".join(lines), encoding="utf-8")
    layers = [Band("slope", "%"), Band("clay", "%"), Band("rain", "mm")]
    write_geotiff(folder / "stack.tif", PIXELS, 10 + rng.random((3, *PIXELS.shape), np.float32), layers)
    return folder


def stored(*paths):
    """All numbers in tables."""
    found = []
    for path in paths:
        with open(path, encoding="utf-8", newline="") as stream:
            for row in csv.reader(stream):
                for text in row:
                    try:
                        found.append(float(text))
                    except ValueError:
                        continue
    return np.array(found)


def strange(report, known):
    """Numbers with decimals in the tables of a report, of which none of `known` is rounded."""
    with open(report, encoding="utf-8") as stream:
        page = stream.read().split("How these numbers came about")[0]
    told = [
        number.replace(",", "")
        for cell in TABLES.findall(page)
        for number in NUMBER.findall(html.unescape(cell))
    ]
    assert len(told) > 10
    percent = {text for cell in TABLES.findall(page) if "%" in cell for text in NUMBER.findall(cell)}

    def is_known(text):
        step = 10.0 ** -len(text.split(".")[1])
        values = known * 100 if text in percent else known
        return bool((np.abs(values - float(text)) <= 0.5000001 * step).any())

    return [text for text in told if not is_known(text)]


def test_a_number_that_is_nowhere_is_found(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<td>1.25 (0.11 to 5.00)</td>" + "<td>0.5</td>" * 10 + "<td>25.0 %</td>")
    assert strange(page, np.array([1.249, 0.114, 0.5, 0.25])) == ["5.00"]


def test_field_validation_and_quantile_correlation(run, files, tmp_path, monkeypatch):
    names = ("pairs", "metrics", "groups", "cells")
    pairs, metrics, groups, cells = (str(tmp_path / f"{name}.csv") for name in names)
    before, reports = (
        str(tmp_path / "before.csv"),
        [str(tmp_path / f"{n}.html") for n in ("field", "quantile")],
    )
    figures = FigureTexts(monkeypatch)
    done = run(
        "fieldvalidation",
        {
            "SERIES": str(files / "maps"),
            "STATIONS": str(files / "stations.csv"),
            "CRS": "EPSG:6933",
            "SMAP": str(files / "smap"),
            "BOOTSTRAP": 100,
            "OUTPUT": pairs,
            "METRICS": metrics,
            "GROUPS": groups,
            "PREFLIGHT": before,
            "REPORT": reports[0],
        },
    )
    assert strange(reports[0], stored(metrics, groups, before)) == []
    check_numbers(done, figures)
    fields = {"X_FIELD": "map", "Y_FIELD": "field", "STATION_FIELD": "station"}
    few = {"SCALES": "1-2", "QUANTILES": "0.3, 0.5", "BOOTSTRAP": 100, "THREADS": 1}
    figures = FigureTexts(monkeypatch)
    done = run(
        "quantilecorrelation", {"INPUT": pairs, **fields, **few, "OUTPUT": cells, "REPORT": reports[1]}
    )
    assert strange(reports[1], stored(cells)) == []
    check_numbers(done, figures)


def test_moisture_statistics_and_principal_components(run, files, tmp_path, monkeypatch):
    squares, layer = str(tmp_path / "squares.gpkg"), str(tmp_path / "layer.gpkg")
    tables = {name: str(tmp_path / f"{name}.csv") for name in TABLE_NAMES}
    reports = [str(tmp_path / "moisture.html"), str(tmp_path / "components.html")]
    run(
        "samplesquares",
        {"COVARIATES": str(files / "stack.tif"), "SMAP": str(files / "smap"), "COUNT": 12, "SIZE": 3000,
         "OUTPUT": squares},
    )  # fmt: skip
    figures = FigureTexts(monkeypatch)
    done = run(
        "moisturestatistics",
        {
            "INPUT": squares,
            "SERIES": [str(files / "maps")],
            "COVARIATES": str(files / "stack.tif"),
            "DATE_FIELDS": 40,
            "OUTPUT": layer,
            "SUMMARY": tables["SUMMARY"],
            "PREFLIGHT": tables["PREFLIGHT"],
            "REPORT": reports[0],
        },
    )
    assert strange(reports[0], stored(tables["SUMMARY"], tables["PREFLIGHT"])) == []
    check_numbers(done, figures)
    figures = FigureTexts(monkeypatch)
    done = run(
        "principalcomponents",
        {
            "INPUT": layer,
            "FIELDS": ["mu_slope", "mu_clay", "mu_rain", "sd_clay"],
            "SUPPLEMENTARY": ["mu_sm"],
            "OUTPUT": str(tmp_path / "scores.gpkg"),
            "LOADINGS": tables["LOADINGS"],
            "EIGENVALUES": tables["EIGENVALUES"],
            "REPORT": reports[1],
        },
    )
    assert strange(reports[1], stored(tables["LOADINGS"], tables["EIGENVALUES"])) == []
    check_numbers(done, figures)
    figures = FigureTexts(monkeypatch)
    done = run(
        "principalcomponents",
        {
            "INPUT": layer,
            "FIELD_SET": "all mu_ and sd_ fields",
            "DATES": f"{DAYS[3]}, {DAYS[-1]}",
            "COLOUR": "mu_sm",
            "OUTPUT": str(tmp_path / "scores.gpkg"),
            "REPORT": reports[1],
        },
    )
    check_numbers(done, figures)
