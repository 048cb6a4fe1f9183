"""What is looked at before maps are made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from ...base.progress import SILENT, Progress
from ...geo.datasets import same_crs
from ...geo.grid import EASE2_CRS
from ...preflight.checks import LayerToCheck, check_layers, dated_layers, stack_layers
from ...preflight.layer_check import Preflight, is_coarse
from ...preflight.sample import Sample, Sampler
from .downscale import MapInputs
from .thin_dates import thin_dates, thin_sentence

_AREA = "the pixels to be mapped"


def check_maps(inputs: MapInputs, dates: Sequence[dt.date], progress: Progress = SILENT) -> Preflight:
    """The fine stack and the dated covariates."""
    stack, names = inputs.stack, {dated.name for dated in inputs.dynamic}
    coarse = (
        f"{stack.path}: it lies on SMAP's own cells, and so will the maps; give COVARIATES the fine stack of "
        "'Harmonise covariates'"
    )
    thin = thin_dates(inputs.forests, dates)
    is_on_cells = same_crs(stack.grid.crs, EASE2_CRS) and is_coarse(stack.grid)
    layers = [
        LayerToCheck(None, warnings=[coarse if is_on_cells else "", thin_sentence(inputs.forests, thin)]),
        *stack_layers(stack, [name for name in inputs.forests.covariates if name not in names], _AREA),
        *dated_layers(inputs.dynamic, dates, _AREA),
    ]
    judged = [_with_judge(layer, inputs.forests.ranges) for layer in layers]
    return check_layers(judged, Sampler(stack.grid, None, progress), _AREA)


def _with_judge(layer: LayerToCheck, ranges: Mapping[str, tuple[float, float]]) -> LayerToCheck:
    """A covariate that is held against the range that forests were trained on, where that is known."""
    trained = ranges.get(layer.row.name) if layer.row is not None else None
    return layer if trained is None else replace(layer, judge=partial(_outside, layer, trained))


def _outside(layer: LayerToCheck, trained: tuple[float, float], sample: Sample) -> tuple[str, str]:
    """What is said of a covariate no value of which forests know: most often it is in another unit."""
    if layer.row is None or not (sample.high < trained[0] or sample.low > trained[1]):
        return "", ""
    return (
        f"{layer.label}: {layer.row.name} runs from {sample.low:.5g} to {sample.high:.5g}, wholly outside of "
        f"the {trained[0]:.5g} to {trained[1]:.5g} that the forests were trained on, so that it tells pixels "
        "apart no more; check its unit, and that it is the covariate of the training.",
        "outside of the training",
    )
