"""The fields that 'Moisture statistics' adds to polygons."""

from __future__ import annotations

from collections.abc import Sequence

from ....base.progress import Progress
from ....toolbox.vectors import INTEGER, REAL, Column
from ..numbers.moments import Statistics
from ..numbers.summary import STATISTICS, over_dates
from ..statistics import LayerStatistics

#: What the statistics are called in the names of fields, and soil moisture.
_PREFIXES = {"mean": "mu", "sd": "sd", "cv": "cv"}
_MOISTURE = "sm"


def polygon_columns(
    ids: Sequence[int],
    moisture: LayerStatistics | None,
    covariates: LayerStatistics | None,
    most_dates: int,
    progress: Progress,
) -> list[Column]:
    """The number of each polygon, its covariates, its soil moisture over all dates and on each of a few.

    Parameters
    ----------
    ids : sequence of int
    moisture, covariates : LayerStatistics or None
    most_dates : int
        With more dates none gets fields of its own.
    """
    columns = [Column("polygon", INTEGER, ids)]
    if covariates is not None:
        for index, layer in enumerate(covariates.layers):
            columns += _of_layer(covariates.statistics, index, layer.variable)
    if moisture is None:
        return columns
    overall = over_dates(moisture.statistics)
    columns.append(Column(f"dates_{_MOISTURE}", INTEGER, overall.dates.tolist()))
    for name in STATISTICS:
        columns.append(Column(f"{_PREFIXES[name]}_{_MOISTURE}", REAL, getattr(overall, name).tolist()))
    if len(moisture.layers) > most_dates:
        progress.log(
            f"{len(moisture.layers):,} dates are more than DATE_FIELDS ({most_dates}): OUTPUT holds their "
            "mean only, TABLE each of them"
        )
        return columns
    for index, layer in enumerate(moisture.layers):
        columns += _of_layer(moisture.statistics, index, f"{_MOISTURE}_{layer.date:%Y%m%d}")
    return columns


def _of_layer(statistics: Statistics, index: int, name: str) -> list[Column]:
    return [
        Column(f"{_PREFIXES[key]}_{name}", REAL, getattr(statistics, key)[index].tolist())
        for key in STATISTICS
    ]
