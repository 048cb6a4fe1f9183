"""What is looked at before maps are made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...base.words import text
from ...geo.datasets import same_crs
from ...geo.grid import EASE2_CRS
from ...methods.file.reader import ModelFile
from ...preflight.checks import (
    LayerToCheck,
    check_layers,
    dated_layers,
    moisture_judge,
    series_layer,
    stack_layers,
)
from ...preflight.layer_check import Preflight, is_coarse
from ...preflight.sample import Sample, Sampler
from ...series.series import Series
from ...series.tags import unobserved_sentence
from ..areamodel.stack_points import stack_sentence
from .compare import Compared
from .inputs import MapInputs
from .thin_dates import thin_dates, thin_sentence

_AREA, _COMPARED = "the pixels to be mapped", "the maps"
_PART = "the part of the stack to be mapped"


def check_maps(inputs: MapInputs, dates: Sequence[dt.date], progress: Progress = SILENT) -> Preflight:
    """The fine stack and the dated covariates, where they are mapped."""
    stack, names = inputs.stack, {dated.name for dated in inputs.dynamic}
    coarse = (
        f"{stack.path}: it lies on SMAP's own cells, and so will the maps; give COVARIATES the fine stack of "
        "'Harmonise covariates'"
    )
    thin = thin_dates(inputs.forests, dates)
    is_on_cells = same_crs(stack.grid.crs, EASE2_CRS) and is_coarse(stack.grid)
    area, *advice = (_PART, "choose another EXTENT or AOI") if inputs.part.tags else (_AREA,)
    static = [name for name in inputs.forests.covariates if name not in names]
    other = stack_sentence(inputs.forests, stack, progress)
    layers = [
        LayerToCheck(None, warnings=[coarse if is_on_cells else "", thin_sentence(inputs.forests, thin)]),
        LayerToCheck(None, warnings=[inputs.wanted.doubt(stack.grid, stack.path), other]),
        *stack_layers(stack, static, area, *advice),
        *dated_layers(inputs.dynamic, dates, area),
        *([_smap_layer(inputs.smap, dates, "count in closure")] if inputs.smap else []),
    ]
    # A small part may well lie beyond the means of cells, by no more than these are apart.
    slack = 1.0 if inputs.part.tags else 0.0
    judged = [_with_judge(layer, inputs.forests, slack) for layer in layers]
    sampler = Sampler(inputs.part.grid, None, progress, inputs.wanted.aoi)
    return check_layers(judged, sampler, area)


def _with_judge(layer: LayerToCheck, forests: ModelFile, slack: float) -> LayerToCheck:
    """A covariate that is held against the range that models were trained on, where that is known.

    It may lie beside it by `slack` times the width of the range.
    """
    trained = forests.ranges.get(layer.row.name) if layer.row is not None else None
    if trained is None:
        return layer
    return replace(layer, judge=partial(_outside, layer, trained, slack, forests.method.noun))


def _outside(
    layer: LayerToCheck, trained: tuple[float, float], slack: float, noun: str, sample: Sample
) -> tuple[str, str]:
    """What is said of a covariate no value of which models know: most often it is in another unit."""
    beside = slack * (trained[1] - trained[0])
    if layer.row is None or not (sample.high < trained[0] - beside or sample.low > trained[1] + beside):
        return "", ""
    return (
        text(
            "{}: {} runs from {:.5g} to {:.5g}, wholly outside of the {:.5g} to {:.5g} that the {}s were "
            "trained on, so that it tells pixels apart no more; check its unit, and that it is the covariate "
            "of the training.",
            layer.label,
            layer.row.name,
            sample.low,
            sample.high,
            *trained,
            noun,
        ),
        "outside of the training",
    )


def check_comparison(compared: Compared, dates: Sequence[dt.date], progress: Progress = SILENT) -> Preflight:
    """Maps, reference and SMAP on the dates that are compared.

    Raises
    ------
    InputError
        If one of them is no soil moisture in m3 m-3, or a file cannot be read.
    """
    smap = compared.smap
    layers = [
        _moisture_layer("maps", "INPUT", compared.maps, dates),
        _moisture_layer("reference", "REFERENCE", compared.reference, dates),
    ]
    if smap is not None:
        layers.append(_smap_layer(smap, dates, "count in closure and interpolation"))
    return check_layers(layers, Sampler(compared.maps.grid, None, progress), _COMPARED)


def _smap_layer(smap: Series, dates: Sequence[dt.date], fate: str) -> LayerToCheck:
    """SMAP on the dates of maps, and what becomes of its values there."""
    filled = unobserved_sentence(smap.source, fate, "maps") if smap.has_filled() else ""
    return _moisture_layer("SMAP", "SMAP", smap, dates, filled)


def _moisture_layer(
    name: str, parameter: str, series: Series, dates: Sequence[dt.date], warning: str = ""
) -> LayerToCheck:
    entries = tuple(entry for entry in series.entries if entry.date in set(dates))
    label = f"{parameter} ({series.source})"
    judge = partial(_refuse_other_units, label)
    return series_layer(replace(series, name=name, entries=entries), label, [warning], judge=judge)


def _refuse_other_units(label: str, sample: Sample) -> tuple[str, str]:
    """Refuses what is far above any soil moisture, such as percent; below 0 a warning will do."""
    warning, note = moisture_judge(label)(sample)
    if warning and sample.high > 1:
        raise InputError(warning)
    return warning, note
