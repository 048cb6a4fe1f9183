"""What is said of the pattern within cells, by what the data say of it and by what was asked for."""

import re
from types import SimpleNamespace

import pytest

from smap_downscaler.methods.area import summary
from smap_downscaler.methods.area.levels import LEAST_GAIN
from smap_downscaler.methods.area.summary import DATE, PATTERN, evidence_of

GAIN = "in log likelihood the covariates gain"
UNLIKELY, LIKELY = f"{GAIN} 1.2, {LEAST_GAIN:g} is needed for a single date", f"; {GAIN} 9.0"
SUPPORTED = f"is supported by the data (signal-to-noise 0.61{LIKELY})"
MEAN, ONE = "The mean pattern within cells", "The pattern within cells"
FEW = "80 cells of a single date with a footprint of 33 km are too few to judge it; train on more dates"


@pytest.mark.parametrize(
    ("name", "snr", "detail", "wish", "sentence"),
    [
        (
            PATTERN,
            0.61,
            True,
            "by evidence",
            f"{MEAN} {SUPPORTED}",
        ),
        (PATTERN, 0.61, True, "all", f"{MEAN} {SUPPORTED}"),
        (
            PATTERN,
            0.61,
            True,
            "by evidence",
            f"{MEAN} is weakly supported by the data (signal-to-noise 0.61; {GAIN} -3.9)",
        ),
        (
            PATTERN,
            0.3,
            True,
            "none",
            f"{MEAN} is weakly supported by the data (signal-to-noise 0.30{LIKELY}); it is not shown, since "
            "DETAIL is 'none'",
        ),
        (
            PATTERN,
            0.1,
            False,
            "by evidence",
            f"{MEAN} is not supported by the data (signal-to-noise 0.100, 0.25 is needed), and not shown",
        ),
        (
            PATTERN,
            0.1,
            False,
            "all",
            f"{MEAN} is not supported by the data (signal-to-noise 0.100, 0.25 is needed), but shown, since "
            "DETAIL is 'all'",
        ),
        (PATTERN, 0.1, True, "all", f"{MEAN} hardly varies (signal-to-noise 0.10)"),
        (DATE, 0.5, False, "by evidence", f"{ONE} is not shown: {FEW}"),
        (DATE, 0.5, False, "none", f"{ONE} is not supported by the data ({UNLIKELY}), and not shown"),
        (
            DATE,
            0.5,
            False,
            "all",
            f"{ONE} is not supported by the data ({UNLIKELY}), but shown, since DETAIL is 'all'",
        ),
        (DATE, 0.5, False, "all", f"{ONE} is shown, since DETAIL is 'all', but not supported: {FEW}"),
    ],
)
def test_what_is_said_is_what_is_done(monkeypatch, name, snr, detail, wish, sentence):
    told = re.search(r"gain (-?[0-9.]+[0-9])", sentence)
    level = SimpleNamespace(name=name, snr=snr, detail=detail, cells=80)
    core = SimpleNamespace(
        levels=[SimpleNamespace(full=True, gain=float(told.group(1)) if told else 9.0)],
        two_levels=name == PATTERN,
        footprint=SimpleNamespace(km=33.0),
    )
    monkeypatch.setattr(summary, "levels_of", lambda _fitted: [level])
    assert evidence_of(SimpleNamespace(core=core, detail=wish)) == [sentence]
