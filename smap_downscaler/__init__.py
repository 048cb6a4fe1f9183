"""SMAP Downscaler: SMAP soil moisture at 100 m, as QGIS Processing algorithms."""


def classFactory(iface):
    """QGIS's entry point: the plugin object."""
    from .plugin import SmapDownscalerPlugin

    return SmapDownscalerPlugin(iface)
