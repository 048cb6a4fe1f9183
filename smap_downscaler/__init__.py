"""SMAP Downscaler: SMAP soil moisture at 100 m, as QGIS Processing algorithms."""

from typing import Any


def classFactory(iface: Any) -> Any:
    """QGIS's entry point: the plugin object."""
    from .plugin import SmapDownscalerPlugin

    return SmapDownscalerPlugin(iface)
