"""The principal components of a layer, on one date or on two of them, with comparable signs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ....base.errors import InputError
from ....base.progress import SILENT, Progress
from ....base.words import text
from .components import Components, principal_components, varying, with_signs_of
from .fields import Plan, too_few


@dataclass(frozen=True)
class Analysis:
    """The components of a date.

    Attributes
    ----------
    found : Components
    date : date or None
        None: of no date.
    colour : float64 array, shape (n,), or None
        What colours the points of the n rows; NaN where missing.
    """

    found: Components
    date: dt.date | None = None
    colour: np.ndarray | None = None


def analyse(
    plans: Mapping[dt.date | None, Plan],
    columns: Mapping[str, np.ndarray],
    field_set: str,
    progress: Progress = SILENT,
) -> list[Analysis]:
    """The components of each date; those after the first point the way of the first ones.

    Fields of a set that do not vary are left out with a warning.

    Parameters
    ----------
    plans : mapping of date to Plan
    columns : mapping of field to float64, shape (rows,)
    field_set : str
        Of `FIELD_SETS`.
    progress : Progress

    Raises
    ------
    InputError
        As `principal_components`, and for colours without a number.
    """
    analyses: list[Analysis] = []
    for date, plan in plans.items():
        one = _on_date(plan, columns, date, field_set, progress)
        if analyses:
            one = replace(one, found=with_signs_of(one.found, analyses[0].found))
        analyses.append(one)
    return analyses


def _on_date(
    plan: Plan, columns: Mapping[str, np.ndarray], date: dt.date | None, field_set: str, progress: Progress
) -> Analysis:
    fields = {**plan["FIELD_SET"], **plan["FIELDS"]}
    table = _table(fields.values(), columns)
    if plan["FIELD_SET"]:
        kept = _kept(list(fields.values()), table, len(plan["FIELD_SET"]), progress)
        if kept.sum() < 2:
            raise too_few(field_set)
        fields, table = dict(one for one, is_kept in zip(fields.items(), kept) if is_kept), table[:, kept]
    others = plan["SUPPLEMENTARY"]
    found = principal_components(table, list(fields), _table(others.values(), columns), list(others))
    _tell_lacking(found.rows, date, progress)
    colour = None
    for name in plan["COLOUR"].values():
        colour = columns[name][found.rows]
        if not np.isfinite(colour).any():
            raise InputError(f"COLOUR: {name} has no number in the rows used; choose another field, or none.")
    return Analysis(found, date, colour)


def _table(names: Iterable[str], columns: Mapping[str, np.ndarray]) -> np.ndarray:
    rows = len(next(iter(columns.values())))
    return np.column_stack([np.empty((rows, 0)), *(columns[name] for name in names)])


def _kept(names: list[str], table: np.ndarray, of_set: int, progress: Progress) -> np.ndarray:
    """Which fields are kept: of the first ones, which nobody chose one by one, those that vary."""
    known, vary = varying(table)
    for name, has_number, varies in zip(names[:of_set], known, vary):
        if not varies:
            why = "one value only in the rows used" if has_number else "no number in any row"
            progress.warn(f"FIELD_SET: {name} has {why} and is left out")
    return np.asarray(vary | (np.arange(len(names)) >= of_set))


def _tell_lacking(used: np.ndarray, date: dt.date | None, progress: Progress) -> None:
    lacking = int((~used).sum())
    if lacking:
        progress.warn(
            text(
                "INPUT: {:,} of {:,} rows lack a value of FIELDS{}; they have no scores",
                lacking,
                len(used),
                f" on {date}" if date else "",
            )
        )
