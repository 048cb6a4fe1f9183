"""The look before dated layers are joined on cells or pixels: regression matrix, maps, filled gaps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from ...base.progress import SILENT, Progress
from ...geo.datasets import same_crs
from ...geo.grid import EASE2_CRS
from ...preflight.layer_check import is_coarse
from ...preflight.look import Area, Preflight, add_series, add_stack, add_twins, looks, smap_row
from ...preflight.sample import Sampler
from ...series.filled_tag import unobserved_sentence
from ..gaps.inputs import GapInputs
from ..maps.downscale import MapInputs
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
