"""How long work reports itself and learns that it was cancelled.

Functions take a ``progress`` and call it; the QGIS side hands them one that
speaks to ``QgsProcessingFeedback``.  The base class here is silent.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar

from .errors import Cancelled


class Progress:
    """A silent listener; subclasses override what they can show."""

    def is_cancelled(self) -> bool:
        """Whether the user asked to stop.  Called from any thread."""
        return False

    def set_fraction(self, fraction: float) -> None:
        """Show how much of the whole is done, 0...1."""

    def set_text(self, text: str) -> None:
        """Show what is going on now, in one line."""

    def log(self, text: str) -> None:
        """Keep a line in the log."""

    def warn(self, text: str) -> None:
        """Keep a line in the log that the user should not miss."""

    def told(self, text: str) -> str:
        """A sentence as users read it, where `log` and `warn` change it."""
        return text

    def check(self) -> None:
        """Raise `Cancelled` if the user asked to stop."""
        if self.is_cancelled():
            raise Cancelled

    def counter(self, total: int, unit: str) -> Counter:
        """A counter over `total` things called `unit` (plural)."""
        return Counter(self, total, unit)

    def part(self, start: float, end: float) -> Progress:
        """The same listener for work that is the share `start`...`end` of the whole."""
        return _Part(self, start, end)


class _Part(Progress):
    def __init__(self, parent: Progress, start: float, end: float):
        self._parent, self._start, self._end = parent, start, end

    def is_cancelled(self) -> bool:
        return self._parent.is_cancelled()

    def set_fraction(self, fraction: float) -> None:
        self._parent.set_fraction(self._start + fraction * (self._end - self._start))

    def set_text(self, text: str) -> None:
        self._parent.set_text(text)

    def log(self, text: str) -> None:
        self._parent.log(text)

    def warn(self, text: str) -> None:
        self._parent.warn(text)


class Pieces(_Part):
    """The same listener for pieces of work one after another: one that shows that all of it is done counts.

    Parameters
    ----------
    parent : Progress
    total : int
        How many pieces there are.
    unit : str
        What they are called, in the plural.
    """

    def __init__(self, parent: Progress, total: int, unit: str):
        super().__init__(parent, 0.0, 1.0)
        self._counter = Counter(parent, total, unit)

    def set_fraction(self, fraction: float) -> None:
        if fraction >= 1.0:
            self._counter.advance()
        else:
            self._counter.show_part(fraction)


class Counter:
    """Counts finished things and shows count, rate and time left, at most five times a second."""

    LEAST_INTERVAL = 0.2

    def __init__(self, progress: Progress, total: int, unit: str):
        self._progress, self._total, self._unit = progress, max(total, 1), unit
        self._done = 0
        self._begun = time.monotonic()
        self._shown = -1.0

    def advance(self, n: int = 1) -> None:
        """Count `n` more; raises `Cancelled` if the user asked to stop."""
        self._progress.check()
        self._done += n
        now = time.monotonic()
        if self._done < self._total and now - self._shown < self.LEAST_INTERVAL:
            return
        self._shown = now
        self._progress.set_fraction(min(self._done / self._total, 1.0))
        self._progress.set_text(self.text(now - self._begun))

    def show_part(self, share: float) -> None:
        """Show that a share of the next thing is done, 0...1."""
        self._progress.set_fraction(min((self._done + share) / self._total, 1.0))

    def text(self, seconds: float) -> str:
        """The line shown after `seconds` of work."""
        line = f"{self._done:,} of {self._total:,} {self._unit}"
        if seconds <= 0 or self._done == 0:
            return line
        rate = self._done / seconds
        line += f", {_round(rate)} a second" if rate >= 1 else f", {_round(1 / rate)} s each"
        left = (self._total - self._done) / rate
        return line + (f", {duration_text(left)} left" if left >= 1 else "")


def _round(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.1f}"


def duration_text(seconds: float) -> str:
    """`40 s`, `12 min`, `3.4 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


SILENT = Progress()

_HEARD: ContextVar[Progress] = ContextVar("heard", default=SILENT)


@contextlib.contextmanager
def heard_by(progress: Progress) -> Iterator[None]:
    """In this thread `check_cancelled` asks `progress`, for work that is handed no listener, as drawing."""
    token = _HEARD.set(progress)
    try:
        yield
    finally:
        _HEARD.reset(token)


def check_cancelled() -> None:
    """Raise `Cancelled` if the user asked to stop the work that goes on in this thread."""
    _HEARD.get().check()


def as_told(text: str) -> str:
    """A sentence as the log of the work in this thread has it."""
    return _HEARD.get().told(text)
