"""Whether what came out can be true: sums of soil fractions, ranges of all pixels."""

from __future__ import annotations

from collections.abc import Container, Sequence

import numpy as np

from ...base.errors import InputError
from ...base.progress import Progress
from ...geo.area_means import CellMeans
from .covariate import Covariate
from .fine_summary import Notes
from .numbers.conversions import LOG_OUT
from .numbers.ranges import FRACTIONS, QUANTITIES, fractions_verdict, judge
from .numbers.units import plain_unit


def check_fractions(
    covariates: Sequence[Covariate], means: CellMeans, doubtful: Container[str], progress: Progress
) -> None:
    """Clay, sand and silt of one depth cannot add up to more than the soil; stops the run, or warns.

    Of covariates that are all `doubtful` the user was told already.
    """
    groups: dict[str, list[int]] = {}
    for number, one in enumerate(covariates):
        plain = one.change.log10 != LOG_OUT and plain_unit(one.unit) in ("", QUANTITIES["clay"].unit)
        if one.quantity in FRACTIONS and plain:
            groups.setdefault(one.name.replace(one.quantity, "*"), []).append(number)
    for numbers in groups.values():
        if len({covariates[number].quantity for number in numbers}) < 2:
            continue
        sums = means.values[numbers].sum(axis=0)
        if not np.isfinite(sums).any():
            continue
        verdict = fractions_verdict([covariates[number].name for number in numbers], float(np.nanmax(sums)))
        if verdict is not None and not verdict.possible:
            raise InputError(f"INPUT: {verdict.text}.")
        told = all(covariates[number].name in doubtful for number in numbers)
        if verdict is not None and not told:
            progress.warn(f"INPUT: {verdict.text}.")


def check_ranges(covariates: Sequence[Covariate], notes: Notes) -> None:
    """Raise `InputError` if the values of a fine band cannot be true."""
    for number, one in enumerate(covariates):
        ends = np.array([notes.low[number], notes.high[number]])
        if one.categorical or not one.quantity or one.change.log10 == LOG_OUT or not np.isfinite(ends).all():
            continue
        verdict = judge(one.quantity, one.unit, float(ends[0]), float(ends[1]), one.change)
        if verdict is not None and not verdict.possible:
            raise InputError(f"{one.label}: {one.name}: {verdict.text}.")


def require_means(covariates: Sequence[Covariate], means: CellMeans, mask: str) -> None:
    """Raise `InputError` if a covariate has no value on any SMAP cell: no forest could be trained with it."""
    for one, values in zip(covariates, means.values):
        if not np.isfinite(values).any():
            raise _no_value(one, "SMAP cell", f"MINIMUM_COVERED{' and MASK' if mask else ''}")


def require_pixels(covariates: Sequence[Covariate], notes: Notes, mask: str) -> None:
    """Raise `InputError` if a covariate has no value on any fine pixel: no map would have one."""
    for number, one in enumerate(covariates):
        if not np.isfinite(notes.low[number]):
            raise _no_value(one, "fine pixel", f"EXTENT{' and MASK' if mask else ''}")


def _no_value(one: Covariate, what: str, choices: str) -> InputError:
    return InputError(
        f"{one.label}: {one.name} has no value on any {what}; check its NoData value, {choices}, or leave "
        "the layer out."
    )
