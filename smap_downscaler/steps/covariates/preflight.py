"""What is looked at before layers are harmonised: values against units, duplicates, the mask."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from ...base.errors import InputError
from ...base.progress import SILENT, Progress
from ...geo.area import Area
from ...geo.grid import Grid, Window
from ...geo.sources import BandReader, Mask, windows_over
from ...preflight.checks import LayerToCheck, check_layers, check_mask, row_of, shift_warning
from ...preflight.codes import codes_by_name, codes_by_values
from ...preflight.layer_check import Preflight
from ...preflight.sample import Sample, Sampler, range_of
from .covariate import Covariate
from .numbers.conversions import LOG_OUT
from .numbers.ranges import judge
from .products import FROM_NAME

#: The note of a covariate whose values speak against its unit.
UNIT_IN_DOUBT = "unit?"
#: Units of what has none.
_NO_UNITS = frozenset({"", "1", "-", "none", "class", "classes", "code"})
#: Rows of a raster that are looked at for codes of classes.
_ROWS_SEEN = 24


def check_covariates(
    covariates: Sequence[Covariate],
    coarse: Grid,
    mask: Mask | None,
    smap: LayerToCheck,
    progress: Progress = SILENT,
    area: Area | None = None,
) -> tuple[Preflight, list[Covariate]]:
    """SMAP and the covariates over the SMAP cells, or over the study area of polygons.

    Returns
    -------
    Preflight, list of Covariate
        The covariates anew: a unit that rests on a file's name is dropped where the values speak against it.

    Raises
    ------
    InputError
        If values of a layer cannot be true in its unit, or the mask takes all cells away.
    """
    sampler = Sampler(coarse, mask, progress, area)
    if mask is not None:
        check_mask(mask, sampler.masked, coarse, progress)
    layers = [
        LayerToCheck(
            row_of(one.name, one.source.grid),
            [one.source],
            one.label,
            [shift_warning(one.label, one.source.grid), _codes_warning(one, coarse, progress)],
            judge=partial(_verdict, one),
            twins="{0.label} and {1.label} hold the same values; leave out one of them.",
        )
        for one in covariates
    ]
    found = check_layers([smap, *layers], sampler, "the study area" if area else "the SMAP cells")
    doubtful = in_doubt(found)
    return found, [
        replace(one, unit="") if one.name in doubtful and one.why.startswith(FROM_NAME) else one
        for one in covariates
    ]


def in_doubt(found: Preflight) -> set[str]:
    """Names of covariates whose values speak against their unit."""
    return {row.name for row in found.rows if UNIT_IN_DOUBT in row.notes}


def _may_be_classes(one: Covariate) -> bool:
    """Whether nothing says that a covariate is measured: neither the user, nor a unit, nor what it is."""
    known = one.measured or one.quantity or not one.change.nothing
    return not one.categorical and not known and one.unit.lower() in _NO_UNITS


def _check_codes(one: Covariate, sample: Sample) -> None:
    """Refuse what is called a map of classes and holds their codes."""
    if not _may_be_classes(one):
        return
    codes = codes_by_name((one.name, one.layer.name, one.description), sample.stored)
    if codes:
        raise InputError(
            f"{one.label}: by its name and its values ({codes}) it is a map of classes, whose codes have no "
            f"mean; give CATEGORICAL {one.name}, or {one.name}=no if they are measurements."
        )


def _codes_warning(one: Covariate, coarse: Grid, progress: Progress) -> str:
    """The warning of values that look like codes of classes; empty where they do not."""
    if not one.whole or not _may_be_classes(one):
        return ""
    reader, rows = BandReader(), []
    for window in windows_over(one.source.grid, coarse.bounds, coarse.crs, margin=0):
        for row in np.unique(np.linspace(0, window.height - 1, _ROWS_SEEN).astype(np.intp)).tolist():
            progress.check()
            rows.append(reader.read(one.source, Window(window.row + row, window.col, 1, window.width))[0])
    codes = codes_by_values(rows)
    return codes and (
        f"{one.label}: its values ({codes}) look like codes of classes, which have no mean; give CATEGORICAL "
        f"{one.name}, or {one.name}=no if they are measurements."
    )


def _verdict(one: Covariate, sample: Sample) -> tuple[str, str]:
    """What values say of a covariate's unit: a warning and a note; refuses those that cannot be true."""
    _check_codes(one, sample)
    natural = one.change.natural(sample.stored) if sample.stored.size else sample.stored
    ends = range_of(natural)
    if one.categorical or math.isnan(ends[0]):
        return "", ""
    if one.change.log10 == LOG_OUT and ends[0] <= 0:
        raise InputError(
            f"{one.label}: {one.name}: its lowest value is {ends[0]:.6g}, which has no log10; "
            "leave log10 of this layer empty in LAYERS."
        )
    # The unit of a value before its logarithm is taken.
    unit = one.change.conversion.target or ("" if one.unit.startswith("log10(") else one.unit)
    verdict = judge(one.quantity, unit, *ends, one.change, range_of(sample.stored), one.usual)
    if verdict is None:
        return "", ""
    sentence = f"{one.label}: {one.name}: {verdict.text}."
    if not verdict.possible:
        raise InputError(sentence)
    return sentence, UNIT_IN_DOUBT
