"""Listeners: one that hands on to QGIS, one that keeps the warnings that pass it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from qgis.core import QgsProcessingFeedback

from ..base.progress import Progress


class QgisProgress(Progress):
    """Hands progress, log lines and cancellation between the core and QGIS; usable from any thread.

    QGIS keeps every progress text as a line of the log: they come at growing intervals.

    Parameters
    ----------
    feedback : QgsProcessingFeedback
    named : callable, optional
        Turns a sentence into what users read.
    """

    #: Seconds before the first text, and between texts at first and later on.
    QUIET, OFTEN, SELDOM = 2.0, 5.0, 30.0
    #: Seconds of work after which texts become seldom.
    LONG = 60.0

    def __init__(self, feedback: QgsProcessingFeedback, named: Callable[[str], str] = str):
        #: QGIS's own, for algorithms that are run as steps.
        self.feedback = feedback
        self._named = named
        self._begun = time.monotonic()
        self._next_text = self._begun + self.QUIET

    def is_cancelled(self) -> bool:
        return self.feedback.isCanceled()

    def set_fraction(self, fraction: float) -> None:
        self.feedback.setProgress(100.0 * fraction)

    def set_text(self, text: str) -> None:
        now = time.monotonic()
        if now >= self._next_text:
            self._next_text = now + (self.OFTEN if now - self._begun < self.LONG else self.SELDOM)
            self.feedback.setProgressText(text)

    def told(self, text: str) -> str:
        return self._named(text)

    def log(self, text: str) -> None:
        if "  " in text.strip():
            # A line of a table, in a typewriter face. Blanks beside each other would collapse; where all do
            # not break, the log breaks within words.
            self.feedback.pushConsoleInfo(re.sub(" (?= )", "\u00a0", text))
        else:
            self.feedback.pushInfo(self.told(text))

    def warn(self, text: str) -> None:
        self.feedback.pushWarning(self.told(text))


class WarningKeeper(Progress):
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
