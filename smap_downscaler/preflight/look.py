"""The look before layers are joined: one row a layer, warnings for what a user should not miss."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..base.errors import InputError
from ..base.progress import Progress
from ..geo.datasets import same_crs
from ..geo.grid import EASE2_CRS, Grid
from ..geo.sources import Source, has_value
from ..series.series import Series
from ..series.stack import Stack
from ..series.window import missing_dates, source_date
from .layer_check import (
    HEADERS,
    LayerCheck,
    dates_note,
    dates_text,
    ease_shift,
    fill_sentence,
    gaps_note,
    is_shifted,
    shift_sentence,
    table_lines,
)
from .sample import Looker, Sample, Sampler, same_values

#: Rasters of a series that are looked at, spread over its dates.
_DATES_SEEN = 3


@dataclass
class Preflight:
    """The rows of the table, the warnings, and which covariates are in doubt."""

    rows: list[LayerCheck] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    #: Covariates whose values speak against their unit.
    doubtful: set[str] = field(default_factory=set)

    def tell(self, progress: Progress) -> None:
        """Log the table, then the warnings."""
        progress.log("Before the work (a sample of each layer):")
        for line in table_lines(HEADERS, [row.texts() for row in self.rows]):
            progress.log(f"  {line}")
        for warning in self.all_warnings():
            progress.warn(warning)

    def all_warnings(self) -> list[str]:
        """The warnings, and one for each row with a fill value that its file does not declare."""
        return self.warnings + [
            fill_sentence(row.name, row.fill) for row in self.rows if row.fill is not None
        ]

    def add(self, row: LayerCheck, label: str) -> None:
        """Add a row; a cell grid beside the EASE-Grid gives a warning."""
        if row.shift is not None and is_shifted(row.shift):
            self.warnings.append(shift_sentence(label, row.shift))
        self.rows.append(row)


def shift_of(grid: Grid) -> tuple[float, float] | None:
    """`ease_shift` of a grid in any CRS."""
    return ease_shift(grid) if same_crs(grid.crs, EASE2_CRS) else None


def row_of(name: str, grid: Grid, sample: Sample | None = None, dates: str = "", *notes: str) -> LayerCheck:
    """The row of a layer, with what a sample of it says."""
    row = LayerCheck(
        name,
        grid.crs,
        (grid.cell_width, grid.cell_height),
        shift_of(grid),
        dates=dates,
        notes=tuple(note for note in notes if note),
    )
    if sample is None:
        return row
    return replace(
        row,
        covered=sample.covered,
        nodata=sample.nodata,
        low=sample.low,
        high=sample.high,
        single=sample.count < 2,
    )


def smap_row(label: str, grid: Grid, dates: Sequence[dt.date], samples: Sequence[Sample] = ()) -> LayerCheck:
    """The row of the SMAP series."""
    return row_of(label, grid, together(samples), dates_text(dates), gaps_note(dates))


def together(samples: Sequence[Sample]) -> Sample | None:
    """Several samples as one."""
    if not samples:
        return None
    return Sample(
        float(np.mean([sample.covered for sample in samples])),
        np.concatenate([sample.values for sample in samples]),
        np.concatenate([sample.stored for sample in samples]),
    )


@dataclass(frozen=True)
class Area:
    """The cells of work, what messages call them, and who is asked for cancellation."""

    grid: Grid
    name: str
    progress: Progress

    def lacks(self, sample: Sample | None, sources: Iterable[Source]) -> bool:
        """Whether sources have no value here: seen from the sample where it has one, else read in full.

        Those that lie elsewhere are told by whoever joins them.
        """
        if sample is None or not sample.covered or not math.isnan(sample.low):
            return False
        return not any(has_value(source, self.grid, self.progress) for source in sources)


def add_stack(found: Preflight, stack: Stack, names: Sequence[str], sampler: Sampler, area: Area) -> None:
    """Rows of some covariates of a stack, all of which are needed.

    Raises
    ------
    InputError
        If one has no value over the area.
    """
    samples = []
    for name in names:
        source = Source(stack.path, stack.names.index(name) + 1, stack.grid)
        sample = sampler.look(source)
        if area.lacks(sample, [source]):
            raise InputError(
                f"{stack.path}: {name} has no value over {area.name}, and every covariate is needed; make "
                "the stack anew, or without it."
            )
        samples.append(sample)
        found.rows.append(row_of(name, stack.grid, sample))
    shift = shift_of(stack.grid)
    if shift is not None and is_shifted(shift):
        found.warnings.append(shift_sentence(stack.path, shift))
    for first, second in same_values(samples):
        found.warnings.append(
            f"{stack.path}: {names[first]} and {names[second]} hold the same values; leave out one of them."
        )


def add_series(
    found: Preflight,
    series: Series,
    dates: Sequence[dt.date],
    window: int,
    sampler: Sampler,
    area: Area,
) -> None:
    """The row of a dated covariate that is needed on each of `dates`.

    Raises
    ------
    InputError
        If it has no value over the area on any of them.
    """
    used = {source_date(series, date, window) for date in dates}
    of_use = [entry for entry in series.entries if entry.date in used]
    missing = missing_dates(series, dates, window)
    note = dates_note(missing, len(dates))
    sample = together(looks(replace(series, entries=tuple(of_use)), sampler)) if of_use else None
    if area.lacks(sample, (Source(entry.path, entry.band, series.grid) for entry in of_use)):
        raise InputError(
            f"{series.source}: {series.name} has no value over {area.name} on any of the dates, and every "
            "covariate is needed; check its NoData value, or leave it out."
        )
    found.add(row_of(series.name, series.grid, sample, dates_text(series.dates), note), series.source)


def looks(series: Series, sampler: Looker) -> list[Sample]:
    """Samples of a few dates spread over a series."""
    count = len(series.entries)
    chosen = sorted({round(part * (count - 1) / max(_DATES_SEEN - 1, 1)) for part in range(_DATES_SEEN)})
    entries = [series.entries[number] for number in chosen]
    return [sampler.look(Source(entry.path, entry.band, series.grid)) for entry in entries]


def add_twins(found: Preflight, all_series: Sequence[Series]) -> None:
    """Warn of series that are the same files."""
    for first, second in _pairs(all_series):
        if first.entries == second.entries:
            found.warnings.append(
                f"{first.source}: {first.name} and {second.name} are the same files; leave out one of them."
            )


def _pairs(all_series: Sequence[Series]) -> Iterator[tuple[Series, Series]]:
    for number, first in enumerate(all_series):
        for second in all_series[number + 1 :]:
            yield first, second
