"""Field stations from whatever the user has: a CSV file, ISMN files, or a folder of either."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from .ismn_files import SUFFIX, ZIP, IsmnChoices
from .numbers.delimited import CsvChoices
from .numbers.readings import FieldData
from .stations_csv import read_csv_stations
from .stations_ismn import read_ismn_stations


@dataclass(frozen=True)
class StationChoices:
    """How readings are read: see `CsvChoices` and `IsmnChoices`."""

    csv: CsvChoices = field(default_factory=CsvChoices)
    ismn: IsmnChoices = field(default_factory=IsmnChoices)


def read_stations(source: str | Path, choices: StationChoices, progress: Progress = SILENT) -> FieldData:
    """Read all stations; a folder or a file that ends in .stm or .zip is ISMN's, any other file CSV.

    Raises
    ------
    InputError
        If there is nothing to read, or something is wrong with it.
    """
    path = Path(source)
    if path.is_dir() or path.suffix.lower() in (SUFFIX, ZIP):
        return read_ismn_stations(source, choices.ismn, progress)
    if not path.is_file():
        raise InputError(f"STATIONS: there is no file or folder {source}; check the path.")
    return read_csv_stations(source, choices.csv, progress)


def log_stations(data: FieldData, progress: Progress) -> None:
    """Log what the reader has to say."""
    for text in data.notes:
        progress.log(text)
    for text in data.warnings:
        progress.warn(text)
