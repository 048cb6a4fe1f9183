"""The report of a cross-validation: what its words and figures say, in the odd cases too."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import re
from base64 import b64decode

import numpy as np
import pytest

from smap_downscaler.methods.features import FeatureSettings
from smap_downscaler.methods.forest.hyper_grid import candidates
from smap_downscaler.methods.forest.settings import ForestSettings
from smap_downscaler.methods.keys import CellKey, PooledKey
from smap_downscaler.report.figure import cell_step
from smap_downscaler.report.interval_figures import importance_figure
from smap_downscaler.report.number_text import SCORE_LABELS
from smap_downscaler.stats import scores
from smap_downscaler.steps.crossvalidation.figures import (
    fold_map,
    fold_times,
    importance_series,
    observed_predicted,
    scores_by_date,
)
from smap_downscaler.steps.crossvalidation.numbers.pieces import (
    SCORES,
    Choice,
    PartScores,
    Piece,
    PieceResult,
)
from smap_downscaler.steps.crossvalidation.numbers.results import (
    FoldPicture,
    ValidationRun,
    scores_of,
    summarise,
    summarise_rises,
)
from smap_downscaler.steps.crossvalidation.numbers.settings import ValidationSettings
from smap_downscaler.steps.crossvalidation.report import crossvalidation_page

FOREST = ForestSettings(10, None, None, 4, 1, None, 1)


def made_up(dates=3, repeats=2, block_km=72.0, grid="", value=0.05):
    """A run whose scores are given, not computed."""
    rng = np.random.default_rng(1)
    settings = ValidationSettings(2, repeats, block_km, candidates(FOREST, grid), 2, 1, wet=(1,), dry=(7,))
    run = ValidationRun(settings, ("clay <5 um", "sand"))
    row, col = (values.ravel() for values in np.mgrid[0:6, 0:6])
    if block_km:
        place = np.stack([col * 9008.0, -row * 9008.0], axis=1)
        nothing = np.empty(0, np.int64)
        run.pictures = [
            FoldPicture(Piece(dt.date(2020, 1, 1), scheme, 1), place, (row + col) % 2, nothing, nothing)
            for scheme in settings.schemes
        ]
    for number in range(dates):
        date = dt.date(2020, 1, 1) + dt.timedelta(7 * number)
        run.dropped[date] = 2
        for scheme in settings.schemes:
            for repeat in range(1, repeats + 1):
                choices = tuple(
                    Choice(fold, 18, 18, 3, repeat % len(settings.candidates), 0.03) for fold in (1, 2)
                )
                rows = [None, None, None]
                if repeat == 1 and number < 10:
                    observed = rng.uniform(0.1, 0.4, 36)
                    rows = [observed, observed + 0.01, (row + col) % 2]
                scores = dict.fromkeys(SCORES, value + 0.001 * number)
                run.results.append(
                    PieceResult(Piece(date, scheme, repeat), 36, scores, choices, (), (), *rows)
                )
    run.results.sort(key=lambda result: result.piece)
    return run


def page_of(run, **manifest):
    rows = summarise(run.results, run.settings)
    return crossvalidation_page(
        run, rows, [], manifest or {"Input": {"table": "m & n.gpkg", "empty": None}}
    ).html()


@pytest.fixture(scope="module")
def usual():
    """The page of three dates, two repeats, one candidate."""
    return page_of(made_up())


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
    assert "6 rows without all covariates." in page
    assert "m &amp; n.gpkg" in page
    assert "<dt>empty</dt><dd>none</dd>" in page
    assert (
        "No grid was given: n_estimators 10, max_features 1, min_samples_split 4, sample_size all rows."
        in page
    )
    assert len(pictures(page)) == 4


def test_the_summary_is_that_of_the_scores(usual):
    """RMSE .050, .051, .052: mean and median .051, SD .001, IQR .001."""
    cells = re.findall(
        r"<td[^>]*>([^<]*)</td>", usual.split("Scores over the dates, and")[1].split("</table>")[0]
    )
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
    # All dates lie in the wet season: its scores are those of all, and the dry season has none.
    assert not {"wet", "dry"} & set(cells)
    assert "All rows are of the wet season, so that it has no scores of its own." in usual


def test_random_folds_alone():
    page = page_of(made_up(block_km=0.0))
    assert len(pictures(page)) == 2
    assert "blocks of" not in page
    assert "Blocks keep the neighbours out" not in page


def test_choices_are_counted():
    page = page_of(made_up(grid="1, 2"))
    rows = re.findall(
        r"<tr><td>(n_estimators 10, max_features \d)[^<]*</td><td[^>]*>([^<]*)</td><td[^>]*>([^<]*)</td>",
        page,
    )
    assert rows == [
        ("n_estimators 10, max_features 1", "50 %", "50 %"),
        ("n_estimators 10, max_features 2", "50 %", "50 %"),
    ]


def test_one_date_one_repeat_and_scores_that_are_not_defined():
    run = made_up(dates=1, repeats=1)
    run.results = [
        dataclasses.replace(result, scores={**result.scores, "r2": float("nan")}) for result in run.results
    ]
    page = page_of(run)
    assert "1 date, 2020-01-01, a forest each; 2 folds, 1 repeat" in page
    assert "median R²" in page


def test_colours_of_schemes_and_the_band_of_smap():
    run = made_up()
    scores = {scheme: scores_of(run.results, scheme, "dates") for scheme in run.settings.schemes}
    image = pixels(scores_by_date(scores, 72.0))
    assert all(has_colour(image, colour) for colour in ("#0072B2", "#D55E00", "#DDDDDD"))
    # Printed over the width of an A4 page between its margins.
    assert image.shape[1] == pytest.approx(7.1 * 160, abs=2)


def test_scores_below_zero_stay_in_the_figure():
    run = made_up(value=-0.8)
    image = pixels(scores_by_date({"random": scores_of(run.results, "random", "dates")}, 0.0))
    lower = image[image.shape[0] // 2 :]
    assert has_colour(lower[:, 150:], "#0072B2")


def test_one_constant_prediction_is_drawn_without_a_line():
    run = made_up(dates=1)
    result = next(iter(run.kept("random")))
    flat = dataclasses.replace(result, predicted=np.full(36, 0.2))
    assert observed_predicted([flat], [""]).startswith(b"\x89PNG")


def test_the_map_has_the_colours_of_its_folds():
    run = made_up()
    image = pixels(fold_map(run.pictures, 72.0))
    assert has_colour(image, "#332288")
    assert has_colour(image, "#88CCEE")
    assert not has_colour(image, "#44AA99")


def test_the_step_of_cells():
    assert cell_step(np.array([0.0, 9.008, 27.024]), np.array([5.0, 5.0, 5.0])) == pytest.approx(9.008)
    assert cell_step(np.array([3.0]), np.array([4.0])) == 1.0


def test_folds_in_time_have_their_colours_and_dates_that_no_fold_predicts_have_none():
    days = np.arange(737_000, 737_030)
    piece = Piece(CellKey(3, 4), "periods", 1)
    picture = FoldPicture(piece, None, np.empty(0, np.int64), days, np.repeat([0, 1, -1], 10))
    image = pixels(fold_times([picture], 0.0))
    assert has_colour(image, "#332288")
    assert has_colour(image, "#88CCEE")
    assert not has_colour(image, "#44AA99")


def test_importance_is_summed_up_over_units_in_the_order_of_the_strictest_scheme():
    run = pooled("by cell")
    for number, result in enumerate(run.results):
        rises = (np.nan, 0.01 * (number + 1), 0.02, 0.05 if result.piece.scheme == "random" else 0.0)
        run.results[number] = dataclasses.replace(result, importance=rises)
    rows = summarise_rises(run.results, run.settings, run.covariate_names)
    names = [row.covariate for row in rows if row.scheme == "periods"]
    assert names == ["p_antecedent", "doy_sin", "doy_cos"], "clay was not used, and what tells most is first"
    found = {(row.scheme, row.covariate): row for row in rows}
    own = [0.01 * (n + 1) for n, result in enumerate(run.results) if result.piece.scheme == "random"]
    told = found["random", "p_antecedent"].spread
    assert (told.n, told.median, told.q1) == pytest.approx((2, np.median(own), np.percentile(own, 25)))
    assert told.sd == pytest.approx(np.std(own, ddof=1))
    covariates, (random, periods) = importance_series(rows, run.settings.schemes, 0.0)
    assert covariates == names
    assert random.values[2] == 0.05
    assert periods.values[2] == 0.0
    assert has_colour(pixels(importance_figure(covariates, [random, periods], "x")), periods.colour)
    assert summarise_rises(made_up().results, made_up().settings, ("clay", "sand")) == []


def pooled(mode):
    """A run by cell or pooled, of given scores."""
    rng = np.random.default_rng(3)
    settings = ValidationSettings(
        2, 1, 0.0, candidates(FOREST), 2, 1, mode, 7, 0, FeatureSettings(day_of_year=True), True, (1,), (7,)
    )
    run = ValidationRun(settings, ("clay", "p_antecedent"))
    keys = [CellKey(1, 2), CellKey(1, 3)] if mode == "by cell" else [PooledKey()]
    for key in keys:
        run.dropped[key] = 0
        for scheme in settings.schemes:
            scores = dict.fromkeys(SCORES, 0.05)
            parts = [PartScores(key, "wet", 20, scores)]
            if mode == "pooled":
                parts += [PartScores(dt.date(2020, 1, 1), "all", 20, scores)]
                parts += [PartScores(CellKey(1, 2), "all", 20, scores)]
            observed = rng.uniform(0.1, 0.4, 40)
            rows = observed, observed + 0.01, np.arange(40) % 2
            choices = (Choice(1, 20, 20, 4, 0, np.nan), Choice(2, 20, 20, 4, 0, np.nan))
            importance = (np.nan, 0.01, 0.02, 0.03)
            piece = Piece(key, scheme, 1)
            run.results.append(PieceResult(piece, 40, scores, choices, tuple(parts), importance, *rows))
            days = np.arange(737_000, 737_020)
            run.pictures.append(FoldPicture(piece, None, np.empty(0, np.int64), days, np.repeat([0, 1], 10)))
    return run


@pytest.mark.parametrize(
    ("mode", "subtitle", "figures"),
    [
        ("by cell", "2 cells, a forest each; 2 folds, 1 repeat", 5),
        ("pooled", "40 rows of all dates and cells, one forest; 2 folds, 1 repeat", 5),
    ],
)
def test_the_pages_of_the_other_modes(mode, subtitle, figures):
    page = page_of(pooled(mode))
    assert subtitle in page
    assert len(pictures(page)) == figures
    assert "Importance of the covariates" in page
    assert "(the paper&#39;s Table 6)" in page


def test_many_rows_are_drawn_as_their_density():
    rng = np.random.default_rng(1)
    observed = rng.uniform(0.1, 0.4, 6000)
    result = next(iter(pooled("pooled").kept("random")))
    many = dataclasses.replace(
        result, n=6000, observed=observed, predicted=observed + 0.05 * rng.normal(size=6000)
    )
    image = pixels(observed_predicted([many], ["all rows"]))
    assert not has_colour(image, "#0072B2")
    few = pixels(observed_predicted([result], ["all rows"]))
    assert few.shape == image.shape


def test_the_formulas_of_the_page_are_those_of_the_scores(usual):
    """Each as it is printed, written out for NumPy, gives what the scores give."""
    table = usual.split("Metrics (the paper")[1].split("</table>")[0]
    printed = re.findall(r"<tr><td[^>]*>([^<]*)</td><td[^>]*>([^<]*)</td>", table)
    o, p = np.random.default_rng(6).uniform(0.1, 0.4, (2, 50))
    written_out = {
        "rmse": ("√(Σ(pᵢ - oᵢ)² / n)", np.sqrt(np.sum((p - o) ** 2) / 50)),
        "r2": (
            "1 - Σ(pᵢ - oᵢ)² / Σ(oᵢ - ō)²",
            1 - np.sum((p - o) ** 2) / np.sum((o - o.mean()) ** 2),
        ),
        "mae": ("Σ|pᵢ - oᵢ| / n", np.sum(np.abs(p - o)) / 50),
        "bias": ("Σ(pᵢ - oᵢ) / n", np.sum(p - o) / 50),
        "pearson_r2": (
            "(Σ(oᵢ - ō)(pᵢ - p̄))² / (Σ(oᵢ - ō)² Σ(pᵢ - p̄)²)",
            np.sum((o - o.mean()) * (p - p.mean())) ** 2
            / (np.sum((o - o.mean()) ** 2) * np.sum((p - p.mean()) ** 2)),
        ),
    }
    assert printed == [(label, written_out[name][0]) for name, label in SCORE_LABELS.items()]
    for name, (_formula, value) in written_out.items():
        assert getattr(scores, name)(o, p) == pytest.approx(value, rel=1e-9)
