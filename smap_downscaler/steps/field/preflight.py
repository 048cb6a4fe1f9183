"""What is looked at before series are held against field stations, and the days that all of them share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Optional

import numpy as np

from ...base.dates import is_within
from ...base.progress import SILENT, Progress
from ...base.words import counted
from ...geo.points import points_on_grid
from ...preflight.checks import SAME_FILES, LayerToCheck, check_layers, series_layer
from ...preflight.layer_check import LayerCheck, Preflight, dates_text, gaps_note
from ...preflight.sample import PointSampler
from ...series.series import Series
from ...series.tags import unobserved_sentence
from .numbers.readings import FieldData, listed

#: First and last date, None where open.
Period = tuple[Optional[dt.date], Optional[dt.date]]


def check_stations(
    data: FieldData, named: Sequence[tuple[str, Series]], period: Period, progress: Progress = SILENT
) -> Preflight:
    """Stations, and series at them under the names that the table gives them."""
    x, y = (np.array([getattr(station, axis) for station in data.stations], float) for axis in "xy")
    days = np.unique([day for one in data.stations for day in one.readings.between(*period).days.tolist()])
    read = [dt.date.fromordinal(int(day)) for day in days]
    notes = (counted(len(x), "station"), gaps_note(read))
    layers = [
        LayerToCheck(
            LayerCheck("stations", data.crs, dates=dates_text(read), notes=notes),
            warnings=_stations_twice(data),
        )
    ]
    shared = set(read)
    for name, series in named:
        entries = tuple(entry for entry in series.entries if is_within(entry.date, *period))
        shared &= {entry.date for entry in entries}
        fate = "are held against the field"
        filled = unobserved_sentence(series.source, fate, "SMAP") if series.has_filled() else ""
        within = replace(series, name=name, entries=entries)
        layer = series_layer(within, series.source, [filled], _notes(within, data.crs, x, y))
        layers.append(replace(layer, twins=SAME_FILES, files=series.entries))
    on_all = sorted(shared)
    note = gaps_note(on_all) if on_all else "not one day"
    layers.append(LayerToCheck(LayerCheck("days of all", "", dates=dates_text(on_all), notes=(note,))))
    return check_layers(layers, PointSampler(data.crs, x, y, progress), "the stations")


def _notes(series: Series, crs: str, x: np.ndarray, y: np.ndarray) -> tuple[str, ...]:
    """How stations lie on a series."""
    places = points_on_grid(series.grid, crs, x, y)
    inside = places.inside
    cells = set(zip(places.rows[inside].astype(int).tolist(), places.cols[inside].astype(int).tolist()))
    outside, within = int((~inside).sum()), int(inside.sum())
    return (
        "" if series.entries else "no raster in the period",
        f"{counted(outside, 'station')} outside" if outside else "",
        f"{within:,} stations in {counted(len(cells), 'cell')}" if len(cells) < within else "",
    )


def _stations_twice(data: FieldData) -> list[str]:
    """A warning of stations that lie at one place, if there are any."""
    by_place: dict[tuple[float, float], list[str]] = {}
    for station in data.stations:
        by_place.setdefault((station.x, station.y), []).append(station.name)
    groups = [" and ".join(names) for names in by_place.values() if len(names) > 1]
    if not groups:
        return []
    return [f"{data.source}: stations at one place, which may be one station twice: {listed(groups)}"]
