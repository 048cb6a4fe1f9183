"""Field readings: dates, numbers, names of columns, daily means."""

from __future__ import annotations

import datetime as dt
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.base.errors import InputError
from smap_downscaler.steps.field.numbers.delimited import (
    NumberReader,
    decode,
    guess_columns,
    plain_name,
    separator_of,
)
from smap_downscaler.steps.field.numbers.readings import daily


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0.25", 0.25), (" 1e-3", 0.001), ("\u22125.5", -5.5), (".5", 0.5), ("7", 7.0), ("2.", 2.0),
     ("", None), ("NA", None), ("-9999", None), ("-9999.0", None), ("-99.9", None), ("nan", None)],
)  # fmt: skip
def test_numbers(text, expected):
    assert NumberReader("a.csv").read(text, "theta", 2) == expected


def test_decimal_commas_all_through_or_not_at_all():
    numbers = NumberReader("a.csv")
    assert numbers.read("0,25", "theta", 2) == 0.25
    assert numbers.read("1", "theta", 3) == 1.0
    with pytest.raises(InputError) as caught:
        numbers.read("0.25", "theta", 4)
    assert str(caught.value) == (
        "a.csv: numbers have decimal commas (line 2) and decimal points (line 4), and one of the two may be "
        "a thousands separator; write all in one way."
    )


@pytest.mark.parametrize("text", ["wet", "1 000", "1.2.3", "1,234.5", "inf", "1_000", "0x1", "--1", "٣"])
def test_no_numbers(text):
    with pytest.raises(InputError) as caught:
        NumberReader("a.csv").read(text, "theta", 7)
    assert str(caught.value) == (
        f"a.csv, line 7: '{text}' in column theta is no number; mend it or leave it empty."
    )


def test_encodings():
    assert decode(b"\xef\xbb\xbfa;b", "f") == "a;b"
    assert decode("Estación".encode(), "f") == "Estación"
    assert decode("Estación".encode("latin-1"), "f") == "Estación"
    assert decode("Estación".encode("utf-16"), "f") == "Estación"
    with pytest.raises(InputError, match="it is no text file"):
        decode(b"PK\x03\x04\0\0", "f.xlsx")


def test_separators_and_names():
    assert separator_of('station;"soil, moisture, m3";date') == ";"
    assert separator_of("a\tb,c\td") == "\t"
    assert separator_of("a,b") == ","
    assert plain_name(" Humedad Suelo (m3/m3)") == "humedad_suelo"
    header = ["ID", "Estación", "x", "Lon", "Fecha/Hora"]
    assert [guess_columns(header, kind) for kind in ("station", "longitude", "x", "date", "value")] == [
        [1], [3], [2], [4], [],
    ]  # fmt: skip
    assert guess_columns(["VWC (5 cm)", "t", "vwc (10 cm)", "moisture"], "value") == [0, 2]


@given(st.lists(st.tuples(st.integers(737000, 737005), st.floats(0, 1)), min_size=1, max_size=40))
def test_daily_means(readings):
    days, values = (np.array(column) for column in zip(*readings))
    found = daily(days, values)
    assert found.days.tolist() == sorted(set(days.tolist()))
    for day, mean, sd, count in zip(found.days, found.mean, found.sd, found.count):
        own = [value for other, value in readings if other == day]
        assert count == len(own)
        assert mean == pytest.approx(statistics.fmean(own), abs=1e-12)
        if len(own) > 1:
            assert sd == pytest.approx(statistics.stdev(own), abs=1e-7)
        else:
            assert np.isnan(sd)


def test_days_between():
    series = daily(np.array([737000, 737002, 737004]), np.array([0.1, 0.2, 0.3]))
    part = series.between(dt.date.fromordinal(737001), dt.date.fromordinal(737002))
    assert (part.days.tolist(), part.mean.tolist(), part.count.tolist()) == ([737002], [0.2], [1])
    assert len(series.between(None, None).days) == 3
