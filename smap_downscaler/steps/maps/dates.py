"""Which dates are mapped."""

from __future__ import annotations

import datetime as dt

from ...base.dates import is_within
from ...base.errors import InputError
from ...methods.keys import POOLED
from .downscale import MapInputs


def dates_to_map(
    inputs: MapInputs, start: dt.date | None = None, end: dt.date | None = None
) -> list[dt.date]:
    """Dates from `start` to `end` that have a forest; for a pooled one all that have all dated covariates.

    Raises
    ------
    InputError
        If there is none, or a pooled forest without dated covariates is not told from when to when.
    """
    if inputs.forests.mode == POOLED:
        return _dates_of_pooled(inputs, start, end)
    forests = inputs.forests
    dates = [date for date in forests.dates if is_within(date, start, end)]
    if not dates:
        raise InputError(
            f"{forests.path}: it has no forest from {start or 'its begin'} to {end or 'its end'} (its "
            f"forests run from {forests.dates[0]} to {forests.dates[-1]}); choose other dates."
        )
    return dates


def _dates_of_pooled(inputs: MapInputs, start: dt.date | None, end: dt.date | None) -> list[dt.date]:
    if not inputs.dynamic and (start is None or end is None):
        raise InputError(
            f"{inputs.forests.path}: it has one forest for all dates, and no dated covariate tells which to "
            "map; give START and END."
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
