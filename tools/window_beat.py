"""How long the main thread of QGIS keeps its user waiting: a beat of 10 ms, and the gaps between beats."""

from __future__ import annotations

import sys
import threading
import time
import traceback

from qgis.PyQt.QtCore import QObject, Qt, QTimer

_INTERVAL = 0.01
#: A gap as long as this is looked into: who holds the main thread?
_SUSPICIOUS = 0.1


class Beat(QObject):
    """Beats in the main thread; whatever keeps it from a beat would keep it from a click too.

    The slot is Python, so a worker thread that holds the interpreter's lock counts as well: the
    figures are upper bounds of what a user feels.
    """

    def __init__(self) -> None:
        super().__init__()
        self._times = [time.perf_counter()]
        self._stacks: list[tuple[float, str]] = []
        self._main = threading.main_thread().ident or threading.get_ident()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start(int(1000 * _INTERVAL))
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name="beat-watch", daemon=True).start()

    def _beat(self) -> None:
        self._times.append(time.perf_counter())

    def _watch(self) -> None:
        looked = time.perf_counter()
        while not self._ended.wait(_SUSPICIOUS / 2):
            now = time.perf_counter()
            # Where this thread was kept waiting too, native code held the interpreter's lock until now.
            if now - self._times[-1] > _SUSPICIOUS or now - looked > 2 * _SUSPICIOUS:
                self._stacks.append((now, _stacks(self._main)))
            looked = now

    def longest(self, start: float, end: float) -> tuple[float, str]:
        """Longest wait in seconds from `start` to `end` (perf_counter), when in it, and where Python was."""
        times = [*self._times, time.perf_counter()]
        gaps = [(min(b, end) - max(a, start), a, b) for a, b in zip(times, times[1:])]
        wait, begun, over = max(gaps)
        seen = [stack for moment, stack in self._stacks if begun <= moment <= over + _SUSPICIOUS]
        what = f"{max(begun, start) - start:.1f} s after its begin; {seen[0] if seen else 'no Python seen'}"
        return max(wait, 0.0), what if wait > _SUSPICIOUS else ""

    def stop(self) -> None:
        """No more beats."""
        self._timer.stop()
        self._ended.set()


def _stacks(main: int) -> str:
    """The innermost calls of all Python threads but this one, the main thread first."""
    own = threading.get_ident()
    frames = sorted(sys._current_frames().items(), key=lambda item: item[0] != main)
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    parts = []
    for ident, frame in frames:
        if ident == own:
            continue
        calls = traceback.extract_stack(frame)[-4:]
        way = " > ".join(f"{call.filename.rpartition('/')[2]}:{call.lineno} {call.name}" for call in calls)
        parts.append(f"{'main' if ident == main else names.get(ident, 'task')}: {way}")
    return "\n".join(parts)
