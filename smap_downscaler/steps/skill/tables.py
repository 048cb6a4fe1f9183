"""The tables of an experiment: a row a case and method, and a row a map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...tables.geopackage import INTEGER, REAL, TEXT, create_table
from .numbers.scores import KNOWN_TRUTH, SCORES, Case, CaseScore, MapScore

_CASE = {
    "test": TEXT,
    "truth": TEXT,
    "share": REAL,
    "footprint_km": REAL,
    "dates": INTEGER,
    "seed": INTEGER,
}
#: How long a map took is left out: a run that goes on after a stop has the same table.
_OF_CASES = tuple(name for name in SCORES if name != "seconds")
_OF_MAPS = (
    *("rmse", "bias", "r", "r_within", "spaef", "variance_ratio", "closure", "coverage"),
    *("snr", "detail", "rule_right", "rmse_smooth"),
)


def write_cases(path: str | Path, cases: Sequence[CaseScore]) -> None:
    """Write a row a case and method.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {**_CASE, "method": TEXT, "maps": INTEGER, "pixels": INTEGER, "cells": REAL}
    with create_table(path, "skill", {**fields, **dict.fromkeys(_OF_CASES, REAL)}) as table:
        table.write(
            (
                *(*_of(one.case), one.method, one.maps, one.pixels, one.cells),
                *(_number(one.scores[name]) for name in _OF_CASES),
            )
            for one in cases
        )


def write_maps(path: str | Path, maps: Sequence[MapScore]) -> None:
    """Write a row a map.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    fields = {**_CASE, "method": TEXT, "date_number": INTEGER, "pixels": INTEGER, "cells": INTEGER}
    with create_table(path, "maps", {**fields, **dict.fromkeys(_OF_MAPS, REAL)}) as table:
        table.write(
            (
                *(*_of(one.case), one.method, one.date + 1, one.pixels, one.cells),
                *(_number(getattr(one, name)) for name in _OF_MAPS),
            )
            for one in maps
        )


def _of(case: Case) -> tuple[Any, ...]:
    known = case.test == KNOWN_TRUTH
    own = (case.share, case.footprint_km) if known else (None, None)
    return (case.test, case.truth, *own, case.dates, case.seed if known else None)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
