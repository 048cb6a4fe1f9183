"""Stations of the International Soil Moisture Network: which sensors count, brought to days."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.progress import Counter as Done
from ...base.words import counted
from .ismn_files import (
    MOISTURE,
    IsmnChoices,
    Sensor,
    StationFile,
    Tally,
    ismn_files,
    read_readings,
    read_sensor,
    variable_of,
)
from .numbers.readings import FieldData, Station, daily, listed
from .stations_csv import GEOGRAPHIC

#: The layer that SMAP feels, m: without a wish, sensors no deeper than this are looked for.
SURFACE = 0.10


def parse_depth(text: str) -> tuple[float, float] | None:
    """Depths such as `0-0.05`, m; None for an empty text.

    Raises
    ------
    InputError
        For anything else.
    """
    if not text.strip():
        return None
    match = re.fullmatch(r"\s*(\d+(?:[.,]\d+)?)\s*[-\u2013]\s*(\d+(?:[.,]\d+)?)\s*", text)
    if match is None:
        raise InputError(f"DEPTH: '{text}' is no range of depths; write it in metres, as 0-0.05.")
    upper, lower = (float(number.replace(",", ".")) for number in match.groups())
    if upper > lower:
        raise InputError(
            f"DEPTH: {upper:g} m is deeper than {lower:g} m; write the upper one first, as 0-0.05."
        )
    return upper, lower


def read_ismn_stations(source: str | Path, choices: IsmnChoices, progress: Progress = SILENT) -> FieldData:
    """All stations of a folder (and those below), of a zip or of one file; coordinates are WGS 84.

    Of each station the sensors of the wished depths are taken; without a wish those of the
    shallowest depth, if it lies within 0.10 m.  Readings of several sensors are replicates.

    Raises
    ------
    InputError
        If there is no file, none of soil moisture, of the depth or with a reading, or a line is wrong.
    """
    with ismn_files(source) as files:
        return _read(source, files, choices, progress)


def _read(
    source: str | Path, files: Sequence[StationFile], choices: IsmnChoices, progress: Progress
) -> FieldData:
    moisture = [path for path in files if variable_of(path) in MOISTURE]
    if not moisture:
        reason = f"none of its {len(files)} .stm files holds" if files else "it holds no .stm file of"
        raise InputError(f"{source}: {reason} soil moisture (sm); choose the folder of an ISMN download.")
    counter = progress.counter(2 * len(moisture), "ISMN files looked at")
    sensors = []
    for path in moisture:
        sensors.append(read_sensor(path))
        counter.advance()
    chosen, without = _choose(sensors, choices.depth)
    if not chosen:
        depths = sorted({(sensor.depth_from, sensor.depth_to) for sensor in sensors})
        listed = ", ".join(f"{upper:g}-{lower:g}" for upper, lower in depths)
        raise InputError(
            f"{source}: no station has a sensor {_depth_text(choices.depth)} (there are {listed} m); give "
            "another DEPTH."
        )
    tally = Tally()
    found = {name: _station(members, choices, tally, counter, progress) for name, members in chosen.items()}
    stations = [station for station in found.values() if station is not None]
    silent = [name for name, station in found.items() if station is None]
    if not stations:
        raise InputError(
            f"{source}: no reading is left ({tally.left_out() or 'the files are empty'}); choose any as "
            "QUALITY, or other stations."
        )
    others = len(files) - len(moisture)
    return FieldData(
        str(source),
        GEOGRAPHIC,
        tuple(stations),
        tuple(_notes(source, chosen, choices, tally, others)),
        tuple(_warnings(source, without, silent, choices, tally)),
    )


def _station(
    members: Sequence[Sensor], choices: IsmnChoices, tally: Tally, counter: Done, progress: Progress
) -> Station | None:
    days: list[int] = []
    values: list[float] = []
    for sensor in members:
        read_readings(sensor, choices, days, values, tally, progress)
        counter.advance()
    if not values:
        return None
    first = members[0]
    return Station(first.name, first.longitude, first.latitude, daily(np.array(days), np.array(values)))


def _choose(
    sensors: Sequence[Sensor], depth: tuple[float, float] | None
) -> tuple[dict[str, list[Sensor]], list[str]]:
    """The sensors of each station to read, and the stations that have none."""
    by_station: dict[str, list[Sensor]] = {}
    for sensor in sensors:
        by_station.setdefault(sensor.name, []).append(sensor)
    chosen: dict[str, list[Sensor]] = {}
    without: list[str] = []
    for name, members in by_station.items():
        upper, lower = depth or (0.0, SURFACE)
        inside = [s for s in members if s.depth_from >= upper - 1e-9 and s.depth_to <= lower + 1e-9]
        if inside and depth is None:
            shallowest = min((s.depth_to, s.depth_from) for s in inside)
            inside = [s for s in inside if (s.depth_to, s.depth_from) == shallowest]
        if inside:
            chosen[name] = inside
        else:
            without.append(name)
    return chosen, without


def _depth_text(depth: tuple[float, float] | None) -> str:
    return f"within {depth[0]:g}-{depth[1]:g} m" if depth else f"within 0-{SURFACE:g} m, the shallowest"


def _depths_used(chosen: dict[str, list[Sensor]]) -> Iterator[str]:
    used = Counter((members[0].depth_from, members[0].depth_to) for members in chosen.values())
    for (upper, lower), count in sorted(used.items()):
        yield f"{counted(count, 'station')} at {upper:g}-{lower:g} m"


def _notes(
    source: str | Path, chosen: dict[str, list[Sensor]], choices: IsmnChoices, tally: Tally, others: int
) -> Iterator[str]:
    networks = {members[0].network for members in chosen.values()}
    sensors = counted(sum(map(len, chosen.values())), "sensor")
    yield (
        f"{source}: {counted(len(chosen), 'station')} of {counted(len(networks), 'network')}, {sensors} "
        f"{_depth_text(choices.depth)}, {counted(tally.kept, 'reading')}"
    )
    yield from _depths_used(chosen)
    if others:
        yield f"{source}: {counted(others, 'file')} of other variables passed over"


def _warnings(
    source: str | Path, without: Sequence[str], silent: Sequence[str], choices: IsmnChoices, tally: Tally
) -> Iterator[str]:
    if tally.left_out():
        yield f"{source}: readings left out: {tally.left_out()}"
    upper, lower = choices.depth or (0.0, SURFACE)
    reasons = {f"a sensor within {upper:g}-{lower:g} m": without, "a reading that counts": silent}
    for reason, names in reasons.items():
        if names:
            yield f"{source}: {counted(len(names), 'station')} left out, without {reason}: {listed(names)}"
