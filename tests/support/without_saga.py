"""Runs in which no SAGA is found: its start takes a second and a half of a processor, twice a DEM."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def without_saga(qgis_provider):
    """Terrain by the built-in engine, wherever the engine is left open; SAGA's is `tests/steps/terrain`.

    Gives what finds SAGA, for a test that wants it back.
    """
    from smap_downscaler.steps.terrain.toolbox import saga_choice

    ways = saga_choice._ways
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saga_choice, "_ways", lambda *_given: ([], ["this test leaves SAGA out"]))
        yield ways
