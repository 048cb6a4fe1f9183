"""What is said of the pattern within cells, by what the data say of it and by what was asked for."""

from types import SimpleNamespace

import pytest

from smap_downscaler.methods.area import summary
from smap_downscaler.methods.area.summary import (
    DATE,
    DEPARTURES,
    PATTERN,
    LevelSummary,
    doubts_of,
    evidence_of,
)

MEAN, ONE = "The mean pattern within cells", "The pattern within cells"
DATES = "The pattern of single dates"


def numbers(snr, gain):
    return f"by the data (signal-to-noise {snr}; in log likelihood the covariates gain {gain})"


@pytest.mark.parametrize(
    ("name", "snr", "gain", "wish", "sentence", "doubtful"),
    [
        (
            PATTERN,
            0.61,
            9.0,
            "by evidence",
            f"{MEAN} is supported {numbers(0.61, 9.0)}: maps show 73 % of it",
            0,
        ),
        (
            DATE,
            0.4,
            6.0,
            "by evidence",
            f"{ONE} is supported {numbers('0.40', 6.0)}: maps show 73 % of it",
            0,
        ),
        (
            DATE,
            0.61,
            9.0,
            "all",
            f"{ONE} is supported {numbers(0.61, 9.0)}: maps show all of it, since DETAIL is 'all'",
            0,
        ),
        (
            PATTERN,
            0.61,
            5.9,
            "by evidence",
            f"{MEAN} is weakly supported {numbers(0.61, 5.9)}: maps show 73 % of it",
            1,
        ),
        (
            DATE,
            0.3,
            9.0,
            "none",
            f"{ONE} is weakly supported {numbers('0.30', 9.0)}: maps show none of it, since DETAIL is 'none'",
            0,
        ),
        (
            DATE,
            0.61,
            -0.3,
            "all",
            f"{ONE} is not supported {numbers(0.61, -0.3)}: maps show all of it, since DETAIL is 'all'",
            1,
        ),
        (
            DEPARTURES,
            0.2,
            0.0,
            "by evidence",
            f"{DATES} is not supported {numbers('0.20', '0.0')}: maps show 73 % of it",
            0,
        ),
    ],
)
def test_what_is_said_is_what_is_done(monkeypatch, name, snr, gain, wish, sentence, doubtful):
    """Departures add little, and are no matter of doubt."""
    level = LevelSummary(name, 80, 1, {}, {}, snr, gain, 0.731, 0.01, 0.02)
    core = SimpleNamespace(levels=[SimpleNamespace(full=True)])
    monkeypatch.setattr(summary, "levels_of", lambda _fitted: [level])
    fitted = SimpleNamespace(core=core, detail=wish)
    assert evidence_of(fitted) == [sentence]
    assert doubts_of(fitted) == [sentence] * doubtful
