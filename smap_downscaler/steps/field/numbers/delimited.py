"""Tables of field readings as people export them: encodings, separators, decimal signs, columns."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ....base.covariate_names import covariate_name
from ....base.errors import InputError
from ....base.nodata import MISSING_WORDS, is_known_code

#: Tried in this order where two give as many columns.
SEPARATORS = (";", "\t", ",")
#: What stands for no value, in small letters.
MISSING = MISSING_WORDS | {"--", "nd", "missing", "#n/a"}
_NUMBER = re.compile(r"[+\-\u2212]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?", re.ASCII)
#: Usual names of the columns, the better ones first.
USUAL = {
    "station": "station station_id stationid station_name site site_id site_name estacion sitio plot punto "
    "point location name id",
    "date": "date datetime date_time timestamp time fecha fecha_hora day date_utc utc sampling_date",
    "longitude": "lon long longitude longitud lng",
    "latitude": "lat latitude latitud",
    "x": "x easting east este utm_x x_utm coord_x utm_e",
    "y": "y northing north norte utm_y y_utm coord_y utm_n",
    "value": "soil_moisture sm vwc theta theta_field swc ssm moisture water_content "
    "volumetric_water_content humedad humedad_suelo value valor",
    "replicate": "replicate rep replica repeat repetition repeticion sample muestra reading",
}


def decode(data: bytes, label: str) -> str:
    """The text of a file: UTF-8 (with or without a mark), UTF-16 with one, else Latin-1.

    Raises
    ------
    InputError
        If it is no text.
    """
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    if b"\0" in data:
        raise InputError(f"{label}: it is no text file; export the readings as CSV.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def separator_of(header: str) -> str:
    """The separator that cuts the header into most columns; those in quotes do not count."""
    bare = re.sub(r'"[^"]*"', "", header)
    return max(SEPARATORS, key=lambda sign: (bare.count(sign), -SEPARATORS.index(sign)))


def plain_name(name: str) -> str:
    """A column's name in small letters, without accents, units in brackets and signs."""
    return covariate_name(re.sub(r"[\[(].*?[\])]", " ", name))


def guess_columns(header: Sequence[str], kind: str) -> list[int]:
    """Places of the columns with the best usual name of a `kind` (a key of `USUAL`); there may be none."""
    names = [plain_name(name) for name in header]
    best = next((usual for usual in USUAL[kind].split() if usual in names), None)
    return [place for place, name in enumerate(names) if name == best]


def named_column(header: Sequence[str], name: str, parameter: str, label: str) -> int:
    """The place of the column that `parameter` names.

    Raises
    ------
    InputError
        If there is no such column, or several.
    """
    wanted = name.strip()
    found = [place for place, column in enumerate(header) if column == wanted]
    found = found or [place for place, column in enumerate(header) if column.casefold() == wanted.casefold()]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(column for column in header if column)
    if found:
        raise InputError(f"{parameter}: {label} has several columns named {wanted}; give each its own name.")
    raise InputError(
        f"{parameter}: {label} has no column named {wanted} (it has {listed}); choose one of them."
    )


class NumberReader:
    """Reads the numbers of one file, which must all have the same decimal sign.

    Parameters
    ----------
    label : str
        What messages call the file.
    """

    def __init__(self, label: str):
        self._label = label
        self._first: dict[str, int] = {}

    def read(self, text: str, column: str, line: int, codes: bool = True) -> float | None:
        """A number, or None for what stands for no value: without `codes` no number does.

        Raises
        ------
        InputError
            For text, and for decimal commas beside decimal points.
        """
        text = text.strip()
        if text.casefold() in MISSING:
            return None
        if not _NUMBER.fullmatch(text):
            raise InputError(
                f"{self._label}, line {line}: '{text[:40]}' in column {column} is no number; mend it or "
                "leave it empty."
            )
        for sign in ".,":
            if sign in text:
                self._first.setdefault(sign, line)
        if len(self._first) == 2:
            commas, points = self._first[","], self._first["."]
            raise InputError(
                f"{self._label}: numbers have decimal commas (line {commas}) and decimal points (line "
                f"{points}), and one of the two may be a thousands separator; write all in one way."
            )
        number = float(text.replace(",", ".").replace("\u2212", "-"))
        # What loggers write for no value; a large number is for its range to judge.
        return None if codes and number < 0 and is_known_code(number) else number


@dataclass(frozen=True)
class CsvChoices:
    """How a file is read: names of its columns (empty: guessed), CRS (empty: longitude and latitude), unit.

    Times are brought to UTC by the zone that they name; one that names none is of a clock that is
    `zone_hours` ahead of UTC.  `shift_hours` is then added before the time is put to a day.
    """

    station: str = ""
    date: str = ""
    x: str = ""
    y: str = ""
    value: str = ""
    replicate: str = ""
    crs: str = ""
    unit: str = "m3 m-3"
    shift_hours: float = 0.0
    zone_hours: float = 0.0


@dataclass(frozen=True)
class Columns:
    """Places of the columns; there may be none of stations (then each place is one) and of replicates."""

    date: int
    x: int
    y: int
    value: int
    station: int | None
    replicate: int | None

    def description(self, header: Sequence[str], geographic: bool) -> str:
        """What is taken from where, as a part of a sentence."""
        x, y = _coordinates(geographic)
        columns = {"station": self.station, "date": self.date, x: self.x, y: self.y}
        columns |= {"soil moisture": self.value, "replicate": self.replicate}
        used = {kind: place for kind, place in columns.items() if place is not None}
        return ", ".join(f"{kind} from {header[place]}" for kind, place in used.items())


def find_columns(header: Sequence[str], choices: CsvChoices, geographic: bool, label: str) -> Columns:
    """The columns of a header.

    Parameters
    ----------
    header : sequence of str
    choices : CsvChoices
    geographic : bool
        Whether the coordinates are longitude and latitude.
    label : str
        What messages call the file.

    Raises
    ------
    InputError
        If a named column is missing, one that is needed has no usual name, or several have the same.
    """

    def thing(kind: str) -> str:
        return "soil moisture" if kind == "value" else kind

    def optional(kind: str, name: str, parameter: str) -> int | None:
        if name:
            return named_column(header, name, parameter, label)
        found = guess_columns(header, kind)
        if len(found) > 1:
            names = ", ".join(header[place] for place in found)
            raise InputError(
                f"{parameter}: {label} has several columns with a usual name of {thing(kind)} ({names}); "
                "name the one to use."
            )
        return found[0] if found else None

    def needed(kind: str, name: str, parameter: str) -> int:
        place = optional(kind, name, parameter)
        if place is None:
            listed = ", ".join(column for column in header if column)
            raise InputError(
                f"{parameter}: no column of {label} has a usual name of {thing(kind)} (it has {listed}); "
                "name the column."
            )
        return place

    if len(header) < 2:
        raise InputError(
            f"{label}: its first line holds no names of columns, parted by comma, semicolon or tab; export "
            "the readings with a header."
        )
    _check_crs(header, choices, label)
    x, y = _coordinates(geographic)
    return Columns(
        needed("date", choices.date, "DATE_FIELD"),
        needed(x, choices.x, "X_FIELD"),
        needed(y, choices.y, "Y_FIELD"),
        needed("value", choices.value, "VALUE_FIELD"),
        optional("station", choices.station, "STATION_FIELD"),
        optional("replicate", choices.replicate, "REPLICATE_FIELD"),
    )


def _coordinates(geographic: bool) -> tuple[str, str]:
    return ("longitude", "latitude") if geographic else ("x", "y")


def _check_crs(header: Sequence[str], choices: CsvChoices, label: str) -> None:
    """Refuse x and y without a known CRS."""
    if choices.crs or choices.x or choices.y or guess_columns(header, "longitude"):
        return
    x = guess_columns(header, "x")
    if x:
        raise InputError(
            f"CRS: {label} has no longitude and latitude, and nothing says which CRS its column "
            f"{header[x[0]]} is in; choose it."
        )
