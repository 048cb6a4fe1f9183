"""The tables of a field validation (pairs and metrics) and of a triple collocation."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...base.progress import SILENT, Progress
from ...base.seasons_of_year import ALL
from ...tables.geopackage import DATE, INTEGER, REAL, TEXT, create_table
from .numbers.collocation import MEMBERS, RESULTS, TripleRow
from .numbers.groups import Group
from .numbers.metrics import METRICS
from .numbers.readings import Pairs
from .numbers.validation import MAP, MetricRow


def write_pairs(
    path: str | Path, raw: Sequence[Pairs], compared: Sequence[Pairs], progress: Progress = SILENT
) -> None:
    """Write one row per station and day with reading and map; also anomalies where they were compared.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {"station": TEXT, "date": DATE, "field": REAL, "field_sd": REAL, "field_n": INTEGER}
    fields |= dict.fromkeys(("map", "error", "absolute_error", "smap", "smap_error"), REAL)
    as_anomalies = any(one is not other for one, other in zip(raw, compared))
    if as_anomalies:
        fields |= dict.fromkeys(("field_anomaly", "map_anomaly", "smap_anomaly"), REAL)
    with create_table(path, "field_validation", fields, progress=progress) as table:
        for part, other in zip(raw, compared):
            table.write(_pair_rows(part, other if as_anomalies else None))


def _pair_rows(part: Pairs, beside: Pairs | None) -> Iterator[tuple[Any, ...]]:
    error = part.map - part.field
    columns = [part.field.tolist(), part.sd.tolist(), part.count.tolist()]
    columns += [part.map.tolist(), error.tolist(), abs(error).tolist()]
    none = [None] * len(part.days)
    if part.other is None:
        columns += [none, none]
    else:
        columns += [part.other.tolist(), (part.other - part.field).tolist()]
    if beside is not None:
        columns += [beside.field.tolist(), beside.map.tolist()]
        columns += [none if beside.other is None else beside.other.tolist()]
    for day, *values in zip(part.days.tolist(), *columns):
        yield (part.station, dt.date.fromordinal(day).isoformat(), *values)


def write_metrics(path: str | Path, rows: Sequence[MetricRow], left_out: Mapping[str, str]) -> None:
    """Write one row per station, season and source, and one with the reason per station that was left out.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    with create_table(path, "metrics", {"station": TEXT, "season": TEXT, **_metric_fields()}) as table:
        table.write((row.station, row.season, *_metric_row(row)) for row in rows)
        missing = (MetricRow(name, ALL, MAP, 0, 0, 0, status=why) for name, why in left_out.items())
        table.write((row.station, row.season, *_metric_row(row)) for row in missing)


def write_groups(path: str | Path, groups: Sequence[Group]) -> None:
    """Write one row per group and source: what it is grouped by, its name, the ends of a class, metrics.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {"station": TEXT, "grouped_by": TEXT, "name": TEXT, "lower": REAL, "upper": REAL}
    with create_table(path, "metrics_by_group", {**fields, **_metric_fields()}) as table:
        for group in groups:
            ends = [end if math.isfinite(end) else None for end in (group.lower, group.upper)]
            about = (group.by, group.name, *ends)
            table.write((row.station, *about, *_metric_row(row)) for row in group.rows)


def _metric_fields() -> dict[str, int]:
    fields = {"source": TEXT, "n": INTEGER, "n_days": INTEGER, "n_stations": INTEGER}
    fields |= {"n_effective": REAL, "block_errors": INTEGER, "block_lines": INTEGER}
    for metric in METRICS:
        fields |= dict.fromkeys((metric, f"{metric}_lower", f"{metric}_upper"), REAL)
    return {**fields, "status": TEXT}


def _metric_row(row: MetricRow) -> tuple[Any, ...]:
    numbers: list[float] = []
    for metric in METRICS:
        interval = row.interval(metric)
        numbers += [row.value(metric), interval.lower, interval.upper]
    counts = (row.n, row.n_days, row.n_stations, row.n_effective, row.block_errors, row.block_lines)
    return (row.source, *counts, *numbers, row.status)


def write_triples(
    path: str | Path, rows: Sequence[TripleRow], names: Mapping[str, str], left_out: Mapping[str, str]
) -> None:
    """Write one row per station and member, and one with the reason per station that was left out.

    Parameters
    ----------
    path : path
    rows : sequence of TripleRow
    names : mapping
        What each of `MEMBERS` is called.
    left_out : mapping

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {"station": TEXT, "member": TEXT, "name": TEXT, "n": INTEGER, "block": INTEGER}
    fields |= {"n_stations": INTEGER}
    for result in RESULTS:
        fields |= dict.fromkeys((result, f"{result}_lower", f"{result}_upper"), REAL)
    fields["status"] = TEXT
    with create_table(path, "triple_collocation", fields) as table:
        table.write(_triple_rows(rows, names))
        missing = [TripleRow(name, MEMBERS[0], 0, 0, 0, status=why) for name, why in left_out.items()]
        table.write(_triple_rows(missing, names))


def _triple_rows(rows: Sequence[TripleRow], names: Mapping[str, str]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        numbers: list[float] = []
        for result in RESULTS:
            interval = row.interval(result)
            numbers += [row.value(result), interval.lower, interval.upper]
        counts = row.n, row.block, row.n_stations
        yield (row.station, row.member, names[row.member], *counts, *numbers, row.status)
