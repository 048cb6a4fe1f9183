"""Texts that spreadsheets would run."""

import pytest

from smap_downscaler.base.spreadsheet import inert, opens_in_spreadsheet

FORMULAS = ["=1+1", "=cmd|' /C calc'!A0", "+cmd|'x'!A0", "-2+3+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1"]
MORE_FORMULAS = ["\n=1", "-", "--1", "=", "-A1", "+A1+B1", "-2+3", "-1+SUM(A1:A9)", "-1&B1", "-5 m3"]
NONE = ["-5", "+5", "-5.2e-3", "-1,234.5", "-5 %", "\u22125", "a=1", "", "2020-01-04", " x", -5, -5.5, None]


@pytest.mark.parametrize("text", [*FORMULAS, *MORE_FORMULAS])
def test_what_may_run_stands_after_an_apostrophe(text):
    assert inert(text) == f"'{text}"


@pytest.mark.parametrize("value", NONE)
def test_numbers_and_plain_texts_stay(value):
    assert inert(value) is value


def test_endings():
    kept = [opens_in_spreadsheet(f"a.{end}") for end in ("csv", "XLSX", "ods", "tsv", "gpkg", "shp")]
    assert kept == [True] * 4 + [False] * 2
