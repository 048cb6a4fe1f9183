"""Hyper-parameters: the paper's, what None and too large values mean, and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from forest_cases import settings
from smap_downscaler.base.errors import InputError
from smap_downscaler.methods.forest.settings import PAPER, ForestSettings


def test_the_papers_preset():
    assert (PAPER.n_estimators, PAPER.max_features, PAPER.sample_size) == (100, 7, 1278)
    assert (PAPER.min_samples_split, PAPER.min_samples_leaf, PAPER.max_depth) == (4, 1, None)


@pytest.mark.parametrize(
    ("max_features", "covariates", "mtry"), [(7, 20, 7), (7, 5, 5), (None, 20, 6), (None, 2, 1), (None, 1, 1)]
)
def test_mtry(max_features, covariates, mtry):
    assert settings(max_features=max_features).mtry(covariates) == mtry


@pytest.mark.parametrize(
    ("sample_size", "rows", "draws"), [(1278, 1278, 1278), (1278, 300, 300), (100, 300, 100), (None, 7, 7)]
)
def test_draws(sample_size, rows, draws):
    assert settings(sample_size=sample_size).draws(rows) == draws


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("n_estimators", 0, "N_ESTIMATORS is 0; give a whole number from 1 to 100000."),
        ("n_estimators", 1.5, "N_ESTIMATORS is 1.5; give a whole number from 1 to 100000."),
        ("n_estimators", None, "N_ESTIMATORS is None; give a whole number from 1 to 100000."),
        ("n_estimators", True, "N_ESTIMATORS is True; give a whole number from 1 to 100000."),
        (
            "max_features",
            0,
            "MAX_FEATURES is 0; give a whole number from 1 to 32767, or leave it empty.",
        ),
        (
            "sample_size",
            1,
            "SAMPLE_SIZE is 1; give a whole number from 2 to 2147483647, or leave it empty.",
        ),
        ("min_samples_split", 1, "MIN_SAMPLES_SPLIT is 1; give a whole number from 2 to 2147483647."),
        ("min_samples_leaf", 0, "MIN_SAMPLES_LEAF is 0; give a whole number from 1 to 2147483647."),
        ("max_depth", 0, "MAX_DEPTH is 0; give a whole number from 1 to 2147483647, or leave it empty."),
        ("seed", -1, "SEED is -1; give a whole number from 0 to 2147483647."),
        ("seed", 2**31, "SEED is 2147483648; give a whole number from 0 to 2147483647."),
        ("seed", "7", "SEED is '7'; give a whole number from 0 to 2147483647."),
    ],
)
def test_out_of_range(field, value, sentence):
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        replace(PAPER, **{field: value})


def test_numpy_integers_become_plain_ones_and_the_fields_round_trip():
    chosen = replace(PAPER, seed=np.int64(9), n_estimators=np.int32(3))
    assert type(chosen.seed) is int
    assert chosen == replace(PAPER, seed=9, n_estimators=3)
    assert ForestSettings(**chosen.as_dict()) == chosen
