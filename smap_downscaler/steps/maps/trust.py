"""How far maps can be trusted, as their bands say it: for the report."""

from __future__ import annotations

import math

import numpy as np

from ...base.dates import evenly_thinned
from ...base.progress import SILENT, Progress
from ...geo.blocks import row_blocks
from ...geo.datasets import open_dataset, read_band
from ...geo.grid import Window
from ...geo.map_frame import frame_of
from ...methods.base import BY_EVIDENCE
from ...methods.skill import OobScores
from ...report.atlas import AtlasPanel
from ...tables.by_date import DatesTable
from ..terrain.summary import summarise
from .bands import DISSIMILARITY, EXPLAINED, NAME, OUT_OF_RANGE, OUTSIDE, SD
from .inputs import MapInputs
from .made import MapsReport
from .trust_report import MapLook, MapsLook, Trust

#: Panels of a report: bands, what they are called, and their unit (None: the maps').
_PANELS = {
    NAME: ("soil moisture", None),
    SD: ("standard deviation", None),
    DISSIMILARITY: ("dissimilarity", ""),
    OUTSIDE: ("share outside", ""),
    EXPLAINED: ("variance told", ""),
}


def look_at_maps(
    inputs: MapInputs, made: MapsReport, table: DatesTable, progress: Progress = SILENT
) -> Trust | None:
    """What a report says of the bands of maps; None where there is but one.

    Parameters
    ----------
    inputs : MapInputs
    made : MapsReport
        The maps made from them.
    table : DatesTable
        See `map_dates`.

    Raises
    ------
    InputError
        If a map cannot be read.
    """
    if len(inputs.bands) == 1:
        return None
    forests = inputs.forests
    scores = [found for key in forests.keys if (found := forests.scores(key)) is not None]
    if inputs.finish.residual:
        # Intervals were measured without it.
        scores = []
    numbers = {name: np.array(table.column(name), float) for name in table.fields if name in _NUMBERS}
    # Those of the whole pattern, or of none of it, were not measured.
    measured = made.measured if inputs.detail == BY_EVIDENCE else []
    return Trust(numbers, *_held(scores), _look(inputs, made, table, progress), measured)


_NUMBERS = ("width", "sd", "dissimilarity", "outside", "explained")


#: Dates whose maps a report shows.
_SHOWN = 4


def look_at_dates(inputs: MapInputs, made: MapsReport, progress: Progress = SILENT) -> MapsLook:
    """The maps of the first and the last date and of some between them, at reduced size.

    Raises
    ------
    InputError
        If a map cannot be read.
    """
    unit, dates = inputs.forests.response_unit, evenly_thinned(list(made.files), _SHOWN)
    panels = [
        AtlasPanel(f"soil moisture {date}", unit, summarise(made.files[date], progress).picture)
        for date in dates
    ]
    bounds, crs = inputs.part.grid.bounds, inputs.part.grid.crs
    return MapsLook(panels, bounds, frame_of(bounds, crs))


def _held(scores: list[OobScores]) -> tuple[float, float]:
    """Means over models of the share that intervals hold out of bag, and did before they were moved, %."""
    pairs = [(one.held, one.held_before) for one in scores if math.isfinite(one.held)]
    if not pairs:
        return math.nan, math.nan
    held, before = 100 * np.mean(pairs, axis=0)
    return float(held), float(before)


def _look(inputs: MapInputs, made: MapsReport, table: DatesTable, progress: Progress) -> MapLook:
    """The map of the date on which the most pixels lie outside, or with the widest intervals."""
    ranked = np.array(table.column("outside" if "outside" in table.fields else "width"), float)
    dates = table.column("date")
    worst = dates[int(np.nanargmax(ranked))] if np.isfinite(ranked).any() else dates[0]
    date = next(date for date in made.files if date.isoformat() == worst)
    path, names = made.files[date], inputs.bands
    panels, unit = [], inputs.forests.response_unit
    for number, name in enumerate(names, start=1):
        if name in _PANELS:
            label, own = _PANELS[name]
            picture = summarise(path, progress, number).picture
            panels.append(AtlasPanel(label, unit if own is None else own, picture))
    counts = np.zeros(len(inputs.forests.names) + 1, np.int64)
    if OUT_OF_RANGE in names:
        dataset, band, grid = open_dataset(path), names.index(OUT_OF_RANGE) + 1, inputs.part.grid
        for block in row_blocks(Window(0, 0, grid.height, grid.width)):
            progress.check()
            values = read_band(dataset, band, block)
            found = values[np.isfinite(values)].astype(np.int64)
            counts += np.bincount(found, minlength=counts.size)
    shares = dict(zip(inputs.forests.names, (100 * counts[1:] / max(counts.sum(), 1)).tolist()))
    bounds, crs = inputs.part.grid.bounds, inputs.part.grid.crs
    return MapLook(panels, bounds, frame_of(bounds, crs), date, shares)
