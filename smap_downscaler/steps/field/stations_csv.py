"""Field readings from a CSV file, one row per reading, to days of stations."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...base.errors import InputError
from ...base.nodata import Look
from ...base.progress import SILENT, Progress
from ...base.timestamps import DAY, parse_moment
from ...base.words import counted
from ...geo.datasets import spatial_reference
from .numbers.delimited import Columns, CsvChoices, NumberReader, decode, find_columns, separator_of
from .numbers.readings import UNITS, FieldData, Station, daily, listed

GEOGRAPHIC = "EPSG:4326"
#: Rows between two looks at the cancel button.
_ROWS_PER_CHECK = 5000
#: How far the coordinates of one station's rows may lie apart: about a metre, in degrees and in metres.
_SAME_PLACE_DEGREES, _SAME_PLACE = 1e-5, 1.0


@dataclass
class _Place:
    """A station in the making."""

    x: float
    y: float
    line: int
    days: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


def read_csv_stations(path: str | Path, choices: CsvChoices, progress: Progress = SILENT) -> FieldData:
    """All stations of a file.

    Readings of one station and day are replicates.  Where a column names the replicate, rows of
    one station, time and replicate are the same reading: it counts once.

    Raises
    ------
    InputError
        If the file cannot be read, a column is not found, or a row is wrong: with the line.
    """
    path = str(path)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: it cannot be read ({error.strerror}); check the path.") from None
    return _CsvReader(path, choices, progress).read(decode(data, path))


class _CsvReader:
    def __init__(self, path: str, choices: CsvChoices, progress: Progress):
        self._path, self._choices, self._progress = path, choices, progress
        self._crs = choices.crs or GEOGRAPHIC
        self._geographic = bool(spatial_reference(self._crs).IsGeographic())
        self._numbers = NumberReader(path)
        self._header: list[str] = []
        self._places: dict[str, _Place] = {}
        self._times: dict[str, tuple[int, int]] = {}
        self._seen: dict[tuple[object, ...], tuple[int, float | None]] = {}
        self._empty: list[int] = []
        self._double: list[int] = []

    def read(self, text: str) -> FieldData:
        rows = self._rows(text)
        columns = find_columns(self._header, self._choices, self._geographic, self._path)
        for line, row in rows:
            self._take(row, line, columns)
        self._check_codes(self._header[columns.value])
        used = {name: place for name, place in self._places.items() if place.values}
        if not used:
            raise InputError(f"{self._path}: it holds no reading; choose a file with one row per reading.")
        stations = tuple(
            Station(name, place.x, place.y, daily(np.array(place.days), np.array(place.values)))
            for name, place in used.items()
        )
        return FieldData(
            self._path, self._crs, stations, tuple(self._notes(columns)), tuple(self._warnings())
        )

    def _rows(self, text: str) -> Iterator[tuple[int, list[str]]]:
        """The rows below the header, with the line on which each begins."""
        lines = io.StringIO(text, newline="")
        first = next((line for line in lines if line.strip()), "")
        # Some programs say by a line of their own what separates.
        skip = first.strip().lower().startswith("sep=")
        header = next((line for line in lines if line.strip()), "") if skip else first
        start = text.find(header) if header else 0
        offset = text.count("\n", 0, start)
        reader = csv.reader(io.StringIO(text[start:], newline=""), delimiter=separator_of(header))
        self._header = [name.strip() for name in next(self._safely(reader), [])]
        return self._body(reader, offset)

    def _body(self, reader: Iterator[list[str]], offset: int) -> Iterator[tuple[int, list[str]]]:
        line = self._line(reader)
        for count, row in enumerate(self._safely(reader)):
            if count % _ROWS_PER_CHECK == 0:
                self._progress.check()
            begun, line = line + 1 + offset, self._line(reader)
            if any(cell.strip() for cell in row):
                yield begun, row

    @staticmethod
    def _line(reader: Iterator[list[str]]) -> int:
        return int(reader.line_num)  # type: ignore[attr-defined]

    def _safely(self, reader: Iterator[list[str]]) -> Iterator[list[str]]:
        try:
            yield from reader
        except csv.Error as error:
            raise InputError(
                f"{self._path}, line {self._line(reader)}: it is no row of a table ({error}); mend the file."
            ) from None

    def _take(self, row: Sequence[str], line: int, columns: Columns) -> None:
        """One row."""
        if len(row) < len(self._header):
            raise InputError(
                f"{self._path}, line {line}: it has {len(row)} columns of {len(self._header)}; mend the row."
            )
        if any(cell.strip() for cell in row[len(self._header) :]):
            raise InputError(
                f"{self._path}, line {line}: it has {len(row)} columns of {len(self._header)}; mend the row, "
                "and where numbers have decimal commas part the columns by semicolon."
            )
        number = self._numbers.read
        x = number(row[columns.x], self._header[columns.x], line, codes=False)
        y = number(row[columns.y], self._header[columns.y], line, codes=False)
        if x is None or y is None:
            raise InputError(f"{self._path}, line {line}: the place of the station is missing; fill it in.")
        self._check_degrees(x, y, line)
        place = self._place(row, line, columns, x, y)
        time, day = self._time(row[columns.date], line)
        value = number(row[columns.value], self._header[columns.value], line)
        if value is not None:
            value *= UNITS[self._choices.unit]
            self._check_value(value, row[columns.value], line)
        if columns.replicate is not None:
            # A place is known by its first line.
            key = place.line, time, row[columns.replicate].strip()
            if self._is_double(key, value, line):
                return
        if value is None:
            self._empty.append(line)
            return
        place.days.append(day)
        place.values.append(value)

    def _place(self, row: Sequence[str], line: int, columns: Columns, x: float, y: float) -> _Place:
        name = row[columns.station].strip() if columns.station is not None else f"{x:.10g} {y:.10g}"
        if not name:
            raise InputError(f"{self._path}, line {line}: the name of the station is missing; fill it in.")
        place = self._places.get(name)
        if place is None:
            place = self._places[name] = _Place(x, y, line)
        same = _SAME_PLACE_DEGREES if self._geographic else _SAME_PLACE
        if max(abs(place.x - x), abs(place.y - y)) > same:
            raise InputError(
                f"{self._path}, line {line}: station {name} lies elsewhere than in line {place.line}; give "
                "each place its own name."
            )
        return place

    def _time(self, text: str, line: int) -> tuple[int, int]:
        """The time of a reading, seconds in UTC, and the day that it counts to."""
        found = self._times.get(text)
        if found is None:
            moment = parse_moment(text)
            if moment is None:
                wrong = f"'{text.strip()[:40]}' is no ISO date" if text.strip() else "the date is missing"
                raise InputError(f"{self._path}, line {line}: {wrong}; write it as 2021-08-31.")
            time = moment.utc(self._choices.zone_hours)
            # A date alone has no time that hours could move.
            shift = round(self._choices.shift_hours * 3600) if moment.has_time else 0
            # Hours may move a reading out of the calendar, where no map could be anyway.
            day = min(max((time + shift) // DAY, dt.date.min.toordinal()), dt.date.max.toordinal())
            found = self._times[text] = time, day
        return found

    def _check_degrees(self, x: float, y: float, line: int) -> None:
        if not self._geographic or (abs(x) <= 360 and abs(y) <= 90):
            return
        if abs(x) <= 90 and abs(y) <= 360:
            raise InputError(
                f"{self._path}, line {line}: {y:g} is no latitude, but {x:g} may be one; exchange X_FIELD "
                "and Y_FIELD."
            )
        raise InputError(
            f"{self._path}, line {line}: {x:g}, {y:g} are no longitude and latitude; give the CRS of the "
            "coordinates as CRS."
        )

    def _check_value(self, value: float, text: str, line: int) -> None:
        if 0 <= value <= 1:
            return
        if self._choices.unit == "percent":
            raise InputError(
                f"{self._path}, line {line}: soil moisture {text.strip()} is out of 0 to 100 percent; mend "
                "it, or leave it empty."
            )
        advice = "choose percent as UNIT, or mend it" if 1 < value <= 100 else "mend it, or leave it empty"
        raise InputError(
            f"{self._path}, line {line}: soil moisture {text.strip()} is out of 0 to 1 m3 m-3; {advice}."
        )

    def _check_codes(self, column: str) -> None:
        """Refuse a positive code of no value within the range of soil moisture, such as 99.9 percent."""
        look = Look(self._path, column, advice="leave the readings without a value empty")
        stored = UNITS[self._choices.unit]
        for place in self._places.values():
            look.add(np.round(np.array(place.values) / stored, 9))
        look.check()

    def _is_double(self, key: tuple[object, ...], value: float | None, line: int) -> bool:
        """Whether the reading of this station, time and replicate was there already, with the same value."""
        first_line, first_value = self._seen.setdefault(key, (line, value))
        if first_line == line:
            return False
        if first_value != value:
            raise InputError(
                f"{self._path}, line {line}: it has the same station, time and replicate as line "
                f"{first_line}, but another value; keep one of them."
            )
        self._double.append(line)
        return True

    def _notes(self, columns: Columns) -> Iterator[str]:
        yield (
            f"{self._path}: {columns.description(self._header, self._geographic)}; coordinates in "
            f"{self._crs[:40]}, soil moisture in {self._choices.unit}"
        )
        if columns.station is None:
            yield f"{self._path}: no column of stations, so each place is a station"

    def _warnings(self) -> Iterator[str]:
        if self._empty:
            empty = counted(len(self._empty), "row")
            yield f"{self._path}: {empty} without soil moisture left out ({_lines(self._empty)})"
        silent = [name for name, place in self._places.items() if not place.values]
        if silent:
            stations = counted(len(silent), "station")
            yield f"{self._path}: {stations} left out, without a reading that counts: {listed(silent)}"
        if self._double:
            double = counted(len(self._double), "row")
            yield f"{self._path}: {double} left out as there before ({_lines(self._double)})"


def _lines(lines: Sequence[int]) -> str:
    return f"line{'s' if len(lines) > 1 else ''} {listed(lines)}"
