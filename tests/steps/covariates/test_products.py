"""Known products: conversions against factors worked out by hand, names of the portals, ranges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.base.errors import InputError
from smap_downscaler.steps.covariates.numbers.conversions import (
    CONVERSIONS,
    LOG_IN,
    LOG_OUT,
    NO_LOG,
    NONE,
    Change,
    find_conversion,
    find_log10,
    joined_change,
    plain_unit,
)
from smap_downscaler.steps.covariates.numbers.known import known_name, known_names, taken_as
from smap_downscaler.steps.covariates.numbers.layers_table import read_rows
from smap_downscaler.steps.covariates.numbers.ranges import QUANTITIES, fractions_verdict, judge, quantity_of

# Grams, centimetres and days by which each unit is known, so that factors need no table of factors.
MASS = {"g/kg": 1e-3, "dg/kg": 1e-4, "cg/kg": 1e-5, "%": 1e-2}
DENSITY = {"kg/dm3": 1.0, "cg/cm3": 0.01, "kg/m3": 1e-3, "hg/m3": 1e-4}
SPEED = {"cm/d": 1.0, "m/d": 100.0, "mm/d": 0.1, "mm/h": 24 / 10, "um/s": 86400e-4, "m/s": 86400 * 100}
LENGTH = {"m": 1.0, "ft": 0.3048, "cm": 0.01, "dm": 0.1}
OTHER = {
    "mmol(c)/kg -> cmol(c)/kg": 0.1,
    "kg/m2 -> t/ha": 1e4 / 1e3,
    "pH x 10 -> pH": 0.1,
    "cm3/dm3 -> %": 100 / 1000,
    "% -> m3/m3": 0.01,
    "10-3 cm3/cm3 -> m3/m3": 1e-3,
    "1/m -> 1/cm": 0.01,
    "K x 50 -> K": 0.02,
}


def expected_factor(name):
    if name in OTHER:
        return OTHER[name]
    if name.startswith("x "):
        return float(name[2:])
    source, target = name.split(" -> ")
    return next(
        table[source] / table[target]
        for table in (MASS, DENSITY, SPEED, LENGTH)
        if source in table and target in table
    )


@pytest.mark.parametrize("name", [name for name in CONVERSIONS if "log10" not in name and name != "none"])
def test_every_conversion_has_the_factor_of_its_units(name):
    values = np.array([0.0, 1.0, 37.0, np.nan], np.float32)
    offset = -273.15 if name == "K -> degC" else 0.0
    factor = 1.0 if name == "K -> degC" else expected_factor(name)
    found = Change(CONVERSIONS[name]).apply(values)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, values.astype(float) * factor + offset, rtol=1e-6)


def test_logarithms_come_before_and_after_the_unit():
    alpha = Change(CONVERSIONS["1/m -> 1/cm"], LOG_IN)
    np.testing.assert_allclose(alpha.apply(np.array([0.0, 1.0])), [0.01, 0.1], rtol=1e-6)
    out = Change(CONVERSIONS["m/d -> cm/d"], LOG_OUT)
    np.testing.assert_allclose(out.apply(np.array([0.01, 10.0, 0.0, -1.0])), [0.0, 3.0, np.nan, np.nan])
    plain = Change(NONE, LOG_OUT)
    units = [alpha.unit(""), out.unit(""), plain.unit("mm/d"), plain.unit("")]
    assert units == ["1/cm", "log10(cm/d)", "log10(mm/d)", "log10(value)"]
    assert Change(CONVERSIONS["x 10"]).unit("m") == ""


@given(st.lists(st.floats(-30, 30), min_size=1), st.sampled_from(list(CONVERSIONS.values())))
def test_undoing_and_taking_logarithms_give_back_the_numbers(values, conversion):
    stored = np.array(values)
    there = Change(NONE, LOG_IN).natural(stored)
    np.testing.assert_allclose(np.log10(there), stored, atol=1e-9)
    back = (Change(conversion).natural(stored) - conversion.offset) / conversion.scale
    np.testing.assert_allclose(back, stored, rtol=1e-9, atol=1e-9)


def test_conversions_are_found_whatever_their_blanks():
    assert find_conversion("DG/KG->g/kg", "X").scale == 0.1
    assert find_conversion("pH x 10 → pH", "X").scale == 0.1
    assert find_conversion("10^x (log10 -> value)", "X").name == "10**x (log10 -> value)"
    with pytest.raises(InputError) as caught:
        find_conversion("dag/kg -> g/kg", "LAYERS, row 2")
    assert str(caught.value) == (
        "LAYERS, row 2: there is no conversion 'dag/kg -> g/kg'; choose one of "
        + ", ".join(CONVERSIONS)
        + "."
    )


def test_logarithms_among_the_conversions():
    undo, take = (CONVERSIONS[name] for name in ("10**x (log10 -> value)", "log10(value)"))
    assert joined_change(undo, NO_LOG, "X") == joined_change(undo, LOG_IN, "X") == Change(NONE, LOG_IN)
    assert joined_change(take, NO_LOG, "X") == Change(NONE, LOG_OUT)
    with pytest.raises(InputError) as caught:
        joined_change(take, LOG_IN, "LAYERS, row 1")
    assert str(caught.value) == (
        "LAYERS, row 1: the conversion 'log10(value)' and log10 'in' contradict each other; "
        "leave one of them empty."
    )
    with pytest.raises(InputError) as caught:
        find_log10("ln", "LAYERS, row 3")
    assert str(caught.value) == (
        "LAYERS, row 3: log10 is 'ln'; write no, in (the layer holds log10, its values are wanted) "
        "or out (log10 of the values is wanted)."
    )


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("g kg-1", "g/kg"), ("g/kg", "g/kg"), ("kg m⁻³", "kg/m3"), ("kg m^-3", "kg/m3"), ("cm day-1", "cm/d"),
        ("percent", "%"), ("m3 m-3", "m3/m3"), ("cmol(+)/kg", "cmol(c)/kg"), ("", ""), ("m-1", "1/m"),
        ("mm/day", "mm/d"), ("furlong", "furlong"),
    ],
)  # fmt: skip
def test_units_have_one_spelling(text, plain):
    assert plain_unit(text) == plain


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # file name, (quantity, depth, unit, value of a stored 20)
        ("soc_5-15cm_Q0.5", ("soc", "5_15cm", "g/kg", 2.0)),
        ("clay_0-5cm_mean", ("clay", "0_5cm", "g/kg", 20.0)),
        ("clay_0.5cm_mean", ("clay", "0_5cm", "g/kg", 20.0)),
        ("silt_60-100cm_Q0.95_5000", ("silt", "60_100cm", "g/kg", 20.0)),
        ("bdod_0-5cm_mean", ("bdod", "0_5cm", "kg/dm3", 0.2)),
        ("cec_0-5cm_mean", ("cec", "0_5cm", "cmol(c)/kg", 2.0)),
        ("ocs_0-30cm_mean", ("ocs", "0_30cm", "t/ha", 20.0)),
        ("phh2o_100-200cm_mean", ("phh2o", "100_200cm", "pH", 2.0)),
        ("nitrogen_0-5cm_mean", ("nitrogen", "0_5cm", "g/kg", 0.2)),
        ("cfvo_0-5cm_mean", ("cfvo", "0_5cm", "%", 2.0)),
        ("ocd_0-5cm_mean", ("ocd", "0_5cm", "kg/m3", 2.0)),
        ("wv0033_0-5cm_mean", ("wv0033", "0_5cm", "m3/m3", 0.02)),
        ("clay_0-5cm_mean_30s", ("clay", "0_5cm", "g/kg", 200.0)),
        ("soc_0-5cm_mean_30s", ("soc", "0_5cm", "g/kg", 20.0)),
        ("ocs_0-30cm_mean_30s", ("ocs", "0_30cm", "t/ha", 200.0)),
        ("CLYPPT_M_sl1_250m", ("clay", "0cm", "g/kg", 200.0)),
        ("CLYPPT_M_sl4_250m_ll", ("clay", "30cm", "g/kg", 200.0)),
        ("ORCDRC_M_sl2_250m", ("soc", "5cm", "g/kg", 20.0)),
        ("BLDFIE_M_sl3_1km_ll", ("bdod", "15cm", "kg/dm3", 0.02)),
        ("CECSOL_M_sl5_250m", ("cec", "60cm", "cmol(c)/kg", 20.0)),
        ("OCSTHA_M_sd1_250m_ll", ("ocs", "0_5cm", "t/ha", 20.0)),
        ("OCSTHA_M_sd6_250m_ll", ("ocs", "100_200cm", "t/ha", 20.0)),
        ("OCSTHA_M_30cm_250m_ll", ("ocs", "0_30cm", "t/ha", 20.0)),
        ("PHIHOX_M_sl1_250m", ("phh2o", "0cm", "pH", 2.0)),
        ("Global_Ksat_1Km_s0....0cm_v1.0", ("ksat", "0cm", "cm/d", 1e20)),
        ("Global_alpha_vG_parameter_1Km_s30....30cm_v1.0", ("vg_alpha", "30cm", "1/cm", 1e18)),
        ("Global_n_vG_parameter_1Km_s0....0cm_v1.0", ("vg_n", "0cm", "1", 1e20)),
        ("Global_thetas_vG_parameter_1Km_s100....100cm_v1.0", ("theta_s", "100cm", "m3/m3", 20.0)),
        ("Global_thetar_vG_parameter_1Km_s0....0cm_v1.0", ("theta_r", "0cm", "m3/m3", 20.0)),
    ],
)  # fmt: skip
def test_names_of_the_portals(name, expected):
    known = known_name(name)
    assert known.own_name
    value = float(known.change.natural(np.array([20.0]))[0])
    assert (known.quantity, known.depth, known.unit) == expected[:3]
    assert value == pytest.approx(expected[3], rel=1e-12)
    assert known.quantity in QUANTITIES
    assert plain_unit(QUANTITIES[known.quantity].unit) == plain_unit(known.unit)


@pytest.mark.parametrize(
    "name", ["clay", "sand.tif", "soc", "clay_mean", "clay_0-5cm_uncertainty", "myclay_0-5cm_mean", "dem", "",
             "clay_0-5cm_meant", "CLYPPT", "wrb_0-5cm_mean", "cla_0-5cm_mean"],
)  # fmt: skip
def test_other_names_give_nothing(name):
    assert known_name(name) is None


@pytest.mark.parametrize("name", ["bungo_clay_0-5cm_mean", "clay_0-5cm_mean_clip", "peru CLYPPT_M_sl1_250m"])
def test_changed_names_give_the_quantity_but_are_not_relied_on(name):
    known = known_name(name)
    assert known.quantity == "clay"
    assert not known.own_name
    assert known_names([known]) == [""]


def test_depth_and_statistic_stay_where_they_distinguish_layers():
    def names(*files):
        return known_names([known_name(file) for file in files])

    assert names("clay_0-5cm_mean", "soc_5-15cm_mean", "dem") == ["clay", "soc", ""]
    assert names("clay_0-5cm_mean", "clay_5-15cm_mean", "sand_0-5cm_mean") == [
        "clay_0_5cm", "clay_5_15cm", "sand",
    ]  # fmt: skip
    assert names("clay_0-5cm_mean", "clay_0-5cm_Q0.5") == ["clay_mean", "clay_q0_5"]
    assert names("clay_0-5cm_mean", "clay_5-15cm_Q0.5") == ["clay_0_5cm_mean", "clay_5_15cm_q0_5"]
    assert names("clay_0-5cm_mean", "CLYPPT_M_sl2_250m") == ["clay_0_5cm_mean", "clay_5cm"]


def test_what_a_name_is_taken_as():
    assert taken_as(known_name("clay_0-5cm_mean")) == "SoilGrids 2.0 clay in g/kg, no conversion"
    assert taken_as(known_name("soc_0-5cm_mean")) == (
        "SoilGrids 2.0 soc in dg/kg, conversion 'dg/kg -> g/kg'"
    )
    assert taken_as(known_name("Global_alpha_vG_parameter_1Km_s0....0cm_v1.0")) == (
        "Gupta et al. vg_alpha in log10(1/m), conversion '1/m -> 1/cm', log10 'in'"
    )


@pytest.mark.parametrize(
    ("name", "quantity"),
    [("clay", "clay"), ("clay_0_5cm", "clay"), ("clay_30cm", "clay"), ("clay_0_5cm_mean", "clay"),
     ("claystone", ""), ("p_djf", "precipitation"), ("p_antecedent", "precipitation"), ("p", ""),
     ("ph", "phh2o"),
     ("soil_ph_0_5cm", "phh2o"), ("bulk_density", "bdod"), ("dem", "elevation"), ("demand", ""),
     ("elevation", "elevation"), ("p_value", "")],
)  # fmt: skip
def test_quantity_of_a_name(name, quantity):
    assert quantity_of(name) == quantity


AS_IS = Change()


@pytest.mark.parametrize(
    ("quantity", "unit", "low", "high", "change", "text"),
    [
        ("clay", "g/kg", 1200, 6300, Change(CONVERSIONS["% -> g/kg"]),
         "values 1200 to 6300 g/kg cannot be clay (0 to 1000 g/kg); the layer is likely in g/kg: choose the "
         "conversion 'none' for it in LAYERS"),
        ("clay", "g/kg", 1500, 6000, AS_IS,
         "values 1500 to 6000 g/kg cannot be clay (0 to 1000 g/kg); the layer is likely in g/kg times 10: "
         "choose the conversion 'x 0.1' for it in LAYERS"),
        ("phh2o", "", 45, 72, AS_IS,
         "values 45 to 72 pH cannot be phh2o (2 to 11 pH); the layer is likely in pH x 10: choose the "
         "conversion "
         "'pH x 10 -> pH' for it in LAYERS"),
        ("phh2o", "pH", 0.5, 0.8, Change(CONVERSIONS["pH x 10 -> pH"]),
         "values 0.5 to 0.8 pH cannot be phh2o (2 to 11 pH); the layer is likely in pH: choose the "
         "conversion "
         "'none' for it in LAYERS"),
        ("soc", "g/kg", 150, 3000, AS_IS,
         "values 150 to 3000 g/kg cannot be soc (0 to 600 g/kg); the layer is likely in dg/kg: choose the "
         "conversion 'dg/kg -> g/kg' for it in LAYERS"),
        ("bdod", "", 110, 160, AS_IS,
         "values 110 to 160 kg/dm3 cannot be bdod (0.05 to 2.65 kg/dm3); the layer is likely in cg/cm3: "
         "choose the "
         "conversion 'cg/cm3 -> kg/dm3' for it in LAYERS"),
        ("bdod", "", 1100, 1600, AS_IS,
         "values 1100 to 1600 kg/dm3 cannot be bdod (0.05 to 2.65 kg/dm3); the layer is likely in kg/m3: "
         "choose the "
         "conversion 'kg/m3 -> kg/dm3' for it in LAYERS"),
        ("cec", "", 90, 480, AS_IS,
         "values 90 to 480 cmol(c)/kg cannot be cec (0 to 200 cmol(c)/kg); the layer is likely in "
         "mmol(c)/kg: "
         "choose the conversion 'mmol(c)/kg -> cmol(c)/kg' for it in LAYERS"),
        ("ksat", "", -0.5, 2.5, AS_IS,
         "values -0.5 to 2.5 cm/d cannot be ksat (above 0 to 1e+06 cm/d); the layer is likely "
         "log10(cm/d): choose "
         "log10 'in' for it in LAYERS"),
        ("vg_alpha", "", -0.4, 1.2, AS_IS,
         "values -0.4 to 1.2 1/cm cannot be vg_alpha (above 0 to 2 1/cm); the layer is likely log10(1/m): "
         "choose "
         "the conversion '1/m -> 1/cm' and log10 'in' for it in LAYERS"),
        ("vg_n", "", 0.05, 0.4, AS_IS,
         "values 0.05 to 0.4 cannot be vg_n (1 to 15); the layer is likely log10 of the number: choose log10 "
         "'in' for it "
         "in LAYERS"),
        ("theta_s", "", 35, 61, AS_IS,
         "values 35 to 61 m3/m3 cannot be theta_s (0.2 to 0.95 m3/m3); the layer is likely in %: choose the "
         "conversion '% -> m3/m3' for it in LAYERS"),
        ("elevation", "m", 100, 13000, AS_IS,
         "values 100 to 13000 m cannot be elevation (-450 to 9000 m); the layer is likely in ft: choose the "
         "conversion 'ft -> m' for it in LAYERS"),
        ("elevation", "m", -9999, 3000, AS_IS,
         "values -9999 to 3000 m cannot be elevation (-450 to 9000 m); -9999 is likely a NoData value "
         "without a "
         "tag: declare it by NODATA"),
        ("soc", "g/kg", 0, 6553.5, Change(CONVERSIONS["dg/kg -> g/kg"]),
         "values 0 to 6553.5 g/kg cannot be soc (0 to 600 g/kg); 65535 is likely a NoData value without a "
         "tag: declare it by NODATA"),
        ("precipitation", "mm/d", -1, 4, AS_IS,
         "values -1 to 4 mm/d cannot be precipitation (0 to 2000 mm/d); check its unit and choose a "
         "conversion in "
         "LAYERS, or give the covariate another name if it is another quantity"),
    ],
)  # fmt: skip
def test_values_that_cannot_be_true_name_the_likely_unit(quantity, unit, low, high, change, text):
    verdict = judge(quantity, unit, low, high, change)
    assert not verdict.possible
    assert verdict.text == text


def test_values_that_look_too_small_name_the_likely_unit():
    verdict = judge("clay", "", 27.63, 63.07, AS_IS)
    assert verdict.possible
    assert verdict.text == (
        "values 27.63 to 63.07 look like %, not g/kg: if so, choose the conversion '% -> g/kg' for it in "
        "LAYERS"
    )
    assert judge("soc", "", 0.2, 2.1, AS_IS).text.startswith("values 0.2 to 2.1 look like %, not g/kg")
    assert judge("ocs", "", 1.0, 7.0, AS_IS).text.startswith("values 1 to 7 look like kg/m2, not t/ha")
    # Chosen by the analyst: no second thoughts.
    assert judge("clay", "", 20.0, 80.0, Change(CONVERSIONS["% -> g/kg"])) is None


@pytest.mark.parametrize(
    ("quantity", "unit", "low", "high"),
    [("clay", "g/kg", 20, 700), ("clay", "%", 2, 70), ("clay", "ppm", 2, 7e5), ("elevation", "", -20, 6700),
     ("ksat", "cm/d", 1e-3, 9000), ("twi_fd8", "ln m", -3, 30), ("clay", "g/kg", np.nan, np.nan),
     ("precipitation", "", 0, 30), ("bdod", "cg/cm3", 100, 160), ("sand", "g kg-1", 0, 1000),
     ("bdod", "", 0.06, 2.6)],
)  # fmt: skip
def test_good_or_unknown_values_pass(quantity, unit, low, high):
    assert judge(quantity, unit, low, high, AS_IS) is None


def test_van_genuchten_n_stored_plainly_is_noticed():
    """Public code undoes a logarithm of this layer; a file without one must not pass."""
    change = known_name("Global_n_vG_parameter_1Km_s0....0cm_v1.0").change
    low, high = change.natural(np.array([1.2, 2.5]))
    verdict = judge("vg_n", "1", float(low), float(high), change, (1.2, 2.5))
    assert not verdict.possible
    assert verdict.text == (
        "values 15.8489 to 316.228 cannot be vg_n (1 to 15); the layer is likely the plain number: choose "
        "the conversion 'none' for it in LAYERS"
    )


def test_a_tag_in_another_unit_is_held_against_the_limits_in_that_unit():
    verdict = judge("clay", "%", 20, 140, AS_IS)
    assert verdict.text == (
        "values 20 to 140 % cannot be clay (0 to 1000 g/kg); check its unit and choose a conversion in "
        "LAYERS, "
        "or give the covariate another name if it is another quantity"
    )


@given(st.sampled_from(sorted(QUANTITIES)), st.floats(0, 1), st.floats(0, 1))
def test_whatever_lies_inside_the_limits_is_never_stopped(quantity, one, other):
    known = QUANTITIES[quantity]
    span = known.high - known.low
    low, high = sorted((known.low + one * span, known.low + other * span))
    verdict = judge(quantity, known.unit, max(low, np.nextafter(known.low, np.inf)), max(high, low), AS_IS)
    assert verdict is None or verdict.possible


def test_fractions_of_fine_earth():
    assert fractions_verdict(["clay", "sand", "silt"], 1012.0) is None
    assert fractions_verdict(["clay", "sand"], 300.0) is None
    assert fractions_verdict(["clay", "sand", "silt"], float("nan")) is None
    assert fractions_verdict(["clay", "sand"], 1300.0).text == (
        "clay + sand add up to 1300 g/kg on a SMAP cell, more than 1000; one of them is likely in another "
        "unit, "
        "or of another depth: check their conversions in LAYERS"
    )
    small = fractions_verdict(["clay", "sand", "silt"], 100.2)
    assert small.possible
    assert small.text == (
        "clay + sand + silt add up to 100 at most, not to about 1000 g/kg: they are likely in %, or of "
        "different "
        "units; choose a conversion in LAYERS"
    )


def test_rows_of_the_table():
    rows = read_rows(
        ["soc", "Carbon", "dg/kg -> g/kg", "Mean", "", "", None, "", "", "", "ksat", "", "", "", "in"]
    )
    assert [(row.number, row.layer, row.covariate, row.resampling, row.log10) for row in rows] == [
        (1, "soc", "carbon", "mean", None),
        (3, "ksat", "", "", "in"),
    ]
    assert rows[0].conversion.scale == 0.1
    assert rows[1].conversion is None
    guessed = Change(CONVERSIONS["1/m -> 1/cm"], LOG_IN)
    assert rows[0].change(guessed) == Change(CONVERSIONS["dg/kg -> g/kg"])
    assert rows[1].change(Change(CONVERSIONS["x 10"])) == Change(CONVERSIONS["x 10"], LOG_IN)
    assert read_rows(["clay", "", "", "nearest", ""])[0].change(guessed) == guessed
    assert read_rows(["", "", None]) == read_rows([]) == []


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        (["soc", "", "none"],
         "LAYERS: it has 3 cells, which is no multiple of 5; give layer, covariate, conversion, "
         "resampling, log10 "
         "for each layer, empty where nothing is to be said."),
        (["", "soc", "none", "", ""],
         "LAYERS, row 1: it names no layer; write the layer's name or its file's."),
        (["", "", "", "", "", "soc", "", "", "cubic", ""],
         "LAYERS, row 2: there is no resampling 'cubic'; choose one of auto, bilinear, mean, nearest."),
    ],
)  # fmt: skip
def test_rows_that_make_no_sense_are_refused(cells, sentence):
    with pytest.raises(InputError) as caught:
        read_rows(cells)
    assert str(caught.value) == sentence
