"""The report of trained forests: one HTML file that needs no network and prints on A4."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...base.dates import period_text
from ...base.words import Text, counted, text
from ...methods.base import COVER
from ...methods.forest.settings import ForestSettings
from ...methods.keys import BY_CELL, BY_DATE, CellKey, Key
from ...methods.skill import OobScores, summarise_scores
from ...report.figure import COLOURS, MARKERS
from ...report.interval_figures import ImportanceSeries, importance_figure
from ...report.number_text import (
    SCORE_LABELS,
    SPREAD_HEADS,
    UNIT,
    fixed,
    number_text,
    score_text,
    spread_texts,
)
from ...report.page import Page
from .figures import effects_figure, oob_by_cell, oob_by_date
from .numbers.effects import Effect
from .numbers.outcome import TrainingReport

_NOUNS = {BY_DATE: "dates", BY_CELL: "cells"}
_CAUTIONS = {
    BY_DATE: (
        "Each cell was predicted by the trees that did not draw it. SMAP sees about 30 km at once, so "
        "that the cells around it, which the trees did see, hold much of it: these scores flatter the maps."
    ),
    BY_CELL: (
        "Each date was predicted by the trees that did not draw it. Days that follow each other are alike, "
        "so that these scores flatter what is filled into longer gaps."
    ),
}
_POOLED_CAUTION = (
    "Each row was predicted by the trees that did not draw it, but those saw the same cell on other dates "
    "and the same date in other cells: these scores flatter more than those of any other kind of forest."
)
_MOST_CHOICES = 20
#: Covariates whose curves fit on a page.
_MOST_EFFECTS = 24
#: Less than a line shows, m3 m-3.
_HARDLY = 5e-4
#: What hyper-parameters are, and what their absence comes to; their names are scikit-learn's everywhere.
_MEANING = {
    "n_estimators": "trees",
    "max_features": "covariates tried at a split",
    "sample_size": "rows drawn for a tree",
    "min_samples_split": "rows of a node that is split, at least",
    "min_samples_leaf": "rows of a leaf, at least",
    "max_depth": "depth of a tree, at most",
    "seed": "of all that is drawn",
}
_WITHOUT = {"max_features": "a third of the covariates", "sample_size": "all rows", "max_depth": "no limit"}


def training_page(
    report: TrainingReport, manifest: Mapping[str, Mapping[str, object]], footer: str = ""
) -> Page:
    """The report; `manifest` says what the forests came from, `footer` is the last line."""
    page = Page("Random forests of soil moisture", _subtitle(report.mode, report.scores))
    _scores(page, report.mode, report.scores)
    _pictures(page, report.scores)
    _importance(page, report)
    _effects(page, report)
    _given(page, report.given)
    _choices(page, report.mode, report.settings)
    _left_out(page, report.mode, report.skipped)
    return page.manifest(manifest).footer(footer)


def _subtitle(mode: str, scores: Mapping[Key, OobScores]) -> Text:
    if mode not in _NOUNS:
        return text("One forest of {}", counted(next(iter(scores.values())).n, "row"))
    words = counted(len(scores), _NOUNS[mode][:-1]) + ", one forest each"
    dates = sorted(key for key in scores if isinstance(key, dt.date))
    return words + f", {period_text(dates)}" if dates else words


def _scores(page: Page, mode: str, scores: Mapping[Key, OobScores]) -> None:
    page.heading("Out-of-bag scores")
    if mode not in _NOUNS:
        score = next(iter(scores.values()))
        named = [(label, score_text(getattr(score, name))) for name, label in SCORE_LABELS.items()]
        page.table(("score", "value"), named)
        page.paragraph(_POOLED_CAUTION)
    else:
        found = summarise_scores(scores.values())
        rows = []
        for name, label in SCORE_LABELS.items():
            each = found[name]
            if each.n:
                rows.append((label, text("{:,}", each.n), *spread_texts(each)))
        page.table(("score", _NOUNS[mode], *SPREAD_HEADS), rows)
        page.paragraph(_CAUTIONS[mode])
    _intervals(page, mode, scores)
    page.paragraph(
        "A low error on SMAP's cells is not skill at 100 m. 'Cross-validate models' gives the honest figure."
    )


def _intervals(page: Page, mode: str, scores: Mapping[Key, OobScores]) -> None:
    """What intervals of maps hold out of bag, where models keep what these are made from."""
    found = [score for score in scores.values() if math.isfinite(score.held)]
    if not found:
        return
    held, before, width = (
        float(np.mean([getattr(score, name) for score in found])) for name in ("held", "held_before", "width")
    )
    page.paragraph(
        text(
            "Intervals of maps (INTERVALS of 'Downscale') that are to hold {:.0f} %: out of bag they held "
            "{:.1f} % of SMAP's values, with a mean width of {} {}",
            100 * COVER,
            100 * held,
            fixed(width, ".3f"),
            UNIT,
        )
        + (text(" (means over {})", counted(len(found), _NOUNS[mode][:-1])) if mode in _NOUNS else "")
        + text(
            ". Those of the quantile forest alone held {:.1f} %; their ends are moved by one factor a "
            "forest, and each block of cells is counted with the factor of the others. They are checked at "
            "the cell, among cells that lie close together; far from all cells, and at the pixel, they hold "
            "less.",
            100 * before,
        )
    )


def _pictures(page: Page, scores: Mapping[Key, OobScores]) -> None:
    dates = sorted(key for key in scores if isinstance(key, dt.date))
    cells = sorted(key for key in scores if isinstance(key, CellKey))
    keys: Sequence[Key] = dates or cells
    rmse, r2 = (np.array([getattr(scores[key], name) for key in keys]) for name in ("rmse", "r2"))
    if dates:
        page.picture(
            oob_by_date(dates, rmse, r2),
            "Out-of-bag RMSE and R² of each date",
            f"Grey: the accuracy of SMAP itself, 0.04-0.06 {UNIT}.",
        )
    elif cells:
        metres = all(cell.x is not None and cell.y is not None for cell in cells)
        centres = [(cell.x, cell.y) if metres else (cell.col, cell.row) for cell in cells]
        x, y = np.array(centres, np.float64).T
        page.picture(
            oob_by_cell(x, y, rmse, r2, metres),
            "Map of the out-of-bag RMSE and R² of each cell",
            "One square per cell that has a forest.",
        )


def _importance(page: Page, report: TrainingReport) -> None:
    mode, summary = report.mode, report.importance_summary()
    if not summary:
        return
    names = [row.covariate for row in summary]
    if mode in _NOUNS:
        values = [row.median for row in summary]
        ends = [(row.q25, row.q75) for row in summary]
        covered = f"median and quartiles over the {_NOUNS[mode]}"
        head: tuple[str, ...] = ("covariate", _NOUNS[mode], "mean", "SD", "median", "25 %", "75 %")
        rows: list[tuple[str, ...]] = [
            (row.covariate, text("{:,}", row.n_forests), *map(_tiny, numbers))
            for row, numbers in ((row, (row.mean, row.sd, row.median, row.q25, row.q75)) for row in summary)
        ]
    else:
        own, found = next(iter(report.importance.values()))
        sd = dict(zip(own, found.sd.tolist()))
        values = [row.mean for row in summary]
        ends = [(row.mean - sd[row.covariate], row.mean + sd[row.covariate]) for row in summary]
        covered = "mean and SD over the repeats"
        head = ("covariate", "mean", "SD over the repeats")
        rows = [(row.covariate, _tiny(row.mean), _tiny(sd[row.covariate])) for row in summary]
    low, high = np.array(ends).T
    page.heading("Importance of the covariates").picture(
        importance_figure(
            names,
            [ImportanceSeries(mode, 1e6 * np.array(values), 1e6 * low, 1e6 * high, COLOURS[0], MARKERS[0])],
            f"rise of the mean square error, 10$^{{-6}}$ (m$^3$ m$^{{-3}}$)$^2$ ({covered})",
        ),
        "Importance of the covariates, most important on top",
        "Permutation importance (Breiman 2001): the rise of the out-of-bag mean square error of the trees "
        "when the values of one covariate are shuffled. Of covariates that hold the same information, each "
        "stands in for the other, and both look less important than they are.",
    )
    page.table(head, rows, "Rise of the mean square error, 10⁻⁶ (m³ m⁻³)²")


def _effects(page: Page, report: TrainingReport) -> None:
    if not report.effects:
        return
    rank = {row.covariate: number for number, row in enumerate(report.importance_summary())}
    effects = sorted(report.effects, key=lambda one: (rank.get(one.covariate, len(rank)), -one.reach))
    noun, asked = _NOUNS.get(report.mode, ""), len(report.samples)
    page.heading("Which way soil moisture goes with each covariate").picture(
        effects_figure(effects[:_MOST_EFFECTS]),
        "Accumulated local effects of the covariates, most important first",
        (text("Line: median; band: quartiles over {}. ", counted(asked, noun[:-1])) if noun else Text())
        + "Accumulated local effects (Apley & Zhu 2020): how far soil moisture lies from its mean as one "
        "covariate changes and the others are as in the rows of about that value. The marks on the axis part "
        "the rows evenly; where they are far apart, few rows stand behind the line. It shows what the "
        "forests do, not what governs soil moisture: of covariates that go together, they may follow either.",
    )
    page.facts([(one.covariate, effect_text(one, report.mode)) for one in effects[:_MOST_EFFECTS]])
    if len(effects) > _MOST_EFFECTS:
        page.paragraph(text("{} more are in the table EFFECTS alone.", len(effects) - _MOST_EFFECTS))


def effect_text(effect: Effect, mode: str) -> Text:
    """Which way soil moisture goes with a covariate, in a sentence."""
    unit, change = f" {effect.unit}" if effect.unit else "", fixed(effect.reach, ".3f")
    places = (0, -1, int(np.argmin(effect.median)), int(np.argmax(effect.median)))
    first, last, lowest, highest = (number_text(effect.values[place]) + unit for place in places)
    if effect.reach < _HARDLY:
        return text("soil moisture hardly changes from {} to {}.", first, last)
    if effect.is_one_way:
        way = "rises" if effect.net > 0 else "falls"
        words = text("soil moisture {} by {} {} from {} to {}", way, change, UNIT, first, last)
    else:
        words = text("soil moisture is lowest at {} and highest at {}", lowest, highest)
        words += text(", {} {} apart; it rises and falls on the way", change, UNIT)
    if mode not in _NOUNS:
        return words + "."
    on, things = ("on" if mode == BY_DATE else "in"), counted(effect.falling, _NOUNS[mode][:-1])
    return words + text("; from end to end it rises {} {} and falls {} {}.", on, effect.rising, on, things)


def _given(page: Page, settings: Any) -> None:
    if settings is None:
        return
    rows = [
        (
            name,
            _MEANING.get(name, ""),
            _WITHOUT.get(name, "none") if value is None else text("{}", value),
        )
        for name, value in settings.as_dict().items()
    ]
    heads = ("hyper-parameter", "what it is", "value")
    page.heading("Hyper-parameters (the paper's Table 5)").table(heads, rows)


def _choices(page: Page, mode: str, chosen: Mapping[Key, ForestSettings]) -> None:
    if not chosen:
        return
    votes = Counter(
        (s.n_estimators, s.max_features, s.min_samples_split, s.sample_size) for s in chosen.values()
    )
    rows = [
        (
            "a third" if values[1] is None else text("{}", values[1]),
            text("{}", values[2]),
            text("{}", values[0]),
            "all" if values[3] is None else text("at most {:,}", values[3]),
            text("{:,}", count),
        )
        for values, count in votes.most_common(_MOST_CHOICES)
    ]
    head = ("max_features", "min_samples_split", "n_estimators", "sample_size", _NOUNS.get(mode, "forests"))
    page.heading("Hyper-parameters that were chosen").table(head, rows)
    if len(votes) > len(rows):
        page.paragraph(
            text("{:,} more were chosen less often; all are in the table of scores.", len(votes) - len(rows))
        )
    page.paragraph(
        "Of each grid, those with the lowest out-of-bag RMSE. The lowest of several errors is by chance a "
        "little lower than what new rows will show; the nested figure of 'Cross-validate models' is not."
    )


def _left_out(page: Page, mode: str, skipped: Mapping[Key, str]) -> None:
    if skipped:
        counts = Counter(skipped.values()).most_common(_MOST_CHOICES)
        page.heading("What has no forest").table(
            ("reason", _NOUNS.get(mode, "forests")),
            [(reason, text("{:,}", count)) for reason, count in counts],
        )


def _tiny(value: float) -> Text:
    return fixed(1e6 * value, ".2f")
