"""What is read from SAGA's output."""

from __future__ import annotations

import pytest

from smap_downscaler.steps.terrain.saga.output import SagaTalk, version_number

BANNER = """____________________________

   #####   ##   #####    ##
  ###     ###  ##       ###
____________________________

SAGA Version: 8.5.0

____________________________
library name: libta_preprocessor
"""


def talk_of(text, size=7):
    talk = SagaTalk()
    for start in range(0, len(text), size):
        talk.feed(text[start : start + size])
    talk.end()
    return talk


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_version_and_progress_in_any_pieces(size):
    text = f"{BANNER}\r  1%\r 99%\n[Fill Sinks] Execution started...\n\r  1%\r 42%\n"
    talk = talk_of(text, size)
    assert talk.version == "8.5.0"
    assert talk.fraction == 0.42


def test_only_the_tools_own_work_is_progress_and_it_never_falls():
    talk = SagaTalk()
    seen = []
    for line in (
        " 50%",
        "x Execution started...",
        " 10%",
        " 60%",
        " 5%",
        "x Execution succeeded (1s)",
        "100%",
    ):
        talk.line(line)
        seen.append(talk.fraction)
    assert seen == [0.0, 0.0, 0.1, 0.6, 0.6, 0.6, 0.6]


def test_a_tool_that_overshoots_is_done():
    talk = talk_of("Execution started\r101%\r")
    assert talk.fraction == 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # SAGA 8.5: a missing file, then its usage.
        (
            "Loading grid: no.sgrd...\nfailed\nError: input file [no.sgrd]\nError: DEM\n"
            "Error: invalid command [ta_hydrology 0 -ELEVATION no.sgrd]\nUsage: saga_cmd x\n",
            "Error: input file [no.sgrd]; Error: DEM",
        ),
        # SAGA 9.14: several on one line.
        (
            "12:00:01: Warning: Cannot set locale to x.\n[Error] header file error: no.sgrd[Error] DEM\n"
            "[Error] invalid command:\nta_hydrology 0 -ELEVATION no.sgrd",
            "Error: header file error: no.sgrd; Error: DEM",
        ),
        (
            "Saving grid: f.sgrd...\n13:54:53: Error: can't open file 'f.sgrd' (error 2: none)\nfailed\n",
            "Error: can't open file 'f.sgrd' (error 2: none)",
        ),
        # No word of an error: the last words.
        (
            BANNER + "\nSaving grid: f.sgrd...\n\r  1%\r 2%\n\nfailed\n",
            "library name: libta_preprocessor; Saving grid: f.sgrd; failed",
        ),
        # What means no harm is no message.
        (
            "Saving grid\nokay\nError: The tool does not know some of the provided arguments!!\n",
            "Saving grid; okay",
        ),
        ("Error: a\nError: a\n", "Error: a"),
        ("", ""),
    ],
)
def test_message(text, message):
    assert talk_of(text).message() == message


def test_a_long_message_is_cut():
    message = talk_of("Error: " + 200 * "very ").message()
    assert message.endswith(" ...")
    assert len(message) < 310


def test_versions_are_numbers():
    assert version_number("(found: 9.14.1, ") == (9, 14, 1)
    assert version_number(": >=9.2.)") == (9, 2)
    assert version_number("9.14") > version_number("9.2") > version_number("8.5.0")
    assert version_number("none") == ()
