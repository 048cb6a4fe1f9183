"""Running algorithms from a script, with what they say on the console."""

from __future__ import annotations

import time
from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingFeedback


class Console(QgsProcessingFeedback):
    """Prints a progress line every few seconds, and all log lines that the user should see; keeps the log.

    It cancels when a line of the log begins with `cancel_after`.
    """

    INTERVAL = 5.0

    def __init__(self, show_log: bool = True, cancel_after: str = "") -> None:
        super().__init__(False)
        self.lines: list[str] = []
        self._cancel_after = cancel_after
        self._shown = time.monotonic()
        self._show_log = show_log

    def setProgressText(self, text: str) -> None:
        now = time.monotonic()
        if now - self._shown >= self.INTERVAL:
            self._shown = now
            print(f"      {text}", flush=True)

    def pushInfo(self, info: str) -> None:
        self.lines.append(info)
        if self._show_log:
            print(f"      {info}", flush=True)
        if self._cancel_after and info.startswith(self._cancel_after):
            self.cancel()

    def pushConsoleInfo(self, info: str) -> None:
        self.pushInfo(info)

    def pushWarning(self, warning: str) -> None:
        print(f"      Warning: {warning}", flush=True)


def run(title: str, algorithm: str, parameters: dict[str, Any], show_log: bool = False) -> dict[str, Any]:
    """Run `smapdownscaler:algorithm` as a script in QGIS would, and say how long it took."""
    import processing

    print(f"{title} ...", flush=True)
    begun = time.monotonic()
    feedback = Console(show_log)
    context = QgsProcessingContext()
    outputs = processing.run(f"smapdownscaler:{algorithm}", parameters, feedback=feedback, context=context)
    print(f"   {algorithm}: {time.monotonic() - begun:.1f} s", flush=True)
    return outputs
