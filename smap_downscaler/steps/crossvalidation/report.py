"""The report of a cross-validation: one HTML file that needs no network and prints on A4."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence

from ...base.dates import period_text
from ...base.seasons_of_year import ALL, DRY, WET
from ...base.words import counted, text
from ...methods.base import COVER
from ...methods.keys import POOLED, key_label
from ...report.figure import SOIL_MOISTURE_UNIT
from ...report.interval_figures import importance_figure
from ...report.number_text import SCORE_FORMULAS, SCORE_LABELS, SPREAD_HEADS, UNIT, fixed, spread_texts
from ...report.page import Page
from ..rain.figures import rain_by_date
from ..rain.numbers.by_date import RainSeries
from .figures import (
    WORST_CELLS,
    fold_map,
    fold_times,
    importance_series,
    observed_predicted,
    scores_by_date,
    scores_over_cells,
)
from .numbers.folds import BLOCKS, CELLS, DATES, PERIODS, ROWS, scheme_text
from .numbers.pieces import COVERAGE
from .numbers.results import (
    SummaryRow,
    ValidationRun,
    score_names,
    scores_of,
    summarise_rises,
    uneven_folds,
)

_LINES = "Dashed: 1:1. Solid: least-squares line of observed on predicted, with its slope."
_MOST_CANDIDATES = 20
_MOST_LEFT_OUT = 30
_LABELS = {**SCORE_LABELS, COVERAGE: "coverage of the intervals"}


def crossvalidation_page(
    run: ValidationRun,
    summary: Sequence[SummaryRow],
    rain: Sequence[RainSeries],
    manifest: Mapping[str, Mapping[str, object]],
    footer: str = "",
) -> Page:
    """The report; `manifest` says what the results came from, in sections of names and values."""
    page = Page(f"Cross-validation of the {run.settings.method.noun}s", _subtitle(run))
    _headline(page, run, summary)
    page.warnings([*run.warnings, *uneven_folds(run.results, run.settings)])
    for series in rain:
        page.heading(f"Rain of the matrix by date: {series.name}").picture(
            rain_by_date(series),
            f"{series.name} of the cells of the matrix and their median by date",
            "Grey: each cell of the regression matrix; blue: their median. These are only the cells and "
            "dates that SMAP saw; the rain of all days and cells (the paper's Fig. 2) is in the report of "
            "'Regression matrix'. A date between two without a value is a dot.",
        )
    _scores(page, run)
    _summary(page, run, summary)
    _formulas(page, run)
    _scatters(page, run)
    _importance(page, run)
    _folds(page, run)
    _choices(page, run)
    _left_out(page, run)
    return page.manifest(manifest).footer(footer)


def _subtitle(run: ValidationRun) -> str:
    settings = run.settings
    if settings.mode == POOLED:
        what = text(
            "{} of all dates and cells, one {}", counted(run.results[0].n, "row"), settings.method.noun
        )
    else:
        days = [key for key in run.keys if isinstance(key, dt.date)]
        period = f", {period_text(days)}" if days else ""
        what = text(
            "{}{}, a {} each", counted(len(run.keys), settings.words.key), period, settings.method.noun
        )
    return text("{}; {folds} folds, {}", what, counted(settings.repeats, "repeat"), folds=settings.folds)


def _headline(page: Page, run: ValidationRun, summary: Sequence[SummaryRow]) -> None:
    """The scores that matter most, and how to read them."""
    settings = run.settings
    over, pooled = settings.words.over[0], settings.mode == POOLED
    found = {(row.scheme, row.score): row.spread for row in summary if row.season == ALL and row.over == over}
    rows = []
    has_intervals = COVERAGE in score_names(run.results)
    for scheme in settings.schemes:
        rmse, r2 = found[scheme, "rmse"], found[scheme, "r2"]
        # Of pooled rows, those that the first repeat predicted.
        first = next((result.n for result in run.results if result.piece.scheme == scheme), 0)
        name, count = scheme_text(scheme, settings.block_km), first if pooled else rmse.n
        covered = [fixed(found[scheme, COVERAGE].median, ".3f")] if has_intervals else []
        numbers = fixed(rmse.median, ".4f"), fixed(r2.median, ".3f"), *covered
        rows.append((name, *numbers, text("{:,}", count)))
    kind = "" if pooled else "median "
    heads = [f"{kind}RMSE, {UNIT}", f"{kind}R²", *([f"{kind}coverage"] if has_intervals else [])]
    page.table(("folds", *heads, "rows" if pooled else over), rows)
    if has_intervals:
        page.paragraph(
            text(
                "Coverage: share of the held-out rows that lie within their interval, which is to hold "
                "{:.0f} % of them. It is checked at SMAP's cells, with SMAP's noise in the interval; at the "
                "pixels of a map, intervals hold less.",
                100 * COVER,
            )
        )
    days = counted(settings.period, "day")
    if BLOCKS in settings.schemes:
        page.paragraph(
            "SMAP sees about 30 km at once: under random folds a cell is told by its "
            "own neighbours, which flatters the maps. Blocks keep the neighbours out, and are the more "
            "honest figure."
        )
    elif PERIODS in settings.schemes:
        page.paragraph(
            text(
                "Soil moisture of one day is much like that of the next: under random folds a day is told by "
                "its own neighbours. Held-out periods of {} say how well gaps of that length are filled.",
                days,
            )
        )
    elif settings.whole_cells:
        words = (
            "Random folds hold out single cells, on all their dates: SMAP sees about 30 km at once, so that "
            "a cell is told by its own neighbours, which flatters the maps."
        )
        stricter = " Blocks keep the neighbours out, and are the more honest figure."
        page.paragraph(words + (stricter if settings.block_km else ""))
    elif pooled:
        page.paragraph(
            text(
                "Under random folds the forest has seen the same cell on other dates, and the same date in "
                "other cells. Held-out locations say how well it tells cells that it never saw; held-out "
                "locations and dates ({} together; leave-location-and-time-out, Meyer et al. 2018) how well "
                "it tells both. Only the rows of held-out locations on held-out dates are scored there.",
                days,
            )
        )
    page.paragraph("A low error on SMAP's cells is not skill at 100 m.")


def _scores(page: Page, run: ValidationRun) -> None:
    """Scores by date, and of the cells, where the mode has them."""
    settings = run.settings
    for over in settings.words.over:
        scores = {scheme: scores_of(run.results, scheme, over) for scheme in settings.schemes}
        scores = {scheme: found for scheme, found in scores.items() if found.keys}
        if not scores:
            # Pooled rows of a few dates: no cell has enough to be scored by itself.
            continue
        if over == DATES:
            repeated = (
                ", mean over the repeats (with SD where there are at most 120 dates)"
                if settings.repeats > 1
                else ""
            )
            page.heading("Scores by date (the paper's Fig. 4)").picture(
                scores_by_date(scores, settings.block_km),
                "RMSE and R² of each date, by the kind of folds",
                f"Pooled over the folds of a repeat{repeated}. Grey: the accuracy of SMAP itself, 0.04-0.06 "
                f"{UNIT}; an error below it, measured against SMAP, says nothing of the error in the field.",
            )
        elif over == CELLS:
            page.heading("Scores of the cells").picture(
                scores_over_cells(scores, settings.block_km),
                "RMSE and R² of the cells in ascending order, by the kind of folds",
                text(
                    "Each line runs through all cells from the lowest score to the highest. Grey: the "
                    "accuracy of SMAP itself, 0.04-0.06 {}. The worst {} % of R² may lie below the figure: "
                    "where soil moisture hardly varies, R² has no bottom.",
                    UNIT,
                    WORST_CELLS,
                ),
            )


def _summary(page: Page, run: ValidationRun, summary: Sequence[SummaryRow]) -> None:
    """All scores by season."""
    settings = run.settings
    for number, over in enumerate(settings.words.over):
        rows, before = [], ""
        own = [row for row in summary if row.over == over and (row.spread.n or row.season == ALL)]
        for row in sorted(own, key=lambda row: list(_LABELS).index(row.score)):
            label, spread = _LABELS[row.score], row.spread
            name, first = scheme_text(row.scheme, settings.block_km), "" if label == before else label
            rows.append((first, name, row.season, text("{:,}", spread.n), *spread_texts(spread)))
            before = label
        table_6 = "" if number else " (the paper's Table 6)"
        page.heading(f"Scores over {over if over == ROWS else f'the {over}'}, and by season{table_6}")
        if over != ROWS:
            page.table(("score", "folds", "season", over, *SPREAD_HEADS), rows)
        else:
            page.table(("score", "folds", "season", "value"), [(*row[:3], row[4]) for row in rows])
    for season in (WET, DRY):
        if not any(row.season == season for row in summary):
            page.paragraph(f"All rows are of the {season} season, so that it has no scores of its own.")
    page.paragraph(
        "SD with n - 1 and IQR over the dates or cells, each being the mean of its repeats. Bias is "
        "predicted - observed. R² is negative where the mean of all rows would tell more than the "
        f"{settings.method.noun}."
    )


def _formulas(page: Page, run: ValidationRun) -> None:
    noun = run.settings.words.key if run.settings.mode != POOLED else ""
    rows = [(SCORE_LABELS[name], *words) for name, words in SCORE_FORMULAS.items()]
    page.heading("Metrics (the paper's Table 4)").table(("score", "formula", "what it says"), rows)
    page.paragraph(
        f"o: soil moisture that SMAP observed; p: predicted by a {run.settings.method.noun} that did not see "
        f"the row; n: {f'rows of a {noun}' if noun else 'rows'} in all folds of a repeat; a bar: their mean. "
        "The paper's R² mixes 1 - SSE/SST and the squared Pearson r, which are two scores here."
    )


def _scatters(page: Page, run: ValidationRun) -> None:
    settings = run.settings
    kept = {scheme: run.kept(scheme) for scheme in settings.schemes}
    if settings.mode == POOLED:
        results = [result for own in kept.values() for result in own]
        titles = [scheme_text(result.piece.scheme, settings.block_km) for result in results]
        page.heading("Observed against predicted").picture(
            observed_predicted(results, titles),
            "Observed against predicted soil moisture, by the kind of folds",
            f"First repeat. {_LINES} Of many rows the density is drawn, darker for more.",
        )
        return
    for scheme, results in kept.items():
        if not results:
            continue
        name, noun = scheme_text(scheme, settings.block_km), settings.words.key
        which = text("The first {}", counted(len(results), noun) if len(results) > 1 else noun)
        page.heading(f"Observed against predicted, {name} (the paper's Fig. B1)").picture(
            observed_predicted(results, [key_label(result.piece.key) for result in results]),
            f"Observed against predicted soil moisture, {name}",
            which
            + f", first repeat; each row was predicted by a {settings.method.noun} that did not see it. "
            + _LINES,
        )


def _importance(page: Page, run: ValidationRun) -> None:
    settings = run.settings
    rows = summarise_rises(run.results, settings, run.covariate_names)
    if not rows:
        return
    spread = f" Median and quartiles over the {settings.words.over[0]}." if settings.mode != POOLED else ""
    series = importance_series(rows, settings.schemes, settings.block_km)
    page.heading("Importance of the covariates").picture(
        importance_figure(*series, f"rise of the RMSE, {SOIL_MOISTURE_UNIT}"),
        "Rise of the RMSE where a covariate is permuted",
        "How much the RMSE of the held-out rows of the first repeat rises when the values of one covariate "
        f"are shuffled among them.{spread} Covariates that tell the same share their importance.",
    )


def _folds(page: Page, run: ValidationRun) -> None:
    block_km = run.settings.block_km
    mapped = [picture for picture in run.pictures if picture.place is not None]
    timed = [picture for picture in run.pictures if picture.days.size]
    whose = key_label(run.pictures[0].piece.key) if run.pictures else ""
    whose = f"{whose[:1].upper()}{whose[1:]}, first repeat"
    if mapped:
        page.heading("Folds on a map").picture(
            fold_map(mapped, block_km),
            "Map of the folds of the first repeat",
            f"{whose}: each colour (and number) is a fold, held out as a whole. Where blocks begin is drawn "
            "anew for each repeat.",
        )
    if timed:
        page.heading("Folds in time").picture(
            fold_times(timed, block_km),
            "Fold of each date",
            f"{whose}: the dates of a line are held out together.",
        )


def _choices(page: Page, run: ValidationRun) -> None:
    candidates, p = run.settings.candidates, run.results[0].choices[0].covariates
    if not run.settings.method.tunable and not run.settings.tuned:
        page.heading("Settings").paragraph(candidates[0].text(p))
        return
    page.heading("Hyper-parameters")
    if not run.settings.tuned:
        page.paragraph(text("No grid was given: {}.", candidates[0].text(p)))
        return
    schemes = run.settings.schemes
    votes = {scheme: Counter[int]() for scheme in schemes}
    for result in run.results:
        votes[result.piece.scheme].update(choice.candidate for choice in result.choices)
    order = sorted(range(len(candidates)), key=lambda index: (-votes[schemes[0]][index], index))
    rows = []
    for index in order[:_MOST_CANDIDATES]:
        shares = [100 * own[index] / max(sum(own.values()), 1) for own in votes.values()]
        rows.append((candidates[index].text(p), *(text("{:.0f} %", share) for share in shares)))
    head = ["chosen", *(scheme_text(scheme, run.settings.block_km) for scheme in schemes)]
    page.paragraph(
        text(
            "Share of the held-out folds whose forests were grown with these. They were chosen for each fold "
            "by the RMSE of {} inner folds of its training part: no held-out cell took part in its own "
            "choice.",
            run.settings.inner_folds,
        )
    ).table(head, rows)
    if len(candidates) > len(rows):
        page.paragraph(text("{:,} more were chosen less often.", len(candidates) - len(rows)))


def _left_out(page: Page, run: ValidationRun) -> None:
    lines = [
        (f"{key_label(key)}, {scheme}, repeat {repeat}" if scheme else key_label(key), reason)
        for (key, scheme, repeat), reason in run.left_out()
    ]
    dropped = sum(run.dropped.values())
    if not lines and not dropped:
        return
    page.heading("What was left out")
    if dropped:
        page.paragraph(text("{} without all covariates.", counted(dropped, "row")))
    if lines:
        page.table((run.settings.words.key, "reason"), lines[:_MOST_LEFT_OUT])
    if len(lines) > _MOST_LEFT_OUT:
        page.paragraph(
            text("... and {:,} more; all are in the table of scores.", len(lines) - _MOST_LEFT_OUT)
        )
