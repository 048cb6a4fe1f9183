"""The plugin: registers the Processing provider, nothing else."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsApplication, QgsProcessingProvider

from .toolbox.provider import register_provider


class SmapDownscalerPlugin:
    """What QGIS and qgis_process load."""

    def __init__(self, iface: Any):
        self.iface = iface
        self.provider: QgsProcessingProvider | None = None

    def initProcessing(self) -> None:
        """Register the provider; qgis_process calls only this."""
        self.provider = register_provider()

    def initGui(self) -> None:
        """Called in the window."""
        self.initProcessing()

    def unload(self) -> None:
        """Take the provider away."""
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
