"""The look before gaps are filled."""

from __future__ import annotations

from ...base.progress import SILENT, Progress
from ...preflight.look import Area, Preflight, add_series, add_twins, looks, smap_row
from ...preflight.sample import Sampler
from .inputs import GapInputs


def check_gaps(inputs: GapInputs, progress: Progress = SILENT) -> Preflight:
    """Look at SMAP and the dated covariates over the SMAP cells, on all days of the filled series.

    Raises
    ------
    InputError
        If a covariate has no value at all, or a file cannot be read.
    """
    found, cells = Preflight(), inputs.smap.grid
    sampler, area = Sampler(cells, None, progress), Area(cells, "the SMAP cells", progress)
    row = smap_row("SMAP", cells, inputs.smap.dates, looks(inputs.smap, sampler))
    found.add(row, f"SMAP ({inputs.smap.source})")
    for series in inputs.dynamic:
        add_series(found, series, inputs.dates, inputs.window, sampler, area)
    add_twins(found, inputs.dynamic)
    return found
