"""The report of a cross-validation: one HTML file that needs no network and prints on A4."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ...base.words import counted
from ...methods.keys import POOLED, key_label
from ...report.figure import SOIL_MOISTURE_UNIT
from ...report.interval_figures import importance_figure
from ...report.number_text import UNIT, fixed
from ...report.page import Page
from .figures import WORST_CELLS, importance_series, scores_by_date, scores_over_cells
from .fold_figure import fold_map, fold_times
from .numbers.results import RainSeries, ValidationRun
from .numbers.schemes import UNIT_NOUNS, scheme_text
from .numbers.summary import CELLS, DATES, OVER, SummaryRow, by_unit, summarise_rises, uneven_folds
from .rain_figure import rain_by_date
from .report_numbers import add_headline, add_summary, subtitle
from .scatter_figure import observed_predicted, observed_predicted_pooled

_LINES = "Dashed: 1:1. Solid: least-squares line of observed on predicted, with its slope."
_MOST_CANDIDATES = 20
_MOST_LEFT_OUT = 30


def crossvalidation_page(
    run: ValidationRun,
    summary: Sequence[SummaryRow],
    rain: Sequence[RainSeries],
    manifest: Mapping[str, Mapping[str, object]],
    footer: str = "",
) -> Page:
    """The report.

    Parameters
    ----------
    run : ValidationRun
    summary : sequence of SummaryRow
    rain : sequence of RainSeries
        Dated covariates of rain.
    manifest : mapping
        What the results came from: sections (inputs, versions, settings) of names and values.
    footer : str
        The last line.
    """
    page = Page("Cross-validation of the forests", subtitle(run))
    add_headline(page, run, summary)
    page.warnings(uneven_folds(run.results, run.settings.block_km))
    _rain(page, rain)
    _dates(page, run)
    _cells(page, run)
    add_summary(page, run, summary)
    _scatters(page, run)
    _importance(page, run)
    _folds(page, run)
    _choices(page, run)
    _left_out(page, run)
    return page.manifest(manifest).footer(footer)


def _rain(page: Page, rain: Sequence[RainSeries]) -> None:
    for series in rain:
        page.heading(f"Rain by date: {series.name} (the paper's Fig. 2)").picture(
            rain_by_date(series),
            f"{series.name} of all cells and their median by date",
            "Grey: each cell of the regression matrix. Thick: their median.",
        )


def _dates(page: Page, run: ValidationRun) -> None:
    settings = run.settings
    if DATES not in OVER[settings.mode]:
        return
    scores = {scheme: by_unit(run.results, scheme, DATES) for scheme in settings.schemes}
    scores = {scheme: found for scheme, found in scores.items() if found.units}
    repeated = ", mean (and of up to 120 dates SD) over the repeats" if settings.repeats > 1 else ""
    page.heading("Scores by date (the paper's Fig. 4)").picture(
        scores_by_date(scores, settings.block_km),
        "RMSE and R² of each date, by the kind of folds",
        f"Pooled over the folds of a repeat{repeated}. Grey: the accuracy of SMAP itself, 0.04-0.06 {UNIT}; "
        "an error below it, measured against SMAP, says nothing of the error in the field.",
    )


def _cells(page: Page, run: ValidationRun) -> None:
    settings = run.settings
    if CELLS not in OVER[settings.mode]:
        return
    scores = {scheme: by_unit(run.results, scheme, CELLS) for scheme in settings.schemes}
    scores = {scheme: found for scheme, found in scores.items() if found.units}
    page.heading("Scores of the cells").picture(
        scores_over_cells(scores, settings.block_km),
        "RMSE and R² of the cells in ascending order, by the kind of folds",
        "Each line runs through all cells from the lowest score to the highest. Grey: the accuracy of SMAP "
        f"itself, 0.04-0.06 {UNIT}. The worst {WORST_CELLS} % of R² may lie below the figure: where soil "
        "moisture hardly varies, R² has no bottom.",
    )


def _scatters(page: Page, run: ValidationRun) -> None:
    settings = run.settings
    if settings.mode == POOLED:
        page.heading("Observed against predicted").picture(
            observed_predicted_pooled(
                [result for scheme in settings.schemes for result in run.kept(scheme)], settings.block_km
            ),
            "Observed against predicted soil moisture, by the kind of folds",
            f"First repeat. {_LINES} Of many rows the density is drawn, darker for more.",
        )
        return
    noun = OVER[settings.mode][0]
    for scheme in settings.schemes:
        kept = list(run.kept(scheme))
        if not kept:
            continue
        name = scheme_text(scheme, settings.block_km)
        which = f"The first {len(kept)} {noun}" if len(kept) > 1 else f"The first {noun[:-1]}"
        page.heading(f"Observed against predicted, {name} (the paper's Fig. B1)").picture(
            observed_predicted(kept, scheme),
            f"Observed against predicted soil moisture, {name}",
            f"{which}, first repeat; each row was predicted by a forest that did not see it. {_LINES}",
        )


def _importance(page: Page, run: ValidationRun) -> None:
    rows = summarise_rises(run.results, run.settings, run.covariate_names)
    if not rows:
        return
    noun = OVER[run.settings.mode][0]
    spread = "" if run.settings.mode == POOLED else f" Median and quartiles over the {noun}."
    page.heading("Importance of the covariates").picture(
        importance_figure(
            *importance_series(rows, run.settings.schemes, run.settings.block_km),
            f"rise of the RMSE, {SOIL_MOISTURE_UNIT}",
        ),
        "Rise of the RMSE where a covariate is permuted",
        "How much the RMSE of the held-out rows of the first repeat rises when the values of one covariate "
        f"are shuffled among them.{spread} Covariates that tell the same share their importance.",
    )


def _folds(page: Page, run: ValidationRun) -> None:
    block_km, pictures = run.settings.block_km, run.pictures
    mapped = [picture for picture in pictures if picture.place is not None]
    timed = [picture for picture in pictures if picture.days.size]
    if mapped:
        whose = key_label(mapped[0].piece.unit)
        page.heading("Folds on a map").picture(
            fold_map(mapped, block_km),
            "Map of the folds of the first repeat",
            f"{whose[:1].upper()}{whose[1:]}, first repeat: each colour (and number) is a fold, held out as "
            "a whole. Where blocks begin is drawn anew for each repeat.",
        )
    if timed:
        whose = key_label(timed[0].piece.unit)
        page.heading("Folds in time").picture(
            fold_times(timed, block_km),
            "Fold of each date",
            f"{whose[:1].upper()}{whose[1:]}, first repeat: the dates of a line are held out together.",
        )


def _choices(page: Page, run: ValidationRun) -> None:
    candidates, p = run.settings.candidates, run.results[0].choices[0].covariates
    page.heading("Hyper-parameters")
    if not run.settings.tuned:
        page.paragraph(f"No grid was given: {candidates[0].text(p)}.")
        return
    schemes = run.settings.schemes
    votes = {scheme: Counter[int]() for scheme in schemes}
    for result in run.results:
        votes[result.piece.scheme].update(choice.candidate for choice in result.choices)
    order = sorted(range(len(candidates)), key=lambda index: (-votes[schemes[0]][index], index))
    rows = []
    for index in order[:_MOST_CANDIDATES]:
        shares = [100 * votes[scheme][index] / max(sum(votes[scheme].values()), 1) for scheme in schemes]
        rows.append((candidates[index].text(p), *(fixed(share, ".0f") + " %" for share in shares)))
    head = ["chosen", *(scheme_text(scheme, run.settings.block_km) for scheme in schemes)]
    page.paragraph(
        "Share of the held-out folds whose forests were grown with these. They were chosen for each fold by "
        f"the RMSE of {run.settings.inner_folds} inner folds of its training part: no held-out cell took "
        "part in its own choice."
    ).table(head, rows)
    if len(candidates) > len(rows):
        page.paragraph(f"{len(candidates) - len(rows):,} more were chosen less often.")


def _left_out(page: Page, run: ValidationRun) -> None:
    lines = [(key_label(unit), reason) for unit, reason in sorted(run.skipped.items())]
    lines += [
        (f"{key_label(piece.unit)}, {piece.scheme}, repeat {piece.repeat}", reason)
        for piece, reason in sorted(run.failed.items())
    ]
    dropped = sum(run.dropped.values())
    if not lines and not dropped:
        return
    page.heading("What was left out")
    if dropped:
        page.paragraph(f"{counted(dropped, 'row')} without all covariates.")
    if lines:
        page.table((UNIT_NOUNS[run.settings.mode], "reason"), lines[:_MOST_LEFT_OUT])
    if len(lines) > _MOST_LEFT_OUT:
        page.paragraph(f"... and {len(lines) - _MOST_LEFT_OUT:,} more; all are in the table of scores.")
