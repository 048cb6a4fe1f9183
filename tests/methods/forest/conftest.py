"""What tests of forests share."""

import pytest

from smap_downscaler.methods.forest.compiled import NUMBA, Numba


@pytest.fixture(autouse=True)
def plain_forests(monkeypatch):
    """As in a run of few pixels, whatever tests before have loaded."""
    for name, value in vars(Numba()).items():
        monkeypatch.setattr(NUMBA, name, value)
