"""A listener that keeps the warnings that pass it, for a report."""

from __future__ import annotations

from ..base.progress import Progress


class Remembering(Progress):
    """Hands everything on to another listener and keeps the warnings."""

    def __init__(self, parent: Progress):
        self._parent = parent
        self.warnings: list[str] = []

    def is_cancelled(self) -> bool:
        return self._parent.is_cancelled()

    def set_fraction(self, fraction: float) -> None:
        self._parent.set_fraction(fraction)

    def set_text(self, text: str) -> None:
        self._parent.set_text(text)

    def log(self, text: str) -> None:
        self._parent.log(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)
        self._parent.warn(text)
