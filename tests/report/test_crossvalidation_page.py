"""The report of a cross-validation: what its words and figures say, in the odd cases too."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import re
from base64 import b64decode

import numpy as np
import pytest

from smap_downscaler.core.forest.settings import ForestSettings
from smap_downscaler.core.validation.crossvalidate import SCORES, Choice, Piece, PieceResult
from smap_downscaler.core.validation.grid import candidates
from smap_downscaler.core.validation.results import FirstDay, ValidationRun
from smap_downscaler.core.validation.settings import ValidationSettings
from smap_downscaler.core.validation.summary import by_date, summarise
from smap_downscaler.report.crossvalidation import crossvalidation_page
from smap_downscaler.report.crossvalidation_figures import (
    cell_step,
    fitted_line,
    fold_map,
    observed_predicted,
    scores_by_date,
)

FOREST = ForestSettings(10, None, None, 4, 1, None, 1)


def made_up(dates=3, repeats=2, block_km=72.0, grid="", value=0.05):
    """A run whose scores are told, not computed."""
    rng = np.random.default_rng(1)
    settings = ValidationSettings(2, repeats, block_km, candidates(FOREST, grid), 2, 1)
    run = ValidationRun(settings, ("clay <5 um", "sand"))
    row, col = (values.ravel() for values in np.mgrid[0:6, 0:6])
    if block_km:
        run.first_day = FirstDay(dt.date(2020, 1, 1), col * 9008.0, -row * 9008.0)
    for number in range(dates):
        date = dt.date(2020, 1, 1) + dt.timedelta(7 * number)
        run.dropped[date] = 2
        for scheme in settings.schemes:
            for repeat in range(1, repeats + 1):
                choices = tuple(
                    Choice(fold, 18, 18, repeat % len(settings.candidates), 0.03) for fold in (1, 2)
                )
                rows = [None, None, None]
                if repeat == 1 and number < 10:
                    observed = rng.uniform(0.1, 0.4, 36)
                    rows = [observed, observed + 0.01, (row + col) % 2]
                scores = dict.fromkeys(SCORES, value + 0.001 * number)
                run.results.append(PieceResult(Piece(date, scheme, repeat), 36, scores, choices, *rows))
    run.results.sort(key=lambda result: result.piece)
    return run


def page_of(run, **manifest):
    rows = summarise(run.results, run.settings.schemes, frozenset({1}), frozenset({7}))
    return crossvalidation_page(run, rows, manifest or {"Input": {"table": "m & n.gpkg", "empty": None}})


def pictures(page):
    return [b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', page)]


def pixels(png):
    from matplotlib.image import imread

    return imread(io.BytesIO(png))[..., :3]


def has_colour(image, colour):
    rgb = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return bool((np.abs(image - rgb).max(axis=-1) < 0.01).any())


def test_the_page_is_whole():
    run = made_up()
    run.skipped[dt.date(2021, 8, 12)] = "12 cells, fewer than the 50 needed"
    run.failed[Piece(dt.date(2020, 3, 1), "blocks", 1)] = "All <9> cells lie in one block."
    page = page_of(run)
    assert page.startswith("<!DOCTYPE html>")
    assert "http" not in page
    assert "3 dates, 2020-01-01 to 2020-01-15, a forest each; 2 folds, 2 repeats" in page
    assert "<td>random folds</td>" in page
    assert "<td>blocks of 72 km</td>" in page
    assert "2021-08-12</td><td>12 cells, fewer than the 50 needed" in page
    assert "2020-03-01, blocks, repeat 1</td><td>All &lt;9&gt; cells lie in one block." in page
    assert "6 rows that lack a covariate." in page
    assert "m &amp; n.gpkg" in page
    assert "<dt>empty</dt><dd>none</dd>" in page
    assert "No grid was given: 10 trees, mtry 1, split 4, all rows drawn." in page
    assert len(pictures(page)) == 4


def test_the_summary_is_that_of_the_scores():
    """RMSE .050, .051, .052: mean and median .051, SD .001, IQR .001."""
    page = page_of(made_up())
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", page.split("Scores over the dates")[1].split("</table>")[0])
    assert cells[:10] == [
        "RMSE, m³ m⁻³",
        "random folds",
        "all",
        "3",
        "0.0510",
        "0.0510",
        "0.0010",
        "0.0010",
        "0.0500",
        "0.0520",
    ]
    assert cells[10:14] == ["", "random folds", "wet", "3"]
    # No date lies in the dry season.
    assert "dry" not in cells


def test_random_folds_alone():
    page = page_of(made_up(block_km=0.0))
    assert len(pictures(page)) == 2
    assert "blocks of" not in page
    assert "Blocks keep the neighbours out" not in page


def test_choices_are_counted():
    page = page_of(made_up(grid="1, 2"))
    rows = re.findall(
        r"<tr><td>(10 trees, mtry \d)[^<]*</td><td[^>]*>([^<]*)</td><td[^>]*>([^<]*)</td>", page
    )
    assert rows == [("10 trees, mtry 1", "50 %", "50 %"), ("10 trees, mtry 2", "50 %", "50 %")]


def test_one_date_one_repeat_and_scores_that_are_not_defined():
    run = made_up(dates=1, repeats=1)
    run.results = [
        dataclasses.replace(result, scores={**result.scores, "r2": float("nan")}) for result in run.results
    ]
    page = page_of(run)
    assert "1 date, 2020-01-01 to 2020-01-01, a forest each; 2 folds, 1 repeat" in page
    assert "median R²" in page


def test_colours_of_schemes_and_the_band_of_smap():
    run = made_up()
    scores = {scheme: by_date(run.results, scheme) for scheme in run.settings.schemes}
    image = pixels(scores_by_date(scores, 72.0))
    assert all(has_colour(image, colour) for colour in ("#0072B2", "#D55E00", "#DDDDDD"))
    # Printed over the width of an A4 page between its margins.
    assert image.shape[1] == pytest.approx(7.1 * 160, abs=2)


def test_scores_below_zero_stay_in_the_figure():
    run = made_up(value=-0.8)
    image = pixels(scores_by_date({"random": by_date(run.results, "random")}, 0.0))
    lower = image[image.shape[0] // 2 :]
    assert has_colour(lower[:, 150:], "#0072B2")


def test_the_fitted_line():
    rng = np.random.default_rng(2)
    predicted = rng.uniform(0.1, 0.4, 50)
    observed = 1.2 * predicted - 0.03 + 0.01 * rng.normal(size=50)
    assert fitted_line(observed, predicted) == pytest.approx(np.polyfit(predicted, observed, 1), rel=1e-9)


def test_one_constant_prediction_is_drawn_without_a_line():
    run = made_up(dates=1)
    result = next(iter(run.kept("random")))
    flat = dataclasses.replace(result, predicted=np.full(36, 0.2))
    assert observed_predicted([flat], "random").startswith(b"\x89PNG")


def test_the_map_has_the_colours_of_its_folds():
    run = made_up()
    kept = [next(iter(run.kept(scheme))) for scheme in run.settings.schemes]
    image = pixels(fold_map(run.first_day, kept, 72.0))
    assert has_colour(image, "#332288")
    assert has_colour(image, "#88CCEE")
    assert not has_colour(image, "#44AA99")


def test_the_step_of_cells():
    assert cell_step(np.array([0.0, 9.008, 27.024]), np.array([5.0, 5.0, 5.0])) == pytest.approx(9.008)
    assert cell_step(np.array([3.0]), np.array([4.0])) == 1.0
