"""Soil moisture files of the International Soil Moisture Network, in both forms.

Header and values: a first line with network, station, place and depth, then date, time, value,
flag of the network's quality control, flag of the provider.  CEOP: all of that in each line.
Source: the Readme that comes with each download, and Dorigo et al. (2013), Vadose Zone Journal
12(3), for the flags: G good, C.. out of range, D.. dubious, M missing.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Union

from ...base.errors import InputError
from ...base.progress import Progress
from .numbers.readings import UNITS

SUFFIX, ZIP = ".stm", ".zip"
#: Which readings are kept: those flagged good alone, or all that have a value.
QUALITIES = ("good", "any")
_ROWS_PER_CHECK = 5000
#: Letters of a line, far more than any has: a file of zeros is one line of any length.
_LONGEST_LINE = 10_000
_GOOD, _MISSING = "G", "M"
#: What file names call soil moisture; a name in no known form is believed to be of it.
MOISTURE = frozenset({"sm", "soil-moisture", "soilmoisture", ""})
_VARIABLE = re.compile(r"^[^_]+_[^_]+_.+?_([A-Za-z-]+)_(-?\d+\.\d+)_(-?\d+\.\d+)_")
#: Latitude, longitude, elevation and both depths behind the station's name, which may hold numbers itself.
_PLACE = re.compile(r"(-?\d+\.\d+)\s+(-?\d+\.\d+)\s+(-?[\d.]+)\s+(-?\d+\.\d+)\s+(-?\d+\.\d+)(?=\s|$)")
_NETWORKS = re.compile(r"(\S+)\s+(\S+)\s+")
#: Depths that a sensor may have, m.
_DEPTHS = (-10.0, 100.0)
_DATE = re.compile(r"(\d{4})/(\d\d)/(\d\d)")
#: Place of each thing among the columns of a CEOP line.
_CEOP_COLUMNS, _NETWORK, _STATION, _LATITUDE, _LONGITUDE, _FROM, _TO, _VALUE, _FLAG = (
    14,
    5,
    6,
    7,
    8,
    10,
    11,
    12,
    13,
)


@dataclass(frozen=True)
class IsmnChoices:
    """Quality (see `QUALITIES`), depths in m (None: the shallowest), unit, hours added to UTC."""

    quality: str = "good"
    depth: tuple[float, float] | None = None
    unit: str = "m3 m-3"
    shift_hours: float = 0.0


@dataclass(frozen=True)
class ZippedFile:
    """A file inside an open zip; it has what is used here of a `Path`."""

    archive: zipfile.ZipFile
    inside: str
    source: Path

    @property
    def name(self) -> str:
        """The file's name without its folders."""
        return PurePosixPath(self.inside).name

    def open(self, encoding: str) -> io.TextIOWrapper:
        """The text of the file."""
        return io.TextIOWrapper(self.archive.open(self.inside), encoding)

    def __str__(self) -> str:
        return f"{self.source}, {self.inside}"


StationFile = Union[Path, ZippedFile]


@dataclass(frozen=True)
class Sensor:
    """What a file says of its sensor; `network` and `station` name the place, depths in m."""

    path: StationFile
    network: str
    station: str
    latitude: float
    longitude: float
    depth_from: float
    depth_to: float
    ceop: bool

    @property
    def name(self) -> str:
        """The station's name among several networks."""
        return f"{self.network}/{self.station}"


@dataclass
class Tally:
    """What became of the readings: kept, left out by flag, out of range."""

    kept: int = 0
    flags: Counter[str] = field(default_factory=Counter)
    outside: int = 0

    def left_out(self) -> str:
        """Why readings were left out, as a part of a sentence; empty where none was."""
        reasons = [f"{count:,} flagged {flag}" for flag, count in sorted(self.flags.items())]
        if self.outside:
            reasons.append(f"{self.outside:,} out of 0 to 1 m3 m-3")
        return ", ".join(reasons)


@contextmanager
def ismn_files(source: str | Path) -> Iterator[Sequence[StationFile]]:
    """The .stm files of a folder and all folders below, or of a zip as it was downloaded, or the file itself.

    Files of a zip are read where they are, and only within the context.

    Raises
    ------
    InputError
        If the zip cannot be read.
    """
    source = Path(source)
    if source.suffix.lower() == ZIP and source.is_file():
        with _opened(source) as archive:
            _check_names(archive, source)
            names = (info.filename for info in archive.infolist() if not info.is_dir())
            yield [
                ZippedFile(archive, name, source)
                for name in sorted(names)
                if name.lower().endswith(SUFFIX) and not name.startswith("__MACOSX/")
            ]
    elif source.is_dir():
        yield sorted(path for path in source.rglob("*") if path.suffix.lower() == SUFFIX and path.is_file())
    else:
        yield [source]


def _opened(source: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(source)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise InputError(
            f"{source}: it is no whole zip file; download it again, or unpack it and choose the folder."
        ) from None


def _check_names(archive: zipfile.ZipFile, source: Path) -> None:
    """Refuse a zip whose list of files is not what the files say: one of them would be passed over."""
    for info in archive.infolist():
        whole = "\0" not in info.orig_filename
        try:
            archive.open(info).close()
        except (zipfile.BadZipFile, UnicodeDecodeError, EOFError):
            whole = False
        except (RuntimeError, NotImplementedError):
            # A password, or an unknown compression: told when the file is read, if it is.
            continue
        if not whole:
            raise InputError(
                f"{source}: its list of files is damaged ({info.filename}); download it again."
            ) from None


def read_sensor(path: StationFile) -> Sensor:
    """What the first line of a file says.

    Raises
    ------
    InputError
        If the file cannot be read or is in neither form.
    """
    line = next(_lines(path), (0, ""))[1]
    parts = line.split()
    try:
        if len(parts) > _FLAG and _DATE.fullmatch(parts[0]):
            columns = (_LATITUDE, _LONGITUDE, _FROM, _TO)
            latitude, longitude, upper, lower = (float(parts[column]) for column in columns)
            return Sensor(path, parts[_NETWORK], parts[_STATION], latitude, longitude, upper, lower, True)
    except ValueError:
        pass
    sensor = _sensor_of(path, line.strip())
    if sensor is None:
        raise InputError(
            f"{path}: its first line is neither an ISMN header nor a CEOP record; download it again from the "
            "ISMN."
        )
    return sensor


def _sensor_of(path: StationFile, line: str) -> Sensor | None:
    """What a header says, None where it is none.

    Of several places in the line where the five numbers may stand, the one with the depths of the file's
    name is taken, or the last.
    """
    networks, named, found = _NETWORKS.match(line), _VARIABLE.match(path.name), None
    if networks is None:
        return None
    for start in range(networks.end() + 1, len(line)):
        match = _PLACE.match(line, start) if line[start - 1].isspace() else None
        if match is None:
            continue
        try:
            latitude, longitude, _elevation, upper, lower = map(float, match.groups())
        except ValueError:
            continue
        in_range = abs(latitude) <= 90 and abs(longitude) <= 360 and upper <= lower
        if not (in_range and _DEPTHS[0] <= upper and lower <= _DEPTHS[1]):
            continue
        station = line[networks.end() : start].strip()
        found = Sensor(path, networks[2], station, latitude, longitude, upper, lower, False)
        if named and (upper, lower) == (float(named[2]), float(named[3])):
            break
    return found


def variable_of(path: StationFile) -> str:
    """The variable in a file's name, in small letters, or empty."""
    match = _VARIABLE.match(path.name)
    return match[1].lower() if match else ""


def read_readings(
    sensor: Sensor,
    choices: IsmnChoices,
    days: list[int],
    values: list[float],
    tally: Tally,
    progress: Progress,
) -> None:
    """Add the readings of a file to `days` and `values`, m3 m-3, and to the tally.

    Raises
    ------
    InputError
        If it cannot be read or a line is no record.
    """
    where_value, where_flag, most = (_VALUE, _FLAG, 15) if sensor.ceop else (2, 3, 5)
    scale, shift = UNITS[choices.unit], dt.timedelta(hours=choices.shift_hours)
    lines = _lines(sensor.path)
    if not sensor.ceop:
        next(lines)
    moments: dict[tuple[str, str], int] = {}
    for line, text in lines:
        if line % _ROWS_PER_CHECK == 0:
            progress.check()
        parts = text.split(None, most - 1)
        try:
            value = float(parts[where_value]) * scale
            flags = parts[where_flag]
            key = parts[0], parts[1] if shift else ""
            day = moments.get(key)
            if day is None:
                day = moments[key] = _day(parts[0], parts[1], shift)
        except (ValueError, IndexError, OverflowError):
            raise InputError(
                f"{sensor.path}, line {line}: '{text.strip()[:60]}' is no ISMN record; download it again "
                "from the ISMN."
            ) from None
        codes = flags.split(",")
        if _MISSING in codes or (choices.quality == "good" and codes != [_GOOD]):
            tally.flags.update(code for code in codes if code != _GOOD)
        elif not 0 <= value <= 1:
            tally.outside += 1
        else:
            tally.kept += 1
            days.append(day)
            values.append(value)


def _day(date: str, time: str, shift: dt.timedelta) -> int:
    match = _DATE.fullmatch(date)
    if match is None:
        raise ValueError(date)
    hour, minute = time.split(":")[:2]
    stamp = dt.datetime(*(int(part) for part in match.groups()))  # type: ignore[arg-type]
    return (stamp + dt.timedelta(hours=int(hour), minutes=int(minute)) + shift).toordinal()


def _lines(path: StationFile) -> Iterator[tuple[int, str]]:
    """The lines that hold something, with their numbers."""
    try:
        with path.open(encoding="latin-1") as stream:
            for number, line in enumerate(iter(lambda: stream.readline(_LONGEST_LINE), ""), start=1):
                if len(line) == _LONGEST_LINE:
                    raise InputError(
                        f"{path}, line {number}: it is longer than any of an ISMN file; download it again "
                        "from the ISMN."
                    )
                if "\0" in line or "\xff\xff" in line:
                    raise InputError(
                        f"{path}, line {number}: it holds bytes that are no text, the file is damaged; "
                        "download it again from the ISMN."
                    )
                if line.strip():
                    yield number, line
    except OSError as error:
        raise InputError(f"{path}: it cannot be read ({error.strerror}); check the path.") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError):
        raise InputError(f"{path}: the zip is damaged there; download it again.") from None
    except (RuntimeError, NotImplementedError) as error:
        # A password, or a compression that Python does not know.
        raise InputError(
            f"{path}: it cannot be read out of the zip ({error}); unpack it and choose the folder."
        ) from None
