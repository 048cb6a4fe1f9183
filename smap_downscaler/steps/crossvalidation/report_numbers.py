"""The numbers of a cross-validation's report: what was validated, the headline, the summary (Table 6)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from ...base.dates import period_text
from ...base.seasons_of_year import ALL, DRY, WET
from ...base.words import counted
from ...methods.keys import BY_CELL, BY_DATE, POOLED
from ...report.number_text import UNIT, fixed, score_text
from ...report.page import Page
from .numbers.results import ValidationRun
from .numbers.schemes import BLOCKS, PERIODS, scheme_text
from .numbers.summary import OVER, ROWS, SummaryRow

_LABELS = {
    "rmse": f"RMSE, {UNIT}",
    "r2": "R² = 1 - SSE/SST",
    "mae": f"MAE, {UNIT}",
    "bias": f"bias, {UNIT}",
    "pearson_r2": "squared Pearson r",
}


def subtitle(run: ValidationRun) -> str:
    """What was validated, in one line."""
    settings, units = run.settings, run.units
    repeats = counted(settings.repeats, "repeat")
    if settings.mode == BY_DATE:
        days = [day for day in units if isinstance(day, dt.date)]
        what = f"{counted(len(days), 'date')}, {period_text(days)}, a forest each"
    elif settings.mode == BY_CELL:
        what = f"{counted(len(units), 'cell')}, a forest each"
    else:
        what = f"{counted(run.results[0].n, 'row')} of all dates and cells, one forest"
    return f"{what}; {settings.folds} folds, {repeats}"


def add_headline(page: Page, run: ValidationRun, summary: Sequence[SummaryRow]) -> None:
    """The scores that matter most, and how to read them."""
    settings = run.settings
    over = OVER[settings.mode][0]
    found = {(row.scheme, row.score): row.spread for row in summary if row.season == ALL and row.over == over}
    rows = []
    for scheme in settings.schemes:
        rmse, r2 = found[scheme, "rmse"], found[scheme, "r2"]
        name = scheme_text(scheme, settings.block_km)
        told = f"{rmse.n:,}" if settings.mode != POOLED else f"{_rows_of(run, scheme):,}"
        rows.append((name, fixed(rmse.median, ".4f"), fixed(r2.median, ".3f"), told))
    kind = "" if settings.mode == POOLED else "median "
    page.table(
        ("folds", f"{kind}RMSE, {UNIT}", f"{kind}R²", "rows" if settings.mode == POOLED else over), rows
    )
    if BLOCKS in settings.schemes:
        page.paragraph(
            "SMAP's 9 km cells share a footprint of about 30 km: under random folds a cell is told by its "
            "own neighbours, which flatters the maps. Blocks keep the neighbours out, and are the more "
            "honest figure."
        )
    elif PERIODS in settings.schemes:
        page.paragraph(
            "Soil moisture of one day is much like that of the next: under random folds a day is told by its "
            "own neighbours. Held-out periods of "
            f"{counted(settings.period, 'day')} say how well gaps of that length "
            "are filled."
        )
    elif settings.mode == POOLED:
        page.paragraph(
            "Under random folds the forest has seen the same cell on other dates, and the same date in other "
            "cells. Held-out locations say how well it tells cells that it never saw; held-out locations and "
            f"dates ({counted(settings.period, 'day')} together; "
            "leave-location-and-time-out, Meyer et al. 2018) how "
            "well it tells both. Only the rows of held-out locations on held-out dates are scored there."
        )
    page.paragraph("A low error on SMAP's cells is not skill at 100 m.")


def _rows_of(run: ValidationRun, scheme: str) -> int:
    """Rows that the first repeat of a scheme predicted."""
    return next((result.n for result in run.results if result.piece.scheme == scheme), 0)


def add_summary(page: Page, run: ValidationRun, summary: Sequence[SummaryRow]) -> None:
    """The summary of all scores by season."""
    settings = run.settings
    for over in OVER[settings.mode]:
        rows, before = [], ""
        told = [row for row in summary if row.over == over and (row.spread.n or row.season == ALL)]
        for row in sorted(told, key=lambda row: list(_LABELS).index(row.score)):
            label = _LABELS[row.score]
            spread = row.spread
            numbers = (spread.mean, spread.median, spread.sd, spread.iqr, spread.minimum, spread.maximum)
            name = scheme_text(row.scheme, settings.block_km)
            first = "" if label == before else label
            rows.append((first, name, row.season, f"{spread.n:,}", *map(score_text, numbers)))
            before = label
        table_6 = " (the paper's Table 6)" if over == OVER[settings.mode][0] else ""
        page.heading(f"Scores over {over if over == ROWS else f'the {over}'}, and by season{table_6}")
        if over != ROWS:
            head = ("score", "folds", "season", over, "mean", "median", "SD", "IQR", "min", "max")
            page.table(head, rows)
        else:
            page.table(("score", "folds", "season", "value"), [(*row[:3], row[4]) for row in rows])
    for season in (WET, DRY):
        if not any(row.season == season for row in summary):
            page.paragraph(f"All rows are of the {season} season, so that it has no scores of its own.")
    page.paragraph(
        "SD with n - 1 and IQR over the dates or cells, each being the mean of its repeats. Bias is "
        "predicted - observed. R² is negative where the mean of all rows would tell more than the forest."
    )
