"""Which columns of a table of field readings hold what: named by the user, or guessed by usual names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....base.errors import InputError
from .delimited import guess_columns, named_column


@dataclass(frozen=True)
class CsvChoices:
    """How a file is read: names of its columns (empty: guessed), CRS (empty: longitude and latitude), unit.

    Times are brought to UTC by the zone that they tell; one that tells none is of a clock that is
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

    def told(self, header: Sequence[str], geographic: bool) -> str:
        """What is taken from where, as a part of a sentence."""
        x, y = _coordinates(geographic)
        places = {"station": self.station, "date": self.date, x: self.x, y: self.y}
        places |= {"soil moisture": self.value, "replicate": self.replicate}
        used = {kind: place for kind, place in places.items() if place is not None}
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
        places = guess_columns(header, kind)
        if len(places) > 1:
            names = ", ".join(header[place] for place in places)
            raise InputError(
                f"{parameter}: {label} has several columns with a usual name of {thing(kind)} ({names}); "
                "name the one to use."
            )
        return places[0] if places else None

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
    """Refuse x and y that nobody says the CRS of."""
    if choices.crs or choices.x or choices.y or guess_columns(header, "longitude"):
        return
    x = guess_columns(header, "x")
    if x:
        raise InputError(
            f"CRS: {label} has no longitude and latitude, and nobody tells the CRS of its column "
            f"{header[x[0]]}; choose it."
        )
