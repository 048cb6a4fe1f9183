"""Figures of a field validation: by date and station, and map and SMAP against the field (Figs. 8, 9)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...base.words import counted, joined, text
from ...report.figure import (
    COLOURS,
    MARKERS,
    SOIL_MOISTURE_UNIT,
    date_axis,
    legend_above,
    light_grid,
    new_figure,
    png,
)
from ...report.interval_figures import interval_figure
from ...report.number_text import fixed
from .numbers.groups import Group
from .numbers.readings import Pairs
from .numbers.validation import MAP, MAP_COMMON, SMAP, MetricRow

#: Of many stations those with most days are drawn.
MOST_SERIES, MOST_BOXES = 6, 40
#: Longer series are drawn without lines and error bars.
DAYS_WITH_LINES = 150
_MOST_BARS = 60
_FIELD, _MAP, _SMAP = COLOURS[7], COLOURS[0], COLOURS[1]
_NAMES = {MAP: "map", MAP_COMMON: "map", SMAP: "SMAP"}
#: How far apart the sources of a group stand.
_APART = 0.25
#: The sources of figures by group, with their names, colours and marks.
_OF_GROUPS = {
    MAP: ("map", _MAP, MARKERS[0]),
    MAP_COMMON: ("map, days with SMAP", COLOURS[5], MARKERS[1]),
    SMAP: ("SMAP cell", _SMAP, MARKERS[2]),
}


def most_days(pairs: Sequence[Pairs], count: int) -> list[Pairs]:
    """The stations with most days, in their own order."""
    chosen = sorted(pairs, key=lambda part: -int(part.used.sum()))[:count]
    return [part for part in pairs if any(part is other for other in chosen)]


def time_series(pairs: Sequence[Pairs], quantity: str = "soil moisture") -> bytes:
    """Field, map and SMAP of each station, and below them the map's signed error: a PNG."""
    shown = most_days(pairs, MOST_SERIES)
    height = 4.2 if len(shown) == 1 else 1.6 * len(shown) + 0.4
    figure = new_figure(height)
    panels = figure.subplots(
        2 * len(shown), 1, squeeze=False, sharex=True, gridspec_kw={"height_ratios": [2.4, 1] * len(shown)}
    ).ravel()
    for upper, lower, part in zip(panels[::2], panels[1::2], shown):
        _series(upper, part)
        _signed(lower, part)
        upper.set_title(part.station, fontsize=8.5, loc="left", pad=3)
    panels[0].legend(fontsize=7.5, frameon=False, ncol=3, loc="lower right", bbox_to_anchor=(1, 1.0))
    date_axis(panels[-1], [date for part in shown for date in _dates(part.days[part.used])])
    figure.supylabel(f"{quantity}; map - field, {SOIL_MOISTURE_UNIT}", fontsize=9)
    return png(figure)


def _dates(days: np.ndarray) -> list[dt.date]:
    return [dt.date.fromordinal(day) for day in days.tolist()]


def _series(axis: Any, part: Pairs) -> None:
    days, few = part.days, len(part.days) <= DAYS_WITH_LINES
    style = {"markersize": 4.5 if few else 2.0, "linewidth": 0.9 if few else 0.0, "elinewidth": 0.8}
    sd = np.where(np.isfinite(part.sd), part.sd, 0.0)
    axis.errorbar(
        _dates(days), part.field, yerr=sd if few else None, color=_FIELD, marker=MARKERS[1], capsize=2,
        label="field (SD of its readings)" if few and (sd > 0).any() else "field", **style,
    )  # fmt: skip
    axis.errorbar(
        _dates(days[part.used]), part.map[part.used], color=_MAP, marker=MARKERS[0], label="map", **style
    )
    if part.other is not None:
        seen = np.isfinite(part.other)
        axis.errorbar(
            _dates(days[seen]), part.other[seen], color=_SMAP, marker=MARKERS[2], label="SMAP cell",
            **{**style, "linewidth": 0.0},
        )  # fmt: skip
    _plain(axis)


def _signed(axis: Any, part: Pairs) -> None:
    error = (part.map - part.field)[part.used]
    dates = _dates(part.days[part.used])
    axis.axhline(0, color="#444444", linewidth=0.8)
    axis.vlines(dates, 0, error, color=_MAP, linewidth=3.0 if len(dates) <= 30 else 0.8)
    largest = float(np.max(np.abs(error), initial=0.0)) or 0.01
    axis.set_ylim(-1.15 * largest, 1.15 * largest)
    _plain(axis)


def _plain(axis: Any) -> None:
    light_grid(axis, "y")
    axis.set_axisbelow(True)
    axis.tick_params(labelsize=7.5)


def errors(pairs: Sequence[Pairs]) -> bytes:
    """Signed and absolute error of the map: by day of one station, else one box per station: a PNG."""
    figure = new_figure(4.2)
    upper, lower = figure.subplots(2, 1, sharex=True)
    if len(pairs) == 1 and int(pairs[0].used.sum()) <= _MOST_BARS:
        _bars(upper, lower, pairs[0])
    else:
        _boxes(upper, lower, most_days(pairs, MOST_BOXES))
    upper.axhline(0, color="#444444", linewidth=0.8)
    upper.set_ylabel(f"map - field, {SOIL_MOISTURE_UNIT}", fontsize=8.5)
    lower.set_ylabel(f"|map - field|, {SOIL_MOISTURE_UNIT}", fontsize=8.5)
    lower.set_ylim(bottom=0)
    for axis in (upper, lower):
        _plain(axis)
    return png(figure)


def _bars(upper: Any, lower: Any, part: Pairs) -> None:
    dates = _dates(part.days[part.used])
    error = (part.map - part.field)[part.used]
    bars = np.arange(len(dates))
    upper.bar(bars, error, color=[COLOURS[0] if value >= 0 else COLOURS[1] for value in error], width=0.6)
    lower.bar(bars, np.abs(error), color="#666666", width=0.6)
    if len(dates) <= 12:
        for bar, value in zip(bars, error):
            upper.annotate(fixed(value, "+.3f"), (bar, value), ha="center", fontsize=7.5,
                           va="bottom" if value >= 0 else "top")  # fmt: skip
            lower.annotate(
                fixed(abs(value), ".3f"), (bar, abs(value)), ha="center", va="bottom", fontsize=7.5
            )
    upper.margins(y=0.18)
    lower.margins(y=0.18)
    shown = bars[:: -(-len(dates) // 20)]
    lower.set_xticks(shown)
    lower.set_xticklabels([dates[bar].isoformat() for bar in shown], rotation=40, ha="right")


def _boxes(upper: Any, lower: Any, shown: Sequence[Pairs]) -> None:
    signed = [(part.map - part.field)[part.used] for part in shown]
    for axis, values in ((upper, signed), (lower, [np.abs(each) for each in signed])):
        axis.boxplot(
            values,
            widths=0.6,
            flierprops={"marker": ".", "markersize": 2, "markeredgecolor": "#888888"},
            medianprops={"color": COLOURS[1], "linewidth": 1.4},
            boxprops={"linewidth": 0.8},
            whiskerprops={"linewidth": 0.8},
        )
    lower.set_xticks(np.arange(1, len(shown) + 1))
    lower.set_xticklabels([part.station for part in shown], rotation=60 if len(shown) > 8 else 30, ha="right")


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
        axis.set_title(text("{}, {}", _NAMES[row.source], counted(row.n, "pair")), fontsize=9)
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
    numbers = [
        (label, fixed(row.value(metric), form))
        for label, metric, form in (
            ("slope", "slope", ".2f"),
            ("r", "pearson", ".2f"),
            ("RMSE", "rmse", ".3f"),
            ("bias", "bias", "+.3f"),
            ("ubRMSE", "ubrmse", ".3f"),
        )
    ]
    lines = joined("\n", (text("{} {}", label, number) for label, number in numbers if number))
    axis.text(
        0.03, 0.97, lines, transform=axis.transAxes, va="top", fontsize=7.5,
        bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.5},
    )  # fmt: skip


def beside_smap(rows: Sequence[MetricRow]) -> bytes:
    """Metrics of map and SMAP on the days that both have, with intervals, one line per station: a PNG.

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


def by_group(kinds: Mapping[str, Sequence[Group]]) -> bytes:
    """Bias and RMSE with their intervals, and the number of pairs, of each group and source: a PNG.

    Parameters
    ----------
    kinds : mapping of str to sequence of Group
        The groups side by side under each label of an axis.
    """
    figure = new_figure(5.4)
    widths = [max(len(groups), 2) + 0.5 for groups in kinds.values()]
    ratios = {"width_ratios": widths, "height_ratios": [2, 2, 0.9]}
    axes = figure.subplots(3, len(kinds), squeeze=False, sharex="col", sharey="row", gridspec_kw=ratios)
    sources = group_sources([group for groups in kinds.values() for group in groups])
    for column, (label, groups) in zip(axes.T, kinds.items()):
        for axis, metric in zip(column, ("bias", "rmse")):
            for place, source in enumerate(sources):
                _estimates(axis, groups, source, metric, _shift(place, len(sources)))
        _counts(column[2], groups, sources)
        column[0].axhline(0, color="#444444", linewidth=0.8)
        column[2].set_xticks(range(len(groups)), [group.name for group in groups], rotation=40, ha="right")
        column[2].set_xlim(-0.6, max(len(groups), 2) - 0.4)
        column[2].set_xlabel(label, fontsize=8.5)
        for axis in column:
            _plain(axis)
    # Last: whatever of one column has more to show.
    axes[1, 0].set_ylim(bottom=0)
    axes[0, 0].set_ylabel(f"bias, {SOIL_MOISTURE_UNIT}", fontsize=8.5)
    axes[1, 0].set_ylabel(f"RMSE, {SOIL_MOISTURE_UNIT}", fontsize=8.5)
    axes[2, 0].set_ylabel("pairs", fontsize=8.5)
    legend_above(axes[0, 0], len(sources))
    # It may be wider than its column.
    axes[0, 0].get_legend().set_in_layout(False)
    figure.get_layout_engine().set(rect=(0, 0, 1, 0.96))
    figure.align_ylabels(axes[:, 0])
    return png(figure)


def group_sources(groups: Sequence[Group]) -> list[str]:
    """Map and SMAP where it is given; the map on the days with SMAP where these are not all its days."""
    counts = {
        source: [row.n for g in groups for row in g.rows if row.source == source] for source in _OF_GROUPS
    }
    same = counts[MAP] == counts[MAP_COMMON]
    return [source for source, n in counts.items() if any(n) and not (source == MAP_COMMON and same)]


def _shift(place: int, count: int) -> float:
    return _APART * (place - (count - 1) / 2)


def _estimates(axis: Any, groups: Sequence[Group], source: str, metric: str, shift: float) -> None:
    """Points at 0, 1, ... moved by `shift`, with intervals where they are defined."""
    name, colour, marker = _OF_GROUPS[source]
    rows = [(place, row) for place, group in enumerate(groups) for row in group.rows if row.source == source]
    x = np.array([place + shift for place, _ in rows])
    values = np.array([row.value(metric) for _, row in rows])
    ends = np.array([(row.interval(metric).lower, row.interval(metric).upper) for _, row in rows])
    known = np.isfinite(ends[:, 0])
    axis.vlines(x[known], *ends[known].T, color=colour, linewidth=1.1)
    axis.plot(x, values, linestyle="", marker=marker, color=colour, markersize=3.6, label=name)


def _counts(axis: Any, groups: Sequence[Group], sources: Sequence[str]) -> None:
    """Pairs of each group and source as bars, those of the map with their number."""
    largest = max(row.n for group in groups for row in group.rows)
    for place, source in enumerate(sources):
        for x, group in enumerate(groups):
            count = sum(row.n for row in group.rows if row.source == source)
            shift = _shift(place, len(sources))
            axis.bar(x + shift, count, width=_APART if len(sources) > 1 else 0.5, color=_OF_GROUPS[source][1])
            if source == MAP and count:
                number = text("{:,}", count)
                axis.annotate(number, (x + shift, count), ha="center", va="bottom", fontsize=6.5)
    axis.set_ylim(0, max(axis.get_ylim()[1], 1.35 * largest))
