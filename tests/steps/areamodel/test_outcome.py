"""What is told of trained models, from numbers that no real fit gives easily."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pytest

from report_reader import checked_page
from smap_downscaler.base.words import text
from smap_downscaler.methods.keys import PooledKey
from smap_downscaler.methods.measured import measured
from smap_downscaler.methods.skill import OobScores
from smap_downscaler.preflight.layer_check import Preflight
from smap_downscaler.steps.areamodel.numbers.outcome import AreaOutcome, Curve, quantiles
from smap_downscaler.steps.areamodel.report import area_page, curve_text
from smap_downscaler.steps.areamodel.training import outcome_warnings

NOTE = text("SMAP's footprint is {:g} km or more", 40.0)
INPUTS = SimpleNamespace(stack=SimpleNamespace(source="fine.tif"))
PIXELS = {"clay": quantiles(np.arange(1000.0)), "sand": quantiles(np.arange(500.0))}


def model(levels=("mean pattern", "departures"), footprint=40.0, snr=0.31, gain=7.0, note=NOTE):
    shares = {"terms": 0.5, "field": 0.25, "noise": 0.15, "noise over the footprint": 0.1}
    variances = {"clay": 4e-4, "sand": 1e-6, "products": 3e-5}
    summaries = [
        SimpleNamespace(
            name=name,
            cells=90,
            shares=shares,
            variances=variances,
            snr=snr,
            gain=gain,
            shown=0.6 + gain / 100,
            supported=gain > 6,
        )
        for name in levels
    ]
    return SimpleNamespace(
        levels=summaries,
        left_out={"season": "it is the same everywhere"},
        footprint_km=footprint,
        footprints={0.0: 40.0, 20.0: 21.0, 33.0: 5.5, 40.0: 3.0},
        footprint_note=note,
        hurst=0.15,
        hurst_note="",
        noise_sd=0.0213,
        days=(737791, 737794) if len(levels) > 1 else (737791,),
        skipped={737795: "the likelihood does not converge"},
        n_cells=90,
        scores=OobScores(180, 180, 0.0251, 0.02, 0.0001, 0.71, 0.72),
        curve=lambda level, name, values: (
            (values - values.mean()) / 1e4 if name == "clay" else np.sin(values / 60) / 500,
            np.full(values.shape, 0.001),
        ),
        evidence=lambda: [],
        measured=measured(len(levels) > 1, footprint),
        field_at=lambda rows, cols, day: rows / 100 + cols / 50,
    )


def outcome(**changes):
    made = AreaOutcome("two levels", skipped={dt.date(2020, 12, 31): text("{} cells", 7)}, wanted=100, met=90)
    cells = np.argwhere(np.ones((9, 10), bool))
    made.add(PooledKey(), model(**changes), cells, PIXELS, {}, {"clay": "g/kg"})
    return made


def test_the_widest_footprint_left_out_covariates_and_dates_are_warned_of():
    made = outcome()
    made.failed = {dt.date(2021, 1, 5): "the likelihood does not converge"}
    assert outcome_warnings(INPUTS, made) == [
        "season is left out of the model: it is the same everywhere",
        "These dates are left out of the model: 2021-01-05 (the likelihood does not converge)",
        NOTE,
    ]
    assert NOTE not in outcome_warnings(INPUTS, outcome(footprint=33.0))


def test_a_stack_that_meets_few_cells_is_warned_of_with_its_share():
    made = outcome(footprint=0.0)
    made.met = 30
    assert outcome_warnings(INPUTS, made)[0] == (
        "COVARIATES (fine.tif): it meets 30 % of the 100 cells with soil moisture, and the others are not "
        "used; give a stack of the whole area where they are wanted"
    )


def test_many_dates_that_fail_are_named_in_part():
    made = outcome(footprint=0.0)
    made.failed = {dt.date(2021, 1, 1 + number): "too few" for number in range(13)}
    sentence = outcome_warnings(INPUTS, made)[-1]
    assert sentence.startswith("These dates are left out of the model: 2021-01-01 (too few), 2021-01-02")
    assert sentence.endswith("2021-01-10 (too few), and 3 more")


def page(made):
    return area_page(
        made, ("clay", "sand", "season"), ["one warning"], Preflight([], [], "cells"), {}, "last"
    )


def test_the_page_of_two_levels_has_all_parts():
    made = checked_page(page, outcome())
    html = made.html()
    for words in (
        "One model on two levels of 2 dates and 90 cells",
        "What the covariates tell, mean pattern",
        "What the covariates tell, departures",
        "on a date that is wetter than the mean by one standard deviation",
        "The footprint of SMAP",
        "The model found a noise of 0.0213",
        "Covariates that were left out",
        "the likelihood does not converge",
        NOTE.replace("'", "&#39;"),
        measured(two_levels=True, footprint_km=33.0).rule,
    ):
        assert words in html, words


def test_the_page_of_many_single_dates_draws_some_and_names_the_others():
    made = AreaOutcome("single dates", wanted=100, met=90)
    cells = np.argwhere(np.ones((9, 10), bool))
    for number in range(70):
        snr = 0.1 + 0.01 * number
        one = model(("date",), 0.0, snr, number - 20.5, "")
        made.add(dt.date(2021, 1, 1) + dt.timedelta(number), one, cells, PIXELS, {}, {})
    html = checked_page(page, made).html()
    assert "The pattern is supported on 43 of 70 dates." in html
    assert "in log likelihood; from 6 on, with a signal-to-noise of 0.4, the pattern is supported." in html
    assert "maps show, from 0.4 where nothing speaks for it to 0.8, unless" in html
    assert html.count("What the covariates tell, 2021") == 3
    assert "The curves of all 70 dates are in the table TERMS_TABLE." in html
    assert "... and 10 more; all are in the table SCORES." in html
    assert len(made.fields) == 6


def curve(effect, sd=1e-4):
    return Curve("clay", "g/kg", np.linspace(10.0, 50.0, 41), effect, np.full(41, sd), 1e-4)


def test_directions_and_sentences_of_curves():
    rising = curve(np.linspace(-0.02, 0.03, 41))
    assert (rising.direction, rising.net) == ("rises", pytest.approx(0.05))
    assert rising.spread == pytest.approx(np.std(np.linspace(-0.02, 0.03, 41)))
    assert curve_text(rising) == (
        "soil moisture rises by 0.050 m³ m⁻³ from 10.00 g/kg to 50.00 g/kg; SD over the pixels 0.0148."
    )
    wide = curve(np.linspace(0.02, -0.01, 41), 0.05)
    assert curve_text(wide).endswith("SD over the pixels 0.0089, within its band everywhere.")
    assert curve_text(wide).startswith("soil moisture falls by 0.030")
    both = curve(0.02 * np.cos(np.linspace(0, 2 * np.pi, 41)))
    assert both.direction == "both"
    assert curve_text(both).startswith(
        "soil moisture is lowest at 30.00 g/kg and highest at 10.00 g/kg, 0.040 m³ m⁻³ apart"
    )
    assert (
        curve_text(curve(np.full(41, 1e-5))) == "soil moisture hardly changes from 10.00 g/kg to 50.00 g/kg."
    )
