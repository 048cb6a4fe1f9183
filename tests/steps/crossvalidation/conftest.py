"""The table that cross-validations of whole runs read."""

from __future__ import annotations

import pytest

from crossvalidation_case import GRID, NAMES, day
from matrix_cases import good_and_bad_days


@pytest.fixture
def table(tmp_path):
    return good_and_bad_days(tmp_path / "m.gpkg", GRID, NAMES, day)
