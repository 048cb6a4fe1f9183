"""Tables of maps: what became of each date, and of each resolution of a cascade."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...base.words import joined, text
from ...methods.keys import POOLED, PooledKey
from ...tables.by_date import (
    STATISTICS,
    STATISTICS_AND_SD,
    DatesTable,
    map_statistics,
    raster_date_fields,
    raster_dates,
)
from ...tables.geopackage import DATE, INTEGER, REAL, TEXT
from .bands import DISSIMILARITY, EXPLAINED, LOWER, OUTSIDE, SD, UPPER
from .inputs import NO_SMAP, MapInputs
from .limits import Beyond
from .made import MapsReport
from .thin_dates import thin_dates

#: What stands in the table for a date of which SMAP is known.
SEEN = "seen"
_BESIDE_SMAP = {
    "smap": TEXT, "closure_cells": INTEGER, "closure_rmse": REAL, "closure_bias": REAL, "noise": REAL,
    "exact_cells": INTEGER, "part_cells": INTEGER,
}  # fmt: skip


def map_dates(inputs: MapInputs, report: MapsReport) -> DatesTable:
    """One row per date: the map, whether it is new, share of pixels with a value (%), range, rasters taken.

    Of the pixels with a value `beyond` (%) lie outside of 0 to saturation, see `Limits`; of maps with more
    bands follow what `extra_fields` names. Where SMAP is known also how the map's means over its cells lie
    beside it.

    Parameters
    ----------
    inputs : MapInputs
    report : MapsReport
        Of the maps made from them.

    Raises
    ------
    InputError
        If a map cannot be read.
    """
    more = extra_fields(inputs)
    fields = {"date": DATE, "map": TEXT, **dict.fromkeys((*STATISTICS, "beyond", *more), REAL)}
    kept, rows = set(report.kept), []
    thin = thin_dates(inputs.forests, list(report.files))
    for date in sorted({*report.files, *report.skipped}):
        path = report.files.get(date)
        numbers = (math.nan,) * (len(STATISTICS) + 1 + len(more))
        if path:
            beyond = report.beyond.get(date, Beyond()).share
            numbers = (*map_statistics(path, STATISTICS), beyond, *_of_extra(inputs, date, path))
        note = report.skipped.get(date, "kept from an earlier run" if date in kept else "")
        note = joined("; ", filter(None, [note, thin.get(date), _unfinished(inputs, report, date)]))
        taken = raster_dates(inputs.dynamic, date)
        beside = _beside_smap(inputs, report, date)
        rows.append((date.isoformat(), path.name if path else "", *numbers, *beside.values(), *taken, note))
    fields |= dict(
        zip(_beside_smap(inputs, report, dt.date.min), (TEXT, INTEGER, *[REAL] * 3, *[INTEGER] * 2))
    )
    return DatesTable({**fields, **raster_date_fields(inputs.dynamic), "note": TEXT}, rows)


def _unfinished(inputs: MapInputs, report: MapsReport, date: dt.date) -> str:
    why = report.unfinished.get(date)
    return text("without {}: {}", inputs.finish.words, why) if why else ""


def _beside_smap(inputs: MapInputs, report: MapsReport, date: dt.date) -> dict[str, Any]:
    """How a map lies beside SMAP, by the names of the fields; nothing where nobody knows SMAP."""
    if inputs.under is None:
        return {}
    found = report.closures.get(date)
    beside = {
        "smap": (SEEN if found else NO_SMAP) if date in report.files else "",
        "closure_cells": found.cells if found else 0,
        "closure_rmse": found.rmse if found else math.nan,
        "closure_bias": found.bias if found else math.nan,
        "noise": report.noise.get(date, math.nan),
    }
    if inputs.finish.exact:
        beside |= {"exact_cells": found.full if found else 0, "part_cells": found.part if found else 0}
    return beside


def extra_fields(inputs: MapInputs) -> tuple[str, ...]:
    """Fields of what maps tell beside soil moisture.

    `width` and `sd`: mean width of the intervals and mean SD, m3 m-3; `held`: SMAP's values that intervals
    hold at held-out rows of the training, %; `dissimilarity`: its mean; `outside`: pixels over the threshold,
    %; `explained`: mean share of the variance that the data took away, %.
    """
    names: tuple[str, ...] = ("width", "sd", "held") if inputs.extra.intervals else ()
    if inputs.extra.applicability:
        names += ("dissimilarity", "outside")
        names += ("explained",) if inputs.forests.method.has_prior else ()
    return names


def _of_extra(inputs: MapInputs, date: dt.date, path: Path) -> Iterator[float]:
    """The numbers of `extra_fields`, from what the bands of a map keep."""
    mean = {
        name: map_statistics(path, {"mean": STATISTICS["mean"]}, band)[0]
        for band, name in enumerate(inputs.bands[1:], start=2)
    }
    if inputs.extra.intervals:
        yield mean[UPPER] - mean[LOWER]
        yield mean[SD]
        scores = inputs.forests.scores(PooledKey() if inputs.forests.mode == POOLED else date)
        # With the residual they are those of another map.
        known = scores is not None and not inputs.finish.residual
        yield 100 * scores.held if scores is not None and known else math.nan
    if inputs.extra.applicability:
        yield mean[DISSIMILARITY]
        yield 100 * mean[OUTSIDE]
    if EXPLAINED in mean:
        yield 100 * mean[EXPLAINED]


def cascade_resolutions(
    inputs: MapInputs, date: dt.date, resolutions: Sequence[float], files: Sequence[Path]
) -> DatesTable:
    """One row per resolution (metres): the map, share of cells with a value (%), range, mean and SD.

    Parameters
    ----------
    inputs : MapInputs
    date : date
    resolutions : sequence of float
    files : sequence of Path
        The maps made from them, in the order of the resolutions.

    Raises
    ------
    InputError
        If a map cannot be read.
    """
    fields = {"date": DATE, "resolution": REAL, "map": TEXT, **dict.fromkeys(STATISTICS_AND_SD, REAL)}
    taken = raster_dates(inputs.dynamic, date)
    rows = [
        (date.isoformat(), side, path.name, *map_statistics(path, STATISTICS_AND_SD), *taken)
        for side, path in zip(resolutions, files)
    ]
    return DatesTable({**fields, **raster_date_fields(inputs.dynamic)}, rows)
