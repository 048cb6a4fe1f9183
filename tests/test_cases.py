"""Files that users have, with right values (../shared/cases); skipped where they are not on the machine.

The cases' own runner starts a QGIS for each; here they share the one of all tests.
"""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "cases"
CASES = [f"{number:02d}-" for number in range(1, 21)]


@pytest.fixture(scope="module")
def runner(qgis_provider):
    """The module of the cases, and what it sets for all of Python as it was before."""
    if not (FOLDER / "run.py").exists():
        pytest.skip("the cases (../shared/cases) are not on this machine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", sys.dont_write_bytecode)
        patch.setattr(sys, "path", [str(FOLDER), *sys.path])
        yield importlib.import_module("run")


@pytest.mark.parametrize("case", CASES)
def test_a_file_that_users_have_gives_the_right_value_or_a_word(runner, tmp_path, case):
    from qgis.core import QgsProject

    (name,) = (name for name in runner.CASES if name.startswith(case))
    # A case never writes beside the files.
    shutil.copytree(FOLDER, tmp_path / "data")
    (tmp_path / "work").mkdir()
    one = runner.Case(name, tmp_path / "data", tmp_path / "work")
    try:
        runner.CASES[name](one)
    finally:
        QgsProject.instance().clear()
    assert one.marks
    assert [told for good, told in one.marks if not good] == []
