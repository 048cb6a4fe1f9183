"""The look before maps are made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from ...base.progress import SILENT, Progress
from ...geo.datasets import same_crs
from ...geo.grid import EASE2_CRS
from ...preflight.layer_check import is_coarse
from ...preflight.look import Area, Preflight, add_series, add_stack, add_twins
from ...preflight.sample import Sampler
from .downscale import MapInputs


def check_maps(inputs: MapInputs, dates: Sequence[dt.date], progress: Progress = SILENT) -> Preflight:
    """Look at the fine stack and the dated covariates over the pixels to be mapped.

    Raises
    ------
    InputError
        If a covariate has no value at all, or a file cannot be read.
    """
    found = Preflight()
    if same_crs(inputs.stack.grid.crs, EASE2_CRS) and is_coarse(inputs.stack.grid):
        found.warnings.append(
            f"{inputs.stack.path}: it lies on SMAP's own cells, and so will the maps; give COVARIATES the "
            "fine stack of 'Harmonise covariates'"
        )
    sampler = Sampler(inputs.stack.grid, None, progress)
    area = Area(inputs.stack.grid, "the pixels to be mapped", progress)
    dated = {series.name for series in inputs.dynamic}
    static = [name for name in inputs.forests.covariates if name not in dated]
    add_stack(found, inputs.stack, static, sampler, area)
    for series in inputs.dynamic:
        add_series(found, series, dates, inputs.window, sampler, area)
    add_twins(found, inputs.dynamic)
    return found
