"""What a cross-validation asks for, and its settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ....methods.forest.engines import FASTEST, SCIKIT_LEARN
from ....methods.keys import BY_DATE, MODES
from ....toolbox.parameters import (
    advanced,
    choice,
    decimal,
    period_parameters,
    season_parameters,
    whole_number,
)
from ....toolbox.values import Values
from ...forests.toolbox.parameters import (
    feature_parameters,
    feature_settings,
    forest_parameters,
    grid_candidates,
    grid_parameters,
)
from ..numbers.settings import ValidationSettings

_DEFAULT_BLOCK_KM = 72.0


def validation_parameters() -> Iterable[Any]:
    """Mode, folds, hyper-parameters, grids, dates, seasons.

    No least values for the folds: out of range, the settings say more than QGIS does.
    """
    yield choice("MODE", "Forests", MODES, BY_DATE)
    yield whole_number("FOLDS", "Folds", 10, 0)
    yield whole_number("REPEATS", "Repeats", 1, 0)
    yield decimal("BLOCKS", "Side of the spatial blocks, km (0: none)", _DEFAULT_BLOCK_KM, 0.0)
    yield whole_number("PERIOD", "Days held out together (by cell, pooled)", None, 0)
    yield advanced(whole_number("GAP", "Days left out beside them (by cell, pooled)", 0, 0))
    yield from feature_parameters()
    yield from forest_parameters()
    yield from grid_parameters()
    yield from period_parameters()
    yield from season_parameters()
    yield advanced(whole_number("INNER_FOLDS", "Folds of the choice from the grids", 5, 0))
    yield advanced(whole_number("MINIMUM_CELLS", "Minimum cells per date (by date)", None, 2))
    yield advanced(whole_number("MINIMUM_DATES", "Minimum dates per cell (by cell)", None, 2))
    yield advanced(whole_number("MAXIMUM_ROWS", "Maximum rows per date (pooled)", None, 1))
    yield advanced(whole_number("MEMORY", "Memory for the rows, MB (pooled)", 4096, 16))
    yield advanced(choice("ENGINE", "Program that grows the forests", (FASTEST, SCIKIT_LEARN)))


def validation_settings(values: Values) -> ValidationSettings:
    """What they were set to; an empty PERIOD is still to be resolved.

    Raises
    ------
    InputError
        For a value out of its range.
    """
    wet, dry = values.seasons()
    settings = ValidationSettings(
        folds=values.integer("FOLDS"),
        repeats=values.integer("REPEATS"),
        block_km=values.number("BLOCKS"),
        candidates=grid_candidates(values),
        inner_folds=values.integer("INNER_FOLDS"),
        seed=values.integer("SEED"),
        mode=values.choice("MODE"),
        gap=values.integer("GAP"),
        features=feature_settings(values),
        importance=any(values.given(name) for name in ("IMPORTANCE", "IMPORTANCE_SUMMARY", "REPORT")),
        wet=tuple(sorted(wet)),
        dry=tuple(sorted(dry)),
        engine=values.choice("ENGINE"),
    )
    period = values.optional_integer("PERIOD")
    return settings if period is None else replace(settings, period=period)
