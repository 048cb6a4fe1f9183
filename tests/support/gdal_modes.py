"""GDAL's exceptions on and off: QGIS switches them on, Dask workers have them off."""

from __future__ import annotations

import contextlib

import pytest
from osgeo import gdal, ogr, osr

MODULES = (gdal, ogr, osr)


def all_off():
    """GDAL 3.6 lets its modules go only in the reverse of the order in which they came."""
    for _ in MODULES:
        for module in MODULES:
            with contextlib.suppress(RuntimeError):
                module.DontUseExceptions()


@pytest.fixture(params=["exceptions on", "exceptions off"])
def gdal_mode(request):
    """Runs a test in both modes and puts back the one that was found."""
    before = [module.GetUseExceptions() for module in MODULES]
    all_off()
    if request.param == "exceptions on":
        for module in MODULES:
            module.UseExceptions()
    yield request.param
    all_off()
    for module, mode in zip(MODULES, before):
        if mode:
            module.UseExceptions()
