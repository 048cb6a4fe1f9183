"""The table of the result for each date, beside a matrix or maps."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..geo.datasets import open_dataset
from ..geo.texts import tag_of
from ..series.dated import DatedCovariate
from .geopackage import DATE, create_table

#: Fields of numbers of a map, and the items of its file that hold them.
STATISTICS = {
    "valid": "STATISTICS_VALID_PERCENT",
    "minimum": "STATISTICS_MINIMUM",
    "mean": "STATISTICS_MEAN",
    "maximum": "STATISTICS_MAXIMUM",
}
STATISTICS_AND_SD = {**STATISTICS, "sd": "STATISTICS_STDDEV"}


@dataclass(frozen=True)
class DatesTable:
    """Result for each date: kinds of the fields (`date` first), and one row per date or resolution."""

    fields: Mapping[str, int]
    rows: Sequence[tuple[Any, ...]]

    def write(self, path: str | Path) -> None:
        """Write it as a table.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        with create_table(path, "dates", self.fields) as table:
            table.write(self.rows)

    def column(self, name: str) -> list[Any]:
        """The values of a field."""
        position = list(self.fields).index(name)
        return [row[position] for row in self.rows]


def raster_date_fields(covariates: Sequence[DatedCovariate]) -> dict[str, int]:
    """The fields of `raster_dates`."""
    return {f"{dated.name}_date": DATE for dated in covariates}


def raster_dates(covariates: Sequence[DatedCovariate], date: dt.date) -> list[str | None]:
    """The date of the raster of each dated covariate that stands for `date`."""
    entries = [dated.entry(date) for dated in covariates]
    return [None if entry is None else entry.date.isoformat() for entry in entries]


def map_statistics(path: Path, items: Mapping[str, str], band: int = 1) -> tuple[float, ...]:
    """Numbers of a map as its file keeps them, in its unit; of another of its bands, where asked for."""
    # A band dies with its dataset.
    dataset = open_dataset(path)
    holder = dataset.GetRasterBand(band)
    # GDAL's are those of the numbers in the file. Ours have no offset.
    scale = holder.GetScale() or 1.0
    scales = [1.0 if item == STATISTICS["valid"] else scale for item in items.values()]
    found = [tag_of(holder, item) for item in items.values()]
    return tuple(math.nan if text is None else float(text) * by for text, by in zip(found, scales))
