"""Gap filling on real data, a section of tools/NUMBERS.md: forests by cell beside what needs no forest."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Optional

import numpy as np

from real_cases import AUSTRALIAN_CELLS, conus_series, spread, western_australia_series
from smap_downscaler.methods.features import FeatureSettings
from smap_downscaler.methods.forest.method import RANDOM_FOREST
from smap_downscaler.methods.forest.settings import PAPER
from smap_downscaler.methods.keys import key_number
from smap_downscaler.steps.gaps.numbers.cell import CellSeries
from smap_downscaler.steps.gaps.numbers.hidden import HidingSettings, hide_and_fill
from smap_downscaler.steps.gaps.numbers.scores import (
    CLIMATOLOGY,
    FOREST,
    LINEAR,
    MEDIAN,
    HiddenDays,
    score_gaps,
)
from smap_downscaler.steps.gaps.numbers.verdict import filled_by_distance, overall, weighted_rmse

#: Does what `map` does, maybe in other processes.
CellMap = Callable[
    [Callable[[CellSeries], Optional[HiddenDays]], Sequence[CellSeries]], Iterable[Optional[HiddenDays]]
]
#: Cells that a process is given at once.
_CELLS_A_TASK = 4
PERIODS = (3, 5, 10)
#: Covariates that forests have beside the rain: what the tables call them.
FEATURES = {
    "day of year": FeatureSettings(day_of_year=True),
    "day of year, neighbours": FeatureSettings(day_of_year=True, neighbours=True),
}
_PLAIN = {LINEAR: "linear interpolation", CLIMATOLOGY: "climatology"}


def filled_gaps(data: Path, _folder: Path) -> list[str]:
    """Runs of days hidden and filled again, beside linear interpolation and climatology, on all cores."""
    # Growing many small forests is Python at work, of which a process does one thing at a time.
    with ProcessPoolExecutor(os.cpu_count() or 1, get_context("spawn")) as pool:
        return gaps_section(data, partial(pool.map, chunksize=_CELLS_A_TASK))


def gaps_section(data: Path, mapping: CellMap = map, cells: int = 412) -> list[str]:
    """The section of the numbers on gap filling, lines of Markdown.

    Parameters
    ----------
    data : path
        The folder of real data.
    mapping : callable
        See `CellMap`.
    cells : int
        Most cells of each series, spread evenly.
    """
    states, australia = conus_series(data), western_australia_series(data)
    some = min(cells, AUSTRALIAN_CELLS)
    sets = {
        "United States, SMAP 36 km AM, 2015-04 to 2016-03, rain of 1, 3, 10 and 30 days": (
            spread(states, cells)
        ),
        f"W. Australia, SMAP 9 km AM and PM, 45 dates of 2020, {some} of {len(australia):,} cells, no rain": (
            spread(australia, some)
        ),
    }
    lines = [
        "## Filling gaps",
        "",
        "Runs of 3, 5 and 10 days are hidden in five goes, forests by cell (100 trees, the paper's preset) "
        "grown without them, and the hidden days predicted (`fillgaps`, leave-period-out). Pooled: all days "
        "of all cells with enough days. Median: over the cells; its R2 tells the course in time. m3 m-3. "
        "RMSE as gaps: that of the pooled days if they lay as far from an observation as the days do that "
        "SMAP did not see. "
        "Six weeks (W. Australia) tell no wave of the year: the climatology is the mean of the cell there.",
    ]
    for title, series in sets.items():
        print(f"  {title}", flush=True)
        lines += ["", f"### {title}", "", *_table(series, mapping)]
    return lines


def _table(series: Sequence[CellSeries], mapping: CellMap) -> list[str]:
    lines = [
        "| hidden days | method | cells | days | RMSE | RMSE as gaps | MAE | bias | ubRMSE | R2 "
        "| median RMSE | median R2 | cells better than linear |",
        "|---:|---|" + "---:|" * 11,
    ]
    for period in PERIODS:
        for number, (name, features) in enumerate(FEATURES.items()):
            begun = time.monotonic()
            results = _hidden(series, features, period, mapping)
            told = f"{len(series):,} cells, runs of {period} days, {name}"
            print(f"    {told}: {time.monotonic() - begun:.0f} s", flush=True)
            wanted = {FOREST: f"forest ({name})"}
            # What needs no forest is the same whatever the forests have.
            gaps = _real_gaps(series, results)
            lines += _rows(results, {**(_PLAIN if number == 0 else {}), **wanted}, period, gaps)
    return [_where(gaps), "", *lines]


def _where(gaps: dict[str, int]) -> str:
    """Where the real gaps lie, in words."""
    total = sum(gaps.values())
    if not total:
        return "No day of the scored cells lacks an observation."
    told = ", ".join(f"{100 * count / total:.0f} % {name}" for name, count in gaps.items() if count)
    return (
        f"The {total:,} days of the scored cells with all covariates and no observation, by days to the "
        f"nearest one: {told}."
    )


def _hidden(
    series: Sequence[CellSeries], features: FeatureSettings, period: int, mapping: CellMap
) -> list[HiddenDays]:
    work = partial(_hide, features=features, period=period)
    return [found for found in mapping(work, series) if found is not None]


def _real_gaps(series: Sequence[CellSeries], results: Sequence[HiddenDays]) -> dict[str, int]:
    """The days without an observation of the scored cells, by their distance to one, summed over the cells.

    As a run of `fillgaps` over the period of the series would fill them, where all rain is there.
    """
    scored = {result.cell for result in results}
    gaps: Counter[str] = Counter()
    for one in series:
        if (one.key.row, one.key.col) in scored:
            seen = one.seen[:, np.newaxis]
            gaps.update(filled_by_distance(one.days, seen, ~seen & _whole(one)))
    return dict(gaps)


def _whole(series: CellSeries) -> np.ndarray:
    """Days with all dated covariates: bool, shape (n, 1)."""
    return np.isfinite(series.dynamic).all(axis=1)[:, np.newaxis]


def _hide(series: CellSeries, features: FeatureSettings, period: int) -> HiddenDays | None:
    names = (*series.names, *features.names)
    return hide_and_fill(
        (series.key.row, series.key.col),
        series.days[series.seen],
        series.observed[series.seen],
        lambda hidden: series.covariates(names, features, series.seen, hidden),
        (RANDOM_FOREST, PAPER, key_number(series.key)),
        HidingSettings(period),
    ).hidden


def _rows(
    results: Sequence[HiddenDays], methods: dict[str, str], period: int, gaps: dict[str, int]
) -> list[str]:
    scores = score_gaps(results)
    pooled, medians = overall(scores), overall(scores, MEDIAN)
    lines = []
    for method, text in methods.items():
        row, middle = pooled[method], medians[method]
        wins = sum(result.score(method, "rmse") < result.score(LINEAR, "rmse") for result in results)
        told = "" if method == LINEAR else f"{100 * wins / len(results):.0f} %"
        numbers = (row.rmse, weighted_rmse(scores, gaps, method), row.mae, row.bias, row.ubrmse)
        listed = " | ".join(f"{number:.4f}" for number in numbers)
        lines.append(
            f"| {period} | {text} | {row.cells:,} | {row.n:,} | {listed} | {row.r2:.3f} "
            f"| {middle.rmse:.4f} | {middle.r2:.3f} | {told} |"
        )
    return lines
