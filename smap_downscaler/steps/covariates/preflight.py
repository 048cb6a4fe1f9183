"""The look at the layers of 'Harmonise covariates': values against units, duplicates, the mask."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...geo.grid import Grid
from ...geo.sources import Mask
from ...preflight.layer_check import LayerCheck
from ...preflight.look import Preflight, row_of
from ...preflight.sample import Sample, Sampler, same_values
from .covariate import Covariate
from .numbers.conversions import LOG_OUT
from .numbers.ranges import judge
from .products import FROM_NAME


def check_covariates(
    covariates: Sequence[Covariate],
    coarse: Grid,
    mask: Mask | None,
    smap: LayerCheck,
    smap_label: str,
    progress: Progress = SILENT,
) -> tuple[Preflight, list[Covariate]]:
    """Look at the layers of 'Harmonise covariates' over the SMAP cells.

    Returns
    -------
    Preflight, list of Covariate
        The covariates anew: a unit that rests on a file's name is dropped where the values speak against it.

    Raises
    ------
    InputError
        If values of a layer cannot be true in its unit, or the mask takes all cells away.
    """
    found = Preflight()
    found.add(smap, smap_label)
    sampler = Sampler(coarse, mask, progress)
    if mask is not None:
        _check_mask(mask, sampler.masked, coarse, progress)
    samples, out = [], []
    for one in covariates:
        sample = sampler.look(one.source)
        samples.append(sample)
        checked, note = _checked(one, sample, found)
        out.append(checked)
        shown = sample if not one.categorical else replace(sample, values=sample.stored)
        found.add(row_of(one.name, one.source.grid, shown, "", note), one.label)
    for first, second in _duplicates(covariates, samples):
        found.warnings.append(
            f"{covariates[first].label} and {covariates[second].label} hold the same values; "
            "leave out one of them."
        )
    return found, out


def _check_mask(mask: Mask, masked: float, coarse: Grid, progress: Progress) -> None:
    progress.log(f"MASK masks {100 * masked:.1f} % of the SMAP cells.")
    if masked == 1 and not mask.leaves_any(coarse, progress):
        raise InputError(
            f"MASK ({mask.path}) masks all of the SMAP cells; give a raster that is 0 or NoData where land "
            "is to be kept, or none."
        )


def _checked(one: Covariate, sample: Sample, found: Preflight) -> tuple[Covariate, str]:
    """The covariate, with a unit that its values do not deny, and a note."""
    if one.categorical:
        return one, ""
    natural = one.change.natural(sample.stored) if sample.stored.size else sample.stored
    text = judge_values(one, natural, sample.stored)
    if not text:
        return one, ""
    found.warnings.append(f"{one.label}: {one.name}: {text}.")
    found.doubtful.add(one.name)
    if one.why.startswith(FROM_NAME):
        one = replace(one, unit="")
    return one, "unit?"


def judge_values(one: Covariate, natural: np.ndarray, stored: np.ndarray) -> str:
    """A warning about the values of a covariate, or empty.

    Raises
    ------
    InputError
        If they cannot be true.
    """
    ends = _ends(natural)
    if math.isnan(ends[0]):
        return ""
    if one.change.log10 == LOG_OUT and ends[0] <= 0:
        raise InputError(
            f"{one.label}: {one.name}: its lowest value is {ends[0]:.6g}, which has no log10; "
            "leave log10 of this layer empty in LAYERS."
        )
    # The unit of a value before its logarithm is taken.
    unit = one.change.conversion.target or ("" if one.unit.startswith("log10(") else one.unit)
    verdict = judge(one.quantity, unit, *ends, one.change, _ends(stored), one.usual)
    if verdict is None:
        return ""
    if not verdict.possible:
        raise InputError(f"{one.label}: {one.name}: {verdict.text}.")
    return verdict.text


def _ends(values: np.ndarray) -> tuple[float, float]:
    valid = values[~np.isnan(values)]
    return (float(valid.min()), float(valid.max())) if valid.size else (math.nan, math.nan)


def _duplicates(covariates: Sequence[Covariate], samples: Sequence[Sample]) -> list[tuple[int, int]]:
    places = [(one.source.path, one.source.band) for one in covariates]
    pairs = {
        (first, second)
        for first in range(len(places))
        for second in range(first + 1, len(places))
        if places[first] == places[second] and covariates[first].change == covariates[second].change
    }
    return sorted(pairs | set(same_values(samples)))
