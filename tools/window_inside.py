"""What runs inside the QGIS window: steps, one after the other, each with its outcome in a status file.

The job tells "steps" (names in window_tour.STEPS), "data" (folder of window_data.py), "output" (folder for
pictures and results) and "status" (file).

A step is a generator: it yields seconds to wait, or a `Wait` for something to become true.
"""

from __future__ import annotations

import json
import subprocess
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qgis.core import Qgis, QgsApplication, QgsProject
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QMessageBox, QWidget

_TICK = 30
Step = Generator[Any, None, None]


class StepError(Exception):
    """A step did not find what should be there."""


@dataclass
class Wait:
    """Until `condition()` is true, at most `seconds`."""

    condition: Callable[[], Any]
    what: str
    seconds: float = 120.0


@dataclass
class Outcome:
    """What became of a step."""

    name: str
    error: str = ""
    seconds: float = 0.0
    notes: dict[str, Any] = field(default_factory=dict)


class Runner:
    """Takes the steps one after the other, driven by a timer, also while a message box is open."""

    def __init__(self, window: Any, steps: list[tuple[str, Callable[[Any], Step]]], status: Path) -> None:
        self._window, self._status = window, status
        self._left: Iterator[tuple[str, Callable[[Any], Step]]] = iter(steps)
        self._step: Step | None = None
        self._waiting: Wait | None = None
        self._until = self._begun = 0.0
        self.outcomes: list[Outcome] = []
        self._later(2000)

    def _later(self, milliseconds: int = _TICK) -> None:
        # Single shots: a repeated timer stands still in a dialog that its own slot has opened.
        QTimer.singleShot(milliseconds, self._tick)

    def _tick(self) -> None:
        try:
            if not self._still_waiting():
                self._go_on()
        except Exception:
            self._fail(traceback.format_exc(limit=-3))
        finally:
            self._later()

    def _still_waiting(self) -> bool:
        if self._waiting is None:
            return time.monotonic() < self._until
        if self._waiting.condition():
            self._waiting = None
            return False
        if time.monotonic() > self._until:
            what, self._waiting = self._waiting.what, None
            raise StepError(f"waited too long for {what}")
        return True

    def _go_on(self) -> None:
        if self._step is None:
            self._next_step()
            return
        try:
            wish: float | Wait = next(self._step)
        except StopIteration:
            self._end_step()
            return
        self._waiting = wish if isinstance(wish, Wait) else None
        self._until = time.monotonic() + (wish.seconds if isinstance(wish, Wait) else wish)

    def _next_step(self) -> None:
        name, step = next(self._left, ("", None))
        if step is None:
            self._window.leave()
            self._until = time.monotonic() + 1e9
            return
        self.outcomes.append(Outcome(name))
        self._window.notes = self.outcomes[-1].notes
        self._begun = time.monotonic()
        self._step = step(self._window)

    def _fail(self, message: str) -> None:
        if not self.outcomes or self._step is None:
            self.outcomes.append(Outcome("start"))
        self.outcomes[-1].error = message
        self._window.picture(f"failed_{self.outcomes[-1].name}")
        self._end_step()

    def _end_step(self) -> None:
        self._step = self._waiting = None
        self._until = 0.0
        self.outcomes[-1].seconds = time.monotonic() - self._begun
        self._window.tidy()
        self.save()

    def save(self) -> None:
        """Write the status file; after each step, as QGIS may crash in the next."""
        state = {
            "version": Qgis.version(),
            "steps": [vars(outcome) for outcome in self.outcomes],
            "messages": self._window.messages,
        }
        self._status.write_text(json.dumps(state, indent=1), encoding="utf-8")


class Window:
    """QGIS's window, with what several steps need."""

    def __init__(self, iface: Any, job: dict[str, Any]) -> None:
        from window_beat import Beat

        self.iface, self.main = iface, iface.mainWindow()
        self.data, self.output = Path(job["data"]), Path(job["output"])
        self.notes: dict[str, Any] = {}
        self.messages: list[str] = []
        self.beat = Beat()
        #: When processAlgorithm of an algorithm of the plugin began and ended (perf_counter).
        self.worked: list[list[float]] = []
        self._open: list[QWidget] = []
        QgsApplication.messageLog().messageReceived[str, str, Qgis.MessageLevel].connect(self._hear)
        self._note_work()
        self.main.showMaximized()

    def _hear(self, text: str, tag: str, level: Any) -> None:
        if level in (Qgis.MessageLevel.Warning, Qgis.MessageLevel.Critical):
            self.messages.append(f"{tag}: {text}")

    def _note_work(self) -> None:
        """Note begin and end of the work of each run, in the thread where it is done."""
        from smap_downscaler.toolbox.algorithm import SmapAlgorithm

        original = SmapAlgorithm.processAlgorithm

        def process(algorithm: Any, parameters: Any, context: Any, feedback: Any) -> Any:
            span = [time.perf_counter(), float("inf")]
            self.worked.append(span)
            try:
                return original(algorithm, parameters, context, feedback)
            finally:
                span[1] = time.perf_counter()

        SmapAlgorithm.processAlgorithm = process

    def picture(self, name: str, widget: QWidget | None = None) -> None:
        """The screen, or the window `widget` with its frame, as `name`.png; the main thread waits for it."""
        window = ["-window", "root"] if widget is None else ["-frame", "-window", str(int(widget.winId()))]
        subprocess.run(["import", "-silent", *window, str(self.output / f"{name}.png")], check=True)

    def show(self, dialog: QWidget) -> None:
        """Show a dialog, to be closed at the end of the step."""
        self._open.append(dialog)
        dialog.show()
        dialog.raise_()

    def tidy(self) -> None:
        """Close what a step left open."""
        box = QgsApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            box.reject()
        while self._open:
            dialog = self._open.pop()
            # A dialog of Processing deletes itself when it is closed.
            if not sip.isdeleted(dialog):
                dialog.close()

    def drawn(self) -> bool:
        """Whether the map is at rest."""
        return not self.iface.mapCanvas().isDrawing()

    def leave(self) -> None:
        """Quit QGIS as a user does, without a question."""
        self.beat.stop()
        QgsProject.instance().setDirty(False)
        QTimer.singleShot(0, self.iface.actionExit().trigger)


def start(job: dict[str, Any], steps: dict[str, Callable[[Any], Step]]) -> Runner:
    """Begin with those of the steps that the job names."""
    from qgis.utils import iface

    Path(job["output"]).mkdir(parents=True, exist_ok=True)
    return Runner(Window(iface, job), [(name, steps[name]) for name in job["steps"]], Path(job["status"]))
