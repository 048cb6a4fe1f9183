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


@pytest.fixture(scope="module")
def lines(request):
    """What the runner says of each case that is asked for, by the case's number."""
    if not RUNNER.exists():
        pytest.skip("the cases (../shared/cases) are not on this machine")
    asked = [case for case in CASES if any(f"[{case}]" in item.name for item in request.session.items)]
    done = subprocess.run([sys.executable, str(RUNNER), *asked], cwd=ROOT, capture_output=True, text=True)
    said = done.stdout.splitlines()
    assert len(said) == len(asked) + 1, done.stdout + done.stderr
    return {line.split()[1][:3]: line for line in said[:-1]}


@pytest.mark.parametrize("case", CASES)
def test_a_file_that_users_have_gives_the_right_value_or_a_word(lines, case):
    assert lines[case].startswith("PASS "), lines[case]
