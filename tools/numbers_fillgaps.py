"""Gap filling on real data: forests by cell beside linear interpolation and climatology, as Markdown tables.

python3 tools/numbers_fillgaps.py ../shared/data
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from real_cases import conus_series, western_australia_series  # noqa: E402
from smap_downscaler.core.features import FeatureSettings  # noqa: E402
from smap_downscaler.core.forest.keys import key_number  # noqa: E402
from smap_downscaler.core.forest.settings import PAPER  # noqa: E402
from smap_downscaler.core.gaps.cell import CellSeries  # noqa: E402
from smap_downscaler.core.gaps.hidden import HidingSettings, hide_and_fill  # noqa: E402
from smap_downscaler.core.gaps.scores import (  # noqa: E402
    CLIMATOLOGY,
    FOREST,
    LINEAR,
    MEDIAN,
    HiddenDays,
    score_gaps,
)
from smap_downscaler.core.gaps.verdict import overall  # noqa: E402
from smap_downscaler.core.progress import SILENT, Progress  # noqa: E402
from smap_downscaler.core.threads import ordered_map, thread_count  # noqa: E402

PERIODS = (3, 5, 10)
#: Covariates that forests have beside the rain: what the tables call them.
FEATURES = {
    "day of year": FeatureSettings(day_of_year=True),
    "day of year, neighbours": FeatureSettings(day_of_year=True, neighbours=True),
}
_PLAIN = {LINEAR: "linear interpolation", CLIMATOLOGY: "climatology"}


def fillgaps_section(data: Path, cells: int = 60, threads: int = 0) -> str:
    """The section of the numbers on gap filling, Markdown.

    Parameters
    ----------
    data : path
        The folder of real data.
    cells : int
        Cells of each series, spread evenly; 0: all (more than an hour).
    threads : int
        0: one a core.
    """
    parts = [
        "## Filling gaps",
        "",
        "Runs of 3, 5 and 10 days are hidden in five goes, forests by cell (100 trees, the paper's preset) "
        "grown without them, and the hidden days predicted (`fillgaps`, leave-period-out). Pooled: all days "
        "of all cells. Median: over the cells; its R2 tells the course in time. m3 m-3.",
    ]
    sets = {
        "United States, SMAP 36 km AM, 2015-04 to 2016-03, rain of 1, 3, 10 and 30 days": conus_series(data),
        "W. Australia, SMAP 9 km AM and PM, 45 dates of 2020, no rain": western_australia_series(data),
    }
    for title, series in sets.items():
        parts += ["", f"### {title}", "", *_table(_spread(series, cells), thread_count(threads))]
    return "\n".join(parts) + "\n"


def _spread(series: Sequence[CellSeries], most: int) -> list[CellSeries]:
    if not most or most >= len(series):
        return list(series)
    return [series[int(place)] for place in np.linspace(0, len(series) - 1, most).round()]


def _table(series: Sequence[CellSeries], threads: int) -> list[str]:
    lines = [
        "| hidden days | method | cells | days | RMSE | MAE | bias | ubRMSE | R2 | median RMSE | median R2 | "
        "cells better than linear |",
        "|---:|---|" + "---:|" * 10,
    ]
    for period in PERIODS:
        for number, (name, features) in enumerate(FEATURES.items()):
            results = _hidden(series, features, period, threads)
            wanted = {FOREST: f"forest ({name})"}
            # What needs no forest is the same whatever the forests have.
            lines += _rows(results, {**(_PLAIN if number == 0 else {}), **wanted}, period)
    return lines


def _hidden(
    series: Sequence[CellSeries], features: FeatureSettings, period: int, threads: int
) -> list[HiddenDays]:
    work = partial(_hide, features=features, period=period)
    return [found for found in ordered_map(work, series, threads, SILENT) if found is not None]


def _hide(
    series: CellSeries, progress: Progress, features: FeatureSettings, period: int
) -> HiddenDays | None:
    names = (*series.names, *features.names)
    return hide_and_fill(
        (series.key.row, series.key.col),
        series.days[series.seen],
        series.observed[series.seen],
        lambda hidden: series.covariates(names, features, series.seen, hidden),
        (PAPER, key_number(series.key)),
        HidingSettings(period),
        progress,
    )


def _rows(results: Sequence[HiddenDays], methods: dict[str, str], period: int) -> list[str]:
    scores = score_gaps(results)
    pooled, medians = overall(scores), overall(scores, MEDIAN)
    lines = []
    for method, text in methods.items():
        row, middle = pooled[method], medians[method]
        wins = sum(result.score(method, "rmse") < result.score(LINEAR, "rmse") for result in results)
        told = "" if method == LINEAR else f"{100 * wins / len(results):.0f} %"
        numbers = (row.rmse, row.mae, row.bias, row.ubrmse)
        listed = " | ".join(f"{number:.4f}" for number in numbers)
        lines.append(
            f"| {period} | {text} | {row.cells:,} | {row.n:,} | {listed} | {row.r2:.3f} "
            f"| {middle.rmse:.4f} | {middle.r2:.3f} | {told} |"
        )
    return lines


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT.parent / "shared" / "data")
    sys.stdout.write(fillgaps_section(folder, *map(int, sys.argv[2:3])))
