"""One real QGIS for all tests, in a profile of its own, and the real data where they are."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Where nobody looks at a lone failure, examples are the same in each run.
settings.register_profile(
    "project",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("project")

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support"), str(ROOT / "tools")]
pytest_plugins = ("algorithm_runs", "dialog_runs", "gdal_modes", "dask_cluster", "without_saga")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Files of tests run side by side, where the threads of OpenBLAS wait for each other a third of the time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def qgis_provider(tmp_path_factory):
    """The provider, registered in a QGIS that runs offscreen in a fresh profile."""
    from qgis_session import qgis_session

    with qgis_session(tmp_path_factory.mktemp("profile")) as provider:
        yield provider


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real data, read in place."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data (../shared/data) are not on this machine")
    return folder
