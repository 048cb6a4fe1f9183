"""Triple collocation: known errors are found again; as pytesmo, and by its formulas written anew."""

from __future__ import annotations

import dataclasses
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from field_cases import FIRST, alike_days
from pytesmo_cases import SLOPES, TRIPLES, noisy_triple, pytesmo_numbers
from smap_downscaler.steps.field.numbers.collocation import (
    COLLOCATED,
    MEAN,
    MEMBERS,
    RESULTS,
    TripleChoices,
    collocate,
    collocation,
)
from smap_downscaler.steps.field.numbers.readings import Pairs

ERRORS, SIGNAL = (0.02, 0.03, 0.05), 0.06


def triple(station="A", n=3000, seed=1, memory=0.0):
    """A truth seen by three with errors of known size, and some days missing."""
    rng = np.random.default_rng(seed)
    truth = 0.25 + SIGNAL * alike_days(n, memory, rng)
    source, field, third = (
        slope * truth + error * rng.standard_normal(n) for slope, error in zip(SLOPES, ERRORS)
    )
    source[::50], third[7::40] = np.nan, np.nan
    return Pairs(station, FIRST + np.arange(n), field, field * 0, np.ones(n, int), source, third)


def rows_of(pairs, **choices):
    choices = TripleChoices(**{"draws": 300, **choices})
    return {(row.station, row.member): row for row in collocate(pairs, choices)}


def by_formula(x, y, z, ref):
    """Plain Python, after the formulas of Gruber et al. (2016)."""
    n, series = len(x), (x, y, z)
    mean = [math.fsum(values) / n for values in series]

    def s(i, j):
        terms = ((a - mean[i]) * (b - mean[j]) for a, b in zip(series[i], series[j]))
        return math.fsum(terms) / (n - 1)

    found = []
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        signal = s(i, j) * s(i, k) / s(j, k)
        other = ({0, 1, 2} - {i, ref}).pop()
        beta = 1.0 if i == ref else s(ref, other) / s(i, other)
        variance = s(i, i) - signal
        snr = -10 * math.log10(abs(abs(s(i, i) / signal) - 1))
        found.append((snr, math.sqrt(variance) * beta if variance >= 0 else math.nan, beta))
    return np.array(found).T


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(30, 80), st.integers(0, 2))
def test_by_formula(seed, n, reference):
    series = noisy_triple(seed, n)
    found = collocation(np.cov(np.vstack(series)), reference)
    snr, error, beta = by_formula(*(values.tolist() for values in series), reference)
    np.testing.assert_allclose(found["snr_db"], np.where(found["error_variance"] < 0, np.nan, snr), atol=1e-7)
    np.testing.assert_allclose(found["error_sd_scaled"], error, atol=1e-9)
    np.testing.assert_allclose(found["beta"], beta, atol=1e-9)


@pytest.mark.parametrize("reference", [0, 1, 2])
def test_as_pytesmo(reference):
    for seed, expected_of in zip(TRIPLES, pytesmo_numbers()["triples"]):
        found = collocation(np.cov(np.vstack(noisy_triple(seed))), reference)
        for name, numbers in zip(("snr_db", "error_sd_scaled", "beta"), expected_of[reference]):
            if name == "snr_db":
                # pytesmo gives a number of noise without a variance too.
                numbers = np.where(found["error_variance"] < 0, np.nan, numbers)
            np.testing.assert_allclose(found[name], numbers, atol=1e-10)


def test_known_errors_are_found_again():
    found = rows_of([triple(n=40_000)], draws=100)
    for member, slope, error in zip(MEMBERS, SLOPES, ERRORS):
        row = found["A", member]
        assert row.status == COLLOCATED
        assert row.value("error_sd") == pytest.approx(error, rel=0.02)
        assert row.value("beta") == pytest.approx(1 / slope, rel=0.02)
        assert row.value("error_sd_scaled") == pytest.approx(error / slope, rel=0.03)
        ratio = (slope * SIGNAL / error) ** 2
        assert row.value("snr_db") == pytest.approx(10 * np.log10(ratio), abs=0.2)
        assert row.value("truth_correlation") == pytest.approx(np.sqrt(ratio / (1 + ratio)), abs=0.005)


def test_the_sums_give_the_covariances_of_numpy():
    part = triple(n=500)
    used = part.common
    expected = collocation(np.cov(np.vstack([part.map[used], part.field[used], part.other[used]])), 2)
    found = rows_of([part], reference="third")
    for number, member in enumerate(MEMBERS):
        assert found["A", member].n == used.sum()
        for name in RESULTS:
            assert found["A", member].value(name) == pytest.approx(expected[name][number], abs=1e-12)


def test_intervals_hold_the_known_errors():
    held = dict.fromkeys(MEMBERS, 0)
    for seed in range(60):
        found = rows_of([triple(n=400, seed=seed, memory=0.5)], draws=200)
        for member, error in zip(MEMBERS, ERRORS):
            interval = found["A", member].interval("error_sd")
            held[member] += interval.lower <= error <= interval.upper
    assert all(count >= 0.85 * 60 for count in held.values()), held


def test_means_of_stations():
    found = rows_of([triple("A", seed=1), triple("B", seed=2), triple("C", n=90, seed=3)])
    assert found["C", "field"].status.endswith("days with all three, fewer than the 100 asked for")
    for member in MEMBERS:
        own = [found[station, member].value("error_sd") for station in "AB"]
        assert found[MEAN, member].value("error_sd") == pytest.approx(np.mean(own), abs=1e-12)
        assert found[MEAN, member].n_stations == 2
    assert len(rows_of([triple()])) == 3


def test_a_mean_leaves_out_the_snr_of_negative_variances():
    odd = dataclasses.replace(triple("B", n=300), map=triple("B", n=300).field * 1.01)
    found = rows_of([triple("A", n=300), odd])
    assert np.isnan([found["B", member].value("error_sd") for member in MEMBERS]).any()
    for member in MEMBERS:
        own = [found[name, member] for name in "AB"]
        snr = [row.value("snr_db") for row in own if np.isfinite(row.value("error_sd"))]
        assert found[MEAN, member].value("snr_db") == pytest.approx(np.mean(snr), abs=1e-12)


def test_negative_variances_are_said():
    part = triple(n=300)
    # Two that share their error make the third's variance, and their own, come out wrong.
    shared = dataclasses.replace(
        part, map=part.field + 0.0005 * np.random.default_rng(1).standard_normal(300)
    )
    row = rows_of([shared])["A", "source"]
    assert "negative error variance of" in row.status
    named = row.status.split(" of ")[1].split(";")[0].split(" and ")
    for member in named:
        assert np.isnan(rows_of([shared])["A", member].value("error_sd"))
        assert np.isnan(rows_of([shared])["A", member].value("truth_correlation"))


def samples_of(covariances, n):
    """Series, shape (3, n), with exactly these covariances (ddof 1)."""
    noise = np.random.default_rng(4).standard_normal((3, n))
    noise -= noise.mean(axis=1, keepdims=True)
    white = np.linalg.solve(np.linalg.cholesky(np.cov(noise)), noise)
    return 0.25 + np.linalg.cholesky(np.array(covariances)) @ white


#: Source and field share their error: the signal of the source is 0.9 x 0.8 / 0.5 = 1.44 of a variance of 1.
SHARED = 1e-3 * np.array([[1.0, 0.9, 0.8], [0.9, 1.2, 0.5], [0.8, 0.5, 1.1]])


def test_a_negative_variance_has_no_snr_and_no_interval_of_one():
    source, field, third = samples_of(SHARED, 400)
    part = dataclasses.replace(triple(n=400), map=source, field=field, other=third)
    found = rows_of([part, triple("B", n=400)])
    row = found["A", "source"]
    assert row.status == "negative error variance of source"
    for name in ("snr_db", "error_sd", "error_sd_scaled", "truth_correlation"):
        assert np.isnan(row.value(name))
        assert np.isnan([row.interval(name).lower, row.interval(name).upper]).all()
        # The mean of stations is that of the other one.
        assert found[MEAN, "source"].value(name) == found["B", "source"].value(name)
    assert row.value("beta") == pytest.approx(0.5 / 0.8, abs=1e-9)
    assert found[MEAN, "source"].status == "1 of 2 stations have an SNR"
    assert found[MEAN, "field"].status == COLLOCATED
    # |1 / 1.44 - 1| = 0.31 is what an absolute value would make of it; of the field it is right.
    field_signal = 0.9 * 0.5 / 0.8
    expected = 10 * np.log10(field_signal / (1.2 - field_signal))
    assert found["A", "field"].value("snr_db") == pytest.approx(expected, abs=1e-9)


def test_a_line_of_another_series_has_no_error_to_speak_of():
    """Rounding decides neither the sign of its error variance nor the size of its SNR."""
    part = triple(n=300)
    for slope in (0.7, 1.0, 1.1, 3.0):
        found = rows_of([dataclasses.replace(part, map=0.01 + slope * part.field)], draws=100)
        for member in ("source", "field"):
            row = found["A", member]
            assert row.status == "no error variance (a line of another series) of source and field"
            assert np.isnan([row.value(name) for name in RESULTS if name != "beta"]).all()
        assert np.isfinite(found["A", "third"].value("snr_db"))


def test_covariances_of_different_signs_have_no_snr():
    """As in a bootstrap sample: the signal would be negative, and the error larger than the series."""
    signs = SHARED * [[1, 1, 1], [1, 1, -1], [1, -1, 1]]
    found = collocation(signs, 1)
    for name in ("snr_db", "error_sd", "error_sd_scaled", "truth_correlation"):
        assert np.isnan(found[name]).all(), name


def test_against_each_other_and_constant():
    part = triple(n=300)
    against = rows_of([dataclasses.replace(part, other=-part.other)])["A", "third"]
    assert against.values == {}
    assert re.fullmatch(
        r"not correlated beyond chance \(r -0\.\d\d of source and third, r -0\.\d\d of field and third; "
        r"\d+ days\)",
        against.status,
    )
    flat = rows_of([dataclasses.replace(part, other=np.full(300, 0.2))])["A", "third"]
    assert (flat.values, flat.status) == ({}, "all values of third are equal")


@pytest.mark.parametrize("n", [30, 300])
def test_a_third_series_of_another_quantity_is_not_collocated(n):
    """As rain: independent of the two others it passes by chance in about 5 % of the cases, or fewer."""
    passed = 0
    for seed in range(200):
        part = triple(n=n, seed=seed)
        rain = np.random.default_rng(1000 + seed).gamma(0.3, 20.0, n)
        passed += bool(
            rows_of([dataclasses.replace(part, other=rain)], minimum_days=20, draws=1)["A", "third"].values
        )
    assert passed <= 18
    kept = [rows_of([triple(n=n, seed=seed)], minimum_days=20, draws=1)["A", "third"] for seed in range(50)]
    assert all(row.values for row in kept)


def test_a_correlation_that_alike_days_may_make_is_said():
    """Two walks of their own, and a third series that sees both."""
    rng = np.random.default_rng(20)
    source, field = (np.cumsum(rng.standard_normal(120)) for _ in range(2))
    sign = np.sign(np.corrcoef(source, field)[0, 1])
    field *= sign
    third = source / np.std(source) + field / np.std(field)
    part = dataclasses.replace(triple(n=120), map=source, field=field, other=third)
    status = rows_of([part])["A", "source"].status
    assert re.search(r"r 0\.\d\d of source and field may be chance \(worth \d independent days\)", status)


def test_days_too_alike_have_no_intervals():
    part = triple(n=120)
    trend = np.linspace(0.1, 0.4, 120)
    alike = [trend + 0.1 * (values - np.nanmean(values)) for values in (part.map, part.field, part.other)]
    row = rows_of([dataclasses.replace(part, map=alike[0], field=alike[1], other=alike[2])])["A", "source"]
    assert row.intervals == {}
    assert row.status.endswith(f"; intervals not defined ({row.n} days in blocks of {row.block})")
    assert "r 1.00 of source and field may be chance (worth " in row.status


def test_the_same_seed_gives_the_same_rows():
    parts = [triple("A", n=300, seed=1), triple("B", n=300, seed=2)]
    assert rows_of(parts) == rows_of(parts)
    assert rows_of(parts)["A", "field"].intervals != rows_of(parts, seed=2)["A", "field"].intervals
