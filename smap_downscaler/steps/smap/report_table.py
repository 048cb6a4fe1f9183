"""The report of an import: one row per date, kept as CSV."""

from __future__ import annotations

import csv
import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...base.spreadsheet import inert
from ...geo.datasets import whole_file
from .numbers.screening import Screened, Summary, summarise
from .source import Item

REPORT_NAME = "report.csv"
REPORT_FIELDS = (
    "date", "file", "status", "reason", "valid_cells", "min", "mean", "max",
    "retrieved", "out_of_range", "failed_quality",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """What the report says of a date."""

    date: dt.date
    source: str
    status: str
    reason: str
    summary: Summary
    retrieved: int
    out_of_range: int
    failed_quality: int


def make_row(item: Item, status: str, found: Screened) -> Row:
    """The row of a date whose status is "written", "kept" or "skipped"."""
    reason = _why_empty(found) if status == "skipped" else ""
    return Row(
        item.date,
        Path(item.path).name,
        status,
        reason,
        summarise(found.values),
        found.retrieved,
        found.out_of_range,
        found.failed_quality,
    )


def _why_empty(found: Screened) -> str:
    if not found.retrieved:
        return "no retrieval in the study area"
    return (
        f"no valid cell in the study area: of {found.retrieved} retrievals {found.out_of_range} are out of "
        f"range and {found.failed_quality} of too low quality"
    )


def write_report(path: Path, rows: Sequence[Row]) -> Path:
    """Write the report, whole or not at all."""
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(REPORT_FIELDS)
        for row in rows:
            summary = row.summary
            about = (row.date.isoformat(), inert(row.source), row.status, row.reason, summary.valid)
            numbers = (_number(value) for value in (summary.minimum, summary.mean, summary.maximum))
            writer.writerow([*about, *numbers, row.retrieved, row.out_of_range, row.failed_quality])
    return path


def _number(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""
