"""The look before series are held against field stations: places, days, and the days that all share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Optional

import numpy as np

from ...base.dates import is_within
from ...base.progress import SILENT, Progress
from ...base.words import counted
from ...preflight.layer_check import LayerCheck, dates_text, gaps_note
from ...preflight.look import Preflight, add_twins, looks, row_of, together
from ...preflight.sample import PointSampler
from ...series.filled_tag import unobserved_sentence
from ...series.series import Series
from .numbers.readings import FieldData, listed

#: First and last date, None where open.
Period = tuple[Optional[dt.date], Optional[dt.date]]


def check_stations(
    data: FieldData, named: Sequence[tuple[str, Series]], period: Period, progress: Progress = SILENT
) -> Preflight:
    """Look at stations and series at them: places, days, and the days that all of them share.

    Parameters
    ----------
    data : FieldData
    named : sequence of (str, Series)
        What the table calls each series, and the series.
    period : pair of date
        First and last date, None where open.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    found = Preflight()
    x, y = (np.array([getattr(station, axis) for station in data.stations], float) for axis in "xy")
    days = np.unique([day for one in data.stations for day in one.readings.between(*period).days.tolist()])
    read = [dt.date.fromordinal(int(day)) for day in days]
    notes = (counted(len(x), "station"), gaps_note(read))
    found.rows.append(LayerCheck("stations", data.crs, dates=dates_text(read), notes=notes))
    found.warnings += _stations_twice(data)
    sampler, shared = PointSampler(data.crs, x, y, progress), set(read)
    for name, series in named:
        entries = tuple(entry for entry in series.entries if is_within(entry.date, *period))
        shared &= {entry.date for entry in entries}
        found.add(_row_at_stations(name, replace(series, entries=entries), sampler), series.source)
        if series.has_origin():
            fate = "are held against the field"
            found.warnings.append(unobserved_sentence(series.source, fate, "SMAP"))
    on_all = sorted(shared)
    note = gaps_note(on_all) if on_all else "not one day"
    found.rows.append(LayerCheck("days of all", "", dates=dates_text(on_all), notes=(note,)))
    add_twins(found, [replace(series, name=name) for name, series in named])
    return found


def _row_at_stations(name: str, series: Series, sampler: PointSampler) -> LayerCheck:
    places = sampler.places(series.grid)
    inside = places.inside
    cells = set(zip(places.rows[inside].astype(int).tolist(), places.cols[inside].astype(int).tolist()))
    outside, within = int((~inside).sum()), int(inside.sum())
    notes = (
        gaps_note(series.dates) if series.entries else "no raster in the period",
        f"{counted(outside, 'station')} outside" if outside else "",
        f"{within:,} stations in {counted(len(cells), 'cell')}" if len(cells) < within else "",
    )
    sample = together(looks(series, sampler)) if series.entries else None
    return row_of(name, series.grid, sample, dates_text(series.dates), *notes)


def _stations_twice(data: FieldData) -> list[str]:
    """A warning of stations that lie at one place, if there are any."""
    by_place: dict[tuple[float, float], list[str]] = {}
    for station in data.stations:
        by_place.setdefault((station.x, station.y), []).append(station.name)
    groups = [" and ".join(names) for names in by_place.values() if len(names) > 1]
    if not groups:
        return []
    return [f"{data.source}: stations at one place, which may be one station twice: {listed(groups)}"]
