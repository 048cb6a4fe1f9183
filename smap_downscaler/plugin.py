"""The plugin: registers the Processing provider, and shows what comes of its runs in QGIS's window."""

from __future__ import annotations

from typing import Any

from .toolbox.menu import Menu
from .toolbox.provider import SmapDownscalerProvider, register_provider, unregister_provider
from .toolbox.window import MainWindow


class SmapDownscalerPlugin:
    """What QGIS and qgis_process load."""

    def __init__(self, iface: Any):
        self.iface = iface
        self.provider: SmapDownscalerProvider | None = None
        self.window: MainWindow | None = None
        self.menu: Menu | None = None

    def initProcessing(self) -> None:
        """Register the provider; qgis_process calls only this."""
        self.provider = register_provider()

    def initGui(self) -> None:
        """Called in the window."""
        self.initProcessing()
        self.window = MainWindow(self.iface)
        self.window.open()
        self.menu = Menu(self.iface)
        self.menu.open()

    def unload(self) -> None:
        """Take the provider away."""
        if self.menu is not None:
            self.menu.close()
            self.menu = None
        if self.window is not None:
            self.window.close()
            self.window = None
        if self.provider is not None:
            unregister_provider(self.provider)
            self.provider = None
