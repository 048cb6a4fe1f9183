"""What is looked at before gaps are filled."""

from __future__ import annotations

from ...base.progress import SILENT, Progress
from ...preflight.checks import check_layers, dated_layers, smap_layer
from ...preflight.layer_check import Preflight
from ...preflight.sample import Sampler
from .inputs import GapInputs

_AREA = "the SMAP cells"


def check_gaps(inputs: GapInputs, progress: Progress = SILENT) -> Preflight:
    """SMAP, and the dated covariates on all days of the filled series."""
    layers = [
        smap_layer(inputs.smap),
        *dated_layers(inputs.dynamic, inputs.dates, _AREA),
    ]
    return check_layers(layers, Sampler(inputs.smap.grid, None, progress), _AREA)
