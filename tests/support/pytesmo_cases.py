"""Series on which pytesmo was asked, and what it said: pytesmo_numbers.json.

With a Python that has pytesmo, ``python tests/support/pytesmo_cases.py`` asks it again.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np

NUMBERS = Path(__file__).with_name("pytesmo_numbers.json")
SLOPES = (0.8, 1.0, 1.6)
TRIPLES = range(20)
FIRST = dt.date(2015, 11, 20).toordinal()


def pytesmo_numbers() -> dict:
    """What pytesmo said."""
    return json.loads(NUMBERS.read_text(encoding="utf-8"))


def moisture_pair():
    """400 days of two series of soil moisture."""
    rng = np.random.default_rng(4)
    x = rng.uniform(0.05, 0.45, 400).round(3)
    return x, (0.1 + 0.7 * x + 0.03 * rng.standard_normal(400)).round(3)


def noisy_triple(seed, n=60):
    """One truth seen by three."""
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal(n)
    return [slope * truth + 0.7 * rng.standard_normal(n) for slope in SLOPES]


def three_years(seed=1):
    """Days with gaps over leap years, with seasons."""
    rng = np.random.default_rng(seed)
    days = FIRST + np.flatnonzero(rng.random(1300) < 0.6)
    values = 0.25 + 0.1 * np.sin(2 * np.pi * days / 365.25) + 0.03 * rng.standard_normal(len(days))
    return days, values


def ask() -> dict:
    """The numbers of the pytesmo that is installed."""
    import pandas
    import pytesmo
    from pytesmo import metrics
    from pytesmo.time_series.anomaly import calc_anomaly, calc_climatology

    x, y = moisture_pair()
    asked = {
        "bias": metrics.bias(y, x),
        "rmse": metrics.rmsd(y, x),
        "ubrmse": metrics.ubrmsd(y, x),
        "mae": metrics.aad(y, x),
        "pearson": np.ravel(metrics.pearson_r(x, y))[0],
        "spearman": np.ravel(metrics.spearman_r(x, y))[0],
    }
    triples = [
        [
            [np.ravel(part).tolist() for part in metrics.tcol_metrics(*noisy_triple(seed), ref_ind=reference)]
            for reference in range(3)
        ]
        for seed in TRIPLES
    ]
    days, values = three_years()
    series = pandas.Series(values, pandas.DatetimeIndex([dt.date.fromordinal(int(day)) for day in days]))
    usual = calc_climatology(series, respect_leap_years=False)
    return {
        "pytesmo": pytesmo.__version__,
        "metrics": {name: float(value) for name, value in asked.items()},
        "triples": triples,
        "anomalies": {
            "climatology": calc_anomaly(series, climatology=usual, respect_leap_years=False).tolist(),
            "moving": calc_anomaly(series, respect_leap_years=False).tolist(),
        },
    }


if __name__ == "__main__":
    NUMBERS.write_text(json.dumps(ask(), indent=0) + "\n", encoding="utf-8")
