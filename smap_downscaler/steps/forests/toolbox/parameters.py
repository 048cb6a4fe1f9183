"""The hyper-parameters of forests, as several algorithms ask for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from qgis.core import (
    QgsProcessingParameterBoolean,
    QgsProcessingParameterEnum,
    QgsProcessingParameterString,
)

from ....base.errors import InputError
from ....methods.features import FeatureSettings
from ....methods.forest.hyper_grid import Candidate, candidates
from ....methods.forest.settings import PAPER, ForestSettings
from ....methods.keys import BY_CELL, BY_DATE
from ....toolbox.parameters import whole_number
from ....toolbox.values import Values
from ...matrix.read import RowSelection

_PAPER, _CUSTOM = "paper", "custom"
#: Grids of hyper-parameters to choose from, by parameter.
GRIDS = {
    "MAX_FEATURES_GRID": "Grid of covariates tried at a split",
    "MIN_SAMPLES_SPLIT_GRID": "Grid of minimum rows of a node to split",
    "N_ESTIMATORS_GRID": "Grid of numbers of trees",
    "SAMPLE_SHARE_GRID": "Grid of shares of rows a tree draws (0 to 1)",
}


def forest_parameters() -> Iterable[Any]:
    """PRESET, the hyper-parameters of 'custom', and SEED."""
    yield QgsProcessingParameterEnum(
        "PRESET",
        "Hyper-parameters",
        options=[_PAPER, _CUSTOM],
        defaultValue=_PAPER,
        usesStaticStrings=True,
    )
    yield whole_number("N_ESTIMATORS", "Trees (custom)", PAPER.n_estimators, 1, 100_000)
    yield whole_number("MAX_FEATURES", "Covariates tried at a split (custom)", None, 1)
    yield whole_number("SAMPLE_SIZE", "Rows drawn for a tree (custom)", None, 2)
    yield whole_number(
        "MIN_SAMPLES_SPLIT", "Minimum rows of a node to split (custom)", PAPER.min_samples_split, 2
    )
    yield whole_number("MIN_SAMPLES_LEAF", "Minimum rows of a leaf (custom)", PAPER.min_samples_leaf, 1)
    yield whole_number("MAX_DEPTH", "Maximum depth of a tree (custom)", None, 1)
    yield whole_number("SEED", "Seed", PAPER.seed, 0)


def forest_settings(values: Values) -> ForestSettings:
    """What they were set to.

    Raises
    ------
    InputError
        For a value out of its range.
    """
    if values.choice("PRESET") == _PAPER:
        return replace(PAPER, seed=values.integer("SEED"))
    return ForestSettings(
        n_estimators=values.integer("N_ESTIMATORS"),
        max_features=values.optional_integer("MAX_FEATURES"),
        sample_size=values.optional_integer("SAMPLE_SIZE"),
        min_samples_split=values.integer("MIN_SAMPLES_SPLIT"),
        min_samples_leaf=values.integer("MIN_SAMPLES_LEAF"),
        max_depth=values.optional_integer("MAX_DEPTH"),
        seed=values.integer("SEED"),
    )


def grid_parameters() -> Iterable[Any]:
    """The grids, as text: `2, 4, 7`."""
    for name, description in GRIDS.items():
        yield QgsProcessingParameterString(name, description, optional=True)


def grid_candidates(values: Values) -> tuple[Candidate, ...]:
    """All combinations of the grids; what has no grid is as `forest_settings` says.

    Raises
    ------
    InputError
        For a grid or a value that cannot be used.
    """
    grids = {name.removesuffix("_GRID").lower(): values.text(name) for name in GRIDS}
    return candidates(forest_settings(values), **grids)


def feature_parameters() -> Iterable[Any]:
    """DAY_OF_YEAR and NEIGHBOURS: covariates that are made from the rows."""
    yield QgsProcessingParameterBoolean("DAY_OF_YEAR", "Day of year as a covariate (by cell, pooled)", False)
    yield QgsProcessingParameterBoolean("NEIGHBOURS", "Days before and after as covariates (by cell)", False)


def feature_settings(values: Values) -> FeatureSettings:
    """What they were set to.

    Raises
    ------
    InputError
        For a MODE that cannot have them.
    """
    mode = values.choice("MODE")
    features = FeatureSettings(values.flag("DAY_OF_YEAR"), values.flag("NEIGHBOURS"))
    if features.day_of_year and mode == BY_DATE:
        raise InputError(
            "DAY_OF_YEAR: all rows of a date have the same day of year, which tells forests by date nothing; "
            "untick it, or choose another MODE."
        )
    if features.neighbours and mode != BY_CELL:
        raise InputError(
            "NEIGHBOURS: the days before and after are those of one cell; untick it, or choose the MODE "
            "'by cell'."
        )
    return features


def row_selection(values: Values) -> RowSelection:
    """The period, MINIMUM_CELLS or MINIMUM_DATES (as MODE is), MAXIMUM_ROWS and MEMORY."""
    name = {BY_DATE: "MINIMUM_CELLS", BY_CELL: "MINIMUM_DATES"}.get(values.choice("MODE"))
    return RowSelection(
        *values.period(),
        values.optional_integer(name) if name else None,
        values.optional_integer("MAXIMUM_ROWS"),
        values.integer("MEMORY"),
    )
