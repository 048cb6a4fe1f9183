"""Tables of trained area-to-point models; all raise `InputError` if the file cannot be written."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...methods.skill import SCORES
from ...tables.geopackage import DATE, INTEGER, REAL, TEXT, create_table
from .numbers.outcome import SHARES, AreaOutcome, Fitted


def write_scores(path: str | Path, outcome: AreaOutcome) -> None:
    """A row a level of a model, and a row for each date that is in none."""
    fields = {"date": DATE, "level": TEXT, "n_cells": INTEGER, "n_dates": INTEGER}
    fields.update({f"held_out_{name}": REAL for name in SCORES})
    fields.update(dict.fromkeys(SHARES.values(), REAL))
    fields.update(
        {"snr": REAL, "gain": REAL, "detail": REAL, "noise": REAL, "hurst": REAL, "footprint_km": REAL}
    )
    fields["status"] = TEXT
    with create_table(path, "scores", fields) as table:
        for one in outcome.fitted.values():
            table.write(_level_rows(one))
        nothing = [None] * (len(fields) - 2)
        table.write((date.isoformat(), *nothing, reason) for date, reason in outcome.skipped.items())


def _level_rows(one: Fitted) -> Iterator[tuple[Any, ...]]:
    for number, level in enumerate(one.levels):
        # Held-out cells are those of the model as a whole.
        scores = one.scores if not number else None
        yield (
            one.name or None,
            level.name,
            level.cells,
            one.n_dates,
            *(getattr(scores, name) if scores else None for name in SCORES),
            *(level.shares.get(kind) for kind in SHARES),
            _known(level.snr),
            level.gain,
            level.shown,
            one.noise_sd,
            one.hurst,
            one.footprint_km,
            "fitted",
        )


def write_terms(path: str | Path, outcome: AreaOutcome) -> None:
    """A row a level and covariate: the variance of its coefficients, and its curve in short."""
    fields = {"date": DATE, "level": TEXT, "covariate": TEXT, "unit": TEXT, "variance": REAL}
    fields.update({"effect_sd": REAL, "rise": REAL, "direction": TEXT, "band_sd": REAL})
    fields.update({"value_low": REAL, "value_high": REAL})
    with create_table(path, "terms", fields) as table:
        for one in outcome.fitted.values():
            for level, curves in zip(one.levels, one.curves):
                known = {curve.covariate: curve for curve in curves}
                for name, variance in level.variances.items():
                    row = (one.name or None, level.name, name)
                    curve = known.get(name)
                    if curve is None:
                        table.write([(*row, None, float(variance), *[None] * 6)])
                        continue
                    ends = float(curve.values[0]), float(curve.values[-1])
                    numbers = curve.spread, curve.net, curve.direction, float(np.mean(curve.sd))
                    table.write([(*row, curve.unit, float(variance), *numbers, *ends)])


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
