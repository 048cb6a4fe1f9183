"""What is looked at before maps are made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from ...base.progress import SILENT, Progress
from ...geo.datasets import same_crs
from ...geo.grid import EASE2_CRS
from ...preflight.checks import LayerToCheck, check_layers, dated_layers, stack_layers
from ...preflight.layer_check import Preflight, is_coarse
from ...preflight.sample import Sampler
from .downscale import MapInputs

_AREA = "the pixels to be mapped"


def check_maps(inputs: MapInputs, dates: Sequence[dt.date], progress: Progress = SILENT) -> Preflight:
    """The fine stack and the dated covariates."""
    stack, names = inputs.stack, {dated.name for dated in inputs.dynamic}
    coarse = (
        f"{stack.path}: it lies on SMAP's own cells, and so will the maps; give COVARIATES the fine stack of "
        "'Harmonise covariates'"
    )
    is_on_cells = same_crs(stack.grid.crs, EASE2_CRS) and is_coarse(stack.grid)
    layers = [
        LayerToCheck(None, warnings=[coarse] if is_on_cells else []),
        *stack_layers(stack, [name for name in inputs.forests.covariates if name not in names], _AREA),
        *dated_layers(inputs.dynamic, dates, _AREA),
    ]
    return check_layers(layers, Sampler(stack.grid, None, progress), _AREA)
