"""Which fields are analysed: sets by the beginning of names, and those of single dates."""

from __future__ import annotations

import datetime as dt

import pytest

from smap_downscaler.base.errors import InputError
from smap_downscaler.steps.components.numbers.fields import CHOSEN, fields_of_set, plans_of, split_date

JANUARY, AUGUST = dt.date(2021, 1, 15), dt.date(2021, 8, 12)
BOTH, MEANS = "all mu_ and sd_ fields", "all mu_ fields"
KNOWN = [
    "fid", "polygon", "mu_clay", "sd_clay", "cv_clay", "MU_slope", "dates_sm", "mu_sm", "sd_sm", "cv_sm",
    "mu_sm_20210115", "sd_sm_20210115", "mu_sm_20210812", "sd_sm_20210812", "mu_rain_20210115", "sdx", "musk",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("mu_sm_20210115", ("mu_sm", JANUARY)),
        ("mu_sm", ("mu_sm", None)),
        ("mu_sm_20211399", ("mu_sm_20211399", None)),
        ("20210115", ("20210115", None)),
        ("mu_12345678", ("mu_12345678", None)),
        ("mu_sm_20210115_2", ("mu_sm_20210115_2", None)),
    ],
)
def test_a_name_and_its_date(name, parts):
    assert split_date(name) == parts


@pytest.mark.parametrize(
    ("field_set", "others", "dated", "expected"),
    [
        (BOTH, [], False, "mu_clay sd_clay MU_slope mu_sm sd_sm mu_rain_20210115"),
        (BOTH, [], True, "mu_clay sd_clay MU_slope mu_sm sd_sm mu_rain"),
        (MEANS, [], False, "mu_clay MU_slope mu_sm mu_rain_20210115"),
        (BOTH, ["mu_sm_20210115", "SD_SM"], False, "mu_clay sd_clay MU_slope mu_rain_20210115"),
        (BOTH, ["mu_sm", "mu_slope"], True, "mu_clay sd_clay sd_sm mu_rain"),
        (CHOSEN, [], True, ""),
    ],
)
def test_sets(field_set, others, dated, expected):
    assert fields_of_set(field_set, KNOWN, others, dated) == expected.split()


def names(fields=(), supplementary=(), colour=()):
    return {"FIELDS": list(fields), "SUPPLEMENTARY": list(supplementary), "COLOUR": list(colour)}


def test_fields_of_dates_stand_for_those_without():
    given = names(["mu_clay", "mu_sm_20210115", "mu_sm_20210812"], ["SD_sm"], ["mu_sm"])
    plans = plans_of(given, CHOSEN, KNOWN, (JANUARY, AUGUST))
    assert list(plans) == [JANUARY, AUGUST]
    for date, day in ((JANUARY, "20210115"), (AUGUST, "20210812")):
        assert plans[date] == {
            "FIELD_SET": {},
            "FIELDS": {"mu_clay": "mu_clay", "mu_sm": f"mu_sm_{day}"},
            "SUPPLEMENTARY": {"SD_sm": f"sd_sm_{day}"},
            "COLOUR": {"mu_sm": f"mu_sm_{day}"},
        }


def test_without_dates_fields_are_themselves():
    plans = plans_of(names(["mu_clay", "mu_sm_20210115"]), CHOSEN, KNOWN, ())
    assert plans[None]["FIELDS"] == {"mu_clay": "mu_clay", "mu_sm_20210115": "mu_sm_20210115"}


@pytest.mark.parametrize(
    ("given", "field_set", "known", "dates", "sentence"),
    [
        (
            names(["mu_clay", "sd_clay"], colour=["mu_sm"]), CHOSEN, KNOWN, (dt.date(2021, 1, 16),),
            "DATES: INPUT has no field mu_sm_20210116 (it has mu_sm_20210115, mu_sm_20210812); choose "
            "another date, or let 'Moisture statistics' give fields of that one (its DATES and DATE_FIELDS).",
        ),
        (
            names(["mu_clay", "sd_clay"]), CHOSEN, KNOWN, (JANUARY, AUGUST),
            "DATES: none of the fields has a field of single dates beside it, such as mu_sm_20210115; leave "
            "DATES empty, or give the layer of 'Moisture statistics' with soil moisture as FIELDS, "
            "SUPPLEMENTARY or COLOUR.",
        ),
        (
            names(supplementary=["mu_sm"]), MEANS, ["mu_clay", "mu_sm", "clay"], (),
            "FIELD_SET: INPUT has fewer than two fields of 'all mu_ fields' that vary and are not "
            "supplementary; give the layer of 'Moisture statistics' with covariates, or choose fields in "
            "FIELDS.",
        ),
    ],
)  # fmt: skip
def test_fields_that_are_not_there(given, field_set, known, dates, sentence):
    with pytest.raises(InputError) as error:
        plans_of(given, field_set, known, dates)
    assert str(error.value) == sentence
