"""What is looked at before a regression matrix is made."""

from __future__ import annotations

from ...base.progress import SILENT, Progress
from ...preflight.checks import check_layers, dated_layers, smap_layer, stack_layers
from ...preflight.layer_check import Preflight
from ...preflight.sample import Sampler
from ...series.tags import unobserved_sentence
from .build import MatrixInputs

_AREA = "the SMAP cells"


def check_matrix(inputs: MatrixInputs, progress: Progress = SILENT) -> Preflight:
    """SMAP, coarse stack and dated covariates, over the cells that SMAP and stack share."""
    smap, stack = inputs.smap, inputs.stack
    window, _stack_window = inputs.common_cells()
    filled = unobserved_sentence(smap.source, "go into the matrix", "forests") if smap.has_filled() else ""
    layers = [
        smap_layer(smap, filled),
        *stack_layers(stack, stack.names, _AREA),
        *dated_layers(inputs.dynamic, smap.dates, _AREA),
    ]
    return check_layers(
        layers, Sampler(smap.grid.crop(window), None, progress), "the cells of SMAP and stack"
    )
