"""Parameters of field stations, the same for all algorithms that read them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from qgis.core import (
    QgsProcessingParameterCrs,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterString,
)

from ....base.errors import InputError
from ....base.progress import Progress
from ....base.timestamps import MOST_ZONE
from ....base.words import text
from ....runs.provenance import files_hash
from ....toolbox.parameters import choice, decimal, file_or_folder, whole_number
from ....toolbox.reports import input_file
from ....toolbox.values import Values
from ..ismn_files import QUALITIES, IsmnChoices, ismn_files
from ..numbers.delimited import CsvChoices
from ..numbers.readings import UNITS, FieldData
from ..pairs import PairChoices
from ..stations import StationChoices, log_stations, read_stations
from ..stations_ismn import SURFACE, parse_depth

_FIELDS = {
    "STATION_FIELD": "Column of the stations' names",
    "DATE_FIELD": "Column of dates",
    "X_FIELD": "Column of x or longitude",
    "Y_FIELD": "Column of y or latitude",
    "VALUE_FIELD": "Column of soil moisture",
    "REPLICATE_FIELD": "Column of replicates",
}
#: Fewer samples give no ends of an interval.
LEAST_DRAWS = 100
#: Hours that times may be moved by.
_MOST_HOURS = 24.0


def station_parameters() -> Iterator[QgsProcessingParameterDefinition]:
    """The stations, and how their files are read."""
    yield file_or_folder("STATIONS", "Field stations (CSV, ISMN file or folder)")
    for name, description in _FIELDS.items():
        yield QgsProcessingParameterString(name, description, optional=True)
    yield QgsProcessingParameterCrs("CRS", "CRS of the stations (empty: degrees)", optional=True)
    yield choice("UNIT", "Unit of the readings", tuple(UNITS))
    yield decimal("TIME_ZONE", "Zone of times without one (hours from UTC)", 0.0, -MOST_ZONE, MOST_ZONE)
    yield decimal("TIME_SHIFT", "Added to the times of readings (hours)", 0.0, -_MOST_HOURS, _MOST_HOURS)
    yield choice("QUALITY", "Readings of ISMN files", QUALITIES)
    yield QgsProcessingParameterString("DEPTH", "Depths of ISMN sensors (m, as 0-0.05)", optional=True)


def interval_parameters() -> Iterator[QgsProcessingParameterDefinition]:
    """Samples and seed of the bootstrap."""
    # No least value here: out of range, `interval_draws` says more than QGIS does.
    yield whole_number("BOOTSTRAP", "Samples of the intervals", 1000, 0)
    yield whole_number("SEED", "Seed of the intervals", 1, 0)


def interval_draws(values: Values) -> int:
    """How many samples are drawn.

    Raises
    ------
    InputError
        If they are too few.
    """
    draws = values.integer("BOOTSTRAP")
    if draws < LEAST_DRAWS:
        raise InputError(f"BOOTSTRAP is {draws}; give {LEAST_DRAWS} samples or more.")
    return draws


def station_choices(values: Values) -> StationChoices:
    """How the files are to be read.

    Raises
    ------
    InputError
        If DEPTH is no range, or there is nothing at STATIONS.
    """
    path = values.path("STATIONS")
    if not os.path.exists(path):
        raise InputError(f"STATIONS: there is no file or folder {path}; check the path.")
    fields = {name.removesuffix("_FIELD").lower(): values.text(name).strip() for name in _FIELDS}
    unit, shift = values.choice("UNIT"), values.number("TIME_SHIFT")
    return StationChoices(
        CsvChoices(
            **fields,
            crs=values.crs("CRS"),
            unit=unit,
            shift_hours=shift,
            zone_hours=values.number("TIME_ZONE"),
        ),
        IsmnChoices(values.choice("QUALITY"), parse_depth(values.text("DEPTH")), unit, shift),
    )


def stations_read(values: Values, progress: Progress) -> FieldData:
    """The stations; what their reader has to say is logged.

    Raises
    ------
    InputError
        As `station_choices` and `read_stations`.
    """
    data = read_stations(values.path("STATIONS"), station_choices(values), progress)
    log_stations(data, progress)
    most = 100 * max(float(station.readings.mean.max()) for station in data.stations)
    if values.choice("UNIT") == "percent" and most <= 1:
        progress.warn(
            f"UNIT is percent, and no day's mean is over {most:.2g} percent; if the readings are in m3 m-3, "
            "choose that, or errors and bias are wrong."
        )
    return data


def pair_choices(values: Values) -> PairChoices:
    """How field and maps are brought together."""
    return PairChoices(*values.period(), values.choice("EXTRACTION"), values.choice("ANOMALIES"))


def stations_used(values: Values, data: FieldData, progress: Progress) -> dict[str, Any]:
    """Where the readings came from, for a report's manifest."""
    path = values.path("STATIONS")
    file = input_file(path, path, progress) if os.path.isfile(path) else _folder_used(path, progress)
    stations = {f"stations, {name}": value for name, value in file.items()}
    return {**stations, "CRS of the stations": data.crs}


def _folder_used(folder: str, progress: Progress) -> dict[str, object]:
    """Name and SHA-256 of a folder of ISMN files."""
    with ismn_files(folder) as files:
        named = {str(file): file.relative_to(folder).as_posix() for file in files}
        found = files_hash(named, progress)
    return {"folder": folder, f"SHA-256 of {found.of}": found.digest}


def reading_settings(values: Values) -> dict[str, Any]:
    """How the readings were read and the intervals drawn, for a report's manifest."""
    return {
        "unit of the readings": values.choice("UNIT"),
        "hours ahead of UTC of times without a zone": text("{:g}", values.number("TIME_ZONE")),
        "hours added to times": text("{:g}", values.number("TIME_SHIFT")),
        "readings of ISMN files": values.choice("QUALITY"),
        "depths of ISMN sensors, m": values.text("DEPTH") or text("the shallowest within 0-{:g}", SURFACE),
        "value at a station": values.choice("EXTRACTION"),
        "anomalies": values.choice("ANOMALIES"),
        "samples of the intervals": values.integer("BOOTSTRAP"),
        "seed": values.integer("SEED"),
    }
