"""The plugin: registers the Processing provider, nothing else."""

from __future__ import annotations

from typing import Any

from .toolbox.provider import SmapDownscalerProvider, register_provider, unregister_provider


class SmapDownscalerPlugin:
    """What QGIS and qgis_process load."""

    def __init__(self, iface: Any):
        self.iface = iface
        self.provider: SmapDownscalerProvider | None = None

    def initProcessing(self) -> None:
        """Register the provider; qgis_process calls only this."""
        self.provider = register_provider()

    def initGui(self) -> None:
        """Called in the window."""
        self.initProcessing()

    def unload(self) -> None:
        """Take the provider away."""
        if self.provider is not None:
            unregister_provider(self.provider)
            self.provider = None
