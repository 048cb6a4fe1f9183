"""Files that users have, with right values (../shared/cases); skipped where they are not on the machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RUNNER = ROOT.parent / "shared" / "cases" / "run.py"
#: Twenty is of dialogs and the modeler, which have no widget of our own yet.
CASES = [f"{number:02d}-" for number in range(1, 20)]


@pytest.mark.parametrize("case", CASES)
def test_a_file_that_users_have_gives_the_right_value_or_a_word(case):
    if not RUNNER.exists():
        pytest.skip("the cases (../shared/cases) are not on this machine")
    done = subprocess.run([sys.executable, str(RUNNER), case], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("1 of 1 pass\n")
