"""Two daily series of one or several stations, from a table of a GeoPackage."""

from __future__ import annotations

import csv
import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from ...base.covariate_names import nearest_names
from ...base.dates import is_within
from ...base.errors import InputError
from ...base.nodata import MISSING_WORDS, Look
from ...base.progress import SILENT, Progress
from ...base.timestamps import parse_timestamp
from ...tables.geopackage import quoted, read_notes, read_only
from .numbers.coarse_grain import PairedSeries

#: A sign for missing values that no average may hold.
_ROWS_PER_CHECK = 10_000


@dataclass(frozen=True)
class SeriesFields:
    """The fields of a table: those of the two values and the date, and of the station where there is one."""

    x: str
    y: str
    date: str
    station: str = ""

    @property
    def used(self) -> list[tuple[str, str]]:
        """Parameter and field of each that is used."""
        pairs = [("X_FIELD", self.x), ("Y_FIELD", self.y), ("DATE_FIELD", self.date)]
        return pairs + ([("STATION_FIELD", self.station)] if self.station else [])

    def check(self) -> None:
        """Raise `InputError` if a field is missing or serves twice."""
        seen: dict[str, str] = {}
        for parameter, name in self.used:
            if not name:
                raise InputError(f"{parameter} is empty; choose a field.")
            if name in seen:
                raise InputError(
                    f"{seen[name]} and {parameter} are both the field {name}; choose two different fields."
                )
            seen[name] = parameter


@dataclass(frozen=True)
class RowFilter:
    """Which rows are used: stations (none: all) and dates."""

    stations: tuple[str, ...] = ()
    start: dt.date | None = None
    end: dt.date | None = None


@dataclass(eq=False)
class StationTable:
    """What was read.

    Attributes
    ----------
    stations : dict of str to PairedSeries
        In the order of the table; one with an empty name where there is no field for it.
    rows : int
        Rows read.
    without_key : int
        Rows left out since they lack a date or station.
    incomplete : int
        Rows left out since they lack a value.
    """

    stations: dict[str, PairedSeries] = field(default_factory=dict)
    rows: int = 0
    without_key: int = 0
    incomplete: int = 0


def parse_stations(text: str) -> tuple[str, ...]:
    """Names of stations separated by commas; a name that holds a comma stands in double quotes."""
    parts = next(csv.reader([" ".join(text.splitlines())], skipinitialspace=True), [])
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def read_stations(
    path: str,
    layer: str,
    label: str,
    fields: SeriesFields,
    rows: RowFilter = RowFilter(),
    progress: Progress = SILENT,
) -> StationTable:
    """Read the days on which both values are there.

    Parameters
    ----------
    path, layer : str
        GeoPackage and table (empty: the first).
    label : str
        What messages call it.
    fields : SeriesFields
    rows : RowFilter
    progress : Progress

    Raises
    ------
    InputError
        If a field or station is not there, a date or number cannot be read, or a station has a date twice.
    """
    fields.check()
    found = read_notes(path, layer)
    if found is None:
        raise InputError(f"{label}: there is no table {layer} in it; check the name.")
    layer = found[0]
    _check_fields(path, layer, label, fields)
    reader = _Reader(label, fields, rows)
    names = ", ".join(quoted(name) for _, name in fields.used)
    query = f"SELECT {names} FROM {quoted(layer)}"  # nosec B608
    with read_only(path, label, progress) as connection:
        for row in connection.execute(query):
            if reader.found.rows % _ROWS_PER_CHECK == 0:
                progress.check()
            reader.take(row)
    return reader.table()


class _Reader:
    """Takes row after row."""

    def __init__(self, label: str, fields: SeriesFields, rows: RowFilter):
        self.label, self.fields, self.rows = label, fields, rows
        self.found = StationTable()
        self._series: dict[str, dict[int, tuple[float, float]]] = {}
        self._date = lru_cache(maxsize=4096)(self._parse_date)

    def take(self, row: Sequence[Any]) -> None:
        self.found.rows += 1
        x, y, day = row[:3]
        station = _name(row[3]) if self.fields.station else ""
        if _is_missing(day) or (self.fields.station and not station):
            self.found.without_key += 1
            return
        days = self._series.setdefault(station, {})
        if self.rows.stations and station not in self.rows.stations:
            return
        date = self._date(day)
        if not is_within(date, self.rows.start, self.rows.end):
            return
        pair = self._number(x, self.fields.x), self._number(y, self.fields.y)
        if math.isnan(pair[0]) or math.isnan(pair[1]):
            self.found.incomplete += 1
        elif days.setdefault(date.toordinal(), pair) is not pair:
            self._refuse_twice(station, date)

    def table(self) -> StationTable:
        """What was taken."""
        if not self._series:
            raise InputError(
                f"{self.label}: no row has a date in the field {self.fields.date}"
                + (f" and a name in the field {self.fields.station}" if self.fields.station else "")
                + "; check the fields."
            )
        self._check_codes()
        wanted = self.rows.stations or tuple(self._series)
        for station in wanted:
            if station not in self._series:
                raise InputError(
                    f"STATIONS: the field {self.fields.station} of {self.label} holds no '{station}' (it "
                    f"holds {_listed(self._series)}); check the name."
                )
            pairs = sorted(self._series[station].items())
            days = np.array([day for day, _ in pairs], np.int64)
            values = np.array([pair for _, pair in pairs], np.float64).reshape(-1, 2)
            self.found.stations[station] = PairedSeries(days, values[:, 0].copy(), values[:, 1].copy())
        return self.found

    def _check_codes(self) -> None:
        for place, name in enumerate((self.fields.x, self.fields.y)):
            look = Look(self.label, f"the field {name}", advice="leave missing values empty")
            look.add(np.array([pair[place] for days in self._series.values() for pair in days.values()]))
            look.check()

    def _parse_date(self, value: Any) -> dt.date:
        text = f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)
        stamp = parse_timestamp(text)
        if stamp is None:
            raise InputError(
                f"{self.label}: the field {self.fields.date} holds '{value}', which is no date; write dates "
                "as YYYY-MM-DD."
            )
        return stamp.date()

    def _number(self, value: Any, name: str) -> float:
        if _is_missing(value):
            return math.nan
        try:
            # float() alone would take underscores.
            number = math.nan if isinstance(value, str) and "_" in value else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise InputError(
                f"{self.label}: the field {name} holds '{value}', which is no number; write numbers with a "
                "decimal point, and leave missing ones empty."
            )
        return number

    def _refuse_twice(self, station: str, date: dt.date) -> None:
        if self.fields.station:
            raise InputError(
                f"{self.label}: the station {station} is there twice on {date}; keep one row per station and "
                "date, such as the mean of the day."
            )
        raise InputError(
            f"{self.label}: {date} is there twice; choose STATION_FIELD if the table holds several stations, "
            "or keep one row per date."
        )


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip().lower() in MISSING_WORDS)


def _name(value: Any) -> str:
    """A station's name as text; numbers without needless decimals."""
    if value is None:
        return ""
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value).strip()


def _listed(names: Sequence[str] | dict[str, Any]) -> str:
    """Some names of many."""
    shown = [f"'{name}'" for name in list(names)[:10]]
    return ", ".join(shown) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _check_fields(path: str, layer: str, label: str, fields: SeriesFields) -> None:
    with read_only(path, label) as connection:
        there = [row[1] for row in connection.execute(f"PRAGMA table_info({quoted(layer)})")]
    for parameter, name in fields.used:
        if name not in there:
            raise InputError(
                f"{parameter}: {label} has no field {name} (it has {nearest_names(name, there)}); choose "
                "another one."
            )
