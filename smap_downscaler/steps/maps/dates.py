"""Which dates are to be mapped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from ...base.dates import is_within
from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.words import counted, text
from ...methods.keys import POOLED
from .inputs import MapInputs


def check_dates(inputs: MapInputs, dates: Sequence[dt.date]) -> None:
    """Raise `InputError` if a date has no model."""
    lacking = sorted(set(dates) - set(inputs.forests.dates))
    if lacking and inputs.forests.mode != POOLED:
        noun = inputs.forests.method.noun
        raise InputError(f"{inputs.forests.path}: it has no {noun} of {lacking[0]}; choose other dates.")


def dates_to_map(
    inputs: MapInputs,
    start: dt.date | None = None,
    end: dt.date | None = None,
    every_day: bool = False,
    progress: Progress = SILENT,
) -> list[dt.date]:
    """Dates from `start` to `end` that have a model; for a pooled one all that have all dated covariates.

    A pooled model that knows its days maps these, and with `every_day` those between them too.

    Raises
    ------
    InputError
        If there is none, or a pooled forest without dated covariates is given no first and last date.
    """
    forests, days = inputs.forests, [dt.date.fromordinal(day) for day in inputs.days]
    if days and every_day:
        first, last = start or days[0], end or days[-1]
        dates = _dates_of_pooled(inputs, first, last)
        lacking = (last - first).days + 1 - len(dates)
        if lacking:
            progress.warn(
                text(
                    "EVERY_DAY: {} from {} to {} will have no map: not all dated covariates ({}) have a "
                    "raster for them",
                    counted(lacking, "day"),
                    first,
                    last,
                    ", ".join(dated.name for dated in inputs.dynamic),
                )
            )
        return dates
    if forests.mode == POOLED and not days:
        return _dates_of_pooled(inputs, start, end)
    if every_day:
        raise InputError(
            f"EVERY_DAY: {forests.path} has a {forests.method.noun} for each of its dates and none for days "
            "between them; switch it off, or train one on all dates."
        )
    known = days or forests.dates
    dates = [date for date in known if is_within(date, start, end)]
    if not dates:
        noun = "day" if days else forests.method.noun
        raise InputError(
            f"{forests.path}: it has no {noun} from {start or 'its begin'} to {end or 'its end'} (its "
            f"{noun}s run from {known[0]} to {known[-1]}); choose other dates."
        )
    return dates


def _dates_of_pooled(inputs: MapInputs, start: dt.date | None, end: dt.date | None) -> list[dt.date]:
    if not inputs.dynamic and (start is None or end is None):
        raise InputError(
            f"{inputs.forests.path}: it has one {inputs.forests.method.noun} for all dates, and no dated "
            "covariate says which to map; give START and END."
        )
    begins = [dated.series.dates[0] for dated in inputs.dynamic] + ([start] if start else [])
    ends = [dated.series.dates[-1] + dt.timedelta(dated.window) for dated in inputs.dynamic]
    first, last = max(begins), min(ends + ([end] if end else []))
    days = (first + dt.timedelta(number) for number in range((last - first).days + 1))
    dates = [day for day in days if all(dated.entry(day) is not None for dated in inputs.dynamic)]
    if not dates:
        names = ", ".join(dated.name for dated in inputs.dynamic)
        raise InputError(
            f"{inputs.forests.path}: no date from {start or 'the begin'} to {end or 'the end'} has a raster "
            f"of every dated covariate ({names}); choose other dates, or series that overlap in time."
        )
    return dates
