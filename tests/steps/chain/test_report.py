"""The one page of the whole chain: scores beside interpolation, warnings by step, the map."""

from __future__ import annotations

import datetime as dt

import numpy as np

from report_reader import checked_page
from smap_downscaler.geo.grid import Bounds
from smap_downscaler.geo.map_frame import frame_of
from smap_downscaler.steps.chain.numbers.interpolated import FoldScores
from smap_downscaler.steps.chain.numbers.outcome import ChainOutcome, SchemeScores, Shown
from smap_downscaler.steps.chain.report import chain_page

DATES = (dt.date(2021, 1, 5), dt.date(2021, 1, 8))
BOUNDS = Bounds(300_000.0, 8_400_000.0, 400_000.0, 8_500_000.0)


def outcome(**more):
    values = np.linspace(0.1, 0.4, 400, dtype=np.float32).reshape(20, 20)
    shown = Shown(DATES[0], values, values.T, BOUNDS, frame_of(BOUNDS, "EPSG:32719"))
    return ChainOutcome("random forest", DATES, [("Folder", "out")], shown=shown, **more)


def test_scores_stand_beside_those_of_interpolation():
    scores = [
        SchemeScores("random folds", FoldScores(0.0321, 0.81), FoldScores(0.0444, 0.62)),
        SchemeScores("blocks of 72 km", FoldScores(0.0521, 0.31), FoldScores(0.0511, 0.35)),
        SchemeScores("cells held out", FoldScores(0.06, 0.2), None),
    ]
    html = checked_page(chain_page, outcome(by_day=True, scores=scores), {}).html()
    for words in (
        "Soil moisture maps, 2021-01-05 to 2021-01-08",
        "0.0321",
        "0.0444",
        "0.350",
        "Medians over",
    ):
        assert words in html
    assert "The model is better under 1 of 2 kinds of folds." in html
    assert "At the field stations" not in html


def test_stations_and_warnings_of_each_step_once_and_not_too_many():
    found = {"RMSE": 0.031, "R": 0.7, "SMAP_RMSE": 0.044, "SMAP_R": 0.6, "COUNT": 40, "STATIONS_USED": 5}
    warnings = [("Maps", "one"), ("Maps", "one"), *(("Training", f"no {one}") for one in "abcdefghi")]
    html = checked_page(chain_page, outcome(at_stations=found, warnings=warnings), {}).html()
    assert "40 pairs of maps and readings at 5 stations." in html
    assert html.count("Maps: one") == 1
    assert "Training: no f" in html
    assert "Training: no g" not in html
    assert "Training: 3 more warnings in the log" in html


def test_reports_of_single_steps_are_links():
    reports = [("Training", "training/report.html"), ("Cross-validation", "cross validation/report.html")]
    html = checked_page(chain_page, outcome(reports=reports), {}).html()
    assert '<a href="training/report.html">training/report.html</a>' in html
    assert 'href="cross%20validation/report.html"' in html
