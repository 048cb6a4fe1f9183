"""The report of a field validation: one HTML file that needs no network and prints on A4."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from operator import itemgetter

from ...base.seasons_of_year import ALL
from ...base.words import Text, counted, text
from ...preflight.layer_check import Preflight
from ...preflight.report import add_preflight
from ...report.figure import SOIL_MOISTURE_UNIT
from ...report.interval_figures import MOST_LINES
from ...report.number_text import UNIT, fixed, with_interval
from ...report.page import Page
from .figures import (
    MOST_BOXES,
    MOST_SERIES,
    beside_smap,
    by_group,
    errors,
    group_sources,
    scatter,
    time_series,
)
from .numbers.groups import CLASS, MONTH, SEASON, Group
from .numbers.readings import Pairs
from .numbers.validation import DIFFERENCE, MAP, MAP_COMMON, MEAN, POOLED, SMAP, VALIDATED, MetricRow

_SOURCES = {
    MAP: "map",
    MAP_COMMON: "map, days with SMAP",
    SMAP: "SMAP cell",
    DIFFERENCE: "map - SMAP",
}
_MOST_ROWS = 60
_HEADERS = (
    "source", "days", "pairs", "effective days", "slope", "intercept", "r", "Spearman", "RMSE", "MAE", "bias",
    "ubRMSE",
)  # fmt: skip
_METRICS = ("slope", "intercept", "pearson", "spearman", "rmse", "mae", "bias", "ubrmse")
#: The columns of tables by group, and the metrics in them.
_UNITS = f"Intercept, RMSE, MAE, bias and ubRMSE in {UNIT}."
_GROUP_HEADERS = {
    "bias": f"bias, {UNIT}",
    "rmse": f"RMSE, {UNIT}",
    "ubrmse": f"ubRMSE, {UNIT}",
    "pearson": "r",
}
_GROUP_CAPTIONS = {
    CLASS: "A class holds its lower end, the last one both. Within a class r is low, for its narrow range.",
    MONTH: "Months of all years together.",
}
#: What errors of their own do to classes.
_SELECTION = (
    "Classes are cut by the {by}'s value. What it has of its own gathers values that are too high in the "
    "wettest class, and values that are too low in the driest: the map comes out too {wettest} there and "
    "too {driest} here even where it has no such error (regression to the mean). CLASSED_BY {other} errs the "
    "other way round, 'mean of both' least where both are equally sure; what all three show is the map's."
)
_SELECTION_OF = {
    "field": _SELECTION.format(by="field", wettest="dry", driest="wet", other="map"),
    "map": _SELECTION.format(by="map", wettest="wet", driest="dry", other="field"),
    "mean of both": "Classes are cut by the mean of field and map, so that what each has of its own does not "
    "decide which class a pair is in, where both are equally sure (regression to the mean).",
}


def field_page(
    pairs: Sequence[Pairs],
    rows: Sequence[MetricRow],
    left_out: Mapping[str, str],
    anomalies: str,
    before: Preflight,
    manifest: Mapping[str, Mapping[str, object]],
    footer: str = "",
    groups: Sequence[Group] = (),
    classed_by: str = "field",
) -> Page:
    """The report.

    Parameters
    ----------
    pairs : sequence of Pairs
        As compared: soil moisture, or anomalies.
    rows : sequence of MetricRow
    left_out : mapping of str to str
        Stations without a pair, and why.
    anomalies : str
        Of `climatology.ANOMALIES`.
    before : Preflight
    manifest : mapping
        What the results came from: sections of names and values.
    footer : str
    groups : sequence of Group
        By class of soil moisture, month and season.
    classed_by : str
        Of `groups.CLASSED_BY`.
    """
    days = [day for part in pairs for day in part.days[part.used].tolist()]
    what = (
        "Maps against the field"
        if anomalies == "none"
        else f"Maps against the field, anomalies ({anomalies})"
    )
    counts = counted(len(pairs), "station"), counted(len(days), "pair"), counted(len(set(days)), "day")
    page = Page(what, text("{}, {} on {}", *counts))
    overall = overall_rows(rows)
    _headline(page, overall)
    _figures(page, pairs, rows, overall, "soil moisture" if anomalies == "none" else "anomaly")
    _groups(page, groups, classed_by)
    _seasons(page, rows)
    _stations(page, pairs, rows)
    if left_out:
        page.heading("Stations that could not be compared").table(
            ("station", "why"), [(name, why) for name, why in list(left_out.items())[:_MOST_ROWS]]
        )
        _more(page, len(left_out))
    _words(page, anomalies)
    add_preflight(page, before)
    return page.manifest(manifest).footer(footer)


def overall_rows(rows: Sequence[MetricRow], season: str = ALL) -> list[MetricRow]:
    """The rows of all stations together, or of the only one."""
    own = [row for row in rows if row.season == season]
    return [row for row in own if row.station == POOLED] or own


def _headline(page: Page, overall: Sequence[MetricRow]) -> None:
    page.table(_HEADERS, [_cells(row) for row in overall], _UNITS)
    judgement = verdict(overall)
    if judgement:
        page.paragraph(judgement)
    for row in overall:
        if row.status != VALIDATED and row.source == MAP:
            page.warnings([text("{}: {}.", _SOURCES[row.source], row.status)])


def verdict(overall: Sequence[MetricRow]) -> Text:
    """Whether the map is nearer to the field than the raw SMAP cell, in a sentence; empty without SMAP."""
    row = next((row for row in overall if row.source == DIFFERENCE), None)
    if row is None or not math.isfinite(row.value("rmse")):
        return Text()
    change, interval = row.value("rmse"), row.interval("rmse")
    found = text(
        "On the {days} that both have, the map's RMSE is {difference:.4f} {unit} {way} than that of the SMAP "
        "cell",
        days=counted(row.n_days, "day"),
        difference=abs(change),
        unit=UNIT,
        way="lower" if change < 0 else "higher",
    )
    if not math.isfinite(interval.lower):
        return found + "; so few days do not show whether that is chance."
    ends = fixed(interval.lower, "+.4f"), fixed(interval.upper, "+.4f")
    found += text(" (95 % interval of the difference {} to {})", *ends)
    if interval.lower <= 0 <= interval.upper:
        return found + ", which may be chance, so these readings do not show that downscaling helped."
    return found + f": here downscaling {'helped' if change < 0 else 'made it worse'}."


def _cells(row: MetricRow) -> tuple[str, ...]:
    days = text("{:,}", row.n_days) if row.n_days else ""
    counts = (days, text("{:,}", row.n), fixed(row.n_effective, ".0f"))
    return (_SOURCES[row.source], *counts, *(_with_interval(row, metric) for metric in _METRICS))


def _with_interval(row: MetricRow, metric: str) -> str:
    form = ".2f" if metric in ("slope", "pearson", "spearman") else ".4f"
    if row.source == DIFFERENCE or metric == "bias":
        form = f"+{form}"
    return with_interval(row, metric, form)


def _figures(
    page: Page,
    pairs: Sequence[Pairs],
    rows: Sequence[MetricRow],
    overall: Sequence[MetricRow],
    quantity: str,
) -> None:
    shown = [row for row in overall if row.source in (MAP, SMAP) and row.values]
    if any(row.source == MAP for row in shown):
        page.heading("Map against field (the paper's Fig. 9)").picture(
            scatter(pairs, shown),
            "Scatter of map and SMAP against the field",
            "Dashed: 1:1. Solid: least-squares line of the map (or SMAP) on the field, which is a mean of "
            "few points and has an error of its own: the slope comes out too low for that.",
        )
    which = text("The {} stations with most days. ", MOST_SERIES) if len(pairs) > MOST_SERIES else ""
    page.heading("Time series (the paper's Fig. 8)").picture(
        time_series(pairs, quantity),
        f"{quantity.capitalize()} of field, map and SMAP by date, and the signed error of the map",
        which + "Field: the day's mean with the SD of its readings (ddof 1). Below each: map - field.",
    )
    boxes = text(" The {} stations with most days.", MOST_BOXES) if len(pairs) > MOST_BOXES else ""
    page.heading("Errors").picture(
        errors(pairs),
        "Signed and absolute error of the map",
        "Above: map - field, positive where the map is too wet. Below: its absolute value." + boxes,
    )
    both = [row for row in rows if row.season == ALL and row.source in (MAP_COMMON, SMAP) and row.values]
    both = [row for row in both if row.station != MEAN]
    names = list(dict.fromkeys(row.station for row in both))
    more = text(" The first {} stations.", MOST_LINES) if len(names) > MOST_LINES + 1 else ""
    names = [*[name for name in names if name != POOLED][:MOST_LINES], POOLED]
    both = [row for row in both if row.station in names]
    if both:
        page.heading("Did downscaling help?").picture(
            beside_smap(both),
            "RMSE, ubRMSE and correlation of map and SMAP at each station",
            "Map and SMAP cell on the same days, with 95 % intervals where they are defined." + more,
        )


def _groups(page: Page, groups: Sequence[Group], classed_by: str) -> None:
    """By class of soil moisture, month and season: a figure, and tables of classes and months."""
    of = {by: [each for each in groups if each.by == by] for by in (CLASS, MONTH, SEASON)}
    if not any(group.rows[0].n for group in of[CLASS]):
        return
    # A lone month is all there is.
    of[MONTH] = of[MONTH] if len(of[MONTH]) > 1 else []
    whose = {"mean of both": "mean of field and map"}.get(classed_by, classed_by)
    labels = {CLASS: f"soil moisture ({whose}), {SOIL_MOISTURE_UNIT}", MONTH: "month", SEASON: "season"}
    page.heading("By class of soil moisture, month and season").picture(
        by_group({labels[by]: found for by, found in of.items() if found}),
        "Bias, RMSE and number of pairs by class of soil moisture, month and season",
        "All stations together, with 95 % intervals where they are defined; below: how many pairs each "
        "number rests on (those of the map are written).",
    )
    worst = _worst(of[CLASS])
    if worst:
        page.paragraph(worst)
    page.paragraph(_SELECTION_OF[classed_by])
    sources = [*group_sources(groups), DIFFERENCE]
    for by, found in ((CLASS, of[CLASS]), (MONTH, of[MONTH])):
        cells = [
            (group.name, *_group_cells(row))
            for group in found
            for row in group.rows
            if row.n and row.source in sources
        ]
        if cells:
            head = (f"class, {UNIT}" if by == CLASS else "month", "source", "days", "pairs")
            page.table((*head, *_GROUP_HEADERS.values(), "note"), cells, _GROUP_CAPTIONS[by])


def _group_cells(row: MetricRow) -> tuple[str, ...]:
    days = text("{:,}", row.n_days) if row.n_days else ""
    metrics = (_with_interval(row, metric) for metric in _GROUP_HEADERS)
    return (_SOURCES[row.source], days, text("{:,}", row.n), *metrics, _status_text(row))


def _worst(classes: Sequence[Group]) -> Text:
    """In which class the map's RMSE is lowest, and in which highest; empty where fewer than two have one."""
    known = [
        (row.value("rmse"), group.name, row)
        for group in classes
        for row in group.rows
        if row.source == MAP and math.isfinite(row.value("rmse"))
    ]
    if len(known) < 2:
        return Text()
    (_, low, lowest), (_, high, highest) = min(known, key=itemgetter(0)), max(known, key=itemgetter(0))
    return text(
        "The map's RMSE is lowest in the class {} ({} {unit}, {}) and highest in {} ({} {unit}, {}).",
        low,
        _with_interval(lowest, "rmse"),
        counted(lowest.n, "pair"),
        high,
        _with_interval(highest, "rmse"),
        counted(highest.n, "pair"),
        unit=UNIT,
    )


def _seasons(page: Page, rows: Sequence[MetricRow]) -> None:
    seasons = [season for season in dict.fromkeys(row.season for row in rows) if season != ALL]
    if not seasons:
        return
    cells = [(season, *_cells(row)) for season in seasons for row in overall_rows(rows, season) if row.n]
    page.heading("By season").table(("season", *_HEADERS), cells, _UNITS)


def _stations(page: Page, pairs: Sequence[Pairs], rows: Sequence[MetricRow]) -> None:
    if len(pairs) < 2:
        return
    own = [row for row in rows if row.season == ALL and row.source == MAP and row.station != POOLED]
    # The mean over all of them comes first.
    own.sort(key=lambda row: row.station != MEAN)
    cells = [(row.station, *_cells(row)[1:], _status_text(row)) for row in own[:_MOST_ROWS]]
    page.heading("By station").table(("station", *_HEADERS[1:], "note"), cells, _UNITS)
    _more(page, len(own))


def _status_text(row: MetricRow) -> str:
    return "" if row.status == VALIDATED else row.status


def _more(page: Page, count: int) -> None:
    if count > _MOST_ROWS:
        page.paragraph(text("{:,} more are in the table of metrics.", count - _MOST_ROWS))


def _words(page: Page, anomalies: str) -> None:
    page.heading("What the numbers mean").paragraph(
        f"In {UNIT} but for slope and correlations. Error: map - field. RMSE, MAE, bias = mean error, "
        "ubRMSE = SD (ddof 0) of the errors. In brackets 95 % intervals by a moving-block bootstrap, which "
        "keeps the likeness of neighbouring days; effective days: n (1 - a) / (1 + a), a being the lag-1 "
        "autocorrelation of the error. All stations: all pairs together, blocks of days drawn for all of "
        "them at once; the mean of stations counts each once."
    )
    if anomalies != "none":
        page.paragraph(
            "Field, map and SMAP are each compared as anomalies from their own seasons, so that the bias is "
            "near zero by construction and correlations are about weeks, not the time of the year."
        )
    page.paragraph(
        "A station stands for some square decimetres, a pixel for a hectare: part of each error is the "
        "field's own variation, and no map can be compared with so few points without it."
    )
