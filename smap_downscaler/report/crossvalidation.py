"""The report of a cross-validation: one HTML file that needs no network and prints on A4."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from ..core.validation.folds import BLOCKS
from ..core.validation.results import ValidationRun
from ..core.validation.summary import ALL, DRY, WET, SummaryRow, by_date
from .crossvalidation_figures import fold_map, observed_predicted, scheme_text, scores_by_date
from .page import Page

_UNIT = "m³ m⁻³"
_LABELS = {
    "rmse": f"RMSE, {_UNIT}",
    "r2": "R² = 1 - SSE/SST",
    "mae": f"MAE, {_UNIT}",
    "bias": f"bias, {_UNIT}",
    "pearson_r2": "squared Pearson r",
}
_MOST_CANDIDATES = 20
_MOST_LEFT_OUT = 30


def crossvalidation_page(
    run: ValidationRun,
    summary: Sequence[SummaryRow],
    manifest: Mapping[str, Mapping[str, object]],
    footer: str = "",
) -> str:
    """The report as HTML.

    Parameters
    ----------
    run : ValidationRun
    summary : sequence of SummaryRow
    manifest : mapping
        What the results came from: sections (inputs, versions, settings) of names and values.
    footer : str
        The last line.
    """
    dates = run.dates
    page = Page(
        "Cross-validation of the forests",
        f"{len(dates):,} date{'s' if len(dates) > 1 else ''}, {dates[0]} to {dates[-1]}, a forest each; "
        f"{run.settings.folds} folds, {run.settings.repeats} repeat{'s' if run.settings.repeats > 1 else ''}",
    )
    _headline(page, run, summary)
    _dates(page, run)
    _summary(page, run, summary)
    _scatters(page, run)
    _folds(page, run)
    _choices(page, run)
    _left_out(page, run)
    return page.manifest(manifest).footer(footer).html()


def _headline(page: Page, run: ValidationRun, summary: Sequence[SummaryRow]) -> None:
    found = {(row.scheme, row.score): row for row in summary if row.season == ALL}
    rows = []
    for scheme in run.settings.schemes:
        rmse, r2 = found[scheme, "rmse"], found[scheme, "r2"]
        name = scheme_text(scheme, run.settings.block_km)
        rows.append((name, f"{rmse.median:.4f}", f"{r2.median:.3f}", f"{rmse.n_dates:,}"))
    page.table(("folds", f"median RMSE, {_UNIT}", "median R²", "dates"), rows)
    if BLOCKS in run.settings.schemes:
        page.paragraph(
            "SMAP's 9 km cells share a footprint of about 30 km: under random folds a cell is told by its "
            "own neighbours, which flatters the maps. Blocks keep the neighbours out, and are the more "
            "honest figure."
        )
    page.paragraph("A low error on SMAP's cells is not skill at 100 m.")


def _dates(page: Page, run: ValidationRun) -> None:
    scores = {scheme: by_date(run.results, scheme) for scheme in run.settings.schemes}
    repeated = ", mean (and of up to 120 dates SD) over the repeats" if run.settings.repeats > 1 else ""
    page.heading("Scores by date").picture(
        scores_by_date(scores, run.settings.block_km),
        "RMSE and R² of each date, random folds beside blocks",
        f"Pooled over the folds of a repeat{repeated}. Grey: the accuracy of SMAP itself, 0.04-0.06 {_UNIT}; "
        "an error below it, measured against SMAP, says nothing of the error in the field.",
    )


def _summary(page: Page, run: ValidationRun, summary: Sequence[SummaryRow]) -> None:
    found = {(row.scheme, row.season, row.score): row for row in summary}
    rows = []
    for score, label in _LABELS.items():
        told = label
        for scheme in run.settings.schemes:
            for season in (ALL, WET, DRY):
                row = found[scheme, season, score]
                if season != ALL and not row.n_dates:
                    continue
                numbers = (row.mean, row.median, row.sd, row.iqr, row.minimum, row.maximum)
                name = scheme_text(scheme, run.settings.block_km)
                rows.append((told, name, season, f"{row.n_dates:,}", *map(_number, numbers)))
                told = ""
    page.heading("Scores over the dates, and by season").table(
        ("score", "folds", "season", "dates", "mean", "median", "SD", "IQR", "min", "max"), rows
    )
    page.paragraph(
        "SD with n - 1 and IQR over the dates, each date being the mean of its repeats. Bias is predicted - "
        "observed. R² is negative where the mean of all cells would tell more than the forest."
    )


def _scatters(page: Page, run: ValidationRun) -> None:
    for scheme in run.settings.schemes:
        kept = list(run.kept(scheme))
        if not kept:
            continue
        name = scheme_text(scheme, run.settings.block_km)
        which = f"The first {len(kept)} dates" if len(kept) > 1 else "The first date"
        page.heading(f"Observed against predicted, {name}").picture(
            observed_predicted(kept, scheme),
            f"Observed against predicted soil moisture, {name}",
            f"{which}, first repeat; each cell was predicted by a forest that did not see it. Dashed: 1:1. "
            "Solid: least-squares line of observed on predicted, with its slope.",
        )


def _folds(page: Page, run: ValidationRun) -> None:
    day = run.first_day
    if day is None:
        return
    results = [
        result
        for scheme in run.settings.schemes
        for result in run.kept(scheme)
        if result.piece.date == day.date
    ]
    if results:
        page.heading("Folds on a map").picture(
            fold_map(day, results, run.settings.block_km),
            "Map of the folds of the first date",
            f"{day.date}, first repeat: each colour (and number) is a fold, held out as a whole. Where the "
            "blocks begin is drawn anew for each date and repeat.",
        )


def _choices(page: Page, run: ValidationRun) -> None:
    candidates, p = run.settings.candidates, len(run.covariates)
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
        rows.append((candidates[index].text(p), *(f"{share:.0f} %" for share in shares)))
    head = ["chosen", *(scheme_text(scheme, run.settings.block_km) for scheme in schemes)]
    page.paragraph(
        "Share of the held-out folds whose forests were grown with these. They were chosen for each fold by "
        f"the RMSE of {run.settings.inner_folds} inner folds of its training part: no held-out cell took "
        "part in its own choice."
    ).table(head, rows)
    if len(candidates) > len(rows):
        page.paragraph(f"{len(candidates) - len(rows):,} more were chosen less often.")


def _left_out(page: Page, run: ValidationRun) -> None:
    lines = [(str(date), reason) for date, reason in sorted(run.skipped.items())]
    lines += [
        (f"{piece.date}, {piece.scheme}, repeat {piece.repeat}", reason)
        for piece, reason in sorted(run.failed.items())
    ]
    dropped = sum(run.dropped.values())
    if not lines and not dropped:
        return
    page.heading("What was left out")
    if dropped:
        page.paragraph(f"{dropped:,} rows that lack a covariate.")
    if lines:
        page.table(("date", "reason"), lines[:_MOST_LEFT_OUT])
    if len(lines) > _MOST_LEFT_OUT:
        page.paragraph(f"... and {len(lines) - _MOST_LEFT_OUT:,} more; all are in the table of scores.")


def _number(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else ""
