"""Figures of a field validation over all days: map against field, map beside SMAP (the paper's Fig. 9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...base.words import counted
from ...report.figure import COLOURS, MARKERS, SOIL_MOISTURE_UNIT, new_figure, png
from ...report.interval_figures import interval_figure
from ...report.number_text import fixed
from .figures import DAYS_WITH_LINES
from .numbers.pairs import Pairs
from .numbers.validation import MAP, MAP_COMMON, SMAP, MetricRow

_NAMES = {MAP: "map", MAP_COMMON: "map", SMAP: "SMAP"}
_MAP = COLOURS[0]


def scatter(pairs: Sequence[Pairs], rows: Sequence[MetricRow]) -> bytes:
    """Map (and SMAP) against the field with the 1:1 and the fitted line: a PNG.

    Parameters
    ----------
    pairs : sequence of Pairs
    rows : sequence of MetricRow
        Of all pairs and seasons together: of the map, and of SMAP where it is shown.
    """
    figure = new_figure(3.6 if len(rows) > 1 else 4.0)
    axes = figure.subplots(1, max(len(rows), 2), squeeze=False, sharex=True, sharey=True)[0]
    for axis in axes[len(rows) :]:
        axis.set_visible(False)
    ends = _ends(pairs, rows)
    for axis, row in zip(axes, rows):
        _cloud(axis, pairs, row)
        _lines(axis, pairs, row, ends)
        axis.set_title(f"{_NAMES[row.source]}, {counted(row.n, 'pair')}", fontsize=9)
        axis.set_xlim(*ends)
        axis.set_ylim(*ends)
        axis.set_aspect("equal")
        axis.tick_params(labelsize=7.5)
        axis.set_xlabel(f"field, {SOIL_MOISTURE_UNIT}", fontsize=8.5)
    shown = "map or SMAP" if len(rows) > 1 else "map"
    axes[0].set_ylabel(f"{shown}, {SOIL_MOISTURE_UNIT}", fontsize=8.5)
    if 1 < len(pairs) <= len(COLOURS):
        axes[0].legend(fontsize=7.5, ncol=4, frameon=False, loc="upper left", bbox_to_anchor=(-0.1, -0.17))
    return png(figure)


def _used(part: Pairs, source: str) -> np.ndarray:
    return part.used if source == MAP else part.common


def _of(part: Pairs, source: str) -> np.ndarray:
    return part.other if source == SMAP and part.other is not None else part.map


def _ends(pairs: Sequence[Pairs], rows: Sequence[MetricRow]) -> tuple[float, float]:
    """The range of all that is drawn, with a margin."""
    values = []
    for row in rows:
        for part in pairs:
            used = _used(part, row.source)
            sd = np.nan_to_num(part.sd[used]) if row.n <= DAYS_WITH_LINES else 0.0
            values += [part.field[used] - sd, part.field[used] + sd, _of(part, row.source)[used]]
    low, high = float(np.min(np.concatenate(values))), float(np.max(np.concatenate(values)))
    margin = 0.05 * (high - low or 0.1)
    return low - margin, high + margin


def _cloud(axis: Any, pairs: Sequence[Pairs], row: MetricRow) -> None:
    size = float(np.clip(900 / max(row.n, 1), 2.0, 26.0))
    apart = 1 < len(pairs) <= len(COLOURS)
    for number, part in enumerate(pairs):
        used = _used(part, row.source)
        sd = part.sd[used]
        if row.n <= DAYS_WITH_LINES and np.isfinite(sd).any():
            axis.errorbar(
                part.field[used], _of(part, row.source)[used], xerr=np.nan_to_num(sd), fmt="none",
                ecolor="#999999", elinewidth=0.7, zorder=1,
            )  # fmt: skip
        axis.scatter(
            part.field[used], _of(part, row.source)[used], s=size, alpha=0.65, linewidths=0.3,
            edgecolors="white" if size > 8 else "none", color=COLOURS[number] if apart else _MAP,
            marker=MARKERS[number] if apart else MARKERS[0], label=part.station,
        )  # fmt: skip


def _lines(axis: Any, pairs: Sequence[Pairs], row: MetricRow, ends: tuple[float, float]) -> None:
    axis.plot(ends, ends, color="black", linewidth=0.8, linestyle="--")
    slope, intercept = row.value("slope"), row.value("intercept")
    if np.isfinite(slope):
        x = np.concatenate([part.field[_used(part, row.source)] for part in pairs])
        across = np.array([x.min(), x.max()])
        axis.plot(across, intercept + slope * across, color="black", linewidth=1.3)
    told = [
        (label, fixed(row.value(metric), places))
        for label, metric, places in (
            ("slope", "slope", ".2f"),
            ("r", "pearson", ".2f"),
            ("RMSE", "rmse", ".3f"),
            ("bias", "bias", "+.3f"),
            ("ubRMSE", "ubrmse", ".3f"),
        )
    ]
    axis.text(
        0.03, 0.97, "\n".join(f"{label} {text}" for label, text in told if text), transform=axis.transAxes,
        va="top", fontsize=7.5, bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.5},
    )  # fmt: skip


def beside_smap(rows: Sequence[MetricRow]) -> bytes:
    """Metrics of map and SMAP on the days that both have, with intervals, a line a station: a PNG.

    Parameters
    ----------
    rows : sequence of MetricRow
        Rows of `MAP_COMMON` and `SMAP`, the same stations of each.
    """
    labels = {"rmse": f"RMSE, {SOIL_MOISTURE_UNIT}", "ubrmse": f"ubRMSE, {SOIL_MOISTURE_UNIT}"}
    labels["pearson"] = "Pearson r"
    series = {
        _NAMES[source]: {
            (row.station, metric): (row.value(metric), row.interval(metric))
            for row in rows
            if row.source == source
            for metric in labels
        }
        for source in (MAP_COMMON, SMAP)
    }
    return interval_figure(list(dict.fromkeys(row.station for row in rows)), series, labels)
