"""What is looked at before series are compared with field stations, and what may be collocated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Optional

import numpy as np

from ...base.dates import is_within
from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.words import counted, text
from ...geo.points import points_on_grid
from ...preflight.checks import SAME_FILES, LayerToCheck, check_layers, moisture_judge, series_layer
from ...preflight.layer_check import LayerCheck, Preflight, dates_text, gaps_note
from ...preflight.sample import PointSampler
from ...series.series import Series
from ...series.tags import CHOICE_TAGS, RUN_TAG, tags_behind, unobserved_sentence
from .numbers.readings import FieldData, Pairs, listed

#: How rasters spell the unit of soil moisture.
_UNITS = frozenset({"m3 m-3", "m3/m3", "m^3/m^3", "m**3 m**-3", "m^3 m^-3", "cm3 cm-3", "cm3/cm3"})
#: First and last date, None where open.
Period = tuple[Optional[dt.date], Optional[dt.date]]


def check_stations(
    data: FieldData,
    named: Sequence[tuple[str, Series]],
    period: Period,
    progress: Progress = SILENT,
    any_unit: str = "",
) -> Preflight:
    """Stations, and series at them under the names that the table gives them.

    All series but the one named `any_unit` must be m3 m-3.
    """
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
        judge = moisture_judge(series.source) if name != any_unit else None
        layer = series_layer(within, series.source, [filled], _notes(within, data.crs, x, y), judge)
        layers.append(replace(layer, twins=SAME_FILES, files=series.entries))
    on_all = sorted(shared)
    note = gaps_note(on_all) if on_all else "not one day"
    layers.append(LayerToCheck(LayerCheck("days of all", "", dates=dates_text(on_all), notes=(note,))))
    return check_layers(layers, PointSampler(data.crs, x, y, progress), "the stations")


def _notes(series: Series, crs: str, x: np.ndarray, y: np.ndarray) -> tuple[str, ...]:
    """How stations lie on a series."""
    positions = points_on_grid(series.grid, crs, x, y)
    inside = positions.inside
    cells = set(zip(positions.rows[inside].astype(int).tolist(), positions.cols[inside].astype(int).tolist()))
    outside, within = int((~inside).sum()), int(inside.sum())
    return (
        "" if series.entries else "no raster in the period",
        text("{} outside", counted(outside, "station")) if outside else "",
        text("{:,} stations in {}", within, counted(len(cells), "cell")) if len(cells) < within else "",
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


def check_third(third: Series, others: Iterable[str]) -> None:
    """Raise `InputError` where the errors of the third series depend on those of SMAP or a map.

    That is so for SMAP beside a map made from it, and for a series beside itself.

    Parameters
    ----------
    third : Series
    others : iterable of str
        Folders or files of maps and SMAP, the one that is collocated and the one that is not.
    """
    for other in others:
        if Path(other).resolve() == Path(third.source).resolve():
            raise InputError(
                f"THIRD: {third.source} is given as SERIES or SMAP too, and the errors of SMAP and of a map "
                "made from it are not independent; give an independent model or sensor."
            )
    made = made_from_smap(third)
    if made:
        raise InputError(
            f"THIRD: {third.source} is {made}, and the errors of SMAP and of a map made from it are not "
            "independent; give an independent model or sensor."
        )


def made_from_smap(series: Series) -> str:
    """What the tags of a series say of its coming from SMAP, or empty."""
    all_tags = list(tags_behind(series.entries[0].path))
    if any(RUN_TAG in tags and "FORESTS" in tags for tags in all_tags):
        return "a map made from SMAP ('Downscale')"
    if series.has_filled():
        return "a filled SMAP series ('Fill gaps')"
    for tags in all_tags:
        if all(tag in tags for tag in CHOICE_TAGS):
            return "SMAP ('Import SMAP soil moisture')"
    return ""


def check_triples(triples: Sequence[Pairs], third: Series) -> None:
    """Raise `InputError` where the third series has the very values of the source at all stations."""
    shared = [(part.map[part.common], part.other[part.common]) for part in triples if part.other is not None]
    if not any(len(one) for one, _ in shared):
        raise InputError(
            f"THIRD: {third.source} has no value at a station on a day that has the two others; choose "
            "series of the same area and days."
        )
    if all(np.array_equal(one, other) for one, other in shared):
        raise InputError(
            f"THIRD: {third.source} has the same values as the series it is compared with; give an "
            "independent model or sensor."
        )


def warn_if_no_moisture(third: Series, progress: Progress) -> None:
    """Warn where the third series has a unit that is not soil moisture's."""
    unit = third.unit()
    if unit and unit not in _UNITS:
        progress.warn(
            f"THIRD: {third.source} is in {unit}, and so is its error SD; it must be another estimate of "
            "soil moisture: rain, temperature or a vegetation index breaks the method whatever its "
            "correlation."
        )
