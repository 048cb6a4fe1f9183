"""What is looked at before area-to-point models are trained."""

from __future__ import annotations

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...geo.datasets import same_crs
from ...geo.grid import EASE2_CRS
from ...preflight.checks import check_layers, check_mask, dated_layers, smap_layer, stack_layers
from ...preflight.layer_check import Preflight, ease_shift
from ...preflight.sample import Sampler
from ...series.series import Series
from ...series.tags import unobserved_sentence
from .rows import AreaInputs

_AREA = "the SMAP cells"


def check_area_inputs(inputs: AreaInputs, progress: Progress = SILENT) -> Preflight:
    """SMAP, fine stack and dated covariates, over the cells that SMAP and stack share.

    Raises
    ------
    InputError
        If a layer cannot be used, or no band of the stack varies.
    """
    smap, stack, mask = inputs.smap, inputs.stack, inputs.mask
    target = smap.grid.crop(inputs.under_stack)
    sampler = Sampler(target, mask, progress, inputs.aoi)
    if mask is not None:
        check_mask(mask, sampler.masked, target, progress)
    filled = unobserved_sentence(smap.source, "go into the model", "models") if smap.has_filled() else ""
    layers = [
        smap_layer(smap, filled, _resampled(smap)),
        *stack_layers(stack, stack.names, _AREA),
        *dated_layers(inputs.dynamic, smap.dates, _AREA),
    ]
    found = check_layers(layers, sampler, "the cells of SMAP and stack")
    if all(row.constant for row in found.rows if row.name in stack.names):
        raise InputError(
            f"COVARIATES ({stack.source}): none of its bands varies over {_AREA}, so that they tell nothing "
            "within cells; give a stack with layers that do."
        )
    return found


def _resampled(smap: Series) -> str:
    """The warning of cells that are no cells of SMAP, or nothing."""
    if same_crs(smap.grid.crs, EASE2_CRS) and ease_shift(smap.grid) is not None:
        return ""
    return (
        f"SMAP ({smap.source}): its cells are not those of the EASE-Grid 2.0, so it was resampled, and its "
        "noise and the evidence for the pattern cannot be trusted; give SMAP on its own cells, as 'Import "
        "SMAP soil moisture' makes it"
    )
