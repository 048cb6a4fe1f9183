"""Inside QGIS: running an algorithm from its dialog, and how long the main thread waited meanwhile."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from qgis.core import QgsApplication
from qgis.gui import QgsProcessingAlgorithmDialogBase
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QMessageBox, QTextEdit

from window_inside import Step, StepError, Wait, Window

PROVIDER = "smapdownscaler"


class DialogRun:
    """A dialog, the click on Run, and what came of it."""

    def __init__(
        self, window: Window, dialog: QgsProcessingAlgorithmDialogBase, opened: float | None = None
    ) -> None:
        self._window, self.dialog = window, dialog
        self.ended = self.successful = False
        self.results: dict[str, Any] = {}
        self._opened = time.perf_counter() if opened is None else opened
        self._shown = self._clicked = 0.0
        dialog.algorithmFinished.connect(self._finish)

    def opened(self) -> None:
        """The dialog stands, and is filled in."""
        self._shown = time.perf_counter()

    def click(self) -> None:
        """Press Run when the event loop is free: the click returns only when a message box is closed."""
        self._spans = len(self._window.worked)
        QTimer.singleShot(0, self._click)

    def _click(self) -> None:
        self._clicked = time.perf_counter()
        self.dialog.runButton().click()

    def _finish(self, successful: bool, results: dict[str, Any]) -> None:
        self.ended, self.successful, self.results = True, successful, results

    def wait(self, seconds: float = 900.0) -> Wait:
        """Until QGIS has dealt with the end of the run."""
        return Wait(lambda: self.ended, f"the end of '{self.dialog.windowTitle()}'", seconds)

    @property
    def log(self) -> str:
        """What the dialog's log page shows."""
        texts = (edit.toPlainText() for edit in self.dialog.findChildren(QTextEdit, "txtLog"))
        return "\n".join(texts).strip()

    def working(self) -> bool:
        """Whether the algorithm's work has begun and not ended."""
        return len(self._window.worked) > self._spans and self._window.worked[-1][1] == float("inf")

    def waits(self) -> dict[str, Any]:
        """Seconds of work, and the longest wait of the main thread in each phase, ms."""
        spans = self._window.worked[self._spans :]
        if not spans:
            raise StepError(f"'{self.dialog.windowTitle()}' did no work:\n{self.log}")
        begun, over = spans[0][0], spans[-1][1]
        phases = {
            "open": (self._opened, self._shown),
            "click": (self._clicked, begun),
            "work": (begun, over),
            "end": (over, time.perf_counter()),
        }
        figures: dict[str, Any] = {"seconds": over - begun}
        for phase, span in phases.items():
            wait, stack = self._window.beat.longest(*span)
            figures[phase] = 1000 * wait
            figures[f"{phase}_stack"] = stack
        return figures


def open_dialog(window: Window, algorithm: str, parameters: dict[str, Any], height: int = 0) -> DialogRun:
    """The dialog of an algorithm, as the toolbox opens it, filled in."""
    import processing

    opened = time.perf_counter()
    dialog = processing.createAlgorithmDialog(f"{PROVIDER}:{algorithm}", parameters)
    if dialog is None:
        raise StepError(f"QGIS knows no algorithm {PROVIDER}:{algorithm}")
    window.show(dialog)
    if height:
        dialog.resize(dialog.width(), height)
    return DialogRun(window, dialog, opened)


def timed_run(window: Window, algorithm: str, parameters: dict[str, Any], height: int = 0) -> Step:
    """Open the dialog, take its picture, run, take the picture of the log, and note the waits."""
    run = open_dialog(window, algorithm, parameters, height)
    yield 1.0
    run.opened()
    window.picture(f"dialog_{algorithm}", run.dialog)
    yield 0.5
    run.click()
    yield run.wait()
    # Loading the layers ends when the map is drawn.
    yield 0.5
    yield Wait(window.drawn, "the map")
    yield 0.5
    # A step may run several tools.
    window.notes["waits"] = run.waits()
    window.notes[f"log of {algorithm}"] = run.log
    window.notes[f"seconds of {algorithm}"] = window.notes["waits"]["seconds"]
    window.notes["layers"] = sorted(layer.name() for layer in loaded())
    window.picture(f"log_{algorithm}", run.dialog)
    if not run.successful:
        raise StepError(f"{algorithm} failed:\n{run.log}")
    window.notes["outputs"] = {name: str(value) for name, value in run.results.items()}


def loaded() -> list[Any]:
    """The layers of the project."""
    from qgis.core import QgsProject

    return list(QgsProject.instance().mapLayers().values())


def message_box() -> QMessageBox | None:
    """The message box that is open, if any."""
    box = QgsApplication.activeModalWidget()
    return box if isinstance(box, QMessageBox) else None


def left_in(folder: Path) -> list[str]:
    """Names of all files in a folder, sorted."""
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
