"""The plugin: registers the Processing provider, nothing else."""

from __future__ import annotations

from qgis.core import QgsApplication

from .processing.provider import register_provider


class SmapDownscalerPlugin:
    """What QGIS and qgis_process load."""

    def __init__(self, iface):
        self.iface = iface
        self.provider = None

    def initProcessing(self):
        """Register the provider; qgis_process calls only this."""
        self.provider = register_provider()

    def initGui(self):
        """Called in the window."""
        self.initProcessing()

    def unload(self):
        """Take the provider away."""
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
