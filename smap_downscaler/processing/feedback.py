"""Progress of the core, spoken to a QgsProcessingFeedback."""

from __future__ import annotations

from qgis.core import QgsProcessingFeedback

from ..core.progress import Progress


class QgisProgress(Progress):
    """Hands progress, log lines and cancellation between the core and QGIS; usable from any thread."""

    def __init__(self, feedback: QgsProcessingFeedback):
        self._feedback = feedback

    def is_cancelled(self) -> bool:
        return self._feedback.isCanceled()

    def set_fraction(self, fraction: float) -> None:
        self._feedback.setProgress(100.0 * fraction)

    def set_text(self, text: str) -> None:
        self._feedback.setProgressText(text)

    def log(self, text: str) -> None:
        self._feedback.pushInfo(text)

    def warn(self, text: str) -> None:
        self._feedback.pushWarning(text)
