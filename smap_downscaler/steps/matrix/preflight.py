"""The look before dated layers are joined on cells or pixels: regression matrix, maps, filled gaps."""

from __future__ import annotations

from ...base.progress import SILENT, Progress
from ...preflight.look import Area, Preflight, add_series, add_stack, add_twins, looks, smap_row
from ...preflight.sample import Sampler
from ...series.filled_tag import unobserved_sentence
from .build import MatrixInputs


def check_matrix(inputs: MatrixInputs, progress: Progress = SILENT) -> Preflight:
    """Look at SMAP, coarse stack and dated covariates over the cells that they share.

    Raises
    ------
    InputError
        If they do not fit together, a covariate has no value at all, or a file cannot be read.
    """
    window, _stack_window = inputs.common_cells()
    cells = inputs.smap.grid.crop(window)
    found = Preflight()
    sampler = Sampler(cells, None, progress)
    area = Area(cells, "the SMAP cells", progress)
    row = smap_row("SMAP", inputs.smap.grid, inputs.smap.dates, looks(inputs.smap, sampler))
    found.add(row, f"SMAP ({inputs.smap.source})")
    if inputs.smap.has_origin():
        found.warnings.append(unobserved_sentence(inputs.smap.source, "go into the matrix", "forests"))
    add_stack(found, inputs.stack, inputs.stack.names, sampler, area)
    for series in inputs.dynamic:
        add_series(found, series, inputs.smap.dates, inputs.window, sampler, area)
    add_twins(found, inputs.dynamic)
    return found
