"""What is looked at before area-to-point models are trained."""

from __future__ import annotations

from ...base.progress import SILENT, Progress
from ...preflight.checks import check_layers, check_mask, dated_layers, smap_layer, stack_layers
from ...preflight.layer_check import Preflight
from ...preflight.sample import Sampler
from ...series.tags import unobserved_sentence
from .rows import AreaInputs

_AREA = "the SMAP cells"


def check_area_inputs(inputs: AreaInputs, progress: Progress = SILENT) -> Preflight:
    """SMAP, fine stack and dated covariates, over the cells that SMAP and stack share."""
    smap, stack, mask = inputs.smap, inputs.stack, inputs.mask
    target = smap.grid.crop(inputs.under_stack)
    sampler = Sampler(target, mask, progress, inputs.aoi)
    if mask is not None:
        check_mask(mask, sampler.masked, target, progress)
    filled = unobserved_sentence(smap.source, "go into the model", "models") if smap.has_filled() else ""
    layers = [
        smap_layer(smap, filled),
        *stack_layers(stack, stack.names, _AREA),
        *dated_layers(inputs.dynamic, smap.dates, _AREA),
    ]
    return check_layers(layers, sampler, "the cells of SMAP and stack")
