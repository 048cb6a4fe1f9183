"""Covariate names from layer names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.base.covariate_names import (
    check_covariate_names,
    class_name,
    covariate_name,
    looks_like_rain,
    nearest_names,
    split_names,
)
from smap_downscaler.base.errors import InputError
from smap_downscaler.base.matrix_columns import DERIVED, RESERVED


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Elevation", "elevation"),
        ("bungo_clay_0-5cm_mean", "bungo_clay_0_5cm_mean"),
        ("  TWI (MFD-md) ", "twi_mfd_md"),
        ("Höhe über NN", "hohe_uber_nn"),
        ("Précipitation été", "precipitation_ete"),
        ("Straße", "strasse"),
        ("theta_s", "theta_s"),
        ("__a__b__", "a_b"),
        ("海抜", ""),
        ("", ""),
    ],
)
def test_a_layer_name_becomes_a_covariate_name(text, name):
    assert covariate_name(text) == name


@given(st.text(max_size=40))
def test_names_are_plain_and_stay_as_they_are_when_cleaned_again(text):
    name = covariate_name(text)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")
    assert covariate_name(name) == name


def test_classes_are_named_by_their_value():
    assert class_name("landcover", 30) == "landcover_30"
    assert class_name("landcover", -1) == "landcover_m1"


def test_names_are_split_at_commas():
    assert split_names(" a, b ,c") == ["a", "b", "c"]
    assert split_names("  ") == []
    assert split_names("a,,b") == ["a", "", "b"]


def test_good_names_pass():
    check_covariate_names(["elevation", "clay"], ["one", "two"])


def test_two_layers_of_one_name_are_both_named():
    with pytest.raises(InputError) as caught:
        check_covariate_names(["clay", "sand", "clay"], ["layer A", "layer B", "layer C"])
    assert str(caught.value) == (
        "layer A and layer C would both be named 'clay'; name one otherwise by NAMES."
    )


@pytest.mark.parametrize("name", sorted(RESERVED - DERIVED))
def test_columns_of_the_matrix_are_no_covariate_names(name):
    with pytest.raises(InputError) as caught:
        check_covariate_names([name], ["layer A"])
    assert str(caught.value) == (
        f"layer A: a covariate cannot be named '{name}', since the regression matrix has a column "
        "of that name; give it another one by NAMES."
    )


def test_a_layer_without_a_usable_name_is_named():
    with pytest.raises(InputError) as caught:
        check_covariate_names([""], ["layer 海抜"])
    assert str(caught.value) == (
        "layer 海抜: its name gives no covariate name (letters a-z, digits, underscores); "
        "give it another one by NAMES."
    )


@pytest.mark.parametrize("name", sorted(DERIVED))
def test_what_forests_make_themselves_is_no_covariate_name(name):
    with pytest.raises(InputError) as caught:
        check_covariate_names([name], ["layer A"])
    assert str(caught.value) == (
        f"layer A: a covariate cannot be named '{name}', since forests make one of that name themselves; "
        "give it another one by NAMES."
    )


def test_the_names_most_like_a_missing_one():
    assert nearest_names("b", ["z", "a", "b1"]) == "z, a, b1"
    fields = [f"sm_{day:02}" for day in range(1, 400)] + ["Clay_Mean", "clay_sd", "sand_mean"]
    shown = nearest_names("CLAY_MAEN", fields)
    assert shown.startswith("Clay_Mean, clay_sd, ")
    assert shown.endswith(" and 397 more")
    assert shown.count(",") == 4


RAIN = """rain rain_3 Rain10 daily-rain dailyrain rainfall_mm totalrainfall precip totalPrecip precipitation p
    p_3d p_10 p_3_days p_ant10 p_antecedent p_antecedent_30 p_djf p_def_mean P_SUM"""
NO_RAIN = """terrain_corrected s1_terrain_corrected training_ndvi trains drainage drain grain_size brain
    strain refrain rainbow precipitable_water p_sand p_value p_2020 p_dj pressure p3 ndvi lst clay"""


@pytest.mark.parametrize("name", RAIN.split())
def test_names_that_speak_of_rain(name):
    assert looks_like_rain(name)


@pytest.mark.parametrize("name", NO_RAIN.split())
def test_names_that_do_not(name):
    assert not looks_like_rain(name)
