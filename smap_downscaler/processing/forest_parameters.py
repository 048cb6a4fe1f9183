"""The hyper-parameters of forests, as several algorithms ask for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from qgis.core import QgsProcessingParameterEnum

from ..core.forest.settings import PAPER, ForestSettings
from .parameters import advanced, whole_number
from .values import Values

_PAPER, _CUSTOM = "paper", "custom"


def forest_parameters() -> Iterable[Any]:
    """PRESET, the hyper-parameters of 'custom', and SEED."""
    yield QgsProcessingParameterEnum(
        "PRESET",
        "Hyper-parameters",
        options=[_PAPER, _CUSTOM],
        defaultValue=_PAPER,
        usesStaticStrings=True,
    )
    yield advanced(whole_number("N_ESTIMATORS", "Trees (custom)", PAPER.n_estimators, 1, 100_000))
    yield advanced(whole_number("MAX_FEATURES", "Covariates tried at a split, mtry (custom)", None, 1))
    yield advanced(whole_number("SAMPLE_SIZE", "Rows drawn for a tree (custom)", None, 2))
    yield advanced(
        whole_number(
            "MIN_SAMPLES_SPLIT", "Least rows of a node that is split (custom)", PAPER.min_samples_split, 2
        )
    )
    yield advanced(
        whole_number("MIN_SAMPLES_LEAF", "Least rows of a leaf (custom)", PAPER.min_samples_leaf, 1)
    )
    yield advanced(whole_number("MAX_DEPTH", "Greatest depth of a tree (custom)", None, 1))
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
