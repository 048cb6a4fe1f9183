"""What an experiment says: verdict, losses, the rule's record, and the page that holds them."""

from __future__ import annotations

import io
import math

import pytest

from report_reader import checked_page
from smap_downscaler.steps.skill.contenders import CUBIC, LINEAR, PAPER_FOREST, SINGLE
from smap_downscaler.steps.skill.figures import pattern_figure, ratio_figure
from smap_downscaler.steps.skill.numbers.scores import (
    KNOWN_TRUTH,
    ONE_SCALE_UP,
    Case,
    MapScore,
    as_record,
    cases_of,
    from_record,
)
from smap_downscaler.steps.skill.numbers.verdict import (
    BILINEAR,
    CEILING,
    Outcome,
    lost,
    rule,
    standings,
    verdict,
)
from smap_downscaler.steps.skill.report import skill_page


def map_of(case, method, rmse, r=0.3, **more):
    told = {
        "date": 0, "pixels": 1000, "cells": 90, "bias": 0.001, "r": 0.8, "spaef": 0.6, "variance_ratio": 0.7,
        "closure": 0.01, "coverage": math.nan, "snr": math.nan, "detail": math.nan,
        "rmse_smooth": math.nan, "seconds": 0.1,
    }  # fmt: skip
    return MapScore(case=case, method=method, rmse=rmse, r_within=r, **{**told, **more})


def known(share, seed=1000, truth="mild", footprint=0.0, dates=1):
    return Case(KNOWN_TRUTH, truth, share, footprint, dates, seed)


def some_maps():
    """At .2 the model is as good as interpolation, at .6 it is better; the forest is worse."""
    maps = []
    for share, own, forest in ((0.2, 0.0502, 0.056), (0.6, 0.040, 0.049)):
        for seed in (1000, 1001):
            case = known(share, seed)
            more = 0.0004 * (seed - 1000)
            maps += [
                map_of(case, BILINEAR, 0.05, 0.2),
                map_of(case, PAPER_FOREST, forest, 0.3),
                map_of(
                    case, SINGLE, own + more, share, snr=0.5, detail=0.7, rmse_smooth=0.049, coverage=0.81
                ),
                map_of(case, CEILING, 0.03, 0.8),
            ]
    return maps


def test_the_verdict_names_a_method_what_it_finds_and_where_it_is_worth_nothing():
    outcome = Outcome(some_maps())
    (words,) = verdict(outcome)
    # (50.2 + 50.6 + 40 + 40.4) / 200; (.2^2 + .6^2) / 2.
    assert words == (
        "With 1 date: use 'area-to-point by date'. Its error is 9 % smaller than that of bilinear "
        "interpolation (mean of 4 cases; from 20 % smaller to 1 % larger). Of the fine pattern within SMAP's "
        "cells it explains 20 % of the variance, bilinear interpolation 4 %. Interpolation is as good where "
        "covariates make 20 % of the variance within cells or less."
    )
    assert lost(outcome) == (
        "With 1 date, these have a larger error than interpolation: paper 5 % larger. The method "
        "'area-to-point by date' is worse than interpolation in 2 of 4 cases, most in the truth 'mild' "
        "(share 20 %, footprint 0 km, seed 1001): 1 % larger."
    )


def test_where_nothing_is_better_interpolation_is_to_be_used():
    maps = [one for one in some_maps() if one.case.share == 0.2]
    (words,) = verdict(Outcome(maps))
    assert words == (
        "With 1 date: use bilinear interpolation; no method has an error that is more than 1 % smaller in "
        "the mean of 2 cases. Of the fine pattern within SMAP's cells it explains 4 % of the variance."
    )
    (words,) = verdict(Outcome([one for one in some_maps() if one.case.share == 0.6]))
    assert words.endswith(
        " It is better where covariates make 60 % of the variance within cells, the one share that was tried."
    )


def test_footprints_are_told_apart():
    maps = some_maps()
    for share in (0.2, 0.6):
        case = known(share, footprint=33.0)
        maps += [map_of(case, BILINEAR, 0.05), map_of(case, SINGLE, 0.0498)]
    (words,) = verdict(Outcome(maps))
    assert words.endswith(
        " With a footprint of 0 km interpolation is as good where covariates make 20 % of the variance "
        "within cells or less. With a footprint of 33 km interpolation is as good at all shares that were "
        "tried."
    )
    checked_page(skill_page, Outcome(maps), {}, "end")


def test_mirrored_covariates_are_told_apart():
    case = known(0.6, truth="mirrored")
    mirrored = [map_of(case, BILINEAR, 0.05), map_of(case, SINGLE, 0.2, 0.0)]
    assert verdict(Outcome([*some_maps(), *mirrored])) == verdict(Outcome(some_maps()))
    page = checked_page(skill_page, Outcome([*some_maps(), *mirrored]), {}, "end").html()
    assert "the mirror image of the covariates" in page
    assert '<td class="number">4.000</td>' in page
    # Alone they are all there is.
    (words,) = verdict(Outcome(mirrored))
    assert words.startswith("With 1 date: use bilinear interpolation;")


def test_one_scale_up_says_so():
    maps = []
    for number, own in enumerate((0.045, 0.052)):
        case = Case(ONE_SCALE_UP, f"window {number + 1}", 0.0, 0.0, 1, 1000)
        maps += [map_of(case, BILINEAR, 0.05, 0.4), map_of(case, SINGLE, own, 0.5)]
    outcome = Outcome(maps, scales=(108.2, 36.1), warnings=["COVARIATES: a word of warning."])
    (words,) = verdict(outcome)
    assert words == (
        "With 1 date: use 'area-to-point by date'. Its error is 3 % smaller than that of bilinear "
        "interpolation (mean of 2 windows; from 10 % smaller to 4 % larger). Of the real pattern within "
        "blocks it explains 25 % of the variance, bilinear interpolation 16 %."
    )
    page = checked_page(skill_page, outcome, {"Input": {"SMAP": "a & b"}}, "end").html()
    assert "One scale up, from 108 to 36 km: 2 windows, 4 maps" in page
    assert "a word of warning" in page
    assert "That the same holds within SMAP&#39;s cells is likely, not proven." in page
    assert page.count("<img ") == 1


def test_the_rule_is_right_where_maps_are_better_for_what_they_show():
    case = known(0.4)
    seen = [(0.8, 0.06), (0.7, 0.049), (0.4, 0.05), (0.4, 0.051)]
    maps = [map_of(case, SINGLE, 0.05, 0.3, detail=detail, rmse_smooth=bare) for detail, bare in seen]
    assert [one.rule_right for one in maps] == [1, 0, 0, 1]
    assert rule([*maps, map_of(case, BILINEAR, 0.05)]) == (
        "Detail by evidence: 2 of 4 maps (50 %) were better for what they show of the pattern than without "
        "it; the evidence let them show 57 % of it on average."
    )
    assert rule([map_of(case, BILINEAR, 0.05)]) == ""


def test_scores_of_a_case_are_means_over_its_maps():
    case = known(0.4, dates=2)
    maps = [
        map_of(case, BILINEAR, 0.04, pixels=100),
        map_of(case, BILINEAR, 0.06, pixels=300, date=1),
        map_of(case, CUBIC, 0.05, math.nan, pixels=400),
    ]
    first, second = cases_of(maps, BILINEAR)
    rmse = math.sqrt((0.04**2 + 3 * 0.06**2) / 4)
    assert first.scores["rmse"] == pytest.approx(rmse)
    assert first.pixels == 400
    assert second.scores["ratio"] == pytest.approx(0.05 / rmse)
    assert math.isnan(second.scores["r_within"])
    (cubic,) = standings([second])
    assert cubic.explained == 0
    assert from_record(as_record(maps[0])) == pytest.approx(maps[0], nan_ok=True) or str(maps[0]) == str(
        from_record(as_record(maps[0]))
    )


def test_the_page_has_the_numbers_of_the_scores():
    both = [*some_maps(), *(map_of(known(0.4, dates=12), name, 0.05, 0.1) for name in (BILINEAR, LINEAR))]
    outcome = Outcome(both, {"index": "twi<b>", "rain": "p_3d"}, warnings=["one & two"])
    page = checked_page(skill_page, outcome, {"Settings": {"noise": 0.02}}, "the end").html()
    assert page.count("<img ") == 4
    for words in verdict(outcome):
        assert words.replace("'", "&#39;") in page
    assert "Known truth (mild): 5 cases, 18 maps" in page
    assert "<h2>Errors beside interpolation, 12 dates</h2>" in page
    assert "twi&lt;b&gt; (as index), p_3d (as rain)." in page
    assert '<td class="number">81 %</td>' in page
    assert "one &amp; two" in page


def test_figures_are_pictures_and_the_same_each_time():
    from matplotlib.image import imread

    cases = cases_of(some_maps(), BILINEAR)
    for draw in (ratio_figure, pattern_figure):
        picture = draw(cases)
        assert picture == draw(cases)
        assert imread(io.BytesIO(picture)).std() > 0.01
